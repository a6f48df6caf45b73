"""People who are somebody's: a mother with her child, a couple."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter.bodies import (
    Body,
    Number,
    blades_before,
    cloth_of,
    cover,
    daylight,
    ground_shadow,
    open_land,
    shine,
)
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.heads import Look, Pose, face, hair, laid, neck, somebody
from engine.painter.living import ground_of
from engine.painter.scene import PIGMENTS, Scene, parted

CLOTHS = ("blue", "brown", "grey", "green", "red", "white", "violet", "golden")


def room_light(c: Canvas, s: Scene, colour: Tensor, light: Tensor) -> Tensor:
    """A wall out of focus under light from one side."""
    picture = ground_of(c, colour * .75 + .03) * (.34 + .62 * s.sky.ambient) * s.sky.light
    fall = smooth(-.7, .6, (c.x - .5) * light - .25 * (c.y - .5))
    return picture * (.50 + .70 * fall) + daylight(s) * .10 * torch.exp(-(c.far(.5 + .38 * light, .12) / .35) ** 2)


def mother(c: Canvas, s: Scene) -> Tensor:
    """A mother who holds her child and looks down on it."""
    light = torch.where(c.uniform() > .5, 1., -1.)
    side = torch.where(c.uniform() > .5, 1., -1.)
    picture = room_light(c, s, s.pigment("colour", (.42, .36, .30)), light)
    robe = s.any_pigment("colour", CLOTHS) * .62 + .03
    swaddle = mix(c.tint(.90, .86, .78), s.pigment("second", (.90, .86, .78)), .6)
    look, size = somebody(c, s), c.uniform(1.08, 1.20)
    x, base = .5 - .06 * side + c.uniform(-.03, .03), c.uniform(1.08, 1.12)
    pose = Pose(x + .035 * side * size, base - .70 * size, .33 * size, c.uniform(.20, .34) * side,
                side * c.uniform(.9, 1.3), light)
    look.closed, look.smile = torch.ones_like(x), c.uniform(.5, 1.)
    under = (c.uniform() > .45).float()
    look.long, look.fringe = torch.ones_like(x), look.fringe * .4
    veil = robe * .9 + .05
    picture = hair(c, s, picture, pose, look, behind=True)
    picture = neck(c, s, picture, pose, look, robe)
    body = Body(c, x, base, size, side)
    body.limb((-.14, .40, .105), (-.20, .22, .14), (-.20, -.05, .20), blend=.10)
    body.limb((.15, .40, .095), (.22, .22, .12), (.20, -.05, .20), blend=.10)
    body.limb((-.02, .36, .14), (.0, .0, .26), blend=.12)
    picture = cover(c, picture, body, body.lit(s, cloth_of(body, robe), light, .010), .15)
    picture = face(c, s, picture, pose, look)
    picture = hair(c, s, picture, pose, look, behind=False)
    picture = mix(picture, veiled(c, s, picture, pose, veil, light), under) if under.any() else picture
    picture = _in_arms(c, s, picture, body, look, robe, swaddle, light)
    return picture


def veiled(c: Canvas, s: Scene, picture: Tensor, pose: Pose, cloth: Tensor, light: Tensor) -> Tensor:
    """A cloth over the hair that falls on the shoulders."""
    u, v = pose.inside(c)
    soft = 2 * c.pixel / pose.size
    outer = torch.where(v < 0, ((u / .45).abs() ** 2.4 + ((v + .04) / .60).abs() ** 2.4) ** .417,
                        (u / (.45 + .10 * v)).abs())
    opening = ((u / .315) ** 2 + ((v - .13) / .53) ** 2).sqrt()
    shape = smooth(1 + soft, 1 - soft, outer) * smooth(.97, 1.01, opening) * smooth(.98, .80, v)
    folds = laid(c, torch.atan2(u, v + .75) * 1.1, v * .15)
    key = (.45 + .9 * u * light + .45 * (folds - .5) - .2 * v).clamp(.05, 1) * (.55 + .45 * smooth(1.0, 1.25, opening))
    shown = mix(picture, shine(s, cloth * (.75 + .5 * folds), key, torch.full_like(u, .45)), shape)
    rim = smooth(1.10, 1.0, opening) * smooth(.90, 1.0, opening) * (v < .6)
    return shown * (1 - .25 * rim * (1 - shape))


def _in_arms(c: Canvas, s: Scene, picture: Tensor, body: Body, look: Look, robe: Tensor, swaddle: Tensor,
             light: Tensor) -> Tensor:
    """The child in its cloth, its head on her arm, her hands around it."""
    size, side = body.size, body.side
    bundle = Body(c, body.x, body.y, size, side)
    bundle.limb((.17, .345, .09), (.05, .235, .135), (-.12, .135, .115), (-.24, .10, .06), blend=.07)
    picture = cover(c, picture, bundle, bundle.lit(s, cloth_of(bundle, swaddle, 6., .55), light, .008), .45)
    baby = Look(look.skin * .6 + .36, mix(look.hair, c.tint(.30, .20, .12), .4), look.iris, young=1.,
                closed=(c.uniform() > .35).float(), smile=.3)
    hx, hy = body.at(.195, .415)
    pose = Pose(hx, hy, .190 * size, side * c.uniform(.55, .80) * -1, -side * .8, light)
    hood = Body(c, body.x, body.y, size, side)
    hood.limb((.215, .430, .098), (.16, .36, .095), blend=.03)
    picture = cover(c, picture, hood, hood.lit(s, cloth_of(hood, swaddle * .82, 6., .5), light, .008), .4)
    picture = face(c, s, picture, pose, baby)
    picture = _down(c, s, picture, pose, baby)
    arm = Body(c, body.x, body.y, size, side)
    arm.limb((-.225, .27, .085), (-.245, .08, .082), (-.12, .03, .072), (.06, .085, .058), blend=.06)
    picture = cover(c, picture, arm, arm.lit(s, cloth_of(arm, robe), light, .008), .4)
    hand = Body(c, body.x, body.y, size, side)
    hand.limb((.06, .090, .042), (.12, .118, .044), blend=.03)
    for i in range(4):
        hand.limb((.115 + .002 * i, .148 - .022 * i, .018), (.165, .165 - .022 * i, .0165),
                  (.205 - .006 * (i == 3), .166 - .025 * i, .0135), blend=.008)
    hand.limb((.10, .14, .018), (.125, .185, .0145), blend=.012)
    return cover(c, picture, hand, hand.lit(s, look.skin, light, .006), .35)


def _down(c: Canvas, s: Scene, picture: Tensor, pose: Pose, look: Look) -> Tensor:
    """The little hair of the very young."""
    u, v = pose.inside(c)
    tuft = smooth(1.03, .97, ((u / .37) ** 2 + ((v + .02) / .50) ** 2).sqrt()) * smooth(-.18, -.34,
            v + .25 * u**2 + (laid(c, u * 2, v * .3) - .5) * .1)
    return mix(picture, shine(s, look.hair * (.7 + .5 * laid(c, u * 3, v * .4)), torch.full_like(u, .5),
                              torch.full_like(u, .5)), tuft * .75)


def couple(c: Canvas, s: Scene) -> Tensor:
    """Two who stand close and look at the horizon, or dance."""
    dance = s.has("extra", "dancing")
    return parted(c, s, dance, _dancing, _side_by_side)


def _grown(c: Canvas, s: Scene) -> tuple[Look, Look, Tensor, Tensor]:
    """How two people look, the colour of a suit and of a dress."""
    one, other = somebody(c, s), somebody(c, s)
    suit = mix(c.tint(.11, .12, .16), c.tint(.30, .25, .20), c.uniform())
    dress = s.any_pigment("colour", ("red", "red", "white", "golden", "blue", "turquoise", "pink")) * .80 + .03
    return one, other, suit, dress


def _dressed(body: Body, feet: Tensor, size: Tensor, sway: Number, wide: float, low: float) -> Tensor:
    """A skirt from the waist down, cut at its hem (`low` above the ground): its mask."""
    c = body.c
    body.limb((0., .58, .062), (.2 * sway, .44, .098), (.6 * sway, low - .12, wide), blend=.05)
    wave = .014 * torch.sin((c.x - body.x) / size * 46)
    return smooth(low - .006, low + .010, (feet - c.y) / size + wave + .18 * sway * (c.x - body.x) / size * body.side)


def _legs(c: Canvas, x: Tensor, feet: Tensor, size: Tensor, side: Tensor, width: float, step: Number = 0.) -> Body:
    body = Body(c, x, feet, size, side)
    for way in (-1., 1.):
        body.limb((way * .038, .48, width), (way * (.040 + step * .5), .26, width * .76),
                  (way * (.045 + step), .05, width * .50),
                  (way * (.045 + step) + .02, .018, width * .46), blend=.02)
    return body


def _side_by_side(c: Canvas, s: Scene) -> Tensor:
    """Hand in hand, seen from behind, the land before them."""
    picture, ground = open_land(c, s, c.uniform(.50, .60))
    one, other, suit, dress = _grown(c, s)
    feet, size, side = c.uniform(.92, .95), c.uniform(.70, .76), torch.where(c.uniform() > .5, 1., -1.)
    light = torch.where(s.place_x > .5, 1., -1.)
    x = .5 + c.uniform(-.05, .05)
    near = .108 * size
    mx, wx, small = x - near * side, x + near * side, size * .93
    picture = ground_shadow(c, picture, x, feet + .003, .30 * size, .014, .6)
    trousers = _legs(c, mx, feet, size, side, .062)
    picture = cover(c, picture, trousers, trousers.lit(s, cloth_of(trousers, suit * .8), light), .1)
    skin_legs = _legs(c, wx, feet, small, side, .046)
    picture = cover(c, picture, skin_legs, skin_legs.lit(s, other.skin, light), .1)
    held = Body(c, x, feet, size, side)
    held.limb((-.015, .79, .036), (-.006, .60, .032), (.0, .455, .024), blend=.02)
    held.limb((.012, .74, .030), (.006, .58, .026), (.0, .455, .022), blend=.02)
    picture = cover(c, picture, held, held.lit(s, mix(suit, other.skin,
                                                      .5 + .5 * smooth(-.004, .004, (c.x - x) * side)), light), .15)
    jacket = Body(c, mx, feet, size, side)
    jacket.limb((-.080, .795, .046), (.080, .795, .046), blend=.05)
    jacket.limb((-.035, .76, .062), (-.032, .44, .060), blend=.05)
    jacket.limb((.035, .76, .062), (.032, .44, .060), blend=.05)
    jacket.limb((-.108, .78, .044), (-.135, .62, .037), (-.128, .48, .030), blend=.03)
    picture = cover(c, picture, jacket, jacket.lit(s, cloth_of(jacket, suit), light, .007), .2)
    palm = Body(c, mx, feet, size, side)
    palm.limb((-.127, .465, .024), (-.122, .42, .022))
    picture = cover(c, picture, palm, palm.lit(s, one.skin, light), .1)
    skirt = Body(c, wx, feet, small, side)
    cut = _dressed(skirt, feet, small, c.uniform(-.03, .09), .19, .27)
    picture = mix(picture, cover(c, picture, skirt, skirt.lit(s, cloth_of(skirt, dress), light, .006), .2), cut)
    top = Body(c, wx, feet, small, side)
    top.limb((-.055, .79, .042), (.055, .79, .042), blend=.04)
    top.limb((0., .76, .068), (0., .60, .058), (0., .50, .062), blend=.05)
    picture = cover(c, picture, top, top.lit(s, cloth_of(top, dress), light, .006), .15)
    arm = Body(c, wx, feet, small, side)
    arm.limb((.088, .785, .032), (.112, .63, .026), (.105, .48, .020), (.103, .45, .022), blend=.02)
    picture = cover(c, picture, arm, arm.lit(s, other.skin, light), .15)
    for who, px, tall, long in ((one, mx, size, 0.), (other, wx, small, 1.)):
        picture = _from_behind(c, s, picture, who, px, feet, tall, side, long, light)
    return blades_before(c, s, picture, ground, feet + .008, .045)


def _from_behind(c: Canvas, s: Scene, picture: Tensor, who: Look, x: Tensor, feet: Tensor, size: Tensor, side: Tensor,
                 long: float, light: Tensor) -> Tensor:
    """Neck and hair of somebody who looks away, the head inclined to the other."""
    throat = Body(c, x, feet, size, side)
    throat.limb((0., .80, .036), (0., .88, .034))
    picture = cover(c, picture, throat, throat.lit(s, who.skin * .8, light), 0)
    lean = .012 if long == 0 else -.014
    head = Body(c, x, feet, size, side)
    head.limb((lean, .925, .060), (lean * 1.2, .895, .054), (lean * .8, .865, .036), blend=.02)
    if long:
        head.limb((lean, .93, .058), (lean * .6, .84, .056), (0., .73, .040), (.004, .68, .012), blend=.03)
    head.rough(.002)
    return cover(c, picture, head, head.lit(s, who.hair * (.55 + .8 * head.strands(120, 8)), light, .006), .15)


def _dancing(c: Canvas, s: Scene) -> Tensor:
    """A man and a woman turning, her skirt in the air, under a string of lamps."""
    picture, ground = open_land(c, s, c.uniform(.52, .60))
    picture = _lanterns(c, s, picture)
    one, other, suit, dress = _grown(c, s)
    feet, size, side = c.uniform(.92, .95), c.uniform(.70, .76), torch.where(c.uniform() > .5, 1., -1.)
    light = torch.where(s.place_x > .5, 1., -1.)
    x = .5 + c.uniform(-.03, .03) - .03 * side
    mx, wx, small, lean = x - .085 * size * side, x + .085 * size * side, size * .93, c.uniform(.04, .14)
    picture = ground_shadow(c, picture, x, feet + .003, .34 * size, .016, .6)
    trousers = _legs(c, mx, feet, size, side, .060, c.uniform(.01, .05))
    picture = cover(c, picture, trousers, trousers.lit(s, cloth_of(trousers, suit * .8), light), .1)
    skin_legs = _legs(c, wx, feet, small, -side, .044, c.uniform(.0, .04))
    picture = cover(c, picture, skin_legs, skin_legs.lit(s, other.skin, light), .1)
    raised = Body(c, x, feet, size, side)
    raised.limb((-.06, .78, .036), (.06, .72, .030), (.245, .84, .022), blend=.02)
    raised.limb((.11, .74, .028), (.20, .75, .024), (.252, .85, .020), blend=.02)
    picture = cover(c, picture, raised, raised.lit(s, mix(suit, other.skin, smooth(.08, .10, (c.x - x) / size * side)),
                                                   light), .1)
    jacket = Body(c, mx, feet, size, side, -.03 * side)
    jacket.limb((-.045, .79, .050), (.045, .79, .050), blend=.05)
    jacket.limb((-.022, .76, .062), (-.030, .44, .058), blend=.05)
    jacket.limb((.022, .76, .062), (.018, .44, .058), blend=.05)
    picture = cover(c, picture, jacket, jacket.lit(s, cloth_of(jacket, suit), light, .007), .2)
    skirt = Body(c, wx, feet, small, side)
    cut = _dressed(skirt, feet, small, .16 + lean, .20, .25)
    for i in range(4):
        skirt.limb((.02, .50, .05), (.13 + .02 * i + lean * .4, .34 + .045 * i, .055),
                   (.20 + .025 * i + lean, .28 + .055 * i, .030), blend=.03)
    picture = mix(picture, cover(c, picture, skirt, skirt.lit(s, cloth_of(skirt, dress), light, .006), .2), cut)
    top = Body(c, wx, feet, small, side, lean * side)
    top.limb((-.03, .79, .044), (.03, .79, .044), blend=.04)
    top.limb((0., .76, .068), (0., .58, .058), (.01, .50, .062), blend=.05)
    picture = cover(c, picture, top, top.lit(s, cloth_of(top, dress), light, .006), .2)
    for who, px, tall, way, long, tilt in ((one, mx, size, side, 0., -.03), (other, wx, small, -side, 1., lean)):
        picture = _small_profile(c, s, picture, who, px, feet, tall, way, long, light, tilt * side)
    arm = Body(c, x, feet, size, side)
    arm.limb((-.075, .775, .040), (-.02, .64, .036), (.105, .625, .026), blend=.02)
    picture = cover(c, picture, arm, arm.lit(s, cloth_of(arm, suit), light), .3)
    palm = Body(c, x, feet, size, side)
    palm.limb((.105, .628, .022), (.140, .640, .020))
    return blades_before(c, s, cover(c, picture, palm, palm.lit(s, one.skin, light), .2), ground, feet + .008, .04)


def _small_profile(c: Canvas, s: Scene, picture: Tensor, who: Look, x: Tensor, feet: Tensor, size: Tensor, way: Tensor,
                   long: float, light: Tensor, tilt: Tensor) -> Tensor:
    """A head seen from the side, looking `way`."""
    turn = {"turn": tilt}
    flesh = Body(c, x, feet, size, way, **turn)
    flesh.limb((0., .80, .034), (.005, .87, .034), blend=.01)
    flesh.limb((.004, .935, .056), (.016, .905, .046), blend=.02)
    flesh.limb((.058, .922, .009), (.070, .908, .008), blend=.012)
    flesh.limb((.030, .872, .018), (.045, .870, .014), blend=.012)
    picture = cover(c, picture, flesh, flesh.lit(s, who.skin, light, .004), .15)
    ex, ey = flesh.at(.042, .928)
    picture = picture * (1 - .6 * c.limb(ex, ey, ex + .010 * size * way, ey, .003 * size, .003 * size, 1.))
    head = Body(c, x, feet, size, way, **turn)
    head.limb((.020, .978, .026), (-.025, .955, .046), (-.034, .915, .038), blend=.03)
    if long:
        head.limb((-.035, .92, .042), (-.060, .84, .040), (-.105, .74, .014), blend=.03)
    head.rough(.002)
    return cover(c, picture, head, head.lit(s, who.hair * (.55 + .8 * head.strands(120, 8)), light, .005), .1)


def _lanterns(c: Canvas, s: Scene, picture: Tensor) -> Tensor:
    """Lamps on a wire across the sky, brighter towards the night."""
    dark = (1.15 - s.sky.ambient).clamp(.15, 1)
    colour = mix(c.tint(1., .72, .34), s.pigment("second", (1., .72, .34)), s.has("second", *PIGMENTS))
    for row in range(2):
        top, sag, shift = c.uniform(.08, .16) + .10 * row, c.uniform(.04, .10), c.uniform()
        across = (c.x - .5) / c.aspect
        wire = top + sag * (1 - 4 * across**2)
        picture = picture * (1 - .45 * smooth(.003, .001, (c.y - wire).abs()))
        at = torch.remainder(c.x * 7 + shift, 1) - .5
        far = ((at / 7) ** 2 + (c.y - wire - .018) ** 2).sqrt()
        picture = picture + colour * (smooth(.014, .008, far) * (.35 + .65 * dark) + torch.exp(-far * 26) * .55 * dark)
    return picture
