"""The archive's file: SQLite in WAL mode, opened, written in transactions, copied, and erased for good.

What is said to it is said in SQL that PostgreSQL understands as well, so that an archive may lie there (`server.py`), and
all else is written once. One connection, one lock: any thread may call. `synchronous=FULL` syncs each commit to the disk; this was tested with
`kill -9`, not by cutting the power. `secure_delete` overwrites what is erased, so that a withdrawal leaves no bytes.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import Plain
from engine.mind.memory.index import Proposes
from engine.mind.memory.records import SCHEMA, tidy

FILE = "memory.sqlite"
CORPUS = "corpus"  # the fact that says whose hand painted the founding memories
CODES = "codes"  # the file of a house on a server: hashes of codes that were given here since the last copy, 16 bytes each
BLOCK = "block"  # the fact that says in which block of numbers a file counts
BLOCK_BITS = 20  # fragments that a block has room for, as a power of two; ids stay below 2 ** 53
TIMEOUT = 5.0  # seconds that one waits for another program that writes


class ArchiveError(Plain):
    """The archive cannot be used; the message says why and what to do."""


class Damaged(ArchiveError):
    """What lies there is no archive any more."""

    @staticmethod
    def is_meant(wrong: BaseException) -> bool:
        """Whether SQLite says that the file itself is broken, not that a disk is full, locked or read-only."""
        code = getattr(wrong, "sqlite_errorcode", None) or 0
        return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(slots=True)
class Base:
    """One file. Any thread may call; calls take turns. Raises sqlite3.Error on a bad disk."""

    folder: Path
    file: str = FILE
    calendar: Callable[[], datetime.date] = datetime.date.today
    salt: bytes = b""
    passing: bool = False  # in working memory alone: nothing of it is on the disk, and nothing will be
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _base: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self._open()
        self.salt = self.fact("salt") or self._first_day()

    def _open(self) -> None:
        if not self.passing:
            self.folder.mkdir(parents=True, exist_ok=True)
        try:
            where = ":memory:" if self.passing else self.path
            self._base = sqlite3.connect(where, check_same_thread=False, isolation_level=None, timeout=TIMEOUT)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "temp_store=MEMORY"):
                self._base.execute(f"PRAGMA {pragma}")
            self._base.executescript(SCHEMA)
        except sqlite3.DatabaseError as wrong:
            kind = Damaged if Damaged.is_meant(wrong) else ArchiveError
            todo = "`hypermnesia archive restore` brings back the newest copy" if kind is Damaged else "make room on the disk"
            raise kind(f"{self.path}: {wrong}; {todo}, or pass another folder") from wrong

    @property
    def path(self) -> Path:
        return self.folder / self.file

    @property
    def place(self) -> str:
        """Where it lies, for people."""
        return str(self.folder)

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(file.stat().st_size for file in self.folder.glob(f"{self.file}*"))

    @property
    def today(self) -> int:
        """Days since 1970-01-01."""
        return (self.calendar() - datetime.date(1970, 1, 1)).days

    @property
    def date(self) -> str:
        """Today, as 2026-11-26."""
        return self.calendar().isoformat()

    def close(self) -> None:
        with self._lock:
            self._base.close()

    def take_from(self, path: Path) -> None:
        """Become what another file is. For an archive in working memory."""
        with self._lock, contextlib.closing(sqlite3.connect(path)) as other:
            other.backup(self._base)
            self._base.executescript(SCHEMA)
        self.salt = self.fact("salt") or self._first_day()

    # facts

    @property
    def last(self) -> int:
        """The highest id that was ever given."""
        with self._lock:
            return int(self._base.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'fragment'").fetchone()[0])

    def fact(self, name: str) -> bytes:
        """A fact about the archive itself; b"" where it has none."""
        with self._lock:
            row = self._base.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else b""

    def set_fact(self, name: str, value: bytes) -> None:
        with self._lock:
            self._base.execute("INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))

    def facts(self, prefix: str) -> list[tuple[str, bytes]]:
        """Facts whose names begin like this, by name."""
        with self._lock:
            return self._base.execute("SELECT name, value FROM fact WHERE substr(name, 1, ?) = ? ORDER BY name", (len(prefix), prefix)).fetchall()

    def _first_day(self) -> bytes:
        self.set_fact("salt", os.urandom(16))
        return self.fact("salt")

    # the disk

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; calls of other threads wait. Whatever fails, the COMMIT itself on a full disk too, is undone."""
        with self._lock:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                yield self._base
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    def number(self) -> int | None:
        """The id of the next fragment, within a transaction; None: SQLite counts. A file that goes on while its server is away
        counts in a block that nobody else has (the fact BLOCK), so that no id is ever given twice."""
        if not (block := int(self.fact(BLOCK) or 0)):
            return None
        first = block << BLOCK_BITS
        row = self._base.execute("SELECT id FROM fragment WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1", (first, first | (1 << BLOCK_BITS) - 1)).fetchone()
        return int(row[0]) + 1 if row else first

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Rows as they are into a table, within a transaction."""
        self._base.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows)

    def count_from(self, last: int) -> None:
        """Ids up to `last` are not given again."""
        with self.transaction() as base:
            if not base.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'fragment'", (last,)).rowcount:
                base.execute("INSERT INTO sqlite_sequence VALUES ('fragment', ?)", (last,))

    @property
    def cut_off(self) -> bool:
        """Whether this is the file of a house that goes on while its server is away."""
        return bool(self.fact(BLOCK))

    # what a server knows besides: other houses have the same memory

    @property
    def lost(self) -> bool:
        """Whether its server did not answer when it was asked last."""
        return False

    def answers(self) -> bool:
        """Whether it can be reached."""
        return True

    def news(self) -> list[int]:
        """Fragments that came or changed since this was asked last, by whomever, oldest first."""
        return []

    def remains(self) -> list[bytes]:
        """Codes (hashes) of what was taken back anywhere and may still lie in copies of this house."""
        return []

    def cleaned(self, code: bytes) -> None:
        """No copy here holds any more what a code (its hash) was given for."""

    def holders(self, code: bytes) -> list[str]:
        """Houses whose copies may still hold what a code (its hash) was given for; none: the last copy is gone."""
        return []

    # its disk

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """What is there now, for as long as it is read. Others of this file wait; a server goes on with them."""
        with self._lock:
            yield self._base

    def near(self, row: Mapping[int, int], space: str = "") -> Proposes | None:
        """What proposes the nearest in place of an own index, over words or the pictures of a space; `row`: of each fragment."""
        return None

    def sort(self, space: str) -> None:
        """Let whoever keeps the archive prepare to be searched."""

    def copy_to(self, path: Path) -> None:
        """A consistent copy of what is on the disk now. By a connection of its own: others read and write meanwhile."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=TIMEOUT)) as mine, contextlib.closing(sqlite3.connect(path)) as other:
            mine.backup(other)

    def flush(self, patience: float = 1.0) -> None:
        """Empty the write-ahead log into the base: what was erased there is overwritten, the log is cut to nothing.

        Raises sqlite3.OperationalError where somebody else keeps reading the base, so that the log has to stay. Others
        are let in between the tries.
        """
        until = time.monotonic() + patience
        while True:
            with self._lock:
                self._base.execute("PRAGMA busy_timeout = 0")
                try:
                    busy, *_ = self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    self._base.execute(f"PRAGMA busy_timeout = {round(1000 * TIMEOUT)}")
            if not busy:
                return
            if time.monotonic() >= until:
                raise sqlite3.OperationalError("another program reads the archive, so the log cannot be emptied")
            time.sleep(0.05)

    def vacuum(self) -> None:
        """Write the base anew without its empty pages. Slow: seconds for each gigabyte."""
        with self._lock:
            self._base.execute("VACUUM")
            self.flush()

    # what only this archive can make

    def hashed(self, text: str) -> bytes:
        """A salted hash that only this archive can make."""
        return hashlib.blake2b(text.encode(), key=self.salt, digest_size=16).digest()

    def code_for(self, key: str) -> str:
        """What takes a sentence back: 10 letters and digits, the same for the same key."""
        made = base64.b32encode(hashlib.blake2b(key.encode(), key=self.salt, digest_size=8, person=b"code").digest())
        return made.decode().lower()[:10]

    def code(self, code: str) -> bytes:
        """What is kept of a code: its hash."""
        return self.hashed(tidy(code))


def born_with(folder: Path, file: str = FILE) -> str:
    """The founding corpus of the archive that lies here; "" where there is none, or none that can be read. Opens nothing for writing."""
    try:
        with contextlib.closing(sqlite3.connect(f"{(folder / file).absolute().as_uri()}?mode=ro", uri=True, timeout=TIMEOUT)) as base:
            row = base.execute("SELECT value FROM fact WHERE name = ?", (CORPUS,)).fetchone()
        return bytes(row[0]).decode() if row else ""
    except sqlite3.Error:  # none, or a damaged one: whoever opens it says what to do
        return ""
