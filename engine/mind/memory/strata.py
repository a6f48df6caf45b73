"""Strata of the archive: old near-duplicates are merged.

Nothing is dropped: where pictures of the machine's own that are older than a month resemble one another in words and in
image, one of them stays and takes the others' mass; its line becomes the mass-weighted line of all. What people gave
is never merged, so that they can take it back. Rare memories resemble nothing and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.mind.memory.archive import HERE, Archive, Fragment
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.space import Vector, unit

AGE = 30  # days after which a picture may become part of a stratum
ALIKE = 0.97  # cosine, in words and in image, above which two pictures lie in one stratum
GROUP = 256  # that are merged in one transaction: others wait so long
BLOCK = 256  # pictures that are compared at once


def merge_near_duplicates(archive: Archive, space: str, age: int = AGE, alike: float = ALIKE, progress: Callable[[float], None] | None = None) -> int:
    """Merge what is old and alike; returns how many fragments went into another. The archive must not be in use by a mind.

    Each merge is a transaction of its own: killed anywhere, what was merged is merged and the rest is as it was.
    """
    found = near_duplicates(*archive.recallable(space), archive.today - age, alike)
    for number, ids in enumerate(found):
        lay_together(archive, ids)
        if progress and number % 64 == 0:
            progress(number / len(found))
    return sum(len(ids) - 1 for ids in found)


def near_duplicates(fragments: Sequence[Fragment], t: Vector, v: Vector, until: int, alike: float = ALIKE) -> list[list[int]]:
    """Ids that may lie together, the one that stays first, at most GROUP at a time: the machine's own up to the day `until`.

    `t` and `v` (n, d): what the fragments mean and what is read in their pictures.
    """
    old = [row for row, f in enumerate(fragments) if f.kind == "machine" and f.state == HERE and f.day <= until]
    found = []
    for first, rest in _strata(unit(t[old]), unit(v[old]), alike).items():
        for at in range(0, len(rest), GROUP):
            found.append([fragments[old[row]].id for row in (first, *rest[at : at + GROUP])])
    return found


def lay_together(archive: Archive, ids: list[int]) -> None:
    """The first takes the others' mass and the line of all. One transaction. What another house has laid away meanwhile stays there."""
    here = {one.id for one in archive.select(f"state = 0 AND id IN ({','.join('?' * len(ids))})", *ids)}
    if len(ids := [one for one in ids if one in here]) > 1:
        archive.merge(ids[0], ids[1:], _line(archive, ids))


def _strata(t: Vector, v: Vector, alike: float) -> dict[int, list[int]]:
    """First row of each stratum -> the others in it. Oldest first: a stratum gathers round its oldest picture.

    Rows are compared with the first ones a block at a time, by two matrix products: row by row, numpy copied all first
    rows for each (8,000 pictures: 30 s, now under 2).
    """
    found: dict[int, list[int]] = {}
    firsts = np.zeros(len(t), np.int64)
    count = 0
    old_t, old_v = np.empty_like(t), np.empty_like(v)  # the first rows, together
    for at in range(0, len(t), BLOCK):
        rows = np.arange(at, min(len(t), at + BLOCK))
        near = np.full((len(rows), count + len(rows)), -1.0, np.float32)
        near[:, :count] = np.minimum(t[rows] @ old_t[:count].T, v[rows] @ old_v[:count].T)
        within = np.minimum(t[rows] @ t[rows].T, v[rows] @ v[rows].T)
        before = count
        for place, row in enumerate(rows.tolist()):
            best = int(near[place, :count].argmax()) if count else 0
            if count and near[place, best] >= alike:
                found[int(firsts[best])].append(row)
                continue
            near[:, count] = within[:, place]  # from here on also one to gather round
            firsts[count], found[row] = row, []
            count += 1
        old_t[before:count], old_v[before:count] = t[firsts[before:count]], v[firsts[before:count]]
    return found


def _line(archive: Archive, ids: list[int]) -> Line:
    """The line of a stratum: everybody's, by mass."""
    marks = ",".join("?" * len(ids))
    mass = {f.id: f.mass for f in archive.select(f"id IN ({marks})", *ids)}
    lines, total = archive.lines(ids), sum(mass.values())
    mixed = descend([(mass[one] / total, lines.get(one) or Line.root(one)) for one in ids])
    depth = max(line.depth for line in lines.values()) if lines else 0
    return Line(mixed.ids, mixed.shares, mixed.rest, mixed.sketch, depth)
