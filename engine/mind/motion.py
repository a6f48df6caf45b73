"""How a picture moves: motion that is measured between two pictures, and a picture that is carried on by it.

Motion is a field (2, h, w) f32: x and y, in parts of the picture a second, a place of the latent each. It is measured as
the stage measures it between two pictures (Lucas and Kanade, IJCAI 1981, from coarse to fine), here in torch and for broad
forms alone: what is carried on by small ones boils.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.mind.blend import blurred

LEVELS = (16, 32, 64)  # sides of the grids that two pictures are compared on
ROUNDS = 2  # at each of them
WINDOW = 2.0  # places of a grid that are asked together
BROAD = 0.12  # of a side: what is smaller does not carry
SLOW, FAST = 0.02, 0.04  # parts of the picture a second, rms: below it seems to stand, above one cannot look at it
KEEPS = 0.8  # of its motion that a picture has after a chunk; the rest is the current
FOUND = 0.5  # of what was measured that is taken into it
LOCAL = 0.2  # of what moves otherwise than the whole: with all of it, after some chunks, ships are bent and houses smeared
FORWARDS = 0.8  # of the current that goes into the picture; the rest turns and drifts


def carry(picture: Tensor, motion: Tensor, seconds: float, mode: str = "bicubic") -> Tensor:
    """A picture (c, h, w) after so many seconds of motion (2, h', w'); before them where they are negative.

    Every place looks back to where it came from. What comes in over an edge is the edge, mirrored.
    """
    if seconds == 0.0:
        return picture
    height, width = picture.shape[1:]
    way = motion if motion.shape[1:] == picture.shape[1:] else F.interpolate(motion[None], (height, width), mode="bilinear", align_corners=False)[0]
    grid = _grid(height, width) - (2.0 * seconds) * way.permute(1, 2, 0)
    found: Tensor = F.grid_sample(picture[None], grid[None], mode=mode, padding_mode="reflection", align_corners=False)[0]
    return found


def measured(before: Tensor, after: Tensor) -> Tensor:
    """(2, 64, 64): where the broad forms of one picture (3, h, w) lie in another, in parts of the picture. Zero where nothing can be seen."""
    flow = torch.zeros(2, LEVELS[0], LEVELS[0])
    for side in LEVELS:
        if flow.shape[1] != side:
            flow = F.interpolate(flow[None], (side, side), mode="bilinear", align_corners=False)[0]
        a, b = (F.adaptive_avg_pool2d(picture.mean(0, keepdim=True)[None], side)[0] for picture in (before, after))
        x, y = _slope(a)
        xx, xy, yy = (blurred(product, WINDOW) for product in (x * x, x * y, y * y))
        flat = 1e-4 + 0.02 * float((xx + yy).mean())  # light that hardly changes says nothing
        for _ in range(ROUNDS):
            apart = carry(b, flow, -1.0, "bilinear")[0] - a[0]
            tx, ty = blurred(x * apart, WINDOW), blurred(y * apart, WINDOW)
            det = (xx + flat) * (yy + flat) - xy * xy
            step = torch.stack([xy * ty - (yy + flat) * tx, xy * tx - (xx + flat) * ty]) / det
            flow = flow + step.clamp(-1.5, 1.5) / side
    return flow


def onward(motion: Tensor, found: Tensor, current: Tensor, tempo: float = 1.0) -> Tensor:
    """The motion (2, h, w) of the next chunk: this one's, what was found of it (2, h', w'), and the current that never rests.

    All broad, and between SLOW and FAST times `tempo`: left alone, a motion that feeds itself dies or runs away.
    """
    seen = F.interpolate(found[None], motion.shape[1:], mode="bilinear", align_corners=False)[0]
    moved = KEEPS * motion + FOUND * seen + (1.0 - KEEPS) * current
    moved = blurred(moved, BROAD * min(motion.shape[1:]))
    whole = camera(moved)
    moved = whole + LOCAL * (moved - whole)
    speed = float(moved.square().sum(0).mean().sqrt())
    return moved * (min(FAST * tempo, max(SLOW * tempo, speed)) / max(speed, 1e-9))


def camera(motion: Tensor) -> Tensor:
    """What of a motion (2, h, w) moves the picture as a whole, by least squares: along, into it, and around, a little."""
    there = _grid(*motion.shape[1:]).permute(2, 0, 1)
    far = there.square().sum(0).mean()
    along = motion.mean((1, 2), keepdim=True)
    into, around = (motion * there).sum(0).mean() / far, (motion[1] * there[0] - motion[0] * there[1]).mean() / far
    return along + into * there + 0.5 * around * torch.stack([-there[1], there[0]])


def current(noise: Tensor) -> Tensor:
    """(2, h, w): where the walk through noise (c, h, w) draws a picture: into it, towards a place that wanders, and in eddies.

    The eddies are the curl of a broad field, so they turn and neither tear nor pile up. As fast as FAST, rms.
    """
    height, width = noise.shape[1:]
    field = blurred(noise[0], 0.2 * min(height, width))
    field = field / field.std().clamp_min(1e-6)
    x, y = _slope(field[None])
    eddies = torch.stack([y, -x])
    eddies = eddies / eddies.square().sum(0).mean().sqrt().clamp_min(1e-6)
    where = 0.5 * torch.tanh(noise[-2:].mean((1, 2)) * math.sqrt(height * width) / 3)  # two numbers, about normal
    into = _grid(height, width).permute(2, 0, 1) - where.reshape(-1)[:2].reshape(2, 1, 1)
    into = into / into.square().sum(0).mean().sqrt()
    return FAST * (FORWARDS * into + (1.0 - FORWARDS) * eddies)


def _slope(light: Tensor) -> tuple[Tensor, Tensor]:
    """Of (1, h, w): how it rises in x and in y, a place each."""
    around = F.pad(light[None], (1, 1, 1, 1), mode="replicate")[0, 0]
    return (around[1:-1, 2:] - around[1:-1, :-2]) / 2, (around[2:, 1:-1] - around[:-2, 1:-1]) / 2


@functools.lru_cache(maxsize=8)
def _grid(height: int, width: int) -> Tensor:
    """(h, w, 2): where the middle of each place lies, -1..1."""
    y, x = (torch.arange(n, dtype=torch.float32) * 2 / n + (1 / n - 1) for n in (height, width))
    return torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)
