"""Flow: bits a second that somebody's keys carry before Enter. Knows no torch: loop, doors and mind may use it.

phi(t) = sum of bits_i exp(-(t - t_i) / MEMORY) / MEMORY: the surprisal of the keys, as their last seconds weigh it. The
same text typed in another rhythm has another phi at every instant; a hesitation lets it fall, a deletion lifts it as any
key does, and in silence it is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MEMORY = 1.5  # seconds in which a key fades to 1/e
LEAST = 0.05  # bits a second: less is silence
DELETION = 2.0  # bits that taking something back carries at least: it says that something else was meant
HALF = 12.0  # bits a second of an unhurried hand; `rush` is .5 there


@dataclass(slots=True)
class Flow:
    """Keys as they fade. Time comes in as an argument, in seconds; it never runs backwards. One thread."""

    _present: float = 0.0  # bits a second at `_since`
    _since: float = 0.0

    def key(self, bits: float, deleted: bool, time: float) -> None:
        """A key was pressed; `bits` >= 0 is how surprising it was."""
        carried = max(bits, DELETION) if deleted else bits
        self._present = self._faded(time) + max(0.0, carried) / MEMORY
        self._since = max(self._since, time)

    def value(self, time: float) -> float:
        """phi in bits a second; exactly 0 in silence."""
        found = self._faded(time)
        return found if found >= LEAST else 0.0

    def _faded(self, time: float) -> float:
        return self._present * math.exp(-max(0.0, time - self._since) / MEMORY)


def rush(flow: float) -> float:
    """A flow in bits a second as 0 (silence) .. 1 (nobody types so fast)."""
    return max(0.0, flow) / (max(0.0, flow) + HALF)
