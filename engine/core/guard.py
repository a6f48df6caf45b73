"""What goes wrong in one place stays there: said once with file and line, counted, and whoever called goes on."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from engine.core.messages import Trouble

log = logging.getLogger("engine.core.guard")
T = TypeVar("T")
FAULTS = (Exception, SystemExit)  # a scene that calls exit() must not end the show either
KNOWN = 256  # different mistakes that are remembered as said


class Guard:
    """Runs what may fail. Each mistake is logged and told once, by the line that it comes from; all are counted.

    Thread-safe. Costs under a microsecond where nothing fails. `tell` must not raise.
    """

    def __init__(self, room: str, tell: Callable[[Trouble], None] = lambda trouble: None):
        self.room, self.tell = room, tell
        self.count = 0
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def run(self, doing: str, act: Callable[..., T], *args: object, otherwise: T) -> T:
        """What `act(*args)` returns; `otherwise` where it raises."""
        try:
            return act(*args)
        except FAULTS as wrong:
            self.note(doing, wrong)
            return otherwise

    def note(self, doing: str, wrong: BaseException) -> bool:
        """Count a mistake, and say it if it is new; whether it was."""
        where = place(wrong)
        with self._lock:
            self.count += 1
            key = f"{doing} {where} {type(wrong).__name__}"
            new = key not in self._said and len(self._said) < KNOWN
            if new:
                self._said.add(key)
        if new:
            log.error("%s failed\n%s", doing, "".join(traceback.format_exception(wrong)).rstrip(), extra={"room": self.room})
            self.tell(Trouble(self.room, f"{doing} failed and the show goes on: {said(wrong)}"))
        return new


def said(wrong: BaseException) -> str:
    """A mistake in one line: file, line, what it was."""
    what = " ".join(str(wrong).split())[:300]
    where = place(wrong)
    return f"{where}: {type(wrong).__name__}: {what}" if where and where not in what else what or type(wrong).__name__


def place(wrong: BaseException, file: str = "") -> str:
    """Where a mistake was made, as "gap.py:12": its deepest line in `file`, else in any code that is not a library's."""
    frames = traceback.extract_tb(wrong.__traceback__)
    own = [frame for frame in frames if (frame.filename == file if file else not _library(frame.filename))]
    found = (own or frames)[-1:]
    return f"{Path(found[0].filename).name}:{found[0].lineno}" if found else ""


def _library(filename: str) -> bool:
    return "site-packages" in filename or filename.startswith(("<", sys.base_prefix))
