"""Rivals: two who continue one picture under the same words, by turns or side by side; whom people linger on goes on.

By turns each has the picture for TURN chunks, as often as people have lingered on it: the seconds for which somebody is there
while it goes on, and some more for each touch of the wall. Side by side both go on from one picture for BOUT chunks; then the one
that was touched more goes on, and the other arrives where that one is, so that both have one picture again and begin anew.

Who the two are says `engine.mind.rivalry`: two producers, two corpora, or two models.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.core.messages import Dream, Producer
from engine.mind.carried import Source
from engine.mind.otherhand import OtherHand
from engine.mind.rows.producers import led

HOLD = (0.55, 0.9)  # what a producer's gene of feedback means in film: how much of the last picture is kept
TEMPO = (0.6, 1.5)  # and that of the pulse: how fast it moves
EVEN = 30.0  # seconds of lingering that both are given: somebody new has a chance
TURN = 3  # chunks that one goes on for, by turns: five seconds, for one has to see whose film one stays with
BOUT = 6  # chunks from one picture to the next that both have, side by side; in the last of them one of two arrives at the other's
TOUCHED = 10.0  # seconds of lingering that a touch is worth


@dataclass(frozen=True, slots=True, eq=False)
class Rival:
    """Somebody who goes on with a picture."""

    source: Source  # who makes its chunks
    id: int = 0  # as it is published; 0: nobody in particular
    name: str = ""
    lingered: float = 0.0  # seconds that people have stayed with it
    producer: Producer | None = None  # whose forces lead it
    hand: OtherHand | None = None  # who has painted what it composes of; None: the hand of this archive
    arrives: bool = False  # whether the same words are another picture to it: then its film arrives there


class Rivals:
    """Whose turn it is. The stream's thread; `stay`, `touched` and `taken` for any."""

    def __init__(self) -> None:
        self._name, self._left = "", 0  # who has the picture, and for how many chunks more
        self._next = ""  # who has it after that, once somebody has asked
        self._credit: dict[str, float] = {}
        self._stayed: dict[str, float] = {}
        self._touches: dict[str, int] = {}
        self._lock = threading.Lock()

    def turn(self, two: tuple[Rival, ...]) -> Rival:
        """Who makes the next chunk, by turns: each as often as people have lingered on it, and both in turn where that is alike."""
        names = [one.name for one in two]
        if not self._left or self._name not in names:
            self._name, self._next = self._next if self._next in names else self._drawn(two).name, ""
            self._left = TURN
        self._left -= 1
        return two[names.index(self._name)]

    def after(self, two: tuple[Rival, ...]) -> Rival:
        """Who makes the chunk after that one: it may begin to think of it."""
        names = [one.name for one in two]
        if self._left and self._name in names:
            return two[names.index(self._name)]
        if self._next not in names:
            self._next = self._drawn(two).name
        return two[names.index(self._next)]

    def goes_on(self, two: tuple[Rival, ...]) -> Rival:
        """Whose picture both go on from after a bout: whose was touched more, else whoever's turn it is by all that was lingered."""
        with self._lock:
            touches, self._touches = self._touches, {}
        first, second = (touches.get(one.name, 0) for one in two)
        return self._drawn(two) if first == second else two[first < second]

    def _drawn(self, two: tuple[Rival, ...]) -> Rival:
        worth = {one.name: EVEN + one.lingered for one in two}
        self._credit = {one: self._credit.get(one, 0.0) + part / sum(worth.values()) for one, part in worth.items()}
        drawn = max(two, key=lambda one: self._credit[one.name])
        self._credit[drawn.name] -= 1.0
        return drawn

    def stay(self, name: str, seconds: float) -> None:
        """Somebody has stayed with the film of this one for so long."""
        with self._lock:
            self._stayed[name] = self._stayed.get(name, 0.0) + seconds

    def touched(self, name: str) -> None:
        """Somebody has touched its picture."""
        self.stay(name, TOUCHED)
        with self._lock:
            self._touches[name] = self._touches.get(name, 0) + 1

    def taken(self) -> dict[str, float]:
        """Seconds that people stayed with each since the last call, by name."""
        with self._lock:
            found, self._stayed = self._stayed, {}
        return found


def as_rival(dream: Dream, producer: Producer) -> tuple[Dream, float]:
    """A request as this producer makes it, and the tempo of its motion."""
    hold = HOLD[0] + (HOLD[1] - HOLD[0]) * producer.gene("feedback")
    tempo = TEMPO[0] + (TEMPO[1] - TEMPO[0]) * producer.gene("pulse")
    return replace(led(replace(dream, producers=1.0), producer), film=hold), tempo


def side_by_side(left: Tensor, right: Tensor, apart: float) -> Tensor:
    """Two pictures (c, h, w) on one wall (c, h, w). At `apart` 0 the left half of the one and the right half of the other, so that
    two that are alike are one picture; at 1 two whole ones, half as wide each."""
    height, width = left.shape[-2:]
    half = width // 2
    more = round(half * apart)  # columns of each that are seen beside its half
    halves = (left[..., : half + more], half), (right[..., half - more :], width - half)
    return torch.cat([F.interpolate(one[None], (height, wide), mode="bilinear", antialias=True)[0] if more else one for one, wide in halves], -1)
