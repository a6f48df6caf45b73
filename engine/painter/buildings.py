"""Buildings under a sky: a house with a lit window, a church in its village."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.painter import air
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.lands import LEAVES
from engine.painter.scene import Scene
from engine.painter.skins import FLAME, Grain, boards, chances, standing, turned
from engine.painter.solids import World, band

_OVERCAST = ("storm", "rain", "fog", "cloudy", "snow")


def sunlight(w: World, s: Scene) -> None:
    """The sun or the moon from where they are in the picture, weak behind clouds, and the light of the sky."""
    strength = s.amount("time", {"dawn": 1.25, "noon": 1.2, "sunset": 1.5, "dusk": .20, "night": .30}, 1.15) * (1 - .72 * s.has("weather", *_OVERCAST))
    tall = s.amount("time", {"noon": 1.7, "sunset": .55, "dawn": .6}, 1.)
    side = torch.where(s.place_x > .5, 1., -1.)
    w.sun((side * (.5 + 1.2 * (s.place_x - .5).abs()), tall, -1.), s.sky.light * strength, soft=.03)
    w.air(mix(s.sky.middle, s.sky.horizon, .4) * (.12 + .52 * s.sky.ambient), .45)


def lit(s: Scene) -> Tensor:
    """How bright the windows of a house are from outside, 0..1.3: by day hardly, after dark they are what one sees."""
    by_hour = s.amount("time", {"night": 1.3, "dusk": 1.2, "sunset": .8, "dawn": .7, "noon": .12}, .30)
    return torch.maximum(by_hour, .95 * s.has("extra", "lit window"))


def white(s: Scene) -> Tensor:
    """1 where snow lies."""
    return torch.maximum(s.has("weather", "snow"), s.has("season", "winter") * .9)


def land(c: Canvas, s: Scene, behind: Tensor, horizon: Tensor | float, grain: Grain) -> tuple[Tensor, Callable[[Tensor, Tensor], Tensor]]:
    """Hills and a line of woods before a sky, and the skin of a meadow."""
    green = s.pick("season", LEAVES, (.26, .40, .15))
    ground = mix(green, c.tint(.92, .94, .98), white(s))
    light = s.sky.light * (.20 + .75 * s.sky.ambient)
    hills = horizon - .03 - .12 * c.line(1.6, octaves=3)
    behind = mix(behind, mix(s.sky.horizon, ground * light, .35), smooth(-.004, .004, c.y - hills))
    woods = horizon - .015 - .05 * c.line(5, octaves=4) - .015 * c.line(40, octaves=2)
    tone = mix(green * .6, ground, white(s) * .5) * light
    behind = mix(behind, mix(s.sky.horizon, tone, .55) * (.75 + .4 * c.noise(22, octaves=2)), smooth(-.004, .004, c.y - woods))

    def meadow(p: Tensor, n: Tensor) -> Tensor:
        tufts = grain(p[:, :1] * .5, p[:, 2:] * .16) * .6 + grain(p[:, :1] * .07 + 3, p[:, 2:] * .05) * .7
        return ground * (.42 + .85 * tufts * (1 - .5 * white(s)) + .32 * white(s))
    return behind, meadow


def tree(c: Canvas, s: Scene, w: World, grain: Grain, x: float | Tensor, z: float | Tensor, tall: Tensor) -> None:
    """A broad tree in leaf; in winter a grey haze of twigs."""
    leaves = mix(s.pick("season", LEAVES, (.20, .38, .12)), c.tint(.93, .95, .98), s.has("weather", "snow") * .7)
    w.cone((x, 0, z), tall * .62, tall * .045, tall * .02, c.tint(.22, .16, .11))
    winter = s.has("season", "winter")
    leaves = mix(leaves, mix(c.tint(.30, .25, .22), c.tint(.80, .82, .86), s.has("weather", "snow") * .5), winter)
    reach = tall * (1 - .22 * winter)

    def foliage(p: Tensor, n: Tensor) -> Tensor:
        return leaves * (.30 + 1.15 * smooth(.25, .75, grain(p[:, :1] * .5 + p[:, 2:] * .3, p[:, 1:2] * .5)))
    for i in range(5):
        a = 2.4 * i
        dx, dy, dz = .20 * torch.cos(c.uniform(a, a + 1)), .62 + .09 * i, .14 * torch.sin(c.uniform(a, a + 1))
        w.crown((x + tall * dx, tall * dy, z + tall * dz), (reach * .22, reach * (.20 - .015 * i), reach * .2), foliage)


def _panes(p: Tensor, x: float, y: float, wide: float, high: float) -> tuple[Tensor, Tensor]:
    """A window on a wall: its glass with a cross, and its frame."""
    u, v = p[:, :1] - x, p[:, 1:2] - y
    glass = band(u, -wide, wide, .02) * band(v, -high, high, .02)
    cross = torch.maximum(smooth(.05, .03, u.abs()), smooth(.05, .03, (v - high * .15).abs()))
    frame = band(u, -wide - .12, wide + .12, .02) * band(v, -high - .12, high + .12, .02)
    return glass * (1 - cross), frame * (1 - glass * (1 - cross))


def house(c: Canvas, s: Scene) -> Tensor:
    """A house in a meadow with its windows lit, smoke from the chimney, a path to the door, a fence, a tree."""
    grain = Grain(c)
    focal, horizon = c.uniform(1.05, 1.25), c.uniform(.60, .67)
    w = World(c, (c.uniform(-5.5, -3.2), 1.7, -11.5), c.uniform(.26, .34), torch.atan((horizon - .5) / focal), focal)
    behind, meadow = land(c, s, air.paint_sky(c, s), horizon, grain)
    path = mix(c.tint(.62, .54, .42), c.tint(.86, .88, .92), white(s) * .8)

    def ground(p: Tensor, n: Tensor) -> Tensor:
        bend = .55 + .35 * torch.sin(p[:, 2:] * .35)
        way = smooth(.62, .48, (p[:, :1] - bend).abs() + .22 * (grain(p[:, :1], p[:, 2:] * .4) - .5)) * (p[:, 2:] < 0)
        return mix(meadow(p, n), path * (.7 + .5 * grain(p[:, :1] * .8, p[:, 2:] * .5)), way)
    w.ground(ground)
    wall = mix(s.any_pigment("colour", ("white", "golden", "brown", "grey", "red")), c.tint(.84, .80, .72), .50)
    tile = mix(mix(c.tint(.44, .19, .13), c.tint(.24, .25, .28), c.uniform().round()), c.tint(.92, .94, .98), white(s) * .92)
    glow = mix(c.tint(*FLAME), s.pigment("second", (1, 1, 1)), .7 * (1 - s.has("second", ""))) * lit(s) * 1.25
    openings = [(-1.7, -.35, .55, .62), (2.25, -.35, .55, .62)]

    def front(p: Tensor, n: Tensor) -> Tensor:
        facing = (n[:, 2:] < -.5).float()
        shown = boards(grain, p[:, 1:2], p[:, :1] + p[:, 2:], wall, .24) * 1.1
        shown = mix(shown, c.tint(.36, .33, .30), smooth(-1.32, -1.42, p[:, 1:2]))
        for x, y, wide, high in openings:
            glass, frame = _panes(p, x, y, wide, high)
            shown = mix(mix(shown, c.tint(.86, .84, .80), frame * facing), s.sky.middle * .18, glass * facing)
        door = band(p[:, :1], .12, .98, .015) * band(p[:, 1:2], -1.6, .42, .015) * facing
        panel = band(p[:, :1], .24, .86, .01) * (band(p[:, 1:2], -1.4, -.6, .01) + band(p[:, 1:2], -.45, .28, .01))
        return mix(shown, s.pigment("second", (.20, .30, .26)) * (.75 + .3 * panel), door)

    def shine(p: Tensor, n: Tensor) -> Tensor:
        total = torch.zeros_like(p)
        for i, (x, y, wide, high) in enumerate(openings):
            glass, _ = _panes(p, x, y, wide, high)
            curtain = .72 + .28 * smooth(.1, .8, (p[:, :1] - x).abs() / wide) - .22 * smooth(-.2, .9, (p[:, 1:2] - y) / high)
            total = total + glass * curtain * (glow if i == 0 else glow * one)
        return total * (n[:, 2:] < -.5)
    one = (c.uniform() > .4).float()
    w.box((-3.1, 0, 0), (3.5, 3.2, 5), front, glow=shine)

    def shingles(p: Tensor, n: Tensor) -> Tensor:
        row = p[:, 1:2] / .22
        return tile * (.70 + .28 * smooth(.0, .6, torch.remainder(row, 1)) + .24 * chances(p[:, :1] / .34 + row.floor() * .5, row))
    w.prism((.2, 3.1, 2.5), [(-.2, -3.1), (-.2, 3.1), (0., 3.2), (2.7, 0.), (0., -3.2)], 3.75, 0, shingles)
    w.box((1.7, 4.2, 1.9), (2.4, 6.3, 2.6), c.tint(.42, .24, .18))
    w.box((1.62, 6.25, 1.82), (2.48, 6.42, 2.68), mix(c.tint(.3, .2, .17), c.tint(.92, .94, .98), white(s)))
    w.box((.2, 0, -.7), (1.3, .16, 0), c.tint(.46, .44, .42))
    tree(c, s, w, grain, -4.6, c.uniform(1., 3.5), c.uniform(5.2, 6.6))
    tree(c, s, w, grain, c.uniform(5.6, 7.), 4.5, c.uniform(4.5, 6.))
    _fence(c, s, w)
    sunlight(w, s)
    w.lamp((-1.5, 1.5, -.9), glow, 1.6, shadows=False)
    picture = w.picture(behind, (mix(s.sky.horizon, s.sky.middle, .4), 70. - 45. * s.has("weather", "fog", "snow", "storm")))
    picture = _glow(c, w, picture)
    picture = _smoke(c, s, picture, *w.project((2.05, 6.5, 2.2)))
    return turned(c, s, standing(w, s, picture, (c.uniform(-.6, 1.), 0., -3.4)))


def _glow(c: Canvas, w: World, picture: Tensor) -> Tensor:
    """Light of the windows in the air before them."""
    return picture + c.blur(w.glow.clamp(0, 1.3), .04) * .40 + c.blur(w.glow.clamp(0, 1.3), .012) * .22


def _smoke(c: Canvas, s: Scene, picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Smoke that goes up and bends with the wind."""
    up = (y - c.y).clamp(min=0)
    wind = c.uniform(-.5, .5)
    middle = x + wind * up ** 1.4 + .02 * torch.sin(up * 26 + c.uniform(0, 6)) * up * 4
    plume = torch.exp(-((c.x - middle) / (.008 + .16 * up)) ** 2) * smooth(-.005, .01, y - c.y) * torch.exp(-up * 3.2)
    torn = smooth(.30, .75, c.noise(5, 6, octaves=3))
    return mix(picture, mix(s.sky.horizon, s.sky.light, .3) * (.35 + .55 * s.sky.ambient), (plume * torn * 1.1).clamp(0, .8))


def _fence(c: Canvas, s: Scene, w: World) -> None:
    """A garden fence on both sides of the path."""
    paint = mix(c.tint(.78, .76, .72), c.tint(.40, .30, .22), c.uniform().round())
    for low, high in ((-5.2, -.9), (2.0, 6.6)):
        for y in (.32, .72):
            w.box((low, y, -2.55), (high, y + .09, -2.5), paint, casts=False)
        many = round((high - low) / .43)
        for i in range(many + 1):
            x = low + (high - low) * i / many
            w.box((x - .05, 0, -2.62), (x + .05, .95, -2.56), paint, casts=False)


def church(c: Canvas, s: Scene) -> Tensor:
    """A church with its tower above the roofs of a village, its windows lit, a clock, a cross."""
    grain = Grain(c)
    focal, horizon = c.uniform(1.05, 1.2), c.uniform(.66, .74)
    w = World(c, (c.uniform(-15., -9.), c.uniform(3.2, 4.6), -26.), c.uniform(.36, .42), torch.atan((horizon - .5) / focal), focal)
    behind, meadow = land(c, s, air.paint_sky(c, s), horizon, grain)
    w.ground(meadow)
    snow = white(s)
    stone = mix(s.any_pigment("colour", ("white", "golden", "grey")), c.tint(.72, .68, .60), .62)
    slate = mix(mix(c.tint(.24, .26, .31), c.tint(.42, .20, .14), c.uniform().round()), c.tint(.92, .94, .98), snow * .92)
    glow = mix(c.tint(1., .74, .36), s.pigment("second", (1, 1, 1)), .6 * (1 - s.has("second", ""))) * lit(s) * 1.15

    def arches(p: Tensor, n: Tensor) -> Tensor:
        along = torch.lerp(p[:, :1], p[:, 2:], n[:, :1].abs())
        u, v = (torch.remainder(along / 2.6 + .5, 1) - .5) * 2.6, p[:, 1:2] + .3
        return smooth(.50, .42, torch.maximum(u.abs(), (u**2 + (v - 1.1).clamp(min=0) ** 2).sqrt())) * smooth(-1.7, -1.6, v) * (n[:, 1:2].abs() < .5)

    def masonry(p: Tensor, n: Tensor) -> Tensor:
        row = p[:, 1:2] / .42
        block = .86 + .22 * chances((p[:, :1] + p[:, 2:]) / .8 + row.floor() * .5, row)
        return mix(stone * block * (.75 + .4 * grain(p[:, :1] * .3 + p[:, 2:] * .2, p[:, 1:2] * .3)), s.sky.middle * .16, arches(p, n))
    w.box((-3.4, 0, 2.5), (3.4, 5.4, 16), masonry, glow=lambda p, n: arches(p, n) * glow * mix(c.tint(1., .55, .45), c.tint(.7, .8, 1.), chances((p[:, :1] + p[:, 2:]) / 2.6 + .5, 0.)))
    w.prism((0, 5.3, 9.25), [(-3.9, 0.), (0., 4.3), (3.9, 0.)], 7., 2, lambda p, n: slate * (.75 + .4 * chances(p[:, 2:] / .5, p[:, 1:2] / .35)))
    _tower(c, w, grain, stone, slate, glow)
    _village(c, s, w, grain, slate, glow)
    tree(c, s, w, grain, 10., 6., c.uniform(5., 7.5))
    tree(c, s, w, grain, -6.5, -4., c.uniform(5., 7.))
    sunlight(w, s)
    picture = w.picture(behind, (mix(s.sky.horizon, s.sky.middle, .3), 130. - 90. * s.has("weather", "fog", "snow", "storm")))
    picture = _glow(c, w, picture)
    return turned(c, s, standing(w, s, picture, (c.uniform(-6., -2.), 0., -12.)))


def _tower(c: Canvas, w: World, grain: Grain, stone: Tensor, slate: Tensor, glow: Tensor) -> None:
    """The tower before the nave: a portal, a clock, a bell's opening, a spire with a cross."""
    hour = c.uniform(0, 6.28)

    def details(p: Tensor, n: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u, v = torch.lerp(p[:, :1], p[:, 2:], n[:, :1].abs()), p[:, 1:2]
        portal = smooth(.95, .88, torch.maximum(u.abs(), (u**2 + (v + 3.4).clamp(min=0) ** 2).sqrt())) * (v < -1.8) * (n[:, 2:] < -.5)
        far = (u**2 + (v - 1.7) ** 2).sqrt()
        angle = torch.atan2(u, v - 1.7)
        hands = torch.maximum(smooth(.10, .06, (angle - hour).abs() * far) * (far < .72), smooth(.10, .06, (torch.remainder(angle - hour * 12 + 3.14, 6.28) - 3.14).abs() * far) * (far < .5))
        dial = smooth(.92, .86, far) * (1 - .9 * hands) * (1 - .5 * smooth(.06, .03, (far - .80).abs()))
        bell = smooth(.45, .38, torch.maximum((u.abs() - .55).abs() * 1.6, (((u.abs() - .55) * 1.6) ** 2 + (v - 4.3).clamp(min=0) ** 2).sqrt())) * (v > 3.2)
        return portal, dial, bell

    def wall(p: Tensor, n: Tensor) -> Tensor:
        portal, dial, bell = details(p, n)
        cornice = band(p[:, 1:2], 2.75, 3.05, .03) + band(p[:, 1:2], 5.2, 5.5, .03)
        plain = stone * (.75 + .4 * grain((p[:, :1] + p[:, 2:]) * .3, p[:, 1:2] * .2)) * (.84 + .2 * chances((p[:, :1] + p[:, 2:]) / .8 + (p[:, 1:2] / .42).floor() * .5, p[:, 1:2] / .42)) * (1 + .2 * cornice)
        return mix(mix(mix(plain, c.tint(.14, .09, .06), portal), c.tint(.90, .87, .78), dial), c.tint(.06, .06, .07), bell)
    w.box((-1.9, 0, -.6), (1.9, 11., 3.2), wall, glow=lambda p, n: details(p, n)[1] * glow * .45 + details(p, n)[0] * glow * .35)
    w.spire((0, 11., 1.3), 2.15, c.uniform(6.5, 8.), slate)
    tall = w.solids[-1].middle[:, 1:2] + w.solids[-1].reach[:, 1:2]
    gold = c.tint(.72, .56, .24)
    w.box((-.06, tall - .2, 1.24), (.06, tall + 1.25, 1.36), gold, casts=False)
    w.box((-.38, tall + .68, 1.24), (.38, tall + .80, 1.36), gold, casts=False)


def _village(c: Canvas, s: Scene, w: World, grain: Grain, slate: Tensor, glow: Tensor) -> None:
    """Seven houses around the church, no two alike, some of them at home."""
    for x, z in ((-12.8, -9.8), (3.4, -9.), (-11., -2.2), (-9.5, 10.5), (13.8, 0.), (-15.5, 4.), (9., -4.)):
        paint = mix(s.any_pigment("colour", ("white", "golden", "pink", "brown", "grey")), c.tint(.80, .75, .66), .55)
        wide, deep, high, turn = c.uniform(1.7, 2.5), c.uniform(1.6, 2.2), c.uniform(2.3, 3.2), c.uniform(-.5, .5)
        home = (c.uniform() > .35).float()

        def glass(p: Tensor, n: Tensor) -> Tensor:
            u, v = (torch.remainder((p[:, :1] + p[:, 2:]) / 1.5 + .5, 1) - .5) * 1.5, p[:, 1:2] - .1
            return band(u, -.34, .34, .04) * band(v, -.42, .42, .04) * (n[:, 1:2].abs() < .5)

        def wall(p: Tensor, n: Tensor, paint: Tensor = paint) -> Tensor:
            return mix(paint * (.75 + .4 * grain(p[:, :1] * .3 + p[:, 2:] * .3, p[:, 1:2] * .3)), s.sky.middle * .2, glass(p, n))
        w.box((x - wide, 0, z - deep), (x + wide, high, z + deep), wall, turn=turn, glow=lambda p, n, home=home: glass(p, n) * glow * home)    # type: ignore[misc]
        w.prism((x, high, z), [(-.1, -deep - .3), (1.9, 0.), (-.1, deep + .3)], wide + .3, 0, slate * c.uniform(.8, 1.15), turn=turn)
        w.box((x + .5, high + .9, z - .25), (x + 1., high + 2.3, z + .25), c.tint(.36, .24, .2), casts=False)
