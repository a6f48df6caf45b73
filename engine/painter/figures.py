"""Figures: small bodies and silhouettes that stand in a landscape or a room, placed by the painter."""
from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from engine.painter.bodies import Body, Joint, cover, ground_shadow
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Colour, Scene

Chain = tuple[Joint, ...]
Stroke = tuple[float, float, float, float, float, float]          # u0, v0, u1, v1, r0, r1

# A figure stands in (u, v): u sideways from its middle, v up from its feet, both in its own height.
_PERSON: tuple[Chain, ...] = (
    ((-.036, .48, .056), (-.045, .26, .042), (-.052, .035, .027), (-.035, .018, .024)),
    ((.036, .48, .056), (.050, .26, .042), (.060, .035, .027), (.085, .018, .024)),
    ((-.072, .79, .042), (.072, .79, .042)),
    ((0., .76, .078), (0., .60, .074), (0., .45, .082)),
    ((-.098, .78, .038), (-.125, .62, .032), (-.115, .47, .026), (-.112, .44, .026)),
    ((.098, .78, .038), (.128, .62, .032), (.120, .47, .026), (.118, .44, .026)),
    ((0., .82, .036), (0., .87, .034)))
_WOMAN: tuple[Chain, ...] = (
    ((-.03, .30, .032), (-.03, .03, .020), (-.015, .014, .018)),
    ((.03, .30, .032), (.035, .03, .020), (.055, .014, .018)),
    ((-.055, .77, .036), (.055, .77, .036)),
    ((0., .74, .062), (0., .60, .048), (0., .52, .062)),
    ((-.02, .52, .05), (-.075, .25, .048)),
    ((0., .52, .06), (0., .24, .06)),
    ((.02, .52, .05), (.085, .25, .048)),
    ((-.082, .77, .028), (-.112, .60, .022), (-.098, .46, .018)),
    ((.082, .77, .028), (.115, .60, .022), (.125, .47, .018)),
    ((0., .80, .028), (0., .86, .028)))
_HEADS: dict[str, tuple[Chain, ...]] = {"person": (((0., .935, .058), (.002, .912, .050)),),
                                        "woman": (((0., .925, .056), (.003, .905, .050)),
                                                  ((-.008, .92, .054), (-.018, .82, .044), (-.022, .73, .014)))}
_HORSE: tuple[Chain, ...] = (
    ((-.42, .86, .17), (-.36, .56, .095), (-.47, .30, .045), (-.42, .05, .036)),
    ((-.34, .80, .15), (-.26, .54, .09), (-.36, .29, .045), (-.30, .05, .036)),
    ((.33, .80, .12), (.28, .54, .065), (.31, .28, .042), (.30, .05, .036)),
    ((.38, .80, .12), (.40, .54, .065), (.46, .30, .042), (.44, .06, .036)),
    ((-.42, .87, .19), (-.20, .83, .17), (.05, .81, .19), (.32, .84, .19)),
    ((.34, .92, .17), (.48, 1.12, .13), (.64, 1.34, .09)),
    ((.64, 1.36, .085), (.76, 1.21, .075), (.88, 1.04, .05)),
    ((.61, 1.42, .025), (.60, 1.52, .006)),
    ((.28, 1.02, .05), (.42, 1.22, .05), (.54, 1.40, .035)),
    ((-.58, .96, .04), (-.68, .82, .055), (-.70, .45, .012)))
_DOG: tuple[Chain, ...] = (
    ((-.31, .47, .11), (-.23, .29, .06), (-.34, .13, .032), (-.30, .03, .028)),
    ((-.27, .47, .11), (-.16, .29, .06), (-.26, .12, .032), (-.21, .03, .028)),
    ((.20, .47, .08), (.15, .28, .048), (.17, .12, .03), (.19, .03, .028)),
    ((.24, .47, .08), (.27, .28, .048), (.27, .12, .03), (.30, .03, .028)),
    ((-.31, .505, .122), (-.13, .525, .098), (.06, .50, .122), (.21, .49, .15)),
    ((.20, .55, .13), (.33, .66, .098), (.44, .76, .09)),
    ((.46, .78, .085), (.56, .755, .052), (.68, .735, .034)),
    ((.42, .84, .034), (.40, .93, .008)),
    ((-.40, .56, .04), (-.52, .66, .03), (-.58, .82, .010)))
_BOAT: list[Stroke] = [(-.42, .10, .42, .10, .07, .07), (-.30, .04, .30, .04, .07, .07),
                       (.42, .10, .56, .18, .06, .02), (0, .1, 0, 1.05, .014, .010)]

_COATS: tuple[Colour, ...] = ((.15, .15, .19), (.26, .20, .16), (.20, .24, .28), (.12, .11, .12))
_DRESSES: tuple[Colour, ...] = ((.48, .10, .11), (.16, .22, .42), (.70, .64, .56), (.24, .16, .20))
_SKINS: tuple[Colour, ...] = ((.74, .54, .43), (.52, .34, .24), (.32, .20, .14))
_FURS: tuple[Colour, ...] = ((.36, .21, .12), (.13, .10, .09), (.66, .60, .54), (.50, .32, .18))


def _strokes(c: Canvas, x: Tensor, feet: Tensor, height: Tensor, strokes: list[Stroke]) -> Tensor:
    """The union of strokes, (count, 1, h, w)."""
    drawn = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    for u0, v0, u1, v1, r0, r1 in strokes:
        limb = c.limb(x + u0 * height, feet - v0 * height, x + u1 * height, feet - v1 * height, r0 * height,
                      r1 * height)
        drawn = torch.maximum(drawn, limb)
    return drawn


def _stand(c: Canvas, x: Tensor, feet: Tensor, height: Tensor, side: Tensor, chains: tuple[Chain, ...],
           blend: float = .03) -> Body:
    body = Body(c, x, feet, height, side)
    for chain in chains:
        body.limb(*chain, blend=blend)
    return body


def _chance(c: Canvas, colours: tuple[Colour, ...]) -> Tensor:
    table = c.sheet(list(colours))[:, :, 0, 0]
    return table[(c.table() * len(colours)).long().clamp(max=len(colours) - 1)][:, :, None, None]


def _somebody(c: Canvas, name: str, x: Tensor, feet: Tensor, height: Tensor, side: Tensor) -> list[tuple[Body, Tensor]]:
    """Bodies from far to near and their colours: clothes, then the head."""
    woman = name == "woman"
    clothes = _stand(c, x, feet, height, side, _WOMAN if woman else _PERSON)
    head = _stand(c, x, feet, height, side, _HEADS["woman" if woman else "person"], .02)
    return [(clothes, _chance(c, _DRESSES if woman else _COATS)),
            (head, _chance(c, _FURS) * .7 if woman else mix(_chance(c, _SKINS), _chance(c, _FURS), .55))]


def woman(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    """Her silhouette, (count, 1, h, w)."""
    one = torch.ones_like(height)
    return torch.maximum(_stand(c, x, feet, height, one, _WOMAN).mask,
                         _stand(c, x, feet, height, one, _HEADS["woman"], .02).mask)


def _child(c: Canvas, x: Tensor, feet: Tensor, height: Tensor, side: Tensor) -> list[tuple[Body, Tensor]]:
    """Two thirds of the height, the head larger."""
    small = height * .66
    clothes = _stand(c, x, feet, small, side, _PERSON)
    head = _stand(c, x, feet, small, side, (((0., .95, .088), (.004, .925, .078)),), .02)
    return [(clothes, _chance(c, ((.60, .16, .12), (.66, .50, .16), (.20, .30, .46)))),
            (head, mix(_chance(c, _SKINS), _chance(c, _FURS), .5))]


def _couple(c: Canvas, x: Tensor, feet: Tensor, height: Tensor, side: Tensor) -> list[tuple[Body, Tensor]]:
    return [*_somebody(c, "person", x - .115 * height, feet, height, side),
            *_somebody(c, "woman", x + .125 * height, feet, height * .94, side)]


def _beast(chains: tuple[Chain, ...], scale: float) -> Callable[[Canvas, Tensor, Tensor, Tensor, Tensor],
                                                                list[tuple[Body, Tensor]]]:
    def stand(c: Canvas, x: Tensor, feet: Tensor, height: Tensor, side: Tensor) -> list[tuple[Body, Tensor]]:
        return [(_stand(c, x, feet, height * scale, side, chains, .06), _chance(c, _FURS))]
    return stand


def boat(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    """A hull, a mast and a sail."""
    u, v = (c.x - x) / height, (feet - c.y) / height
    sail = smooth(.0, .03, u - .02) * smooth(.0, .03, .46 * (1.02 - v) - u) * smooth(.2, .23, v)
    jib = smooth(.0, .03, -u - .02) * smooth(.0, .03, .30 * (.9 - v) + u) * smooth(.2, .23, v)
    return torch.maximum(_strokes(c, x, feet, height, _BOAT), torch.maximum(sail, jib))


def house(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    """Walls, a roof, a chimney and a dark window."""
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
    trunk = smooth(.012, -.012, (u + .03 * torch.sin(v * 7)).abs() - .035 * (1.25 - v)) * smooth(-.01, .01,
            v) * smooth(.75, .65, v)
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
            drawn = torch.maximum(drawn, c.limb(bx, by, bx + side * size * .6, by - size * lift, size * .12,
                                                size * .10))
            drawn = torch.maximum(drawn, c.limb(bx + side * size * .6, by - size * lift, bx + side * size * 1.25,
                                                by - size * lift * .4, size * .10, size * .03))
    return drawn


_BODIES: dict[str, Callable[[Canvas, Tensor, Tensor, Tensor, Tensor], list[tuple[Body, Tensor]]]] = {
    "person": lambda *a: _somebody(a[0], "person", *a[1:]), "woman": lambda *a: _somebody(a[0], "woman",
            *a[1:]), "couple": _couple,
    "child": _child, "horse": _beast(_HORSE, .62), "dog": _beast(_DOG, .55)}
_SHAPES: dict[str, Callable[[Canvas, Tensor, Tensor, Tensor], Tensor]] = {"birds": birds, "tree": tree, "house": house,
        "boat": boat}


_MANY = {"people": "person", "children": "child", "boats": "boat", "horses": "horse"}     # several of one, the first in front
_BESIDE = ((0., 0., 1.), (-.95, -.10, .84), (.80, -.16, .76), (1.55, -.05, .9))          # of several: aside, up and scale, in heights


def place(c: Canvas, s: Scene, picture: Tensor, ground: Tensor, size: tuple[float, float] = (.16, .30),
          ink: Tensor | None = None,
          span: tuple[float, float] = (.25, .75), at: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Put each picture's figure on its `ground` (y of the feet, (count, 1, 1, 1)): people and animals as bodies in
    the light that
    is there, or almost all in the shade of `ink`; the rest as dark shapes that keep some air.

    `at`: its x and its height, where the painter knows them; else they are chosen from `span` and `size`.
    """
    x, height = at or (c.across(*span), c.uniform(*size))
    side = torch.where(c.uniform() > .5, 1., -1.)
    light = torch.where(s.place_x > x, 1., -1.)
    shade = (s.sky.zenith * .20 + s.sky.horizon * .05) if ink is None else ink
    for many, name in _MANY.items():
        if s.any("figure", many):
            for aside, up, scale in reversed(_BESIDE[:3 if name == "boat" else 4]):
                picture = _one_more(c, s, picture, ground + up * height, name, many, x + aside * height * (1.5 if name in ("horse", "boat") else .8), height * scale, ink)
    for name, stand in _BODIES.items():
        where = s.has("figure", name)
        if where.any():
            before = picture
            picture = ground_shadow(c, picture, x, ground, .22 * height, .006, .35)
            for body, colour in stand(c, x, ground, height, side):
                lit = body.lit(s, colour, light, .003, rim=1.2)
                picture = cover(c, picture, body, mix(lit, shade, .25 if ink is None else .72), .12)
            picture = mix(before, picture, where)
    for name, draw in _SHAPES.items():
        if s.any("figure", name):
            shape = draw(c, x, ground, height) * s.has("figure", name)
            picture = picture * (1 - shape * .93) + shade * shape * .93
    return picture


def _one_more(c: Canvas, s: Scene, picture: Tensor, ground: Tensor, name: str, many: str, x: Tensor, height: Tensor, ink: Tensor | None) -> Tensor:
    """One of several figures, in the pictures that show `many`."""
    single = copy.copy(s)
    single.attributes = [replace(a, figure=name if a.figure == many else "") for a in s.attributes]
    return place(c, single, picture, ground, ink=ink, at=(x, height))
