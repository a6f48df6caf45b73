"""Fish in dark water."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter.bodies import coat
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import PIGMENTS, Colour, Scene

_SCALES: tuple[Colour, ...] = ((.92, .38, .08), (.88, .18, .10), (.66, .68, .70), (.86, .64, .20), (.24, .40, .58),
                               (.90, .86, .80))


def fish(c: Canvas, s: Scene) -> Tensor:
    """One fish close in dark water, or a shoal behind it."""
    deep = mix(c.tint(.02, .10, .15), c.tint(.02, .14, .11), c.uniform())
    deep = mix(deep, s.pigment("colour", (.03, .10, .14)) * .22, .35 * s.has("colour", *PIGMENTS))
    bend = c.noise(1.6, octaves=3)
    top = smooth(1.05, -.15, c.y)
    glow = mix(c.tint(.30, .62, .66), s.pigment("second", (.30, .62, .66)), s.has("second", *PIGMENTS) * .8)
    picture = deep * (.55 + .8 * bend) + glow * (top ** 2.2) * (.30 + .25 * bend)
    slant = (c.x - s.place_x) / (c.y + .55)
    shafts = (torch.sin(slant * 19 + c.uniform(0, 6)) * .5 + .5) * (torch.sin(slant * 43 + c.uniform(0, 6)) * .5 + .5)
    shafts = shafts * torch.exp(-(slant / .55) ** 2) * smooth(.95, .0, c.y)
    picture = picture + glow * shafts * .34
    weed = smooth(.86, 1.0, c.y + .12 * c.noise(14, 2, octaves=2) - .05)
    picture = mix(picture, deep * .4, weed)
    side = torch.where(c.uniform() > .5, 1., -1.)
    hue = coat(c, s, _SCALES)
    spots = (c.uniform() > .6).float()
    many = s.has("extra", "shoal")
    where = many[:, 0, 0, 0].nonzero()[:, 0]
    if len(where):
        canvas = c.part(where)
        picture[where] = _shoal(canvas, s.part(canvas, where), picture[where], side[where], mix(deep, hue, .5)[where],
                                spots[where])
    x, y = .5 + .03 * side + c.uniform(-.05, .05), c.uniform(.42, .56)
    picture = _fish(c, s, picture, x, y, c.uniform(.58, .70) * (1 - .22 * many), side, hue, spots, True)
    du, dv, chance, size = c.dots(c.x * 16, c.y * 16, .4)
    motes = smooth(.10, .02, (du**2 + dv**2).sqrt() / (.4 + size)) * (chance > .72)
    return picture + motes * glow * .20


def _shoal(c: Canvas, s: Scene, picture: Tensor, side: Tensor, hue: Tensor, spots: Tensor) -> Tensor:
    """Five smaller ones, further away."""
    for i in range(5):
        picture = _fish(c, s, picture, c.across(.05, .95), .14 + .17 * i + c.uniform(-.05, .05), c.uniform(.18, .26),
                        side, hue * (.7 + .12 * i), spots, False)
    return picture


def _fish(c: Canvas, s: Scene, picture: Tensor, x: Tensor, y: Tensor, size: Tensor, side: Tensor, hue: Tensor,
          spots: Tensor, close: bool) -> Tensor:
    """A fish seen from the side: t runs from its nose (0) to where the tail fin begins (1), w across, in body
    lengths."""
    turn, swim, veil = c.uniform(-.18, .18), c.uniform(0, 6.28), 1 + .7 * (c.uniform() > .5)
    px, py = (c.x - x) / size * side, (c.y - y) / size
    px, py = px * torch.cos(turn) + py * torch.sin(turn), py * torch.cos(turn) - px * torch.sin(turn)
    t = .42 - px
    w = py - .055 * torch.sin(t * 3.6 + swim) * t.clamp(0, 1.6)
    soft = 1.3 * c.pixel / size
    tc = t.clamp(0, 1)
    half = .40 * tc.clamp(min=1e-4) ** .58 * (1.03 - tc) ** .95 + .034 * smooth(.0, .2, tc) + .0
    belly = 1 + .10 * smooth(-.1, .1, w)
    rise = w / (half * belly).clamp(min=.01)
    body = smooth(soft, -soft, w.abs() - half * belly) * smooth(-soft, soft, t) * smooth(1.06, 1.04, t)
    ray = c.noise(3, octaves=2) * .6
    fins, fin_light = _fins(t, w, half, soft, veil, ray)
    tone = mix(hue, torch.ones_like(hue) * .92, .45)
    through = picture * .55 + (tone * .55 * fin_light + hue * .18) * (.55 + .5 * smooth(.4, -.4, w))
    picture = mix(picture, through, fins.clamp(0, 1) * .86)
    front = (1 - rise.clamp(-1, 1) ** 2).clamp(min=0).sqrt()
    key = (.55 * front - .62 * rise).clamp(0, 1.2)
    koi = smooth(.50, .58, c.warp(c.noise(4.5, octaves=2), .02 * front, 0 * front)) * spots
    skin = mix(hue, mix(torch.ones_like(hue) * .92, hue * .25, (hue.mean(1, keepdim=True) > .6).float()), koi * .9)
    skin = mix(skin, torch.ones_like(hue) * .88, smooth(.15, .95, rise) * .55)
    skin = mix(skin, skin * .45, smooth(-.45, -.95, rise) * .7)
    lit = skin * (.16 + .95 * key)
    if close:
        lit = _scales(c, lit, t, w, rise, front)
    sheen = torch.exp(-((rise + .42) / .16) ** 2) * (.5 + .5 * c.noise(10, 20, octaves=2))
    lit = lit + sheen * mix(hue, torch.ones_like(hue), .6) * .30 * smooth(.02, .14, t)
    picture = mix(picture, lit, body)
    return _fish_face(c, picture, hue, t, w, body, soft) if close else picture


def _fins(t: Tensor, w: Tensor, half: Tensor, soft: Tensor, veil: Tensor, ray: Tensor) -> tuple[Tensor, Tensor]:
    """Fins as one translucent shape, and the light in their rays."""
    back = (t - .97).clamp(min=0)
    reach = .34 * veil
    fan = torch.atan2(w, back + .03)
    fork = 1 - .34 * torch.exp(-(fan / .42) ** 2) + .10 * torch.sin(fan * 9 + ray * 6)
    length = (back**2 + w**2).sqrt()
    tail = smooth(soft * 3, -soft * 3, length - reach * fork) * smooth(1.12, 1.02, fan.abs()) * (t > .96)
    tail_ray = .62 + .38 * torch.sin(fan * 46 + ray * 3)
    up = -w - half
    high = (.10 + .05 * veil) * smooth(.24, .34, t) * (smooth(.86, .40, t) ** .7) * (1 + .08 * torch.sin(t * 60))
    dorsal = smooth(soft * 2, -soft * 2, up - high) * (up > -.03) * (w < 0) * (t > .26) * (t < .84)
    down = w - half * 1.05
    low = .13 * veil * (smooth(.60, .66, t) * smooth(.86, .70, t) + smooth(.34, .40, t) * smooth(.56, .44, t))
    lower = smooth(soft * 2, -soft * 2, down - low) * (down > -.03) * (w > 0) * (t > .36) * (t < .84)
    rays = .62 + .38 * torch.sin((t * 1.0 + up.clamp(min=0) * -.9) * 120)
    rays_low = .62 + .38 * torch.sin((t - down.clamp(min=0) * .9) * 120)
    shape = torch.stack((tail, dorsal, lower)).amax(0)
    return shape, (tail * tail_ray + (1 - tail) * (dorsal * rays + (1 - dorsal) * rays_low))


def _scales(c: Canvas, lit: Tensor, t: Tensor, w: Tensor, rise: Tensor, front: Tensor) -> Tensor:
    """Rows of round scales, each lighter at its edge."""
    row = w * 34 / (.55 + .45 * front)
    column = t * 24 + .5 * torch.remainder(row.floor(), 2)
    du, dv = torch.remainder(column, 1) - .5, torch.remainder(row, 1) - .5
    ring = ((du + .25) ** 2 + dv**2).sqrt()
    relief = .78 + .34 * smooth(.15, .55, ring) - .46 * smooth(.50, .66, ring)
    return lit * mix(torch.ones_like(relief), relief, smooth(.26, .32, t) * smooth(1.05, .85, t)
                     * smooth(1., .7, rise.abs()))


def _fish_face(c: Canvas, picture: Tensor, hue: Tensor, t: Tensor, w: Tensor, body: Tensor, soft: Tensor) -> Tensor:
    """Eye, gill, mouth and the fin behind the gill."""
    gill = ((t - .155) ** 2 / .8 + (w - .01) ** 2).sqrt() - .130
    picture = picture * (1 - .50 * torch.exp(-((gill - .006) / .010) ** 2) * (t > .17) * body)
    picture = picture * (1 + .25 * torch.exp(-((gill + .012) / .010) ** 2) * (t > .17) * body)
    far = ((t - .115) ** 2 + (w + .030) ** 2).sqrt()
    picture = picture * (1 - .45 * smooth(.050, .030, far) * body)
    picture = mix(picture, mix(hue, c.tint(.92, .80, .42), .75) * .85, smooth(.032 + soft, .032 - soft, far))
    picture = mix(picture, c.tint(.015, .015, .02), smooth(.020 + soft, .020 - soft, far))
    picture = picture + smooth(.009, .005, ((t - .108) ** 2 + (w + .038) ** 2).sqrt()) * .85
    mouth = torch.exp(-((w - .030 - .25 * t) / .007) ** 2) * smooth(.075, .055, t) * body
    picture = picture * (1 - .65 * mouth)
    u, v = t - .30, w - .075
    along, beside = u * .80 + v * .60, v * .80 - u * .60
    fin = smooth(soft * 2, -soft * 2, beside.abs() - (.012 + .34 * along
                                                      * (1 - along / .20))) * (along > 0) * (along < .2)
    rays = .65 + .35 * torch.sin(torch.atan2(beside, along + .02) * 34)
    return mix(picture, mix(hue, torch.ones_like(hue), .35) * rays * .62, fin * .8)
