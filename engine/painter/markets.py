"""A market: stalls under striped awnings."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.ground import light
from engine.painter.scene import Scene
from engine.painter.streets import PLASTER, chosen, hashed, passer

_FRUIT = ((.78, .12, .09), (.96, .50, .08), (.96, .80, .16), (.48, .66, .16), (.34, .12, .30), (.86, .24, .10),
          (.96, .66, .42), (.24, .42, .14))
_PETALS = ((.90, .16, .22), (.98, .62, .74), (.98, .84, .22), (.96, .94, .90), (.55, .26, .72), (.96, .48, .14),
           (.36, .42, .86), (.82, .10, .42))


def market(c: Canvas, s: Scene) -> Tensor:
    """Stalls under striped awnings, heaps of fruit or flowers, people among them, houses behind."""
    picture = _square(c, s)
    dark = (s.has("time", "night") + .7 * s.has("time", "dusk")).clamp(0, 1)
    ink = s.sky.zenith * .14 + .02
    one = torch.ones_like(dark)
    weave = (c.noise(4, octaves=3), c.noise(26, octaves=2), c.noise(3, 40, octaves=2))
    for place, small in ((.03, .40), (.97, .44)):
        at = (place - .5) * c.aspect + .5 + c.uniform(-.04, .04)
        picture = _near(c, s, picture, at, (.60 + .30 * small) * one, small * one, dark, weave, .55)
        walker = passer(c, at + (.5 - at) * c.uniform(.3, .8), (.66 + .30 * small) * one, .5 * small * one)
        picture = mix(picture, mix(ink, s.sky.horizon * .6, .28), walker * .92)
    x, size = c.across(.40, .60), c.uniform(.74, .84)
    picture = _near(c, s, picture, x, .96 * one, size, dark, weave, 1.)
    side = torch.where(c.uniform() > .5, 1., -1.)
    bx, tall = x + side * size * c.uniform(.40, .56), size * c.uniform(.60, .68)
    buyer = passer(c, bx, .985 * one, tall) * (c.uniform() > .35)
    coat = mix(chosen(c, ((.30, .10, .10), (.12, .16, .26), (.30, .24, .16), (.14, .20, .15)),
                      c.uniform().expand(-1, 1, c.height, c.width)), ink, .35)
    round_ = (.62 + 4.2 * (c.x - bx) / tall * torch.sign(s.place_x - bx)).clamp(.12, 1.15)
    picture = mix(picture,
                  (coat * light(s, .12, .85) + .05 * c.tint(1., .76, .42) * dark) * round_ * (.85 + .3 * weave[1]),
                  buyer * .97)
    return figures.place(c, s, picture, .985 * one, (.40, .52), ink=ink, span=(.22, .78))


def _square(c: Canvas, s: Scene) -> Tensor:
    """The houses round the market and its paving, softly."""
    picture = air.paint_sky(c, s)
    column = (c.x * 5.2 + c.uniform(0, 9)).floor()
    chance, other = hashed(column, column * 0 + c.uniform(0, 9).floor()), hashed(column, column * 0 + 4)
    roof = .30 - .16 * chance
    inside = torch.remainder(c.x * 5.2 * 2, 1)
    row = torch.remainder((c.y - roof) * 9, 1)
    pane = smooth(.34, .26, (inside - .5).abs()) * smooth(.32, .24, (row - .5).abs())
    wall = chosen(c, PLASTER, (other + 0 * c.y)) * light(s, .10, .66) * (.75 + .3 * c.noise(4, octaves=3))
    lit = c.tint(1., .76, .40) * s.has("time", "night", "dusk") * (hashed(column, ((c.y - roof) * 9).floor()) > .55)
    wall = mix(wall, wall * .45 + lit * .7, pane * .8)
    picture = mix(picture, wall, smooth(-.006, .006, c.y - roof))
    stones = c.tint(.50, .46, .42) * light(s, .10, .66) * (.65 + .6 * c.noise(12, 40, octaves=3))
    return mix(c.blur(picture, .006), stones, smooth(.62, .66, c.y))


def _near(c: Canvas, s: Scene, picture: Tensor, x: Tensor, foot: Tensor, size: Tensor, dark: Tensor, weave: tuple[Tensor, Tensor, Tensor], near: float) -> Tensor:
    """One stall, computed where it stands."""
    part, (rows, columns) = c.window(x - .64 * size, x + .64 * size, foot - 1.04 * size, foot + 2 * c.pixel)
    picture[..., rows, columns] = _stall(part, s, picture[..., rows, columns], x, foot, size, dark, (weave[0][..., rows, columns], weave[1][..., rows, columns], weave[2][..., rows, columns]), near)
    return picture


def _stall(c: Canvas, s: Scene, picture: Tensor, x: Tensor, foot: Tensor, size: Tensor, dark: Tensor,
           weave: tuple[Tensor, Tensor, Tensor], near: float) -> Tensor:
    """One stall: its counter of crates up to half its height, a dark inside with somebody, an awning above."""
    u, v = (c.x - x) / size, (foot - c.y) / size
    soft = 1.2 * c.pixel / size
    day = light(s, .14, .92)
    bulb = c.tint(1., .76, .42)
    box = smooth(.55 + soft, .55 - soft, u.abs()) * smooth(-soft, soft, v) * smooth(.80, .78, v)
    glow = torch.exp(-((v - .62) / .30) ** 2) * dark
    inside = c.tint(.34, .24, .17) * (day * .34 + bulb * .55 * glow) * (.6 + .6 * weave[0])
    picture = mix(picture, inside, box)
    vendor = passer(c, x + size * c.uniform(-.25, .25), foot - size * .17, size * c.uniform(.48, .54))
    apron = mix(c.tint(.20, .22, .26), c.tint(.72, .66, .56), c.uniform() ** 2) * (day * .45 + bulb * .5 * glow) + .01
    picture = mix(picture, apron, vendor * (v > .40) * .95)
    picture = _crates(c, s, picture, u, v, soft, day + bulb * glow * .9, weave, near)
    picture = mix(picture, c.tint(.22, .16, .12) * day,
                  smooth(.014 + soft, .014 - soft, (u.abs() - .53).abs()) * (v > 0) * smooth(.8, .78, v))
    cloth = s.any_pigment("colour", ("red", "green", "blue", "orange", "red", "golden"))
    rise = ((v - .77) / .23)
    lean = u / (1.06 - .22 * rise.clamp(0, 1))
    stripe = smooth(-.12, .12, torch.sin(lean * 6.2832 * 5.5 * 1.06 / 1.0 + 1.57))
    fabric = mix(cloth * .92, c.tint(.94, .91, .83), stripe) * (.86 + .22 * weave[0])
    sag = .012 * torch.cos(lean * 18)
    top = (smooth(.57 + soft, .57 - soft, lean.abs()) * smooth(-soft, soft, v - .77 - sag)
           * smooth(1 + soft, 1 - soft, v))
    lit = (fabric * day * (.82 + .30 * rise + .16 * u * torch.sign(s.place_x - x))
           + fabric * bulb * dark * .16 * (1 - rise))
    picture = picture * (1 - .40 * smooth(.10, .0, .76 - v) * box * (v < .77))
    picture = mix(picture, lit, top)
    scallop = .705 + .020 * (torch.sin(lean * 6.2832 * 5.5 * .5 * 1.06 * 2 + 1.57)).abs()
    valance = (smooth(.57 * 1.06 + soft, .57 * 1.06 - soft, u.abs()) * smooth(-soft, soft, v - scallop)
               * smooth(soft, -soft, v - .775 - sag))
    picture = mix(picture, fabric * day * .70 + fabric * bulb * dark * .35, valance)
    for place in (-.34, 0., .34) if near == 1 else ():
        lamp = torch.exp(-((u - place) ** 2 + (v - .655) ** 2) / .0006)
        halo = torch.exp(-((u - place) ** 2 + (v - .655) ** 2).sqrt() / .10)
        picture = picture + bulb * (lamp * (.15 + .95 * dark) + halo * .55 * dark)
    return picture


def _crates(c: Canvas, s: Scene, picture: Tensor, u: Tensor, v: Tensor, soft: Tensor, day: Tensor,
            weave: tuple[Tensor, Tensor, Tensor],
            near: float) -> Tensor:
    """Three rows of crates, each heaped with one kind of fruit or flower; painted at once, since every pixel knows its row."""
    flowers = s.has("extra", "cut flowers")
    middle, lower = (smooth(0, soft, high + _heap(u, many) - v) for high, many in ((.340, 4.), (.180, 4.)))
    row = (middle > .5).float() + (lower > .5)
    low, high = .34 - .16 * row - .02 * (row > 1), .47 - .13 * row - .03 * (row > 1)
    many, fine = torch.where(row > 0, 4., 5.), (21. - 2.5 * row) * (1. if near == 1 else .6)
    across = (u / .55 + 1) / 2 * many
    crate, part = across.floor(), torch.remainder(across, 1)
    chance = hashed(crate, row * 5 + c.uniform(0, 40).floor())
    flesh = mix(chosen(c, _FRUIT, chance), chosen(c, _PETALS, chance), flowers)
    level = ((v - low) / (high - low)).clamp(0, 1)
    tone, shine = torch.full_like(v + u, .22), torch.zeros_like(v + u)
    sun = torch.sign(s.place_x - .5)
    for layer in range(2 if near == 1 else 1):
        du, dv, grain, size = c.dots(u * fine + .5 * layer, v * fine * 1.2 + .5 * layer, .14)
        far2 = (du**2 + (dv / 1.2) ** 2) / ((.52 + .10 * size) * (1 - .25 * flowers)) ** 2
        bright = ((.50 + .55 * (1 - far2).clamp(min=0).sqrt() + .55 * dv + .35 * du * sun).clamp(.12, 1.25)
                  * (.8 + .4 * grain))
        petals = .75 + .5 * torch.sin(torch.atan2(dv, du) * 6 + grain * 6) * far2.clamp(0, 1)
        ball = smooth(1., .82, far2)
        tone = mix(tone, bright * mix(torch.ones_like(du), petals, flowers), ball)
        shine = (shine * (1 - ball)
                 + torch.exp(-((du - .14 * sun) ** 2 + (dv - .16) ** 2) / .012) * .35 * (1 - flowers) * ball)
    colour = flesh * tone + shine
    colour = mix(colour, c.tint(.16, .36, .14) * (.4 + .8 * tone), smooth(.55, .75, weave[1]) * flowers)
    inside = smooth(.55 + soft, .55 - soft, u.abs()) * smooth(-soft, soft, v)
    picture = mix(picture, colour * day * (.72 + .4 * level), inside * smooth(soft, -soft, v - .47 - _heap(u, 5.)))
    wood = c.tint(.58, .42, .26) * (.62 + .5 * weave[2]) * (.45 + .45 * smooth(.03, .05, part) * smooth(.97, .95, part))
    picture = mix(picture, wood * day * (.8 + .35 * smooth(.0, .3, level)), inside * smooth(.30, .28, level))
    card = smooth(.12, .11, (part - .5).abs()) * smooth(.14, .12, (level - .40).abs()) * (chance > .3) * inside
    return mix(picture, c.tint(.95, .93, .86) * day, card * (near == 1))


def _heap(u: Tensor, many: float) -> Tensor:
    """How far the fruit rises over the edge of its crate."""
    return (1 - (2 * torch.remainder((u / .55 + 1) / 2 * many, 1) - 1) ** 4) * .03
