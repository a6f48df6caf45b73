"""A sensor at the door: a name and a number become words, so that rain, steps or a pulse are parents of pictures too.

`/hm/sensor rain 0.7` says nothing by itself: what is much is learned from the sensor's own past. Its numbers are ranked
among the last KEPT of them, and it speaks when the rank comes into another band and stays there for two readings, and not
more often than every PAUSE seconds: "hardly any rain", "much rain, more and more". A sensor that sends a hundred numbers a
second is heard as one that sends one.
"""

from __future__ import annotations

import bisect
import math
from collections import deque
from dataclasses import dataclass, field

from cachetools import LRUCache

SENSORS = 64  # that are known at a time; the one that has been silent longest is forgotten
KEPT = 512  # numbers of its past that a sensor is measured by
LEARNT = 8  # numbers before which it says nothing
PAUSE = 20.0  # seconds between two sentences of one sensor
STAYS = 2  # readings that a band must last
BANDS = (0.05, 0.25, 0.75, 0.95)  # ranks between the words
WORDS = ("hardly any {}", "little {}", "some {}", "much {}", "more {} than ever")
TREND = 0.2  # change of the rank since the last sentence that is called so


@dataclass(slots=True)
class _Sensor:
    past: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    band: int = -1  # that was spoken of last
    next: int = -1  # that it may be in now
    lasted: int = 0  # readings in it
    rank: float = 0.5  # at the last sentence
    spoke: float = -math.inf


class Sensors:
    """Numbers in, now and then words out. One thread; `time` in seconds of any clock."""

    def __init__(self) -> None:
        self._known: LRUCache[str, _Sensor] = LRUCache(SENSORS)

    def read(self, name: str, number: float, time: float) -> str:
        """What a sensor says to this number; "" for nothing new. Raises ValueError for what is no number."""
        if not math.isfinite(number):
            raise ValueError(f"{number} is no number that a sensor can have")
        sensor = self._known.setdefault(name, _Sensor())
        past = sorted(sensor.past)
        below, above = bisect.bisect_left(past, number), len(past) - bisect.bisect_right(past, number)
        rank = below / (below + above) if below + above else 0.5
        sensor.past.append(number)
        band = bisect.bisect_right(BANDS, rank)
        sensor.lasted = sensor.lasted + 1 if band == sensor.next else 1
        sensor.next = band
        if len(past) < LEARNT or band == sensor.band or sensor.lasted < STAYS or time - sensor.spoke < PAUSE:
            return ""
        trend = ", more and more" if rank > sensor.rank + TREND else ", less and less" if rank < sensor.rank - TREND else ""
        trend = trend if sensor.band >= 0 else ""
        sensor.band, sensor.rank, sensor.spoke = band, rank, time
        return WORDS[band].format(name) + trend
