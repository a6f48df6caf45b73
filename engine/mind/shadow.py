"""Shadow: a picture is copied, the copy is copied, and what is shown is only what the copies have that the original never had.

A copy is dreamt of the copy before it, a little anew, under the same words: copying is the machine's own hand, and what it
adds is the machine's own habit. r_k is the k-th copy, x_0 the original; the residue r_k - x_0 is 0 at k = 0 and grows
into forms. After so many copies the last one is the original of the next.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.core.messages import LARGE
from engine.mind.dreamer import Dreamer
from engine.mind.thought import Thought

ANEW = 0.5  # part of the dream's strength that each copy is dreamt with: more, and the second copy is another picture
MIDDLE = 128.0  # what no residue is on the wall, of 255
FOLLOW = 1.2  # seconds to 63 % of the way to another residue: an original that changes is no cut


class Shadow:
    """A chain of copies. One thread; knows the time only as it is told."""

    def __init__(self, dreamer: Dreamer):
        self.dreamer = dreamer
        self.original: Tensor | None = None  # x_0 (c, h, w)
        self.copy: Tensor | None = None  # r_k
        self.k = 0
        self._of: tuple[str, str] = ("", "")  # the sentence that the original answers
        self._pixels: NDArray[np.float32] | None = None  # of the original
        self._shown: NDArray[np.float32] | None = None
        self._time = 0.0

    def forget(self) -> None:
        """Nothing is copied any more."""
        self.original = self.copy = self._pixels = self._shown = None
        self.k = 0

    @property
    def size(self) -> float:
        """rms of the residue in the channels that carry large forms, in deviations of the original."""
        if self.original is None or self.copy is None:
            return 0.0
        spread = float(self.original[:LARGE].flatten(1).std(1).mean())
        return float((self.copy - self.original)[:LARGE].square().mean().sqrt()) / max(spread, 1e-6)

    def next(self, thought: Thought, noise: Tensor, copies: int, time: float, asked: float = 0.0) -> tuple[NDArray[np.uint8], Tensor]:
        """One more copy, or of other words the original: (residue (h, w, 4) u8 around MIDDLE, residue (c, h, w) f32).

        `noise` (c, h, w) standard normal; `copies` > 0 in a row; `asked`: monotonic s, for the latency contract.
        """
        sentence, known = (thought.key, thought.words), self.original is not None and self.original.shape == noise.shape
        if not known or sentence != self._of:
            rgba, original = self.dreamer.paint(thought.condition, noise, thought.start, thought.strength, asked=asked)
            self._begin(original, rgba)
            self._of = sentence
        else:
            assert self.copy is not None
            if self.k >= copies:
                self._begin(self.copy, self.dreamer.decode(self.copy))
            rgba, self.copy = self.dreamer.paint(thought.condition, noise, self.copy, ANEW * thought.strength, asked=asked)
            self.k += 1
        assert self._pixels is not None and self.copy is not None and self.original is not None
        return self._show(rgba[..., :3].astype(np.float32) - self._pixels, time), self.copy - self.original

    def _begin(self, original: Tensor, rgba: NDArray[np.uint8]) -> None:
        self.original = self.copy = original.clone()
        self._pixels, self.k = rgba[..., :3].astype(np.float32), 0

    def _show(self, residue: NDArray[np.float32], time: float) -> NDArray[np.uint8]:
        step, self._time = max(0.0, time - self._time), time
        same = self._shown is not None and self._shown.shape == residue.shape
        self._shown = self._shown + (residue - self._shown) * (1.0 - math.exp(-step / FOLLOW)) if same else np.zeros_like(residue)  # type: ignore[operator]
        rgba = np.full((*residue.shape[:2], 4), 255, np.uint8)
        rgba[..., :3] = np.clip(MIDDLE + self._shown, 0.0, 255.0).round().astype(np.uint8)
        return rgba
