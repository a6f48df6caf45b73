"""The latency contract: what was promised, what was kept, and what is given up first when it cannot be.

A deadline is declared in `machine.toml`. Every picture is noted; percentiles, misses and the longest run of misses are
published. When too many of the last pictures were late, the contract asks for a step down its ladder, and says so:

    whole -> skip (no thinking beside the stream) -> extrapolate (every second picture is left to the wall) -> smaller
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

STEPS = ("whole", "skip", "extrapolate", "smaller")
PERCENTILES = (50.0, 95.0, 99.0, 99.9)


class Series:
    """The last `room` values of one measurement, and the worst ever. One writer; reading copies."""

    def __init__(self, room: int = 16_384):
        self._values = np.zeros(room)
        self.count = 0
        self.worst, self.least = 0.0, float("inf")

    def note(self, value: float) -> None:
        """Realtime-safe: yes, apart from Python itself."""
        self._values[self.count % len(self._values)] = value
        self.count += 1
        self.worst, self.least = max(self.worst, value), min(self.least, value)

    def figures(self) -> dict[str, float]:
        """p50, p95, p99, p99.9 of what is remembered, and the largest ever, in the unit of what was noted."""
        if not self.count:
            return {}
        found = np.percentile(self._values[: min(self.count, len(self._values))], PERCENTILES)
        return {**{f"p{p:g}": float(v) for p, v in zip(PERCENTILES, found, strict=True)}, "max": self.worst}


@dataclass(frozen=True, slots=True)
class Terms:
    """`[contract]` of machine.toml."""

    deadline: float = 0.125  # seconds from one picture to the next
    words: float = 1.5  # seconds from words asked to the first picture of them
    ladder: tuple[tuple[int, int], ...] = ()  # smaller sizes (height, width), largest first
    share: float = 0.05  # of late pictures that is borne
    window: int = 60  # pictures looked at before a step is taken


@dataclass(slots=True)
class Contract:
    """Keeps the account of one stream of pictures. One thread notes; any may read `figures`."""

    terms: Terms = field(default_factory=Terms)
    compute: Series = field(default_factory=Series)  # ms of the device, a picture
    words: Series = field(default_factory=Series)  # ms from words asked to a picture of them made
    present: Series = field(default_factory=Series)  # ms from one picture to the next
    misses: int = 0
    words_missed: int = 0
    longest: int = 0  # run of misses
    step: str = STEPS[0]
    steps_taken: list[tuple[float, str, str]] = field(default_factory=list)  # (when, step, why)
    faults: int = 0  # pictures that were not finite
    recaptures: int = 0
    grown: int = 0  # bytes that the allocator took after the first pictures
    _run: int = 0
    _last: float = 0.0
    _asked: float = -1.0
    _late: deque[bool] = field(default_factory=deque)
    _start: int = -1

    def picture(self, now: float, milliseconds: float, asked: float = 0.0) -> None:
        """A picture is made: `now` in seconds, what the device took, and when its words were asked (0 = unknown).

        Words are counted once, at the first picture that was asked for them.
        """
        self.compute.note(milliseconds)
        if asked > 0 and asked != self._asked:
            self._asked = asked
            self.words.note((now - asked) * 1e3)
            self.words_missed += now - asked > self.terms.words
        if self._last:
            self._present(now - self._last, now)
        self._last = now

    def _present(self, interval: float, now: float) -> None:
        self.present.note(interval * 1e3)
        late = interval > self.terms.deadline
        self.misses += late
        self._run = self._run + 1 if late else 0
        self.longest = max(self.longest, self._run)
        self._late.append(late)
        if len(self._late) > self.terms.window:
            self._late.popleft()
        self._decide(now)

    def _decide(self, now: float) -> None:
        """One step down when too many are late, one up when none was for a whole window. "smaller" is for good."""
        if len(self._late) < self.terms.window or self.step == "smaller":
            return
        share, at = sum(self._late) / len(self._late), STEPS.index(self.step)
        last = len(STEPS) - (1 if self.terms.ladder else 2)
        if share > self.terms.share and at < last:
            self.take(
                STEPS[at + 1], f"{share:.0%} of {len(self._late)} pictures over {self.terms.deadline * 1e3:.0f} ms", now
            )
        elif share == 0.0 and at > 0:
            self.take(STEPS[at - 1], f"no late picture in {len(self._late)}", now)

    def take(self, step: str, why: str, now: float) -> None:
        """A step is taken, and remembered with its reason."""
        self.step = step
        self.steps_taken.append((now, step, why))
        del self.steps_taken[:-100]
        self._late.clear()

    def smaller(self, size: tuple[int, int]) -> tuple[int, int] | None:
        """The next smaller size of the ladder, None at its end."""
        below = [other for other in self.terms.ladder if other[0] * other[1] < size[0] * size[1]]
        return max(below, key=lambda other: other[0] * other[1], default=None)

    def resized(self, now: float, size: tuple[int, int], why: str) -> None:
        """Pictures are of another size from here on, and the ladder begins anew."""
        self.take("smaller", f"{size[1]}x{size[0]}: {why}", now)
        self.step = STEPS[0]

    def memory(self, allocated: int) -> None:
        """What the allocator holds now; growth is counted from the first time that this is called."""
        if self._start < 0:
            self._start = allocated
        self.grown = allocated - self._start

    def age(self, now: float) -> float:
        """Seconds since the newest picture was made."""
        return now - self._last if self._last else 0.0

    def figures(self, now: float) -> dict[str, float]:
        """Everything that is published, by flat names: `compute_ms_p99`, `misses`, `age` …"""
        found = {
            f"{name}_ms_{key}": value
            for name, series in (("compute", self.compute), ("words", self.words), ("present", self.present))
            for key, value in series.figures().items()
        }
        counts = {"pictures": self.compute.count, "misses": self.misses, "words_missed": self.words_missed,
                  "longest_run": self.longest,
                  "faults": self.faults, "recaptures": self.recaptures, "allocator_growth_bytes": self.grown,
                  "step": STEPS.index(self.step), "steps_taken": len(self.steps_taken)}  # fmt: skip
        return {**found, **{key: float(value) for key, value in counts.items()},
                "deadline_ms": self.terms.deadline * 1e3, "age_ms": self.age(now) * 1e3}  # fmt: skip
