"""The whole engine on one page: `perform` plays it, `rehearse` tries it in the dark, render.py plays it offline."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from engine.core.clock import Clock, Now
from engine.core.messages import Dream, Grain, Message, News, State, Value
from engine.stage.layer import Layer

Values = dict[str, tuple[Value, ...]]


class Show(Protocol):
    """A scene, or the programme that chooses among them."""

    def receive(self, message: Message, now: Now) -> None: ...
    def update(self, now: Now, state: State) -> None: ...
    def dream(self, now: Now) -> Dream: ...
    def sound(self, now: Now) -> Iterable[Grain]: ...
    def draw(self, now: Now) -> Layer: ...
    def learn(self, news: News) -> None: ...
    def values(self) -> Values: ...


class Doors(Protocol):
    """What people do, in order, and whom answers go to. `drain` and `tell` never wait."""

    def drain(self) -> Iterable[Message]: ...
    def tell(self, news: Iterable[News], values: Callable[[], Values]) -> None: ...


class Mind(Protocol):
    """Who dreams: `request` replaces the last request, `state` is of the newest picture, `news` is given once. Never waits."""

    @property
    def state(self) -> State: ...
    def hear(self, message: Message) -> None: ...
    def request(self, dream: Dream, now: Now) -> None: ...
    def news(self) -> Iterable[News]: ...


class Sound(Protocol):
    """Who plays grains at the scene seconds that they are stamped with. Never waits."""

    def hear(self, message: Message) -> None: ...
    def schedule(self, grains: Iterable[Grain]) -> None: ...
    def news(self) -> Iterable[News]: ...


class Stage(Protocol):
    """Who shows a layer `at` a scene second; `show` alone may wait, for the display."""

    @property
    def open(self) -> bool: ...
    def hear(self, message: Message) -> None: ...
    def show(self, layer: Layer, at: float) -> None: ...


def perform(show: Show, clock: Clock, doors: Doors, mind: Mind, sound: Sound, stage: Stage) -> None:
    """Play until the stage closes.

    Everything flows one way: words -> scene -> pictures, grains, light. Only this thread touches the scene and
    OpenGL. Nothing here waits but show(), for the display.
    """
    now = clock.start()
    while stage.open:
        for now in clock.due():  # fixed ticks, paced by the sound card
            for message in doors.drain():  # 1. listen
                show.receive(message, now)
                for room in (mind, sound, stage):
                    room.hear(message)
            show.update(now, mind.state)  # 2. change
            mind.request(show.dream(now), now)  # 3. imagine: the newest request wins
            sound.schedule(show.sound(now))  # 4. sound: stamped, a little ahead
        stage.show(show.draw(now), at=clock.time)  # 5. show, and wait for the display
        news = (*mind.news(), *sound.news())  # 6. answer: what was stored, borrowed, found, what went wrong
        for item in news:
            show.learn(item)
        doors.tell(news, show.values)


def rehearse(show: Show, seconds: float = 2.0, messages: Iterable[Message] = (), state: State | None = None) -> NullStage:
    """Play a show in the dark with small stand-ins, in milliseconds; raises what it would raise on stage.

    state: what the mind has measured, all the while; None = it has made no picture yet.
    """
    stage = NullStage(int(seconds * 60))
    clock = Clock(60, lambda: stage.time)
    perform(show, clock, ScriptedDoors(messages), NullMind(state), stage, stage)
    return stage


class ScriptedDoors:
    """Doors behind which somebody says just what the rehearsal wants to hear."""

    def __init__(self, messages: Iterable[Message] = ()):
        self.messages = list(messages)
        self.told: list[News] = []

    def drain(self) -> list[Message]:
        said, self.messages = self.messages, []
        return said

    def tell(self, news: Iterable[News], values: Callable[[], Values]) -> None:
        self.told.extend(news)


class NullMind:
    """A mind that hears everything and makes no picture."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()
        self.asked: list[Dream] = []

    def hear(self, message: Message) -> None:
        pass

    def request(self, dream: Dream, now: Now) -> None:
        self.asked.append(dream)

    def news(self) -> tuple[News, ...]:
        return ()


class NullStage:
    """A stage and a sound room in one that keep what they are given; 1/60 s passes with each frame."""

    def __init__(self, frames: int):
        self.frames, self.time = frames, 0.0
        self.shown: list[Layer] = []
        self.grains: list[Grain] = []

    @property
    def open(self) -> bool:
        return len(self.shown) < self.frames

    def hear(self, message: Message) -> None:
        pass

    def schedule(self, grains: Iterable[Grain]) -> None:
        self.grains.extend(grains)

    def news(self) -> tuple[News, ...]:
        return ()

    def show(self, layer: Layer, at: float) -> None:
        self.shown.append(layer)
        self.time += 1 / 60
