"""Places with a story: tree and roots, ruins, ship, road, sky, double exposure."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, elements, figures, lands, living, towns, waters
from engine.painter.bodies import blades_before, shine
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene


def tree(c: Canvas, s: Scene) -> Tensor:
    """One great tree, bare or in leaf, and sometimes what it has under the ground."""
    picture = air.paint_sky(c, s)
    sky, roots = s.sky, s.has("extra", "roots")
    ground = mix(c.uniform(.80, .88), c.uniform(.50, .58), roots)
    soil = mix(c.tint(.26, .17, .10), s.pick("season", lands.LEAVES, (.22, .30, .12)) * .8, (1 - roots) * .8)
    line = ground + .02 * (c.line(2, octaves=3) - .5)
    grain = .55 + .6 * c.noise(5, 9, octaves=4) - .25 * (c.y - ground).clamp(min=0)
    picture = mix(picture, soil * grain * sky.light * (.22 + .70 * sky.ambient), smooth(-.004, .004, c.y - line))
    x = c.across(.38, .62)
    branches = _branches(c, x, line.mean(3, keepdim=True) + .01, -1., .23 - .09 * roots, levels=6)
    if s.any("extra", "roots"):
        below = _branches(c, x, line.mean(3, keepdim=True) - .01, 1., c.uniform(.12, .15), levels=5, spread=1.25)
        branches = torch.maximum(branches, below * roots)
    light, mask = c.shade(branches, torch.sign(s.place_x - .5))
    mask = mask * (1 - smooth(.004, .014, c.y - line) * (1 - roots))
    under = smooth(-.005, .005, c.y - line) * roots
    bark = mix(c.tint(.24, .18, .14), c.tint(.58, .45, .32), under)
    picture = mix(picture, bark * (.10 + .9 * light) * sky.light * (.20 + .75 * sky.ambient) + .008, mask)
    leafy = s.has("extra", "leaves") + s.has("season", "spring", "summer", "autumn") * (1 - s.has("extra", "leaves"))
    if leafy.any():
        picture = mix(picture, _crown(c, s, picture, mask * (c.y < ground - .16), line.mean(3, keepdim=True)), leafy)
    return figures.place(c, s, picture, ground + c.uniform(.02, .05), (.14, .22))


def _crown(c: Canvas, s: Scene, picture: Tensor, twigs: Tensor, ground: Tensor) -> Tensor:
    """Leaves in clumps around the twigs, lit from the sun's side, with sky between them; in autumn some lie on the
    ground."""
    light = torch.where(s.place_x > .5, 1., -1.)
    clumps = c.noise(6, octaves=4, gain=.6)
    around = (c.blur(twigs, .10) * 11).clamp(max=1)
    shape = smooth(.44, .56, around * .80 + (clumps - .5) * .95) * smooth(.0, .12, ground - .10 - c.y)
    fine = c.noise(64, octaves=2, gain=.8)
    leaves = shape * smooth(.30, .52, fine + .55 * shape - .12)
    relief = (clumps - c.warp(clumps, torch.full_like(clumps, .030) * light, torch.full_like(clumps, -.035))) * 3.6
    key = (.46 + relief + .35 * (c.x - .5) * light + .5 * (.45 - c.y)).clamp(.04, 1.15)
    colour = s.pick("season", lands.LEAVES, (.24, .44, .14)) * (.55 + .85 * fine) * (1 + .25
            * (c.noise(9, octaves=2) - .5) * c.tint(1.6, .2, -.6))
    lit = colour * (s.sky.light * key * (.25 + 1.05 * s.sky.ambient) + mix(s.sky.zenith, s.sky.middle, .5) * .28) + .006
    fallen = smooth(.70, .78, fine) * s.has("season", "autumn") * smooth(.0, .02,
            c.y - ground) * torch.exp(-((c.x - .5) / .3) ** 2)
    return mix(picture, lit, (leaves * .96 + fallen * .8).clamp(0, 1))


def _branches(c: Canvas, x: Tensor, y: Tensor, way: float, length: Tensor | float, levels: int,
              spread: float = 1.) -> Tensor:
    """The relief of a tree that forks `levels` times, upwards (way -1) or down: every fork by chance, no two alike."""
    length = length * c.uniform(.85, 1.15)
    parts: list[Tensor] = []
    tips = [(x, y, c.uniform(-.12, .12), length, length * .12)]
    for _ in range(levels):
        grown = []
        for x0, y0, turn, reach, thick in tips:
            x1, y1 = x0 + reach * torch.sin(turn), y0 + way * reach * torch.cos(turn)
            parts.append(c.tube(x0, y0, x1, y1, thick, thick * .68))
            for side in (-1., 1.):
                fork = turn * .92 + side * spread * c.uniform(.18, .62)
                grown.append((x1, y1, fork, reach * c.uniform(.64, .88), (thick * .66).clamp(min=.0022)))
        tips = grown
    return torch.stack(parts).amax(0)


def ruins(c: Canvas, s: Scene) -> Tensor:
    """Walls with empty arches or standing columns, open to the sky, grass at their feet."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.60, .72)
    hills = horizon - .07 * c.line(1.5, octaves=3)
    earth = s.pick("season", lands.LEAVES, (.40, .38, .24))
    picture = mix(picture, mix(s.sky.horizon, earth * s.sky.light * s.sky.ambient, .35),
                  smooth(-.004, .004, c.y - hills))
    for near in (0., 1.):
        picture = _wall(c, s, picture, horizon + .14 * near, near)
    line = horizon + .16 + .03 * (c.line(4, octaves=3) - .5)
    meadow = c.noise(3, 9, octaves=3)
    ground = earth * (.45 + .5 * meadow + .5 * c.noise(60, 18, octaves=2))
    picture = mix(picture, shine(s, ground, .25 + .6 * meadow, torch.full_like(meadow, .5)),
                  smooth(-.01, .01, c.y - line))
    for fall in (.015, .10):
        picture = blades_before(c, s, picture, earth * (1.15 - 2 * fall), line + fall, .04)
    return figures.place(c, s, picture, horizon + c.uniform(.20, .28), (.16, .26))


def _wall(c: Canvas, s: Scene, picture: Tensor, foot: Tensor, near: float) -> Tensor:
    """A row of arches (or columns) whose upper edge time has eaten."""
    width, tall = c.uniform(3.2, 4.6) * (1.25 - .5 * near), c.uniform(.30, .46) * (.72 + .38 * near)
    u = torch.remainder(c.x * width + c.uniform(0, 9), 1) - .5
    v = (foot + .06 - c.y) / tall
    broken = .52 + .62 * c.line(1.8, octaves=2) - .22 * c.line(14, octaves=2)
    wall = smooth(.012, -.012, v - broken.clamp(max=1.02)) * (c.line(.9, octaves=2) > .36)
    soft = 2 * c.pixel * width
    arch = smooth(.30 + soft, .30 - soft, u.abs()) * smooth(.52, .50, v) + smooth(.30 + soft, .30 - soft,
            (u**2 + ((v - .5) * tall * width) ** 2).sqrt()) * (v >= .5)
    columns = s.has("extra", "columns")
    shaft = smooth(.20 + soft, .20 - soft, u.abs()) * smooth(.02, -.02, v - (.35 + .75 * broken)) + smooth(.27, .25,
            u.abs()) * smooth(.06, .04, v.abs() - .04)
    beam = smooth(.02, .0, (v - .98).abs() - .06) * (broken > .84)
    shape = mix(wall * (1 - arch.clamp(0, 1)), torch.maximum(shaft.clamp(0, 1), beam), columns)
    course = v * 11
    joint = torch.remainder(u * 5 + .5 * torch.remainder(course.floor(), 2) + .3 * torch.sin(course.floor() * 7.1),
                            1) - .5
    mortar = torch.maximum(smooth(.40, .49, (torch.remainder(course, 1) - .5).abs()),
                           smooth(.42, .49, joint.abs()) * (1 - columns))
    worn = c.noise(9, octaves=3)
    block = torch.frac(torch.sin(course.floor() * 12.99 + (u * 5 * (1 - columns) + .5).floor() * 78.2) * 437.5).abs()
    flutes = columns * .16 * torch.cos(u / .20 * 14) * (u.abs() < .22)
    stone = c.tint(.70, .62, .50) * (.55 + .42 * worn + .20 * block + .16 * (c.noise(40, octaves=2) - .5)) * (1 - .34
            * mortar * (1 - .5 * columns) + flutes)
    moss = smooth(.55, .8, worn + .35 * (.35 - v)) * .5
    stone = mix(stone, s.pick("season", lands.LEAVES, (.30, .36, .18)) * .7, moss)
    side = torch.sign(s.place_x - c.x)
    round_ = mix(1 + .25 * side * smooth(.24, .34, u.abs()) * torch.sign(u), 1 + 1.6 * u.clamp(-.25, .25) * side,
                 columns)
    lit = stone * s.sky.light * (.18 + .70 * s.sky.ambient) * round_ * (.72 + .35 * v)
    return mix(picture, mix(mix(s.sky.horizon, lit, .55), lit, near), shape)


def ship(c: Canvas, s: Scene) -> Tensor:
    """A ship at sea: under sail, or a liner with its smoke."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.56, .68)
    x, size, side = c.across(.36, .64), c.uniform(.26, .36), torch.where(c.uniform() > .5, 1., -1.)
    u, v = (c.x - x) / size * side, (horizon + .012 - c.y) / size
    liner = s.has("extra", "liner")
    soft = 1.5 * c.pixel / size
    sheer = .155 + .05 * u.abs() ** 2 + .07 * smooth(.35, 1.1, u)
    hull = smooth(soft, -soft, -u - .90 - .22 * v + .25 * (.1 - v).clamp(min=0)) * smooth(soft, -soft,
            u - .84 - 1.05 * v) * smooth(soft, -soft, v - sheer) * smooth(-soft, soft, v)
    light = s.sky.light * (.15 + .80 * s.sky.ambient)
    ink = s.sky.zenith * .18 + .012
    haze = c.uniform(0, .22) + .20 * s.has("weather", "fog")
    sails, cloth = _rigging(c, u, v, soft)
    decks, lamps = _decks(u, v, soft)
    smoke = smooth(.40, .75, c.warp(c.noise(2.5, 3.5, octaves=4), (c.noise(2, octaves=2) - .5) * .3,
                                    c.noise(2, octaves=2) * .1))
    plume = torch.exp(-((v - .62 - .22 * (-u).clamp(min=0) ** .8) / (.05 + .16
            * (-u + .2).clamp(min=.0))) ** 2) * (u < .25)
    picture = mix(picture, ink * 1.6 + s.sky.horizon * .12, (plume * smoke * 1.3).clamp(0, 1) * liner * .85)
    canvas_light = c.tint(.93, .86, .74) * light * (.55 + .6 * cloth)
    picture = mix(picture, mix(canvas_light, s.sky.horizon, haze), sails * (1 - liner) * .96)
    white = c.tint(.86, .85, .82) * light
    picture = mix(picture, mix(white, s.sky.horizon, haze), decks * liner)
    picture = picture + lamps * liner * c.tint(1., .80, .45) * (1.1 - s.sky.ambient).clamp(0, 1)
    paint = mix(c.tint(.11, .12, .16), c.tint(.26, .12, .09),
                (c.uniform() > .6).float()) * (.75 + .5 * c.noise(30, 9, octaves=2))
    paint = mix(paint, c.tint(.42, .12, .08), smooth(.035, .028, v)) * (1 - .55
            * torch.exp(-((v - .66 * sheer) / .008) ** 2))
    flank = paint * (light * (.40 + 1.6 * v) + s.sky.middle * .35) + ink * .6
    gunwale = torch.exp(-((v - sheer + .008) / .007) ** 2)
    picture = mix(picture, mix(flank + gunwale * light * .35, s.sky.horizon, haze * .8), hull)
    return waters.water(c, s, picture, horizon, s.amount("extra", {"sails": .7, "liner": .7}, .7) + .9
                        * s.has("weather", "storm"))


def _rigging(c: Canvas, u: Tensor, v: Tensor, soft: Tensor) -> tuple[Tensor, Tensor]:
    """Three masts with square sails, and how the light lies in the cloth."""
    shape, cloth = torch.zeros_like(u + v), torch.zeros_like(u + v)
    for mast, tall in ((-.55, 1.05), (.0, 1.25), (.52, 1.0)):
        shape = torch.maximum(shape, smooth(soft * 1.2, 0, (u - mast).abs() - .008) * smooth(tall, tall - .02, v)
                              * (v > .1))
        for foot, top, half in ((.22, .50, .27), (.52, .78, .22), (.80, .98, .15)):
            part = (v / tall * 1.15 - foot) / (top - foot)
            belly = .10 * torch.sin(part.clamp(0, 1) * 3.14)
            across = (u - mast - belly) / (half * (1.08 - .22 * part))
            sail = smooth(1 + soft * 4, 1 - soft * 4, across.abs()) * smooth(-.02, .04, part) * smooth(1.02, .96, part)
            shape, cloth = torch.maximum(shape, sail), torch.maximum(cloth, sail * (.5 + .4 * across + .25 * part))
    return shape, cloth


def _decks(u: Tensor, v: Tensor, soft: Tensor) -> tuple[Tensor, Tensor]:
    """The white storeys and funnels of a liner, and its lit portholes."""
    decks = torch.zeros_like(u + v)
    for low, high, half in ((.14, .27, .72), (.27, .37, .60), (.37, .45, .42)):
        decks = torch.maximum(decks, smooth(soft, -soft, u.abs() - half) * smooth(soft, -soft, v - high)
                              * (v > low - .05))
    for place in (-.26, .02, .30):
        decks = torch.maximum(decks, smooth(soft, -soft, (u - place - .08 * (v - .5)).abs() - .065)
                              * smooth(soft, -soft, v - .66) * (v > .4))
    rows = smooth(.55, .9, torch.cos(u * 70)) * smooth(.6, .9,
                                                       torch.cos((v - .205)
                                                               * 62)) * (v > .16) * (v < .36) * (u.abs() < .58)
    return decks, rows


def road(c: Canvas, s: Scene) -> Tensor:
    """A road to the horizon, with its line, poles and wires along it."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.46, .58)
    far = horizon - .05 * c.line(2, octaves=4) * c.uniform(.2, 1.4)
    earth = s.pick("season", {**lands.LEAVES, "winter": (.85, .87, .90)}, (.42, .40, .24))
    sky = s.sky
    light = sky.light * (.22 + .78 * sky.ambient)
    picture = mix(picture, mix(sky.horizon, earth * light, .30), smooth(-.004, .004, c.y - far))
    depth = ((c.y - horizon) / (1 - horizon)).clamp(min=1e-3)
    bend = c.uniform(-.5, .5)
    middle = c.across(.42, .58) + bend * (1 - depth) ** 2 * .5 - bend * .5 * (1 - depth).clamp(0, 1) * 0
    ground = earth * light * (.60 + .55 * c.noise(4, 14, octaves=4))
    picture = mix(picture, mix(mix(sky.horizon, earth * light, .5), ground, depth ** .5),
                  smooth(-.003, .003, c.y - horizon))
    across = (c.x - middle) / (.006 + .42 * depth)
    asphalt = mix(c.tint(.26, .26, .28), sky.horizon, .28 + .4 * s.has("weather", "rain")) * light * (.85 + .3
            * c.noise(3, 16, octaves=3))
    on = smooth(1.02, .98, across.abs()) * smooth(0, .01, c.y - horizon)
    picture = mix(picture, mix(sky.horizon * .8, asphalt, depth.clamp(0, 1) ** .4), on)
    dash = smooth(.030, .018, across.abs()) * smooth(-.2, .2, torch.sin(2.6 / (depth + .03)))
    edge = smooth(.022, .012, (across.abs() - .90).abs())
    picture = mix(picture, c.tint(.95, .90, .75) * light + .04, (dash + edge * .7).clamp(0, 1) * on * .85)
    side = torch.where(c.uniform() > .5, 1., -1.)
    for step in range(6):
        near = .72 ** step * .9
        foot = horizon + (1 - horizon) * near
        x = c.x.new_tensor(.5) + (middle.mean((2, 3), keepdim=True) - .5) + side * (.02 + .56 * near)
        pole = c.limb(x, foot, x, foot - .62 * near - .01, .010 * near, .008 * near)
        bar = c.limb(x - .07 * near, foot - .56 * near, x + .07 * near, foot - .56 * near, .006 * near, .006 * near)
        picture = mix(picture, sky.zenith * .2 + .02, torch.maximum(pole, bar) * (.45 + .5 * near))
    return figures.place(c, s, picture, horizon + c.uniform(.05, .20), (.14, .26))


def sky(c: Canvas, s: Scene) -> Tensor:
    """Only the sky, over a low edge of land."""
    picture = air.paint_sky(c, s)
    picture = air.clouds(c, s, picture)
    land = .93 - .05 * c.line(2, octaves=5)
    picture = mix(picture, s.sky.zenith * .18 + .015, smooth(-.004, .004, c.y - land) * (c.uniform() > .35))
    return figures.place(c, s, picture, c.uniform(.93, .96), (.12, .18))


_INSIDE = {"city": towns.city, "forest": lands.forest, "sea": waters.sea, "stars": elements.cosmos,
           "fire": elements.fire, "mountains": lands.mountains}


def double(c: Canvas, s: Scene) -> Tensor:
    """Two exposures on one film: a head in profile, and in it another place."""
    inside = torch.empty(c.count, 3, c.height, c.width, device=c.device)
    for name, paint in {**_INSIDE, "": air.paint_sky}.items():
        index = s.has("extra", name)[:, 0, 0, 0].nonzero()[:, 0]
        if len(index):
            canvas = c.part(index)
            inside[index] = paint(canvas, s.part(canvas, index))
    side = torch.where(c.uniform() > .5, 1., -1.)
    x, y, size = .5 + c.uniform(-.06, .06), c.uniform(.40, .46), c.uniform(.60, .72)
    head = torch.maximum(living.profile(c, x, y, size, side), living.hair(c, x, y, size, side))
    pale = mix(torch.full_like(inside, .88), s.sky.horizon, .45) * (.42 + .60 * s.sky.ambient).clamp(max=1.05)
    pale = pale * (.90 + .16 * c.noise(1.5, octaves=3))
    ghost = mix(pale, inside, .22)
    relief = living.inflate(c, head, .08, side)
    middle = inside.mean((2, 3), keepdim=True)
    within = (middle + (inside - middle) * 1.2) * (.50 + .80 * relief) + .02
    fade = smooth(1.05, .70, c.y)
    return mix(ghost, mix(ghost * .8, within, .35 + .65 * fade), head)


