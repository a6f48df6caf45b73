"""A cat on a window sill."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air
from engine.painter.bodies import Body, coat, cover, daylight, ground_shadow, shine
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Colour, Scene

_CATS: tuple[Colour, ...] = ((.40, .36, .32), (.66, .40, .18), (.07, .065, .07), (.80, .77, .72), (.34, .28, .22),
                             (.46, .47, .50))
_EYES: tuple[Colour, ...] = ((.62, .72, .20), (.88, .66, .12), (.36, .66, .60), (.78, .52, .10))


def cat(c: Canvas, s: Scene) -> Tensor:
    """A cat that sits on a window sill and looks at whoever looks."""
    picture = _sill(c, s)
    side = torch.where(c.uniform() > .5, 1., -1.)
    x, feet, size = .5 + c.uniform(-.07, .07) - .03 * side, c.uniform(.86, .90), c.uniform(.78, .86)
    light = torch.where(s.place_x > .5, 1., -1.)
    fur = coat(c, s, _CATS)
    pale = mix(fur, torch.ones_like(fur) * .92, .55)
    tabby = (c.uniform() > .35).float()
    tail = Body(c, x, feet, size, side)
    curl = (c.uniform() > .5).float()
    tail.limb((-.24, .07, .05), (-.36, .05 - .03 * curl, .046), (-.43, .12 - .22 * curl, .042),
              (-.40 - .02 * curl, .24 - .42 * curl, .038),
              (-.34 - .14 * curl, .31 - .53 * curl, .022), blend=.04)
    body = Body(c, x, feet, size, side)
    body.limb((-.10, .17, .185), (-.05, .30, .165), (.035, .44, .125), (.06, .54, .095), blend=.08)
    body.limb((.055, .42, .10), (.07, .22, .065), (.075, .05, .040), (.095, .025, .040), blend=.05)
    body.limb((.135, .40, .07), (.15, .20, .052), (.155, .05, .038), (.175, .025, .040), blend=.03)
    thigh = Body(c, x, feet, size, side)
    thigh.limb((-.13, .17, .135), (-.07, .13, .12), blend=.05)
    thigh.limb((-.10, .045, .045), (.02, .030, .040), blend=.05)
    for one in (tail, body, thigh):
        one.rough(.0035)
    picture = ground_shadow(c, picture, x - .02 * side, feet + .008, .34 * size, .018, .6)
    for one, shadow in ((tail, .15), (body, .2), (thigh, .22)):
        picture = cover(c, picture, one, one.lit(s, _tabby(one, fur, pale, tabby, feet, size), light), shadow)
    return _cat_head(c, s, picture, body, fur, pale, tabby, light)


def _sill(c: Canvas, s: Scene) -> Tensor:
    """A window with the sky and roofs behind it, its frame, a sill in front."""
    outside = air.paint_sky(c, s)
    roofs = .60 - .12 * c.line(3, octaves=1, soft=False) - .03 * c.line(11, octaves=2, soft=False)
    outside = mix(outside, mix(s.sky.horizon, s.sky.zenith * .35, .55), smooth(-.02, .02, c.y - roofs) * .8)
    outside = c.blur(outside, .018)
    wall = mix(c.tint(.36, .30, .26), s.pigment("colour", (.40, .36, .32)), .5) * (.82 + .3 * c.noise(3, octaves=3))
    left, right = c.uniform(.02, .12), c.uniform(.88, .98)
    edge = torch.minimum(c.x - (left - .5) * c.aspect - .5, (right - .5) * c.aspect + .5 - c.x)
    pane = smooth(0, .006, edge)
    level = torch.full_like(left, .22)
    picture = mix(shine(s, wall, level, level), outside, pane)
    bar = c.uniform(.30, .70)
    bars = torch.maximum(smooth(.020, .014, (c.x - bar).abs()),
                         smooth(.018, .012, (c.y - c.uniform(.20, .34)).abs())) * pane
    frame = torch.maximum(smooth(.042, .036, edge.abs()), bars)
    wood = c.tint(.62, .56, .50) * (.8 + .3 * c.noise(40, 3, octaves=2))
    picture = mix(picture, shine(s, wood, .22 + .5 * smooth(.0, .04, edge), level), frame)
    sill = c.uniform(.80, .83)
    board = c.tint(.58, .48, .38) * (.72 + .45 * c.noise(2.5, 30, octaves=3)) * (1.05 - 1.3 * (c.y - .92).clamp(min=0))
    gleam = .20 + .65 * smooth(.95, .80, c.y) * torch.exp(-((c.x - s.place_x) / .5) ** 2)
    picture = mix(picture, shine(s, board, gleam, level * 2), smooth(-.003, .003, c.y - sill))
    return picture * (1 - .35 * smooth(.95, .97, c.y))


def _tabby(body: Body, fur: Tensor, pale: Tensor, tabby: Tensor, feet: Tensor, size: Tensor) -> Tensor:
    """Fur, with stripes across the limbs where the cat is a tabby; the chest is pale."""
    c = body.c
    along = body.along / size * 44 + (c.noise(5, octaves=2) - .5) * 5
    stripes = smooth(.1, .8, torch.sin(along)) * tabby * .5
    tone = mix(fur, fur * .38, stripes)
    chest = torch.exp(-(((c.x - body.at(.13, 0)[0]) / (.07 * size)) ** 2)) * smooth(.52, .40,
            (feet - c.y) / size) * smooth(.0, .12, (feet - c.y) / size)
    return mix(tone, pale, chest * .65) * (.66 + .68 * body.strands(120, 20))


def _cat_head(c: Canvas, s: Scene, picture: Tensor, body: Body, fur: Tensor, pale: Tensor, tabby: Tensor,
              light: Tensor) -> Tensor:
    """The head from the front, turned a little: ears, eyes that shine, nose, whiskers."""
    size, side = body.size * 1.12, body.side
    turn, tilt = c.uniform(-.012, .030), c.uniform(-.16, .16)
    hx, hy = body.at(.085, .655)
    head = Body(c, hx, hy, size, side, tilt)
    ears = Body(c, hx, hy, size, side, tilt)
    for way in (-1., 1.):
        ears.limb((way * .070, .075, .052), (way * .098 + turn * .5, .128, .030), (way * .116 + turn * .5, .192, .003),
                  blend=.01)
    inner = Body(c, hx, hy, size, side, tilt)
    for way in (-1., 1.):
        inner.limb((way * .074, .085, .026), (way * .095 + turn * .5, .120, .015),
                   (way * .106 + turn * .5, .155, .002), blend=.01)
    head.limb((-.035, .012, .118), (.035, .012, .118), blend=.03)
    head.limb((-.07, -.045, .062), (.07, -.045, .062), blend=.05)
    head.limb((turn - .022, -.062, .045), (turn + .022, -.062, .045), blend=.03)
    for one in (head, ears):
        one.rough(.003)
    strands = .80 + .40 * head.strands(120, 20)
    picture = cover(c, picture, ears, ears.lit(s, fur * .9, light, .004), .1)
    picture = mix(picture, shine(s, c.tint(.78, .50, .46) * .8, torch.full_like(tilt, .35), torch.full_like(tilt, .5)),
                  inner.mask * .75)
    u, v = (c.x - hx) / size * side, (hy - c.y) / size
    u, v = u * torch.cos(tilt) + v * torch.sin(tilt) * 1. * side, v * torch.cos(tilt) - u * torch.sin(tilt) * side
    stripes = smooth(.2, .8, torch.sin(u.abs() * 150 + 1.2)) * smooth(.045, .085, v) * smooth(.085, .03,
            u.abs()) * tabby * .5
    muzzle = torch.exp(-(((u - turn) / .060) ** 2 + ((v + .062) / .040) ** 2) ** 1.5)
    tone = mix(mix(fur, fur * .38, stripes), pale, muzzle * .75) * strands
    picture = cover(c, picture, head, head.lit(s, tone, light, .018), .22)
    return _cat_face(c, s, picture, head, u - turn, v, light)


def _cat_face(c: Canvas, s: Scene, picture: Tensor, head: Body, u: Tensor, v: Tensor, light: Tensor) -> Tensor:
    soft = 1.4 * c.pixel / head.size
    iris = coat_of_eyes(c)
    night = s.has("time", "night", "dusk")
    glow = (.55 + .6 * s.sky.ambient + .30 * night) * (.7 + .5 * smooth(.03, -.02, v))
    wide = .006 + .010 * night + c.uniform(0, .005)
    for way in (-1., 1.):
        p, q = u - way * .056, v - .014 - (u - way * .056) * way * .28
        lid = (p / .036) ** 2 + (q / (.027 - .10 * p * way)) ** 2
        socket = smooth(2.4, .9, lid)
        eye = smooth(1 + soft * 30, 1 - soft * 30, lid)
        pupil = smooth(1 + soft * 60, 1 - soft * 60, (p / wide) ** 2 + (q / .024) ** 2)
        shine_ = smooth(.0085, .0045, ((p - .010 * light * head.side) ** 2 + (q - .010) ** 2).sqrt())
        picture = picture * (1 - .62 * socket)
        picture = mix(picture, iris * glow, eye)
        picture = mix(picture, c.tint(.02, .02, .02), pupil * eye)
        picture = picture + shine_ * eye * daylight(s) * .9
    nose = smooth(.020, .014, u.abs() + (-.030 - v).clamp(min=0) * .8) * smooth(soft, -soft, (v + .040).abs() - .012)
    picture = mix(picture, shine(s, c.tint(.72, .40, .38), torch.full_like(iris[:, :1], .5),
                                 torch.full_like(iris[:, :1], .5)), nose)
    smile = ((u.abs() - .018) ** 2 + (v + .064) ** 2).sqrt() - .018
    mouth = smooth(.0045, .0015, smile.abs()) * smooth(-.062, -.068, v)
    mouth = torch.maximum(mouth, smooth(.0035, .001, u.abs()) * smooth(-.048, -.052, v) * smooth(-.070, -.064, v))
    picture = picture * (1 - .6 * mouth)
    return _whiskers(c, s, picture, head)


def coat_of_eyes(c: Canvas) -> Tensor:
    """(count, 3, 1, 1): the colour of each cat's eyes, by chance."""
    table = c.sheet(list(_EYES))[:, :, 0, 0]
    return table[(c.table() * len(_EYES)).long().clamp(max=len(_EYES) - 1)][:, :, None, None]


def _whiskers(c: Canvas, s: Scene, picture: Tensor, head: Body) -> Tensor:
    """Three to a side, thin and bright."""
    drawn = torch.zeros_like(picture[:, :1])
    for way in (-1., 1.):
        for i, lift in enumerate((.020, -.008, -.036)):
            x0, y0 = head.at(way * .045, -.058 - .006 * i)
            x1, y1 = head.at(way * c.uniform(.18, .22), -.050 + lift + c.uniform(-.012, .012))
            drawn = torch.maximum(drawn, c.limb(x0, y0, x1, y1, .0022 * head.size, .0008 * head.size, .8))
    return mix(picture, daylight(s) * .75 + .06, drawn * .55)
