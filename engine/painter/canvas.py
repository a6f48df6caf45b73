"""Canvas: a batch of empty pictures, the places of their pixels, and chance. Fields are (count, 1, h, w), colours (count, 3, 1, 1)."""
from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def smooth(low: float | Tensor, high: float | Tensor, x: Tensor) -> Tensor:
    """0 below `low`, 1 above `high` (or the reverse), an S between: the edge of everything that is painted here."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def mix(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """From `a` (t = 0) to `b` (t = 1)."""
    return a + (b - a) * t


def luma(pictures: Tensor) -> Tensor:
    """(..., 3, h, w) -> (..., 1, h, w): what a black and white film would see (Rec. 709)."""
    weights = torch.tensor((.2126, .7152, .0722), device=pictures.device)
    return (pictures * weights[:, None, None]).sum(-3, keepdim=True)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, by a seed of its own, and how far a picture may wander from there, of what chance allows."""
    seed: int
    wander: float




class Canvas:
    """`count` empty pictures of `size` (h, w) and their sources of chance. Lengths are in picture heights: x = .5 is the middle.

    Pictures of one `layout` have their things in about the same place, pose and colour, and textures of their own, so that
    they can lie over one another. Without it every picture is placed by itself.
    """

    def __init__(self, count: int, size: tuple[int, int], seed: int, device: str | torch.device = "cpu", layout: Layout | None = None) -> None:
        self.count, (self.height, self.width) = count, size
        self.device = torch.device(device)
        self.generator = torch.Generator(device=self.device).manual_seed(seed)
        self.layout = None if layout is None else torch.Generator(device=self.device).manual_seed(layout.seed)
        self.wander = layout.wander if layout is not None else 0.
        self.aspect = self.width / self.height
        self.pixel = 1 / self.height
        self.share = 1.                                # of the whole picture's height; less in a window
        self.y = ((torch.arange(self.height, device=self.device) + .5) / self.height)[None, None, :, None]
        self.x = ((torch.arange(self.width, device=self.device) + .5) / self.height + .5 - self.aspect / 2)[None, None, None, :]

    def part(self, chosen: Tensor) -> Canvas:
        """A canvas for some pictures of the batch (`chosen` are their places), with chance of its own."""
        seed, placed = (0 if chance is None else int(torch.randint(2**31, (1,), device=self.device, generator=chance)) for chance in (self.generator, self.layout))
        return Canvas(len(chosen), (self.height, self.width), seed, self.device, Layout(placed, self.wander) if self.layout is not None else None)

    def window(self, left: Tensor, right: Tensor, top: Tensor, bottom: Tensor) -> tuple[Canvas, tuple[slice, slice]]:
        """The part of the canvas that holds these bounds in every picture of the batch, and its rows and columns: lengths stay
        in picture heights, noise keeps its grain, and only this part is computed."""
        low, high, first, last = torch.stack((top.min(), bottom.max(), left.min(), right.max())).tolist()
        bounds = []
        for start, stop, shift, most in ((low, high, 0., self.height), (first, last, self.aspect / 2 - .5, self.width)):
            begin = min(max(int((start + shift) / self.pixel), 0), most - 4)
            bounds.append(slice(begin, max(begin + 4, min(int((stop + shift) / self.pixel) + 2, most))))
        part = copy.copy(self)
        part.y, part.x = self.y[:, :, bounds[0]], self.x[..., bounds[1]]
        part.height, part.width = part.y.shape[2], part.x.shape[3]
        part.share = part.height * self.pixel
        return part, (bounds[0], bounds[1])

    # chance

    def uniform(self, low: float = 0., high: float = 1., n: int = 1) -> Tensor:
        """(count, n, 1, 1) in [low, high)."""
        return self._placed(torch.rand(self.count, n, 1, 1, device=self.device, generator=self.generator)) * (high - low) + low

    def across(self, low: float = 0., high: float = 1.) -> Tensor:
        """(count, 1, 1, 1): a place from left (0) to right (1), whatever the shape of the picture."""
        return (self.uniform(low, high) - .5) * self.aspect + .5

    def table(self, *shape: int) -> Tensor:
        """(count, *shape) in [0, 1)."""
        drawn = torch.rand(self.count, *shape, device=self.device, generator=self.generator)
        return drawn if shape else self._placed(drawn)

    def _placed(self, own: Tensor) -> Tensor:
        """Chance in [0, 1): the layout's, from which each picture's own wanders."""
        if self.layout is None:
            return own
        shared = torch.rand(own.shape, device=self.device, generator=self.layout)
        found = (shared + self.wander * (own - .5)).abs()
        return torch.where(found >= 1, 2 - found, found).clamp(max=1 - 1e-6)

    # textures

    def noise(self, fx: float, fy: float | None = None, octaves: int = 4, gain: float = .5, size: tuple[int, int] | None = None) -> Tensor:
        """Soft cloud in about 0..1, `fx` by `fy` bumps to a picture height. Each octave is added at its own size: little is computed."""
        h, w = size or (self.height, self.width)
        fx, fy = (f if size else f * self.share for f in (fx, fy or fx))
        total, weight, amount = torch.zeros(self.count, 1, 2, 2, device=self.device), 0., 1.
        for octave in range(octaves):
            grid = (math.ceil(fy * 2**octave) + 2, math.ceil(fx * w / h * 2**octave) + 2)
            total = F.interpolate(total, grid, mode="bicubic", align_corners=True) + amount * self.table(1, *grid)
            weight, amount = weight + amount, amount * gain
        total = F.interpolate(total, (h, w), mode="bicubic", align_corners=True) / weight
        return ((total - .5) * (1 + .22 * (octaves - 1)) + .5).clamp(0, 1)      # averaging narrows: open it again

    def ridges(self, fx: float, fy: float | None = None, octaves: int = 5, gain: float = .5, size: tuple[int, int] | None = None) -> Tensor:
        """Noise with crests, in 0..1: mountains, veins, light on water."""
        fy = fy or fx
        total, weight, amount = torch.zeros(1, device=self.device), 0., 1.
        for octave in range(octaves):
            bump = self.noise(fx * 2**octave, fy * 2**octave, octaves=1, size=size)
            total = total + amount * (1 - (2 * bump - 1).abs())
            weight, amount = weight + amount, amount * gain
        return total / weight

    def line(self, f: float, octaves: int = 5, gain: float = .5, soft: bool = True) -> Tensor:
        """(count, 1, 1, w): a wandering line in 0..1, `f` bumps to a picture height."""
        total, weight, amount = torch.zeros(1, device=self.device), 0., 1.
        for octave in range(octaves):
            knots = self.table(1, math.ceil(f * self.aspect * 2**octave) + 3)
            drawn = F.interpolate(knots[:, :, None], (1, self.width), mode="bicubic" if soft else "bilinear", align_corners=True)
            total, weight, amount = total + amount * drawn, weight + amount, amount * gain
        return total / weight

    def dots(self, u: Tensor, v: Tensor, reach: float = .3) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One jittered point per unit cell of (u, v): offset du, dv from it, and two chances of the cell, all (count, 1, h, w)."""
        u, v = (place.expand(self.count, 1, self.height, self.width) for place in (u, v))
        column, row = u.floor(), v.floor()
        index = (torch.remainder(row, 61) * 61 + torch.remainder(column, 61)).long().reshape(self.count, 1, -1)
        chances = torch.gather(self.table(4, 61 * 61), 2, index.expand(-1, 4, -1)).reshape(self.count, 4, *u.shape[2:])
        jitter = (chances[:, :2] - .5) * 2 * reach + .5
        return u - column - jitter[:, :1], v - row - jitter[:, 1:2], chances[:, 2:3], chances[:, 3:4]

    # operations on pictures

    def warp(self, picture: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
        """Look at `picture` (count, k, h, w) displaced by (dx, dy) picture heights; the border mirrors."""
        gx = ((self.x + dx - .5) * 2 / self.aspect).expand(self.count, 1, self.height, self.width)
        gy = ((self.y + dy) * 2 - 1).expand(self.count, 1, self.height, self.width)
        grid = torch.cat((gx, gy), 1).permute(0, 2, 3, 1)
        return F.grid_sample(picture.expand(self.count, -1, self.height, self.width), grid, padding_mode="reflection", align_corners=False)

    def blur(self, picture: Tensor, radius: float) -> Tensor:
        """Soften by about `radius` picture heights, cheaply: down to few pixels and up again. `picture` may be a part of the canvas."""
        h, w = picture.shape[-2:]
        step = max(1., radius / self.pixel / 2)
        small = (max(4, round(h / step)), max(4, round(w / step))) if step > 1 else (h, w)
        shrunk = F.interpolate(picture, small, mode="area") if small[0] < h else picture
        for _ in range(2):                             # two boxes make a tent: one shows its corners
            shrunk = F.avg_pool2d(F.pad(shrunk, (1, 1, 1, 1), mode="replicate"), 3, 1)
        if small == (h, w):
            return shrunk
        return F.interpolate(shrunk, (h, w), mode="bicubic", align_corners=False).clamp(min=0)     # bicubic dips below

    def disk(self, cx: Tensor | float, cy: Tensor | float, radius: Tensor | float, soft: float = .006) -> Tensor:
        """A filled circle, 1 inside."""
        return smooth(radius + soft, radius - soft, self.far(cx, cy))

    def far(self, cx: Tensor | float, cy: Tensor | float) -> Tensor:
        """Distance of every pixel from a point."""
        return ((self.x - cx) ** 2 + (self.y - cy) ** 2).sqrt()

    def limb(self, x0: Tensor, y0: Tensor, x1: Tensor, y1: Tensor, r0: Tensor | float, r1: Tensor | float, soft: float = .5) -> Tensor:
        """A stroke from one point to another that narrows from r0 to r1; `soft` in pixels. (Distance to a segment.)"""
        dx, dy = x1 - x0, y1 - y0
        t = (((self.x - x0) * dx + (self.y - y0) * dy) / (dx * dx + dy * dy + 1e-6)).clamp(0, 1)
        distance = ((self.x - x0 - t * dx) ** 2 + (self.y - y0 - t * dy) ** 2).sqrt() - (r0 + (r1 - r0) * t)
        return (.5 - distance / (2 * soft * self.pixel)).clamp(0, 1)

    def tube(self, x0: Tensor, y0: Tensor, x1: Tensor, y1: Tensor, r0: Tensor | float, r1: Tensor | float) -> Tensor:
        """The height of a round limb above the picture, 0 outside: tubes joined by their maximum make a body."""
        dx, dy = x1 - x0, y1 - y0
        t = (((self.x - x0) * dx + (self.y - y0) * dy) / (dx * dx + dy * dy + 1e-6)).clamp(0, 1)
        radius = r0 + (r1 - r0) * t
        far = (self.x - x0 - t * dx) ** 2 + (self.y - y0 - t * dy) ** 2
        return (radius**2 - far).clamp(min=0).sqrt()

    def shade(self, height: Tensor, side: Tensor, up: float = .5) -> tuple[Tensor, Tensor]:
        """Light on a relief of tubes from `side` (1 right, -1 left) and above, about 0..1, and its soft-edged mask (Lambert)."""
        dx, dy = (slope(height, axis) * self.height for axis in (3, 2))
        facing = 1 / (1 + dx**2 + dy**2).sqrt()
        light = ((-dx * side * .75 + dy * up + .50) * facing).clamp(0, 1.3)
        return light, smooth(0, 1.6 * self.pixel, height)

    def splat(self, x: Tensor, y: Tensor, light: Tensor) -> Tensor:
        """Points (count, n) of brightness `light` as single pixels; where they meet the brighter one stays (so order never matters)."""
        column = ((x - .5 + self.aspect / 2) * self.height).long()
        row = (y * self.height).long()
        inside = (column >= 0) & (column < self.width) & (row >= 0) & (row < self.height)
        index = row.clamp(0, self.height - 1) * self.width + column.clamp(0, self.width - 1)
        flat = torch.zeros(self.count, self.height * self.width, device=self.device)
        flat = flat.scatter_reduce(1, index, light.expand_as(x) * inside, "amax")
        return flat.reshape(self.count, 1, self.height, self.width)

    def sheet(self, rows: list[tuple[float, float, float]]) -> Tensor:
        """One colour per picture as (count, 3, 1, 1)."""
        return torch.tensor(rows, device=self.device, dtype=torch.float32)[:, :, None, None]

    def tint(self, red: float, green: float, blue: float) -> Tensor:
        """One colour for all, (1, 3, 1, 1)."""
        return torch.tensor((red, green, blue), device=self.device, dtype=torch.float32)[None, :, None, None]


def slope(field: Tensor, axis: int) -> Tensor:
    """How a field rises along one axis, a pixel; 0 where it is one pixel wide, as a limb at the border may be."""
    return torch.gradient(field, dim=axis)[0] if field.shape[axis] > 1 else torch.zeros_like(field)
