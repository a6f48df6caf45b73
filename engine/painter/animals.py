"""Animals that run: dog, horse."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter.bodies import Body, Number, blades_before, coat, cover, daylight, ground_shadow, open_land, shine
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Colour, Scene

# length, angle from straight down (forward is positive), radius at its end
Bone = tuple[float, Number, float]


def _leg(body: Body, u: Number, v: Number, r: float, *bones: Bone, blend: float = .05) -> None:
    """A leg that hangs from (u, v), bone by bone."""
    joints: list[tuple[Number, Number, Number]] = [(u, v, r)]
    for length, angle, end in bones:
        turn = torch.as_tensor(angle)
        u, v = u + length * torch.sin(turn), v - length * torch.cos(turn)
        joints.append((u, v, end))
    body.limb(*joints, blend=blend)


def _poses(c: Canvas, *poses: tuple[float, ...], chance: Tensor, wander: float = .08) -> list[Tensor]:
    """One pose per picture (`chance` 0..1 says which): its angles, each a little off, and its last three numbers as
    they are."""
    which = (chance * len(poses)).long().clamp(max=len(poses) - 1)[:, 0, 0, 0]
    table = torch.tensor(poses, device=c.device)[which]
    return [table[:, i, None, None, None] + c.uniform(-wander, wander)
            * (i < table.shape[1] - 3) for i in range(table.shape[1])]


def _stage(c: Canvas, s: Scene, size: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor,
        Tensor]:
    """Open land with somebody's place on it: picture, ground, where it stands, its size, where it looks, where the
    light is."""
    picture, ground = open_land(c, s, c.uniform(.52, .64))
    x, feet = .5 + c.uniform(-.06, .06), c.uniform(.84, .90)
    side = torch.where(c.uniform() > .5, 1., -1.)
    return picture, ground, x, feet, c.uniform(*size), side, torch.where(s.place_x > .5, 1., -1.)


_DOGS: tuple[Colour, ...] = ((.62, .42, .22), (.82, .68, .46), (.30, .19, .12), (.13, .11, .10), (.86, .82, .76),
                             (.55, .33, .16))
# Angles: near fore (upper, lower, paw), far fore, near hind (thigh, shin, foot), far hind, how the body leans.
_DOG_POSES = ((-.30, .10, .05, -.16, .22, .1, .38, -.62, .10, .62, -.55, .05, .0, 0., 1.2),          # stands
              (.85, 1.15, .7, 1.10, .75, .3, -.75, -1.25, -.9, -.55, -1.05, -.6, .03, .10, .55),    # flies, stretched
              (.45, -.55, -.8, .80, -.20, -.5, .95, -.05, .35, .75, -.25, .1, -.04, .05, .75),      # gathers its legs
              (.55, .25, .1, -.70, -.35, -.9, .75, -.35, .2, -.35, -.95, -.5, 0., .02, .95))         # trots


def dog(c: Canvas, s: Scene) -> Tensor:
    """A dog that stands, trots or runs through open land."""
    picture, ground, x, feet, size, side, light = _stage(c, s, (.54, .62))
    chance = torch.where(s.has("extra", "running") > 0, .26 + .74 * c.uniform(),
                         c.uniform() * (1 - s.has("extra", "standing")))
    pose = _poses(c, *_DOG_POSES, chance=chance)
    lean, lift, tail = pose[12:]
    fur, dark = coat(c, s, _DOGS), c.uniform(.35, .9)
    far = Body(c, x, feet - lift * size, size, side, lean * side)
    _fore(far, pose[3:6], .02)
    _hind(far, pose[9:12], .03)
    body = Body(c, x, feet - lift * size, size, side, lean * side)
    body.limb((-.31, .505, .122), (-.13, .525, .098), (.06, .50, .122), (.21, .49, .152), blend=.07)
    body.limb((.20, .55, .13), (.33, .66, .098), (.43, .75, .085), blend=.09)
    _fore(body, pose[0:3], 0.)
    _hind(body, pose[6:9], 0.)
    bend = c.uniform(-.2, .25)
    bushy = .026 + .016 * (c.uniform() > .5)
    body.limb((-.39, .56, .045), (-.48, .56 + .05 * tail, bushy), (-.57, .56 + .14 * tail, bushy),
              (-.62 + .06 * bend, .58 + .28 * tail, .010), blend=.05)
    head = Body(c, *body.at(.45, .775), size, side, lean * side + c.uniform(-.12, .12))
    head.limb((-.03, .0, .088), (.045, .0, .08), blend=.04)
    head.limb((.05, -.015, .062), (.145, -.032, .046), (.20, -.036, .036), blend=.045)
    open_ = (c.uniform() > .45).float() * .03
    head.limb((.03, -.055, .035), (.10, -.070 - open_ * .6, .024), (.155, -.078 - open_, .018), blend=.02)
    for one in (far, body, head):
        one.rough(.0035)
    picture = ground_shadow(c, picture, x, feet + .012, .40 * size, .020, .60)
    pale = mix(fur, torch.ones_like(fur) * .9, .45)
    picture = cover(c, picture, far, far.lit(s, fur * .50, light, rim=.2), 0)
    picture = cover(c, picture, body, body.lit(s, _pelt(body, fur, pale, dark, feet, size), light), .15)
    tongue = Body(c, *head.at(.135, -.075 - .4 * open_), size, side)
    tongue.limb((0, 0, .016), (.025, -.035, .020), (.02, -.07, .014))
    picture = mix(picture, tongue.lit(s, c.tint(.82, .30, .32), light), tongue.mask * (open_ > 0))
    picture = cover(c, picture, head, head.lit(s, _pelt(head, fur, pale, dark, feet, size), light), .12)
    picture = _dog_face(c, s, picture, head, fur * dark, light)
    picture = blades_before(c, s, picture, ground, feet + .012, .06)
    return picture


def _fore(body: Body, turn: list[Tensor], back: float) -> None:
    first, second, third = turn
    _leg(body, .22 - back, .47, .085, (.20, first, .052), (.19, second, .032), (.075, third, .028),
         (.045, third * .4 + 1.25, .026))


def _hind(body: Body, turn: list[Tensor], back: float) -> None:
    first, second, third = turn
    _leg(body, -.31 + back, .47, .115, (.20, first, .068), (.20, second, .033), (.115, third, .028),
         (.05, third * .4 + 1.2, .026))


def _pelt(body: Body, fur: Tensor, pale: Tensor, dark: Tensor, feet: Tensor, size: Tensor) -> Tensor:
    """Fur along the limbs, paler below, darker on the back."""
    up = (feet - body.c.y) / size
    tone = mix(pale, fur, smooth(.36, .52, up + .08 * (body.c.noise(7, octaves=2) - .5)))
    tone = mix(tone, fur * dark, smooth(.54, .66, up) * .6)
    return tone * (.68 + .64 * body.strands(120, 20))


def _dog_face(c: Canvas, s: Scene, picture: Tensor, head: Body, fur: Tensor, light: Tensor) -> Tensor:
    """Nose, eye, mouth and an ear that hangs or stands."""
    size, side = head.size, head.side
    nose = Body(c, *head.at(.225, -.020), size, side)
    nose.ball(0, 0, .024)
    picture = cover(c, picture, nose, nose.lit(s, c.tint(.05, .045, .05), light, rim=1.2), .1)
    ex, ey = head.at(.062, .030)
    eye = c.disk(ex, ey, .0135 * size, .003)
    picture = mix(picture * (1 - .5 * c.disk(ex, ey, .022 * size, .008)), c.tint(.03, .02, .015), eye)
    picture = picture + c.disk(ex + .004 * size * light, ey - .005 * size, .0045 * size, .002) * daylight(s) * .9
    mx, my = head.at(.17, -.060)
    nx, ny = head.at(.05, -.062)
    picture = picture * (1 - .6 * c.limb(mx, my, nx, ny, .005 * size, .002 * size, 1.5) * head.mask)
    ear = Body(c, *head.at(-.035, .045), size, side)
    stands = (c.uniform() > .55).float()
    flop = 1 - stands
    ear.limb((0, .0, .034), (-.03 * flop - .015 * stands, -.07 * flop + .06 * stands, .042 * flop + .026 * stands),
             (-.015, -.135 * flop + .125 * stands, .022 * flop + .006 * stands), blend=.02)
    ear.rough(.003)
    return cover(c, picture, ear, ear.lit(s, fur * (.55 + .5 * ear.strands(120, 20)), light), .25)


_HORSES: tuple[Colour, ...] = ((.42, .22, .11), (.60, .34, .16), (.86, .83, .78), (.12, .095, .085), (.50, .48, .47),
                               (.78, .60, .38))
_HORSE_POSES = ((-.28, .12, .05, -.12, .10, .10, .42, -.62, .05, .55, -.42, .0, 0., 0., .1),
                (.75, .45, .80, .95, .85, .6, -.45, -1.00, -.80, -.15, -.85, -1.0, .06, .10, 1.),     # stretched gallop
                (.75, -.75, -1.5, 1.10, -.10, -1.0, .70, -.60, .2, .95, -.35, .45, -.10, .03, .9),     # forehand up
                (.60, -.30, -.9, -.45, -.15, -.2, .62, -.55, .15, -.10, -.85, -.7, 0., .01, .45))       # trots


def horse(c: Canvas, s: Scene) -> Tensor:
    """A horse that stands, trots or gallops, mane and tail in the wind."""
    picture, ground, x, feet, size, side, light = _stage(c, s, (.41, .46))
    chance = torch.where(s.has("extra", "galloping") > 0, .26 + .48 * c.uniform(),
                         c.uniform() * (1 - s.has("extra", "standing")))
    pose = _poses(c, *_HORSE_POSES, chance=chance, wander=.06)
    lean, lift, wind = pose[12:]
    fur = coat(c, s, _HORSES)
    socks, stars = (c.uniform() > .5).float(), (c.uniform() > .45).float()
    place = (x - .05 * size * side, feet - lift * size)
    far, body = (Body(c, *place, size, side, lean * -side) for _ in range(2))
    for one, off, turn in ((far, .05, (pose[3:6], pose[9:12])), (body, 0., (pose[0:3], pose[6:9]))):
        _leg(one, .33 - off, .80, .135, (.26, turn[0][0], .072), (.27, turn[0][1], .046), (.20, turn[0][2], .034),
             (.08, turn[0][2] + .45, .044), blend=.09)
        _leg(one, -.42 + off, .86, .185, (.30, turn[1][0], .098), (.27, turn[1][1], .052), (.24, turn[1][2], .036),
             (.08, turn[1][2] + .45, .044), blend=.09)
    body.limb((-.42, .87, .20), (-.20, .835, .175), (.05, .81, .19), (.32, .845, .20), blend=.10)
    nod = c.uniform(-.10, .10)
    body.limb((.34, .92, .18), (.48, 1.12, .135), (.60, 1.30, .10), (.66, 1.37 + nod * .3, .085), blend=.14)
    head = Body(c, *body.at(.67, 1.385 + nod * .3), size, side, (lean * -1 + .12 + nod) * side * -1)
    head.limb((-.01, -.02, .086), (.06, -.09, .085), (.16, -.215, .062), (.235, -.315, .052), (.25, -.335, .046),
              blend=.05)
    picture = ground_shadow(c, picture, x, feet + .010, .62 * size, .018, .6)
    picture = cover(c, picture, far, far.lit(s, _hide(far, fur, socks, size) * .5, light, rim=.2), 0)
    hair = mix(fur * .35, mix(fur, torch.ones_like(fur), .5), (c.uniform() > .62).float())
    picture = _tail(c, s, picture, body, hair, wind, light)
    picture = cover(c, picture, body, body.lit(s, _hide(body, fur, socks, size), light, .008), .12)
    for u in (-.055, .0):
        ear = Body(c, *head.at(u, .05), size, side, lean * -side)
        ear.limb((0, 0, .028), (.012, .055, .024), (.025, .115, .004))
        picture = cover(c, picture, ear, ear.lit(s, fur * (.75 if u else .95), light), .1)
    picture = cover(c, picture, head, head.lit(s, fur * (.72 + .4 * head.strands(40, 8)), light, .007), .18)
    picture = _horse_face(c, s, picture, head, stars, light)
    picture = _mane(c, s, picture, body, hair, wind, light)
    return blades_before(c, s, picture, ground, feet + .012, .06)


def _hide(body: Body, fur: Tensor, socks: Tensor, size: Tensor) -> Tensor:
    """A short coat with dark hooves and, by chance, white socks."""
    down = body.along / size                            # along a leg: .73 to .81 at the hoof
    tone = mix(fur * (.72 + .40 * body.strands(60, 8)), fur * .45,
               smooth(.36, .60, down) * (body.thick < .085 * size) * (1 - socks) * .7)
    low = body.thick < .06 * size
    tone = mix(tone, torch.full_like(tone, .80), smooth(.56, .60, down) * low * socks * .85)
    return mix(tone, torch.full_like(tone, .07), smooth(.75, .77, down) * low)


def _horse_face(c: Canvas, s: Scene, picture: Tensor, head: Body, star: Tensor, light: Tensor) -> Tensor:
    size = head.size
    bx, by = head.at(.085, -.06)
    tx, ty = head.at(.19, -.215)
    blaze = c.limb(bx, by, tx, ty, .022 * size, .016 * size, 3.) * head.mask * star
    picture = mix(picture, shine(s, c.tint(.90, .88, .84), torch.full_like(star, .6), torch.full_like(star, .6)),
                  blaze * .85)
    ex, ey = head.at(.060, -.055)
    picture = picture * (1 - .55 * c.disk(ex, ey, .040 * size, .012))
    picture = mix(picture, c.tint(.03, .02, .015), c.disk(ex, ey, .019 * size, .004))
    picture = picture + c.disk(ex + .005 * size * light, ey - .007 * size, .006 * size, .002) * daylight(s) * .9
    nx, ny = head.at(.262, -.315)
    picture = picture * (1 - .75 * c.disk(nx, ny, .015 * size, .006) * head.mask)
    mx, my = head.at(.255, -.375)
    kx, ky = head.at(.165, -.305)
    return picture * (1 - .45 * c.limb(mx, my, kx, ky, .006 * size, .003 * size, 1.5) * head.mask)


def _mane(c: Canvas, s: Scene, picture: Tensor, body: Body, hair: Tensor, wind: Tensor, light: Tensor) -> Tensor:
    """Locks along the crest of the neck: they hang, or blow back."""
    mane = Body(c, body.x, body.y, body.size, body.side)
    mane.sin, mane.cos = body.sin, body.cos
    for i in range(9):
        at = i / 8
        u, v = .36 + .32 * at - .10 * (1 - at) * at, 1.06 + .40 * at + .16 * math.sin(at * 2.6) * .3
        u = u - .07 * (1 - at)
        long = .15 + .06 * math.sin(at * 3.1)
        sway = c.uniform(-.03, .03)
        mane.limb((u, v, .030), (u - .05 - .09 * wind + sway, v - .02 - long * .45 * (1 - wind), .028),
                  (u - .06 - .22 * wind + sway * 2, v - long * (1 - .75 * wind) + .06 * wind + sway, .006), blend=.012)
    mane.rough(.004, 40)
    return cover(c, picture, mane, mane.lit(s, hair * (.45 + .9 * mane.strands(90, 8)), light), .2)


def _tail(c: Canvas, s: Scene, picture: Tensor, body: Body, hair: Tensor, wind: Tensor, light: Tensor) -> Tensor:
    tail = Body(c, body.x, body.y, body.size, body.side)
    tail.sin, tail.cos = body.sin, body.cos
    for off in (-.05, 0., .05):
        sway = c.uniform(-.04, .04)
        tail.limb((-.58, .96, .038), (-.68 - .10 * wind, .90 + .08 * wind, .050),
                  (-.73 - .24 * wind + off, .66 + .26 * wind + off, .052),
                  (-.71 - .42 * wind + off * 1.6 + sway, .34 + .52 * wind + off + sway, .008), blend=.03)
    tail.rough(.005, 36)
    return cover(c, picture, tail, tail.lit(s, hair * (.45 + .9 * tail.strands(90, 6)), light), .15)
