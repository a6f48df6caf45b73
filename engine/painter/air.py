"""Air: skies, suns and moons, weather, and what a darkroom does at the end (hour, colour, mood)."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.scene import PIGMENTS, Scene

CELESTIAL = ("sun", "moon", "two moons", "crescent")
CLOUDS = {"clear": -.9, "": .1, "cloudy": 1.1, "storm": 1.6, "rain": 1.2, "snow": .9, "fog": -.2}


def paint_sky(c: Canvas, s: Scene, bodies: bool = True) -> Tensor:
    """A sky (count, 3, h, w) with clouds lit from one side, stars and `bodies` (sun, moons, a rainbow, lightning), in the colours of the hour."""
    sky = s.sky
    picture = mix(mix(sky.zenith, sky.middle, smooth(0, .5, c.y)), sky.horizon, smooth(.25, .72, c.y))
    picture = mix(picture, sky.middle.mean(1, keepdim=True) * .8, .45 * s.has("weather", "storm", "rain", "cloudy"))
    picture = picture + stars(c, s) * smooth(.75, .35, c.y)
    if not bodies:
        return clouds(c, s, picture)
    picture = clouds(c, s, _moons(c, s, celestial(c, s, picture)))
    return flash(c, s, rainbow(c, s, picture))


def _moons(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """Two full moons, one large and one small and cold, or the crescent of one."""
    if not s.any("light", "two moons", "crescent"):
        return picture
    both, thin = s.has("light", "two moons"), s.has("light", "crescent")
    side = torch.where(s.place_x > .5, -1., 1.)
    radius, y = c.uniform(.095, .125), s.place_y.clamp(min=.22)
    shine, dark = mix(c.tint(.97, .95, .88), s.pigment("second", (1, 1, 1)), s.has("second", *PIGMENTS) * .9), (1.2 - s.sky.ambient).clamp(.45, 1)
    for number, (x, high, size, tint) in enumerate(((s.place_x, y, radius, shine), (s.place_x + side * c.uniform(.34, .42), y - c.uniform(-.05, .07), radius * c.uniform(.55, .75), shine * c.tint(.86, .90, 1.)))):
        far = c.far(x, high)
        body = smooth(size + .004, size - .004, far)
        shadow = smooth(size * 1.02 + .006, size * 1.02 - .006, c.far(x + size * .50 * side, high - size * .18)) * thin
        seen = (both + thin) * (both if number else torch.ones_like(both))
        glow = torch.exp(-(far - size).clamp(min=0) * 9) * .26 * dark
        seas = 1 - .34 * smooth(.45, .70, c.noise(9, octaves=3))
        picture = mix(picture, (tint * seas).clamp(0, 1.1), body * (1 - shadow) * seen) + glow * tint * seen * (1 - body) * (1 - .5 * thin)
    return picture


def rainbow(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """A rainbow from ground to ground, brighter inside it."""
    if not s.any("light", "rainbow"):
        return picture
    said, x, radius = s.has("light", "rainbow"), c.across(.40, .60), c.uniform(.50, .58)
    far = ((c.x - x) ** 2 + ((c.y - .80) * 1.0) ** 2).sqrt()
    place = (radius - far) / .085                                         # 0 outside (red) .. 1 inside (violet)
    hues = torch.cat([torch.exp(-((place - middle) / .26) ** 2) + extra for middle, extra in ((.14, .35 * torch.exp(-((place - .98) / .16) ** 2)), (.44, 0 * place), (.76, 0 * place))], 1)
    bow = hues * smooth(-.12, .10, place) * smooth(1.14, .90, place)
    return picture * (1 + .10 * said * smooth(0., .12, radius - far)) + bow * said * (.30 + .35 * s.sky.ambient)


def flash(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """A bolt of lightning from the clouds to the ground, with its branches, and the air around it alight."""
    if not s.any("light", "lightning"):
        return picture
    said = s.has("light", "lightning")
    x, y = s.place_x, torch.zeros_like(s.place_x)
    bolt, glow = torch.zeros_like(picture[:, :1]), torch.zeros_like(picture[:, :1])
    for step in range(11):
        nx, ny = x + c.uniform(-.055, .055), y + .075
        bolt = torch.maximum(bolt, c.limb(x, y, nx, ny, .0052, .0045, 1.))
        glow = torch.maximum(glow, c.limb(x, y, nx, ny, .004, .004, .055 / c.pixel))
        if step % 3 == 2:
            for reach in (c.uniform(-.13, .13),):
                bolt = torch.maximum(bolt, .8 * c.limb(nx, ny, nx + reach, ny + .10, .0030, .0012, 1.))
        x, y = nx, ny
    violet = c.tint(.74, .78, 1.)
    return mix(picture * (1 - .22 * said), torch.ones_like(picture) * violet * 1.1, bolt * said) + violet * said * (.42 * glow**2 + .10 * torch.exp(-c.far(s.place_x, .1) * 2.5))


def clouds(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """Clouds over `picture`, thick by the weather; their edges take the light of the sun's side."""
    cover = s.amount("weather", CLOUDS)
    away = .32 + .68 * smooth(.75, 0., c.y)                              # clouds flatten towards the horizon
    wander = (c.noise(2, octaves=2) - .5) * .20
    shape = c.noise(1.5, 3.4, octaves=3) * .62 + c.warp(c.noise(5, 9, octaves=4, gain=.6), wander, wander * .4) * .38
    shadow = c.warp(shape, .055 * torch.tanh((s.place_x - c.x) * 4) + 0 * c.y, torch.zeros_like(shape) - .035)
    opacity = smooth(.60 - .22 * cover, .86 - .20 * cover, shape) * smooth(.95, .45, c.y) * (.55 + .45 * away)
    lit = ((shape - shadow) * 3.4 + .62).clamp(0, 1)
    storm = s.has("weather", "storm")
    dark = s.sky.middle * (.72 - .45 * storm)
    colour = mix(dark, s.sky.light * (.35 + .65 * s.sky.ambient) * (1 - .35 * storm), lit)
    return mix(picture, colour, opacity * .88)


def stars(c: Canvas, s: Scene) -> Tensor:
    """Stars where the word was said, fewer at night and dusk without it: (count, 1, h, w) of light."""
    many = torch.maximum(s.has("light", "stars"), .5 * s.has("time", "night") * s.has("weather", "", "clear"))
    if not many.any():
        return torch.zeros_like(many)
    return starfield(c, 260) * many


def starfield(c: Canvas, count: int) -> Tensor:
    """Points of light of unequal brightness, the brightest with a halo: (count, 1, h, w)."""
    n = int(count * c.aspect * min(1., c.height / 160) ** 1.5)        # a star is a pixel: small pictures hold fewer
    place = c.table(2, n)
    light = c.table(n) ** 4
    points = c.splat((place[:, 0] - .5) * c.aspect + .5, place[:, 1], .25 + light)
    return points * .8 + c.blur(points * (points > .8), .009) * 7 + c.blur(points, .006) * 1.6


def celestial(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """The sun or the moon, in the second colour if one was said, with its glow; the moon has its seas."""
    if not s.any("light", "sun", "moon"):
        return picture
    moon, sun = s.has("light", "moon"), s.has("light", "sun")
    colour = mix(s.pick("light", {"moon": (.93, .94, .90)}, (1., .86, .55)), s.pigment("second", (1, 1, 1)),
                 s.has("second", *PIGMENTS) * .9)
    radius = c.uniform(.045, .10)
    far = c.far(s.place_x, s.place_y)
    body = smooth(radius + .005, radius - .005, far)
    craters = 1 + moon * (c.noise(7, octaves=3) - .5) * .7
    glow = torch.exp(-(far - radius).clamp(min=0) * 7) * (.30 + .35 * sun) + torch.exp(-(far - radius).clamp(min=0) * 26) * .4
    seen = moon + sun
    pale = 1 - .55 * moon * (1 - s.has("time", "night", "dusk", ""))      # by day the moon is thin
    return mix(picture, (colour * craters).clamp(0, 1.1), body * seen * pale) + glow * seen * colour * (1 - body) * pale * (.4 + .6 * pale)


def weather(c: Canvas, s: Scene, picture: Tensor, near: float = 1.) -> Tensor:
    """Fog (`near` of it), rain and snow between the eye and what was painted."""
    if s.any("weather", "fog"):
        depth = .10 + .44 * c.noise(1.5, 3, octaves=3) + .28 * smooth(1., .35, c.y)
        veil = mix(s.sky.horizon, torch.ones_like(s.sky.horizon) * .85, .4) * (.35 + .6 * s.sky.ambient)
        picture = mix(picture, veil, (s.has("weather", "fog") * depth).clamp(0, .66) * near)     # what is said besides the fog is still there
    if s.any("weather", "rain", "storm"):
        picture = rain(c, picture, s.has("weather", "rain") + .45 * s.has("weather", "storm"))
    if s.any("weather", "snow"):
        picture = snowfall(c, picture, s.has("weather", "snow"))
    return picture


def rain(c: Canvas, picture: Tensor, amount: Tensor) -> Tensor:
    """Slanted streaks of pale light over a greyer picture."""
    grey = mix(picture, luma(picture) * c.tint(.92, 1., 1.08), .5 * amount)
    slant = c.uniform(-.25, .25)
    streaks = torch.zeros_like(amount)
    for size, strength in ((16., .55), (30., .40)):
        du, dv, chance, length = c.dots((c.x + slant * c.y) * size * 1.6, c.y * size * .22 + c.x * 3.1, .35)
        streaks = streaks + smooth(.10, .02, du.abs()) * smooth(.5, .2, dv.abs() / (.3 + .5 * length)) * (chance > .35) * strength
    return grey * (1 - .15 * amount) + streaks * amount * (.25 + luma(picture) * .45)


def snowfall(c: Canvas, picture: Tensor, amount: Tensor) -> Tensor:
    """Flakes near and far, soft, over a paler and colder picture."""
    pale = mix(picture, mix(luma(picture) * c.tint(.96, 1., 1.05), torch.ones_like(picture) * .85, .22), .6 * amount)
    for size, blur in ((30., .30), (15., .30), (7., .45)):
        du, dv, chance, scale = c.dots(c.x * size + c.y * 1.3, c.y * size, .25)
        flake = smooth(.26, .26 * (1 - blur * 2), (du**2 + dv**2).sqrt() / (.35 + .65 * scale)) * (chance > .68)
        pale = mix(pale, torch.ones_like(pale) * .97, flake * amount * .7)
    return pale


def hour(c: Canvas, s: Scene, picture: Tensor, dim: float) -> Tensor:
    """The hour over a picture that shows no sky: the light's colour, and (`dim` 1) less of it towards the night."""
    said = s.has("time", "dawn", "noon", "sunset", "dusk", "night")
    level = s.amount("time", {"dawn": .92, "noon": 1.18, "sunset": .88, "dusk": .74, "night": .54}, 1.)
    level = 1 + (level - 1) * dim
    light = s.pick("time", {"dawn": (1.12, .90, 1.06), "noon": (.98, 1.01, 1.04), "sunset": (1.30, .92, .52), "dusk": (1.04, .82, 1.36),
                            "night": (.66, .88, 1.72)}, (1., 1., 1.))
    toned = mix(picture, luma(picture), .35) * light * level
    side = 1.12 - .5 * (c.x - s.place_x).abs() / max(1., c.aspect)
    return mix(picture, toned * side + s.sky.middle * (.30 * (1 - level.clamp(max=1))), said * (.45 + .55 * dim))


def lights(c: Canvas, s: Scene, picture: Tensor, sky: bool) -> Tensor:
    """Lamp, candle, window, neon and light from behind, over whatever was painted; sun and moon too where there is no sky."""
    far = c.far(s.place_x, s.place_y + .12)
    for word, flame, reach, dim in (("lamp", c.tint(1., .76, .42), 3.2, .78), ("candle", c.tint(1., .60, .24), 4.6, .50)):
        if s.any("light", word):
            glow = torch.exp(-far * reach)
            lit = picture * (dim + 1.2 * glow * flame) + flame * (.42 * torch.exp(-far * reach * 2.4))
            picture = mix(picture, lit, s.has("light", word))
    if s.any("light", "neon"):
        side = smooth(-.1, 1.1, (c.x - .5) / c.aspect + .5 + (c.y - .5) * .3)
        tubes = mix(c.tint(1., .12, .55), c.tint(.08, .75, 1.), side)
        picture = mix(picture, picture * .45 + tubes * (luma(picture) * 1.1 + .07), s.has("light", "neon") * .85)
    if s.any("light", "backlight"):
        halo = torch.exp(-(c.far(.5, .42) * 2.2) ** 2)
        picture = mix(picture, picture * (.42 + 1.25 * halo) + s.sky.light * halo * (.06 + .35 * luma(picture)), s.has("light", "backlight"))
    if not sky and s.any("light", "sun", "window", "moon"):
        angle = c.uniform(-.9, .9)
        beam = (c.x - s.place_x) * torch.cos(angle) + (c.y - .3) * torch.sin(angle)
        beam = torch.exp(-(beam / .20) ** 2) + .35 * torch.exp(-((beam - .42) / .10) ** 2)
        cold = s.has("light", "moon")
        colour = mix(c.tint(1., .90, .68), c.tint(.55, .70, 1.), cold)
        amount = s.has("light", "sun", "window", "moon")
        picture = mix(picture, picture * (.62 + .75 * beam * colour) + colour * beam * .10, amount)
    return picture


_GAMMA = {"white": .50, "black": 1.35, "pink": .80, "golden": .85}


def tone(c: Canvas, s: Scene, picture: Tensor, amount: float) -> Tensor:
    """The darkroom's tones: the picture printed in its colour, its lights in the second one."""
    said = s.has("colour", *PIGMENTS)
    if amount <= 0 or not said.any():
        return picture
    colour = s.pigment("colour", (.5, .5, .5), .05)
    level = luma(picture).clamp(1e-3, 1)
    middle = level.mean((2, 3), keepdim=True)
    level = ((level - middle) * 1.25 + mix(middle, torch.full_like(middle, .42), .45)).clamp(.01, 1)
    level = level ** s.amount("colour", _GAMMA, 1.)
    pale = mix(mix(colour, torch.ones_like(colour), .62), s.pigment("second", (1., 1., 1.)), s.has("second", *PIGMENTS))
    black = s.has("colour", "black")
    colour = mix(colour, colour * 3.6, black)             # black is a deep grey where there is light, or nothing is seen
    pale = mix(pale, torch.ones_like(pale) * .66, black * (1 - s.has("second", *PIGMENTS)))
    print_ = mix(mix(colour * .10, colour, smooth(0, .56, level)), pale, smooth(.56, 1., level))
    return mix(picture, print_, said * amount)


#         red, green, blue gains, saturation, gain, contrast, lift
_MOODS = {"": (1., 1., 1., 1., 1., 1., 0.), "melancholic": (.84, .95, 1.14, .55, .88, .95, .02), "dreamlike": (1.08, .98, 1.10, 1.1, 1.08, .85, .06),
          "faded": (1.07, 1.01, .86, .42, 1.02, .62, .16), "violent": (1.22, .86, .80, 1.45, 1.02, 1.45, 0.), "silent": (.97, .99, 1.02, .22, 1., .72, .08),
          "luminous": (1.05, 1.04, .99, 1.1, 1.34, .9, .08), "dark": (.92, .95, 1.02, .85, .58, 1.12, 0.), "joyful": (1.08, 1.03, .96, 1.55, 1.14, 1.05, .02)}


_DARKEST = .22                                         # mean luma below which a print is exposed longer: on a wall less is black


def exposed(picture: Tensor) -> Tensor:
    """A picture that is nearly black opens its shadows, half of the way to _DARKEST; the others stay as they are."""
    mean = luma(picture).mean((2, 3), keepdim=True).clamp(min=.01)
    wanted = mean + .6 * (_DARKEST - mean).clamp(min=0)
    return picture.clamp(min=1e-5) ** (wanted.log() / mean.log()).clamp(.6, 1)


def develop(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """The print: exposure, shoulder for the lights, mood, bloom, vignette. Grain is the compositor's, not ours."""
    picture = exposed(picture.clamp(0, 2))
    picture = picture * 1.18 / (1 + .22 * picture)
    mood = c.sheet([_MOODS[a.mood][:3] for a in s.attributes])
    saturation, gain, contrast, lift = (c.sheet([(_MOODS[a.mood][i],) * 3 for a in s.attributes])[:, :1] for i in range(3, 7))
    picture = mix(luma(picture), picture, saturation) * mood * gain
    middle = picture.mean((1, 2, 3), keepdim=True)
    picture = (middle + (picture - middle) * contrast).clamp(0, 1.5) * (1 - lift) + lift
    bloom = .14 + .5 * s.has("mood", "dreamlike") + .22 * s.has("mood", "luminous")
    picture = 1 - (1 - picture.clamp(0, 1)) * (1 - (c.blur(picture.clamp(0, 1), .03) - .22).clamp(min=0) * bloom)
    corner = ((c.x - .5) / math.sqrt(c.aspect)) ** 2 + (c.y - .5) ** 2
    return (picture * (1 - .42 * corner.clamp(max=.8))).clamp(0, 1)
