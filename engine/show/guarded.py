"""A scene whose mistakes stay its own: what it described last stands in where it fails, and at the tenth it steps aside."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from engine.core.clock import Now
from engine.core.guard import FAULTS, Guard
from engine.core.messages import Dream, Grain, Message, State, Told
from engine.show import hooks
from engine.show.scene import Scene, UnknownMessage
from engine.stage.layer import Layer, dreamed

T = TypeVar("T")
MOST = 10  # mistakes after which a scene steps aside
TICKS = 120  # of sound that are kept, to go on with


class GuardedScene:
    """The hooks of one scene, guarded. Loop thread only.

    `enter` is told the scene's name before one of its hooks runs and "" after: a hook that never ends is found by it.
    """

    def __init__(self, name: str, scene: Scene, guard: Guard, enter: Callable[[str], None]):
        self.name, self.scene, self.guard, self.enter = name, scene, guard, enter
        self.errors = 0
        self.shown = 0  # layers that were drawn without a mistake
        self._layer = dreamed
        self._dream: Dream | None = None
        self._sounded: deque[tuple[float, list[Grain]]] = deque(maxlen=TICKS)

    @property
    def aside(self) -> bool:
        return self.errors >= MOST

    def receive(self, message: Message, now: Now) -> None:
        """Raises UnknownMessage for a parameter that the scene does not have."""
        self._try("hearing", lambda: self.scene.receive(message, now), None)

    def told(self, told: Told) -> None:
        self._try("told()", lambda: self.scene.told(told), None)

    def update(self, now: Now, state: State, seed: int) -> None:
        self.scene.state, self.scene.seed = state, seed
        self._try("update()", lambda: self.scene.update(now), None)

    def dream(self, now: Now) -> Dream:
        """The picture wanted now; where the scene cannot say, the last forces under the present words."""
        found = self._try("dream()", lambda: hooks.dream(self.scene, now), None)
        if found is None:
            last = self._dream or Dream("")
            found = replace(last, words=str(self.scene.words)[: hooks.LONGEST], at=self.scene.asked, key=self.scene.saying)
        self._dream = found
        return found

    def sound(self, now: Now) -> list[Grain]:
        """The grains of this tick; where the scene cannot say, those of two seconds ago once more."""
        heard: list[Grain] = []
        if self._try("sound()", lambda: hooks.grains(self.scene, now, heard), False):
            self._sounded.append((now.time, heard))
        elif not heard and self._sounded:
            then, past = self._sounded[0]
            self._sounded.rotate(-1)
            heard = [replace(grain, time=grain.time - then + now.time) for grain in past]
        return heard

    def draw(self, now: Now) -> Layer:
        """What the wall shows; where the scene cannot say, what it showed last."""
        found = self._try("draw()", lambda: hooks.layer(self.scene, now), None)
        if found is not None:
            self._layer = found
            self.shown += 1
        return self._layer

    def wants(self) -> float:
        return self._try("wants()", lambda: hooks.wants(self.scene), 0.0)

    def _try(self, doing: str, act: Callable[[], T], otherwise: T) -> T:
        self.enter(self.name)
        try:
            return act()
        except UnknownMessage:
            raise
        except FAULTS as wrong:
            self.errors += 1
            self.guard.note(f"{self.name}.{doing}", wrong)
            return otherwise
        finally:
            self.enter("")
