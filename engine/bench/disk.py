"""A small disk for the home of a show that is to be ill-treated: it can be full, it can refuse, and every byte of it can be read.

It is an image that is mounted, which only root may do; without root it is a folder like any other, and stays well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SIZE = 256 << 20  # bytes


class Disk:
    """`folder` on a disk of its own. `why`: why there is none, or ""."""

    def __init__(self, folder: Path):
        self.folder, self.image = folder, folder.with_suffix(".ext4")
        folder.mkdir(parents=True)
        self.why = self._mount()

    def _mount(self) -> str:
        """An ext4 that trims: what a file has let go is gone from the image too."""
        missing = [tool for tool in ("mkfs.ext4", "mount", "chattr") if not shutil.which(tool)]
        if os.geteuid() != 0 or missing:
            return f"no {missing[0]} here" if missing else "only root may mount a disk"
        with self.image.open("wb") as file:
            file.truncate(SIZE)
        made = ["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(self.image)]
        for words in (made, ["mount", "-o", "loop,discard,noatime", str(self.image), str(self.folder)]):
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                self.image.unlink()
                return f"mounting is refused: {done.stderr.strip()}"
        return ""

    def fill(self) -> None:
        """Not one byte is free."""
        with (self.folder / "ballast").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        with (self.folder / "ballast").open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0")

    def empty(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)

    def refuse(self, on: bool) -> None:
        """Nothing can be written, not even into files that are open."""
        subprocess.run(["chattr", "-R", "-f", "+i" if on else "-i", str(self.folder)], check=False)

    def bytes(self) -> Iterator[Path]:
        """Files that hold every byte of the disk."""
        os.sync()
        if not self.why:
            yield self.image

    def close(self) -> None:
        if not self.why:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)
