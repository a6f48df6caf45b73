"""What the engine knows of its own pace: intervals, latencies, counts; percentiles over the newest thousands."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

PERCENTILES = (50.0, 95.0, 99.0, 99.9)


class Series:
    """The newest values of one quantity. `add` costs a microsecond; percentiles are computed when asked for."""

    def __init__(self, capacity: int = 8192):
        self._values: deque[float] = deque(maxlen=capacity)
        self.count = 0
        self.largest = 0.0

    def add(self, value: float) -> None:
        self._values.append(value)
        self.count += 1
        self.largest = max(self.largest, value)

    def percentiles(self) -> dict[str, float]:
        """p50, p95, p99, p99.9, mean and max; all 0 before the first value."""
        values = np.fromiter(self._values, np.float64) if self._values else np.zeros(1)
        found = dict(zip((f"p{p:g}" for p in PERCENTILES), np.percentile(values, PERCENTILES).tolist(), strict=True))
        return {**found, "mean": float(values.mean()), "max": self.largest, "n": self.count}


@dataclass
class Meter:
    """One for each show. Loop thread only."""

    frame: Series = field(default_factory=Series)  # seconds between frames shown
    light: Series = field(default_factory=Series)  # seconds from words to the first picture that answers them
    age: Series = field(default_factory=Series)  # seconds since the picture on the wall was made
    pictures: int = 0
    started: float = 0.0
    _asked: float = 0.0
    _paused: bool = False

    def shown(self, before: float, now: float) -> None:
        """A frame was shown at `now`, the last one at `before` (monotonic seconds)."""
        if before and not self._paused:
            self.frame.add(now - before)
        self._paused = False

    def pause(self) -> None:
        """The interval to the next frame is nobody's lateness: the house is closed."""
        self._paused = True

    def answered(self, asked: float) -> None:
        """Words that were asked until then have had their light."""
        self._asked = max(self._asked, asked)

    def picture(self, asked: float, made: float, now: float) -> None:
        """A new picture reached the wall. Its latency counts once for each sentence; `asked`: 0 = it answers none."""
        self.pictures += 1
        self.age.add(now - made)
        if asked > self._asked:  # never again for older words
            self._asked = asked
            self.light.add(now - asked)

    def figures(self, now: float, wanted: float) -> dict[str, float]:
        """Flat figures in milliseconds and per second; `wanted` is the frame interval asked for, in seconds."""
        seconds = max(1e-9, now - self.started)
        out = {"pictures_per_second": self.pictures / seconds, "frames": float(self.frame.count)}
        for name, series in (("frame", self.frame), ("light", self.light), ("age", self.age)):
            out |= {f"{name}_{key}_ms": 1e3 * value for key, value in series.percentiles().items() if key != "n"}
        late = sum(1 for interval in self.frame._values if interval > 1.5 * wanted)
        out["missed_share"] = late / max(1, len(self.frame._values))
        return out
