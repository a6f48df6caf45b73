"""A mark that survives: 2,560 bits of a picture's light, by which a photograph of it is found again among all others.

The picture is averaged into cells, 17 x 17 and 33 x 33; a bit says whether a cell is lighter than its right neighbour or
than the one below it: a difference hash (Krawetz 2013) in two directions and two sizes. The 512 bits of the large cells
*find*: a photograph shows a part of the picture, nobody knows which, so it is laid upon the picture in every way that a
hand may have cropped it (`FINE`), and each way is compared with every mark. The 2,048 of the small cells *judge*: pictures
of one painter are alike in large forms (a stranger's best score among 100,000 was .93 there, the right one's .96), so the
few that come into question are laid anew, corner by corner, until their small forms agree best or do not.
Large differences survive a camera, so they weigh more, by their root: score = sum s b / sum |s|, s = +-sqrt |d|, in -1..1.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDE, SMALL = 16, 32  # bits along a side, in each of two directions: large cells, small cells
FIRST = 2 * SIDE * SIDE // 8  # bytes of the large cells
BYTES = FIRST + 2 * SMALL * SMALL // 8
FINE = (0.0, 1), (0.05, 2), (0.1, 4), (0.15, 5)  # parts of a side that may have been cut away, and in how many ways they are laid
COARSE = (0.02, 1), (0.1, 3)
SHORT, JUDGED = 512, 8  # marks that come into question; that are judged by their small forms
STEPS = 0.02, 0.01, 0.005  # of a side, by which corners are moved while a photograph is laid anew
MOVES = 8  # at most, for each step
HOPELESS = 0.5  # score after the first step up to which it is not laid any better
LIKELY = 0.85  # score from which a mark is an answer: of 100 photographs 97 have more, and of 1,500 strangers none has (`hypermnesia bench whose`)

Luma = NDArray[np.float32]
Bits = NDArray[np.uint8]


def luma(rgb: NDArray[np.uint8]) -> Luma:
    """(h, w) f32, 0..255, of a picture (h, w, 3 or 4); large ones are thinned out first."""
    thin = max(1, min(rgb.shape[:2]) // 180)
    some = rgb[::thin, ::thin, :3].astype(np.float32)
    return some @ np.array([0.299, 0.587, 0.114], np.float32)


def mark(rgb: NDArray[np.uint8]) -> bytes:
    """The mark of a whole picture (h, w, 3 or 4): 320 bytes. About 1 ms."""
    table = _summed(luma(rgb))
    return b"".join(np.packbits(_differences(_cells(table, WHOLE[None], side))[0] > 0).tobytes() for side in (SIDE, SMALL))


def agreement(one: bytes, other: bytes) -> float:
    """Part of the bits of large forms of two marks that are the same, 0..1; about .5 for strangers."""
    apart = np.bitwise_xor(np.frombuffer(one[:FIRST], np.uint8), np.frombuffer(other[:FIRST], np.uint8))
    return 1.0 - float(np.unpackbits(apart).mean())


@dataclass(frozen=True, slots=True)
class Found:
    """A mark that a photograph may be of."""

    row: int  # among the marks that were compared
    score: float  # -1..1


def find(rgb: NDArray[np.uint8], marks: Bits, most: int = 2) -> list[Found]:
    """The marks (n, BYTES) that a photograph (h, w, 3 or 4) is most like, the best first; at most JUDGED, none for one that is smaller than a mark.

    A few lays find who comes into question, all of them decide among those whom small forms judge. 0.3 s among 100,000.
    """
    if not len(marks) or min(rgb.shape[:2]) < SIDE:
        return []
    table = _summed(luma(rgb))
    likely = _in_question(marks, _differences(_cells(table, _lays(COARSE))))
    lays = _lays(FINE)
    scores = _signs(marks[likely, :FIRST]) @ _weighed(_differences(_cells(table, lays))).T  # (n, lays)
    best = np.argsort(-scores.max(1), kind="stable")[:JUDGED]
    laid = _Laid(table)
    found = [Found(int(likely[k]), laid.judge(_signs(marks[likely[k], FIRST:]), lays[scores[k].argmax()])) for k in best]
    return sorted(found, key=lambda one: -one.score)[:most]


def _in_question(marks: Bits, d: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows of the SHORT marks that differ least from any lay (n, 512), in those of its bits that are clearer than half of them."""
    d = np.nan_to_num(d)
    words = np.ascontiguousarray(marks[:, :FIRST]).view(np.uint64)  # (n, 8)
    least = np.full(len(marks), np.inf, np.float32)
    for one in d:
        clear = np.abs(one) > np.median(np.abs(one[one != 0])) if one.any() else one != 0
        bits, asked = np.packbits(one > 0).view(np.uint64), np.packbits(clear).view(np.uint64)
        wrong = np.bitwise_count((words ^ bits) & asked).sum(1, dtype=np.uint16)
        least = np.minimum(least, wrong / np.float32(max(1, clear.sum())))
    return np.argsort(least, kind="stable")[:SHORT]


def _signs(bits: Bits) -> NDArray[np.float32]:
    """+1 and -1 of packed bits, along the last axis."""
    return np.unpackbits(bits, axis=-1).astype(np.float32) * 2 - 1


def _weighed(d: NDArray[np.float32]) -> NDArray[np.float32]:
    """Differences (n, bits), nan where a photograph does not reach, by their roots; the sizes of each row sum to 1."""
    d = np.nan_to_num(d)
    d = np.sign(d) * np.sqrt(np.abs(d))
    return np.asarray(d / np.maximum(np.abs(d).sum(1, keepdims=True), 1e-6), np.float32)


class _Laid:
    """A photograph, laid so that its small forms agree best with a mark's."""

    def __init__(self, table: NDArray[np.float64]):
        h, w = table.shape[0] - 1, table.shape[1] - 1
        self._means = _blurred(table, h / SMALL, w / SMALL)
        at = (np.arange(SMALL + 1) + 0.5) / (SMALL + 1)
        u, v = (part.reshape(-1) for part in np.meshgrid(at, at))
        self._by_corner = np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v]).astype(np.float32)  # (4, cells)

    def judge(self, signs: NDArray[np.float32], lay: NDArray[np.float64]) -> float:
        """-1..1: how well small forms agree, from a lay on."""
        left, right, top, bottom = lay
        x, y = [(u - left) / (right - left) for u in (0.0, 1.0)], [(v - top) / (bottom - top) for v in (0.0, 1.0)]
        corners = np.array([(x[a], y[b]) for b in (0, 1) for a in (0, 1)], np.float32)  # of the whole picture, in sides of the photograph
        best = float(self._scores(corners[None], signs)[0])
        for step in STEPS:
            for _ in range(MOVES):
                moved = corners + step * MOVED
                scores = self._scores(moved, signs)
                if scores.max() <= best + 1e-4:
                    break
                corners, best = moved[scores.argmax()], float(scores.max())
            if best < HOPELESS:
                break
        return best

    def _scores(self, corners: NDArray[np.float32], signs: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) of n ways to lay it, each (4, 2) corners."""
        at = np.einsum("nck,cm->knm", corners, self._by_corner)  # (2, n, cells)
        slack = 0.25 / SMALL
        outside = ((at < slack) | (at > 1 - slack)).any(0)
        h, w = self._means.shape
        x, y = at[0].clip(0, 1) * (w - 1), at[1].clip(0, 1) * (h - 1)
        low_x, low_y = np.minimum(x.astype(np.int32), w - 2), np.minimum(y.astype(np.int32), h - 2)
        part_x, part_y = x - low_x, y - low_y
        flat, place = self._means.reshape(-1), low_y * w + low_x
        upper = flat[place] * (1 - part_x) + flat[place + 1] * part_x
        lower = flat[place + w] * (1 - part_x) + flat[place + w + 1] * part_x
        cells = upper * (1 - part_y) + lower * part_y
        cells[outside] = np.nan
        d = _differences(cells.reshape(len(corners), SMALL + 1, SMALL + 1))
        return _weighed(d) @ signs


def _moves() -> NDArray[np.float32]:
    """(n, 4, 2): what is tried: all corners along, apart, turned; each corner alone."""
    along = [np.tile(way, (4, 1)) for way in ((1, 0), (0, 1))]
    unit = np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)], float)
    apart = [unit * way for way in ((1, 0), (0, 1), (1, 1))]
    turned = [unit[:, ::-1] * (-1, 1)]
    alone = [np.eye(8)[k].reshape(4, 2) for k in range(8)]
    every = np.stack([*along, *apart, *turned, *alone])
    return np.concatenate([every, -every]).astype(np.float32)


MOVED = _moves()


def _blurred(table: NDArray[np.float64], high: float, wide: float) -> NDArray[np.float32]:
    """(h, w): mean light of so much around each pixel."""
    h, w = table.shape[0] - 1, table.shape[1] - 1
    y, x = np.arange(h) + 0.5, np.arange(w) + 0.5
    top, bottom, left, right = (y - high / 2).clip(0), (y + high / 2).clip(max=h), (x - wide / 2).clip(0), (x + wide / 2).clip(max=w)
    rows = _between(table, bottom[None], 0)[0] - _between(table, top[None], 0)[0]  # (h, w + 1)
    sums = _between(rows, right[None], 1)[:, 0] - _between(rows, left[None], 1)[:, 0]
    return np.asarray(sums / ((bottom - top)[:, None] * (right - left)), np.float32)


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


def _cells(table: NDArray[np.float64], lays: NDArray[np.float64], side: int = SIDE) -> NDArray[np.float64]:
    """(n, side + 1, side + 1): mean light of each cell of the whole picture, where the photograph reaches it whole; else nan."""
    h, w = table.shape[0] - 1, table.shape[1] - 1
    edges = np.arange(side + 2) / (side + 1)
    x = (edges[None] - lays[:, :1]) / (lays[:, 1:2] - lays[:, :1])  # (n, 18) in sides of the photograph
    y = (edges[None] - lays[:, 2:3]) / (lays[:, 3:4] - lays[:, 2:3])
    slack = 0.25 / side  # of a cell that may be missing
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
    """(n, 2 side^2) f32 of cells (n, side + 1, side + 1): right minus left, below minus above."""
    right = cells[:, :-1, 1:] - cells[:, :-1, :-1]
    below = cells[:, 1:, :-1] - cells[:, :-1, :-1]
    return np.concatenate([right.reshape(len(cells), -1), below.reshape(len(cells), -1)], 1).astype(np.float32)
