"""Looks at every frame that the wall shows: adds up whose it is, and now and then keeps a mark of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import State
from engine.origin.marks import Marks


class Witness:
    """A Tap (`engine/stage/outputs/tap.py`) of its own. GL thread only; a frame costs microseconds, one that is marked 1 ms.

    `see` hears the state of every frame. `every`: seconds between two looks; a mark is kept where the wall is no longer
    what the last mark would find.
    """

    def __init__(self, state: Callable[[], State], see: Callable[[State], None], marks: Marks | None = None, every: float = 2.0):
        self.lost = 0
        self._state, self._see, self._marks, self._every = state, see, marks, every
        self._due = 0.0

    def offer(self, frame: NDArray[np.uint8], at: float) -> None:
        state = self._state()
        self._see(state)
        if self._marks and at >= self._due and state.picture:
            self._due = at + self._every
            self._marks.look(frame, state)

    def hear(self, samples: NDArray[np.float32], at: float) -> None:
        """Sound has no mark."""

    def close(self) -> None:
        if self._marks:
            self._marks.close()
