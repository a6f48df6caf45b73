"""Doors on another machine: beside the loop what stands in their place, and there the room itself.

What people say there goes to the loop in order, each once, however often the network fails; answers go back the same way.
While the house is away sentences, withdrawals and what an operator decides wait, and so does dark; a fader that was moved
meanwhile does not: a minute later nobody wants it.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from engine.core.crossings import KeyRing
from engine.core.mailbox import Mailbox
from engine.core.messages import (
    Directory,
    Health,
    Judged,
    Keystroke,
    Leave,
    Message,
    Opened,
    Returned,
    Set,
    Stored,
    Text,
    Told,
    Touch,
    Trouble,
    Unkept,
    Values,
    Withdraw,
    Withdrawn,
)
from engine.core.pulse import Pulses
from engine.core.supervisor import Room
from engine.doors.nodes import PANIC
from engine.doors.options import DoorsOptions
from engine.doors.panic import alarm
from engine.doors.port import reachable
from engine.places.channel import MOST
from engine.places.channels import Channels
from engine.places.node import Node
from engine.places.options import DOORS, SOUND, Lines

log = logging.getLogger("engine.places")
SAYS = (Text, Set, Keystroke, Touch, Withdraw, Judged, Leave)
WAITS = (Text, Withdraw, Judged, Leave)  # for a house that is away
FLEETING = 2.0  # seconds after which nobody wants a key, a touch or a fader any more
ANSWERS = (Stored, Returned, Withdrawn, Told, Unkept, Trouble)
KEPT = 600.0  # seconds for which answers wait for doors that are away: a page that comes back is answered again anyway


class DoorsAway:
    """In the doors' place beside the loop. One thread: that of the room that reaches other machines."""

    def __init__(self, node: Node, channels: Channels, lines: Lines, pulses: Pulses):
        self.node, self.channels, self.pulses = node, channels, pulses
        self.line, self.keys = Mailbox(lines.ends[DOORS]), KeyRing(name=lines.keys)
        self._known: set[str] = set()

    def turn(self, there: list[str], now: float) -> None:
        """Pass on what the loop tells; `there`: machines that have doors."""
        self._known |= set(there)
        for letter in self.line.drain():
            if isinstance(letter, (Values, Health)):  # said again all the while
                for name in there:
                    self.node.net.say(name, letter)
            elif isinstance(letter, (Directory, *ANSWERS)):
                for name in self._known:
                    self.channels.to(name).put(letter, until=now + KEPT, name="directory" if isinstance(letter, Directory) else "")
        self.line.flush()

    def take(self, sender: str, letters: tuple[Any, ...]) -> None:
        """What came together from a machine's doors acts within one tick."""
        messages = [self._here(sender, letter) for letter in letters if isinstance(letter, SAYS)]
        for letter in letters:
            if isinstance(letter, (Opened, Trouble)):
                self.line.send(letter)
        if messages:
            alarm(self.pulses, messages, time.monotonic())
            self.line.send(tuple(messages))
        if SOUND not in self.node.peers[sender].beat.rooms:  # else they are heard there already
            for message in messages:
                if isinstance(message, Keystroke):
                    self.keys.put(message)

    def _here(self, sender: str, message: Message) -> Message:
        """The same in this machine's seconds. Raises LookupError while the other's clock is not measured."""
        return replace(message, at=self.node.peers[sender].clock.mine(message.at)) if message.at else message

    def close(self) -> None:
        self.keys.close()


class DoorsHere:
    """The doors of a machine that is not the show's. One thread: its place's."""

    name = DOORS

    def __init__(self, node: Node, channels: Channels, options: DoorsOptions, pulses: Pulses, keys: KeyRing):
        self.node, self.channels, self.options = node, channels, options
        self.room = Room("doors", "engine.doors.room:serve", lambda: (options, None, pulses.name, keys.name), 0, ("doors",), pulses)
        self.opened: Opened | None = None
        self.dropped = 0  # messages that nobody wanted any more
        self._house = ""  # the machine of the show, when it was last there: what waits, waits for it
        self._early: deque[Message] = deque(maxlen=MOST)  # what was said before a house was there
        self._met = 0  # its session, when it was last told where the doors are

    @property
    def doing(self) -> str:
        state = self.room.state(time.monotonic())
        where = self.opened.pages[0] if self.opened and self.opened.pages else ""
        return f"doors at {where}" if state == "running" and where else f"doors {state}"

    @property
    def ready(self) -> bool:
        return self.room.alive and self.opened is not None

    def figures(self) -> dict[str, float]:
        waiting = self.channels.to(self._house).waiting if self._house else 0
        return {"said_waiting": float(waiting), "said_dropped": float(self.dropped), "doors_restarts": float(self.room.restarts)}

    def turn(self, house: str, now: float) -> None:
        """Say what people did; `house`: the machine of the show, "" while it is away."""
        self._house = house or self._house
        if not self._house:
            return self._keep(self.room.drain())
        channel = self.channels.to(self._house)
        while self._early:
            channel.put(self._early.popleft())
        if not (house and channel.full):
            for letter in self.room.drain():
                self._say(letter, bool(house), now)
                if house and channel.full:
                    break
        if self.opened and channel.other and channel.other != self._met:
            self._met = channel.other
            channel.put(self.opened, name="opened")

    def _keep(self, letters: Iterable[Any]) -> None:
        """Nobody has been there yet, whom anything could wait for."""
        for letter in letters:
            if isinstance(letter, Opened):
                self.opened = self._seen_from_afar(letter)
            elif isinstance(letter, Trouble):
                log.warning("%s", letter.what)
            else:
                self._early += [message for message in letter if isinstance(message, WAITS)]

    def _say(self, letter: Any, there: bool, now: float) -> None:
        channel = self.channels.to(self._house)
        if isinstance(letter, Opened):
            self.opened = self._seen_from_afar(letter)
            channel.put(self.opened, name="opened")
        elif isinstance(letter, Trouble):
            channel.put(replace(letter, room=f"doors {self.node.facts.name}"), until=now + KEPT)
        elif there:
            lasts = any(isinstance(message, WAITS) or _panic(message) for message in letter)
            channel.put(*letter, until=math.inf if lasts else now + FLEETING)
        else:
            for message in letter:
                if isinstance(message, WAITS):
                    channel.put(message)
                elif _panic(message):
                    channel.put(message, name=message.address)
                else:
                    self.dropped += 1

    def _seen_from_afar(self, opened: Opened) -> Opened:
        """Pages by the address under which other machines find them; where anybody may listen, without the desk's token."""
        pages = (page.replace("//127.0.0.1:", f"//{reachable(self.options.host)}:") for page in opened.pages)
        return replace(opened, pages=tuple(page if self.node.facts.keys else page.partition("?token=")[0] for page in pages))

    def hear(self, letter: Any) -> bool:
        """A letter of the house; whether it was for this room."""
        if not isinstance(letter, (Directory, Values, Health, *ANSWERS)):
            return False
        self.room.send(letter)
        return True

    def close(self) -> None:
        """Its room ends with its place."""


def _panic(message: Message) -> bool:
    return isinstance(message, Set) and message.address in PANIC
