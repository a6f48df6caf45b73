"""Statues: a draped figure on its plinth, an angel with wings, a bust."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, heads
from engine.painter.buildings import land, sunlight, tree, white
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.skins import Grain, standing
from engine.painter.solids import World, band

# A figure of tubes in its own height, from the feet up: u0, v0, u1, v1, r0, r1.
Stroke = tuple[float, float, float, float, float, float]
_BODY: tuple[Stroke, ...] = (
    (-.045, .52, -.085, .03, .090, .075), (.050, .52, .070, .02, .092, .060), (.0, .50, -.01, .02, .085, .105),      # the robe
    (.0, .50, .015, .63, .088, .070), (.015, .63, .0, .76, .072, .092), (-.085, .795, .085, .805, .048, .048),       # the trunk
    (.0, .82, .010, .89, .034, .032), (.012, .925, .016, .960, .050, .046), (-.010, .955, -.030, .925, .042, .036),  # neck, head, hair
    (-.115, .795, -.165, .64, .042, .034), (-.165, .64, -.120, .51, .034, .024), (.078, .02, .110, .012, .030, .02))
_RAISED: tuple[Stroke, ...] = ((.115, .80, .200, .905, .042, .034), (.200, .905, .185, 1.06, .033, .022), (.185, 1.06, .180, 1.11, .024, .03))
_BENT: tuple[Stroke, ...] = ((.115, .795, .170, .655, .042, .034), (.170, .655, .045, .650, .034, .024))
_FOLDS: tuple[Stroke, ...] = tuple((.105 - .012 * i, .80 - .02 * i, -.105 + .035 * i, .56 - .07 * i, .016, .024) for i in range(4)) + tuple(
    (-.09 + .045 * i, .50 - .02 * (i % 2), -.125 + .062 * i, .03, .014, .022) for i in range(5))


def statue(c: Canvas, s: Scene) -> Tensor:
    """Pale stone in a park under the sky: somebody draped, an angel, or a bust, on a plinth between trees."""
    grain = Grain(c)
    focal, horizon = c.uniform(1.2, 1.35), c.uniform(.72, .78)
    w = World(c, (c.uniform(-.8, .8), 1.5, -8.), c.uniform(-.05, .05), torch.atan((horizon - .5) / focal), focal)
    behind, meadow = land(c, s, air.paint_sky(c, s), horizon, grain)
    path = mix(c.tint(.60, .54, .44), c.tint(.88, .90, .94), white(s) * .85)
    w.ground(lambda p, n: mix(meadow(p, n), path * (.65 + .5 * grain(p[:, :1] * .5, p[:, 2:] * .4)), smooth(2.3, 2.0, (p[:, :1] ** 2 + (p[:, 2:] * .9) ** 2).sqrt())))
    for place, z in ((-5.2, 3.), (5.4, 4.), (-8.5, 8.), (8.8, 9.)):
        tree(c, s, w, grain, place + c.uniform(-.5, .5), z, c.uniform(4., 6.))
    for way in (-1., 1.):
        w.box((way * 1.9, 0, 1.6), (way * 7., .75, 2.3), lambda p, n: mix(c.tint(.12, .24, .10), c.tint(.9, .92, .96), white(s) * .7 * (n[:, 1:2] > .5)) * (.5 + 1. * grain(p[:, :1] * .5 + p[:, 2:], p[:, 1:2])), soft=True)
    stone = mix(c.tint(.86, .83, .77), s.pigment("second", (.52, .62, .54)), .18) * c.uniform(.85, 1.05)
    bust = s.has("extra", "bust")
    top = mix(torch.full_like(bust, 1.05), torch.full_like(bust, 1.75), bust)
    slim = 1 - .35 * bust

    def weathered(p: Tensor, n: Tensor) -> Tensor:
        stain = smooth(.35, .8, grain(p[:, :1] * .9 + p[:, 2:], p[:, 1:2] * .18))
        letters = band(p[:, :1].abs(), -1., .30, .01) * band(p[:, 1:2], -.12, .12, .01) * (torch.sin(p[:, :1] * 70 + (p[:, 1:2] / .08).floor() * 4) > .0) * (torch.remainder(p[:, 1:2] / .08, 1) > .45) * (n[:, 2:] < -.5)
        return stone * (.82 - .30 * stain) * (.8 + .35 * grain(p[:, :1] * .6, p[:, 1:2] * .6)) * (1 - .4 * letters)
    w.box((-.80, 0, -.7), (.80, .20, .7), weathered)
    w.box((-.55 * slim, .20, -.48), (.55 * slim, top - .12, .48), weathered)
    w.box((-.66 * slim, top - .14, -.58), (.66 * slim, top, .58), weathered)
    sunlight(w, s)
    picture = w.picture(behind, (mix(s.sky.horizon, s.sky.middle, .4), 45. - 28. * s.has("weather", "fog", "snow", "storm")))
    x, foot = w.project((0., top, 0.))
    _, head = w.project((0., top + 3.0, 0.))
    height, side = foot - head, torch.sign(s.place_x - .5)
    relief, mask = _draped(c, s, x, foot, height)
    light, _ = c.shade(relief, side)
    streaks = smooth(.45, .85, c.noise(16, 2.5, octaves=3)) * .30 + smooth(.5, .9, c.noise(9, octaves=3)) * .15
    overcast = 1 - .3 * s.has("weather", "storm", "rain", "fog", "cloudy")
    shown = stone * (1 - streaks) * (s.sky.light * light * 1.25 * overcast * (.18 + .80 * s.sky.ambient) + s.sky.middle * (.06 + .16 * s.sky.ambient))
    carved = mix(picture, shown, mask)
    if bust.any():
        carved = mix(carved, _bust(c, s, picture, x, foot, height, stone, side), bust)
    return standing(w, s, carved, (c.uniform(-2.6, -1.5), 0., -.6))


def _draped(c: Canvas, s: Scene, x: Tensor, foot: Tensor, height: Tensor) -> tuple[Tensor, Tensor]:
    """The relief of a standing figure in folds, some with wings: relief and mask (count, 1, h, w)."""
    way = torch.where(c.uniform() > .5, 1., -1.)
    raised = (c.uniform() > .5).float()

    def tubes(strokes: tuple[Stroke, ...], grow: float = 1.) -> Tensor:
        parts = [c.tube(x + u0 * height * way, foot - v0 * height, x + u1 * height * way, foot - v1 * height, r0 * height * grow, r1 * height * grow) for u0, v0, u1, v1, r0, r1 in strokes]
        return torch.stack(parts).amax(0)
    body = torch.maximum(tubes(_BODY), torch.maximum(tubes(_RAISED) * raised, tubes(_BENT) * (1 - raised)))
    solid = body
    angel = s.has("extra", "angel")
    if angel.any():
        wings = torch.stack([tubes(_wing(side)) for side in (-1., 1.)]).amax(0) * angel
        solid = torch.maximum(body, wings)
        body = torch.maximum(body, wings * .55)
    folds = tubes(_FOLDS)
    smoothed = c.blur(body, .012) * .6 + body * .4
    cloth = smoothed + c.blur(folds, .004) * .55 * (solid > 0)
    return cloth, smooth(0, 1.8 * c.pixel, solid) * smooth(.006, -.006, c.y - foot - .008)


def _wing(side: float) -> tuple[Stroke, ...]:
    """The arm of a wing and its feathers."""
    arm: tuple[Stroke, ...] = ((side * .05, .78, side * .20, .98, .045, .050), (side * .20, .98, side * .33, .97, .048, .030))
    return arm + tuple((side * (.10 + .036 * i), .90 + .035 * min(i, 3), side * (.13 + .046 * i), .50 + .045 * i, .034, .016) for i in range(7))


def _bust(c: Canvas, s: Scene, picture: Tensor, x: Tensor, foot: Tensor, height: Tensor, stone: Tensor, side: Tensor) -> Tensor:
    """A head of stone from the front, its hair, neck and shoulders, cut off below the breast, on a round socle."""
    look = heads.somebody(c, s)
    look.skin, look.hair, look.iris = stone * .96, stone * .82, stone * .80
    look.smile, look.long, look.bald, look.beard = look.smile * .3, torch.zeros_like(x), torch.zeros_like(x), (c.uniform() > .6).float()
    size = height * .60
    pose = heads.Pose(x, foot - size * 1.12, size, c.uniform(-.06, .06), c.uniform(-.9, .9), side, c.uniform(.2, .6))
    bust = heads.neck(c, s, picture, pose, look, stone * .95)
    bust = heads.hair(c, s, heads.face(c, s, bust, pose, look), pose, look, behind=False)
    u, v = (c.x - x) / size, (c.y - pose.y) / size
    cut = smooth(.02, -.02, (u / .60) ** 2 + ((v - .46) / .58) ** 2 - 1) * (v > .42) + (v <= .42)
    kept = smooth(.02, .0, (bust - picture).abs().amax(1, keepdim=True) * 0 + (1 - cut))
    socle = smooth(.015, -.015, u.abs() - .15 - .55 * (v - 1.04).clamp(min=0) ** 1.4) * band(v, .98, 1.13, .008)
    base = stone * (.35 + .5 * (.5 + .5 * u * side / .2).clamp(0, 1)) * s.sky.light * (.2 + .8 * s.sky.ambient)
    return mix(mix(picture, base, socle), bust, kept)
