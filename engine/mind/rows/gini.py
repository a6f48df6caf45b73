"""Row 22, celebrity: how unequally memories are recalled. What acts on it is `gamma`: famous memories tire (`Memory.penalty`).

The Gini coefficient of the shares that memories had in the last THOUGHTS pictures of a thought, over all that have ever
been recalled: 0 where each had as much as every other, 1 where one had all (Gini 1912).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

THOUGHTS = 256  # thoughts that are remembered


def gini(amounts: NDArray[np.float64]) -> float:
    """Gini coefficient of amounts (n,) >= 0; 0 where there are none."""
    total = float(amounts.sum())
    if total <= 0.0:
        return 0.0
    rank = np.arange(1, len(amounts) + 1)
    return float((2.0 * rank - len(amounts) - 1.0) @ np.sort(amounts) / (len(amounts) * total))


class Gini:
    """Who had how much of the last pictures. One thread (the thought's)."""

    def __init__(self, ever: Iterable[int] = ()):
        self._ever = set(ever)  # ids of all that have been recalled
        self._last: deque[dict[int, float]] = deque()
        self._amounts: dict[int, float] = {}

    def take(self, shares: dict[int, float]) -> float:
        """Take in who a picture is made of; returns the coefficient. A tenth of a millisecond for a thousand memories."""
        self._last.append(shares)
        self._ever.update(shares)
        for fragment, share in shares.items():
            self._amounts[fragment] = self._amounts.get(fragment, 0.0) + share
        if len(self._last) > THOUGHTS:
            for fragment, share in self._last.popleft().items():
                left = self._amounts.get(fragment, 0.0) - share
                if left > 1e-9:
                    self._amounts[fragment] = left
                else:  # what is still in a younger thought is as small as rounding, and counts as nothing
                    self._amounts.pop(fragment, None)
        amounts = np.zeros(len(self._ever))
        amounts[: len(self._amounts)] = list(self._amounts.values())
        return gini(amounts)
