"""Who looks after a show that nobody looks after: alerts, the page a day, copies on another disk, screens that sleep.

It lives in the small process that watches the loop, reads what the loop writes down each ten seconds (`days/now.json`),
and has everything that takes time done by a process of its own, one at a time, at the lowest priority: each job is a
command that a hand may give as well.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from engine.core.displays import alike, connectors, named
from engine.core.guard import FAULTS
from engine.core.heat import heat
from engine.core.hours import Hours, day_of
from engine.core.machine import Machine

log = logging.getLogger("engine.house.caretaker")

EVERY = 5.0  # seconds between looks
LASTING = 60.0  # seconds that a trouble must last until a person is told: most pass by themselves
OVER = 3600.0  # seconds that one must be gone to be another one when it comes back
DARK = 30.0  # seconds of darkness, while light is wanted, that are a trouble
FULL = 8 << 20  # bytes: with less than that free a disk is full
FALLS = 3  # loops that fell within an hour that are one
STALE = 60.0  # seconds after which what the loop wrote down says nothing of now
AGAIN = (60.0, 300.0, 1800.0, 7200.0)  # seconds until a job that failed is tried again
HOUR = 3600.0
WAKES = 60.0  # seconds between two tries to wake a screen that should not sleep
FOLDER, NOW = "days", "now.json"  # where the loop writes a day's account down, and how it is now
ALERTS, OUTBOX, LOG = "alerts.json", "outbox.jsonl", "alerts.log"


class Running(Protocol):
    """A command that was started: `poll` gives its exit status, None while it runs."""

    def poll(self) -> int | None: ...


def spawn(command: Sequence[str]) -> Running:
    """A command of ours, when nobody else needs the processor."""
    made = subprocess.Popen([sys.executable, "-m", "engine", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, made.pid, 19)
    return made


class Alerts:
    """Troubles that need a person: told once when they have lasted, once when they are over; never twice for the same.

    What was told lies in a file, so that a restart tells nothing anew. One thread; time comes in, in seconds of the epoch.
    """

    def __init__(self, home: Path):
        self.path = home / ALERTS
        self.known: dict[str, dict[str, Any]] = {}  # by kind: what was said, since when, when it was seen last, whether it was told
        with contextlib.suppress(OSError, ValueError):
            self.known = dict(json.loads(self.path.read_text(encoding="utf-8")))

    def look(self, troubles: Sequence[str], now: float) -> list[str]:
        """What a person should be told now."""
        before, told = json.dumps(self.known), list[str]()
        present = {kind(said): said for said in troubles}
        for key, said in present.items():
            one = self.known.setdefault(key, {"said": said, "since": now, "seen": now, "told": False, "times": 1, "here": True})
            one["times"] += not one["here"]
            if not one["here"] and not one["told"]:
                one["since"] = now  # it flaps: it has not lasted yet
            one |= {"seen": now, "here": True}
            if not one["told"] and now - one["since"] >= LASTING:
                one["told"] = True
                told.append(said)
        for key, one in list(self.known.items()):
            if key in present:
                continue
            one["here"] = False
            if now - one["seen"] >= OVER:
                del self.known[key]
                if one["told"]:
                    again = f" (it came {one['times']} times)" if one["times"] > 1 else ""
                    told.append(f"well again{again}: {one['said']}")
        if _steady(before) != _steady(json.dumps(self.known)):
            self._keep()
        return told

    def _keep(self) -> None:
        with contextlib.suppress(OSError):  # a full disk: after a restart it may be told once more
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps(self.known, ensure_ascii=False, indent=1), encoding="utf-8")
            fresh.replace(self.path)


def _steady(known: str) -> str:
    return re.sub(r'"seen": [\d.]+', "", known)


def kind(said: str) -> str:
    """What makes two sentences the same trouble: their words without numbers."""
    return re.sub(r"[\d.,]+", "#", said)[:160]


class Caretaker:
    """`look` is called often and never waits. `run` starts a command; `wall` and `source` are seconds of the epoch, and monotonic."""

    def __init__(
        self, home: Path, machine: Machine, arguments: Sequence[str] = (), run: Callable[[Sequence[str]], Running] = spawn,
        wall: Callable[[], float] = time.time, source: Callable[[], float] = time.monotonic, root: Path = Path("/"),
    ):  # fmt: skip
        self.home, self.machine, self.arguments, self.run, self.wall, self.source, self.root = home, machine, tuple(arguments), run, wall, source, root
        self.hours = Hours.of(machine.hours)
        self.alerts = Alerts(home)
        self.falls: list[float] = []  # when loops fell, in seconds of the epoch
        self._process: tuple[str, Running] | None = None
        self._failed: dict[str, tuple[int, float]] = {}  # by job: how often in a row, and when it may be tried again
        self._done: dict[str, str] = {}  # by job: of which day
        self._looked = self._hour = source()
        self._seen: dict[str, float] = {}  # the day's figures an hour ago
        self._screens = ""  # how they were left
        self._told: Counter[str] = Counter()  # sentences of the last hour
        self.status: dict[str, Any] = {}
        self.stale = STALE
        self._aloud: list[str] = []  # what no disk takes, to be sent at once

    def fell(self) -> None:
        """A loop fell and is started anew."""
        self.falls = [*self.falls[-31:], self.wall()]

    def look(self) -> None:
        """Whatever is due."""
        now = self.source()
        if now - self._looked < EVERY:
            return
        self._looked = now
        try:
            self._look(now)
        except FAULTS as wrong:
            if not self._told[f"{wrong}"]:
                log.exception("looking after the show failed; it goes on")
            self._told[f"{wrong}"] += 1

    def _look(self, now: float) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.status = json.loads((self.home / FOLDER / NOW).read_text(encoding="utf-8"))
        for said in self.alerts.look(self.troubles(), self.wall()):
            self._alert(said)
        self._finish(now)
        if self._process is None:
            self._start(now)
        if now - self._hour >= HOUR:
            self._hour = now
            log.info("%s", self.sentence(), extra={"kind": ""})
            self._told.clear()

    # --- what is wrong

    def troubles(self) -> list[str]:
        """Everything that needs a person, if it lasts."""
        wall, found = self.wall(), list[str]()
        fresh = abs(wall - float(self.status.get("at", 0.0))) < self.stale
        if fresh:
            found += [str(note) for note in self.status.get("notes", ())]
            if float(self.status.get("dark_now", 0.0)) > DARK:
                found.append("the wall is dark though it should not be: look at the picture of /wall, and at the projector")
        with contextlib.suppress(OSError):  # the loop cannot write down that its disk is full
            if shutil.disk_usage(self.home).free < FULL:
                found.append(f"the disk of {self.home} is full: nothing new is remembered until there is room")
        if len(lately := [fall for fall in self.falls if 0.0 <= wall - fall < HOUR]) >= FALLS:
            found.append(f"the show was started anew {len(lately)} times within an hour; hypermnesia doctor, and its log, say why")
        if (warm := heat(self.root)).hot:
            found.append(f"the machine is {warm.degrees:.0f} degrees warm and slows itself down: give it air")
        there = connectors(self.root)
        found += [f"nothing is connected at {wanted}: look at the screen and its cable"
                  for wanted in named(self.machine, self.home) if there and not any(each.usable for each in there if alike(each.name, wanted))]  # fmt: skip
        found += [f"{job} fails again and again; {self._command(job)} by hand says why" for job, (times, _) in self._failed.items() if times >= len(AGAIN)]
        return found

    def _alert(self, said: str) -> None:
        log.warning("alert: %s", said, extra={"kind": ""})
        facts, when = self.machine.gallery, time.strftime("%Y-%m-%d %H:%M", time.localtime(self.wall()))
        file = Path(facts.file).expanduser() if facts.file else self.home / LOG
        with contextlib.suppress(OSError), file.open("a", encoding="utf-8") as out:
            print(f"{when} {said}", file=out)
        if facts.mail or facts.webhook:
            try:
                with (self.home / OUTBOX).open("a", encoding="utf-8") as out:
                    print(json.dumps({"at": when, "said": said}, ensure_ascii=False), file=out)
            except OSError:  # a full disk is just what somebody must hear of
                self._aloud.append(said)

    # --- what is to be done

    def _jobs(self) -> dict[str, str]:
        """What is due, and of which day; a job that was done for that day is not."""
        today = day_of(self.wall(), self.hours.zone)
        due: dict[str, str] = {}
        if self._aloud:
            due["alert --say"] = f"{self.wall()}"
        elif (self.home / OUTBOX).exists():
            due["alert"] = f"{self.wall()}"  # as long as something lies there
        days = sorted(path.stem for path in (self.home / FOLDER).glob("2*.json") if path.stem < today)
        if days and not (self.home / FOLDER / f"{days[-1]}.html").exists():
            due["day"] = days[-1]
        nights = sorted(path.stem for path in (self.home / "archive" / "snapshots").glob("*.sqlite"))
        if self.machine.gallery.copies and nights:
            folder = Path(self.machine.gallery.copies).expanduser()
            if not (folder / nights[-1] / "memory.sqlite").exists() or self._done.get("copy") != today:
                due["copy"] = today
        light = self.hours.wanted(self.wall()) or float(self.status.get("level", 1.0)) > 0.0
        wanted = "on" if light or self.machine.gallery.screens != "off" else "off"
        if self.machine.gallery.screens == "off" and wanted != self._screens:
            due[f"displays {wanted}"] = f"{today} {wanted}"
        elif wanted == "on" and self._asleep():
            due["displays on"] = f"{self.wall() // WAKES:.0f}"
        return due

    def _asleep(self) -> bool:
        """Whether a screen that the wall is on is there and sleeps: somebody's hand, a cable that was out, a projector that came back."""
        there = connectors(self.root) if (walls := named(self.machine, self.home)) else []
        return any(each.usable and not each.on and alike(each.name, wall) for each in there for wall in walls)

    def _command(self, job: str) -> list[str]:
        name, *words = job.split()
        match name:
            case "day":
                return ["day", self._jobs().get("day", ""), "--mail", *self.arguments]
            case "alert" if words:
                return ["alert", "--say", self._aloud[0], *self.arguments]
            case "copy":
                return ["archive", "--archive", str(self.home / "archive"), "copy", self.machine.gallery.copies, "--nights", str(self.machine.gallery.nights)]
            case _:
                return [name, *words, *self.arguments]

    def _start(self, now: float) -> None:
        for job, date in self._jobs().items():
            if self._done.get(job) != date and now >= self._failed.get(job, (0, 0.0))[1]:
                command = self._command(job)
                self._done[job] = date
                self._process = job, self.run(command)
                return

    def _finish(self, now: float) -> None:
        if self._process is None or (code := self._process[1].poll()) is None:
            return
        job = self._process[0]
        self._process = None
        if code:
            times = self._failed.get(job, (0, 0.0))[0] + 1
            self._failed[job] = times, now + AGAIN[min(times, len(AGAIN)) - 1]
            self._done.pop(job, None)
            log.warning("%s failed (exit code %d); it is tried again", job, code)
            return
        self._failed.pop(job, None)
        if job == "alert --say":
            self._aloud.pop(0)
        if job.startswith("displays"):
            self._screens = job.split()[1]

    # --- a line an hour

    def sentence(self) -> str:
        """How the last hour was, for whoever reads the log."""
        figures = {name: float(self.status.get(name, 0.0)) for name in ("visitors", "sentences", "late_frames", "underruns", "dark", "frames", "watt_hours")}
        same = self._seen.get("day") == float(str(self.status.get("date", "0")).replace("-", "") or 0)
        grown = {name: value - (self._seen.get(name, 0.0) if same else 0.0) for name, value in figures.items()}
        self._seen = {**figures, "day": float(str(self.status.get("date", "0")).replace("-", "") or 0)}
        wrong = [one["said"] for one in self.alerts.known.values() if one["here"]]
        state = "all is well" if not wrong else "; ".join(wrong[:3])
        return (
            f"{state}; in the last hour {grown['visitors']:.0f} visitors, {grown['sentences']:.0f} sentences, {grown['late_frames']:.0f} of "
            f"{grown['frames']:.0f} frames late, {grown['underruns']:.0f} underruns, {grown['dark']:.0f} s dark, {grown['watt_hours']:.1f} Wh; "
            f"{self.hours.sentence(self.wall())}"
        )
