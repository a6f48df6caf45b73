"""Signs recordings while the show goes on: each when it is finished, in a process of its own that yields to everything.

What fails is said, stays on the list of the unsigned and is tried again by the next show; nothing here stops a recording.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path

from engine.core.errors import Plain
from engine.core.machine import OriginFacts
from engine.core.messages import State
from engine.origin.account import Account
from engine.origin.unsigned import Unsigned

log = logging.getLogger("engine.origin")

EVERY = 5.0  # seconds between two notes of how the present recording is made: what a kill takes of its lineage
PATIENCE = 8.0  # seconds that the end of a show waits for the last signature; what takes longer is signed by the next start
TICK = 0.25


class Notary:
    """Knows which files are begun, finished, signed. `see` for the loop's thread, `begun` and `finished` for any; none waits.

    `folder` is the installation's `origin`. `trouble` says what is not signed and why, "" while all is well.
    """

    def __init__(self, folder: Path, facts: OriginFacts, model: str = ""):
        self.folder, self.facts, self.model = folder, facts, model
        self.trouble = ""
        self.signed = 0
        self.unsigned = Unsigned(folder)
        self._account = Account(model)
        self._open: Path | None = None
        self._due = 0.0  # when the note of the open file is written again
        self._waiting: deque[tuple[Path, Account | None]] = deque()
        self._process: subprocess.Popen[str] | None = None
        self._file: Path | None = None  # that is being signed
        self._ended = threading.Event()
        for file in self._left():
            self._waiting.append((file, None))
        self._thread = threading.Thread(target=self._run, name="notary", daemon=True)
        self._thread.start()

    def see(self, state: State) -> None:
        """A picture that the wall shows just now. Costs about a microsecond."""
        self._account.see(state)

    def begun(self, file: Path) -> None:
        """A file whose first byte is written now."""
        self._account, self._open, self._due = Account(self.model), file, 0.0

    def finished(self, file: Path) -> None:
        """A file that nobody writes to any more."""
        self._waiting.append((file, self._account if file == self._open else None))
        self._open = None

    def close(self) -> None:
        """Sign what was finished, within PATIENCE; the rest is left to the next start."""
        self._ended.set()
        self._thread.join(PATIENCE + 2.0)

    def _run(self) -> None:
        while not self._ended.wait(TICK):
            self._step()
        until = time.monotonic() + PATIENCE
        while self._busy and time.monotonic() < until:
            self._step()
            time.sleep(TICK / 5)
        if self._busy:
            log.warning("%d files are not signed yet; the next start, or hypermnesia sign --left, does it", len(self._waiting) + bool(self._process))

    @property
    def _busy(self) -> bool:
        return bool(self._process or self._waiting)

    def _step(self) -> None:
        try:
            if self._process and self._process.poll() is not None:
                self._over(self._process)
            elif self._waiting and not self._process:
                self._start(*self._waiting.popleft())
            if (file := self._open) and time.monotonic() >= self._due:
                self._due = time.monotonic() + EVERY
                self.unsigned.keep(file, self._account.making())
        except OSError as wrong:
            self._say(f"what a file is made of cannot be written down ({wrong.strerror or wrong})")

    def _start(self, file: Path, account: Account | None) -> None:
        if account:
            self.unsigned.keep(file, account.making())
        wish = {"file": str(file.absolute()), "folder": str(self.folder.absolute()), "facts": asdict(self.facts)}
        self._file, self._process = file, subprocess.Popen(
            [sys.executable, "-m", "engine.origin.notary"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert self._process.stdin
        self._process.stdin.write(json.dumps(wish))
        self._process.stdin.close()

    def _over(self, process: subprocess.Popen[str]) -> None:
        self._process = None
        assert process.stderr
        words = process.stderr.read().strip().splitlines()
        process.stderr.close()
        if process.returncode:
            self._say(f"{self._file} is not signed ({words[-1] if words else f'exit {process.returncode}'})")
        else:
            self.signed, self.trouble = self.signed + 1, ""

    def _say(self, what: str) -> None:
        what = f"{what}; the recording goes on, and the next start or hypermnesia sign --left tries again"
        if what != self.trouble:
            log.warning(what)
        self.trouble = what

    def _left(self) -> list[Path]:
        try:
            return self.unsigned.all()
        except OSError as wrong:
            self._say(f"{self.unsigned.folder} cannot be read ({wrong.strerror})")
            return []


def main() -> int:
    """Sign the one file that stdin names, when nobody else needs the processor."""
    os.nice(19)
    wish = json.load(sys.stdin)
    from engine.origin.sign import signed

    try:
        signed(Path(wish["file"]), Path(wish["folder"]), OriginFacts(**wish["facts"]))
    except (Plain, OSError) as wrong:
        print(" ".join(str(wrong).split()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
