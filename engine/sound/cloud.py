"""A memory's grain in sounds of the world: not one long piece, which nobody may recognise, but a cloud of short ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import ENVELOPES

PIECE = 0.079  # seconds: less than 80 ms of a recording in a row
APART = 0.06  # seconds between the pieces of a cloud, on average
HANN = ENVELOPES.index("hann")


def cloud(row: Any, source: int, random: np.random.Generator) -> NDArray[Any]:
    """Pieces (n,) of GRAIN that fill the time of one grain `row` from another source, as loud as it at its height.

    They come irregularly, from anywhere in the source and from about the same place in the room; they swell and fade.
    """
    n = max(1, round(float(row["duration"]) / APART))
    pieces = np.repeat(np.atleast_1d(row), n)
    along = (np.arange(n) + random.uniform(0.1, 0.9, n)) / n
    pieces["source"], pieces["duration"], pieces["envelope"] = source, PIECE, HANN
    pieces["time"] += along * float(row["duration"])
    pieces["position"] = random.random(n)
    pieces["pan"] = np.clip(pieces["pan"] + random.normal(0.0, 0.06, n), -1.0, 1.0)
    pieces["gain"] *= np.sin(np.pi * along).astype(np.float32) if n > 1 else 1.0
    return pieces
