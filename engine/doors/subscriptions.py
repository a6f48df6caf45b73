"""Surfaces that want to be told: who has asked for which values, until when; a minute, unless they say that they are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.doors.nodes import Refused
from engine.doors.packet import Arrived
from engine.doors.porter import Porter
from engine.doors.wires import Answer, Sender, bundle, encode, most_crowding

KEEP = 60.0  # seconds that a subscription lasts


@dataclass(slots=True)
class Subscription:
    """A surface that wants to be told."""

    name: str  # whose: an IP address
    pattern: str
    answer: Answer
    until: float  # monotonic seconds


class Subscriptions:
    """Everybody who has subscribed. In the event loop of the doors."""

    MOST = 64

    def __init__(self, porter: Porter):
        self.porter = porter
        self.held: dict[tuple[str, str], Subscription] = {}  # by where to, and pattern

    def add(self, message: Arrived, sender: Sender) -> None:
        """`/hm/subscribe`: patterns, and a port of theirs, in any order. Raises Refused."""
        patterns, port = wanted(message)
        for pattern in patterns or ["/hm/state/*"]:
            if not self.porter.nodes.matching(pattern):
                raise self.porter.nodes.unknown(pattern)
            answer = sender.port(port) if port and sender.port else sender.answer
            target = f"{sender.name} {port}" if port and sender.port else sender.key
            self.held.pop((target, pattern), None)
            if len(self.held) >= self.MOST:
                del self.held[most_crowding((s.name, s.until, key) for key, s in self.held.items())]
                self.porter.counts["osc_subscriptions_ended"] += 1
            until = self.porter.clock() + KEEP
            self.held[target, pattern] = Subscription(sender.name, pattern, answer, until)

    def remove(self, message: Arrived, sender: Sender) -> None:
        """`/hm/unsubscribe`: what they name of their own, all of it where they name nothing. Raises Refused."""
        patterns, port = wanted(message)
        for target, pattern in self._of(sender):
            if (not patterns or pattern in patterns) and (not port or target == f"{sender.name} {port}"):
                del self.held[target, pattern]

    def keep(self, sender: Sender) -> None:
        """They are still there: another minute."""
        for subscription in self._of(sender).values():
            subscription.until = self.porter.clock() + KEEP

    def _of(self, sender: Sender) -> dict[tuple[str, str], Subscription]:
        """To where a sender sends from, and to ports that its machine has named."""
        return {key: s for key, s in self.held.items() if key[0] == sender.key or key[0].startswith(sender.name + " ")}

    def publish(self) -> None:
        """Send everybody the newest values; call it at the steady rate."""
        now = self.porter.clock()
        for key in [key for key, subscription in self.held.items() if subscription.until < now]:
            del self.held[key]
        encoded: dict[str, bytes] = {}
        for subscription in self.held.values():
            messages = []
            for node in self.porter.nodes.matching(subscription.pattern):
                if node.address in self.porter.nodes.values:
                    if node.address not in encoded:
                        encoded[node.address] = encode(node.address, self.porter.nodes.values[node.address])
                    messages.append(encoded[node.address])
            for data in bundle(messages):
                subscription.answer(data)


def wanted(message: Arrived) -> tuple[Sequence[str], int]:
    """The patterns and the port (0 = none) that a subscription names, in any order. Raises Refused."""
    patterns, port = [], 0
    for arg in message.args:
        if isinstance(arg, str):
            patterns.append(arg)
        elif isinstance(arg, (int, float)) and 0 < arg < 65536 and arg == int(arg):
            port = int(arg)
        else:
            raise Refused(f"{message.address} wants patterns and a port, found {arg!r}", message.address)
    return patterns, port
