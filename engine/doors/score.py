"""A show written down: every message with its arrival time, one line of JSON each, to be played again identically.

A score holds what visitors wrote. What they take back is taken out of it too: the line stays, its words go.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.core import foreign
from engine.core.errors import Plain, nearest
from engine.core.messages import Judged, Keystroke, Message, Set, Text, Touch, Withdraw

log = logging.getLogger("engine.doors.score")

KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in (Text, Set, Keystroke, Touch, Withdraw, Judged)}


class ScoreError(Plain):
    """A score cannot be played; the message names the file or the line."""


class Scribe:
    """Writes a score, from the event loop: a line costs about 20 µs. Doors that start again go on in the same score."""

    def __init__(self, path: Path, clock: Callable[[], float]):
        self.path, self.clock = path, clock
        self.origin = clock()
        self.failed = 0  # lines that a full disk did not take
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size:
            self.origin = _origin(path, self.origin)
        else:
            self._append(json.dumps({"score": 1, "origin": self.origin}))

    def record(self, messages: tuple[Message, ...]) -> None:
        """Write messages down. A time tag keeps its distance; the rest is stamped with its arrival."""
        now = self.clock()
        for message in messages:
            due = message.at if isinstance(message, Set) and message.at > now else now
            self._append(_line(replace(message, at=round(due - self.origin, 4))))

    def forget(self, key: str) -> None:
        """Take the words of one text out, and leave the line."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        kept = [self._without(line, key) if key in line else line for line in lines]
        fresh = self.path.with_suffix(".new")
        fresh.write_text("\n".join(kept) + "\n", encoding="utf-8")
        fresh.replace(self.path)

    @staticmethod
    def _without(line: str, key: str) -> str:
        said = json.loads(line)
        if said.get("key") == key:
            said["words"] = ""
        return json.dumps(said, ensure_ascii=False)

    def _append(self, line: str) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as wrong:
            self.failed += 1
            if self.failed == 1:
                log.error("the score cannot be written: %s", wrong)


def read(path: Path) -> list[Message]:
    """The messages of a score, `at` in seconds since its beginning; texts taken back are left out. Raises ScoreError."""
    messages = []
    try:
        lines = foreign.text(path).splitlines()
    except (OSError, UnicodeDecodeError) as wrong:
        beside = [file.name for file in path.parent.glob("*.jsonl")] if path.parent.is_dir() else []
        near = nearest(path.name, beside) if beside else f"there is no score in {path.parent}"
        raise ScoreError(f"{path}: no score can be read there ({getattr(wrong, 'strerror', '') or wrong}); {near}") from None
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            if "score" in said:
                continue
            kind = KINDS[said.pop("kind of message")]
            if "args" in said:
                said["args"] = tuple(_value(arg) for arg in said["args"])
            if kind is Text:
                said.setdefault("key", f"{path.stem}:{number}")
            message = kind(**said)
        except (ValueError, KeyError, TypeError) as wrong:
            raise ScoreError(f"{path}:{number}: this is no line of a score ({type(wrong).__name__}: {wrong})") from None
        if not isinstance(message, Text) or message.words:
            messages.append(message)
    return sorted(messages, key=lambda message: message.at)


def of_a_show(first: str) -> bool:
    """Whether a file with this first line is a score that a show has written; those that people write begin at 0."""
    try:
        return float(json.loads(first)["origin"]) > 0.0
    except (ValueError, KeyError, TypeError):
        return False


def _line(message: Message) -> str:
    said: dict[str, Any] = {"at": message.at, "kind of message": type(message).__name__} | asdict(message)
    if isinstance(message, Set):
        said["args"] = [{"bytes": base64.b64encode(a).decode()} if isinstance(a, bytes) else a for a in message.args]
    return json.dumps(said, ensure_ascii=False)


def _value(arg: Any) -> Any:
    return base64.b64decode(arg["bytes"]) if isinstance(arg, dict) else arg


def _origin(path: Path, now: float) -> float:
    """The beginning of a score that goes on; `now` where it was written before this machine started."""
    with path.open(encoding="utf-8") as file:
        first = file.readline()
    origin = float(json.loads(first)["origin"]) if of_a_show(first) else now
    return min(origin, now)
