"""The rooms as `perform` calls them, guarded: what fails in one call is said once and counted, and the tick goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from engine.core.clock import Now
from engine.core.guard import FAULTS, Guard
from engine.core.messages import Dream, Grain, Message, News, State, Value
from engine.loop import Doors, Mind, Sound

T = TypeVar("T")


class ShieldedDoors:
    """Doors whose mistakes cost a message or an answer. Loop thread only."""

    def __init__(self, doors: Doors, guard: Guard):
        self.doors, self.guard = doors, guard

    def drain(self) -> Iterator[Message]:
        yield from _all(self.doors.drain, "listening", self.guard)

    def tell(self, news: Iterable[News], values: Callable[[], dict[str, tuple[Value, ...]]]) -> None:
        self.guard.run("telling", self.doors.tell, news, values, otherwise=None)


class ShieldedMind:
    """A mind whose mistakes cost a letter. Loop thread only."""

    def __init__(self, mind: Mind, guard: Guard):
        self.mind, self.guard = mind, guard
        self._state = State()

    @property
    def state(self) -> State:
        self._state = self.guard.run("the mind's state", lambda: self.mind.state, otherwise=self._state)
        return self._state

    def hear(self, message: Message) -> None:
        self.guard.run("passing on to the mind", self.mind.hear, message, otherwise=None)

    def request(self, dream: Dream, now: Now) -> None:
        self.guard.run("asking for a picture", self.mind.request, dream, now, otherwise=None)

    def news(self) -> Iterator[News]:
        yield from _all(self.mind.news, "the mind's news", self.guard)


class ShieldedSound:
    """A sound room whose mistakes cost grains. Loop thread only."""

    def __init__(self, sound: Sound, guard: Guard):
        self.sound, self.guard = sound, guard

    def hear(self, message: Message) -> None:
        self.guard.run("passing on to the sound", self.sound.hear, message, otherwise=None)

    def schedule(self, grains: Iterable[Grain]) -> None:
        self.guard.run("stamping grains", self.sound.schedule, grains, otherwise=None)

    def news(self) -> Iterator[News]:
        yield from _all(self.sound.news, "the sound's news", self.guard)


def _all(give: Callable[[], Iterable[T]], doing: str, guard: Guard) -> Iterator[T]:
    """Everything that comes until something fails."""
    try:
        yield from give()
    except FAULTS as wrong:
        guard.note(doing, wrong)
