"""A world of solids before a camera, lit by lamps, suns and the sky, with their shadows.

Lengths are in metres: x to the right, y up, z away from the eye. Every solid is looked for only where it can be seen.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.shapes import Ball, Cone, Cushion, Foliage, Hull, Solid, over, unit

Place = Sequence[float | Tensor]                       # x, y, z; tensors are (count, 1, 1, 1)
Skin = Tensor | Callable[[Tensor, Tensor], Tensor]     # a colour, or the colour at local places and normals (count, 3, h, w)
FAR = 60.                                              # metres: nothing stands there


class World:
    """A camera at `eye`, turned by `yaw` and `pitch` (radians, right and up), and what it sees of the solids put before it."""

    def __init__(self, c: Canvas, eye: Place, yaw: Tensor | float, pitch: Tensor | float, focal: Tensor | float) -> None:
        self.c = c
        self.eye = self.at(eye)
        yaw, pitch, self.focal = (torch.zeros(c.count, 1, 1, 1, device=c.device) + angle for angle in (yaw, pitch, focal))
        self.ahead = torch.cat((torch.sin(yaw) * torch.cos(pitch), torch.sin(pitch), torch.cos(yaw) * torch.cos(pitch)), 1)
        self.right = torch.cat((torch.cos(yaw), 0 * yaw, -torch.sin(yaw)), 1)
        self.up = torch.cat((-torch.sin(yaw) * torch.sin(pitch), torch.cos(pitch), -torch.cos(yaw) * torch.sin(pitch)), 1)
        self.rays = self.ahead + self.right * ((c.x - .5) / self.focal) + self.up * ((.5 - c.y) / self.focal)
        shape = (c.count, 1, c.height, c.width)
        self.depth = torch.full(shape, FAR, device=c.device)
        self.normal, self.colour, self.glow, self.lit = (torch.zeros(c.count, 3, *shape[2:], device=c.device) for _ in range(4))
        self.normal[:, 1] = 1
        self.solids: list[Solid] = []

    def at(self, place: Place) -> Tensor:
        """(count, 3, 1, 1) of three numbers or tensors."""
        return torch.cat([torch.zeros(self.c.count, 1, 1, 1, device=self.c.device) + part for part in place], 1)

    def project(self, place: Place) -> tuple[Tensor, Tensor]:
        """Where on the picture a place is seen: x, y (count, 1, 1, 1)."""
        away = self.at(place) - self.eye
        ahead = (away * self.ahead).sum(1, keepdim=True).clamp(min=.05)
        return (.5 + self.focal * (away * self.right).sum(1, keepdim=True) / ahead,
                .5 - self.focal * (away * self.up).sum(1, keepdim=True) / ahead)

    # what stands there

    def box(self, low: Place, high: Place, colour: Skin, *, turn: Tensor | None = None, soft: bool = False, glow: Skin | None = None,
            shown: Tensor | None = None, casts: bool = True) -> None:
        """A box between two corners, turned about its own middle. `shown`: 1 for the pictures that have it."""
        one, other = self.at(low), self.at(high)
        self.put((Cushion if soft else Solid)((one + other) / 2, (other - one).abs() / 2, turn), colour, glow, shown, casts)

    def ball(self, middle: Place, radii: Place, colour: Skin, *, glow: Skin | None = None, shown: Tensor | None = None, casts: bool = True) -> None:
        self.put(Ball(self.at(middle), self.at(radii), None), colour, glow, shown, casts)

    def crown(self, middle: Place, radii: Place, colour: Skin, *, shown: Tensor | None = None) -> None:
        """Leaves, thick enough to throw a shadow."""
        self.put(Foliage(self.at(middle), self.at(radii) * 1.15, None), colour, None, shown, True)

    def cone(self, foot: Place, tall: Tensor | float, low: Tensor | float, high: Tensor | float, colour: Skin, *,
             glow: Skin | None = None, shown: Tensor | None = None, casts: bool = True) -> None:
        """An upright cone from its foot's middle, `low` and `high` its radii."""
        zero = torch.zeros(self.c.count, 1, 1, 1, device=self.c.device)
        tall, low, high = zero + tall, zero + low, zero + high
        wide = torch.maximum(low, high)
        self.put(Cone(self.at(foot) + self.at((0, tall / 2, 0)), self.at((wide, tall / 2, wide)), low, high), colour, glow, shown, casts)

    def prism(self, middle: Place, profile: Sequence[tuple[float | Tensor, float | Tensor]], half: Tensor | float, axis: int, colour: Skin, *,
              turn: Tensor | None = None, glow: Skin | None = None, shown: Tensor | None = None, casts: bool = True) -> None:
        """A convex outline in the two other axes, drawn along an axis (0 x, 1 y, 2 z); `half` is half its length."""
        first, second = [i for i in range(3) if i != axis]
        zero = torch.zeros(self.c.count, 1, 1, 1, device=self.c.device)
        corners = [(zero + a, zero + b) for a, b in profile]
        planes, edges = [], list(zip(corners, [*corners[1:], corners[0]], strict=True))
        way = torch.sign(torch.stack([a * q - p * b for (a, b), (p, q) in edges]).sum(0))
        for (a, b), (p, q) in edges:
            parts = [zero, zero, zero]
            length = ((q - b) ** 2 + (p - a) ** 2).sqrt() * way
            parts[first], parts[second] = (q - b) / length, (a - p) / length
            planes.append((torch.cat(parts, 1), parts[first] * a + parts[second] * b))
        for side in (-1., 1.):
            parts = [zero, zero, zero]
            parts[axis] = zero + side
            planes.append((torch.cat(parts, 1), zero + half))
        reach = [zero, zero, zero]
        reach[first] = torch.stack([a.abs() for a, _ in corners]).amax(0)
        reach[second] = torch.stack([b.abs() for _, b in corners]).amax(0)
        reach[axis] = zero + half
        self.put(Hull(self.at(middle), torch.cat(reach, 1), turn, planes), colour, glow, shown, casts)

    def plate(self, middle: Place, right: Place, up: Place, outline: Sequence[tuple[float | Tensor, float | Tensor]], half: float, colour: Skin, *,
              glow: Skin | None = None, shown: Tensor | None = None, casts: bool = True) -> None:
        """A convex outline on a plane that leans: `right` and `up` are its axes, at right angles; `half` is half its thickness."""
        one, other = unit(self.at(right)), unit(self.at(up))
        through = torch.linalg.cross(one, other, dim=1)
        corners = [(self.at((a, 0, 0))[:, :1], self.at((b, 0, 0))[:, :1]) for a, b in outline]
        edges = list(zip(corners, [*corners[1:], corners[0]], strict=True))
        way = torch.sign(torch.stack([a * q - p * b for (a, b), (p, q) in edges]).sum(0))
        planes = []
        for (a, b), (p, q) in edges:
            length = ((q - b) ** 2 + (p - a) ** 2).sqrt() * way
            x, y = (q - b) / length, (a - p) / length
            planes.append((one * x + other * y, x * a + y * b))
        planes += [(through, self.at((half, 0, 0))[:, :1]), (-through, self.at((half, 0, 0))[:, :1])]
        reach = torch.stack([(one * a + other * b).abs() for a, b in corners]).amax(0) + through.abs() * half
        self.put(Hull(self.at(middle), reach, None, planes), colour, glow, shown, casts)

    def spire(self, middle: Place, half: Tensor | float, tall: Tensor | float, colour: Skin, *, turn: Tensor | None = None) -> None:
        """A pyramid of four sides: `middle` is that of its foot, `half` half its side."""
        zero = torch.zeros(self.c.count, 1, 1, 1, device=self.c.device)
        half, tall = zero + half, zero + tall
        norm = (half**2 + tall**2).sqrt()
        planes = [(torch.cat((zero, zero - 1, zero), 1), tall / 2)]
        for x, z in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            planes.append((torch.cat((x * tall / norm, half / norm, z * tall / norm), 1), half * tall / 2 / norm))
        self.put(Hull(self.at(middle) + self.at((0, tall / 2, 0)), self.at((half, tall / 2, half)), turn, planes), colour, None, None, True)

    def shell(self, low: Place, high: Place, colour: Skin) -> None:
        """The room around the eye, seen from inside: walls, floor and ceiling."""
        room = Solid((self.at(low) + self.at(high)) / 2, (self.at(high) - self.at(low)) / 2, None)
        _, leave = room.span(self.eye - room.middle, self.rays)
        p = self.eye - room.middle + leave * self.rays
        self.depth, self.normal = leave, -room.normal(p)
        self.colour = (colour(p + room.middle, self.normal) if callable(colour) else colour).expand_as(self.rays).clone()

    def ground(self, colour: Skin) -> None:
        """The plane y = 0, to the horizon."""
        t = -self.eye[:, 1:2] / self.rays[:, 1:2].clamp(max=-1e-5)
        here = ((self.rays[:, 1:2] < -1e-4) & (t < self.depth)).float()
        t = t.clamp(max=FAR)
        p = self.eye + t * self.rays
        self.depth = over(self.depth, t, here)
        self.colour = over(self.colour, colour(p, self.normal) if callable(colour) else colour, here)

    def put(self, solid: Solid, colour: Skin, glow: Skin | None, shown: Tensor | None, casts: bool) -> None:
        """Draw a solid over what is further away than it."""
        if shown is not None:
            if not shown.any():
                return
            solid.shown = shown > .5
        rows, columns = self._seen(solid)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        window = (slice(None), slice(None), rows, columns)
        o, d = solid.inwards(self.eye - solid.middle), solid.inwards(self.rays[window])
        enter, leave = solid.span(o, d)
        hit = (enter < leave) & (enter > .02) & (enter < self.depth[window]) & solid.shown
        if casts:
            self.solids.append(solid)
        if not hit.any():
            return
        p = o + enter * d
        n = solid.normal(p)
        there = hit.float()
        self.depth[window] = over(self.depth[window], enter, there)
        self.normal[window] = over(self.normal[window], solid.outwards(n), there)
        self.colour[window] = over(self.colour[window], colour(p, n) if callable(colour) else colour, there)
        if glow is None:
            self.glow[window] *= 1 - there
        else:
            self.glow[window] = over(self.glow[window], glow(p, n) if callable(glow) else glow, there)

    def _seen(self, solid: Solid) -> tuple[slice, slice]:
        """The rows and columns that hold a solid in any picture of the batch."""
        signs = torch.tensor([(x, y, z) for x in (-1., 1.) for y in (-1., 1.) for z in (-1., 1.)], device=self.c.device)
        corner = solid.reach[:, :, :, 0] * signs.T[None]                               # (count, 3, 8)
        away = (solid.middle - self.eye)[..., 0] + solid.outwards(corner[..., None])[..., 0]
        ahead, right, up = ((away * axis[..., 0]).sum(1) for axis in (self.ahead, self.right, self.up))
        gone = ~solid.shown[:, 0, 0]
        near = ahead.clamp(min=.05)
        x, y = .5 + self.focal[:, 0, 0] * right / near, .5 - self.focal[:, 0, 0] * up / near
        x, y = x.masked_fill(gone, .5), y.masked_fill(gone, .5)
        c = self.c
        if bool(((ahead < .05) & ~gone).any()):
            return slice(0, c.height), slice(0, c.width)
        column = (x - .5 + c.aspect / 2) * c.height
        edges = torch.stack((y.amin() * c.height - 1, y.amax() * c.height + 2, column.amin() - 1, column.amax() + 2)).tolist()
        return (slice(max(0, int(edges[0])), min(c.height, int(edges[1]) + 1)), slice(max(0, int(edges[2])), min(c.width, int(edges[3]) + 1)))

    # light

    def points(self) -> Tensor:
        """Where every pixel's ray ends, (count, 3, h, w)."""
        return self.eye + self.depth * self.rays

    def lamp(self, place: Place, colour: Tensor, reach: Tensor | float = 2., soft: float = .08, shadows: bool = True) -> None:
        """Light from a small lamp: half as strong at `reach` metres as at its place. `soft`: its radius."""
        towards = self.at(place) - self.points()
        away = (towards**2).sum(1, keepdim=True).sqrt()
        facing = ((towards * self.normal).sum(1, keepdim=True) / away.clamp(min=1e-3) * .85 + .15).clamp(min=0)
        level = facing / (1 + (away / reach) ** 2)
        if shadows:
            level = level * self._open(lambda p, spread: self.at(place) + spread * soft - p, 2 if soft < .05 else 3 if soft < .2 else 4)
        self.lit = self.lit + level * colour

    def sun(self, direction: Place, colour: Tensor, soft: float = .02, within: Callable[[Tensor], Tensor] | None = None) -> None:
        """Light from far away in `direction` (towards it). `within`: how much of it comes in at places (count, 3, h, w) -> (count, 1, h, w)."""
        towards = unit(self.at(direction))
        facing = (towards * self.normal).sum(1, keepdim=True).clamp(min=0)
        level = facing * self._open(lambda p, spread: (towards + spread * soft) * 40 + 0 * p, 2)
        if within is not None:
            level = level * within(self.points())
        self.lit = self.lit + level * colour

    def _open(self, way: Callable[[Tensor, Tensor], Tensor], step: int) -> Tensor:
        """How much of a light is not hidden, 0..1: at every `step`th pixel another point of the light is asked, then neighbours are averaged."""
        every = slice(None, None, step if self.c.height >= 96 else 1)
        p = (self.points() + self.normal * .012 - self.rays * .012)[:, :, every, every]
        rows, columns = torch.arange(p.shape[2], device=p.device), torch.arange(p.shape[3], device=p.device)
        turn = ((rows % 3)[:, None] * 3 + (columns % 3)[None, :]) * 2.399963                        # the golden angle
        d = way(p, torch.stack((torch.cos(turn), torch.sin(turn * 1.7), torch.sin(turn)))[None])
        inverse, hidden = 1 / (d + 1e-7), torch.full_like(p[:, :1], -1.)
        for solid in self.solids:
            enter, leave = solid.span(solid.inwards(p - solid.middle), solid.inwards(d), inverse)
            hidden = torch.maximum(hidden, (leave.clamp(max=1) - enter.clamp(min=.004)) * solid.shown)
        free = F.avg_pool2d(F.pad((hidden <= 0).float(), (1, 1, 1, 1), mode="replicate"), 3, 1)
        return F.interpolate(free, (self.c.height, self.c.width), mode="bilinear", align_corners=False)

    def air(self, colour: Tensor, corners: float = .55) -> None:
        """Light from everywhere, less from below, less in corners and behind edges (the depth, sharpened)."""
        away = self.depth.clamp(max=30).log()
        hollow = ((away - self.c.blur(away, .05) * .6 - self.c.blur(away, .012) * .4) * 2.2).clamp(-.35, 1)
        self.lit = self.lit + colour * (.74 + .26 * self.normal[:, 1:2]) * (1 - corners * hollow).clamp(.2, 1.2)

    def picture(self, behind: Tensor | None = None, haze: tuple[Tensor, Tensor | float] | None = None) -> Tensor:
        """What the camera sees, (count, 3, h, w): `behind` where nothing stands, and `haze`: a colour and metres to half of it."""
        shown = self.colour * self.lit + self.glow
        if haze is not None:
            shown = mix(shown, haze[0], 1 - torch.exp(-self.depth / haze[1] * math.log(2)))
        if behind is not None:
            shown = mix(shown, behind, (self.depth >= FAR).float())
        return soften(self.c, shown)


def soften(c: Canvas, picture: Tensor) -> Tensor:
    """Smooth steps of single pixels, and lay the paint in short strokes: of four corners around a pixel the calmest counts most."""
    reach = round(c.height * .006)
    if reach < 1:
        return picture
    k = reach + 1
    both = torch.cat((picture, picture.mean(1, keepdim=True) ** 2), 1)
    pooled = F.avg_pool2d(F.pad(both, (reach,) * 4, mode="replicate"), k, 1)            # (count, 4, h + reach, w + reach)
    total, weights = torch.zeros_like(picture), torch.zeros_like(picture[:, :1])
    for row in (0, reach):
        for column in (0, reach):
            part = pooled[:, :, row:row + c.height, column:column + c.width]
            spread = (part[:, 3:] - part[:, :3].mean(1, keepdim=True) ** 2).clamp(min=0)
            weight = 1 / (spread + 4e-4)
            total, weights = total + part[:, :3] * weight, weights + weight
    return total / weights


def band(x: Tensor, low: Tensor | float, high: Tensor | float, edge: Tensor | float = .01) -> Tensor:
    """1 between `low` and `high`, soft at both ends."""
    return smooth(low - edge, low + edge, x) * smooth(high + edge, high - edge, x)
