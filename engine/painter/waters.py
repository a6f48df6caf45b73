"""Water: sea, lake, the surface itself, a ship."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter import air, figures
from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.scene import Scene


def sea(c: Canvas, s: Scene) -> Tensor:
    """Open water to the horizon."""
    horizon = c.uniform(.42, .62)
    rough = s.amount("extra", {"calm": .30, "waves": 1.9}, .8) + .9 * s.has("weather", "storm")
    picture = water(c, s, air.paint_sky(c, s), horizon, rough)
    return figures.place(c, s, picture, horizon + c.uniform(.03, .16), (.14, .26))


def lake(c: Canvas, s: Scene) -> Tensor:
    """Still water between hills, and the hills in it."""
    horizon = c.uniform(.46, .60)
    picture = air.paint_sky(c, s)
    season = s.pick("season", {"spring": (.34, .50, .22), "autumn": (.62, .32, .10), "winter": (.78, .80, .84)}, (.22, .32, .20))
    for layer in range(3):
        near = layer / 2
        top = horizon - (.19 - .05 * layer) * c.uniform(.4, 1.1) * c.line(1.5 + layer, octaves=5) - .012 * c.line(30, octaves=2) * near
        body = mix(s.sky.horizon * .9, season * s.sky.light * (.15 + .5 * s.sky.ambient), .35 + .55 * near)
        picture = mix(picture, body * (.82 + .3 * c.noise(7, 12, octaves=2)), smooth(-.004, .004, c.y - top))
    picture = water(c, s, picture, horizon, .34 + .5 * s.has("weather", "storm", "rain"))
    shore = 1 - .08 * c.line(2.5, octaves=4) - .02 * c.line(30, octaves=2)
    picture = mix(picture, season * s.sky.ambient * .12 + .01, smooth(-.004, .004, c.y - shore) * (c.uniform() > .5))
    return figures.place(c, s, picture, horizon + c.uniform(.05, .25), (.14, .26))


def water(c: Canvas, s: Scene, above: Tensor, horizon: Tensor, rough: Tensor) -> Tensor:
    """`above` the horizon as it is, below it mirrored in waves that shorten with distance, with the light's path."""
    depth = ((c.y - horizon) / (1 - horizon)).clamp(1e-3, 1)
    away = .42 / (depth + .045)
    swell = _waves(c, away, 5., 2.4) + .55 * _waves(c, away, 2.1, 2.) * smooth(.02, .25, depth)
    chop = c.noise(3, 26, octaves=3) - .5
    wave = (swell * .62 * smooth(.0, .10, depth) + chop * 1.1) * rough
    mirrored = c.warp(above, wave * .035 * (depth + .15), 2 * (horizon - c.y) + wave * .06 * (depth + .12))
    deep = (mix(c.tint(.03, .12, .22), s.sky.zenith, .5)) * (.35 + .65 * s.sky.ambient)
    surface = mix(mirrored, deep, (.18 + .55 * depth) * (1 - .25 * rough.clamp(max=1.5)))
    surface = surface * (1 + .26 * wave.clamp(-1.2, 1.2))
    foam = smooth(.75, 1.25, wave) * (rough > 1.2) * smooth(.02, .3, depth)
    surface = mix(surface, luma(s.sky.horizon) * c.tint(.95, 1., 1.02) * .95, foam * .7)
    lamp = s.has("light", *air.CELESTIAL)
    colour = mix(s.sky.light, s.pigment("second", (1, 1, 1)), .8 * (1 - s.has("second", "")))
    path = torch.exp(-((c.x - s.place_x) / (.035 + .13 * depth)) ** 2) * smooth(-.1, .65, wave + chop + .25)
    surface = surface + path * lamp * colour * .75
    return mix(above, surface, smooth(-.002, .002, c.y - horizon))


def _waves(c: Canvas, away: Tensor, scale: float, stretch: float) -> Tensor:
    """Slopes of a wrinkled sheet seen at `away` (count, 1, h, 1), about -1..1: one texture, laid down in perspective."""
    texture = c.ridges(5, 5 * stretch, octaves=3, size=(128, 128))
    slope = torch.gradient(texture, dim=2)[0] * 9
    places = ((c.x - .5) * away / scale * 2, away / scale * 2 - 1)
    gx, gy = (place.expand(c.count, 1, c.height, c.width) for place in places)
    grid = torch.cat((gx, gy), 1).permute(0, 2, 3, 1)
    return F.grid_sample(slope, grid.contiguous(), padding_mode="reflection", align_corners=False).clamp(-1.5, 1.5)
