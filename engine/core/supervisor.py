"""Starts, watches and restarts the rooms. A room that dies is back in seconds; the wall keeps moving meanwhile."""

from __future__ import annotations

import contextlib
import importlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from engine.core.crossings import Mailbox
from engine.core.messages import Trouble

log = logging.getLogger("engine.core.supervisor")
SPAWN = multiprocessing.get_context("spawn")  # fork would copy GL and audio state that cannot be shared

ENVIRONMENT = {
    "OMP_WAIT_POLICY": "passive",  # threads that wait busily starve the other rooms (a training step took 7x as long)
    "HF_HUB_OFFLINE": "1",  # nothing is downloaded unless `hypermnesia fetch` is asked to
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}


def _enter(name: str, target: str, nice: int, end: socket.socket, arguments: tuple[Any, ...]) -> None:
    """A room's process: its module is imported here, so that the loop's process never carries torch or pyo."""
    for variable, value in ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the loop; it stops the rooms in order
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if nice:
        os.nice(nice)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    with contextlib.suppress(OSError):  # what `top` calls this process; Linux alone knows how to say it
        Path("/proc/self/comm").write_text(f"hm-{name}")
    module, function = target.split(":")
    getattr(importlib.import_module(module), function)(end, *arguments)


class Room:
    """One process and the post to it. `send` and `drain` are for the loop's thread; the rest is the supervisor's.

    `target` is "module:function", called in the new process with its mailbox socket and `arguments()`. `pulse` gives a
    number that changes as long as the room works: one that lives and stands still is ended, and starts again.
    """

    STILL = 60.0  # seconds without a change of the pulse, once it has begun to change
    PATIENCE = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before a restart, by how often it died in the last minute

    def __init__(
        self,
        name: str,
        target: str,
        arguments: Callable[[], tuple[Any, ...]],
        nice: int = 0,
        pulse: Callable[[], float] = lambda: 0.0,
    ):
        self.name, self.target, self.arguments, self.nice, self.pulse = name, target, arguments, nice, pulse
        self.restarts = 0
        self.starts: list[float] = []
        self.process: SpawnProcess | None = None
        self._mailbox: Mailbox | None = None
        self._befell: deque[Trouble] = deque(maxlen=64)
        self._again = 0.0  # monotonic seconds at which to start again
        self._beat = self._moved = 0.0  # the pulse, and when it last changed; 0: not yet since the start

    def start(self) -> None:
        """Start the process with a fresh mailbox: letters to a dead room are of no use to its successor."""
        mine, theirs = Mailbox.pair()
        arguments = (self.name, self.target, self.nice, theirs, self.arguments())
        process = SPAWN.Process(target=_enter, args=arguments, name=f"hypermnesia {self.name}", daemon=True)
        process.start()
        theirs.close()
        old, self._mailbox, self.process = self._mailbox, Mailbox(mine), process
        if old:
            old.close()
        self.starts.append(time.monotonic())
        self._beat, self._moved = self.pulse(), 0.0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    @property
    def lost(self) -> int:
        return self._mailbox.lost if self._mailbox else 0

    @property
    def posted(self) -> int:
        return self._mailbox.posted if self._mailbox else 0

    def send(self, letter: object) -> None:
        """Post a letter; a dead room loses it."""
        if self._mailbox:
            self._mailbox.send(letter)

    def drain(self) -> Iterator[Any]:
        """Letters from the room, and what befell it, without waiting."""
        while self._befell:
            yield self._befell.popleft()
        mailbox = self._mailbox
        if mailbox:
            try:
                yield from mailbox.drain()
            except (OSError, ValueError, EOFError):  # the supervisor has just put another mailbox in its place
                return

    def watch(self, now: float) -> None:
        """Start the room again when it has died, sooner the rarer it dies; end it when it stands still."""
        if self.alive:
            return self._feel(now)
        if not self._again:
            code = self.process.exitcode if self.process else None
            lately = sum(1 for start in self.starts if now - start < 60)
            wait = self.PATIENCE[min(max(lately, 1), len(self.PATIENCE)) - 1]
            self._tell(f"stopped (exit code {code}); it starts again in {wait:.1f} s")
            self._again = now + wait
        elif now >= self._again:
            self._again = 0.0
            self.restarts += 1
            self.start()

    def _feel(self, now: float) -> None:
        beat = self.pulse()
        if beat != self._beat:
            self._beat, self._moved = beat, now
        elif self._moved and now - self._moved > self.STILL and self.process:
            self._tell(f"it has stood still for {now - self._moved:.0f} s and is ended")
            self.process.kill()

    def _tell(self, what: str) -> None:
        self._befell.append(Trouble(self.name, what))

    def stop(self, patience: float = 5.0) -> None:
        """Ask the room to end, and end it if it does not."""
        if self.process is None:
            return
        self.send(None)
        self.process.join(patience)
        if self.process.is_alive():
            log.warning("%s did not end by itself in %.0f s", self.name, patience)
            self.process.kill()
            self.process.join(2)


class Supervisor:
    """Keeps rooms alive from a thread of its own: starting a process takes 10-20 ms that the loop does not have."""

    def __init__(self, rooms: list[Room]):
        self.rooms = rooms
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Supervisor:
        for room in self.rooms:
            room.start()
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            for room in self.rooms:
                room.watch(time.monotonic())

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for room in self.rooms:
            room.send(None)
        for room in self.rooms:
            room.stop()

    def health(self) -> dict[str, dict[str, Any]]:
        """Per room: alive, restarts, lost letters, process id."""
        return {
            room.name: {"alive": room.alive, "restarts": room.restarts, "lost": room.lost,
                        "pid": room.process.pid if room.process else 0}
            for room in self.rooms
        }  # fmt: skip
