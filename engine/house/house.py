"""The house, live: makes the rooms, wakes them, plays, and puts everything away again."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Self

from engine.core.clock import Clock, Now
from engine.core.crossings import ClockPage, GrainRing, KeyRing, PictureRing
from engine.core.errors import CannotPlay
from engine.core.guard import FAULTS, Guard
from engine.core.machine import Machine
from engine.core.messages import Directory, Dream, Health, Trouble
from engine.core.meter import Meter
from engine.core.pulse import Pulses
from engine.core.supervisor import Room, Supervisor
from engine.house.plan import Plan, cast_of, check_ports, check_settings, plan, window_of
from engine.house.rooms import DoorsRoom, MindRoom, SoundRoom
from engine.house.shield import ShieldedDoors, ShieldedMind, ShieldedSound
from engine.house.wall import Seen, Wall, Watchers
from engine.loop import Show, Values, perform
from engine.mind.memory.copies import playing
from engine.mind.memory.opening import look
from engine.show import beat
from engine.show.directory import mapping_nodes
from engine.show.performer import Performer
from engine.show.presets import Book
from engine.show.programme import Programme
from engine.sound.lateness import CAUSES
from engine.sound.nodes import nodes
from engine.sound.tap import SampleRing
from engine.stage.governor import choose_size
from engine.stage.mapping import load as load_mapping
from engine.stage.outputs.live import Live
from engine.stage.outputs.recording import Recording
from engine.stage.stage import Stage

log = logging.getLogger("engine.house.house")

TICK_HZ = 60.0
MIND, SOUND, DOORS = ("ears", "thought", "stream"), ("sound", "block", "weaver"), ("doors",)  # threads that beat
AUDIO = (
    "real", "underruns", *CAUSES, "grains", "late", "behind", "lost", "faults", "level", "peak", "load", "latency",
)  # fmt: skip
FPS = 30.0  # what two cores draw beside everything else; a GPU is asked for more in machine.toml


class House:
    """All rooms of a live show. A context manager: what it opens, it closes, in the reverse order."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.meter = Meter()
        self.stack = ExitStack()
        self.ended = False
        self.troubles: deque[Trouble] = deque(maxlen=256)  # of this process, told with the news
        self.guard = Guard("loop", self.troubles.append)

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def _open(self) -> None:
        plan = self.plan
        check_ports(plan.doors)
        self.stack.enter_context(playing(plan.mind.archive))
        self.memory = look(plan.mind.archive)
        pulse = beat.find(plan.beat)
        self.stack.callback(pulse.close)
        fps = plan.fps or FPS
        size = plan.size if plan.size[0] else choose_size(fps)  # before the rooms start: they would be measured too
        cast = cast_of(plan, tell=self.troubles.append, keep=plan.keep)
        self.stack.callback(cast.close)
        self.programme = Programme(cast, plan.start, plan.hold, plan.seed, live=True)
        self.programme.others = nodes(plan.sound)
        on_the_wall = [setting for setting in plan.settings if setting.address.startswith("/hm/mapping/")]
        check_settings((s for s in plan.settings if s not in on_the_wall), self.programme.directory().nodes)
        self.pulses = Pulses()
        self.stack.callback(self.pulses.close)
        pictures, grains, keys, page = PictureRing(), GrainRing(), KeyRing(512), ClockPage()
        samples = SampleRing(rate=plan.sound.rate)
        for shared in (pictures, grains, keys, page, samples):
            self.stack.callback(shared.close)
        self.live = Live(guard=self.guard)
        self.stack.callback(self.live.close)
        page_of = self.pulses.name
        mind = Room("mind", "engine.mind.room:serve", lambda: (pictures.name, plan.mind, None, page_of), 10, MIND, self.pulses)
        names = (pictures.name, grains.name, keys.name, page.name, samples.name)
        sound = Room("sound", "engine.sound.room:serve", lambda: (*names, plan.sound, page_of), 0, SOUND, self.pulses)
        opening = lambda: (plan.doors, self.live.address, page_of, keys.name)  # noqa: E731
        doors = Room("doors", "engine.doors.room:serve", opening, 0, DOORS, self.pulses)
        self.supervisor = self.stack.enter_context(Supervisor([mind, sound, doors], self.guard))
        self.mind = MindRoom(mind, pictures)
        self.sound = SoundRoom(sound, grains, page, samples)
        self.doors = DoorsRoom(doors, self._directory, self._directory_serial, self.health, self._measured)
        self.beat = beat.OnTheBeat(self.doors, pulse)
        self.spoilt = [said for said in (put_aside(plan.presets, Book.read), put_aside(plan.mapping, load_mapping)) if said]
        self.performer = Performer(self.beat, plan.presets)
        self.page = page
        facts = plan.machine.record
        self.recording = Recording(plan.record, facts.hours, int(facts.budget * 1e9)) if plan.record else None
        tap = Watchers(self.live, self.recording, size, fps, plan.sound.rate)
        self.stage = Stage(size, window_of(plan), [tap], self.mind, self.sound.heard, fps, mapping=plan.mapping, flashes=plan.flashes)
        self.stage.between.upload.ring = pictures
        self.stack.callback(self.stage.close)
        self.stage.prepare(self.programme.layers(), self._prepared)
        self.programme.others = (*nodes(plan.sound), *mapping_nodes(self.stage.walls.mappings))
        self.programme.turned += 1
        check_settings(on_the_wall, self.programme.directory().nodes)

    def wake(self, patience: float = 600.0) -> None:
        """Wait, saying what is going on, until the mind has made its first picture. Raises CannotPlay."""
        started, said = time.monotonic(), ""
        while self.mind.newest() is None and not self.ended:
            now = Now(0, time.monotonic() - started, 0.0)
            self.mind.request(Dream("", seed=self.plan.seed), now)
            for message in self.performer.drain():  # the doors are open already: what is said now is kept
                self.programme.receive(message, now)
                for room in (self.mind, self.sound):
                    room.hear(message)
            news = tuple(self.mind.news())
            self.performer.tell(news, self.programme.values)
            for letter in news:
                if isinstance(letter, Trouble):
                    said = self._say(f"  {letter.what}", said)
            if loading := self.mind.loading:
                said = self._progress(loading.what, loading.done, said)
            if self.mind.room.restarts >= 2 or time.monotonic() - started > patience:
                raise CannotPlay("the mind does not wake up; its last words are above. hypermnesia doctor says more")
            time.sleep(0.05)
        if said:
            print(file=sys.stderr)

    def _prepared(self, what: str, done: float) -> None:
        """Shaders take a second or two; only a terminal wants to see them go by."""
        if sys.stderr.isatty():
            self._progress(f"preparing {what}", done)

    def _progress(self, what: str, done: float, before: str = "") -> str:
        return self._say(f"  {what} {100 * done:3.0f} %", before)

    @staticmethod
    def _say(line: str, before: str) -> str:
        if line != before:
            end = "" if sys.stderr.isatty() else "\n"
            print(f"\r\033[K{line}" if not end else line, end=end, file=sys.stderr, flush=True)
        return line

    def play(self) -> None:
        """Perform until the time is up, the window is closed or somebody stops us."""
        self.meter.started = now = time.monotonic()
        self.doors.inject(*self.plan.settings, *self.plan.said(now))
        self.perform(lambda clock: self.programme, self.plan.seconds)

    def perform(self, show: Callable[[Clock], Show], seconds: float = 0.0) -> None:
        """Play what `show` makes for the loop's clock, in these rooms, for so many seconds (0 = until stopped)."""
        clock = Clock(TICK_HZ, self.sound.seconds)
        self.sound.clock = clock

        def over() -> bool:
            return self.ended or bool(seconds and clock.time >= seconds)

        doors, guard = ShieldedDoors(self.performer, self.guard), self.guard
        mind, sound = ShieldedMind(Seen(self.mind, self.stage, self.troubles), guard), ShieldedSound(self.sound, guard)
        perform(show(clock), clock, doors, mind, sound, Wall(self.stage, self.mind, self.meter, over, guard))

    def _directory(self) -> Directory:
        return Directory((*self.programme.directory().nodes, *self.performer.nodes(), *self.beat.nodes(), *self.stage.eyes.nodes()))

    def _measured(self) -> Values:
        return {node.address: node.value for node in self.stage.eyes.nodes()}

    def _directory_serial(self) -> int:
        return self.programme.directory_serial + self.performer.serial

    def without(self) -> list[str]:
        """What this show plays without, and why: files that cannot be played."""
        return [*self.programme.cast.broken.values(), *self.stage.broken.values(), *self.spoilt]

    def figures(self) -> dict[str, float]:
        """Everything that is measured, flat; names end in their unit."""
        page, now, made = self.page.read(), time.monotonic(), self.mind.state.made
        figures = self.meter.figures(now, self.plan.machine.contract.present or 1.0 / self.stage.fps)
        figures["picture_age_ms"] = 1e3 * (now - made) if made else 0.0
        figures["key_p95_ms"] = 1e3 * page["keys"]
        figures |= {f"stage_{k}": float(v) for k, v in self.stage.state().items() if isinstance(v, (int, float))}
        return figures | {f"audio_{k}": page[k] for k in AUDIO} | {"audio_tardy": float(self.sound.tardy)}

    def health(self) -> Health:
        """One reading of everything, for /health and /metrics."""
        page, figures = self.page.read(), self.figures()
        rooms = self.supervisor.health()
        notes = [f"{name}: {room['state']}" for name, room in rooms.items() if room["state"] != "running"]
        if page["running"] and not page["real"] and self.plan.sound.device != "null":
            notes.append("no sound card: the show runs in silence, in time; plug one in when you like")
        notes += sorted({self.mind.remembering, self.memory.how if self.memory.remembers else ""} - {""})
        if self.recording and self.recording.trouble:
            notes.append(self.recording.trouble)
        state = self.mind.state
        return Health(
            ok=not notes,
            rooms=tuple((name, room["state"]) for name, room in rooms.items()),
            figures=tuple(figures.items()),
            facts=(
                ("scene", self.programme.name),
                ("without", "; ".join(self.without()) or "nothing"),
                ("model", self.plan.mind.model),
                ("caption", state.caption),
                ("microphone", self.plan.sound.microphone or "closed"),
                ("contract", f"{state.step} {state.why}".strip()),
                ("pictures", self.stage.between.upload.how),
                ("flashes", self.stage.eyes.sentence()),
            ),
            notes=tuple(notes),
        )


def put_aside(path: Path | None, read: Callable[[Path], object]) -> str:
    """A file of this installation that cannot be read is renamed, so that nothing is written over it; says so, or ""."""
    if path is None or not path.exists():
        return ""
    try:
        read(path)
    except FAULTS as wrong:
        kept = path.with_name(f"{path.stem}.broken-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
        path.rename(kept)
        return f"{' '.join(str(wrong).split())} (kept as {kept.name})"
    return ""


@contextmanager
def stopped_by_signals(house: House) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the show in order: files are closed, texts stored."""

    def end(number: int, frame: FrameType | None) -> None:
        house.ended = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(options: argparse.Namespace, machine: Machine) -> int:
    """The command `hypermnesia run`."""
    show = plan(options, machine)
    with House(show) as house, stopped_by_signals(house):
        without = f", without: {'; '.join(house.without())}" if house.without() else ""
        memory = f"; {house.memory.how}" if house.memory.how else ""
        print(f"hypermnesia wakes up{without}{memory}", file=sys.stderr)
        house.wake()
        if opened := house.doors.opened:
            print(f"  write: {opened.pages[0] if opened.pages else ''}\n  OSC: udp {opened.osc}, tcp {opened.osc_tcp or 'closed'}", file=sys.stderr)
        house.play()
        print(summary(house), file=sys.stderr)
    return 0


def summary(house: House) -> str:
    """What the show was, in a line."""
    f, page = house.meter.figures(time.monotonic(), 1.0 / house.stage.fps), house.page.read()
    return (
        f"{f['frames']:.0f} frames, interval p50 {f['frame_p50_ms']:.1f} ms p99 {f['frame_p99_ms']:.1f} ms, largest {f['frame_max_ms']:.0f} ms; "
        f"{house.meter.pictures} pictures ({f['pictures_per_second']:.1f} a second); "
        f"words to light p50 {f['light_p50_ms'] / 1e3:.2f} s; "
        f"{page['underruns']:.0f} underruns, {page['late']:.0f} of {page['grains']:.0f} grains late; "
        f"{sum(room.restarts for room in house.supervisor.rooms)} rooms restarted"
    )


