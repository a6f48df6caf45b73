"""Where the loudspeakers stand, and how loud each plays a grain that comes from somewhere."""

from __future__ import annotations

import bisect
import difflib
import math

import numpy as np
from numpy.typing import NDArray

from engine.sound.options import LAYOUTS


class Speakers:
    """Loudspeakers on a line or a circle; a grain sounds from the two nearest, with constant power.

    A place is -1..1: on a line left to right, on a circle half turns clockwise from the front (-1 and 1 meet behind).
    Loudspeaker 1 of a ring stands just left of the front and they are counted clockwise, so that a ring of two,
    four, eight or sixteen always has one and two in front.
    """

    def __init__(self, channels: int, layout: str | tuple[float, ...] = "auto"):
        if layout == "auto":
            layout = "line" if channels <= 2 else "ring"
        if isinstance(layout, str) and layout not in LAYOUTS:
            near = difflib.get_close_matches(layout, LAYOUTS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"no layout {layout!r}: there are {', '.join(LAYOUTS)} or one place each{hint}")
        if not isinstance(layout, str) and len(layout) != channels:
            raise ValueError(f"the layout places {len(layout)} loudspeakers, the device has {channels} channels")
        self.channels = channels
        self.circle = layout != "line"
        if layout == "line":
            places = [0.0] if channels == 1 else [2.0 * k / (channels - 1) - 1.0 for k in range(channels)]
        elif layout == "ring":
            places = [(2.0 * k - 1.0) / channels for k in range(channels)]
        else:
            places = [float(place) for place in layout]
        self.places = tuple(_around(place) if self.circle else place for place in places)
        order = sorted(range(channels), key=lambda k: self.places[k])
        self._order = order
        self._sorted = [self.places[k] for k in order]

    def gains(self, place: float) -> tuple[int, int, float, float]:
        """(first, second, gain of the first, gain of the second); gains squared add to one. Realtime-safe: yes."""
        n = self.channels
        if n == 1:
            return 0, 0, 1.0, 0.0
        place = _around(place) if self.circle else min(max(place, self._sorted[0]), self._sorted[-1])
        right = bisect.bisect_right(self._sorted, place)
        if not self.circle:
            right = min(max(right, 1), n - 1)
        low, high = self._order[right - 1], self._order[right % n]
        span = (self.places[high] - self.places[low]) % 2.0 or 2.0
        along = ((place - self.places[low]) % 2.0) / span if self.circle else (place - self.places[low]) / span
        angle = min(max(along, 0.0), 1.0) * math.pi / 2.0
        return low, high, math.cos(angle), math.sin(angle)

    def stereo(self) -> NDArray[np.float32]:
        """Downmix (channels, 2) of constant power, for recording and listening elsewhere."""
        if self.channels == 1:
            return np.full((1, 2), math.sqrt(0.5), np.float32)
        side = [math.sin(place * math.pi) if self.circle else place for place in self.places]  # a circle from inside
        angle = (np.array(side) + 1.0) * math.pi / 4.0
        mix = np.stack([np.cos(angle), np.sin(angle)], 1) * math.sqrt(2.0 / self.channels)
        return mix.astype(np.float32)


def _around(place: float) -> float:
    """The same place on the circle, in -1..1."""
    return (place + 1.0) % 2.0 - 1.0
