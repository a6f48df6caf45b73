"""Aircraft: an airliner or an old biplane among clouds."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air, figures
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene
from engine.painter.solids import World, band
from engine.painter.vehicles import gloss, roll, sunlight


def aeroplane(c: Canvas, s: Scene) -> Tensor:
    """An airliner, or an old biplane, near enough to count its windows, among clouds."""
    s.place_y = s.place_y * .8
    behind = air.paint_sky(c, s)
    behind = air.clouds(c, s, behind)
    old = s.has("extra", "propeller")
    side = torch.where(c.uniform() > .5, 1., -1.)
    # the camera's way round it, and over (+) or under it
    turn = side * c.uniform(.50, 1.05)
    lift = torch.where(c.uniform() > .3, c.uniform(-.52, -.22), c.uniform(.16, .40))
    far = 22. - 7. * old
    w = World(c,
              (far * torch.sin(turn) * torch.cos(lift), far * torch.sin(lift),
               -far * torch.cos(turn) * torch.cos(lift)), -turn, -lift, c.uniform(1.12, 1.3))
    tilt = side * c.uniform(-.10, .34)
    cos, sin = torch.cos(tilt), torch.sin(tilt)
    w.right, w.up = w.right * cos + w.up * sin, w.up * cos - w.right * sin
    w.rays = w.ahead + w.right * ((c.x - .5 + .02 * side) / w.focal) + w.up * ((.5 - c.y) / w.focal)
    if s.any("extra", *(a.extra for a in s.attributes if a.extra != "propeller")):
        _airliner(c, s, w, side, 1 - old)
    if old.any():
        _biplane(c, s, w, side, old)
    gloss(w, s, sunlight(w, s, turn, .55), .8)
    # clouds below throw light up
    w.lit = w.lit + s.sky.horizon * (.10 + .42 * s.sky.ambient) * smooth(.3, -.6, w.normal[:, 1:2])
    if s.any("extra", "contrails"):
        behind = _contrails(c, s, w, behind, side)
    picture = w.picture(behind)
    if old.any():
        picture = _propeller(c, s, w, picture, side, old)
    picture = _signals(c, s, w, picture, side, 1 - old)
    veil = smooth(.50, .86, c.warp(c.noise(1.6, 2.6, octaves=5), (c.noise(2, octaves=2) - .5) * .3, 0 * c.x + 0 * c.y))
    white = mix(s.sky.horizon, s.sky.light, .5) * (.30 + .68 * s.sky.ambient)
    picture = mix(picture, white, veil * (.12 + .60 * smooth(.62, 1., c.y)))
    return figures.place(c, s, picture, torch.full_like(side, .95), (.12, .18))


def _airliner(c: Canvas, s: Scene, w: World, side: Tensor, shown: Tensor) -> None:
    """Fuselage, swept wings with two engines, tail: 14 metres long, nose towards +x for `side` 1."""
    colour = s.any_pigment("colour", ("blue", "red", "turquoise", "orange", "violet", "green"))
    white, metal = c.tint(.92, .93, .94), c.tint(.66, .69, .72)

    def x(value: float) -> Tensor:
        return side * value

    def hull(p: Tensor, n: Tensor) -> Tensor:
        along, high = p[:, 1:2] * side, p[:, :1]
        body = white + 0 * along
        pane = band(torch.remainder(along * 2.6, 1), .28, .72, .10) * band(high, .12, .26, .03)
        stripe = band(high, -.16, -.02, .03)
        body = mix(body, colour, stripe * .9)
        return mix(body, c.tint(.05, .07, .12), pane * .9)

    def nose(p: Tensor, n: Tensor) -> Tensor:
        body = white
        cockpit = (band(p[:, 1:2], .20, .42, .03) * smooth(.30, .55, p[:, :1] * side)
                   * (1 - .6 * band(torch.remainder(p[:, 2:] * 2.2 + .5, 1), .42, .58, .04)))
        return mix(mix(body, colour, band(p[:, 1:2], -.16, -.02, .03) * .9), c.tint(.03, .05, .09), cockpit)

    roll(w, (x(-3.6), 0, 0), side * 8.4, .80, .80, hull, shown=shown)
    w.ball((x(4.8), 0, 0), (1.7, .80, .80), nose, shown=shown)
    roll(w, (x(-7.4), .42, 0), side * 3.85, .22, .70, c.tint(.92, .93, .94), shown=shown)
    w.ball((x(-3.55), .0, 0), (1.0, .79, .79), white, shown=shown)
    for z in (-1., 1.):
        w.prism((0, -.34, z * 4.0),
                [(x(2.0), z * -3.6), (x(-1.3), z * -3.6), (x(-3.3), z * 3.6), (x(-2.3), z * 3.6)], .10, 1, metal,
                shown=shown)
        w.prism((x(-6.2), .62, z * 1.5),
                [(x(.9), z * -1.4), (x(-.7), z * -1.4), (x(-1.2), z * 1.4), (x(-.5), z * 1.4)], .07, 1, metal,
                shown=shown)
        roll(w, (x(.0), -.98, z * 2.9), side * 1.9, .34, .46, white, shown=shown)
        roll(w, (x(1.86), -.98, z * 2.9), side * .06, .40, .40, c.tint(.04, .04, .05), shown=shown)
        roll(w, (x(-.7), -.98, z * 2.9), side * .72, .16, .32, metal, shown=shown)
        w.prism((x(-3.2), -.05, z * 7.6), [(x(.5), -.36), (x(-.5), -.36), (x(-.75), .36), (x(-.2), .36)], .05, 2,
                colour, shown=shown)
    w.prism((x(-6.0), 1.7, 0), [(x(1.5), -1.3), (x(-1.1), -1.3), (x(-1.7), 1.2), (x(-.7), 1.2)], .09, 2, colour,
            shown=shown)


def _biplane(c: Canvas, s: Scene, w: World, side: Tensor, shown: Tensor) -> None:
    """Two straight wings with struts and wires, a round engine, an open cockpit, fixed wheels."""
    colour = s.any_pigment("colour", ("red", "golden", "blue", "green", "orange"))
    cloth, cream = colour * .9 + .03, c.tint(.90, .85, .70)
    metal, wood = c.tint(.60, .62, .64), c.tint(.42, .28, .16)

    def x(value: float) -> Tensor:
        return side * value

    def wing(p: Tensor, n: Tensor) -> Tensor:
        rib = .86 + .14 * smooth(.06, .16, (torch.remainder(p[:, 2:] * 1.6, 1) - .5).abs())
        tip = smooth(4.0, 4.1, p[:, 2:].abs())
        return mix(cream, colour, tip) * rib

    roll(w, (x(-5.2), .1, 0), side * 5.4, .18, .72, cloth, shown=shown)
    roll(w, (x(.2), .1, 0), side * 2.5, .72, .78, cloth, shown=shown)
    w.ball((x(2.7), .1, 0), (.50, .76, .76), metal, shown=shown)
    w.ball((x(-.7), .75, 0), (.30, .34, .26), c.tint(.20, .13, .09), shown=shown)
    for high, ahead in ((-.55, 0.), (1.75, .55)):
        w.box((x(-.4 + ahead), high - .06, -5.4), (x(1.5 + ahead), high + .06, 5.4), wing, shown=shown)
    for z in (-3.9, -1.4, 1.4, 3.9):
        for place in (.0, 1.2):
            w.box((x(place + .25), -.5, z - .05), (x(place + .37), 1.72, z + .05), wood, shown=shown)
    for z in (-1., 1.):
        roll(w, (x(1.3), -1.75, z * .95 - .10), .20, .46, .46, c.tint(.05, .05, .055), axis=2, shown=shown)
        w.box((x(1.2), -1.7, z * .8 - .04), (x(1.32), -.5, z * .8 + .04), metal, shown=shown)
        w.box((x(-5.3), .12, z * .9 - .9), (x(-4.3), .20, z * .9 + .9), wing, shown=shown)
    w.prism((x(-4.85), .85, 0), [(x(.65), -.65), (x(-.55), -.65), (x(-.60), .55), (x(-.10), .70)], .06, 2, cloth,
            shown=shown)


def _propeller(c: Canvas, s: Scene, w: World, picture: Tensor, side: Tensor, shown: Tensor) -> Tensor:
    """A disc of speed before the engine."""
    px, py = w.project((side * 3.3, .1, 0))
    ux, uy = w.project((side * 3.3, 1.75, 0))
    vx, vy = w.project((side * 3.3, .1, 1.65))
    a, b, p, q = ux - px, uy - py, vx - px, vy - py
    area = a * q - b * p
    area = torch.where(area.abs() < 1e-4, 1e-4, area)
    u, v = ((c.x - px) * q - (c.y - py) * p) / area, ((c.y - py) * a - (c.x - px) * b) / area
    out = (u**2 + v**2).sqrt()
    blade = (torch.cos(2 * torch.atan2(v, u) + c.uniform(0, 6)) * .5 + .5) ** 6
    disc = smooth(1.02, .92, out) * (.10 + .55 * blade) * smooth(.05, .2, out) + smooth(.12, .09, out) * .9
    return mix(picture, s.sky.middle * .35 + c.tint(.10, .07, .04), disc.clamp(0, .9) * shown)


def _contrails(c: Canvas, s: Scene, w: World, behind: Tensor, side: Tensor) -> Tensor:
    """Two white trails from the engines."""
    for z in (-2.9, 2.9):
        x0, y0 = w.project((side * -1., -.9, z))
        x1, y1 = w.project((side * -9., -.7, z))
        dx, dy = x1 - x0, y1 - y0
        size = (dx**2 + dy**2).sqrt().clamp(min=1e-3)
        along = ((c.x - x0) * dx + (c.y - y0) * dy) / size
        across = ((c.x - x0) * dy - (c.y - y0) * dx) / size
        wide = .012 + .055 * along.clamp(min=0) * (.6 + .8 * c.noise(9, octaves=3))
        trail = torch.exp(-(across / wide) ** 2) * smooth(.0, .10, along) * (.6 + .5 * c.noise(14, octaves=2))
        behind = mix(behind, mix(s.sky.horizon, s.sky.light, .6) * (.4 + .62 * s.sky.ambient),
                     trail.clamp(0, .9) * s.has("extra", "contrails"))
    return behind


def _signals(c: Canvas, s: Scene, w: World, picture: Tensor, side: Tensor, shown: Tensor) -> Tensor:
    """Towards the night: red and green at the wings' tips, light in the row of windows."""
    dark = s.amount("time", {"night": 1., "dusk": .8}, 0.) * shown
    if not dark.any():
        return picture
    for z, colour in ((-7.6, c.tint(1., .12, .08)), (7.6, c.tint(.1, 1., .35))):
        px, py = w.project((side * -2.8, -.3, z))
        point = smooth(.012, .005, c.far(px, py))
        picture = picture + colour * (point + c.blur(point, .04) * 6) * dark
    x0, y0 = w.project((side * -3.4, .19, -.8))
    x1, y1 = w.project((side * 4.4, .19, -.8))
    row = c.limb(x0, y0, x1, y1, .006, .007, soft=1.)
    t = ((c.x - x0) * (x1 - x0) + (c.y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2 + 1e-6)
    panes = row * smooth(.30, .16, (torch.remainder(t * 20, 1) - .5).abs())
    return picture + c.tint(1., .82, .50) * (panes * .9 + c.blur(panes, .02) * .8) * dark
