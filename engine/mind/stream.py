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

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.core.flow import rush
from engine.core.messages import LARGE
from engine.mind.dreamer import Dreamer
from engine.mind.gap import slerp

FOLLOW = 0.55  # seconds to 63 % of the way to a new thought: 93 % after 1.5 s
STRIDE = 5.0  # seconds from one noise field to the next
FRESH = 0.06  # share of the variance that is fresh in each picture
RUSHED = 0.3  # the same, beside it, where somebody types as fast as nobody can
HURRY = 4.0  # how much faster the walk goes then
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

    def resume(self, clock: float, latent: Tensor) -> None:
        """Go on after a picture that another stream made, `clock` seconds after its beginning."""
        self._clock, self.latent = clock, latent

    def anew(self, seed: int) -> None:
        """Keep nothing of the last picture, and walk on from somewhere else."""
        self.walk.leave(seed)
        self.latent = None

    def next(
        self, condition: Tensor, start: Tensor, strength: float, feedback: float, time: float, asked: float = 0.0,
        typed: float = 0.0,
    ) -> tuple[NDArray[np.uint8], Tensor]:  # fmt: skip
        """The picture after the last one: (rgba (h, w, 4) u8, latent (c, h, w) f32).

        `asked`: monotonic s, for the latency contract. `typed`: bits a second before Enter.
        """
        step = 0.0 if self._time is None else min(LONGEST, max(0.0, time - self._time))
        self._time = time
        self._clock += step * (1.0 + HURRY * rush(typed))
        self._made += 1
        follow = 1.0 - math.exp(-step / FOLLOW)
        self._condition = condition if self._condition is None else slerp(self._condition, condition, follow)
        begin = start
        known = self.latent is not None and self.latent.shape == begin.shape  # a model short of memory paints smaller
        if self.latent is not None and known and feedback > 0.0:
            begin = flow(begin, alike(self.latent, begin), feedback)
        fresh = FRESH + RUSHED * rush(typed)
        noise = self.walk.normal(self._clock) * math.sqrt(1 - fresh) + self.walk.fresh(self._made) * math.sqrt(fresh)
        rgba, latent = self.dreamer.paint(self._condition, self.walk.shaped(noise), begin, strength, asked=asked)
        if self.latent is not None and self.latent.shape == latent.shape and step > 0.0:
            self.motion = float((latent - self.latent)[:LARGE].square().mean().sqrt()) / step
        self.latent = latent
        return rgba, latent


def flow(a: Tensor, b: Tensor, amount: float) -> Tensor:
    """From one latent (c, h, w) to another without a grey middle: the mixture keeps the deviation of its ends."""
    mixed = a + (b - a) * amount
    mean_a, spread_a = moments(a)
    mean_b, spread_b = moments(b)
    mean, spread = moments(mixed)
    wanted = spread_a + (spread_b - spread_a) * amount
    return mean_a + (mean_b - mean_a) * amount + (mixed - mean) * (wanted / spread).clamp(1.0, 2.0)


def alike(latent: Tensor, to: Tensor) -> Tensor:
    """A latent brought to another's mean and deviation, channel by channel."""
    mean, spread = moments(latent)
    mean_to, spread_to = moments(to)
    return mean_to + (latent - mean) * (spread_to / spread)


def moments(latent: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, (c, 1, 1)."""
    return latent.mean((1, 2), keepdim=True), latent.std((1, 2), keepdim=True).clamp_min(1e-4)
