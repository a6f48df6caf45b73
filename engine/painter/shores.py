"""Fresh water in the land: a river, a waterfall."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures, waters
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import GRASS, TREES, Plane, foliage, leafy, light, rock, stone
from engine.painter.lands import lit
from engine.painter.scene import Scene


def river(c: Canvas, s: Scene) -> Tensor:
    """A river that winds through meadows from the hills to our feet, trees along its banks and in its water."""
    horizon = c.uniform(.34, .44)
    far = hills(c, s, air.paint_sky(c, s), horizon, .17)
    plane = Plane(c, horizon)
    bends, sway = c.uniform(2.4, 3.4), c.uniform(.26, .38)
    middle = plane.shore(0., bends, sway) + c.uniform(-.06, .06)
    half = .012 + .27 * plane.depth ** 1.1
    edge = (c.noise(10, 30, octaves=3) - .5) * .35
    out = ((c.x - middle) / half).abs() + edge
    picture = waters.water(c, s, far, horizon, .34 + .5 * s.has("weather", "storm", "rain"))
    picture = picture + s.sky.horizon * plane.below * s.has("time", "night", "dusk") * .60 * c.noise(4, 30, octaves=3)
    grass = s.pick("season", GRASS, (.30, .44, .16))
    swell, blades = plane.lay(c.noise(4, octaves=4, size=(128, 128)),
                              .35), plane.lay(c.noise(40, octaves=3, size=(256, 256)), .5)
    meadow = mix(grass, grass * c.tint(1.35, 1.05, .62), swell) * (.55 + .55 * swell + .5 * (blades - .5))
    meadow = mix(mix(s.sky.horizon, lit(s, meadow, .5 + 0 * swell), .45), lit(s, meadow, .25 + .75 * swell),
                 plane.depth ** .5)
    bank = mix(c.tint(.42, .34, .24), c.tint(.70, .62, .48), swell) * light(s)
    picture = mix(picture, picture * .42 + lit(s, grass, .1 + 0 * half) * .22,
                  smooth(.62, 1.02, out) * plane.below * .8)
    trees = [(.07 * 2 ** i, side) for i in range(4) for side in (-1., 1.)]
    land = smooth(.98, 1.03, out) * plane.below
    leaves, fine, green = c.noise(14, octaves=5), c.noise(34, octaves=3), s.pick("season", TREES, (.19, .34, .12))
    ground = mix(bank, meadow, smooth(1.03, 1.16 + .1 * edge, out))
    at = [_bank(c, horizon, middle, depth, side) for depth, side in trees]
    picture = mix(_mirrored(c, s, picture, plane, at, leaves, green), ground, land)
    picture = _along(c, s, picture, at, trees, mix(leaves, fine, .5), green)
    reeds = smooth(.50, .75, c.noise(50, 3, octaves=2) - (1 - c.y) * 3.2 + .35)
    picture = mix(picture, lit(s, grass * .5, .25 + 0 * half), reeds * smooth(.9, 1.3, out) * .8)
    return _visitor(c, s, picture, horizon, middle)


def _mirrored(c: Canvas, s: Scene, picture: Tensor, plane: Plane, at: list[tuple[Tensor, Tensor, Tensor, Tensor]],
              leaves: Tensor, green: Tensor) -> Tensor:
    """The trees of the banks, upside down in the water."""
    shown = torch.zeros_like(leaves)
    for x, foot, size, slim in at:
        u, v = (c.x - x) / (size * slim), (c.y - foot) / size
        shown = torch.maximum(shown, smooth(.5, -.3, u**2 + ((v - .5) / .55) ** 2 - 1 + (1 - leaves) * .5) * (v > 0))
    return mix(picture, lit(s, green * .45, torch.full_like(plane.depth, .2)), shown * .72 * plane.below)


def _along(c: Canvas, s: Scene, picture: Tensor, at: list[tuple[Tensor, Tensor, Tensor, Tensor]],
           trees: list[tuple[float, float]], leaves: Tensor, green: Tensor) -> Tensor:
    """The trees of the banks from far to near, with their shadows."""
    sunny, crowns, trunks, haze, cast = (torch.zeros_like(leaves) for _ in range(5))
    for (x, foot, size, slim), (depth, _) in zip(at, trees, strict=True):
        cast = torch.maximum(cast, torch.exp(-((c.x - x) / (size * slim)) ** 2 - ((c.y - foot) / (size * .07)) ** 2))
        on, mask = foliage(c, s, x, foot - .10 * size, size * slim, size, leaves)
        sunny, haze = mix(sunny, on * c.uniform(.7, 1.15), mask), mix(haze, max(0., .55 - .9 * depth) + 0 * mask, mask)
        crowns = torch.maximum(crowns, mask)
        trunks = torch.maximum(trunks, c.limb(x, foot, x + .02 * size, foot - .5 * size, size * .045, size * .028))
    picture = mix(picture * (1 - .45 * cast), c.tint(.20, .15, .12) * light(s), trunks)
    return mix(picture, mix(leafy(s, green, sunny), s.sky.horizon * .9, haze), crowns)


def _visitor(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, middle: Tensor) -> Tensor:
    """The figure: a boat on the water, everybody else on the bank."""
    near = c.uniform(.28, .55)
    feet = horizon + (1 - horizon) * near
    x = torch.gather(middle, 2, (feet * c.height).long().clamp(0, c.height - 1))
    ashore = torch.where(x > .5, -1., 1.) * (.42 * near ** 1.1 + .07) * (1 - s.has("figure", "boat"))
    return figures.place(c, s, picture, feet, at=(x + ashore, c.uniform(.24, .34) * near ** .5))


def _bank(c: Canvas, horizon: Tensor, middle: Tensor, depth: float,
          side: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where a tree stands on the bank at `depth`: x, y of its foot, its height, its half width as a share of it."""
    near = depth * c.uniform(.8, 1.25)
    foot = horizon + (1 - horizon) * near
    row = ((foot * c.height).long().clamp(0, c.height - 1))
    at = torch.gather(middle, 2, row)
    half = .012 + .27 * near ** 1.1
    slim = c.uniform(.22, .55)
    return (at
            + side * (half * c.uniform(1.3, 1.9) + .06 * near + .005), foot,
            (.05 + .56 * near) * c.uniform(.7, 1.25) * (1.35 - slim * .8), slim)


def hills(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, tall: float) -> Tensor:
    """Three ranges of hills above the horizon, bluer away."""
    green = s.pick("season", GRASS, (.24, .34, .18))
    for layer in range(3):
        near = layer / 2
        top = (horizon - (tall - .3 * tall * layer) * c.uniform(.45, 1.1) * c.line(1.4 + layer, octaves=5)
               - .010 * c.line(34, octaves=2) * near)
        woods = c.noise(12 + 10 * near, 20, octaves=3)
        body = mix(mix(s.sky.middle, s.sky.horizon, .5) * .94, lit(s, green * (.5 + .8 * woods), .3 + .6 * woods),
                   .16 + .52 * near)
        picture = mix(picture, body, smooth(-c.pixel, c.pixel, c.y - top))
    return picture


def waterfall(c: Canvas, s: Scene) -> Tensor:
    """Water that falls down a cliff into its own mist: streaks, wet stone, a pool, boulders before it."""
    picture = air.paint_sky(c, s)
    x, lip, pool = .5 + c.uniform(-.12, .12), c.uniform(.14, .24), c.uniform(.72, .80)
    facing, grain = rock(c, s, 3.2, 1.9, 1.1)
    colour = mix(c.tint(.42, .36, .30), c.tint(.40, .42, .44), c.uniform())
    green = s.pick("season", GRASS, (.20, .38, .13))
    moss = smooth(.50, .72, c.noise(3.5, octaves=4) + .22 * (grain - .5) - .14 * smooth(.1, .9, c.y))
    wall = stone(c, s, mix(colour, green * .9, moss * .75), facing, grain)
    top = lip - .02 - .18 * ((c.x - x).abs() * 1.5).clamp(max=1) * c.uniform(.3, 1.) - .05 * c.line(5, octaves=4) + .03
    woods = smooth(.40, .55, c.noise(11, 7, octaves=4) + (c.y - top + .05) * 5)
    picture = mix(picture, lit(s, green * .7, c.noise(14, octaves=2)), woods * smooth(-.15, -.02, c.y - top))
    picture = mix(picture, wall, smooth(-.004, .004, c.y - top))
    t = ((c.y - lip) / (pool - lip)).clamp(0, 1)
    half, step = c.uniform(.065, .13), c.uniform(.3, .7)
    wide = half * (1 + .35 * t + c.uniform(.0, .8) * smooth(step - .02, step + .05, t))
    drift = x + (c.line(1.2, octaves=2).mean(3, keepdim=True) - .5) * .1 + .06 * torch.sin(t * 3 + 6 * step) * t
    rough = (c.noise(16, 5, octaves=3) - .5)
    u = (c.x - drift) / wide
    body = smooth(1.02, .72, u.abs() + rough * .75) * smooth(-.012, .004, c.y - lip)
    fall = (c.warp(c.noise(46, 2.6, octaves=3), rough * .03, t * .0 + rough * .05) * .55
            + c.noise(18, 1.6, octaves=3) * .45)
    broken = smooth(.62, .36, fall + .22 * (1 - t)) * smooth(.25, .8, u.abs() + .35 * t)
    ledge = torch.exp(-((t - step - .04 * rough) / .03) ** 2)
    white = c.tint(.95, .98, 1.) * (.30 + .78 * s.sky.ambient) * mix(s.sky.light, torch.ones_like(s.sky.light), .45)
    strands = mix(mix(s.sky.middle * .55, white * .62, .45), white * 1.05,
                  smooth(.25, .75, fall + .30 * ledge + .12 * t))
    strands = strands * (1 - .28 * smooth(.2, 1., -u * torch.sign(s.place_x - .5)))
    picture = picture * (1 - .45 * smooth(1.9, .8, u.abs()) * (c.y > lip))
    picture = mix(picture, strands, body * (1 - .80 * broken))
    picture = _basin(c, s, picture, x, wide.mean((2, 3), keepdim=True) * 1.4, pool, white, green)
    aside = torch.where(c.uniform() > .5, 1., -1.) * c.uniform(.22, .38) * c.aspect ** .5
    return figures.place(c, s, picture, c.uniform(.92, .96), at=(.5 + aside, c.uniform(.15, .21)))


def _basin(c: Canvas, s: Scene, picture: Tensor, x: Tensor, half: Tensor, pool: Tensor, white: Tensor,
           green: Tensor) -> Tensor:
    """The pool at a waterfall's foot with its foam, the mist above it, boulders in front."""
    depth = ((c.y - pool) / (1 - pool)).clamp(0, 1)
    waves = c.noise(5, 30, octaves=3)
    mirror = c.warp(picture, (waves - .5) * .06, 2 * (pool - c.y) * 1.3 + (waves - .5) * .05)
    water = mix(mirror * .62, mix(c.tint(.06, .24, .26), s.sky.zenith, .35) * (.25 + .7 * s.sky.ambient), .45)
    spread = torch.exp(-((c.x - x) / (half * (1.6 + 2.2 * depth))) ** 2)
    foam = smooth(.52, .80, waves + .50 * spread * (1.05 - depth)) * smooth(0, .08, depth + .05)
    water = mix(water, white * .92, foam * .85)
    picture = mix(picture, water, smooth(-.006, .008, c.y - pool + (c.line(4, octaves=3) - .5) * .03))
    cloud = c.noise(3.5, octaves=4)
    rise = torch.exp(-((c.x - x) / (half * 2.0)) ** 2 - ((c.y - pool + .015) / (.085 + .09 * cloud)) ** 2)
    picture = mix(picture, white * .98, (rise * (.25 + 1.1 * cloud)).clamp(0, .93))
    facing, grain = rock(c, s, 6, 7, 1.1, 4)
    line = (.985 - .13 * (2 * (c.x - .5) / c.aspect).abs() ** 1.6 * c.uniform(.4, 1.3)
            - .12 * (c.line(4.5, octaves=3) - .42))
    wet = stone(c, s, mix(c.tint(.30, .28, .27), green * .7, smooth(.5, .8, c.noise(6, octaves=3)) * .6), facing, grain)
    wet = wet * (.45 + .75 * smooth(.10, 0., c.y - line))
    return mix(picture, wet, smooth(-.004, .004, c.y - line))
