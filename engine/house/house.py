"""The house, live: makes the rooms, wakes them, plays, and puts everything away again."""

from __future__ import annotations

import functools
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from engine.core.clock import Clock, Now
from engine.core.errors import CannotPlay
from engine.core.guard import Guard
from engine.core.messages import Directory, Dream, Set, State, Trouble
from engine.core.meter import Meter
from engine.core.milestones import passed
from engine.core.supervisor import MIND_NICE, Room, Supervisor, dismiss
from engine.house.checks import check_ports, check_settings, put_aside
from engine.house.day import DARK, Counted, Day, Glance
from engine.house.deputy import Deputy
from engine.house.journal import Entry, Fallen, Journal, as_it_was, left_by, stopped_once
from engine.house.lasting import Lasting
from engine.house.leaving import Leaving
from engine.house.line import Line
from engine.house.opening import Opening, released
from engine.house.plan import FPS, Plan, cast_of, window_of
from engine.house.progress import progress, say
from engine.house.rooms import DoorsRoom, MindRoom, PlacesRoom, SoundRoom
from engine.house.shield import ShieldedDoors, ShieldedMind, ShieldedSound
from engine.house.vitals import Vitals
from engine.house.wall import Seen, Wall, Watchers
from engine.loop import Show, Values, perform
from engine.mind.memory.afar import look
from engine.mind.memory.copies import playing
from engine.mind.memory.opening import Found
from engine.places.options import DOORS, SOUND, Lines
from engine.show import beat
from engine.show.directory import mapping_nodes
from engine.show.kept import kept, restore
from engine.show.performer import Performer
from engine.show.presets import Book
from engine.show.programme import Programme
from engine.sound.nodes import nodes
from engine.stage.governor import choose_size
from engine.stage.mapping import load as load_mapping
from engine.stage.outputs.extras import output
from engine.stage.outputs.live import Live
from engine.stage.stage import Stage

log = logging.getLogger("engine.house.house")

TICK_HZ = 60.0
BEATING = {"mind": ("ears", "thought", "stream"), "sound": ("sound", "block", "weaver"), "doors": ("doors",), "places": ("places",)}  # threads
STARTING, REHEARSING, WAKING, ENDING = 60.0, 20.0, 20.0, 30.0  # seconds that the loop may show nothing


class House:
    """All rooms of a live show. A context manager: what it opens, it closes, in the reverse order.

    `lasting` is what outlasts this process, if somebody keeps it. `fallen`: how the loop before this one ended, if it did
    so against its will: this one goes on from there.
    """

    def __init__(self, plan: Plan, lasting: Lasting | None = None, fallen: Fallen | None = None):
        self.plan, self.fallen = plan, fallen
        self.lent = lasting is not None
        self.lasting = lasting or Lasting(plan.sound.rate)
        self.pulses = self.lasting.pulses
        self.parent = os.getppid()
        self.meter = Meter()
        self.stack = ExitStack()
        self.ended = self.finished = False  # told to end; ended in order
        self.lit = False  # a frame that is not dark was shown
        self.journal: Journal | None = None
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
        if not self.lent:
            self.stack.callback(self.lasting.close)
        self.pulses.beat("loop", STARTING)
        entry = left_by(self.plan, self.fallen) if self.lent else {}
        if self.fallen and entry:
            self.plan = as_it_was(self.plan, entry)
        self.desk = str(entry.get("desk", ""))  # where it was before a fall: the doors are not open yet
        plan = self.plan
        if not self.fallen and DOORS not in plan.away:  # the doors that fell with the loop may be a moment about it; the next ones come later
            check_ports(plan.doors, self.lasting.port)
        self.stack.enter_context(playing(plan.mind.archive, 3.0 if self.fallen else 0.0))
        self.memory = Found() if self.fallen else look(plan.mind.archive, plan.mind.server, plan.mind.site)  # syncing a busy disk takes half a second; the mind looks, too
        passed("loop", "looked at the memory")
        pulse = beat.find(plan.beat)
        self.stack.callback(pulse.close)
        fps = plan.fps or FPS
        size = plan.size if plan.size[0] else choose_size(fps)  # before the rooms start: they would be measured too
        passed("loop", "chosen a size")
        self.hung = stopped_once(plan, entry, self.fallen, self.pulses.get("version"))
        cast = cast_of(plan, tell=self.troubles.append, keep=plan.keep, hung=frozenset(self.hung), enter=self._enter,
                       played=entry.get("versions") if self.fallen else None)  # fmt: skip  # they were rehearsed before the fall
        self.stack.callback(cast.close)
        passed("loop", "rehearsed the scenes")
        self.programme = Programme(cast, plan.start, plan.hold, plan.seed, live=True)
        self.programme.others = nodes(plan.sound)
        on_the_wall = [setting for setting in plan.settings if setting.address.startswith("/hm/mapping/")]
        check_settings((s for s in plan.settings if s not in on_the_wall), self.programme.directory().nodes)
        names, pictures, page = self.lasting.names, self.lasting.pictures, self.lasting.page
        pictures.retract()
        self.live = Live(names.live, self.guard)
        self.stack.callback(self.live.close)
        arguments = {
            "mind": (names.pictures, plan.mind, None, names.pulses),
            "sound": (names.pictures, names.grains, names.keys, names.page, names.samples, plan.sound, names.pulses),
            "doors": (plan.doors, self.live.address, names.pulses, names.keys, names.udp),
        }
        lines = {name: Line() for name in plan.away}

        def reached() -> tuple[object, ...]:  # for each start of the room that reaches other machines
            ends = {name: line.end() for name, line in lines.items()}
            return names.pictures, plan.elsewhere, names.pulses, Lines(names.grains, names.keys, names.page, names.samples, ends)

        here = [name for name in (DOORS, SOUND) if name not in lines] + ["mind"] * plan.dreams_here + ["places"] * bool(plan.elsewhere)
        rooms = {
            name: Room(name, f"engine.{name}.room:serve", reached if name == "places" else functools.partial(arguments.__getitem__, name), MIND_NICE if name == "mind" else 0,
                       BEATING[name], self.pulses)
            for name in here
        }  # fmt: skip
        doors, sound, mind = lines.get(DOORS) or rooms[DOORS], lines.get(SOUND) or rooms[SOUND], rooms["mind" if plan.dreams_here else "places"]
        self.supervisor = Supervisor(list(rooms.values()), self.guard)
        if not self.fallen:  # they load while the stage prepares; where the wall is dark it comes first
            self.stack.enter_context(self.supervisor)
            dismiss()  # a mind that began early, where others dream for this house
            passed("loop", "started the rooms")
        self.mind = MindRoom(mind, pictures)
        self.places = PlacesRoom(rooms["places"], None if plan.dreams_here else self.mind) if plan.elsewhere else None
        self.sound = SoundRoom(sound, self.lasting.grains, page, self.lasting.samples)
        self.doors = DoorsRoom(doors, self._directory, self._directory_serial, lambda: self.vitals.health(), self._measured)
        if names.udp and isinstance(doors, Room):
            self.supervisor.also.append(Deputy(names.udp, plan.doors, doors, self.pulses, self.doors.inject, self.guard).look)
        self.beat = beat.OnTheBeat(self.doors, pulse)
        self.spoilt = [said for said in (put_aside(plan.presets, Book.read), put_aside(plan.mapping, load_mapping)) if said]
        self.performer = Performer(self.beat, plan.presets)
        self.opening = Opening(self.performer, plan.hours, known=released())
        self.day = Day(plan.journal.parent, self.guard, plan.hours.zone, Path(__file__).resolve().parents[2].name) if plan.journal and self.lent else None
        self.page = page
        self.leaving = Leaving(plan.origin, plan.machine, plan.mind.model, plan.record)
        self.stack.callback(self.leaving.close)
        self.recording = self.leaving.recording
        besides = [output(kind, plan.doors.name, size, fps, plan.sound.rate) for kind in plan.machine.stage.outputs]
        taps = [Watchers(self.live, self.recording, size, fps, plan.sound.rate), self.leaving.tap(self._on_the_wall), *besides]
        if self.day:
            self.stack.callback(self.day.close)
            taps.append(Glance(self.day, self._on_the_wall))
        self.stage = Stage(size, window_of(plan), taps, self.mind, self.sound.heard, fps, mapping=plan.mapping, flashes=plan.flashes)
        self.stage.between.upload.ring = pictures
        self.vitals = Vitals(plan, self.meter, self.page, self.supervisor, self.mind, self.sound, self.stage, self.programme, self.leaving, self.opening,
                             self.memory, self.spoilt, besides, self.places)  # fmt: skip
        self.stack.callback(self.stage.close)
        passed("loop", "a stage")
        self.stage.prepare(self.programme.layers(), self._prepared, all_verbs=not self.fallen)
        passed("loop", "prepared its shaders")
        self.programme.others = (*nodes(plan.sound), *mapping_nodes(self.stage.walls.mappings))
        self.programme.turned += 1
        check_settings(on_the_wall, self.programme.directory().nodes)
        self._go_on(entry)
        if self.fallen:
            self.stack.enter_context(self.supervisor)

    def _enter(self, name: str, version: float) -> None:
        """A hook of this scene runs from here on: if it never ends, it is known whose it was, and in which version."""
        self.pulses.put("version", version)
        self.pulses.put("inside", 1.0 + self.plan.names.index(name) if name else 0.0)
        if not self.meter.started:  # it is loaded and rehearsed
            self.pulses.beat("loop", REHEARSING if name else STARTING)

    def _go_on(self, entry: Entry) -> None:
        """From where the last loop was."""
        if entry and entry.get("asked") == self.plan.start:
            self.guard.run("the journal", restore, self.programme, entry, otherwise=None)
            self.doors.inject(*(Set(address, tuple(value)) for address, value in entry.get("sound", {}).items()))
            self.performer.preset, self.performer.cue = str(entry.get("preset", "")), int(entry.get("cue", 0))
            self.performer.begun = True
            self.opening.obey(str(entry.get("hours", self.opening.hand)))
        if self.fallen:
            if shown := self.lasting.pictures.newest():
                self.meter.answered(shown.state.asked)
            self.programme.blackout = bool(self.pulses.get("blackout"))
            if self.day:
                self.day.fell(self.fallen.why)
            self.troubles.append(Trouble("loop", f"{self.fallen.why}; it was started anew and goes on from there"))
        self.pulses.put("blackout", float(self.programme.blackout))
        if self.programme.blackout:
            self.doors.inject(Set("/hm/blackout", (True,)))  # the sound is silent, too
        if self.plan.journal and self.lent:
            self.journal = Journal(self.plan.journal, self.guard)
            self.stack.callback(self._close_journal, self.journal)

    def _close_journal(self, journal: Journal) -> None:
        journal.close(self.guard.run("the last entry", self._entry, otherwise=None))

    def _entry(self) -> Entry:
        """What the next loop should know."""
        size, opened = self.stage.size, self.doors.opened
        return kept(self.programme) | {
            "asked": self.plan.start, "ended": self.finished, "hung": sorted(self.hung), "size": list(size), "fps": self.stage.fps,
            "web": opened.web if opened else 0, "desk": opened.pages[-1] if opened and opened.pages else self.desk, "preset": self.performer.preset, "cue": self.performer.cue, "hours": self.opening.hand,
        }  # fmt: skip

    def _shown(self) -> None:
        """A frame was shown."""
        self.pulses.beat("loop")
        if not self.lit and self.stage.eyes.light > DARK:
            self.lit = True
            passed("loop", "light")
        self.pulses.put("light", self.stage.eyes.light)
        self.guard.run("the hours", self._keep_hours, otherwise=None)
        if self.day:
            wanted = self.opening.level > 0.5 and not (self.programme.blackout or self.programme.vetoed)
            self.day.level = self.opening.level
            self.guard.run("the day's account", self.day.step, self.stage.eyes.light, wanted, self.vitals.look_back, otherwise=None)
        self.pulses.put("frames", self.pulses.get("frames") + 1.0)
        if self.journal and time.monotonic() >= self.journal.due:
            self.journal.put(self._entry())

    def _keep_hours(self) -> None:
        """Light, sound and thought as the hours want them, from the next frame on."""
        rested = self.stage.dimmed == 0.0
        self.stage.dimmed = level = self.opening.light()
        self.sound.level(level)
        self.mind.rest(self.opening.resting)
        if rested or self.opening.resting:
            self.meter.pause()

    def wake(self, patience: float = 600.0) -> None:
        """Wait, saying what is going on, until the mind has made its first picture. Raises CannotPlay."""
        started, said = time.monotonic(), ""
        while self.mind.newest() is None and not self.ended:
            self.pulses.beat("loop", WAKING)
            if self._orphaned:
                self.ended = True
            now = Now(0, time.monotonic() - started, 0.0)
            self.mind.request(Dream("", seed=self.plan.seed), now)
            for message in self.opening.drain():  # the doors are open already: what is said now is kept
                self.programme.receive(message, now)
                for room in (self.mind, self.sound):
                    room.hear(message)
            news = tuple(self.mind.news())
            self.opening.tell(news, self.programme.values)
            for letter in news:
                if isinstance(letter, Trouble):
                    said = say(f"  {letter.what}", said)
            if loading := self.mind.loading:
                said = progress(loading.what, loading.done, said)
            if self.mind.room.restarts >= 2 or (self.plan.dreams_here and time.monotonic() - started > patience):
                raise CannotPlay("the mind does not wake up; its last words are above. hypermnesia doctor says more")
            time.sleep(0.05)
        passed("loop", "a picture of the mind's")
        if said:
            print(file=sys.stderr)

    def _prepared(self, what: str, done: float) -> None:
        """Shaders take a second or two; only a terminal wants to see them go by."""
        self.pulses.beat("loop", STARTING)
        if sys.stderr.isatty():
            progress(f"preparing {what}", done)

    def play(self) -> None:
        """Perform until the time is up, the window is closed or somebody stops us."""
        self.meter.started = now = time.monotonic()
        played = self.fallen.played if self.fallen else 0.0
        settings = () if self.programme.said.words or self.fallen else self.plan.settings
        self.doors.inject(*settings, *(text for text in self.plan.said(now - played) if text.at >= now))
        self.perform(lambda clock: self.programme, max(0.01, self.plan.seconds - played) if self.plan.seconds else 0.0)
        self.finished = True
        self.pulses.beat("loop", ENDING)

    def perform(self, show: Callable[[Clock], Show], seconds: float = 0.0) -> None:
        """Play what `show` makes for the loop's clock, in these rooms, for so many seconds (0 = until stopped)."""
        clock = Clock(TICK_HZ, self.sound.seconds)
        self.sound.clock = clock

        def over() -> bool:
            return self.ended or self._orphaned or bool(seconds and clock.time >= seconds)

        doors, guard = ShieldedDoors(Counted(self.opening, self.day) if self.day else self.opening, self.guard), self.guard
        mind, sound = ShieldedMind(Seen(self.mind, self.stage, self.troubles, self.places), guard), ShieldedSound(self.sound, guard)
        perform(show(clock), clock, doors, mind, sound, Wall(self.stage, self.mind, self.meter, over, guard, self._shown, self.places))

    @property
    def _orphaned(self) -> bool:
        """Whether the process that watches this one is gone: nobody would end it."""
        return os.getppid() != self.parent

    def _directory(self) -> Directory:
        return Directory((*self.programme.directory().nodes, *self.performer.nodes(), *self.opening.nodes(), *self.beat.nodes(), *self.stage.eyes.nodes()))

    def _measured(self) -> Values:
        return {node.address: node.value for node in self.stage.eyes.nodes()}

    def _on_the_wall(self) -> State:
        """Of the picture that the stage took in last."""
        return self.stage.picture.state if self.stage.picture else State()

    def _directory_serial(self) -> int:
        return self.programme.directory_serial + self.performer.serial

