"""An opening day, played in seconds: ten hours with visitors by a recorded rhythm, one tick and one picture a second."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.core.clock import Now
from engine.core.messages import Ancestor, Dream, Keystroke, Lineage, Message, State, Text
from engine.doors.score import read
from engine.show.cast import Cast
from engine.show.programme import Programme
from engine.show.scene import SCENES, files, load

HOURS = 10.0
ARRIVALS = (1, 2, 4, 7, 9, 10, 8, 6, 3, 1)  # groups of visitors in each hour of a museum's day
PEOPLE = tuple(Ancestor(n, 0.3 / n, depth=n, x=n / 9) for n in range(1, 9))
Mind = Callable[[Dream, float], State]


def visitors(hours: float = HOURS, score: Path = SCENES / "ten-visitors.jsonl") -> Iterator[Message]:
    """What people do, in order: the recorded keys and sentences, as groups of one to ten of them come through the day."""
    rng = np.random.default_rng(16)
    recorded = [m for m in read(score) if isinstance(m, Text | Keystroke)]
    by_visit = [list(group) for _, group in itertools.groupby(recorded, key=lambda m: m.visit)]
    said: list[Message] = []
    for hour in range(int(hours)):
        for group in range(ARRIVALS[hour % len(ARRIVALS)]):
            at = 3600.0 * (hour + float(rng.random()))
            for number in range(int(rng.integers(1, 6))):
                one = by_visit[int(rng.integers(len(by_visit)))]
                for message in one:
                    key = {"key": f"{hour}-{group}-{number}"} if isinstance(message, Text) else {}
                    said.append(replace(message, at=at + message.at - one[0].at, **key))
                at += one[-1].at - one[0].at + float(rng.uniform(4.0, 40.0))
    return iter(sorted(said, key=lambda message: message.at))


def drifting(dream: Dream, time: float) -> State:
    """A mind that makes nothing: its figures drift as a day's do, each at a pace of its own, and jump with the words."""
    chance = [(len(dream.words) * part + 0.3) % 1.0 for part in (0.618, 0.755, 0.57, 0.438)]
    slow = [0.5 + 0.35 * float(np.sin(time / pace)) for pace in (611.0, 977.0, 1499.0, 2111.0)]
    gap, light, displacement, standard = (0.5 * a + 0.5 * b for a, b in zip(chance, slow, strict=True))
    return State(
        int(time) + 1, dream.words, made=time, degree=2, gap=gap, light=light, displacement=0.6 * displacement, motion=0.5,
        film="carried", chunk=int(time / 2), turned=0.26,
        standard=0.7 * standard * dream.autonomy, autonomy=dream.autonomy, lineage=Lineage(PEOPLE, 0.1, 20, 1 + int(time / 3600)), dream=dream,
    )  # fmt: skip


@dataclass
class Day:
    """What happened: seconds of the wall by scene, and each change with its second."""

    seconds: dict[str, float]
    changes: list[tuple[float, str, str]]
    grains: int
    errors: int


def play(mind: Mind = drifting, hours: float = HOURS, heard: bool = True) -> Day:
    """Play a day at a tick a second; `heard`: let the scenes sound and draw too."""
    show = Programme(Cast(files(), make=load), "gap")
    waiting, day = list(visitors(hours)), Day(dict.fromkeys(show.cast.scenes, 0.0), [], 0, 0)
    state = State()
    for tick in range(int(3600 * hours)):
        now = Now(tick, float(tick), 1.0)
        while waiting and waiting[0].at <= now.time:
            show.receive(waiting.pop(0), now)
        was = show.name
        show.update(now, state)
        if show.name != was:
            day.changes.append((now.time, was, show.name))
        state = mind(show.dream(now), now.time)
        if heard:
            day.grains += len(list(show.sound(now)))
            show.draw(now)
        day.seconds[show.name] += 1.0
    day.errors = show.cast.guard.count
    return day
