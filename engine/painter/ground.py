"""Ground and stone: a flat plane in perspective, rock lit from one side, bushes and trees of leaves."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.lands import LEAVES
from engine.painter.scene import Scene

GRASS = {**LEAVES, "summer": (.29, .44, .14), "winter": (.80, .83, .88)}
TREES = {**LEAVES, "winter": (.43, .42, .42)}


class Plane:
    """Flat ground below `horizon` (count, 1, 1, 1): `depth` 1 at the lower edge, 0 far; `away` its inverse, 1 near."""

    def __init__(self, c: Canvas, horizon: Tensor, eye: float = .035) -> None:
        self.canvas, self.horizon = c, horizon
        self.depth = ((c.y - horizon) / (1 - horizon)).clamp(1e-3, 1)
        self.away = 1 / (self.depth + eye)
        self.below = smooth(-c.pixel, c.pixel, c.y - horizon)

    def lay(self, texture: Tensor, scale: float, middle: Tensor | float = .5) -> Tensor:
        """A square texture (count, k, n, n) laid on the ground, `scale` times to a picture height: (count, k, h, w)."""
        c = self.canvas
        gx, gy = (place.expand(c.count, 1, c.height, c.width)
                  for place in ((c.x - middle) * self.away * scale, self.away * scale - 1))
        return F.grid_sample(texture, torch.cat((gx, gy), 1).permute(0, 2, 3, 1), padding_mode="reflection",
                             align_corners=False)

    def shore(self, wide: float, bends: Tensor, sway: Tensor) -> Tensor:
        """(count, 1, h, 1): the middle of a river that winds away from us, each bend smaller than the last."""
        winding = torch.sin(torch.log(self.away) * bends + self.canvas.uniform(0, 6.28))
        return .5 + (winding * sway + wide) * self.depth ** .62


def light(s: Scene, shade: float = .16, lit: float = .80) -> Tensor:
    """The colour of what this hour's light falls on: (count, 3, 1, 1)."""
    return s.sky.light * (shade + lit * s.sky.ambient)


def rock(c: Canvas, s: Scene, fx: float, fy: float, steep: float = 1., octaves: int = 6) -> tuple[Tensor, Tensor]:
    """Stone: its light from the sun's side, about 0..1, and its grain in 0..1, both (count, 1, h, w)."""
    bend = c.noise(fx, fy, octaves=2) - .5
    height = c.warp(c.ridges(fx, fy, octaves=octaves, gain=.58), bend * .16, bend * .10)
    dx, dy = (torch.gradient(height, dim=axis)[0] * c.height / max(fx, fy) for axis in (3, 2))
    side = torch.sign(s.place_x - .5)
    facing = (.46 + (.42 * dx * side - .50 * dy) * -steep).clamp(0, 1.2)
    return facing * (.62 + .55 * height), height


def stone(c: Canvas, s: Scene, colour: Tensor, facing: Tensor, grain: Tensor) -> Tensor:
    """The colours of `rock`: shadows of the sky, warm lights, stains."""
    stain = (mix(colour * c.tint(.82, .90, 1.), colour * c.tint(1.12, .98, .82), c.noise(2.5, octaves=3))
             * (.72 + .5 * grain))
    shadow = stain * mix(s.sky.zenith, s.sky.middle, .5) * (.20 + .55 * s.sky.ambient)
    return mix(shadow, stain * light(s, .20, 1.05), facing.clamp(0, 1))


def foliage(c: Canvas, s: Scene, x: Tensor, foot: Tensor, width: Tensor, height: Tensor,
            leaves: Tensor) -> tuple[Tensor, Tensor]:
    """A tree as a cloud of `leaves` (noise): the light on it in 0..1, and its mask. `foot`: y of its lower edge."""
    u, v = (c.x - x) / width, (foot - c.y) / height
    ball = 1 - (u**2 + ((v - .54) / .50) ** 2)
    mask = smooth(-.05, .12, ball - (1 - leaves) * 1.05 + .22) * smooth(-.02, .03, v)
    return (.30 + .40 * (v - .45) + .34 * u * torch.sign(s.place_x - x) + 1.1 * (leaves - .5)).clamp(0, 1), mask


def leafy(s: Scene, green: Tensor, lit: Tensor) -> Tensor:
    """The colours of leaves under this hour's light, `lit` of it."""
    shadow = green * mix(s.sky.zenith, s.sky.middle, .4) * (.10 + .42 * s.sky.ambient)
    return mix(shadow, green * light(s, .12, 1.05) * 1.15, lit)
