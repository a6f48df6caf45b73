"""All sources in one flat table: a grain is a place in it, so one bank of grains can play any of them.

Every source has a slot with two halves. New sound is written into the half that rests, and only grains that start
after that play it: old grains end in the old half, new ones begin in the new, so a source changes as grains
cross-fade, without a click. Each half holds its sound forwards and backwards, because pyo's Particle takes the
magnitude of a rate (it cannot play backwards by itself).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LONGEST = 2.0  # seconds: no grain lasts longer, so a half that has rested so long is free
SECONDS = 2.5  # length of a source
GUARD = 4  # samples between regions, for interpolation


@dataclass(slots=True)
class Slot:
    """One source's place: where its halves start (in samples of the table) and which one is played."""

    source: int  # 0 = the picture, > 0 = a fragment, < 0 = other; -(1 << 40) = nobody yet
    starts: tuple[int, int]
    playing: int = 0
    filled: int = 0  # samples of sound in the half that plays
    changed: int = -(1 << 40)  # sample of the last change
    used: int = -(1 << 40)  # sample of the last grain
    recorded: bool = False  # true for sounds of the world: only short pieces of them may be played
    played: list[tuple[float, float]] = field(default_factory=list)  # (rate, source place at sample 0) of late grains


NOBODY = -(1 << 40)


class Library:
    """Slots over a flat f64 table that belongs to the grain engine (its memory must outlive this object).

    `write` from one thread, `find` from the audio thread: a slot changes by one assignment at the end of a write.
    """

    def __init__(self, table: NDArray[np.float64], rate: int, slots: int):
        self.rate, self.size = rate, int(SECONDS * rate)
        self._table = table
        stride = 2 * (self.size + GUARD)
        if len(table) < Library.samples(rate, slots):
            raise ValueError(f"{slots} sources need {Library.samples(rate, slots)} samples, the table has {len(table)}")
        self.slots = [Slot(NOBODY, (2 * k * stride, (2 * k + 1) * stride)) for k in range(slots)]
        self._where: dict[int, Slot] = {}

    @staticmethod
    def samples(rate: int, slots: int) -> int:
        """Samples that a table for so many sources needs."""
        return slots * 4 * (int(SECONDS * rate) + GUARD)

    def find(self, source: int) -> Slot | None:
        """The slot of a source, or None. Realtime-safe: yes."""
        return self._where.get(source)

    def rested(self, source: int, now: int) -> bool:
        """Whether `write` would take a new sound for this source now."""
        slot = self._where.get(source) or self._oldest(now)
        return slot is not None and now - slot.changed >= LONGEST * self.rate

    def write(self, source: int, sound: NDArray[np.float32], now: int, recorded: bool = False) -> bool:
        """Give a source its sound (n,), n <= size, at sample `now`; False when no half has rested long enough."""
        slot = self._where.get(source) or self._oldest(now)
        if slot is None or now - slot.changed < LONGEST * self.rate:
            return False
        n = min(len(sound), self.size)
        half = 1 - slot.playing
        start = slot.starts[half]
        self._table[start : start + n] = sound[:n]
        self._table[start + n : start + n + GUARD] = sound[n - 1]
        back = start + self.size + GUARD
        self._table[back : back + n] = sound[n - 1 :: -1] if n == len(sound) else sound[:n][::-1]
        self._table[back + n : back + n + GUARD] = sound[0]
        if slot.source != source:
            self._where.pop(slot.source, None)
        slot.source, slot.filled, slot.recorded, slot.changed, slot.used = source, n, recorded, now, now
        slot.playing = half
        self._where[source] = slot
        return True

    def _oldest(self, now: int) -> Slot | None:
        """The slot of the memory that was not played for the longest time; the picture, tick and click keep theirs."""
        free = [
            slot
            for slot in self.slots
            if (slot.source > 0 or slot.source == NOBODY) and now - slot.used >= LONGEST * self.rate
        ]
        return min(free, key=lambda slot: slot.used, default=None)

    def elsewhere(self, slot: Slot, position: float, span: float, pace: float, now: int) -> float:
        """A position for a grain of a recording that does not carry on where a late one is. Realtime-safe: yes.

        Two grains at one rate give back a longer piece of the recording only if source time minus rate times output
        time is the same for both; a grain for which that would be so (within 30 ms) is moved on by more than that.
        """
        fits = max(1.0, slot.filled - 1.0 - span)
        at = min(max(position, 0.0), 1.0) * fits
        for _ in range(24):
            origin = at - pace * now
            near = (
                abs(origin - other) < 0.03 * self.rate and abs(pace / rate - 1.0) < 0.02 for rate, other in slot.played
            )
            if not any(near):
                break
            at = (at + 0.071 * self.rate) % fits
        slot.played.append((pace, at - pace * now))
        del slot.played[:-12]
        return at / fits

    def place(self, slot: Slot, position: float, span: float, backwards: bool) -> float:
        """Where in the table a grain of `span` source samples starts, at `position` 0..1 of what fits. Realtime-safe."""
        fits = max(0.0, slot.filled - 1.0 - span)
        at = min(max(position, 0.0), 1.0) * fits
        start = slot.starts[slot.playing]
        return start + self.size + GUARD + (fits - at) if backwards else start + at
