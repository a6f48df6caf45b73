"""Row 25, no nostalgia: how fast the picture's ancestors grow older, and what is done where that is faster than time.

The age of a picture is the share-weighted age of whom it descends from, in days. Its slope over the last HOUR of the mind's
clock is published: 1 where the picture remembers the same ones as before, which grow older as everything does; less where
newer ones come; more where it goes back to ever older ones. There the present has its part: of whom a picture is composed, the newest
memories have more and more (`Memory.youth`), until the slope is 1 again. What a program painted was never anybody's day: it
has no age.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from engine.core.messages import Ancestor
from engine.mind.memory.recall import Memory

DAY = 86400.0  # seconds
HOUR = 3600.0  # seconds over which the slope is taken, at least; SPAN readings at most
SPAN = 64  # readings
APART = 30.0  # seconds between two readings
LEAST = 8  # readings before which nothing is said
BOUND = 1.0  # days a day: what is more is nostalgia
GAIN = 0.08  # part that the present gains for each day a day too many, from one reading to the next
MOST = 0.9  # part that it has at most


class Retro:
    """How old a picture is, and whether it grows older than it must. One thread (the thought's)."""

    def __init__(self, memory: Memory, start: int = 0):
        self._memory, self._start = memory, start  # `start`: the last fragment that was there when the clock began
        self._born: dict[int, float] = {}  # fragment that came since -> seconds of the mind's clock
        self._ages: deque[tuple[float, float]] = deque(maxlen=SPAN)  # seconds, days
        self.value = 0.0  # days a day

    def take(self, ancestors: Iterable[Ancestor], time: float) -> float:
        """Take in whom the newest picture descends from, at this second of the mind's clock; returns the slope."""
        if self._ages and time - self._ages[-1][0] < APART:
            return self.value
        there = [(one.share, self._age(one, time)) for one in ancestors if one.kind != "founding"]
        self._ages.append((time, sum(share * age for share, age in there)))
        while len(self._ages) > LEAST and time - self._ages[1][0] >= max(HOUR, LEAST * APART) and time - self._ages[LEAST][0] >= HOUR:
            self._ages.popleft()
        self.value = self._slope()
        self._memory.youth = min(MOST, max(0.0, self._memory.youth + GAIN * (self.value - BOUND)))
        return self.value

    def _age(self, one: Ancestor, time: float) -> float:
        """Days: to the second for those who came while this mind ran, whole days for others."""
        if one.id <= self._start:
            return one.age + time % DAY / DAY
        return (time - self._born.setdefault(one.id, time)) / DAY

    def _slope(self) -> float:
        if len(self._ages) < LEAST:
            return 0.0
        time, age = np.array(self._ages).T
        time = (time - time.mean()) / DAY
        return float((time @ (age - age.mean())) / max(1e-12, float(time @ time)))
