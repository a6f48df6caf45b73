"""Rows of one archive into another, whatever the two lie in, and what shows that they are the same rows."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.mind.memory.base import BLOCK, Base
from engine.mind.memory.records import Half

TABLES = {  # table -> (how many columns are its key, its columns)
    "fragment": (1, ("id", "kind", "state", "day", "mass", "words", "language", "key", "visit", "code", "seed", "structure", "gap", "novelty", "depth", "stratum", "vetoed")),
    "apart": (1, ("fragment",)),
    "meaning": (1, ("fragment", "vector")),
    "picture": (2, ("fragment", "space", "c", "h", "w", "latent", "vector", "hash")),
    "edge": (2, ("child", "parent", "share")),
    "line": (1, ("fragment", "ids", "shares", "rest", "sketch")),
    "token": (2, ("fragment", "place", "word", "lowered", "lender")),
    "elsewhere": (1, ("code",)),
}  # fmt: skip
PAGE = 512  # rows that are read, and written in one transaction: some MB
ALONE = (BLOCK, "away")  # facts of a file that goes on alone: no copy has them
Row = Sequence[Any]


def rows(base: sqlite3.Connection, table: str, where: str = "true", *args: object) -> Iterator[list[Row]]:
    """Rows of a table by its key, PAGE at a time."""
    width, columns = TABLES[table]
    key = ", ".join(columns[:width])
    after, last = "", ()
    while page := base.execute(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {where} {after} ORDER BY {key} LIMIT {PAGE}", (*args, *last)
    ).fetchall():  # fmt: skip
        yield [_typed(columns, row) for row in page]
        after, last = f"AND ({key}) > ({', '.join('?' * width)})", tuple(page[-1][:width])  # type: ignore[assignment]


def _typed(columns: Sequence[str], row: Row) -> Row:
    """Vectors as what they are: SQLite gives bytes."""
    if "vector" not in columns:
        return row
    at = columns.index("vector")
    return (*row[:at], Half(row[at]), *row[at + 1 :])


def pour(source: Base, target: Base, tell: Callable[[str, int], None] = lambda table, count: None) -> None:
    """Everything of one archive into an empty one; ids go on where they were. Page by page: a kill leaves a part. `tell` hears
    how many rows of a table are there."""
    with source.reading() as base:
        for table, (_, columns) in TABLES.items():
            count = 0
            for page in rows(base, table):
                with target.transaction():
                    target.load(table, columns, page)
                tell(table, count := count + len(page))
    for name, value in source.facts(""):
        if name not in ALONE:
            target.set_fact(name, value)
    target.count_from(source.last)
    target.salt = source.salt


Digest = dict[str, tuple[int, str]]


def digest(archive: Base) -> Digest:
    """Of each table: how many rows, and a sum over hashes of them all (blake2b), whatever their order."""
    found: Digest = {}
    with archive.reading() as base:
        for table in TABLES:
            count = total = 0
            for page in rows(base, table):
                count += len(page)
                total += sum(_hash(row) for row in page)
            found[table] = count, f"{total % (1 << 128):032x}"
    told = [(name, value) for name, value in archive.facts("") if name not in ALONE]
    found["fact"] = len(told), f"{sum(_hash(one) for one in told) % (1 << 128):032x}"
    return found


def _hash(row: Row) -> int:
    made = hashlib.blake2b(digest_size=16)
    for value in row:
        data = bytes(value) if isinstance(value, bytes) else repr(value).encode()
        made.update(b"%d %d " % (isinstance(value, bytes), len(data)) + data)
    return int.from_bytes(made.digest(), "little")
