"""Counting flashes, as WCAG 2.3.1 means them. Pure: frames in, counts out.

A flash is a pair of opposing changes of relative luminance of a tenth or more where the darker is under .80 (general),
or of R - G - B by more than 20/320 to or from a saturated red (red), over more than a quarter of what 10 degrees of
view hold; more than three within a second are too many. (W3C, Web Content Accessibility Guidelines 2.1. Version 2.2
measures red by its distance of .2 in u'v', which is a part of the above for all but the dimmest red.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LIMIT = 3  # flashes within a second
SECOND = 1.05  # seconds; a little more than one, for a display that is not quite even
CHANGE, BRIGHT = 0.095, 0.80  # of relative luminance: 10 % less rounding; where the darker is brighter, it is no flash
RED, SATURATED = 0.9 * 20.0 / 320.0, 0.8  # of R - G - B in linear light; R / (R + G + B)
AREA = 0.2  # of a field: a quarter, less what the samples between pixels may miss
TOGETHER = 0.25  # seconds: changes in one direction that are further apart are not one
FINE = 54  # samples along the shorter side of the wall
FIELD = 0.31  # of the shorter side that 10 degrees of view are, for eyes one width of a 16:9 wall away

LINEAR = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.arange(256) / 255], np.float32)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
Samples = NDArray[np.uint8]  # (rows, cols, 3), as shown
Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Turns:
    """Where each sample last turned. Opposing changes are turns of more than `least`."""

    extreme: Plane  # the highest since it turned up, or the lowest since it turned down
    red: Mask  # whether that was a saturated red
    up: Mask

    @classmethod
    def of(cls, shape: tuple[int, int]) -> Turns:
        dark = np.zeros(shape, np.bool_)
        return cls(np.zeros(shape, np.float32), dark, dark)

    def next(self, value: Plane, least: float) -> tuple[Turns, Mask]:
        """The same after one more frame, and which samples have turned."""
        way = np.where(self.up, value - self.extreme, self.extreme - value)
        turned = way <= -least
        fresh = turned | (way > 0.0)
        return replace(self, extreme=np.where(fresh, value, self.extreme), up=self.up ^ turned), turned


@dataclass(frozen=True)
class Fields:
    """What each field of view has seen of one kind of flash. Fields overlap; the first index is up (0) or down (1)."""

    load: Plane  # (2, fields): share of it that has lately changed in a direction
    up: Mask  # (fields,) whether its last change as a whole was up
    times: NDArray[np.float64]  # (2 * limit, fields): seconds of its last changes, the newest first

    @classmethod
    def of(cls, count: int, limit: int) -> Fields:
        return cls(np.zeros((2, count), np.float32), np.zeros(count, np.bool_), np.full((2 * limit, count), -np.inf))

    def next(self, rose: Plane, fell: Plane, at: float, delta: float) -> tuple[Fields, bool]:
        """The same after a frame in which these shares rose and fell, and whether one has now flashed too often.

        Of 2 * limit changes the last one is kept for the dark: light that would be one of them comes too early.
        """
        load = self.load * np.float32(np.exp(-delta / TOGETHER)) + np.stack([rose, fell])
        changed = np.where(self.up, load[1], load[0]) >= AREA
        if not changed.any():
            return replace(self, load=load), False
        times = np.where(changed, np.concatenate([np.full((1, len(changed)), at), self.times[:-1]]), self.times)
        over = changed & ~self.up & (times[-1] > at - SECOND)
        return Fields(np.where(changed, 0.0, load), self.up ^ changed, times), bool(over.any())

    def most(self, at: float) -> float:
        """Flashes within the last second in the field that had most of them."""
        return float((self.times > at - SECOND).sum(0).max()) / 2.0


@dataclass(frozen=True)
class Seen:
    """What eyes have seen so far: luminance, and red."""

    light: Turns
    red: Turns
    flashes: Fields
    red_flashes: Fields
    at: float = 0.0
    over: bool = False  # the last frame flashed once too often

    @property
    def most(self) -> float:
        """Flashes within the last second, of the kind and in the field of view that had most of them."""
        return max(self.flashes.most(self.at), self.red_flashes.most(self.at))


class Flashes:
    """Counts flashes in samples of a wall of `size` (w, h) pixels. Pure; it remembers nothing itself."""

    def __init__(self, size: tuple[int, int], limit: int = LIMIT):
        if limit < 1:
            raise ValueError(f"the wall may flash {limit} times a second; at least 1: a sunrise is half of one")
        cell = min(size) / FINE
        cols, rows = (int(min(max(round(side / cell), 1), 8 * FINE)) for side in size)
        self.shape, self.limit = (rows, cols), limit
        field = round(FIELD * FINE)
        self._y, self._x = _places(rows, field), _places(cols, field)
        self._sum = np.zeros((rows + 1, cols + 1), np.int32)

    def nothing(self) -> Seen:
        """Eyes that have seen the dark."""
        fields = Fields.of(len(self._y[0]) * len(self._x[0]), self.limit)
        return Seen(Turns.of(self.shape), Turns.of(self.shape), fields, fields)

    def next(self, seen: Seen, samples: Samples, at: float) -> Seen:
        """The same eyes after one more frame. `at` in seconds of any clock that only goes on."""
        linear = LINEAR[samples]  # (rows, cols, 3)
        r = linear[..., 0]
        total = r + linear[..., 1] + linear[..., 2]  # a sum over three channels takes ten times as long
        delta = max(0.0, at - seen.at)
        luminance = linear @ LUMINANCE
        light, turned = seen.light.next(np.minimum(luminance, BRIGHT + CHANGE), CHANGE)
        flashes, over = self._fields(seen.flashes, turned, light.up, at, delta)
        saturated = r >= SATURATED * np.maximum(total, 1e-6)
        red, turned = seen.red.next(np.maximum(2.0 * r - total, 0.0), RED)
        fresh = red.extreme != seen.red.extreme
        red = replace(red, red=np.where(fresh, saturated, seen.red.red))
        red_flashes, too = self._fields(seen.red_flashes, turned & (saturated | seen.red.red), red.up, at, delta)
        return Seen(light, red, flashes, red_flashes, at, over or too)

    def _fields(self, fields: Fields, turned: Mask, up: Mask, at: float, delta: float) -> tuple[Fields, bool]:
        return fields.next(self._shares(turned & up), self._shares(turned & ~up), at, delta)

    def _shares(self, mask: Mask) -> Plane:
        """(fields,) the share of each field that lies in a mask."""
        (top, bottom), (left, right) = self._y, self._x
        if not mask.any():
            return np.zeros(len(top) * len(left), np.float32)
        total = self._sum
        np.cumsum(np.cumsum(mask, 0, dtype=np.int32), 1, out=total[1:, 1:])
        inside = total[np.ix_(bottom, right)] - total[np.ix_(top, right)] - total[np.ix_(bottom, left)] + total[np.ix_(top, left)]
        return (inside / np.outer(bottom - top, right - left)).astype(np.float32).ravel()


def _places(samples: int, field: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where fields begin and end along a side: a quarter of a field apart, the last at the edge."""
    begin = np.unique(np.append(np.arange(0, max(1, samples - field), max(1, field // 4)), max(0, samples - field)))
    return begin, np.minimum(begin + field, samples)
