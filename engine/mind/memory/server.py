"""The archive on PostgreSQL with pgvector: the same archive, told the same things in the same SQL (`link.py`, `tables.py`).

Several houses may have it at once. Whoever writes takes turns, by one lock for the whole memory, as SQLite's writers do: so
lineage, mass and erasure are one transaction each, and nobody lends a word that is being taken back. What a house knows of
itself alone (its nights, its account, its small dreamers) are facts under its own name.

`folder` stays the house's: its journal of withdrawals, its nightly copies (each an SQLite file), its search caches.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from engine.core.errors import nearest
from engine.core.messages import Text
from engine.mind.memory.archive import Archive, ArchiveError
from engine.mind.memory.base import CODES, CORPUS
from engine.mind.memory.link import Link, Unreachable
from engine.mind.memory.near import Near, names
from engine.mind.memory.tables import TYPES, tables
from engine.mind.memory.transfer import pour

COMMON = ("salt", CORPUS, "house", "text space", "text space under way", "moving")  # facts of the memory, not of one house
TURN = 0x6D656D6F7279  # the lock by which those who write take turns
GRANTS = "its keeper sets wal_recycle = off and grants pg_checkpoint and EXECUTE ON FUNCTION pg_switch_wal() to this role"


class Away(ArchiveError):
    """The server does not answer."""


@dataclass(slots=True)
class Served(Archive):
    """Everything that was ever remembered, by all houses. Any thread may call; calls take turns. Raises sqlite3.Error, Unreachable
    among them; Away where the server does not answer at the beginning, ArchiveError where it cannot be used."""

    address: str = ""  # postgresql://user@host/name; a password belongs into ~/.pgpass
    venue: str = "here"  # what this house is called
    patience: float = 3.0  # seconds that an erasure waits for whoever still reads what was there before
    _seen: int = field(init=False, default=0)  # the last change that was told by `news`

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._base = cast(sqlite3.Connection, Link(self.address))  # it is spoken to alike
        except Unreachable as wrong:
            raise Away(f"the memory's server does not answer ({self.place}): {wrong}") from wrong
        try:
            self._make_tables()
            (self._seen,) = self._base.execute("SELECT coalesce(max(touched), 0) FROM fragment").fetchone()
        except sqlite3.Error as wrong:
            raise ArchiveError(f"{self.place} cannot be used: {wrong}; it needs PostgreSQL 14 or newer with pgvector 0.7 or newer, and a database of its own") from wrong

    def _make_tables(self) -> None:
        with self.transaction() as base:
            if not base.execute("SELECT to_regclass('fragment') IS NULL").fetchone()[0]:
                return
            self.link.script("CREATE EXTENSION IF NOT EXISTS vector;\n" + tables())
            base.execute("INSERT INTO fact VALUES ('salt', ?)", (os.urandom(16),))
        self.link.learn()
        with contextlib.suppress(sqlite3.Error):  # not ours to say on a server that others keep: `flush` asks for it then
            self._let_log_be_short(self.link)

    @property
    def link(self) -> Link:
        return cast(Link, self._base)

    @property
    def lost(self) -> bool:
        """Whether the server did not answer when it was asked last."""
        return self.link.lost

    def answers(self) -> bool:
        """Ask it."""
        with self._lock, contextlib.suppress(sqlite3.Error):
            return bool(self.link.execute("SELECT 1").fetchone())
        return False

    @property
    def place(self) -> str:
        return re.sub(r"(//[^:/@]*):[^@]*@", r"\1@", self.address)

    @property
    def size(self) -> int:
        with self._lock:
            return int(self._base.execute("SELECT pg_database_size(current_database())").fetchone()[0])

    # facts

    def fact(self, name: str) -> bytes:
        return Archive.fact(self, self._named(name))

    def set_fact(self, name: str, value: bytes) -> None:
        Archive.set_fact(self, self._named(name), value)

    def facts(self, prefix: str) -> list[tuple[str, bytes]]:
        """Those of the memory, those of this house by their plain names, those of others with theirs before it."""
        own = f"{self.venue}/"
        found = [(name.removeprefix(own), value) for name, value in Archive.facts(self, "")]
        return sorted((name, value) for name, value in found if name.startswith(prefix))

    def _named(self, name: str) -> str:
        return name if name in COMMON or "/" in name else f"{self.venue}/{name}"

    @property
    def last(self) -> int:
        with self._lock:
            return int(self._base.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM number").fetchone()[0])

    def count_from(self, last: int) -> None:
        if last > self.last:
            with self._lock:
                self._base.execute("SELECT setval('number', ?)", (last,))

    def number(self) -> int | None:
        return int(self._base.execute("SELECT nextval('number')").fetchone()[0])

    # what is said

    def hear(self, text: Text) -> tuple[int, str, bool]:
        found = Archive.hear(self, text)
        if found[2]:
            with contextlib.suppress(OSError), (self.folder / CODES).open("ab") as codes:  # what can be taken back here while the server is away
                codes.write(self.code(found[1]))
        return found

    # the server

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        link = self.link
        with self._lock:
            link.execute("BEGIN")
            link.within = True
            try:
                link.execute("SELECT pg_advisory_xact_lock(?)", (TURN,))
                yield self._base
                if link.execute("COMMIT").statusmessage != "COMMIT":
                    raise sqlite3.DatabaseError("a statement failed, so nothing was kept")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    link.execute("ROLLBACK")
                raise
            finally:
                link.within = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(Link(self.address)) as link:
            link.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            link.within = True
            yield cast(sqlite3.Connection, link)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self.link.copy(table, columns, [TYPES.get(column, "int8") for column in columns], rows)

    def copy_to(self, path: Path) -> None:
        """As an SQLite file, which is what this house goes on with while the server is away."""
        codes = self.folder / CODES
        known = codes.stat().st_size if codes.exists() else 0
        with contextlib.closing(Archive(path.parent, path.name)) as copy:
            pour(self, copy)
        if known:
            codes.write_bytes(codes.read_bytes()[known:])

    def flush(self, patience: float | None = None) -> None:
        """Tables in which erased rows may still lie are written anew, and the server's log of them is let go.

        Raises Unreachable where somebody else reads what was there before, ArchiveError where this role may not do it.
        """
        with contextlib.closing(Link(self.address)) as link:
            if not (stale := link.execute("SELECT relation, at FROM stale").fetchall()):
                return
            _wait_for_readers(link, self.patience if patience is None else patience)
            for relation, _ in stale:
                link.script(f"VACUUM ({'INDEX_CLEANUP ON' if relation.startswith('near_') else 'FULL'}) {relation}")
            try:
                self._let_log_be_short(link)
                link.execute("SELECT pg_switch_wal()")
                link.script("CHECKPOINT")
            except sqlite3.Error as wrong:
                raise ArchiveError(f"what was taken back may still stand in the log of {self.place} ({wrong}): {GRANTS}") from wrong
            for relation, at in stale:
                link.execute("DELETE FROM stale WHERE relation = ? AND at = ?", (relation, at))

    def _let_log_be_short(self, link: Link) -> None:
        if link.execute("SHOW wal_recycle").fetchone()[0] == "on":
            link.script("ALTER SYSTEM SET wal_recycle = off")
            link.execute("SELECT pg_reload_conf()")
            time.sleep(0.2)  # until the checkpointer has read it

    def vacuum(self) -> None:
        with contextlib.closing(Link(self.address)) as link:
            link.script("VACUUM")
        self.flush()

    # the search

    def near(self, row: Mapping[int, int], space: str = "") -> Near | None:
        """What proposes the nearest by the server's graph; None where none is built."""
        with self._lock:
            return Near.of(self.link, names(space), row)

    def sort(self, space: str) -> None:
        """Let the server build its graphs over words and over pictures of this space. Minutes for a million."""
        for name in names(""), names(space):
            with contextlib.closing(Link(self.address)) as link:
                Near.build(link, name, space if name != names("") else "")

    # houses

    def join(self, mark: str) -> int:
        """This house has the memory from now on; returns a block of numbers for when it goes on alone. `mark`: by which it is known again.

        Raises ArchiveError where another house has its name.
        """
        with self.transaction() as base:
            for (name,) in base.execute("SELECT name FROM venue WHERE id = ? AND name <> ?", (mark, self.venue)).fetchall():
                raise ArchiveError(f"{self.place}: this house is called {name!r} there, not {self.venue!r}: [mind] site says how, and --machine FILE where that stands")
            known = base.execute("SELECT id FROM venue WHERE name = ?", (self.venue,)).fetchone()
            if known and known[0] != mark:
                raise ArchiveError(f"{self.place}: another house is called {self.venue!r} there: give this one a name of its own, [mind] site; "
                                   f"if it is that house on a new disk, `hypermnesia archive venues --drop {self.venue}` first")  # fmt: skip
            base.execute("INSERT INTO venue VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET seen = excluded.seen", (self.venue, mark, self.today))
            return int(base.execute("SELECT nextval('block')").fetchone()[0])

    def venues(self) -> list[tuple[str, int, int]]:
        """Houses that have this memory: (name, the day when it was seen last, withdrawals whose copies it has not cleaned)."""
        with self._lock:
            return self._base.execute("SELECT name, seen, (SELECT count(*) FROM remains WHERE venue = name) FROM venue ORDER BY name").fetchall()

    def drop(self, venue: str) -> None:
        """A house is gone, and its copies with it. ArchiveError for one that nobody knows."""
        with self.transaction() as base:
            known = [name for (name,) in base.execute("SELECT name FROM venue").fetchall()]
            if venue not in known:
                raise ArchiveError(f"no house is called {venue}; {nearest(venue, known)}" if known else "no house has this memory yet")
            base.execute("DELETE FROM venue WHERE name = ?", (venue,))
            base.execute("DELETE FROM remains WHERE venue = ?", (venue,))

    def remains(self) -> list[bytes]:
        """Codes (hashes) of what was taken back anywhere and may still lie in copies of this house."""
        with self._lock:
            return [bytes(code) for (code,) in self._base.execute("SELECT code FROM remains WHERE venue = ?", (self.venue,)).fetchall()]

    def cleaned(self, code: bytes) -> None:
        with self._lock:
            self._base.execute("DELETE FROM remains WHERE venue = ? AND code = ?", (self.venue, code))
            self._base.execute("UPDATE venue SET seen = ? WHERE name = ?", (self.today, self.venue))

    def holders(self, code: bytes) -> list[str]:
        """Houses whose copies may still hold what a code was given for; none: the last copy is gone."""
        with self._lock:
            return [name for (name,) in self._base.execute("SELECT venue FROM remains WHERE code = ? ORDER BY venue", (code,)).fetchall()]

    def news(self) -> list[int]:
        """Fragments that came or changed since this was asked last, by whomever, oldest first; some hundreds at a time."""
        with self._lock:
            rows = self._base.execute("SELECT id, touched FROM fragment WHERE touched > ? ORDER BY touched LIMIT 512", (self._seen,)).fetchall()
        if rows:
            self._seen = rows[-1][1]
        return [fragment for fragment, _ in rows]


def _wait_for_readers(link: Link, patience: float) -> None:
    """Until nobody sees the rows any more that were erased: a reader from before would have them written anew as well."""
    (now,) = link.execute("SELECT pg_current_xact_id()::xid::text").fetchone()  # type: ignore[misc]
    until = time.monotonic() + patience
    while link.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_xmin IS NOT NULL "
        "AND backend_type = 'client backend' AND age(backend_xmin) > age(?::text::xid)", (now,),
    ).fetchone()[0]:  # type: ignore[index]  # fmt: skip
        if time.monotonic() >= until:
            raise Unreachable("another program reads the memory, so what was erased cannot be written over yet")
        time.sleep(0.05)
