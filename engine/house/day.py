"""The day's account: what came, what was seen, what went wrong. Added up in the loop, written down each ten seconds.

A day of the gallery goes from four in the morning to four in the morning, so that an evening is not cut in two. It is
numbers and the sentences of this program: never a word that anybody gave. `hypermnesia day` makes a page of it.
"""

from __future__ import annotations

import datetime
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.guard import Guard
from engine.core.heat import heat
from engine.core.hours import day_of
from engine.core.messages import Message, News, State, Stored, Text, Trouble, Withdrawn
from engine.house.caretaker import FOLDER, NOW
from engine.loop import Doors, Values

EVERY = 10.0  # seconds between two times that it is written down
DARK, DARKNESS = 1.0, 2.0  # mean of a frame, 0..255, under which it is dark; seconds of it that count
STILL = 300.0  # seconds between two stills that may become the day's picture
TROUBLES, MOST = 40, 65_536  # different troubles that are kept; visits that are told apart
COUNTS = ("visitors", "sentences", "kept", "withdrawn", "frames", "late_frames", "underruns", "late_grains", "restarts", "falls")
SECONDS = ("up", "open", "dark")  # seconds: playing, open, and dark while it was open and nobody asked for dark


class Day:
    """The account of today. Loop thread only, but for the writing, which has a thread of its own and never holds it up.

    `folder` is the installation's home. `wall` and `source` are seconds of the epoch and monotonic ones.
    """

    def __init__(
        self, folder: Path, guard: Guard, zone: datetime.tzinfo | None = None, release: str = "",
        wall: Callable[[], float] = time.time, source: Callable[[], float] = time.monotonic,
    ):  # fmt: skip
        self.folder, self.guard, self.zone, self.release, self.wall, self.source = folder / FOLDER, guard, zone, release, wall, source
        self._last: dict[str, float] = {}  # totals of this process when they were looked at last
        self._stepped = self._due = source()
        self.most = 5.0  # seconds that one frame may stand for
        self.level = 1.0  # how light the house is
        self._dark = 0.0  # seconds that it has been dark just now
        self._visits: set[str] = set()
        self._still: tuple[str, NDArray[np.uint8]] | None = None
        self._looked = source() - STILL + 30.0
        self._wake, self._ended = threading.Event(), False
        self._write: dict[str, tuple[str, str]] = {}  # by date: what is to be written down
        self._begin(day_of(wall(), zone))
        self._thread = threading.Thread(target=self._run, name="day", daemon=True)
        self._thread.start()

    def _begin(self, date: str) -> None:
        """Today's account, gone on with where there is one already."""
        kept = read(self.folder, date)
        self.date = date
        self.counts = {name: float(kept.get(name, 0.0)) for name in (*COUNTS, *SECONDS)}
        self.troubles: Counter[str] = Counter({str(t): int(n) for t, n in kept.get("troubles", {}).items()})
        self.energy, self.measured = float(kept.get("watt_hours", 0.0)), float(kept.get("measured", 0.0))
        self.hottest, self.longest_dark = float(kept.get("hottest", 0.0)), float(kept.get("longest_dark", 0.0))
        self.gap = float(kept.get("gap", -1.0))  # of the day's picture
        self.throttled = int(kept.get("throttled", 0))
        self._visits.clear()

    # --- what comes in

    def hear(self, message: Message) -> None:
        if isinstance(message, Text) and message.kind != "machine":
            self.counts["sentences"] += 1
            if (visit := message.visit or message.key) not in self._visits and len(self._visits) < MOST:
                self._visits.add(visit)
                self.counts["visitors"] += 1

    def learn(self, news: News) -> None:
        match news:
            case Stored():
                self.counts["kept"] += 1
            case Withdrawn(found=True):
                self.counts["withdrawn"] += 1
            case Trouble(room, what) if len(self.troubles) < TROUBLES or f"{room}: {what}" in self.troubles:
                self.troubles[f"{room}: {what}"] += 1

    def fell(self, why: str) -> None:
        """A loop before this one ended against its will."""
        self.counts["falls"] += 1

    def offer(self, frame: NDArray[np.uint8], state: State) -> None:
        """A frame of the wall (h, w, 3 or 4): now and then, where more of others is in it than in any of today, it is kept."""
        if self.source() - self._looked >= STILL:
            self._looked = self.source()
            if state.gap > self.gap and float(frame[::8, ::8, :3].mean()) > 12.0:
                self.gap, self._still = state.gap, (self.date, np.ascontiguousarray(frame[..., :3]))

    def step(self, light: float, wanted: bool, look: Callable[[], tuple[dict[str, float], dict[str, float], list[str]]]) -> None:
        """Once a frame. `light` of the frame, 0..255; whether light is wanted (open, and no blackout). `look` is asked each ten
        seconds: what this process has counted since it began, by the names of COUNTS; the month's energy; what is wrong."""
        now = self.source()
        passed, self._stepped = min(self.most, now - self._stepped), now
        self.counts["up"] += passed
        self.counts["open"] += passed if wanted else 0.0
        self._dark = self._dark + passed if wanted and light < DARK else 0.0
        if self._dark > DARKNESS:
            self.counts["dark"] += passed
            self.longest_dark = max(self.longest_dark, self._dark)
        if now >= self._due:
            self._due = now + EVERY
            totals, ledger, notes = look()
            self._take(totals, ledger)
            warm = heat()
            self.hottest = max(self.hottest, warm.degrees)
            self.throttled += int(max(0.0, warm.throttled - self._last.get("throttled", warm.throttled)))
            self._last["throttled"] = float(warm.throttled)
            self.put(notes)
            if (date := day_of(self.wall(), self.zone)) != self.date:
                self._begin(date)

    def _take(self, totals: dict[str, float], ledger: dict[str, float]) -> None:
        """What has come since the last time."""
        for name, total in totals.items():
            self.counts[name] += max(0.0, total - self._last.get(name, 0.0))
            self._last[name] = total
        if whole := ledger.get("watt_hours", 0.0):
            grown = whole - self._last.get("watt_hours", whole)
            self.energy += max(0.0, grown)
            self._last["watt_hours"], self.measured = whole, ledger.get("measured", 0.0)

    # --- what goes out

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        counted = {name: round(self.counts[name], 1) for name in (*COUNTS, *SECONDS)}
        return {
            "date": self.date, "release": self.release, **counted, "longest_dark": round(self.longest_dark, 1), "watt_hours": round(self.energy, 2),
            "measured": round(self.measured, 3), "hottest": round(self.hottest, 1), "throttled": self.throttled, "gap": round(self.gap, 4),
            "troubles": dict(self.troubles.most_common(TROUBLES)),
        }  # fmt: skip

    def put(self, notes: list[str]) -> None:
        """Have it written down. Never waits."""
        account = self.plain()
        now = {"at": self.wall(), "frames": self._last.get("frames", 0.0), "notes": notes, **account, "dark_now": round(self._dark, 1), "level": round(self.level, 2)}
        self._write[self.date] = json.dumps(account, indent=1, ensure_ascii=False), json.dumps(now, ensure_ascii=False)
        self._wake.set()

    def _run(self) -> None:
        ended = False
        while not ended:
            self._wake.wait()
            self._wake.clear()
            ended = self._ended
            for date in sorted(tuple(self._write)):
                self.guard.run("writing the day down", self._keep, date, *self._write.pop(date), otherwise=None)

    def _keep(self, date: str, account: str, now: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((f"{date}.json", account), (NOW, now)):
            fresh = self.folder / f"{name}.new"
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self.folder / name)
        if self._still:
            (shown, still), self._still = self._still, None
            from PIL import Image

            picture = self.folder / f"{shown}.new.jpg"
            Image.fromarray(still).save(picture, quality=88)
            picture.replace(self.folder / f"{shown}.jpg")

    def close(self) -> None:
        """The last word; waits a second at most."""
        self.put([])
        self._ended = True
        self._wake.set()
        self._thread.join(1.0)


class Counted:
    """Doors whose messages and answers go into the day's account on their way. Loop thread only."""

    def __init__(self, doors: Doors, day: Day):
        self.doors, self.day = doors, day

    def drain(self) -> Iterator[Message]:
        for message in self.doors.drain():
            self.day.hear(message)
            yield message

    def tell(self, news: Iterable[News], values: Callable[[], Values]) -> None:
        told = tuple(news)
        for each in told:
            self.day.learn(each)
        self.doors.tell(told, values)


class Glance:
    """A Tap (`engine/stage/outputs/tap.py`) that now and then looks for the picture of the day. GL thread only."""

    def __init__(self, day: Day, state: Callable[[], State]):
        self.lost = 0
        self._day, self._state = day, state

    def offer(self, frame: NDArray[np.uint8], at: float) -> None:
        self._day.offer(frame, self._state())

    def hear(self, samples: NDArray[np.float32], at: float) -> None:
        """A page is silent."""

    def close(self) -> None:
        """Nothing is open."""


def read(folder: Path, date: str) -> dict[str, Any]:
    """The account of a day; an empty one where there is none that can be read."""
    try:
        found = json.loads((folder / f"{date}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
