"""Halls: corridor, stairs, machine room. Depth is one divided by the distance from the vanishing point."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter import figures
from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.scene import Scene


def _tunnel(c: Canvas, vx: Tensor, vy: Tensor, wide: float, tall: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A square tunnel: how near (1 at the frame, 0 far), and whether wall, floor or ceiling is there, each (count, 1, h, w)."""
    across, upright = (c.x - vx).abs() / (wide * c.aspect), (c.y - vy) / tall
    near = torch.maximum(across, upright.abs()).clamp(min=1e-3)
    wall = (across > upright.abs()).float()
    floor = (1 - wall) * (upright > 0)
    return near, wall, floor, (1 - wall) * (upright <= 0)


def _daylight(s: Scene) -> Tensor:
    """The light that comes in from outside: the hour's, or of the second colour."""
    return mix(s.sky.light * (.35 + .75 * s.sky.ambient), s.pigment("second", (1, 1, 1)), .85 * (1 - s.has("second", "")))


def corridor(c: Canvas, s: Scene) -> Tensor:
    """Doors left and right, lamps above, a light at the end that lies along the floor."""
    vx, vy = .5 + c.uniform(-.07, .07) * c.aspect, c.uniform(.42, .52)
    near, wall, floor, ceiling = _tunnel(c, vx, vy, .44, .46)
    far = 1 / near
    end = c.uniform(.10, .16)
    light, ambient = _daylight(s), s.sky.ambient
    paint = s.pigment("colour", (.60, .58, .52))
    lamps = torch.cos(far * c.uniform(2.4, 3.6) + c.uniform(0, 6)) * .5 + .5
    level = .16 + .28 * ambient + .34 * lamps * (.5 + .5 * near) + .42 * torch.exp(-(near - end) / .22) * (.35 + .65 * ambient)
    walls = paint * (.86 + .28 * c.noise(3, octaves=3))
    skirting = smooth(.70, .74, (c.y - vy) / (.46 * near)) * wall
    walls = walls * (1 - .30 * skirting)
    picture = (walls * wall + mix(paint, c.tint(.5, .45, .4), .6) * .62 * floor + paint * .72 * ceiling) * level
    picture = _doors(c, s, picture, near, far, vy, wall, paint)
    path = torch.exp(-((c.x - vx) / (.10 + .30 * near)) ** 2) * floor * (1.05 - near) * (.7 + .5 * c.noise(2, 20, octaves=2))
    picture = picture + path * light * .75
    strip = torch.exp(-((c.x - vx) / (.09 * near)) ** 4) * ceiling * smooth(.55, .85, lamps)
    picture = picture + strip * (.45 + .5 * s.has("light", "lamp", "neon", "")) * c.tint(1., .93, .80) * .7
    opening = smooth(end + .006, end - .006, near)
    picture = mix(picture, light * 1.15, opening)
    picture = picture + light * torch.exp(-((near - end).clamp(min=0) / .10)) * .30 * (1 - opening)
    feet = vy + .46 * c.uniform(.22, .42)
    return figures.place(c, s, picture, feet, (.20, .36), ink=picture.mean((2, 3), keepdim=True) * .10, span=(.44, .56))


def _doors(c: Canvas, s: Scene, picture: Tensor, near: Tensor, far: Tensor, vy: Tensor, wall: Tensor, paint: Tensor) -> Tensor:
    """Doors at even distances; some of them open and let light out."""
    step = torch.remainder(far * 1.15 + c.uniform(), 1)
    height = (c.y - vy) / (.46 * near)
    leaf = smooth(.16, .20, step) * smooth(.62, .58, step) * smooth(-.52, -.48, height) * wall * smooth(.14, .22, near)
    frame = smooth(.11, .15, step) * smooth(.67, .63, step) * smooth(-.59, -.55, height) * wall * smooth(.14, .22, near)
    opened = (torch.remainder(torch.floor(far * 1.15) * .618 + c.uniform(), 1) < .28).float() * torch.sign(c.x - .5).clamp(min=0)
    picture = picture * (1 - .45 * (frame - leaf).clamp(min=0))
    inside = mix(picture * .50, _daylight(s) * (.75 + .2 * paint), opened)
    return mix(picture, inside, leaf)


def stairs(c: Canvas, s: Scene) -> Tensor:
    """Steps that rise towards a light, or turn down a well."""
    rise = _rise(c, s)
    rise = figures.place(c, s, rise, c.uniform(.62, .80), (.28, .40), ink=rise.mean((2, 3), keepdim=True) * .10, span=(.42, .58))
    return mix(rise, _well(c, s), s.has("extra", "spiral")) if s.any("extra", "spiral") else rise


def _rise(c: Canvas, s: Scene) -> Tensor:
    top, bottom = c.uniform(.26, .36), 1.02
    up = ((bottom - c.y) / (bottom - top))
    steps = c.uniform(7, 12).floor()
    climb = steps * (up.clamp(-.1, 1) * (.48 + .52 * up.clamp(-.1, 1)))                # the nearest are the highest
    part = torch.remainder(climb, 1)
    far = c.uniform(.13, .24)
    half = mix(torch.full_like(top, .50), far, up.clamp(0, 1.3)) * c.aspect**.5
    lean = c.uniform(-.10, .10) * up
    across = (c.x - .5 - lean) / half
    on = smooth(1.01, .99, across.abs()) * (up < 1) * (up > -.1)
    stone = s.pigment("colour", (.56, .53, .49)) * (.84 + .32 * c.noise(4, 10, octaves=3))
    light = _daylight(s)
    level = .18 + .50 * s.sky.ambient * up.clamp(0, 1.2) + .14
    riser = mix(.58 + .22 * part, torch.full_like(part, 1.28), smooth(.66, .72, part))
    riser = riser * (1 - .35 * torch.exp(-((part - .02) / .07) ** 2)) * (1.05 - .22 * across.abs())
    wall = stone * (.30 + .42 * s.sky.ambient) * (.55 + .65 * up.clamp(0, 1.3)) * (.80 + .2 * torch.sign(across * (s.place_x - .5)))
    picture = mix(wall, stone * riser * level * 1.35, on)
    picture = picture + stone * light * on * smooth(.66, .72, part) * .35 * s.sky.ambient * up.clamp(0, 1)
    across = (c.x - .5 - lean.clamp(-.1, .1)) / (far * .68 * c.aspect**.5)
    high = 1.36 + .14 * (1 - across**2).clamp(min=0).sqrt()                                         # an arch at the top
    door = smooth(1.03, .97, across.abs()) * smooth(.995, 1.005, up) * smooth(high + .012, high - .012, up)
    jamb = smooth(1.30, 1.24, across.abs()) * smooth(.995, 1.005, up) * smooth(high + .07, high + .05, up)
    picture = mix(picture, stone * (.30 + .55 * s.sky.ambient) * (.8 + .4 * torch.sign(across * (s.place_x - .5))), jamb)
    arch = torch.exp(-(c.far(.5 + c.uniform(-.06, .06), top - .06) / .22) ** 2)
    return mix(picture + arch * light * .40, light * 1.12, door)


def _well(c: Canvas, s: Scene) -> Tensor:
    """A winding stair from above: every step darker than the one before, a light at the bottom."""
    x, y = .5 + c.uniform(-.06, .06) * c.aspect, c.uniform(.44, .56)
    radius = c.far(x, y).clamp(min=1e-3)
    turn = torch.atan2(c.y - y, c.x - x) / (2 * math.pi)
    way = torch.where(c.uniform() > .5, 1., -1.)
    coil = torch.log(radius) * c.uniform(.75, 1.05) + turn * way
    steps = torch.remainder(turn * way * 22, 1)
    band = torch.remainder(coil, 1)
    stone = s.pigment("colour", (.60, .56, .50)) * (.85 + .3 * c.noise(3, octaves=3))
    light = _daylight(s)
    level = .30 + .62 * s.sky.ambient * (.45 + .55 * smooth(.75, .05, radius)) + .15 * torch.cos(turn * 6.28 + c.uniform(0, 6))
    tread = stone * level * (.72 + .40 * steps) * 1.25
    rail = torch.exp(-((band - .06) / .035) ** 2)
    shadow = smooth(.62, 1., band)
    picture = mix(tread, stone * level * .30, shadow * .85)
    picture = mix(picture, light * (.30 + .5 * level), rail * .75)
    return picture + light * torch.exp(-(radius / .085) ** 2) * 1.05


def machine(c: Canvas, s: Scene) -> Tensor:
    """A hall of engines: wheels, pipes, steam, small lamps; or racks of servers."""
    metal = s.pigment("colour", (.42, .44, .46))
    light = mix(_daylight(s), c.tint(1., .84, .58), .45)
    picture = metal * (.20 + .38 * s.sky.ambient) * (.6 + .7 * c.noise(2, octaves=3)) * (1.15 - .5 * c.y)
    picture = picture + light * torch.exp(-(c.far(s.place_x, .12) / .42) ** 2) * .45 * (.4 + .6 * s.sky.ambient)
    for layer in range(4):
        picture = _pipe(c, s, picture, metal, light, .25 + .25 * layer, upright=layer % 2 == 0)
    gears = 1 - s.has("extra", "pipes", "servers")
    for layer in range(3):
        picture = _wheel(c, s, picture, metal, light, .5 + .25 * layer, gears)
    for layer in range(2):
        picture = _pipe(c, s, picture, metal, light, 1., upright=layer == 0)
    steam = smooth(.45, .85, c.warp(c.noise(1.8, octaves=4), (c.noise(2, octaves=2) - .5) * .3, torch.zeros_like(c.x + c.y)))
    picture = mix(picture, light * .55 + .12, steam * .34 * smooth(1., .3, c.y))
    if s.any("extra", "servers"):
        picture = mix(picture, _racks(c, s, metal), s.has("extra", "servers"))
    lamps = c.table(3, 16)
    points = c.splat((lamps[:, 0] - .5) * c.aspect + .5, .2 + .7 * lamps[:, 1], .4 + .6 * lamps[:, 2])
    glow = mix(c.tint(1., .32, .10), s.pigment("second", (1., .32, .10)), 1.)
    picture = picture + (points * .8 + c.blur(points, .010) * 12) * glow * (1 - s.has("extra", "servers"))
    return figures.place(c, s, picture, c.uniform(.90, .98), (.30, .42), ink=picture.mean((2, 3), keepdim=True) * .10)


def _pipe(c: Canvas, s: Scene, picture: Tensor, metal: Tensor, light: Tensor, near: float, upright: bool) -> Tensor:
    """A cylinder across the hall, round by its shading, with flanges."""
    place, radius = (c.across() if upright else c.uniform()), c.uniform(.018, .05) * (.4 + near)
    across, along = (c.x - place, c.y) if upright else (c.y - place, c.x)
    flange = smooth(.90, .96, torch.cos(along * c.uniform(9, 16) + c.uniform(0, 6)))
    d = across / (radius * (1 + .28 * flange))
    height = (1 - d**2).clamp(min=0).sqrt()
    shine = torch.exp(-((d + .38) / .26) ** 2)
    level = (.16 + .50 * s.sky.ambient) * (.3 + .9 * height - .35 * d)
    body = (metal * level + light * shine * .34 * (.4 + .6 * s.sky.ambient)) * (.8 + .35 * c.noise(3, octaves=3))
    haze = mix(picture, body, .45 + .55 * near)
    return mix(picture, haze, smooth(1.03, .97, d.abs()))


def _wheel(c: Canvas, s: Scene, picture: Tensor, metal: Tensor, light: Tensor, near: float, shown: Tensor) -> Tensor:
    """A toothed wheel with spokes, brushed by light, its shadow behind it."""
    x, y, size = c.across(), c.uniform(.1, .95), c.uniform(.14, .30) * (.5 + .6 * near)
    radius, turn = c.far(x, y) / size, torch.atan2(c.y - y, c.x - x)
    teeth = (c.uniform(14, 26)).floor()
    edge = 1 + .055 * torch.tanh(torch.cos(turn * teeth) * 4)
    spokes = (c.uniform(4, 7)).floor()
    hole = smooth(.76, .72, radius) * smooth(.30, .34, radius) * smooth(.05, .30, torch.cos(turn * spokes + c.uniform(0, 6)) * .6 + .12)
    soft = 1.2 * c.pixel / size
    body = smooth(edge + soft, edge - soft, radius) * (1 - hole) * smooth(.06, .10, radius)
    brushed = .62 + .34 * torch.cos(2 * turn + c.uniform(0, 6)) + .10 * torch.cos(radius * 60)
    rim = torch.exp(-((radius - .90) / .03) ** 2) + torch.exp(-((radius - .30) / .03) ** 2)
    tone = metal * (.20 + .62 * s.sky.ambient) * brushed + light * rim * .16
    cast = smooth(1.25, .95, c.far(x + .02, y + .03) / size) * .45
    picture = picture * (1 - cast * shown)
    return mix(picture, mix(picture, tone, .5 + .5 * near), body * shown)


def _racks(c: Canvas, s: Scene, metal: Tensor) -> Tensor:
    """An aisle between cabinets of small lights."""
    vx, vy = .5 + c.uniform(-.1, .1), c.uniform(.42, .52)
    near, wall, floor, ceiling = _tunnel(c, vx, vy, .46, .50)
    far, height = 1 / near, (c.y - vy) / near
    picture = metal * (.10 + .16 * s.sky.ambient + .22 * near * wall)
    picture = picture * (1 - .5 * smooth(.9, 1., torch.cos(far * 6.28 * .9)) * wall)
    du, dv, chance, hue = c.dots(far * 5, height * 26, .12)
    lamp = smooth(.34, .10, du.abs()) * smooth(.34, .10, dv.abs()) * (chance > .45) * wall * smooth(.10, .3, near)
    colour = mix(c.tint(.20, 1., .55), c.tint(.25, .55, 1.), (hue > .5).float())
    colour = mix(colour, s.pigment("second", (1, 1, 1)), .8 * (1 - s.has("second", "")))
    picture = picture + (lamp + c.blur(lamp, .02) * .9) * colour
    glow = torch.exp(-(near / .22))
    strip = smooth(.12, .08, (c.x - vx).abs() / near) * ceiling * smooth(-.2, .5, torch.cos(far * 5))
    picture = picture + (glow * .8 + strip * .6) * mix(colour.mean((2, 3), keepdim=True), torch.ones_like(metal), .6)
    return picture + c.blur(luma(picture), .05) * floor * .8 * metal
