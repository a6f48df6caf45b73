"""House-keeping of the archive: old near-duplicates are merged, nights are copied, and a copy can come back.

Nothing is dropped: where pictures of the machine's own that are older than a month resemble one another in words and in
image, one of them stays and takes the others' mass; its line becomes the mass-weighted line of all. What people gave
is never merged, so that they can take it back. Rare memories resemble nothing and stay as they are.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.mind.memory.archive import Archive, ArchiveError
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.space import Vector, unit

AGE = 30  # days after which a picture may become part of a stratum
ALIKE = 0.97  # cosine, in words and in image, above which two pictures lie in one stratum
NIGHTS = 7  # snapshots that are kept
BLOCK = 256  # pictures that are compared at once


def merge_near_duplicates(archive: Archive, space: str, age: int = AGE, alike: float = ALIKE, progress: Callable[[float], None] | None = None) -> int:
    """Merge what is old and alike; returns how many fragments went into another. The archive must not be in use by a mind."""
    fragments, t, v = archive.recallable(space)
    old = [row for row, f in enumerate(fragments) if f.kind == "machine" and f.day <= archive.today - age]
    strata = _strata(unit(t[old]), unit(v[old]), alike)
    for number, (first, rest) in enumerate(strata.items()):
        if rest:
            ids = [fragments[old[row]].id for row in (first, *rest)]
            archive.merge(ids[0], ids[1:], _line(archive, ids))
        if progress and number % 64 == 0:
            progress(number / len(strata))
    return sum(map(len, strata.values()))


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


# --- nights ---


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the archive for oneself. Raises ArchiveError where a show is running with it."""
    if not folder.exists():
        raise ArchiveError(f"{folder}: no archive is there; `hypermnesia run` makes one, --archive FOLDER names another")
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArchiveError(
                f"{folder} is in use by a show: stop it first, or withdraw through the kiosk page, which asks the show itself"
            ) from None
        yield


def snapshots(folder: Path) -> list[Path]:
    """Copies of an archive, oldest first."""
    return sorted((folder / "snapshots").glob("????-??-??.sqlite"))


def snapshot(archive: Archive) -> Path:
    """Copy the archive as it is now, under today's date; the oldest copies beyond NIGHTS go. Whole or not at all."""
    place = archive.folder / "snapshots"
    place.mkdir(exist_ok=True)
    path = place / f"{archive.calendar().isoformat()}.sqlite"
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    archive.copy_to(fresh)
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
    for old in snapshots(archive.folder)[:-NIGHTS]:
        old.unlink()
    return path


def restore(folder: Path, name: str = "") -> Path:
    """Put a snapshot in the archive's place; what was there is kept beside it. Returns the snapshot.

    Raises ArchiveError where there is none, or none of that name, or where it is broken.
    """
    found = snapshots(folder)
    chosen = [path for path in found if path.stem == name] if name else found[-1:]
    if not chosen:
        what = f"no snapshot is called {name}; there are: {', '.join(p.stem for p in found)}" if found else "there is no snapshot"
        raise ArchiveError(f"{folder}: {what}")
    with contextlib.closing(sqlite3.connect(f"file:{chosen[0]}?mode=ro", uri=True)) as base:
        try:
            (state,) = base.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.DatabaseError as wrong:
            state = str(wrong)
    if state != "ok":
        raise ArchiveError(f"{chosen[0]}: {state}; try an older one: {', '.join(path.stem for path in found)}")
    current = folder / "memory.sqlite"
    fresh = folder / "memory.restored"
    fresh.write_bytes(chosen[0].read_bytes())
    with fresh.open("rb+") as file:
        os.fsync(file.fileno())
    for suffix in ("-wal", "-shm"):
        Path(f"{current}{suffix}").unlink(missing_ok=True)
    if current.exists():
        current.replace(folder / "memory.before-restore")
    fresh.replace(current)
    return chosen[0]


def forget_in_copies(folder: Path, fragment: int, lent: Sequence[str] = ()) -> None:
    """What was withdrawn leaves the snapshots too, with the runs that it lent."""
    for path in [*snapshots(folder), folder / "memory.before-restore"]:
        if path.exists():
            copy = Archive(path.parent, path.name)
            copy.withdraw(fragment, lent)
            copy.close()
            for suffix in ("-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
