"""A railway station under its roof."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import light
from engine.painter.scene import Scene
from engine.painter.solids import band
from engine.painter.streets import passer


def station(c: Canvas, s: Scene) -> Tensor:
    """A great roof of iron and glass over rails and a platform, a clock, people who wait, steam in the light."""
    vx, vy = c.across(.40, .60), c.uniform(.50, .56)
    spring, end = vy - .06, c.uniform(.20, .27)
    dx, dy = c.x - vx, c.y - vy
    wide, tall = .62 * c.aspect ** .7, .60
    vault = ((dx / wide) ** 2 + ((c.y - spring) / tall).clamp(max=0) ** 2).sqrt()
    floor = dy / .40
    near = torch.maximum(vault, floor.clamp(min=0)).clamp(min=1e-3)
    outside = air.paint_sky(c, s)
    roofs = vy - .02 - .06 * c.line(8, octaves=2, soft=False)
    outside = mix(outside, mix(s.sky.horizon, s.sky.zenith * .4, .5), smooth(-.003, .003, c.y - roofs))
    dark = s.amount("time", {"night": 1., "dusk": .7}, 0.)
    picture = _shed(c, s, outside, near, vault, dx, dy, spring, wide, tall, dark)
    on_floor = (floor >= vault).float()
    picture = mix(picture, _floor(c, s, picture, dx, dy, near, dark), on_floor * smooth(0, .004, dy))
    opening = smooth(end + .004, end - .004, vault) * (dy < .40 * end)
    leads = mix(outside, s.sky.light * (.35 + .65 * s.sky.ambient), .35)
    rails = _floor(c, s, leads, dx, dy, near.clamp(max=end), dark)
    picture = mix(picture, mix(leads, rails, .85 * (dy > .002)), opening)
    picture = _fan(c, s, picture, dx / wide, (c.y - spring) / tall, end)
    if s.any("extra", "waiting train", ""):
        shown = torch.maximum(s.has("extra", "waiting train"), s.has("extra", "") * (c.uniform() > .5))
        picture = _waiting(c, s, picture, dx, dy, dark, shown)
    glow = torch.exp(-(vault / .34) ** 2) * smooth(.45, .0, dy)
    picture = picture + s.sky.light * (.25 + .75 * s.sky.ambient) * glow * .20
    picture = _haze(c, s, picture, near)
    picture = _waiters(c, s, picture, vx, vy)
    picture = _clock(c, s, picture, vx - c.uniform(.12, .20), c.uniform(.22, .30), dark)
    ink = s.sky.zenith * .10 + .012
    picture = figures.place(c, s, picture, vy + c.uniform(.20, .30), (.30, .40), ink=ink, span=(.16, .34))
    return mix(picture, picture.flip(3), (c.uniform() > .5).float())          # the platform is right as often as left


def _shed(c: Canvas, s: Scene, outside: Tensor, near: Tensor, vault: Tensor, dx: Tensor, dy: Tensor, spring: Tensor,
          wide: float, tall: float, dark: Tensor) -> Tensor:
    """The vault: ribs, purlins and panes of dirty glass above, brick arches at the sides."""
    far = 1 / near
    turn = torch.atan2((c.y - spring) / tall,
                       dx / wide)                                  # -pi left .. 0 right, top is -pi/2
    step = torch.remainder(far * 1.9 + c.uniform(), 1)
    rib = (smooth(.16, .07, (step - .5).abs())
           + .6 * smooth(.40, .47, (step - .5).abs()) * smooth(.49, .47, (step - .5).abs()))
    pixels = vault * wide * c.height / 21              # of a pane's width: thinner ones would be noise
    purlin = smooth(.12, .05, (torch.remainder(turn * 7.0, 1) - .5).abs()) * smooth(.5, 2., pixels)
    high = smooth(-.20, -.62, torch.sin(turn))
    panes = mix(torch.full_like(turn, .76), smooth(.06, .12, (torch.remainder(turn * 21, 1) - .5).abs()),
                smooth(1.2, 3.5, pixels))
    grime = .45 + .75 * c.noise(4, 7, octaves=4)
    day = mix(s.sky.middle, s.sky.horizon, .6) * (.35 + .75 * s.sky.ambient)
    lamp_light = c.tint(1., .76, .44) * dark
    glass = day * grime * (.62 + .38 * panes) + lamp_light * .08
    depth = torch.exp(-(near - .2).clamp(min=0) / .9)
    iron = mix(s.sky.zenith * .20 + .03, c.tint(.22, .24, .24), .4) * (.35 + .8 * s.sky.ambient) + lamp_light * .10
    bricks = far * 6
    arch = (smooth(.34, .30, (torch.remainder(far * .95 + .5, 1) - .5).abs())
            * smooth(.30, .10, (-dy).clamp(min=0) / near))
    wall = (mix(c.tint(.52, .36, .28), c.tint(.56, .50, .42), c.uniform()) * (.55 + .6 * c.noise(6, octaves=3))
            * (light(s, .10, .62) + lamp_light * .35))
    wall = wall * (1 - .25 * smooth(.3, .5, (torch.remainder(bricks, 1) - .5).abs())) * (1 - .45 * arch)
    roof = mix(glass, iron, (rib * .92).clamp(0, 1))
    roof = mix(roof, iron * 1.15, purlin * .75)
    return mix(wall, roof, high) * (.74 + .55 * depth)


def _fan(c: Canvas, s: Scene, picture: Tensor, u: Tensor, v: Tensor, end: Tensor) -> Tensor:
    """The glazed gable over the open end: a half circle of bars like a fan."""
    out, turn = (u**2 + v.clamp(max=0) ** 2).sqrt() / end, torch.atan2(v, u)
    above = smooth(.02, -.02, v + .10 * end)
    bars = smooth(.10, .04, (torch.remainder(turn * 3.5, 1) - .5).abs() * out) + smooth(.03, .015, (out - .62).abs())
    rim = smooth(.06, .04, (out - 1.0).abs())
    ink = s.sky.zenith * .14 + .02
    inside = smooth(1.02, .98, out)
    picture = mix(picture, ink, (bars.clamp(0, 1) * inside * above * .8))
    return mix(picture, ink, rim * smooth(.0, -.02, v - .15))


def _floor(c: Canvas, s: Scene, picture: Tensor, dx: Tensor, dy: Tensor, near: Tensor, dark: Tensor) -> Tensor:
    """The platform (where dx is negative), its white edge, two tracks; the light of the end lies on all."""
    z = .40 / dy.clamp(min=.003)
    across = dx * z
    day = light(s, .10, .66) + c.tint(1., .76, .44) * dark * .22
    grain = c.noise(5, 16, octaves=4)
    slabs = torch.maximum(smooth(.42, .5, (torch.remainder(across * 5, 1) - .5).abs()),
                          smooth(.40, .5, (torch.remainder(z * 3.2, 1) - .5).abs()))
    stone = c.tint(.60, .56, .52) * (.70 + .5 * (grain - .2)) * (1 - .22 * slabs * smooth(.03, .2, dy)) * day
    edge = -.06
    stone = mix(stone, c.tint(.95, .92, .80) * day, band(across, edge - .055, edge - .015, .006) * .85)
    gravel = c.tint(.34, .30, .27) * (.5 + .8 * c.noise(30, 60, octaves=2)) * day * .9
    sleeper = smooth(.20, .28, (torch.remainder(z * 5.5, 1) - .5).abs())
    for middle in (.19, .62):
        bed = band(across, middle - .16, middle + .16, .01)
        gravel = mix(gravel, c.tint(.17, .13, .10) * day * (.7 + .6 * grain),
                     bed * sleeper * smooth(.02, .12, dy) * .85)
        for rail in (-.105, .105):
            steel = band(across, middle + rail - .011, middle + rail + .011, .004)
            shine = (mix(s.sky.horizon, s.sky.light, .5) * (.30 + .70 * s.sky.ambient)
                     * (.55 + .6 * torch.exp(-dy / .16)))
            gravel = mix(gravel, shine, steel * .92)
    wall = band(across, edge - .012, edge + .035, .004)
    gravel = mix(gravel, stone * .25, wall)
    ground = mix(gravel, stone, smooth(edge + .004, edge - .004, across))
    mirror = (s.sky.light * (.25 + .75 * s.sky.ambient) * torch.exp(-((dx + .02) / (.10 + .5 * dy)) ** 2)
              * torch.exp(-dy / .22))
    return ground + mirror * .42 * (.5 + .7 * grain)


def _waiting(c: Canvas, s: Scene, picture: Tensor, dx: Tensor, dy: Tensor, dark: Tensor, shown: Tensor) -> Tensor:
    """A train on the far track: its face, and its side that runs to the end of the hall."""
    z0 = c.uniform(1.5, 2.1)
    left, right = .46, .80                             # across, in the floor's measure
    u, v = dx * z0, dy * z0
    colour = s.any_pigment("colour", ("green", "red", "blue", "brown", "black")) * .55 + .03
    day = light(s, .08, .60) + c.tint(1., .76, .44) * dark * .25
    z = left / dx.clamp(min=.02)
    high = -dy * z
    flank = (smooth(z0 - .01, z0 + .01, z) * band(high, -.36, .14, .004 * z.clamp(max=9)) * (dx > 0)
             * smooth(16., 14., z))
    pane = band(high, -.10, .05, .006) * band(torch.remainder(z * .9, 1), .2, .8, .05)
    cream = mix(colour, c.tint(.88, .80, .62), .7)
    side = mix(colour, cream, band(high, -.13, .085, .006)) * day * .8
    warm = c.tint(1., .78, .42) * (.25 + .75 * dark)
    side = mix(side, mix(s.sky.middle * .25, warm, .30 + .65 * dark), pane)
    side = mix(side, side * .2, smooth(-.24, -.30, high))
    roof = band(high, .10, .145, .004)
    side = mix(side, day * .28, roof)
    picture = mix(picture, mix(side, s.sky.horizon * day, (.04 * z).clamp(0, .5)), flank * shown)
    face = band(u, left, right, .006) * band(v, -.14, .36, .006)
    arc = smooth(.006, -.006, -v - .10 - .05 * (1 - ((u - (left + right) / 2) / .17) ** 2))
    front = colour * day * (.75 + .35 * smooth(right, left, u))
    windows = (band(v, -.085, .02, .005)
               * (band(u, left + .035, left + .15, .005) + band(u, right - .15, right - .035, .005)))
    front = mix(front, mix(s.sky.horizon * .35, warm * .8, dark * .6), windows)
    front = mix(front, c.tint(.62, .10, .07) * day, band(v, .20, .25, .006))
    front = mix(front, front * .2, smooth(.255, .28, v))
    lamps = (smooth(.020, .013, ((u - left - .07) ** 2 + (v - .14) ** 2).sqrt())
             + smooth(.020, .013, ((u - right + .07) ** 2 + (v - .14) ** 2).sqrt()))
    picture = mix(picture, front, face * arc * shown)
    lamps = lamps * shown
    return (picture
            + c.tint(1., .90, .66) * (lamps * .9 + c.blur(lamps, .03) * 1.6 + c.blur(lamps, .10) * 2.5)
            * (.45 + .55 * dark))


def _haze(c: Canvas, s: Scene, picture: Tensor, near: Tensor) -> Tensor:
    """Steam under the roof, with the light in it."""
    bend = c.noise(1.8, octaves=2) - .5
    cloud = smooth(.42, .82, c.warp(c.noise(2.6, 3.2, octaves=5), bend * .3, bend * .2))
    white = mix(s.sky.horizon, s.sky.light, .5) * (.24 + .70 * s.sky.ambient)
    return mix(picture, white, cloud * (.50 - .20 * near.clamp(max=1)) * smooth(.85, .35, c.y))


def _waiters(c: Canvas, s: Scene, picture: Tensor, vx: Tensor, vy: Tensor) -> Tensor:
    """People on the platform, some far, one near."""
    ink = s.sky.zenith * .12 + .012
    for near in (.14, .19, .27, .42):
        across = -.12 - c.uniform(.05, .42)
        x, feet = vx + across * near / .40, vy + .40 * near / .40 * .62
        shape = passer(c, x, feet, near * c.uniform(.85, .98))
        bag = (c.limb(x + .20 * near, feet - .02 * near, x + .32 * near, feet - .02 * near, .05 * near, .05 * near)
               * (c.uniform() > .5))
        picture = mix(picture, mix(ink, s.sky.horizon * .7, max(0., .42 - near)), torch.maximum(shape, bag) * .93)
    return picture


def _clock(c: Canvas, s: Scene, picture: Tensor, x: Tensor, y: Tensor, dark: Tensor) -> Tensor:
    """A clock that hangs from the roof."""
    radius = c.uniform(.062, .080)
    ink = s.sky.zenith * .10 + .015
    u, v = (c.x - x) / radius, (c.y - y) / radius
    out = (u**2 + v**2).sqrt()
    soft = c.pixel / radius * 1.3
    picture = mix(picture, ink, c.limb(x, torch.zeros_like(y), x, y - radius, .006, .006) * .9)
    picture = mix(picture, ink, smooth(1.18 + soft, 1.18 - soft, out))
    face = c.tint(.96, .94, .86) * (.22 + .62 * s.sky.ambient) * (1.05 - .2 * out) + c.tint(1., .88, .60) * dark * .75
    picture = mix(picture, face, smooth(1 + soft, 1 - soft, out))
    turn = torch.atan2(v, u) / 6.28318 * 12
    marks = smooth(.16, .08, (torch.remainder(turn + .5, 1) - .5).abs()) * band(out, .78, .93, .03)
    for length, wide, angle in ((.50, .075, c.uniform(0, 6.28)), (.76, .05, c.uniform(0, 6.28))):
        marks = torch.maximum(marks,
                              c.limb(x, y, x + radius * length * torch.sin(angle),
                                     y - radius * length * torch.cos(angle), wide * radius, wide * radius * .6))
    picture = mix(picture, ink, (marks * smooth(1., .96, out)).clamp(0, 1) * .95)
    halo = torch.exp(-(out - 1.1).clamp(min=0) * 1.6)
    return picture + c.tint(1., .84, .54) * halo * dark * .16
