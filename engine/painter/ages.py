"""People by their years: the old, a child."""
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
from engine.painter.pairs import CLOTHS, room_light, veiled
from engine.painter.scene import Scene


def elder(c: Canvas, s: Scene) -> Tensor:
    """Somebody old: white hair, a lined face, often glasses; a headscarf or a beard."""
    light = torch.where(c.uniform() > .5, 1., -1.)
    picture = room_light(c, s, s.pigment("colour", (.40, .33, .27)), light)
    woman = s.has("extra", "grandmother") + (1 - s.has("extra", "grandmother", "grandfather")) * (c.uniform() > .42)
    look = somebody(c, s)
    look.hair = mix(c.tint(.86, .85, .83), c.tint(.62, .60, .58), c.uniform())
    look.age, look.smile = c.uniform(.75, 1.), c.uniform(.1, .9)
    look.long, look.fringe = torch.zeros_like(woman), torch.zeros_like(woman)
    look.bald = (1 - woman) * (c.uniform() > .25)
    look.beard = (1 - woman) * (c.uniform() > .40)
    scarf = woman * (c.uniform() > .80)
    pose = Pose(.5 + c.uniform(-.05, .05), c.uniform(.41, .45), c.uniform(.55, .63), c.uniform(-.12, .12),
                c.uniform(-.6, .6), light, s.has("extra", "half-lit"))
    cloth = s.any_pigment("colour", CLOTHS) * .50 + .04
    u, v = pose.inside(c)
    bun = smooth(1.04, .96, ((u / .17) ** 2 + ((v + .55) / .13) ** 2).sqrt()) * woman * (1 - scarf)
    picture = mix(picture, shine(s, look.hair * (.5 + .7 * laid(c, torch.atan2(u, v + .6) * .8, v * .1)),
                                 .45 + .8 * u * light, torch.full_like(u, .5)), bun)
    picture = neck(c, s, picture, pose, look, cloth)
    picture = face(c, s, picture, pose, look)
    picture = hair(c, s, picture, pose, look, behind=False)
    picture = mix(picture, veiled(c, s, picture, pose, s.any_pigment("second",
            ("red", "blue", "brown", "violet", "grey")) * .6 + .05, light), scarf) if scarf.any() else picture
    picture = _shawl(c, s, picture, pose, s.any_pigment("second", ("brown", "grey", "red", "green")) * .5 + .06, light,
                     woman)
    return _glasses(c, s, picture, pose, (c.uniform() > .35).float())


def _glasses(c: Canvas, s: Scene, picture: Tensor, pose: Pose, worn: Tensor) -> Tensor:
    """Two round glasses with the window in them."""
    u, v = pose.inside(c)
    f = u - pose.yaw * .105
    a, q = f.abs(), v + .035
    soft = 1.0 * c.pixel / pose.size
    ring = (((a - .150) / .108) ** 2 + (q / .092) ** 2).sqrt()
    wire = smooth(.085, .03, (ring - 1).abs() - soft * 4)
    bridge = smooth(.009 + soft, .009 - soft, (q + .022 + .6 * a**2).abs()) * smooth(.055, .04, a)
    arm = smooth(.009 + soft, .009 - soft, (q + .030).abs()) * smooth(.25, .262, a) * smooth(.345, .33, u.abs())
    glass = smooth(1.0, .95, ring)
    glare = torch.exp(-(((f - .15 * torch.sign(f)) * 1.0 + q * .9 + .035) / .030) ** 2) * glass
    picture = mix(picture, picture * .90 + daylight(s) * .03, glass * worn) + glare * daylight(s) * .20 * worn
    frame = (wire + bridge + arm).clamp(0, 1) * worn
    return mix(picture, c.tint(.10, .085, .07) + daylight(s) * .12 * smooth(.1, -.1, q), frame * .92)


def _shawl(c: Canvas, s: Scene, picture: Tensor, pose: Pose, cloth: Tensor, light: Tensor, worn: Tensor) -> Tensor:
    """A knitted shawl around the shoulders, crossed on the breast."""
    lean = pose.tilt * torch.ones_like(pose.size)
    u, v = (c.x - pose.x) / pose.size - .35 * torch.sin(lean), (c.y - pose.y) / pose.size
    soft = 2 * c.pixel / pose.size
    out = (u.abs() - .17).clamp(min=0)
    top = .60 + .34 * out ** .9 + 3.0 * (out - .55).clamp(min=0) ** 1.6
    inner = 1.02 - 1.55 * u.abs()
    shape = smooth(-soft, soft, v - top) * smooth(-soft, soft, v - inner)
    knit = .70 + .45 * torch.sin((v - .8 * u.abs()) * 105) * torch.sin(u * 120).abs()
    folds = laid(c, (v - .9 * u.abs()) * .35, u.abs() * .12)
    key = (.50 + .55 * u * light + .5 * (folds - .5)).clamp(.06, 1)
    edge = smooth(.05, .0, v - inner) * shape
    return mix(picture, shine(s, cloth * knit * (1 + .35 * edge), key, torch.full_like(u, .45)), shape * worn)


def child(c: Canvas, s: Scene) -> Tensor:
    """A child, whole, in open land, with a balloon in its hand or nothing."""
    picture, ground = open_land(c, s, c.uniform(.50, .62))
    x, feet, size = .5 + c.uniform(-.07, .07), c.uniform(.90, .94), c.uniform(.66, .74)
    light, side = torch.where(s.place_x > .5, 1., -1.), torch.where(c.uniform() > .5, 1., -1.)
    look = somebody(c, s)
    look.young, look.smile = torch.ones_like(x), c.uniform(.2, .9)
    girl = look.long
    cloth = s.any_pigment("colour", ("red", "golden", "blue", "white", "green", "orange")) * .80 + .03
    below = mix(c.tint(.16, .20, .34), c.tint(.36, .26, .16), c.uniform())
    swing = c.uniform(-.10, .25)
    picture = ground_shadow(c, picture, x, feet + .004, .20 * size, .014, .55)
    balloon = s.has("extra", "balloon") + (1 - s.has("extra", "balloon")) * (c.uniform() > .55)
    hand = _hand_at(balloon)
    picture = _balloon(c, s, picture, x, feet, size, side, hand, balloon, light)
    pose = Pose(x + .004 * side, feet - .785 * size, .300 * size, c.uniform(-.10, .10), c.uniform(-.7, .7), light)
    picture = hair(c, s, picture, pose, look, behind=True)
    picture = _limbs(c, s, picture, (x, feet, size, side), look, swing, balloon, light)
    shorts = Body(c, x, feet, size, side)
    shorts.limb((-.045, .36, .068), (.045, .36, .068), blend=.05)
    for way in (-1., 1.):
        shorts.limb((way * .050, .34, .062), (way * .060, .225, .056), blend=.03)
    picture = mix(picture, cover(c, picture, shorts, shorts.lit(s, cloth_of(shorts, below), light), .15), 1 - girl)
    throat = Body(c, x, feet, size, side)
    throat.limb((0., .58, .040), (0., .68, .042))
    picture = cover(c, picture, throat, throat.lit(s, look.skin * .85, light), .0)
    shirt = Body(c, x, feet, size, side)
    shirt.limb((-.070, .580, .050), (.070, .580, .050), blend=.04)
    shirt.limb((-.035, .54, .070), (-.040, .38, .070), blend=.05)
    shirt.limb((.035, .54, .070), (.040, .38, .070), blend=.05)
    shirt.limb((-.095, .585, .042), (-.145, .50, .046), blend=.03)
    shirt.limb((.095, .585, .042), (.150, .51, .046), blend=.03)
    picture = cover(c, picture, shirt, shirt.lit(s, cloth_of(shirt, cloth), light, .006), .2)
    hem = Body(c, x, feet, size, side)
    hem.limb((0., .46, .075), (0., .33, .120), (.01 * swing, .16, .185), blend=.06)
    cut = smooth(.225, .240, (feet - c.y) / size + .01 * torch.sin((c.x - x) / size * 40))
    dressed = cover(c, picture, hem, hem.lit(s, cloth_of(hem, cloth), light, .006), .15)
    picture = mix(picture, dressed, girl * cut)
    picture = face(c, s, picture, pose, look)
    picture = hair(c, s, picture, pose, look, behind=False)
    return blades_before(c, s, picture, ground, feet + .010, .045)


def _hand_at(balloon: Tensor) -> tuple[Tensor, Tensor]:
    """A hand hangs, or holds a string up."""
    return .215 + .02 * balloon, .44 + .16 * balloon


def _limbs(c: Canvas, s: Scene, picture: Tensor, place: tuple[Tensor, Tensor, Tensor, Tensor], look: Look, swing: Tensor,
           balloon: Tensor, light: Tensor) -> Tensor:
    """Legs that step a little, feet, arms; `place` is x, feet, size, side."""
    x, feet, size, side = place
    legs = Body(c, x, feet, size, side)
    for way in (-1., 1.):
        legs.limb((way * .052, .34, .048), (way * (.056 + .03 * swing), .20, .036),
                  (way * (.056 + .06 * swing), .055, .027), blend=.02)
    picture = cover(c, picture, legs, legs.lit(s, look.skin, light), .1)
    feet_ = Body(c, x, feet, size, side)
    for way in (-1., 1.):
        feet_.limb((way * (.056 + .06 * swing), .045, .036), (way * (.075 + .06 * swing), .022, .032), blend=.02)
    picture = cover(c, picture, feet_, feet_.lit(s, c.tint(.22, .13, .09), light), .1)
    arms = Body(c, x, feet, size, side)
    arms.limb((.115, .575, .036), (.180, .49 + .02 * balloon, .030), (*_hand_at(balloon), .028),
              (.221 + .02 * balloon, .47 + .16 * balloon, .030), blend=.02)
    arms.limb((-.110, .575, .036), (-.155, .47, .030), (-.168, .36, .024), (-.176, .33, .030), blend=.02)
    picture = cover(c, picture, arms, arms.lit(s, look.skin, light), .1)
    return picture


def _balloon(c: Canvas, s: Scene, picture: Tensor, x: Tensor, feet: Tensor, size: Tensor, side: Tensor,
             hand: tuple[Number, Number],
             shown: Tensor, light: Tensor) -> Tensor:
    """A balloon on its string."""
    body = Body(c, x, feet, size, side)
    hx, hy = body.at(hand[0] + .006, hand[1] + .03)
    sway = c.uniform(.02, .12)
    bx, by = body.at(.30 + sway, 1.10)
    string = torch.maximum(c.limb(hx, hy, (hx + bx) / 2 + .012, (hy + by) / 2, .0016, .0016, .7),
                           c.limb((hx + bx) / 2 + .012, (hy + by) / 2, bx, by + .10 * size, .0016, .0016, .7))
    picture = mix(picture, daylight(s) * .7 + .05, string * shown * .7)
    u, v = (c.x - bx) / (.105 * size), (c.y - by) / (.128 * size)
    v = v - .10 * u**2 * (v > 0)
    round_ = (1 - u**2 - v**2)
    front = round_.clamp(min=0).sqrt()
    colour = s.any_pigment("second", ("red", "red", "golden", "blue", "white"))
    key = (u * light * .6 - v * .5 + front * .5).clamp(0, 1)
    lit = shine(s, colour, key * .9 + .12, .5 - .4 * v) + daylight(s) * torch.exp(-(((u - .38 * light) / .17) ** 2
            + ((v + .42) / .22) ** 2)) * .55
    lit = lit + colour * daylight(s) * (1 - front) ** 2 * .25
    knot = c.limb(bx, by + .118 * size, bx, by + .135 * size, .006 * size, .013 * size, .8)
    picture = mix(picture, shine(s, colour * .7, torch.full_like(x, .4), torch.full_like(x, .4)), knot * shown)
    return mix(picture, lit, smooth(-.03, .03, round_) * shown)
