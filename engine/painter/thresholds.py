"""What one looks through or into: a door ajar, a mirror, a wall of screens."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.skins import FLAME, WOOD, Grain, boards, chances, standing, turned, wood
from engine.painter.solids import World, band


def door(c: Canvas, s: Scene) -> Tensor:
    """A door ajar in a dark room; the light behind it lies across the floor."""
    grain = Grain(c)
    w = World(c, (c.uniform(-.7, .3), c.uniform(1.35, 1.6), -1.4), c.uniform(-.02, .06), c.uniform(-.08, -.05), c.uniform(1.36, 1.55))
    paint = s.pigment("colour", (.40, .34, .29), .3)
    wall = mix(c.tint(.46, .45, .44), c.tint(.52, .46, .38), c.uniform()) * c.uniform(.8, 1.2)
    timber = c.tint(*WOOD) * c.uniform(.7, 1.2, 3)
    light = mix(mix(s.sky.light, c.tint(*FLAME), s.amount("time", {"night": .9, "dusk": .7, "noon": .1}, .35)), s.pigment("second", (1, 1, 1)), .85 * (1 - s.has("second", "")))
    strong = s.amount("time", {"night": .75, "dusk": .8, "noon": 1.5, "dawn": 1.2, "sunset": 1.2}, 1.)

    def plaster(p: Tensor, n: Tensor) -> Tensor:
        shown = wall * (.74 + .45 * grain(p[:, :1] * .35 + p[:, 2:] * .35, p[:, 1:2] * .35))
        return mix(shown, boards(grain, p[:, :1], p[:, 2:], timber * 1.2), (n[:, 1:2] > .5).float())
    w.shell((-2.6, 0, -2.5), (2.6, 2.9, 7.), plaster)
    half, tall = .52, 2.12
    for low, high in (((-2.6, 0, 3.), (-half, 2.9, 3.14)), ((half, 0, 3.), (2.6, 2.9, 3.14)), ((-half, tall, 3.), (half, 2.9, 3.14))):
        w.box(low, high, lambda p, n: wall * (.74 + .45 * grain(p[:, :1] * .35 + 1, p[:, 1:2] * .35)))
    frame = mix(paint, c.tint(.80, .77, .72), .35)
    for low, high in (((-half - .11, 0, 2.95), (-half + .01, tall + .11, 3.16)), ((half - .01, 0, 2.95), (half + .11, tall + .11, 3.16)), ((-half - .11, tall, 2.95), (half + .11, tall + .11, 3.16))):
        w.box(low, high, wood(grain, frame, 1))
    for side in (-1., 1.):
        w.box((side * (half + .11), 0, 2.97), (side * 2.6, .16, 3.), frame * .8, casts=False)
    ajar = torch.maximum(c.uniform(.40, 1.0), 1.05 * (1 - s.has("figure", "")))

    def leaf(p: Tensor, n: Tensor) -> Tensor:
        shown = paint * (.72 + .45 * grain(p[:, :1] * 3 + 2, p[:, 1:2] * .35))
        for low, high in ((-.84, -.12), (.06, .84)):
            u, v = p[:, :1].abs(), p[:, 1:2]
            panel = band(u, .07, .40, .012) * band(v, low, high, .012)
            inner = band(u, .11, .36, .012) * band(v, low + .04, high - .04, .012)
            shown = shown * (1 - .42 * (panel - inner).clamp(min=0)) * (1 + .06 * inner)
        return shown
    mx, mz = half - half * torch.cos(ajar), 3.0 - half * torch.sin(ajar)
    w.box((mx - half, .02, mz - .025), (mx + half, tall - .02, mz + .025), leaf, turn=-ajar)
    kx, kz = half - (2 * half - .10) * torch.cos(ajar), 3. - (2 * half - .10) * torch.sin(ajar)
    brass = c.tint(.80, .62, .30)
    w.ball((kx - .05 * torch.sin(ajar), 1.04, kz - .06 * torch.cos(ajar) * 0 - .05), (.036, .036, .036), brass)
    w.air(mix(wall, s.sky.light, .5) * (.09 + .30 * s.sky.ambient), .5)
    w.lamp((-.9, 2.0, .3), mix(s.sky.light, light, .35) * (.30 + 1.15 * s.sky.ambient), 2.0, soft=.4)
    w.lamp((c.uniform(-.5, .1), c.uniform(1.6, 2.1), 4.9), light * strong * 3.4, 2.4, soft=.12)
    w.lamp((0., 1.3, 5.5), light * strong * 1.4, 1.8, shadows=False)
    w.lamp((-.25, 1.2, 2.75), light * strong * .28, 1.1, shadows=False)
    picture = w.picture()
    inside = smooth(3.2, 3.4, (w.eye + w.depth * w.rays)[:, 2:])
    picture = mix(picture, picture * .6 + light * strong * .62, inside * .75)
    s.place_x, s.place_y = w.project((-.15, 1.2, 3.))
    s.place_y = s.place_y - .12
    glare = c.blur(inside, .03) * .30 + c.blur(inside, .09) * .34
    picture = picture + light * strong * glare * (.8 + .4 * c.noise(3, octaves=2)) * (1 - inside * .6)
    shown = standing(w, s, picture, (-.16, 0., 3.45), .10)
    return turned(c, s, mix(picture, shown, inside))


def screens(c: Canvas, s: Scene) -> Tensor:
    """Walls of glowing screens, each with another programme, their light on the floor, somebody before them."""
    w = World(c, (c.uniform(-.5, .5), c.uniform(1.5, 1.8), -2.2), c.uniform(-.14, .14), c.uniform(-.0, .04), c.uniform(1.12, 1.3))
    steel = c.tint(.10, .105, .12)
    w.shell((-2.7, 0, -3.), (2.7, 5., 4.2), steel * 1.4)
    p = w.eye + w.depth * w.rays
    side = w.normal[:, :1].abs()
    along = torch.lerp(p[:, :1] + 30, p[:, 2:] * torch.sign(p[:, :1]) + 90, side)
    wide = c.uniform(1.0, 1.55)
    tall = wide * .76
    u, v = along / wide, (p[:, 1:2] - .30) / tall
    shown = (w.normal[:, 1:2].abs() < .5) * (v > 0) * (v < ((4.9 - .3) / tall).floor())
    x, y = torch.remainder(u, 1) - .5, torch.remainder(v, 1) - .5
    corner = ((x.abs() / .46) ** 8 + (y.abs() / .45) ** 8)
    glass = smooth(1.1, .85, corner) * shown
    bezel = smooth(1.9, 1.6, corner) * shown
    light = _programmes(c, s, u, v, x, y) * (1 - .30 * corner.clamp(max=1))
    alive = (chances(u, v, 9.) > .07).float()
    flicker = .75 + .75 * chances(u, v, 7.)
    glow = light * glass * alive * flicker
    w.colour = mix(w.colour, steel * .6, bezel)
    w.glow = glow * 1.25 + steel * .05 * glass
    mean = glow.mean((2, 3), keepdim=True) * 4
    w.air(mean * .22 + .012, .3)
    for z in (1.2, 3.4):
        w.lamp((0, 1.7, z), mean * .9, 1.4, shadows=False)
    picture = w.picture()
    _, line = w.project((0, 0, 4.2))
    floor = (w.normal[:, 1:2] > .5).float()
    mirrored = c.warp(picture, (c.noise(3, 30, octaves=2) - .5) * .02, 2 * (line - c.y) + .0 * c.x)
    picture = picture + c.blur(mirrored, .012) * floor * .42 * smooth(1.15, .2, (c.y - line) / .5)
    picture = picture + c.blur(glow, .03) * .30 + c.blur(glow, .10) * .22
    return standing(w, s, picture, (0., 0., 2.4), .10)


def _programmes(c: Canvas, s: Scene, u: Tensor, v: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """What runs on each screen (x, y within it, -.5 .. .5): snow, bars, a sea, a head, a trace, a street."""
    what, hue, taste = chances(u, v), chances(u, v, 2.), chances(u, v, 4.)
    turn = hue * 6.2832
    tint = torch.cat((.55 + .45 * torch.cos(turn), .55 + .45 * torch.cos(turn - 2.1), .62 + .38 * torch.cos(turn - 4.2)), 1)
    tint = mix(mix(c.tint(.42, .66, 1.), tint, .55), s.pigment("second", (1, 1, 1)), .8 * (1 - s.has("second", "")))
    tint = mix(tint, s.pigment("colour", (1, 1, 1)), .75 * (1 - s.has("colour", "")))
    static = .5 + (chances(x * 46 + u.floor() * 7, y * 40 + v.floor() * 3) - .5) * min(1., c.height / 224)       # of single pixels only where there are many
    bars = torch.cat([(torch.remainder(((x + .5) * 7).floor() / 2**k, 2) >= 1).float() * .8 + .15 for k in range(3)], 1)
    sky = smooth(-.1, .5, y)
    horizon = -.10 + .2 * taste
    sea = torch.where(y > horizon, .45 + .5 * sky, .22 + .3 * torch.sin(y * 90 + 8 * torch.sin(x * 9)).clamp(min=0))
    sun = torch.exp(-(((x - .2 + .4 * taste) ** 2 + (y - .18) ** 2) / .008))
    head = smooth(.22, .18, ((x / .8) ** 2 + ((y - .06) / 1.1) ** 2).sqrt() * 1.0) + smooth(.38, .33, ((x / 1.) ** 2 + ((y + .52) / 1.) ** 2).sqrt())
    face = .75 - .68 * head.clamp(0, 1) + .25 * smooth(.1, .0, ((x - .08) ** 2 + (y - .10) ** 2).sqrt())
    beat = .16 * torch.sin(x * (20 + 30 * hue) + taste * 9) * torch.exp(-(x / .3) ** 2)
    trace = torch.exp(-((y - beat) / .030) ** 2) + .10
    blocks = (chances(x * 9 + u.floor() * 5, 1., 3.) * .75 - .4 > y).float()
    street = .55 * smooth(-.5, .5, y) * (1 - blocks) + blocks * (chances(x * 26, y * 22) > .72) * min(.9, c.height / 224) + .06
    picture = static * tint * .8
    for low, high, shown in ((.16, .26, bars * (.6 + .4 * tint)), (.26, .46, (sea + sun) * tint), (.46, .64, face * tint), (.64, .78, trace * tint), (.78, 1., street * tint)):
        picture = torch.lerp(picture, shown.expand_as(picture), ((what >= low) * (what < high)).float().expand_as(picture))
    lines = .88 + .12 * torch.sin(y * 2 * math.pi * 22) * min(1., c.height / 224)
    return picture * lines
