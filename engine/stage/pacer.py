"""One frame after another: waits until the next is due, and measures how evenly they came."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

KEPT = 3600  # intervals that percentiles are made from: a minute at 60 frames a second


class Pacer:
    """Paces to `fps` where no display does. One thread. Time is injected for tests."""

    def __init__(
        self, fps: float, now: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ):
        self.period = 1.0 / fps
        self.frames = self.missed = 0
        self._now, self._sleep = now, sleep
        self._intervals: deque[float] = deque(maxlen=KEPT)
        self._busy: deque[float] = deque(maxlen=KEPT)
        self._last: float | None = None
        self._due = 0.0

    def wait(self) -> None:
        """Call once a frame, after it was handed to the display (whose own waiting counts as time that has passed)."""
        now = self._now()
        if self._last is None:
            self._due = now
        else:
            self._busy.append(now - self._last)
        self._due += self.period
        if self._due - now > 0:
            self._sleep(self._due - now)
        else:  # late frames are left out, and the next one comes when it would have come
            self._due += max(0.0, (now - self._due) // self.period) * self.period
        now = self._now()
        if self._last is not None:
            self._intervals.append(now - self._last)
            self.missed += now - self._last > 1.5 * self.period
        self._last = now
        self.frames += 1

    @property
    def busy_now(self) -> float:
        """Share of the newest frame's time that work took."""
        return self._busy[-1] / self.period if self._busy else 0.0

    @property
    def busy(self) -> float:
        """Share of the frame that work took, median of the newest 60."""
        return float(np.median(list(self._busy)[-60:])) / self.period if self._busy else 0.0

    def state(self) -> dict[str, float]:
        """Frames, misses and percentiles of the interval in ms."""
        milliseconds = np.array(self._intervals or [0.0]) * 1e3
        p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
        return {
            "frames": self.frames, "missed": self.missed, "busy": self.busy,
            "p50_ms": float(p50), "p95_ms": float(p95), "p99_ms": float(p99), "worst_ms": float(milliseconds.max()),
        }  # fmt: skip
