"""Starts, watches and restarts the rooms. A room that dies is back in seconds; the wall keeps moving meanwhile."""

from __future__ import annotations

import contextlib
import gc
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
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from engine.core import logbook
from engine.core.guard import Guard
from engine.core.mailbox import Mailbox
from engine.core.messages import Trouble
from engine.core.milestones import passed
from engine.core.processes import stopped, work
from engine.core.pulse import Pulses

log = logging.getLogger("engine.core.supervisor")
SPAWN = multiprocessing.get_context("spawn")  # fork would copy GL and audio state that cannot be shared

MIND_NICE = 10  # the mind gives way to the stage and the sound
OOM = "500"  # where memory runs out, Linux ends a room, which comes back behind a wall that moves on, and not the loop

ENVIRONMENT = {
    "OMP_WAIT_POLICY": "passive",  # threads that wait busily starve the other rooms (a training step took 7x as long)
    "HF_HUB_OFFLINE": "1",  # nothing is downloaded unless `hypermnesia fetch` is asked to
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}


def _enter(name: str, target: str, nice: int, end: socket.socket, arguments: tuple[Any, ...] | Connection) -> None:
    """A room's process: its module is imported here, so that the loop's process never carries torch or pyo.

    `arguments`: a pipe by which they come, once the code is loaded, where nobody knew them yet.
    """
    for variable, value in ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the loop; it stops the rooms in order
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if nice:
        os.nice(nice)
    passed(name, "a process")
    logbook.begin(name)
    with contextlib.suppress(OSError):  # what `top` calls this process; Linux alone knows how to say it
        Path("/proc/self/comm").write_text(f"hm-{name}")
        Path("/proc/self/oom_score_adj").write_text(OOM)
    module, function = target.split(":")
    gc.disable()  # what is loaded stays: looking through it again and again was a fifth of the time
    serve = getattr(importlib.import_module(module), function)
    gc.freeze()
    gc.enable()
    if isinstance(arguments, tuple):
        return serve(end, *arguments)  # type: ignore[no-any-return]
    with arguments as turn:
        try:
            told: tuple[Any, ...] = turn.recv()
        except EOFError:  # there is no show
            return
    serve(end, *told)


@dataclass(frozen=True, slots=True)
class Early:
    """A room's process that loads its code while nobody knows yet what it is to do."""

    process: SpawnProcess
    end: socket.socket  # ours of its mailbox
    turn: Connection  # by which it is told


EARLY: dict[str, Early] = {}  # by name: the first start of a room of this name takes it


def begin_early(name: str, target: str, nice: int = 0) -> None:
    """Begin a room's process before there is a Room: loading the mind's code takes as long as all that comes before it."""
    theirs, ours = SPAWN.Pipe(duplex=False)
    mine, end = Mailbox.pair()
    process = SPAWN.Process(target=_enter, args=(name, target, nice, end, theirs), name=f"hypermnesia {name}", daemon=True)
    process.start()
    theirs.close()
    end.close()
    EARLY[name] = Early(process, mine, ours)


def dismiss() -> None:
    """There is no show: whoever loads code for it is ended."""
    while EARLY:
        _, early = EARLY.popitem()
        early.process.kill()
        early.process.join()


class Room:
    """One process and the post to it. `send` and `drain` are for the loop's thread; the rest is the supervisor's.

    `target` is "module:function", called in the new process with its mailbox socket and `arguments()`. `threads` are
    those of `pulses` that beat while it works: a room that lives and has one that hangs is ended, and starts again.
    """

    HUNG = 4.0  # seconds of silence beyond what a thread has said before
    DEAF = 2.0  # seconds of it after which a room does not count as well
    LOADING = 600.0  # seconds that may pass before a thread's first beat
    COMPUTED = 2.0  # CPU seconds spent in silence that tell a loop without end from a machine that has no time for it
    STARVED = 10.0  # times as long may be silent what would run and is not let
    STOPPED = 2.0  # seconds that a process may be stopped (SIGSTOP, a debugger)
    PATIENCE = (0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before a restart, by how often it died in the last minute

    def __init__(
        self,
        name: str,
        target: str,
        arguments: Callable[[], tuple[Any, ...]],
        nice: int = 0,
        threads: tuple[str, ...] = (),
        pulses: Pulses | None = None,
    ):
        self.name, self.target, self.arguments, self.nice, self.threads = name, target, arguments, nice, threads
        self.pulses = pulses or Pulses("")
        self.restarts = 0
        self.starts: list[float] = []
        self.process: SpawnProcess | None = None
        self._mailbox: Mailbox | None = None
        self._befell: deque[Trouble] = deque(maxlen=64)
        self._again = 0.0  # monotonic seconds at which to start again
        self._spent = 0.0  # CPU seconds of its process when it was last heard
        self._going = 0.0  # monotonic seconds at which its process was last seen not to be stopped

    def start(self) -> None:
        """Start the process with a fresh mailbox: letters to a dead room are of no use to its successor."""
        self.starts.append(time.monotonic())
        self._going = time.monotonic()
        self.pulses.expect(self.threads, self.LOADING)
        if (early := EARLY.pop(self.name, None)) is not None and early.process.is_alive():
            process, mine = early.process, early.end
            with contextlib.suppress(OSError), early.turn:  # where it has just died, it is found dead
                early.turn.send(self.arguments())
        else:
            mine, theirs = Mailbox.pair()
            arguments = (self.name, self.target, self.nice, theirs, self.arguments())
            process = SPAWN.Process(target=_enter, args=arguments, name=f"hypermnesia {self.name}", daemon=True)
            process.start()
            theirs.close()
        old, self._mailbox, self.process = self._mailbox, Mailbox(mine), process
        if old:
            old.close()

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

    def watch(self, now: float, patience: float = 0.0) -> None:
        """Start the room again when it has died, sooner the rarer it dies; end it when it hangs.

        `patience`: seconds that everybody was kept waiting just now, this thread too: a machine that sleeps is no room
        that hangs. Raises what starting a process raises; the next call tries again.
        """
        if self.alive:
            return self._feel(now, patience)
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

    def _feel(self, now: float, patience: float) -> None:
        assert self.process is not None
        thread, silent = self.silence(now)
        if not stopped(self.process.pid or 0):
            self._going = now
        spent, runnable = work(self.process.pid or 0)
        if silent < 0.5:
            self._spent = spent
        starved = runnable and spent - self._spent < self.COMPUTED
        if silent > self.HUNG * (self.STARVED if starved else 1.0) + patience:
            self._tell(f"its {thread} has been silent for {silent:.0f} s: it hangs and is ended")
            self.process.kill()
        elif now - self._going > self.STOPPED + patience:
            self._tell(f"it has been stopped for {now - self._going:.0f} s and is ended")
            self.process.kill()

    def silence(self, now: float) -> tuple[str, float]:
        """The thread that has been silent longest beyond what it said, and for how many seconds."""
        silent = {thread: self.pulses.silence(thread, now) for thread in self.threads}
        worst = max(silent, key=lambda thread: silent[thread], default="")
        return worst, silent.get(worst, 0.0)

    def state(self, now: float) -> str:
        """What a technician wants to know: "running", "restarting", or which thread does not answer."""
        if not self.alive:
            return "restarting"
        thread, silent = self.silence(now)
        return f"{thread} silent for {silent:.0f} s" if silent > self.DEAF else "running"

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

    EVERY = 0.1  # seconds

    def __init__(self, rooms: list[Room], guard: Guard | None = None):
        self.rooms, self.guard = rooms, guard or Guard("supervisor")
        self.also: list[Callable[[], None]] = []  # what else is looked at as often
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> Supervisor:
        for room in self.rooms:
            room.start()
        self._thread.start()
        return self

    def _watch(self) -> None:
        before, patience = time.monotonic(), 0.0
        while not self._ended.wait(self.EVERY):
            now = time.monotonic()
            patience = max(now - before - 2 * self.EVERY, patience - self.EVERY, 0.0)
            before = now
            for room in self.rooms:
                self.guard.run(f"watching {room.name}", room.watch, now, patience, otherwise=None)
            for look in self.also:
                self.guard.run("looking after the rooms", look, otherwise=None)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for room in self.rooms:
            room.send(None)
        for room in self.rooms:
            room.stop()

    def health(self) -> dict[str, dict[str, Any]]:
        """Per room: alive, state in words, restarts, lost letters, process id."""
        return {
            room.name: {"alive": room.alive, "restarts": room.restarts, "lost": room.lost, "state": room.state(time.monotonic()),
                        "pid": room.process.pid if room.process else 0}
            for room in self.rooms
        }  # fmt: skip
