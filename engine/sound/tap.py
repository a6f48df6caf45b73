"""The sound as it leaves the room, for whoever records or streams it: one writer, many readers, nobody waits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.crossings import Shared

HEAD = 32  # bytes: written, capacity, rate, spare


class SampleRing:
    """The last seconds of stereo sound in shared memory, f32 in -1..1, numbered from the first sample of the show.

    The creator sizes it and unlinks it; the sound room writes; a sound room that is started again goes on counting.
    """

    def __init__(self, seconds: float = 4.0, rate: int = 48000, name: str | None = None):
        capacity = int(seconds * rate)
        self._shared = Shared(HEAD + capacity * 8, name)
        self._head = np.ndarray(4, np.int64, self._shared.buffer)
        if self._shared.owner:
            self._head[:] = 0, capacity, rate, 0
        self.capacity, self.rate = int(self._head[1]), int(self._head[2])
        self._samples: NDArray[Any] = np.ndarray((self.capacity, 2), np.float32, self._shared.buffer, HEAD)
        self.name = self._shared.name

    @property
    def written(self) -> int:
        """Number of samples written since the show started."""
        return int(self._head[0])

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append (n, 2) f32, n <= capacity. Audio thread only. Realtime-safe: yes (two copies at most)."""
        start, n = self.written, len(samples)
        at = start % self.capacity
        first = min(n, self.capacity - at)
        self._samples[at : at + first] = samples[:first]
        self._samples[: n - first] = samples[first:]
        self._head[0] = start + n

    def read(self, after: int) -> tuple[int, NDArray[np.float32]]:
        """All samples from number `after` on: (number of the first, copy (n, 2)).

        A reader that slept too long gets the oldest that are still there and sees the gap in the first number.
        Any process. Never waits; n is 0 when there is nothing new.
        """
        margin = 2048  # the writer may be at work on the oldest
        for _ in range(3):
            written = self.written
            first = min(max(after, written - self.capacity + margin, 0), written)
            index = np.arange(first, written) % self.capacity
            samples: NDArray[np.float32] = self._samples[index]
            if self.written - self.capacity <= first:
                return first, samples
        return self.written, np.empty((0, 2), np.float32)

    def close(self) -> None:
        del self._head, self._samples
        self._shared.close()
