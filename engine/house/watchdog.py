"""`hypermnesia run`: a small process without OpenGL and torch that starts the show, watches its frames, and starts it anew.

A loop that shows nothing for HUNG seconds is dumped (all stacks, to the log), ended with all its rooms, and started anew
from its journal; so is one that dies. Whoever asks for dark while the loop hangs has it at once: its windows go with it.
The next loop stands ready meanwhile, with all its code loaded: what is left to do when its turn comes takes half a second.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import gc
import importlib
import logging
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

from engine.core import logbook
from engine.core.errors import Plain
from engine.core.machine import Machine, home
from engine.core.milestones import passed
from engine.core.notify import Fed, Notify
from engine.core.processes import stopped, work_of_main
from engine.core.supervisor import ENVIRONMENT, MIND_NICE, SPAWN, begin_early, dismiss
from engine.house.caretaker import Caretaker
from engine.house.lasting import Lasting, Names

log = logging.getLogger("engine.house.watchdog")

EVERY = 0.05  # seconds between looks
HUNG = 3.0  # seconds without a frame after which a loop hangs
STARVED = 30.0  # the same for one that would run and is not let: a machine that has no time for it is no loop without end
SUSPECT, COMPUTED = 0.5, 0.1  # seconds of silence; of computing from then on, in one and the same hook: it has no end
DARK = 0.5  # seconds without a frame after somebody asked for dark
LAST_WORDS = 0.15  # seconds that writing all stacks takes
GIVING_UP = 30.0  # seconds that an orderly end may take
SOON = 3.0  # seconds after a start until the next loop is made ready
AGAIN = 10.0  # seconds until a next loop that could not be made ready is tried again
TRIES = 3  # starts in a row that die before a frame is shown
PATIENCE = (0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 10.0)  # seconds before a start, by how many ended in the last minute


def run(options: argparse.Namespace, machine: Machine) -> int:
    """The command `hypermnesia run`. Returns the exit code of the show, or that of a shell for the signal that ended it."""
    passed("watchdog", "its code")
    lasting = Lasting(machine.sound.rate)
    try:
        host, port = options.host or machine.doors.host, machine.doors.osc if options.osc is None else options.osc
        if port >= 0 and "doors" not in machine.place.elsewhere:
            lasting.listen(host, port)
        return Watchdog(options, machine, lasting, caretaker=_caretaker(options, machine)).run()
    finally:
        lasting.close()


def _caretaker(options: argparse.Namespace, machine: Machine) -> Caretaker | None:
    """Nobody where the machine file's hours cannot be kept: the show itself says it better."""
    where = options.home or home()
    arguments = ["--home", str(where), *(["--machine", str(options.machine)] if options.machine else [])]
    with contextlib.suppress(ValueError):
        return Caretaker(where, machine, arguments)
    return None


class Watchdog:
    """Keeps one show going. Main thread only: signals come here.

    `show(options, machine, names, fallen)` is the show's process from its first line to its last.
    """

    def __init__(self, options: argparse.Namespace, machine: Machine, lasting: Lasting, show: Callable[..., None] | None = None, caretaker: Caretaker | None = None):
        self.options, self.machine, self.lasting, self.pulses = options, machine, lasting, lasting.pulses
        self.show, self.caretaker = show or _show, caretaker
        self.fed = Fed(Notify())  # before a loop is made: it must not speak for us
        self._process: SpawnProcess | None = None
        self._next: tuple[SpawnProcess, Connection] | None = None  # the loop after this one, and what tells it that its turn has come
        self._ready = 0.0  # monotonic seconds from which it may be made
        self.signal = 0  # that asked us to end
        self._asked = 0.0  # when
        self._falls: list[float] = []  # when loops fell
        self._frames = 0.0  # shown before this loop
        self._first = 0.0  # monotonic seconds of the first frame of all
        self._why = ""  # the loop was ended by us, if it was
        self._inside = 0  # the scene that it hung in, if it did
        self._sample: tuple[int, float] | None = None  # the scene inside of which it was when it fell silent, its CPU seconds
        self._suspects: Counter[int] = Counter()  # scenes inside of which a loop hung that did not compute

    def run(self) -> int:
        before = {number: signal.signal(number, self._end) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._start("")
            while True:
                self.process.join(EVERY)
                code = self._look(time.monotonic())
                if code is not None:
                    return code
        finally:
            self.fed.stopping()
            self._kill()
            self._dismiss()
            self.fed.notify.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-C and SIGTERM: the show ends in order; the second time at once."""
        if self.signal:
            self._kill()
        self.fed.stopping()
        self.signal, self._asked = number, time.monotonic()
        if self._process:
            self._process.terminate()

    def _start(self, why: str) -> None:
        played = time.monotonic() - self._first if self._first else 0.0
        inside, self._inside, self._frames = self._inside, 0, self.pulses.get("frames")
        self.pulses.put("inside", 0.0)
        self.pulses.put("light", 0.0)
        self.pulses.expect(("loop",), 60.0)
        fallen = (why, inside, played) if why else None
        if self._next and self._next[0].exitcode is not None:
            self._dismiss()
        process, turn = self._next or self._made()
        self._next = None
        with contextlib.suppress(OSError), turn:  # where it has just died, it is found dead
            turn.send(fallen)
        self._process, self._ready = process, time.monotonic() + SOON
        if self.signal:  # it came while this one started
            process.terminate()

    def _made(self) -> tuple[SpawnProcess, Connection]:
        """A loop that loads its code and waits for its turn."""
        theirs, ours = SPAWN.Pipe(duplex=False)
        arguments = (self.show, self.options, self.machine, self.lasting.names, theirs, self._process is None)
        process = SPAWN.Process(target=_in_turn, args=arguments, name="hypermnesia show")
        process.start()
        theirs.close()
        return process, ours

    def _prepare(self, now: float) -> None:
        """While this loop plays, the next one is made ready."""
        if now < self._ready or (self._next and self._next[0].exitcode is None):
            return
        self._ready = now + AGAIN
        self._dismiss()
        with contextlib.suppress(OSError):  # no room for another process: one is made when it is needed
            self._next = self._made()

    def _dismiss(self) -> None:
        """Whoever waits for a turn waits no longer."""
        if self._next:
            self._next[1].close()
            self._next[0].kill()
            self._next[0].join()
            self._next = None

    @property
    def process(self) -> SpawnProcess:
        assert self._process is not None, "started first"
        return self._process

    @property
    def _playing(self) -> bool:
        """Whether this loop has shown a frame."""
        return self.pulses.get("frames") > self._frames

    def _look(self, now: float) -> int | None:
        """Once every EVERY seconds: the exit code where there is nothing left to do."""
        if not self._first and self._playing:
            self._first = now
        if self.caretaker and self._first:
            self.caretaker.look()
        code = self.process.exitcode
        self.fed.look(now, self.pulses.get("frames"), code is None)
        if code is None:
            self._feel(now)
            if self._playing and not self.signal:
                self._prepare(now)
            return None
        if self.signal:
            return 128 + self.signal if code else 0
        if code == 0 or (code > 0 and not self._first):
            return code
        if code in (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGABRT):
            self._inside = self._inside or int(self.pulses.get("inside"))
        return self._fell(f"the loop died ({f'signal {-code}' if code < 0 else f'exit code {code}'})", now)

    def _feel(self, now: float) -> None:
        """End a loop that hangs; the next look finds it dead."""
        silent, asked = self.pulses.silence("loop", now), self.pulses.get("dark")
        if silent < SUSPECT:
            self._sample = None
        elif self._sample is None:
            self._sample = int(self.pulses.get("inside")), work_of_main(self.process.pid or 0)[0]
        spent, runnable = work_of_main(self.process.pid or 0)
        starved = runnable and self._sample is not None and spent - self._sample[1] < COMPUTED
        if silent > (STARVED if starved else HUNG):
            self._dump(f"the loop has shown nothing for {silent:.1f} s")
        elif self._playing and silent and asked > self.pulses.last("loop") and now - asked > DARK:
            self._dump("somebody asked for dark and the loop does not answer")
        elif self.signal and now - self._asked > GIVING_UP:
            self._dump(f"the show does not end by itself in {GIVING_UP:.0f} s")

    def _dump(self, why: str) -> None:
        log.error("%s: it is ended; these are its last stacks", why)
        pid, self._why = self.process.pid or 0, why
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)
            time.sleep(LAST_WORDS)
        inside, (then, before) = int(self.pulses.get("inside")), self._sample or (0, 0.0)
        if inside and inside == then and not stopped(pid):
            self._suspects[inside] += 1
            guilty = work_of_main(pid)[0] - before > COMPUTED or self._suspects[inside] > 1
            self._inside = inside if guilty else 0  # a machine that had no time for it is no loop without end
        self._kill()
        self.process.join(2.0)

    def _fell(self, why: str, now: float) -> int | None:
        """Start anew, sooner the rarer it falls; give up only a show that never showed a frame."""
        why, self._why = self._why or why, ""
        self._kill()  # its rooms
        self._falls = [fall for fall in self._falls if now - fall < 60.0] + [now]
        if not self._first and len(self._falls) >= TRIES and not self._inside:
            print(f"hypermnesia: {why}, {TRIES} times before the first frame; hypermnesia doctor says more", file=sys.stderr)
            return 1
        until = time.monotonic() + PATIENCE[min(len(self._falls), len(PATIENCE)) - 1]
        while not self.signal and time.monotonic() < until:
            time.sleep(EVERY)
        if self.signal:
            return 128 + self.signal
        log.error("%s: it is started anew", why)
        self.fed.fell(why)
        if self.caretaker:
            self.caretaker.fell()
        self._start(why)
        return None

    def _kill(self) -> None:
        """End the show's process and all rooms of it, now."""
        if self._process is None:
            return
        pid = self.process.pid or 0
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        if self.process.exitcode is None:  # it is not yet at the head of its group
            self.process.kill()


def _in_turn(show: Callable[..., None], options: argparse.Namespace, machine: Machine, names: Names, turn: Connection, first: bool) -> None:
    """A loop's process: whatever takes time and can be done beforehand is done, then it waits. At the head of a group of
    its own: what ends it ends its rooms."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that watches
    if first and show is _show and (os.cpu_count() or 1) > 1:  # the mind's code takes longest to load: two things at once
        os.environ |= {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}
        begin_early("mind", "engine.mind.room:serve", MIND_NICE)
    gc.disable()
    importlib.import_module("engine.house.run")
    gc.freeze()
    gc.enable()
    passed("loop", "its code")
    try:
        fallen = turn.recv()
    except EOFError:  # the show is over
        return
    turn.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(OSError):  # what `top` calls it
        Path("/proc/self/comm").write_text("hm-loop")
    show(options, machine, names, fallen)


def _show(options: argparse.Namespace, machine: Machine, names: Names, fallen: tuple[str, int, float] | None) -> None:
    """The show's own process."""
    faulthandler.enable()  # what crashes inside of a library leaves its stacks in the log, too
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    logbook.begin("loop")
    from engine.house.journal import Fallen
    from engine.house.run import run

    lasting = Lasting(names=names)
    try:
        code = run(options, machine, lasting, Fallen(*fallen) if fallen else None)
    except Plain as wrong:
        print(f"hypermnesia: {wrong}", file=sys.stderr)
        code = 2
        dismiss()
    sys.exit(code)
