"""A mark that survives: 512 bits of a picture's light, by which a photograph of it is found again among all others.

The picture is averaged into 17 x 17 cells; a bit says whether a cell is lighter than its right neighbour (256 bits) or
than the one below it (256 bits): a difference hash (Krawetz 2013) in two directions. A photograph shows a part of the
picture, nobody knows which: so it is not hashed once but laid upon the picture in every way that a hand may have cropped
it (`FINE`), and each way gives differences with their sizes, which are compared with the bits of every mark kept.
Large differences survive a camera, so they weigh more: score = sum d b / sum |d|, in -1..1.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE = 16  # bits along a side, in each of two directions
BYTES = 2 * SIDE * SIDE // 8
FINE = (0.0, 1), (0.05, 2), (0.1, 4), (0.15, 5)  # parts of a side that may have been cut away, and in how many ways they are laid
COARSE = (0.02, 1), (0.1, 3)
SHORT = 256  # marks that come into question
ROOM = 20_000  # marks that are compared at once: 41 MB
LIKELY = 0.62  # score from which a mark is an answer; the best of 400 strangers had .50, among 100,000 it is not measured

Luma = NDArray[np.float32]
Bits = NDArray[np.uint8]


def luma(rgb: NDArray[np.uint8]) -> Luma:
    """(h, w) f32, 0..255, of a picture (h, w, 3 or 4); large ones are thinned out first."""
    thin = max(1, min(rgb.shape[:2]) // 180)
    some = rgb[::thin, ::thin, :3].astype(np.float32)
    return some @ np.array([0.299, 0.587, 0.114], np.float32)


def mark(rgb: NDArray[np.uint8]) -> bytes:
    """The mark of a whole picture (h, w, 3 or 4): 64 bytes. About 1 ms."""
    d = _differences(_cells(_summed(luma(rgb)), WHOLE[None]))[0]
    return np.packbits((d > 0).reshape(-1)).tobytes()


def agreement(one: bytes, other: bytes) -> float:
    """Part of the bits of two marks that are the same, 0..1; about .5 for strangers."""
    apart = np.bitwise_xor(np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8))
    return 1.0 - float(np.unpackbits(apart).mean())


@dataclass(frozen=True, slots=True)
class Found:
    """A mark that a photograph may be of."""

    row: int  # among the marks that were compared
    score: float  # -1..1


def find(rgb: NDArray[np.uint8], marks: Bits, most: int = 2) -> list[Found]:
    """The marks (n, 64) that a photograph (h, w, 3 or 4) is most like, the best first.

    A few lays find who comes into question, all of them decide among those.
    """
    if not len(marks):
        return []
    table = _summed(luma(rgb))
    rough = _laid(table, _lays(COARSE))
    scores = np.concatenate([_scores(marks[at : at + ROOM], rough) for at in range(0, len(marks), ROOM)])
    likely = np.argsort(-scores, kind="stable")[:SHORT]
    scores = _scores(marks[likely], _laid(table, _lays(FINE)))
    return [Found(int(likely[k]), float(scores[k])) for k in np.argsort(-scores, kind="stable")[:most]]


def _laid(table: NDArray[np.float64], lays: NDArray[np.float64]) -> NDArray[np.float32]:
    """(lays, 512) differences of a photograph, 0 where it does not reach; the sizes of each lay's sum to 1."""
    d = np.nan_to_num(_differences(_cells(table, lays)))
    return np.asarray(d / np.maximum(np.abs(d).sum(1, keepdims=True), 1e-6), np.float32)


def _scores(marks: Bits, d: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) the best score of each mark over all lays."""
    signs = np.unpackbits(marks, axis=1).astype(np.float32) * 2 - 1
    found: NDArray[np.float32] = (signs @ d.T).max(1)
    return found


# --- laying a part upon the whole

WHOLE = np.array([0.0, 1.0, 0.0, 1.0])


@functools.cache
def _lays(along: tuple[tuple[float, int], ...]) -> NDArray[np.float64]:
    """(n, 4): where a photograph may lie in the whole picture: left, right, top, bottom, in sides."""
    sides = [(start, start + 1.0 - cut) for cut, ways in along for start in np.linspace(0.0, cut, ways)]
    return np.array([(*x, *y) for x, y in itertools.product(sides, sides) if abs((x[1] - x[0]) - (y[1] - y[0])) < 0.11])


def _summed(light: Luma) -> NDArray[np.float64]:
    """(h + 1, w + 1): what lies above and to the left of each place."""
    table = np.zeros((light.shape[0] + 1, light.shape[1] + 1))
    table[1:, 1:] = light.cumsum(0, dtype=np.float64).cumsum(1)
    return table


def _cells(table: NDArray[np.float64], lays: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 17, 17): mean light of each cell of the whole picture, where the photograph reaches it whole; else nan."""
    h, w = table.shape[0] - 1, table.shape[1] - 1
    edges = np.arange(SIDE + 2) / (SIDE + 1)
    x = (edges[None] - lays[:, :1]) / (lays[:, 1:2] - lays[:, :1])  # (n, 18) in sides of the photograph
    y = (edges[None] - lays[:, 2:3]) / (lays[:, 3:4] - lays[:, 2:3])
    slack = 0.25 / SIDE  # of a cell that may be missing
    inside = (np.minimum(x[:, 1:], 1.0 + slack) >= x[:, 1:]) & (x[:, :-1] >= -slack)
    within = (y[:, 1:] <= 1.0 + slack) & (y[:, :-1] >= -slack)
    x, y = x.clip(0, 1) * w, y.clip(0, 1) * h
    rows = _between(table, y, 0)  # (n, 18, w + 1)
    sums = np.stack([_between(row, across[None], 1)[:, 0] for row, across in zip(rows, x, strict=True)])  # (n, 18, 18)
    area = np.maximum(np.diff(y)[:, :, None] * np.diff(x)[:, None], 1e-9)
    means = (sums[:, 1:, 1:] - sums[:, :-1, 1:] - sums[:, 1:, :-1] + sums[:, :-1, :-1]) / area
    means[~(within[:, :, None] & inside[:, None])] = np.nan
    return np.asarray(means)


def _between(table: NDArray[np.float64], at: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Values of a table between its rows (axis 0) or columns (axis 1): at (n, k) gives (n, k, w) or (h, n, k)."""
    low = np.minimum(at.astype(np.int64), table.shape[axis] - 2)
    part = at - low
    if axis == 0:
        return np.asarray(table[low] * (1 - part)[..., None] + table[low + 1] * part[..., None])
    return np.asarray(table[:, low] * (1 - part) + table[:, low + 1] * part)


def _differences(cells: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n, 512) f32: right minus left, below minus above."""
    right = cells[:, :SIDE, 1:] - cells[:, :SIDE, :-1]
    below = cells[:, 1:, :SIDE] - cells[:, :-1, :SIDE]
    return np.concatenate([right.reshape(len(cells), -1), below.reshape(len(cells), -1)], 1).astype(np.float32)
