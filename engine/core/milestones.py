"""How a start goes: what each room has done, and when. Written down only where somebody asks: `hypermnesia bench start`."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

FILE = "HYPERMNESIA_START"  # the environment variable that names the file


def passed(room: str, what: str) -> None:
    """A room has done this just now. Any process, any thread; a line of a file where somebody asked for it, else nothing."""
    if path := os.environ.get(FILE):
        with contextlib.suppress(OSError), Path(path).open("a", encoding="utf-8") as out:
            out.write(f"{time.monotonic():.4f}\t{time.process_time():.4f}\t{room}\t{what}\n")  # in one piece: rooms write side by side


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """What a room had done, and when."""

    at: float  # monotonic seconds
    cpu: float  # seconds of processor time that its process had had
    room: str
    what: str


def read(path: Path) -> list[Mark]:
    """All of them in the order of time; what is half written is left for the next look."""
    found = []
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            parts = line.rstrip("\n").split("\t")
            if line.endswith("\n") and len(parts) == 4:
                found.append(Mark(float(parts[0]), float(parts[1]), parts[2], parts[3]))
    return sorted(found)
