"""The log as an attendant reads it. On a terminal: whatever happens, as it happens. Elsewhere: each thing once, with a count.

What is written to a file or to the journal is read by somebody who was not there. So a line that says the same as one
before, but for its numbers, is held back for an hour (what only tells of the course of things: for a day) and then told
once more, with how often it came. A line whose record carries `kind` is alike with every line of that kind; an empty
`kind` is never held back.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

HOUR, DAY = 3600.0, 86400.0
KINDS = 512  # different lines that are remembered; the oldest is forgotten first
NUMBERS = re.compile(r"0x[0-9a-f]+|[\d.,:]*\d")
PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6}  # as sd-daemon(3) counts


@dataclass(slots=True)
class Held:
    """A line that was told, until when those like it are held back, and how many were."""

    line: dict[str, object]  # of the record, without what it holds alive
    until: float
    count: int = 0


class Logbook(logging.StreamHandler[TextIO]):
    """Writes the log of one room. Any thread. `source` is in monotonic seconds."""

    def __init__(self, room: str, stream: TextIO, source: Callable[[], float] = time.monotonic):
        super().__init__(stream)
        self.room, self.source = room, source
        self.watched = stream.isatty()  # somebody reads as it comes
        self.journal = not self.watched and _is_journal(stream)
        self.setFormatter(logging.Formatter("%(message)s"))
        self._known: dict[str, Held] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if self.watched:
            return super().emit(record)
        now = self.source()
        self._tell_held(now)
        kind = like(record)
        if held := self._known.get(kind):
            held.count += 1
            return
        if kind:
            while len(self._known) >= KINDS:
                self._again(self._known.pop(next(iter(self._known))))
            said = record.getMessage().partition("\n")[0]
            line = {"name": record.name, "levelno": record.levelno, "msg": said, "room": getattr(record, "room", self.room)}
            self._known[kind] = Held(line, now + (DAY if record.levelno < logging.WARNING else HOUR))
        super().emit(record)

    def _tell_held(self, now: float) -> None:
        """What was held back long enough is told once more, if it came again."""
        for kind in [kind for kind, held in self._known.items() if now >= held.until]:
            self._again(self._known.pop(kind))

    def _again(self, held: Held) -> None:
        if held.count and held.line["levelno"] != logging.INFO:
            times = "once more" if held.count == 1 else f"{held.count} times more"
            super().emit(logging.makeLogRecord({**held.line, "msg": f"{times} since it was told: {held.line['msg']}"}))

    def format(self, record: logging.LogRecord) -> str:
        """`21:04:11 mind: what it is`; with the date where it is kept, with a priority and no time in the journal."""
        line = f"{getattr(record, 'room', self.room)}: {super().format(record)}"
        if self.journal:
            mark = f"<{PRIORITIES.get(record.levelno, 6)}>"
            return mark + line.replace("\n", f"\n{mark}")
        return f"{time.strftime('%H:%M:%S' if self.watched else '%Y-%m-%d %H:%M:%S', time.localtime(record.created))} {line}"

    def close(self) -> None:
        """The last word: what was held back until now."""
        self._tell_held(float("inf"))
        super().close()


def like(record: logging.LogRecord) -> str:
    """What makes two lines the same: their words without numbers."""
    kind = getattr(record, "kind", None)
    return str(kind) if kind is not None else f"{record.name} {NUMBERS.sub('#', record.getMessage())[:300]}"


def _is_journal(stream: TextIO) -> bool:
    """Whether the journal reads this stream (systemd.exec(5), JOURNAL_STREAM): a program that was started from there may write elsewhere."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def begin(room: str, stream: TextIO | None = None) -> None:
    """This process is `room`, and writes to stderr from here on; where somebody takes the log already, nothing changes."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(Logbook(room, stream or sys.stderr))
        root.setLevel(logging.INFO)
