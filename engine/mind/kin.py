"""Kin: whom a picture descends from, where in it they lie, and how each of them sounds."""

from __future__ import annotations

import functools

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray

from engine.core.messages import Ancestor, Lineage
from engine.mind.keeper import Keeper
from engine.mind.memory.archive import WITHDRAWN, Fragment
from engine.mind.memory.lineage import Line, descend
from engine.mind.thought import Thought

NAMED = 16  # ancestors that a picture names, with a map of places each
VOICE = 16  # numbers that a fragment's voice is made from


class Kin:
    """Answers about ancestry. One thread (the thought's)."""

    def __init__(self, keeper: Keeper):
        self.keeper = keeper
        self._voices: LRUCache[int, tuple[float, ...]] = LRUCache(4096)

    def lineage(self, thought: Thought) -> tuple[Lineage, NDArray[np.float16]]:
        """Whose a picture is: named origins with their places, and the map of shares (n, rows, cols) of each."""
        shares = thought.parentage()
        lines = {fragment: self.keeper.line(fragment) for fragment in shares}
        whole = descend([(share, lines[fragment]) for fragment, share in shares.items()])
        named = [int(one) for one in whole.ids[:NAMED]]
        found = {one: told for one in named if (told := self.keeper.told(one)) is not None}
        named = [one for one in named if one in found and found[one].state != WITHDRAWN]
        places = self.places(thought, shares, lines, named)
        ancestors = tuple(
            self._ancestor(found[one], whole.share(one), place) for one, place in zip(named, places, strict=True)
        )
        rest = max(0.0, 1.0 - sum(ancestor.share for ancestor in ancestors))
        return Lineage(ancestors, rest, whole.count, whole.depth), places.astype(np.float16)

    def places(
        self, thought: Thought, shares: dict[int, float], lines: dict[int, Line], named: list[int]
    ) -> NDArray[np.float32]:
        """Share of each named origin at each place (n, rows, cols): what it has of the parents that lie there."""
        maps = thought.maps()
        composed = np.array([thought.again.shares[k].item() for k in range(len(thought.parents))])
        kept = 1.0 - thought.strength
        everywhere = dict(shares)
        for parent, share in zip(thought.parents, composed, strict=True):
            everywhere[parent] -= kept * share  # what a parent has beyond its places, it has everywhere alike
        own = np.array([[lines[parent].share(one) for parent in thought.parents] for one in named]).reshape(len(named), -1)
        even = [sum(max(0.0, left) * lines[f].share(one) for f, left in everywhere.items()) for one in named]
        found = np.einsum("op,phw->ohw", own * kept, maps) + np.array(even)[:, None, None]
        return np.asarray(found, np.float32)

    def _ancestor(self, fragment: Fragment, share: float, place: NDArray[np.float32]) -> Ancestor:
        weight = place / max(1e-9, float(place.sum()))
        rows, columns = place.shape
        x = float((weight.sum(0) * (np.arange(columns) + 0.5)).sum() / columns)
        y = float((weight.sum(1) * (np.arange(rows) + 0.5)).sum() / rows)
        age = float(max(0, self.keeper.archive.today - fragment.day))
        return Ancestor(fragment.id, share, fragment.kind, fragment.depth, age, self.voice(fragment.id), x, y)

    def voice(self, fragment: int) -> tuple[float, ...]:
        """What a fragment's voice is made from, 16 numbers in -1..1: alike memories sound alike."""
        if fragment not in self._voices:
            row, latents = self.keeper.memory.row.get(fragment), self.keeper.latents(fragment)
            raw = self.keeper.memory.words.raw(np.array([row]))[0] if row is not None else self.keeper.recipes.meaning(fragment)
            if raw is None:  # a sentence without a picture yet, or nobody's any more: a plain voice
                return (0.0,) * VOICE
            meaning = self.keeper.memory.words.centred(raw)
            if latents is None:  # a recipe that nobody has painted yet: its words alone, for now
                return sounded(meaning)
            felt = torch.nn.functional.adaptive_avg_pool2d(latents[0][None], 4).flatten().numpy()
            self._voices[fragment] = sounded(meaning, felt)
        return self._voices[fragment]


def sounded(meaning: NDArray[np.float32], felt: NDArray[np.float32] | None = None) -> tuple[float, ...]:
    """16 numbers in -1..1 from a centred word vector (d,) and, where there is one, a picture's pooled latent (k,).

    Of a recording there are words alone: the numbers lie near those of pictures that the same words recall.
    """
    made = _hearing(len(meaning), 1) @ meaning
    if felt is not None:
        made = made + 0.5 * _hearing(len(felt), 2) @ felt / np.sqrt(len(felt))
    return tuple(float(value) for value in np.tanh(1.5 * made))


@functools.cache
def _hearing(dim: int, seed: int) -> NDArray[np.float32]:
    """(16, dim): a fixed random projection; distances survive it (Johnson and Lindenstrauss 1984)."""
    return np.random.default_rng(seed).standard_normal((VOICE, dim)).astype(np.float32)
