"""Kills at any line and at any instant, in a fork of this process; and what an archive has to be like afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from engine.mind.memory.archive import Archive
from engine.mind.memory.copies import alone, copies, put_in_order, state
from engine.mind.memory.withdrawal import Journal, settle

WATCHED = "/engine/mind/memory/"


class Lines:
    """Counts the lines of the memory's code that are run, and does something before one of them."""

    def __init__(self, at: int = -1, act: Callable[[], None] = lambda: None):
        self.count, self.at, self.act = 0, at, act

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if WATCHED not in frame.f_code.co_filename:
            return None
        if event == "line":
            self.count += 1
            if self.count == self.at:
                self.act()
        return self

    def run(self, work: Callable[[], object]) -> int:
        """Do the work under watch; returns how many lines it took."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            work()
        finally:
            sys.settrace(before)
        return self.count


def in_a_fork(work: Callable[[], object]) -> int:
    """The exit status of work in a process of its own."""
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            work()
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(line: int, work: Callable[[], object]) -> bool:
    """Work that dies before its n-th line; False where it had no such line."""
    return in_a_fork(lambda: Lines(line, lambda: os.kill(os.getpid(), signal.SIGKILL)).run(work)) == -signal.SIGKILL


def killed_after(lines: int, seconds: float, work: Callable[[Callable[[str], None]], object]) -> list[str]:
    """Work that is given something to say lines to, killed so long after it said so many; returns its whole lines."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            work(lambda line: os.write(theirs, f"{line}\n".encode()) and None)
        os._exit(1)
    os.close(theirs)
    with os.fdopen(ours, "rb") as said:
        heard = [said.readline() for _ in range(lines)]
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        rest = said.read()
    return (b"".join(heard) + rest).decode().split("\n")[:-1]


def points(lines: int, most: int) -> list[int]:
    """Line numbers 1..lines, all of them or `most` of them, evenly."""
    return sorted({1 + at * (lines - 1) // max(1, min(most, lines) - 1) for at in range(min(most, lines))})


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Archive]:
    """What every start does before it plays."""
    with alone(folder):
        put_in_order(folder)
        archive = Archive(folder)
        try:
            list(settle(archive, Journal(folder)))
            yield archive
        finally:
            archive.close()


def copied(template: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(template, folder))


def sound(folder: Path) -> None:
    """Nothing half-made lies about, and every file of an archive is whole."""
    strays = [path.name for path in folder.rglob("*") if ".new" in path.name or path.name.startswith("memory.restored")]
    assert not strays, strays
    for path in (folder / "memory.sqlite", *copies(folder)):
        assert state(path) == "ok", f"{path}: {state(path)}"


def readable(folder: Path, *words: str) -> list[str]:
    """Files in which any of these words can be read, in any usual encoding."""
    needles = [form for word in words for form in (word.encode(), word.casefold().encode(), word.encode("utf-16-le"))]
    found = [(file, file.read_bytes()) for file in folder.rglob("*") if file.is_file()]
    return [file.name for file, data in found if any(needle in data for needle in needles)]


def fail() -> None:
    """What a bad disk says in the middle of anything."""
    raise sqlite3.OperationalError("disk I/O error")
