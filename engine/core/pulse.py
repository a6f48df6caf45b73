"""When each thread of a show last did something, in shared memory: whoever looks can tell a deaf room from a well one.

A thread beats as it goes round its loop, and says beforehand how long it may be silent where it knows that it will be
(loading, thinking, waiting for a disk). What is silent for longer hangs. Nothing here waits or locks; one writer for
each thread's row, any number of readers in any process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.core.crossings import Shared

THREADS = ("loop", "ears", "thought", "stream", "sound", "block", "weaver", "doors", "places")
FACTS = (
    "frames",  # shown since the show began
    "dark",  # monotonic seconds at which somebody last asked for dark; 0: nobody, or light again
    "blackout",  # 1 while blackout holds
    "light",  # of the frame that was shown last: its mean, 0..255
    "inside",  # 1 + number of the scene one of whose hooks runs now; 0: none
    "version",  # which version of it: see show/cast.py `mark`
)


class Pulses:
    """One page for a show. `name`: None makes it, another's looks at it, "" is for one process alone."""

    def __init__(self, name: str | None = None):
        shape = (len(THREADS) + len(FACTS), 2)
        self._shared = None if name == "" else Shared(16 * shape[0], name)
        self._rows: NDArray[np.float64] = (
            np.zeros(shape) if self._shared is None else np.ndarray(shape, np.float64, self._shared.buffer)
        )
        if self._shared and self._shared.owner:
            self._rows[:] = 0.0
        self.name = self._shared.name if self._shared else ""

    def beat(self, thread: str, allow: float = 0.0) -> None:
        """This thread is alive, and may be silent for `allow` seconds from now. Realtime-safe: yes."""
        now = time.monotonic()
        row = self._rows[THREADS.index(thread)]
        row[1] = now + allow
        row[0] = now

    def expect(self, threads: Iterable[str], allow: float) -> None:
        """Threads that are about to start, and within how many seconds their first beat is due."""
        for thread in threads:
            self.beat(thread, allow)

    def silence(self, thread: str, now: float) -> float:
        """Seconds that a thread has been silent for longer than it said; 0 for one that nobody expects."""
        beat, until = self._rows[THREADS.index(thread)].tolist()
        return max(0.0, now - max(beat, until)) if beat else 0.0

    def waiting(self, thread: str, now: float) -> bool:
        """Whether a thread has said that it will be silent for a while yet, or somebody expects its first beat."""
        return float(self._rows[THREADS.index(thread), 1]) > now

    def last(self, thread: str) -> float:
        """Monotonic seconds of a thread's last beat; 0: none."""
        return float(self._rows[THREADS.index(thread), 0])

    def put(self, fact: str, value: float) -> None:
        """Set one of FACTS. Realtime-safe: yes."""
        self._rows[len(THREADS) + FACTS.index(fact), 0] = value

    def get(self, fact: str) -> float:
        return float(self._rows[len(THREADS) + FACTS.index(fact), 0])

    def close(self) -> None:
        del self._rows
        if self._shared:
            self._shared.close()
