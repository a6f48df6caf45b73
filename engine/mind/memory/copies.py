"""Copies of an archive: one for each night, and one can come back. Whoever makes or cleans them takes turns (`copying`).

Every file is made beside its place and moved there whole. What a kill leaves behind is undone or finished by
`put_in_order` at the next start: a copy that was being made goes, a copy that was chosen to come back comes back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.mind.memory.archive import FILE, Archive, ArchiveError

NIGHTS = 7  # snapshots that are kept
SUFFIXES = ("", "-wal", "-shm", "-journal")
DATE = re.compile(r"\d{4}-\d\d-\d\d\.sqlite")
PATIENCE = 2.0  # seconds that one waits for another's copy


@contextlib.contextmanager
def alone(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the archive for oneself. Raises ArchiveError where a show, or another command, has it for longer than that."""
    if not folder.exists():
        raise ArchiveError(f"{folder}: no archive is there; `hypermnesia run` makes one, --archive FOLDER names another")
    with (folder / "lock").open("a") as lock:
        if not _locked(lock.fileno(), patience):
            raise ArchiveError(
                f"{folder} is in use by a show: stop it first, or withdraw through the kiosk page, which asks the show itself"
            )
        yield


@contextlib.contextmanager
def copying(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Nobody else makes, cleans or moves copies meanwhile, in this process or another. Raises ArchiveError after `patience`."""
    with (folder / "copying").open("a") as lock:
        if not _locked(lock.fileno(), patience):
            raise ArchiveError(f"{folder}: a copy of the archive is being made")
        yield


def _locked(file: int, patience: float) -> bool:
    until = time.monotonic() + patience
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.05)


def snapshots(folder: Path) -> list[Path]:
    """Copies of an archive by date, oldest first."""
    return sorted(path for path in (folder / "snapshots").glob("*.sqlite") if DATE.fullmatch(path.name))


def copies(folder: Path) -> list[Path]:
    """Every file that may hold what the archive holds, or held: snapshots, what a copy took the place of, damaged files."""
    besides = [folder / "memory.before-restore", *sorted(folder.glob("memory.damaged-*.sqlite"))]
    return [*snapshots(folder), *(path for path in besides if path.exists())]


def snapshot(archive: Archive) -> Path:
    """Copy the archive as it is now, under today's date; the oldest copies beyond NIGHTS go. Whole or not at all."""
    place = archive.folder / "snapshots"
    place.mkdir(exist_ok=True)
    path = place / f"{archive.calendar().isoformat()}.sqlite"
    fresh = path.with_suffix(".new")
    with copying(archive.folder):
        remove(fresh)
        try:
            archive.copy_to(fresh)
            sync(fresh)
            for suffix in SUFFIXES[1:]:
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            fresh.replace(path)
        finally:
            remove(fresh)  # a disk that fills up is not left fuller
        sync(place)
        for old in snapshots(archive.folder)[:-NIGHTS]:
            remove(old)
    return path


def restore(folder: Path, name: str = "", codes: Iterable[bytes] = ()) -> Path:
    """Put a snapshot in the archive's place; what was there is kept beside it. Returns the snapshot.

    What `codes` (hashes) were given for has been taken back since: it does not come back. Raises ArchiveError where there
    is no snapshot, or none of that name, or where it is broken.
    """
    put_in_order(folder)
    found = snapshots(folder)
    chosen = [path for path in found if path.stem == name] if name else found[-1:]
    if not chosen:
        what = f"no snapshot is called {name}; there are: {', '.join(p.stem for p in found)}" if found else "there is no snapshot"
        raise ArchiveError(f"{folder}: {what}")
    with copying(folder):
        state = health(chosen[0])
        if state != "ok":
            raise ArchiveError(f"{chosen[0]}: {state}; try an older one: {', '.join(path.stem for path in found)}")
        _prepare(folder, chosen[0], codes)
    put_in_order(folder)
    return chosen[0]


def _prepare(folder: Path, chosen: Path, codes: Iterable[bytes]) -> None:
    """`memory.restored`: the snapshot as it is to come back. Once the file is there under this name, it comes back."""
    from engine.mind.memory.withdrawal import purge

    fresh = folder / "memory.restored.new"
    remove(fresh)
    snapshot = Archive(chosen.parent, chosen.name)
    try:
        snapshot.copy_to(fresh)
    finally:
        snapshot.close()
    restored = Archive(folder, fresh.name)
    try:
        purge(restored, codes)
        for other in (folder / FILE, *copies(folder)):
            with contextlib.suppress(ArchiveError, sqlite3.Error):  # a damaged one tells nothing
                restored.learn_of(other)
    finally:
        restored.close()
    for suffix in SUFFIXES[1:]:
        Path(f"{fresh}{suffix}").unlink(missing_ok=True)
    sync(fresh)
    fresh.replace(folder / "memory.restored")
    sync(folder)


def put_in_order(folder: Path) -> None:
    """Finish or undo what a kill has interrupted. The archive is closed and nobody else has it. May be called again."""
    for stray in [*(folder / "snapshots").glob("*.new*"), *folder.glob("memory.restored.new*")]:
        stray.unlink(missing_ok=True)
    current, restored, before = folder / FILE, folder / "memory.restored", folder / "memory.before-restore"
    if not restored.exists():
        return
    if current.exists():
        remove(before)
        current.replace(before)
    for suffix in SUFFIXES[1:]:  # a log that stayed here would be played into the copy
        with contextlib.suppress(FileNotFoundError):
            Path(f"{current}{suffix}").replace(f"{before}{suffix}")
    restored.replace(current)
    sync(folder)


def health(path: Path) -> str:
    """"ok", or what is wrong with a file of an archive. Reads all of it: a second for each gigabyte, from a warm disk."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as base:
            return str(base.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as wrong:
        return str(wrong)


def remove(path: Path) -> None:
    """A file of SQLite's, with what lies beside it."""
    for suffix in reversed(SUFFIXES):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def sync(path: Path) -> None:
    """On return a file, or a folder's names, are on the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)

