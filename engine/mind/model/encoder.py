"""What the embedded picture model hears: a sentence, its words, and words that stand beside one another.

The text space has one vector a sentence and no token states, so a condition is made of several: slot 0 the sentence,
then its words, then neighbouring words, then the sentence again where nothing is left to say. One static shape, no
mask. Vectors of words are remembered: visitors use few words, and each costs 1.6 ms only once.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Sequence

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray

from engine.core import meaning
from engine.core.meaning import DIM, spelled

SLOTS = 12
SCALE = 12.0  # of unit vectors of 512: entries with a deviation of about one half, which a linear layer likes
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+")  # Thai, kana, Han: written without spaces


class Encoder(meaning.Encoder):
    """The text space's encoder, which can also speak to the picture model. Thread-safe: yes."""

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        self._known: LRUCache[str, NDArray[np.float32]] = LRUCache(8192)
        self._lock = threading.Lock()  # a cache that drops what was used longest ago changes when it is read, too

    def condition(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, 12, 512) f32: what `encoder_hidden_states` of the picture model takes."""
        if isinstance(texts, str):
            raise TypeError("texts is one string; give a list of strings")
        return torch.from_numpy(np.stack([self._slots(text) for text in texts]) * SCALE)

    def _slots(self, text: str) -> NDArray[np.float32]:
        said = [text, *pieces(spelled(text))[: SLOTS - 1]]
        vectors = [self._vector(piece) for piece in said]
        return np.stack(vectors + [vectors[0]] * (SLOTS - len(vectors)))

    def _vector(self, piece: str) -> NDArray[np.float32]:
        with self._lock:
            known = self._known.get(piece)
        if known is None:
            known = self.sentence([piece])[0]
            with self._lock:
                self._known[piece] = known
        return known


def pieces(text: str) -> list[str]:
    """Words in their order, then pairs of neighbours; pairs of letters where a script has no spaces."""
    words: list[str] = []
    for word in re.findall(r"[\w'’-]+", text.lower()):
        run = _UNSPACED.fullmatch(word)
        words += [word[at : at + 2] for at in range(0, len(word), 2)] if run else [word]
    pairs = [f"{one} {other}" for one, other in itertools.pairwise(words)]
    return list(dict.fromkeys((*words, *pairs)))


__all__ = ["DIM", "SCALE", "SLOTS", "Encoder", "pieces"]
