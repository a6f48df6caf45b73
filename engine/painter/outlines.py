"""Things known by their outline: a bicycle against a wall, an umbrella in the street, a guitar."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.bodies import cover
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.solids import band
from engine.painter.still import dye


def bicycle(c: Canvas, s: Scene) -> Tensor:
    """A bicycle that leans against a wall of bricks or plaster, on a pavement."""
    ground, day = c.uniform(.72, .77), s.sky.light * (.22 + .80 * s.sky.ambient)
    side = torch.where(c.uniform() > .5, 1., -1.)
    size = c.uniform(.78, .84)
    picture = _wall(c, s, ground, day)
    x0, foot = .5 - .0 * side, ground + .075
    hue = dye(c, s, ((.62, .10, .08), (.10, .26, .46), (.08, .22, .16), (.07, .07, .08)))

    def at(u: float, v: float) -> tuple[Tensor, Tensor]:
        return x0 + side * u * size, foot - v * size
    wheel = .245 * size
    centres = (at(-.345, .245), at(.345, .245))
    flat = torch.exp(-((c.y - foot) / .022) ** 2) * smooth(.66 * size, .40 * size, (c.x - .5).abs())
    picture = picture * (1 - .55 * flat)
    drawn = torch.zeros_like(picture[:, :1])
    for shadow in (True, False):
        dx, dy = (-.035 * torch.sign(s.place_x - .5), .022) if shadow else (torch.zeros_like(side), 0.)
        tyre, metal, paint, leather = (torch.zeros_like(drawn) for _ in range(4))

        def bar(a: tuple[float, float], b: tuple[float, float], r: float, dx: Tensor = dx, dy: float = dy) -> Tensor:
            (ax, ay), (bx, by) = at(*a), at(*b)
            return c.limb(ax + dx, ay + dy, bx + dx, by + dy, r * size, r * size, .8)
        for cx, cy in centres:
            far, turn = c.far(cx + dx, cy + dy), torch.atan2(c.y - cy - dy, c.x - cx - dx)
            soft = 1.2 * c.pixel
            tyre = torch.maximum(tyre, smooth(.013 + soft, .013, (far - wheel).abs()))
            spoke = (torch.sin(turn * 9).abs() * far).clamp(min=0)
            metal = torch.maximum(metal, smooth(.0045 + soft, .002, spoke / 4) * (far < wheel) * .75)
            metal = torch.maximum(metal, smooth(.022, .018, far) + smooth(.006 + soft, .003, (far - wheel + .018).abs()))
        crank, seat, head, low = (-.045, .235), (-.135, .56), (.235, .60), (.260, .52)
        for a, b, r in ((crank, seat, .0125), (seat, head, .0125), (crank, low, .014), ((-.345, .245), crank, .010), ((-.345, .245), (-.125, .53), .009), (head, (.345, .245), .0115)):
            paint = torch.maximum(paint, bar(a, b, r))
        for a, b, r in ((seat, (-.150, .625), .010), (head, (.225, .675), .010), ((.225, .675), (.305, .695), .011), ((.305, .695), (.335, .655), .011), ((.225, .675), (.165, .690), .011),
                        (crank, (-.005, .150), .009), (crank, (-.085, .320), .009), ((-.035, .150), (.030, .150), .012), ((-.115, .322), (-.050, .322), .012)):
            metal = torch.maximum(metal, bar(a, b, r))
        for a, b, r in (((-.235, .640), (-.145, .640), .026), ((-.145, .640), (-.060, .632), .015), ((.315, .690), (.345, .640), .016), ((.165, .690), (.120, .675), .015)):
            leather = torch.maximum(leather, bar(a, b, r))
        gear = smooth(.055, .050, c.far(at(*crank)[0] + dx, at(*crank)[1] + dy))
        if shadow:
            whole = torch.stack((tyre, metal, paint, leather, gear)).amax(0)
            picture = picture * (1 - .42 * c.blur(whole, .008) * (.4 + .6 * s.sky.ambient))
        else:
            picture = mix(picture, c.tint(.05, .05, .055) * (.4 + day), tyre)
            picture = mix(picture, c.tint(.66, .67, .69) * day + .02, (metal + gear * .8).clamp(0, 1))
            picture = mix(picture, hue * day * 1.1, paint)
            picture = mix(picture, c.tint(.30, .17, .09) * day, leather)
    return picture


def _wall(c: Canvas, s: Scene, ground: Tensor, day: Tensor) -> Tensor:
    """A wall in the light of the hour and the pavement before it."""
    tone = mix(c.tint(.62, .34, .25), c.tint(.78, .70, .56), (c.uniform() > .5).float()) * c.uniform(.8, 1.1, 3)
    row = (c.y / .052).floor()
    u = c.x / .125 + .5 * torch.remainder(row, 2)
    joint = smooth(.03, .09, torch.minimum(torch.remainder(u, 1), 1 - torch.remainder(u, 1)) * 2.2) * smooth(.06, .16, torch.minimum(torch.remainder(c.y / .052, 1), 1 - torch.remainder(c.y / .052, 1)))
    chance = torch.remainder(torch.sin(u.floor() * 127.1 + row * 311.7) * 4375.85, 1)
    bricks = (c.uniform() > .35).float()
    stain = c.noise(3, octaves=4)
    wall = tone * (.74 + .45 * stain) * mix(torch.ones_like(joint), (.70 + .30 * joint) * (.82 + .32 * chance), bricks)
    fall = (c.x - .5) * torch.sign(s.place_x - .5)
    picture = wall * day * (.80 + .35 * fall + .15 * smooth(.9, .1, c.y))
    depth = ((c.y - ground) / (1 - ground)).clamp(0, 1)
    stones = smooth(.02, .08, (torch.remainder((c.x - .5) / (.10 + .16 * depth), 1) - .5).abs()) * smooth(.04, .12, (torch.remainder(depth * 2.6, 1) - .5).abs())
    pavement = c.tint(.46, .45, .44) * (.66 + .34 * stones) * (.75 + .45 * c.noise(20, 40, octaves=2))
    pavement = mix(pavement, c.tint(.9, .92, .95), .8 * s.has("weather", "snow"))
    return mix(picture, pavement * day, smooth(-c.pixel, c.pixel, c.y - ground))


def umbrella(c: Canvas, s: Scene) -> Tensor:
    """Somebody under a great open umbrella, from behind, in a wet street or an open place."""
    horizon = c.uniform(.60, .66)
    picture = air.paint_sky(c, s)
    for layer in range(2):
        top = horizon - (.20 - .10 * layer) * c.line(4. + 5 * layer, octaves=3, soft=False) - .03
        picture = mix(picture, mix(s.sky.horizon * .8, s.sky.zenith * .5 + .02, .4 + .3 * layer), smooth(-.004, .004, c.y - top))
    wet = c.warp(picture, (c.noise(4, 40, octaves=2) - .5) * .05, 2 * (horizon - c.y))
    stones = smooth(.02, .10, (torch.remainder((c.x - .5) * .9 / (c.y - horizon + .10).clamp(min=.03), 1) - .5).abs())
    floor = mix(c.tint(.28, .28, .30) * s.sky.light * (.3 + .6 * s.sky.ambient) * (.8 + .2 * stones), wet, .55)
    picture = mix(picture, floor, smooth(-.003, .003, c.y - horizon))
    x, size = c.across(.44, .56), c.uniform(.33, .37)
    feet = c.uniform(.92, .95)
    light = torch.where(s.place_x > x, 1., -1.)
    hue = dye(c, s, ((.76, .08, .08), (.10, .22, .52), (.88, .66, .12), (.10, .10, .11)))
    y = feet - .49                        # the lower edge of the canopy, about at the shoulders
    for body, tone in figures._BODIES["person"](c, x, feet, torch.full_like(x, .54), light):
        picture = cover(c, picture, body, body.lit(s, tone, light, .003, rim=.9), .2)
    u, v = (c.x - x) / size, (y - c.y) / size
    edge = 1.5 * c.pixel / size
    dome = 1 - (u.abs().clamp(max=1.2) ** 2.1)
    gores = 8
    angle = torch.asin(u.clamp(-.999, .999)) / math.pi + .5            # 0..1 round the front
    part = torch.remainder(angle * gores * .5, 1)
    rim = .10 * (1 - (2 * part - 1) ** 2) * dome.clamp(min=0).sqrt()   # scalloped between the ribs
    high = .80 * dome.clamp(min=0) ** .62
    canopy = smooth(-edge, edge, v - rim) * smooth(edge, -edge, v - high) * (dome > 0)
    swell = (v / high.clamp(min=.05)).clamp(0, 1)
    facing = (.50 + .45 * u * light + .30 * swell - .10 * (2 * part - 1).abs()).clamp(.1, 1.2)
    rib = smooth(.10, .02, torch.minimum(part, 1 - part)) * .35
    day = s.sky.light * (.18 + .85 * s.sky.ambient)
    shown = hue * day * facing * 1.35 * (1 - rib) + s.sky.middle * .05
    picture = picture * (1 - .35 * torch.exp(-((c.x - x) / (size * .6)) ** 2 - ((c.y - feet) / .03) ** 2))
    tip = c.limb(x, y - .78 * size, x, y - .90 * size, .008, .004)
    picture = mix(picture, c.tint(.08, .07, .07), tip)
    return mix(picture, shown, canopy)


def guitar(c: Canvas, s: Scene) -> Tensor:
    """A guitar that leans against a wall, seen whole."""
    floor = c.uniform(.80, .84)
    day = s.sky.light * (.25 + .72 * s.sky.ambient)
    wall = c.tint(.46, .43, .40) * c.uniform(.8, 1.25, 3)
    picture = wall * (.72 + .42 * c.noise(2.2, octaves=4)) * day
    window = smooth(.55, .2, ((c.x - s.place_x) * .8 + (c.y - .35) * .5).abs())
    picture = picture * (.70 + .55 * window)
    planks = smooth(.02, .07, (torch.remainder((c.x - .5) * 1.5 / (c.y - floor + .28).clamp(min=.05), 1) - .5).abs())
    boards = c.tint(.34, .21, .12) * (.6 + .4 * planks) * (.7 + .5 * c.noise(3, 30, octaves=3)) * day
    picture = mix(picture, boards, smooth(-.003, .003, c.y - floor))
    tilt, x, foot, size = c.uniform(-.16, .16), c.across(.46, .54), c.uniform(.885, .90), c.uniform(.76, .80)
    light = torch.where(s.place_x > .5, 1., -1.)

    def local(dx: Tensor | float, dy: float) -> tuple[Tensor, Tensor]:
        px, py = c.x - x - dx, foot + dy - c.y
        return (px * torch.cos(tilt) - py * torch.sin(tilt)) / size, (py * torch.cos(tilt) + px * torch.sin(tilt)) / size

    def outline(u: Tensor, v: Tensor) -> Tensor:
        """How far inside, 1 at the rim: two bouts that grow into one another."""
        low, high = (u / .225) ** 2 + ((v - .205) / .205) ** 2, (u / .168) ** 2 + ((v - .445) / .145) ** 2
        return -torch.logaddexp(-low * 4.5, -high * 4.5) / 4.5
    edge = 2.2 * c.pixel / size
    u, v = local(-.025 * light, .012)
    shadow = torch.maximum(smooth(1.05, .92, outline(u, v)), smooth(.030, .020, u.abs()) * band(v, .4, 1., .01))
    picture = picture * (1 - .50 * c.blur(shadow, .02))
    u, v = local(0., 0.)
    far = outline(u, v)
    timber = dye(c, s, ((.72, .42, .16), (.80, .54, .26), (.55, .24, .09), (.62, .34, .14)))
    grain = .80 + .35 * c.warp(c.noise(46, 2.4, octaves=2), v * .02, u * 0)
    burst = mix(torch.ones_like(far), torch.full_like(far, .42), smooth(.45, 1., far))
    gloss = torch.exp(-(((u * light - .07) + (v - .32) * .25) / .035) ** 2) * .16
    top = timber * grain * burst * day * (1.02 + .5 * u * light) + gloss * day
    body = smooth(1 + edge * 5, 1 - edge * 5, far)
    rim = smooth(.10, .03, (far - .95).abs())
    picture = mix(picture, mix(top, c.tint(.86, .80, .66) * day, rim * .55), body)
    hole = ((u / 1.) ** 2 + (v - .355) ** 2).sqrt()
    rosette = smooth(.010, .004, (hole - .082).abs()) + smooth(.008, .003, (hole - .066).abs())
    picture = mix(picture, c.tint(.10, .06, .04), rosette.clamp(0, 1) * .8)
    picture = mix(picture, c.tint(.025, .018, .014), smooth(.058 + edge, .058 - edge, hole))
    picture = mix(picture, c.tint(.12, .07, .04) * day, smooth(.075, .070, u.abs()) * band(v, .125, .152, .003))
    half = .026 - .006 * ((v - .40) / .5).clamp(0, 1)
    neck = smooth(half + edge, half - edge, u.abs()) * band(v, .405, .905, .003)
    fret = smooth(.0035, .001, (torch.remainder((1 / (1.18 - v).clamp(min=.2)) * 6.2, 1) - .5).abs() * .05)
    picture = mix(picture, mix(c.tint(.16, .09, .05), c.tint(.72, .70, .62), fret * .8) * day * (1 + .3 * u * light / .03), neck)
    head = smooth(.042 + edge, .042 - edge, u.abs() - .10 * (v - .95)) * band(v, .900, 1.0, .004)
    picture = mix(picture, timber * .55 * day, head)
    for k in range(3):
        peg = smooth(.012, .008, (v - .918 - .030 * k).abs()) * smooth(.070, .064, u.abs()) * (u.abs() > .042)
        picture = mix(picture, c.tint(.75, .72, .64) * day, peg)
    for k in range(6):
        place = (k - 2.5) * (.0072 + .0016 * (.9 - v).clamp(0, 1))
        string = smooth(1.1 * c.pixel / size, .2 * c.pixel / size, (u - place).abs()) * band(v, .138, .93, .002)
        picture = mix(picture, c.tint(.90, .86, .74) * day, string * .55)
    return picture
