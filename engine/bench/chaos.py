"""`hypermnesia bench chaos`: a whole show under everything that a month of visitors does to it, in minutes.

Faults come one at a time and at random, the same for the same seed (see faults.py); meanwhile sentences are said and taken
back, and dark is asked for. The whole is looked at from outside, as a technician would (see stranger.py). What must hold
stands in `broken`, and whatever does not makes the command fail.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.bench.faults import LASTS, Fault, before, faults
from engine.bench.stranger import Stranger
from engine.core.errors import CannotPlay
from engine.core.machine import Machine
from engine.painter.attributes import OFFERS, draw
from engine.painter.captions import caption

Table = dict[str, Any]
MINUTES = 20.0  # of a run
CALM = (3.0, 8.0)  # seconds between faults, once the show is whole again
WATCHED = 9.0  # seconds that the wall is looked at after a fault
ENDED = 60.0  # seconds without light after which a show counts as ended
WHOLE = 120.0  # seconds that a show may take until all its rooms work again: a model has to be loaded
OBEYED = 1.0  # seconds until dark
SAMPLED = 5.0  # seconds between readings of what the show holds
SETTLING = 15.0  # seconds after all rooms work again during which memory still grows to what it was
STRETCHES, STUDENT = 10, 2.306  # parts of a run; 97.5 % of Student's t for two degrees less
HELD = ("descriptors", "threads", "mib", "gl_objects")


class Chaos:
    """Faults at random, one at a time, and what came of each."""

    def __init__(self, show: Stranger, seed: int):
        self.show, self.random = show, random.Random(seed)
        self.faults = faults(show, self.random)
        self.dark: dict[Fault, list[float]] = defaultdict(list)  # seconds without light
        self.obeyed: dict[str, list[float]] = defaultdict(list)  # by fault: seconds from asking for dark until it was
        self.broken: list[Table] = []
        self.held: list[tuple[float, ...]] = []  # monotonic seconds, then as HELD, then seconds since all rooms work
        self.each: list[Table] = []  # the same room by room
        self.last = ""  # fault
        self.whole = 0.0  # the longest time until all rooms worked again, seconds
        self._deck: list[Fault] = []
        self._ended = threading.Event()
        self._technician = threading.Thread(target=self._sample, name="technician", daemon=True)

    def run(self, minutes: float) -> None:
        self._warm_up()
        self._technician.start()
        until = time.monotonic() + 60.0 * minutes
        try:
            while time.monotonic() < until and not self.over:
                self._calm(self.random.uniform(*CALM))
                if not self.over:
                    self._strike(self._next())
        finally:
            self._ended.set()
            self._technician.join()
            self.show.restore()

    @property
    def over(self) -> bool:
        """Whether there is no show any more that could be tried."""
        return any(row["must"] == "the show goes on" for row in self.broken)

    def _next(self) -> Fault:
        """Each comes once before any comes again."""
        if not self._deck:
            self._deck = self.random.sample(self.faults, len(self.faults))
        return self._deck.pop()

    def _must(self, what: str, fault: str, found: float, bound: float) -> None:
        if found > bound:
            self.broken.append({"must": what, "after": fault, "found": found, "bound": bound})
            self._say(f"NOT: {what}: {found:.2f}, at most {bound:g}")

    def _say(self, line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)

    # --- calm

    def _warm_up(self) -> None:
        """One fall that does not count: the first loop of a show has prepared all verbs, those after a fall only what scenes use."""
        if loop := self.show.children().get("loop"):
            os.kill(loop, signal.SIGKILL)
        self._calm(SETTLING)

    def _calm(self, seconds: float) -> None:
        """The next fault strikes a show that is whole: until then people go on."""
        begun, waited = time.monotonic(), 0.0
        while not self.over and waited <= WHOLE:
            self._people()
            waited = time.monotonic() - begun
            if waited > seconds and self.show.whole():
                break
            if self.show.process.exitcode is not None:
                self._must("the show goes on", self.last, 1.0, 0.0)
        self.whole = max(self.whole, waited)
        self._must("all rooms work again (s)", self.last, waited, WHOLE)

    def _people(self) -> None:
        """A third of a second of a house full of people."""
        self.show.listen()
        self.show.send("/hm/beta", self.random.random())
        self.show.send("/hm/touch", self.random.random(), self.random.random())
        for key, done in list(self.show.taken_back.items()):
            if not done:
                self.show.take_back(key)  # whoever was not answered asks again
        time.sleep(0.3)

    # --- a fault

    def _strike(self, fault: Fault) -> None:
        before(self.show, fault)
        self.last = fault.name
        self.show.children()
        self.show.say(self._sentence())
        time.sleep(0.2)
        begun = time.monotonic()
        strike = threading.Thread(target=fault.strike, name=fault.name, daemon=True)
        strike.start()
        asks = self.random.uniform(0.0, 3.0) if self.random.random() < 0.5 else None
        takes = self.random.uniform(0.0, 3.0) if self.random.random() < 0.5 else None
        spoken = mended = False
        obeyed = 0.0
        while not self.over:
            now = time.monotonic() - begun
            self.show.listen()
            if now > 0.5 and not spoken:
                spoken = True
                self.show.say(self._sentence())
            if takes is not None and now > takes:
                takes = None
                self._take_back()
            if asks is not None and now > asks:
                obeyed, asks = self._blackout(), None
                self.obeyed[fault.name].append(obeyed)
            if now > LASTS and not mended:
                mended = True
                fault.mend()
            if now > WATCHED and time.monotonic() - self.show.light.last < 0.5 and not strike.is_alive():
                break
            if self.show.process.exitcode is not None or time.monotonic() - self.show.light.last > ENDED:
                self._must("the show goes on", fault.name, time.monotonic() - self.show.light.last, 0.0)
            time.sleep(0.02)
        dark = self.show.light.darkness(begun)
        self.dark[fault].append(dark)
        self._say(f"{fault.name}: {dark:.2f} s without light" + (f", dark within {obeyed:.2f} s" if obeyed else ""))
        self._must("light is back (s)", fault.name, dark, fault.bound)
        self._must("dark is obeyed (s)", fault.name, obeyed, OBEYED)

    def _sentence(self) -> str:
        """Nobody says the same twice: what has been is withheld from the wall."""
        return caption(draw(self.random.choice(list(OFFERS)), self.random), self.random)

    def _take_back(self) -> None:
        """Somebody takes back what they said, at random."""
        left = [key for key in self.show.stored if key not in self.show.taken_back]
        if left:
            self.show.take_back(self.random.choice(left))

    def _blackout(self) -> float:
        """Ask for dark and for light again; seconds until the wall was dark for good."""
        light, asked = self.show.light, time.monotonic()
        light.lit, light.may_be_dark = asked, True
        self.show.send("/hm/blackout", True)
        time.sleep(2.5)
        found = light.lit - asked
        self.show.send("/hm/blackout", False)
        until = time.monotonic() + 20.0
        while self.show.pulses.get("blackout") != 0.0 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.5)  # it rises
        light.last, light.may_be_dark = max(light.last, time.monotonic() - 0.5), False
        return found

    # --- what it holds

    def _sample(self) -> None:
        known: dict[str, int] = {}
        anew = time.monotonic()
        while not self._ended.wait(SAMPLED):
            now, rooms = time.monotonic(), self.show.children()
            if rooms != known or not self.show.whole():
                known, anew = rooms, now
            figures, each = self.show.health().get("figures") or {}, self.show.resources()
            objects = float(figures.get("stage_gl_objects", 0.0)) if isinstance(figures, dict) else 0.0
            held = [float(sum(room[column] for room in each.values())) for column in range(3)]
            self.held.append((now, *held, objects, now - anew))
            self.each.append(each)

    def verdict(self) -> Table:
        """Growth an hour of what the show holds, with the half width of its 95 % interval; what must hold is looked at."""
        out: Table = {}
        rows = np.array([row for row in self.held if row[-1] >= SETTLING])
        for column, name in enumerate(HELD, 1):
            here = rows[rows[:, column] > 0.0] if len(rows) else rows
            if len(here) < 3 * STRETCHES:
                continue
            slope, half = growth(here[:, 0] / 3600.0, here[:, column])
            out |= {f"{name}": float(here[:, column].mean()), f"{name}_an_hour": slope, f"{name}_an_hour_95": half}
            self._must(f"{name} do not grow (an hour, beyond the interval)", "", slope - half, 0.0)
        return out


def growth(hours: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Slope of a straight line through values, and the half width of its 95 % interval.

    Neighbours are alike, so that each tells less than an independent value would: the line goes through the means of
    STRETCHES equal parts, which are as good as independent, and the interval is Student's.
    """
    x, y = (np.array([part.mean() for part in np.array_split(column, STRETCHES)]) for column in (hours, values))
    x = x - x.mean()
    slope = float((x * y).sum() / (x**2).sum())
    rest = y - y.mean() - slope * x
    return slope, STUDENT * float(np.sqrt((rest**2).sum() / (STRETCHES - 2) / (x**2).sum()))


def run(options: argparse.Namespace, machine: Machine) -> Table:
    """Play for `--minutes` with `--seed`; a table of faults, the longest darkness, what was lost, and what did not hold."""
    if not Path("/proc/self/stat").exists():
        raise CannotPlay("bench chaos needs Linux: it looks at processes through /proc")
    folder = Path(tempfile.mkdtemp(prefix="hypermnesia-chaos-"))
    show = Stranger(folder, getattr(options, "model", None))
    try:
        show.begin()
        chaos = Chaos(show, options.seed)
        chaos.run(options.minutes or MINUTES)
        _settle(show)
        lost, code = show.lost(), show.end()
        readable = show.readable()
    finally:
        show.close()
    (folder / "held.json").write_text(json.dumps([chaos.held, chaos.each]))
    held = chaos.verdict()
    for what, found in (("acknowledged words that are lost", len(lost)), ("words taken back that can be read", len(readable))):
        chaos._must(f"no {what}", "", found, 0)
    chaos._must("the show ends in order (exit code)", "", abs(code), 0)
    rows: list[Table] = [
        {"fault": fault.name, "times": len(dark), "longest_s": max(dark), "mean_s": sum(dark) / len(dark), "bound_s": fault.bound,
         "blackouts": len(chaos.obeyed[fault.name]), "slowest_s": max(chaos.obeyed[fault.name], default=0.0)}
        for fault, dark in sorted(chaos.dark.items(), key=lambda pair: pair[0].name)
    ]  # fmt: skip
    return {
        "minutes": options.minutes or MINUTES, "seed": options.seed, "faults": rows, "left_out": show.disk.why and f"faults of the disk: {show.disk.why}",
        "count": sum(row["times"] for row in rows), "longest_without_light_s": max((row["longest_s"] for row in rows), default=0.0),
        "longest_dark_by_the_mind_s": show.light.withheld,
        "slowest_until_all_rooms_work_s": chaos.whole,
        "blackouts": sum(row["blackouts"] for row in rows), "slowest_blackout_s": max((row["slowest_s"] for row in rows), default=0.0),
        "sentences": len(show.said), "acknowledged": len(show.stored), "acknowledged_and_lost": len(lost),
        "not_acknowledged": "; ".join(words for key, words in show.said.items() if key not in show.stored) or "none",
        "taken_back": sum(show.taken_back.values()), "taken_back_and_readable": len(readable),
        **held, "log": str(show.log), "broken": chaos.broken or "nothing",
    }  # fmt: skip


def _settle(show: Stranger) -> None:
    """The last faults are over: what was begun may be finished."""
    until = time.monotonic() + 60.0
    while time.monotonic() < until and show.process.exitcode is None:
        show.listen()
        if all(show.taken_back.values()) and show.whole():
            break
        for key, done in list(show.taken_back.items()):
            if not done:
                show.take_back(key)
        time.sleep(1.0)
    time.sleep(10.0)
    show.listen()
