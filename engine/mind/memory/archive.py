"""The archive: the only truth. SQLite in WAL mode; a text is acknowledged when it is on the disk, and not before.

One connection, one lock: any thread may call. `synchronous=FULL` syncs each commit to the disk; this was tested with
`kill -9`, not by cutting the power. `secure_delete` overwrites what is erased, so that a withdrawal leaves no bytes.
Ids are never used twice. Times are kept by the day.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import Plain
from engine.core.messages import KINDS, Text
from engine.mind.memory.lineage import Line
from engine.mind.memory.records import (
    COMPACTED,
    FRAGMENT,
    HERE,
    SCHEMA,
    WITHDRAWN,
    Birth,
    Fragment,
    Seen,
    f16,
    pack,
    pack_line,
    tidy,
    unpack,
    unpack_line,
)

__all__ = ["COMPACTED", "HERE", "WITHDRAWN", "Archive", "ArchiveError", "Birth", "Fragment", "Seen", "pack", "unpack"]

class ArchiveError(Plain):
    """The archive cannot be used; the message says why and what to do."""


@dataclass(slots=True)
class Archive:
    """Everything that was ever remembered. Any thread may call; calls take turns. Raises sqlite3.Error on a bad disk."""

    folder: Path
    file: str = "memory.sqlite"
    calendar: Callable[[], datetime.date] = datetime.date.today
    salt: bytes = b""
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _base: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._base = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "temp_store=MEMORY"):
                self._base.execute(f"PRAGMA {pragma}")
            self._base.executescript(SCHEMA)
        except sqlite3.DatabaseError as wrong:
            raise ArchiveError(
                f"{self.path}: {wrong}; `hypermnesia archive restore` brings back the newest snapshot"
            ) from wrong
        self.salt = self.fact("salt") or self._first_day()

    @property
    def path(self) -> Path:
        return self.folder / self.file

    @property
    def today(self) -> int:
        """Days since 1970-01-01."""
        return (self.calendar() - datetime.date(1970, 1, 1)).days

    def close(self) -> None:
        with self._lock:
            self._base.close()

    # facts

    def fact(self, name: str) -> bytes:
        """A fact about the archive itself; b"" where it has none."""
        with self._lock:
            row = self._base.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else b""

    def set_fact(self, name: str, value: bytes) -> None:
        with self._lock:
            self._base.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def _first_day(self) -> bytes:
        self.set_fact("salt", os.urandom(16))
        return self.fact("salt")

    # births

    def hear(self, text: Text) -> tuple[int, str, bool]:
        """Store a sentence; returns (id, code, whether it is new). On return it is on the disk. The same key is stored once."""
        key = text.key or os.urandom(12).hex()
        code = self._code(key)
        visit = self.hashed(text.visit) if text.visit else self.hashed(key)
        with self._lock:
            row = self._base.execute("SELECT id FROM fragment WHERE key = ?", (key,)).fetchone()
            if row:
                return int(row[0]), code, False
            made = self._base.execute(
                "INSERT INTO fragment (kind, day, words, language, key, visit, code) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (KINDS.index(text.kind), self.today, text.words, text.language, key, visit, self.hashed(code)),
            )
            return int(made.lastrowid or 0), code, True

    def remember(self, birth: Birth, space: str) -> int:
        """Store a fragment with its picture and its line in one transaction; returns its id."""
        with self._lock, self._transaction():
            made = self._base.execute(
                "INSERT INTO fragment (kind, day, words, language, key, seed, structure, gap, novelty) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (KINDS.index(birth.kind), self.today, birth.words, birth.language, birth.key, birth.seed,
                 birth.structure, birth.gap, birth.novelty),
            )  # fmt: skip
            fragment = int(made.lastrowid or 0)
            self._picture(fragment, birth, space)
            return fragment

    def develop(self, fragment: int, birth: Birth, space: str) -> bool:
        """Give a sentence its picture; False when it was withdrawn meanwhile."""
        with self._lock, self._transaction():
            done = self._base.execute(
                "UPDATE fragment SET seed = ?, structure = ?, gap = ?, novelty = ? WHERE id = ? AND state = 0",
                (birth.seed, birth.structure, birth.gap, birth.novelty, fragment),
            )
            if not done.rowcount:
                return False
            self._picture(fragment, birth, space)
            return True

    def _picture(self, fragment: int, birth: Birth, space: str) -> None:
        line = birth.line or Line.root(fragment)
        base, seen = self._base, birth.seen
        base.execute("UPDATE fragment SET depth = ? WHERE id = ?", (line.depth, fragment))
        base.execute("INSERT OR REPLACE INTO meaning VALUES (?, ?)", (fragment, f16(birth.meaning)))
        base.execute(
            "INSERT OR REPLACE INTO picture VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (fragment, space, *seen.latent.shape, pack(seen.latent), f16(seen.vector), seen.hash),
        )
        edges = [(fragment, parent, share) for parent, share in birth.parents]
        base.executemany("INSERT OR REPLACE INTO edge VALUES (?, ?, ?)", edges)
        base.execute("INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?)", (fragment, *pack_line(line)))

    def repaint(self, fragment: int, seen: Seen, space: str) -> None:
        """A founding memory's picture in another latent space; its line stays."""
        with self._lock:
            self._base.execute(
                "INSERT OR REPLACE INTO picture VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (fragment, space, *seen.latent.shape, pack(seen.latent), f16(seen.vector), seen.hash),
            )

    # withdrawal

    def find(self, code: str) -> int:
        """The fragment that a code takes back; 0 for a code that nobody was given."""
        with self._lock:
            row = self._base.execute("SELECT id FROM fragment WHERE code = ?", (self.hashed(tidy(code)),)).fetchone()
        return int(row[0]) if row else 0

    def withdraw(self, fragment: int, runs: Iterable[str] = ()) -> list[int]:
        """Erase what somebody gave: words, vectors and picture leave the disk; mass and lineage stay, nameless.

        `runs` are what could be borrowed of its words: where nobody else says them, they also leave the captions of the
        machine's own pictures. Returns whose captions changed.
        """
        with self._lock:
            with self._transaction():
                changed = self._unlend(fragment, runs)
                self._base.execute(
                    "UPDATE fragment SET state = 1, words = NULL, key = NULL, visit = NULL, code = NULL, language = '' "
                    "WHERE id = ?",
                    (fragment,),
                )
                self._base.execute("DELETE FROM meaning WHERE fragment = ?", (fragment,))
                self._base.execute("DELETE FROM picture WHERE fragment = ?", (fragment,))
            self.flush()
        return changed

    def _unlend(self, fragment: int, runs: Iterable[str]) -> list[int]:
        changed: set[int] = set()
        for run in runs:
            said = f"state = 0 AND id != {int(fragment)} AND instr(lower(words), lower(?)) > 0"
            if self.count(f"kind != 4 AND {said}", run):
                continue
            borrowers = [f for f in self.select(f"kind = 4 AND {said}", run)]
            for one in borrowers:
                kept = re.sub(r"\s+", " ", re.sub(re.escape(run), " ", one.words, flags=re.IGNORECASE)).strip()
                self._base.execute("UPDATE fragment SET words = ? WHERE id = ?", (kept, one.id))
                changed.add(one.id)
        return sorted(changed)

    def flush(self) -> None:
        """Empty the write-ahead log into the base: what was erased there is overwritten, the log is cut to nothing.

        Raises sqlite3.OperationalError where somebody else keeps reading the base, so that the log has to stay.
        """
        for _ in range(20):
            with self._lock:
                busy, *_ = self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return
            time.sleep(0.05)
        raise sqlite3.OperationalError("another program reads the archive, so the log cannot be emptied")

    def vacuum(self) -> None:
        """Write the base anew without its empty pages. Slow: seconds for each gigabyte."""
        with self._lock:
            self._base.execute("VACUUM")
            self.flush()

    def refuse(self, fragment: int) -> None:
        """A person refused this picture: it is marked, and its words, vectors and latents go."""
        with self._lock, self._transaction():
            self._base.execute("UPDATE fragment SET state = 1, vetoed = 1, words = NULL WHERE id = ?", (fragment,))
            for table in ("meaning", "picture"):
                self._base.execute(f"DELETE FROM {table} WHERE fragment = ?", (fragment,))

    # strata

    def merge(self, stratum: int, members: Sequence[int], line: Line) -> None:
        """Let members lie in a stratum: it takes their mass and a line for all; their words and pictures are let go."""
        marks = ",".join("?" * len(members))
        with self._lock, self._transaction():
            base = self._base
            (mass,) = base.execute(f"SELECT sum(mass) FROM fragment WHERE id IN ({marks})", members).fetchone()
            base.execute("UPDATE fragment SET mass = mass + ?, depth = ? WHERE id = ?", (mass, line.depth, stratum))
            base.execute(
                f"UPDATE fragment SET state = 2, stratum = ?, mass = 0, words = NULL, key = NULL WHERE id IN ({marks})",
                (stratum, *members),
            )
            for table in ("meaning", "picture"):
                base.execute(f"DELETE FROM {table} WHERE fragment IN ({marks})", members)
            base.execute("INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?)", (stratum, *pack_line(line)))

    def copy_to(self, path: Path) -> None:
        """A consistent copy while the archive is in use. Any thread; holds the others up for a while (1 GB: seconds)."""
        with self._lock, contextlib.closing(sqlite3.connect(path)) as other:
            self._base.backup(other)

    # reading

    def select(self, where: str = "1", *args: object) -> Iterator[Fragment]:
        """Fragments by a condition on their table, in order of id."""
        with self._lock:
            rows = self._base.execute(f"SELECT {FRAGMENT} FROM fragment WHERE {where} ORDER BY id", args).fetchall()
        for fragment, kind, *rest in rows:
            yield Fragment(fragment, KINDS[kind], *rest)

    def fragment(self, fragment: int) -> Fragment | None:
        return next(self.select("id = ?", fragment), None)

    def recallable(self, space: str) -> tuple[list[Fragment], NDArray[np.float32], NDArray[np.float32]]:
        """All fragments that have words' and picture's vectors in `space`: (fragments, t (n, d), v (n, d))."""
        with self._lock:
            rows = self._base.execute(
                f"SELECT {FRAGMENT}, m.vector, p.vector FROM fragment JOIN meaning m ON m.fragment = id "
                "JOIN picture p ON p.fragment = id WHERE state = 0 AND p.space = ? ORDER BY id",
                (space,),
            ).fetchall()
        if not rows:
            return [], np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
        found = [Fragment(row[0], KINDS[row[1]], *row[2:-2]) for row in rows]
        t = np.frombuffer(b"".join(row[-2] for row in rows), np.float16).reshape(len(rows), -1)
        v = np.frombuffer(b"".join(row[-1] for row in rows), np.float16).reshape(len(rows), -1)
        return found, t.astype(np.float32), v.astype(np.float32)

    def latents(self, ids: Sequence[int], space: str) -> dict[int, NDArray[np.float16]]:
        """Latents by id, those that exist in this space."""
        marks = ",".join("?" * len(ids))
        with self._lock:
            rows = self._base.execute(
                f"SELECT fragment, c, h, w, latent FROM picture WHERE space = ? AND fragment IN ({marks})", (space, *ids)
            ).fetchall()
        return {fragment: unpack(data, (c, h, w)) for fragment, c, h, w, data in rows}

    def lines(self, ids: Iterable[int]) -> dict[int, Line]:
        """Lines by id; a fragment without one is a root."""
        wanted = list(ids)
        marks = ",".join("?" * len(wanted))
        with self._lock:
            rows = self._base.execute(
                "SELECT l.fragment, ids, shares, rest, sketch, depth FROM line l JOIN fragment f ON f.id = l.fragment "
                f"WHERE l.fragment IN ({marks})",
                wanted,
            ).fetchall()
        return {row[0]: unpack_line(*row[1:]) for row in rows}

    def parents(self, fragment: int) -> list[tuple[int, float]]:
        """Direct parents with their shares, largest first."""
        with self._lock:
            return self._base.execute(
                "SELECT parent, share FROM edge WHERE child = ? ORDER BY share DESC", (fragment,)
            ).fetchall()

    def edges(self) -> Iterator[tuple[int, int, float]]:
        """All (child, parent, share), by child."""
        at = 0
        while True:
            with self._lock:
                rows = self._base.execute(
                    "SELECT child, parent, share FROM edge WHERE child > ? AND child <= ? + 1000 ORDER BY child, share DESC",
                    (at, at),
                ).fetchall()
                (last,) = self._base.execute("SELECT coalesce(max(child), 0) FROM edge").fetchone()
            yield from rows
            at += 1000
            if at >= last:
                return

    def spaces(self) -> list[str]:
        """Latent spaces that pictures lie in."""
        with self._lock:
            return [row[0] for row in self._base.execute("SELECT DISTINCT space FROM picture ORDER BY space")]

    def fame(self) -> dict[int, int]:
        """How often each fragment was a parent."""
        with self._lock:
            return dict(self._base.execute("SELECT parent, count(*) FROM edge GROUP BY parent").fetchall())

    def owed(self) -> list[Fragment]:
        """Sentences that have no picture yet, oldest first."""
        return list(self.select("state = 0 AND words IS NOT NULL AND id NOT IN (SELECT fragment FROM meaning)"))

    def said(self, key: str) -> int:
        """The fragment of a sentence by its key; 0 for a key that nobody gave, or took back."""
        with self._lock:
            row = self._base.execute("SELECT id FROM fragment WHERE key = ? AND state = 0", (key,)).fetchone()
        return int(row[0]) if row else 0

    def key(self, fragment: int) -> str:
        """What the client called this sentence; "" for what no client sent."""
        with self._lock:
            row = self._base.execute("SELECT coalesce(key, '') FROM fragment WHERE id = ?", (fragment,)).fetchone()
        return str(row[0]) if row else ""

    @property
    def mass(self) -> float:
        with self._lock:
            return float(self._base.execute("SELECT coalesce(sum(mass), 0) FROM fragment").fetchone()[0])

    def count(self, where: str = "1", *args: object) -> int:
        with self._lock:
            return int(self._base.execute(f"SELECT count(*) FROM fragment WHERE {where}", args).fetchone()[0])

    # small things

    def hashed(self, text: str) -> bytes:
        """A salted hash that only this archive can make."""
        return hashlib.blake2b(text.encode(), key=self.salt, digest_size=16).digest()

    def _code(self, key: str) -> str:
        """What takes a sentence back: 10 letters and digits, the same for the same key."""
        made = base64.b32encode(hashlib.blake2b(key.encode(), key=self.salt, digest_size=8, person=b"code").digest())
        return made.decode().lower()[:10]

    def _transaction(self) -> _Transaction:
        return _Transaction(self._base)


class _Transaction:
    """All or nothing; the lock is held by the caller."""

    def __init__(self, base: sqlite3.Connection):
        self._base = base

    def __enter__(self) -> None:
        self._base.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._base.execute("ROLLBACK" if kind else "COMMIT")


