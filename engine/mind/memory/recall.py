"""Recall: whom do these words, or this picture, bring back?

Two spaces lie over the same fragments: `t`, what their words mean, and `v`, what the reader reads in their pictures.
In each, similarity is the cosine after the centre of the space is taken away, so that a constant offset of a space
changes nothing. Similarities of the image space are brought to the spread of the word space (over the same witnesses),
so that one temperature serves both and two identical spaces recall identically.

The founding table has thousands of recipes, and people are few: counted alike, ten visitors' part of a picture fell from
.099 to .023 when 240 founders became 2,400. So all recipes together weigh as `Frame.alike` memories do, however many they
are, and where people's memories are near, at least `Frame.people` of a recall is theirs.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from engine.core.messages import Kind
from engine.mind.memory.archive import Archive, Fragment
from engine.mind.memory.founding import NONE, Table
from engine.mind.memory.frame import standing
from engine.mind.memory.space import Rows, Space, Vector

GIVEN = ("visitor", "performer", "sensor")  # kinds of memory that people gave
TOP_K = 24  # memories that one picture is composed of, at most
KEPT = 80_000_000  # bytes of latents in memory: 1,600 at 256 x 256
NEWEST = 24  # memories that the present is made of, where the past would have too much
FLOOR = 10.0  # effective number of them, before the picture is composed: a little more than it must have afterwards


@dataclass(frozen=True, slots=True, eq=False)
class Recall:
    """A distribution over fragments."""

    rows: Rows  # (n,)
    weights: NDArray[np.float64]  # (n,) sum 1


class Memory:
    """Everything that can be recalled. Any thread may call; calls take turns."""

    def __init__(self, archive: Archive, space: str, shape: tuple[int, int, int], keep: int = KEPT, table: Table = NONE):
        self.archive, self.space, self.shape, self.founders = archive, space, shape, len(table)
        day = archive.today
        self.fragments = [Fragment(table.number(row), "founding", words, day, 0.0, 0) for row, words in enumerate(table.captions)]
        kept, t, v = archive.recallable(space)
        own = [place for place, fragment in enumerate(kept) if not -len(table) <= fragment.id < 0]  # the table knows its own
        self.fragments += [kept[place] for place in own]
        if len(table):
            t, v = (np.concatenate([mine, theirs[own].reshape(-1, mine.shape[1])]) for mine, theirs in ((table.t, t), (table.v, v)))
        self._lock = threading.RLock()
        cache = None if archive.passing else archive.folder / "cache"
        self.row = {fragment.id: row for row, fragment in enumerate(self.fragments)}
        self.words = Space(t, cache and cache / "words.usearch", proposes=archive.near(self.row))
        self.images = Space(v, cache and cache / f"images-{hashed(space)}.usearch", proposes=archive.near(self.row, space))
        self._founding = sum(fragment.kind == "founding" for fragment in self.fragments)  # the table, and what lies in the archive
        fame = archive.fame()
        self.fame = [fame.get(fragment.id, 0) for fragment in self.fragments]
        self._latents: LRUCache[int, NDArray[np.float16]] = LRUCache(keep, lambda latent: latent.nbytes)
        self.unplugged: frozenset[Kind] = frozenset()
        self.frame = standing(archive)
        self.youth = 0.0  # part that the newest memories have of whom a picture is composed of, whatever its words call for

    def __len__(self) -> int:
        return len(self.fragments)

    @property
    def awake(self) -> bool:
        """Whether anything can be recalled: not where every kind that is present is unplugged, or all was taken back."""
        return bool(self.words.alive[: len(self.words)].any())

    def add(self, fragment: Fragment, meaning: Vector, image: Vector, latent: NDArray[np.float16]) -> None:
        """Take in a fragment that the archive has just stored; vectors are rounded as the archive rounds them."""
        with self._lock:
            self.row[fragment.id] = len(self.fragments)
            self.fragments.append(fragment)
            self.fame.append(0)
            self._founding += fragment.kind == "founding"
            self.words.add(meaning.astype(np.float16).astype(np.float32))
            self.images.add(image.astype(np.float16).astype(np.float32))
            if fragment.kind in self.unplugged:
                self.words.hide(len(self.words) - 1)
                self.images.hide(len(self.images) - 1)
            self._latents[fragment.id] = self._fit(latent)

    def forget(self, fragment: int) -> None:
        """What was withdrawn is never recalled again."""
        with self._lock:
            row = self.row.pop(fragment, None)
            self._latents.pop(fragment, None)
            if row is not None:
                self.words.forget(row)
                self.images.forget(row)
                self._founding -= self.fragments[row].kind == "founding"
                self.fragments[row] = Fragment(fragment, self.fragments[row].kind, "", 0, 0.0, 0, state=1)

    def reword(self, fragment: Fragment) -> None:
        """A fragment says something else now: what it had borrowed was taken back."""
        with self._lock:
            if fragment.id in self.row:
                self.fragments[self.row[fragment.id]] = fragment

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
                    self.words.hide(row, not on)
                    self.images.hide(row, not on)

    def keep(self) -> None:
        """Write the search caches, where there are any."""
        with self._lock:
            self.words.save()
            self.images.save()

    def close(self) -> None:
        """Keep the caches and end what is done aside."""
        self.keep()
        self.words.close()
        self.images.close()

    # recall

    def by_words(self, meaning: Vector, count: int, temperature: float) -> Recall:
        """r = softmax(t(u) . t_i / tau) over the nearest fragments."""
        with self._lock:
            rows = self._near(self.words, meaning, count)
            return self._weighted(rows, self.words.similarity(meaning, rows), temperature)

    def _near(self, space: Space, vector: Vector, count: int) -> Rows:
        """The nearest recipes of the table, and the nearest of what was given and dreamt here: neither crowds out the other."""
        if not self.founders:
            return space.nearest(vector, count)[0]
        recipes = space.nearest(vector, count, (0, self.founders))[0]
        return np.concatenate([recipes, space.nearest(vector, count, (self.founders, len(self)))[0]])

    def _weighted(self, rows: Rows, likeness: Vector, temperature: float) -> Recall:
        """Shares by likeness: all that was never anybody's (the table, recipes that were kept, founders of before) as heavy as
        `Frame.alike` memories, people with `Frame.people` of the whole at least."""
        logits = likeness.astype(np.float64) / temperature
        founding = np.array([self.fragments[row].kind == "founding" for row in rows], bool)
        logits[founding] += min(0.0, np.log(self.frame.alike / max(1, self._founding)))
        weights = softmax(logits)
        given = np.array([self.fragments[row].kind in GIVEN for row in rows], bool)
        if given.any() and 0.0 < (part := float(weights[given].sum())) < (people := self.frame.people) and not given.all():
            weights[given] *= people / part
            weights[~given] *= (1 - people) / (1 - part)
        return Recall(rows, weights)

    def for_a_picture(self, meaning: Vector, count: int, temperature: float, gamma: float) -> Recall:
        """Whom a picture of these words is composed of: recall, popularity penalty, top-k with an entropy floor."""
        return self.top_k(self.penalised(self.by_words(meaning, count, temperature), gamma))

    def both(self, meaning: Vector, image: Vector, count: int, temperature: float) -> tuple[Recall, Recall]:
        """r and q over the same fragments: the nearest by words and the nearest by image."""
        with self._lock:
            rows = np.union1d(self._near(self.words, meaning, count), self._near(self.images, image, count))
            by_words, by_image = self.words.similarity(meaning, rows), self.images.similarity(image, rows)
            (mean, spread), (mean_v, spread_v) = self.words.spread(meaning), self.images.spread(image)
            by_image = (by_image - mean_v) / spread_v * spread + mean
            return self._weighted(rows, by_words, temperature), self._weighted(rows, by_image, temperature)

    def penalty(self, fragments: Sequence[int], gamma: float) -> list[float]:
        """(1 + n) ** -gamma of each, where n pictures descend from it already."""
        with self._lock:
            return [(1.0 + (self.fame[self.row[one]] if one in self.row else 0)) ** -gamma for one in fragments]

    def penalised(self, recall: Recall, gamma: float) -> Recall:
        """The popularity penalty: weights times (1 + n) ** -gamma, where n pictures descend from a fragment already.

        Besides, the NEWEST have the part `youth`.
        """
        with self._lock:
            fame = np.array([self.fame[row] for row in recall.rows], np.float64)
        weights = recall.weights * (1.0 + fame) ** -gamma
        weights /= weights.sum()
        if self.youth <= 0.0 or not len(newest := self._newest()):
            return Recall(recall.rows, weights)
        rows = np.union1d(recall.rows, newest)
        mixed = np.zeros(len(rows))
        mixed[np.searchsorted(rows, recall.rows)] = (1.0 - self.youth) * weights
        mixed[np.searchsorted(rows, newest)] += self.youth / len(newest)
        return Recall(rows, mixed)

    def _newest(self) -> Rows:
        """The last that people gave and the machine dreamt, of those that live."""
        with self._lock:
            first = max(self.founders, len(self.fragments) - 4 * NEWEST)
            rows = [row for row in range(first, len(self.fragments)) if self.fragments[row].kind != "founding" and self.words.alive[row]]
        return np.array(rows[-NEWEST:], np.int64)

    def top_k(self, recall: Recall, k: int = TOP_K, floor: float = FLOOR) -> Recall:
        """Whom a picture is composed of: the `k` that were recalled most, and warmer until N_eff is `floor`.

        A sharp recall names one memory, and the cap would hand the rest of the picture to whoever comes next, be it
        foreign. Warmed just so far that a crowd carries it, the crowd is of those that the words are about.
        """
        best = np.argsort(-recall.weights, kind="stable")[:k]
        logs = np.log(np.maximum(recall.weights[best], 1e-300))
        low, high = 0.0, 1.0
        weights = softmax(logs)
        if crowd(weights) < (wanted := min(floor, 0.9 * len(best))):
            for _ in range(24):  # N_eff falls as the exponent grows
                middle = 0.5 * (low + high)
                weights = softmax(logs * middle)
                low, high = (middle, high) if crowd(weights) > wanted else (low, middle)
        return Recall(recall.rows[best], weights)

    def ids(self, recall: Recall) -> list[int]:
        return [self.fragments[row].id for row in recall.rows]

    def novelty(self, image: Vector, before: int = 1 << 62) -> float:
        """Distance of a picture to the nearest that is remembered, 0..2 in centred cosine.

        Only rows under `before` count: a picture is not old because it has just been remembered itself.
        """
        with self._lock:
            rows, found = self.images.nearest(image, 64)
        older = found[rows < before]
        return float(1.0 - (older[0] if len(older) else found[-1])) if len(rows) else 1.0

    def pictured(self, fragment: int) -> bool:
        """Whether a recipe's picture is here or in the archive."""
        with self._lock:
            return fragment in self._latents or bool(self.archive.latents([fragment], self.space))

    # latents

    def latents(self, rows: Sequence[int] | Rows) -> NDArray[np.float32]:
        """Latents of rows (n, c, h, w), from memory or from the disk."""
        with self._lock:
            ids = [self.fragments[int(row)].id for row in rows]
            found = {fragment: self._latents[fragment] for fragment in ids if fragment in self._latents}
            missing = [fragment for fragment in ids if fragment not in found]
            for fragment, latent in (self.archive.latents(missing, self.space) if missing else {}).items():
                found[fragment] = self._latents[fragment] = self._fit(latent)
        blank = np.zeros(self.shape, np.float16)  # withdrawn between recall and now
        return np.stack([found.get(fragment, blank) for fragment in ids]).astype(np.float32)

    def _fit(self, latent: NDArray[np.float16]) -> NDArray[np.float16]:
        """A latent at this mind's size: pictures remembered at another size are stretched, bilinearly."""
        if latent.shape == self.shape:
            return latent
        full = latent.astype(np.float32)
        for axis, wanted in ((1, self.shape[1]), (2, self.shape[2])):
            at = (np.arange(wanted) + 0.5) * full.shape[axis] / wanted - 0.5
            low = np.clip(np.floor(at).astype(int), 0, full.shape[axis] - 1)
            high = np.minimum(low + 1, full.shape[axis] - 1)
            part = np.clip(at - low, 0, 1).reshape([-1 if a == axis else 1 for a in range(3)]).astype(np.float32)
            full = np.take(full, low, axis) * (1 - part) + np.take(full, high, axis) * part
        return full.astype(np.float16)


def hashed(space: str) -> str:
    """A space's name as a part of a file's."""
    return hashlib.blake2b(space.encode(), digest_size=6).hexdigest()


def crowd(weights: NDArray[np.float64]) -> float:
    """N_eff = exp H of a distribution."""
    held = weights[weights > 0]
    return float(np.exp(-(held * np.log(held)).sum()))


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(x) / sum exp(x) of (n,) numbers, n > 0; the largest is taken away first, so that nothing overflows."""
    powers = np.exp(logits - logits.max())
    found: NDArray[np.float64] = powers / powers.sum()
    return found

