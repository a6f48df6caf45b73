"""When a sample leaves the loudspeaker: the sound card's count as monotonic seconds, filtered.

A callback says "this block will leave in so many seconds", with jitter. A second-order delay-locked loop (F. Adriaensen,
"Using a DLL to filter time", LAC 2005) turns that into a straight line that follows the card's own drift.
"""

from __future__ import annotations

import math

JUMP = 0.05  # seconds: more than this twice in a row is another time line (a device that stalled), not jitter
LARGEST_DELAY = 2.0  # seconds: a host that says more is wrong


class DacClock:
    """Filters block times. Audio thread only. Realtime-safe: yes."""

    def __init__(self, rate: int, block: int, bandwidth: float = 0.05):
        self._period = block / rate
        self._block = block
        w = 2.0 * math.pi * bandwidth * self._period
        self._b, self._c = math.sqrt(2.0) * w, w * w
        self._next = math.nan  # when the coming block should leave
        self._step = self._period
        self._far = 0
        self._seen = 0
        self.resets = 0
        self.error = 0.0  # seconds between the last raw time and the filtered one

    @property
    def rate(self) -> float:
        """Samples per monotonic second, as measured."""
        return self._block / self._step

    def update(self, raw: float) -> float:
        """The filtered time of this block's first sample, given what the host says."""
        if math.isnan(self._next):
            return self._restart(raw)
        self.error = raw - self._next
        if abs(self.error) > JUMP:
            self._far += 1
            if self._far >= 2:
                self.resets += 1
                return self._restart(raw)
            self.error = 0.0
        else:
            self._far = 0
        now = self._next
        self._seen += 1
        # the loop starts wide, so that the first second finds the line, and narrows to its bandwidth
        wide = max(1.0, 40.0 / (1.0 + 0.05 * self._seen))
        self._next += min(self._b * wide, 0.5) * self.error + self._step
        self._step += min(self._c * wide * wide, 0.1) * self.error * (wide < 20.0)
        self._step = min(
            max(self._step, self._period * 0.995), self._period * 1.005
        )  # no card is off by half a percent
        return now

    def _restart(self, raw: float) -> float:
        self._next, self._far, self._seen, self.error = raw + self._period, 0, 0, 0.0
        self._step = self._period
        return raw


class HostTime:
    """Makes sense of a host's time stamps. They differ: always zero, wall clock, a DAC time in the past.

    Only the difference between DAC and current time is used, never either alone: PortAudio's `time` is wall time on
    some hosts and moves when somebody sets the clock. A difference that cannot be is replaced by the latency that the
    stream was promised, and counted.
    """

    def __init__(self, latency: float):
        self.latency = latency
        self.odd = 0

    def leaves(self, now: float, current: float, dac: float) -> float:
        """Monotonic seconds at which the block leaves; `now` is monotonic, the others are the host's."""
        delay = dac - current
        if not 0.0 < delay < LARGEST_DELAY:
            self.odd += 1
            delay = self.latency
        return now + delay
