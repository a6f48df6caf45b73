"""Events of the sky and the earth: a great moon, lightning, an explosion."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter import air, figures, waters
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import Plane, light
from engine.painter.lands import LEAVES
from engine.painter.scene import PIGMENTS, Scene


def moon(c: Canvas, s: Scene) -> Tensor:
    """A moon far too large over the sea or the land, or two of them, clouds before it."""
    x, y, radius = c.across(.34, .66), c.uniform(.32, .44), c.uniform(.20, .31)
    s.place_x, s.place_y = x, y
    picture = air.paint_sky(c, s, bodies=False)
    dark = (1.15 - s.sky.ambient).clamp(.25, 1)
    picture = picture * (1 - .30 * dark)
    pale = mix(c.tint(.96, .93, .84), c.tint(1., .72, .42), c.uniform() ** 2 * .8)
    pale = mix(pale, s.pigment("second", (1, 1, 1)), s.has("second", *PIGMENTS) * .85)
    if s.any("light", "two moons"):
        side = torch.where(x > .5, -1., 1.)
        other = mix(pale, c.tint(.72, .80, 1.), .7)
        small = _globe(c, s, picture, x + side * c.uniform(.36, .46), y + c.uniform(-.16, .10),
                       radius * c.uniform(.30, .5), other, dark)
        picture = mix(picture, small, s.has("light", "two moons"))
    picture = _globe(c, s, picture, x, y, radius, pale, dark)
    veil = smooth(.46, .80,
                  c.warp(c.noise(1.4, 6, octaves=4), (c.noise(2, octaves=2) - .5) * .3,
                         0 * c.y + 0 * c.x)) * smooth(.1, .4, c.y)
    near = torch.exp(-(c.far(x, y) / (radius * 1.9)) ** 2)
    cloud = mix(s.sky.middle * .55, pale * .9, near * (.3 + .5 * veil) * dark + .12)
    picture = mix(picture, cloud, veil * (.62 + .3 * s.has("weather", "cloudy", "storm")))
    horizon = c.uniform(.74, .84)
    sea = waters.water(c, s, picture, horizon, .55 + .8 * s.has("weather", "storm"))
    depth = ((c.y - horizon) / (1 - horizon)).clamp(0, 1)
    glitter = (smooth(.48, .78, c.noise(14, 70, octaves=2) + .22 * (1 - depth))
               * torch.exp(-((c.x - x) / (radius * (.30 + .55 * depth))) ** 2))
    sea = sea + pale * glitter * (c.y > horizon) * (.30 + .62 * dark)
    land = _night_land(c, s, picture, horizon, pale, x, dark)
    ashore = (torch.maximum((c.uniform() > .55).float(), s.has("figure", "person", "couple", "child", "tree"))
              * (1 - s.has("figure", "boat")))
    feet = mix(horizon + c.uniform(.04, .09), horizon - .015, ashore)
    return figures.place(c, s, mix(sea, land, ashore), feet, at=(x + c.uniform(-.24, .24), c.uniform(.15, .22)))


def _globe(c: Canvas, s: Scene, picture: Tensor, x: Tensor, y: Tensor, radius: Tensor, pale: Tensor,
           dark: Tensor) -> Tensor:
    """A moon with its seas and craters, lit from one side, and its glow in the air."""
    u, v = (c.x - x) / radius, (c.y - y) / radius
    out = (u**2 + v**2).sqrt()
    w = (1 - out.clamp(max=1) ** 2).sqrt()
    bend = c.noise(3.5, octaves=3) - .5
    seas = smooth(.46, .66, c.warp(c.noise(6.5, octaves=4), bend * .22, bend * .22))
    ground = 1 - .42 * seas + .16 * (c.noise(24, octaves=3) - .5)
    for size, share in ((7., .42), (15., .5)):
        du, dv, chance, big = c.dots(u * size * .33 * (2 - w), v * size * .33 * (2 - w), .30)
        ring = (du**2 + dv**2).sqrt() / (.13 + .20 * big)
        bowl = smooth(1., .75, ring) * (chance < share)
        rim = torch.exp(-((ring - 1.) / .16) ** 2) * (chance < share)
        ground = ground + rim * .10 - bowl * .10 * (du * 2 + .6)
    side = torch.where(c.uniform() > .5, 1., -1.)
    crescent = s.has("light", "crescent")
    angle = mix(c.uniform(.25, .85), c.uniform(1.95, 2.3),
                crescent)                       # of the sun from our eye: past 1.57 only a rim is lit
    day = smooth(-.07, .17, u * side * torch.sin(angle) - v * .12 + w * torch.cos(angle))
    shine = pale * ground.clamp(.1, 1.2) * (.03 + 1.02 * day) * (.92 + .12 * w)
    body = picture * (1 - .30 * dark * (1 - .6 * crescent)) + shine * (.55 + .50 * dark)
    glow = torch.exp(-(out - 1).clamp(min=0) * 2.6) * .26 + torch.exp(-(out - 1).clamp(min=0) * 10) * .22
    picture = picture + pale * glow * dark * (1 - .55 * crescent)
    return mix(picture, body, smooth(1 + c.pixel / radius, 1 - c.pixel / radius, out))


def _night_land(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, pale: Tensor, x: Tensor, dark: Tensor) -> Tensor:
    """Hills in the moon's light, a line of firs on the nearest."""
    for layer in range(3):
        near = layer / 2
        top = horizon - .02 + .07 * layer - (.16 - .05 * layer) * c.line(1.3 + .6 * layer, octaves=4)
        if layer == 2:
            firs = (torch.remainder(c.x * 34 + 5 * c.line(3, octaves=2), 1) - .5).abs()
            top = top - (.055 - .10 * firs).clamp(min=0) * c.line(9, octaves=2) * 1.6
        body = mix(mix(s.sky.middle, pale, .25 * dark), s.sky.zenith * .22 + .012, .30 + .62 * near)
        edge = torch.exp(-(c.y - top).clamp(min=0) / .03) * torch.exp(-((c.x - x) / .5) ** 2)
        picture = mix(picture, body * (.85 + .3 * c.noise(8, 14, octaves=3)) + pale * edge * .16 * dark * (1 - near),
                      smooth(-c.pixel, c.pixel, c.y - top))
    return picture


def _walk(c: Canvas, f: float, octaves: int = 6, gain: float = .56) -> Tensor:
    """(count, 1, h, 1): a jagged way down the picture, around 0."""
    total = torch.zeros(c.count, 1, c.height, 1, device=c.device)
    amount = 1.
    for octave in range(octaves):
        knots = c.table(1, int(f * 2**octave) + 3) - .5
        total = total + amount * F.interpolate(knots, c.height, mode="linear", align_corners=True)[..., None]
        amount *= gain
    return total


def lightning(c: Canvas, s: Scene) -> Tensor:
    """Bolts from a black cloud over open fields, the cloud and the land lit for an instant."""
    horizon = c.uniform(.70, .80)
    ambient = s.sky.ambient
    flash = mix(c.tint(.80, .82, 1.), s.pigment("second", (1, 1, 1)), s.has("second", *PIGMENTS) * .6)
    x, foot = c.across(.25, .75), horizon + c.uniform(.005, .03)
    way, bolt = _bolt(c, x, foot, 1.)
    picture = (mix(mix(s.sky.zenith, s.sky.middle, .4 + 0 * c.y), s.sky.horizon, smooth(.35, .8, c.y))
               * (.16 + .42 * ambient))
    bend = c.noise(2, octaves=3) - .5
    cloud = c.warp(c.noise(2.0, 3.4, octaves=6, gain=.56), bend * .32, bend * .20)
    lower = c.warp(cloud, torch.zeros_like(cloud), torch.zeros_like(cloud) - .03)
    belly = ((cloud - lower) * 5 + .45).clamp(0, 1)
    near = torch.exp(-((c.x - way) / .26) ** 2) * smooth(.62, .0, c.y) + .75 * torch.exp(-(c.far(x, .12) / .42) ** 2)
    mass = (s.sky.middle * (.10 + .36 * ambient) * (.35 + .9 * belly)
            + flash * near * (.14 + .80 * belly) * (.35 + .75 * cloud))
    picture = mix(picture, mass, smooth(.34, .60, cloud + .32 - .62 * smooth(.15, .75, c.y)))
    picture = picture + flash * torch.exp(-((c.x - way) / .30) ** 2) * .16
    curtain = smooth(.45, .8, c.noise(5, .8, octaves=3)) * smooth(.3, .6, c.y)
    picture = mix(picture, s.sky.horizon * (.2 + .4 * ambient) + flash * .06, curtain * .30)
    picture = _struck_fields(c, s, picture, horizon, foot, x, flash)
    _, second = _bolt(c, x + torch.where(c.uniform() > .5, 1., -1.) * c.uniform(.18, .34), horizon - .01, .55,
                      branches=2)
    bolt = torch.maximum(bolt, second * .75 * (c.uniform() > .55))
    picture = picture + flash * (c.blur(bolt, .012) * .9 + c.blur(bolt, .05) * 1.5)
    picture = mix(picture, 1.25 * mix(torch.ones_like(flash), flash, .25), bolt)
    return figures.place(c, s, picture, horizon + c.uniform(.05, .14), (.12, .22))


def _bolt(c: Canvas, x: Tensor, foot: Tensor, strong: float, branches: int = 6) -> tuple[Tensor, Tensor]:
    """One stroke that ends at (x, foot): its way (count, 1, h, 1) and its core (count, 1, h, w)."""
    walk = _walk(c, 3.5) * .26
    row = (foot * c.height).long().clamp(0, c.height - 1)
    lean = c.uniform(-.28, .28)
    way = x + walk - torch.gather(walk, 2, row) + lean * (foot - c.y)
    core = _stroke(c, way, torch.zeros_like(foot) - .1, foot, .0040 * strong)
    for _ in range(branches):
        start = c.uniform(.08, .50)
        at = torch.gather(way, 2, (start * c.height).long().clamp(0, c.height - 1))
        small = _walk(c, 6) * .16
        small = small - torch.gather(small, 2, (start * c.height).long().clamp(0, c.height - 1))
        out = torch.where(c.uniform() > .5, 1., -1.) * c.uniform(.35, 1.3)
        twig = _stroke(c, at + small + out * (c.y - start), start, start + c.uniform(.08, .26), .0020 * strong)
        core = torch.maximum(core, twig * .85)
    return way, core


def _stroke(c: Canvas, way: Tensor, top: Tensor, end: Tensor, width: float) -> Tensor:
    """A jagged line from `top` to `end` that narrows."""
    slope = torch.gradient(way, dim=2)[0] * c.height
    far = (c.x - way).abs() / (1 + slope**2).sqrt()
    inside = smooth(-.004, .004, c.y - top) * smooth(.004, -.004, c.y - end)
    taper = width * (1 - .55 * ((c.y - top) / (end - top)).clamp(0, 1))
    return (.5 + (taper - far) / (1.2 * c.pixel)).clamp(0, 1) * inside


def _struck_fields(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, foot: Tensor, x: Tensor,
                   flash: Tensor) -> Tensor:
    """Ploughed land to a line of woods, brightest where it was struck."""
    plane = Plane(c, horizon)
    earth = mix(s.pick("season", {**LEAVES, "winter": (.8, .82, .86)}, (.36, .40, .18)), c.tint(.62, .52, .26),
                c.uniform() * .7)
    woods = horizon - .012 - .035 * c.line(4, octaves=4) - .02 * c.line(30, octaves=2)
    pool = torch.exp(-(((c.x - x) / .42) ** 2 + ((c.y - foot) / .16) ** 2))
    picture = mix(picture, s.sky.zenith * .12 + flash * .05 * pool, smooth(-c.pixel, c.pixel, c.y - woods))
    rows = torch.sin((c.x - .5 - c.uniform(-.5, .5)) * plane.away * 26) * .5 + .5
    grass = plane.lay(c.noise(30, octaves=3, size=(256, 256)), .5)
    ground = earth * (.45 + .45 * grass + .32 * rows * smooth(.04, .3, plane.depth))
    body = ground * (light(s, .04, .36) + flash * (.10 + .85 * pool))
    return mix(picture, body, plane.below)


def explosion(c: Canvas, s: Scene) -> Tensor:
    """A ball of fire that turns into smoke, or a mushroom cloud, over the plain it lights."""
    horizon = c.uniform(.80, .87)
    picture = air.paint_sky(c, s)
    x = c.across(.40, .60)
    mushroom = s.has("extra", "mushroom cloud")
    fire = mix(c.tint(1., .62, .24), s.pigment("second", (1, 1, 1)), s.has("second", *PIGMENTS) * .7)
    centre = mix(c.uniform(.46, .54), c.uniform(.26, .34), mushroom)
    glow = torch.exp(-(c.far(x, centre) / .40) ** 2)
    picture = picture * (1 - .35 * smooth(.2, .9, c.y)) + fire * glow * .35
    hills = horizon - .05 * c.line(2, octaves=4) - .012 * c.line(20, octaves=2)
    picture = mix(picture, s.sky.middle * .30 + fire * .22 * torch.exp(-((c.x - x) / .4) ** 2),
                  smooth(-c.pixel, c.pixel, c.y - hills))
    plane = Plane(c, horizon)
    earth = c.tint(.34, .28, .22) * (.5 + .7 * plane.lay(c.noise(24, octaves=4, size=(256, 256)), .6))
    pool = torch.exp(-((c.x - x) / (.30 + .25 * plane.depth)) ** 2) * (1 - .6 * plane.depth)
    picture = mix(picture, earth * (light(s) * .7 + fire * pool * 1.3), plane.below)
    picture = _debris(c, picture, x, mix(centre, horizon, .35), fire, 1 - mushroom)
    bend = c.noise(2.2, octaves=3) - .5
    puffs = 1 - c.warp(c.ridges(4.2, octaves=5, gain=.56), bend * .20, bend * .20)       # round above, creased between
    coarse = c.noise(2.6, octaves=3) - .5
    ball = _ball(c, x, centre, horizon, coarse)
    if s.any("extra", "mushroom cloud"):
        ball = mix(ball, _mushroom(c, x, centre, horizon, coarse), mushroom)
    body = ball + (puffs - .38) * .62
    mask = smooth(.0, .16, body)
    veil = smooth(-.55, .25, ball + (coarse + bend) * .5) * smooth(.25, .75, c.noise(4, octaves=4) + .12)
    picture = mix(picture, c.tint(.36, .31, .28) * light(s, .2, .6) + fire * glow * .16, veil * .62)
    heat = (ball * 1.15 - .18 + 1.5 * (.34 - puffs) + .10 * coarse
            - .35 * smooth(centre + .02, centre - .34, c.y)).clamp(0, 1.3)
    picture = mix(picture, _fireball(c, s, puffs, body, heat, fire), mask)
    picture = picture + c.blur(fire * heat * mask, .06) * .55
    dust = (smooth(.42, .75, c.noise(5, 9, octaves=4) + .45 * torch.exp(-((c.y - horizon - .01) / .035) ** 2) - .1)
            * torch.exp(-((c.y - horizon - .005) / .05) ** 2))
    picture = mix(picture, c.tint(.50, .40, .32) * light(s) * .8 + fire * .30 * pool,
                  dust * smooth(.62, .25, (c.x - x).abs()) * .9)
    return figures.place(c, s, picture, c.uniform(.92, .97), (.10, .17))


def _ball(c: Canvas, x: Tensor, y: Tensor, horizon: Tensor, coarse: Tensor) -> Tensor:
    """How deep inside a ball of fire with smoke over it, 0 at its skin."""
    radius = c.uniform(.27, .34)
    up = (y - c.y).clamp(min=0)
    wide = radius * (1.12 - .30 * up / radius * .5)
    ball = 1 - (((c.x - x) / wide) ** 2 + ((c.y - y) / (radius * (1.05 + .28 * (c.y < y)))) ** 2).sqrt()
    foot = 1 - ((c.x - x).abs() / (radius * .95)) - ((c.y - horizon).abs() / .16)
    return torch.maximum(ball, foot * .8) + coarse * .55


def _mushroom(c: Canvas, x: Tensor, y: Tensor, horizon: Tensor, coarse: Tensor) -> Tensor:
    """How deep inside a cap, its stem and the cloud at its foot."""
    wide, tall = c.uniform(.30, .38), c.uniform(.15, .19)
    below = (c.y > y).float()
    cap = 1 - (((c.x - x) / wide) ** 2 + ((c.y - y) / (tall * (1 - .38 * below))) ** 2).sqrt()
    t = ((c.y - y) / (horizon - y)).clamp(0, 1)
    stem = ((1 - (c.x - x).abs() / (.085 + .05 * (1 - t) ** 3 + .16 * t ** 5)) - 3 * smooth(.1, -.05, c.y - y)
            - 3 * smooth(-.02, .03, c.y - horizon))
    ring = 1 - (((c.x - x) / (wide * .52)) ** 2 + ((c.y - y - tall * 1.25) / .035) ** 2).sqrt()
    foot = 1 - (((c.x - x) / (wide * .95)) ** 2 + ((c.y - horizon) / .075) ** 2).sqrt()
    return torch.stack((cap, stem * .8, ring * .6, foot * .7)).amax(0) + coarse * .32


def _fireball(c: Canvas, s: Scene, puffs: Tensor, body: Tensor, heat: Tensor, fire: Tensor) -> Tensor:
    """Smoke lit from outside by the hour, from inside by its fire."""
    dx, dy = (torch.gradient(c.blur(body, .011), dim=axis)[0] * c.height for axis in (3, 2))
    facing = (.45 + (.5 * dx * torch.sign(.5 - s.place_x) + .7 * dy) * .10).clamp(0, 1.1)
    smoke = (mix(c.tint(.50, .43, .38), c.tint(.30, .27, .27), c.uniform())
             * (light(s, .16, .85) * (.10 + .95 * facing) + .02) * (.55 + .7 * puffs))
    red, yellow, white = smooth(.04, .40, heat), smooth(.24, .72, heat), smooth(.62, 1.15, heat)
    flame = (fire * c.tint(1., .36, .16) * red * .85 + fire * c.tint(.25, .72, .55) * yellow * .9
             + white * c.tint(.4, .5, .5))
    return smoke * (1 - .75 * red) + flame


def _debris(c: Canvas, picture: Tensor, x: Tensor, y: Tensor, fire: Tensor, shown: Tensor) -> Tensor:
    """Burning pieces thrown out, each with its trail of smoke."""
    for i in range(9):
        turn = c.uniform(-2.9, -.25)
        near, far = c.uniform(.16, .26), c.uniform(.38, .60)
        dx, dy = torch.cos(turn), torch.sin(turn)
        x0, y0, x1, y1 = x + dx * near, y + dy * near, x + dx * far, y + dy * far + .06 * dx.abs()
        trail = c.limb(x0, y0, x1, y1, .012, .003, soft=4.)
        picture = mix(picture, mix(c.tint(.30, .26, .24), fire * .9, .25 + .5 * (i % 2)), trail * shown * .75)
        picture = picture + fire * c.limb(x1, y1, x1 + dx * .008, y1 + dy * .008, .005, .003) * shown
    return picture
