"""Land without people: mountains, desert, snow, field, forest."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures, terrain
from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.scene import Colour, Scene

LEAVES: dict[str, Colour] = {"spring": (.42, .62, .22), "summer": (.16, .40, .12), "autumn": (.74, .36, .08), "winter": (.60, .58, .58)}


def lit(s: Scene, ground: Tensor, light: Tensor, shade: float = .38) -> Tensor:
    """Ground under this hour's light: shaded parts take the sky's colour."""
    sky = s.sky
    shadow = ground * mix(sky.zenith, sky.middle, .5) * 1.1 * (shade + .4 * sky.ambient)
    lit = ground * sky.light * (.30 + .95 * sky.ambient)
    return mix(shadow, lit, light)


def mountains(c: Canvas, s: Scene) -> Tensor:
    """Ranges behind one another, lit from the side of the sun, whiter above, bluer away."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.60, .74)
    across, ahead = terrain.slices(c, .9, 11.)
    texture = c.ridges(2.2, octaves=5, gain=.52, size=(160, 160)) ** 1.6
    peaks = terrain.relief(c, texture, across, ahead, 11.) * smooth(1.6, 7., ahead) * 5.4
    swell = terrain.relief(c, c.noise(3, octaves=2, size=(48, 48)), across, ahead, 11.) - .5
    height = peaks * c.uniform(.50, .92) + swell * .45
    land = terrain.see(c, height, ahead, horizon, .55)
    light = land.look(terrain.sunlit(height, across, ahead, torch.sign(s.place_x - .5), 1.1))
    tall = land.look(height) / (.35 * land.look(ahead.expand_as(height)))
    snow_line = s.amount("season", {"winter": .2, "summer": 3.6}, 1.9) - 1.4 * s.has("extra", "snowy") - 1.2 * s.has("weather", "snow")
    rock = mix(c.tint(.34, .30, .28), s.pick("season", LEAVES, (.26, .34, .22)), smooth(1.6, .5, tall) * .75)
    snow = smooth(snow_line, snow_line + .9, tall + (light - .5) * .5)
    ground = mix(rock, c.tint(.95, .96, .99), snow)
    haze = (land.distance ** 1.7) * .72
    picture = mix(picture, mix(lit(s, ground, light), mix(s.sky.middle, s.sky.horizon, .55), haze), land.cover)
    return figures.place(c, s, picture, c.uniform(.88, .95), (.13, .24))


def desert(c: Canvas, s: Scene) -> Tensor:
    """Dunes: long crests, one side in light, one in shadow."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.46, .58)
    across, ahead = terrain.slices(c, .7, 9.)
    crests = 1 - (2 * c.noise(2.2, 3.2, octaves=2, gain=.35, size=(160, 160)) - 1).abs()      # where noise crosses its middle
    low = terrain.relief(c, c.noise(1.5, octaves=2, size=(48, 48)), across, ahead)
    height = terrain.relief(c, crests ** 1.4, across, ahead) * (.34 + .13 * ahead) * c.uniform(.8, 1.3) + low * .4
    land = terrain.see(c, height, ahead, horizon, 1.05)
    light = smooth(.12, .62, land.look(terrain.sunlit(height, across, ahead, torch.sign(s.place_x - .5), 2.2)))
    ripple = land.look(torch.sin(ahead.sqrt() * 60 + across * 5 + low * 40).expand(c.count, 1, -1, -1))
    sand = mix(c.tint(.84, .62, .38), c.tint(.92, .76, .56), c.uniform())
    ground = sand * (1 + .05 * ripple * smooth(.6, .1, land.distance))
    haze = land.distance ** 2 * .55
    picture = mix(picture, mix(lit(s, ground, light, .30), s.sky.horizon, haze), land.cover)
    return figures.place(c, s, picture, c.uniform(.66, .86), (.12, .26))


def snow(c: Canvas, s: Scene) -> Tensor:
    """White ground in blue shadow, bare trees, a line of woods far away."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.42, .58)
    woods = horizon - .02 - .07 * c.line(3) - .025 * c.line(26, octaves=2)
    picture = mix(picture, mix(s.sky.middle, s.sky.zenith, .4) * .62, smooth(-.006, .006, c.y - woods))
    across, ahead = terrain.slices(c, .7, 9.)
    texture = c.noise(2.2, octaves=4, gain=.42, size=(96, 96))
    height = terrain.relief(c, texture, across, ahead) * (.20 + .06 * ahead)
    land = terrain.see(c, height, ahead, horizon + .04, .8)
    light = land.look(terrain.sunlit(height, across, ahead, torch.sign(s.place_x - .5), 3.))
    white = lit(s, c.tint(.98, .99, 1.), light * .8 + .2, .85) * 1.05
    picture = mix(picture, mix(white, s.sky.horizon, land.distance ** 2 * .4), land.cover)
    for scale in (.7, 1.2):
        feet = horizon + .05 + .22 * (scale - .5)
        trunks = bare_trees(c, feet, scale * .34)
        picture = mix(picture, s.sky.zenith * .25 + .03, trunks * c.uniform(.5, 1.) * .9)
    return figures.place(c, s, picture, c.uniform(.80, .92), (.18, .30))


def bare_trees(c: Canvas, feet: Tensor, height: float) -> Tensor:
    """Three leafless trees, each a leaning trunk with branches: (count, 1, h, w)."""
    drawn = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    for _ in range(3):
        x, tall, lean = c.across(-.05, 1.05), height * c.uniform(.6, 1.2), c.uniform(-.08, .08)
        drawn = torch.maximum(drawn, c.limb(x, feet, x + lean * tall, feet - tall, .030 * tall, .004 * tall))
        for i in range(6):
            side = 1. if i % 2 else -1.
            foot, reach = .28 + .11 * i, c.uniform(.18, .40) * (1.1 - .12 * i)
            bx, by = x + lean * tall * foot, feet - tall * foot
            tip_x, tip_y = bx + side * tall * reach * .75, by - tall * reach
            drawn = torch.maximum(drawn, c.limb(bx, by, tip_x, tip_y, .013 * tall, .003 * tall))
            drawn = torch.maximum(drawn, c.limb((bx + tip_x) / 2, (by + tip_y) / 2, tip_x - side * .06 * tall, tip_y - .16 * tall, .008 * tall, .002 * tall))
    return drawn


def field(c: Canvas, s: Scene) -> Tensor:
    """A meadow in dabs of colour: single flowers near, a haze of them further away."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.38, .56)
    hills = horizon - .015 - .07 * c.line(1.6, octaves=3) * c.uniform(0, 1)
    grass = s.pick("season", {**LEAVES, "summer": (.34, .46, .14), "winter": (.72, .74, .78)}, (.30, .44, .14))
    grass = mix(grass, c.tint(.84, .66, .26), s.has("extra", "wheat"))
    picture = mix(picture, lit(s, mix(grass, s.sky.middle, .55), torch.full_like(horizon, .35)), smooth(-.004, .004, c.y - hills))
    depth = ((c.y - horizon) / (1 - horizon)).clamp(min=.004)
    swell = c.noise(1.5, 4, octaves=3)
    blades = c.warp(c.noise(34, 8, octaves=3), torch.zeros_like(swell), (swell - .5) * .1)
    ground = grass * (.55 + .6 * swell + .35 * (blades - .5) * smooth(.1, .7, depth))
    picture = mix(picture, lit(s, ground, .35 + .5 * swell) * (1.1 - .3 * depth), smooth(-.003, .003, c.y - horizon))
    wheat = s.has("extra", "wheat")
    petals = mix(s.any_pigment("colour", ("red", "golden", "white", "violet", "pink", "blue")), c.tint(.80, .07, .05), s.has("extra", "poppies"))
    petals = mix(petals, c.tint(.93, .78, .36), wheat)
    picture = _dabs(c, s, picture, petals, depth, swell)
    return figures.place(c, s, picture, horizon + c.uniform(.05, .20), (.16, .30))


def _dabs(c: Canvas, s: Scene, picture: Tensor, petals: Tensor, depth: Tensor, swell: Tensor) -> Tensor:
    """Three sowings of flowers in perspective; where one is smaller than a pixel it is colour in the haze."""
    ground = smooth(0, .02, depth - .004)
    drift = smooth(.40, .62, swell)
    picture = mix(picture, lit(s, petals * .85, .35 + .4 * swell), ground * drift * smooth(.75, .05, depth) * .62)
    for scale, share in ((5.5, .45), (8.5, .4), (13., .35)):
        u, v = (c.x - .5) * scale / (depth + .10) * .55, scale * 1.1 * torch.log(depth + .10)
        du, dv, chance, size = c.dots(u, v, .28)
        lean = du + .25 * dv
        spot = smooth(.30, .17, (lean**2 + (dv * .9) ** 2).sqrt() / (.55 + .5 * size)) * (chance < share * (.35 + drift))
        shade = (.62 + .55 * (-dv + .3) + .25 * (size - .5)).clamp(.35, 1.25)
        picture = mix(picture, lit(s, petals * shade, .55 + .45 * (dv < 0)) * 1.12, spot * ground * smooth(.03, .22, depth) * .95)
    return picture


def forest(c: Canvas, s: Scene) -> Tensor:
    """Trunks behind trunks into the mist, foliage above, light that falls between them, or a path, or flames."""
    sky, leaves = s.sky, s.pick("season", LEAVES, (.20, .42, .14))
    burning = s.has("extra", "burning")
    glow = mix(mix(sky.horizon, leaves * sky.light, .38) * (.40 + .68 * sky.ambient), c.tint(1., .48, .12), burning)
    glow = glow + c.tint(.07, .13, .22) * s.has("time", "night") * (1 - burning)             # moonlight finds its way in
    heart = torch.exp(-(((c.x - s.place_x) / .42) ** 2 + ((c.y - .48) / .40) ** 2))
    picture = glow * (.46 + .72 * heart)
    if s.any("light", *air.CELESTIAL):
        picture = air.celestial(c, s, picture)
    floor_line = .60 + c.uniform(0, .06)
    for layer in range(5):
        near = layer / 4
        picture = _trunks(c, s, picture, glow, leaves, near, floor_line + .30 * near**1.6)
    beams = torch.sin((c.x - s.place_x) / (c.y + .45) * 26 + c.uniform(0, 6)) * .5 + .5
    beams = beams * c.noise(3, 1, octaves=2) * torch.exp(-((c.x - s.place_x) / .5) ** 2) * smooth(1., .1, c.y)
    picture = picture + beams * glow * .32 * (1 - s.has("time", "night") * .6)
    path = torch.exp(-((c.x - .5 - (c.y - .6) * .25 * torch.sin(c.y * 6 + s.place_x * 9)) / (.02 + .22 * (c.y - floor_line).clamp(min=0))) ** 4)
    picture = mix(picture, luma(glow) * c.tint(.86, .78, .62) * .95, path * s.has("extra", "path") * smooth(0, .03, c.y - floor_line) * .8)
    return figures.place(c, s, picture, floor_line + c.uniform(.08, .22), (.20, .34))


def _trunks(c: Canvas, s: Scene, picture: Tensor, glow: Tensor, leaves: Tensor, near: float, floor: Tensor) -> Tensor:
    """One curtain of trees: darker, fewer and thicker as it is nearer."""
    ink = mix(glow * .80, s.sky.zenith * .22 + leaves * .05 * s.sky.ambient + .012, .18 + .80 * near)
    ground = smooth(-.02, .02, c.y - floor - .03 * (c.noise(5, 3, octaves=2) - .5))
    soil = mix(ink, leaves * (.30 + .45 * c.noise(9, 14, octaves=3)) * (.2 + .7 * s.sky.ambient) * s.sky.light, .55)
    picture = mix(picture, mix(picture, soil, .35 + .65 * near), ground)
    count = 16 - 12 * near
    sway = (c.noise(1.2, 1.6, octaves=2) - .5) * .07 + (c.y - .5) * c.uniform(-.05, .05)
    du, _, chance, size = c.dots((c.x + sway) * count, torch.zeros_like(c.y), .34)
    width = (.07 + .13 * size) * (1 + .35 * smooth(floor - .12, floor, c.y)) * (1.1 - .25 * smooth(.6, 0., c.y))
    bark = smooth(width, width * .62, du.abs()) * (chance > .25) * smooth(.02, -.01, c.y - floor - .02)
    rim = .80 + .34 * smooth(-.1, .1, du * torch.sign(s.place_x - c.x))
    picture = mix(picture, ink * rim, bark * (.55 + .45 * near))
    crown = smooth(.46, .60, c.noise(4 + 5 * (1 - near), octaves=4) + .42 - c.y * (1.25 + .5 * near) - .16 * s.has("season", "winter"))
    green = mix(ink, leaves * (.25 + .65 * s.sky.ambient) * s.sky.light, .62 - .25 * near)
    return mix(picture, green * (.7 + .5 * c.noise(16, octaves=2)), crown * (.30 + .5 * near))
