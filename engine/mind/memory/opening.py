"""How a show comes to its memory: the archive as it is, else the newest copy, else working memory alone. It always plays.

A file that is damaged is set aside, never deleted and never written to. Where the disk takes nothing (full, read-only,
somebody else's), what lies there is recalled from working memory, and what is said then is gone with the show.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from engine.core.errors import Plain
from engine.mind.memory.archive import FILE, Archive, ArchiveError
from engine.mind.memory.copies import LEAST, InUse, alone, put_in_order, set_aside, snapshots, state
from engine.mind.memory.restoring import restore
from engine.mind.memory.withdrawal import Journal, purge

log = logging.getLogger("engine.mind")
LARGEST = 1 << 30  # bytes of an archive that are read into working memory


@dataclass(frozen=True, slots=True)
class Found:
    """How a memory was found: what a technician must know ("" while all is well), and whether it remembers."""

    how: str = ""
    remembers: bool = True


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive, held alone until `close`, and how it was found."""

    archive: Archive
    found: Found
    held: contextlib.ExitStack

    def close(self) -> None:
        self.archive.close()
        self.held.close()


def opened(folder: Path, patience: float = 2.0) -> Opened:
    """Open the memory in `folder`, whatever state it is in. Raises InUse where somebody else plays with it, nothing else."""
    with contextlib.ExitStack() as held:
        found = _prepared(folder, held, patience)
        archive = Archive(folder) if found.remembers else _passing(folder)
        return Opened(archive, found, held.pop_all())


def look(folder: Path, patience: float = 15.0) -> Found:
    """The same before any room is there: the memory is put in order, and left. Waits for a mind that is still ending."""
    with contextlib.ExitStack() as held:
        return _prepared(folder, held, patience)


def besides(broken: Opened) -> Opened:
    """Open again what turned out to be damaged only when all of it was read."""
    folder = broken.archive.folder
    broken.close()
    kept = set_aside(folder / FILE)
    again = opened(folder)
    return replace(again, found=replace(again.found, how=f"{again.found.how}; what was damaged is kept as {kept.name}"))


def refuses(folder: Path, least: int = LEAST) -> str:
    """Why the disk of a folder takes nothing; "" where it takes `least` bytes. Makes the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < least:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryFile(dir=folder, prefix="trial-") as trial:
            trial.write(bytes(4096))
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as wrong:
        return f"{folder}: {wrong.strerror or wrong}"
    return ""


def _prepared(folder: Path, held: contextlib.ExitStack, patience: float) -> Found:
    """Hold the archive alone and put it in order."""
    why = refuses(folder)
    try:
        if not why:
            held.enter_context(alone(folder, patience))
            how = _in_order(folder)
            with contextlib.closing(Archive(folder)) as archive:  # the folder may be written, and the file not
                archive.set_fact("opened", str(archive.today).encode())
            return Found(how)
    except InUse:
        raise
    except (OSError, sqlite3.Error, Plain) as wrong:
        why = f"{folder}: {getattr(wrong, 'strerror', None) or wrong}"
    held.close()
    log.warning("the memory cannot be written to: %s", why)
    return Found(f"what is said from now on is not remembered ({why}): make room there, or pass --home FOLDER", False)


def _in_order(folder: Path) -> str:
    """What was interrupted is finished; a file that is damaged or gone gives way to the newest whole copy. Says so."""
    put_in_order(folder)
    current, nights = folder / FILE, snapshots(folder)
    found = state(current)
    if found == "ok" or (found in ("missing", "empty") and not nights):
        return ""
    kept = set_aside(current) if current.exists() else None
    what = f"{FILE} was {found}" + (f" and is kept as {kept.name}" if kept else "")
    for night in reversed(nights):
        try:
            restore(folder, night.stem, Journal(folder).all())
        except ArchiveError as wrong:
            log.warning("%s", wrong)
            continue
        if kept:
            with contextlib.closing(Archive(folder)) as archive:
                archive.set_fact(f"since {kept.name}", str(archive.last + 1).encode())
        return f"the memory is that of the copy of {night.stem}: {what}"
    return f"the memory begins anew: {what}, and there is no whole copy"


def _passing(folder: Path) -> Archive:
    """What lies in `folder`, in working memory: the archive, or its newest copy that can be read, or nothing."""
    archive = Archive(folder, passing=True)
    for path in (folder / FILE, *reversed(snapshots(folder))):
        try:
            size = path.stat().st_size
            if not size:
                continue
            if size > LARGEST:
                log.warning("%s is too large to be read into working memory: it is not recalled", path)
                continue
            _read(archive, path)
            purge(archive, Journal(folder).all())
            return archive
        except (OSError, sqlite3.Error) as wrong:
            log.warning("%s cannot be read: %s", path, wrong)
            archive = Archive(folder, passing=True)
    return archive


def _read(archive: Archive, path: Path) -> None:
    """SQLite wants to write beside what it reads, and what was said last lies in the log: both are copied first."""
    memory = Path("/dev/shm")  # a disk that is full is full for temporary files too
    with tempfile.TemporaryDirectory(prefix="hypermnesia-", dir=memory if os.access(memory, os.W_OK) else None) as there:
        copy = Path(there) / FILE
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        if (found := state(copy)) != "ok":
            raise sqlite3.DatabaseError(found)
        archive.take_from(copy)
