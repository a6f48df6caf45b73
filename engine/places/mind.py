"""A mind on a machine of its own: the mind's room, as one machine has it, and between it and the house a network.

What the house asks comes in as letters, and goes on to the room's mailbox; what the room writes into its ring of pictures
goes out as latents with their shares. Seconds are turned on the way: the room's are this machine's, the network's the house's.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.core.crossings import PictureRing
from engine.core.errors import CannotPlay
from engine.core.guard import Guard
from engine.core.machine import PlaceFacts
from engine.core.messages import (
    Dream,
    Gap,
    Judged,
    Keystroke,
    Leave,
    Loading,
    Picture,
    Remembering,
    Rest,
    Resume,
    Set,
    Text,
    Touch,
    Trouble,
    Withdraw,
)
from engine.core.pulse import Pulses
from engine.core.supervisor import Room, Supervisor
from engine.mind.memory.archive import FILE, Archive
from engine.mind.options import MindOptions
from engine.mind.parts import Parts
from engine.places.decoding import Decodes, decoder
from engine.places.frames import Sender, shifted
from engine.places.keys import SALT
from engine.places.minds import Ask
from engine.places.node import Node
from engine.places.options import MIND

log = logging.getLogger("engine.places")
BEATING = ("ears", "thought", "stream")
PACE = 1 / 15  # seconds between two pictures that cross, at least: walls flow between them, and stay under 2 Mbit/s
WHATEVER = 3.0  # seconds after which any picture answers: a mind that is alone has words of its own
SAID = Text | Set | Keystroke | Touch | Withdraw | Judged | Leave | Gap


class MindPlace:
    """Runs until `open` is False. Main thread. `gather` and `decodes`: a test's own model."""

    def __init__(self, facts: PlaceFacts, options: MindOptions, gather: Callable[[], Parts] | None = None, decodes: Decodes | None = None):
        self.options, self.open = options, True
        if not options.server:  # there all minds have one memory, and its salt
            salted(options.archive, facts)
        self.guard = Guard("place", lambda trouble: log.warning("%s", trouble.what))
        self.pulses, self.ring = Pulses(), PictureRing()
        arguments = (self.ring.name, options, gather, self.pulses.name)
        self.room = Room("mind", "engine.mind.room:serve", lambda: arguments, 5, BEATING, self.pulses)
        self.supervisor = Supervisor([self.room], self.guard)
        self.sender = Sender(facts.name, (decodes or decoder(options.model, "cpu")).carries)
        self.node = Node(facts, (MIND,), self.guard, self._beat)
        self._serial, self._paced = 0, 0.0
        self._term, self._asked, self._dream, self._rest = 0, 0.0, Dream(""), True
        self._loading: Loading | None = None
        self._sentence, self._remembering, self._starts = "", "", 0
        self._pictures, self._answered = 0, 0

    def run(self) -> None:
        with contextlib.ExitStack() as stack:
            for each in (self.ring, self.pulses, self.node):
                stack.callback(each.close)
            stack.enter_context(self.supervisor)
            while self.open:
                self.node.wait(0.005)
                for sender, letter in self.node.turn():
                    self.guard.run("a letter", self._hear, sender, letter, otherwise=None)
                self.guard.run("news", self._news, otherwise=None)
                self.guard.run("a picture", self._show, time.monotonic(), otherwise=None)

    @property
    def ready(self) -> bool:
        """Whether the mind has loaded and lives."""
        return self.room.alive and self._loading is not None and self._loading.done >= 1.0 and self._starts == len(self.room.starts)

    def _beat(self) -> dict[str, Any]:
        doing = "rests" if self._rest else "dreams"
        if not self.ready:
            doing = f"loads {self._loading.what} {self._loading.done:.0%}" if self._loading and self.room.alive else self.room.state(time.monotonic())
        figures = (("pictures", float(self._pictures)), ("restarts", float(self.room.restarts)), ("term", float(self._term)))
        return {"model": self.options.model, "ready": self.ready, "doing": doing, "sentence": self._sentence, "figures": figures}

    def _hear(self, sender: str, letter: object) -> None:
        """A letter of the machine that leads; nobody else is obeyed."""
        if sender != self.node.show:
            return
        if isinstance(letter, Ask):
            self._ask(letter)
        elif isinstance(letter, Resume):
            c, h, w = letter.shape
            if len(letter.latent) == 2 * c * h * w:
                self.room.send(letter)
        elif isinstance(letter, SAID):
            self.room.send(letter if isinstance(letter, Gap) or not letter.at else replace(letter, at=self.node.own(letter.at)))

    def _ask(self, ask: Ask) -> None:
        if ask.rest != self._rest or self._starts != len(self.room.starts):
            self._rest = ask.rest
            self.room.send(Rest(ask.rest))
        if ask.rest:
            return
        dream = replace(ask.dream, at=self.node.own(ask.dream.at)) if ask.dream.at else ask.dream
        if ask.term != self._term:
            self._asked = time.monotonic()
        if ask.term < self._term:  # a house that has started anew counts anew
            self._answered = 0
        self._term, self._dream = ask.term, dream
        self.room.send(dream)

    def _news(self) -> None:
        """What the room says, to the house. What a room that starts anew has said before is of no use to it."""
        for letter in self.room.drain():
            if isinstance(letter, Loading):
                self._loading, self._starts = letter, len(self.room.starts)
            elif isinstance(letter, Remembering):
                self._remembering = letter.how
            if isinstance(letter, Trouble):
                log.warning("%s: %s", letter.room, letter.what)
                letter = replace(letter, room=f"{letter.room} {self.node.facts.name}")
            if house := self.node.show:
                self.node.net.say(house, letter)
        if not self.room.alive:
            self._starts = -1

    def _show(self, now: float) -> None:
        """The newest picture, to the house, in its seconds; from there it goes to the other walls."""
        house = self.node.show
        if now < self._paced or self.ring.serial == self._serial or self._rest or not house:
            return
        picture = self.ring.newest(self._serial)
        if picture is None:
            return
        self._serial, self._paced, self._pictures = picture.serial, now + PACE, self._pictures + 1
        ground, frame = self.sender.pack(self._in_house_seconds(picture), self._answers(picture, now), now)
        for letter in (ground, frame):
            if letter is not None:
                self.node.net.say(house, letter)

    def _answers(self, picture: Picture, now: float) -> int:
        """The term that a picture is of: the newest, once it has its words."""
        state = picture.state
        if state.words == self._dream.words or state.asked or now - self._asked > WHATEVER:
            self._answered, self._sentence = self._term, self._dream.key
        return self._answered

    def _in_house_seconds(self, picture: Picture) -> Picture:
        by = self.node.house(picture.state.made) - picture.state.made
        return replace(picture, state=shifted(picture.state, by))


def salted(archive: Path, facts: PlaceFacts) -> None:
    """An archive that begins here begins with the house's salt, so that a code takes back what it was given for in every memory.

    Raises CannotPlay where the archive was begun with another: it is somebody else's.
    """
    if not facts.keys:
        return
    salt = (Path(facts.keys).expanduser() / SALT).read_bytes()
    fresh = not (archive / FILE).exists()
    with contextlib.closing(Archive(archive)) as memory:
        if fresh:
            memory.set_fact("salt", salt)
        elif memory.salt != salt:
            raise CannotPlay(f"the memory in {archive} was begun by itself, so its codes are not this house's: --home FOLDER begins another")
