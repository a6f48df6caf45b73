"""What leaves the stage beside its windows: a Tap takes finished frames and sound, and never makes the wall wait."""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import Plain

log = logging.getLogger(__name__)

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


class Newest:
    """A Tap that keeps the newest frame."""

    def __init__(self) -> None:
        self.lost = 0
        self.frame: Frame = np.zeros((1, 1, 4), np.uint8)

    def offer(self, frame: Frame, at: float) -> None:
        self.frame = frame

    def hear(self, samples: Sound, at: float) -> None:
        """A frame makes no sound."""

    def close(self) -> None:
        """Nothing is open."""


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


class OutputError(Plain):
    """An output cannot be had here; the message names the library or driver that is missing and how to get it."""


class Worker:
    """A Tap whose sending happens in a thread of its own, fed by a short queue that drops and counts.

    Subclasses send one frame in `send` and let go in `finish`; both run in the thread. `hear` may be overridden.
    """

    ROOM = 3  # frames

    def __init__(self, name: str):
        self.lost = 0
        self.sent = 0
        self.trouble = ""
        self._queue: queue.Queue[tuple[Frame, float] | None] = queue.Queue(self.ROOM)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, frame: Frame, at: float) -> None:
        try:
            self._queue.put_nowait((frame, at))
        except queue.Full:
            self.lost += 1

    def hear(self, samples: Sound, at: float) -> None:
        """Sound has no place in this output."""

    def send(self, frame: Frame, at: float) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Let go of the device."""

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(5.0)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self.send(*item)
                self.sent += 1
            except Exception as error:  # a device that goes away must not end the show
                self.lost += 1
                if not self.trouble:
                    self.trouble = f"{type(self).__name__}: {error}"
                    log.warning(self.trouble)
        self.finish()
