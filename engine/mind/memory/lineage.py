"""Whose a picture is: shares of its parents, passed on to their ancestors, as DNA keeps all of them.

A *line* is a sparse measure over origins. An origin is a fragment that brought something of its own: a founding
memory, or a sentence somebody gave. A picture brings nothing of its own: its line is the share-weighted sum of its
parents' lines, so that the sum stays 1 however many generations lie between. What is too small to be named (beyond
`NAMED` origins) is kept as mass in `rest`. The number of distinct origins survives that: it is counted exactly up to
`SKETCH` and estimated beyond (k minimum values, Bar-Yossef et al. 2002; standard error 1/sqrt(SKETCH) = 6 %).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import KINDS, Kind

NAMED = 256  # origins that a line names
SKETCH = 256  # smallest hashes that it keeps
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A lineage: shares of named origins, largest first, `rest`, and what is needed to count the unnamed."""

    ids: NDArray[np.int64]  # (n,) n <= NAMED, fragment ids of origins
    shares: NDArray[np.float64]  # (n,) > 0, sum + rest == 1
    rest: float = 0.0
    sketch: NDArray[np.uint32] | None = None  # (m,) ascending hashes of all origins, m <= SKETCH
    depth: int = 0  # longest line of descent; 0 for a root

    @staticmethod
    def root(fragment: int) -> Line:
        """The line of something that has no parents: itself."""
        ids = np.array([fragment], np.int64)
        return Line(ids, np.ones(1), 0.0, hashes(ids), 0)

    @property
    def sum(self) -> float:
        return math.fsum(self.shares.tolist()) + self.rest

    @property
    def count(self) -> int:
        """Distinct origins, named or not."""
        assert self.sketch is not None
        if len(self.sketch) < SKETCH:
            return len(self.sketch)
        return round((SKETCH - 1) / (float(self.sketch[-1]) / 2**32))

    def share(self, fragment: int) -> float:
        return float(self.shares[self.ids == fragment].sum())


def hashes(ids: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Well-mixed 32-bit hashes of ids, ascending (splitmix64, Steele et al. 2014)."""
    x = ids.astype(np.uint64) * _MIX
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.unique((x >> np.uint64(32)).astype(np.uint32))


def descend(parents: Sequence[tuple[float, Line]], own: int = 0) -> Line:
    """The line of a child: a = sum of shares x parents' lines, sum a = 1.

    `own` is the child's id where the child brings what the parents' shares leave of 1 (a sentence brings its words).
    Without it the shares are scaled to sum to 1. Raises ValueError for negative shares or more than 1 in all.
    """
    total = math.fsum(share for share, _ in parents)
    if any(share < 0 for share, _ in parents) or total > 1 + 1e-6 or (not parents and not own):
        raise ValueError(f"shares of parents are >= 0 and sum to at most 1, found a sum of {total}")
    lines = [(share, line) for share, line in parents if share > 0]
    if own:
        lines.append((max(0.0, 1.0 - total), Line.root(own)))
    scale = 1.0 / math.fsum(share for share, _ in lines)
    ids, inverse = np.unique(np.concatenate([line.ids for _, line in lines]), return_inverse=True)
    weighted = np.concatenate([line.shares * (share * scale) for share, line in lines])
    shares = np.asarray(np.bincount(inverse, weighted, len(ids)), np.float64)
    order = np.argsort(-shares, kind="stable")[:NAMED]
    ids, shares = ids[order], shares[order]
    sketch = np.unique(np.concatenate([line.sketch for _, line in lines if line.sketch is not None]))[:SKETCH]
    depth = 1 + max((line.depth for _, line in parents), default=-1)
    return Line(ids, shares, max(0.0, 1.0 - math.fsum(shares.tolist())), sketch, depth)


def by_kind(shares: Iterable[float], kinds: Iterable[Kind]) -> tuple[float, ...]:
    """Share per kind in the order of KINDS; sums to what the shares sum to."""
    sums = dict.fromkeys(KINDS, 0.0)
    for share, kind in zip(shares, kinds, strict=True):
        sums[kind] += float(share)
    return tuple(sums[kind] for kind in KINDS)


def authors(spoken: float, dreamt: float) -> tuple[float, float, float]:
    """Who made a picture: (human, machine, others), each in [.02, .98], sum 1 (row 20).

    `spoken` is the share that the words of somebody present have, `dreamt` the share of what a model or a machine's
    own memories added; the others are everybody remembered. Shares of memories are measured, those of the words and
    the model are declared (see `Thought`). Nothing is purely human or purely machine: the corners are cut off.
    """
    raw = (spoken, dreamt, max(0.0, 1.0 - spoken - dreamt))
    scale = 1.0 / max(1e-12, sum(raw))
    human, machine, others = (0.02 + 0.94 * part * scale for part in raw)
    return human, machine, others
