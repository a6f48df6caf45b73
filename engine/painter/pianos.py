"""Pianos: a grand one with its lid open, an upright one with its keys."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.skins import WOOD, Grain, boards, daylight, flame_of, lamplight, turned, window
from engine.painter.solids import World, band

Paint = Callable[[Tensor, Tensor], Tensor]


def piano(c: Canvas, s: Scene) -> Tensor:
    """A grand piano with its lid open, or an upright one with its keys, music and candle."""
    grain = Grain(c)
    grand = s.has("extra", "grand piano") + 0 * c.uniform()      # only if it is said: the other is known by its keys
    eye = (mix(c.uniform(.45, .85), c.uniform(-.6, .0), grand), mix(c.uniform(1.45, 1.6), c.uniform(1.45, 1.7), grand), mix(c.uniform(.1, .3), c.uniform(-.9, -.6), grand))
    w = World(c, eye, mix(c.uniform(-.26, -.20), c.uniform(.08, .14), grand), mix(c.uniform(-.27, -.23), c.uniform(-.12, -.09), grand), mix(c.uniform(1.0, 1.1), c.uniform(1.05, 1.18), grand))
    wall = s.pigment("colour", (.52, .46, .42), .2)
    timber = c.tint(*WOOD) * c.uniform(.8, 1.3, 3)
    rect = (-2.2, -1.2, .9, 2.5)

    def room(p: Tensor, n: Tensor) -> Tensor:
        stripe = .05 * torch.cos((p[:, :1] + p[:, 2:]) * 40)
        shown = wall * (.78 + .36 * grain(p[:, :1] * .35 + p[:, 2:] * .35, p[:, 1:2] * .35) + stripe)
        shown = mix(shown, wall * .55, smooth(.16, .14, p[:, 1:2]))
        return mix(shown, boards(grain, p[:, :1] + p[:, 2:] * .0, p[:, 2:], timber * 1.1, .13), (n[:, 1:2] > .5).float())
    deep = 3. + 1.4 * grand
    w.shell((-2.6, 0, -2.), (2.4, 2.9, deep), room)
    window(w, s, 2, 4.4, rect, (2, 3))
    lacquer = mix(c.tint(.035, .033, .036), c.tint(.34, .15, .08) * c.uniform(.6, 1.3), (c.uniform() > .4).float())

    def polish(p: Tensor, n: Tensor) -> Tensor:
        sheen = .5 + .5 * torch.sin(p[:, 1:2] * 3 + p[:, :1] * 1.6 + 2 * grain(p[:, :1] * .2, p[:, 1:2] * .2))
        return lacquer * (.75 + .5 * grain(p[:, :1] * .35, p[:, 1:2] * 2.6)) + .15 * sheen ** 3 + .05 * (n[:, 1:2] > .5)
    flame, lamp = flame_of(c, s), lamplight(s)
    _upright(c, s, w, grain, polish, flame, lamp, 1 - grand)
    _grand(c, w, polish, lacquer, grand)
    w.air(mix(s.sky.light, wall, .4) * (.06 + .66 * s.sky.ambient), .5)
    daylight(w, s, 2, 4.4, [rect], (c.uniform(.5, .9), c.uniform(.3, .5)), 1.2)
    x, y, z = mix(torch.full_like(grand, -.58), torch.full_like(grand, .9), grand), mix(torch.full_like(grand, 1.50), torch.full_like(grand, 2.3), grand), mix(torch.full_like(grand, 2.55), torch.full_like(grand, 1.9), grand)
    w.lamp((x, y, z), flame * (lamp * 1.4 + .08), mix(torch.full_like(grand, .9), torch.full_like(grand, 1.9), grand), soft=.06)
    w.lamp((.2, 2.3, .6), mix(s.sky.light, flame, .5) * (.10 + .62 * s.sky.ambient), 2.4, soft=.35)
    picture = w.picture()
    s.place_x, y = w.project((-.58, 1.50, 2.7))
    s.place_y = y - .12
    return turned(c, s, picture + torch.exp(-(c.far(s.place_x, y) / .07) ** 2) * flame * lamp * .5 * (1 - grand))


def _keys(u: Tensor, v: Tensor, many: float) -> Tensor:
    """Piano keys: u along the keyboard 0..1, v from the player 0 to the fall 1. White is 1, black 0."""
    key = u * many
    gap = smooth(.02, .08, torch.minimum(torch.remainder(key, 1), 1 - torch.remainder(key, 1)))
    place = torch.remainder((key + .5).floor(), 7)
    has = (place != 0) * (place != 3)
    black = smooth(.33, .27, (torch.remainder(key + .5, 1) - .5).abs()) * has * smooth(.34, .38, v)
    return (.30 + .62 * gap) * (1 - .95 * black) * (.82 + .18 * smooth(0, .2, v)) * (1 - .35 * smooth(.85, 1., v))


def _upright(c: Canvas, s: Scene, w: World, grain: Grain, polish: Paint, flame: Tensor, lamp: Tensor, shown: Tensor) -> None:
    """An upright piano against the wall, its bench drawn out a little."""
    wide = .80
    ivory = c.tint(.93, .90, .82)

    def front(p: Tensor, n: Tensor) -> Tensor:
        panel = band(p[:, :1].abs(), .06, .70, .01) * band(p[:, 1:2], -.46, -.06, .01) + band(p[:, :1].abs(), .06, .70, .01) * band(p[:, 1:2], .22, .56, .01)
        return polish(p, n) * (1 + .45 * panel) + .015 * panel
    w.box((-wide, 0, 2.58), (wide, 1.30, 3.), front, shown=shown)
    w.box((-wide - .03, 1.30, 2.54), (wide + .03, 1.335, 3.), polish, shown=shown)
    w.box((-wide, .58, 2.22), (wide, .68, 2.60), polish, shown=shown)
    w.box((-wide + .05, .68, 2.26), (wide - .05, .715, 2.53), lambda p, n: ivory * _keys(p[:, :1] / (2 * wide - .1) + .5, p[:, 2:] / .27 + .5, 35.), shown=shown, casts=False)
    w.box((-wide + .05, .715, 2.53), (wide - .05, .80, 2.59), polish, shown=shown)
    for side in (-1., 1.):
        w.box((side * wide, .58, 2.20), (side * (wide - .055), .80, 2.60), polish, shown=shown)
        w.cone((side * (wide - .07), 0, 2.28), .58, .035, .05, polish, shown=shown)
    for i, x in enumerate((-.10, .0, .10)):
        w.box((x - .018, .06, 2.46 - .01 * i), (x + .018, .085, 2.60), c.tint(.78, .60, .28), casts=False, shown=shown)

    def staves(p: Tensor, n: Tensor) -> Tensor:
        u, v = p[:, :1], p[:, 1:2]
        lines = smooth(.25, .10, (torch.remainder(v / .012, 1) - .5).abs()) * (torch.remainder(v / .085, 1) > .32)
        notes = (torch.sin(u * 210 + (v / .085).floor() * 9) * torch.sin(v * 260 + u * 40) > .72) * (torch.remainder(v / .085, 1) > .25)
        inside = band(u.abs(), .012, .20, .006) * band(v, -.13, .13, .006)
        return c.tint(.92, .89, .80) * (1 - .42 * lines * inside) * (1 - .75 * notes * inside) * (1 - .25 * smooth(.02, 0., u.abs()))
    w.plate((0, 1.0, 2.50), (1, 0, 0), (0, 1, .28), [(-.22, -.15), (.22, -.15), (.22, .15), (-.22, .15)], .004, staves, shown=shown, casts=False)
    w.box((-.45, .83, 2.46), (.45, .85, 2.58), polish, shown=shown)
    for x in (-.58, .60):
        w.cone((x, 1.335, 2.72), .015, .05, .045, c.tint(.7, .55, .28), shown=shown, casts=False)
        w.cone((x, 1.345, 2.72), .15, .018, .017, c.tint(.92, .88, .78), glow=flame * lamp * .16, shown=shown, casts=False)
        w.ball((x, 1.525, 2.72), (.010, .026, .010), c.tint(.1, .08, .06), glow=flame * lamp * 2.4, casts=False, shown=shown)
    velvet = s.pigment("second", (.42, .10, .10))
    turn = c.uniform(-.25, .25)
    w.box((-.36, .44, 1.50), (.36, .54, 1.86), velvet, soft=True, turn=turn, shown=shown)
    for x in (-.30, .30):
        for z in (1.55, 1.81):
            w.cone((x, 0, z), .45, .022, .03, polish, shown=shown, casts=False)


_OUTLINE = ((-.75, 2.0), (.1, 2.02), (.72, 2.28), (1.22, 2.78), (1.44, 3.2), (1.32, 3.5), (-.75, 3.5))    # of a grand piano from above: x, z


def _grand(c: Canvas, w: World, polish: Paint, lacquer: Tensor, shown: Tensor) -> None:
    """A grand piano from the hall's side: keys to the left, the lid up."""
    outline = [(x - .3, z - 2.75) for x, z in _OUTLINE]
    w.prism((.3, .86, 2.75), outline, .15, 1, polish, shown=shown)
    gold = c.tint(.82, .62, .26)

    def harp(p: Tensor, n: Tensor) -> Tensor:
        strings = .75 + .25 * torch.sin((p[:, 2:] + p[:, :1] * .25) * 62)
        return gold * strings * (.6 + .4 * smooth(.9, -.6, p[:, :1]))
    w.prism((.3, 1.005, 2.75), [(x * .93, z * .93) for x, z in outline], .008, 1, harp, casts=False, shown=shown)
    w.plate((0, 1.02, 3.5), (1, 0, 0), (0, .80, -.60), [(x, (3.5 - z) * .98) for x, z in _OUTLINE], .014, lambda p, n: polish(p, n) * 1.1 + .02, shown=shown)
    w.plate((1.02, 1.30, 2.92), (1, .0, 0), (.02, .80, -.10), [(-.012, -.34), (.012, -.34), (.012, .34), (-.012, .34)], .012, lacquer, casts=False, shown=shown)
    ivory = c.tint(.93, .90, .82)
    w.box((-1.02, .70, 2.02), (-.75, .80, 3.48), polish, shown=shown)
    w.box((-1.0, .80, 2.10), (-.76, .825, 3.40), lambda p, n: ivory * _keys(p[:, 2:] / 1.3 + .5, p[:, :1] / .24 + .5, 35.), shown=shown, casts=False)
    for z in (2.02, 3.42):
        w.box((-1.04, .70, z), (-.74, .93, z + .07), polish, shown=shown)
    w.plate((-.42, 1.18, 2.75), (0, 0, 1), (.35, 1, 0), [(-.34, -.17), (.34, -.17), (.30, .17), (-.30, .17)], .01, c.tint(.86, .83, .74), shown=shown, casts=False)
    for x, z in ((-.62, 2.12), (-.62, 3.38), (1.14, 3.14)):
        w.cone((x, .08, z), .64, .045, .075, polish, shown=shown)
        w.ball((x, .05, z), (.05, .05, .03), gold, casts=False, shown=shown)
    w.box((-.52, .12, 2.72), (-.46, .72, 2.78), polish, shown=shown, casts=False)
    w.box((-.66, .08, 2.62), (-.42, .12, 2.88), gold, shown=shown, casts=False)
    w.box((-1.75, .44, 2.48), (-1.35, .53, 3.02), c.tint(.05, .05, .05), soft=True, shown=shown)
    for x in (-1.70, -1.40):
        for z in (2.53, 2.97):
            w.cone((x, 0, z), .45, .02, .03, lacquer, shown=shown, casts=False)
