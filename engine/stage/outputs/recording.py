"""Recordings on a disk: a file for each hour with the time in its name, never more than the disk is given for them.

A recording is less than the memory: where the disk is nearly full it stands still before the archive has to, and goes
on by itself, in a new file, when there is room again.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from engine.stage.outputs.encoder import Encoder, Segment
from engine.stage.outputs.tap import Frame, Sound

log = logging.getLogger(__name__)
PARTS = 4  # files that a budget is cut into at least, so that the oldest of them can go
SPARE = 1 << 30, 0.05  # bytes, share of the disk: the smaller of the two is left free for the memory
PATIENCE = 10.0  # seconds between two looks at a disk that was full
DATED = r"-\d{4}-\d\d-\d\d-\d{6}(-\d+)?"


class OneFile:
    """A Sink that writes one file of just this name, over whatever was there. A full disk raises OSError."""

    def __init__(self, path: Path):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def put(self, segment: Segment) -> bool:
        _write(self._file, segment.data)
        return True

    def close(self) -> None:
        os.close(self._file)


class Recording:
    """A Sink that writes files which nothing overwrites: `show.mp4` -> `show-2026-03-01-140000.mp4`.

    A new file begins after `hours` (0: never) and at each start. With `budget` > 0 (bytes) the oldest recordings of this
    name, also of earlier days, are deleted first. What cannot be written is taken out of the file again, so that each
    file plays to its end; `trouble` says why and where, "" while all is well. Each half second is flushed to the kernel:
    `kill -9` takes no more than what was being encoded. The encoder's thread only, but for `trouble`.
    """

    def __init__(
        self, path: Path, hours: float = 0.0, budget: int = 0,
        now: Callable[[], time.struct_time] = time.localtime, seconds: Callable[[], float] = time.monotonic,
    ):  # fmt: skip
        self.path, self.hours, self.budget = Path(path), hours, budget
        self.files: list[Path] = []
        self.bytes = self.lost = 0  # bytes written, segments that found no room
        self.trouble = ""
        self.opened: Callable[[Path], None] = _nobody  # whom it concerns that a file begins
        self.closed: Callable[[Path], None] = _nobody  # and that it is over
        self.now, self._seconds = now, seconds
        self._file: int | None = None
        self._begun, self._size = 0.0, 0  # of the file: scene seconds of its beginning, bytes of whole segments
        self._again = 0.0  # when to look at the disk again

    def put(self, segment: Segment) -> bool:
        """Write a segment; False asks for a new beginning. Never raises for the disk's sake."""
        try:
            if segment.first:
                self._open(segment.at)
            if self._file is None:
                self.lost += 1
                return not self._room_again()
            self._take(segment.data)
        except OSError as wrong:
            self._stand_still(wrong.strerror or str(wrong))
            return True
        long = bool(self.hours) and segment.at - self._begun >= self.hours * 3600
        return not (long or (self.budget and self._size * PARTS >= self.budget))

    def _open(self, at: float) -> None:
        self.close()
        if not self._roomy():
            raise OSError(0, "the disk is nearly full")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        name = f"{self.path.stem}-{time.strftime('%Y-%m-%d-%H%M%S', self.now())}"
        tries = 1
        while self._file is None:
            path = self.path.with_name(f"{name}{f'-{tries}' if tries > 1 else ''}{self.path.suffix}")
            with contextlib.suppress(FileExistsError):
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            tries += 1
        with contextlib.suppress(OSError):  # some file systems cannot
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # whoever signs leaves alone what is written to
        self._begun, self._size = at, 0
        self.files.append(path)
        if self.trouble:
            log.info("the recording goes on in %s", path)
        self.trouble = ""
        self.opened(path)

    def _take(self, data: bytes) -> None:
        assert self._file is not None
        if not self._roomy():
            raise OSError(0, "the disk is nearly full")
        try:
            _write(self._file, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)  # half a segment would be the end of the file for a player
            raise
        self._size += len(data)
        self.bytes += len(data)
        if self.budget:
            self._sweep()

    def _stand_still(self, why: str) -> None:
        self.lost += 1
        self._again = self._seconds() + PATIENCE
        self.close()
        if not self.trouble:
            self.trouble = f"the recording stands still ({self.path.parent}: {why}); it goes on when there is room"
            log.warning(self.trouble)

    def _room_again(self) -> bool:
        """Whether it is time to ask for a new beginning: all that the encoder feeds begins anew with it."""
        now = self._seconds()
        if now < self._again:
            return False
        self._again = now + PATIENCE
        return self._roomy() and os.access(_there(self.path.parent), os.W_OK)

    def _roomy(self) -> bool:
        disk = shutil.disk_usage(_there(self.path.parent))
        return disk.free > min(SPARE[0], SPARE[1] * disk.total)

    def _sweep(self) -> None:
        """Delete the oldest recordings of this name until the rest fits; never the one that is being written."""
        ours = re.compile(re.escape(self.path.stem) + DATED + re.escape(self.path.suffix))
        files = [file for file in self.path.parent.iterdir() if ours.fullmatch(file.name)]
        sizes = {file: file.stat() for file in files}
        total = sum(found.st_size for found in sizes.values())
        for file in sorted(files, key=lambda file: sizes[file].st_mtime_ns):
            if total <= self.budget:
                return
            if file != self.files[-1]:
                total -= sizes[file].st_size
                file.unlink(missing_ok=True)
                log.info("the recordings have reached %d bytes: %s is gone", self.budget, file.name)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
            self.closed(self.files[-1])


def _nobody(path: Path) -> None:
    """Nobody has to know."""


class Recorder(Encoder):
    """A Tap that records picture and sound to just `path`. See Encoder and OneFile."""

    def __init__(
        self, path: Path, size: tuple[int, int], fps: float, rate: int = 48_000, channels: int = 2, patient: bool = False
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__([OneFile(path)], size, fps, rate, channels, patient)


class Still:
    """A Tap that keeps the last frame and writes it to just `path` (.png or .jpg) when it is closed. `trouble` as an Encoder's."""

    def __init__(self, path: Path):
        self.path, self.lost, self.trouble = path, 0, ""
        self._frame: Frame | None = None

    def offer(self, frame: Frame, at: float) -> None:
        self._frame = frame

    def hear(self, samples: Sound, at: float) -> None:
        """A still is silent."""

    def close(self) -> None:
        if self._frame is None:
            self.trouble = "no frame was shown"
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(self._frame[..., :3]).save(self.path, quality=92)
        except OSError as wrong:
            self.trouble = wrong.strerror or str(wrong)


def _write(file: int, data: bytes) -> None:
    """All of it: the kernel may take less than it was given (a nearly full disk takes what fits and says no word)."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _there(folder: Path) -> Path:
    """The folder, or what there is of the way to it."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
