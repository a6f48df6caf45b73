"""Folders and texts that come from somebody's machine: what is meant in them, and what was only left there.

A folder that went over a Mac, a stick or a half-finished copy holds more than its owner put into it. Whoever opens
such a folder (scenes, shaders, recordings, models) asks here, so that what is passed over is the same everywhere and
is said once.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("engine.core")
APPLE = b"\x00\x05\x16\x07"  # how an AppleDouble file begins, whatever its name: a Mac's notes about the file beside it
POINTER = b"version https://git-lfs.github.com/spec/"  # what git keeps where git-lfs has not fetched the file itself
HALF = (".part", ".partial", ".crdownload", ".download", ".incomplete", ".tmp", ".filepart", "~")  # copies under way
DEEPEST = 12  # folders within folders that are looked through
_said: set[tuple[Path, str]] = set()


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds for us, in order, and what was passed over, with the reason."""

    files: tuple[Path, ...]
    passed: tuple[tuple[Path, str], ...] = ()

    def sentence(self) -> str:
        """What was passed over, in one line; "" for nothing."""
        names = ("".join(letter if letter.isprintable() else "?" for letter in path.name) for path, _ in self.passed)
        some = ", ".join(f"{name} ({why})" for name, (_, why) in list(zip(names, self.passed, strict=True))[:3])
        more = f" and {len(self.passed) - 3} more" if len(self.passed) > 3 else ""
        return f"passed over {some}{more}" if self.passed else ""


def look(folder: Path, endings: Iterable[str], deep: bool = False) -> Found:
    """The files of a folder (and of its folders, if `deep`) whose names end like one of `endings`, in any case.

    Hidden files, a Mac's "._x", thumbnails, copies that are not finished, empty and unreadable files, git-lfs pointers
    and links that lead nowhere are no files here. Never raises; a folder that cannot be read holds nothing.
    """
    wanted = tuple(each.lower() for each in endings)
    files: list[Path] = []
    passed: list[tuple[Path, str]] = []
    for path in _walk(folder, deep, passed):
        name = path.name.lower()
        bare = next((name.removesuffix(end) for end in HALF if name.endswith(end) and len(name) > len(end)), name)
        if not bare.endswith(wanted):
            continue
        if why := wrong(path):
            passed.append((path, why))
        elif name.endswith(wanted):
            files.append(path)
    return Found(tuple(sorted(files)), tuple(sorted(passed)))


def files(folder: Path, endings: Iterable[str], deep: bool = False) -> tuple[Path, ...]:
    """The files of `look`; what was passed over is logged, each once."""
    found = look(folder, endings, deep)
    new = tuple(each for each in found.passed if each not in _said)
    if new:
        _said.update(new)
        log.info("%s: %s", folder, Found((), new).sentence())
    return found.files


def wrong(path: Path) -> str:
    """Why a path is no file that anybody meant to give us; "" if it is one. Reads its first bytes at most."""
    name = path.name
    if name.startswith("._"):
        return "a Mac's notes about a file"
    if name.startswith("."):
        return "hidden"
    if name.lower().endswith(HALF):
        return "a copy that is not finished"
    try:
        if not path.exists():
            return "a link that leads nowhere"
        if not path.is_file():
            return "no file"
        with path.open("rb") as file:
            head = file.read(len(POINTER))
    except OSError as refused:
        return f"unreadable: {refused.strerror or refused}"
    if not head:
        return "empty"
    if head.startswith(APPLE):
        return "a Mac's notes about a file"
    if head.startswith(POINTER):
        return "a pointer of git-lfs: `git lfs pull` brings the file itself"
    return ""


def _walk(folder: Path, deep: bool, passed: list[tuple[Path, str]], seen: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """All entries that are no folders; those of folders after them. A link that leads back is not followed."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as refused:
        passed.append((folder, f"unreadable: {refused.strerror or refused}"))
        return
    inside = []
    for entry in entries:
        try:
            is_folder = entry.is_dir()
        except OSError:
            is_folder = False
        if not is_folder:
            yield folder / entry.name
        elif deep and not entry.name.startswith(".") and entry.name != "__MACOSX":
            inside.append(folder / entry.name)
    seen = seen | {folder.resolve()}
    for path in inside if len(seen) < DEEPEST else ():
        if path.resolve() not in seen:
            yield from _walk(path, deep, passed, seen)


def text(path: Path) -> str:
    """A text that somebody's editor wrote: UTF-8 with or without a byte order mark, UTF-16 with one.

    Raises OSError, or UnicodeDecodeError (a ValueError) for anything else.
    """
    data = path.read_bytes()
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _lines(data.decode(encoding))
    return _lines(data.decode("utf-8-sig"))


def any_text(path: Path) -> str:
    """The same, whatever is in it: bytes that are no UTF-8 become marks of replacement. Raises OSError."""
    try:
        return text(path)
    except UnicodeDecodeError:
        return _lines(path.read_bytes().decode("utf-8-sig", errors="replace"))


def _lines(read: str) -> str:
    return read.replace("\r\n", "\n").replace("\r", "\n")


def beside(folder: Path, name: str) -> Path | None:
    """The file that `name`, a path inside `folder`, means: as it stands, in other capitals, or by its last part alone.

    Files that were made on a Mac or under Windows name one another in any capitals, with backslashes, or by where they
    lay there. None where nothing fits.
    """
    tried = [name, name.replace("\\", "/"), name.replace("\\", "/").rsplit("/", 1)[-1]]
    for each in dict.fromkeys(tried):
        try:
            path = folder / each
            if path.is_file():
                return path
            if path.parent.is_dir():
                for entry in sorted(os.scandir(path.parent), key=lambda entry: entry.name):
                    if entry.name.lower() == path.name.lower() and entry.is_file():
                        return path.parent / entry.name
        except (OSError, ValueError):  # a name of 300 letters, a zero byte
            continue
    return None
