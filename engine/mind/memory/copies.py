"""Copies of an archive: one for each night, and one can come back. Whoever makes or cleans them takes turns (`copying`).

Every file is made beside its place and moved there whole. What a kill leaves behind is undone or finished by
`put_in_order` at the next start: a copy that was being made goes, a copy that was chosen to come back comes back.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from engine.mind.memory.archive import FILE, Archive, ArchiveError, Damaged

NIGHTS = 7  # snapshots that are kept
SUFFIXES = ("", "-wal", "-shm", "-journal")
DATE = re.compile(r"\d{4}-\d\d-\d\d\.sqlite")
CHECKED = 1 << 30  # bytes of a file that are looked through at each start
LEAST = 8 << 20  # bytes that must be free for a memory to be written to
PATIENCE = 2.0  # seconds that one waits for another's copy


class InUse(ArchiveError):
    """Somebody else has this archive now."""


@contextlib.contextmanager
def alone(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the archive for oneself. Raises InUse where another mind, or a command, has it for longer than that."""
    with (folder / "lock").open("a") as lock:
        if not _locked(lock.fileno(), patience):
            raise InUse(f"{folder} is in use by a show or a command: stop it first, or give this one its own with --home FOLDER")
        yield


@contextlib.contextmanager
def playing(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """A show has this archive from its beginning to its end, also while its mind starts anew. Raises InUse.

    Where the disk does not even take this note, nothing is written there and nobody can be disturbed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        note = os.open(folder / "show", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield
        return
    try:
        if not _locked(note, patience):
            who = os.pread(note, 32, 0).decode(errors="replace").strip() or "?"
            raise InUse(f"a show plays with {folder} (process {who}): stop it, or give this one its own with --home FOLDER")
        with contextlib.suppress(OSError):
            os.ftruncate(note, 0)
            os.pwrite(note, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(note)


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
    besides = [folder / "memory.before-restore", *sorted(folder.glob("memory.before-*.sqlite")), *sorted(folder.glob("memory.damaged-*.sqlite"))]
    return [*snapshots(folder), *(path for path in besides if path.exists())]


def snapshot(archive: Archive) -> Path:
    """Copy the archive as it is now, under today's date; the oldest copies beyond NIGHTS go. Whole or not at all."""
    place = archive.folder / "snapshots"
    place.mkdir(exist_ok=True)
    if shutil.disk_usage(place).free < archive.size + LEAST:  # a copy must not take the memory's own room
        raise OSError(errno.ENOSPC, f"no room for a copy of {archive.size / 1e6:.0f} MB", str(place))
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
    for suffix in SUFFIXES[1:]:
        Path(f"{current}{suffix}").unlink(missing_ok=True)
    restored.replace(current)
    sync(folder)


def state(path: Path) -> str:
    """"ok", "missing", "empty", or how a file of an archive is damaged. Raises sqlite3.Error where the disk cannot be read.

    Up to CHECKED bytes are read, in well under a second from a warm disk; of larger files the beginning alone.
    """
    if not path.exists():
        return "missing"
    wal = Path(f"{path}-wal")
    if not path.stat().st_size and not (wal.exists() and wal.stat().st_size):
        return "empty"
    check = "quick_check(1)" if path.stat().st_size <= CHECKED else "schema_version"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as base:
            found = base.execute(f"PRAGMA {check}").fetchone()[0]
    except sqlite3.Error as wrong:
        if not Damaged.is_meant(wrong):
            raise
        found = str(wrong)
    return "ok" if found == "ok" or isinstance(found, int) else f"damaged ({found})"


def set_aside(path: Path) -> Path:
    """Put a damaged file where nobody writes to it, under the time; its log first, which must not meet another base."""
    kept = path.with_name(f"memory.damaged-{time.strftime('%Y-%m-%d-%H%M%S')}.sqlite")
    for suffix in reversed(SUFFIXES):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").replace(f"{kept}{suffix}")
    sync(path.parent)
    return kept


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

