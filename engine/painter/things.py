"""Things in a room that stand for a life: a clock, photographs."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter import figures, living, waters
from engine.painter.attributes import Attributes
from engine.painter.canvas import Canvas, luma, mix, smooth
from engine.painter.scene import Scene
from engine.painter.skins import Grain, boards, daylight, flame_of, lamplight, turned, wood
from engine.painter.solids import Place, Skin, World, band


def _candle(c: Canvas, w: World, place: tuple[float, float, float], flame: Tensor, burning: Tensor) -> None:
    """A candle on a small plate."""
    x, y, z = place
    w.cone((x, y, z), .015, .055, .045, c.tint(.66, .52, .26))
    w.cone((x, y + .01, z), .16, .018, .017, c.tint(.90, .86, .76), glow=flame * burning * .16)
    w.ball((x, y + .195, z), (.010, .026, .010), c.tint(.1, .08, .06), glow=flame * burning * 2.4, casts=False)


def clock(c: Canvas, s: Scene) -> Tensor:
    """A great clock on a wall, or a long-case clock with its pendulum, in light that comes from the side."""
    grain = Grain(c)
    tall = torch.maximum(s.has("extra", "grandfather clock"), s.has("extra", "") * (c.uniform() > .6))
    w = World(c, (c.uniform(-.40, .10), mix(c.uniform(1.35, 1.5), c.uniform(1.2, 1.35), tall), mix(c.uniform(.45, .65), c.uniform(-.75, -.5), tall)), c.uniform(.05, .13), mix(c.uniform(-.01, .04), c.uniform(-.01, .02), tall), c.uniform(1.08, 1.2))
    wall = s.pigment("colour", (.58, .52, .44), .25)
    timber = c.tint(.36, .19, .10) * c.uniform(.7, 1.5, 3)
    figure = c.uniform(.05, .13)

    def room(p: Tensor, n: Tensor) -> Tensor:
        u, v = p[:, :1] + p[:, 2:], p[:, 1:2]
        paper = (torch.sin(u * 24) * torch.sin(v * 24) + .5 * torch.sin(u * 48) * torch.sin(v * 12)).clamp(-1, 1) * figure
        shown = wall * (.76 + .42 * grain(u * .3, v * .3) + paper)
        return mix(shown, boards(grain, p[:, :1], p[:, 2:], timber * 1.3, .13), (n[:, 1:2] > .5).float())
    w.shell((-2.2, 0, -2.), (2.4, 3., 3.), room)
    w.box((-2.2, 0, 2.96), (2.4, .16, 3.), timber * .9, casts=False)
    hour = c.uniform(0, 12)
    brass = c.tint(.78, .58, .26)
    flame, lamp = flame_of(c, s), lamplight(s)
    _dial(c, w, grain, (.16, 1.42, 2.90), .60, hour, timber, brass, 1 - tall)
    _long_case(c, s, w, grain, hour, timber, brass, tall)
    w.air(mix(s.sky.light, wall, .4) * (.05 + .40 * s.sky.ambient), .5)
    rects = ((-.8, .25, .9, 2.6), (.5, 1.6, .9, 2.6))
    daylight(w, s, 0, -2.2, rects, (c.uniform(-1.15, -.75), c.uniform(.05, .25)), 1.)
    w.lamp((1.35, 1.55, 1.9), flame * (lamp * 2.0 + .08), 1.3, soft=.08)
    w.lamp((-.9, 1.9, .6), mix(s.sky.light, flame, .4) * (.06 + .35 * s.sky.ambient), 1.9, soft=.25)
    picture = w.picture()
    s.place_x, s.place_y = w.project((1.1, 1.6, 2.4))
    return turned(c, s, picture)


_STROKES = (4, 1, 2, 3, 3, 2, 3, 4, 5, 3, 2, 3)        # how many strokes a Roman numeral shows, XII first


def _face(c: Canvas, radius: float, ivory: Tensor, brass: Tensor) -> Skin:
    """The skin of a dial: Roman numerals as strokes, a ring of minutes, an ornament in the middle."""
    def skin(p: Tensor, n: Tensor) -> Tensor:
        far = (p[:, :1] ** 2 + p[:, 1:2] ** 2).sqrt() / radius
        turn = torch.remainder(torch.atan2(p[:, :1], p[:, 1:2]) / 6.28319, 1) * 12
        part = torch.remainder(turn + .5, 1) - .5
        number = torch.remainder((turn + .5).floor(), 12).long()
        many = torch.tensor(_STROKES, device=c.device, dtype=torch.float32)[number[:, 0]][:, None]
        across = part / .085
        stroke = smooth(.72, .48, torch.remainder(across + .5 * (many + 1), 1).sub(.5).abs() * 2) * (across.abs() < many / 2) * band(far, .62, .85, .012)
        minute = smooth(.30, .18, (torch.remainder(turn * 5 + .5, 1) - .5).abs()) * band(far, .88, .93, .008)
        rings = smooth(.012, .005, (far - .875).abs()) + smooth(.012, .005, (far - .935).abs()) + smooth(.010, .004, (far - .60).abs())
        ornament = .10 * torch.cos(turn * 3.1416) * band(far, .08, .5, .05)
        shown = ivory * (1.02 - .22 * far**2 + ornament)
        return mix(shown, c.tint(.06, .05, .05), (stroke + minute + .6 * rings).clamp(0, 1) * .92)
    return skin


def _dial(c: Canvas, w: World, grain: Grain, place: tuple[float, float, float], radius: float, hour: Tensor, timber: Tensor, brass: Tensor, shown: Tensor) -> None:
    """A round clock on the wall: a turned frame, a ring of brass, the dial, hands that throw a shadow."""
    x, y, z = place
    ivory = c.tint(.66, .61, .51) * c.uniform(.85, 1.1)
    w.ball((x, y, z + .10), (radius * 1.26, radius * 1.26, .17), wood(grain, timber * 1.3), shown=shown)
    w.ball((x, y, z + .06), (radius * 1.10, radius * 1.10, .15), brass, shown=shown)
    face = _face(c, radius, ivory, brass)
    w.ball((x, y, z - .09), (radius, radius, .014), face, shown=shown)
    _hands(c, w, (x, y, z - .15), radius, hour, shown)


def _hands(c: Canvas, w: World, place: tuple[float, float, float], radius: float, hour: Tensor, shown: Tensor) -> None:
    x, y, z = place
    steel = c.tint(.05, .045, .05)
    for angle, long, wide in ((hour * 6.28319 / 12, .52, .050), (hour * 6.28319, .80, .036)):
        up: Place = (torch.sin(angle), torch.cos(angle), 0.)
        right: Place = (torch.cos(angle), -torch.sin(angle), 0.)
        wide, long = wide * radius, long * radius
        w.plate((x, y, z), right, up, [(-wide * .5, -.16 * radius), (wide * .5, -.16 * radius), (wide, long * .66), (0., long), (-wide, long * .66)], .004, steel, shown=shown)
    w.ball((x, y, z), (.05 * radius, .05 * radius, .03), c.tint(.7, .52, .22), shown=shown, casts=False)


def _long_case(c: Canvas, s: Scene, w: World, grain: Grain, hour: Tensor, timber: Tensor, brass: Tensor, shown: Tensor) -> None:
    """A long-case clock: plinth, trunk with a glass door and the pendulum behind it, hood with dial and pediment."""
    x, z = .25, 2.62
    grained = wood(grain, timber * 1.25, 1)

    def carved(p: Tensor, n: Tensor) -> Tensor:
        panel = band(p[:, :1].abs(), -1., .20, .012) * band(p[:, 1:2].abs(), -1., .17, .012)
        return grained(p, n) * (.75 + .45 * panel)

    def trunk(p: Tensor, n: Tensor) -> Tensor:
        pane = band(p[:, :1].abs(), -1., .115, .008) * band(p[:, 1:2].abs(), -1., .46, .008) * (n[:, 2:] < -.5)
        return mix(grained(p, n), c.tint(.035, .025, .02), pane)
    w.box((x - .31, 0, z - .16), (x + .31, .12, 3.), timber, shown=shown)
    w.box((x - .28, .12, z - .13), (x + .28, .60, 3.), carved, shown=shown)
    w.box((x - .20, .60, z - .06), (x + .20, 1.66, 3.), trunk, shown=shown)
    w.box((x - .29, 1.64, z - .14), (x + .29, 1.70, 3.), timber * 1.2, shown=shown)
    w.box((x - .27, 1.70, z - .12), (x + .27, 2.22, 3.), grained, shown=shown)
    w.prism((x, 2.22, (z - .14 + 3.) / 2), [(-.32, 0.), (.32, 0.), (.25, .07), (0., .20), (-.25, .07)], (3. - z + .14) / 2, 2, timber * 1.1, shown=shown)
    for side in (-1., 1.):
        w.cone((x + side * .25, 1.70, z - .13), .52, .024, .024, timber * 1.5, shown=shown)
        w.ball((x + side * .27, 2.30, z - .08), (.035, .05, .035), brass, shown=shown)
    w.ball((x, 2.46, z - .08), (.04, .06, .04), brass, shown=shown)
    radius = .225
    w.ball((x, 1.97, z - .13), (radius * 1.1, radius * 1.1, .014), brass, shown=shown)
    w.ball((x, 1.97, z - .142), (radius, radius, .012), _face(c, radius, c.tint(.80, .75, .62), brass), shown=shown)
    _hands(c, w, (x, 1.97, z - .165), radius, hour, shown)
    swing = c.uniform(-.10, .10)
    w.plate((x + swing * .35, 1.22, z - .075), (1, 0, 0), (swing, -1, 0), [(-.008, -.35), (.008, -.35), (.008, .35), (-.008, .35)], .004, brass, glow=brass * .05, shown=shown, casts=False)
    w.ball((x + swing * .75, .88, z - .08), (.085, .085, .015), brass * 1.2, glow=brass * .10, shown=shown, casts=False)


def photograph(c: Canvas, s: Scene) -> Tensor:
    """A framed photograph on a chest of drawers beside a candle, or old prints spread over a table."""
    grain = Grain(c)
    spread = torch.maximum(s.has("extra", "old pictures"), s.has("extra", "") * (c.uniform() > .62))
    w = World(c, (c.uniform(-.08, .16), mix(c.uniform(1.26, 1.36), c.uniform(1.92, 2.02), spread), mix(c.uniform(.22, .36), c.uniform(.85, .95), spread)), c.uniform(-.03, .03), mix(c.uniform(-.10, -.06), c.uniform(-1.2, -1.12), spread), mix(c.uniform(1.1, 1.25), c.uniform(1.0, 1.1), spread))
    wall = s.pigment("colour", (.48, .44, .40), .25)
    timber = c.tint(.38, .22, .12) * c.uniform(.8, 1.5, 3)

    def room(p: Tensor, n: Tensor) -> Tensor:
        u, v = p[:, :1] + p[:, 2:], p[:, 1:2]
        return wall * (.72 + .42 * grain(u * .5, v * .5) + .06 * torch.cos(u * 60))
    w.shell((-2.2, 0, -2.), (2.2, 3., 2.1), room)
    w.box((-1.6, 0, .3), (1.6, .92, 2.1), lambda p, n: boards(grain, p[:, 2:] + 9, p[:, :1], timber * 1.1, .3))
    prints = _prints(c, s)
    flame, lamp = flame_of(c, s), lamplight(s)
    _framed(c, w, grain, prints, 1 - spread)
    _candle(c, w, (.46, .92 - .0, 1.34), flame, lamp)
    bloom = s.pigment("second", (.62, .20, .22))
    w.cone((-.52, .92, 1.5), .20, .05, .035, c.tint(.30, .42, .46), shown=1 - spread)
    for i in range(6):
        a = 1.05 * i
        w.crown((-.52 + .10 * float(torch.cos(torch.tensor(a))), 1.24 + .045 * (i % 3), 1.5 + .06 * float(torch.sin(torch.tensor(a)))), (.065, .06, .06), mix(bloom, c.tint(.30, .36, .18), .7 * (i % 2)), shown=1 - spread)
    for i in range(6):
        _print(c, w, prints[i % 3], (c.uniform(-.04, .04) + (-.36, .04, .38, -.22, .26, 0.)[i], .925 + .006 * i, (1.12, 1.32, 1.10, 1.52, 1.56, 1.18)[i] + c.uniform(-.05, .05)), c.uniform(-.7, .7), spread)
    w.air(mix(s.sky.light, wall, .35) * (.03 + .50 * s.sky.ambient), .5)
    daylight(w, s, 0, -2.2, ((.2, 1.3, 1., 2.5),), (c.uniform(-.3, .3), c.uniform(.25, .45)), .9)
    w.lamp((.46, 1.16, 1.30), flame * (lamp * 1.25 + .05), .75, soft=.06)
    w.lamp((-.7, 2.1, .5), mix(s.sky.light, flame, .4) * (.02 + .68 * s.sky.ambient), 1.5, soft=.2)
    picture = w.picture()
    s.place_x, y = w.project((.46, 1.13, 1.34))
    s.place_y = y - .12
    return turned(c, s, picture + torch.exp(-(c.far(s.place_x, y) / .07) ** 2) * flame * lamp * .6)


def _prints(c: Canvas, s: Scene) -> list[Tensor]:
    """What the photographs show: a face, the sea, people in a meadow; brown and pale with age. Each (count, 3, 96, 80)."""
    small = Canvas(c.count, (96, 80), 0, c.device)
    small.generator = c.generator
    scenes = [Scene(small, [Attributes(kind, figure=figure) for _ in range(c.count)]) for kind, figure in (("face", ""), ("sea", "boat"), ("field", "couple"))]
    meadow = mix(small.tint(.86, .86, .84), small.tint(.40, .40, .36), smooth(.60, .64, small.y - .05 * (small.line(2) - .5))) * (.8 + .35 * small.noise(4, octaves=3))
    plain = [living.face(small, scenes[0]), waters.sea(small, scenes[1]), figures.place(small, scenes[2], meadow, small.uniform(.82, .9), (.5, .62), ink=small.tint(.08, .08, .08), span=(.42, .58))]
    sepia = []
    for picture in plain:
        grey = luma(picture.clamp(0, 1))
        grey = .12 + .80 * ((grey - grey.mean((2, 3), keepdim=True)) * 1.25 + .50).clamp(0, 1)
        corner = ((small.x - .5) ** 2 + (small.y - .5) ** 2).clamp(max=.4)
        sepia.append(grey * small.tint(1.02, .90, .72) * (1 - .7 * corner) + .04 * small.noise(6, octaves=3))
    return sepia


def _image(picture: Tensor, wide: float, tall: float, border: Tensor, right: Tensor | None = None, up: Tensor | None = None) -> Skin:
    """The skin of a print of `wide` by `tall` metres with a pale border, in its own axes (or in x and y)."""
    def skin(p: Tensor, n: Tensor) -> Tensor:
        u = p[:, :1] if right is None else (p * right).sum(1, keepdim=True)
        v = p[:, 1:2] if up is None else (p * up).sum(1, keepdim=True)
        grid = torch.cat((u / wide * 2, -v / tall * 2), 1).permute(0, 2, 3, 1)
        shown = F.grid_sample(picture, grid, padding_mode="border", align_corners=False)
        inside = band(u.abs(), -1., wide / 2, .003) * band(v.abs(), -1., tall / 2, .003)
        return mix(border.expand_as(shown), shown, inside)
    return skin


def _print(c: Canvas, w: World, picture: Tensor, place: Place, turn: Tensor, shown: Tensor) -> None:
    """A print that lies on the table."""
    right, up = w.at((torch.cos(turn), 0., torch.sin(turn))), w.at((-torch.sin(turn), 0., torch.cos(turn)))
    skin = _image(picture, .29, .36, c.tint(.90, .86, .76), right, up)
    w.plate(place, (torch.cos(turn), 0., torch.sin(turn)), (-torch.sin(turn), 0., torch.cos(turn)), [(-.17, -.21), (.17, -.21), (.17, .21), (-.17, .21)], .003, skin, shown=shown, casts=False)


def _framed(c: Canvas, w: World, grain: Grain, prints: list[Tensor], shown: Tensor) -> None:
    """A portrait in a frame that leans on the wall, a smaller one beside it."""
    gilt = mix(c.tint(.74, .54, .22), c.tint(.16, .10, .07), (c.uniform() > .55).float())
    for picture, (x, z), (wide, tall), border in ((prints[0], (-.06, 1.55), (.42, .52), .07), (prints[1 + (c.count > 1) * 0], (.42, 1.62), (.20, .24), .03)):
        lean = (0, 1, .16)
        y = .925 + (tall / 2 + border)

        def carved(p: Tensor, n: Tensor) -> Tensor:
            return gilt * (.62 + .40 * torch.sin(p[:, :1] * 70).abs() * torch.sin(p[:, 1:2] * 70).abs() + .4 * grain(p[:, :1] * 2, p[:, 1:2] * 2))

        def rect(a: float, b: float) -> list[tuple[float, float]]:
            return [(-a, -b), (a, -b), (a, b), (-a, b)]
        w.plate((x, y, z), (1, 0, 0), lean, rect(wide / 2 + border, tall / 2 + border), .022, carved, shown=shown)
        w.plate((x, y, z - .024), (1, 0, 0), lean, rect(wide / 2 + border * .35, tall / 2 + border * .35), .004, gilt * .45, shown=shown, casts=False)
        w.plate((x, y, z - .030), (1, 0, 0), lean, rect(wide / 2, tall / 2), .003, _image(picture, wide - .05, tall - .05, c.tint(.88, .84, .74)), shown=shown, casts=False)
