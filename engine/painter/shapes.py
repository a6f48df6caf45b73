"""Shapes: boxes, cushions, convex hulls, ellipsoids, crowns of trees and cones, each met by rays."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter.canvas import mix


def unit(v: Tensor) -> Tensor:
    """Vectors of length 1. (`F.normalize` takes forty times as long over the second axis.)"""
    return v * (v * v).sum(1, keepdim=True).clamp(min=1e-12).rsqrt()


def over(below: Tensor, above: Tensor, hit: Tensor) -> Tensor:
    """`above` where `hit` is 1. (`torch.where` takes five times as long.)"""
    return torch.lerp(below, above.expand_as(below), hit.expand_as(below))


class Solid:
    """What a ray can meet. Local places are relative to `middle`, turned by `turn` (radians) about the vertical."""

    def __init__(self, middle: Tensor, reach: Tensor, turn: Tensor | None) -> None:
        self.middle, self.reach = middle, reach        # (count, 3, 1, 1); the box that holds it is middle +- reach
        self.shown = torch.ones_like(middle[:, :1], dtype=torch.bool)    # in which pictures it stands
        self.turn = None if turn is None else (torch.cos(turn), torch.sin(turn))

    def inwards(self, v: Tensor) -> Tensor:
        """A direction of the world, in local axes."""
        if self.turn is None:
            return v
        cos, sin = self.turn
        return torch.cat((cos * v[:, :1] - sin * v[:, 2:], v[:, 1:2].expand_as(v[:, :1]), sin * v[:, :1] + cos * v[:, 2:]), 1)

    def outwards(self, v: Tensor) -> Tensor:
        if self.turn is None:
            return v
        cos, sin = self.turn
        return torch.cat((cos * v[:, :1] + sin * v[:, 2:], v[:, 1:2].expand_as(v[:, :1]), cos * v[:, 2:] - sin * v[:, :1]), 1)

    def span(self, o: Tensor, d: Tensor, inverse: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Where the local ray o + t d goes in and out, in t; it misses where out < in. `inverse`: 1 / d of the world, where it is known."""
        if inverse is None or self.turn is not None:
            inverse = 1 / (d + 1e-7)
        middle, half = o * inverse, self.reach * inverse.abs()
        return (-middle - half).amax(1, keepdim=True), (half - middle).amin(1, keepdim=True)

    def normal(self, p: Tensor) -> Tensor:
        """The local normal at places on the surface."""
        share = p / self.reach.clamp(min=1e-4)
        size = share.abs()
        return torch.sign(share) * (size >= size.amax(1, keepdim=True) - 1e-6)


class Cushion(Solid):
    """A box whose edges are soft to the light: a mattress, a pillow, upholstery."""

    def normal(self, p: Tensor) -> Tensor:
        share = (p / self.reach).clamp(-1, 1)
        return unit(torch.sign(share) * share.abs() ** 5 / self.reach.clamp(max=.4))


class Hull(Solid):
    """A convex body of planes (normal, distance from the middle), each normal (count, 3, 1, 1)."""

    def __init__(self, middle: Tensor, reach: Tensor, turn: Tensor | None, planes: list[tuple[Tensor, Tensor]]) -> None:
        super().__init__(middle, reach, turn)
        self.planes = planes

    def span(self, o: Tensor, d: Tensor, inverse: Tensor | None = None) -> tuple[Tensor, Tensor]:
        enter, leave = torch.full_like(d[:, :1], -1e6), torch.full_like(d[:, :1], 1e6)
        for n, distance in self.planes:
            slope = (d * n).sum(1, keepdim=True)
            t = (distance - (o * n).sum(1, keepdim=True)) / (slope + 1e-7)
            faces = (slope < 0).float()
            enter = torch.maximum(enter, t * faces - 1e6 * (1 - faces))
            leave = torch.minimum(leave, t * (1 - faces) + 1e6 * faces)
        return enter, leave

    def normal(self, p: Tensor) -> Tensor:
        best, shown = torch.full_like(p[:, :1], -1e6), torch.zeros_like(p)
        for n, distance in self.planes:
            outside = (p * n).sum(1, keepdim=True) - distance
            shown = over(shown, n, (outside > best).float())
            best = torch.maximum(best, outside)
        return shown


class Ball(Solid):
    """An ellipsoid."""

    def span(self, o: Tensor, d: Tensor, inverse: Tensor | None = None) -> tuple[Tensor, Tensor]:
        o, d = o / self.reach, d / self.reach
        a, b, k = (d * d).sum(1, keepdim=True), (o * d).sum(1, keepdim=True), (o * o).sum(1, keepdim=True) - 1
        inside = b * b - a * k
        root = inside.clamp(min=0).sqrt()
        missed = (inside <= 0) * 1e6
        return (-b - root) / a + missed, (-b + root) / a - missed

    def normal(self, p: Tensor) -> Tensor:
        return unit(p / self.reach**2)


class Foliage(Ball):
    """An ellipsoid with a torn edge: the crown of a tree."""

    def span(self, o: Tensor, d: Tensor, inverse: Tensor | None = None) -> tuple[Tensor, Tensor]:
        o, d = o / self.reach, d / self.reach
        a, b = (d * d).sum(1, keepdim=True), (o * d).sum(1, keepdim=True)
        nearest = o - d * (b / a)                      # of the ray to the middle
        far = (nearest * nearest).sum(1, keepdim=True)
        x, y = nearest[:, :1] + nearest[:, 2:] * .7, nearest[:, 1:2]
        torn = torch.sin(x * 11 + 3 * torch.sin(y * 7)) * torch.sin(y * 13 + 2 * torch.sin(x * 9)) * .5 + torch.sin(x * 31 + y * 9) * torch.sin(y * 29 - x * 7) * .4
        inside = 1 - far + .30 * torn
        root, missed = (inside.clamp(min=0) / a).sqrt(), (inside <= 0) * 1e6
        return -b / a - root + missed, -b / a + root - missed


class Cone(Solid):
    """An upright round body, `low` wide at its foot and `high` wide at its top (radii): a cylinder, a lampshade, a spire."""

    def __init__(self, middle: Tensor, reach: Tensor, low: Tensor, high: Tensor) -> None:
        super().__init__(middle, reach, None)
        tall = 2 * reach[:, 1:2]
        self.slope = (high - low) / tall
        self.mean = (high + low) / 2

    def span(self, o: Tensor, d: Tensor, inverse: Tensor | None = None) -> tuple[Tensor, Tensor]:
        dx, dy, dz, ox, oy, oz = d[:, :1], d[:, 1:2], d[:, 2:], o[:, :1], o[:, 1:2], o[:, 2:]
        radius = self.mean + self.slope * oy
        a = dx * dx + dz * dz - (self.slope * dy) ** 2
        b = ox * dx + oz * dz - self.slope * dy * radius
        k = ox * ox + oz * oz - radius * radius
        inside = b * b - a * k
        root = inside.clamp(min=0).sqrt()
        a = a.clamp(min=1e-7)                          # a camera that looks along the slant is not foreseen
        enter, leave = (-b - root) / a, (-b + root) / a
        one, other = (-self.reach[:, 1:2] - oy) / (dy + 1e-7), (self.reach[:, 1:2] - oy) / (dy + 1e-7)
        enter, leave = torch.maximum(enter, torch.minimum(one, other)), torch.minimum(leave, torch.maximum(one, other))
        missed = (inside <= 0) * 1e6
        return enter + missed, leave - missed

    def normal(self, p: Tensor) -> Tensor:
        flat = (p[:, 1:2].abs() > self.reach[:, 1:2] - 2e-3).float()
        round_ = unit(torch.cat((p[:, :1], -self.slope * self.mean.clamp(min=.01) + 0 * p[:, :1], p[:, 2:]), 1))
        return mix(round_, torch.cat((0 * p[:, :1], torch.sign(p[:, 1:2]), 0 * p[:, :1]), 1), flat)
