"""A train in the country, as solids under its steam."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.buildings import land
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.skins import Grain
from engine.painter.solids import Skin, World, band
from engine.painter.vehicles import before, dark_of, gloss, roll, sunlight


def train(c: Canvas, s: Scene) -> Tensor:
    """A steam engine that comes towards us with its carriages and its cloud, or an express."""
    horizon = c.uniform(.50, .58)
    side = torch.where(c.uniform() > .5, 1., -1.)
    grain = Grain(c)
    behind, meadow = land(c, s, air.paint_sky(c, s), horizon, grain)
    turn = -side * c.uniform(.72, .98)
    focal = c.uniform(.98, 1.10)
    w = before(c, turn, c.uniform(10.5, 12.), c.uniform(1.7, 2.6), (3.0 * side, 0, -.6), (horizon - .5) / focal, focal)

    def ground(p: Tensor, n: Tensor) -> Tensor:
        stones = grain(p[:, :1] * 1.7, p[:, 2:] * 1.7)
        sleeper = band(torch.remainder(p[:, :1] / .75, 1), .1, .5, .06) * band(p[:, 2:].abs(), -.1, 1.25, .05)
        ballast = mix(c.tint(.44, .41, .38) * (.55 + .8 * stones), c.tint(.24, .17, .12), sleeper * .85)
        return mix(meadow(p, n), ballast, band(p[:, 2:], -2.3, 2.3, .25 + .3 * stones))

    w.ground(ground)
    for z in (-.72, .72):
        w.box((side * -40, 0, z - .05), (side * 55, .14, z + .05), c.tint(.52, .48, .46), casts=False)
    modern = s.has("extra", "express")
    colour = s.any_pigment("colour", ("green", "red", "blue", "brown", "black")) * .62 + .03
    dark = dark_of(s)
    if not bool(modern.all()):
        _engine(c, s, w, side, colour, dark, 1 - modern)
        _carriages(c, s, w, side, 11.2, colour, dark, 1 - modern)
    if modern.any():
        _express(c, s, w, side, dark, modern)
    gloss(w, s, sunlight(w, s, turn), .55)
    picture = w.picture(behind, (mix(s.sky.middle, s.sky.horizon, .6), 75. - 40 * s.has("weather", "fog")))
    picture = _plume(c, s, w, picture, side, 1 - modern)
    picture = _headlamps(c, s, w, picture, side, modern, dark)
    return figures.place(c, s, picture, horizon + c.uniform(.10, .16), (.16, .22), span=(.04, .16))


def _engine(c: Canvas, s: Scene, w: World, side: Tensor, colour: Tensor, dark: Tensor, shown: Tensor) -> None:
    """Boiler, chimney, domes, cab, wheels and rods: about ten metres, its front at x = 0."""
    black, brass, iron = c.tint(.055, .055, .06), c.tint(.78, .60, .26), c.tint(.15, .15, .16)
    red = c.tint(.62, .10, .07)

    def x(value: float) -> Tensor:
        return side * value

    _boiler(c, w, side, colour, (black, brass, iron), shown)
    for z in (-1., 1.):
        w.box((x(.25), 1.42, z * 1.0 - .32), (x(8.0), 1.52, z * 1.0 + .32), red, shown=shown)
        roll(w, (x(-.30), 1.08, z * .86), side * .46, .20, .20, iron * 1.5, shown=shown, casts=False)
        w.ball((x(.12), 1.72, z * .78), (.16, .17, .17), brass, shown=shown,
               glow=c.tint(1., .86, .55) * (.10 + dark), casts=False)

    def cab(p: Tensor, n: Tensor) -> Tensor:
        flank = (n[:, 2:].abs() > .5).float()
        pane = band(p[:, 1:2], .15, .80, .03) * band(p[:, :1] * side, -.62, .50, .04) * flank
        pane = pane + band(p[:, 1:2], .30, .85, .03) * band(p[:, 2:].abs(), .35, 1.05, .04) * (1 - flank)
        return mix(colour, mix(s.sky.zenith * .15 + .02, c.tint(1., .62, .25) * .9, dark * .8), pane.clamp(0, 1))

    w.box((x(7.9), 1.3, -1.28), (x(9.9), 3.55, 1.28), cab, shown=shown)
    roll(w, (x(7.75), 2.42, 0), side * 2.35, 1.38, 1.38, black * 1.6, shown=shown)
    w.box((x(.10), .80, -1.22), (x(.32), 1.40, 1.22), red, shown=shown)
    w.box((x(.3), .95, -.55), (x(8.), 1.6, .55), iron * .7, shown=shown)

    def tender(p: Tensor, n: Tensor) -> Tensor:
        line = band(p[:, 1:2], .55, .62, .02)
        return mix(mix(colour, brass, line), black, smooth(.98, 1., n[:, 1:2]))

    w.box((x(10.1), 1.0, -1.25), (x(13.6), 2.65, 1.25), tender, shown=shown)
    for place, radius in ((1.2, .46), (2.25, .46), (3.75, .86), (5.6, .86), (7.45, .86), (10.9, .5), (12.7, .5)):
        roll(w, (x(place), radius + .13, -1.05), .16, radius, radius, _spokes(c, radius, mix(red, colour, .3)),
             axis=2, shown=shown, casts=False)
    w.box((x(3.7), .74, -1.16), (x(7.5), .88, -1.08), c.tint(.74, .74, .76), shown=shown, casts=False)
    w.box((x(1.7), .90, -1.26), (x(5.6), .99, -1.18), c.tint(.66, .66, .68), shown=shown, casts=False)
    roll(w, (x(1.35), 1.02, -1.16), side * 1.1, .30, .30, colour, shown=shown)


def _boiler(c: Canvas, w: World, side: Tensor, colour: Tensor, metals: tuple[Tensor, Tensor, Tensor],
            shown: Tensor) -> None:
    """The boiler with its smokebox door, the chimney, two domes."""
    black, brass, iron = metals

    def x(value: float) -> Tensor:
        return side * value

    def boiler(p: Tensor, n: Tensor) -> Tensor:
        along = p[:, 1:2] * side
        hoop = band(torch.remainder(along / 1.25 + .3, 1), .0, .06, .02)
        end = (n[:, 1:2].abs() > .5).float()
        out = (p[:, :1] ** 2 + p[:, 2:] ** 2).sqrt()
        door = (mix(black * 1.6, iron * 1.5, band(out, .60, .66, .02)) + brass * .8 * band(out, -.1, .09, .02)
                + iron * 1.4 * band((p[:, :1] + p[:, 2:] * .2).abs(), -.1, .03, .015) * band(out, -.1, .5, .03))
        smokebox = band(along, -3.9, -2.35, .03)
        return mix(mix(mix(colour, black, smokebox), brass, hoop * (1 - smokebox)), door, end)

    roll(w, (x(.55), 2.35, 0), side * 7.4, .90, .90, boiler, shown=shown)
    w.cone((x(1.25), 3.15, 0), 1.0, .26, .34, black, shown=shown)
    w.cone((x(1.25), 4.05, 0), .16, .42, .38, black * 1.3, shown=shown)
    w.ball((x(3.4), 3.25, 0), (.44, .42, .44), brass, shown=shown)
    w.ball((x(5.3), 3.2, 0), (.40, .36, .40), colour, shown=shown)


def _spokes(c: Canvas, size: float, paint: Tensor) -> Skin:
    """A spoked wheel: a bright tyre, a rim and spokes in `paint`, dark between."""
    def skin(p: Tensor, n: Tensor) -> Tensor:
        out, turn = (p[:, :1] ** 2 + p[:, 2:] ** 2).sqrt() / size, torch.atan2(p[:, 2:], p[:, :1])
        spoke = torch.maximum(smooth(.45, .75, torch.cos(turn * (12 if size > .6 else 8))) * band(out, .2, .8),
                              band(out, .76, .88, .02))
        body = mix(c.tint(.03, .03, .035), paint, torch.maximum(spoke, band(out, -.1, .24, .02)))
        return mix(body, c.tint(.58, .58, .60), band(out, .90, 1.1, .02))
    return skin


def _carriages(c: Canvas, s: Scene, w: World, side: Tensor, first: float, colour: Tensor, dark: Tensor,
               shown: Tensor) -> None:
    """Three carriages with rows of windows."""
    cream = mix(colour, c.tint(.86, .78, .60), .75)

    def body(p: Tensor, n: Tensor) -> Tensor:
        flank = (n[:, 2:].abs() > .5).float()
        pane = band(p[:, 1:2], .15, .82, .03) * band(torch.remainder(p[:, :1] / 1.35, 1), .16, .84, .03) * flank
        paint = mix(colour, cream, band(p[:, 1:2], .02, .95, .02))
        return mix(paint, mix(s.sky.horizon * .22, s.sky.zenith * .2 + .02, .5 + .5 * torch.sin(p[:, :1] * 2)), pane)

    def glow(p: Tensor, n: Tensor) -> Tensor:
        pane = (band(p[:, 1:2], .15, .82, .03) * band(torch.remainder(p[:, :1] / 1.35, 1), .16, .84, .03)
                * (n[:, 2:].abs() > .5))
        return c.tint(1., .78, .42) * pane * dark

    for i in range(3):
        start = first + 2.9 + 14.2 * i
        w.box((side * start, 1.05, -1.3), (side * (start + 13.6), 3.35, 1.3), body, glow=glow, shown=shown)
        w.box((side * start, 3.35, -1.22), (side * (start + 13.6), 3.62, 1.22), c.tint(.34, .34, .36), shown=shown,
              soft=True)
        w.box((side * (start + .3), .45, -1.05), (side * (start + 13.3), 1.05, 1.05), c.tint(.07, .07, .075),
              shown=shown, casts=False)


def _express(c: Canvas, s: Scene, w: World, side: Tensor, dark: Tensor, shown: Tensor) -> None:
    """A fast train: a long sloping nose, a dark band of windows."""
    stripe = s.any_pigment("colour", ("red", "blue", "orange", "turquoise"))
    white = c.tint(.86, .88, .90)

    def body(p: Tensor, n: Tensor) -> Tensor:
        b, flank = p[:, 1:2], (n[:, 2:].abs() > .5).float()
        along = p[:, :1] * side
        pane = (band(b, 2.0, 2.75, .04) * band(along, 5.2, 90., .05) * flank
                * (.55 + .45 * band(torch.remainder(along / 2.2, 1), .08, .92, .02)))
        screen = band(b, 2.05, 2.85, .05) * (1 - flank) * band(p[:, 2:].abs(), -.1, 1.05, .06)
        skin = mix(white, stripe, band(b, 1.05, 1.55, .03))
        return mix(skin, c.tint(.04, .05, .07), (pane + screen).clamp(0, 1) * .95)

    def glow(p: Tensor, n: Tensor) -> Tensor:
        b, along = p[:, 1:2], p[:, :1] * side
        pane = (band(b, 2.1, 2.65, .04) * band(torch.remainder(along / 2.2, 1), .10, .90, .02)
                * band(along, 5.2, 90., .05) * (n[:, 2:].abs() > .5))
        return c.tint(1., .86, .60) * pane * dark

    outline = [(0., .55), (.05, 1.15), (.9, 1.75), (2.6, 2.95), (4.2, 3.55), (48., 3.60), (48., .55)]
    w.prism((0, 0, 0), [(side * a, b) for a, b in outline], 1.42, 2, body, glow=glow, shown=shown)
    w.ball((side * .9, 1.12, 0), (1.15, .66, 1.36), white, shown=shown)
    w.box((side * .8, .12, -1.15), (side * 48, .55, 1.15), c.tint(.06, .06, .065), shown=shown, casts=False)
    for z in (-.95, .95):
        w.ball((side * .42, 1.28, z), (.16, .13, .22), c.tint(.9, .9, .9),
               glow=c.tint(1., .95, .8) * (.35 + .7 * dark), shown=shown)


def _plume(c: Canvas, s: Scene, w: World, picture: Tensor, side: Tensor, shown: Tensor) -> Tensor:
    """Steam from the chimney, blown back along the train, and white breath at the cylinders."""
    x0, y0 = w.project((side * 1.25, 4.25, 0))
    x1, y1 = w.project((side * 30., 6.5, 0))
    way = torch.sign(x1 - x0)
    reach = (x1 - x0).abs().clamp(min=.25)
    t = (c.x - x0) * way / reach
    bend = c.noise(2.4, octaves=3) - .5
    puffs = 1 - c.warp(c.ridges(5.2, octaves=4, gain=.55), bend * .16, bend * .16)
    centre = (y0 + (y1 - y0) * t.clamp(0, 2) ** .8 * .55 - .10 * (t.clamp(min=0) * 3.0).clamp(max=1) ** .6
              - .10 * s.has("extra", "steam") * t.clamp(0, 1))
    wide = .024 + (.19 + .09 * s.has("extra", "steam")) * t.clamp(0, 1.3) ** .55
    inside = 1 - ((c.y - centre) / wide).abs() - smooth(.03, -.03, t) * 2
    body = inside + (puffs - .45) * 1.1 + bend * .5
    mask = smooth(-.10, .28, body) * smooth(-.02, .02, t + .02) * (1.08 - .50 * smooth(.4, 1.6, t))
    mask = torch.maximum(mask, _breath(c, w, side) * (.45 + .45 * s.has("extra", "steam")))
    dx, dy = (torch.gradient(c.blur(body, .010), dim=axis)[0] * c.height for axis in (3, 2))
    facing = (.55 + (.5 * dx * torch.sign(.5 - s.place_x) + .7 * dy) * .07).clamp(0, 1.1)
    white = mix(s.sky.light, torch.ones_like(s.sky.light), .25) * (.30 + .72 * s.sky.ambient)
    shade = mix(s.sky.middle, s.sky.zenith, .4) * (.35 + .5 * s.sky.ambient) + .03
    return mix(picture, mix(shade, white, facing) * (.80 + .3 * puffs), (mask * .93 * shown).clamp(0, 1))


def _breath(c: Canvas, w: World, side: Tensor) -> Tensor:
    """Steam about the wheels."""
    px, py = w.project((side * 1.4, .5, -1.8))
    cloud = c.noise(6, octaves=4)
    return smooth(.10, .75, torch.exp(-((c.x - px) / .15) ** 2 - ((c.y - py) / .055) ** 2) * (.35 + 1.1 * cloud))


def _headlamps(c: Canvas, s: Scene, w: World, picture: Tensor, side: Tensor, modern: Tensor, dark: Tensor) -> Tensor:
    """The glow of the lamps at the front."""
    points = torch.zeros(c.count, 1, c.height, c.width, device=c.device)
    for z in (-1., 1.):
        px, py = w.project((side * mix(torch.full_like(modern, .0), .35 + 0 * modern, modern),
                            mix(torch.full_like(modern, 1.72), 1.28 + 0 * modern, modern), z * .85))
        points = torch.maximum(points, smooth(.016, .007, c.far(px, py)))
    return (picture
            + c.tint(1., .86, .58) * (points + c.blur(points, .03) * 2.2 + c.blur(points, .12) * 4)
            * (.12 + .88 * dark))
