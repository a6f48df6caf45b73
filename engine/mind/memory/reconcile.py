"""A house that was cut off comes back: what its own file has gathered goes to the server, nothing twice, no mass lost.

The file counted in a block of numbers that nobody else has, so every fragment, line and lender keeps its number. What was taken
back on either side is taken back on both before anything else crosses. Fragments cross some hundreds at a time, each page in
one transaction with whose words stand in it; a kill leaves whole pages, and the next try goes on.

What is the same sentence on both sides (its acknowledgement was lost with the cable) is one: the second lies in the first.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.mind.memory.archive import COMPACTED, HERE, WITHDRAWN, Archive, ArchiveError
from engine.mind.memory.base import BLOCK, BLOCK_BITS
from engine.mind.memory.server import COMMON, Served
from engine.mind.memory.transfer import ALONE, TABLES, Row, rows
from engine.mind.memory.withdrawal import Journal, drop, erase, finish

log = logging.getLogger("engine.mind")
COLUMNS = TABLES["fragment"][1]
AT = {name: place for place, name in enumerate(COLUMNS)}
OF = ("apart", "meaning", "picture", "line", "token")  # tables that hold something of a fragment, by its number
DREAMT = ("seed", "structure", "gap", "novelty", "depth")  # what a sentence has with its picture


@dataclass(frozen=True, slots=True)
class Brought:
    """What has crossed."""

    fragments: int = 0
    mass: float = 0.0  # of them
    same: int = 0  # of them were there already, under another number
    pictures: int = 0  # of sentences that the server had without
    taken_back: int = 0  # here or there, and now on both sides


def reconcile(local: Archive, served: Served, journal: Journal, tell: Callable[[int], None] = lambda count: None) -> Brought:
    """Bring everything of a file that went on alone to the server. Again: changes nothing. The file stays as it is, but for what was
    taken back. `tell` hears how many fragments have crossed.

    Raises sqlite3.Error where one of the two fails, then the rest waits; ArchiveError where the two are not one memory.
    """
    if local.salt != served.salt:
        raise ArchiveError(f"{local.path} was begun by itself, so its codes are not those of {served.place}")
    back = _take_back(local, served, journal)
    count, mass, same = 0, 0.0, 0
    block = int(local.fact(BLOCK) or 0)
    for where, args in (("id < 0", ()), ("id BETWEEN ? AND ?", (block << BLOCK_BITS, (block + 1 << BLOCK_BITS) - 1))):
        for page in rows(local._base, "fragment", where, *args) if block else ():
            crossed = _cross(local, served, page)
            count, mass, same = count + len(crossed), mass + sum(row[AT["mass"]] for row in crossed), same + sum(row[AT["state"]] == COMPACTED for row in crossed)
            tell(count)
    pictures = _dreamt_here(local, served)
    _decided_here(local, served)
    for name, value in local.facts(""):
        if name not in COMMON and name not in ALONE:
            served.set_fact(name, value)
    served.flush()
    return Brought(count, mass, same, pictures, back)


def _take_back(local: Archive, served: Served, journal: Journal) -> int:
    """A withdrawal wins, on both sides and in all copies of this one. How many were new to the other side."""
    withdrawn = {bytes(code) for (code,) in local._base.execute("SELECT code FROM fragment WHERE state = 1 AND code IS NOT NULL")}
    here = withdrawn | set(journal.all())
    there = {bytes(code) for (code,) in served._base.execute("SELECT code FROM withdrawal").fetchall()}
    for code in here - there:
        erase(served, code)
    held = {bytes(code) for (code,) in local._base.execute("SELECT code FROM fragment WHERE state = 0 AND code IS NOT NULL")}
    for code in there & held:
        journal.begin(code)
        finish(local, journal, code)
    for code in served.remains():
        journal.begin(code)
        finish(local, journal, code)
        served.cleaned(code)
    return len(here - there) + len(there & held)


def _cross(local: Archive, served: Served, page: Sequence[Row]) -> list[Row]:
    """Fragments that the server does not have, with all that is of them; returns their rows as they lie there now."""
    with served.transaction() as base:
        known = {one for (one,) in base.execute(f"SELECT id FROM fragment WHERE id IN ({_marks(page)})", [row[0] for row in page]).fetchall()}
        fresh = [row for row in page if row[0] not in known]
        same = _same(base, fresh)
        fresh = [_within(row, same[row[0]]) if row[0] in same else row for row in fresh]
        served.load("fragment", COLUMNS, fresh)
        ids = [row[0] for row in fresh if row[AT["state"]] == HERE]
        for table in OF:
            _bring(local, served, table, "fragment", [row[0] for row in fresh] if table == "line" else ids)
        _bring(local, served, "edge", "child", [row[0] for row in fresh])
        base.execute(  # the second of the same sentence lends as the first, so that its words go with it
            f"UPDATE token SET lender = (SELECT stratum FROM fragment WHERE id = lender) WHERE fragment IN ({_marks(ids)}) "
            f"AND lender IN (SELECT id FROM fragment WHERE state = {COMPACTED} AND kind IN (1, 2, 3))", ids,
        )  # fmt: skip
        lenders = base.execute(
            f"SELECT DISTINCT f.id FROM token t JOIN fragment f ON f.id = t.lender WHERE f.state = {WITHDRAWN} AND t.fragment IN ({_marks(ids)})", ids
        ).fetchall()  # fmt: skip
        for (lender,) in lenders:  # taken back there a moment ago
            drop(base, "lender = ?", lender)
    return fresh


def _bring(local: Archive, served: Served, table: str, key: str, ids: Sequence[int]) -> None:
    for page in rows(local._base, table, f"{key} IN ({_marks(ids)})", *ids):
        served.load(table, TABLES[table][1], page)


def _same(base: sqlite3.Connection, page: Sequence[Row]) -> dict[int, int]:
    """Of those whose key or code the server has under another number: that number."""
    by_key = {row[AT["key"]]: row[0] for row in page if row[AT["key"]]}
    by_code = {bytes(row[AT["code"]]): row[0] for row in page if row[AT["code"]]}
    found = base.execute(
        f"SELECT id, key, code FROM fragment WHERE key IN ({_marks(by_key)}) OR code IN ({_marks(by_code)})", [*by_key, *by_code]
    ).fetchall()  # fmt: skip
    return {(by_key.get(key) or by_code[bytes(code)]): one for one, key, code in found}


def _within(row: Row, other: int) -> Row:
    """A fragment that lies in another: its place in the lineage stands, its words and its mass are the other's."""
    changed = {"state": COMPACTED, "mass": 0.0, "words": None, "key": None, "code": None, "stratum": other}
    return tuple(changed.get(name, value) for name, value in zip(COLUMNS, row, strict=True))


def _dreamt_here(local: Archive, served: Served) -> int:
    """Sentences that the server has without a picture, and that had theirs dreamt here."""
    count = 0
    for owed in served.owed():
        row = local._base.execute(f"SELECT {', '.join(DREAMT)} FROM fragment JOIN meaning ON fragment = id WHERE id = ? AND state = 0", (owed.id,)).fetchone()
        if row is None:
            continue
        with served.transaction() as base:
            if not base.execute("SELECT 1 FROM fragment WHERE id = ? AND state = 0 AND NOT EXISTS (SELECT 1 FROM meaning WHERE meaning.fragment = fragment.id)", (owed.id,)).fetchone():
                continue
            base.execute(f"UPDATE fragment SET {', '.join(f'{name} = ?' for name in DREAMT)} WHERE id = ?", (*row, owed.id))
            for table, key in (("meaning", "fragment"), ("picture", "fragment"), ("line", "fragment"), ("edge", "child")):
                base.execute(f"DELETE FROM {table} WHERE {key} = ?", (owed.id,))
                _bring(local, served, table, key, [owed.id])
            count += 1
    return count


def _decided_here(local: Archive, served: Served) -> None:
    """What people refused, and what an operator let be lent."""
    for one in local.select("vetoed = 1"):
        known = served.fragment(one.id)
        if known is not None and known.state == HERE:
            served.refuse(one.id)
    still = local.apart()
    for fragment in served.apart():
        if fragment not in still and local.fragment(fragment) is not None:
            served.lend(fragment)


def _marks(of: Iterable[object]) -> str:
    return ",".join("?" for _ in of)
