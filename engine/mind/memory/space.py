"""A vector space over fragments: similarity, spread and nearest, by the cosine from the centre of the space.

Up to `EXACT` rows the search is exact, one matrix product. Above that an `Index` proposes and the exact cosine decides.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.mind.memory.index import Index, Proposes

Vector = NDArray[np.float32]
Rows = NDArray[np.int64]
EXACT = 100_000  # rows up to which the search is exact
WITNESSES = 2048  # fragments over which a space's spread is taken
FEW = 64  # of them that must live
RECENTRE = 1.125  # growth after which the centre is taken anew
PROPOSED = 3  # rows that the index proposes for each that is wanted
LEAST = 192  # rows that it proposes at least


class Space:
    """Vectors (n, d) as they were given: f32 up to EXACT rows, f16 beyond. Not thread-safe: `Memory` holds the lock."""

    def __init__(self, vectors: Vector, cache: Path | None = None, exact: int = EXACT, proposes: Proposes | None = None):
        """`proposes`: who does it in place of an index of one's own."""
        self._n, self._exact, self._cache = len(vectors), exact, cache
        self._raw: NDArray[Any] = np.array(vectors, np.float16 if self._n > exact else np.float32)
        self.alive = np.ones(self._n, bool)
        self._take_centre()
        self._index: Proposes | None = proposes or (Index(self, cache) if self._n > exact else None)

    def __len__(self) -> int:
        return self._n

    def _take_centre(self) -> None:
        live = self._raw[: self._n]
        self.centre: Vector = live.mean(0, dtype=np.float32) if self._n > 1 else np.zeros(self._raw.shape[1], np.float32)
        self._reach = np.zeros(len(self._raw), np.float32)  # distance of each row from the centre
        for at in range(0, self._n, 16384):
            to = min(self._n, at + 16384)
            self._reach[at:to] = _length(self._raw[at:to].astype(np.float32) - self.centre)
        self._centred_at = max(1, self._n)

    def add(self, vector: Vector) -> None:
        """One vector (d,) f32 more, at the end; the first one says what d is. Amortised O(d)."""
        if not self._n:
            self._raw, self._reach = np.zeros((0, len(vector)), np.float32), np.zeros(0, np.float32)
            self.centre = np.zeros(len(vector), np.float32)
        if self._n == len(self._raw):
            room = max(256, self._n // 2)
            self._raw = np.concatenate([self._raw, np.zeros((room, self._raw.shape[1]), self._raw.dtype)])
            self._reach = np.concatenate([self._reach, np.zeros(room, np.float32)])
            self.alive = np.concatenate([self.alive, np.zeros(room, bool)])
        self._raw[self._n], self._reach[self._n] = vector, _length(vector - self.centre)
        self.alive[self._n] = True
        self._n += 1
        if self._index is not None:
            self._index.add(self._n - 1, vector)
        elif self._n > RECENTRE * self._centred_at:
            self._take_centre()
        elif self._n > self._exact:
            self._raw = self._raw.astype(np.float16)
            self._index = Index(self, self._cache)

    def forget(self, row: int) -> None:
        """Nothing of it is left here: not its vector, not a trace in the cache."""
        self._raw[row], self._reach[row], self.alive[row] = self.centre, 0.0, False
        if self._index is not None:
            self._index.forget(row)

    def hide(self, row: int, hidden: bool = True) -> None:
        """Not to be recalled for now."""
        self.alive[row] = not hidden

    def centred(self, vector: Vector) -> Vector:
        return unit(vector - self.centre)

    def similarity(self, vector: Vector, rows: Rows | slice = slice(None)) -> Vector:
        """Centred cosines of a raw vector with the given rows (a slice copies nothing)."""
        chosen, reach = self._raw[: self._n][rows], self._reach[: self._n][rows]
        chosen = chosen if isinstance(rows, slice) else chosen.astype(np.float32)
        direction = self.centred(vector)
        found = (chosen @ direction - self.centre @ direction) / np.maximum(reach, 1e-6)
        return np.asarray(found, np.float32)

    def nearest(self, vector: Vector, count: int, among: tuple[int, int] | None = None) -> tuple[Rows, Vector]:
        """The nearest living rows, nearest first, with their centred cosines. Fewer where fewer live.

        `among` (first, end) looks at those rows alone.
        """
        first, end = among or (0, self._n)
        if self._index is None or end - first <= self._exact // 2:
            near = self.similarity(vector, slice(first, end))
            near[~self.alive[first:end]] = -2.0
            near_rows = np.argpartition(-near, count - 1)[:count] if count < end - first else np.arange(end - first)
            rows: Rows = near_rows + first
            found: Vector = near[near_rows]
        else:
            rows = self._index.propose(vector, max(LEAST, PROPOSED * count))
            rows = rows[(rows >= first) & (rows < end)]
            found = self.similarity(vector, rows)
        living = self.alive[rows]
        rows, found = rows[living], found[living]
        order = np.lexsort((rows, -found))[:count]
        return rows[order].astype(np.int64), found[order]

    def spread(self, vector: Vector) -> tuple[float, float]:
        """Mean and deviation of the similarities of a raw vector with the witnesses, a fixed even sample of the living."""
        rows = np.linspace(0, self._n - 1, min(self._n, WITNESSES)).astype(np.int64)
        rows = rows[self.alive[rows]]
        if len(rows) < FEW:  # nearly all are hidden: none of the few that live may be in an even sample of all
            rows = np.flatnonzero(self.alive[: self._n])[:WITNESSES]
        found = self.similarity(vector, rows)
        return float(found.mean()), float(found.std()) + 1e-6

    def raw(self, rows: Rows) -> Vector:
        """The vectors as they were given (n, d), f32."""
        return self._raw[rows].astype(np.float32)

    def save(self) -> None:
        """Write the cache, if there is one."""
        if self._index is not None:
            self._index.save()

    def settle(self) -> None:
        """Wait until an index that is built aside answers."""
        if self._index is not None:
            self._index.settle()

    def close(self) -> None:
        """End what is done aside."""
        if self._index is not None:
            self._index.close()

    def mark(self, count: int) -> str:
        """What tells the first `count` rows apart from others: how many, and a few of them."""
        rows = np.linspace(0, max(0, count - 1), min(count, 64)).astype(np.int64)
        return f"{count} {hashlib.blake2b(self._raw[rows].astype(np.float16).tobytes(), digest_size=8).hexdigest()}"


def _length(vectors: Vector) -> Any:
    return np.sqrt(np.square(vectors).sum(-1))


def unit(vectors: Vector) -> Vector:
    """Rows divided by their length; a zero row stays zero."""
    found: Vector = (vectors / np.maximum(_length(vectors)[..., None], 1e-12)).astype(np.float32)
    return found
