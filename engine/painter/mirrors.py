"""A mirror: a gilt frame on a wall, and in its glass the room behind whoever looks."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.rooms import chair
from engine.painter.scene import Scene
from engine.painter.skins import (
    WOOD,
    Grain,
    boards,
    chances,
    daylight,
    flame_of,
    lamplight,
    standing,
    turned,
    window,
    wood,
)
from engine.painter.solids import Skin, World

_GLASS = 2.93                                          # how far the glass is, metres


def mirror(c: Canvas, s: Scene) -> Tensor:
    """A framed mirror over a console with a candle and flowers; the same things, the room and its window in the glass."""
    grain = Grain(c)
    aside = c.uniform(-.5, .5)
    camera = ((aside, c.uniform(1.5, 1.62), c.uniform(.55, .8)), -aside * .40 + c.uniform(-.05, .05), c.uniform(-.02, .01), c.uniform(1.0, 1.1))
    dim = Canvas(c.count, (c.height // 2, c.width // 2), 0, c.device)       # what is in the glass may be soft: it is painted at half the size
    dim.generator = c.generator
    front, back = World(c, *camera), World(dim, *camera)
    oval = (c.uniform() > .5).float()
    half, tall, y = c.uniform(.44, .52), c.uniform(.60, .70), 1.66
    wall = s.pigment("colour", (.44, .42, .40), .25)
    timber = c.tint(*WOOD) * c.uniform(.6, 1.2, 3)

    def paper(p: Tensor, n: Tensor) -> Tensor:
        u, v = p[:, :1] + p[:, 2:], p[:, 1:2]
        damask = (torch.sin(u * 21) * torch.sin(v * 21) + .5 * torch.sin(u * 42 + 1) * torch.sin(v * 10.5)).clamp(-1, 1) * .07
        shown = wall * (.74 + .42 * grain(u * .3, v * .3) + damask)
        return mix(shown, boards(grain, p[:, :1], p[:, 2:], timber * 1.2), (n[:, 1:2] > .5).float())
    front.shell((-2.3, 0, -2.), (2.3, 3., 3.), paper)
    rect = (.25, 1.35, .95, 2.35)
    back.shell((-2.3, 0, -2.), (2.3, 3., 7.2), lambda p, n: paper(p, n) * 1.05)
    window(back, s, 2, 7.2, rect, (2, 3))
    flame, lamp = flame_of(c, s), lamplight(s)
    for w, way in ((front, 1.), (back, -1.)):
        _console(s, w, grain, timber, flame, lamp, way)
    _frame(c, front, grain, oval, half, tall, y)
    chair(dim, back, (-.75, 5.4), c.uniform(.4, 1.4), timber * 1.3)
    back.box((-1.7, 0, 7.12), (-.85, 2.05, 7.2), timber * .9)
    back.box((-1.60, .1, 7.1), (-.95, 1.95, 7.13), timber * 1.3)
    light = mix(s.sky.light, wall, .35)
    front.air(light * (.05 + .50 * s.sky.ambient), .5)
    front.lamp((.9, 2.4, .8), mix(s.sky.light, flame, .4) * (.03 + .80 * s.sky.ambient), 1.8, soft=.12)
    front.lamp((.42, 1.20, 2.70), flame * lamp * 1.3, .8, soft=.04)
    back.air(light * (.05 + .50 * s.sky.ambient), .5)
    daylight(back, s, 2, 7.2, [rect], (c.uniform(-.5, .5), c.uniform(.4, .7)), 1.2)
    back.lamp((.42, 1.20, 2 * _GLASS - 2.70), flame * lamp * 1.6, 1.2, shadows=False)
    ahead = (_GLASS - front.eye[:, 2:]) / front.rays[:, 2:]
    u, v = front.eye[:, :1] + ahead * front.rays[:, :1], front.eye[:, 1:2] + ahead * front.rays[:, 1:2] - y
    round_, square = ((u / half) ** 2 + (v / tall) ** 2).sqrt(), torch.maximum(u.abs() / half, v.abs() / tall)
    edge = mix(square, round_, oval)
    glass = smooth(1.005, .985, edge) * (front.depth > ahead - .02)
    reflected = F.interpolate(standing(back, s, back.picture(), (-.25, 0., 4.7), .12), (c.height, c.width), mode="bilinear", align_corners=False)
    shown = mix(front.picture(), _silver(c, s, reflected, u, v, edge), glass)
    s.place_x, py = front.project((.42, 1.19, 2.70))
    s.place_y = py - .12
    return turned(c, s, shown + torch.exp(-(c.far(s.place_x, py) / .07) ** 2) * flame * lamp * .6)


def _silver(c: Canvas, s: Scene, picture: Tensor, u: Tensor, v: Tensor, edge: Tensor) -> Tensor:
    """What a glass does to what it shows: a little colder, a sheen across it, blind spots at its edge; cracks in a broken one."""
    broken = s.has("extra", "broken")
    if broken.any():
        x, y = u - c.uniform(-.15, .15), v - c.uniform(-.2, .25)
        radius = (x**2 + y**2).sqrt()
        many = c.uniform(7, 11).floor()
        turn = (torch.atan2(y, x) / (2 * math.pi) + .5) * many + .35 * torch.sin(radius * 9 + c.uniform(0, 6))
        ring = (radius * c.uniform(3.5, 5.) + .6 * chances(turn, 1.)).floor()
        shift = (chances(turn, ring) - .5) * .09 * broken
        picture = c.warp(picture, shift + 0 * c.x, (chances(turn, ring, 2.) - .5) * .09 * broken)
        part = torch.remainder(turn, 1)
        line = smooth(.010, .003, torch.minimum(part, 1 - part) * radius / many * 6.28)
        across = torch.remainder(radius * 4.2 + .6 * chances(turn, 1.), 1)
        line = torch.maximum(line, smooth(.05, .015, torch.minimum(across, 1 - across)) * (radius > .1) * (chances(turn, ring, 5.) > .35) * .8)
        picture = picture * (1 + (chances(turn, ring, 3.) - .5) * .5 * broken)
        picture = mix(picture, mix(picture * .25, s.sky.light * .8, chances(turn, ring, 4.)), line * broken * .8)
    sheen = torch.exp(-((u * .8 + v * .5 - .22) / .10) ** 2) + .7 * torch.exp(-((u * .8 + v * .5 - .42) / .04) ** 2)
    aged = smooth(.62, 1.02, edge + .35 * (c.noise(7, octaves=4) - .5))
    picture = picture * c.tint(.92, .97, 1.) * .95 + sheen * s.sky.light * (.03 + .09 * s.sky.ambient)
    return mix(picture, c.tint(.16, .14, .12) * (.4 + s.sky.ambient), aged * .45) * (1 - .25 * smooth(.9, 1., edge))


def _frame(c: Canvas, w: World, grain: Grain, oval: Tensor, half: Tensor, tall: Tensor, y: float) -> None:
    """A carved frame, oval or square with a crest."""
    gilt = mix(c.tint(.84, .62, .26), c.tint(.30, .17, .09), (c.uniform() > .7).float())

    def carved(p: Tensor, n: Tensor) -> Tensor:
        turn = torch.atan2(p[:, 1:2], p[:, :1])
        leaf = torch.sin(turn * 44).abs() * .5 + torch.sin((p[:, :1].abs() + p[:, 1:2].abs()) * 60).abs() * .4
        return gilt * (.45 + .62 * leaf + .35 * grain(p[:, :1] * 2, p[:, 1:2] * 2))

    skins: tuple[tuple[float, float, Skin], ...] = ((.16, 2.985, carved), (.09, 2.965, lambda p, n: carved(p, n) * 1.25), (.035, 2.945, gilt * .45))
    for grow, z, skin in skins:
        wide, high = half + grow, tall + grow
        w.ball((0, y, z), (wide, high, .030), skin, shown=oval)
        w.box((-wide, y - high, z - .022), (wide, y + high, z + .022), skin, shown=1 - oval)
    for part, side in enumerate((-1., 0., 1.)):
        w.ball((side * .16, y + tall + .17 + .05 * (part == 1), 2.93), (.12, .07 + .03 * (part == 1), .06), carved)
    w.ball((0, y - tall - .16, 2.93), (.16, .07, .06), carved)


def _console(s: Scene, w: World, grain: Grain, timber: Tensor, flame: Tensor, lamp: Tensor, way: float) -> None:
    """A narrow table below the mirror with a candle, flowers and a box; `way` -1 as the glass shows it."""
    c = w.c

    def z(at: float) -> float:
        return at if way > 0 else 2 * _GLASS - at
    w.box((-.85, .84, z(2.52)), (.85, .885, z(2.92)), wood(grain, timber * 1.2))
    w.box((-.80, .70, z(2.56)), (.80, .84, z(2.90)), wood(grain, timber * .9))
    for x in (-.78, .78):
        w.cone((x, 0, z(2.58)), .70, .022, .035, timber)
    w.cone((.42, .885, z(2.70)), .02, .06, .05, c.tint(.7, .55, .28))
    w.cone((.42, .90, z(2.70)), .23, .022, .02, c.tint(.90, .86, .76), glow=flame * lamp * .16)
    w.ball((.42, 1.16, z(2.70)), (.013, .034, .013), c.tint(.1, .08, .06), glow=flame * lamp * 2.4, casts=False)
    w.ball((-.42, .97, z(2.70)), (.075, .09, .075), mix(c.tint(.26, .36, .46), c.tint(.80, .78, .74), .3))
    w.cone((-.42, 1.03, z(2.70)), .08, .035, .05, c.tint(.40, .48, .54))
    bloom = s.pigment("second", (.74, .24, .26), 0.)
    for i in range(7):
        turn = 2.4 * i
        place = (-.42 + .105 * math.cos(turn) * (i > 0), 1.20 + .05 * (i % 3), z(2.70 + .06 * math.sin(turn) * (i > 0)))
        w.crown(place, (.062, .055, .062), mix(bloom, c.tint(.24, .32, .14), .75 * (i % 2)) * (.8 + .1 * (i % 3)))
