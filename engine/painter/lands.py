"""Land without people: mountains, desert, snow, field, forest."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures, terrain
from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.scene import Colour, Scene

LEAVES: dict[str, Colour] = {"spring": (.42, .62, .22), "summer": (.16, .40, .12), "autumn": (.74, .36, .08),
                             "winter": (.60, .58, .58)}


def lit(s: Scene, ground: Tensor, light: Tensor, shade: float = .38) -> Tensor:
    """Ground under this hour's light: shaded parts take the sky's colour."""
    sky = s.sky
    shadow = ground * mix(sky.zenith, sky.middle, .5) * 1.1 * (shade + .4 * sky.ambient)
    lit = ground * sky.light * (.30 + .95 * sky.ambient)
    return mix(shadow, lit, light)


def mountains(c: Canvas, s: Scene) -> Tensor:
    """Ranges behind one another, lit from the side of the sun, whiter above, bluer away."""
    picture = air.paint_sky(c, s)
    low, tall = c.uniform(.60, .68), c.uniform(.34, .46)
    green = s.pick("season", {**LEAVES, "winter": (.74, .76, .80)}, (.26, .34, .20))
    snow_line = s.amount("season", {"winter": .60, "summer": .08}, .17) + .30 * s.has("extra",
            "snowy") + .16 * s.has("weather", "snow")
    for layer, (near, lift, rise, f) in enumerate(((.0, -.03, .70, 2.4), (.42, .07, 1.05, 1.2), (.78, .17, .30, 1.5),
                                                   (1., .27, .16, 1.1))):
        crest = _crest(c, f, 6 if layer < 2 else 5)
        top = low + lift - tall * rise * crest
        down = (c.y - top).clamp(min=0)
        light, rough = _faces(c, s, crest, down, tall * rise, 3.6 - layer * .6, 4 - layer // 2)
        cold = smooth(snow_line + .05, snow_line - .07,
                      down / (.6 + rise) + (rough - .5) * .26 - .05 * (light - .5)) * (1. if layer < 2 else .55
                              * (snow_line > .4))
        rock = mix(c.tint(.36, .33, .32), c.tint(.40, .33, .28), c.uniform())
        ground = mix(rock, green * (.75 + .5 * rough), smooth(.10, .30, down / rise + .1 * rough + .3 * (layer > 1))
                     * (.35 + .55 * near) * (.7 + .6 * c.noise(26, 40, octaves=2)))
        ground = mix(ground, c.tint(.95, .96, .99), cold)
        haze = mix(s.sky.middle, s.sky.horizon, smooth(-.1, .35, down)) * .96
        body = mix(lit(s, ground, light), haze, .74 * (1 - near) ** 1.1 + .20 * smooth(.0, .30, down) * (1 - near))
        picture = mix(picture, body, smooth(-.002, .002, c.y - top))
    return figures.place(c, s, picture, c.uniform(.88, .95), (.13, .24))


def _crest(c: Canvas, f: float, octaves: int) -> Tensor:
    """The outline of a range in about 0..1, (count, 1, 1, w): summits where single lines cross their middle."""
    total, amount, weight = torch.zeros(1, device=c.device), 1., 0.
    for octave in range(octaves):
        line = c.line(f * 2**octave, octaves=1, soft=octave < 2)
        total = total + amount * (1 - ((2 * line - 1) ** 2 + .001).sqrt())
        weight, amount = weight + amount, amount * .46
    return total / weight


def _faces(c: Canvas, s: Scene, crest: Tensor, down: Tensor, tall: Tensor, f: float, octaves: int) -> tuple[Tensor,
        Tensor]:
    """Light on a range and how rough it is, about 0..1: the faces of its summits run down it, spurs and gullies
    break them."""
    side = torch.sign(s.place_x - .5)
    bend = c.noise(3, 2, octaves=3) - .5
    spurs = c.warp(c.ridges(f, f * .62, octaves=octaves, gain=.60), bend * .10, bend * .10)
    wander = (bend * 1.5 + (spurs - .5) * .5) * (down + .01)
    shape = c.warp(crest.expand(-1, -1, c.height, -1), wander, torch.zeros_like(wander))
    face = torch.gradient(c.blur(shape, .012), dim=3)[0] / c.pixel
    relief = spurs - c.warp(spurs, side * .008 + 0 * spurs, torch.full_like(spurs, -.006))
    steep = -face * side * tall * 1.5 * smooth(.75, .05, down)
    return smooth(-.75, .95, steep + relief * 7.5 + .10), spurs


def desert(c: Canvas, s: Scene) -> Tensor:
    """Dunes: long crests, one side in light, one in shadow."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.46, .58)
    across, ahead = terrain.slices(c, .7, 9.)
    # where noise crosses its middle
    crests = 1.03 - ((2 * c.noise(2.0, 2.8, octaves=2, gain=.3, size=(160, 160)) - 1) ** 2 + .004).sqrt()
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
            drawn = torch.maximum(drawn, c.limb((bx + tip_x) / 2, (by + tip_y) / 2, tip_x - side * .06 * tall,
                                                tip_y - .16 * tall, .008 * tall, .002 * tall))
    return drawn


def field(c: Canvas, s: Scene) -> Tensor:
    """A meadow in dabs of colour: single flowers near, a haze of them further away."""
    picture = air.paint_sky(c, s)
    horizon = c.uniform(.38, .56)
    hills = horizon - .015 - .07 * c.line(1.6, octaves=3) * c.uniform(0, 1)
    grass = s.pick("season", {**LEAVES, "summer": (.34, .46, .14), "winter": (.72, .74, .78)}, (.30, .44, .14))
    grass = mix(grass, c.tint(.84, .66, .26), s.has("extra", "wheat"))
    picture = mix(picture, lit(s, mix(grass, s.sky.middle, .55), torch.full_like(horizon, .35)),
                  smooth(-.004, .004, c.y - hills))
    depth = ((c.y - horizon) / (1 - horizon)).clamp(min=.004)
    swell = c.noise(1.5, 4, octaves=3)
    blades = c.warp(c.noise(34, 8, octaves=3), torch.zeros_like(swell), (swell - .5) * .1)
    ground = grass * (.55 + .6 * swell + .35 * (blades - .5) * smooth(.1, .7, depth))
    picture = mix(picture, lit(s, ground, .35 + .5 * swell) * (1.1 - .3 * depth), smooth(-.003, .003, c.y - horizon))
    wheat = s.has("extra", "wheat")
    petals = mix(s.any_pigment("colour", ("red", "golden", "white", "violet", "pink", "blue")), c.tint(.80, .07, .05),
                 s.has("extra", "poppies"))
    petals = mix(petals, c.tint(.93, .78, .36), wheat)
    picture = _dabs(c, s, picture, petals, horizon, depth, swell)
    return figures.place(c, s, picture, horizon + c.uniform(.05, .20), (.16, .30))


def _dabs(c: Canvas, s: Scene, picture: Tensor, petals: Tensor, horizon: Tensor, depth: Tensor,
          swell: Tensor) -> Tensor:
    """Flowers in rows, each row nearer, larger and on longer stems; far away they are colour in the haze."""
    far = smooth(0, .02, depth - .004) * smooth(.40, .62, swell) * smooth(.60, .02, depth)
    grain = smooth(.50, .72, c.noise(52, 90, octaves=2, gain=.8))
    picture = mix(picture, lit(s, petals * .85, .35 + .4 * swell), far * (.25 + .75 * grain) * .75)
    wheat = s.has("extra", "wheat")
    heart = mix(c.tint(.08, .06, .05), c.tint(.86, .64, .14),
                (petals.mean(1, keepdim=True) > .55).float() * (1 - s.has("extra", "poppies")))
    for row in range(9):
        near = .035 * (1 / .035) ** (row / 8)
        line, r = horizon + (1 - horizon) * near * .93, .0045 + .042 * near
        part, (rows, columns) = c.window(0 * line - 9, 0 * line + 9, line - 2.6 * r, line + 4.5 * r)
        picture[..., rows, columns] = _row_of_flowers(part, s, picture[..., rows, columns], petals, heart, line, r,
                                                      near, wheat)
    return picture


def _row_of_flowers(c: Canvas, s: Scene, picture: Tensor, petals: Tensor, heart: Tensor, line: Tensor, r: float,
                    near: float, wheat: Tensor) -> Tensor:
    many = .40 / r
    du, _, chance, size = c.dots(c.x * many + c.uniform(0, 60), 0 * c.y, .30)
    _, _, shift, turn = c.dots(c.x * many + c.uniform(0, 60), 0 * c.y + 7, 0.)
    grown = r * (.62 + .55 * size)
    up, here = line + (shift - .5) * 2.6 * r, (chance < .62).float()
    p, q = du / many / grown, (c.y - up) / grown
    stem = smooth(.14, .06, (p - .25 * (turn - .5) * q * .4).abs()) * smooth(-.1, .1, q) * smooth(4.2, 2., q) * here
    picture = mix(picture, lit(s, c.tint(.20, .34, .12).expand_as(petals) * (.6 + .6 * size), torch.full_like(p, .4)),
                  stem * .8 * min(1., near * 5))
    angle = torch.atan2(q * 1.3, p)
    far = (p**2 + (q * 1.35) ** 2).sqrt()
    edge = .82 + .18 * torch.cos(angle * 5 + turn * 6.28)
    flower = smooth(1.06, .90, far / edge) * (1 - wheat) + smooth(1.05, .8,
            ((p / .30) ** 2 + (q / 1.5) ** 2).sqrt()) * wheat
    tone = petals * (.58 + .34 * (far / edge).clamp(0, 1) - .22 * q.clamp(-1, 1) + .16
                     * torch.cos(angle * 5 + turn * 6.28) + .25 * (turn - .5))
    tone = mix(tone, heart * (.8 + .3 * size), smooth(.34, .22, far) * (1 - wheat))
    return mix(picture, lit(s, tone.clamp(.02, 1.2), (.62 - .35 * q).clamp(0, 1)) * 1.1,
               (flower * here).clamp(0, 1) * .96)


def forest(c: Canvas, s: Scene) -> Tensor:
    """Trunks behind trunks into the mist, foliage above, light that falls between them, or a path, or flames."""
    sky, leaves = s.sky, s.pick("season", LEAVES, (.20, .42, .14))
    burning = s.has("extra", "burning")
    glow = mix(mix(sky.horizon, leaves * sky.light, .38) * (.40 + .68 * sky.ambient), c.tint(1., .48, .12), burning)
    # moonlight finds its way in
    glow = glow + c.tint(.07, .13, .22) * s.has("time", "night") * (1 - burning)
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
    path = torch.exp(-((c.x - .5 - (c.y - .6) * .25 * torch.sin(c.y * 6 + s.place_x * 9)) / (.02 + .22
            * (c.y - floor_line).clamp(min=0))) ** 4)
    picture = mix(picture, luma(glow) * c.tint(.86, .78, .62) * .95,
                  path * s.has("extra", "path") * smooth(0, .03, c.y - floor_line) * .8)
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
    crown = smooth(.46, .60, c.noise(4 + 5 * (1 - near), octaves=4) + .42 - c.y * (1.25 + .5 * near) - .16
                   * s.has("season", "winter"))
    green = mix(ink, leaves * (.25 + .65 * s.sky.ambient) * s.sky.light, .62 - .25 * near)
    return mix(picture, green * (.7 + .5 * c.noise(16, octaves=2)), crown * (.30 + .5 * near))
