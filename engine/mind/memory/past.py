"""The past: whether a picture has been before. A perceptual hash of 256 bits of every picture that was kept.

The bits are the signs of 16 x 16 cosine coefficients of the small grey picture, those of rows and columns alone left out
(pHash, Zauner 2010). Measured on 500 paintings: two of them differ in 128 bits, deviation 8.5, as chance would have it,
so that 70 bits lie seven deviations away; noise of 12 levels turns 11 bits, a move by 1/64 of the side 37. The bits of
neighbours (dHash), which were kept until 0.3, differ in 114 with a deviation of 15: one pair in 140 was under 70, and
every picture would have been refused after a day.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

SIDE, BITS = 32, 16  # of the small picture, and of the coefficients that are kept of it
MARK = b"c"  # before hashes of this kind; those of before have none and cannot be compared
CHUNK = 1 << 15  # hashes that are compared at a time: they and what comes of them stay in the cache
FARTHEST = 256
GREY = np.array([0.299, 0.587, 0.114], np.float32)
Hash = NDArray[np.uint64]  # (4,)


def fingerprint(rgb: NDArray[np.uint8]) -> bytes:
    """MARK and 32 bytes of a picture (h, w, 3 or more) u8. A third of a millisecond at 256 x 256."""
    grey = torch.from_numpy(rgb[..., :3].astype(np.float32) @ GREY)
    small = torch.nn.functional.adaptive_avg_pool2d(grey[None, None], SIDE)[0, 0].numpy()
    cosines = _cosines()
    return MARK + np.packbits((cosines @ small @ cosines.T > 0).reshape(-1)).tobytes()


@functools.cache
def _cosines() -> NDArray[np.float32]:
    """(BITS, SIDE): frequencies 1..BITS of the cosine transform of type II."""
    frequency, place = np.arange(1, BITS + 1)[:, None], np.arange(SIDE)[None] + 0.5
    return np.cos(np.pi * frequency * place / SIDE).astype(np.float32)


def bits(hash: bytes) -> Hash | None:
    """A hash as four words; None for one of another kind."""
    return np.frombuffer(hash[len(MARK) :], np.uint64) if hash[:1] == MARK and len(hash) == 32 + len(MARK) else None


def apart(a: Hash, b: Hash) -> int:
    """Hamming distance, 0..256."""
    return int(np.bitwise_count(a ^ b).sum())


class Past:
    """Hashes of what was kept, in the order in which it was. Any thread may call; calls take turns."""

    def __init__(self, kept: Iterable[tuple[int, bytes]] = ()):
        self._lock = threading.Lock()
        self._words = np.zeros((4, 0), np.uint64)  # a column a picture: whole rows are read one after the other
        self._row: dict[int, int] = {}  # fragment -> column
        self._count = 0
        self._gone: list[int] = []  # columns of what was let go
        self.unread: list[int] = []  # kept pictures whose hash is of another kind
        found: list[Hash] = []
        for fragment, hash in kept:
            if (one := bits(hash)) is None:
                self.unread.append(fragment)
            else:
                self._row[fragment] = len(found)
                found.append(one)
        if found:
            self._words, self._count = np.ascontiguousarray(np.stack(found, 1)), len(found)

    def __len__(self) -> int:
        """How many were ever taken in, those that were let go among them."""
        return self._count

    def add(self, fragment: int, hash: bytes) -> None:
        """A picture is kept."""
        one = bits(hash)
        if one is None:
            return
        with self._lock:
            if self._count == self._words.shape[1]:
                room = max(1024, self._count // 2)
                self._words = np.concatenate([self._words, np.zeros((4, room), np.uint64)], 1)
            self._words[:, self._count], self._row[fragment] = one, self._count
            self._count += 1

    def forget(self, fragment: int) -> None:
        """It was taken back or refused: it has not been, and nothing of it is left here."""
        with self._lock:
            row = self._row.pop(fragment, None)
            if row is not None:
                self._words[:, row] = 0
                self._gone.append(row)

    def distances(self, hash: Hash, end: int) -> NDArray[np.uint16]:
        """Hamming distance to each of the first `end` (n,). 50 ms for five million, a millisecond for a hundred thousand."""
        with self._lock:
            words, end = self._words, min(end, self._count)
            found = np.empty(end, np.uint16)
            for at in range(0, end, CHUNK):
                part = found[at : min(end, at + CHUNK)]
                part[:] = 0
                for word, mine in zip(words[:, at : at + len(part)], hash, strict=True):
                    part += np.bitwise_count(word ^ mine)
            found[[row for row in self._gone if row < end]] = FARTHEST
        return found

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Some of them, (4, n)."""
        with self._lock:
            return self._words[:, rows].copy()
