"""Recall: whom do these words, or this picture, bring back?

Two spaces lie over the same fragments: `t`, what their words mean, and `v`, what the reader reads in their pictures.
In each, similarity is the cosine after the centre of the space is taken away, so that a constant offset of a space
changes nothing. Similarities of the image space are brought to the spread of the word space (over the same witnesses),
so that one temperature serves both and two identical spaces recall identically.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.messages import Kind
from engine.mind.archive import Archive, Fragment

Vector = NDArray[np.float32]
Rows = NDArray[np.int64]
WITNESSES = 2048  # fragments over which a space's spread is taken
RECENTRE = 1.125  # growth after which the centre is taken anew


class Space:
    """Unit vectors (n, d), centred; similarity, spread and nearest. Not thread-safe: `Memory` holds the lock."""

    def __init__(self, vectors: Vector):
        self._raw = np.ascontiguousarray(vectors, np.float32)
        self._n = len(vectors)
        self.alive = np.ones(self._n, bool)
        self._centre_all()

    def __len__(self) -> int:
        return self._n

    def _centre_all(self) -> None:
        live = self._raw[: self._n]
        self.centre = live.mean(0) if self._n > 1 else np.zeros(self._raw.shape[1], np.float32)
        self._unit = np.empty_like(self._raw)
        self._unit[: self._n] = unit(live - self.centre)
        self._centred_at = max(1, self._n)

    def add(self, vector: Vector) -> None:
        if not self._n:
            self._raw = np.zeros((0, len(vector)), np.float32)
            self._unit, self.centre = self._raw, np.zeros(len(vector), np.float32)
        if self._n == len(self._raw):
            room = max(256, self._n // 2)
            pad = np.zeros((room, self._raw.shape[1]), np.float32)
            self._raw, self._unit = np.concatenate([self._raw, pad]), np.concatenate([self._unit, pad])
            self.alive = np.concatenate([self.alive, np.zeros(room, bool)])
        self._raw[self._n] = vector
        self._unit[self._n] = unit(vector - self.centre)
        self.alive[self._n] = True
        self._n += 1
        if self._n > RECENTRE * self._centred_at:
            self._centre_all()

    def forget(self, row: int) -> None:
        """Nothing of it is left here: not its vector, not its weight in the centre."""
        self._raw[row] = self.centre
        self._unit[row] = 0.0
        self.alive[row] = False

    def centred(self, vector: Vector) -> Vector:
        return unit(vector - self.centre)

    def similarity(self, vector: Vector, rows: Rows | None = None) -> Vector:
        """Centred cosines of a raw vector with the given rows (all of them without `rows`)."""
        chosen = self._unit[: self._n] if rows is None else self._unit[rows]
        found: Vector = chosen @ self.centred(vector)
        return found

    def nearest(self, vector: Vector, count: int) -> tuple[Rows, Vector]:
        """The nearest living rows, nearest first, with their centred cosines."""
        found = self.similarity(vector)
        found[~self.alive[: self._n]] = -2.0
        count = min(count, int(self.alive[: self._n].sum()))
        rows = np.argpartition(-found, count - 1)[:count] if count < self._n else np.arange(self._n)
        rows = rows[np.lexsort((rows, -found[rows]))][:count]
        return rows.astype(np.int64), found[rows]

    def spread(self, vector: Vector) -> tuple[float, float]:
        """Mean and deviation of the similarities of a raw vector with the witnesses, a fixed even sample."""
        rows = np.linspace(0, self._n - 1, min(self._n, WITNESSES)).astype(np.int64)
        rows = rows[self.alive[rows]]
        found = self.similarity(vector, rows)
        return float(found.mean()), float(found.std()) + 1e-6

    def raw(self, rows: Rows) -> Vector:
        """The vectors as they were given (n, d)."""
        return self._raw[rows]


@dataclass(frozen=True, slots=True, eq=False)
class Recall:
    """A distribution over fragments."""

    rows: Rows  # (n,)
    weights: NDArray[np.float64]  # (n,) sum 1


class Memory:
    """Everything that can be recalled. Any thread may call; calls take turns."""

    def __init__(self, archive: Archive, space: str, shape: tuple[int, int, int], keep: int = 4096):
        self.archive, self.space, self.shape = archive, space, shape
        self.fragments, t, v = archive.recallable(space)
        self._lock = threading.RLock()
        self.words, self.images = Space(t), Space(v)
        self.row = {fragment.id: row for row, fragment in enumerate(self.fragments)}
        fame = archive.fame()
        self.fame = [fame.get(fragment.id, 0) for fragment in self.fragments]
        self._latents: OrderedDict[int, NDArray[np.float32]] = OrderedDict()
        self._keep = keep
        self.unplugged: frozenset[Kind] = frozenset()

    def __len__(self) -> int:
        return len(self.fragments)

    def add(self, fragment: Fragment, meaning: Vector, image: Vector, latent: NDArray[np.float16]) -> None:
        """Take in a fragment that the archive has just stored; vectors are rounded as the archive rounds them."""
        with self._lock:
            self.row[fragment.id] = len(self.fragments)
            self.fragments.append(fragment)
            self.fame.append(0)
            self.words.add(meaning.astype(np.float16).astype(np.float32))
            self.images.add(image.astype(np.float16).astype(np.float32))
            if fragment.kind in self.unplugged:
                self.words.alive[-1 + len(self.words)] = self.images.alive[-1 + len(self.images)] = False
            self._put(fragment.id, self._fit(latent))

    def forget(self, fragment: int) -> None:
        """What was withdrawn is never recalled again."""
        with self._lock:
            row = self.row.pop(fragment, None)
            self._latents.pop(fragment, None)
            if row is not None:
                self.words.forget(row)
                self.images.forget(row)
                self.fragments[row] = Fragment(fragment, self.fragments[row].kind, "", 0, 0.0, 0, state=1)

    def famous(self, parents: Iterable[int]) -> None:
        """These fragments have just become parents once more."""
        with self._lock:
            for parent in parents:
                if parent in self.row:
                    self.fame[self.row[parent]] += 1

    def plug(self, kind: Kind, on: bool) -> None:
        """Whether fragments of this kind are recalled. They stay in the archive, and their descendants in recall."""
        with self._lock:
            self.unplugged = self.unplugged - {kind} if on else self.unplugged | {kind}
            for row, fragment in enumerate(self.fragments):
                if fragment.kind == kind and fragment.state == 0:
                    self.words.alive[row] = self.images.alive[row] = on

    # recall

    def by_words(self, meaning: Vector, count: int, temperature: float) -> Recall:
        """r = softmax(t(u) . t_i / tau) over the nearest fragments."""
        with self._lock:
            rows, found = self.words.nearest(meaning, count)
        return Recall(rows, softmax(found.astype(np.float64) / temperature))

    def both(self, meaning: Vector, image: Vector, count: int, temperature: float) -> tuple[Recall, Recall]:
        """r and q over the same fragments: the nearest by words and the nearest by image."""
        with self._lock:
            near, _ = self.words.nearest(meaning, count)
            alike, _ = self.images.nearest(image, count)
            rows = np.union1d(near, alike)
            by_words = self.words.similarity(meaning, rows).astype(np.float64)
            by_image = self.images.similarity(image, rows).astype(np.float64)
            (mean, spread), (mean_v, spread_v) = self.words.spread(meaning), self.images.spread(image)
        by_image = (by_image - mean_v) / spread_v * spread + mean
        return Recall(rows, softmax(by_words / temperature)), Recall(rows, softmax(by_image / temperature))

    def tired(self, recall: Recall, gamma: float) -> Recall:
        """Famous memories tire: weights times (1 + n) ** -gamma."""
        with self._lock:
            fame = np.array([self.fame[row] for row in recall.rows], np.float64)
        weights = recall.weights * (1.0 + fame) ** -gamma
        return Recall(recall.rows, weights / weights.sum())

    def ids(self, recall: Recall) -> list[int]:
        return [self.fragments[row].id for row in recall.rows]

    def novelty(self, image: Vector) -> float:
        """Distance of a picture to the nearest that is remembered, 0..2 in centred cosine."""
        with self._lock:
            _, found = self.images.nearest(image, 1)
        return float(1.0 - found[0])

    # latents

    def latents(self, rows: Sequence[int] | Rows) -> NDArray[np.float32]:
        """Latents of rows (n, c, h, w), from memory or from the disk."""
        with self._lock:
            ids = [self.fragments[int(row)].id for row in rows]
            missing = [fragment for fragment in ids if fragment not in self._latents]
            for fragment, latent in (self.archive.latents(missing, self.space) if missing else {}).items():
                self._put(fragment, self._fit(latent))
            blank = np.zeros(self.shape, np.float32)  # withdrawn between recall and now
            out = np.stack([self._latents.get(fragment, blank) for fragment in ids])
            while len(self._latents) > self._keep:
                self._latents.popitem(last=False)
        return out

    def _put(self, fragment: int, latent: NDArray[np.float32]) -> None:
        self._latents[fragment] = latent
        self._latents.move_to_end(fragment)

    def _fit(self, latent: NDArray[np.float16]) -> NDArray[np.float32]:
        """A latent at this mind's size: pictures remembered at another size are stretched, bilinearly."""
        full = latent.astype(np.float32)
        if full.shape == self.shape:
            return full
        for axis, wanted in ((1, self.shape[1]), (2, self.shape[2])):
            at = (np.arange(wanted) + 0.5) * full.shape[axis] / wanted - 0.5
            low = np.clip(np.floor(at).astype(int), 0, full.shape[axis] - 1)
            high = np.minimum(low + 1, full.shape[axis] - 1)
            part = np.clip(at - low, 0, 1).reshape([-1 if a == axis else 1 for a in range(3)]).astype(np.float32)
            full = np.take(full, low, axis) * (1 - part) + np.take(full, high, axis) * part
        return full


def unit(vectors: Vector) -> Vector:
    """Rows divided by their length; a zero row stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: Vector = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return found


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    found: NDArray[np.float64] = powers / powers.sum()
    return found


Recaller = Callable[[Vector], tuple[NDArray[np.float32], NDArray[np.float64]]]
