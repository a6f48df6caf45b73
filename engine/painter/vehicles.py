"""Vehicles as solids: round bodies that lie, a camera that walks round them, gloss; an old car on a road."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter import air, figures
from engine.painter.buildings import land
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.shapes import Cone
from engine.painter.skins import Grain
from engine.painter.solids import Place, Skin, World, band

_OVERCAST = ("storm", "rain", "fog", "cloudy", "snow")


class Roll(Cone):
    """A round body that lies along x (axis 0) or z (axis 2); locally its axis is y."""

    def __init__(self, middle: Tensor, reach: Tensor, low: Tensor, high: Tensor, axis: int) -> None:
        super().__init__(middle, reach, low, high)
        self.order = [1, 0, 2] if axis == 0 else [0, 2, 1]

    def inwards(self, v: Tensor) -> Tensor:
        return v[:, self.order]

    def outwards(self, v: Tensor) -> Tensor:
        return v[:, self.order]


def roll(w: World, start: Place, length: Tensor | float, low: Tensor | float, high: Tensor | float, colour: Skin, *,
         axis: int = 0,
         glow: Skin | None = None, shown: Tensor | None = None, casts: bool = True) -> None:
    """A lying cylinder or cone from `start` along its axis for `length`, which may be negative; `low` and `high`: its radii."""
    zero = torch.zeros(w.c.count, 1, 1, 1, device=w.c.device)
    length, low, high = zero + length, zero + low, zero + high
    wide, back = torch.maximum(low, high), (length < 0).float()
    shift: list[float | Tensor] = [0., 0., 0.]
    shift[axis] = length / 2
    reach = torch.cat((wide, length.abs() / 2, wide), 1)
    w.put(Roll(w.at(start) + w.at(shift), reach, mix(low, high, back), mix(high, low, back), axis), colour, glow,
          shown, casts)


def before(c: Canvas, turn: Tensor, far: Tensor | float, tall: Tensor | float, at: Place, pitch: Tensor | float,
           focal: Tensor | float) -> World:
    """A camera `far` metres from `at`, turned round it by `turn` (0: it looks along z), `tall` metres up."""
    return World(c, (at[0] + far * torch.sin(turn), tall, at[2] - far * torch.cos(turn)), -turn, pitch, focal)


def sunlight(w: World, s: Scene, turn: Tensor, up: float = 1.) -> Tensor:
    """The sun or the moon on its side of the picture, and the light of the sky; the direction of the sun."""
    strength = (s.amount("time", {"dawn": 1.25, "noon": 1.2, "sunset": 1.5, "dusk": .42, "night": .58}, 1.2)
                * (1 - .72 * s.has("weather", *_OVERCAST)))
    tall = s.amount("time", {"noon": 1.7, "sunset": .6, "dawn": .65}, 1.1) * up
    aside, towards = torch.where(s.place_x > .5, 1., -1.) * (.5 + 1.1 * (s.place_x - .5).abs()), -1.
    direction = (aside * torch.cos(turn) - towards * torch.sin(turn), tall,
                 aside * torch.sin(turn) + towards * torch.cos(turn))
    w.sun(direction, s.sky.light * strength, soft=.03)
    w.air(mix(s.sky.middle, s.sky.horizon, .4) * (.14 + .55 * s.sky.ambient), .45)
    return F.normalize(w.at(direction), dim=1)


def gloss(w: World, s: Scene, sun: Tensor, much: float = 1.) -> None:
    """Lacquer, glass and chrome hold the sky, a dark line of land, and the sun. The ground does not shine."""
    n, d = w.normal, w.rays * (w.rays**2).sum(1, keepdim=True).rsqrt()
    facing = -(d * n).sum(1, keepdim=True)
    mirrored = d + 2 * facing * n
    up = mirrored[:, 1:2]
    sky = mix(s.sky.horizon * 1.05, s.sky.zenith, smooth(.05, .75, up)) * (.35 + .65 * s.sky.ambient)
    seen = mix(s.sky.middle * .10 + .015, sky, smooth(-.03, .05, up))
    fresnel = .10 + .55 * (1 - facing.clamp(0, 1)) ** 3
    spark = (mirrored * sun).sum(1, keepdim=True).clamp(0, 1) ** 60 * (1 - .8 * s.has("weather", *_OVERCAST))
    there = ((w.depth < 59) & (w.points()[:, 1:2] > .03)).float() * much
    w.colour = w.colour * (1 - .6 * fresnel * there)
    w.glow = w.glow + there * (fresnel * seen + spark * s.sky.light * 1.4 * (.3 + .7 * s.sky.ambient))


def dark_of(s: Scene) -> Tensor:
    """How much it is time for lamps, 0..1."""
    return torch.maximum(s.amount("time", {"night": 1., "dusk": .85, "sunset": .25}, 0.),
                         s.has("extra", "headlights") * .9).clamp(0, 1)


def car(c: Canvas, s: Scene) -> Tensor:
    """An old car, three-quarters from the front, on an open road: lacquer, chrome, round wings, its shadow."""
    horizon = c.uniform(.42, .48)
    side = torch.where(c.uniform() > .5, 1., -1.)
    grain = Grain(c)
    behind, meadow = land(c, s, air.paint_sky(c, s), horizon, grain)
    turn = side * c.uniform(.45, .95)
    far, tall = c.uniform(5.8, 6.4), c.uniform(1.35, 1.7)
    focal = 1.12
    w = before(c, turn, far, tall, (.1 * side, 0, 0), (horizon - .5) / focal, focal)
    lane = mix(c.tint(.30, .30, .31), s.sky.horizon * .6, .25 * s.has("weather", "rain"))

    def ground(p: Tensor, n: Tensor) -> Tensor:
        rough = grain(p[:, :1] * .9, p[:, 2:] * .9)
        line = band(p[:, 2:], 2.25, 2.36, .03) * band(torch.remainder(p[:, :1] / 4, 1), .2, .7, .02)
        road = mix(lane * (.62 + .35 * rough + .35 * grain(p[:, :1] * 5, p[:, 2:] * 5)), c.tint(.85, .82, .72),
                   line * .8)
        snow = s.has("weather", "snow") * smooth(.40, .6, grain(p[:, :1] * .13, p[:, 2:] * .1))
        return mix(meadow(p, n), mix(road, c.tint(.9, .92, .96), snow * .8),
                   band(p[:, 2:], -2.2, 4.2, .12 + .2 * rough))

    w.ground(ground)
    lamps = _bodywork(c, s, w, side)
    gloss(w, s, sunlight(w, s, turn))
    picture = w.picture(behind, (mix(s.sky.middle, s.sky.horizon, .6), 60. - 30 * s.has("weather", "fog")))
    picture = _beams(c, s, w, picture, lamps, dark_of(s), turn)
    return figures.place(c, s, picture, horizon + c.uniform(.16, .20), (.24, .32), span=(.05, .16))


def _bodywork(c: Canvas, s: Scene, w: World, side: Tensor) -> list[Place]:
    """Put the car before the camera, its nose towards +x for `side` 1; where its headlights are."""
    colour = (s.any_pigment("colour", ("red", "turquoise", "black", "blue", "green", "golden", "white", "brown"))
              * .82 + .02)
    paint, chrome = colour, c.tint(.78, .80, .82)
    long = c.uniform(.0, .35)                                             # a longer bonnet
    rubber = c.tint(.035, .035, .04)

    def x(value: Tensor | float) -> Tensor:
        return side * value

    def prism(outline: list[tuple[Tensor | float, float]], half: float, skin: Skin) -> None:
        w.prism((0, 0, 0), [(x(a), b) for a, b in outline], half, 2, skin)

    nose = 1.75 + long
    prism([(-2.0, .34), (nose, .34), (nose + .08, .70), (nose - .05, .86), (-1.6, .92), (-2.08, .62)], .66, paint)

    prism([(-1.62, .88), (.66, .88), (.36, 1.40), (.16, 1.50), (-1.05, 1.52), (-1.40, 1.36)], .60,
          _cabin(c, s, side, colour))
    w.ball((x(-.44), 1.40, 0), (.92, .26, .58), paint)
    w.ball((x(-1.55), .82, 0), (.62, .40, .58), paint)
    w.box((x(.5), .55, -.46), (x(nose - .05), 1.06, .46), paint, soft=True)
    w.ball((x(nose - .12), .80, 0), (.30, .30, .44), paint)

    def grille(p: Tensor, n: Tensor) -> Tensor:
        slat = smooth(.2, .4, (torch.remainder(p[:, 2:] / .052, 1) - .5).abs())
        return mix(c.tint(.06, .06, .07), c.tint(.86, .87, .88), slat)

    w.box((x(nose + .02), .46, -.25), (x(nose + .16), .98, .25), grille)
    for z in (-.70, .70):
        w.ball((x(nose - .42), .60, z), (.62, .34, .20), paint)
        w.ball((x(-1.25), .58, z), (.66, .36, .20), paint)
        w.box((x(-.75), .26, z - .14), (x(nose - .9), .33, z + .14), c.tint(.10, .10, .11))
        w.ball((x(nose + .06), .78, z * .76), (.14, .16, .16), chrome)
        for place in (nose - .44, torch.zeros_like(long) - 1.25):
            _wheel(c, s, w, x(place), z * 1.10, rubber, chrome)
    for place in (nose + .30, torch.zeros_like(long) - 2.22):
        roll(w, (x(place), .42, -.76), 1.52, .055, .055, chrome, axis=2)
    w.box((x(-.36), .94, -.625), (x(-.20), .97, -.60), chrome)
    return [(x(nose + .20), .78, z * .76) for z in (-.70, .70)]


def _cabin(c: Canvas, s: Scene, side: Tensor, lacquer: Tensor) -> Skin:
    """Side windows with a bright rim, a windscreen and one behind."""
    def skin(p: Tensor, n: Tensor) -> Tensor:
        a, b = p[:, :1] * side, p[:, 1:2]
        flank = (n[:, 2:].abs() > .5).float()
        pane = band(b, 1.02, 1.38, .015) * (band(a, -.40, .34, .02) + band(a, -1.22, -.50, .02)) * flank
        pane = (pane
                + band(b, 1.00, 1.42, .02) * band(p[:, 2:].abs(), -.1, .52, .02) * (1 - flank)
                * smooth(.2, .4, (n[:, :1] * side).abs()))
        glass = mix(s.sky.zenith * .20 + .03, s.sky.horizon * .85, smooth(1.0, 1.42, b + .12 * a) * .55)
        rim = band(b, .985, 1.415, .015) * flank * band(a, -1.26, .38, .02)
        return mix(mix(lacquer, c.tint(.70, .72, .74), (rim - pane).clamp(0, 1) * .55), glass, pane.clamp(0, 1))
    return skin


def _wheel(c: Canvas, s: Scene, w: World, x: Tensor, z: float, rubber: Tensor, chrome: Skin) -> None:
    def face(p: Tensor, n: Tensor) -> Tensor:
        out = (p[:, :1] ** 2 + p[:, 2:] ** 2).sqrt()
        white = band(out, .215, .285, .012)
        hub = mix(c.tint(.80, .81, .82) * (.55 + .9 * (.5 + p[:, 2:] * 2)), c.tint(.22, .22, .23),
                  band(out, .085, .115, .01))
        return mix(mix(rubber, c.tint(.86, .84, .80), white), hub, smooth(.20, .185, out))

    roll(w, (x, .35, z - .09), .18, .35, .35, face, axis=2)


def _beams(c: Canvas, s: Scene, w: World, picture: Tensor, lamps: list[Place], dark: Tensor, turn: Tensor) -> Tensor:
    """The headlights and the light they throw on the road."""
    if not dark.any():
        return picture
    points = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    for place in lamps:
        px, py = w.project(place)
        points = torch.maximum(points, smooth(.026, .014, c.far(px, py)))
        pool = torch.exp(-((c.x - px - torch.sin(turn) * -.30) / .22) ** 2 - ((c.y - py - .20) / .05) ** 2)
        picture = picture * (1 + 1.1 * pool * dark * (1.1 - s.sky.ambient)) + c.tint(1., .88, .62) * pool * .06 * dark
    glow = points * 1.1 + c.blur(points, .03) * 1.5 + c.blur(points, .12) * 2.6
    return picture + c.tint(1., .90, .66) * glow * dark
