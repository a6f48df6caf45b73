"""Where land meets the sea: a beach, an island, a cave."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures, waters
from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.ground import TREES, Plane, foliage, leafy, light, rock, stone
from engine.painter.lands import lit
from engine.painter.scene import Scene
from engine.painter.shores import hills


def beach(c: Canvas, s: Scene) -> Tensor:
    """Sand and surf: the waves come in obliquely, foam on wet sand that holds the sky, open sea behind."""
    horizon = c.uniform(.30, .42)
    sky = air.paint_sky(c, s)
    rough = .75 + .8 * s.has("weather", "storm")
    sea = waters.water(c, s, sky, horizon, rough)
    plane = Plane(c, horizon, .05)
    side = torch.where(c.uniform() > .5, 1., -1.)
    # distance to the water's edge across the beach, in the world: negative is sea
    lay = ((c.x - .5) * side * plane.away * c.uniform(.30, .55) - c.uniform(.75, 1.0) * plane.away ** .62
           + c.uniform(1.20, 1.50))
    lay = lay + (c.line(2.2, octaves=3) - .5) * .20 + .10 * torch.sin(plane.away * 2.2 + c.uniform(0, 6))
    near = plane.depth
    shallow = mix(c.tint(.20, .72, .70), c.tint(.32, .62, .66), c.uniform()) * light(s, .12, .85)
    sea = mix(sea, shallow * (.8 + .3 * c.noise(4, 22, octaves=3)),
              smooth(-1.6, -.1, lay) * smooth(.0, .12, near) * .62)
    curl = plane.lay(c.noise(18, octaves=4, size=(256, 256)), .5)
    lace = smooth(.62, .90, plane.lay(c.ridges(16, octaves=3, size=(256, 256)), .62))
    white = c.tint(.98, .99, 1.) * (.28 + .78 * s.sky.ambient) * mix(s.sky.light, torch.ones_like(s.sky.light), .4)
    sea = _surf(c, sea, lay, near, curl, lace, shallow, white)
    grain, swell = plane.lay(c.noise(60, octaves=2, size=(256, 256)),
                             1.), plane.lay(c.noise(5, octaves=4, size=(128, 128)), .5)
    sand = mix(c.tint(.86, .72, .52), c.tint(.95, .86, .70), c.uniform()) * (.76 + .30 * swell + .16 * (grain - .5))
    sand = lit(s, sand, .55 + .6 * (swell - .3)) * 1.12
    wet = smooth(.55, .08, lay + (swell - .5) * .25)
    mirror = c.blur(c.warp(sky, torch.zeros_like(lay), 2 * (horizon - c.y)), .02)
    sand = mix(sand, sand * .50 + mirror * .42, wet * .85)
    ground = mix(sea, sand, smooth(-.02, .03, lay))
    edge = torch.exp(-((lay - .015 - .03 * (curl - .5)) / .035) ** 2)
    ground = mix(ground, white, edge * (.5 + .5 * lace) * .85)
    ground = ground * (1 - .22 * torch.exp(-((lay - .09) / .04) ** 2))
    picture = mix(sky, ground, plane.below)
    if s.any("extra", "palms"):
        x, foot = .5 + side * c.uniform(.28, .42) * c.aspect, c.uniform(.82, .95)
        shape, glow = palm(c, s, x, foot, c.uniform(.66, .80), -side * c.uniform(.10, .30))
        picture = mix(picture, glow, shape * s.has("extra", "palms"))
    return figures.place(c, s, picture, horizon + (1 - horizon) * c.uniform(.56, .74),
                         at=(.5 + side * c.uniform(.04, .24) * c.aspect, c.uniform(.20, .28)))


def _surf(c: Canvas, sea: Tensor, lay: Tensor, near: Tensor, curl: Tensor, lace: Tensor, shallow: Tensor,
          white: Tensor) -> Tensor:
    """Four rows of breakers, each with its shade before and its lace behind."""
    waves = torch.zeros_like(lay)
    for place, wide in ((-.10, .10), (-.52, .11), (-1.05, .09), (-1.8, .10)):
        part = (lay + place * -1. + (curl - .5) * .22 + .10 * (c.line(1.5, octaves=2) - .5)) / wide
        shade = torch.exp(-((part + 1.9) / 1.1) ** 2)
        sea = mix(sea, sea * .55 + shallow * .18, shade * .6)
        breaker = (torch.exp(-((part - .3) / .75) ** 2)
                   + .75 * lace * smooth(.3, 1.2, part) * torch.exp(-(part.clamp(min=0) / 4.2)))
        waves = torch.maximum(waves, breaker.clamp(0, 1) * (.6 + .6 * curl))
    return mix(sea, white * (.80 + .3 * curl), waves.clamp(0, 1) * smooth(.005, .05, near))


def palm(c: Canvas, s: Scene, x: Tensor, foot: Tensor, tall: Tensor, lean: Tensor,
         fronds: int = 9) -> tuple[Tensor, Tensor]:
    """A palm: a bent trunk and fronds whose leaves hang, with light on them: mask (count, 1, h, w) and colour."""
    v = (foot - c.y) / tall
    width = tall * (.027 - .012 * v.clamp(0, 1))
    u = (c.x - x - lean * tall * v.clamp(0, 1) ** 1.7) / width
    sun = torch.sign(s.place_x - .5)
    trunk = smooth(1.15, .85, u.abs()) * smooth(0, .01, v) * smooth(1.0, .985, v)
    bark = (.65 + .45 * u * sun).clamp(.2, 1.2) * (.86 + .14 * torch.sin(v * 90))
    top_x, top_y = x + lean * tall, foot - tall
    crown, lit_ = torch.zeros_like(trunk), torch.zeros_like(trunk)
    for i in range(fronds):
        side = 1. if i % 2 else -1.
        up = 1 - 2 * (i // 2) / (fronds // 2)                                # 1 the highest pair, -1 the lowest
        reach, rise = tall * c.uniform(.34, .46) * (1 - .30 * abs(up)), .35 + .95 * up + c.uniform(-.15, .15)
        t = (c.x - top_x) * side / reach
        fall = .55 + .35 * (1 - up) + c.uniform(0, .3)
        # under the rib, in its own length
        below = (c.y - top_y) / reach + rise * t - (rise * .55 + fall) * t * t.clamp(min=0)
        teeth = .60 + .40 * torch.sin(t * 62 - below * 26 + 5 * i)
        hang = (.05 + .34 * torch.sin((t.clamp(0, 1) * 3.1) ** .85)) * teeth
        leaf = (smooth(hang, hang * .7, below) * smooth(-.035, -.012, below)
                * (smooth(-.01, .02, t) * smooth(1.0, .95, t)))
        crown = torch.maximum(crown, leaf)
        lit_ = mix(lit_, .50 + .55 * smooth(.14, 0., below) + .25 * side * sun + .18 * up, leaf)
    green = s.pick("season", {"autumn": (.52, .44, .14)}, (.22, .42, .14)) * light(s, .10, .95)
    glow = mix(c.tint(.48, .38, .28) * light(s) * bark, green * lit_.clamp(.2, 1.4), crown)
    return torch.maximum(trunk, crown), glow


def island(c: Canvas, s: Scene) -> Tensor:
    """One island in the sea: rocks or palms on a beach of its own, and its image in the water."""
    horizon = c.uniform(.54, .66)
    picture = air.paint_sky(c, s)
    x, half = c.across(.38, .62), c.uniform(.26, .38)
    u = (c.x - x) / half
    rocky = s.has("extra", "rocks")
    palms = (1 - rocky) * (1 - s.has("extra", "trees")) if s.any("extra", "palms", "") else torch.zeros_like(rocky)
    dome = (1 - u.abs().clamp(max=1) ** 1.9)
    crags = c.line(4, octaves=5)
    peak = torch.exp(-((u - c.uniform(-.35, .35)) / .40) ** 2)
    height = (dome ** .8
              * mix(.045 + .06 * crags, .035 + .33 * peak * (.45 + .75 * crags) + .10 * crags,
                    mix(rocky, torch.ones_like(rocky), .18)))
    top = horizon + .012 - height * smooth(1., .93, u.abs())
    facing, grain = rock(c, s, 7, 5, 1.2)
    green = s.pick("season", TREES, (.20, .40, .14))
    up = (c.y - top) / height.clamp(min=.01)
    cover = smooth(.42, .58, c.noise(9, octaves=3) + .35 * (.45 - up) - .15 * rocky)
    body = stone(c, s, mix(c.tint(.46, .40, .35), green, cover * .85), facing, grain)
    sand = lit(s, c.tint(.93, .83, .62), .7 + .3 * grain)
    body = mix(body, sand, smooth(.020, .012, horizon + .012 - c.y) * (1 - .6 * rocky))
    inside = smooth(-c.pixel, c.pixel, c.y - top) * smooth(1.0, .985, u.abs())
    haze = .08 + .3 * s.has("weather", "fog")
    picture = _grove(c, s, picture, x, half, horizon, green, haze) if s.any("extra", "trees", "") else picture
    picture = mix(picture, mix(body, s.sky.horizon, haze), inside)
    for _ in range(4):
        if palms.any():
            place = c.uniform(-.62, .62)
            shape, glow = palm(c, s, x + place * half, horizon - .005 - .02 * (1 - place.abs()),
                               half * c.uniform(.65, 1.15), torch.sign(place) * c.uniform(.05, .35), fronds=7)
            picture = mix(picture, mix(glow, s.sky.horizon, haze), shape * palms)
    sea = waters.water(c, s, picture, horizon + .010, .42 + .9 * s.has("weather", "storm"))
    surf = torch.exp(-((c.y - horizon - .016) / .005) ** 2) * smooth(1.08, .98, u.abs()) * c.noise(30, 4, octaves=2)
    sea = sea + surf * luma(light(s)) * .8
    return figures.place(c, s, sea, horizon + c.uniform(.12, .22), (.14, .22))


def _grove(c: Canvas, s: Scene, picture: Tensor, x: Tensor, half: Tensor, horizon: Tensor, green: Tensor,
           haze: Tensor) -> Tensor:
    """The trees on an island."""
    leaves = c.noise(20, octaves=4)
    sunny, crowns = torch.zeros_like(leaves), torch.zeros_like(leaves)
    for i in range(5):
        place = (i - 2) / 2.6 + c.uniform(-.1, .1)
        size = half * c.uniform(.28, .5) * (1.15 - place.abs())
        on, mask = foliage(c, s, x + place * half, horizon + .012 - half * .06, size * .55, size, leaves)
        sunny, crowns = mix(sunny, on, mask), torch.maximum(crowns, mask)
    return mix(picture, mix(leafy(s, green, sunny), s.sky.horizon, haze), crowns * s.has("extra", "trees", ""))


def cave(c: Canvas, s: Scene) -> Tensor:
    """From inside a cave: a torn mouth of light, the sea or a valley outside, wet stone towards us."""
    horizon = c.uniform(.50, .60)
    sky = air.paint_sky(c, s)
    sea = waters.water(c, s, sky, horizon, .6 + 0 * horizon)
    valley = hills(c, s, sky, horizon + .12, .34)
    outside = mix(valley, sea, (s.has("extra", "sea view") + s.has("extra", "") * (c.uniform() > .5)).clamp(0, 1))
    outside = outside * (1.15 + .25 * s.sky.ambient) + .04 * s.sky.light
    x, y = c.across(.42, .58), c.uniform(.44, .52)
    turn = torch.atan2(c.y - y, c.x - x)
    bend = c.noise(2.2, octaves=4) - .5
    torn = c.noise(7, octaves=4) - .5
    wide, tall = c.uniform(.28, .36) * c.aspect ** .7, c.uniform(.26, .34)
    lower = smooth(0., .25, c.y - y)
    far = (((c.x - x) / wide).abs() ** 2.2 + ((c.y - y) / (tall * (1 + .25 * lower))).abs() ** 2.2) ** (1 / 2.2)
    far = far + bend * .55 + torn * .24 - .10 * torch.sin(turn * 3 + 6 * bend)
    teeth = c.line(9, octaves=3)
    far = far + smooth(.50, .80, teeth) * .5 * smooth(.05, -.35, c.y - y)
    mouth = smooth(1.02, .98, far)
    _, grain = rock(c, s, 3.2, 3.2, 1.2)
    ray = torch.exp(-(far - 1).clamp(min=0) * 2.0)
    toward = (torch.gradient(grain, dim=3)[0] * (x - c.x) + torch.gradient(grain, dim=2)[0] * (y - c.y)) * c.height
    glow = (.35 - toward * 2.2).clamp(0, 1.4)
    colour = mix(c.tint(.66, .44, .28), c.tint(.46, .44, .50), c.uniform())
    day = mix(outside.mean((2, 3), keepdim=True) * 1.2, light(s, .3, .9), .45)
    floor = smooth(.66, .86, c.y + bend * .1)
    walls = colour * (.022 + day * (.06 + 1.05 * ray ** 1.6 * (.20 + .95 * glow))) * (.55 + .7 * grain)
    rim = torch.exp(-((far - 1.015) / .030) ** 2)
    walls = walls + colour * day * rim * .65 * (.3 + grain)
    pool = c.warp(outside, bend * .05 + (c.noise(4, 30, octaves=2) - .5) * .04, 2 * (.80 - c.y))
    walls = mix(walls, walls * .6 + pool * .32,
                floor * smooth(.45, .65, c.noise(3, 9, octaves=3)) * torch.exp(-((c.x - x) / .4) ** 2))
    picture = mix(walls, outside, mouth)
    beam = torch.exp(-(far / 1.1) ** 2)
    picture = picture + day * beam * .10
    ink = picture.mean((2, 3), keepdim=True) * .06
    return figures.place(c, s, picture, y + tall * c.uniform(.95, 1.15), (.18, .28), ink=ink, span=(.38, .62))
