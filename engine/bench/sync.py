"""Flash and click: how far apart light and sound of the same instant are, with every room running.

A flash is asked for on the frame nearest to an instant, a click on the sample nearest to it. Both are found again where
they leave the engine: the flash in the frames that taps get, with their times, the click in the samples, at the times
at which they leave the DAC. What a projector or an amplifier adds is calibrated on site.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.bench.clicks import Sync, sync
from engine.core.clock import Clock, Now
from engine.core.messages import Dream, Grain, Message, News, Set, State
from engine.loop import Show, Values
from engine.sound.nodes import NODES
from engine.sound.sources import IMPULSE
from engine.stage.layer import Layer

if TYPE_CHECKING:
    from engine.house.house import House

REVERB = "/hm/sound/reverb"
EVERY = 0.45  # seconds between two flashes
AHEAD = 0.25  # seconds that an instant is announced before it comes
LOUD = 0.012  # half of what one click leaves after the room and the limiter


class Timed(Protocol):
    """Anything whose time the beacon can read: the loop's clock."""

    @property
    def time(self) -> float: ...


class BeaconShow:
    """A show as it is, but for its sound, and with a white frame every now and then. Loop thread only."""

    def __init__(self, show: Show, clock: Timed, period: float):
        self.show, self.clock, self.period = show, clock, period
        self.instants: list[float] = []  # scene seconds at which flash and click should come
        self._clicks: list[Grain] = []
        self._due: float | None = None

    def draw(self, now: Now) -> Layer:
        time = self.clock.time
        flash = self._due is not None and time >= self._due - 0.5 * self.period
        if flash:
            self._due = None
        elif self._due is None and (not self.instants or time > self.instants[-1] + EVERY - AHEAD):
            self._due = time + round(AHEAD / self.period) * self.period
            self.instants.append(self._due)
            self._clicks.append(Grain(self._due, IMPULSE, 0.0, 0.01, gain=0.9, envelope="flat"))
        layer: Layer = self.show.draw(now).flash(now=flash, alone=False)
        return layer

    def sound(self, now: Now) -> Iterable[Grain]:
        clicks, self._clicks = self._clicks, []
        return clicks

    def receive(self, message: Message, now: Now) -> None:
        self.show.receive(message, now)

    def update(self, now: Now, state: State) -> None:
        self.show.update(now, state)

    def dream(self, now: Now) -> Dream:
        return self.show.dream(now)

    def learn(self, news: News) -> None:
        self.show.learn(news)

    def values(self) -> Values:
        return self.show.values()


class Witness:
    """A tap that notes when it sees white and when it hears a click."""

    def __init__(self, rate: int):
        self.rate, self.lost = rate, 0
        self.flashes: list[float] = []
        self.clicks: list[float] = []

    def offer(self, frame: NDArray[np.uint8], at: float) -> None:
        if frame[::8, ::8, :3].mean() > 230:
            self.flashes.append(at)

    def hear(self, samples: NDArray[np.float32], at: float) -> None:
        loud = np.flatnonzero(np.abs(samples).max(axis=1) > LOUD)
        if len(loud):
            when = at + loud[0] / self.rate
            if not self.clicks or when - self.clicks[-1] > 0.1:
                self.clicks.append(when)

    def close(self) -> None:
        """Nothing is open."""


class Beacon:
    """Measures a live house: all rooms go on, the sound is clicks alone for a while."""

    def __init__(self, house: House):
        self.house = house

    def measure(self, seconds: float) -> Sync:
        house = self.house
        witness = Witness(house.plan.sound.rate)
        house.stage.taps.append(witness)
        shows: list[BeaconShow] = []
        reverb = next(node.value for node in NODES if node.address == REVERB)
        house.sound.hear(Set(REVERB, (0.0,)))  # what rings on would be taken for a click

        def show(clock: Clock) -> Show:
            shows.append(BeaconShow(house.programme, clock, 1.0 / house.stage.fps))
            return shows[0]

        house.perform(show, seconds)
        house.stage.taps.remove(witness)
        house.sound.hear(Set(REVERB, reverb))
        flashes = [t for t in witness.flashes if t > 4.0]  # by then what sounded before has died away
        return sync(np.array(flashes), np.array(witness.clicks))

