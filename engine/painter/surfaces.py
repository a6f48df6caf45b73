"""Surfaces: rain on glass, water from above, handwriting, lights out of focus."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.scene import Scene


def bokeh(c: Canvas, s: Scene, lit: Tensor) -> Tensor:
    """Lamps so far out of focus that they are discs, over the last of the sky: (count, 3, h, w)."""
    picture = mix(s.sky.zenith, s.sky.horizon, smooth(0, .6, c.y)) * (.55 + .5 * s.sky.ambient)
    street = smooth(.50, .75, c.y + (c.noise(2, octaves=2) - .5) * .2)
    picture = mix(picture, picture * .42 + .015, street)
    named = s.any_pigment("second", ("golden", "orange", "red", "turquoise", "white"))
    for size, share in ((4.5, .5), (7., .55), (11., .5)):
        du, dv, chance, hue = c.dots(c.x * size, c.y * size + c.uniform(0, 9), .24)
        disc = smooth(.255, .215, (du**2 + dv**2).sqrt() / (.55 + .45 * hue)) * (chance < share)
        height = torch.exp(-((c.y - .55) / .26) ** 2)
        warm = mix(c.tint(1., .72, .34), named, (hue > .45).float() * .9)
        warm = mix(warm, c.tint(1., .22, .14), (hue < .12).float() * s.has("second", ""))
        picture = picture + warm * disc * height * lit * (.28 + .5 * hue)
    return picture


def lights(c: Canvas, s: Scene) -> Tensor:
    """A street at night, out of focus, or the traces of its cars."""
    dark = 1.25 - .75 * s.sky.ambient
    picture = bokeh(c, s, .55 + dark)
    if s.any("extra", "traces"):
        vx, vy = c.across(.35, .65), c.uniform(.40, .5)
        turn = torch.atan2(c.x - vx, (c.y - vy).abs() + .02)
        below = smooth(.0, .10, c.y - vy)
        bend = .35 * c.uniform(-1, 1) * (c.y - vy)
        strands = sum(torch.exp(-((turn + bend - c.uniform(-1.1, 1.1)) / c.uniform(.010, .035)) ** 2) * mix(c.tint(1., .20, .08), c.tint(1., .88, .62), (c.uniform() > .5).float()) for _ in range(11))
        picture = mix(picture, picture * .45 + strands * below * .9 + c.blur(strands * below, .04) * .35, s.has("extra", "traces"))
    return picture


def glass(c: Canvas, s: Scene) -> Tensor:
    """Drops on a window; the world behind is soft, and upside down in every drop."""
    world = bokeh(c, s, .35 + .9 * (1 - s.sky.ambient).clamp(min=0.) + s.has("light", "lamp", "neon") * .4)
    roofs = .62 - .22 * (c.noise(5, 1.2, octaves=2) - .3)
    world = mix(world, s.sky.zenith * .20 + .02, smooth(-.02, .02, c.y - roofs) * .55)
    picture = c.blur(world, .035) * .92 + .03
    height = torch.zeros_like(luma(picture))
    for size, share in ((6.5, .55), (12., .5), (22., .5)):
        du, dv, chance, scale = c.dots(c.x * size, c.y * size * .86 + c.uniform(0, 9), .22)
        wobble = 1 + .25 * (c.noise(9, octaves=2) - .5)
        far = (du**2 + (dv * (.92 - .18 * (dv < 0))) ** 2) / ((.12 + .16 * scale) * wobble) ** 2
        drop = (1 - far).clamp(min=0) * (chance < share)
        flipped = c.warp(world, -du * 3.2 / size * 2.2, -dv * 3.2 / size * 2.2)
        lens = flipped * (1.05 - .55 * dv.clamp(-.3, .3) * 3) + .05
        picture = mix(picture, lens, smooth(0, .22, drop))
        shine = torch.exp(-(((du + .05) ** 2 + (dv + .07) ** 2) / .0016)) * (chance < share)
        picture = picture + shine * (.25 + .5 * s.sky.ambient)
        picture = picture * (1 - .35 * smooth(.0, .10, drop) * smooth(.28, .12, drop))
        height = torch.maximum(height, drop)
    du, dv, chance, _ = c.dots(c.x * 9 + .05 * torch.sin(c.y * 14), c.y * 1.3 + c.uniform(0, 9), .3)
    trail = smooth(.11, .05, du.abs()) * smooth(.45, .0, dv.abs()) * (chance > .62)
    return mix(picture, world * .9 + .04, trail * .6)


def water(c: Canvas, s: Scene) -> Tensor:
    """Water from above: light that bends in it, rings where something fell, deep or shallow."""
    bend = c.noise(1.6, octaves=3) - .5
    squeeze = 1 + .9 * c.y
    net = c.warp(c.ridges(3.2, 4.2, octaves=3, gain=.45), bend * .22, bend * .22)
    waves = c.warp(c.noise(3.5, 7, octaves=4), bend * .25, bend * .1)
    rings = s.has("extra", "rings")
    if s.any("extra", "rings"):
        far = torch.sqrt((c.x - s.place_x) ** 2 + ((c.y - .5) * 1.7) ** 2)
        ripple = torch.sin(far * c.uniform(50, 75)) * torch.exp(-far * 3.4)
        waves = waves + rings * ripple * .30
    slope = torch.gradient(waves, dim=2)[0] * c.height * .11 + torch.gradient(waves, dim=3)[0] * c.height * .05
    deep = s.pigment("colour", (.05, .36, .46))
    deep = mix(deep, s.sky.middle, .28) * (.30 + .65 * s.sky.ambient)
    shallow = mix(deep, torch.ones_like(deep), .30) * (.55 + .5 * s.sky.ambient)
    picture = mix(deep * .62, shallow, (.5 + slope * .8 + bend * .6 - .18 * squeeze + .2).clamp(0, 1))
    light = mix(s.sky.light, s.pigment("second", (1, 1, 1)), .85 * (1 - s.has("second", "")))
    caustic = smooth(.62, .95, net) * (.25 + .75 * s.has("extra", "caustics", ""))
    picture = picture + light * caustic * .42 * (.25 + .75 * s.sky.ambient) * (1 - rings * .6)
    glint = smooth(.55, 1.0, slope) * torch.exp(-((c.x - s.place_x) / .35) ** 2)
    return picture + light * glint * .75


def writing(c: Canvas, s: Scene) -> Tensor:
    """Lines of a hand that cannot be read, in ink on paper or in chalk on slate."""
    paper = s.pigment("colour", (.90, .84, .70))
    slate = s.has("extra", "chalk") + s.has("colour", "black") * (1 - s.has("extra", "chalk"))
    paper = mix(paper * .92 + .06, paper * .16 + .04, slate)
    picture = paper * (.84 + .26 * c.noise(2, octaves=4)) * (1 - .14 * smooth(.3, .75, c.ridges(1.2, octaves=2)))
    stain = smooth(.62, .75, c.noise(1.8, octaves=3)) * .16
    picture = picture * (1 - stain * c.tint(.6, .9, 1.3))
    fold = c.uniform(.3, .7)
    picture = picture * (1 - .10 * torch.exp(-((c.y - fold) / .006) ** 2) + .06 * torch.tanh((c.y - fold) * 40))
    ink = mix(s.pigment("second", (.10, .09, .20)), s.pigment("second", (.88, .88, .84)), slate)
    lines = _strokes(c, s)
    soft = F.avg_pool2d(F.pad(lines, (1, 1, 1, 1)), 3, 1)
    drawn = (lines * .35 + soft * 1.9 * max(1., 128 / c.height)).clamp(0, 1) * (.65 + .35 * c.noise(3, octaves=2))
    level = (.42 + .58 * s.sky.ambient).clamp(max=1.)
    beam = 1.1 - .5 * (c.x - s.place_x).abs() / c.aspect
    return mix(picture, ink, drawn * .92) * level * beam


def _strokes(c: Canvas, s: Scene) -> Tensor:
    """Loops and letters along lines, with gaps for words, as splatted curves: (count, 1, h, w)."""
    drawn = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    rows = 7
    many = int(900 * c.aspect * max(1., c.height / 128))
    t = torch.linspace(0, 1, many, device=c.device)[None]
    letters = F.interpolate(c.table(3, 48), many, mode="linear", align_corners=True)
    lean, big = c.table(1) * .5 + .1, .020 + .012 * c.table(1)
    for row in range(rows):
        shift = 97 * row % many
        wild = torch.roll(letters, shift, 2)
        phase = t * 2 * math.pi * 19 * c.aspect + wild[:, 0] * 5
        up = torch.sin(phase) * (.30 + .8 * wild[:, 1])
        tall = (wild[:, 2] > .72) * torch.sin(phase).clamp(min=0) * 1.1
        y = .13 + .118 * row + .012 * torch.sin(t * 5 + row) - (up + tall) * big
        x = (t - .5) * .82 * c.aspect + .5 + big * .55 * torch.cos(phase) + lean * (up + tall) * big
        words = (torch.remainder(t * (7 + row % 3) * c.aspect + .35 * wild[:, 1], 1) > .20) * (t < .55 + .5 * torch.remainder(wild[:, 1, :1] * 7, 1))
        drawn = torch.maximum(drawn, c.splat(x, y, words.float()))
        if s.any("extra", "crossed out"):
            struck = (torch.remainder(wild[:, 2] * 5, 1) > .5).float()
            drawn = torch.maximum(drawn, c.splat(x, .13 + .118 * row + .004 * torch.sin(t * 60) + 0 * x, struck) * s.has("extra", "crossed out"))
    return drawn


