"""Recipes that somebody's words alone have caused, told without a link from a sentence to its crowd.

A crowd belongs to what words say, so it can be drawn again: the seeds of its members follow from that, and lie with every
recipe that is kept. Whoever else says the same has the same crowd, and it stays. Another memory has other crowds.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from functools import cache

import numpy as np

from engine.core.machine import SHIPPED
from engine.mind.memory.base import Base
from engine.mind.memory.space import Vector
from engine.painter.recipe import CROWD, FIRST_BY_HASH, VERSION, seeds
from engine.painter.said import Heads

HOUSE = "house"  # the fact by which a memory's crowds are its own; older ones have none
AT_ONCE = 4096  # sentences whose crowds are told at a time: 20 ms


def house(archive: Base, walk: int) -> str:
    """The name under which this memory's crowds are drawn: where its first walk through noise began, for good.

    Two memories that began elsewhere paint other crowds for the same words. Raises sqlite3.DatabaseError for a damaged file.
    """
    if not (name := archive.fact(HOUSE)) and not archive.last:
        name = str(walk).encode()
        with contextlib.suppress(sqlite3.OperationalError):  # a full disk: it is written at a later start
            archive.set_fact(HOUSE, name)
    return name.decode()


def caused(base: sqlite3.Connection, fragment: int) -> list[int]:
    """Numbers (negative) of kept recipes that are of this sentence's crowd and of no other's that remains."""
    stored: dict[int, list[int]] = {}
    for number, seed in base.execute("SELECT id, seed FROM fragment WHERE id <= ? AND state = 0", (-FIRST_BY_HASH,)):
        stored.setdefault(seed, []).append(number)
    own = next(_vectors(base, "id = ?", fragment), None) if stored else None
    if own is None:
        return []
    kind, said = _heads().subject(own[0])
    house = next((bytes(value).decode() for (value,) in base.execute("SELECT value FROM fact WHERE name = ?", (HOUSE,))), "")
    found = [one for version in range(1, VERSION + 1) for seed in seeds(kind, said, CROWD, version, house) for one in stored.get(seed, ())]
    for vectors in _vectors(base, "id != ? AND kind IN (1, 2, 3)", fragment) if found else ():
        for row, other in enumerate(_heads().all_said(vectors)):
            other.pop("kind", "")
            if other == said and _heads().subject(vectors[row])[0] == kind:
                return []
    return sorted(found)


def _vectors(base: sqlite3.Connection, where: str, *args: object) -> Iterator[Vector]:
    """(n, d) of sentences that are here and have a vector of this text space, AT_ONCE at a time."""
    at, wide = -(1 << 62), next(iter(_heads().weight.values())).shape[1]
    while rows := base.execute(
        f"SELECT id, vector FROM fragment JOIN meaning ON fragment = id WHERE {where} AND state = 0 AND id > ? AND length(vector) = ? "
        "ORDER BY id LIMIT ?", (*args, at, 2 * wide, AT_ONCE),
    ).fetchall():  # fmt: skip
        at = rows[-1][0]
        yield np.frombuffer(b"".join(vector for _, vector in rows), np.float16).reshape(len(rows), wide).astype(np.float32)


@cache
def _heads() -> Heads:
    return Heads.load(SHIPPED / "heads")
