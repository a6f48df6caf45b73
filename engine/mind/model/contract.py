"""The latency contract: a service-level objective (SLO) for pictures, and a ladder of degradation for when it is missed.

A deadline is declared in `machine.toml`. Every picture is noted; percentiles, misses and the longest run of misses are
published. When too many of the last pictures were late, the contract takes a step down the ladder of degradation, and says so:

    whole -> skip (no thought beside the stream, unless somebody waits for it)
          -> extrapolate (every second picture is left to the wall's in-betweens) -> smaller (the next size)

Pictures become smaller only where it is they that take the time, and grow again when there has been time for long.

This file only measures and decides; the mind's room acts upon the steps. Time comes in as an argument.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

STEPS = ("whole", "skip", "extrapolate", "smaller")
PERCENTILES = (50.0, 95.0, 99.0, 99.9)
BORNE = 0.05  # part of late pictures that is borne
EASY = 0.8  # of the deadline: what a picture may cost at most for a step up to be worth trying
HEAVY = 0.5  # of the deadline: what a picture costs at least where a smaller one would help
LONG = 8  # windows without a late picture before a size that was given up is tried again; doubled each time that it fails
PATIENCE = 16  # windows without a late picture, at most, before a step up that failed before is tried again


class Series:
    """The last `capacity` values of one measurement, and the worst ever. One writer; reading copies."""

    def __init__(self, capacity: int = 16_384):
        self._values = np.zeros(capacity)
        self.count = 0
        self.worst, self.least = 0.0, float("inf")

    def note(self, value: float) -> None:
        """Realtime-safe: yes, apart from Python itself."""
        self._values[self.count % len(self._values)] = value
        self.count += 1
        self.worst, self.least = max(self.worst, value), min(self.least, value)

    def recent(self, count: int) -> float:
        """The middle one of the last `count` values; 0 where there is none."""
        last = [self._values[n % len(self._values)] for n in range(max(0, self.count - count), self.count)]
        return float(np.median(last)) if last else 0.0

    def figures(self) -> dict[str, float]:
        """p50, p95, p99, p99.9 of what is remembered, and the largest ever, in the unit of what was noted; else 0."""
        values = self._values[: min(self.count, len(self._values))] if self.count else np.zeros(1)
        found = np.percentile(values, PERCENTILES)
        return {**{f"p{p:g}": float(v) for p, v in zip(PERCENTILES, found, strict=True)}, "max": self.worst}


@dataclass(frozen=True, slots=True)
class Terms:
    """`[contract]` of machine.toml."""

    deadline: float = 0.25  # seconds from one picture to the next; later is a miss
    words: float = 1.5  # seconds from words to the first picture of them; later is a miss
    ladder: tuple[tuple[int, int], ...] = ()  # smaller sizes (height, width), largest first
    window: int = 60  # pictures looked at before a step is taken

    def __post_init__(self) -> None:
        if self.deadline <= 0 or self.words <= 0:
            raise ValueError(f"deadline and words of [contract] are seconds over 0, found {self.deadline} and {self.words}")


@dataclass(slots=True)
class Contract:
    """The SLO of one stream of pictures: what was promised, what was kept. One thread notes; any may read `figures`."""

    terms: Terms = field(default_factory=Terms)
    compute: Series = field(default_factory=Series)  # ms of the device, a picture
    words: Series = field(default_factory=Series)  # ms from words asked to a picture of them made
    interval: Series = field(default_factory=Series)  # ms from one picture to the next
    misses: int = 0
    words_missed: int = 0
    longest: int = 0  # run of misses
    step: str = STEPS[0]
    why: str = ""  # of the newest step
    taken: int = 0  # steps, up and down
    steps_taken: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=100))  # (when, step, why)
    faults: int = 0  # pictures that were not finite
    recaptures: int = 0
    grown: int = 0  # bytes that the allocator took after the first pictures
    _run: int = 0
    _stood: float = 0.0  # seconds of this interval in which the stream stood back by itself
    _last: float = 0.0
    _asked: float = -1.0
    _late: deque[bool] = field(default_factory=deque)
    _dearest: float = 0.0  # ms of the dearest picture of this window
    _calm: int = 0  # windows without a late picture since the newest step
    _patience: int = 1  # of them that a step up waits for
    _bottom: bool = False  # the ladder has no smaller size
    _given_up: list[tuple[int, int]] = field(default_factory=list)  # sizes, the largest first
    _rested: int = 0  # windows in which the size given up last would have been in time
    _long: int = LONG  # of them that it waits for
    _start: int = -1

    @property
    def deadline(self) -> float:
        """Seconds from one picture to the next, as things stand: twice the promise where every second is left out."""
        return self.terms.deadline * (2 if self.step in ("extrapolate", "smaller") else 1)

    def picture(self, now: float, milliseconds: float, asked: float = 0.0) -> None:
        """A picture is made: `now` in seconds, what the device took, and when its words were asked (0 = unknown).

        Words are counted once, at the first picture that was asked for them.
        """
        self.compute.note(milliseconds)
        self._dearest = max(self._dearest, milliseconds)
        if asked > 0 and asked != self._asked:
            self._asked = asked
            self.words.note((now - asked) * 1e3)
            self.words_missed += now - asked > self.terms.words
        if self._last:
            self._follow(now - self._last, now)
        self._last = now

    def stand_back(self, seconds: float) -> None:
        """The stream has waited so long by its own choice: a miss like any other, but none that giving something up would mend."""
        self._stood += seconds

    def _follow(self, interval: float, now: float) -> None:
        self.interval.note(interval * 1e3)
        late = interval > self.deadline
        self.misses += late
        self._run = self._run + 1 if late else 0
        self.longest = max(self.longest, self._run)
        self._late.append(interval - self._stood > self.deadline)
        self._stood = 0.0
        if len(self._late) > self.terms.window:
            self._late.popleft()
        self._decide(now)

    def _decide(self, now: float) -> None:
        """One step down when too many are late, one up when none was and the dearest would have been in time.

        A step up that has to be taken back is tried half as often. "smaller" waits until somebody acts on it.
        """
        if len(self._late) < self.terms.window or self.step == "smaller":
            return
        share, at = sum(self._late) / len(self._late), STEPS.index(self.step)
        last = len(STEPS) - (1 if self.terms.ladder and not self._bottom else 2)
        if share > BORNE:
            self._rested = 0
            if at < last and (STEPS[at + 1] != "smaller" or self._typical() >= HEAVY * self.terms.deadline * 1e3):
                self._patience = min(PATIENCE, 2 * self._patience) if self._calm else self._patience
                self.take(STEPS[at + 1], f"{share:.0%} of {len(self._late)} pictures over {self.deadline * 1e3:.0f} ms", now)
        elif share == 0.0 and at == 0:
            self._patience, self._calm = 1, 0  # the last step up has held
            if self._given_up:
                self._rested += 1
                self._late.clear()
        elif share == 0.0:
            self._calm = self._calm + 1 if self._dearest < EASY * self.terms.deadline * 1e3 else 0
            self._late.clear()
            self._dearest = 0.0
            if self._calm >= self._patience:
                self.take(STEPS[at - 1], f"no late picture in {self._calm * self.terms.window}", now)

    def _typical(self) -> float:
        """ms of the middle one of the window's pictures."""
        return self.compute.recent(self.terms.window)

    def larger(self, size: tuple[int, int]) -> tuple[int, int] | None:
        """The size that was given up last, where there has long been time for it; else None."""
        if self._rested < self._long or not self._given_up:
            return None
        self._rested = 0
        found = self._given_up[-1]
        dearer = found[0] * found[1] / (size[0] * size[1])
        return found if dearer * self._typical() < EASY * self.terms.deadline * 1e3 else None

    def take(self, step: str, why: str, now: float) -> None:
        """A step is taken, and remembered with its reason."""
        up = STEPS.index(step) < STEPS.index(self.step)
        self.step, self.why, self.taken = step, why, self.taken + 1
        self.steps_taken.append((now, step, why))
        self._late.clear()
        self._dearest, self._calm = 0.0, int(up)

    def smaller(self, size: tuple[int, int]) -> tuple[int, int] | None:
        """The next smaller size of the ladder, None at its end."""
        below = [other for other in self.terms.ladder if other[0] * other[1] < size[0] * size[1]]
        return max(below, key=lambda other: other[0] * other[1], default=None)

    def regrown(self, now: float, size: tuple[int, int]) -> None:
        """Pictures are of the size again that was given up last."""
        self._given_up.pop()
        self._long *= 2
        self._bottom = False
        self.taken, self.why = self.taken + 1, f"{size[1]}x{size[0]}: there is time again"
        self.steps_taken.append((now, "larger", self.why))
        self._late.clear()

    def resized(self, now: float, size: tuple[int, int], why: str, before: tuple[int, int] | None = None) -> None:
        """Pictures are of another size from here on, and the ladder begins anew. `before` may be tried again one day."""
        if before:
            self._given_up.append(before)
        self._rested = 0
        if self.step == "smaller":  # it was asked for: this is the same step, taken
            self.steps_taken.pop()
            self.taken -= 1
        self.take("smaller", f"{size[1]}x{size[0]}: {why}", now)
        self.step, self._patience = STEPS[0], 1

    def exhausted(self, now: float) -> None:
        """No smaller size is left: things stay as they are, and are said to be so."""
        self.take("extrapolate", "the ladder has no smaller size", now)
        self._bottom = True

    def memory(self, allocated: int) -> None:
        """What the allocator holds now; growth is counted from the first time that this is called."""
        if self._start < 0:
            self._start = allocated
        self.grown = allocated - self._start

    def settle(self) -> None:
        """Something was asked for that takes memory once: growth is counted anew from here."""
        self._start = -1

    def age(self, now: float) -> float:
        """Seconds since the newest picture was made."""
        return now - self._last if self._last else 0.0

    def figures(self, now: float) -> dict[str, float]:
        """Everything that is published, by flat names, always the same ones: `compute_ms_p99`, `misses`, `age_ms` …"""
        found = {
            f"{name}_ms_{key}": value
            for name, series in (("compute", self.compute), ("words", self.words), ("interval", self.interval))
            for key, value in series.figures().items()
        }
        counts = {"pictures": self.compute.count, "misses": self.misses, "words_missed": self.words_missed,
                  "longest_run": self.longest,
                  "faults": self.faults, "recaptures": self.recaptures, "allocator_growth_bytes": self.grown,
                  "step": STEPS.index(self.step), "steps_taken": self.taken}  # fmt: skip
        return {**found, **{key: float(value) for key, value in counts.items()},
                "deadline_ms": self.deadline * 1e3, "age_ms": self.age(now) * 1e3}  # fmt: skip
