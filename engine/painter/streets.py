"""Streets and what is near them: a street, a market."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import light
from engine.painter.scene import Scene

_PLASTER = ((.86, .76, .58), (.80, .60, .46), (.88, .84, .76), (.66, .42, .34), (.62, .64, .66), (.84, .68, .62), (.74, .72, .56), (.55, .50, .47))
_SHUTTERS = ((.22, .36, .30), (.30, .38, .50), (.45, .20, .16), (.38, .32, .24))
EYE = .36                                              # height of our eyes over the street, in half widths of it


def _hash(*parts: Tensor) -> Tensor:
    """Chance in 0..1 of whole-numbered fields: the same cell, the same chance."""
    mixed = sum((part * (12.9898 + 65.2333 * i) for i, part in enumerate(parts)), torch.zeros_like(parts[0]))
    return torch.remainder(torch.sin(mixed) * 4375.8545, 1)


def _chosen(c: Canvas, colours: tuple[tuple[float, float, float], ...], chance: Tensor) -> Tensor:
    """One of `colours` for each value of `chance` in 0..1: (count, 3, h, w)."""
    table = torch.tensor(colours, device=c.device)
    index = (chance * len(colours)).long().clamp(0, len(colours) - 1)
    return table[index[:, 0]].permute(0, 3, 1, 2)


def street(c: Canvas, s: Scene) -> Tensor:
    """House fronts on both sides to a tower at the end, street lamps, wet stones that hold their light."""
    picture = air.paint_sky(c, s)
    vx, vy = .5 + c.uniform(-.10, .10) * c.aspect, c.uniform(.50, .57)
    wide = c.aspect ** .5 * c.uniform(.9, 1.05)
    dark = (s.has("time", "night") + .75 * s.has("time", "dusk") + .35 * s.has("weather", "storm") + .5 * s.has("extra", "street lamps")).clamp(0, 1)
    picture = _tower(c, s, picture, vx, vy, dark)
    picture = _fronts(c, s, picture, vx, vy, wide, dark)
    picture = _paving(c, s, picture, vx, vy, wide)
    picture = _lamps(c, s, picture, vx, vy, wide, dark)
    ink = s.sky.zenith * .12 + .012
    for place, near in ((-.34, .16), (.40, .24), (.12, .12)):
        x, feet = vx + (place + c.uniform(-.12, .12)) * near * 2.4, vy + near * 1.05
        shape = passer(c, x, feet, near * c.uniform(1.2, 1.4))
        cast = torch.exp(-((c.x - x) / (.25 * near)) ** 2 - ((c.y - feet) / (.05 * near)) ** 2)
        picture = mix(picture * (1 - .5 * cast), mix(ink, s.sky.horizon * .7, .45 - near), shape * .9)
    return figures.place(c, s, picture, vy + c.uniform(.24, .36), (.26, .36), ink=ink, span=(.36, .64))


def passer(c: Canvas, x: Tensor, feet: Tensor, height: Tensor) -> Tensor:
    """Somebody in a coat some way off, in four strokes: (count, 1, h, w)."""
    turn = c.uniform(-.05, .05) * height
    head = c.limb(x, feet - .93 * height, x, feet - .91 * height, .062 * height, .058 * height)
    coat = c.limb(x, feet - .74 * height, x, feet - .40 * height, .105 * height, .135 * height)
    legs = [c.limb(x + side * .05 * height, feet - .4 * height, x + side * .06 * height + turn, feet, .06 * height, .035 * height) for side in (-1., 1.)]
    return torch.stack((head, coat, *legs)).amax(0)


def _tower(c: Canvas, s: Scene, picture: Tensor, vx: Tensor, vy: Tensor, dark: Tensor) -> Tensor:
    """Where the street ends: roofs and a church tower in the haze."""
    u = c.x - vx - c.uniform(-.05, .05)
    far = mix(s.sky.horizon, s.sky.zenith * .6 + .08, .42) * (1 - .25 * dark)
    roofs = vy - .05 - .05 * c.line(9, octaves=2, soft=False)
    v, tall = vy - c.y, c.uniform(.17, .24)
    body = smooth(.030, .028, u.abs()) * smooth(tall, tall - .004, v)
    spire = smooth(-.002, .002, (tall + .12 - v) * .30 - u.abs()) * smooth(tall - .010, tall - .006, v)
    gable = smooth(-.002, .002, .10 + tall * .30 - v - (u - .06).abs() * .8) * (u > 0)
    belfry = smooth(.010, .007, u.abs()) * smooth(.022, .018, (v - tall + .045).abs())
    body = torch.stack((body, spire, gable)).amax(0) * (1 - .5 * belfry)
    body = torch.maximum(body.clamp(0, 1), smooth(-.003, .003, c.y - roofs))
    lit = 1 + .25 * torch.sign(u) * torch.sign(s.place_x - vx)
    return mix(picture, far * lit, body * .92)


def _fronts(c: Canvas, s: Scene, picture: Tensor, vx: Tensor, vy: Tensor, wide: Tensor, dark: Tensor) -> Tensor:
    """Both rows of houses: plaster, windows, shutters, shops, cornices, roofs, each house its own."""
    dx, dy = c.x - vx, c.y - vy
    z = wide / dx.abs().clamp(min=.02)
    up = -dy * z
    right = (dx > 0).float()
    along = z / 1.35 + c.uniform(0, 7) + right * 3.7
    house, part = along.floor(), torch.remainder(along, 1)
    chance = [_hash(house, right * 5 + k + c.uniform(0, 9).floor()) for k in range(5)]
    height = 1.05 + .95 * chance[0]
    near = torch.exp(-(z - 2) / 6.5).clamp(0, 1)
    soft = c.pixel * z * 1.2
    floor = (up + EYE) / .47
    storey, rise = floor.floor(), torch.remainder(floor, 1) - .5
    column = part * (2 + (chance[1] * 2).round())
    window, pane_x = column.floor(), torch.remainder(column, 1) - .5
    edge_x, edge_y = soft * 1.6, soft * 2.2
    upper = smooth(1.0, 1.1, floor)
    shape = smooth(.30 + edge_y, .30 - edge_y, rise.abs()) * upper * smooth(height - .06, height - .10, up)
    pane = smooth(.17 + edge_x, .17 - edge_x, pane_x.abs()) * shape
    surround = smooth(.22 + edge_x, .22 - edge_x, pane_x.abs()) * smooth(.36 + edge_y, .36 - edge_y, rise.abs()) * upper * smooth(height - .02, height - .06, up)
    shutter = (surround * 0 + smooth(.35 + edge_x, .35 - edge_x, pane_x.abs()) * shape - pane).clamp(0, 1) * (chance[2] > .45)
    plaster = _chosen(c, _PLASTER, chance[3]) * (.74 + .40 * c.noise(5, 9, octaves=4))
    plaster = plaster * (1 - .22 * smooth(.44, .5, rise.abs()) * upper) * (1 - .30 * smooth(.06, .0, torch.minimum(part, 1 - part)))
    plaster = plaster * (.72 + .28 * smooth(-EYE, .5, up))
    lit_side = (torch.sign(dx) != torch.sign(s.place_x - vx)).float()
    shade = mix(s.sky.zenith, s.sky.middle, .6) * (.22 + .50 * s.sky.ambient) + .05 * light(s)
    day = mix(shade, light(s, .12, 1.0), lit_side * (1 - .6 * s.has("weather", "cloudy", "storm", "rain", "fog")) + .25 * (1 - lit_side))
    wall = mix(plaster, c.tint(.92, .90, .84) * plaster.mean(1, keepdim=True) * 1.3, (surround - pane).clamp(0, 1) * .5)
    wall = mix(wall, _chosen(c, _SHUTTERS, chance[4]), shutter * .85) * day
    sky = mix(s.sky.middle, s.sky.zenith, .5) * .34 + .02
    on = (_hash(house + right * 17, window * 3 + storey * 7, right * 2 + 1) < .16 + .40 * dark).float()
    warm = mix(c.tint(1., .74, .36), s.pigment("second", (1., .80, .50)), .6) * (.75 + .5 * _hash(window, storey, house))
    glass = mix(sky * (.7 + .6 * (rise + .5)), warm, on * (.10 + .90 * dark))
    cross = smooth(.02, .0, pane_x.abs() - .005) * .5 + smooth(.03, .0, (rise - .06).abs() - .006) * .5
    wall = mix(wall, glass * (1 - .45 * cross.clamp(0, 1) * near), pane * (.35 + .65 * near))
    wall = _shops(c, s, wall, part, floor, soft, chance, dark, warm)
    roof = mix(c.tint(.34, .36, .42), c.tint(.52, .30, .22), (chance[1] > .5).float()) * day * (.75 + .3 * torch.sin((up - height) * 60))
    wall = mix(wall, roof, smooth(0, soft, up - height))
    shadow = smooth(.0, -.09, up - height) * smooth(-.16, -.08, up - height)
    wall = wall * (1 - .35 * shadow)
    lamp = torch.exp(-((torch.remainder(z / 1.9, 1) - .5) / .30) ** 2 - ((up - .42) / .55) ** 2) * dark
    wall = wall + plaster * c.tint(1., .70, .36) * lamp * .55 * near
    body = mix(s.sky.horizon * mix(torch.ones_like(dark), torch.full_like(dark, .6), dark), wall, near ** .55)
    end = height + .26 - .05 * _hash(house, right)
    stack = .20 * smooth(.62, .64, part) * smooth(.74, .72, part)
    mask = smooth(soft, -soft, up - end - stack) * smooth(11.5, 10.5, z)
    return mix(picture, body, mask)


def _shops(c: Canvas, s: Scene, wall: Tensor, part: Tensor, floor: Tensor, soft: Tensor, chance: list[Tensor], dark: Tensor, warm: Tensor) -> Tensor:
    """The ground floors: doors, or shop windows under an awning."""
    shop = ((chance[2] + s.has("extra", "shops")) > .55).float()
    low = smooth(1.0 + soft, 1.0 - soft, floor)
    door = smooth(.10 + soft, .10 - soft, (part - .5).abs()) * smooth(.86, .82, floor) * low
    display = smooth(.40 + soft, .40 - soft, (part - .5).abs()) * smooth(.16, .20, floor) * smooth(.80, .76, floor) * low
    goods = .55 + .6 * c.noise(30, octaves=2)
    wall = mix(wall, wall * .28, door * (1 - shop))
    wall = mix(wall, mix(wall * .30, warm * goods * 1.05, .25 + .70 * dark), display * shop)
    awning = smooth(.78, .80, floor) * smooth(1.02, .99, floor) * smooth(.45, .43, (part - .5).abs()) * shop
    stripe = (torch.remainder(part * 9, 1) > .5).float() * (chance[0] > .4)
    cloth = mix(_chosen(c, ((.62, .12, .10), (.10, .30, .24), (.14, .20, .42), (.72, .52, .16)), chance[4]), c.tint(.92, .88, .78), stripe)
    return mix(wall, cloth * light(s, .14, .85), awning)


def _paving(c: Canvas, s: Scene, picture: Tensor, vx: Tensor, vy: Tensor, wide: Tensor) -> Tensor:
    """Stones to the end of the street; what stands above them in their water."""
    dx, dy = c.x - vx, c.y - vy
    z = EYE / dy.clamp(min=.004)
    across = dx * z / wide
    rows = z * 15
    stones = across * 17 + .5 * torch.remainder(rows.floor(), 2)
    joint = torch.maximum(smooth(.36, .5, (torch.remainder(rows, 1) - .5).abs()), smooth(.38, .5, (torch.remainder(stones, 1) - .5).abs()))
    near = smooth(.02, .35, dy)
    grey = mix(c.tint(.44, .42, .40), c.tint(.52, .46, .40), c.uniform()) * (.72 + .45 * _hash(rows.floor(), stones.floor(), 0 * rows) * near + .3 * (c.noise(4, 12, octaves=3) - .5))
    ground = grey * (1 - .55 * joint * near) * light(s, .08, .66)
    sun = torch.sign(s.place_x - vx)
    cast = smooth(.05, -.05, (across + .12) * -sun + .10 * torch.sign(torch.sin(z * 2.6 + 1)) + .04) * s.has("weather", "", "clear") * s.has("time", "", "noon", "dawn", "sunset")
    ground = ground * (1.12 - .42 * cast)
    path = smooth(.66, .68, across.abs())
    ground = mix(ground, c.tint(.60, .57, .53) * light(s, .10, .72) * (.85 + .25 * c.noise(6, 20, octaves=2)), path * .75)
    ground = ground * (1 - .5 * torch.exp(-((across.abs() - .665) / .018) ** 2))
    wet = (.26 + .42 * s.has("weather", "rain", "storm") + .22 * s.has("time", "night", "dusk") - .12 * s.has("weather", "clear") - .2 * s.has("weather", "snow")).clamp(0, .8)
    shiver = (c.noise(10, 40, octaves=3) - .5) * .05 * near
    mirror = c.warp(picture, shiver * .5, -2 * dy + 2 * EYE * dx.abs() / wide + shiver)
    mirror = c.blur(mirror, .010)
    puddle = smooth(.35, .62, c.noise(3, 10, octaves=3))
    ground = mix(ground, mirror * .95 + ground * .25, (wet * (.45 + .75 * puddle) * (1 - .35 * joint * near)).clamp(0, .92))
    ground = mix(ground, c.tint(.86, .88, .92) * light(s, .1, .8), s.has("weather", "snow") * smooth(.25, .6, c.noise(4, 14, octaves=3) + .15) * .8)
    inside = smooth(1.005, .995, across.abs()) * smooth(0, .004, dy)
    return mix(picture, mix(s.sky.horizon * .7, ground, smooth(0, .06, dy)), inside)


def _lamps(c: Canvas, s: Scene, picture: Tensor, vx: Tensor, vy: Tensor, wide: Tensor, dark: Tensor) -> Tensor:
    """Lamps on posts along both pavements; towards the night their light."""
    ink = s.sky.zenith * .10 + .015
    posts = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    lanterns, points, pools = posts, posts, posts
    for step in range(4):
        z = 1.75 * 1.62 ** step
        for side in (-1., 1.):
            x, foot, head = vx + side * .70 * wide / z, vy + EYE / z, vy - .62 / z
            post = c.limb(x, foot, x, head, .018 / z, .011 / z)
            arm = c.limb(x - .035 / z, head, x + .035 / z, head, .016 / z, .016 / z)
            lantern = c.limb(x, head - .03 / z, x, head - .10 / z, .030 / z, .045 / z)
            posts, lanterns = torch.stack((posts, post, arm)).amax(0), torch.maximum(lanterns, lantern)
            points = torch.maximum(points, lantern / (1 + .25 * step))
            pools = pools + torch.exp(-((c.x - x) / (.20 / z)) ** 2) * torch.exp(-((c.y - foot) / (.055 / z)) ** 2)
    picture = mix(picture, ink, posts * .92)
    picture = mix(picture, mix(ink * 1.6, c.tint(1., .86, .58) * 1.1, dark), lanterns)
    glow = c.blur(points, .03) * 1.5 + c.blur(points, .10) * 2.2
    fog = 1 + .8 * s.has("weather", "fog", "rain")
    return picture + c.tint(1., .70, .34) * dark * (glow * fog + .20 * pools)


_FRUIT = ((.78, .12, .09), (.96, .50, .08), (.96, .80, .16), (.48, .66, .16), (.34, .12, .30), (.86, .24, .10), (.96, .66, .42), (.24, .42, .14))
_PETALS = ((.90, .16, .22), (.98, .62, .74), (.98, .84, .22), (.96, .94, .90), (.55, .26, .72), (.96, .48, .14), (.36, .42, .86), (.82, .10, .42))


def market(c: Canvas, s: Scene) -> Tensor:
    """Stalls under striped awnings, heaps of fruit or flowers, people among them, houses behind."""
    picture = _square(c, s)
    dark = (s.has("time", "night") + .7 * s.has("time", "dusk")).clamp(0, 1)
    ink = s.sky.zenith * .14 + .02
    one = torch.ones_like(dark)
    weave = (c.noise(4, octaves=3), c.noise(26, octaves=2), c.noise(3, 40, octaves=2))
    for place, small in ((.03, .40), (.97, .44)):
        at = (place - .5) * c.aspect + .5 + c.uniform(-.04, .04)
        picture = _stall(c, s, picture, at, (.60 + .30 * small) * one, small * one, dark, weave, .55)
        walker = passer(c, at + (.5 - at) * c.uniform(.3, .8), (.66 + .30 * small) * one, .5 * small * one)
        picture = mix(picture, mix(ink, s.sky.horizon * .6, .28), walker * .92)
    x, size = c.across(.40, .60), c.uniform(.74, .84)
    picture = _stall(c, s, picture, x, .96 * one, size, dark, weave, 1.)
    side = torch.where(c.uniform() > .5, 1., -1.)
    bx, tall = x + side * size * c.uniform(.40, .56), size * c.uniform(.60, .68)
    buyer = passer(c, bx, .985 * one, tall) * (c.uniform() > .35)
    coat = mix(_chosen(c, ((.30, .10, .10), (.12, .16, .26), (.30, .24, .16), (.14, .20, .15)), c.uniform().expand(-1, 1, c.height, c.width)), ink, .35)
    round_ = (.62 + 4.2 * (c.x - bx) / tall * torch.sign(s.place_x - bx)).clamp(.12, 1.15)
    picture = mix(picture, (coat * light(s, .12, .85) + .05 * c.tint(1., .76, .42) * dark) * round_ * (.85 + .3 * weave[1]), buyer * .97)
    return figures.place(c, s, picture, .985 * one, (.40, .52), ink=ink, span=(.22, .78))


def _square(c: Canvas, s: Scene) -> Tensor:
    """The houses round the market and its paving, softly."""
    picture = air.paint_sky(c, s)
    column = (c.x * 5.2 + c.uniform(0, 9)).floor()
    chance, other = _hash(column, column * 0 + c.uniform(0, 9).floor()), _hash(column, column * 0 + 4)
    roof = .30 - .16 * chance
    inside = torch.remainder(c.x * 5.2 * 2, 1)
    row = torch.remainder((c.y - roof) * 9, 1)
    pane = smooth(.34, .26, (inside - .5).abs()) * smooth(.32, .24, (row - .5).abs())
    wall = _chosen(c, _PLASTER, (other + 0 * c.y)) * light(s, .10, .66) * (.75 + .3 * c.noise(4, octaves=3))
    lit = c.tint(1., .76, .40) * s.has("time", "night", "dusk") * (_hash(column, ((c.y - roof) * 9).floor()) > .55)
    wall = mix(wall, wall * .45 + lit * .7, pane * .8)
    picture = mix(picture, wall, smooth(-.006, .006, c.y - roof))
    stones = c.tint(.50, .46, .42) * light(s, .10, .66) * (.65 + .6 * c.noise(12, 40, octaves=3))
    return mix(c.blur(picture, .006), stones, smooth(.62, .66, c.y))


def _stall(c: Canvas, s: Scene, picture: Tensor, x: Tensor, foot: Tensor, size: Tensor, dark: Tensor, weave: tuple[Tensor, Tensor, Tensor], near: float) -> Tensor:
    """One stall: its counter of crates up to half its height, a dark inside with somebody, an awning above."""
    u, v = (c.x - x) / size, (foot - c.y) / size
    soft = 1.2 * c.pixel / size
    day = light(s, .14, .92)
    bulb = c.tint(1., .76, .42)
    box = smooth(.55 + soft, .55 - soft, u.abs()) * smooth(-soft, soft, v) * smooth(.80, .78, v)
    glow = torch.exp(-((v - .62) / .30) ** 2) * dark
    inside = c.tint(.34, .24, .17) * (day * .34 + bulb * .55 * glow) * (.6 + .6 * weave[0])
    picture = mix(picture, inside, box)
    vendor = passer(c, x + size * c.uniform(-.25, .25), foot - size * .17, size * c.uniform(.48, .54))
    apron = mix(c.tint(.20, .22, .26), c.tint(.72, .66, .56), c.uniform() ** 2) * (day * .45 + bulb * .5 * glow) + .01
    picture = mix(picture, apron, vendor * (v > .40) * .95)
    picture = _crates(c, s, picture, u, v, soft, day + bulb * glow * .9, weave, near)
    picture = mix(picture, c.tint(.22, .16, .12) * day, smooth(.014 + soft, .014 - soft, (u.abs() - .53).abs()) * (v > 0) * smooth(.8, .78, v))
    cloth = s.any_pigment("colour", ("red", "green", "blue", "orange", "red", "golden"))
    rise = ((v - .77) / .23)
    lean = u / (1.06 - .22 * rise.clamp(0, 1))
    stripe = smooth(-.12, .12, torch.sin(lean * 6.2832 * 5.5 * 1.06 / 1.0 + 1.57))
    fabric = mix(cloth * .92, c.tint(.94, .91, .83), stripe) * (.86 + .22 * weave[0])
    sag = .012 * torch.cos(lean * 18)
    top = smooth(.57 + soft, .57 - soft, lean.abs()) * smooth(-soft, soft, v - .77 - sag) * smooth(1 + soft, 1 - soft, v)
    lit = fabric * day * (.82 + .30 * rise + .16 * u * torch.sign(s.place_x - x)) + fabric * bulb * dark * .16 * (1 - rise)
    picture = picture * (1 - .40 * smooth(.10, .0, .76 - v) * box * (v < .77))
    picture = mix(picture, lit, top)
    scallop = .705 + .020 * (torch.sin(lean * 6.2832 * 5.5 * .5 * 1.06 * 2 + 1.57)).abs()
    valance = smooth(.57 * 1.06 + soft, .57 * 1.06 - soft, u.abs()) * smooth(-soft, soft, v - scallop) * smooth(soft, -soft, v - .775 - sag)
    picture = mix(picture, fabric * day * .70 + fabric * bulb * dark * .35, valance)
    for place in (-.34, 0., .34) if near == 1 else ():
        lamp = torch.exp(-((u - place) ** 2 + (v - .655) ** 2) / .0006)
        halo = torch.exp(-((u - place) ** 2 + (v - .655) ** 2).sqrt() / .10)
        picture = picture + bulb * (lamp * (.15 + .95 * dark) + halo * .55 * dark)
    return picture


def _crates(c: Canvas, s: Scene, picture: Tensor, u: Tensor, v: Tensor, soft: Tensor, day: Tensor, weave: tuple[Tensor, Tensor, Tensor],
            near: float) -> Tensor:
    """Three rows of crates, each heaped with one kind of fruit, or with flowers. Every pixel knows its row: they are painted at once."""
    flowers = s.has("extra", "cut flowers")
    middle, lower = (smooth(0, soft, high + _heap(u, many) - v) for high, many in ((.340, 4.), (.180, 4.)))
    row = (middle > .5).float() + (lower > .5)
    low, high = .34 - .16 * row - .02 * (row > 1), .47 - .13 * row - .03 * (row > 1)
    many, fine = torch.where(row > 0, 4., 5.), (21. - 2.5 * row) * (1. if near == 1 else .6)
    across = (u / .55 + 1) / 2 * many
    crate, part = across.floor(), torch.remainder(across, 1)
    chance = _hash(crate, row * 5 + c.uniform(0, 40).floor())
    flesh = mix(_chosen(c, _FRUIT, chance), _chosen(c, _PETALS, chance), flowers)
    level = ((v - low) / (high - low)).clamp(0, 1)
    tone, shine = torch.full_like(v + u, .22), torch.zeros_like(v + u)
    sun = torch.sign(s.place_x - .5)
    for layer in range(2 if near == 1 else 1):
        du, dv, grain, size = c.dots(u * fine + .5 * layer, v * fine * 1.2 + .5 * layer, .14)
        far2 = (du**2 + (dv / 1.2) ** 2) / ((.52 + .10 * size) * (1 - .25 * flowers)) ** 2
        bright = (.50 + .55 * (1 - far2).clamp(min=0).sqrt() + .55 * dv + .35 * du * sun).clamp(.12, 1.25) * (.8 + .4 * grain)
        petal = 1 if not s.any("extra", "cut flowers") else mix(torch.ones_like(du), .75 + .5 * torch.sin(torch.atan2(dv, du) * 6 + grain * 6) * far2.clamp(0, 1), flowers)
        ball = smooth(1., .82, far2)
        tone = mix(tone, bright * petal, ball)
        shine = shine * (1 - ball) + torch.exp(-((du - .14 * sun) ** 2 + (dv - .16) ** 2) / .012) * .35 * (1 - flowers) * ball
    colour = flesh * tone + shine
    colour = mix(colour, c.tint(.16, .36, .14) * (.4 + .8 * tone), smooth(.55, .75, weave[1]) * flowers)
    inside = smooth(.55 + soft, .55 - soft, u.abs()) * smooth(-soft, soft, v)
    picture = mix(picture, colour * day * (.72 + .4 * level), inside * smooth(soft, -soft, v - .47 - _heap(u, 5.)))
    wood = c.tint(.58, .42, .26) * (.62 + .5 * weave[2]) * (.45 + .45 * smooth(.03, .05, part) * smooth(.97, .95, part))
    picture = mix(picture, wood * day * (.8 + .35 * smooth(.0, .3, level)), inside * smooth(.30, .28, level))
    card = smooth(.12, .11, (part - .5).abs()) * smooth(.14, .12, (level - .40).abs()) * (chance > .3) * inside
    return mix(picture, c.tint(.95, .93, .86) * day, card * (near == 1))


def _heap(u: Tensor, many: float) -> Tensor:
    """How far the fruit rises over the edge of its crate."""
    return (1 - (2 * torch.remainder((u / .55 + 1) / 2 * many, 1) - 1) ** 4) * .03
