"""The rooms as the loop sees them: each a process behind a mailbox and shared memory. Nothing here ever waits."""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.clock import AudioTime, Clock, Now
from engine.core.crossings import ClockPage, GrainRing, PictureRing
from engine.core.messages import (
    Directory,
    Dream,
    Elsewhere,
    Grain,
    Health,
    Loading,
    Message,
    News,
    Opened,
    Picture,
    Remembering,
    Rest,
    Set,
    State,
    Stored,
    Text,
    Trouble,
    Unkept,
    Value,
    Values,
    Withdraw,
    Withdrawn,
)
from engine.core.supervisor import Room
from engine.house.line import Line
from engine.sound.tap import SampleRing
from engine.stage.shown import Shown

log = logging.getLogger("engine.house.rooms")
HOUSE = "/hm/sound/house"  # how light the house is; between these two rooms, and no address of the instrument
AGAIN, AT_ONCE = 3.0, 32  # seconds after which what the mind has not answered is said again; letters in one tick


class MindRoom:
    """The mind's process: takes the newest Dream, gives the newest Picture, keeps texts until they are stored, and what is
    to be taken back until it is."""

    def __init__(self, room: Room, ring: PictureRing):
        self.room, self.ring = room, ring
        self.loading: Loading | None = None
        self.remembering = ""  # what is wrong with its memory
        self.elsewhere = Elsewhere()  # where its pictures come from, if it is on other machines
        self.picture: Picture | None = None
        self.pending: dict[str, tuple[Text | Withdraw, float]] = {}  # by key or code: what the mind has not answered, and when it is said again
        self._serial = 0
        self._starts = 0
        self._dream: Dream | None = None
        self._sent = 0.0
        self._resting = False

    @property
    def state(self) -> State:
        picture = self.newest()
        return picture.state if picture else State()

    @property
    def serial(self) -> int:
        return self.ring.serial

    def newest(self, after: int = 0) -> Picture | None:
        """The newest picture, copied out of the ring once, if its serial is greater than `after`."""
        if self.ring.serial > self._serial:
            picture = self.ring.newest(self._serial)
            if picture:
                self.picture, self._serial = picture, self.ring.serial
        return self.picture if self._serial > after else None

    def rest(self, on: bool) -> None:
        """Whether pictures are wanted at all. The loop says it with each frame; the mind hears of a change, and a new one that it may rest."""
        if on != self._resting:
            self._resting = on
            self.room.send(Rest(on))

    def hear(self, message: Message) -> None:
        """Everything people do reaches the mind: it measures how alone it is."""
        if isinstance(message, (Text, Withdraw)):
            self.pending[_name(message)] = message, time.monotonic() + AGAIN
        self.room.send(message)

    def request(self, dream: Dream, now: Now) -> None:
        """Ask for a picture. The same wish is not repeated at every tick, only now and then for a mind that came late."""
        if dream == self._dream and now.time - self._sent < 1.0:
            return
        self._dream, self._sent = dream, now.time
        self.room.send(dream)

    def news(self) -> Iterator[News]:
        """What the mind has to say. What it has not answered is said again: to a new mind at once, and now and then, for the
        post of a mind that loads holds the newest letters alone."""
        if len(self.room.starts) != self._starts:
            self._starts, self._dream = len(self.room.starts), None
            if self._resting:  # a new mind does not rest by itself
                self.room.send(Rest(True))
            self.pending = {key: (message, 0.0) for key, (message, _) in self.pending.items()}
        now = time.monotonic()
        for key in [key for key, (_, due) in self.pending.items() if now >= due][:AT_ONCE]:
            self.room.send(self.pending[key][0])
            self.pending[key] = self.pending[key][0], now + AGAIN
        for letter in self.room.drain():
            if isinstance(letter, Loading):
                self.loading = letter
                continue
            if isinstance(letter, Remembering):
                self.remembering = letter.how
                continue
            if isinstance(letter, Elsewhere):
                self.elsewhere = letter
                continue
            if isinstance(letter, Unkept) and letter.key in self.pending:  # it has it, and asks the disk itself
                self.pending[letter.key] = self.pending[letter.key][0], math.inf
            if isinstance(letter, (Stored, Withdrawn)):
                self.pending.pop(_name(letter), None)
            if isinstance(letter, Trouble):
                log.warning("%s", letter.what, extra={"room": letter.room})
            yield letter


def _name(letter: Text | Withdraw | Stored | Withdrawn) -> str:
    """What a letter and its answer have in common."""
    return f"withdraw {letter.code}" if isinstance(letter, (Withdraw, Withdrawn)) else letter.key


class PlacesRoom:
    """The process that reaches the house's other machines; `mind`: it stands in the mind's place, whose letters come by it too."""

    def __init__(self, room: Room, mind: MindRoom | None = None):
        self.room, self.mind = room, mind
        self._seen = Elsewhere()

    @property
    def seen(self) -> Elsewhere:
        """The other machines, as of the last second."""
        return self.mind.elsewhere if self.mind else self._seen

    @property
    def walls(self) -> bool:
        """Whether another wall follows this one."""
        return any("wall" in place.rooms and place.well for place in self.seen.places)

    def show(self, shown: Shown) -> None:
        """Say what the wall shows, for the others to show the same."""
        self.room.send(shown)

    def news(self) -> Iterator[News]:
        """Troubles of that room, where no mind's news come by it."""
        for letter in self.room.drain() if self.mind is None else ():
            if isinstance(letter, Elsewhere):
                self._seen = letter
            elif isinstance(letter, Trouble):
                log.warning("%s: %s", letter.room, letter.what)
                yield letter


class SoundRoom:
    """The sound's process: grains go in, stamped; its clock paces the loop."""

    def __init__(
        self,
        room: Room | Line,
        grains: GrainRing,
        page: ClockPage,
        samples: SampleRing,
        source: Callable[[], float] = time.monotonic,
    ):
        self.room, self.grains, self.page, self.samples, self.source = room, grains, page, samples, source
        self._read = 0  # samples that the taps have heard
        self.seconds = AudioTime(page.read, source)
        self.clock = Clock(source=self.seconds)  # the loop's, once it plays: where scene second 0 is
        self.tardy = 0  # grains that this loop gave too late for the sound room to keep their time
        self._lead = 0.0  # seconds before its time by which a grain must lie in the ring
        self._level = 1.0  # how light the house is
        self._turned: dict[str, Set] = {}  # by address: what was turned last, for a room that starts again
        self._starts = 0

    def hear(self, message: Message) -> None:
        """What the sound room turns by. Keys come to it from the doors, past the loop: see KeyRing."""
        if isinstance(message, Set) and (message.address.startswith("/hm/sound/") or message.address == "/hm/blackout"):
            self._turned[message.address] = message
            self.room.send(message)

    def level(self, level: float) -> None:
        """How light the house is, 0..1: what sounds follows. At 0 no grain is stamped."""
        if level != self._level and (abs(level - self._level) > 1.0 / 512.0 or level in (0.0, 1.0)):
            self._level = level
            self.hear(Set(HOUSE, (level,)))

    def schedule(self, grains: Iterable[Grain]) -> None:
        """Stamp grains in monotonic seconds and put them into the ring. Scene seconds come from the same clock."""
        for grain in grains if self._level else ():
            at = self.seconds.monotonic(self.clock.origin + grain.time)
            self.tardy += not grain.prompt and at - self.source() < self._lead
            self.grains.put(grain, at)

    def heard(self) -> tuple[NDArray[np.float32], float] | None:
        """New sound of the room (n, 2) and the scene second of its first sample; None when there is nothing new."""
        page = self.page.read()
        if page["nominal"]:
            self._lead = page["latency"] + 2.0 * page["block"] / page["nominal"]  # the block in hand, and the limiter's
        first, samples = self.samples.read(self._read or self.samples.written)
        self._read = first + len(samples)
        if not len(samples) or not page["running"]:
            return None
        leaves = page["seconds"] + (first - page["sample"]) / page["nominal"]
        return samples, self.seconds.at(leaves) - self.clock.origin

    def news(self) -> Iterator[News]:
        """What the sound room has to say: a device that is gone, or back. A room that started again is set as it was."""
        if len(self.room.starts) != self._starts:
            again, self._starts = self._starts > 0, len(self.room.starts)
            for message in self._turned.values() if again else ():
                self.room.send(message)
        for letter in self.room.drain():
            if isinstance(letter, Trouble):
                log.warning("%s", letter.what, extra={"room": letter.room})
                yield letter


def _each(letters: Iterable[Any]) -> Iterator[Any]:
    """What lies in the doors' letters: a tuple holds messages that came together and act within one tick."""
    for letter in letters:
        yield from letter if isinstance(letter, tuple) else (letter,)


class DoorsRoom:
    """The doors' process: what came in, in order; a message with a time tag waits here for its time."""

    STATE_HZ = 30.0

    def __init__(
        self,
        room: Room | Line,
        directory: Callable[[], Directory],
        serial: Callable[[], int],
        health: Callable[[], Health],
        measured: Callable[[], dict[str, tuple[Value, ...]]] = dict,
        source: Callable[[], float] = time.monotonic,
    ):
        self.room, self.health, self.source = room, health, source
        self.directory, self.serial, self.measured = directory, serial, measured
        self.late = 0  # time tags that had passed on arrival
        self._later: list[tuple[float, int, Message]] = []
        self._order = itertools.count()
        self.opened: Opened | None = None  # where the doors are
        self._serial = -1  # of the directory that the doors know
        self._values = self._health = 0.0
        self._told: dict[str, tuple[Value, ...]] = {}  # what the doors know
        self._injected: deque[Message] = deque()

    def inject(self, *messages: Message) -> None:
        """Say something as if it had come in: `--say`, a score, a test. Any thread."""
        self._injected.extend(messages)

    def drain(self) -> Iterator[Message]:
        """What has come in and is due, in order; what has a time tag of the future stays. Loop thread only; never waits."""
        now = self.source()
        arrived = [self._injected.popleft() for _ in range(len(self._injected))]
        for message in (*arrived, *_each(self.room.drain())):
            if isinstance(message, Trouble):
                log.warning("%s", message.what, extra={"room": message.room})
                self.room.send(message)  # doors that start again tell why the old ones ended
            elif isinstance(message, Opened):
                self.opened, self._serial, self._told = message, -1, {}  # new doors know nothing yet
            elif message.at > now + 0.001:
                heapq.heappush(self._later, (message.at, next(self._order), message))
            else:
                self.late += isinstance(message, Set) and message.at > 0.0
                yield message
        while self._later and self._later[0][0] <= now:
            yield heapq.heappop(self._later)[2]

    def tell(self, news: Iterable[News], values: Callable[[], dict[str, tuple[Value, ...]]]) -> None:
        """Answers at once, changed values at 30 Hz, all of them with their health each second, the directory when it has changed."""
        for item in news:
            self.room.send(item)
        now = self.source()
        if self.opened and self.serial() != self._serial:
            self._serial = self.serial()
            self.room.send(self.directory())
        if now - self._values >= 1.0 / self.STATE_HZ:
            self._values = now
            told, self._told = self._told, {**values(), **self.measured()}
            self.room.send(Values(tuple(each for each in self._told.items() if told.get(each[0]) != each[1])))
        if now - self._health >= 1.0:
            self._health, self._told = now, {}  # a letter may have been lost
            self.room.send(self.health())


