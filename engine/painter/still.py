"""Still lifes: one thing close by, on a table or a floor, in the light of a window or a lamp."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.rooms import chair as wooden_chair
from engine.painter.scene import PIGMENTS, Colour, Scene
from engine.painter.skins import WOOD, Grain, boards, daylight, flame_of, lamplight, turned, window
from engine.painter.solids import World, band

TABLE = 1.25                                           # half its width, metres; things on it are about half a metre high


def dye(c: Canvas, s: Scene, natural: tuple[Colour, ...], share: float = .9) -> Tensor:
    """The colour of the thing: the one that was said, or one that such things have."""
    table = torch.tensor(natural, device=c.device)
    own = table[(c.table() * len(natural)).long().clamp(max=len(natural) - 1)][:, :, None, None]
    return mix(own * (1 + c.uniform(-.08, .08, 3)), s.pigment("colour", (.5, .5, .5)) * .9 + .03, s.has("colour", *PIGMENTS) * share).clamp(.02, 1)


class Stage:
    """A table before a wall, or a floor, and the eye close to it: `eye` metres high, `back` metres away."""

    def __init__(self, c: Canvas, s: Scene, eye: float = .62, back: float = 1.55, pitch: float = -.26, floor: bool = False) -> None:
        self.c, self.s = c, s
        self.grain = grain = Grain(c)
        self.world = w = World(c, (c.uniform(-.08, .08), eye + c.uniform(-.04, .06), -back), c.uniform(-.03, .03), pitch + c.uniform(-.02, .02), c.uniform(1.3, 1.42))
        wall = c.tint(.50, .47, .43) * c.uniform(.75, 1.15, 3)
        wall = mix(wall, s.pigment("second", (.5, .5, .5)) * .7 + .05, .6 * s.has("second", *PIGMENTS))
        timber = c.tint(*WOOD) * c.uniform(.85, 1.4, 3)
        self.wall, self.timber = wall, timber

        def room(p: Tensor, n: Tensor) -> Tensor:
            plaster = wall * (.74 + .40 * grain(p[:, :1] * .4 + p[:, 2:] * .3, p[:, 1:2] * .4))
            return mix(plaster, boards(grain, p[:, :1] + 9, p[:, 2:], timber, .15), (n[:, 1:2] > .5).float())
        w.shell((-2.2, 0. if floor else -.9, -2.), (2.2, 2.4, 1.5), room)
        if not floor:
            w.box((-TABLE, -.07, -.75), (TABLE, 0., .8), lambda p, n: boards(grain, p[:, 2:] + 9, p[:, :1], timber * 1.15, .27))

    def light(self, lamp_at: tuple[float, float, float] = (.9, .9, -.4)) -> None:
        """The window on the left, a lamp that may burn, and the light of the room."""
        c, s, w = self.c, self.s, self.world
        flame, lamp = flame_of(c, s), lamplight(s)
        w.air(mix(s.sky.light, self.wall, .35) * (.05 + .52 * s.sky.ambient), .5)
        daylight(w, s, 0, -2.2, ((-.9, .5, .5, 1.8),), (c.uniform(-.3, .1), c.uniform(.3, .5)), 1.)
        w.lamp(lamp_at, flame * (lamp * 1.3 + .06), 1.2, soft=.1)
        w.lamp((-.8, 1.3, -1.2), mix(s.sky.light, flame, .3) * (.06 + .62 * s.sky.ambient), 1.7, soft=.2)

    def picture(self) -> Tensor:
        self.s.place_x, self.s.place_y = self.world.project((-.9, .9, .3))
        return self.world.picture()


def cup(c: Canvas, s: Scene) -> Tensor:
    """A cup of coffee or tea on its saucer, a spoon, steam."""
    at = Stage(c, s, eye=.72, back=1.3, pitch=-.38)
    w = at.world
    china = dye(c, s, ((.90, .88, .83), (.92, .91, .88), (.26, .40, .58), (.70, .30, .22)))
    drink = mix(c.tint(.13, .065, .03), c.tint(.42, .20, .07), (c.uniform() > .7).float())
    w.cone((0., 0., 0.), .035, .20, .40, china * .95)
    w.cone((0., .035, 0.), .34, .16, .265, china)
    for i in range(11):                                # the handle, a ring of small balls
        a = -1.25 + 2.5 * i / 10
        w.ball((.215 + .125 * math.cos(a), .215 + .115 * math.sin(a), 0.), (.030, .030, .030), china, casts=False)
    w.ball((0., .372, 0.), (.262, .010, .262), china * 1.03, casts=False)
    w.ball((0., .378, 0.), (.236, .009, .236), drink, glow=drink * .10, casts=False)
    w.ball((-.30, .050, -.17), (.055, .012, .035), c.tint(.72, .70, .66))
    w.box((-.28, .046, -.19), (.04, .056, -.17), c.tint(.72, .70, .66), turn=c.uniform(-.2, .2))
    w.ball((-.62, .06, .22), (.17, .085, .11), c.tint(.62, .38, .16) * c.uniform(.9, 1.15), shown=(c.uniform() > .4).float())
    at.light()
    picture = at.picture()
    x, y = w.project((0., .40, 0.))
    up = (y - c.y).clamp(min=0)
    picture = _steam(c, picture, x, y, up, s)
    return turned(c, s, picture)


def _steam(c: Canvas, picture: Tensor, x: Tensor, y: Tensor, up: Tensor, s: Scene) -> Tensor:
    way = c.uniform(0., 6.3)
    plume = torch.zeros_like(picture[:, :1])
    for side in (-.055, .05):
        bend = side + .035 * torch.sin(up * 19 + way + side * 40)
        plume = torch.maximum(plume, torch.exp(-((c.x - x - bend) / (.022 + .06 * up)) ** 2))
    plume = plume * smooth(.0, .04, up) * smooth(.36, .10, up) * smooth(.3, .7, c.noise(5, 3, octaves=3)) * (c.y < y)
    return mix(picture, torch.ones_like(picture) * (.55 + .4 * s.sky.ambient), plume * .62)


def cake(c: Canvas, s: Scene) -> Tensor:
    """A birthday cake on a plate with its burning candles."""
    at = Stage(c, s, eye=.66, back=1.75, pitch=-.22)
    w = at.world
    cream = dye(c, s, ((.95, .92, .86), (.96, .76, .80), (.40, .22, .13), (.94, .90, .78)))
    filling = mix(c.tint(.66, .16, .18), c.tint(.88, .66, .38), c.uniform())
    flame = c.tint(1., .72, .30)
    w.cone((0., 0., 0.), .05, .30, .62, c.tint(.80, .80, .80))

    def side(p: Tensor, n: Tensor) -> Tensor:
        layer = band(p[:, 1:2], -.035, .025, .008)
        drip = smooth(-.01, .01, p[:, 1:2] - .075 + .05 * torch.sin(torch.atan2(p[:, 2:], p[:, :1]) * 13).abs())
        return mix(mix(c.tint(.78, .55, .30), filling, layer), cream, torch.maximum(drip, (n[:, 1:2] > .5).float()))
    w.cone((0., .05, 0.), .28, .48, .48, side)
    for i in range(12):
        a = 2 * math.pi * i / 12
        w.ball((.42 * math.cos(a), .345, .42 * math.sin(a)), (.065, .05, .065), mix(cream, c.tint(.80, .10, .12), .85 * (i % 3 == 0)), casts=False)
    hues = ((.90, .30, .34), (.30, .52, .86), (.95, .80, .30), (.40, .72, .42))
    fires = []
    for i in range(7):
        a = 2 * math.pi * (i + .25) / 7
        x, z = .27 * math.cos(a), .27 * math.sin(a)
        w.cone((x, .33, z), .21, .020, .018, c.tint(*hues[i % 4]), casts=False)
        w.ball((x, .585, z), (.022, .050, .022), c.tint(.1, .1, .1), glow=flame * 2.2, casts=False)
        fires.append((x, .60, z))
    at.light()
    w.lamp((0., .75, -.1), flame * 1.25, .8, shadows=False)
    picture = at.picture()
    for place in fires:
        px, py = w.project(place)
        picture = picture + flame * .34 * torch.exp(-(c.far(px, py) / .045) ** 2)
    return turned(c, s, picture)


def book(c: Canvas, s: Scene) -> Tensor:
    """An open book on a table, lines of print on its pages; often a pile of others behind it."""
    at = Stage(c, s, eye=.95, back=1.7, pitch=-.46)
    w, grain = at.world, at.grain
    paper = c.tint(.93, .89, .79) * c.uniform(.9, 1.05)
    cover = dye(c, s, ((.46, .12, .10), (.12, .24, .40), (.16, .32, .20), (.42, .28, .14)))

    def page(p: Tensor, n: Tensor) -> Tensor:
        u, v = torch.remainder(p[:, :1].abs(), .56), p[:, 2:]
        line = band(torch.remainder(v / .052, 1), .30, .62, .10)
        words = smooth(.30, .38, grain(u * 5.5, (v / .052).floor() * .37))
        text = line * words * band(u, .06, .45, .01) * band(v, -.30, .28, .01) * (n[:, 1:2] > .3)
        return mix(paper, c.tint(.12, .11, .10), text * .85)
    w.box((-.56, 0., -.42), (.56, .025, .40), cover)
    for way in (-1., 1.):
        for layer in range(4):
            w.plate((way * .265, .075 - .014 * layer, -.01), (1, way * (.17 - .02 * layer), 0), (0, 0, 1), [(-.265, -.38), (.265, -.38), (.265, .37), (-.265, .37)], .008,
                    page if layer == 0 else paper * (.92 - .05 * layer), casts=layer == 0)
    piled = (c.uniform() > .35).float()
    for i in range(4):
        hue = mix(c.tint(*((.50, .16, .12), (.16, .26, .40), (.66, .54, .32), (.20, .34, .24))[i]), cover, .25)
        w.box((.34 - .30 - .03 * (i % 2), .0 + .085 * i, .50), (.34 + .36 - .05 * (i % 3), .078 + .085 * i, .74), hue, turn=c.uniform(-.15, .15), shown=piled)
    at.light()
    return turned(c, s, at.picture())


def shoes(c: Canvas, s: Scene) -> Tensor:
    """A pair of old leather shoes on a floor, laced."""
    at = Stage(c, s, eye=1.0, back=1.75, pitch=-.44, floor=True)
    w, grain = at.world, at.grain
    leather = dye(c, s, ((.30, .15, .07), (.12, .095, .085), (.44, .23, .10), (.22, .13, .08)))
    pale = c.tint(.80, .74, .62)

    def worn(p: Tensor, n: Tensor) -> Tensor:
        return leather * (.72 + .55 * grain(p[:, :1] * 1.2, p[:, 1:2] * 1.6 + p[:, 2:])) + .06 * n[:, 1:2].clamp(min=0)
    for x, z in ((.10, .34), (-.08, -.22)):
        w.box((x - .40, .0, z - .12), (x - .17, .07, z + .12), leather * .22, casts=False)             # the heel
        w.box((x - .41, .045, z - .125), (x + .20, .085, z + .125), leather * .30, casts=False)        # the sole
        w.ball((x + .22, .060, z), (.235, .032, .140), leather * .30)
        w.ball((x + .25, .120, z), (.200, .092, .128), worn)                                           # the toe
        w.ball((x + .06, .165, z), (.240, .120, .118), worn)                                           # the instep
        w.ball((x - .25, .175, z), (.165, .150, .120), worn)                                           # the counter
        w.cone((x - .22, .19, z), .235, .150, .142, worn)                                              # the shaft
        w.ball((x - .22, .424, z), (.143, .012, .143), leather * .7, casts=False)
        w.ball((x - .22, .431, z), (.118, .012, .118), leather * .08, casts=False)
        w.plate((x - .035, .335, z), (.62, -.78, 0), (0, 0, 1), [(-.15, -.065), (.15, -.045), (.15, .045), (-.15, .065)], .014, leather * .75, casts=False)
        for i in range(4):                                                                             # the laces
            w.ball((x - .105 + .055 * i, .420 - .064 * i, z), (.014, .014, .075 - .006 * i), pale, casts=False)
        for side in (-1., 1.):
            w.ball((x - .12, .445, z + side * .06 - .02), (.022, .030, .050), pale * .95, casts=False)
    at.light((.9, 1.2, -.6))
    return turned(c, s, at.picture())


def lamp(c: Canvas, s: Scene) -> Tensor:
    """A lamp on a table, lit, with a shade."""
    at = Stage(c, s, eye=.58, back=1.9, pitch=-.08)
    w = at.world
    stem = mix(c.tint(.62, .46, .20), c.tint(.16, .30, .34), c.uniform())
    shade = dye(c, s, ((.90, .80, .60), (.84, .30, .20), (.36, .58, .44), (.92, .88, .78)))
    flame = flame_of(c, s)
    w.cone((0., 0., 0.), .05, .22, .19, stem * .8)
    w.ball((0., .17, 0.), (.13, .14, .13), stem)
    w.cone((0., .28, 0.), .24, .035, .025, stem * 1.1)

    def glowing(p: Tensor, n: Tensor) -> Tensor:
        return shade * flame * (1.15 - 1.1 * p[:, 1:2].abs()) * (.80 + .20 * torch.cos(torch.atan2(p[:, 2:], p[:, :1]) * 26))
    w.cone((0., .48, 0.), .42, .40, .22, shade, glow=glowing, casts=False)
    w.box((.42, 0., .05), (.78, .07, .32), mix(c.tint(.5, .12, .10), c.tint(.12, .2, .36), c.uniform()), turn=c.uniform(-.3, .3))
    w.air(mix(s.sky.light, at.wall, .35) * (.03 + .30 * s.sky.ambient), .5)
    w.lamp((0., .46, -.02), flame * 2.0, .9, soft=.12)
    w.lamp((0., .98, .1), flame * 1.0, 1.0, shadows=False)
    picture = at.picture()
    x, y = w.project((0., .68, 0.))
    return picture + flame * .16 * torch.exp(-(c.far(x, y) / .30) ** 2)


def telephone(c: Canvas, s: Scene) -> Tensor:
    """An old telephone with a dial, its receiver on the cradle."""
    at = Stage(c, s, eye=.60, pitch=-.24)
    w = at.world
    body = dye(c, s, ((.05, .05, .055), (.06, .055, .05), (.62, .10, .08), (.82, .78, .66)))

    def shiny(p: Tensor, n: Tensor) -> Tensor:
        return body * (.9 + .2 * n[:, 1:2]) + .07 * smooth(.3, .9, n[:, 1:2]) + .02

    def dial(p: Tensor, n: Tensor) -> Tensor:
        x, y = p[:, :1] / .17, p[:, 1:2] / .17
        far, turn = (x**2 + y**2).sqrt(), torch.atan2(x, y) / 6.28319 * 12
        hole = smooth(.30, .22, ((torch.remainder(turn, 1) - .5) * .42 * far.clamp(min=.3)).abs() * 2 + (far - .70).abs() * 1.3) * ((torch.remainder(turn, 12)) < 10)
        plate = mix(c.tint(.70, .68, .62), c.tint(.06, .055, .05), hole)
        return mix(plate, c.tint(.90, .87, .78), smooth(.40, .36, far))
    w.prism((0., .17, .02), [(-.17, -.30), (-.17, .30), (.17, .16), (.17, -.05)], .40, 0, shiny)
    w.plate((0., .185, -.225), (1, 0, 0), (0, .80, .60), [(.19 * math.cos(math.pi * k / 8), .19 * math.sin(math.pi * k / 8)) for k in range(16)], .022, c.tint(.55, .53, .48))
    w.plate((0., .195, -.245), (1, 0, 0), (0, .80, .60), [(.175 * math.cos(math.pi * k / 8), .175 * math.sin(math.pi * k / 8)) for k in range(16)], .014,
            lambda p, n: dial(torch.cat((p[:, :1], p[:, 1:2] / .80, p[:, 2:]), 1), n))
    for way in (-1., 1.):
        w.box((way * .20 - .05, .33, -.02), (way * .20 + .05, .44, .14), shiny)
        w.ball((way * .42, .47, .06), (.115, .095, .115), shiny)
        w.cone((way * .42, .37, .06), .09, .125, .105, shiny)
    w.ball((0., .515, .06), (.42, .055, .060), shiny)
    for i in range(12):
        w.ball((.47 + .040 * i, .02 + .014 * math.sin(i * 2.2), -.10 - .10 * math.sin(i * .35)), (.024, .028, .024), body + .03, casts=False)
    at.light()
    return turned(c, s, at.picture())


def computer(c: Canvas, s: Scene) -> Tensor:
    """A computer on a desk, its screen alight: windows and lines of text."""
    at = Stage(c, s, eye=.60, pitch=-.14)
    w, grain = at.world, at.grain
    case = mix(c.tint(.70, .69, .66), c.tint(.10, .10, .11), (c.uniform() > .5).float())
    light = dye(c, s, ((.55, .75, 1.), (.60, .95, .70), (.85, .90, 1.), (.50, .62, 1.)))

    def shown(p: Tensor, n: Tensor) -> Tensor:
        u, v = p[:, :1], p[:, 1:2]
        inside = band(u, -.54, .54, .006) * band(v, -.30, .32, .006) * (n[:, 2:] < -.5)
        line = band(torch.remainder(v / .062, 1), .32, .62, .08) * smooth(.40, .50, grain(u * 3.3, (v / .062).floor() * .31)) * band(u, -.46, .16, .01) * (v < .22)
        pane = band(u, .23, .48, .008) * band(v, -.20, .20, .008)
        bar = band(v, .25, .32, .004)
        lit = light * (.28 + .62 * line + .45 * pane * (.4 + .8 * grain(u * 1.3, v * 1.3)) + .35 * bar)
        return lit * inside
    w.box((-.60, .16, .10), (.60, .86, .16), case, glow=lambda p, n: shown(p, n) * 1.25)
    w.box((-.07, .03, .14), (.07, .20, .22), case * .8)
    w.box((-.26, 0., .02), (.26, .03, .36), case * .8)

    def keys(p: Tensor, n: Tensor) -> Tensor:
        key = smooth(.10, .22, torch.minimum(torch.remainder(p[:, :1] / .062, 1), torch.remainder(p[:, 2:] / .062, 1))) * band(p[:, :1], -.43, .43, .01) * band(p[:, 2:], -.115, .115, .01)
        return mix(case * .5, case * 1.05 + .05, key * (n[:, 1:2] > .5))
    w.box((-.47, 0., -.46), (.47, .035, -.18), keys)
    w.ball((.66, .02, -.30), (.055, .035, .085), case)
    at.light()
    w.lamp((0., .5, -.25), light * .55, .8, shadows=False)
    picture = at.picture()
    x, y = w.project((0., .5, .1))
    return turned(c, s, picture + light * .06 * torch.exp(-(c.far(x, y) / .38) ** 2))


def chair(c: Canvas, s: Scene) -> Tensor:
    """An empty wooden chair in a room, a window's light on the floor."""
    grain = Grain(c)
    w = World(c, (c.uniform(-.15, .15), 1.05, -1.45), c.uniform(-.05, .05), -.24, c.uniform(1.4, 1.5))
    wall = c.tint(.58, .55, .50) * c.uniform(.8, 1.15, 3)
    timber = c.tint(*WOOD) * c.uniform(.8, 1.3, 3)
    own = dye(c, s, ((.40, .23, .11), (.56, .36, .18), (.22, .13, .08), (.62, .60, .54)))

    def room(p: Tensor, n: Tensor) -> Tensor:
        plaster = wall * (.76 + .36 * grain(p[:, :1] * .4 + p[:, 2:] * .3, p[:, 1:2] * .4))
        return mix(plaster, boards(grain, p[:, :1] + 9, p[:, 2:], timber, .17), (n[:, 1:2] > .5).float())
    w.shell((-2.3, 0., -2.4), (2.3, 2.7, 2.2), room)
    rect = (-1.75, -.85, 1.0, 2.2)
    window(w, s, 2, 2.2, rect, (2, 2))
    wooden_chair(c, w, (.02, .45), c.uniform(2.4, 2.9), own)
    flame, lit = flame_of(c, s), lamplight(s)
    w.air(mix(s.sky.light, wall, .35) * (.06 + .55 * s.sky.ambient), .5)
    daylight(w, s, 2, 2.2, [rect], (c.uniform(.55, .9), c.uniform(.4, .6)), 1.2)
    w.lamp((.9, 1.9, -.9), mix(s.sky.light, flame, .5) * (.10 + .85 * s.sky.ambient + lit), 2.1, soft=.2)
    s.place_x, s.place_y = w.project((-1.2, 1.7, 2.1))
    return turned(c, s, w.picture())

