"""A copy of an archive comes back, without what was taken back since it was made."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from engine.mind.memory.archive import FILE, Archive, ArchiveError
from engine.mind.memory.copies import SUFFIXES, copies, copying, put_in_order, remove, set_aside, snapshots, state, sync
from engine.mind.memory.withdrawal import purge


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
        if (wrong := state(chosen[0])) != "ok":
            raise ArchiveError(f"{chosen[0]} is {wrong}; try another: {', '.join(path.stem for path in found)}")
        current = folder / FILE
        if state(current) == "ok":
            with contextlib.closing(Archive(folder)) as archive:
                archive.flush()  # so that it is one file, and its log is not played into the copy
        elif current.exists():
            set_aside(current)
        _prepare(folder, chosen[0], codes)
    put_in_order(folder)
    return chosen[0]


def _prepare(folder: Path, chosen: Path, codes: Iterable[bytes]) -> None:
    """`memory.restored`: the snapshot as it is to come back. Once the file is there under this name, it comes back."""
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
