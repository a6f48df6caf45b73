"""One more wall: it draws what the wall that leads draws, between the same pictures, at its own size and rate.

Pixels never cross: latents come and are decoded here, and each frame of the wall that leads is a few hundred bytes that describe
it. Where the house falls silent this wall goes on with what it has, and is led again when the house is back.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from engine.core.crossings import PictureRing
from engine.core.guard import FAULTS, Guard
from engine.core.messages import Elsewhere, Trouble
from engine.core.pulse import Pulses
from engine.core.supervisor import Room, Supervisor
from engine.places.options import Of
from engine.stage.layer import SOURCES, Layer, dreamed, find
from engine.stage.led import Led
from engine.stage.shown import Shown
from engine.stage.stage import Stage
from engine.stage.window import WindowOptions

log = logging.getLogger("engine.places")
FAR = 1.0  # seconds of scene time between this wall and the one that leads, from which on it jumps there instead of running after it
PACE = 0.1  # how much of what they are apart is made good in a frame


class WallPlace:
    """Runs until its window closes or `open` is False. Main thread: it owns OpenGL."""

    def __init__(
        self, of: Of, size: tuple[int, int], window: WindowOptions | None, fps: float, mapping: Path | None = None, flashes: int = 3,
    ):  # fmt: skip
        self.open = True
        self.guard = Guard("wall", lambda trouble: log.warning("%s", trouble.what))
        self.ring, self.pulses = PictureRing(), Pulses()
        arguments = (self.ring.name, of, self.pulses.name)
        self.room = Room("places", "engine.places.room:serve", lambda: arguments, 0, ("places",), self.pulses)
        self.supervisor = Supervisor([self.room], self.guard)
        self.stage = Stage(size, window, (), self.ring, fps=fps, mapping=mapping, flashes=flashes, between=Led)
        self.shown: Shown | None = None
        self.seen = Elsewhere()
        self.frames = 0
        self._at = 0.0
        self._told = 0.0, 0.0
        self._missing: list[str] = []

    def run(self) -> None:
        with self.supervisor:
            self.stage.prepare()
            last = time.monotonic()
            while self.open and self.stage.open:
                self._listen()
                now = time.monotonic()
                self._draw(now, now - last)
                last = now
        self.stage.close()
        self.ring.close()
        self.pulses.close()

    def _listen(self) -> None:
        for letter in self.room.drain():
            if isinstance(letter, Shown):
                self.shown = letter
            elif isinstance(letter, Elsewhere):
                self.seen = letter
            elif isinstance(letter, Trouble):
                log.warning("%s: %s", letter.room, letter.what)

    def _draw(self, now: float, passed: float) -> None:
        stage, between, shown = self.stage, self.stage.between, self.shown
        assert isinstance(between, Led)
        layer = dreamed
        if shown is not None:
            between.follow(shown)
            layer, stage.blackout, stage.dimmed = self._known(shown.layer), shown.blackout, shown.dimmed
            there = shown.at + now - shown.house  # where the other is by now
            apart = there - self._at - passed
            self._at = there if abs(apart) > FAR else self._at + max(0.0, passed + PACE * apart)
        else:
            self._at += passed
        try:
            stage.show(layer, self._at)
        except FAULTS as wrong:
            self.guard.note("drawing", wrong)
            time.sleep(1.0 / stage.fps)
            return
        self.frames += 1
        if between.begun != self._told:
            self._told = between.begun
            self.room.send(Shown(end=between.begun[0], began=between.begun[1]))

    def _known(self, layer: Layer) -> Layer:
        """The layer, if this machine has all its shaders; else the plain picture, and a word about it."""
        missing = sorted({verb for verb in layer.shape if verb not in SOURCES and find(verb) is None})
        if missing and missing != self._missing:
            log.warning("this wall has no shader %s: copy it into shaders/ of this machine; until then it shows the plain picture", ", ".join(missing))
        self._missing = missing
        return dreamed if missing else layer
