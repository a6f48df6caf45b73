"""Rooms that belong to everybody: library, class room, ward."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.skins import (
    Grain,
    boards,
    books,
    chances,
    daylight,
    flame_of,
    lamplight,
    standing,
    tiles,
    turned,
    window,
    wood,
)
from engine.painter.solids import World, band


def library(c: Canvas, s: Scene) -> Tensor:
    """An aisle between walls of books to a tall window, a ladder against one, a reading desk with a green lamp."""
    grain = Grain(c)
    w = World(c, (c.uniform(-.45, .2), c.uniform(1.5, 1.75), -1.5), c.uniform(.02, .10), c.uniform(-.03, .05), c.uniform(.92, 1.05))
    timber = c.tint(.40, .24, .13) * c.uniform(.75, 1.25, 3)
    hue = mix(timber, s.pigment("colour", (.4, .25, .15)), 1 - s.has("colour", ""))
    rect = (-.62, .62, 1.05, 3.25)

    def surfaces(p: Tensor, n: Tensor) -> Tensor:
        side = n[:, :1].abs() > .5
        along = torch.lerp(p[:, :1], p[:, 2:], side.float())
        shelves = books(grain, along + 20, p[:, 1:2] + .10, timber * 1.3, .36, hue * 1.2)
        shelves = mix(shelves, wood(grain, timber)(p, n), (p[:, 1:2] < .3).float())
        floor = boards(grain, p[:, :1], p[:, 2:], timber * 1.2, .14)
        carpet = mix(s.pigment("second", (.46, .11, .10)), timber, .2) * (.7 + .5 * grain(p[:, :1] * 3, p[:, 2:] * 3))
        floor = mix(floor, carpet, band(p[:, :1], -.42, .42, .01))
        return mix(mix(shelves, floor, (n[:, 1:2] > .5).float()), timber * .5, (n[:, 1:2] < -.5).float())

    w.shell((-1.35, 0, -2.), (1.35, 3.6, 6.2), surfaces)
    window(w, s, 2, 6.2, rect, (3, 5), timber * .8)
    for z in (.5, 2.2, 3.9, 5.6):
        for x in (-1.35, 1.35):
            w.box((x - .09, 0, z - .07), (x + .09, 3.6, z + .07), wood(grain, timber * 1.15, 1))
    for x in (-1.35, 1.35):
        w.box((x - .13, 3.25, -2), (x + .13, 3.6, 6.2), timber * .9, casts=False)
        w.box((x - .14, 0, -2), (x + .14, .26, 6.2), wood(grain, timber, 2), casts=False)
    _ladder(c, w, timber * 1.5, c.uniform(1.2, 2.0))
    lamp = torch.maximum(lamplight(s), .45 * s.has("light", ""))
    flame = flame_of(c, s)
    x, z = -.62, 2.3
    w.box((x - .45, .74, z - .5), (x + .38, .79, z + .5), wood(grain, timber * 1.5, 2))
    for dz in (-.44, .40):
        w.box((x - .40, 0, z + dz), (x - .34, .74, z + dz + .05), timber)
        w.box((x + .27, 0, z + dz), (x + .33, .74, z + dz + .05), timber)
    w.cone((x, .79, z + .1), .24, .015, .015, c.tint(.62, .50, .24), casts=False)
    green = c.tint(.08, .34, .20)
    w.cone((x, 1.02, z + .1), .10, .17, .06, green, glow=green * lamp * .9, casts=False)
    w.ball((x, 1.02, z + .1), (.05, .03, .05), c.tint(.9, .9, .8), glow=flame * lamp * 1.6, casts=False)
    w.box((x + .02, .79, z - .36), (x + .28, .81, z - .10), c.tint(.86, .80, .66), turn=c.uniform(-.4, .4), casts=False)
    w.box((x - .26, .79, z - .30), (x - .08, .90, z - .06), c.tint(.42, .12, .09), turn=c.uniform(-.5, .5))
    w.air(mix(s.sky.light, timber, .3) * (.05 + .52 * s.sky.ambient), .4)
    daylight(w, s, 2, 6.2, [rect], (c.uniform(-.25, .25), c.uniform(.22, .40)), 1.6)
    w.lamp((x, .98, z + .1), flame * lamp * 1.2, .9, soft=.1, shadows=False)
    for z in (.8, 3.2):
        w.lamp((0, 3.2, z), flame * (.35 * lamp + .10), 1.8, soft=.3, shadows=False)
    picture = w.picture()
    wx, wy = w.project((0, 2.2, 6.2))
    light = mix(s.sky.light, s.pigment("second", (1, 1, 1)), .5 * (1 - s.has("second", "")))
    picture = picture + torch.exp(-(c.far(wx, wy) / .20) ** 2) * light * (.03 + .24 * s.sky.ambient)
    s.place_x, y = w.project((-.62, 1.02, 2.4))
    s.place_y = y - .12
    return turned(c, s, standing(w, s, picture, (.35, 0., 3.6)))


def _ladder(c: Canvas, w: World, timber: Tensor, z: Tensor) -> None:
    """A ladder that leans on the shelves to the right."""
    foot, top, tall = .72, 1.2, 2.9
    for dz in (-.21, .21):
        w.prism((0, 0, z + dz), [(foot - .025, 0.), (foot + .03, 0.), (top + .03, tall), (top - .025, tall)], .022, 2, timber)
    for i in range(1, 10):
        y = tall * i / 9.6
        x = foot + (top - foot) * y / tall
        w.box((x - .022, y - .02, z - .2), (x + .022, y + .02, z + .2), timber * 1.1, casts=False)


def school(c: Canvas, s: Scene) -> Tensor:
    """A class room: rows of desks before a blackboard with chalk on it, tall windows at the side, a clock, a globe."""
    grain = Grain(c)
    w = World(c, (c.uniform(-.2, .7), c.uniform(1.5, 1.75), -1.5), c.uniform(-.11, -.03), c.uniform(-.11, -.07), c.uniform(1.06, 1.18))
    wall = s.pigment("colour", (.80, .76, .62), .14)
    timber = c.tint(.56, .36, .18) * c.uniform(.8, 1.25, 3)

    def surfaces(p: Tensor, n: Tensor) -> Tensor:
        plaster = wall * (.84 + .26 * grain(p[:, :1] * .4 + p[:, 2:] * .3, p[:, 1:2] * .4))
        plaster = mix(plaster, mix(wall * .5, c.tint(.30, .40, .34), .6) * (.85 + .2 * grain(p[:, 2:], p[:, 1:2])), smooth(.92, .90, p[:, 1:2]))
        floor = boards(grain, p[:, :1], p[:, 2:], timber * .95, .18)
        return mix(mix(plaster, floor, (n[:, 1:2] > .5).float()), wall * .95, (n[:, 1:2] < -.5).float())

    w.shell((-2.5, 0, -2.), (2.7, 2.9, 5.), surfaces)
    panes = [(z, z + 1.25, 1.0, 2.6) for z in (.2, 1.9, 3.5)]
    for rect in panes:
        window(w, s, 0, -2.5, rect, (2, 4))
    _board(c, s, w, grain, timber)
    for row, z in enumerate((.7, 1.9, 3.0)):
        for x in (-1.55, -.2, 1.15):
            _desk(c, w, grain, x + .0 * row, z, timber)
    w.box((.55, 0, 3.95), (1.75, .78, 4.5), wood(grain, timber * .8))
    w.box((.50, .78, 3.90), (1.80, .82, 4.55), wood(grain, timber * 1.1))
    w.cone((1.5, .82, 4.2), .05, .09, .05, c.tint(.2, .14, .1))
    w.ball((1.5, 1.02, 4.2), (.16, .16, .16), lambda p, n: mix(c.tint(.16, .38, .62), c.tint(.46, .48, .20), smooth(.48, .54, grain(p[:, :1] * 2.2 + 3, p[:, 1:2] * 2.2))))
    w.box((.75, .82, 4.1), (1.0, .93, 4.3), c.tint(.55, .16, .12), turn=c.uniform(-.4, .4))
    lamp = lamplight(s)
    w.air(mix(s.sky.light, wall, .4) * (.04 + .70 * s.sky.ambient))
    slant = (c.uniform(-.25, .25), c.uniform(.40, .62))
    daylight(w, s, 0, -2.5, panes, slant)
    for z in (1., 3.5):
        w.lamp((0, 2.75, z), c.tint(1., .90, .70) * lamp * .62, 2.4, soft=.4, shadows=z > 2)
    picture = w.picture()
    s.place_x, s.place_y = w.project((-.3, 1.7, 5.))
    return turned(c, s, standing(w, s, picture, (.32, 0., 4.3)))


def _board(c: Canvas, s: Scene, w: World, grain: Grain, timber: Tensor) -> None:
    """A blackboard in its frame with writing and sums in chalk, a clock above it, a map beside it."""
    slate = mix(c.tint(.055, .085, .075), c.tint(.06, .17, .12), c.uniform())
    phase, slope = c.uniform(0, 6), c.uniform(.6, 1.)

    def chalk(p: Tensor, n: Tensor) -> Tensor:
        u, v = p[:, :1] + 1.45, .62 - p[:, 1:2]
        row = v / .21
        wave = torch.sin(u * 52 + phase + 5 * chances(u * 6, row)) * (.4 + .8 * chances(u * 5, row, 1.))
        stroke = smooth(.17, .05, (torch.remainder(row, 1) - .5 + .22 * wave).abs())
        words = (torch.remainder(u * slope * 2.2 + chances(row, 2.), 1) > .22) * (u < 1.1 + 1.5 * chances(row, 3.)) * (u > .18) * (row > .3) * (row < 5.5)
        dust = .06 + .16 * grain(u * .35, v * .5) + .10 * grain(u * 1.6, v * .3)
        return slate + dust * .55 + stroke * words * (.45 + .35 * grain(u * 3, v * 3))
    w.box((-1.62, .88, 4.93), (1.42, 2.26, 4.97), wood(grain, timber * .8))
    w.box((-1.55, .95, 4.92), (1.35, 2.19, 4.96), chalk)
    w.box((-1.55, .86, 4.84), (1.35, .90, 4.96), timber * 1.2, casts=False)

    def dial(p: Tensor, n: Tensor) -> Tensor:
        far = (p[:, :1] ** 2 + p[:, 1:2] ** 2).sqrt()
        hands = torch.maximum(band(p[:, :1], -.008, .008, .004) * band(p[:, 1:2], 0., .12, .005), band(p[:, 1:2], -.009, .009, .004) * band(p[:, :1], 0., .09, .005))
        return mix(mix(c.tint(.92, .90, .84), c.tint(.05, .05, .05), hands), c.tint(.10, .08, .07), smooth(.14, .15, far))
    w.ball((-.1, 2.55, 4.96), (.17, .17, .03), dial)

    def chart(p: Tensor, n: Tensor) -> Tensor:
        land = smooth(.50, .54, grain(p[:, :1] * .9 + 1, p[:, 1:2] * .9))
        return mix(c.tint(.46, .60, .66), mix(c.tint(.74, .62, .38), c.tint(.50, .56, .30), grain(p[:, :1] * 2, p[:, 1:2])), land)
    w.box((1.62, 1.05, 4.93), (2.55, 2.15, 4.96), chart)


def _desk(c: Canvas, w: World, grain: Grain, x: float, z: float, timber: Tensor) -> None:
    """A school desk and its chair, whose back is towards us."""
    turn = c.uniform(-.05, .05)
    w.box((x - .46, .70, z), (x + .46, .735, z + .46), wood(grain, timber * 1.2), turn=turn)
    w.box((x - .42, .56, z + .04), (x + .42, .70, z + .42), timber * .7, turn=turn, casts=False)
    for side in (-.42, .42):
        w.box((x + side - .02, 0, z + .06), (x + side + .02, .70, z + .40), c.tint(.16, .17, .18), turn=turn)
    w.box((x - .19, .43, z - .44), (x + .19, .46, z - .06), wood(grain, timber), turn=turn, casts=False)
    w.box((x - .19, .62, z - .46), (x + .19, .86, z - .435), wood(grain, timber * 1.1), turn=turn, casts=False)
    for side in (-.17, .17):
        w.box((x + side - .014, 0, z - .45), (x + side + .014, .88, z - .42), c.tint(.16, .17, .18), casts=False)


def hospital(c: Canvas, s: Scene) -> Tensor:
    """A ward: a bed with rails and white sheets, a drip, a monitor with its green trace, a curtain on a rail."""
    grain = Grain(c)
    w = World(c, (c.uniform(.5, .9), c.uniform(1.5, 1.7), -1.2), c.uniform(-.24, -.18), c.uniform(-.19, -.15), c.uniform(1.08, 1.2))
    wall = s.pigment("colour", (.70, .78, .76), .08)
    rect = (.95, 1.95, 1.0, 2.3)

    def surfaces(p: Tensor, n: Tensor) -> Tensor:
        plaster = wall * (.90 + .18 * grain(p[:, :1] * .4 + p[:, 2:] * .3, p[:, 1:2] * .4))
        plaster = mix(plaster, wall * c.tint(.62, .78, .78), band(p[:, 1:2], .95, 1.10, .01))
        floor = tiles(p[:, :1] + 9, p[:, 2:], .5, mix(wall, c.tint(.66, .70, .70), .6), mix(wall, c.tint(.58, .64, .64), .6)) * (.85 + .25 * grain(p[:, :1], p[:, 2:]))
        return mix(mix(plaster, floor, (n[:, 1:2] > .5).float()), wall, (n[:, 1:2] < -.5).float())

    w.shell((-2.3, 0, -2.), (2.2, 2.7, 3.6), surfaces)
    window(w, s, 2, 3.6, rect, (2, 1))
    _hospital_bed(c, s, w, grain)
    trace = _apparatus(c, s, w)
    cloth = mix(s.pigment("second", (.42, .66, .66)), wall, .25)

    def folds(p: Tensor, n: Tensor) -> Tensor:
        wave = torch.sin(p[:, 2:] * 34 + 2.5 * grain(p[:, 2:] * .5, p[:, 1:2] * .1))
        return cloth * (.70 + .34 * wave)
    w.box((-1.58, .32, 1.0), (-1.50, 2.30, 3.5), folds)
    w.box((-1.56, 2.30, -.4), (-1.53, 2.33, 3.6), c.tint(.7, .72, .73), casts=False)
    w.air(mix(s.sky.light, wall, .35) * (.05 + .66 * s.sky.ambient))
    daylight(w, s, 2, 3.6, [rect], (c.uniform(.15, .7), c.uniform(.35, .6)), 1.)
    lamp = torch.maximum(lamplight(s), .25 * s.has("light", ""))
    w.box((-1.1, 1.62, 3.50), (.1, 1.72, 3.6), c.tint(.86, .88, .88), glow=c.tint(.85, .95, 1.) * lamp * .9)
    w.lamp((-.5, 1.75, 3.2), c.tint(.90, .97, 1.) * lamp * 1.3, 1.3, soft=.3)
    w.lamp((.28, 1.42, 2.85), mix(c.tint(.15, .9, .45), s.pigment("second", (1, 1, 1)), .4 * (1 - s.has("second", ""))) * .30 * (1.3 - s.sky.ambient), .7, shadows=False)
    picture = w.picture()
    glow = c.blur(w.glow * trace, .02)
    s.place_x, s.place_y = w.project((-.5, 1.7, 3.5))
    return turned(c, s, picture + glow * .6)


def _hospital_bed(c: Canvas, s: Scene, w: World, grain: Grain) -> None:
    """White sheets on a steel frame with wheels, the head raised, a blanket; sometimes somebody in it."""
    steel, white = c.tint(.66, .69, .71), c.tint(.92, .94, .95)
    left, right, foot, head = -1.0, .02, .95, 3.3
    patient = s.has("extra", "patient")

    def sheet(p: Tensor, n: Tensor) -> Tensor:
        fold = grain(p[:, :1] * .7 + p[:, 1:2], p[:, 2:] * .35)
        return white * (1.05 - .7 * (fold - .45).abs())
    blanket = mix(s.pigment("second", (.36, .60, .68)), c.tint(.62, .74, .80), .35)

    def wool(p: Tensor, n: Tensor) -> Tensor:
        return blanket * (.80 + .40 * grain(p[:, :1] * .8 + p[:, 1:2], p[:, 2:] * .5))
    for z in (foot + .12, head - .2):
        for x in (left + .08, right - .08):
            w.cone((x, .10, z), .42, .022, .022, steel)
            w.ball((x, .06, z), (.03, .06, .06), c.tint(.08, .08, .09), casts=False)
    w.box((left, .48, foot), (right, .56, head), steel * .8)
    w.box((left, .55, foot + .02), (right, .72, 2.3), sheet, soft=True)
    w.prism(((left + right) / 2, .55, 2.75), [(0., -.52), (.0, .5), (.42, .5), (.17, -.52)], (right - left) / 2, 0, sheet)
    w.box((left - .03, .50, foot - .02), (right + .03, .775, 2.05), wool, soft=True)
    w.box((left - .03, .60, 1.98), (right + .03, .79, 2.22), sheet, soft=True)
    w.box((left + .16, .88, 2.80), (right - .16, 1.12, 3.28), sheet, soft=True)
    for z in (foot - .05, head):
        w.box((left, .45, z), (right, .95 + .25 * (z > 2), z + .05), mix(steel, c.tint(.80, .84, .85), .7))
    for y in (.80, .95):
        w.box((right + .03, y, 1.5), (right + .055, y + .028, 2.7), steel * 1.15, casts=False)
    for z in (1.5, 1.9, 2.3, 2.68):
        w.box((right + .03, .55, z), (right + .055, .97, z + .028), steel * 1.1, casts=False)
    w.ball((-.48, .76, 1.75), (.24, .15, .85), wool, shown=patient)
    w.ball((-.50, 1.08, 2.78), (.115, .13, .14), c.tint(.76, .58, .48) * c.uniform(.5, 1.1), shown=patient)
    w.ball((-.50, 1.13, 2.84), (.12, .12, .13), c.tint(.22, .17, .14), shown=patient)


def _apparatus(c: Canvas, s: Scene, w: World) -> Tensor:
    """A drip on its stand and a monitor on an arm: 1 where the picture's screens are."""
    steel = c.tint(.70, .73, .75)
    x, z = .42, 2.45
    w.cone((x, .05, z), 1.95, .014, .012, steel)
    w.box((x - .15, 1.97, z - .01), (x + .15, 1.99, z + .01), steel, casts=False)
    for dx, dz in ((-.2, 0.), (.2, 0.), (0., -.2)):
        w.box((x + min(dx, 0) - .01, .04, z + min(dz, 0) - .01), (x + max(dx, 0) + .01, .06, z + max(dz, 0) + .01), steel)
    w.box((x - .17, 1.60, z - .025), (x - .04, 1.93, z + .025), lambda p, n: mix(c.tint(.80, .88, .92), c.tint(.62, .76, .84), (p[:, 1:2] < .05).float()), soft=True, glow=c.tint(.05, .06, .07))
    w.box((x - .11, 1.0, z - .004), (x - .10, 1.60, z + .004), c.tint(.85, .9, .92), casts=False)
    rate, shift = c.uniform(5, 8), c.uniform(0, 6)
    green = mix(c.tint(.20, 1., .42), s.pigment("second", (1, 1, 1)), .5 * (1 - s.has("second", "")))

    def trace(p: Tensor, n: Tensor) -> Tensor:
        u = torch.remainder(p[:, :1] * rate * 2 + shift, 1)
        beat = .085 * torch.exp(-((u - .5) / .04) ** 2) - .04 * torch.exp(-((u - .58) / .04) ** 2) + .02 * torch.exp(-((u - .25) / .07) ** 2)
        line = torch.exp(-((p[:, 1:2] - .03 - beat) / .010) ** 2) + .7 * torch.exp(-((p[:, 1:2] + .075 - .02 * torch.sin(p[:, :1] * 60)) / .008) ** 2)
        inside = band(p[:, :1], -.21, .21, .008) * band(p[:, 1:2], -.13, .13, .008) * (n[:, 2:] < -.5)
        return (line * green + c.tint(.0, .05, .04)) * inside
    w.box((.02, 1.22, 2.78), (.54, 1.56, 2.90), c.tint(.20, .22, .23), glow=trace)
    w.box((.25, 1.36, 2.9), (.31, 1.42, 3.6), steel * .7, casts=False)
    return (w.glow[:, 1:2] > w.glow[:, :1] * 1.2).float()
