"""Do pictures flow, and are they still different from one another? Two figures that pull against each other.

- *step*: rms difference between a picture and the next, in levels of 255; *jump*: the largest step over the median one.
- *diversity*: rms difference between pictures that have nothing to do with one another in time.
- *smoothness*: 1 - step / diversity. 1 is a still, 0 is a slide show; a still has no diversity, a slide show all of it.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.mind.dreamer import Dreamer
from engine.mind.stream import Stream

WORDS = ("a lake under snow", "fire", "a red room with a window", "the city at night")
Pixels = NDArray[np.uint8]


def measure(pictures: list[Pixels], apart: int = 16) -> dict[str, float]:
    """Of consecutive pictures (h, w, 3 or 4) u8; those `apart` or more from each other count as unrelated in time."""
    if len(pictures) <= apart + 1:
        raise ValueError(f"{len(pictures)} pictures are too few: more than {apart + 1} are compared")
    flat = np.stack([picture[..., :3].astype(np.float32) for picture in pictures]).reshape(len(pictures), -1)
    steps = np.array([_rms(a - b) for a, b in itertools.pairwise(flat)])
    far = [_rms(flat[i] - flat[j]) for i in range(0, len(flat), 4) for j in range(i + apart, len(flat), 4)]
    diversity = float(np.mean(far))
    return {"step": float(steps.mean()), "jump": float(steps.max() / max(1e-9, np.median(steps))), "diversity": diversity,
            "smoothness": 1.0 - float(steps.mean()) / max(1e-9, diversity)}  # fmt: skip


def _rms(difference: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(difference**2)))


def streams(dreamer: Dreamer, pictures: int = 64, rate: float = 8.0) -> list[dict[str, Any]]:
    """Ways of going on from picture to picture, the same four sentences in each: one row a way."""
    rows = []
    for name, feedback in (("stream", 0.35), ("stream without feedback", 0.0)):
        stream, start, made = Stream(dreamer, 5), torch.zeros(dreamer.latent), []
        for n in range(pictures):
            condition = dreamer.condition(WORDS[n * len(WORDS) // pictures])
            made.append(stream.next(condition, start, 0.9, feedback, n / rate)[0])
        rows.append({"way": name, **measure(made)})
    made = []
    for n in range(pictures):
        noise = torch.randn(dreamer.latent, generator=torch.Generator().manual_seed(n))
        made.append(dreamer.paint(dreamer.condition(WORDS[n * len(WORDS) // pictures]), noise)[0])
    rows.append({"way": "each picture anew", **measure(made)})
    return rows
