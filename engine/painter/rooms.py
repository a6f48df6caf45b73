"""Rooms of a home: kitchen, bedroom."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.skins import (
    WOOD,
    Grain,
    boards,
    chances,
    daylight,
    flame_of,
    lamplight,
    tiles,
    turned,
    window,
    wood,
)
from engine.painter.solids import World, band


def kitchen(c: Canvas, s: Scene) -> Tensor:
    """A table under a hanging lamp, a stove with a pot, a counter under the window, plates on a shelf, tiles."""
    grain = Grain(c)
    w = World(c, (c.uniform(-.6, .3), c.uniform(1.48, 1.66), -1.0), c.uniform(-.04, .08), c.uniform(-.17, -.13), c.uniform(1.02, 1.14))
    wall = s.pigment("colour", (.80, .72, .56), .16)
    timber = c.tint(*WOOD) * c.uniform(.8, 1.35, 3)
    dark, pale = mix(wall * .45, c.tint(.42, .20, .15), c.uniform()), c.tint(.82, .77, .68)
    rect = (.15, 1.25, 1.18, 2.12)

    def surfaces(p: Tensor, n: Tensor) -> Tensor:
        plaster = wall * (.80 + .36 * grain(p[:, :1] * .4 + p[:, 2:] * .3, p[:, 1:2] * .4))
        splash = tiles(p[:, :1] + p[:, 2:], p[:, 1:2], .15, pale, pale * .86, chequered=False)
        plaster = mix(plaster, splash, (p[:, 1:2] < 1.42) * (n[:, 2:] < -.5))
        floor = tiles(p[:, :1] + 9, p[:, 2:], .34, pale * .92, dark)
        return mix(mix(plaster, floor, (n[:, 1:2] > .5).float()), wall * .9, (n[:, 1:2] < -.5).float())

    w.shell((-2.1, 0, -1.4), (2.1, 2.6, 4.), surfaces)
    window(w, s, 2, 4., rect, (2, 2))
    _counter(c, s, w, grain, timber, pale)
    _stove(c, s, w)
    lamp = lamplight(s)
    flame = flame_of(c, s)
    _table(c, s, w, grain, timber)
    x, z = .12, 1.75
    enamel = mix(c.tint(.16, .30, .24), c.tint(.62, .16, .10), c.uniform())
    w.cone((x, 2.06, z), .6, .008, .008, c.tint(.1, .1, .1), casts=False)
    w.cone((x, 1.84, z), .22, .27, .05, enamel, glow=enamel * lamp * .35, casts=False)
    w.ball((x, 1.845, z), (.085, .075, .085), c.tint(.9, .86, .78), glow=flame * (.06 + 1.7 * lamp), casts=False)
    w.air(mix(s.sky.light, wall, .4) * (.035 + .72 * s.sky.ambient))
    daylight(w, s, 2, 4., [rect], (c.uniform(-.5, .5), c.uniform(.5, .8)))
    w.lamp((x, 1.78, z), flame * lamp * 2.1, 1.5, soft=.10)
    w.lamp((x, 1.78, z), flame * lamp * .5, 3., shadows=False)
    picture = w.picture()
    s.place_x, y = w.project((x, 1.84, z))
    s.place_y = y - .12
    picture = picture + torch.exp(-(c.far(s.place_x, y) / .13) ** 2) * flame * lamp * .5
    steam = smooth(.42, .75, c.noise(4, 3, octaves=3))
    px, py = w.project((-1.15, 1.25, 3.6))
    plume = torch.exp(-((c.x - px - .02 * torch.sin(c.y * 30 + c.uniform(0, 6))) / (.016 + .12 * (py - c.y).clamp(min=0))) ** 2) * smooth(py + .01, py - .03, c.y) * smooth(py - .24, py - .05, c.y)
    picture = mix(picture, picture + .30 * (s.sky.light * .6 + .4 * flame * lamp) * (.3 + s.sky.ambient), steam * plume * .8)
    return turned(c, s, picture)


def _counter(c: Canvas, s: Scene, w: World, grain: Grain, timber: Tensor, pale: Tensor) -> None:
    """Cupboards below the window with a stone top and a tap, a shelf with plates and jars beside it."""
    front = mix(timber * 1.2, s.pigment("colour", (.74, .76, .68)), c.uniform(.2, .8))

    def doors(p: Tensor, n: Tensor) -> Tensor:
        u, v = torch.remainder(p[:, :1] / .52 + .5, 1) - .5, p[:, 1:2]
        panel = smooth(.47, .44, u.abs()) * band(v, -.36, .36, .01)
        inset = smooth(.36, .34, u.abs()) * band(v, -.28, .28, .008)
        knob = smooth(.05, .03, ((u - .40) ** 2 * .27 + (v - .16) ** 2).sqrt())
        return mix(front * (.35 + .65 * panel) * (1 - .16 * inset) * (.85 + .3 * grain(p[:, :1] * 2, v * .4)), c.tint(.75, .62, .40), knob)
    w.box((-.72, 0, 3.42), (2.1, .86, 4.), doors)
    w.box((-.74, .86, 3.38), (2.1, .92, 4.), c.tint(.58, .55, .51) * c.uniform(.6, 1.3))
    w.cone((.7, .92, 3.86), .30, .016, .014, c.tint(.62, .64, .66))
    w.box((.688, 1.20, 3.66), (.712, 1.225, 3.87), c.tint(.62, .64, .66))
    w.box((-.62, 1.58, 3.74), (-.10, 1.62, 4.), timber)
    w.box((-.62, 1.95, 3.74), (-.10, 1.99, 4.), timber)
    for i in range(4):
        x, hue = -.55 + .13 * i, mix(pale, c.tint(.30, .42, .56), c.uniform()) * c.uniform(.7, 1.15)
        w.cone((x, 1.62, 3.87), c.uniform(.10, .22), .045, c.uniform(.03, .05), hue, casts=False)
        w.ball((x + .02, 2.08, 3.93), (.085, .085, .02), mix(pale, c.tint(.55, .62, .70), c.uniform()), casts=False)
    for i in range(3):
        jar = mix(c.tint(.62, .30, .16), c.tint(.66, .64, .52), c.uniform()) * c.uniform(.7, 1.2)
        w.cone((1.42 + .17 * i, .92, 3.78), c.uniform(.14, .30), .06, c.uniform(.04, .065), jar)


def _stove(c: Canvas, s: Scene, w: World) -> None:
    """White enamel, an oven door with a window, four knobs, a pot and a pan on it, a pipe to the ceiling."""
    iron = mix(c.tint(.84, .82, .77), c.tint(.10, .10, .11), (c.uniform() > .6).float())
    ember = c.tint(1., .40, .10) * lamplight(s) * .55

    def glass(p: Tensor) -> Tensor:
        return band(p[:, :1], -.20, .20, .01) * band(p[:, 1:2], -.22, .06, .01)

    def front(p: Tensor, n: Tensor) -> Tensor:
        knob = smooth(.05, .035, ((torch.remainder(p[:, :1] / .15 + .5, 1) - .5).mul(.15) ** 2 + (p[:, 1:2] - .34) ** 2).sqrt())
        seam = 1 - .6 * smooth(.012, .006, torch.minimum((p[:, 1:2] - .26).abs(), (p[:, 1:2] + .34).abs()))
        handle = band(p[:, :1], -.22, .22, .01) * band(p[:, 1:2], .13, .17, .008)
        shown = mix(iron * seam, c.tint(.05, .045, .045), glass(p))
        shown = mix(shown, c.tint(.55, .55, .55), handle)
        return mix(shown, c.tint(.12, .11, .11), knob * (p[:, :1].abs() < .28))
    w.box((-1.5, 0, 3.36), (-.80, .90, 3.98), front, glow=lambda p, n: ember * glass(p) * (n[:, 2:] < -.5))
    w.box((-1.5, .90, 3.36), (-.80, .925, 3.98), c.tint(.09, .09, .09))
    metal = mix(c.tint(.55, .56, .58), c.tint(.62, .30, .16), c.uniform())
    w.cone((-1.15, .925, 3.62), .22, .155, .16, metal)
    w.cone((-1.15, 1.145, 3.62), .03, .16, .06, metal * 1.2)
    w.ball((-1.15, 1.19, 3.62), (.03, .03, .03), c.tint(.1, .1, .1))
    w.cone((-1.30, .9, 3.86), 1.8, .075, .075, c.tint(.16, .15, .15))
    w.box((-2.1, 0, 3.36), (-1.56, 2.05, 4.), iron * .55 + .12)


def _table(c: Canvas, s: Scene, w: World, grain: Grain, timber: Tensor) -> None:
    """A table, often with a cloth, two chairs, a bowl of fruit, bread, a jug."""
    top, turn = .76, c.uniform(-.16, .16)
    cloth = (c.uniform() > .45).float()
    weave = mix(c.tint(.86, .83, .77), s.pigment("second", (.70, .22, .18)), .25)

    def linen(p: Tensor, n: Tensor) -> Tensor:
        check = .5 * (torch.remainder(p[:, :1] / .16, 1) > .5) + .5 * (torch.remainder(p[:, 2:] / .16, 1) > .5)
        cotton = mix(c.tint(.88, .86, .80), weave * c.tint(.8, .35, .30) * 1.2, check * .8)
        return mix(wood(grain, timber * 1.25)(p, n), cotton, cloth)
    x, z, wide, deep = .12, 1.75, .68, .42
    w.box((x - wide, top - .035, z - deep), (x + wide, top, z + deep), linen, turn=turn)
    for side in (-1., 1.):
        for end in (-1., 1.):
            lx, lz = side * (wide - .08), end * (deep - .08)
            px, pz = x + lx * torch.cos(turn) + lz * torch.sin(turn), z - lx * torch.sin(turn) + lz * torch.cos(turn)
            w.box((px - .028, 0, pz - .028), (px + .028, top - .03, pz + .028), timber * .9, turn=turn)
    for dx, dz, way in ((-.55, -.05, 1.35), (.30, .62, .1)):
        chair(c, w, (x + dx - .35 * (dz < 0), z + dz), way + c.uniform(-.3, .3), timber * .8)
    china = mix(c.tint(.30, .40, .58), c.tint(.82, .80, .74), c.uniform())
    w.cone((x + .02, top, z), .085, .07, .17, china)
    for i in range(5):
        fruit = mix(c.tint(.78, .14, .08), c.tint(.90, .62, .12), c.uniform())
        w.ball((x + c.uniform(-.08, .11), top + .10 + .02 * (i % 2), z + c.uniform(-.08, .08)), (.052, .05, .052), fruit)
    w.cone((x - .36, top, z + .12), .20, .065, .05, mix(china, c.tint(.86, .84, .78), .5))
    w.ball((x + .36, top + .05, z - .10), (.16, .065, .085), c.tint(.62, .40, .20) * c.uniform(.8, 1.2))


def chair(c: Canvas, w: World, foot: tuple[float | Tensor, float | Tensor], turn: Tensor, timber: Tensor, floor: float = 0.) -> None:
    """A wooden chair on a floor, that faces `turn` (radians about the vertical; its back is behind it)."""
    x, z = foot
    cos, sin = torch.cos(turn), torch.sin(turn)

    def part(a: float, y: float, b: float, half: tuple[float, float, float]) -> None:
        px, pz = x + a * cos + b * sin, z - a * sin + b * cos
        w.box((px - half[0], floor + y - half[1], pz - half[2]), (px + half[0], floor + y + half[1], pz + half[2]), timber, turn=turn)
    part(0, .45, 0, (.21, .02, .20))
    for a in (-.18, .18):
        part(a, .22, -.17, (.02, .22, .02))
        part(a, .48, .18, (.02, .48, .02))
    part(0, .90, .18, (.18, .05, .012))
    part(0, .70, .18, (.18, .035, .012))


def bed(c: Canvas, s: Scene) -> Tensor:
    """A bed under a window or a picture, its pillows and its blanket, a lamp beside it; unmade, or with somebody asleep."""
    grain = Grain(c)
    w = World(c, (c.uniform(.6, 1.0), c.uniform(1.5, 1.75), -.75), c.uniform(-.34, -.28), c.uniform(-.27, -.22), c.uniform(1.12, 1.25))
    wall = s.pigment("colour", (.66, .64, .62), .22)
    timber = c.tint(*WOOD) * c.uniform(.55, 1.5, 3)
    rect = (.62, 1.62, 1.0, 2.15)

    def surfaces(p: Tensor, n: Tensor) -> Tensor:
        stripe = .06 * torch.cos((p[:, :1] + p[:, 2:]) * 52)
        plaster = wall * (.82 + .30 * grain(p[:, :1] * .4 + p[:, 2:] * .3, p[:, 1:2] * .4) + stripe)
        floor = boards(grain, p[:, :1], p[:, 2:], timber * 1.15)
        return mix(mix(plaster, floor, (n[:, 1:2] > .5).float()), wall * .9, (n[:, 1:2] < -.5).float())

    w.shell((-2.2, 0, -1.2), (2., 2.6, 3.5), surfaces)
    window(w, s, 2, 3.5, rect, (2, 2))
    lamp = lamplight(s)
    flame = flame_of(c, s)
    _linen(c, s, w, grain, timber)
    _beside(c, s, w, timber, flame, lamp)
    for side in (-1., 1.):
        _curtain(c, w, grain, 1.12 + side * .62, 3.36, (.85, 2.32), .17, mix(wall, c.tint(.84, .80, .72), .55))
    w.box((.3, 2.30, 3.38), (1.95, 2.33, 3.41), timber * .6, casts=False)
    w.air(mix(s.sky.light, wall, .4) * (.035 + .68 * s.sky.ambient))
    daylight(w, s, 2, 3.5, [rect], (c.uniform(.1, .8), c.uniform(.35, .6)), 1.15)
    w.lamp((.62, .98, 3.08), flame * lamp * 1.8, 1.1, soft=.12)
    picture = w.picture()
    s.place_x, y = w.project((.62, .98, 3.08))
    s.place_y = y - .12
    return turned(c, s, picture + torch.exp(-(c.far(s.place_x, y) / .12) ** 2) * flame * lamp * .45)


def _curtain(c: Canvas, w: World, grain: Grain, x: float, z: float, tall: tuple[float, float], half: float, colour: Tensor) -> None:
    """A curtain that hangs in folds."""
    def folds(p: Tensor, n: Tensor) -> Tensor:
        wave = torch.sin(p[:, :1] * 46 + 2.2 * grain(p[:, :1] * .6, p[:, 1:2] * .12))
        return colour * (.66 + .34 * wave)
    w.box((x - half, tall[0], z - .02), (x + half, tall[1], z + .02), folds, casts=False)


def _linen(c: Canvas, s: Scene, w: World, grain: Grain, timber: Tensor) -> None:
    """Frame, mattress, pillows and blanket of a double bed against the back wall."""
    unmade, asleep = s.has("extra", "unmade"), s.has("extra", "sleeper")
    left, right, foot = -1.35, .30, 1.35
    dye = mix(s.pigment("second", (.34, .42, .56)), c.tint(.74, .30, .20), c.uniform() * s.has("second", ""))
    white = c.tint(.92, .90, .86)

    def crumpled(colour: Tensor, deep: Tensor | float) -> Callable[[Tensor, Tensor], Tensor]:
        def skin(p: Tensor, n: Tensor) -> Tensor:
            u, v = p[:, :1] + p[:, 1:2] * .8, p[:, 2:] + p[:, 1:2] * .6
            fold = grain(u * .55 + .5 * grain(v * .3, u * .3), v * .28)
            return colour * (1.04 - deep * 1.5 * (fold - .45).abs() - .9 * deep * (grain(u * 1.1, v * .7) - .5))
        return skin

    def quilt(p: Tensor, n: Tensor) -> Tensor:
        check = band(torch.remainder(p[:, :1] / .22, 1), .1, .9, .04) * band(torch.remainder(p[:, 2:] / .22, 1), .1, .9, .04)
        stitched = mix(dye * .72, dye * (.8 + .45 * chances((p[:, :1] + 9) / .22, (p[:, 2:] + 9) / .22)), check)
        return crumpled(stitched, .35)(p, n)
    iron = (c.uniform() > .55).float()
    carved = wood(grain, timber, 0)
    w.box((left - .06, .2, 3.40), (right + .06, 1.22, 3.48), carved, shown=1 - iron)
    w.box((left - .06, .1, foot - .06), (right + .06, .62, foot), carved, shown=1 - iron)
    for i in range(8):
        x = left + (right - left) * i / 7
        w.cone((x, .2, 3.44), 1.0 + .12 * (1 - (i / 3.5 - 1) ** 2), .018, .018, c.tint(.10, .10, .11), shown=iron, casts=False)
    w.box((left - .05, 1.16, 3.42), (right + .05, 1.20, 3.46), c.tint(.10, .10, .11), shown=iron)
    w.box((left, .18, foot), (right, .36, 3.4), timber * .8)
    w.box((left, .34, foot + .02), (right, .58, 3.4), crumpled(white * .96, .3), soft=True)
    top = .68
    w.box((left - .06, .24, foot - .03), (right + .06, top, 2.52 - .0), quilt, soft=True, shown=1 - unmade)
    w.box((left - .06, .5, 2.40), (right + .06, top + .025, 2.66), crumpled(white, .4), soft=True, shown=1 - unmade)
    for i in range(4):
        x, z = left + .36 + .31 * i, foot + .30 + .26 * ((i * 2) % 3)
        w.ball((x, .56, z + c.uniform(-.1, .2)), (.36 + .1 * (i % 2), c.uniform(.08, .16), c.uniform(.30, .5)), crumpled(mix(white, dye, .25 + .6 * (i % 2)), .8), shown=unmade)
    for i, x in enumerate((-.95, -.10)):
        dent = c.uniform(-.06, .06)
        w.box((x - .36, .56 - dent * .3, 2.78 + dent), (x + .36, .56 + .22 + dent, 3.34), crumpled(white * (1 - .04 * i), .5), turn=c.uniform(-.12, .12) * (1 + 2 * unmade), soft=True)
    w.ball((-.92, .68, 2.05), (.30, .20, .62), crumpled(dye * .9, .5), shown=asleep)
    w.ball((-.86, .78, 2.86), (.115, .12, .14), c.tint(.74, .56, .45), shown=asleep)
    w.ball((-.88, .82, 2.93), (.13, .125, .13), c.tint(.13, .09, .06), shown=asleep)


def _beside(c: Canvas, s: Scene, w: World, timber: Tensor, flame: Tensor, lamp: Tensor) -> None:
    """A bedside table with a lamp and a book, slippers' worth of rug, a picture on the wall."""
    w.box((.42, 0, 2.88), (.84, .52, 3.36), timber * 1.1)
    w.box((.40, .52, 2.86), (.86, .55, 3.38), timber * 1.3)
    w.box((.46, .30, 2.87), (.80, .46, 2.885), timber * .8)
    w.cone((.62, .55, 3.12), .24, .075, .03, c.tint(.60, .52, .38))
    shade = c.tint(.88, .78, .60)
    w.cone((.62, .77, 3.12), .26, .17, .10, shade, glow=shade * flame * lamp * 1.25, casts=False)
    w.box((.44, .55, 2.92), (.58, .58, 3.10), mix(c.tint(.5, .12, .10), c.tint(.12, .2, .36), c.uniform()))
    w.box((.46, .0, 1.1), (1.25, .015, 2.5), mix(s.pigment("second", (.52, .22, .18)), c.tint(.7, .66, .58), .3), casts=False)
    hill = c.uniform(.0, .12)

    def painting(p: Tensor, n: Tensor) -> Tensor:
        inside = band(p[:, :1], -.27, .27, .008) * band(p[:, 1:2], -.19, .19, .008)
        land = smooth(.01, -.01, p[:, 1:2] - .05 * torch.sin(p[:, :1] * 9 + hill * 40) - hill + .06)
        return mix(timber * .7, mix(c.tint(.62, .68, .70), c.tint(.28, .34, .22), land), inside)
    w.box((-.85, 1.48, 3.45), (-.22, 1.95, 3.49), painting)
