"""`hypermnesia render`: the same loop in virtual time, its rooms called in turn. One seed, one score: the same bits.

Nothing waits and nothing is dropped: pictures come at a declared rate of virtual time, grains start on their sample.
Bit-exact on a CPU for one seed, one score and one build of torch and Mesa.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.clock import Clock, Now
from engine.core.crossings import GRAIN, KeyRing, grain_row
from engine.core.errors import CannotPlay
from engine.core.machine import Machine, home
from engine.core.messages import (
    Dream,
    Grain,
    Keystroke,
    Message,
    News,
    Picture,
    Set,
    State,
)
from engine.doors.score import read
from engine.house.checks import check_settings
from engine.house.house import TICK_HZ
from engine.house.leaving import Rendered
from engine.house.plan import Plan, cast_of, plan
from engine.house.wall import Seen
from engine.loop import Values, perform
from engine.mind.letters import answer
from engine.mind.mind import Mind
from engine.show.performer import Performer
from engine.show.programme import Programme
from engine.sound.instrument import Instrument
from engine.sound.nodes import nodes
from engine.sound.options import SoundOptions
from engine.sound.stems import Stems
from engine.stage.layer import Layer
from engine.stage.outputs.recording import Recorder, Still
from engine.stage.outputs.tap import Fingerprint, Tap
from engine.stage.stage import Stage

PICTURES_HZ = 8.0  # pictures per virtual second: about what two cores give live
SIZE = (640, 360)
FPS = 30.0
STILLS = (".png", ".jpg")


class Score:
    """Doors through which a list of messages comes, each at its scene second (`at`)."""

    def __init__(self, messages: Iterable[Message]):
        self.messages = sorted(messages, key=lambda message: message.at)
        self.time = 0.0
        self.news: list[News] = []

    def drain(self) -> Iterator[Message]:
        while self.messages and self.messages[0].at <= self.time:
            yield self.messages.pop(0)

    def tell(self, news: Iterable[News], values: Callable[[], Values]) -> None:
        self.news.extend(news)


class OfflineMind:
    """The mind called in turn: a picture whenever one is due in virtual time."""

    def __init__(self, mind: Mind):
        self.mind = mind
        self.serial = 0
        self.picture: Picture | None = None
        self.due = 0.0
        self._news: list[News] = []

    @property
    def state(self) -> State:
        return self.picture.state if self.picture else State()

    def newest(self, after: int = 0) -> Picture | None:
        return self.picture if self.serial > after else None

    def hear(self, message: Message) -> None:
        self._news.extend(answer(self.mind, message))

    def request(self, dream: Dream, now: Now) -> None:
        while now.time >= self.due:
            self.picture = self.mind.picture(dream, self.due)
            self.serial += 1
            self.due = self.serial / PICTURES_HZ

    def news(self) -> list[News]:
        news, self._news = [*self._news, *self.mind.news()], []
        return news


class OfflineSound:
    """The instrument called in turn: block by block up to the present of virtual time."""

    def __init__(self, options: SoundOptions, mind: OfflineMind, stems: bool = False):
        self.instrument, self.mind, self.rate = (
            Instrument.of(replace(options, channels=2, layout="line")),
            mind,
            options.rate,
        )
        self.stems = Stems(options) if stems else None
        self.samples = 0  # made so far
        self.dark = False  # keys are not heard while the wall is
        self.starts = np.zeros(0)  # seconds at which grains begin
        self.blocks: list[tuple[NDArray[np.float32], float]] = []
        self._serial = 0

    def hear(self, message: Message) -> None:
        if isinstance(message, Keystroke) and not self.dark:  # live, keys come to the sound room from the doors
            self.instrument.lineage = self.mind.state.lineage
            key = (self.samples / self.rate, message.bits, message.deleted)
            self._schedule(self.instrument.struck(np.array([key], KeyRing.dtype)))
        if isinstance(message, Set) and message.address == "/hm/blackout":
            self.dark = bool(message.args[0]) if message.args else True
        if isinstance(message, Set) and message.address.startswith("/hm/sound/"):
            self.instrument.receive(message)
            if self.stems:
                self.stems.receive(message)

    def schedule(self, grains: Iterable[Grain]) -> None:
        self._schedule(np.array([grain_row(grain, grain.time) for grain in grains], GRAIN))

    def _schedule(self, rows: NDArray[Any]) -> None:
        self.starts = np.append(self.starts, rows["time"])
        if len(rows):
            self.instrument.schedule(rows)
            if self.stems:
                self.stems.schedule(rows)

    @property
    def grains(self) -> int:
        """How many there were."""
        return len(self.starts)

    def news(self) -> tuple[News, ...]:
        return ()

    def play_until(self, seconds: float) -> None:
        if picture := self.mind.newest(self._serial):
            self._serial = self.mind.serial
            made = self.instrument.picture(picture)
            if self.stems:
                self.stems.give(made)
        while self.samples < seconds * self.rate:
            block = self.instrument.block().copy()
            self.blocks.append((block, self.samples / self.rate))
            if self.stems:
                self.stems.block()
            self.samples += len(block)

    def heard(self) -> tuple[NDArray[np.float32], float] | None:
        """New sound for the stage's taps and shaders; None when there is no more."""
        return self.blocks.pop(0) if self.blocks else None


class OfflineStage:
    """The real stage in virtual time: each frame is 1 / fps later than the last."""

    def __init__(self, stage: Stage, sound: OfflineSound, doors: Score, frames: int, fps: float):
        self.stage, self.sound, self.doors, self.frames, self.fps = stage, sound, doors, frames, fps
        self.shown = 0
        self._said = 0.0

    @property
    def open(self) -> bool:
        return self.shown < self.frames

    @property
    def time(self) -> float:
        return (self.shown + 1) / self.fps

    def hear(self, message: Message) -> None:
        if isinstance(message, Set):
            self.stage.receive(message)

    def show(self, layer: Layer, at: float) -> None:
        self.sound.play_until(at)
        self.stage.show(layer, self.shown / self.fps)
        self.shown += 1
        self.doors.time = self.time
        if sys.stderr.isatty() and time.monotonic() - self._said > 0.5:
            self._said = time.monotonic()
            print(f"\r\033[K  {self.shown / self.fps:6.1f} s of {self.frames / self.fps:.1f}", end="", file=sys.stderr)


def play(
    show: Plan, out: Path, stems: Path | None = None, score: Iterable[Message] = (), leaving: Rendered | None = None
) -> tuple[Fingerprint, OfflineSound, OfflineMind]:
    """Render one show into `out`. Returns what was seen, heard and dreamt, for whoever wants to measure it."""
    fps, size = show.fps or FPS, show.size if show.size[0] else SIZE
    programme = Programme(cast_of(show), show.start, show.hold, show.seed)
    programme.others = nodes(show.sound)
    check_settings(show.settings, programme.directory().nodes)
    mind = OfflineMind(Mind(show.mind, progress=_say))
    sound = OfflineSound(replace(show.sound, seed=show.seed, offset=0.0), mind, stems is not None)
    fingerprint = Fingerprint()
    film = Still(out) if out.suffix in STILLS else Recorder(out, size, fps, show.sound.rate, patient=True)
    taps: list[Tap] = [fingerprint, film, *([leaving.tap(lambda: mind.state)] if leaving else [])]
    day = time.gmtime(43_200)  # noon, for log(DATE.w) is nothing at midnight; shaders that ask for the date get the same one every time
    stage = Stage(size, None, taps, mind, sound.heard, fps, live=False, date=lambda: day, flashes=show.flashes)
    played = Score([*show.settings, *show.said(), *score])
    doors = Performer(played, show.presets, lambda: played.time)
    offline = OfflineStage(stage, sound, played, round(show.seconds * fps), fps)
    perform(programme, Clock(TICK_HZ, lambda: offline.time), doors, Seen(mind, stage), sound, offline)
    stage.close()
    mind.mind.close()
    if film.trouble:
        raise CannotPlay(f"{out} is not whole: {film.trouble}")
    written = sound.stems.write(stems, out.stem) if stems and sound.stems else []
    if leaving:
        leaving.sign(out, *written)
    return fingerprint, sound, mind


def render(options: argparse.Namespace, machine: Machine) -> int:
    """The command `hypermnesia render`. A fresh memory is painted for each render: a used one would not be the same."""
    with tempfile.TemporaryDirectory(prefix="hypermnesia-render-") as fresh:
        leaving = Rendered((options.home or home()) / "origin", machine, options.model or machine.mind.model, passing=not options.home)
        options.home = options.home or Path(fresh)
        options.sound = "null"
        score = read(options.score) if options.score else []
        started = time.monotonic()
        fingerprint, sound, mind = play(plan(options, machine), options.out, options.stems, score, leaving)
    seconds = time.monotonic() - started
    print(f"\r\033[K{options.out}" if sys.stderr.isatty() else str(options.out), file=sys.stderr)
    print(f"frames   {len(fingerprint.frames)}, {mind.serial} pictures, {sound.grains} grains, in {seconds:.0f} s")
    print(f"sha256   {fingerprint.whole}")
    return 0


def _say(what: str, done: float) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K  {what} {100 * done:3.0f} %", end="", file=sys.stderr, flush=True)
