"""The murmur: what an installation sounds like while nobody does anything, made from the state of its picture.

Two streams say the same thing: one for what the words remember, one for what the picture remembers. Where both agree
they are one sound; the further they are apart, the later and the rougher the second follows. Under them the picture
itself breathes. A scene keeps one Murmur and yields its grains.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine.core.messages import Ancestor, Grain, State
from engine.sound import mapping

BED = 0.65  # gain of the picture's own sound
VOICE = 0.61  # gain of the largest share
GLINT = 0.3  # of the voices of a wholly new picture ring once more an octave or a twelfth higher, catching light
HABIT = 90.0  # seconds in which one grows used to a motion
NOBODY = Ancestor(0, 1.0)


class Murmur:
    """Grains from a state, tick by tick. The same seed, ticks and states give the same grains; owes no time."""

    def __init__(self, seed: int = 0):
        self._random = np.random.default_rng((seed, 0x6D75))
        self._next_bed = 0.0  # scene seconds
        self._next_voice = 0.0
        self._usual = 1.0  # motion that one has grown used to
        self._place: tuple[float, float] | None = None
        self._words, self._turns = "", 0  # what the picture answers to, and how often that has changed

    def look(self, x: float, y: float) -> None:
        """Say where in the picture (0..1) the eye is drawn, for the place of the bed: see mapping.salient.

        Until somebody does, the bed comes from the middle of the memories that the picture shows.
        """
        self._place = x, y

    def grains(
        self, time: float, dt: float, state: State, flow: float = 0.0, ahead: float = mapping.AHEAD
    ) -> Iterator[Grain]:
        """All grains of the scene seconds [time, time + dt), stamped `ahead` seconds later.

        flow: bits per second of typing. The murmur follows the state at once; nothing is planned further ahead.
        """
        if state.words != self._words:
            self._turns += bool(self._words)  # the first words are the ground
            self._words = state.words
        end = time + dt
        self._next_bed, self._next_voice = max(self._next_bed, time), max(self._next_voice, time)
        self._usual += min(1.0, dt / HABIT) * (max(0.0, min(state.motion, 50.0)) - self._usual)
        rate = mapping.density(state.motion, self._usual)
        while self._next_bed < end:
            yield self._bed(self._next_bed + ahead, state)
            self._next_bed += self._wait(0.9 + 0.22 * rate)
        while self._next_voice < end:
            yield from self._voices(self._next_voice + ahead, state)
            self._next_voice += self._wait((0.5 * rate + mapping.typing(flow)) * mapping.overlap(state.lineage.depth))

    def _wait(self, rate: float) -> float:
        """Seconds to the next event: irregular, but never a burst and never a beat (a gamma of shape 3)."""
        return float(self._random.gamma(3.0, 1.0 / (3.0 * max(rate, 0.05))))

    def _bed(self, at: float, state: State) -> Grain:
        x, y = self._place or mapping.middle(state.lineage)
        spread = mapping.unison(0.16 * float(self._random.normal()), state.standard)
        high = self._random.random() < 0.15
        loud = BED * mapping.level(state.light) * mapping.breath(at, state.standard)
        return Grain(
            at,
            0,
            position=min(max(x + spread, 0.0), 1.0),
            duration=1.9,
            detune=mapping.ground(self._turns) + (12.0 if high else 0.0),
            gain=loud * (0.35 if high else 0.8),
            pan=mapping.azimuth(x) + spread,
            envelope="hann",
            cutoff=mapping.brightness(state.light, state.gap) * (0.7 + 0.6 * (1.0 - y)),
        )

    def _voices(self, at: float, state: State) -> Iterator[Grain]:
        """One memory speaks twice: for the words, and for the picture."""
        ancestor, loud = self._choose(state)
        length = mapping.duration(state.lineage.depth) * float(self._random.uniform(0.8, 1.25))
        position = mapping.unison(float(self._random.uniform(-0.4, 0.4)), state.standard) + 0.45
        gain = VOICE * math.sqrt(loud) * mapping.level(state.light) * mapping.breath(at + 4.0, state.standard)
        gain *= math.sqrt(1.0 / mapping.overlap(state.lineage.depth))
        tune = mapping.unison(mapping.detune(state.displacement), state.standard)
        place = mapping.unison(mapping.azimuth(ancestor.x), state.standard)
        cutoff = mapping.brightness(state.light, state.gap) * 1.6
        shape = "swell" if self._random.random() < 0.3 else "hann"
        later = mapping.desynchrony(state.gap) * float(self._random.uniform(0.3, 1.0))
        apart = mapping.roughness(state.gap) * float(self._random.uniform(0.4, 1.0))
        wide = 0.18 * (1.0 - state.standard)
        yield Grain(at, ancestor.unit, position, length, 1.0, tune, gain, place - wide, shape, cutoff)
        drift = position + 0.3 * state.gap * float(self._random.normal())
        drift = min(max(drift, 0.0), 1.0)
        back = self._random.random() < mapping.recollection(state.gap)
        how, shape = (-1.0, "swell") if back else (1.0, shape)
        yield Grain(at + later, ancestor.unit, drift, length, how, tune + apart, gain, place + wide, shape, cutoff)
        if self._random.random() < GLINT * state.light**2:
            rate = 2.0 if self._random.random() < 0.6 else 3.0
            yield Grain(at, ancestor.unit, 0.9, 1.6, rate, tune, 0.3 * gain, -1.5 * place, "perc", 3.0 * cutoff)

    def _choose(self, state: State) -> tuple[Ancestor, float]:
        """A memory, and how loud; the largest alone where everything is standard.

        It comes as often as the root of its share, each time with the root of its share as power: so its part of the
        sound's energy is its part of the picture.
        """
        voices = mapping.chorus(state.lineage)
        if not voices:
            return NOBODY, 0.5
        if self._random.random() < state.standard:
            return voices[0]
        weights = np.array([loud for _, loud in voices])
        return voices[int(self._random.choice(len(voices), p=weights / weights.sum()))]
