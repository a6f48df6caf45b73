"""People without a face: a hand, a body, a crowd."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import air
from engine.painter.bodies import Body, Joint, cover, shine
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.living import ground_of
from engine.painter.scene import Scene


def _skin(c: Canvas, s: Scene) -> Tensor:
    """All the colours of people; a second colour lights them."""
    skin = mix(c.tint(.95, .74, .60), c.tint(.33, .20, .14), c.uniform() ** 1.2)
    return mix(skin, s.pigment("second", (1, 1, 1)), .5 * (1 - s.has("second", "")))


def hand(c: Canvas, s: Scene) -> Tensor:
    """An open hand that reaches up, or two, in light from one side."""
    picture = ground_of(c, s.pigment("colour", (.46, .45, .46)) * .9 + .04)
    side = torch.where(s.place_x > .5, 1., -1.)
    two, pointing, shadow = (s.has("extra", name) for name in ("two hands", "reaching", "shadow"))
    skin, sleeve = _skin(c, s), s.any_pigment("second", ("black", "brown", "grey", "blue")) * .35 + .02
    way = torch.where(c.uniform() > .5, 1., -1.)
    place = (.5 - .21 * two + c.uniform(-.05, .05), c.uniform(-.22, .22), pointing,
             c.uniform(.31, .36) * (1 - .24 * two), way)
    picture = _one_hand(c, s, picture, place, skin, sleeve, side, shadow)
    if s.any("extra", "two hands"):
        place = (torch.full_like(two, .73), c.uniform(-.30, .05), pointing, c.uniform(.24, .28), -way)
        picture = mix(picture, _one_hand(c, s, picture, place, skin, sleeve, side, shadow), two)
    return picture


# x, tilt, how far the fingers bend to point, size, left or right
Place = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


# the line of the heart, of the head and of life, from joint to joint
_PALM = (((-.33, .06), (-.14, .12), (.05, .06), (.13, -.02)), ((-.32, .0), (-.10, -.06), (.02, -.24), (.03, -.40)),
         ((.31, .0), (.15, .06), (-.02, .16), (-.06, .24)))


def _lines(hand: Body, creases: list[tuple[Tensor, Tensor, Tensor, float]]) -> Tensor:
    """Where the joints of the fingers and the palm fold, (count, 1, h, w)."""
    drawn = Body(hand.c, hand.x, hand.y, hand.size, hand.side)
    drawn.sin, drawn.cos = hand.sin, hand.cos
    for u, v, turn, width in creases:
        across, along = width * .75 * torch.cos(turn), width * .75 * torch.sin(turn)
        drawn.limb((u - across, v + along, .008), (u + across, v - along, .005), blend=.001)
    for points in _PALM:
        drawn.limb(*[(u, v, .009) for u, v in points], blend=.001)
    return hand.c.blur(drawn.mask, .004)


def _one_hand(c: Canvas, s: Scene, picture: Tensor, place: Place, skin: Tensor, sleeve: Tensor, side: Tensor,
              shadow: Tensor) -> Tensor:
    """Palm, thumb and four fingers in three joints each, with the lines of the palm and of the joints; a sleeve
    below."""
    x, tilt, reach, size, way = place
    body = Body(c, x, torch.full_like(x, .64), size, way, tilt)
    body.limb((0., -.62, .215), (-.02, -.34, .225), (-.14, -.02, .150), (-.20, .20, .120), blend=.10)
    body.limb((.0, -.34, .22), (.03, .0, .17), (.0, .24, .125), blend=.10)
    body.limb((.05, -.32, .20), (.20, -.05, .14), (.225, .13, .108), blend=.10)
    spread = c.uniform(.05, .14)
    creases: list[tuple[Tensor, Tensor, Tensor, float]] = []
    for i, (foot, up, length, width) in enumerate(((-.30, .23, .56, .098), (-.10, .30, .66, .104),
                                                   (.10, .27, .61, .100), (.275, .16, .47, .086))):
        turn = (i - 1.4) * spread + c.uniform(-.04, .04)
        short = 1 - .52 * reach * (i != 0)                            # the index points
        u, v = torch.full_like(turn, foot), torch.full_like(turn, up)
        joints: list[Joint] = [(foot, up - .06, width * 1.04)]
        for part, thick in ((.42, 1.), (.32, .92), (.26, .74)):
            u, v = u + length * part * short * torch.sin(turn), v + length * part * short * torch.cos(turn)
            joints.append((u, v, width * thick))
            creases.append((u, v, turn, width))
            turn = turn + c.uniform(-.05, .05) + .05 * (1.4 - i) * spread
        body.limb(*joints, blend=.035)
    thumb = c.uniform(.62, .95)
    ku, kv = -.34 - .22 * torch.sin(thumb), -.14 + .24 * torch.cos(thumb)
    tu, tv = ku - .24 * torch.sin(thumb * .75), kv + .30 * torch.cos(thumb * .75)
    body.limb((-.16, -.34, .165), (ku, kv, .118), ((ku + tu) / 2, (kv + tv) / 2, .104), (tu, tv, .080), blend=.07)
    tone = skin * (.94 + .12 * c.noise(7, octaves=3))
    red = c.tint(1.06, .80, .76)
    lines = _lines(body, creases)
    tone = mix(tone, tone * red, lines * .5) * (1 - .34 * lines)
    lit = body.lit(s, tone, side, .012, rim=.35) * 1.15
    # light that came through
    lit = lit + skin * c.tint(.16, .03, .01) * smooth(.012, .0, -body.far) * s.sky.ambient
    dark = picture.mean((2, 3), keepdim=True) * .10 + .012 + picture * .22 * smooth(-.02, 0, body.far)
    picture = cover(c, picture, body, mix(lit, dark, shadow), .30)
    arm = Body(c, body.x, body.y, size, way, tilt)
    arm.limb((0., -.80, .26), (.0, -2.2, .36), blend=.05)
    cuff = arm.lit(s, sleeve * (.55 + .9 * arm.strands(12, 2.5)) * (.9 + .2 * arm.strands(100, 100)), side, .010)
    return cover(c, picture, arm, mix(cuff, dark, shadow), .35)


def body(c: Canvas, s: Scene) -> Tensor:
    """Somebody whole, walking or dancing, light on one side, the rest in shadow."""
    picture = ground_of(c, s.pigment("colour", (.44, .42, .42)) * .9 + .03)
    floor = smooth(.84, .90, c.y)
    picture = mix(picture, picture * (.72 - .25 * c.y) + .02, floor)
    dance = s.has("extra", "dancing")
    tall, x, feet = c.uniform(.76, .84), .5 + c.uniform(-.10, .10) * c.aspect, c.uniform(.92, .95)
    side, light = torch.where(c.uniform() > .5, 1., -1.), torch.where(s.place_x > .5, 1., -1.)
    skin, cloth = _skin(c, s), s.any_pigment("second", ("red", "blue", "white", "grey", "brown", "golden")) * .62 + .04
    pool = torch.exp(-(((c.x - x) / (.26 * tall)) ** 2) - ((c.y - feet) / .020) ** 2)
    picture = picture * (1 - .55 * pool)
    beam = torch.exp(-((c.x - x - (.9 - c.y) * .30 * light) / .20) ** 2) * smooth(.95, .2, c.y)
    picture = picture + beam * s.sky.light * .10 * (.3 + s.sky.ambient)
    flesh, dress, hair = _figure(c, x, feet, tall, side, dance)
    echo = c.warp(dress.mask, .06 * torch.sin(c.y * 5 + c.uniform(0, 6)) + 0 * c.x, 0 * c.y + .01)
    picture = mix(picture, cloth * .5, c.blur(echo, .03) * dance * .40)
    folds = dress.strands(10, 1.4)
    picture = cover(c, picture, flesh, flesh.lit(s, skin, light, .006) * 1.1, .2)
    picture = cover(c, picture, dress, dress.lit(s, cloth * (.50 + .85 * folds)
                                                 * (.92 + .16 * dress.strands(110, 110)), light, .006), .15)
    shown = hair.lit(s, c.tint(.12, .08, .06) * (.5 + 1.1 * hair.strands(120, 8)), light, .004)
    return cover(c, picture, hair, shown, .1)


def _figure(c: Canvas, x: Tensor, feet: Tensor, tall: Tensor, side: Tensor, dance: Tensor) -> tuple[Body, Body, Body]:
    """What is skin, what is cloth and the hair of somebody who looks away and turns: hip out, or arms and a leg in
    the air."""
    flesh, dress, hair = (Body(c, x, feet, tall, side) for _ in range(3))
    hip, sway = c.uniform(.008, .026), c.uniform(-.03, .03)
    shoulder = hip * -1.2 + sway * dance
    swing = c.uniform(.10, .34) * dance
    flesh.limb((hip + .040, .49, .066), (hip + .052 - .01 * dance, .27, .044), (hip + .040, .05, .024),
               (hip + .060, .018, .022), blend=.03)
    flesh.limb((hip - .040, .49, .066), (hip - .062 - swing * .6, .28 + swing * .10, .043),
               (hip - .085 - swing * 1.25, .055 + swing * .40, .023),
               (hip - .070 - swing * 1.35, .018 + swing * .36, .021), blend=.03)
    flesh.limb((shoulder, .81, .034), (shoulder, .875, .033), blend=.02)
    raise_ = c.uniform(.5, 1., 2) * dance
    for i, way in enumerate((-1., 1.)):
        lift = raise_[:, i:i + 1]
        sx, sy = shoulder + way * .096, .795
        ex, ey = sx + way * (.040 + .11 * lift), sy - .165 * (1 - 1.15 * lift)
        hx, hy = ex + way * (-.012 + (.02 - .10 * (i == 0)) * lift), ey - .16 * (1 - 1.9 * lift)
        flesh.limb((sx, sy, .040), (ex, ey, .030), (hx, hy, .021), (hx + way * .006, hy - .04 * (1 - 2. * lift), .022),
                   blend=.03)
    dress.limb((shoulder - .070, .795, .044), (shoulder + .070, .795, .044), blend=.05)
    dress.limb((shoulder, .77, .082), (hip * .3, .62, .062), (hip, .52, .084), blend=.06)
    skirt = (c.uniform() > .4).float()
    for k in (-1.2, -.4, .4, 1.2):
        out = (k * (.050 + .045 * dance) - swing * .25 * (k < 0)) * (.2 + .8 * skirt)
        dress.limb((hip + k * .02, .52, .060 * skirt + .02), (hip + out, .34 - .04 * (1 - dance), .055 * skirt + .004),
                   (hip + out * 1.7, .24 - .06 * (1 - dance) + .06 * dance * abs(k), .030 * skirt + .001), blend=.04)
    trousers = (1 - skirt) * .010
    dress.limb((hip + .040, .50, .066 + trousers), (hip + .052 - .01 * dance, .27, .044 + trousers),
               (hip + .040, .27 - .19 * (1 - skirt), .024 + trousers), blend=.03)
    dress.limb((hip - .040, .50, .066 + trousers), (hip - .062 - swing * .6, .28 + swing * .10, .043 + trousers),
               (hip - .062 - .018 * (1 - skirt) - swing * (.6 + .5 * (1 - skirt)),
                .28 - .20 * (1 - skirt) + swing * (.10 + .26 * (1 - skirt)),
                .023 + trousers), blend=.03)
    hair.limb((shoulder, .945, .058), (shoulder + .004, .915, .052), blend=.02)
    hair.limb((shoulder - .01, .955, .045), (shoulder - .055 - .03 * dance, .93, .034), blend=.03)
    return flesh, dress, hair


def crowd(c: Canvas, s: Scene) -> Tensor:
    """Heads and shoulders in rows towards a light, each row paler than the one before it."""
    picture = air.paint_sky(c, s)
    glow = s.sky.horizon * (.5 + .6 * s.sky.ambient) + .03
    picture = mix(picture, glow, smooth(.05, .55, c.y) * .75)
    picture = picture + torch.exp(-(c.far(s.place_x, .34) / .30) ** 2) * s.sky.light * .35 * (.4 + s.sky.ambient)
    first = c.uniform(.36, .48)
    for row in range(7):
        near = row / 6
        picture = _row(c, s, picture, glow, near, first + .50 * near**1.5)
    return picture


_SHIRTS = ((.16, .18, .26), (.42, .16, .14), (.30, .30, .30), (.58, .54, .48), (.14, .26, .24), (.50, .36, .16),
           (.20, .24, .40), (.10, .10, .11))
_HAIRS = ((.07, .05, .04), (.16, .10, .06), (.05, .045, .05), (.34, .22, .12), (.42, .40, .38), (.12, .07, .05))


def _row(c: Canvas, s: Scene, picture: Tensor, glow: Tensor, near: float, line: Tensor) -> Tensor:
    """One row of people: `line` is the height of their eyes."""
    many = 17. - 12.8 * near
    du, _, chance, size = c.dots(c.x * many + c.uniform(0, 50), torch.zeros_like(c.y), .17)
    unit = (.80 + .35 * size) / many
    u, v = du / (unit * many), (c.y - line - (chance - .5) * .5 * unit) / unit
    head = smooth(1.06, .94, ((u / .20) ** 2 + (v / .265) ** 2).sqrt())
    neck = smooth(.11, .08, u.abs()) * (v > 0) * (v < .5)
    shoulders = smooth(1.05, .95, ((u / .50) ** 2 + ((v - .86) / .52) ** 2).sqrt()) + (v > .86) * smooth(.54, .48,
            u.abs())
    below = smooth(1.1, 1.5, v)
    arms = s.has("extra", "raised arms") * (chance > .45)
    bent = (u.abs() - .40 - .10 * torch.sin(v * 2.4 + chance * 9)).abs()
    reach = smooth(.075, .045, bent - .02 * smooth(-.6, .6, v)) * smooth(-1.02 + .4 * size, -.94 + .4 * size,
            v) * (v < .8) * arms
    shape = torch.stack((head, neck, shoulders.clamp(0, 1), below, reach)).amax(0)
    side = torch.sign(s.place_x - c.x)
    shirt = torch.tensor(_SHIRTS, device=c.device)[(torch.remainder(chance * 57.3, 1) * len(_SHIRTS)).long()[:,
            0]].permute(0, 3, 1, 2)
    hair = torch.tensor(_HAIRS, device=c.device)[(torch.remainder(size * 31.7, 1) * len(_HAIRS)).long()[:,
            0]].permute(0, 3, 1, 2)
    body = mix(shirt, hair, smooth(.36, .26, v + .35 * u.abs()))
    body = mix(body, c.tint(.62, .42, .32) * (.5 + size * .7), neck * smooth(.20, .26, v) * smooth(.50, .42, v))
    round_ = (1 - (u / .5) ** 2).clamp(0, 1) * .30 + .55 * (u * side / .4).clamp(-1, 1) - .30 * smooth(.3, 1.4, v)
    tone = shine(s, body, (.42 + round_).clamp(.03, 1) * (.5 + .5 * s.sky.ambient), torch.full_like(u, .35))
    rim = smooth(.06, .0, 1 - ((u / .20) ** 2 + (v / .265) ** 2).sqrt()) * head * smooth(.1, -.2, v)
    tone = tone + rim * s.sky.light * .35 * (.3 + .7 * s.sky.ambient)
    lit = mix(glow * .92, tone, .22 + .76 * near)
    return mix(picture, lit, shape)
