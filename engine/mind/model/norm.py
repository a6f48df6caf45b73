"""Group norm, scale, shift and SiLU of a picture: as torch has it, and as one kernel on a GPU.

A UNet does this sixty times a picture. Called plainly on a GPU each is two kernels, and torch's group norm answers with
channels first where it was given them last (pytorch #111824), so that the convolution after it turns them back. What is
compiled (`engine.mind.model.compiled`) takes the plain path: Inductor fuses it with what comes before and after.
"""

from __future__ import annotations

import functools
import importlib.util

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def norm(x: Tensor, like: nn.GroupNorm, weight: Tensor | None = None, bias: Tensor | None = None, silu: bool = True) -> Tensor:
    """silu(group_norm(x) * weight + bias), groups and eps those of `like`; weight and bias (c,), its own where none are given.

    x (1, c, h, w) -> the same shape and dtype. Fixed shapes, no synchronisation: it can be captured and compiled. One
    kernel on a GPU where Triton is there and channels lie last, else torch's own two.
    """
    weight, bias = like.weight if weight is None else weight, like.bias if bias is None else bias
    if x.is_cuda and len(x) == 1 and not torch.compiler.is_compiling() and has_triton() and x.is_contiguous(memory_format=torch.channels_last):
        from engine.mind.model.norm_kernel import fused

        return fused(x, like.num_groups, weight, bias, like.eps, silu)
    return plain(x, like.num_groups, weight, bias, like.eps, silu)


def plain(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float, silu: bool) -> Tensor:
    """The same by torch's own operations: what the kernel is held against."""
    found = F.group_norm(x, groups, weight, bias, eps)
    return F.silu(found) if silu else found


@functools.cache
def has_triton() -> bool:
    """Torch for a GPU brings it."""
    return importlib.util.find_spec("triton") is not None
