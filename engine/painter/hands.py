"""Painters' hands: the same recipe, painted by somebody else. A founding corpus is what one hand has painted.

Corpora are hands and never nations: *oil* is the painter as it is; *ink* sees the same places as few flat tones between dark
lines on warm paper. Both are shown the same recipes, so that whatever differs is the hand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Hand = Callable[[Tensor], Tensor]  # (3, h, w) f32 in 0..1, both ways
PAPER = (0.93, 0.88, 0.78)
LINE = (0.10, 0.09, 0.14)
TONES = 5  # of light, from dark to paper
GREY = (0.299, 0.587, 0.114)


def oil(picture: Tensor) -> Tensor:
    """As it is painted."""
    return picture


def ink(picture: Tensor) -> Tensor:
    """Few flat tones, dark lines where tones meet, warm paper where there is light. Widths go with the size of the picture."""
    size = max(1, min(picture.shape[1:]) // 64)
    soft = _soft(picture, size)
    grey = (soft * torch.tensor(GREY)[:, None, None]).sum(0)
    low, high = grey.quantile(0.02), grey.quantile(0.98)
    light = ((grey - low) / (high - low).clamp_min(1e-3)).clamp(0, 1)
    tone = (light * (TONES - 1)).round() / (TONES - 1)
    flat = _soft(tone[None], size)[0]
    colour = (soft - grey) * 0.55  # washed in, thinly
    paper, dark = (torch.tensor(one)[:, None, None] for one in (PAPER, LINE))
    washed = dark + (paper - dark) * flat + colour * (0.3 + 0.7 * flat)
    edge = ((flat[:, 1:] - flat[:, :-1]).abs()[:-1] + (flat[1:] - flat[:-1]).abs()[:, :-1]) * size
    line = F.pad((4.0 * edge).clamp(0, 1)[None, None], (0, 1, 0, 1), mode="replicate")[0, 0]
    return (washed + (dark - washed) * (0.85 * line)).clamp(0, 1)


def _soft(picture: Tensor, size: int) -> Tensor:
    """A mean over 2 size + 1 pixels each way."""
    wide = 2 * size + 1
    return F.avg_pool2d(F.pad(picture[None], (size,) * 4, mode="replicate"), wide, stride=1)[0]


HANDS: dict[str, Hand] = {"oil": oil, "ink": ink}


def by_hand(hand: str, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (h, w, 3) u8 as this hand has it. 10 ms at 256 x 256. KeyError for a hand that nobody has."""
    if HANDS[hand] is oil:
        return rgb
    picture = HANDS[hand](torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1).float() / 255)
    return np.asarray((picture * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy())
