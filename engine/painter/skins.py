"""Skins: what surfaces of solids are made of - boards, tiles, plaster, books - and windows with an hour behind them."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter import figures
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.solids import World, band

Rect = tuple[float, float, float, float]               # low and high along the wall, low and high upwards, metres
WOOD = (.42, .27, .16)
FLAME = (1., .72, .40)


class Grain:
    """One texture of noise per picture that can be looked at from any surface: u, v in metres -> about 0..1."""

    def __init__(self, c: Canvas) -> None:
        self.texture = c.noise(9, octaves=4, size=(128, 128))

    def __call__(self, u: Tensor, v: Tensor) -> Tensor:
        u, v = torch.broadcast_tensors(u, v)
        grid = torch.cat((u, v), 1).permute(0, 2, 3, 1)
        return F.grid_sample(self.texture, grid, padding_mode="reflection", align_corners=False)


def chances(u: Tensor, v: Tensor | float, salt: float = 0.) -> Tensor:
    """A number in 0..1 for every unit cell of (u, v), always the same for the same cell."""
    return torch.remainder(torch.sin(u.floor() * 127.1 + (v.floor() if isinstance(v, Tensor) else v) * 311.7 + salt) * 4375.85, 1)


def boards(grain: Grain, u: Tensor, v: Tensor, colour: Tensor, width: float = .16) -> Tensor:
    """Planks along v, each of its own tone, with seams and grain."""
    plank = u / width
    tone = .78 + .40 * chances(plank, (v / 1.7 + chances(plank, 3.)).floor())
    seam = 1 - .55 * smooth(.06, .02, torch.remainder(plank, 1).sub(.5).abs().mul(-1).add(.5))
    return colour * tone * (.62 + .75 * grain(u * 3.1, v * .22)) * seam


def wood(grain: Grain, colour: Tensor, along: int = 0) -> Callable[[Tensor, Tensor], Tensor]:
    """Timber whose grain runs along an axis."""
    first, second = [i for i in range(3) if i != along]

    def skin(p: Tensor, n: Tensor) -> Tensor:
        across = p[:, first:first + 1] + p[:, second:second + 1] * .7
        return colour * (.66 + .62 * grain(p[:, along:along + 1] * .30, across * 3.3))
    return skin


def tiles(u: Tensor, v: Tensor, size: float, one: Tensor, other: Tensor, chequered: bool = True) -> Tensor:
    """Square tiles in two colours with their joints."""
    u, v = u / size, v / size
    even = torch.remainder(u.floor() + v.floor(), 2) if chequered else chances(u, v) * .5
    joint = smooth(.03, .07, torch.minimum(torch.remainder(u, 1), torch.remainder(v, 1)))
    return mix(one, other, even) * (.86 + .20 * chances(u, v, 1.)) * (.68 + .32 * joint)


def books(grain: Grain, u: Tensor, v: Tensor, timber: Tensor, shelf: float = .34, hue: Tensor | None = None) -> Tensor:
    """A wall of shelves: u along it, v upwards. Spines of every width, height and colour, some leaning on nothing."""
    row = v / shelf
    level = torch.remainder(row, 1)
    wide = 20. + 9. * chances(row, 1.7)
    spine = (u + chances(row, 5.) * 3) * wide
    kind = chances(spine, row.floor())
    tone, taste, tall = (torch.remainder(kind * factor, 1) for factor in (17.31, 41.77, 93.13))
    tall = .60 + .28 * tall
    across = torch.remainder(spine, 1)
    device = u.device
    leather = torch.tensor([(.46, .13, .09), (.16, .23, .16), (.13, .19, .31), (.55, .38, .17), (.70, .61, .45), (.24, .15, .11), (.36, .10, .16)], device=device)
    picked = leather[(kind * 6.99).long()[:, 0]].permute(0, 3, 1, 2)
    if hue is not None:
        picked = mix(picked, hue * (.5 + .7 * tone), .45)
    body = picked * (.55 + .75 * tone) * (.42 + .80 * (1 - (2 * across - 1) ** 2))          # round backs
    gilt = band(level / tall, .18, .24, .02) + band(level / tall, .72, .80, .02)
    body = mix(body, torch.tensor((.86, .66, .30), device=device)[None, :, None, None] * (.6 + .4 * tone), gilt * (taste > .45) * .75)
    there = smooth(tall + .02, tall - .01, level) * (taste > .055)
    dark = timber * .16 * (.5 + .6 * level)
    filled = mix(dark, body * (.62 + .38 * smooth(.0, .5, level)), there)
    board = smooth(.90, .92, level)
    posts = smooth(.035, .02, torch.remainder(u / 1.1 + .5, 1).sub(.5).abs() * 1.1)
    plank = timber * (.7 + .5 * grain(u * .4, v * 4))
    return mix(filled, plank, torch.maximum(board, posts))


def outside(c: Canvas, s: Scene, high: Tensor) -> Tensor:
    """What is seen through a window: the sky of the hour above a line of trees. `high` 0 sill .. 1 lintel."""
    sky = mix(s.sky.horizon * s.sky.light, s.sky.middle, smooth(.2, 1.1, high)) * (.55 + .62 * s.sky.ambient)
    sky = mix(sky, sky.mean(1, keepdim=True) * s.pigment("second", (1, 1, 1)) * 1.3, .7 * (1 - s.has("second", "")))
    trees = .16 + .30 * c.line(7, octaves=4)
    hills = .40 + .16 * c.line(3, octaves=2)
    sky = mix(sky, sky * .72, smooth(.03, -.03, high - hills))
    return mix(sky, sky * c.tint(.36, .42, .34) + s.sky.middle * .06, smooth(.06, -.06, high - trees) * .85)


def window(w: World, s: Scene, axis: int, wall: float, rect: Rect, bars: tuple[int, int] = (2, 3), frame: Tensor | None = None) -> None:
    """A window in a wall of the shell (`axis` 0: x = wall, 2: z = wall): panes that show the hour, a frame, a sill."""
    c = w.c
    p = w.eye + w.depth * w.rays
    along, up = p[:, 2 - axis:3 - axis], p[:, 1:2]
    here = (p[:, axis:axis + 1] - wall).abs() < .02
    u, v = (along - rect[0]) / (rect[1] - rect[0]), (up - rect[2]) / (rect[3] - rect[2])
    pane = band(u, 0., 1., .012) * band(v, 0., 1., .012) * here
    lines = torch.zeros_like(pane)
    for part, many, long in ((u, bars[0], rect[1] - rect[0]), (v, bars[1], rect[3] - rect[2])):
        off = (torch.remainder(part * many + .5, 1) - .5).abs() * long / many
        lines = torch.maximum(lines, smooth(.034, .022, off))
    rim = band(u, -.10, 1.10, .01) * band(v, -.08, 1.06, .01) * here * (1 - pane)
    paint = c.tint(.78, .75, .70) if frame is None else frame
    view = outside(c, s, v)
    w.colour = mix(w.colour, paint, torch.maximum(rim, pane * lines))
    w.colour = w.colour * (1 - pane * (1 - lines))
    w.glow = w.glow + view * pane * (1 - lines) * 1.15
    w.colour = mix(w.colour, paint * .5, band(u, -.13, 1.13, .01) * band(v, -.12, -.06, .01) * here)


def daylight(w: World, s: Scene, axis: int, wall: float, rects: Sequence[Rect], slant: tuple[Tensor, Tensor], strength: float = 1.) -> None:
    """The light of the hour through windows of one wall: beams that lie on what they meet, and a soft glow from the panes.

    `slant`: how far the beam goes along the wall, and up, for one metre through it.
    """
    colour = mix(s.sky.light, s.pigment("second", (1, 1, 1)), .8 * (1 - s.has("second", "")))
    beam = s.amount("time", {"dawn": 2.2, "noon": 2.4, "sunset": 3., "dusk": .35, "night": .55}, 2.) * strength
    side = 1. if wall > 0 else -1.
    towards = (side, slant[1], slant[0]) if axis == 0 else (slant[0], slant[1], side)

    def within(p: Tensor) -> Tensor:
        t = (wall - p[:, axis:axis + 1]) * side
        along, up = p[:, 2 - axis:3 - axis] + slant[0] * t, p[:, 1:2] + slant[1] * t
        soft, total = .02 + .02 * t.clamp(0, 4), torch.zeros_like(t)
        for low, high, sill, lintel in rects:
            u, v = (along - low) / (high - low), (up - sill) / (lintel - sill)
            cross = smooth(.02, .05, (u - .5).abs()) * smooth(.015, .035, (torch.remainder(v * 3 + .5, 1) - .5).abs() / 3)
            total = total + band(u, 0., 1., soft) * band(v, 0., 1., soft) * (.35 + .65 * cross)
        return total

    w.sun(towards, colour * beam, soft=.02, within=within)
    middle = [0., (rects[0][2] + rects[0][3]) / 2, 0.]
    middle[axis], middle[2 - axis] = wall - side * .12, (rects[0][0] + rects[-1][1]) / 2
    w.lamp(middle, colour * (.10 + .55 * s.sky.ambient) * 1.3 * strength, 1.7, soft=.45)


def flame_of(c: Canvas, s: Scene) -> Tensor:
    """The colour of lamps and candles: warm, or the second colour."""
    return mix(c.tint(*FLAME), s.pigment("second", (1, 1, 1)), .7 * (1 - s.has("second", "")))


def lamplight(s: Scene) -> Tensor:
    """How much the lamps of a room are lit, 0..1: when asked for, and after dark."""
    asked = s.has("light", "lamp", "candle")
    return torch.maximum(asked, s.amount("time", {"night": .85, "dusk": .75}, .0) * s.has("light", "", "stars"))


def turned(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """Half of the pictures the other way round, and the light that lies over them with them."""
    other = (c.uniform() > .5).float()
    s.place_x = mix(s.place_x, 1 - s.place_x, other)
    return torch.lerp(picture, picture.flip(3), other)


def standing(w: World, s: Scene, picture: Tensor, place: tuple[Tensor | float, float, Tensor | float], ink: float = .14) -> Tensor:
    """Whoever is in the scene, with feet at a place of the world, seen dark."""
    x, feet = w.project(place)
    _, top = w.project((place[0], place[1] + 1.72, place[2]))
    return figures.place(w.c, s, picture, feet, ink=picture.mean((2, 3), keepdim=True) * ink, at=(x, feet - top))
