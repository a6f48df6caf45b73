"""A connection to PostgreSQL that is spoken to as SQLite's is: question marks, `execute`, `executemany`, sqlite3's errors.

So the archive's SQL is written once, and whoever handles a bad disk handles a server that is away. A connection that broke is
made anew at the next statement, never within a transaction. Vectors cross as pgvector's `halfvec`, bit for bit.

psycopg is LGPL-3.0: this file and what imports it belong to the extra `memory`.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg import pq
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.types import TypeInfo

from engine.mind.memory.records import Half

log = logging.getLogger("engine.mind")
CONNECT = 3  # seconds in which a server has to answer
WAIT = "20s"  # that one waits for another who writes
SESSION = f"-c lock_timeout={WAIT} -c jit=off -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
KEEPALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 6000}  # a cable that is out is noticed in 9 s
HEAD = struct.Struct(">HH")  # dimensions, unused


class Unreachable(sqlite3.OperationalError):
    """The server is away, or takes nothing."""


class Link:
    """One session. Not thread-safe: the archive holds the lock."""

    def __init__(self, address: str):
        self.address = address
        self.lost = False  # whether the server did not answer when it was asked last
        self.within = False  # a transaction
        self._now: psycopg.Connection[Any] | None = None
        self.connect()

    def connect(self) -> psycopg.Connection[Any]:
        """The session, made anew where it broke. Raises Unreachable."""
        if self._now is not None and not self._now.closed:
            return self._now
        if self.within:
            raise Unreachable("the memory's server went away in the middle of a transaction: nothing of it was kept")
        self.lost = True
        with spoken():
            now = psycopg.connect(self.address, autocommit=True, connect_timeout=CONNECT, options=SESSION, application_name="hypermnesia",
                                  cursor_factory=psycopg.RawCursor, **KEEPALIVE)  # type: ignore[arg-type]  # fmt: skip
            learn(now)
        self._now, self.lost = now, False
        return now

    def learn(self) -> None:
        """What a vector is, where the server has just been taught it."""
        learn(self.connect())

    def execute(self, sql: str, args: Sequence[object] = ()) -> psycopg.Cursor[Any]:
        """One statement. Outside a transaction a session that broke meanwhile is made anew, once. Raises Unreachable, sqlite3.Error."""
        with spoken():
            try:
                return self._execute(sql, args)
            except psycopg.OperationalError:
                if self.within or self._now is None or not self._now.closed:
                    raise
            return self._execute(sql, args)

    def _execute(self, sql: str, args: Sequence[object]) -> psycopg.Cursor[Any]:
        cursor = self.connect().cursor(binary=True)
        cursor.execute(numbered(sql).encode(), args)
        return cursor

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        with spoken():
            self.connect().cursor().executemany(numbered(sql).encode(), rows)

    def script(self, sql: str) -> None:
        """Statements without values, some of which stand in no transaction."""
        with spoken():
            self.connect().execute(sql.encode())

    def copy(self, table: str, columns: Sequence[str], types: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Rows into a table by COPY: ten times as quick as one by one."""
        with spoken(), self.connect().cursor() as cursor:
            sql = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
            with cursor.copy(sql.encode()) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)

    def close(self) -> None:
        if self._now is not None:
            with contextlib.suppress(psycopg.Error):
                self._now.close()


@contextlib.contextmanager
def spoken() -> Iterator[None]:
    """What goes wrong is said as SQLite would say it."""
    try:
        yield
    except psycopg.OperationalError as wrong:
        raise Unreachable(_first(wrong)) from wrong
    except psycopg.IntegrityError as wrong:
        raise sqlite3.IntegrityError(_first(wrong)) from wrong
    except psycopg.Error as wrong:
        raise sqlite3.DatabaseError(_first(wrong)) from wrong


def _first(wrong: BaseException) -> str:
    return next((line.strip() for line in str(wrong).splitlines() if line.strip()), type(wrong).__name__)


@functools.lru_cache(512)
def numbered(sql: str) -> str:
    """`?` as $1, $2 and so on, and a list without members as one that nothing is in. No literal of ours has a question mark."""
    parts = sql.replace("IN ()", "IN (NULL)").split("?")
    return parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], 1))


def learn(connection: psycopg.Connection[Any]) -> None:
    """Let a session give and take vectors, if its server has the extension."""
    info = TypeInfo.fetch(connection, "halfvec")
    if info is None:
        return
    info.register(connection)
    connection.adapters.register_loader(info.oid, _Loaded)
    connection.adapters.register_dumper(Half, type("Dumped", (_Dumped,), {"oid": info.oid}))


class _Dumped(Dumper):  # type: ignore[misc,unused-ignore]  # without the extra nobody knows its type
    """2 d bytes of half floats as pgvector receives them: d, nothing, big end first."""

    format = pq.Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        return HEAD.pack(len(obj) // 2, 0) + np.frombuffer(obj, "<f2").astype(">f2").tobytes()


class _Loaded(Loader):  # type: ignore[misc,unused-ignore]
    format = pq.Format.BINARY

    def load(self, data: Buffer) -> Half:
        return Half(np.frombuffer(data, ">f2", offset=HEAD.size).astype("<f2").tobytes())
