"""Sound, doors or both on a machine of their own: the rooms as one machine has them, and between them and the house a network."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Any

from engine.core.crossings import KeyRing
from engine.core.guard import Guard
from engine.core.machine import PlaceFacts
from engine.core.pulse import Pulses
from engine.core.supervisor import Supervisor
from engine.doors.options import DoorsOptions
from engine.places.channels import Channels
from engine.places.doors import DoorsHere
from engine.places.node import Node, version
from engine.places.sound import SoundHere
from engine.places.wire import Got, Sent
from engine.sound.options import SoundOptions

log = logging.getLogger("engine.places")


class RoomsPlace:
    """Runs until `open` is False. Main thread. `model`: what the house dreams with; doors know by it whether a person reads first.

    What is typed at doors here is heard by a sound room here without the network.
    """

    def __init__(self, facts: PlaceFacts, model: str, sound: SoundOptions | None, doors: DoorsOptions | None):
        self.open, self.model = True, model
        self.guard = Guard("place", lambda trouble: log.warning("%s", trouble.what))
        self.node = Node(facts, facts.rooms, self.guard, self._beat)
        self.channels = Channels(self.node)
        self.pulses, self.keys = Pulses(), KeyRing(512)
        self.here: list[SoundHere | DoorsHere] = []
        if sound:
            self.here.append(SoundHere(self.node, self.channels, sound, self.pulses, self.keys))
        if doors:
            self.here.append(DoorsHere(self.node, self.channels, doors, self.pulses, self.keys))
        self.supervisor = Supervisor([one.room for one in self.here], self.guard)
        self._other = ""  # a release that does not fit, when it was last said

    def run(self) -> None:
        with contextlib.ExitStack() as stack:
            for each in (self.keys, self.pulses, *self.here, self.node):
                stack.callback(each.close)
            stack.enter_context(self.supervisor)
            while self.open:
                self.node.wait(0.004)
                for sender, letter in self.node.turn():
                    self.guard.run("a letter", self._hear, sender, letter, otherwise=None)
                house, now = self.house, time.monotonic()
                for one in self.here:
                    self.guard.run(one.name, one.turn, house, now, otherwise=None)
                self.guard.run("letters that must arrive", self.channels.turn, now, otherwise=None)

    @property
    def house(self) -> str:
        """The machine of the show, once its clock is measured; "" while it is away, or is of another release."""
        name = self.node.show
        if not name or not self.node.peers[name].clock.known:
            return ""
        theirs = self.node.peers[name].beat.version
        if theirs != version():
            if theirs != self._other:
                self._other = theirs
                log.warning("%s runs %s and this machine %s: install the same release on both", name, theirs, version())
            return ""
        return name

    def _beat(self) -> dict[str, Any]:
        figures = {name: value for one in self.here for name, value in one.figures().items()}
        doing = ", ".join(one.doing for one in self.here)
        return {"model": self.model, "ready": all(one.ready for one in self.here), "doing": doing, "figures": tuple(figures.items())}

    def _hear(self, sender: str, letter: object) -> None:
        """A letter of the machine that leads; nobody else is obeyed."""
        if not sender or sender != self.house:
            return
        for each in self.channels.take(sender, letter) if isinstance(letter, (Sent, Got)) else (letter,):
            for one in self.here:
                if self.guard.run(f"{type(each).__name__} for {one.name}", one.hear, each, otherwise=True):
                    break
