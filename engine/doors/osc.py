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
from dataclasses import replace

from engine.core.messages import (
    KINDS,
    Message,
    News,
    Node,
    Returned,
    Set,
    Stored,
    Text,
    Touch,
    Trouble,
    Withdraw,
    Withdrawn,
)
from engine.doors import packet
from engine.doors.clocks import FUTURE, Clocks
from engine.doors.guard import loopback, near
from engine.doors.limiter import Limiter
from engine.doors.moderation import LIMIT
from engine.doors.nodes import Refused, is_pattern, is_switch, text
from engine.doors.options import LANGUAGES, WINDOW
from engine.doors.packet import Arrived, Malformed
from engine.doors.porter import Porter
from engine.doors.sensor import Sensors
from engine.doors.subscriptions import Subscriptions
from engine.doors.wires import Sender, address, bundle, encode

log = logging.getLogger("engine.doors.osc")
NAME = 40  # characters of a sensor's name
TEXTS = 100  # per sender in WINDOW seconds: a performer is faster than a crowd



class Osc:
    """What OSC messages mean, whichever way they came."""

    def __init__(self, porter: Porter, now: Callable[[], float] = time.time):
        self.porter, self.now = porter, now
        self.allowed = [ipaddress.ip_network(network) for network in porter.options.osc_allow]
        self.clocks = Clocks()
        self.sensors = Sensors()
        self.errors = Limiter(10, 1.0)  # answers to errors, per sender and second
        self.texts = Limiter(TEXTS, WINDOW)
        self.subscriptions = Subscriptions(porter)
        self._logged = Limiter(5, 1.0)
        self._own: dict[str, Callable[[Arrived, Sender], None]] = {
            "/hm/text": self._text, "/hm/text/in": self._text_in, "/hm/text/once": self._text_once,
            "/hm/sensor": self._sensor, "/hm/touch": self._touch, "/hm/withdraw": self._withdraw, "/hm/ping": self._ping,
            "/hm/sync": self._sync, "/hm/subscribe": self.subscriptions.add, "/hm/unsubscribe": self.subscriptions.remove,
        }  # fmt: skip

    def welcome(self, name: str) -> bool:
        """True if this address is on the allow-list."""
        return near(name, self.allowed)

    def receive(self, data: bytes, sender: Sender) -> None:
        """Take in one packet. Never raises."""
        now = self.now()
        try:
            arrived = packet.read(data)
        except Malformed as wrong:
            self._complain(sender, str(wrong), "", "malformed")
            return
        if tags := [message.due for message in arrived if message.due]:
            self._align(sender, self.clocks.hear(_clock(sender), min(tags), now))
        messages: list[Message] = []
        for message in arrived:
            self.porter.counts["osc_messages"] += 1
            try:
                messages += self._mean(self._timed(message, sender, now), sender)
            except Refused as wrong:
                self._complain(sender, str(wrong), wrong.near, "refused")
        if messages:
            self.porter.forward(*messages)

    def _align(self, sender: Sender, error: float | None) -> None:
        """Say that a clock has been found to be wrong."""
        if error is None:
            return
        self.porter.counts["osc_clocks_aligned"] += 1
        way = "ahead of" if error > 0 else "behind"
        said = f"the clock of {sender.name} is {abs(error):.0f} s {way} this one; its time tags are aligned to their arrival"
        if not self._logged.wait("aligned", self.porter.clock()):
            self.porter.hear(Trouble("doors", said))
        if not self.errors.wait(sender.name, self.porter.clock()):
            sender.answer(encode("/hm/error", (said, "")))

    def _timed(self, message: Arrived, sender: Sender, now: float) -> Arrived:
        """A message with its due time by our clock; 0 where that has passed. Raises Refused for one that is too far."""
        if not message.due:
            return message
        due = self.clocks.due(_clock(sender), message.due)
        if due > now + FUTURE:
            raise Refused(f"{message.address}: a time tag {due - now:.0f} s ahead; at most {FUTURE:.0f} s are taken")
        self.porter.counts["osc_late"] += due <= now
        return replace(message, due=due if due > now else 0.0)

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
        if is_pattern(message.address):
            return self._mean_all(nodes, message, sender)
        if not message.args and nodes[0].types:
            self._answer(nodes, sender)
            return []
        return self._turn(nodes[0], message)

    def _turn(self, node: Node, message: Arrived) -> list[Message]:
        if not node.types and message.args and message.args[0] in (0, False):
            return []  # a button let go
        at = self.porter.clock() + message.due - self.now() if message.due else 0.0
        return [Set(node.address, self.porter.nodes.check(node, message.args), at)]

    def _mean_all(self, nodes: Sequence[Node], message: Arrived, sender: Sender) -> list[Message]:
        """What a pattern means: it asks all that can be asked, or turns what it can, and says where it could not.

        What the doors do themselves (say, touch, subscribe) is done by its own name only, and so is what has no
        arguments, where some were sent: a fader over `/hm/*` presses no button and speaks no word.
        """
        if not message.args and any(node.address in self.porter.nodes.values for node in nodes):
            self._answer(nodes, sender)
            return []
        meant = [n for n in nodes if n.writable and n.address not in self._own and bool(n.types) == bool(message.args)]
        if not meant:
            raise Refused(f"{message.address[:80]} names {', '.join(n.address for n in nodes[:4])}: not by a pattern", nodes[0].address)
        turned: list[Message] = []
        refused: list[str] = []
        for node in meant:
            try:
                if set(node.types) <= {"T", "F"} and node.types and not is_switch(message.args):
                    raise Refused(f"{node.address} is a switch, which no number turns by a pattern")
                turned += self._turn(node, message)
            except Refused as wrong:
                refused.append(str(wrong))
        if refused:
            more = f"; and {len(refused) - 8} more" if len(refused) > 8 else ""
            said = f"{message.address[:80]} turned {len(turned)} of {len(meant)}: {'; '.join(refused[:8])}{more}"
            self._complain(sender, said[:1200], meant[0].address, "refused")
        return turned

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
        self._speak(text(message.address, message.args), sender)

    def _text_in(self, message: Arrived, sender: Sender) -> None:
        language, *words = message.args or (None,)
        if language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise Refused(f"/hm/text/in wants a language ({known}) and then words, found {language!r}", "/hm/text")
        self._speak(text(message.address, tuple(words)), sender, language=str(language))

    def _text_once(self, message: Arrived, sender: Sender) -> None:
        key, *words = message.args or (None,)
        if not isinstance(key, str) or not key:
            raise Refused(f"/hm/text/once wants a key and then words, found {key!r}", "/hm/text")
        self._speak(text(message.address, tuple(words)), sender, key=key[:64])

    def _speak(self, words: str, sender: Sender, language: str = "", key: str = "") -> None:
        wait = self.texts.wait(sender.name, self.porter.clock())
        if wait:
            raise Refused(f"/hm/text: more than {self.texts.most} texts in {self.texts.window:g} s; wait {wait:.1f} s")
        self.porter.listeners[sender.visit] = lambda news: _tell(news, sender)
        said = Text(words, "performer", key or secrets.token_hex(8), sender.visit, language)
        task = asyncio.get_running_loop().create_task(self._say(said, sender))
        task.add_done_callback(_raise)

    async def _say(self, given: Text, sender: Sender) -> None:
        said = await self.porter.say(given)
        if said.said in ("empty", "long"):
            found = f"/hm/text: 1 to {LIMIT} characters are taken, found {len(given.words)}"
            self._complain(sender, found, "/hm/text", "refused")

    def _sensor(self, message: Arrived, sender: Sender) -> None:
        """A name and a number: now and then the sensor has something to say."""
        name, number = self.porter.nodes.check(self.porter.nodes.by_address["/hm/sensor"], message.args)
        called = " ".join(str(name).split())
        if not called or len(called) > NAME:
            raise Refused(f"/hm/sensor wants a name of 1 to {NAME} characters and a number, found {called[:NAME]!r}", "/hm/sensor")
        try:
            words = self.sensors.read(called, float(number), self.porter.clock())
        except ValueError as wrong:
            raise Refused(f"/hm/sensor {called}: {wrong}", "/hm/sensor") from wrong
        if words:
            task = asyncio.get_running_loop().create_task(self._say(Text(words, "sensor", secrets.token_hex(8), person=f"sensor {called}"), sender))
            task.add_done_callback(_raise)

    def _touch(self, message: Arrived, sender: Sender) -> None:
        x, y = self.porter.nodes.check(self.porter.nodes.by_address["/hm/touch"], message.args)
        self.porter.listeners[sender.visit] = lambda news: _tell(news, sender)
        self.porter.forward(Touch(float(x), float(y), sender.visit, self.porter.clock()))

    def _withdraw(self, message: Arrived, sender: Sender) -> None:
        (code,) = self.porter.nodes.check(self.porter.nodes.by_address["/hm/withdraw"], message.args)
        self.porter.listeners[sender.visit] = lambda news: _tell(news, sender)
        self.porter.forward(Withdraw(str(code)[:64], sender.visit, self.porter.clock()))

    def _ping(self, message: Arrived, sender: Sender) -> None:
        sender.answer(address("/hm/pong") + (message.tail or b",\0\0\0"))
        self.subscriptions.keep(sender)

    def _sync(self, message: Arrived, sender: Sender) -> None:
        for data in bundle([encode(*one) for one in self.porter.nodes.values.items()]):
            sender.answer(data)
        sender.answer(address("/hm/synced") + (message.tail or b",\0\0\0"))

def _clock(sender: Sender) -> str:
    """Whose clock a sender has: its machine's; on this machine, where all have ours, what one program sends is its own."""
    return sender.key if loopback(sender.name) else sender.name


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
