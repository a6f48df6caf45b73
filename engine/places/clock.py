"""What another machine's clock says now: its offset and its drift, measured by beats that go and come back.

Four times make a measurement (D. Mills, RFC 5905, section 8): sent here, come there, sent there, come here. Half of the
way there and back is the most by which it can be wrong, so measurements that were quick count and slow ones do not. A
line through them is the drift of one crystal against the other. Pure: times come in as numbers. Any thread, one at a time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

KEPT = 60.0  # seconds of measurements that the line goes through
SHORT = 20  # measurements of which the quickest is kept: two seconds of beats
STEADY = 20.0  # seconds of measurements from which on a drift is believed: over less, the noise of one would be taken for it
DRIFT = 5e-4  # crystals differ by 1e-4; more is a clock that somebody sets, or a measurement that has not settled


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: `offset` = theirs - mine at `at` (mine), seconds; `way` there and back."""

    at: float
    offset: float
    way: float


def measured(sent: float, came: float, back: float, here: float) -> Sample:
    """From four times: sent (mine), came and sent back (theirs), here again (mine)."""
    return Sample(0.5 * (sent + here), 0.5 * ((came - sent) + (back - here)), max(0.0, (here - sent) - (back - came)))


class Offset:
    """Another's clock against this one's. `theirs` and `mine` convert; before the first measurement they refuse."""

    def __init__(self) -> None:
        self._recent: deque[Sample] = deque(maxlen=SHORT)
        self._best: deque[Sample] = deque()
        self._at = self._offset = self.drift = 0.0
        self.way = 0.0  # seconds there and back, of the quickest lately
        self.known = False

    def add(self, sample: Sample) -> None:
        """Take a measurement in. One that is impossible beside the others is a clock that was set: everything begins anew."""
        if self.known and abs(sample.offset - self.offset(sample.at)) > 0.05 + sample.way:
            self._recent.clear()
            self._best.clear()
        self._recent.append(sample)
        best = min(self._recent, key=lambda one: one.way)
        if not self._best or best is not self._best[-1]:
            self._best.append(best)
        while self._best and sample.at - self._best[0].at > KEPT:
            self._best.popleft()
        self._fit(best)

    def _fit(self, best: Sample) -> None:
        found = np.array([(one.at, one.offset, one.way) for one in self._best or [best]])
        quick = found[found[:, 2] <= 2.0 * found[:, 2].min() + 1e-4]
        at, offset = quick[:, 0], quick[:, 1]
        span = float(np.ptp(at))
        slope = 0.0
        if len(quick) > 2 and span > STEADY:
            middle = at.mean()
            slope = float(((at - middle) * (offset - offset.mean())).sum() / ((at - middle) ** 2).sum())
        self.drift = min(DRIFT, max(-DRIFT, slope))
        self._at, self._offset = float(at.mean()), float(offset.mean())
        if span <= STEADY:
            self._at, self._offset = best.at, best.offset
        self.way, self.known = float(found[:, 2].min()), True

    def offset(self, at: float) -> float:
        """Theirs - mine in seconds, at `at` (mine)."""
        return self._offset + self.drift * (at - self._at)

    def theirs(self, mine: float) -> float:
        """What their clock says when this one says `mine`. Raises LookupError before the first measurement."""
        if not self.known:
            raise LookupError("nothing is measured yet")
        return mine + self.offset(mine)

    def mine(self, theirs: float) -> float:
        """What this clock says when theirs says `theirs`. Raises LookupError before the first measurement."""
        if not self.known:
            raise LookupError("nothing is measured yet")
        return theirs - self.offset(theirs - self.offset(theirs - self._offset))
