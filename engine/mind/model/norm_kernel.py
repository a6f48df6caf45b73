"""Group norm, scale, shift and SiLU of a picture whose channels lie last, as one Triton kernel. Imported only on a GPU.

A program is a group. It reads its places twice, the second time out of the cache, and writes them once, where they lay.
Statistics are in float32, of differences from the group's first number, so that squares of them lose no digits.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

AT_ONCE = 2048  # numbers that a program looks at at once


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def kernel(x, weight, bias, y, places, channels, width, eps, ROWS: tl.constexpr, WIDE: tl.constexpr, SILU: tl.constexpr):  # type: ignore[no-untyped-def]
    """`places` rows of `channels` numbers; this program's group has `width` of them, WIDE is the next power of two."""
    group = tl.program_id(0)
    column = tl.arange(0, WIDE)
    row = tl.arange(0, ROWS)
    inside = column < width
    channel = group * width + column
    first = tl.load(x + group * width).to(tl.float32)
    total = tl.zeros((ROWS, WIDE), tl.float32)
    square = tl.zeros((ROWS, WIDE), tl.float32)
    for at in range(0, places, ROWS):
        here = ((at + row) < places)[:, None] & inside[None, :]
        value = tl.load(x + (at + row)[:, None] * channels + channel[None, :], mask=here, other=0.0).to(tl.float32)
        value = tl.where(here, value - first, 0.0)
        total += value
        square += value * value
    count = places * width
    mean = tl.sum(tl.sum(total, 1), 0) / count
    spread = tl.sum(tl.sum(square, 1), 0) / count - mean * mean
    scale = tl.load(weight + channel, mask=inside, other=0.0).to(tl.float32) / tl.sqrt(spread + eps)
    shift = tl.load(bias + channel, mask=inside, other=0.0).to(tl.float32) - (mean + first) * scale
    for at in range(0, places, ROWS):
        here = ((at + row) < places)[:, None] & inside[None, :]
        where = (at + row)[:, None] * channels + channel[None, :]
        value = tl.load(x + where, mask=here, other=0.0).to(tl.float32) * scale[None, :] + shift[None, :]
        if SILU:
            value = value / (1.0 + tl.exp(-value))
        tl.store(y + where, value.to(y.dtype.element_ty), mask=here)


def fused(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float, silu: bool) -> Tensor:
    """What `engine.mind.model.norm.plain` says, for x (1, c, h, w) with channels last, which the answer keeps."""
    _, c, h, w = x.shape
    y = torch.empty_like(x)
    wide = 1 << (c // groups - 1).bit_length()
    kernel[(groups,)](x, weight, bias, y, h * w, c, c // groups, eps, ROWS=max(1, AT_ONCE // wide), WIDE=wide, SILU=silu)
    return y
