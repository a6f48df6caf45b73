"""The gap: whom the picture remembers and the words did not, and a turn of the words towards it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Weights = NDArray[np.float64]
LEADING = 4  # memories of which a gap is made that join a picture
STILL = 1e-6  # a turn smaller than this is none: rounding alone must not move a pixel


def divergence(r: Weights, q: Weights) -> float:
    """J = JSD_base2(r || q) in [0, 1]: 0 the same memories, 1 not one in common (Lin 1991). Shapes (n,), sums 1."""
    middle = (r + q) / 2

    def against(p: Weights) -> float:
        there = p > 1e-300  # half of less may be 0
        return float(np.sum(p[there] * np.log2(p[there] / middle[there])))

    return min(1.0, max(0.0, (against(r) + against(q)) / 2))


def surplus(r: Weights, q: Weights) -> Weights:
    """(q - r)+ normalised: what the picture remembers beyond the words. All zero where there is nothing."""
    more = np.maximum(q - r, 0.0)
    total = more.sum()
    return more / total if total > 1e-12 else np.zeros_like(more)


def heaviest(more: Weights) -> NDArray[np.intp]:
    """Places of those `LEADING` whom a gap (n,) is made of most: they join the picture, and are its parents."""
    best = np.argsort(-more, kind="stable")[:LEADING]
    found: NDArray[np.intp] = best[more[best] > 0]
    return found


def towards(more: Weights, meanings: NDArray[np.float32]) -> NDArray[np.float32]:
    """e = normalised sum_i (q_i - r_i)+ t_i (d,), from weights (n,) and meanings (n, d). Zero where there is no gap."""
    found = more.astype(np.float32) @ meanings
    length = float(np.linalg.norm(found))
    return found / length if length > 1e-9 else np.zeros_like(found)


def slerp(a: Tensor, b: Tensor, amount: float) -> Tensor:
    """From `a` towards `b` along the sphere, row by row of the last axis; lengths pass linearly.

    Shapes alike (..., d). Adding a vector hardly turns a conditioning (5.9 degrees at beta 1), this does. Opposite or
    parallel rows, where no great circle is defined, pass linearly. (Shoemake, SIGGRAPH 1985.)
    """
    if amount < STILL:
        return a
    size_a, size_b = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    unit_a, unit_b = a / size_a.clamp_min(1e-8), b / size_b.clamp_min(1e-8)
    angle = torch.arccos((unit_a * unit_b).sum(-1, keepdim=True).clamp(-1 + 1e-7, 1 - 1e-7))
    sine = torch.sin(angle)
    flat = sine < 1e-3
    safe = sine.clamp_min(1e-3)
    from_a = torch.where(flat, torch.full_like(sine, 1 - amount), torch.sin((1 - amount) * angle) / safe)
    from_b = torch.where(flat, torch.full_like(sine, amount), torch.sin(amount * angle) / safe)
    turned: Tensor = (from_a * unit_a + from_b * unit_b) * (size_a + (size_b - size_a) * amount)
    return turned


def angle(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Angle between two vectors over pi: 0 the same direction, .5 unrelated, 1 opposite."""
    cosine = float(a @ b) / max(1e-12, float(np.linalg.norm(a) * np.linalg.norm(b)))
    return float(np.arccos(np.clip(cosine, -1.0, 1.0)) / np.pi)
