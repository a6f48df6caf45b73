"""Files that are still to be signed, each with how it was made: what a show begins and a kill cuts is signed by the next.

A note for each file lies in `unsigned` beside the keys, from the file's first byte until it is signed. Any process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from engine.origin.account import Making

FOLDER = "unsigned"


class Unsigned:
    """The notes of one installation; `folder` is its `origin`."""

    def __init__(self, folder: Path):
        self.folder = folder / FOLDER

    def keep(self, file: Path, making: Making) -> None:
        """Write down that a file is to be signed and how it was made, in place of what was written before. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        note = self._note(file)
        fresh = note.with_suffix(f".{os.getpid()}")
        with fresh.open("w", encoding="utf-8") as out:
            json.dump({"file": str(file.absolute()), "making": making.plain()}, out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(note)

    def making(self, file: Path) -> Making | None:
        """How a file was made; None where nobody wrote it down."""
        found = self._read(self._note(file))
        return found[1] if found else None

    def drop(self, file: Path) -> None:
        """It is signed, or gone."""
        self._note(file).unlink(missing_ok=True)

    def all(self) -> list[Path]:
        """Files that are to be signed and still there, oldest note first. Notes of files that went are dropped."""
        found = []
        for note in sorted(self.folder.glob("*.json"), key=lambda note: note.stat().st_mtime_ns):
            known = self._read(note)
            if known and known[0].exists():
                found.append(known[0])
            else:
                note.unlink(missing_ok=True)
        return found

    @contextlib.contextmanager
    def taking_turns(self) -> Iterator[None]:
        """One signs at a time; others wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
            yield

    def _note(self, file: Path) -> Path:
        return self.folder / f"{hashlib.blake2b(str(file.absolute()).encode(), digest_size=8).hexdigest()}.json"

    @staticmethod
    def _read(note: Path) -> tuple[Path, Making] | None:
        try:
            found = json.loads(note.read_text(encoding="utf-8"))
            return Path(found["file"]), Making.of(found["making"])
        except (OSError, ValueError, KeyError, TypeError):  # torn by a power cut, or somebody else's
            return None
