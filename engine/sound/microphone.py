"""An ear for the room: the last seconds of one input, in memory only. Never opened unless it was named, and said so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.sound.library import SECONDS


class Microphone:
    """A ring of SECONDS of mono sound. Nothing is ever written to a disk; closing it forgets everything."""

    def __init__(self, name: str, rate: int, block: int = 512):
        import sounddevice

        self.name = name
        self._ring = np.zeros(int(SECONDS * rate), np.float32)
        self._written = 0
        self._stream = sounddevice.InputStream(
            device=None if name == "default" else name,
            samplerate=rate,
            blocksize=block,
            channels=1,
            dtype="float32",
            callback=self._hear,
        )
        self._stream.start()

    def _hear(self, heard: NDArray[np.float32], frames: int, times: Any, status: Any) -> None:
        at = self._written % len(self._ring)
        first = min(frames, len(self._ring) - at)
        self._ring[at : at + first] = heard[:first, 0]
        self._ring[: frames - first] = heard[first:, 0]
        self._written += frames

    def recent(self) -> NDArray[np.float32]:
        """The last seconds, oldest first, as a copy (n,); empty until they are full."""
        if self._written < len(self._ring):
            return np.zeros(0, np.float32)
        return np.roll(self._ring, -(self._written % len(self._ring)))

    def close(self) -> None:
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)
        self._ring[:] = 0.0
