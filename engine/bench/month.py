"""`hypermnesia bench month`: thirty days of a gallery in some minutes. What must hold is looked at; the log is a month's.

Time alone is played: a frame stands for some minutes. Hours, the day's account, alerts, jobs (commands in processes of
their own), the archive on a small disk of its own, its nightly copies and those elsewhere, releases and the stage's
OpenGL are the real ones. Pictures, the sound card and the kernel's files about screens are stand-ins; the mind's and the
sound's own processes are not there: `bench chaos` ill-treats those.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import logging
import math
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.disk import Disk
from engine.core.guard import Guard
from engine.core.hours import Hours
from engine.core.machine import GalleryFacts, HoursFacts, Machine, StageFacts
from engine.core.messages import News, Picture, State, Stored, Text, Trouble
from engine.house.caretaker import Caretaker, Running, spawn
from engine.house.day import Counted, Day
from engine.house.opening import Opening
from engine.loop import Values
from engine.mind.memory import abroad
from engine.mind.memory.archive import Archive
from engine.mind.memory.copies import snapshot
from engine.painter.attributes import OFFERS, draw
from engine.painter.captions import caption
from engine.stage.layer import dreamed
from engine.stage.stage import Stage

Table = dict[str, Any]
DAYS, STEP = 30, 300.0  # days; seconds that a frame stands for
BEGIN = datetime.datetime(2027, 3, 15, 4, 0, tzinfo=datetime.UTC).timestamp()  # two weeks before the clocks go forward
VISITORS, SIZE, SETTLING = 6.0, (96, 54), 4  # an hour; of the wall; days until what is held counts
HOURS = HoursFacts(open=("tue-sun 10:00-18:00", "sat 20:00-02:00"), closed=("2027-03-19",), also=("2027-04-05 18:00-22:00",), zone="Europe/Paris", fade=60.0)
FULL, DEAD, CLOCK, UPDATE, SCREEN = 9, 12, 15, 20, 23  # days on which something happens


class Month:
    """The gallery, its time, and what befalls it."""

    def __init__(self, folder: Path, seed: int):
        self.random, self.folder = random.Random(seed), folder
        self.disk = Disk(folder / "home")
        self.home, self.other, self.root = folder / "home", folder / "other", folder / "root"
        self.other.mkdir()
        self.true, self.mono, self.wrong = BEGIN, 1000.0, 0.0  # seconds of the epoch; monotonic; by which the clock is off
        self.screen(True)
        (folder / "machine.toml").write_text(f'[gallery]\ncopies = "{self.other}"\nnights = 5\nlanguage = "fr"\n')
        self.machine = Machine(stage=StageFacts(monitor="HDMI-1"), hours=HOURS, gallery=GalleryFacts(copies=str(self.other), nights=5, language="fr"))
        self.hours, self.guard, self.doors = Hours.of(HOURS), Guard("month"), Entrance()
        self.opening = Opening(self.doors, self.hours, BEGIN, self.wall, lambda: self.mono)
        self.day = Day(self.home, self.guard, self.hours.zone, "one", self.wall, lambda: self.mono)
        self.day.most = STEP
        self.counted = Counted(self.opening, self.day)
        arguments = ("--home", str(self.home), "--machine", str(folder / "machine.toml"))
        self.care = Caretaker(self.home, self.machine, arguments, self.job, self.wall, lambda: self.mono, self.root)
        self.care.stale = 3 * STEP
        self.archive = Archive(self.home / "archive")
        self.archive.calendar = lambda: self.hours.date(self.wall())
        self.picture = _picture(0, self.random)
        self.stage = Stage(SIZE, pictures=self, live=False)
        self.stage.prepare([dreamed])
        self.sound, self.frames, self.night = True, 0, ""
        self.said = self.kept = self.refused = 0
        self.befell: list[str] = []
        self.broken: list[str] = []
        self.held: list[tuple[float, ...]] = []
        self.light: Counter[str] = Counter()

    def wall(self) -> float:
        return self.true + self.wrong

    def job(self, command: Sequence[str]) -> Running:
        made = spawn(command)
        made.wait()  # type: ignore[attr-defined]  # minutes pass meanwhile
        return made

    serial = property(lambda self: self.picture.state.picture)

    def newest(self, after: int = 0) -> Picture | None:
        return self.picture if self.serial > after else None

    def screen(self, there: bool) -> None:
        folder = self.root / "sys/class/drm/card0-HDMI-A-1"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "status").write_text("connected\n" if there else "disconnected\n")
        (folder / "modes").write_text("1920x1080\n" if there else "")

    # --- a frame, and what stands behind it

    def frame(self) -> None:
        self.true, self.mono, self.frames = self.true + STEP, self.mono + STEP, self.frames + 1
        self._visit()
        messages = list(self.counted.drain())
        self.counted.tell(list(self._remember(messages)), dict)
        level = self.opening.light()
        if self.frames % 7 == 0 and not self.opening.resting:
            self.picture = _picture(self.frames, self.random)
        self.stage.dimmed = level
        self.stage.show(dreamed, self.frames / 30.0)
        light = self.stage.eyes.light
        here = self.hours.span(self.true)
        if here and here.begin + 2 * STEP < self.true < here.end - 2 * STEP:
            self.light["open"] += 1
            self.light["dark while open"] += light < 1.0
        elif not here and self.wrong == 0.0 and not self.hours.span(self.true - 2 * STEP):
            self.light["closed"] += 1
            self.light["light while closed"] += light > 0.0
        self.day.level = level
        self.day.step(light, level > 0.5, self._look)
        self.care.look()
        self._night()

    def _look(self) -> tuple[dict[str, float], dict[str, float], list[str]]:
        notes = [] if self.sound else ["no sound card: the show runs in silence, in time; plug one in when you like"]
        notes += [self.opening.note] if self.opening.note else []
        notes += ["what is said from now on is not remembered: make room there"] if (self.home / "ballast").exists() else []
        return {"frames": float(self.frames)}, {"watt_hours": self.mono * 0.02, "measured": 0.0}, notes

    def _visit(self) -> None:
        if self.hours.span(self.true) and self.random.random() < 1.0 - math.exp(-VISITORS * STEP / 3600.0):
            self.said += 1
            words = caption(draw(self.random.choice(list(OFFERS)), self.random), self.random)
            self.doors.messages.append(Text(words, key=f"k{self.said}", visit=f"v{self.said}"))

    def _remember(self, messages: Sequence[object]) -> Iterator[Stored | Trouble]:
        for text in messages:
            if isinstance(text, Text):
                try:
                    found = self.archive.hear(text)
                except (sqlite3.Error, OSError) as wrong:
                    self.refused += 1
                    yield Trouble("mind", f"a sentence is not kept, the disk refuses ({wrong})")
                else:
                    self.kept += 1
                    yield Stored(text.key, found[0], found[1], text.visit)

    def _night(self) -> None:
        """Once a day, closed: the copy that the mind makes in its quiet."""
        date = self.archive.calendar().isoformat()
        if self.opening.resting and date != self.night and self.wrong == 0.0:
            self.night = date
            try:
                snapshot(self.archive)
            except (OSError, sqlite3.Error) as wrong:
                self.befell.append(f"{date} the nightly copy could not be made: {wrong}")

    # --- what befalls it

    def happen(self, number: int, hour: float) -> None:
        """Day `number` from 1, at an hour of it (from four in the morning on, UTC)."""
        match number, round(hour * 12):
            case n, 72 if n == FULL and not self.disk.why:
                self.disk.fill()
            case n, 120 if n == FULL and not self.disk.why:
                self.disk.empty()
            case n, h if n == DEAD and h in (84, 108):
                self.sound = h == 108
            case n, 0 if n == CLOCK:
                self.wrong = -3 * 365.25 * 86400.0
            case n, 66 if n == CLOCK:
                self.wrong = 0.0
            case n, 80 if n == UPDATE:
                self._update()
            case n, h if n == SCREEN and h in (84, 120):
                self.screen(h == 120)

    def _update(self) -> None:
        ask = "import sys, pathlib; from engine.bench.bad_release import bad_update; print(bad_update(*map(pathlib.Path, sys.argv[1:])))"
        command = [sys.executable, "-c", ask, str(self.folder / "releases"), str(self.home)]  # as the command is: a process of its own
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
        said = (done.stdout.strip() or done.stderr.strip() or "no word").splitlines()[-1]
        self.befell.append(f"{self.hours.date(self.true)} {said}")
        if "plays again" not in said:
            self.broken.append(f"a bad update was not taken back: {said}")

    def sample(self) -> None:
        for _ in range(200):  # until all names have been asked
            self.stage.census.count()
        status = Path("/proc/self/status").read_text()
        rss = float(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon"))) / 1024.0
        self.held.append((rss, float(len(os.listdir("/proc/self/fd"))), float(threading.active_count()), float(self.stage.census.objects)))  # noqa: PTH208

    def close(self) -> None:
        self.day.close()
        self.stage.close()
        self.archive.close()


class Entrance:
    """Doors where the month's visitors come in. What they are told is not kept: a month of answers would be a leak of its own."""

    def __init__(self) -> None:
        self.messages: list[Text] = []

    def drain(self) -> list[Text]:
        said, self.messages = self.messages, []
        return said

    def tell(self, news: Iterable[News], values: Callable[[], Values]) -> None:
        """Nobody listens."""


def _picture(number: int, rng: random.Random) -> Picture:
    made = np.full((64, 64, 4), 255, np.uint8)
    made[..., :3] = np.random.default_rng(rng.getrandbits(32)).integers(40, 220, (8, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    state = State(picture=number + 1, degree=2, gap=rng.random())
    return Picture(made, np.zeros((4, 8, 8), np.float16), np.zeros((0, 1, 1), np.float16), state)


def theil_sen(values: Sequence[float]) -> tuple[float, float, float]:
    """Median of the slopes between all pairs of neighbouring days, a day, and its 95 % interval (Sen 1968: ranks by Kendall's variance)."""
    y = np.asarray(values, float)
    n = len(y)
    i, j = np.triu_indices(n, 1)
    slopes = np.sort((y[j] - y[i]) / (j - i))
    spread = 1.96 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18.0)
    low, high = int(max(0, (len(slopes) - spread) // 2)), int(min(len(slopes) - 1, (len(slopes) + spread) // 2 + 1))
    return float(np.median(slopes)), float(slopes[low]), float(slopes[high])


def run(options: argparse.Namespace) -> Table:
    """Play the month; a table of what was seen, and `broken`, what did not hold."""
    folder = Path(tempfile.mkdtemp(prefix="hypermnesia-month-"))
    log = logging.FileHandler(folder / "log")
    log.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger().addHandler(log)
    month = Month(folder, options.seed)
    try:
        for number in range(1, DAYS + 1):
            for step in range(int(86400 / STEP)):
                month.happen(number, step * STEP / 3600.0)
                month.frame()
            month.sample()
        return verdict(month)
    finally:
        logging.getLogger().removeHandler(log)
        month.close()
        month.disk.close()


def verdict(month: Month) -> Table:
    """What the month came to, as one row: what was promised and counted, slopes of what is held, and all that broke a promise."""
    broken, alerts = month.broken, [line for line in (month.folder / "log").read_text(encoding="utf-8").splitlines() if line.startswith("alert: ")]
    wanted = {"no sound card": 1, "nothing is connected at HDMI-1": 1, "which has passed": 1, "is full": 0 if month.disk.why else 1}
    for what, times in wanted.items():
        told = [line for line in alerts if what in line and "well again" not in line]
        if len(told) != times:
            broken.append(f"{what!r} was told {len(told)} times, not {times}")
    for what in ("dark while open", "light while closed"):
        if month.light[what]:
            broken.append(f"{what}: {month.light[what]} of {month.light[what.split()[-1]]} looks")
    with contextlib.closing(Archive(month.home / "archive", "memory.sqlite")) as archive:
        lost = month.kept - archive.count("kind = 1")
    if lost:
        broken.append(f"{lost} acknowledged sentences are lost")
    pages, elsewhere = len(list((month.home / "days").glob("2027*.html"))), len(abroad.found(month.other))
    if pages < DAYS - 2:
        broken.append(f"{pages} pages of {DAYS} days")
    if elsewhere != 5:
        broken.append(f"{elsewhere} copies on the other disk, not 5")
    out: Table = {
        "days": DAYS, "frames": month.frames, "sentences": month.said, "kept": month.kept, "refused_by_a_full_disk": month.refused, "lost": lost,
        "pages": pages, "copies_elsewhere": elsewhere, "looks_while_open": month.light["open"], "dark_while_open": month.light["dark while open"],
        "looks_while_closed": month.light["closed"], "light_while_closed": month.light["light while closed"], "alerts": len(alerts),
        "log_bytes_a_day": (month.folder / "log").stat().st_size / DAYS, "left_out": month.disk.why and f"the full disk: {month.disk.why}",
    }  # fmt: skip
    for name, values in zip(("memory_mb", "descriptors", "threads", "gl_objects"), zip(*month.held[SETTLING:], strict=True), strict=True):
        slope, low, high = theil_sen(values)
        out |= {name: float(np.mean(values)), f"{name}_a_day": slope, f"{name}_a_day_low": low, f"{name}_a_day_high": high}
        if low > 0.0:
            broken.append(f"{name} grows: {slope:.3f} a day, at least {low:.3f}")
    if out["log_bytes_a_day"] > 1e6:
        broken.append(f"the log takes {out['log_bytes_a_day']:.0f} bytes a day")
    return out | {"told": " | ".join(alerts), "befell": " | ".join(month.befell), "memory_each_day": " ".join(f"{row[0]:.1f}" for row in month.held), "log": str(month.folder / "log"), "broken": broken or "nothing"}
