"""`hypermnesia archive move`: a whole memory from one place to another, a folder, a file or a server, and whether all of it is there.

Verified: every row of every table by a hash, masses and sums of lineage, and that of what was taken back nothing has come along.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.mind.memory.afar import is_server, reach
from engine.mind.memory.archive import FILE, Archive, ArchiveError
from engine.mind.memory.copies import alone, playing, remove, set_aside, state, sync
from engine.mind.memory.transfer import digest, pour, rows
from engine.mind.memory.withdrawal import Journal

MOVING = "moving"  # the fact of a memory that is not whole yet
BEFORE = "memory.before-move.sqlite"  # the file of a folder that has moved: it is cleaned like any copy


@dataclass(frozen=True, slots=True)
class Moved:
    """What is at the new place."""

    fragments: int
    mass: float
    lines: int  # of descent
    off: float  # how far the sum of a line's shares is from 1 at most
    vectors: int
    withdrawn: int  # fragments that were taken back: nameless, and nothing else is left of them


def move(source: str, target: str, home: Path, venue: str, tell: Callable[[str, int], None] = lambda table, count: None) -> Moved:
    """Bring a memory to where none is yet; a folder that has moved keeps its file as a copy, under another name.

    Raises ArchiveError where the target holds something or differs in the end, sqlite3.Error, OSError.
    """
    with contextlib.ExitStack() as held:
        mine, theirs = _place(source, home, venue, held, True), _place(target, home, venue, held, False)
        if theirs.fact(MOVING):
            raise ArchiveError(f"{theirs.place} holds the beginning of a move that was interrupted: empty it (drop that database, or delete that file) and move again")
        if theirs.count():
            raise ArchiveError(f"{theirs.place} holds {theirs.count()} fragments already: a memory moves to where none is")
        theirs.set_fact(MOVING, mine.place.encode())
        pour(mine, theirs, tell)
        with theirs.transaction() as base:
            base.execute("DELETE FROM fact WHERE name = ?", (MOVING,))
        before, after = digest(mine), digest(theirs)
        wrong = [table for table in before if before[table] != after[table]]
        if wrong:
            theirs.set_fact(MOVING, b"differs")
            raise ArchiveError(f"{theirs.place} differs from {mine.place} in {', '.join(wrong)}: {mine.place} is as it was, and is still the memory")
        moved = _looked_over(theirs, before["line"][0], before["meaning"][0] + before["picture"][0])
        _journal(theirs)
        theirs.flush()
    if not is_server(source) and Path(source).is_dir():
        path = Path(source) / FILE
        remove(Path(source) / BEFORE)
        path.replace(Path(source) / BEFORE)
        remove(path)
        sync(Path(source))
    return moved


def _place(where: str, home: Path, venue: str, held: contextlib.ExitStack, there: bool) -> Archive:
    """The archive at an end of the way. `there`: something has to be."""
    if is_server(where):
        found: Archive = reach(home, where, venue)
        held.callback(found.close)
        return found
    path = Path(where)
    folder, file = (path.parent, path.name) if path.suffix == ".sqlite" else (path, FILE)
    if there and (how := state(folder / file)) != "ok":
        raise ArchiveError(f"{folder / file} is {how}")
    if not there and (folder / file).exists() and state(folder / file) not in ("ok", "empty"):
        set_aside(folder / file)
    folder.mkdir(parents=True, exist_ok=True)
    if file == FILE:
        held.enter_context(playing(folder))
        held.enter_context(alone(folder, patience=1.0))
    archive = Archive(folder, file)
    held.callback(archive.close)
    return archive


def _looked_over(archive: Archive, lines: int, vectors: int) -> Moved:
    """Sums of lineage, and that nothing is left of what was taken back. Raises ArchiveError."""
    off = 0.0
    with archive.reading() as base:
        for page in rows(base, "line"):
            off = max(off, *(abs(math.fsum(np.frombuffer(row[2], np.float64).tolist()) + row[3] - 1.0) for row in page))
        (withdrawn,) = base.execute("SELECT count(*) FROM fragment WHERE state = 1").fetchone()
        for table in ("meaning", "picture", "token"):
            (left,) = base.execute(f"SELECT count(*) FROM {table} t JOIN fragment f ON f.id = t.fragment WHERE f.state = 1").fetchone()
            if left:
                raise ArchiveError(f"{archive.place}: {left} rows of {table} are of what was taken back")
        (named,) = base.execute("SELECT count(*) FROM fragment WHERE state = 1 AND words IS NOT NULL").fetchone()
        if named:
            raise ArchiveError(f"{archive.place}: {named} fragments that were taken back still have their words")
    return Moved(archive.count(), archive.mass, lines, off, vectors, int(withdrawn))


def _journal(archive: Archive) -> None:
    """A folder keeps for ever what was taken back, so that a copy from elsewhere is cleaned too."""
    journal = Journal(archive.folder)
    known = set(journal.all())
    with archive.reading() as base:
        codes = [bytes(code) for (code,) in base.execute("SELECT code FROM fragment WHERE state = 1 AND code IS NOT NULL").fetchall()]
    for code in codes:
        if code not in known:
            journal.begin(code)
            journal.end(code)
