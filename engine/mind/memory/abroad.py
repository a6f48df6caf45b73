"""Copies of a memory on another disk or a mounted share: verified by opening, rotated, cleaned of what is taken back later.

Each lies in a folder of its date: the archive, the list of what was ever taken back (hashes), and what else makes this
the same place: presets, mapping, the key that signs. `restore` makes the same show of it on a blank machine.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from engine.core.errors import nearest
from engine.mind.memory.archive import FILE, Archive, ArchiveError
from engine.mind.memory.copies import LEAST, SUFFIXES, copying, put_in_order, remove, snapshots, state, sync
from engine.mind.memory.opening import refuses
from engine.mind.memory.restoring import restore as restore_here
from engine.mind.memory.withdrawal import Journal, purge

BESIDES = ("presets.toml", "mapping.toml", "origin/key.pem", "origin/root.pem", "doors/token")  # of the home, beside the archive
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def found(place: Path) -> list[Path]:
    """The copies of a place, oldest first."""
    return sorted(path for path in place.glob("*") if DATE.fullmatch(path.name) and (path / FILE).is_file())


def copy(folder: Path, place: Path, nights: int) -> Path:
    """Bring the newest nightly copy of the archive in `folder` to `place`; the oldest beyond `nights` go. Whole or not at all.

    What was taken back since leaves every copy there. Raises ArchiveError, OSError, sqlite3.Error.
    """
    made = snapshots(folder)
    if not made:
        raise ArchiveError(f"{folder}: no nightly copy is there yet; hypermnesia archive snapshot makes one")
    if nights < 1:
        raise ArchiveError(f"{nights} nights: at least one copy is kept")
    newest = made[-1]
    if not place.is_dir():  # an empty folder where a disk is not mounted would fill this one
        raise ArchiveError(f"{place}: there is no such folder; is that disk mounted?")
    if why := refuses(place, newest.stat().st_size + LEAST):
        raise ArchiveError(why)
    fresh, there = place / f"{newest.stem}.new", place / newest.stem
    shutil.rmtree(fresh, ignore_errors=True)
    with copying(folder, patience=30.0):
        _bring(folder, newest, fresh)
    _verified(newest, fresh / FILE)
    shutil.rmtree(there, ignore_errors=True)
    fresh.replace(there)
    sync(place)
    for one in found(place):
        clean(folder, one)
    for old in found(place)[:-nights]:
        shutil.rmtree(old)
    return there


def _bring(folder: Path, snapshot: Path, fresh: Path) -> None:
    fresh.mkdir(mode=0o700)
    sources = {FILE: snapshot, "withdrawn": Journal(folder).path, **{name: folder.parent / name for name in BESIDES}}
    for name, source in sources.items():
        if source.is_file():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, fresh / name)
            sync(fresh / name)
    sync(fresh)


def _verified(snapshot: Path, path: Path) -> None:
    """Open it as a show would, and count. Raises ArchiveError."""
    if (how := state(path)) != "ok":
        raise ArchiveError(f"the copy is {how}: {path}")
    with contextlib.closing(sqlite3.connect(f"{snapshot.absolute().as_uri()}?mode=ro", uri=True)) as base:
        wanted = base.execute("SELECT count(*) FROM fragment").fetchone()[0]
    with contextlib.closing(Archive(path.parent, path.name)) as archive:
        if archive.count() != wanted:
            raise ArchiveError(f"the copy has {archive.count()} fragments of {wanted}: {path}")
    _alone(path)


def clean(folder: Path, there: Path) -> None:
    """What was taken back since a copy was made leaves it. One that cannot be read cannot be cleaned: it goes."""
    mine, theirs = Journal(folder), Journal(there)
    if not (later := [code for code in mine.all() if code not in set(theirs.all())]):
        return
    try:
        with contextlib.closing(Archive(there, FILE)) as archive:
            purge(archive, later)
    except (ArchiveError, sqlite3.Error):
        shutil.rmtree(there)
        return
    _alone(there / FILE)
    shutil.copy2(mine.path, theirs.path)


def _alone(path: Path) -> None:
    """One file again: its log has been played into it."""
    for suffix in SUFFIXES[1:]:
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def restore(folder: Path, place: Path, name: str = "") -> Path:
    """Make the memory in `folder` that of a copy in `place` (the newest, or of this date), also where nothing is. Returns the copy.

    What was there is kept beside it, as with a copy of here; what was taken back here or there stays taken back. Files
    beside the memory come where there are none. Nobody else may have the memory.
    """
    known = {path.name: path for path in found(place)}
    if not known:
        raise ArchiveError(f"{place}: no copy is there; hypermnesia archive copy {place} makes one")
    if name and name not in known:
        raise ArchiveError(f"{place}: no copy is called {name}; {nearest(name, known)}")
    chosen = known[name or max(known)]
    if (how := state(chosen / FILE)) != "ok":
        raise ArchiveError(f"{chosen} is {how}; there are: {', '.join(known)}")
    put_in_order(folder)
    nightly = folder / "snapshots"
    nightly.mkdir(parents=True, exist_ok=True)
    fresh = nightly / f"{chosen.name}.new"
    remove(fresh)
    shutil.copyfile(chosen / FILE, fresh)
    sync(fresh)
    remove(nightly / f"{chosen.name}.sqlite")
    fresh.replace(nightly / f"{chosen.name}.sqlite")
    _learn(folder, Journal(chosen).all())
    restore_here(folder, chosen.name, Journal(folder).all())
    for file in BESIDES:
        if (chosen / file).is_file() and not (folder.parent / file).exists():
            (folder.parent / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(chosen / file, folder.parent / file)
    return chosen


def _learn(folder: Path, codes: Iterable[bytes]) -> None:
    journal = Journal(folder)
    for code in codes:
        journal.begin(code)
        journal.end(code)
