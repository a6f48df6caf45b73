"""A lighthouse on its rock, and its beam."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, waters
from engine.painter.buildings import sunlight, white
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.skins import Grain, chances
from engine.painter.solids import World


def lighthouse(c: Canvas, s: Scene) -> Tensor:
    """A tower on a rock in the sea, banded, with its gallery and its light, whose beam goes out after dark."""
    grain = Grain(c)
    focal, horizon = c.uniform(1.15, 1.3), c.uniform(.66, .76)
    rough = .7 + 1. * s.has("weather", "storm")
    behind = waters.water(c, s, air.paint_sky(c, s), horizon, rough)
    x = c.uniform(-1.6, 1.6)
    w = World(c, (0., 2.2, -24.), 0., torch.atan((horizon - .5) / focal), focal)
    painted = s.any_pigment("colour", ("red", "red", "black", "blue"))
    pale = c.tint(.90, .88, .84)
    bands, plain, twist = c.uniform(2, 5).floor(), (c.uniform() > .75).float(), (c.uniform() > .8).float()
    foot, tall = 1.2, c.uniform(10., 11.5)
    glow = mix(c.tint(1., .86, .55), s.pigment("second", (1, 1, 1)), .8 * (1 - s.has("second", "")))
    dark = s.amount("time", {"night": 1., "dusk": .9, "sunset": .55, "dawn": .5, "noon": .08}, .18) + .25 * s.has("weather", "fog", "storm")

    def tower(p: Tensor, n: Tensor) -> Tensor:
        up = p[:, 1:2] / tall + .5
        turn = torch.atan2(p[:, :1], -p[:, 2:]) / 6.2832 * twist
        stripe = smooth(-.02, .02, torch.remainder(up * bands + turn, 1) - .5) * (1 - plain)
        stone = mix(pale, painted, stripe) * (.74 + .42 * grain(p[:, :1] * .3, up * 2.5)) * (.92 + .1 * chances(up * 26, 0.))
        pane = smooth(.26, .20, p[:, :1].abs()) * smooth(.030, .022, (torch.remainder(up * 3, 1) - .55).abs() / 3 * 1.2) * (n[:, 2:] < 0)
        door = smooth(.42, .36, p[:, :1].abs()) * (up < .13) * (n[:, 2:] < 0)
        return mix(stone, c.tint(.07, .07, .09), torch.maximum(pane, door))

    def panes(p: Tensor, n: Tensor) -> Tensor:
        up = p[:, 1:2] / tall + .5
        return smooth(.26, .20, p[:, :1].abs()) * smooth(.030, .022, (torch.remainder(up * 3, 1) - .55).abs() / 3 * 1.2) * (n[:, 2:] < 0) * glow * dark * .8
    w.cone((x, foot, 0), tall, 1.75, 1.1, tower, glow=panes)
    top = foot + tall
    iron = mix(painted * .5, c.tint(.12, .12, .13), .6)
    w.cone((x, top - .35, 0), .35, 1.1, 1.65, pale * .9)
    w.cone((x, top, 0), .14, 1.7, 1.7, iron)
    for y in (.5, .85):
        w.cone((x, top + y, 0), .05, 1.62, 1.62, iron, casts=False)
    for i in range(9):
        a = torch.tensor(-1.57 + i * 3.1416 / 8, device=c.device)
        px, pz = x + 1.6 * torch.sin(a), -1.6 * torch.cos(a)
        w.box((px - .03, top + .1, pz - .03), (px + .03, top + .9, pz + .03), iron, casts=False)
    w.cone((x, top + .1, 0), 1.75, .88, .88, lambda p, n: mix(s.sky.middle * .5, iron, smooth(.10, .05, (torch.remainder(torch.atan2(p[:, :1], -p[:, 2:]) * 1.6, 1) - .5).abs())),
           glow=lambda p, n: glow * (.12 + 1.5 * dark) * torch.exp(-((p[:, 1:2] / .75) ** 2)) * smooth(.05, .10, (torch.remainder(torch.atan2(p[:, :1], -p[:, 2:]) * 1.6, 1) - .5).abs()))
    w.cone((x, top + 1.85, 0), 1.0, 1.08, .08, painted * .85)
    w.ball((x, top + 2.95, 0), (.14, .16, .14), iron)
    side = torch.where(c.uniform() > .5, 1., -1.)
    lx = x + side * 3.4
    w.box((lx - 1.5, foot - .4, .6), (lx + 1.5, foot + 1.9, 3.), pale * .95)
    w.prism((lx, foot + 1.85, 1.8), [(-.1, -1.5), (1.3, 0.), (-.1, 1.5)], 1.75, 0, mix(painted * .7, c.tint(.92, .94, .98), white(s)))
    w.box((lx - .3, foot + .3, .57), (lx + .3, foot + 1.1, .61), c.tint(.1, .1, .12), glow=glow * dark)
    sunlight(w, s)
    picture = w.picture(behind, (s.sky.horizon, 90. - 55. * s.has("weather", "fog", "storm")))
    picture = _rock(c, s, picture, w, x, lx)
    return _beam(c, s, picture, *w.project((x, top + .95, -.9)), glow, dark)


def _rock(c: Canvas, s: Scene, picture: Tensor, w: World, x: Tensor, lx: Tensor) -> Tensor:
    """The rock under the tower: lit faces, dark clefts, wet at its foot, foam around it."""
    px, py = w.project((mix(x, lx, .4), 1.35, 0))
    _, sea = w.project((x, -1.1, -3))
    wide = c.uniform(.30, .38)
    u = (c.x - px).abs() / wide
    crest = py + (sea - py) * (u.clamp(0, 1.4) ** 2.6) + .05 * (c.line(5, octaves=4) - .5) + .012 * (c.line(30, octaves=3) - .5)
    relief = c.warp(c.ridges(4, 5, octaves=4), (c.noise(3, octaves=2) - .5) * .1, 0 * c.y)
    side = torch.sign(s.place_x - .5)
    slope = (torch.gradient(relief, dim=3)[0] * side * -1 - torch.gradient(relief, dim=2)[0] * .8) * c.height * .045
    light = (.50 + slope).clamp(.08, 1.3)
    stone = mix(mix(c.tint(.42, .37, .33), s.pick("season", {"winter": (.9, .92, .95)}, (.34, .36, .22)), smooth(.06, .0, c.y - crest) * .6), c.tint(.93, .95, .98), white(s) * smooth(.05, .0, c.y - crest))
    wet = smooth(sea - .05, sea + .02, c.y)
    body = stone * light * s.sky.light * (.20 + .72 * s.sky.ambient) * (1 - .55 * wet) + s.sky.middle * .04
    shore = sea + .035 + .02 * (c.line(6, octaves=3) - .5)
    mask = smooth(-.003, .003, c.y - crest) * smooth(.004, -.004, c.y - shore)
    picture = mix(picture, body, mask)
    foam = torch.exp(-((c.y - shore - .004) / (.012 + .012 * s.has("weather", "storm"))) ** 2) * smooth(1.5, 1.0, u) * smooth(.35, .7, c.noise(14, 30, octaves=3))
    return mix(picture, s.sky.light * (.35 + .6 * s.sky.ambient), foam * .8)


def _beam(c: Canvas, s: Scene, picture: Tensor, x: Tensor, y: Tensor, colour: Tensor, dark: Tensor) -> Tensor:
    """Two beams that turn, in whatever air there is, and the glow of the lamp."""
    angle, reach = c.uniform(-.32, .32), c.far(x, y)
    along = (c.x - x) * torch.cos(angle) + (c.y - y) * torch.sin(angle)
    across = (c.y - y) * torch.cos(angle) - (c.x - x) * torch.sin(angle)
    strong = 1 - .45 * smooth(.1, -.1, along)
    beam = torch.exp(-(across / (.010 + .11 * along.abs())) ** 2) * torch.exp(-reach * 1.5) * strong * smooth(0, .04, reach)
    haze = .75 + .5 * c.noise(4, octaves=3)
    picture = picture + colour * beam * haze * dark * .75
    return picture + colour * (torch.exp(-reach / .022) * .9 + torch.exp(-(reach / .10) ** 2) * .35 + torch.exp(-reach / .22) * .12) * dark
