"""Sequel: it goes on without us. Nobody writes, and the picture continues; somebody writes, and it turns.

Each piece of film begins with the last picture of the one before and carries it on by its own motion. What is heard is born
with the picture: grains as dense as it moves, a swell where other memories come forward in it, and a bell at a turn. Two rivals
may continue it, by turns or side by side; whose picture people touch and stay with goes on.
"""

from collections.abc import Iterator

from engine import Dream, Grain, Layer, Now, Param, Scene, dreamed, mapping
from engine.core.messages import RIVALS

SCALE = (0.0, 4.98, 7.02, 12.0, 2.04, 9.96)  # semitones of the grains, over and over


class Sequel(Scene):
    because = "nobody says what comes next, and it goes on"

    hold = Param(0.74, low=0.2, high=0.95)  # how much of the last picture each piece of film keeps
    rivals = Param(0.0, high=3.0)  # who continues it against each other: 0 nobody, 1 two producers, 2 two corpora, 3 two models
    beside = Param(0.0)  # over .5 they do it side by side, else by turns; whose picture is touched goes on
    light = Param(0.2, low=-0.5, high=1.0)  # exposure of the wall

    def __init__(self) -> None:
        super().__init__()
        self.next = 0.0  # scene seconds of the next grain
        self.number = 0
        self.usual = 1.0  # motion that one has grown used to
        self.chunk = 0  # of which the newest swell was
        self.answered = -1e9  # when the sentence was spoken whose turn has been heard

    def update(self, now: Now) -> None:
        self.usual += min(1.0, now.dt / 60.0) * (self.state.motion - self.usual)

    def dream(self, now: Now) -> Dream:
        return self.wish(degree=2, film=self.hold, rivals=RIVALS[round(self.rivals)], beside=self.beside > 0.5)

    def swell(self, at: float) -> Iterator[Grain]:
        """A piece of film begins: those who come forward in it breathe in; where somebody's words turn it, a bell is struck."""
        voices = mapping.chorus(self.state.lineage, 5) or [(None, 1.0)]
        for n, (who, loud) in enumerate(voices[:3]):
            side = mapping.azimuth(who.x) if who else 0.0
            yield Grain(at + 0.12 * n, who.unit if who else 0, 0.2, 1.6, 0.5, 0.0, 0.16 + 0.3 * loud * self.state.turned, side, "swell", 900.0)
        if self.answered < self.spoke and self.state.turned > 0.4:
            self.answered = self.spoke
            for n, (who, loud) in enumerate(voices):
                yield Grain(at + 0.004 * n, who.unit if who else 0, 0.1, 2.2, 2.0, SCALE[n], 0.5 * loud, 0.3 * n - 0.6, "perc", 5000.0)

    def sound(self, now: Now) -> Iterator[Grain]:
        if self.state.chunk != self.chunk:
            self.chunk = self.state.chunk
            yield from self.swell(now.time + mapping.AHEAD)
        self.next = max(self.next, now.time)
        while self.next < now.time + now.dt:
            yield self.moved(self.next + mapping.AHEAD)
            self.number += 1
            chance = (0.754877 * self.number) % 1.0
            self.next += (0.6 + 0.8 * chance) / (1.4 * mapping.density(self.state.motion, self.usual))

    def moved(self, at: float) -> Grain:
        """One grain of the motion: the picture's own sound and its memories' in turn, brighter the more it moves."""
        voices = mapping.chorus(self.state.lineage, 8)
        who = voices[self.number % len(voices)][0] if voices and self.number % 3 else None
        quick = self.state.motion / (self.state.motion + self.usual + 1e-6)
        place = (0.618034 * self.number) % 1.0
        two = self.state.beside > 0.5
        other = self.number % 2 if two else self.state.rival % 2  # two rivals, two grounds
        tune = SCALE[self.number % len(SCALE)] - (12.0 if who is None else 0.0) + 4.98 * other
        side = 0.7 * (2 * other - 1) if two else mapping.azimuth(who.x if who else place)
        return Grain(at, who.unit if who else 0, place, 0.5 + 0.7 * (1.0 - quick), 1.0, tune, 0.2 + 0.2 * quick, side, "hann", 500.0 + 3000.0 * quick)

    def draw(self, now: Now) -> Layer:
        apart = self.state.beside  # two pictures are as wide as they are high on a wall of 16:9: nothing gives way
        return dreamed.frame(zoom=1.02, wander=0.0, opening=0.5 * (1.0 - apart)).grade(exposure=self.light, contrast=1.06)

    def wants(self) -> float:
        return 0.25 + 0.45 * self.state.autonomy if self.state.film else 0.0  # locked until something can go on here
