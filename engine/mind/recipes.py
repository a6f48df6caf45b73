"""Recipes that are painted when they are wanted: the crowd for some words, and whoever is recalled from the table.

A painted recipe is kept as two latents (as painted and mirrored, so that it can lie either way over others) and what is
read in it. The number that are kept is bounded; what falls out is painted again from its recipe, to the same bytes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray
from torch import Tensor

from engine.core.meaning import reads
from engine.mind.dreamer import Dreamer
from engine.mind.memory.founding import NONE, Table
from engine.mind.memory.records import Fragment, Seen
from engine.mind.memory.space import Vector
from engine.painter.attributes import OFFERS
from engine.painter.hands import HANDS, by_hand
from engine.painter.recipe import CROWD, OWN, Recipe, crowd
from engine.painter.said import Heads

log = logging.getLogger("engine.mind")
KEPT = 120_000_000  # bytes of painted recipes in memory: 1,200 of them at 256 x 256, 98 KB each; 300 at 512 x 512
KNOWN = 16384  # recipes that stand in no table and can still be named
MEANT = 0.05  # chance from which a kind is meant besides the one that is said
FIRST = 10  # of a crowd, before a picture is made of it: N_eff of 8 wants a few more


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A recipe's picture in the model's latent space."""

    seen: Seen
    mirrored: NDArray[np.float16]  # (c, h, w)

    @property
    def latents(self) -> tuple[Tensor, Tensor]:
        """As painted and mirrored, (c, h, w) f32 each: exactly what they are once the recipe lies in the archive."""
        return torch.from_numpy(self.seen.latent).float(), torch.from_numpy(self.mirrored).float()

    @property
    def bytes(self) -> int:
        return self.seen.latent.nbytes + self.mirrored.nbytes


class Painter(Protocol):
    """Whoever paints a fragment with a negative number: (h, w, 3) u8."""

    def __call__(self, recipe: Recipe, size: tuple[int, int]) -> np.ndarray: ...


def painter(recipe: Recipe, size: tuple[int, int]) -> np.ndarray:
    """(h, w, 3) u8 of a recipe."""
    return np.asarray((recipe.paint(size) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy())


class Recipes:
    """What is known and what is painted. Any thread; one paints at a time."""

    def __init__(
        self, dreamer: Dreamer, seen: Callable[[Tensor, NDArray[np.uint8]], Seen], means: Callable[[str], Vector],
        table: Table = NONE, heads: Heads | None = None, paint: Painter = painter, house: str = "", hand: str = "oil",
    ):  # fmt: skip
        self.table, self.heads, self.house = table, heads, house
        self._dreamer, self._seen, self._means, self._paint, self._hand = dreamer, seen, means, paint, hand
        self._size = dreamer.size  # of all memories of this mind, also while the contract has pictures made smaller: they lie over one another
        self._known: LRUCache[int, Recipe] = LRUCache(KNOWN)
        self._painted: LRUCache[tuple[int, str], Painted] = LRUCache(KEPT, lambda painted: painted.bytes)  # by recipe and hand
        self.spoilt: set[int] = set()  # recipes that could not be painted, for as long as this mind lives
        self._lock, self._painting = threading.Lock(), threading.Lock()

    # who there is

    def crowd(self, words: str, vector: Vector, near: Sequence[str]) -> tuple[int, ...]:
        """Fragments for what these words say: `OWN` of one kind, then such of kinds that are meant besides or are in `near`. () where nobody can tell.

        A script that the text space never learned says nothing: then chance would speak, so there is no crowd.
        """
        if self.heads is None or not reads(words):
            return ()
        (kind, said), likely = self.heads.subject(vector), self.heads.kinds(vector, len(OFFERS))
        besides = [one for one, chance in likely if chance > MEANT and one != kind]
        others = list(dict.fromkeys((*besides, *(one for one in near if one != kind))))[:3]
        made = crowd(said, (kind, *others), CROWD, OWN, self.house)
        with self._lock:
            self._known.update({-recipe.number: recipe for recipe in made})
        return tuple(-recipe.number for recipe in made)

    def kind(self, row: int) -> str:
        """What kind of picture a row of the table is."""
        return self.table.recipes[row].shows.kind if row < len(self.table.recipes) else ""

    def recipe(self, fragment: int) -> Recipe | None:
        """The recipe of a fragment; None where it is none, or is not known any more."""
        if fragment >= 0:
            return None
        if (row := -1 - fragment) < len(self.table.recipes):
            return self.table.recipes[row]
        with self._lock:
            return self._known.get(fragment)

    def fragment(self, fragment: int, day: int) -> Fragment | None:
        """A recipe as a fragment of the archive would be told."""
        if 0 <= (row := -1 - fragment) < len(self.table):
            return Fragment(fragment, "founding", self.table.captions[row], day, 0.0, 0)
        recipe = self.recipe(fragment)
        return Fragment(fragment, "founding", recipe.caption, day, 0.0, 0) if recipe else None

    def meaning(self, fragment: int) -> Vector | None:
        """t of a recipe."""
        if 0 <= (row := -1 - fragment) < len(self.table):
            return np.asarray(self.table.t[row], np.float32)
        recipe = self.recipe(fragment)
        return self._means(recipe.caption) if recipe else None

    # what is painted

    def painted(self, fragment: int, hand: str = "") -> Painted | None:
        """A recipe as this hand has painted it, the house's own where none is named; None: not yet."""
        with self._lock:
            return self._painted.get((fragment, hand or self._hand))

    def forget(self, fragment: int) -> None:
        """Not kept any more, by no hand; painted again when it is wanted again."""
        with self._lock:
            for hand in HANDS:
                self._painted.pop((fragment, hand), None)

    def paint(self, fragment: int, hand: str = "") -> Painted | None:
        """Paint a recipe, by the house's own hand where none is named, or find it painted; None where its recipe is not known.
        60 ms at 256 x 256 and more."""
        hand = hand or self._hand
        with self._painting:
            if (known := self.painted(fragment, hand)) is not None:
                return known
            if fragment in self.spoilt or (recipe := self.recipe(fragment)) is None:
                return None
            try:
                rgb = by_hand(hand, self._paint(recipe, self._size))
            except Exception:  # a painter that fails on one recipe in ten thousand costs that recipe, not the thought
                log.exception("%s could not be painted and is left out", recipe)
                self.spoilt.add(fragment)
                return None
            latent, mirrored = (self._dreamer.encode(np.ascontiguousarray(side)) for side in (rgb, rgb[:, ::-1]))
            made = Painted(self._seen(latent, rgb), mirrored.numpy().astype(np.float16))
            with self._lock:
                self._painted[fragment, hand] = made
            return made
