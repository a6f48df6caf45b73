"""Doubt: how much several futures of one thought disagree.

The same start under the same words is dreamt on from K seeds. Where the pictures agree nothing is in doubt; where each is
another, nobody knows, and the wall blurs as far (`shaders/doubt.fs`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.core.messages import LARGE
from engine.mind.dreamer import Dreamer
from engine.mind.stream import Walk
from engine.mind.thought import Thought

SEEDS = tuple(1 << 38 | k for k in range(3))  # the same for every thought: what changes doubt is the thought, not chance
EVERY = 6.0  # seconds between two looks into the future, where the words stay: three dreams in six seconds are 2 % of a core


class Doubt:
    """The newest doubt. One thread looks (the thought's), any may read `value`."""

    def __init__(self, dreamer: Dreamer):
        self.dreamer = dreamer
        self.value = 0.0  # 0..1
        self._of: tuple[tuple[str, int], float] | None = None  # of which words it is, and when it was looked at

    def look(self, thought: Thought, walk: Walk, time: float) -> None:
        """Look into the futures of other words at once, of the same words EVERY now and then; `time` in seconds."""
        of = thought.words, thought.speaker
        if self._of is None or of != self._of[0] or time - self._of[1] >= EVERY:
            self._of, self.value = (of, time), disagreement(futures(self.dreamer, walk, thought))


@torch.inference_mode()
def futures(dreamer: Dreamer, walk: Walk, thought: Thought, seeds: tuple[int, ...] = SEEDS) -> Tensor:
    """(k, c, h, w): what could become of a thought, a dream a seed."""
    return torch.stack([dreamer.imagine(thought.condition, walk.fresh(seed), thought.start, thought.strength) for seed in seeds])


def disagreement(latents: Tensor) -> float:
    """0..1 of futures (k, c, h, w), k >= 2: deviation between them over deviation within their mean, x / (1 + x). Exactly 0 for equal ones."""
    large = latents[:, :LARGE].double()
    between = float((large - large.mean(0)).square().mean().sqrt())
    within = float(large.mean(0).flatten(1).std(1).mean())
    apart = between / max(within, 1e-6) if between > 1e-9 else 0.0
    return apart / (1.0 + apart)
