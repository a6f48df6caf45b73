"""Shores: river, waterfall, beach, island, cave."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures, waters
from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.ground import Plane, foliage, leafy, light, rock, stone
from engine.painter.lands import LEAVES, lit
from engine.painter.scene import Scene

_GRASS = {**LEAVES, "summer": (.30, .44, .14), "winter": (.80, .83, .88)}
_TREES = {**LEAVES, "winter": (.44, .42, .42)}


def river(c: Canvas, s: Scene) -> Tensor:
    """A river that winds through meadows from the hills to our feet, trees along its banks and in its water."""
    horizon = c.uniform(.34, .44)
    far = _hills(c, s, air.paint_sky(c, s), horizon, .17)
    plane = Plane(c, horizon)
    bends, sway = c.uniform(2.4, 3.4), c.uniform(.26, .38)
    middle = plane.shore(0., bends, sway) + c.uniform(-.06, .06)
    half = .012 + .27 * plane.depth ** 1.1
    edge = (c.noise(10, 30, octaves=3) - .5) * .35
    out = ((c.x - middle) / half).abs() + edge
    picture = waters.water(c, s, far, horizon, .34 + .5 * s.has("weather", "storm", "rain"))
    picture = picture + s.sky.horizon * plane.below * s.has("time", "night", "dusk") * .35 * c.noise(4, 30, octaves=3)
    grass = s.pick("season", _GRASS, (.30, .44, .16))
    swell, blades = plane.lay(c.noise(4, octaves=4, size=(128, 128)), .35), plane.lay(c.noise(40, octaves=3, size=(256, 256)), .5)
    meadow = mix(grass, grass * c.tint(1.35, 1.05, .62), swell) * (.55 + .55 * swell + .5 * (blades - .5))
    meadow = mix(mix(s.sky.horizon, lit(s, meadow, .5 + 0 * swell), .45), lit(s, meadow, .25 + .75 * swell), plane.depth ** .5)
    bank = mix(c.tint(.42, .34, .24), c.tint(.70, .62, .48), swell) * light(s)
    picture = mix(picture, picture * .42 + lit(s, grass, .1 + 0 * half) * .22, smooth(.62, 1.02, out) * plane.below * .8)
    trees = [(.07 * 2 ** i, side) for i in range(4) for side in (-1., 1.)]
    land = smooth(.98, 1.03, out) * plane.below
    leaves, fine, green = c.noise(14, octaves=5), c.noise(34, octaves=3), s.pick("season", _TREES, (.19, .34, .12))
    ground = mix(bank, meadow, smooth(1.03, 1.16 + .1 * edge, out))
    at = [_bank(c, horizon, middle, depth, side) for depth, side in trees]
    shown = torch.zeros_like(leaves)
    for x, foot, size, slim in at:
        u, v = (c.x - x) / (size * slim), (c.y - foot) / size
        shown = torch.maximum(shown, smooth(.5, -.3, u**2 + ((v - .5) / .55) ** 2 - 1 + (1 - leaves) * .5) * (v > 0))
    picture = mix(picture, lit(s, green * .45, .2 + 0 * half), shown * .72 * plane.below)
    picture = mix(picture, ground, land)
    sunny, crowns, trunks, haze, cast = (torch.zeros_like(leaves) for _ in range(5))
    for (x, foot, size, slim), (depth, _) in zip(at, trees, strict=True):
        cast = torch.maximum(cast, torch.exp(-((c.x - x) / (size * slim)) ** 2 - ((c.y - foot) / (size * .07)) ** 2))
        on, mask = foliage(c, s, x, foot - .10 * size, size * slim, size, mix(leaves, fine, .75 - .5 * depth))
        sunny, haze = mix(sunny, on * c.uniform(.7, 1.15), mask), mix(haze, max(0., .55 - .9 * depth) + 0 * mask, mask)
        crowns = torch.maximum(crowns, mask)
        trunks = torch.maximum(trunks, c.limb(x, foot, x + .02 * size, foot - .5 * size, size * .045, size * .028))
    picture = mix(picture * (1 - .45 * cast), c.tint(.20, .15, .12) * light(s), trunks)
    picture = mix(picture, mix(leafy(s, green, sunny), s.sky.horizon * .9, haze), crowns)
    reeds = smooth(.50, .75, c.noise(50, 3, octaves=2) - (1 - c.y) * 3.2 + .35)
    picture = mix(picture, lit(s, grass * .5, .25 + 0 * half), reeds * smooth(.9, 1.3, out) * .8)
    return figures.place(c, s, picture, horizon + (1 - horizon) * c.uniform(.30, .60), (.14, .24))


def _bank(c: Canvas, horizon: Tensor, middle: Tensor, depth: float, side: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where a tree stands on the bank at `depth`: x, y of its foot, its height, its half width as a share of it."""
    near = depth * c.uniform(.8, 1.25)
    foot = horizon + (1 - horizon) * near
    row = ((foot * c.height).long().clamp(0, c.height - 1))
    at = torch.gather(middle, 2, row)
    half = .012 + .27 * near ** 1.1
    slim = c.uniform(.22, .55)
    return at + side * (half * c.uniform(1.3, 1.9) + .06 * near + .005), foot, (.05 + .56 * near) * c.uniform(.7, 1.25) * (1.35 - slim * .8), slim


def _hills(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, tall: float) -> Tensor:
    """Three ranges of hills above the horizon, bluer away."""
    green = s.pick("season", _GRASS, (.24, .34, .18))
    for layer in range(3):
        near = layer / 2
        top = horizon - (tall - .3 * tall * layer) * c.uniform(.45, 1.1) * c.line(1.4 + layer, octaves=5) - .010 * c.line(34, octaves=2) * near
        woods = c.noise(12 + 10 * near, 20, octaves=3)
        body = mix(mix(s.sky.middle, s.sky.horizon, .5) * .94, lit(s, green * (.5 + .8 * woods), .3 + .6 * woods), .16 + .52 * near)
        picture = mix(picture, body, smooth(-c.pixel, c.pixel, c.y - top))
    return picture


def waterfall(c: Canvas, s: Scene) -> Tensor:
    """Water that falls down a cliff into its own mist: streaks, wet stone, a pool, boulders before it."""
    picture = air.paint_sky(c, s)
    x, lip, pool = .5 + c.uniform(-.12, .12), c.uniform(.14, .24), c.uniform(.72, .80)
    facing, grain = rock(c, s, 3.2, 1.9, 1.1)
    colour = mix(c.tint(.42, .36, .30), c.tint(.40, .42, .44), c.uniform())
    green = s.pick("season", _GRASS, (.20, .38, .13))
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
    fall = c.warp(c.noise(46, 2.6, octaves=3), rough * .03, t * .0 + rough * .05) * .55 + c.noise(18, 1.6, octaves=3) * .45
    broken = smooth(.62, .36, fall + .22 * (1 - t)) * smooth(.25, .8, u.abs() + .35 * t)
    ledge = torch.exp(-((t - step - .04 * rough) / .03) ** 2)
    white = c.tint(.95, .98, 1.) * (.30 + .78 * s.sky.ambient) * mix(s.sky.light, torch.ones_like(s.sky.light), .45)
    strands = mix(mix(s.sky.middle * .55, white * .62, .45), white * 1.05, smooth(.25, .75, fall + .30 * ledge + .12 * t))
    strands = strands * (1 - .28 * smooth(.2, 1., -u * torch.sign(s.place_x - .5)))
    picture = picture * (1 - .45 * smooth(1.9, .8, u.abs()) * (c.y > lip))
    picture = mix(picture, strands, body * (1 - .80 * broken))
    picture = _basin(c, s, picture, x, wide.mean((2, 3), keepdim=True) * 1.4, pool, white, green)
    return figures.place(c, s, picture, c.uniform(.88, .94), (.11, .17), span=(.2, .8))


def _basin(c: Canvas, s: Scene, picture: Tensor, x: Tensor, half: Tensor, pool: Tensor, white: Tensor, green: Tensor) -> Tensor:
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
    line = .985 - .13 * (2 * (c.x - .5) / c.aspect).abs() ** 1.6 * c.uniform(.4, 1.3) - .12 * (c.line(4.5, octaves=3) - .42)
    wet = stone(c, s, mix(c.tint(.30, .28, .27), green * .7, smooth(.5, .8, c.noise(6, octaves=3)) * .6), facing, grain)
    wet = wet * (.45 + .75 * smooth(.10, 0., c.y - line))
    return mix(picture, wet, smooth(-.004, .004, c.y - line))


def beach(c: Canvas, s: Scene) -> Tensor:
    """Sand and surf: the waves come in obliquely, foam on wet sand that holds the sky, open sea behind."""
    horizon = c.uniform(.30, .42)
    sky = air.paint_sky(c, s)
    rough = .75 + .8 * s.has("weather", "storm")
    sea = waters.water(c, s, sky, horizon, rough)
    plane = Plane(c, horizon, .05)
    side = torch.where(c.uniform() > .5, 1., -1.)
    # distance to the water's edge across the beach, in the world: negative is sea
    lay = (c.x - .5) * side * plane.away * c.uniform(.30, .55) - c.uniform(.75, 1.0) * plane.away ** .62 + c.uniform(1.20, 1.50)
    lay = lay + (c.line(2.2, octaves=3) - .5) * .20 + .10 * torch.sin(plane.away * 2.2 + c.uniform(0, 6))
    near = plane.depth
    shallow = mix(c.tint(.20, .72, .70), c.tint(.32, .62, .66), c.uniform()) * light(s, .12, .85)
    sea = mix(sea, shallow * (.8 + .3 * c.noise(4, 22, octaves=3)), smooth(-1.6, -.1, lay) * smooth(.0, .12, near) * .62)
    curl = plane.lay(c.noise(18, octaves=4, size=(256, 256)), .5)
    lace = smooth(.62, .90, plane.lay(c.ridges(16, octaves=3, size=(256, 256)), .62))
    white = c.tint(.98, .99, 1.) * (.28 + .78 * s.sky.ambient) * mix(s.sky.light, torch.ones_like(s.sky.light), .4)
    waves = torch.zeros_like(lay)
    for place, wide in ((-.10, .10), (-.52, .11), (-1.05, .09), (-1.8, .10)):
        part = (lay + place * -1. + (curl - .5) * .22 + .10 * (c.line(1.5, octaves=2) - .5)) / wide
        shade = torch.exp(-((part + 1.9) / 1.1) ** 2)
        sea = mix(sea, sea * .55 + shallow * .18, shade * .6)
        breaker = torch.exp(-((part - .3) / .75) ** 2) + .75 * lace * smooth(.3, 1.2, part) * torch.exp(-(part.clamp(min=0) / 4.2))
        waves = torch.maximum(waves, breaker.clamp(0, 1) * (.6 + .6 * curl))
    sea = mix(sea, white * (.80 + .3 * curl), waves.clamp(0, 1) * smooth(.005, .05, near))
    grain, swell = plane.lay(c.noise(60, octaves=2, size=(256, 256)), 1.), plane.lay(c.noise(5, octaves=4, size=(128, 128)), .5)
    sand = mix(c.tint(.86, .72, .52), c.tint(.95, .86, .70), c.uniform()) * (.76 + .30 * swell + .16 * (grain - .5))
    sand = lit(s, sand, .55 + .6 * (swell - .3)) * 1.12
    wet = smooth(.55, .08, lay + (swell - .5) * .25)
    mirror = c.blur(c.warp(sky, torch.zeros_like(lay), 2 * (horizon - c.y)), .02)
    sand = mix(sand, sand * .50 + mirror * .42, wet * .85)
    ground = mix(sea, sand, smooth(-.02, .03, lay))
    edge = torch.exp(-((lay - .015 - .03 * (curl - .5)) / .035) ** 2)
    ground = mix(ground, white, edge * (.5 + .5 * lace) * .85)
    ground = ground * (1 - .22 * torch.exp(-((lay - .09) / .04) ** 2))
    picture = mix(sky, ground, plane.below)
    if s.any("extra", "palms"):
        x, foot = .5 + side * c.uniform(.28, .42) * c.aspect, c.uniform(.82, .95)
        shape, glow = palm(c, s, x, foot, c.uniform(.66, .80), -side * c.uniform(.10, .30))
        picture = mix(picture, glow, shape * s.has("extra", "palms"))
    return figures.place(c, s, picture, horizon + (1 - horizon) * c.uniform(.58, .78), (.18, .28), span=(.35, .65))


def palm(c: Canvas, s: Scene, x: Tensor, foot: Tensor, tall: Tensor, lean: Tensor, fronds: int = 9) -> tuple[Tensor, Tensor]:
    """A palm: a bent trunk and fronds whose leaves hang, with light on them: mask (count, 1, h, w) and colour."""
    v = (foot - c.y) / tall
    width = tall * (.027 - .012 * v.clamp(0, 1))
    u = (c.x - x - lean * tall * v.clamp(0, 1) ** 1.7) / width
    sun = torch.sign(s.place_x - .5)
    trunk = smooth(1.15, .85, u.abs()) * smooth(0, .01, v) * smooth(1.0, .985, v)
    bark = (.65 + .45 * u * sun).clamp(.2, 1.2) * (.86 + .14 * torch.sin(v * 90))
    top_x, top_y = x + lean * tall, foot - tall
    crown, lit_ = torch.zeros_like(trunk), torch.zeros_like(trunk)
    for i in range(fronds):
        side = 1. if i % 2 else -1.
        up = 1 - 2 * (i // 2) / (fronds // 2)                                # 1 the highest pair, -1 the lowest
        reach, rise = tall * c.uniform(.34, .46) * (1 - .30 * abs(up)), .35 + .95 * up + c.uniform(-.15, .15)
        t = (c.x - top_x) * side / reach
        fall = .55 + .35 * (1 - up) + c.uniform(0, .3)
        below = (c.y - top_y) / reach + rise * t - (rise * .55 + fall) * t * t.clamp(min=0)       # under the rib, in its own length
        teeth = .60 + .40 * torch.sin(t * 62 - below * 26 + 5 * i)
        hang = (.05 + .34 * torch.sin((t.clamp(0, 1) * 3.1) ** .85)) * teeth
        leaf = smooth(hang, hang * .7, below) * smooth(-.035, -.012, below) * (smooth(-.01, .02, t) * smooth(1.0, .95, t))
        crown = torch.maximum(crown, leaf)
        lit_ = mix(lit_, .50 + .55 * smooth(.14, 0., below) + .25 * side * sun + .18 * up, leaf)
    green = s.pick("season", {"autumn": (.52, .44, .14)}, (.22, .42, .14)) * light(s, .10, .95)
    glow = mix(c.tint(.48, .38, .28) * light(s) * bark, green * lit_.clamp(.2, 1.4), crown)
    return torch.maximum(trunk, crown), glow


def island(c: Canvas, s: Scene) -> Tensor:
    """One island in the sea: rocks or palms on a beach of its own, and its image in the water."""
    horizon = c.uniform(.54, .66)
    picture = air.paint_sky(c, s)
    x, half = c.across(.38, .62), c.uniform(.26, .38)
    u = (c.x - x) / half
    rocky = s.has("extra", "rocks")
    palms = (1 - rocky) * (1 - s.has("extra", "trees")) if s.any("extra", "palms", "") else torch.zeros_like(rocky)
    dome = (1 - u.abs().clamp(max=1) ** 1.9)
    crags = c.line(4, octaves=5)
    peak = torch.exp(-((u - c.uniform(-.35, .35)) / .40) ** 2)
    height = dome ** .8 * mix(.045 + .06 * crags, .035 + .33 * peak * (.45 + .75 * crags) + .10 * crags, mix(rocky, torch.ones_like(rocky), .18))
    top = horizon + .012 - height * smooth(1., .93, u.abs())
    facing, grain = rock(c, s, 7, 5, 1.2)
    green = s.pick("season", _TREES, (.20, .40, .14))
    up = (c.y - top) / height.clamp(min=.01)
    cover = smooth(.42, .58, c.noise(9, octaves=3) + .35 * (.45 - up) - .15 * rocky)
    body = stone(c, s, mix(c.tint(.46, .40, .35), green, cover * .85), facing, grain)
    sand = lit(s, c.tint(.93, .83, .62), .7 + .3 * grain)
    body = mix(body, sand, smooth(.020, .012, horizon + .012 - c.y) * (1 - .6 * rocky))
    inside = smooth(-c.pixel, c.pixel, c.y - top) * smooth(1.0, .985, u.abs())
    haze = .08 + .3 * s.has("weather", "fog")
    leaves = c.noise(20, octaves=4)
    trees = s.has("extra", "trees", "") if s.any("extra", "trees", "") else torch.zeros_like(rocky)
    sunny, crowns = torch.zeros_like(leaves), torch.zeros_like(leaves)
    for i in range(5):
        place = (i - 2) / 2.6 + c.uniform(-.1, .1)
        size = half * c.uniform(.28, .5) * (1.15 - place.abs())
        on, mask = foliage(c, s, x + place * half, horizon + .012 - half * .06, size * .55, size, leaves)
        sunny, crowns = mix(sunny, on, mask), torch.maximum(crowns, mask)
    picture = mix(picture, mix(leafy(s, green, sunny), s.sky.horizon, haze), crowns * trees)
    picture = mix(picture, mix(body, s.sky.horizon, haze), inside)
    for _ in range(4):
        if palms.any():
            place = c.uniform(-.62, .62)
            shape, glow = palm(c, s, x + place * half, horizon - .005 - .02 * (1 - place.abs()), half * c.uniform(.65, 1.15), torch.sign(place) * c.uniform(.05, .35), fronds=7)
            picture = mix(picture, mix(glow, s.sky.horizon, haze), shape * palms)
    sea = waters.water(c, s, picture, horizon + .010, .42 + .9 * s.has("weather", "storm"))
    surf = torch.exp(-((c.y - horizon - .016) / .005) ** 2) * smooth(1.08, .98, u.abs()) * c.noise(30, 4, octaves=2)
    sea = sea + surf * luma(light(s)) * .8
    return figures.place(c, s, sea, horizon + c.uniform(.12, .22), (.14, .22))


def cave(c: Canvas, s: Scene) -> Tensor:
    """From inside a cave: a torn mouth of light, the sea or a valley outside, wet stone towards us."""
    horizon = c.uniform(.50, .60)
    sky = air.paint_sky(c, s)
    sea = waters.water(c, s, sky, horizon, .6 + 0 * horizon)
    valley = _hills(c, s, sky, horizon + .12, .34)
    outside = mix(valley, sea, (s.has("extra", "sea view") + s.has("extra", "") * (c.uniform() > .5)).clamp(0, 1))
    outside = outside * (1.15 + .25 * s.sky.ambient) + .04 * s.sky.light
    x, y = c.across(.42, .58), c.uniform(.44, .52)
    turn = torch.atan2(c.y - y, c.x - x)
    bend = c.noise(2.2, octaves=4) - .5
    torn = c.noise(7, octaves=4) - .5
    wide, tall = c.uniform(.28, .36) * c.aspect ** .7, c.uniform(.26, .34)
    lower = smooth(0., .25, c.y - y)
    far = (((c.x - x) / wide).abs() ** 2.2 + ((c.y - y) / (tall * (1 + .25 * lower))).abs() ** 2.2) ** (1 / 2.2)
    far = far + bend * .55 + torn * .24 - .10 * torch.sin(turn * 3 + 6 * bend)
    teeth = c.line(9, octaves=3)
    far = far + smooth(.50, .80, teeth) * .5 * smooth(.05, -.35, c.y - y)
    mouth = smooth(1.02, .98, far)
    _, grain = rock(c, s, 3.2, 3.2, 1.2)
    ray = torch.exp(-(far - 1).clamp(min=0) * 2.0)
    toward = (torch.gradient(grain, dim=3)[0] * (x - c.x) + torch.gradient(grain, dim=2)[0] * (y - c.y)) * c.height
    glow = (.35 - toward * 2.2).clamp(0, 1.4)
    colour = mix(c.tint(.66, .44, .28), c.tint(.46, .44, .50), c.uniform())
    day = mix(outside.mean((2, 3), keepdim=True) * 1.2, light(s, .3, .9), .45)
    floor = smooth(.66, .86, c.y + bend * .1)
    walls = colour * (.022 + day * (.06 + 1.05 * ray ** 1.6 * (.20 + .95 * glow))) * (.55 + .7 * grain)
    rim = torch.exp(-((far - 1.015) / .030) ** 2)
    walls = walls + colour * day * rim * .65 * (.3 + grain)
    pool = c.warp(outside, bend * .05 + (c.noise(4, 30, octaves=2) - .5) * .04, 2 * (.80 - c.y))
    walls = mix(walls, walls * .6 + pool * .32, floor * smooth(.45, .65, c.noise(3, 9, octaves=3)) * torch.exp(-((c.x - x) / .4) ** 2))
    picture = mix(walls, outside, mouth)
    beam = torch.exp(-(far / 1.1) ** 2)
    picture = picture + day * beam * .10
    ink = picture.mean((2, 3), keepdim=True) * .06
    return figures.place(c, s, picture, y + tall * c.uniform(.95, 1.15), (.18, .28), ink=ink, span=(.38, .62))
