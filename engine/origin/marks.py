"""The marks of what the wall has shown, kept beside the memory: 320 bytes each, the day, and whose the picture was.

No words, no times of day, no pictures. Ancestors are kept by their numbers: what those may still say, the memory decides
when it is asked, and of what was taken back it says nothing.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import KINDS, State
from engine.origin.mark import BYTES, Bits, agreement, mark

log = logging.getLogger("engine.origin")

FILE = "marks.sqlite"
MOVED = 0.88  # agreement with the last mark from which on the wall is still what that would find
NAMED = 8  # ancestors that a mark names
ROOM = 64  # marks that may wait for the disk
SCHEMA = """
CREATE TABLE IF NOT EXISTS mark (
    id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL,   -- days since 1970-01-01
    bits BLOB NOT NULL,     -- see mark.py
    line TEXT NOT NULL,     -- JSON: ancestors [number, kind, share], rest, depth, count
    seed TEXT NOT NULL, structure TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Marked:
    """What is known of one picture of the wall."""

    id: int
    day: datetime.date
    ancestors: tuple[tuple[int, str, float], ...]  # number of the fragment, kind, share; the largest first
    rest: float  # share of all others
    depth: int
    count: int  # distinct ancestors
    seed: str
    structure: str


class Marks:
    """Opens (or makes) the marks of an installation; `folder` is its `origin`.

    `passing`: of a memory that is not kept, whose numbers mean nothing afterwards; recipes keep theirs. `look` for one thread; it never waits. A disk that refuses is told by `trouble`, "" while all is well.
    """

    def __init__(self, folder: Path, passing: bool = False, calendar: Callable[[], datetime.date] = datetime.date.today):
        self.path, self.passing, self._calendar = folder / FILE, passing, calendar
        self.trouble = ""
        self.kept = self.lost = 0
        self._last = bytes(BYTES)
        self._queue: queue.Queue[tuple[object, ...] | None] = queue.Queue(ROOM)
        self._thread: threading.Thread | None = None

    def look(self, frame: NDArray[np.uint8], state: State) -> None:
        """Keep the mark of a frame (h, w, 3 or 4), unless it is still the last one's."""
        made = mark(frame)
        if self.kept and agreement(made, self._last) >= MOVED:
            return
        self._last, self.kept = made, self.kept + 1
        line = state.lineage
        told = {"of": [(min(0, a.id) if self.passing else a.id, KINDS.index(a.kind), round(a.share, 4)) for a in line.top(NAMED)], "depth": line.depth, "count": line.count}
        row = (self._calendar() - datetime.date(1970, 1, 1)).days, made, json.dumps(told), str(state.seed), state.structure
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="marks", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(row)
        except queue.Full:
            self.lost += 1

    def close(self) -> None:
        if self._thread:
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=2.0)
            self._thread.join(5.0)
            self._thread = None

    def _write(self) -> None:
        while (row := self._queue.get()) is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.closing(self._open()) as base, base:
                    base.execute("INSERT INTO mark (day, bits, line, seed, structure) VALUES (?, ?, ?, ?, ?)", row)
                self.trouble = ""
            except (sqlite3.Error, OSError) as wrong:
                self.lost += 1
                said = f"marks are not kept ({wrong}): what is shown now will not be found by hypermnesia whose"
                if said != self.trouble:
                    log.warning(said)
                self.trouble = said

    def _open(self) -> sqlite3.Connection:
        base = sqlite3.connect(self.path, timeout=5.0)
        base.execute("PRAGMA journal_mode=WAL")
        base.executescript(SCHEMA)
        return base

    # --- asking

    def all(self) -> tuple[list[int], Bits]:
        """Numbers of all marks and their bits (n, BYTES); those of a version that kept fewer are left out."""
        if not self.path.exists():
            return [], np.zeros((0, BYTES), np.uint8)
        with contextlib.closing(self._open()) as base:
            rows = base.execute("SELECT id, bits FROM mark WHERE length(bits) = ? ORDER BY id", (BYTES,)).fetchall()
        return [row[0] for row in rows], np.frombuffer(b"".join(row[1] for row in rows), np.uint8).reshape(-1, BYTES)

    def told(self, number: int) -> Marked:
        """What is known of a mark. KeyError for a number that nobody has."""
        with contextlib.closing(self._open()) as base:
            row = base.execute("SELECT id, day, line, seed, structure FROM mark WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise KeyError(number)
        line = json.loads(row[2])
        of = tuple((int(one), KINDS[kind], float(share)) for one, kind, share in line["of"])
        day = datetime.date(1970, 1, 1) + datetime.timedelta(days=row[1])
        return Marked(row[0], day, of, max(0.0, 1.0 - sum(share for *_, share in of)), line["depth"], line["count"], row[3], row[4])
