"""`hypermnesia bench soak`: a whole show for hours, with as many visitors as a good day brings. What it holds must not grow.

Every room is the real one, on a home of its own. Visitors come at random, forty an hour: each opens the writing page,
types one to three sentences, touches the wall, stays until something comes back; one in ten takes a sentence back. What
each process holds is read from outside, and the slope of it told with its interval: room by room to see where, all
rooms together to judge.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from engine.bench.month import theil_sen
from engine.bench.stranger import Stranger
from engine.core.errors import CannotPlay
from engine.core.machine import Machine
from engine.painter.attributes import OFFERS, draw
from engine.painter.captions import caption

Table = dict[str, Any]
MINUTES, VISITORS = 180.0, 40.0  # of a run; an hour
EVERY = 10.0  # seconds between two readings of what is held
SETTLING = 0.25  # part of a run in which caches fill
STRETCHES = 36  # parts of the rest: the median of each is one value
JUDGED = 60.0  # minutes below which what grows may still be filling
STAYS, TYPES = 60.0, 0.15  # seconds that a visitor stays at least; between two keys
HELD = ("descriptors", "threads", "memory_mb")
REMEMBERED = 4.5 / 1024  # MB of working memory that a fragment takes by right: its vectors, and what is told of it (docs/growth.md)


class Visitor(threading.Thread):
    """Somebody at the writing page, from the first key until they leave."""

    def __init__(self, web: int, number: int, counts: Counter[str]):
        super().__init__(name=f"visitor {number}", daemon=True)
        self.web, self.number, self.counts, self.random = web, number, counts, random.Random(number)
        self.codes: list[str] = []

    def run(self) -> None:
        here = f"127.0.0.1:{self.web}"
        try:
            with connect(f"ws://{here}/visit", origin=Origin(f"http://{here}"), open_timeout=20, close_timeout=1.0) as page:
                page.send(json.dumps({"t": "hello", "visit": ""}))
                for sentence in range(self.random.randint(1, 3)):
                    self._say(page, sentence)
                self._stay(page, STAYS * self.random.uniform(0.5, 1.5))
                if self.codes and self.random.random() < 0.1:
                    page.send(json.dumps({"t": "withdraw", "code": self.codes[0]}))
                    self._stay(page, 5.0)
        except (OSError, WebSocketException, TimeoutError):
            self.counts["pages_that_broke_off"] += 1

    def _say(self, page: ClientConnection, sentence: int) -> None:
        words = caption(draw(self.random.choice(list(OFFERS)), self.random), self.random)
        for _ in words:
            page.send(json.dumps({"t": "key", "bits": self.random.uniform(1.0, 6.0)}))
            time.sleep(self.random.uniform(0.5, 1.5) * TYPES)
        page.send(json.dumps({"t": "text", "key": f"{self.number:08d}{sentence:08d}", "words": words}))
        self.counts["said"] += 1
        self._stay(page, 8.0)

    def _stay(self, page: ClientConnection, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            if self.random.random() < 0.1:
                page.send(json.dumps({"t": "touch", "x": self.random.random(), "y": self.random.random()}))
            with contextlib.suppress(TimeoutError):
                news = json.loads(page.recv(timeout=min(left, 1.0)))
                if news["t"] in ("stored", "returned", "withdrawn", "wait"):
                    self.counts[news["t"]] += 1
                if news["t"] == "stored":
                    self.codes.append(news["code"])


class Soak:
    """A show, its visitors, and readings of what it holds."""

    def __init__(self, show: Stranger, seed: int):
        self.show, self.random = show, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.rooms: list[dict[str, tuple[int, int, float]]] = []  # by process: as HELD
        self.objects: list[float] = []  # of OpenGL
        self.fragments: list[float] = []
        self.at: list[float] = []  # monotonic seconds

    def run(self, minutes: float) -> None:
        begun = time.monotonic()
        visit, look, number, here = begun, begun, 0, list[Visitor]()
        while (now := time.monotonic()) < begun + 60.0 * minutes:
            if self.show.process.exitcode is not None:
                raise CannotPlay(f"the show has ended by itself: {self.show.log}")
            if now >= visit:
                visit, number = now + self.random.expovariate(VISITORS / 3600.0), number + 1
                here = [one for one in here if one.is_alive()] + [Visitor(self.show.web, number, self.counts)]
                here[-1].start()
                self.counts["visitors"] += 1
            if now >= look:
                look = now + EVERY
                self._read(now)
            time.sleep(max(0.0, min(visit, look, now + 1.0) - time.monotonic()))
        for one in here:
            one.join(3.0 * STAYS)

    def _read(self, now: float) -> None:
        each = self.show.resources()
        figures = self.show.health().get("figures")
        if not isinstance(figures, dict):
            self.counts["looks_without_an_answer"] += 1
            return
        self.at.append(now)
        self.rooms.append({"next loop" if name.startswith("besides") and held[2] > 20.0 else name: held for name, held in each.items()})
        self.objects.append(float(figures.get("stage_gl_objects", 0.0)))
        self.fragments.append(self.show.fragments())

    def verdict(self, minutes: float) -> Table:
        """Slopes an hour with the bounds of their 95 % interval; what grows stands in `broken`, where the run was long enough."""
        names = [name for name in self.rooms[-1] if sum(name in row for row in self.rooms) > 0.9 * len(self.rooms)] if self.rooms else []
        rows: list[Table] = []
        series: dict[str, list[float]] = {}
        for name in names:
            row: Table = {"process": name}
            for column, what in enumerate(HELD):
                values = [reading[name][column] for reading in self.rooms if name in reading]
                row |= {what: float(np.mean(values)), **self._slope(what, values)}
            rows.append(row)
        for column, what in enumerate(HELD):
            series[what] = [float(sum(held[column] for name, held in reading.items() if name in names)) for reading in self.rooms]
        series["gl_objects"] = self.objects
        series["memory_beyond_what_is_remembered_mb"] = [held - REMEMBERED * count for held, count in zip(series["memory_mb"], self.fragments, strict=True)]
        grown = {name for name in series if name != "memory_mb"}  # what is remembered may grow
        out: Table = {what: float(np.mean(values)) for what, values in series.items() if values}
        broken = []
        for what, values in series.items():
            out |= (slope := self._slope(what, values))
            if what in grown and slope.get(f"{what}_low", 0.0) > 0.0:
                broken.append(f"{what} grows by {slope[f'{what}_an_hour']:.3g} an hour, at least by {slope[f'{what}_low']:.3g}")
        judged = minutes >= JUDGED
        return {"each": rows, **out, "fragments_an_hour": self._slope("fragments", self.fragments).get("fragments_an_hour", 0.0),
                "judged": "yes" if judged else f"no: in under {JUDGED:.0f} minutes what grows may still be filling",
                "broken": (broken or "nothing") if judged else "nothing"}  # fmt: skip

    def _slope(self, what: str, values: list[float]) -> Table:
        settled = values[int(SETTLING * len(values)) :]
        if len(settled) < 8:
            return {}
        parts = np.array_split(np.asarray(settled), min(STRETCHES, len(settled)))
        hours = (self.at[-1] - self.at[int(SETTLING * len(self.at))]) / 3600.0 / len(parts)
        slope, low, high = (bound / hours for bound in theil_sen([float(np.median(part)) for part in parts]))
        return {f"{what}_an_hour": slope, f"{what}_low": low, f"{what}_high": high}


def run(options: argparse.Namespace, machine: Machine) -> Table:
    """Play for `--minutes`; a table of who came, what was lost, the longest darkness, and slopes. Raises CannotPlay."""
    if not Path("/proc/self/stat").exists():
        raise CannotPlay("bench soak needs Linux: it looks at processes through /proc")
    folder, minutes = Path(tempfile.mkdtemp(prefix="hypermnesia-soak-")), options.minutes or MINUTES
    show = Stranger(folder, getattr(options, "model", None), programme=True)
    try:
        show.begin()
        soak = Soak(show, options.seed)
        soak.run(minutes)
        dark, withheld = show.light.darkness(soak.at[0] if soak.at else 0.0), show.light.withheld
        code = show.end()
    finally:
        show.close()
    held, lines = soak.verdict(minutes), show.log.read_text(errors="replace").count("\n")
    if code:
        held["broken"] = [*(held["broken"] if isinstance(held["broken"], list) else []), f"the show ended with exit code {code}"]
    return {
        "minutes": minutes, "seed": options.seed, **soak.counts, "longest_without_light_s": dark, "longest_dark_by_the_mind_s": withheld,
        "lines_of_the_log": lines, "log": str(show.log), **held,
    }  # fmt: skip
