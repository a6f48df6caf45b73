"""A garden: a path between flowers and hedges, to a gate."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import GRASS, TREES, Plane, foliage, leafy, light
from engine.painter.lands import lit
from engine.painter.scene import Scene


def garden(c: Canvas, s: Scene) -> Tensor:
    """A gravel path between beds of flowers and clipped hedges, to a gate under trees."""
    horizon = c.uniform(.44, .50)
    picture = air.paint_sky(c, s)
    vx = c.across(.42, .58)
    plane = Plane(c, horizon, .012)
    across = (c.x - vx) * plane.away
    green = s.pick("season", TREES, (.17, .36, .12))
    leaves, fine = c.noise(12, octaves=4), c.noise(34, octaves=3)
    picture = _trees(c, s, picture, horizon, green, mix(leaves, fine, .45))
    picture = _hedges(c, s, picture, horizon, vx, green, fine)
    picture = _gate(c, s, picture, horizon, vx)
    grass = s.pick("season", GRASS, (.26, .46, .14))
    blades = plane.lay(c.noise(40, octaves=3, size=(256, 256)), .6, vx)
    lawn = leafy(s, grass * (.70 + .5 * blades), .45 + .55 * plane.lay(c.noise(4, octaves=3, size=(64, 64)), .3, vx))
    gravel = (mix(c.tint(.80, .70, .54), c.tint(.74, .70, .66), c.uniform()) * (.78 + .4 * (blades - .3))
              * light(s, .16, .82))
    shade = plane.lay(c.noise(7, octaves=4, size=(128, 128)), .35, vx)
    dapple = smooth(.44, .56, shade + .10)
    gravel = gravel * (.62 + .48 * dapple)
    on = smooth(.30, .285, across.abs() + .02 * (blades - .5))
    picture = mix(picture, mix(lawn * (.7 + .4 * dapple), gravel, on), plane.below)
    edge = torch.exp(-((across.abs() - .305) / .012) ** 2) * plane.below
    picture = picture * (1 - .35 * edge)
    picture = _beds(c, s, picture, plane, horizon, vx, green, fine)
    if s.any("extra", "roses"):
        picture = mix(picture, _rose_arch(c, s, picture, horizon, vx, green, fine), s.has("extra", "roses"))
    return figures.place(c, s, picture, horizon + c.uniform(.10, .24), (.20, .32), span=(.44, .56))


def _trees(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, green: Tensor, leaves: Tensor) -> Tensor:
    """The trees behind the hedge, some in blossom in spring."""
    sunny, crowns = torch.zeros_like(leaves), torch.zeros_like(leaves)
    for i in range(7):
        x = (c.uniform(0, .28) + .12 * i - .02 - .5) * c.aspect + .5
        size = c.uniform(.26, .52) * (.75 + .6 * (x - .5).abs())
        on, mask = foliage(c, s, x, horizon + .03, size * c.uniform(.35, .55), size, leaves)
        sunny, crowns = mix(sunny, on * c.uniform(.55, 1.1), mask), torch.maximum(crowns, mask)
    body = leafy(s, green, sunny)
    blossom = mix(c.tint(.98, .80, .86), c.tint(.96, .96, .92), c.uniform()) * light(s, .2, .8)
    body = mix(body, blossom, smooth(.56, .70, leaves) * s.has("season", "spring") * .8)
    return mix(picture, mix(body, s.sky.horizon, .20), crowns)


def _hedges(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, vx: Tensor, green: Tensor, fine: Tensor) -> Tensor:
    """Clipped walls of leaves at both sides and across the end."""
    dx = (c.x - vx).abs() / .82
    z = 1 / dx.clamp(min=.10)
    up = (horizon - c.y) * z
    leaf = c.noise(30, octaves=3)
    side = torch.sign(c.x - vx)
    sunny = smooth(-.5, .5, side * torch.sign(vx - s.place_x) + 0 * up)
    on = (.20 + .45 * sunny + 1.0 * (leaf - .5) + .25 * smooth(-.2, .22, up)).clamp(0, 1)
    top = .24 + .012 * torch.sin(z * 9) + .02 * (fine - .5)
    end = smooth(10.05, 9.95, z)
    rise = torch.where(z > 9.9, (horizon - c.y) * 8.5, up)
    on = mix(torch.clamp(.30 + .9 * (leaf - .5), 0, 1), on, end)
    on = (on + .35 * smooth(top - .05, top, rise)).clamp(0, 1)
    body = leafy(s, green * .85, on)
    haze = mix(.30 + 0 * z, .02 + .03 * (z - 1.2).clamp(min=0), end).clamp(0, .32)
    return mix(picture, mix(body, s.sky.horizon, haze),
               smooth(c.pixel * z.clamp(max=9), -c.pixel * z.clamp(max=9), rise - top) * (c.y < horizon + .5))


def _gate(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, vx: Tensor) -> Tensor:
    """An iron gate between two posts, open to the light behind, at the path's end."""
    big = .75 + .65 * s.has("extra", "gate") + c.uniform(0, .3)
    u, v = (c.x - vx) / (.075 * big), (horizon + .012 - c.y) / (.15 * big)
    soft = 1.2 * c.pixel / (.075 * big)
    arch = 1.0 + .28 * (1 - u**2).clamp(min=0).sqrt()
    inside = smooth(1 + soft, 1 - soft, u.abs()) * smooth(-.02, .0, v) * smooth(arch + soft, arch - soft, v)
    beyond = mix(s.sky.horizon, light(s, .3, .9) * s.sky.ambient, .4) * 1.05
    beyond = mix(beyond, lit(s, c.tint(.42, .52, .24), .7 + 0 * u), smooth(.55, .2, v) * .7)
    picture = mix(picture, beyond, inside)
    bars = (smooth(.22, .08, (torch.remainder(u * 4 + .5, 1) - .5).abs() * 2) + smooth(.035, .02, (v - .45).abs())
            + smooth(.035, .02, (v - .12).abs()))
    bars = bars + smooth(.035 + soft, .02, (v - arch).abs() * .8) + smooth(.05, .02, u.abs())
    iron = s.sky.zenith * .10 + .02
    picture = mix(picture, iron, bars.clamp(0, 1) * inside * .88)
    side = torch.sign(s.place_x - vx)
    for x in (-1.22, 1.22):
        post = smooth(.20 + soft, .20 - soft, (u - x).abs()) * smooth(-.03, .0, v) * smooth(1.16, 1.14, v)
        cap = smooth(.28 + soft, .28 - soft, (u - x).abs()) * smooth(.04, .03, (v - 1.17).abs())
        ball = smooth(1.05, .95, (((u - x) / .20) ** 2 + ((v - 1.32) / .11) ** 2).sqrt())
        stone = (c.tint(.72, .66, .56) * light(s, .16, .86) * (.85 + .7 * (u - x) * side).clamp(.4, 1.3)
                 * (.8 + .3 * c.noise(20, octaves=2)))
        picture = mix(picture, stone, torch.stack((post, cap, ball)).amax(0))
    return picture


def _beds(c: Canvas, s: Scene, picture: Tensor, plane: Plane, horizon: Tensor, vx: Tensor, green: Tensor,
          fine: Tensor) -> Tensor:
    """Flowers in two bands along the path: cushions of leaves with heads of several colours."""
    one, two = s.any_pigment("colour",
                             ("red", "pink", "golden", "violet", "white",
                              "orange")), s.any_pigment("second", ("white", "golden", "violet", "pink", "blue"))
    two = mix(two, c.tint(.97, .94, .90), .35)
    winter = s.has("season", "winter")
    dx = c.x - vx
    side = torch.sign(dx)
    for scale, lift in ((8.5, .012), (6.2, .045), (4.6, .085)):
        raised = c.y + lift * plane.depth ** .8 * 1.6           # flowers stand above their ground
        depth = ((raised - horizon) / (1 - horizon)).clamp(min=.004)
        across = dx.abs() / (depth + .012)
        band = smooth(.32, .37, across) * smooth(.98, .86, across) * smooth(.006, .03, depth)
        u, v = side * across * scale * .85, scale * 1.15 * torch.log(depth + .02)
        du, dv, chance, size = c.dots(u, v, .26)
        lump = smooth(.62, .30, (du**2 + dv**2).sqrt()) * band
        on = (.42 - .55 * dv + .9 * (fine - .5)).clamp(0, 1)
        picture = mix(picture, leafy(s, green * 1.05, on), (lump * (.55 + .6 * fine)).clamp(0, 1) * .95)
        radius = .24 + .16 * size
        far = (du**2 + (dv + .06) ** 2).sqrt() / radius
        ripple = 1 + .16 * torch.sin(torch.atan2(dv + .06, du) * 5 + chance * 9)
        head = smooth(1., .78, far * ripple) * band * (chance < .80)
        hue = mix(one, two, (torch.remainder(chance * 7.3, 1) > .55).float())
        hue = mix(hue, hue * c.tint(1.1, .62, .55), (torch.remainder(chance * 3.1, 1) > .6).float() * .6)
        petal = (hue * light(s, .14, .98)
                 * (.62 + .45 * (1 - far).clamp(0, 1) - .55 * dv + .25 * torch.sin(far * 8)).clamp(.25, 1.3))
        heart = smooth(.34, .20, far) * c.tint(.95, .75, .20) * light(s)
        picture = mix(picture, mix(petal, heart, smooth(.34, .20, far) * .8), head * (1 - .85 * winter))
    return picture


def _rose_arch(c: Canvas, s: Scene, picture: Tensor, horizon: Tensor, vx: Tensor, green: Tensor,
               fine: Tensor) -> Tensor:
    """An arch of roses over the path."""
    foot, half, tall = horizon + .20, .215, c.uniform(.36, .42)
    u, v = (c.x - vx) / half, (foot - c.y) / tall
    ring = torch.where(v > .45, (u**2 + ((v - .45) / .55) ** 2).sqrt(), u.abs())
    away = (ring - 1).abs() * half
    thick = .036 + .030 * (c.noise(8, octaves=3) - .4)
    mask = smooth(.012, -.012, away - thick - .03 * (fine - .5)) * smooth(-.02, .0, v)
    on = (.35 + 1.1 * (fine - .5) + .4 * (v - .5) + .25 * u * torch.sign(s.place_x - vx)).clamp(0, 1)
    picture = mix(picture, leafy(s, green, on), mask)
    colour = s.any_pigment("colour", ("red", "pink", "red", "white"))
    for scale in (17., 27.):
        du, dv, chance, size = c.dots(c.x * scale, c.y * scale, .25)
        far = (du**2 + dv**2).sqrt() / (.28 + .14 * size)
        whorl = .72 + .32 * torch.cos(far * 7 + torch.atan2(dv, du) * 2) - .45 * dv
        head = smooth(1., .8, far) * (chance < .55) * mask
        picture = mix(picture, colour * light(s, .14, .98) * whorl.clamp(.25, 1.3), head)
    return picture
