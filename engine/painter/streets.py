"""A street: house fronts, lamps, wet stones."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import light
from engine.painter.scene import Scene

PLASTER = ((.86, .76, .58), (.80, .60, .46), (.88, .84, .76), (.66, .42, .34), (.62, .64, .66), (.84, .68, .62),
           (.74, .72, .56), (.55, .50, .47))
_SHUTTERS = ((.22, .36, .30), (.30, .38, .50), (.45, .20, .16), (.38, .32, .24))
EYE = .36                                              # height of our eyes over the street, in half widths of it


def hashed(*parts: Tensor) -> Tensor:
    """Chance in 0..1 of whole-numbered fields: the same cell, the same chance."""
    mixed = sum((part * (12.9898 + 65.2333 * i) for i, part in enumerate(parts)), torch.zeros_like(parts[0]))
    return torch.remainder(torch.sin(mixed) * 4375.8545, 1)


def chosen(c: Canvas, colours: tuple[tuple[float, float, float], ...], chance: Tensor) -> Tensor:
    """One of `colours` for each value of `chance` in 0..1: (count, 3, h, w)."""
    table = torch.tensor(colours, device=c.device)
    index = (chance * len(colours)).long().clamp(0, len(colours) - 1)
    return table[index[:, 0]].permute(0, 3, 1, 2)


def street(c: Canvas, s: Scene) -> Tensor:
    """House fronts on both sides to a tower at the end, street lamps, wet stones that hold their light."""
    picture = air.paint_sky(c, s)
    vx, vy = .5 + c.uniform(-.10, .10) * c.aspect, c.uniform(.50, .57)
    wide = c.aspect ** .5 * c.uniform(.9, 1.05)
    dark = (s.has("time", "night") + .75 * s.has("time", "dusk") + .35 * s.has("weather", "storm")
            + .5 * s.has("extra", "street lamps")).clamp(0, 1)
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
    legs = [c.limb(x + side * .05 * height, feet - .4 * height, x + side * .06 * height + turn, feet, .06 * height,
                   .035 * height) for side in (-1., 1.)]
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
    chance = [hashed(house, right * 5 + k + c.uniform(0, 9).floor()) for k in range(5)]
    height = 1.05 + .95 * chance[0]
    near = torch.exp(-(z - 2) / 6.5).clamp(0, 1)
    soft = c.pixel * z * 1.2
    floor = (up + EYE) / .47
    storey, rise = floor.floor(), torch.remainder(floor, 1) - .5
    upper = smooth(1.0, 1.1, floor)
    window, pane_x, pane, surround, shutter = _windows(part, rise, floor, up, height, chance, soft)
    plaster = chosen(c, PLASTER, chance[3]) * (.74 + .40 * c.noise(5, 9, octaves=4))
    plaster = (plaster * (1 - .22 * smooth(.44, .5, rise.abs()) * upper)
               * (1 - .30 * smooth(.06, .0, torch.minimum(part, 1 - part))))
    plaster = plaster * (.72 + .28 * smooth(-EYE, .5, up))
    lit_side = (torch.sign(dx) != torch.sign(s.place_x - vx)).float()
    shade = mix(s.sky.zenith, s.sky.middle, .6) * (.22 + .50 * s.sky.ambient) + .05 * light(s)
    day = mix(shade, light(s, .12, 1.0),
              lit_side * (1 - .6 * s.has("weather", "cloudy", "storm", "rain", "fog")) + .25 * (1 - lit_side))
    wall = mix(plaster, c.tint(.92, .90, .84) * plaster.mean(1, keepdim=True) * 1.3, (surround - pane).clamp(0, 1) * .5)
    wall = mix(wall, chosen(c, _SHUTTERS, chance[4]), shutter * .85) * day
    warm, glass = _glass(c, s, house, window, storey, right, dark)
    cross = smooth(.02, .0, pane_x.abs() - .005) * .5 + smooth(.03, .0, (rise - .06).abs() - .006) * .5
    wall = mix(wall, glass * (1 - .45 * cross.clamp(0, 1) * near), pane * (.35 + .65 * near))
    wall = _shops(c, s, wall, part, floor, soft, chance, dark, warm)
    roof = (mix(c.tint(.34, .36, .42), c.tint(.52, .30, .22), (chance[1] > .5).float()) * day
            * (.75 + .3 * torch.sin((up - height) * 60)))
    wall = mix(wall, roof, smooth(0, soft, up - height))
    wall = wall * (1 - .35 * smooth(.0, -.09, up - height) * smooth(-.16, -.08, up - height))      # under the eaves
    lamp = torch.exp(-((torch.remainder(z / 1.9, 1) - .5) / .30) ** 2 - ((up - .42) / .55) ** 2) * dark
    wall = wall + plaster * c.tint(1., .70, .36) * lamp * .55 * near
    body = mix(s.sky.horizon * mix(torch.ones_like(dark), torch.full_like(dark, .6), dark), wall, near ** .55)
    end = height + .26 - .05 * hashed(house, right) + .20 * smooth(.62, .64, part) * smooth(.74, .72, part)
    return mix(picture, body, smooth(soft, -soft, up - end) * smooth(11.5, 10.5, z))


def _windows(part: Tensor, rise: Tensor, floor: Tensor, up: Tensor, height: Tensor, chance: list[Tensor],
             soft: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Windows above the ground floor: number and place across, panes, their frames, shutters on some houses."""
    column = part * (2 + (chance[1] * 2).round())
    window, pane_x = column.floor(), torch.remainder(column, 1) - .5
    edge_x, edge_y = soft * 1.6, soft * 2.2
    upper = smooth(1.0, 1.1, floor)
    shape = smooth(.30 + edge_y, .30 - edge_y, rise.abs()) * upper * smooth(height - .06, height - .10, up)
    pane = smooth(.17 + edge_x, .17 - edge_x, pane_x.abs()) * shape
    surround = (smooth(.22 + edge_x, .22 - edge_x, pane_x.abs()) * smooth(.36 + edge_y, .36 - edge_y, rise.abs())
                * upper * smooth(height - .02, height - .06, up))
    shutter = ((smooth(.35 + edge_x, .35 - edge_x, pane_x.abs()) * shape - pane).clamp(0, 1)
               * (chance[2] > .45))
    return window, pane_x, pane, surround, shutter


def _glass(c: Canvas, s: Scene, house: Tensor, window: Tensor, storey: Tensor, right: Tensor,
           dark: Tensor) -> tuple[Tensor, Tensor]:
    """The warm light inside, and what each window shows: the sky, or that light where somebody is at home."""
    sky = mix(s.sky.middle, s.sky.zenith, .5) * .34 + .02
    on = (hashed(house + right * 17, window * 3 + storey * 7, right * 2 + 1) < .16 + .40 * dark).float()
    warm = (mix(c.tint(1., .74, .36), s.pigment("second", (1., .80, .50)), .6)
            * (.75 + .5 * hashed(window, storey, house)))
    return warm, mix(sky, warm, on * (.10 + .90 * dark))


def _shops(c: Canvas, s: Scene, wall: Tensor, part: Tensor, floor: Tensor, soft: Tensor, chance: list[Tensor],
           dark: Tensor, warm: Tensor) -> Tensor:
    """The ground floors: doors, or shop windows under an awning."""
    shop = ((chance[2] + s.has("extra", "shops")) > .55).float()
    low = smooth(1.0 + soft, 1.0 - soft, floor)
    door = smooth(.10 + soft, .10 - soft, (part - .5).abs()) * smooth(.86, .82, floor) * low
    display = (smooth(.40 + soft, .40 - soft, (part - .5).abs()) * smooth(.16, .20, floor) * smooth(.80, .76, floor)
               * low)
    goods = .55 + .6 * c.noise(30, octaves=2)
    wall = mix(wall, wall * .28, door * (1 - shop))
    wall = mix(wall, mix(wall * .30, warm * goods * 1.05, .25 + .70 * dark), display * shop)
    awning = smooth(.78, .80, floor) * smooth(1.02, .99, floor) * smooth(.45, .43, (part - .5).abs()) * shop
    stripe = (torch.remainder(part * 9, 1) > .5).float() * (chance[0] > .4)
    cloth = mix(chosen(c, ((.62, .12, .10), (.10, .30, .24), (.14, .20, .42), (.72, .52, .16)), chance[4]),
                c.tint(.92, .88, .78), stripe)
    return mix(wall, cloth * light(s, .14, .85), awning)


def _paving(c: Canvas, s: Scene, picture: Tensor, vx: Tensor, vy: Tensor, wide: Tensor) -> Tensor:
    """Stones to the end of the street; what stands above them in their water."""
    dx, dy = c.x - vx, c.y - vy
    z = EYE / dy.clamp(min=.004)
    across = dx * z / wide
    rows = z * 15
    stones = across * 17 + .5 * torch.remainder(rows.floor(), 2)
    joint = torch.maximum(smooth(.36, .5, (torch.remainder(rows, 1) - .5).abs()),
                          smooth(.38, .5, (torch.remainder(stones, 1) - .5).abs()))
    near = smooth(.02, .35, dy)
    grey = (mix(c.tint(.44, .42, .40), c.tint(.52, .46, .40), c.uniform())
            * (.72 + .45 * hashed(rows.floor(), stones.floor(), 0 * rows) * near
               + .3 * (c.noise(4, 12, octaves=3) - .5)))
    ground = grey * (1 - .55 * joint * near) * light(s, .08, .66)
    sun = torch.sign(s.place_x - vx)
    cast = (smooth(.05, -.05, (across + .12) * -sun + .10 * torch.sign(torch.sin(z * 2.6 + 1)) + .04)
            * s.has("weather", "", "clear") * s.has("time", "", "noon", "dawn", "sunset"))
    ground = ground * (1.12 - .42 * cast)
    path = smooth(.66, .68, across.abs())
    ground = mix(ground, c.tint(.60, .57, .53) * light(s, .10, .72) * (.85 + .25 * c.noise(6, 20, octaves=2)),
                 path * .75)
    ground = ground * (1 - .5 * torch.exp(-((across.abs() - .665) / .018) ** 2))
    wet = (.26 + .42 * s.has("weather", "rain", "storm") + .22 * s.has("time", "night", "dusk")
           - .12 * s.has("weather", "clear") - .2 * s.has("weather", "snow")).clamp(0, .8)
    shiver = (c.noise(10, 40, octaves=3) - .5) * .05 * near
    mirror = c.warp(picture, shiver * .5, -2 * dy + 2 * EYE * dx.abs() / wide + shiver)
    mirror = c.blur(mirror, .010)
    puddle = smooth(.35, .62, c.noise(3, 10, octaves=3))
    ground = mix(ground, mirror * .95 + ground * .25,
                 (wet * (.45 + .75 * puddle) * (1 - .35 * joint * near)).clamp(0, .92))
    ground = mix(ground, c.tint(.86, .88, .92) * light(s, .1, .8),
                 s.has("weather", "snow") * smooth(.25, .6, c.noise(4, 14, octaves=3) + .15) * .8)
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
