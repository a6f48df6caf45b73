"""Time as whole ticks, paced by whatever counts seconds: the sound card, a computation, a test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Now:
    """The instant that one tick describes."""

    tick: int  # ticks since the show started
    time: float  # scene seconds, exactly tick * dt
    dt: float  # seconds per tick, the same for ever


class Clock:
    """Fixed ticks from any source of seconds. After a stall a few ticks are caught up, the rest skipped and counted."""

    def __init__(self, hz: float = 60.0, source: Callable[[], float] = time.monotonic, patience: int = 6):
        self.dt = 1.0 / hz
        self.source = source
        self.patience = patience  # ticks to catch up at most: a wall that races to catch up looks broken
        self.skipped = 0
        self._tick = 0
        self._origin = source()

    def start(self) -> Now:
        """The first instant: tick 0 is now."""
        self._origin, self._tick = self.source(), 0
        return Now(0, 0.0, self.dt)

    @property
    def time(self) -> float:
        """Scene seconds by the source, between ticks too."""
        return self.source() - self._origin

    def due(self) -> Iterator[Now]:
        """The ticks owed since the last call: usually one, sometimes none, never more than `patience`."""
        owed = int(self.time / self.dt + 1e-9) - self._tick
        if owed > self.patience:
            self.skipped += owed - self.patience
            self._tick += owed - self.patience
        for _ in range(min(owed, self.patience)):
            self._tick += 1
            yield Now(self._tick, self._tick * self.dt, self.dt)
