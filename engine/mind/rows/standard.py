"""Row 12, standardisation: whether the last pictures have come to be alike, and what is done about it.

S = 1 - Vendi(last pictures) / Vendi(as many of the archive's own). The Vendi score is the effective number of different
ones: exp of the entropy of the eigenvalues of their similarity matrix over n (Friedman and Dieng, TMLR 2023); similar are
here centred cosines of what the reader sees. A picture counts once for each sentence that was present, and once more for
each `idle` seconds that a sentence stays.

The collapse is let happen, so that it can be heard (`engine.sound.murmur`: unison) and seen; only at ALLOWED the
counter-force begins, and it ends at OVER. It turns the machine's own words towards those memories that are least like
the last pictures (farthest points, Gonzalez 1985). Words that somebody gives are never turned by it: they are the rupture.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.mind.memory.recall import Memory, Recall
from engine.mind.memory.space import Vector, unit

LAST = 32  # pictures that are compared
LEAST = 6  # before which nothing is said
ALLOWED, OVER = 0.6, 0.4  # S at which the counter-force begins, and ends
GROWN = 1.125  # growth of the archive after which the reference is taken anew
SAMPLES = 4  # of the archive, over which the reference is the mean
ASKED = 512  # memories among which those least like the last pictures are looked for
FAR = 3  # of them that turn the words


def vendi(vectors: Vector) -> float:
    """Effective number of different rows (n, d), 1..n, by cosine: exp of the entropy of the spectrum."""
    rows = unit(vectors.astype(np.float32))
    spectrum = np.linalg.eigvalsh((rows @ rows.T).astype(np.float64) / len(rows))
    held = spectrum[spectrum > 1e-12]
    return float(np.exp(-(held * np.log(held)).sum()))


class Standard:
    """The last pictures, and how alike they are. One thread (the thought's)."""

    def __init__(self, memory: Memory, last: Iterable[Vector] = (), idle: float = 24.0):
        self._memory, self._idle = memory, idle
        self.last: deque[Vector] = deque(last, LAST)
        self._sentence: tuple[str, int] | None = None  # words and speaker of the newest
        self._since = 0.0  # seconds of the mind's clock at which the newest began to count
        self._reference, self._taken_at = 1.0, (0, 0)  # Vendi score of the archive's own, and of how many and when
        self._far: Recall | None = None
        self.value = 0.0  # S, 0..1
        self.acting = False  # whether it is countered
        self.looks = 0  # pictures that were counted

    def look(self, vector: Vector, words: str, speaker: int, time: float) -> float:
        """Take in what is read in the picture of these words (d,); returns S. A millisecond, once a sentence."""
        newest = (words, speaker)
        again = newest == self._sentence and time - self._since < self._idle
        if not again:
            self._sentence, self._since, self.looks = newest, time, self.looks + 1
        elif self.last:
            self.last.pop()
        self.last.append(vector)
        self.value = self._measure()
        self.acting = self.value >= (OVER if self.acting else ALLOWED)
        if not again or not self.acting:
            self._far = None
        return self.value

    def _measure(self) -> float:
        if len(self.last) < LEAST or not len(self._memory):
            return 0.0
        centre = self._memory.images.centre
        score = vendi(np.stack(self.last) - centre)
        return float(np.clip(1.0 - score / max(1.0, self._own(len(self.last))), 0.0, 1.0))

    def _own(self, count: int) -> float:
        """Vendi score of `count` of the archive's own: the mean over even samples."""
        many = len(self._memory)
        if count != self._taken_at[0] or many > GROWN * self._taken_at[1]:
            images = self._memory.images
            scores = []
            for start in range(SAMPLES):
                rows = np.linspace(start, many - 1, min(count, many)).astype(np.int64)
                scores.append(vendi(images.raw(rows[images.alive[rows]]) - images.centre))
            self._reference, self._taken_at = float(np.mean(scores)), (count, many)
        return self._reference

    def pressure(self, force: float) -> float:
        """0..1: how hard it is countered just now, where a performer gives it `force` (0..1)."""
        return force * min(1.0, (self.value - OVER) / (ALLOWED - OVER)) if self.acting else 0.0

    def far(self) -> Recall:
        """The memories that are least like the last pictures, the same ones for as long as a picture counts."""
        if self._far is None:
            images, many = self._memory.images, len(self._memory)
            at = np.arange(self.looks % 7, many, max(1, many // ASKED), dtype=np.int64)
            at = at[images.alive[at]]
            near = unit(images.raw(at) - images.centre) @ unit(np.stack(self.last) - images.centre).T
            rows = at[np.argsort(near.max(1), kind="stable")[:FAR]]
            self._far = Recall(rows, np.full(len(rows), 1.0 / max(1, len(rows))))
        return self._far


def seen_last(memory: Memory, count: int = LAST) -> list[NDArray[np.float32]]:
    """What is read in the newest pictures that the archive keeps of people and of the machine: a restart forgets none."""
    rows = [row for row in range(memory.founders, len(memory)) if memory.fragments[row].kind != "founding" and memory.fragments[row].state == 0]
    return list(memory.images.raw(np.array(rows[-count:], np.int64))) if rows else []
