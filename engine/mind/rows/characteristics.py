"""Row 21, characteristics: whose hand the pictures are of. Two founding corpora answer one sentence differently.

Two samples of pictures are compared by the squared maximum mean discrepancy of what is read in them (Gretton et al., JMLR
2012, unbiased; a Gaussian kernel as wide as the median distance), and p is the part of random exchanges between them that
give as much. Live, the last pictures are held against what each hand makes of the same few recipes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.mind.keeper import Keeper
from engine.mind.memory.space import Vector
from engine.painter.hands import HANDS, by_hand
from engine.painter.recipe import Recipe

SHOWN = 16  # recipes that both hands are asked for, one a thought
LEAST = 6  # pictures before which nothing is said


def mmd2(x: Vector, y: Vector) -> float:
    """MMD^2 (unbiased, may be < 0) of two samples (n, d), (m, d), n and m > 1."""
    return _mmd2(_kernel(np.concatenate([x, y])), np.arange(len(x)), np.arange(len(x), len(x) + len(y)))


def _kernel(rows: Vector) -> NDArray[np.float64]:
    flat = rows.astype(np.float64)
    apart = np.maximum(0.0, np.square(flat).sum(1)[:, None] + np.square(flat).sum(1)[None] - 2.0 * flat @ flat.T)
    kernel: NDArray[np.float64] = np.exp(-apart / max(1e-12, float(np.median(apart[np.triu_indices(len(rows), 1)]))))
    return kernel


def _mmd2(kernel: NDArray[np.float64], a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    def within(rows: NDArray[np.int64]) -> float:
        part = kernel[np.ix_(rows, rows)]
        return float((part.sum() - np.trace(part)) / (len(rows) * (len(rows) - 1)))

    return within(a) + within(b) - 2.0 * float(kernel[np.ix_(a, b)].mean())


class Characteristics:
    """The two hands beside the last pictures. The thought's thread."""

    def __init__(self, keeper: Keeper):
        self._keeper = keeper
        self._hands: dict[str, list[Vector]] = {name: [] for name in HANDS}
        self._looked = 0
        self.value = 0.0  # -1 the other hand's .. 1 this corpus's own

    def take(self, last: Sequence[Vector], looks: int, idle: bool) -> float:
        """Where nobody waits (`idle`), look at one more recipe as each hand has it, until there are SHOWN (130 ms each at 256 x 256);
        then at the last pictures (n, d), when `looks` says that there is another."""
        own, recipes = self._hands[self._keeper.options.corpus], self._keeper.recipes.table.recipes
        if len(own) < min(SHOWN, len(recipes)):
            if idle:
                self._show(recipes[(len(own) * 7919) % len(recipes)])
        elif len(last) >= LEAST and len(own) > 1 and looks != self._looked:
            self._looked, pictures = looks, np.stack(last)
            far = {name: max(0.0, mmd2(pictures, np.stack(rows))) for name, rows in self._hands.items()}
            mine = far.pop(self._keeper.options.corpus)
            other = min(far.values())
            self.value = float((other - mine) / max(1e-9, other + mine))
        return self.value

    def _show(self, recipe: Recipe) -> None:
        parts = self._keeper.parts
        plain = parts.paint(recipe, parts.dreamer.size)
        for name in HANDS:
            self._hands[name].append(parts.read(parts.dreamer.encode(np.ascontiguousarray(by_hand(name, plain)))))
