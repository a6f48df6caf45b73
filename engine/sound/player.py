"""What the audio callback does: grains in, a block out, the clock page turned."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.core.crossings import ClockPage, GrainRing, KeyRing
from engine.core.guard import FAULTS, Guard
from engine.sound import lateness
from engine.sound.dac import DacClock
from engine.sound.instrument import Instrument
from engine.sound.master import Fader
from engine.sound.tap import SampleRing


class Player:
    """One for each sound room, whatever device it plays to. Audio thread only, apart from what `Room` looks at."""

    def __init__(
        self, instrument: Instrument, grains: GrainRing, keys: KeyRing, page: ClockPage, samples: SampleRing,
        guard: Guard | None = None, beat: Callable[[], None] = lambda: None,
    ):  # fmt: skip
        self.guard, self.beat = guard or Guard("sound"), beat
        self.instrument, self._grains, self._keys, self._page, self._samples = instrument, grains, keys, page, samples
        self.house = Fader(instrument.rate, instrument.size)  # how light the house is: opening hours
        self.house.skip()
        self.dark = False  # keys are not heard while the wall is dark
        self.limit = 0.6  # share of a block's time at which grains begin to be thinned
        self.underruns = 0
        self.causes = dict.fromkeys(lateness.CAUSES, 0)  # underruns by cause; the main thread counts them
        self.computing = self.passing = 0.0  # longest block since the main thread looked: CPU seconds, seconds
        self.thread = 0  # native id of the audio thread
        self.load = 0.0
        self._heard: deque[float] = deque(maxlen=200)  # seconds from keys to their sounds
        self._mix = instrument.speakers.stereo()
        self._tap = np.zeros((instrument.size, 2), np.float32)
        self._period = instrument.size / instrument.rate
        self.restart(0.0)

    def restart(self, latency: float) -> None:
        """Begin with another device: its time is another line; the sample count goes on."""
        self._clock = DacClock(self.instrument.rate, self.instrument.size)
        self.latency, self.thread = latency, 0

    def play(self, out: NDArray[np.float32], leaves: float, late: bool) -> None:
        """Fill (block, channels) f32 that leaves at monotonic second `leaves`: silence, counted, where that fails.

        Realtime-safe apart from Python itself.
        """
        self.beat()
        try:
            self._play(out, leaves, late)
        except FAULTS as wrong:
            out[:] = 0.0
            self.instrument.faults += 1
            self.guard.note("a block", wrong)

    def _play(self, out: NDArray[np.float32], leaves: float, late: bool) -> None:
        begun, worked = time.perf_counter(), time.thread_time()
        self.thread = self.thread or threading.get_native_id()
        self.underruns += late
        start = self._clock.update(leaves)
        rows = self._grains.take()
        if len(rows):
            self.instrument.schedule(rows)
        keys = self._keys.take()
        if len(keys) and not self.dark:
            self.instrument.schedule(self.instrument.struck(keys))
            self._heard += (start + self._period - keys["time"]).tolist()  # the limiter holds a block
            self._page.publish(keys=float(np.percentile(self._heard, 95)))
        first = self._samples.written
        block = self.instrument.block(start)
        self.house.apply(block)
        out[:] = block
        np.matmul(block, self._mix, out=self._tap)
        self._samples.write(self._tap)
        self._publish(first, start, block)
        self._measure(time.perf_counter() - begun, time.thread_time() - worked)

    def _measure(self, passing: float, computing: float) -> None:
        """Note what a block took, and thin out the grains where blocks take too much."""
        instrument = self.instrument
        self.passing, self.computing = max(self.passing, passing), max(self.computing, computing)
        self.load += 0.02 * (passing / self._period - self.load)
        if self.load > self.limit:
            instrument.keep = max(0.05, instrument.keep * 0.99)
        elif instrument.keep < 1.0:
            instrument.keep = min(1.0, instrument.keep * 1.002)

    def _publish(self, first: int, start: float, block: NDArray[np.float32]) -> None:
        instrument = self.instrument
        flat = block.ravel()
        self._page.publish(
            running=1.0,
            sample=first,
            seconds=start,
            rate=self._clock.rate,
            nominal=instrument.rate,
            block=instrument.size,
            underruns=self.underruns,
            **self.causes,
            grains=instrument.grains,
            late=instrument.late,
            behind=instrument.behind,
            lost=instrument.lost,
            faults=instrument.faults,
            active=instrument.active,
            level=float(np.sqrt(np.dot(flat, flat) / len(flat))),
            peak=float(np.abs(flat).max()),
            load=self.load,
            latency=self.latency,
        )
