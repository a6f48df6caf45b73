"""Where people walk: a bridge over a river, a garden."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures, waters
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import Plane, foliage, leafy, light
from engine.painter.lands import LEAVES, lit
from engine.painter.scene import Scene

_GRASS = {**LEAVES, "summer": (.28, .44, .14), "winter": (.80, .83, .88)}
_LEAFAGE = {**LEAVES, "winter": (.42, .41, .42)}


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
    green = s.pick("season", _GRASS, (.22, .34, .13))
    return mix(picture, lit(s, green * (.35 + .5 * c.noise(12, octaves=3)), .25 + .4 * c.noise(5, octaves=2)), smooth(-.004, .004, c.y - reeds))


def _banks(c: Canvas, s: Scene, picture: Tensor, water: Tensor) -> Tensor:
    """What lies behind a bridge: hills, trees at both ends, some roofs."""
    green = s.pick("season", _GRASS, (.24, .34, .16))
    for layer in range(2):
        top = water - (.20 - .08 * layer) * c.uniform(.5, 1.1) * c.line(1.5 + layer, octaves=4) - .01 * c.line(30, octaves=2)
        woods = c.noise(14, 20, octaves=3)
        body = mix(mix(s.sky.middle, s.sky.horizon, .5) * .94, lit(s, green * (.5 + .8 * woods), .25 + .6 * woods), .22 + .45 * layer)
        picture = mix(picture, body, smooth(-c.pixel, c.pixel, c.y - top))
    leaves = c.noise(15, octaves=4)
    sunny, crowns = torch.zeros_like(leaves), torch.zeros_like(leaves)
    for i in range(6):
        side = -1. if i % 2 else 1.
        x = .5 + side * c.uniform(.20, .52) * c.aspect
        size = c.uniform(.12, .30)
        on, mask = foliage(c, s, x, water + .01, size * c.uniform(.35, .65), size, leaves)
        sunny, crowns = mix(sunny, on * c.uniform(.65, 1.1), mask), torch.maximum(crowns, mask)
    body = leafy(s, s.pick("season", _LEAFAGE, (.20, .34, .13)), sunny)
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
    colour = mix(c.tint(.62, .56, .47), c.tint(.60, .46, .36), c.uniform()) * (.70 + .5 * c.noise(5, octaves=4))
    rows = (water - c.y) * 52
    bricks = c.x * 26 + .5 * torch.remainder(rows.floor(), 2)
    joint = torch.maximum(smooth(.34, .5, (torch.remainder(rows, 1) - .5).abs()), smooth(.40, .5, (torch.remainder(bricks, 1) - .5).abs()))
    block = torch.remainder(torch.sin(rows.floor() * 12.9 + bricks.floor() * 78.2) * 437.5, 1)
    wall = colour * (.82 + .30 * block) * (1 - .34 * joint)
    voussoir = smooth(1.20, 1.17, ring) * within * (height > 0)
    joints = smooth(.30, .5, (torch.remainder(torch.atan2(height, a) * 7.3, 1) - .5).abs())
    wall = mix(wall, colour * 1.12 * (1 - .40 * joints), voussoir)
    wall = wall * (1 - .45 * smooth(.035, .0, water - c.y)) * (.80 + .25 * smooth(water, deck, c.y))
    moss = smooth(.55, .75, c.noise(4, octaves=4) + .25 * smooth(.12, 0., water - c.y))
    wall = mix(wall, s.pick("season", _GRASS, (.26, .34, .16)) * .8, moss * .45)
    course = (deck + .038 - c.y)
    rail = smooth(.004, -.002, (course - .012).abs() - .012) * .35 + smooth(.002, -.002, (course).abs() - .004) * -.4
    day = light(s, .14, .92) * (.74 + .30 * (rail + 1)) * mix(.82 + 0 * u, 1.06 + .1 * u * sun, .7 + 0 * u)
    body = wall * day
    shade = mix(s.sky.zenith, s.sky.middle, .5) * (.20 + .40 * s.sky.ambient)
    vault = colour * shade * (.75 - .45 * joint) * (.6 + .5 * height.clamp(0, 1)) + colour * s.sky.horizon * .06
    mask = smooth(-c.pixel, c.pixel, c.y - deck) * (1 - through * open_)
    picture = mix(picture, mix(body, vault, open_), mask)
    ink = s.sky.zenith * .12 + .01
    lamps = torch.zeros_like(mask)
    for place in (-.62, 0., .62):
        lx = x + place * reach
        ly = torch.gather(deck.expand(c.count, 1, 1, c.width), 3, ((lx - .5 + c.aspect / 2) * c.height).long().clamp(0, c.width - 1))
        picture = mix(picture, ink, c.limb(lx, ly, lx, ly - .075, .0050, .0030) * .9)
        lamps = torch.maximum(lamps, c.limb(lx, ly - .078, lx, ly - .090, .008, .010))
    glow = lamps + c.blur(lamps, .02) * 1.6 + c.blur(lamps, .08) * 2.4
    picture = mix(picture, ink * 1.5, lamps * .8) + c.tint(1., .72, .36) * glow * dark
    feet = torch.gather(deck.expand(c.count, 1, 1, c.width), 3, torch.full_like(water, c.width // 2).long()) + .012
    return figures.place(c, s, picture, feet, (.085, .12), span=(.40, .60))


def _suspended(c: Canvas, s: Scene, picture: Tensor, water: Tensor, dark: Tensor) -> Tensor:
    """Two towers, a cable that hangs between them, a deck on its hangers."""
    x, half = c.across(.42, .58), c.uniform(.26, .32) * c.aspect
    deck, top = water - c.uniform(.08, .11), c.uniform(.18, .26)
    u = (c.x - x) / half
    hang = top + (deck - .02 - top) * torch.where(u.abs() < 1, 1 - u**2, ((u.abs() - 1) / .9).clamp(0, 1.2))
    metal = s.any_pigment("colour", ("red", "red", "grey", "turquoise", "brown")) * .8 + .06
    day = light(s, .16, .90)
    cable = smooth(.0035 + c.pixel, .0035, (c.y - hang).abs() / (1 + (1.4 * u) ** 2).sqrt())
    lines = smooth(.30, .12, torch.remainder(u * 11, 1).sub(.5).abs() * 2 * half / 22 / c.pixel / 1.2) * (c.y > hang) * (c.y < deck)
    picture = mix(picture, metal * day * .8, (lines * .62).clamp(0, 1))
    road = smooth(.012 + c.pixel, .012, (c.y - deck).abs())
    truss = smooth(.5, .2, (torch.remainder((c.x + (c.y - deck)) * 34, 1) - .5).abs() * 2) * (c.y > deck) * (c.y < deck + .030)
    picture = mix(picture, metal * day * .62, torch.maximum(road, truss * .8))
    picture = mix(picture, metal * day, cable)
    for side in (-1., 1.):
        away = c.x - x - side * half
        legs = smooth(.006, -.002, ((away.abs() - .022 - .006 * (c.y - top)).abs() - .0075)) * smooth(-.002, .002, c.y - top)
        beams = smooth(.028, .024, away.abs()) * sum(smooth(.012, .008, (c.y - top - place).abs()) for place in (.012, .12, .23))
        tower = torch.maximum(legs, beams.clamp(0, 1)) * (c.y < water)
        picture = mix(picture, metal * day * (.85 + .35 * torch.sign(away) * torch.sign(s.place_x - x)), tower)
        pier = smooth(.044, .040, away.abs()) * smooth(-.002, .002, c.y - water + .05) * (c.y < water)
        picture = mix(picture, c.tint(.46, .43, .40) * day * (.8 + .3 * torch.sign(away) * torch.sign(s.place_x - x)), pier)
    points = smooth(.35, .1, (torch.remainder(u * 11, 1) - .5).abs()) * smooth(.006, .002, (c.y - deck + .012).abs())
    points = points + smooth(.35, .1, (torch.remainder(u * 14, 1) - .5).abs()) * smooth(.005, .002, (c.y - hang).abs()) * .7
    picture = picture + c.tint(1., .78, .46) * (points + c.blur(points, .02) * 1.2) * dark
    return figures.place(c, s, picture, deck, (.075, .10), span=(.40, .60))


def garden(c: Canvas, s: Scene) -> Tensor:
    """A gravel path between beds of flowers and clipped hedges, to a gate under trees."""
    horizon = c.uniform(.44, .50)
    picture = air.paint_sky(c, s)
    vx = c.across(.42, .58)
    plane = Plane(c, horizon, .012)
    across = (c.x - vx) * plane.away
    green = s.pick("season", _LEAFAGE, (.17, .36, .12))
    leaves, fine = c.noise(12, octaves=4), c.noise(34, octaves=3)
    picture = _trees(c, s, picture, horizon, green, mix(leaves, fine, .45))
    picture = _hedges(c, s, picture, horizon, vx, green, fine)
    picture = _gate(c, s, picture, horizon, vx)
    grass = s.pick("season", _GRASS, (.26, .46, .14))
    blades = plane.lay(c.noise(40, octaves=3, size=(256, 256)), .6, vx)
    lawn = leafy(s, grass * (.70 + .5 * blades), .45 + .55 * plane.lay(c.noise(4, octaves=3, size=(64, 64)), .3, vx))
    gravel = mix(c.tint(.80, .70, .54), c.tint(.74, .70, .66), c.uniform()) * (.78 + .4 * (blades - .3)) * light(s, .16, .82)
    shade = plane.lay(c.noise(7, octaves=4, size=(128, 128)), .35, vx)
    dapple = smooth(.44, .56, shade + .10)
    gravel = gravel * (.62 + .48 * dapple)
    on = smooth(.30, .285, across.abs() + .02 * (blades - .5))
    picture = mix(picture, mix(lawn * (.7 + .4 * dapple), gravel, on), plane.below)
    edge = torch.exp(-((across.abs() - .305) / .012) ** 2) * plane.below
    picture = picture * (1 - .35 * edge)
    picture = _beds(c, s, picture, plane, horizon, vx, green, fine)
    if s.any("extra", "roses"):
        picture = mix(picture, _rose_arch(c, s, picture, horizon, vx, green, fine), s.has("extra", "roses"))
    return figures.place(c, s, picture, horizon + c.uniform(.10, .24), (.20, .32), span=(.44, .56))


def _trees(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, green: Tensor, leaves: Tensor) -> Tensor:
    """The trees behind the hedge, some in blossom in spring."""
    sunny, crowns = torch.zeros_like(leaves), torch.zeros_like(leaves)
    for i in range(7):
        x = (c.uniform(0, .28) + .12 * i - .02 - .5) * c.aspect + .5
        size = c.uniform(.26, .52) * (.75 + .6 * (x - .5).abs())
        on, mask = foliage(c, s, x, horizon + .03, size * c.uniform(.35, .55), size, leaves)
        sunny, crowns = mix(sunny, on * c.uniform(.55, 1.1), mask), torch.maximum(crowns, mask)
    body = leafy(s, green, sunny)
    blossom = mix(c.tint(.98, .80, .86), c.tint(.96, .96, .92), c.uniform()) * light(s, .2, .8)
    body = mix(body, blossom, smooth(.56, .70, leaves) * s.has("season", "spring") * .8)
    return mix(picture, mix(body, s.sky.horizon, .20), crowns)


def _hedges(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, vx: Tensor, green: Tensor, fine: Tensor) -> Tensor:
    """Clipped walls of leaves at both sides and across the end."""
    dx = (c.x - vx).abs() / .82
    z = 1 / dx.clamp(min=.10)
    up = (horizon - c.y) * z
    leaf = c.noise(30, octaves=3)
    side = torch.sign(c.x - vx)
    sunny = smooth(-.5, .5, side * torch.sign(vx - s.place_x) + 0 * up)
    on = (.20 + .45 * sunny + 1.0 * (leaf - .5) + .25 * smooth(-.2, .22, up)).clamp(0, 1)
    top = .24 + .012 * torch.sin(z * 9) + .02 * (fine - .5)
    end = smooth(10.05, 9.95, z)
    rise = torch.where(z > 9.9, (horizon - c.y) * 8.5, up)
    on = mix(torch.clamp(.30 + .9 * (leaf - .5), 0, 1), on, end)
    on = (on + .35 * smooth(top - .05, top, rise)).clamp(0, 1)
    body = leafy(s, green * .85, on)
    haze = mix(.30 + 0 * z, .02 + .03 * (z - 1.2).clamp(min=0), end).clamp(0, .32)
    return mix(picture, mix(body, s.sky.horizon, haze), smooth(c.pixel * z.clamp(max=9), -c.pixel * z.clamp(max=9), rise - top) * (c.y < horizon + .5))


def _gate(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, vx: Tensor) -> Tensor:
    """An iron gate between two posts, open to the light behind, at the path's end."""
    big = .75 + .65 * s.has("extra", "gate") + c.uniform(0, .3)
    u, v = (c.x - vx) / (.075 * big), (horizon + .012 - c.y) / (.15 * big)
    soft = 1.2 * c.pixel / (.075 * big)
    arch = 1.0 + .28 * (1 - u**2).clamp(min=0).sqrt()
    inside = smooth(1 + soft, 1 - soft, u.abs()) * smooth(-.02, .0, v) * smooth(arch + soft, arch - soft, v)
    beyond = mix(s.sky.horizon, light(s, .3, .9) * s.sky.ambient, .4) * 1.05
    beyond = mix(beyond, lit(s, c.tint(.42, .52, .24), .7 + 0 * u), smooth(.55, .2, v) * .7)
    picture = mix(picture, beyond, inside)
    bars = smooth(.22, .08, (torch.remainder(u * 4 + .5, 1) - .5).abs() * 2) + smooth(.035, .02, (v - .45).abs()) + smooth(.035, .02, (v - .12).abs())
    bars = bars + smooth(.035 + soft, .02, (v - arch).abs() * .8) + smooth(.05, .02, u.abs())
    iron = s.sky.zenith * .10 + .02
    picture = mix(picture, iron, bars.clamp(0, 1) * inside * .88)
    side = torch.sign(s.place_x - vx)
    for x in (-1.22, 1.22):
        post = smooth(.20 + soft, .20 - soft, (u - x).abs()) * smooth(-.03, .0, v) * smooth(1.16, 1.14, v)
        cap = smooth(.28 + soft, .28 - soft, (u - x).abs()) * smooth(.04, .03, (v - 1.17).abs())
        ball = smooth(1.05, .95, (((u - x) / .20) ** 2 + ((v - 1.32) / .11) ** 2).sqrt())
        stone = c.tint(.72, .66, .56) * light(s, .16, .86) * (.85 + .7 * (u - x) * side).clamp(.4, 1.3) * (.8 + .3 * c.noise(20, octaves=2))
        picture = mix(picture, stone, torch.stack((post, cap, ball)).amax(0))
    return picture


def _beds(c: Canvas, s: Scene, picture: Tensor, plane: Plane, horizon: Tensor, vx: Tensor, green: Tensor, fine: Tensor) -> Tensor:
    """Flowers in two bands along the path: cushions of leaves with heads of several colours, low far away, high near."""
    one, two = s.any_pigment("colour", ("red", "pink", "golden", "violet", "white", "orange")), s.any_pigment("second", ("white", "golden", "violet", "pink", "blue"))
    two = mix(two, c.tint(.97, .94, .90), .35)
    winter = s.has("season", "winter")
    dx = c.x - vx
    side = torch.sign(dx)
    for scale, lift in ((8.5, .012), (6.2, .045), (4.6, .085)):
        raised = c.y + lift * plane.depth ** .8 * 1.6                                        # flowers stand above their ground
        depth = ((raised - horizon) / (1 - horizon)).clamp(min=.004)
        across = dx.abs() / (depth + .012)
        band = smooth(.32, .37, across) * smooth(.98, .86, across) * smooth(.006, .03, depth)
        u, v = side * across * scale * .85, scale * 1.15 * torch.log(depth + .02)
        du, dv, chance, size = c.dots(u, v, .26)
        lump = smooth(.62, .30, (du**2 + dv**2).sqrt()) * band
        on = (.42 - .55 * dv + .9 * (fine - .5)).clamp(0, 1)
        picture = mix(picture, leafy(s, green * 1.05, on), (lump * (.55 + .6 * fine)).clamp(0, 1) * .95)
        radius = .24 + .16 * size
        far = (du**2 + (dv + .06) ** 2).sqrt() / radius
        ripple = 1 + .16 * torch.sin(torch.atan2(dv + .06, du) * 5 + chance * 9)
        head = smooth(1., .78, far * ripple) * band * (chance < .80)
        hue = mix(one, two, (torch.remainder(chance * 7.3, 1) > .55).float())
        hue = mix(hue, hue * c.tint(1.1, .62, .55), (torch.remainder(chance * 3.1, 1) > .6).float() * .6)
        petal = hue * light(s, .14, .98) * (.62 + .45 * (1 - far).clamp(0, 1) - .55 * dv + .25 * torch.sin(far * 8)).clamp(.25, 1.3)
        heart = smooth(.34, .20, far) * c.tint(.95, .75, .20) * light(s)
        picture = mix(picture, mix(petal, heart, smooth(.34, .20, far) * .8), head * (1 - .85 * winter))
    return picture


def _rose_arch(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, vx: Tensor, green: Tensor, fine: Tensor) -> Tensor:
    """An arch of roses over the path."""
    foot, half, tall = horizon + .20, .215, c.uniform(.36, .42)
    u, v = (c.x - vx) / half, (foot - c.y) / tall
    ring = torch.where(v > .45, (u**2 + ((v - .45) / .55) ** 2).sqrt(), u.abs())
    away = (ring - 1).abs() * half
    thick = .036 + .030 * (c.noise(8, octaves=3) - .4)
    mask = smooth(.012, -.012, away - thick - .03 * (fine - .5)) * smooth(-.02, .0, v)
    on = (.35 + 1.1 * (fine - .5) + .4 * (v - .5) + .25 * u * torch.sign(s.place_x - vx)).clamp(0, 1)
    picture = mix(picture, leafy(s, green, on), mask)
    colour = s.any_pigment("colour", ("red", "pink", "red", "white"))
    for scale in (17., 27.):
        du, dv, chance, size = c.dots(c.x * scale, c.y * scale, .25)
        far = (du**2 + dv**2).sqrt() / (.28 + .14 * size)
        whorl = .72 + .32 * torch.cos(far * 7 + torch.atan2(dv, du) * 2) - .45 * dv
        head = smooth(1., .8, far) * (chance < .55) * mask
        picture = mix(picture, colour * light(s, .14, .98) * whorl.clamp(.25, 1.3), head)
    return picture
