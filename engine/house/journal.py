"""What a show would be sorry to forget, written down each second: a loop that is started anew goes on from there.

A few kilobytes of JSON beside the memory, replaced whole. It holds the words that are present until somebody takes them
back, and nothing else that anybody wrote.
"""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.core.guard import Guard
from engine.house.plan import Plan
from engine.show.cast import BEFORE, digest, mark

EVERY = 1.0  # seconds
Entry = dict[str, Any]


@dataclass(frozen=True)
class Fallen:
    """How a loop ended that did not want to."""

    why: str  # in words
    inside: int = 0  # 1 + number of the scene, in the order of Plan.names, one of whose hooks was running; 0: none
    played: float = 0.0  # seconds since the first frame of the show


class Journal:
    """`put` from the loop's thread, which never waits; a thread of its own writes. A disk that refuses is said once."""

    def __init__(self, path: Path, guard: Guard):
        self.path, self.guard = path, guard
        self.due = 0.0  # monotonic seconds from which another entry is wanted
        self._entry: Entry | None = None
        self._written = ""
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """The newest state of things. Loop thread only; never waits."""
        self.due = time.monotonic() + EVERY
        self._entry = entry
        self._wake.set()

    def _run(self) -> None:
        while not self._ended:
            self._wake.wait()
            self._wake.clear()
            if self._entry is not None:
                self.guard.run("writing the journal", self._write, self._entry, otherwise=None)

    def _write(self, entry: Entry) -> None:
        text = json.dumps(entry, ensure_ascii=False, indent=1)
        if text == self._written:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        self._written = text

    def close(self, entry: Entry | None = None) -> None:
        """Write a last entry and end; waits a second at most."""
        if entry is not None:
            self._entry = entry
        self._ended = True
        self._wake.set()
        self._thread.join(1.0)


def read(path: Path) -> Entry:
    """The newest entry; an empty one where there is none, or none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def left_by(plan: Plan, fallen: Fallen | None) -> Entry:
    """What the last loop wrote down, if it ended against its will; an empty entry else."""
    kept = read(plan.journal) if plan.journal else {}
    return kept if fallen or not kept.get("ended", True) else {}


def as_it_was(plan: Plan, kept: Entry) -> Plan:
    """The plan with size, pace and port as the last loop had them."""
    if "size" not in kept:
        return plan
    doors = replace(plan.doors, web_port=plan.doors.web_port or int(kept.get("web", 0)))
    return replace(plan, size=(int(kept["size"][0]), int(kept["size"][1])), fps=float(kept["fps"]), doors=doors)


def stopped_once(plan: Plan, kept: Entry, fallen: Fallen | None, version: float) -> set[str]:
    """Digests of scenes that once stopped the loop for good, the last one's too: of the file, or kept, the one of that mark.

    What was written down last may be a second old, and the version that stopped the loop younger.
    """
    hung = set(map(str, kept.get("hung", ())))
    if fallen and fallen.inside:
        name = plan.names[fallen.inside - 1]
        path = next(path for path in plan.scenes if path.stem == name)
        files = (path, *((plan.keep / path.name, plan.keep / BEFORE / path.name) if plan.keep else ()))
        found = [digest(file) for file in files if file.exists() and mark(digest(file)) == version]
        hung.add(found[0] if found else kept.get("versions", {}).get(name) or digest(path))
    return hung
