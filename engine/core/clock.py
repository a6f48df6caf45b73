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
        self.origin = source()  # what the source read at scene second 0

    def start(self) -> Now:
        """The first instant: tick 0 is now."""
        self.origin, self._tick = self.source(), 0
        return Now(0, 0.0, self.dt)

    @property
    def time(self) -> float:
        """Scene seconds by the source, between ticks too."""
        return self.source() - self.origin

    def due(self) -> Iterator[Now]:
        """The ticks owed since the last call: usually one, sometimes none, never more than `patience`."""
        owed = int(self.time / self.dt + 1e-9) - self._tick
        if owed > self.patience:
            self.skipped += owed - self.patience
            self._tick += owed - self.patience
        for _ in range(min(owed, self.patience)):
            self._tick += 1
            yield Now(self._tick, self._tick * self.dt, self.dt)


class AudioTime:
    """Seconds as the sound card counts them, as a source for Clock: monotone and continuous for months.

    `page` gives a reading of the sound room's clock: "running", "rate" and "nominal" samples per second. Time advances
    by monotonic time x measured rate / nominal rate, so it follows the card's crystal without ever jumping when the
    sound room dies or a device is lost. Loop thread only.
    """

    DRIFT = 0.002  # crystals differ by 1e-4 at most; more is a measurement that has not settled

    def __init__(self, page: Callable[[], dict[str, float]], source: Callable[[], float] = time.monotonic):
        self._page, self._source = page, source
        self._last = self._seconds = source()
        self._pace = 1.0
        self._looked = self._last

    def __call__(self) -> float:
        now = self._source()
        if now - self._looked > 0.25:
            self._looked = now
            page = self._page()
            pace = page["rate"] / page["nominal"] if page.get("running") and page.get("nominal") else 1.0
            self._pace = pace if abs(pace - 1.0) < self.DRIFT else 1.0
        self._seconds += max(0.0, now - self._last) * self._pace
        self._last = now
        return self._seconds

    def monotonic(self, seconds: float) -> float:
        """The monotonic time at which this source will read `seconds`."""
        return self._last + (seconds - self._seconds) / self._pace

    def at(self, monotonic: float) -> float:
        """What this source reads at a monotonic time: the inverse of `monotonic`."""
        return self._seconds + (monotonic - self._last) * self._pace
