"""Recordings on a disk: written as they happen, cut by the hour, and never more than the disk is given for them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from engine.stage.outputs.encoder import Encoder, Segment

log = logging.getLogger(__name__)


class Recording:
    """A Sink that writes files.

    `path` names the file; with `hours` > 0 a new one begins after so long and the names carry date and time
    (`show.mp4` -> `show-2026-03-01-140000.mp4`). With `budget` > 0 (bytes) the oldest of these are deleted first.
    Each half second is flushed to the kernel, so `kill -9` takes no more than what was being encoded.
    """

    def __init__(
        self, path: Path, hours: float = 0.0, budget: int = 0, now: Callable[[], time.struct_time] = time.localtime
    ):
        self.path, self.hours, self.budget = Path(path), hours, budget
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.files: list[Path] = []
        self.bytes = 0
        self.now = now
        self._file: int | None = None
        self._begun = 0.0

    def put(self, segment: Segment) -> bool:
        if segment.first:
            self._open(segment.at)
        if self._file is not None:
            os.write(self._file, segment.data)
            self.bytes += len(segment.data)
        if self.budget:
            self._sweep()
        return not (self.hours and segment.at - self._begun >= self.hours * 3600)

    def _open(self, at: float) -> None:
        self.close()
        name = self.path
        if self.hours:
            name = name.with_name(f"{name.stem}-{time.strftime('%Y-%m-%d-%H%M%S', self.now())}{name.suffix}")
        self._file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._begun = at
        self.files.append(name)

    def _sweep(self) -> None:
        """Delete the oldest recordings of this name, also of earlier days, until the rest fits."""
        pattern = f"{self.path.stem}-*{self.path.suffix}" if self.hours else self.path.name
        files = sorted(self.path.parent.glob(pattern), key=lambda file: file.stat().st_mtime_ns)
        total = sum(file.stat().st_size for file in files)
        for file in files[:-1]:
            if total <= self.budget:
                return
            total -= file.stat().st_size
            file.unlink()
            log.info("the recordings have reached %d bytes: %s is gone", self.budget, file.name)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Recorder(Encoder):
    """A Tap that records picture and sound to `path`. See Encoder and Recording."""

    def __init__(
        self, path: Path, size: tuple[int, int], fps: float, rate: int = 48_000, channels: int = 2,
        patient: bool = False, hours: float = 0.0, budget: int = 0,
    ):  # fmt: skip
        self.recording = Recording(path, hours, budget)
        super().__init__([self.recording], size, fps, rate, channels, patient)
