"""Withdrawal: what somebody gave leaves recall at once and every byte on the disk, whatever fails or dies meanwhile.

It is written down before anything is erased (`Journal`), each step may be done again, and what is not finished is
finished by `settle`: at the next try, at the next start. Steps: the fragment in the archive with the words that the
machine's captions had of it; the write-ahead log; all copies; the search caches.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.mind.memory.archive import Archive, ArchiveError, Damaged
from engine.mind.memory.caused import caused
from engine.mind.memory.copies import copies, copying, remove
from engine.mind.memory.records import joined
from engine.mind.memory.words import runs, split

log = logging.getLogger("engine.mind")
SPARE = 4096  # bytes that the journal has in hand, so that a full disk can still be told what is to be taken back
LINE = re.compile(rb"([-+]) ([0-9a-f]{32})")


class Journal:
    """Which withdrawals were begun ("- hash") and which are finished ("+ hash"), in a file beside the archive.

    A hash is that of a withdrawal code, salted: it names nobody. It stays for ever, so that a copy which comes back from
    elsewhere is cleaned too. The file ends in blank lines, room that is already on the disk. Any thread.
    """

    def __init__(self, folder: Path):
        self.path = folder / "withdrawn"
        self._lock = threading.Lock()

    def all(self) -> list[bytes]:
        """Every code that was ever taken back, oldest first."""
        return list(self._read())

    def begun(self) -> list[bytes]:
        """Those whose withdrawal is not finished, oldest first."""
        return [code for code, done in self._read().items() if not done]

    def begin(self, code: bytes) -> None:
        """On return the wish is on the disk. Raises OSError, then nothing was begun."""
        if code not in self._read():
            self._append(b"- " + code.hex().encode())

    def end(self, code: bytes) -> None:
        self._append(b"+ " + code.hex().encode())

    def _read(self) -> dict[bytes, bool]:
        found: dict[bytes, bool] = {}
        for line in self.path.read_bytes().rstrip(b"\n").split(b"\n") if self.path.exists() else ():
            if whole := LINE.fullmatch(line):  # a line that a power cut tore is none
                code = bytes.fromhex(whole[2].decode())
                found[code] = found.get(code, False) or whole[1] == b"+"
        return found

    def _append(self, line: bytes) -> None:
        with self._lock:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                size = os.fstat(file).st_size
                used = len(os.pread(file, size, 0).rstrip(b"\n"))
                data = (b"\n" if used else b"") + line + b"\n"
                more = b"\n" * SPARE if used + len(data) > size else b""
                if os.pwrite(file, data + more, used) < len(data):
                    raise OSError(errno.ENOSPC, f"no room for {self.path}")
                os.fsync(file)
            finally:
                os.close(file)


def withdraw(archive: Archive, journal: Journal, code: bytes) -> list[int]:
    """Begin and finish; returns whose captions changed. Raises OSError where it was not begun, else as `finish`."""
    journal.begin(code)
    return finish(archive, journal, code)


def finish(archive: Archive, journal: Journal, code: bytes) -> list[int]:
    """All steps of a withdrawal that was begun; returns whose captions changed in the archive.

    Raises sqlite3.Error, OSError or ArchiveError where a step has to wait: begun it stays, and may be called again.
    """
    changed = erase(archive, code)
    archive.flush()
    _clean_copies(archive, code)
    for file in (archive.folder / "cache").glob("*"):  # sketches of vectors; the graph is built anew
        file.unlink(missing_ok=True)
    archive.cleaned(code)
    journal.end(code)
    return changed


def settle(archive: Archive, journal: Journal) -> Iterator[list[int]]:
    """Finish what was begun, one withdrawal for each step. Raises as `finish`."""
    for code in journal.begun():
        yield finish(archive, journal, code)


def erase(archive: Archive, code: bytes) -> list[int]:
    """One transaction: words, vectors and pictures of what a code was given for; mass and lineage stay, nameless.

    Its words also leave the captions that borrowed them, and recipes that it alone has caused lose words and picture.
    Returns the fragments of those captions, and those recipes. What the code is of
    has its hash to the end, so that a late repeat of the same sentence is not stored again. Again: changes nothing.
    """
    with archive.transaction() as base:
        found = base.execute("SELECT id, words FROM fragment WHERE code = ? AND state = 0", (code,)).fetchone()
        if not found:
            return []
        fragment, words = found
        changed = _take_words_back(base, fragment, words or "")
        for recipe in caused(base, fragment):
            changed |= {recipe} | drop(base, "lender = ?", recipe)
            base.execute("UPDATE fragment SET state = 1, words = NULL WHERE id = ?", (recipe,))
            for table in ("meaning", "picture", "token"):
                base.execute(f"DELETE FROM {table} WHERE fragment = ?", (recipe,))
        base.execute(
            "UPDATE fragment SET state = 1, words = NULL, key = NULL, visit = NULL, language = '' WHERE id = ?", (fragment,)
        )
        for table in ("meaning", "picture", "token", "apart"):
            base.execute(f"DELETE FROM {table} WHERE fragment = ?", (fragment,))
    return sorted(changed)


def _take_words_back(base: sqlite3.Connection, fragment: int, words: str) -> set[int]:
    """Its words out of the machine's captions: those that are known to be its own, and, in captions of an archive that did
    not yet write down whose each word is, those that nobody else here says."""
    changed = drop(base, "lender = ?", fragment)
    for run in ([word.casefold() for word in run] for run in runs(words)):
        of_old = base.execute(
            "SELECT id, words FROM fragment WHERE kind = 4 AND state = 0 AND words != '' "
            "AND NOT EXISTS (SELECT 1 FROM token WHERE token.fragment = fragment.id)"
        ).fetchall()
        borrowers = [(borrower, caption) for borrower, caption in of_old if _places(caption, run)]
        if not borrowers or _said_by_others(base, fragment, run):
            continue
        for borrower, caption in borrowers:
            base.execute("UPDATE fragment SET words = ? WHERE id = ?", (_without(caption, run), borrower))
            changed.add(borrower)
            for word in run:  # captions that had it from this one
                changed |= drop(base, "lender = ? AND lowered = ?", borrower, word)
    return changed


def drop(base: sqlite3.Connection, where: str, *args: object) -> set[int]:
    """Tokens out of their captions, within a transaction; returns whose captions they were."""
    changed = {row[0] for row in base.execute(f"SELECT fragment FROM token WHERE {where}", args)}
    base.execute(f"DELETE FROM token WHERE {where}", args)
    for one in changed:
        left = base.execute("SELECT word FROM token WHERE fragment = ? ORDER BY place", (one,))
        base.execute("UPDATE fragment SET words = ? WHERE id = ?", (joined(word for (word,) in left), one))
    return changed


def _said_by_others(base: sqlite3.Connection, fragment: int, run: list[str]) -> bool:
    others = base.execute("SELECT words FROM fragment WHERE kind != 4 AND state = 0 AND words IS NOT NULL AND id != ?", (fragment,))
    return any(_places(words, run) for (words,) in others)


def _places(words: str, run: list[str]) -> list[int]:
    """Where a run of whole words stands: "art" is not in "the heart"."""
    said = [word.casefold() for word in split(words)]
    return [at for at in range(len(said) - len(run) + 1) if said[at : at + len(run)] == run]


def _without(words: str, run: list[str]) -> str:
    said = split(words)
    gone = {at + k for at in _places(words, run) for k in range(len(run))}
    return joined(word for at, word in enumerate(said) if at not in gone)


def _clean_copies(archive: Archive, code: bytes) -> None:
    """The same in every copy. One that cannot be read cannot be cleaned: it goes, for it could not come back either."""
    with copying(archive.folder):
        for path in copies(archive.folder):
            if _older(archive, path, code):
                continue
            try:
                copy = Archive(path.parent, path.name)
                try:
                    erase(copy, code)
                    copy.flush()
                finally:
                    copy.close()
            except (ArchiveError, sqlite3.Error) as wrong:
                if not isinstance(wrong, Damaged) and not Damaged.is_meant(wrong):
                    raise
                log.warning("%s is damaged and may hold what was taken back: it is removed (%s)", path, wrong)
                remove(path)
            else:
                for suffix in ("-wal", "-shm"):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)


def _older(archive: Archive, path: Path, code: bytes) -> bool:
    """Whether a file was set aside before this was said, so that it cannot hold it."""
    since = int(archive.fact(f"since {path.name}") or 0)
    return bool(since) and any(one.id >= since for one in archive.select("code = ?", code))


def purge(archive: Archive, codes: Iterable[bytes]) -> None:
    """Everything that was ever taken back out of an archive that comes from elsewhere."""
    for code in codes:
        erase(archive, code)
    archive.flush()
