"""People without a face: a hand, a body, a crowd."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter import air
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.living import ground_of
from engine.painter.scene import Scene


def _skin(c: Canvas, s: Scene) -> Tensor:
    """All the colours of people; a second colour lights them."""
    skin = mix(c.tint(.95, .74, .60), c.tint(.33, .20, .14), c.uniform() ** 1.2)
    return mix(skin, s.pigment("second", (1, 1, 1)), .5 * (1 - s.has("second", "")))


def hand(c: Canvas, s: Scene) -> Tensor:
    """An open hand that reaches up or down, or two, in light from one side."""
    picture = ground_of(c, s.pigment("colour", (.46, .45, .46)) * .9 + .04)
    side = torch.sign(s.place_x - .5)
    two = s.has("extra", "two hands")
    pointing = s.has("extra", "reaching")
    height = _hand(c, .5 - .20 * two + c.uniform(-.05, .05), c.uniform(-.25, .25), pointing, c.uniform(.30, .36) * (1 - .22 * two))
    if s.any("extra", "two hands"):
        other = _hand(c, torch.full_like(two, .72), c.uniform(-.35, .05), pointing, c.uniform(.24, .28), mirror=-1.)
        height = torch.maximum(height, other * two)
    _, mask = c.shade(height, side)
    light, _ = c.shade(c.blur(height, .010) * .85 + c.blur(height, .03) * .6, side)        # flesh has no joints
    skin = _skin(c, s)
    body = skin * (.10 + 1.05 * light) + skin ** 2 * .10
    body = body * (.90 + .2 * c.noise(5, octaves=3))
    dark = picture.mean((2, 3), keepdim=True) * .10 + .012 + picture * .25 * (1 - smooth(0, .03, height))
    shadow = s.has("extra", "shadow")
    shown = mix(body, dark, shadow)
    picture = picture * (1 - .30 * c.blur(mask, .05) * (1 - shadow))
    return mix(picture, shown, mask)


def _hand(c: Canvas, x: Tensor, tilt: Tensor, reach: Tensor, size: Tensor, mirror: float = 1.) -> Tensor:
    """The relief of a hand: palm, thumb, four fingers in two joints each, a forearm to the edge of the picture."""
    sin, cos = torch.sin(tilt), torch.cos(tilt)
    y = .62 + 0 * x

    def at(u: Tensor | float, v: Tensor | float) -> tuple[Tensor, Tensor]:
        u = u * mirror
        return x + size * (u * cos + v * sin), y + size * (u * sin - v * cos)

    def tube(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor], r0: float, r1: float) -> Tensor:
        return c.tube(*a, *b, r0 * size, r1 * size)

    parts = [tube(at(-.02, -1.9), at(0., -.52), .30, .235), tube(at(-.16, -.25), at(-.20, .18), .20, .185),
             tube(at(.0, -.32), at(.0, .20), .23, .20), tube(at(.17, -.22), at(.21, .12), .19, .165)]
    spread = c.uniform(.06, .16)
    for i, (foot, length, width) in enumerate(((-.31, .50, .098), (-.11, .60, .102), (.10, .55, .098), (.29, .42, .086))):
        turn = (i - 1.4) * spread + c.uniform(-.05, .05)
        bend = turn * 1.2 + c.uniform(-.12, .12)
        first = length * .54 * (1 - .25 * reach * (i != 1) * c.uniform(.4, 1.6))
        second = length * .50 * (1 - .55 * reach * (i != 1))
        knuckle = at(foot, .22 + .05 * math.cos(i - 1.2))
        middle = at(foot + first * torch.sin(turn), .27 + first * torch.cos(turn))
        tip = at(foot + first * torch.sin(turn) + second * torch.sin(bend), .27 + first * torch.cos(turn) + second * torch.cos(bend))
        parts += [tube(knuckle, middle, width * 1.08, width), tube(middle, tip, width, width * .74)]
    thumb = c.uniform(.5, .95)
    joint = at(-.36 - .26 * torch.sin(thumb), -.12 + .26 * torch.cos(thumb))
    parts += [tube(at(-.20, -.28), joint, .155, .115),
              tube(joint, at(-.36 - .52 * torch.sin(thumb * .9), -.12 + .54 * torch.cos(thumb * .9)), .112, .078)]
    return torch.stack(parts).amax(0)


def body(c: Canvas, s: Scene) -> Tensor:
    """Somebody whole, walking or dancing, light on one side, the rest in shadow."""
    picture = ground_of(c, s.pigment("colour", (.44, .42, .42)) * .9 + .03)
    floor = smooth(.80, .86, c.y)
    picture = mix(picture, picture * (.72 - .25 * c.y) + .02, floor)
    dance = s.has("extra", "dancing")
    height, feet = _body(c, dance)
    _, mask = c.shade(height, torch.sign(s.place_x - .5))
    light, _ = c.shade(c.blur(height, .014) + c.blur(height, .03), torch.sign(s.place_x - .5))
    cloth = mix(s.pigment("second", (.22, .20, .22)), _skin(c, s), .45)
    pool = torch.exp(-((c.x - .5) / .22) ** 2 - ((c.y - feet) / .022) ** 2)
    picture = picture * (1 - .55 * pool)
    shown = cloth * (.03 + .95 * light ** 2.2) + picture * .05
    echo = c.warp(mask, .05 * torch.sin(c.y * 5 + c.uniform(0, 6)) + 0 * c.x, 0 * c.y + .01)
    picture = mix(picture, shown, c.blur(echo, .02) * dance * .55)
    return mix(picture, shown, c.blur(mask, .005) * (1 - .25 * dance))


def _body(c: Canvas, dance: Tensor) -> tuple[Tensor, Tensor]:
    """A standing figure of tubes, half of them in a long skirt, whose limbs swing further when it dances: relief and height of its feet."""
    tall, x = c.uniform(.62, .76), .5 + c.uniform(-.12, .12) * c.aspect
    feet = .90 + 0 * tall
    swing = .22 + .9 * dance
    hip_y = feet - tall * .50
    lean = c.uniform(-.14, .14) * swing
    neck_x, neck_y = x + lean * tall * .5, hip_y - tall * .33
    parts = [c.tube(x, hip_y, (x + neck_x) / 2, (hip_y + neck_y) / 2, tall * .078, tall * .066),
             c.tube((x + neck_x) / 2, (hip_y + neck_y) / 2, neck_x, neck_y, tall * .070, tall * .086),
             c.tube(neck_x, neck_y, neck_x + lean * .1, neck_y - tall * .10, tall * .036, tall * .034),
             c.tube(neck_x + lean * .12, neck_y - tall * .105, neck_x + lean * .14, neck_y - tall * .125, tall * .058, tall * .052)]
    skirt = (c.uniform() > .5).float()
    hem = x + lean * tall * c.uniform(-.6, .2)
    parts.append(c.tube(x, hip_y, hem, feet - tall * .14, tall * .075, tall * (.10 + .07 * dance)) * skirt)
    for side in (-1., 1.):
        thigh = side * c.uniform(.06, .30) * swing
        shin = thigh * c.uniform(.2, .9)
        kx, ky = x + side * tall * .04 + tall * .25 * torch.sin(thigh), hip_y + tall * .25 * torch.cos(thigh)
        fx, fy = kx + tall * .25 * torch.sin(shin), ky + tall * .25 * torch.cos(shin)
        parts += [c.tube(x + side * tall * .035, hip_y, kx, ky, tall * .066, tall * .045), c.tube(kx, ky, fx, fy, tall * .045, tall * .026)]
        arm = side * (c.uniform(.15, .55) + dance * c.uniform(.6, 2.2))
        fore = arm + side * dance * c.uniform(-.2, .9) - side * .1
        sx = neck_x + side * tall * .085
        ex, ey = sx + tall * .165 * torch.sin(arm), neck_y + tall * .02 + tall * .165 * torch.cos(arm)
        parts += [c.tube(sx, neck_y + tall * .02, ex, ey, tall * .034, tall * .028),
                  c.tube(ex, ey, ex + tall * .16 * torch.sin(fore), ey + tall * .16 * torch.cos(fore), tall * .028, tall * .016)]
    return torch.stack(parts).amax(0), feet


def crowd(c: Canvas, s: Scene) -> Tensor:
    """Heads and shoulders in rows towards a light, each row paler than the one before it."""
    picture = air.paint_sky(c, s)
    glow = s.sky.horizon * (.5 + .6 * s.sky.ambient) + .03
    picture = mix(picture, glow, smooth(.05, .55, c.y) * .75)
    picture = picture + torch.exp(-(c.far(s.place_x, .34) / .30) ** 2) * s.sky.light * .35 * (.4 + s.sky.ambient)
    first = c.uniform(.36, .48)
    for row in range(7):
        near = row / 6
        picture = _row(c, s, picture, glow, near, first + .50 * near**1.5)
    return picture


def _row(c: Canvas, s: Scene, picture: Tensor, glow: Tensor, near: float, line: Tensor) -> Tensor:
    """One row of people: `line` is the height of their eyes."""
    many = 17. - 12.8 * near
    du, _, chance, size = c.dots(c.x * many + c.uniform(0, 50), torch.zeros_like(c.y), .17)
    unit = (.80 + .35 * size) / many
    u, v = du / (unit * many), (c.y - line - (chance - .5) * .5 * unit) / unit
    head = smooth(1.06, .94, ((u / .20) ** 2 + (v / .265) ** 2).sqrt())
    neck = smooth(.11, .08, u.abs()) * (v > 0) * (v < .5)
    shoulders = smooth(1.05, .95, ((u / .50) ** 2 + ((v - .86) / .52) ** 2).sqrt()) + (v > .86) * smooth(.54, .48, u.abs())
    below = smooth(1.1, 1.5, v)
    arms = s.has("extra", "raised arms") * (chance > .45)
    bent = (u.abs() - .40 - .10 * torch.sin(v * 2.4 + chance * 9)).abs()
    reach = smooth(.075, .045, bent - .02 * smooth(-.6, .6, v)) * smooth(-1.02 + .4 * size, -.94 + .4 * size, v) * (v < .8) * arms
    shape = torch.stack((head, neck, shoulders.clamp(0, 1), below, reach)).amax(0)
    ink = mix(glow * .86, s.sky.zenith * .16 + .012, .12 + .85 * near)
    ink = ink * (.75 + .5 * size) + glow * .35 * torch.exp(-((v + .27) / .10) ** 2) * (1 - near) * .6
    lit = mix(ink, s.sky.light * .5, smooth(.02, .20, u * torch.sign(s.place_x - c.x)) * head * .45 * (.3 + .5 * s.sky.ambient))
    return mix(picture, lit, shape)
