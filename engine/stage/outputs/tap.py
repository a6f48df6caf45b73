"""What leaves the stage beside its windows: a Tap takes finished frames and sound, and never makes the wall wait."""

from __future__ import annotations

import hashlib
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]  # (h, w, 4), top row first
Sound = NDArray[np.float32]  # (n, channels), -1..1


class Tap(Protocol):
    """Takes what the wall shows. Called by the GL thread: bounded, dropping, counting."""

    lost: int  # frames that it had no room for

    def offer(self, frame: Frame, at: float) -> None:
        """A finished frame, shown `at` (scene seconds). The array may be kept: nobody writes into it again."""

    def hear(self, samples: Sound, at: float) -> None:
        """Sound; its first sample is heard `at`, on the same clock as the frames."""

    def close(self) -> None:
        """Finish what is begun and let go of files and devices."""


class Fingerprint:
    """A Tap that keeps a hash of each frame: two renders that are the same are the same here."""

    def __init__(self) -> None:
        self.lost = 0
        self.frames: list[str] = []

    def offer(self, frame: Frame, at: float) -> None:
        self.frames.append(hashlib.sha256(frame.tobytes()).hexdigest())

    def hear(self, samples: Sound, at: float) -> None:
        """Sound has no part in the hash of the frames."""

    def close(self) -> None:
        """Nothing is open."""

    @property
    def whole(self) -> str:
        """One hash over all frames."""
        return hashlib.sha256("".join(self.frames).encode()).hexdigest()
