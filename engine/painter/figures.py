"""Figures: small silhouettes that stand in a landscape or a room, drawn with strokes, placed by the painter."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, smooth
from engine.painter.scene import Scene

# A figure stands in (u, v): u sideways from its middle, v up from its feet, both in its own height.
Stroke = tuple[float, float, float, float, float, float]          # u0, v0, u1, v1, r0, r1


def _strokes(c: Canvas, x: Tensor, feet: Tensor, height: Tensor, strokes: list[Stroke]) -> Tensor:
    """The union of strokes, (count, 1, h, w)."""
    drawn = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    for u0, v0, u1, v1, r0, r1 in strokes:
        limb = c.limb(x + u0 * height, feet - v0 * height, x + u1 * height, feet - v1 * height, r0 * height, r1 * height)
        drawn = torch.maximum(drawn, limb)
    return drawn


_PERSON: list[Stroke] = [(0, .935, .006, .915, .055, .050), (0, .88, 0, .80, .036, .055), (-.05, .785, -.035, .50, .066, .066),
                         (.05, .785, .035, .50, .066, .066), (0, .60, 0, .40, .085, .105), (-.045, .42, -.062, .02, .058, .030),
                         (.04, .42, .058, .02, .058, .030), (-.105, .785, -.135, .56, .040, .030), (-.135, .56, -.10, .42, .030, .022),
                         (.105, .785, .138, .56, .040, .030), (.138, .56, .11, .42, .030, .022), (.058, .02, .085, .012, .022, .016)]
_WOMAN: list[Stroke] = [(0, .92, 0, .905, .062, .058), (0, .80, 0, .60, .085, .065), (0, .60, 0, .20, .075, .185),
                        (-.03, .16, -.03, .0, .03, .02), (.03, .16, .035, .0, .03, .02), (-.10, .79, -.16, .50, .030, .020),
                        (.10, .79, .12, .50, .030, .020), (.01, .93, .055, .80, .055, .04)]
_CHILD: list[Stroke] = [(u, v * .68, p, q * .68, r * .86, t * .86) for u, v, p, q, r, t in _PERSON[1:]] + [(0, .655, 0, .645, .062, .058)]
_HORSE: list[Stroke] = [(-.34, .62, .30, .60, .155, .165), (.34, .68, .55, .98, .12, .075), (.55, 1., .76, .86, .075, .045),
                        (-.42, .62, -.52, .25, .04, .012), (-.36, .50, -.40, .02, .065, .028), (-.26, .50, -.24, .02, .06, .026),
                        (.30, .50, .26, .02, .055, .026), (.38, .52, .46, .02, .055, .026), (.56, 1.04, .58, 1.12, .03, .01)]
_DOG: list[Stroke] = [(-.30, .62, .30, .64, .13, .15), (.36, .72, .50, .88, .10, .10), (.52, .88, .74, .80, .085, .045),
                      (-.40, .66, -.62, .92, .04, .015), (-.36, .52, -.42, .02, .06, .03), (-.26, .50, -.24, .02, .05, .028),
                      (.28, .50, .24, .02, .05, .028), (.36, .52, .40, .02, .05, .028), (.46, .95, .42, 1.06, .04, .01)]
_BOAT: list[Stroke] = [(-.42, .10, .42, .10, .07, .07), (-.30, .04, .30, .04, .07, .07), (.42, .10, .56, .18, .06, .02), (0, .1, 0, 1.05, .014, .010)]


def person(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    return _strokes(c, x, feet, height, _PERSON)


def woman(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    return _strokes(c, x, feet, height, _WOMAN)


def child(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    return _strokes(c, x, feet, height, _CHILD)


def couple(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    return torch.maximum(person(c, x - .15 * height, feet, height), woman(c, x + .17 * height, feet, height * .94))


def horse(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    return _strokes(c, x, feet, height * .82, _HORSE)


def dog(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    return _strokes(c, x, feet, height * .5, _DOG)


def boat(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    """A hull, a mast and a sail."""
    u, v = (c.x - x) / height, (feet - c.y) / height
    sail = smooth(.0, .03, u - .02) * smooth(.0, .03, .46 * (1.02 - v) - u) * smooth(.2, .23, v)
    jib = smooth(.0, .03, -u - .02) * smooth(.0, .03, .30 * (.9 - v) + u) * smooth(.2, .23, v)
    return torch.maximum(_strokes(c, x, feet, height, _BOAT), torch.maximum(sail, jib))


def house(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    u, v = (c.x - x) / height, (feet - c.y) / height
    edge = 1.5 * c.pixel / height
    walls = smooth(edge, -edge, u.abs() - .46) * smooth(-edge, edge, v) * smooth(edge, -edge, v - .5)
    roof = smooth(edge, -edge, u.abs() - .58 + (v - .48) * 1.15) * smooth(-edge, edge, v - .48)
    chimney = smooth(edge, -edge, (u - .25).abs() - .05) * smooth(-edge, edge, v - .5) * smooth(edge, -edge, v - .95)
    window = smooth(edge, -edge, (u + .16).abs() - .07) * smooth(edge, -edge, (v - .28).abs() - .09)
    return torch.maximum(torch.maximum(walls, roof), chimney) * (1 - window)


def tree(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    """A crooked trunk under a crown torn by noise."""
    height = height * 1.5
    u, v = (c.x - x) / height, (feet - c.y) / height
    trunk = smooth(.012, -.012, (u + .03 * torch.sin(v * 7)).abs() - .035 * (1.25 - v)) * smooth(-.01, .01, v) * smooth(.75, .65, v)
    leaves = c.noise(9 , octaves=3)
    crown = smooth(-.12, .05, 1 - ((u / .36) ** 2 + ((v - .66) / .34) ** 2) - (1 - leaves) * .95)
    return torch.maximum(trunk, crown)


def birds(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    """A flight of seven, wherever the sky is."""
    drawn = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    for _ in range(7):
        bx, by, size = x + c.uniform(-.28, .28), c.uniform(.10, .42), c.uniform(.020, .048)
        lift = c.uniform(.2, .7)
        for side in (-1., 1.):
            drawn = torch.maximum(drawn, c.limb(bx, by, bx + side * size * .6, by - size * lift, size * .12, size * .10))
            drawn = torch.maximum(drawn, c.limb(bx + side * size * .6, by - size * lift, bx + side * size * 1.25, by - size * lift * .4, size * .10, size * .03))
    return drawn


_DRAWN: dict[str, Callable[[Canvas, Tensor, Tensor, Tensor], Tensor]] = {
    "person": person, "woman": woman, "couple": couple, "child": child, "birds": birds, "tree": tree, "house": house,
    "boat": boat, "horse": horse, "dog": dog}


def place(c: Canvas, s: Scene, picture: Tensor, ground: Tensor, size: tuple[float, float] = (.16, .30), ink: Tensor | None = None,
          span: tuple[float, float] = (.25, .75), at: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Put each picture's figure on its `ground` (y of the feet, (count, 1, 1, 1)), as a dark shape that keeps some air.

    `at`: its x and its height, where the painter knows them; else they are chosen from `span` and `size`.
    """
    x, height = at or (c.across(*span), c.uniform(*size))
    ink = (s.sky.zenith * .20 + s.sky.horizon * .05) if ink is None else ink
    for name, draw in _DRAWN.items():
        if s.any("figure", name):
            shape = draw(c, x, ground, height) * s.has("figure", name)
            picture = picture * (1 - shape * .93) + ink * shape * .93
    return picture
