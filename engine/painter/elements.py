"""Elements: fire, cosmos, abstract matter."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import figures
from engine.painter.air import starfield
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import PIGMENTS, Scene


def flames(c: Canvas, width: float = 1., height: float = 1.) -> tuple[Tensor, Tensor]:
    """Fire that rises from the lower edge: its light (count, 3, h, w) and its heat (count, 1, h, w)."""
    bend = c.noise(2.6, octaves=3) - .5
    up = (1 - c.y) / height
    sway, lift = bend * (.08 + .34 * up.clamp(0, 1)), bend * .30
    tongues = c.warp(c.noise(6, 1.5, octaves=4, gain=.55), sway, lift)
    sheets = c.warp(1 - (2 * c.noise(4.5, 1.3, octaves=2) - 1).abs(), sway * 1.3, lift)          # where two flames fold
    middle = c.across(.38, .62)
    shape = torch.exp(-((c.x - middle + sway * .5) / ((.17 + .28 * c.y * c.uniform(.5, 1)) * width)) ** 2)
    heat = shape * 1.25 * (1.20 - up * c.uniform(.80, 1.15)) + (tongues - .5) * 1.9 * (.30 + up) + (sheets - .62) * .9 * shape * (.25 + up)
    heat = heat.clamp(0, 1.4)
    light = torch.cat((smooth(.14, .55, heat), smooth(.36, .98, heat) * .88, smooth(.80, 1.40, heat) * .72), 1)
    return light, heat


def fire(c: Canvas, s: Scene) -> Tensor:
    """Flames, or embers under a dark sky of smoke; blue, green or violet when the word was said."""
    light, _ = flames(c, c.aspect ** .5 * 1.1, 1.)
    embers = s.has("extra", "embers")
    low = smooth(.35, .95, c.y) * (.35 + c.noise(6, 9, octaves=3) * 1.1)
    coals = torch.cat((smooth(.42, .72, low), smooth(.60, .98, low) * .62, smooth(.85, 1.25, low) * .4), 1)
    cracks = smooth(.70, .95, c.ridges(5, 8, octaves=3)) * smooth(.45, .8, c.y)
    picture = mix(light, light * .35 * smooth(.2, .9, c.y) + coals * .85 + cracks * c.tint(1., .5, .15) * .5, embers)
    smoke = c.warp(c.noise(1.8, 2.4, octaves=4), c.noise(3, octaves=2) * .25, c.noise(3, octaves=2) * .25)
    ground = c.tint(.10, .055, .045) * (.4 + smoke) + s.sky.middle * .16 * smooth(.8, 0., c.y)
    thick = smooth(.36, .74, smoke) * (.10 + .55 * s.has("extra", "smoke"))
    picture = picture + ground + c.tint(.62, .50, .44) * thick * smooth(1., .2, c.y) * .75
    sparks = c.table(3, 70)
    points = c.splat((sparks[:, 0] - .5) * c.aspect + .5, sparks[:, 1] ** .8, .3 + .7 * sparks[:, 2])
    picture = picture + (points + c.blur(points, .010) * 5) * c.tint(1., .58, .2) * .9
    glow = c.blur(picture, .12)
    picture = picture + glow * .28
    hue = _hue(c, s, picture)
    return figures.place(c, s, hue, c.uniform(.93, .99), (.34, .5), ink=hue.new_full((1, 3, 1, 1), .02))


def _hue(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """Flames of another colour keep their white heart."""
    said = s.has("colour", *[name for name in PIGMENTS if name not in ("orange", "golden")])
    heat = picture.amax(1, keepdim=True)
    colour = s.pigment("colour", (1, .5, .1))
    other = mix(colour * smooth(.02, .75, heat) * 1.15, torch.ones_like(picture), smooth(.95, 1.6, picture.mean(1, keepdim=True)) * .7)
    picture = mix(picture, other, said * .92)
    return mix(picture, picture * c.tint(1.05, 1.12, .8), s.has("colour", "golden"))


def cosmos(c: Canvas, s: Scene) -> Tensor:
    """Nebulae and stars, a galaxy, or a planet in their light."""
    one = s.any_pigment("colour", ("violet", "blue", "red", "turquoise", "pink", "golden"))
    two = s.any_pigment("second", ("blue", "violet", "orange", "turquoise", "pink"))
    two = mix(two, one, .75 * s.has("second", "") * (1 - s.has("colour", "")))
    bend = c.noise(1.8, octaves=3) - .5
    cloud = c.warp(c.noise(2, octaves=5), bend * .5, bend * .5)
    other = c.warp(c.noise(2.6, octaves=5), bend * .4, -bend * .4)
    angle = c.uniform(0, 3.14)
    along = (c.x - .5) * torch.cos(angle) + (c.y - .5) * torch.sin(angle)
    band = torch.exp(-(along / c.uniform(.22, .42)) ** 2)
    dust = smooth(.60, .82, c.ridges(2.4, octaves=4)) * band * .7
    picture = one * smooth(.38, .86, cloud) * (.22 + band) * 1.25 + two * smooth(.46, .88, other) * (.12 + band) * 1.1
    picture = (picture + (.6 * one + .4) * torch.exp(-(along / .12) ** 2) * smooth(.4, .9, cloud) * .35) * (1 - dust) + one * .045 + .012
    picture = _galaxy(c, s, picture, one, two) if s.any("extra", "galaxy") else picture
    picture = picture + starfield(c, 420) * (1 - .35 * dust)
    return _planet(c, s, picture, one) if s.any("extra", "planet") else picture


def _galaxy(c: Canvas, s: Scene, picture: Tensor, one: Tensor, two: Tensor) -> Tensor:
    angle, tilt = c.uniform(0, 3.14), c.uniform(.35, .8)
    u = (c.x - .5) * torch.cos(angle) + (c.y - .5) * torch.sin(angle)
    v = ((c.y - .5) * torch.cos(angle) - (c.x - .5) * torch.sin(angle)) / tilt
    radius, turn = (u**2 + v**2).sqrt() + 1e-4, torch.atan2(v, u)
    arms = torch.cos(2 * turn - 5.2 * torch.log(radius + .03) + (c.noise(5, octaves=3) - .5) * 3) * .5 + .5
    disk = torch.exp(-radius / .16)
    body = one * arms ** 1.5 * disk * 2.2 + two * disk * .5 + c.tint(1., .9, .75) * torch.exp(-(radius / .07) ** 2) * 1.1
    return mix(picture, picture * .25 + body, s.has("extra", "galaxy"))


def _planet(c: Canvas, s: Scene, picture: Tensor, one: Tensor) -> Tensor:
    x, y, radius = c.across(.3, .7), c.uniform(.35, .65), c.uniform(.16, .30)
    u, v = (c.x - x) / radius, (c.y - y) / radius
    height = (1 - u**2 - v**2).clamp(min=0).sqrt()
    light = (u * c.uniform(-.9, .9) - v * .35 + height * .55).clamp(0, 1)
    bands = c.noise(1.2, 9, octaves=3) * .6 + c.noise(6, octaves=3) * .4
    body = mix(one, torch.ones_like(one), bands * .5) * light * (.55 + .8 * bands) + one * .03
    body = body + one * (1 - height) ** 3 * light * .8
    return mix(picture, body, smooth(1.01, .985, (u**2 + v**2).sqrt()) * s.has("extra", "planet"))


def abstract(c: Canvas, s: Scene) -> Tensor:
    """Matter in two colours: marble, smoke, cells, veins, a gradient, waves."""
    one, two = s.any_pigment("colour", tuple(PIGMENTS)), s.any_pigment("second", tuple(PIGMENTS))
    bend = c.noise(2, octaves=4) - .5
    other = c.noise(3, octaves=4)
    matter = {"": smooth(.25, .75, c.warp(other, bend * .5, bend * .5)), "smoke": smooth(.35, .75, c.warp(other, bend * .75, bend * .75)),
              "marble": (torch.sin((c.x + c.y * .5) * 9 + bend * 17) * .5 + .5) ** 2,
              "gradient": smooth(-.1, 1.1, mix((c.x - .5) / c.aspect + .5 + 0 * c.y, c.y + 0 * c.x, c.uniform()) + bend * .5),
              "veins": smooth(.72, .95, c.warp(c.ridges(2.2, octaves=3), bend * .25, bend * .25)),
              "ripples": torch.sin(c.y * 26 + bend * 15 + torch.sin(c.x * 5 + c.uniform(0, 6)) * 2) * .5 + .5}
    share = sum((value * s.has("extra", name) for name, value in matter.items()), torch.zeros_like(bend))
    if s.any("extra", "cells"):
        share = share + cells(c, 5.5, bend) * s.has("extra", "cells")
    light = .78 + .5 * (c.warp(share, torch.full_like(share, .02), torch.full_like(share, .02)) - share)
    return mix(one * .92 + .02, two, share.clamp(0, 1)) * (light + .25 * c.noise(5, octaves=3)).clamp(.3, 1.4)


def cells(c: Canvas, scale: float, bend: Tensor) -> Tensor:
    """Round bodies pressed against one another, 1 at their walls: the distance to the nearest of scattered points."""
    count = int(scale * scale * 1.3 * c.aspect)
    points = c.table(count, 2)
    px = ((points[:, :, :1, None] - .5) * c.aspect * 1.1 + .5)           # (count, n, 1, 1)
    py = points[:, :, 1:, None] * 1.1 - .05
    far = ((c.x + bend * .10 - px) ** 2 + (c.y + bend * .10 - py) ** 2).sqrt()
    two = far.topk(2, dim=1, largest=False).values
    return smooth(.075, .005, two[:, 1:] - two[:, :1]) * .85 + smooth(.10, .0, two[:, :1]) * .35
