"""Company: the memories that a picture is composed of, brought into one light and one place, and how they come and go.

A *crowd* is painted for what the words say (`engine.mind.recipes`); people and the machine's own dreams join it as far as
they are recalled; whom the gap is made of joins by the turn of the words. In the stream each memory's weight swells and
fades in 8 to 16 seconds and shares follow slowly, so that the picture lives without a cut: windows open and close, ships
come out of the rain and go. New words are a new company; whoever is not in it fades within a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.mind.blend import Composition, blend
from engine.mind.compose import DEFAULT, Schedule, compose, decide
from engine.mind.light import one_light, one_place

MEMBERS = 24  # memories in a company
PRESENT = 16  # of these, composed at a time
FOLLOW = 0.5  # seconds to 63 % of the way to other shares
GONE = 2e-3  # share of a picture below which a memory that is not wanted any more has left
SWELL = (8.0, 16.0)  # seconds from one swelling of a memory to its next
LONGEST = 0.5  # seconds: after a stall it goes on where it was
LATER = 37.0  # seconds after which others have swelled, whatever their periods
QUICK = Schedule(steps=4, patch=DEFAULT.patch)  # for one picture of the stream


@dataclass(frozen=True, slots=True, eq=False)
class Company:
    """Who is there for some words."""

    ids: tuple[int, ...]
    latents: Tensor  # (n, c, h, w) f32
    prior: Tensor  # (n,) f32 > 0
    wanting: tuple[int, ...] = ()  # recipes that belong here and are not painted yet, the most wanted first
    models: int = 0  # of the memories, the first, that belong to one another

    def compose(self, noise: Tensor, carries: Tensor | None) -> Composition:
        """All of them, from standard normal `noise` (c, h, w)."""
        return compose(self.latents, self.prior, noise * DEFAULT.noise[0], carries=carries)


def gathered(
    ids: Sequence[int], latents: Sequence[Tensor], mirrored: Sequence[Tensor], prior: Sequence[float], models: int, wanting: Sequence[int] = (),
    place: Callable[[Tensor, Tensor, int], Tensor] = one_place,
) -> Company:  # fmt: skip
    """A company of memories whose first `models` belong to one another: lit and, by `place`, placed by them. Every list is as long as `ids`."""
    stacked = torch.stack(list(latents))
    if models:
        stacked = one_light(place(stacked, torch.stack(list(mirrored)), models), models)
    return Company(tuple(ids), stacked, torch.tensor(list(prior), dtype=torch.float32), tuple(wanting), models)


class Ensemble:
    """The company as the stream shows it: shares that flow. One thread."""

    def __init__(self, carries: Tensor | None):
        self.carries = carries
        self.shown: tuple[tuple[int, ...], Composition] | None = None  # of the newest picture; replaced, never changed
        self._latents: dict[int, Tensor] = {}
        self._places: dict[int, Tensor] = {}
        self._time: float | None = None
        self._clock = 0.0

    def next(self, company: Company, noise: Tensor, time: float) -> Composition:
        """The composition of the picture after the last one; `noise` (c, h, w) standard normal, `time` in seconds."""
        step = 0.0 if self._time is None else min(LONGEST, max(0.0, time - self._time))
        self._time, self._clock = time, self._clock + step
        same = self.shown is not None and self.shown[1].latent.shape == noise.shape  # of another size nothing can flow
        follow = 1.0 - math.exp(-step / FOLLOW) if same else 1.0
        weight = company.prior * torch.tensor([swell(one, self._clock) for one in company.ids])
        present = weight.topk(min(PRESENT, len(weight))).indices.sort().values
        noised = noise * QUICK.noise[0]
        decided = decide(company.latents[present], weight[present], noised, QUICK, self.carries)
        wanted = {company.ids[k]: places for k, places in zip(present.tolist(), decided, strict=True)}
        self._follow(company, wanted, follow)
        ids = tuple(self._places)
        places = torch.stack([self._places[one] for one in ids])
        latents = torch.stack([self._latents[one] for one in ids])
        composition = blend(latents, places / places.sum(0), self.carries)
        self.shown = ids, composition
        return composition

    def turn(self) -> None:
        """Others come forward: as after a while, but at once."""
        self._clock, self._places = self._clock + LATER, {}

    def _follow(self, company: Company, wanted: dict[int, Tensor], follow: float) -> None:
        for one, latent in zip(company.ids, company.latents, strict=True):
            if one in wanted or one in self._latents:
                known = self._latents.get(one)
                same = known is not None and known.shape == latent.shape
                self._latents[one] = torch.lerp(known, latent, follow) if known is not None and same else latent
        height, width = company.latents.shape[2:]
        nobody = torch.zeros(height, width)
        for one in {*self._places, *wanted}:
            here = self._places.get(one, nobody)
            here = here if here.shape == nobody.shape else nobody
            self._places[one] = torch.lerp(here, wanted.get(one, nobody), follow)
        for one in [one for one, places in self._places.items() if one not in wanted and float(places.mean()) < GONE]:
            del self._places[one]
        self._latents = {one: latent for one, latent in self._latents.items() if one in self._places and latent.shape[1:] == nobody.shape}


def swell(fragment: int, clock: float) -> float:
    """How strongly a memory is there at this second, 0..1: each in its own time, the same for the same fragment."""
    chance = (fragment * 0.61803398875) % 1.0, (fragment * 0.7548776662) % 1.0
    period = SWELL[0] + (SWELL[1] - SWELL[0]) * chance[0]
    return (0.5 + 0.5 * math.sin(2 * math.pi * (clock / period + chance[1]))) ** 3 + 0.02
