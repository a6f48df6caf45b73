"""A bridge over a river: stone arches, or a deck that hangs."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures, waters
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import GRASS, TREES, foliage, leafy, light
from engine.painter.lands import lit
from engine.painter.scene import Scene


def bridge(c: Canvas, s: Scene) -> Tensor:
    """Stone arches over a river and in it, trees on the banks; or a deck that hangs from cables between towers."""
    water = c.uniform(.66, .74)
    picture = _banks(c, s, air.paint_sky(c, s), water)
    dark = s.has("time", "night") + .7 * s.has("time", "dusk")
    hung = s.has("extra", "suspended")
    stone = _arches(c, s, picture, water, dark)
    if s.any("extra", "suspended"):
        stone = mix(stone, _suspended(c, s, picture, water, dark), hung)
    picture = waters.water(c, s, stone, water, .40 + .6 * s.has("weather", "storm"))
    near = 1 - .09 * c.line(2.2, octaves=4) - .10 * (2 * (c.x - .5) / c.aspect).abs() ** 3
    reeds = near - .05 * c.line(40, octaves=2) * c.line(5, octaves=2)
    green = s.pick("season", GRASS, (.22, .34, .13))
    return mix(picture, lit(s, green * (.35 + .5 * c.noise(12, octaves=3)), .25 + .4 * c.noise(5, octaves=2)),
               smooth(-.004, .004, c.y - reeds))


def _banks(c: Canvas, s: Scene, picture: Tensor, water: Tensor) -> Tensor:
    """What lies behind a bridge: hills, trees at both ends, some roofs."""
    green = s.pick("season", GRASS, (.24, .34, .16))
    for layer in range(2):
        top = (water - (.20 - .08 * layer) * c.uniform(.5, 1.1) * c.line(1.5 + layer, octaves=4)
               - .01 * c.line(30, octaves=2))
        woods = c.noise(14, 20, octaves=3)
        body = mix(mix(s.sky.middle, s.sky.horizon, .5) * .94, lit(s, green * (.5 + .8 * woods), .25 + .6 * woods),
                   .22 + .45 * layer)
        picture = mix(picture, body, smooth(-c.pixel, c.pixel, c.y - top))
    leaves = c.noise(15, octaves=4)
    sunny, crowns = torch.zeros_like(leaves), torch.zeros_like(leaves)
    for i in range(6):
        side = -1. if i % 2 else 1.
        x = .5 + side * c.uniform(.20, .52) * c.aspect
        size = c.uniform(.12, .30)
        on, mask = foliage(c, s, x, water + .01, size * c.uniform(.35, .65), size, leaves)
        sunny, crowns = mix(sunny, on * c.uniform(.65, 1.1), mask), torch.maximum(crowns, mask)
    body = leafy(s, s.pick("season", TREES, (.20, .34, .13)), sunny)
    return mix(picture, mix(body, s.sky.horizon, .18), crowns)


def _arches(c: Canvas, s: Scene, picture: Tensor, water: Tensor, dark: Tensor) -> Tensor:
    """One, two or three arches of cut stone under a parapet, the light from one side, lamps towards the night."""
    many = 1 + (c.uniform() * 2.99).floor()
    x, camber = c.across(.44, .56), c.uniform(.02, .09)
    reach = mix(c.uniform(.30, .36), c.uniform(.52, .62), (many > 1).float()) * c.aspect ** .5
    pitch = 2 * reach / many
    u = (c.x - x) / reach
    tall = c.uniform(.22, .28)
    deck = water - tall - camber * (1 - u.clamp(-1.4, 1.4) ** 2)
    arch = torch.remainder((c.x - x + reach) / pitch, 1) - .5
    half = .42
    a = arch / half
    rise = (water - deck - .050) * (1 - .10 * u.abs().clamp(max=1)) * .94
    height = (water - c.y) / rise
    ring = (a**2 + height.clamp(min=0) ** 2).sqrt()
    within = (u.abs() < 1).float()
    soft = c.pixel / rise * 1.2
    open_ = smooth(1 + soft, 1 - soft, ring) * within
    sun = torch.sign(s.place_x - x)
    through = smooth(1 + soft, 1 - soft, ((a + .15 * sun) ** 2 + (height.clamp(min=0) * 1.06) ** 2).sqrt()) * within
    colour, joint, wall = _masonry(c, s, water, deck, a, height, ring, within)
    course = (deck + .038 - c.y)
    rail = smooth(.004, -.002, (course - .012).abs() - .012) * .35 + smooth(.002, -.002, (course).abs() - .004) * -.4
    day = light(s, .14, .92) * (.74 + .30 * (rail + 1)) * mix(.82 + 0 * u, 1.06 + .1 * u * sun, .7 + 0 * u)
    body = wall * day
    shade = mix(s.sky.zenith, s.sky.middle, .5) * (.20 + .40 * s.sky.ambient)
    vault = colour * shade * (.75 - .45 * joint) * (.6 + .5 * height.clamp(0, 1)) + colour * s.sky.horizon * .06
    mask = smooth(-c.pixel, c.pixel, c.y - deck) * (1 - through * open_)
    picture = mix(picture, mix(body, vault, open_), mask)
    picture = _lamps(c, s, picture, x, reach, deck, dark)
    feet = torch.gather(deck.expand(c.count, 1, 1, c.width), 3, torch.full_like(water, c.width // 2).long()) + .012
    return figures.place(c, s, picture, feet, (.085, .12), span=(.40, .60))


def _masonry(c: Canvas, s: Scene, water: Tensor, deck: Tensor, a: Tensor, height: Tensor, ring: Tensor,
             within: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cut stones in rows and rings, moss near the water: the stone's colour, its joints, the wall."""
    colour = mix(c.tint(.62, .56, .47), c.tint(.60, .46, .36), c.uniform()) * (.70 + .5 * c.noise(5, octaves=4))
    rows = (water - c.y) * 52
    bricks = c.x * 26 + .5 * torch.remainder(rows.floor(), 2)
    joint = torch.maximum(smooth(.34, .5, (torch.remainder(rows, 1) - .5).abs()),
                          smooth(.40, .5, (torch.remainder(bricks, 1) - .5).abs()))
    block = torch.remainder(torch.sin(rows.floor() * 12.9 + bricks.floor() * 78.2) * 437.5, 1)
    wall = colour * (.82 + .30 * block) * (1 - .34 * joint)
    voussoir = smooth(1.20, 1.17, ring) * within * (height > 0)
    joints = smooth(.30, .5, (torch.remainder(torch.atan2(height, a) * 7.3, 1) - .5).abs())
    wall = mix(wall, colour * 1.12 * (1 - .40 * joints), voussoir)
    wall = wall * (1 - .45 * smooth(.035, .0, water - c.y)) * (.80 + .25 * smooth(water, deck, c.y))
    moss = smooth(.55, .75, c.noise(4, octaves=4) + .25 * smooth(.12, 0., water - c.y))
    wall = mix(wall, s.pick("season", GRASS, (.26, .34, .16)) * .8, moss * .45)
    return colour, joint, wall


def _lamps(c: Canvas, s: Scene, picture: Tensor, x: Tensor, reach: Tensor, deck: Tensor, dark: Tensor) -> Tensor:
    """Three lamps on the parapet."""
    ink = s.sky.zenith * .12 + .01
    lamps = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    for place in (-.62, 0., .62):
        lx = x + place * reach
        ly = torch.gather(deck.expand(c.count, 1, 1, c.width), 3,
                          ((lx - .5 + c.aspect / 2) * c.height).long().clamp(0, c.width - 1))
        picture = mix(picture, ink, c.limb(lx, ly, lx, ly - .075, .0050, .0030) * .9)
        lamps = torch.maximum(lamps, c.limb(lx, ly - .078, lx, ly - .090, .008, .010))
    glow = lamps + c.blur(lamps, .02) * 1.6 + c.blur(lamps, .08) * 2.4
    return mix(picture, ink * 1.5, lamps * .8) + c.tint(1., .72, .36) * glow * dark


def _suspended(c: Canvas, s: Scene, picture: Tensor, water: Tensor, dark: Tensor) -> Tensor:
    """Two towers, a cable that hangs between them, a deck on its hangers."""
    x, half = c.across(.42, .58), c.uniform(.26, .32) * c.aspect
    deck, top = water - c.uniform(.08, .11), c.uniform(.18, .26)
    u = (c.x - x) / half
    hang = top + (deck - .02 - top) * torch.where(u.abs() < 1, 1 - u**2, ((u.abs() - 1) / .9).clamp(0, 1.2))
    metal = s.any_pigment("colour", ("red", "red", "grey", "turquoise", "brown")) * .8 + .06
    day = light(s, .16, .90)
    cable = smooth(.0035 + c.pixel, .0035, (c.y - hang).abs() / (1 + (1.4 * u) ** 2).sqrt())
    lines = (smooth(.30, .12, torch.remainder(u * 11, 1).sub(.5).abs() * 2 * half / 22 / c.pixel / 1.2)
             * (c.y > hang) * (c.y < deck))
    picture = mix(picture, metal * day * .8, (lines * .62).clamp(0, 1))
    road = smooth(.012 + c.pixel, .012, (c.y - deck).abs())
    truss = (smooth(.5, .2, (torch.remainder((c.x + (c.y - deck)) * 34, 1) - .5).abs() * 2) * (c.y > deck)
             * (c.y < deck + .030))
    picture = mix(picture, metal * day * .62, torch.maximum(road, truss * .8))
    picture = mix(picture, metal * day, cable)
    for side in (-1., 1.):
        away = c.x - x - side * half
        legs = (smooth(.006, -.002, ((away.abs() - .022 - .006 * (c.y - top)).abs() - .0075))
                * smooth(-.002, .002, c.y - top))
        beams = (smooth(.028, .024, away.abs())
                 * sum(smooth(.012, .008, (c.y - top - place).abs()) for place in (.012, .12, .23)))
        tower = torch.maximum(legs, beams.clamp(0, 1)) * (c.y < water)
        picture = mix(picture, metal * day * (.85 + .35 * torch.sign(away) * torch.sign(s.place_x - x)), tower)
        pier = smooth(.044, .040, away.abs()) * smooth(-.002, .002, c.y - water + .05) * (c.y < water)
        picture = mix(picture,
                      c.tint(.46, .43, .40) * day * (.8 + .3 * torch.sign(away) * torch.sign(s.place_x - x)), pier)
    points = smooth(.35, .1, (torch.remainder(u * 11, 1) - .5).abs()) * smooth(.006, .002, (c.y - deck + .012).abs())
    points = (points
              + smooth(.35, .1, (torch.remainder(u * 14, 1) - .5).abs()) * smooth(.005, .002, (c.y - hang).abs()) * .7)
    picture = picture + c.tint(1., .78, .46) * (points + c.blur(points, .02) * 1.2) * dark
    return figures.place(c, s, picture, deck, (.075, .10), span=(.40, .60))
