"""The stream between thoughts: pictures that flow into one another, never freeze, never gather contrast, never go grey.

- The noise walks: from one normal field to the next along the great circle between them, so that it stays normal.
- The condition follows the newest thought along the sphere too, most of the way within `FOLLOW` seconds; a cut in the
  words is a bend in the stream. What is composed follows by itself (`engine.mind.company`).
- The last picture flows back into the start. Feedback alone freezes structure and gathers contrast, so what flows back
  is brought to the start's mean and deviation, channel by channel, and some fresh noise is mixed in.
- Typing before Enter is a schedule of the noise: the walk goes faster and more of it is fresh, key by key.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.core.flow import rush
from engine.core.messages import LARGE
from engine.mind.dreamer import Dreamer
from engine.mind.gap import slerp
from engine.mind.model.flowing import alike, flow

FOLLOW = 0.55  # seconds to 63 % of the way to a new thought: 93 % after 1.5 s
STRIDE = 5.0  # seconds from one noise field to the next
FRESH = 0.06  # share of the variance that is fresh in each picture
RUSHED = 0.3  # the same, beside it, where somebody types as fast as nobody can
HURRY = 4.0  # how much faster the walk goes then
Onward = tuple[Tensor, float]  # a latent (c, h, w), and how far on the way to it, 0..1
LONGEST = 0.5  # seconds: after a stall the stream goes on where it was, it does not jump


class Walk:
    """A walk through normal fields: the same seed and time give the same field. Not thread-safe."""

    def __init__(self, shape: tuple[int, int, int], seed: int):
        self._shape, self.seed = shape, seed
        self.shape: Callable[[Tensor], Tensor] | None = None  # what the noise is passed through; None: it is N(0, I), bit by bit
        self._fields: dict[int, Tensor] = {}

    def at(self, time: float) -> Tensor:
        """(c, h, w) f32, as the prior has it."""
        return self.shaped(self.normal(time))

    def shaped(self, noise: Tensor) -> Tensor:
        """Standard normal noise (c, h, w) as the prior has it."""
        return self.shape(noise) if self.shape is not None else noise

    def normal(self, time: float) -> Tensor:
        """(c, h, w) f32, standard normal."""
        place = time / STRIDE
        whole = math.floor(place)
        part = (place - whole) * math.pi / 2
        return self._field(whole) * math.cos(part) + self._field(whole + 1) * math.sin(part)

    def fresh(self, number: int) -> Tensor:
        """A field for one picture alone."""
        return _normal(self._shape, self.seed, 1 << 40 | number)

    def reseed(self, seed: int) -> None:
        """Walk on from here into other fields; the two that lie around the present place stay, so nothing jumps."""
        self.seed = seed

    def leave(self, seed: int) -> None:
        """Go on from somewhere else at once."""
        self.seed, self._fields = seed, {}

    def _field(self, number: int) -> Tensor:
        if number not in self._fields:
            self._fields = {n: f for n, f in self._fields.items() if abs(n - number) <= 1}
            self._fields[number] = _normal(self._shape, self.seed, number)
        return self._fields[number]


def _normal(shape: tuple[int, int, int], seed: int, number: int) -> Tensor:
    source = torch.Generator().manual_seed(hash((seed, number)) & (2**63 - 1))
    return torch.randn(shape, generator=source)


class Stream:
    """One picture after another towards the newest thought. One thread."""

    def __init__(self, dreamer: Dreamer, seed: int):
        self.dreamer = dreamer
        self.walk = Walk(dreamer.latent, seed)
        self.latent: Tensor | None = None  # of the last picture
        self.motion = 0.0  # rms change of the latent per second
        self._condition: Tensor | None = None
        self._time: float | None = None
        self._clock = 0.0  # seconds of stream, without stalls
        self._made = 0  # pictures
        self._turn = Turn()  # where the device turns the words by itself
        self._flowing = False  # whether the last picture lies on the device as this stream left it

    def resume(self, clock: float, latent: Tensor) -> None:
        """Go on after a picture that another stream made, `clock` seconds after its beginning."""
        self._clock, self.latent, self._flowing = clock, latent, False

    def interrupted(self) -> None:
        """Somebody else has painted with this dreamer: what it has as its last picture is not this stream's."""
        self._flowing = False

    def anew(self, seed: int) -> None:
        """Keep nothing of the last picture, and walk on from somewhere else."""
        self.walk.leave(seed)
        self.latent, self._flowing = None, False

    def next(
        self, condition: Tensor, start: Tensor, strength: float, feedback: float, time: float, asked: float = 0.0,
        typed: float = 0.0, onward: Onward | None = None,
    ) -> tuple[NDArray[np.uint8], Tensor]:  # fmt: skip
        """The picture after the last one: (rgba (h, w, 4) u8, latent (c, h, w) f32).

        `asked`: monotonic s, for the latency contract. `typed`: bits a second before Enter. `onward`: what `start` flows
        to, and how far it is.
        """
        step = 0.0 if self._time is None else min(LONGEST, max(0.0, time - self._time))
        self._time = time
        self._clock += step * (1.0 + HURRY * rush(typed))
        self._made += 1
        follow = 1.0 - math.exp(-step / FOLLOW)
        fresh = FRESH + RUSHED * rush(typed)
        noise = self.walk.normal(self._clock) * math.sqrt(1 - fresh) + self.walk.fresh(self._made) * math.sqrt(fresh)
        noise = self.walk.shaped(noise)
        known = self.latent is not None and self.latent.shape == start.shape  # a model short of memory paints smaller
        if getattr(self.dreamer, "flows", False):
            rgba, latent = self._there(condition, noise, start, strength, feedback if known else 0.0, follow, asked, onward)
        else:
            self._condition = condition if self._condition is None else slerp(self._condition, condition, follow)
            begin = start if onward is None else flow(start, *onward)
            if self.latent is not None and known and feedback > 0.0:
                begin = flow(begin, alike(self.latent, begin), feedback)
            rgba, latent = self.dreamer.paint(self._condition, noise, begin, strength, asked=asked)
        if self.latent is not None and self.latent.shape == latent.shape and step > 0.0:
            self.motion = float((latent - self.latent)[:LARGE].square().mean().sqrt()) / step
        self.latent = latent
        return rgba, latent

    def _there(
        self, condition: Tensor, noise: Tensor, start: Tensor, strength: float, feedback: float, follow: float, asked: float, onward: Onward | None
    ) -> tuple[NDArray[np.uint8], Tensor]:
        """The same, where the device turns the words, lets starts flow and keeps the last picture: the host sends numbers."""
        dreamer: Any = self.dreamer
        here, there, turn = self._turn.towards(condition, follow)
        if feedback > 0.0 and not self._flowing and self.latent is not None:  # of another stream: it is not there yet
            begin = start if onward is None else flow(start, *onward)
            start, onward, feedback = flow(begin, alike(self.latent, begin), feedback), None, 0.0
        self._flowing = True
        found: tuple[NDArray[np.uint8], Tensor] = dreamer.paint(
            here, noise, start, strength, toward=there, turn=turn, feedback=feedback, asked=asked, onward=onward)
        return found


class Turn:
    """A turn of the words that goes on by a number alone, until other words come: then it begins anew where it is."""

    def __init__(self) -> None:
        self.here: Tensor | None = None
        self.there: Tensor | None = None
        self.part = 0.0

    def towards(self, condition: Tensor, follow: float) -> tuple[Tensor, Tensor, float]:
        """(from, to, how far): the same as `slerp(now, condition, follow)` each time, for a great circle adds up."""
        if self.here is None or self.there is None:
            self.here = self.there = condition
        elif condition is not self.there:
            self.here, self.there, self.part = slerp(self.here, self.there, self.part), condition, 0.0
        self.part = 1.0 - (1.0 - self.part) * (1.0 - follow)
        return self.here, self.there, 0.0 if self.here is self.there else self.part
