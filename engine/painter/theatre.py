"""A theatre: the stalls, the curtain, the stage in its light."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.rooms import chair
from engine.painter.scene import Scene
from engine.painter.skins import Grain, boards, standing
from engine.painter.solids import World


def theatre(c: Canvas, s: Scene) -> Tensor:
    """The stalls, and a stage in its light between red curtains; or the curtain closed."""
    grain = Grain(c)
    w = World(c, (c.uniform(-.9, .9), c.uniform(1.95, 2.3), -.6), c.uniform(-.05, .05), c.uniform(.0, .04), c.uniform(1.25, 1.38))
    velvet = s.pigment("colour", (.62, .055, .06), .2)
    gold = c.tint(.72, .52, .22)
    closed = s.has("extra", "closed curtain")
    mx, moonlit = c.uniform(-1.4, 1.4), (c.uniform() > .6).float()
    spot = mix(c.tint(1., .90, .70), s.pigment("second", (1, 1, 1)), .8 * (1 - s.has("second", "")))

    def hall(p: Tensor, n: Tensor) -> Tensor:
        dark = mix(velvet * .30, c.tint(.16, .11, .09), .5) * (.7 + .5 * grain(p[:, 2:] * .3 + p[:, :1] * .3, p[:, 1:2] * .3))
        drop = mix(c.tint(.07, .11, .26), s.pigment("second", (.20, .16, .34)), .4) * (.5 + .8 * smooth(4.5, 1., p[:, 1:2]))
        drop = drop * (.7 + .5 * grain(p[:, :1] * .2, p[:, 1:2] * .2))
        moon = smooth(.52, .48, ((p[:, :1] - mx) ** 2 + (p[:, 1:2] - 3.9) ** 2).sqrt())
        hills = 1.9 + .35 * torch.sin(p[:, :1] * 1.1 + mx) + .16 * torch.sin(p[:, :1] * 2.9)
        trees = hills + .9 * smooth(.55, .95, torch.sin(p[:, :1] * 1.9 + 2 * mx)) + .25 * (grain(p[:, :1] * .6, p[:, 1:2] * .6) - .5)
        drop = mix(mix(drop, c.tint(.95, .90, .74), moon * moonlit), c.tint(.05, .08, .10), smooth(.05, -.05, p[:, 1:2] - trees) * .85)
        return mix(dark, drop, (p[:, 2:] > 11.4).float())
    w.shell((-5.2, 0, -2.), (5.2, 6.6, 11.5), hall)

    def planks(p: Tensor, n: Tensor) -> Tensor:
        return mix(velvet * .25, boards(grain, p[:, :1], p[:, 2:], c.tint(.56, .36, .20), .22), (n[:, 1:2] > .5).float())
    w.box((-5.2, 0, 7.5), (5.2, 1., 11.5), planks)

    def gilt(p: Tensor, n: Tensor) -> Tensor:
        carved = .55 + .5 * torch.sin(p[:, :1] * 19).abs() * torch.sin(p[:, 1:2] * 19).abs()
        return gold * carved * (.7 + .5 * grain(p[:, :1], p[:, 1:2]))
    for side in (-1., 1.):
        w.box((side * 3.4, 0, 7.7), (side * 5.2, 6.6, 8.2), lambda p, n: gilt(p, n) * .45)
        w.box((side * 3.25, .9, 7.6), (side * 3.6, 4.9, 7.8), gilt)
    w.box((-5.2, 4.6, 7.7), (5.2, 6.6, 8.2), lambda p, n: gilt(p, n) * .45)
    w.box((-3.6, 4.55, 7.6), (3.6, 4.9, 7.8), gilt)
    _drapes(c, w, grain, velvet, gold, closed)
    for row, z in enumerate((.75, 1.9, 3.1, 4.4, 5.7)):
        many = 4 + row
        for i in range(-many, many + 1):
            seat = (i + .5 * (row % 2)) * .68
            w.box((seat - .30, .30, z), (seat + .30, 1.02 - .02 * row, z + .14), velvet * (.75 + .12 * ((i * 7) % 5) / 4), soft=True, casts=False)
    mark = c.uniform(-.8, .8)
    empty = s.has("figure", "") * (1 - closed)
    if empty.any():
        chair(c, w, (mark, 9.2 + 50 * (1 - empty)), c.uniform(2.4, 3.9), c.tint(.42, .26, .15), 1.)
    w.air(mix(velvet, c.tint(.5, .42, .40), .5) * .20, .4)
    w.lamp((0, 4.4, 8.7), spot * (2.6 - 1.6 * closed), 2.2, soft=.2)
    w.lamp((0, 1.2, 7.1), mix(spot, c.tint(1., .62, .30), .5) * 1.25, 1.7, soft=.3, shadows=False)
    w.lamp((0, 3.2, 7.0), spot * 1.0, 3.6, shadows=False)
    picture = w.picture()
    x, y = w.project((mark * (1 - closed), 1., 9.2))
    _, top = w.project((0., 5., 8.6))
    middle = mix(torch.full_like(x, .5), x, ((c.y - top) / (y - top)).clamp(0, 1.05))
    down = ((c.y - top) / (y - top)).clamp(0, 1.05)
    cone = torch.exp(-((c.x - middle) / (.02 + .085 * down)) ** 4) * smooth(1.04, .95, down) * smooth(0., .06, down)
    pool = torch.exp(-(((c.x - x) / .10) ** 2 + ((c.y - y) / .020) ** 2))
    open_ = 1 - closed
    picture = picture + spot * (cone * (.10 + .22 * (1 - down)) * (.7 + .5 * c.noise(4, octaves=3)) + pool * .45) * open_
    s.place_x, s.place_y = x, y - .35
    return standing(w, s, picture, (mark * (1 - closed), 1., 9.2 - 1.2 * closed), .20)


def _drapes(c: Canvas, w: World, grain: Grain, velvet: Tensor, gold: Tensor, closed: Tensor) -> None:
    """Curtains left and right, or one over all, and the valance above them with its fringe."""
    def folds(p: Tensor, n: Tensor) -> Tensor:
        u = p[:, :1] + .05 * torch.sin(p[:, 1:2] * 1.3)
        wave = torch.sin(u * 21 + 2.5 * grain(u * .3, p[:, 1:2] * .05))
        return velvet * (.58 + .46 * wave + .12 * torch.sin(u * 47)) + velvet ** .5 * .10 * smooth(.6, 1., wave)

    def hem(p: Tensor, n: Tensor) -> Tensor:
        edge = torch.sin(p[:, :1] * 3.1) ** 2 * .16
        fringe = smooth(.02, -.02, (p[:, 1:2] + .24 - edge).abs() - .07)
        return mix(folds(p, n) * .9, gold * (.6 + .4 * torch.sin(p[:, :1] * 90)), fringe)
    for side in (-1., 1.):                            # drawn aside and tied with a cord
        w.prism((side * 2.3, 3.5, 8.3), [(side * .25, -1.1), (side * 1.1, -1.1), (side * 1.1, 1.2), (side * -1.35, 1.2)], .05, 2, folds, shown=1 - closed)
        w.prism((side * 2.9, 1.7, 8.3), [(side * -.55, -.7), (side * .5, -.7), (side * .5, .7), (side * -.35, .7)], .05, 2, folds, shown=1 - closed)
        w.box((side * 2.45, 2.34, 8.2), (side * 3.4, 2.46, 8.36), gold, shown=1 - closed, casts=False)
    w.box((-3.4, 1.02, 8.25), (3.4, 4.7, 8.32), folds, shown=closed)
    w.box((-3.4, 3.95, 8.12), (3.4, 4.7, 8.2), hem, casts=False)
