"""The performer's door: OSC, validated, answered, never able to hold anything up.

What messages mean is here; how they travel is in wires.py. Everything runs in the event loop of the doors.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.core.messages import KINDS, Message, News, Node, Returned, Set, Stored, Text, Touch, Withdraw, Withdrawn
from engine.doors import packet
from engine.doors.moderation import LIMIT
from engine.doors.nodes import Refused, is_pattern
from engine.doors.packet import Arrived, Malformed
from engine.doors.porter import Limiter, Porter
from engine.doors.wires import Answer, Sender, bundle, encode

log = logging.getLogger("engine.doors.osc")

KEEP = 60.0  # seconds that a subscription lasts


class Osc:
    """What OSC messages mean, whichever way they came."""

    def __init__(self, porter: Porter, now: Callable[[], float] = time.time):
        self.porter, self.now = porter, now
        self.allowed = [ipaddress.ip_network(network) for network in porter.options.osc_allow]
        self.errors = Limiter(10, 1.0)  # answers to errors, per sender and second
        self.texts = Limiter(porter.options.osc_texts, porter.options.window)
        self.subscribers: dict[tuple[str, str], Subscription] = {}
        self._logged = Limiter(5, 1.0)
        self._own: dict[str, Callable[[Arrived, Sender], None]] = {
            "/hm/text": self._text, "/hm/touch": self._touch, "/hm/withdraw": self._withdraw, "/hm/ping": self._ping,
            "/hm/sync": self._sync, "/hm/subscribe": self._subscribe, "/hm/unsubscribe": self._unsubscribe,
        }  # fmt: skip

    def welcome(self, name: str) -> bool:
        """True if this address is on the allow-list."""
        address = ipaddress.ip_address(name.partition("%")[0])
        return any(address in network for network in self.allowed)

    def receive(self, data: bytes, sender: Sender) -> None:
        """Take in one packet. Never raises."""
        try:
            arrived = packet.read(data, self.now())
        except Malformed as wrong:
            self._complain(sender, str(wrong), "", "malformed")
            return
        messages: list[Message] = []
        for message in arrived:
            self.porter.counts["osc_messages"] += 1
            self.porter.counts["osc_late"] += message.late
            try:
                messages += self._mean(message, sender)
            except Refused as wrong:
                self._complain(sender, str(wrong), wrong.near, "refused")
        if messages:
            self.porter.forward(*messages)

    def _mean(self, message: Arrived, sender: Sender) -> list[Message]:
        """The messages for the loop; everything else is done here. Raises Refused."""
        own = self._own.get(message.address)
        if own:
            if message.due:  # the loop keeps parameters until they are due; what is ours waits here
                asyncio.get_running_loop().call_later(message.due - self.now(), self._later, own, message, sender)
            else:
                own(message, sender)
            return []
        nodes = self.porter.nodes.matching(message.address)
        if not nodes:
            raise self.porter.nodes.unknown(message.address)
        if not message.args and any(node.types for node in nodes):
            self._answer(nodes, sender)
            return []
        if is_pattern(message.address):  # a wildcard names what it can; what takes other arguments is not meant
            nodes = tuple(node for node in nodes if node.writable and node.types and node.address not in self._own)
        if message.args and message.args[0] in (0, False) and all(not node.types for node in nodes):
            return []  # a button let go
        at = self.porter.clock() + message.due - self.now() if message.due else 0.0
        return [Set(node.address, self.porter.nodes.check(node, message.args), at) for node in nodes]

    def _later(self, act: Callable[[Arrived, Sender], None], message: Arrived, sender: Sender) -> None:
        try:
            act(message, sender)
        except Refused as wrong:
            self._complain(sender, str(wrong), wrong.near, "refused")

    def _complain(self, sender: Sender, said: str, near: str, what: str) -> None:
        """Log and answer what was not understood, a few times a second at most."""
        self.porter.counts[f"osc_{what}"] += 1
        if not self._logged.wait(what, self.porter.clock()):
            log.warning("from %s: %s", sender.name, said)
        if not self.errors.wait(sender.name, self.porter.clock()):
            sender.answer(encode("/hm/error", (said, near)))

    def _answer(self, nodes: Sequence[Node], sender: Sender) -> None:
        values = self.porter.nodes.values
        known = [(node.address, values[node.address]) for node in nodes if node.address in values]
        if not known:
            raise Refused(f"{nodes[0].address} cannot be read", nodes[0].address)
        for data in [encode(*known[0])] if len(known) == 1 else bundle([encode(*one) for one in known]):
            sender.answer(data)

    # what the doors answer by themselves

    def _text(self, message: Arrived, sender: Sender) -> None:
        node = self.porter.nodes.by_address["/hm/text"]
        (words,) = self.porter.nodes.check(node, message.args[:1])
        language, key = ((*(str(arg) for arg in message.args[1:3]), "", ""))[:2]
        wait = self.texts.wait(sender.name, self.porter.clock())
        if wait:
            raise Refused(f"/hm/text: more than {self.texts.most} texts in {self.texts.window:g} s; wait {wait:.1f} s")
        self.porter.listeners[sender.visit] = lambda news: _tell(news, sender)
        text = Text(str(words), "performer", key[:64] or secrets.token_hex(8), sender.visit, language[:8])
        task = asyncio.get_running_loop().create_task(self._say(text, sender))
        task.add_done_callback(_raise)

    async def _say(self, text: Text, sender: Sender) -> None:
        said = await self.porter.say(text)
        if said in ("empty", "long"):
            found = f"/hm/text: 1 to {LIMIT} characters are taken, found {len(text.words)}"
            self._complain(sender, found, "/hm/text", "refused")

    def _touch(self, message: Arrived, sender: Sender) -> None:
        x, y = self.porter.nodes.check(self.porter.nodes.by_address["/hm/touch"], message.args)
        self.porter.listeners[sender.visit] = lambda news: _tell(news, sender)
        self.porter.forward(Touch(float(x), float(y), sender.visit, self.porter.clock()))

    def _withdraw(self, message: Arrived, sender: Sender) -> None:
        (code,) = self.porter.nodes.check(self.porter.nodes.by_address["/hm/withdraw"], message.args)
        self.porter.listeners[sender.visit] = lambda news: _tell(news, sender)
        self.porter.forward(Withdraw(str(code)[:64], sender.visit, self.porter.clock()))

    def _ping(self, message: Arrived, sender: Sender) -> None:
        sender.answer(encode("/hm/pong", message.args))
        for (name, _), subscription in self.subscribers.items():
            if name == sender.name:
                subscription.until = self.porter.clock() + KEEP

    def _sync(self, message: Arrived, sender: Sender) -> None:
        for data in bundle([encode(*one) for one in self.porter.nodes.values.items()]):
            sender.answer(data)
        sender.answer(encode("/hm/synced", message.args))

    def _subscribe(self, message: Arrived, sender: Sender) -> None:
        pattern, port = "/hm/state/*", 0
        for arg in message.args:
            if isinstance(arg, str):
                pattern = arg
            elif isinstance(arg, (int, float)) and 0 < arg < 65536:
                port = int(arg)
            else:
                raise Refused(f"/hm/subscribe wants a pattern and a port, found {arg!r}", "/hm/subscribe")
        if not self.porter.nodes.matching(pattern):
            raise self.porter.nodes.unknown(pattern)
        if len(self.subscribers) >= 64:
            raise Refused("/hm/subscribe: 64 subscriptions are held already; they end after 60 s")
        answer = sender.port(port) if port and sender.port else sender.answer
        self.subscribers[sender.name, f"{pattern} {port}"] = Subscription(pattern, answer, self.porter.clock() + KEEP)

    def _unsubscribe(self, message: Arrived, sender: Sender) -> None:
        for key in [key for key in self.subscribers if key[0] == sender.name]:
            del self.subscribers[key]

    def publish(self) -> None:
        """Send every subscriber the newest values; call it at the steady rate."""
        now = self.porter.clock()
        for key in [key for key, subscription in self.subscribers.items() if subscription.until < now]:
            del self.subscribers[key]
        encoded: dict[str, bytes] = {}
        for subscription in self.subscribers.values():
            messages = []
            for node in self.porter.nodes.matching(subscription.pattern):
                if node.address in self.porter.nodes.values:
                    if node.address not in encoded:
                        encoded[node.address] = encode(node.address, self.porter.nodes.values[node.address])
                    messages.append(encoded[node.address])
            for data in bundle(messages):
                subscription.answer(data)


@dataclass(slots=True)
class Subscription:
    """A surface that wants to be told."""

    pattern: str
    answer: Answer
    until: float  # monotonic seconds


def _tell(news: News, sender: Sender) -> None:
    """News of a performer's text, touch or withdrawal."""
    match news:
        case Stored(key, fragment, code):
            sender.answer(encode("/hm/stored", (key, fragment, code)))
        case Returned(key, _, tokens, displacement, depth):
            words = " ".join(token.text for token in tokens)
            sender.answer(encode("/hm/returned", (key, words, float(displacement), depth)))
        case Withdrawn(code, found):
            sender.answer(encode("/hm/withdrawn", (code, found)))
        case _:
            for a in getattr(news, "ancestors", ())[:8]:
                row = (a.id, float(a.share), KINDS.index(a.kind), a.depth, float(a.age))
                sender.answer(encode("/hm/told", row))


def _raise(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        log.error("a text was lost", exc_info=task.exception())
