"""A thought: one pass of the mechanism over the words that are present, and what can be asked of it afterwards."""

from __future__ import annotations

import time as clock
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.blend import Composition
from engine.mind.company import Company
from engine.mind.gap import heaviest
from engine.mind.memory.recall import Recall
from engine.mind.memory.space import Vector

Share = tuple[int, float]  # fragment id, share

LEAST = 1e-6  # of a picture: a softmax leaves 1e-31 of it, or 0, to whom nobody sees in it


@dataclass(frozen=True, slots=True, eq=False)
class Thought:
    """Steps 1 to 6 for one sentence. Nothing in it changes; the stream flows towards it."""

    words: str
    speaker: int  # the fragment whose words these are; 0 = the machine's own
    lenders: tuple[Share, ...]  # whose words a sentence of the machine is made of; () for a human's
    meaning: Vector  # t(u) (d,)
    r: Recall  # whom the words recall
    q: Recall  # whom the hidden picture recalls, over the same fragments
    ids: tuple[int, ...]  # fragment ids of r and q
    first: Composition
    hidden: Tensor  # (c, h, w): never reaches the wall
    read: Vector  # v(hidden)
    gap: float  # J
    more: NDArray[np.float64]  # (q - r)+ normalised, over `ids`
    beta: float
    strength: float
    again: Composition  # composed once more, under the turned words
    parents: tuple[int, ...]  # fragment ids of `again`
    company: Company  # what the stream composes of
    condition: Tensor  # (tokens, dim): the turned words, as the model hears them
    degree: int  # of the picture that the stream makes of this
    timings: tuple[tuple[str, float], ...] = ()
    key: str = ""  # of the request that it was thought for

    @property
    def start(self) -> Tensor:
        """(c, h, w): what is dreamt on."""
        return self.again.latent

    @property
    def turn(self) -> float:
        """How far the words are turned, 0..1."""
        return self.beta * self.gap

    def parentage(self) -> dict[int, float]:
        """Share of every direct parent, sum 1.

        Measured: which part of what was composed each memory has; which memories the gap is made of most. Declared: that a
        picture dreamt at strength s owes 1 - s to what was composed (its small forms) and s to the words, and of the
        words beta J to the gap. A sentence of the machine's own owes its share to those who lent the words.
        """
        found: dict[int, float] = {}
        kept = 1.0 - self.strength
        for fragment, share in zip(self.parents, self.again.shares.tolist(), strict=True):
            found[fragment] = found.get(fragment, 0.0) + kept * share
        lent = sum(share for _, share in self.lenders)
        called = [(self.speaker, 1.0)] if self.speaker else [(f, share / lent) for f, share in self.lenders]
        turned = self.strength * (self.turn if called else 1.0) if self.more.any() else 0.0
        leading = heaviest(self.more) if turned > 0 else ()
        for place in leading:
            found[self.ids[place]] = found.get(self.ids[place], 0.0) + turned * float(self.more[place] / self.more[leading].sum())
        for fragment, share in called:
            found[fragment] = found.get(fragment, 0.0) + (self.strength - turned) * share
        total = sum(found.values())
        return {fragment: share / total for fragment, share in found.items()}

    def parents_of_note(self) -> dict[int, float]:
        """The same without those who have less than a millionth, sum 1: whoever is written down as a parent is one."""
        found = {fragment: share for fragment, share in self.parentage().items() if share > LEAST}
        total = sum(found.values())
        return {fragment: share / total for fragment, share in found.items()}

    def maps(self, cells: int = 32) -> NDArray[np.float32]:
        """Share of each of `parents` at each place of what was composed (n, rows, cols), at most `cells` a side."""
        places = self.again.places
        side = max(places.shape[1:])
        if side > cells:
            places = F.avg_pool2d(places[:, None], -(-side // cells))[:, 0]
        return places.cpu().numpy()


@dataclass(slots=True)
class Stopwatch:
    """Milliseconds of each step."""

    laps: list[tuple[str, float]] = field(default_factory=list)
    _since: float = field(default_factory=clock.perf_counter)

    def lap(self, step: str) -> None:
        now = clock.perf_counter()
        self.laps.append((step, 1000 * (now - self._since)))
        self._since = now


def mixed(conditions: list[Tensor], weights: list[float]) -> Tensor:
    """One condition out of several (tokens, dim), each row as long as theirs are on average."""
    share = torch.tensor(weights, dtype=torch.float32)
    share = share / share.sum()
    stacked = torch.stack([condition.float() for condition in conditions])  # (n, tokens, dim)
    blend = (stacked * share[:, None, None]).sum(0)
    length = (stacked.norm(dim=-1) * share[:, None]).sum(0)[:, None]
    said: Tensor = blend * (length / blend.norm(dim=-1, keepdim=True).clamp_min(1e-8))
    return said
