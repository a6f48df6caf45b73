"""What was built: city."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.elements import flames
from engine.painter.scene import Scene


def city(c: Canvas, s: Scene) -> Tensor:
    """Blocks behind blocks in the haze, windows lit towards the night, a wet street or a river in front."""
    picture = air.paint_sky(c, s)
    ground = c.uniform(.70, .86)
    burning, lit = s.has("extra", "burning"), s.has("time", "night", "dusk") * .8 + .5 * s.has("extra", "lights") + .1
    glow = c.tint(1., .50, .14) * torch.exp(-((c.y - ground) / .30) ** 2)
    picture = mix(picture, picture * .5 + glow * 1.1, burning * .85)
    if s.any("extra", "burning"):
        fire, _ = flames(c, 2.2, .42)
        shown = (luma(fire) * 1.6).clamp(0, 1) * burning
        picture = mix(picture, fire * 1.1, shown * smooth(ground + .05, ground - .2, c.y))
        smoke = smooth(.42, .70, c.warp(c.noise(2, 2.4, octaves=4), c.noise(2, octaves=2) * .2,
                                        c.noise(2, octaves=2) * .2))
        picture = mix(picture, c.tint(.12, .09, .09), smoke * burning * smooth(.75, .05, c.y) * .8)
    for layer in range(4):
        picture = _blocks(c, s, picture, ground, layer / 3, lit)
    street = c.warp(picture, (c.noise(3, 26, octaves=2) - .5) * .05, 2 * (ground - c.y) * 1.0)
    street = c.blur(street, .012) * (.55 - .2 * smooth(ground, 1., c.y)) + .012
    picture = mix(picture, street, smooth(-.003, .003, c.y - ground))
    return figures.place(c, s, picture, ground + c.uniform(.06, .12), (.15, .26))


def _blocks(c: Canvas, s: Scene, picture: Tensor, ground: Tensor, near: float, lit: Tensor) -> Tensor:
    """One row of buildings with flat tops: paler when far, with their windows."""
    width = 13. - 7.5 * near
    place = c.x * width + c.uniform(0, 9)
    place = place + .36 * torch.sin(place * 2.3)                          # narrow houses and wide ones
    column, inside = place.floor(), torch.remainder(place, 1)
    chance = torch.gather(c.table(1, 1, 64), 3, torch.remainder(column, 64).long().expand(c.count, 1, 1, -1))
    other, third = torch.remainder(chance * 7.31, 1), torch.remainder(chance * 13.7, 1)
    tall = (.10 + .36 * chance ** 1.6) * (1.05 - .40 * near) * (1 + .55 * s.has("extra", "towers"))
    top = ground - tall - .07 * (1 - near) + .03 * (inside > .62) * (other > .5) + .022 * (inside < .2) * (third > .6)
    mast = smooth(.030, .012, (inside - .42).abs()) * (third > .72) * smooth(top - .085 * third, top - .075 * third,
            c.y)
    tank = smooth(.10, .09, (inside - .30).abs()) * (other < .3) * smooth(top - .024, top - .020, c.y)
    body = torch.maximum(smooth(-c.pixel, c.pixel, c.y - top), torch.maximum(mast, tank))
    sky = s.sky
    hue = mix(c.tint(.30, .27, .26), mix(c.tint(.46, .28, .20), c.tint(.44, .42, .38), (other > .5).float()),
              (third > .45).float() * .8)
    wall = mix(sky.horizon * .88, mix(sky.zenith, hue, .68) * (.10 + .62 * sky.ambient), .25 + .70 * near)
    wall = wall * (.80 + .40 * torch.remainder(chance * 13, 1)) * (1 - .30 * smooth(top, ground, c.y)) * (.92 + .16
            * c.noise(14, 22, octaves=2))
    flank = .20 + .22 * third
    away = torch.sign(s.place_x - c.x)
    flanked = torch.where(away > 0, inside < flank, inside > 1 - flank).float()           # the side away from the light
    wall = wall * (1 - .38 * flanked) * (1 + .20 * (1 - flanked) * sky.ambient)
    wall = wall * (1 + .5 * torch.exp(-((c.y - top - .004) / .004) ** 2) * near * sky.ambient)
    wall = mix(wall, wall * .35 + c.tint(.55, .18, .04) * smooth(.3, 0., (ground - c.y).abs()) * (1 - near * .7),
               s.has("extra", "burning") * .8)
    picture = mix(picture, wall, body)
    rows = 26. + 16 * (1 - near)
    u, v = column * 7 + inside * (4 + 3 * (other > .5)), (c.y - top) * rows
    du, dv, on, kind = c.dots(u, v, 0.)
    pane = smooth(.36, .24, du.abs()) * smooth(.38, .24, dv.abs()) * (v > .6) * body
    pane = pane * (inside > .05) * (inside < .95) * (c.y > top)
    warm = mix(c.tint(1., .78, .42), c.tint(.85, .92, 1.), (kind > .8).float())
    glass = mix(wall * .50, sky.horizon * .75, .55 * kind * (1 - flanked))
    picture = mix(picture, glass, pane * .80 * (.30 + .70 * near))
    return mix(picture, warm * (.6 + .5 * kind), pane * (on < .14 + .34 * lit) * lit.clamp(0, 1) * (.45 + .55 * near))
