"""Row 19, the picture goes on by itself: how well what goes on continues what was there.

- *fidelity*: SSIM of a film's first picture with the picture that it continues.
- *seam*: motion at the newest seam between two chunks, over the 95th percentile of the motion inside chunks; at 1 or
  below nobody can tell where a chunk begins.
- *continuation*: seconds for which the picture has gone on from one first picture.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.blend import blurred

SIDE = 64  # pixels of a side on which pictures are compared
KEPT = 240  # steps from picture to picture that a seam is compared with: twenty seconds
ENOUGH = 12  # of them before a seam is compared with anything
WINDOW = 1.5  # deviation in pixels of SSIM's Gaussian window


class Continuation:
    """What is measured of one film. One thread."""

    def __init__(self) -> None:
        self.end()

    def end(self) -> None:
        """There is no film."""
        self.continuation = self.fidelity = self.seam = 0.0
        self.chunk = 0
        self._begun = self._time = 0.0
        self._light: NDArray[np.float32] | None = None
        self._inside: deque[float] = deque(maxlen=KEPT)

    def begin(self, source: NDArray[np.uint8], first: Tensor, time: float) -> None:
        """A film begins at this second with `first` (3, h, w) 0..1, out of the picture `source` (h, w, 3 or 4) u8."""
        self.end()
        self._begun, self.fidelity = time, similarity(torch.from_numpy(source[..., :3].copy()).permute(2, 0, 1).float() / 255, first)

    def look(self, rgba: NDArray[np.uint8], chunk: int, time: float) -> None:
        """A picture (h, w, 4) u8 of a film, of its so-manieth chunk, was made at this second."""
        light, step = small(rgba), time - self._time
        if self._light is not None and step > 0.0:
            moved = float(np.sqrt(np.mean((light - self._light) ** 2))) / step
            if chunk == self.chunk:
                self._inside.append(moved)
            elif len(self._inside) >= ENOUGH:
                self.seam = moved / max(1e-6, float(np.percentile(self._inside, 95)))
        self._light, self._time, self.chunk = light, time, chunk
        self.continuation = time - self._begun


def small(rgba: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w, 3 or 4) u8 -> (about SIDE, SIDE, 3) f32 0..255: the pixel in the middle of each block."""
    h, w = (max(1, side // SIDE) for side in rgba.shape[:2])
    return rgba[h // 2 :: h, w // 2 :: w, :3].astype(np.float32)


def similarity(a: Tensor, b: Tensor) -> float:
    """SSIM of two pictures (3, h, w) 0..1, on their light; 1 the same. Another size is brought to the first one's.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment" (IEEE TIP 2004).
    """
    if a.shape != b.shape:
        b = F.interpolate(b[None], a.shape[1:], mode="bilinear", antialias=True, align_corners=False)[0]
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    x, y = (a * weights).sum(0), (b * weights).sum(0)
    mx, my = blurred(x, WINDOW), blurred(y, WINDOW)
    xx, yy, xy = blurred(x * x, WINDOW) - mx * mx, blurred(y * y, WINDOW) - my * my, blurred(x * y, WINDOW) - mx * my
    same = ((2 * mx * my + 1e-4) * (2 * xy + 9e-4)) / ((mx * mx + my * my + 1e-4) * (xx + yy + 9e-4))
    return float(same.mean())
