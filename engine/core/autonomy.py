"""Autonomy: how alone the machine is, and what it does then. Knows no torch: the loop may use it too.

A = exp(-m), where m is an exponential average of human input that fades in `FADE` seconds. One key lifts m far enough
that A falls under `ALONE` within the same tick; unattended it returns. Alone, the mind addresses itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FADE = 90.0  # seconds in which the memory of a human fades to 1/e
ALONE = 0.9  # autonomy at and above which the mind addresses itself
KEY, SENTENCE = 0.5, 2.0  # what one key and one sentence weigh
MOST = 4.0  # a crowd at the keyboard does not keep the machine silent for longer than one busy hand


@dataclass(slots=True)
class Autonomy:
    """Human input as it fades. Time comes in as an argument, in seconds; it never runs backwards. One thread."""

    _present: float = 0.0
    _since: float = 0.0

    def human(self, weight: float, time: float) -> None:
        """Somebody did something: KEY for a key or a touch, SENTENCE for words."""
        self._present = min(MOST, self._fade(time) + weight)
        self._since = max(self._since, time)

    def value(self, time: float) -> float:
        """A in 0..1: 0 human, 1 alone."""
        return math.exp(-self._fade(time))

    @property
    def weight(self) -> float:
        """What was human, as it was when somebody last did something."""
        return self._present

    def alone(self, time: float) -> bool:
        return self.value(time) >= ALONE

    def _fade(self, time: float) -> float:
        return self._present * math.exp(-max(0.0, time - self._since) / FADE)
