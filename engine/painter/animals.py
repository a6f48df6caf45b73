"""Animals on four legs: dog, cat, horse."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter import air
from engine.painter.bodies import Body, Number, blades_before, coat, cover, daylight, ground_shadow, open_land, shine
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Colour, Scene

Bone = tuple[float, Number, float]                     # length, angle from straight down (forward is positive), radius at its end


def _leg(body: Body, u: Number, v: Number, r: float, *bones: Bone, blend: float = .05) -> None:
    """A leg that hangs from (u, v), bone by bone."""
    joints: list[tuple[Number, Number, Number]] = [(u, v, r)]
    for length, angle, end in bones:
        turn = torch.as_tensor(angle)
        u, v = u + length * torch.sin(turn), v - length * torch.cos(turn)
        joints.append((u, v, end))
    body.limb(*joints, blend=blend)


def _poses(c: Canvas, *poses: tuple[float, ...], chance: Tensor, wander: float = .08) -> list[Tensor]:
    """One pose per picture (`chance` 0..1 says which): its angles, each a little off, and its last three numbers as they are."""
    which = (chance * len(poses)).long().clamp(max=len(poses) - 1)[:, 0, 0, 0]
    table = torch.tensor(poses, device=c.device)[which]
    return [table[:, i, None, None, None] + c.uniform(-wander, wander) * (i < table.shape[1] - 3) for i in range(table.shape[1])]


def _stage(c: Canvas, s: Scene, size: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Open land with somebody's place on it: picture, ground, where it stands, its size, where it looks, where the light is."""
    picture, ground = open_land(c, s, c.uniform(.52, .64))
    x, feet = .5 + c.uniform(-.06, .06), c.uniform(.84, .90)
    side = torch.where(c.uniform() > .5, 1., -1.)
    return picture, ground, x, feet, c.uniform(*size), side, torch.where(s.place_x > .5, 1., -1.)


_DOGS: tuple[Colour, ...] = ((.62, .42, .22), (.82, .68, .46), (.30, .19, .12), (.13, .11, .10), (.86, .82, .76), (.55, .33, .16))
# Angles: near fore (upper, lower, paw), far fore, near hind (thigh, shin, foot), far hind, how the body leans.
_DOG_POSES = ((-.30, .10, .05, -.16, .22, .1, .38, -.62, .10, .62, -.55, .05, .0, 0., 1.2),          # stands
              (.85, 1.15, .7, 1.10, .75, .3, -.75, -1.25, -.9, -.55, -1.05, -.6, .03, .10, .55),    # flies, stretched
              (.45, -.55, -.8, .80, -.20, -.5, .95, -.05, .35, .75, -.25, .1, -.04, .05, .75),      # gathers its legs
              (.55, .25, .1, -.70, -.35, -.9, .75, -.35, .2, -.35, -.95, -.5, 0., .02, .95))         # trots


def dog(c: Canvas, s: Scene) -> Tensor:
    """A dog that stands, trots or runs through open land."""
    picture, ground, x, feet, size, side, light = _stage(c, s, (.54, .62))
    chance = torch.where(s.has("extra", "running") > 0, .26 + .74 * c.uniform(), c.uniform() * (1 - s.has("extra", "standing")))
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
    body.limb((-.39, .56, .045), (-.48, .56 + .05 * tail, bushy), (-.57, .56 + .14 * tail, bushy), (-.62 + .06 * bend, .58 + .28 * tail, .010), blend=.05)
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
    _leg(body, .22 - back, .47, .085, (.20, first, .052), (.19, second, .032), (.075, third, .028), (.045, third * .4 + 1.25, .026))


def _hind(body: Body, turn: list[Tensor], back: float) -> None:
    first, second, third = turn
    _leg(body, -.31 + back, .47, .115, (.20, first, .068), (.20, second, .033), (.115, third, .028), (.05, third * .4 + 1.2, .026))


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


_HORSES: tuple[Colour, ...] = ((.42, .22, .11), (.60, .34, .16), (.86, .83, .78), (.12, .095, .085), (.50, .48, .47), (.78, .60, .38))
_HORSE_POSES = ((-.28, .12, .05, -.12, .10, .10, .42, -.62, .05, .55, -.42, .0, 0., 0., .1),
                (.75, .45, .80, .95, .85, .6, -.45, -1.00, -.80, -.15, -.85, -1.0, .06, .10, 1.),     # stretched gallop
                (.75, -.75, -1.5, 1.10, -.10, -1.0, .70, -.60, .2, .95, -.35, .45, -.10, .03, .9),     # forehand up
                (.60, -.30, -.9, -.45, -.15, -.2, .62, -.55, .15, -.10, -.85, -.7, 0., .01, .45))       # trots


def horse(c: Canvas, s: Scene) -> Tensor:
    """A horse that stands, trots or gallops, mane and tail in the wind."""
    picture, ground, x, feet, size, side, light = _stage(c, s, (.41, .46))
    chance = torch.where(s.has("extra", "galloping") > 0, .26 + .48 * c.uniform(), c.uniform() * (1 - s.has("extra", "standing")))
    pose = _poses(c, *_HORSE_POSES, chance=chance, wander=.06)
    lean, lift, wind = pose[12:]
    fur = coat(c, s, _HORSES)
    socks, stars = (c.uniform() > .5).float(), (c.uniform() > .45).float()
    place = (x - .05 * size * side, feet - lift * size)
    far, body = (Body(c, *place, size, side, lean * -side) for _ in range(2))
    for one, off, turn in ((far, .05, (pose[3:6], pose[9:12])), (body, 0., (pose[0:3], pose[6:9]))):
        _leg(one, .33 - off, .80, .135, (.26, turn[0][0], .072), (.27, turn[0][1], .046), (.20, turn[0][2], .034), (.08, turn[0][2] + .45, .044), blend=.09)
        _leg(one, -.42 + off, .86, .185, (.30, turn[1][0], .098), (.27, turn[1][1], .052), (.24, turn[1][2], .036), (.08, turn[1][2] + .45, .044), blend=.09)
    body.limb((-.42, .87, .20), (-.20, .835, .175), (.05, .81, .19), (.32, .845, .20), blend=.10)
    nod = c.uniform(-.10, .10)
    body.limb((.34, .92, .18), (.48, 1.12, .135), (.60, 1.30, .10), (.66, 1.37 + nod * .3, .085), blend=.14)
    head = Body(c, *body.at(.67, 1.385 + nod * .3), size, side, (lean * -1 + .12 + nod) * side * -1)
    head.limb((-.01, -.02, .086), (.06, -.09, .085), (.16, -.215, .062), (.235, -.315, .052), (.25, -.335, .046), blend=.05)
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
    tone = mix(fur * (.72 + .40 * body.strands(60, 8)), fur * .45, smooth(.36, .60, down) * (body.thick < .085 * size) * (1 - socks) * .7)
    low = body.thick < .06 * size
    tone = mix(tone, torch.full_like(tone, .80), smooth(.56, .60, down) * low * socks * .85)
    return mix(tone, torch.full_like(tone, .07), smooth(.75, .77, down) * low)


def _horse_face(c: Canvas, s: Scene, picture: Tensor, head: Body, star: Tensor, light: Tensor) -> Tensor:
    size = head.size
    bx, by = head.at(.085, -.06)
    tx, ty = head.at(.19, -.215)
    blaze = c.limb(bx, by, tx, ty, .022 * size, .016 * size, 3.) * head.mask * star
    picture = mix(picture, shine(s, c.tint(.90, .88, .84), torch.full_like(star, .6), torch.full_like(star, .6)), blaze * .85)
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
        tail.limb((-.58, .96, .038), (-.68 - .10 * wind, .90 + .08 * wind, .050), (-.73 - .24 * wind + off, .66 + .26 * wind + off, .052),
                  (-.71 - .42 * wind + off * 1.6 + sway, .34 + .52 * wind + off + sway, .008), blend=.03)
    tail.rough(.005, 36)
    return cover(c, picture, tail, tail.lit(s, hair * (.45 + .9 * tail.strands(90, 6)), light), .15)


_CATS: tuple[Colour, ...] = ((.40, .36, .32), (.66, .40, .18), (.07, .065, .07), (.80, .77, .72), (.34, .28, .22), (.46, .47, .50))
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
    tail.limb((-.24, .07, .05), (-.36, .05 - .03 * curl, .046), (-.43, .12 - .22 * curl, .042), (-.40 - .02 * curl, .24 - .42 * curl, .038),
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
    bars = torch.maximum(smooth(.020, .014, (c.x - bar).abs()), smooth(.018, .012, (c.y - c.uniform(.20, .34)).abs())) * pane
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
    chest = torch.exp(-(((c.x - body.at(.13, 0)[0]) / (.07 * size)) ** 2)) * smooth(.52, .40, (feet - c.y) / size) * smooth(.0, .12, (feet - c.y) / size)
    return mix(tone, pale, chest * .65) * (.66 + .68 * body.strands(120, 20))


def _cat_head(c: Canvas, s: Scene, picture: Tensor, body: Body, fur: Tensor, pale: Tensor, tabby: Tensor, light: Tensor) -> Tensor:
    """The head from the front, turned a little: ears, eyes that shine, nose, whiskers."""
    size, side = body.size * 1.12, body.side
    turn, tilt = c.uniform(-.012, .030), c.uniform(-.16, .16)
    hx, hy = body.at(.085, .655)
    head = Body(c, hx, hy, size, side, tilt)
    ears = Body(c, hx, hy, size, side, tilt)
    for way in (-1., 1.):
        ears.limb((way * .070, .075, .052), (way * .098 + turn * .5, .128, .030), (way * .116 + turn * .5, .192, .003), blend=.01)
    inner = Body(c, hx, hy, size, side, tilt)
    for way in (-1., 1.):
        inner.limb((way * .074, .085, .026), (way * .095 + turn * .5, .120, .015), (way * .106 + turn * .5, .155, .002), blend=.01)
    head.limb((-.035, .012, .118), (.035, .012, .118), blend=.03)
    head.limb((-.07, -.045, .062), (.07, -.045, .062), blend=.05)
    head.limb((turn - .022, -.062, .045), (turn + .022, -.062, .045), blend=.03)
    for one in (head, ears):
        one.rough(.003)
    strands = .80 + .40 * head.strands(120, 20)
    picture = cover(c, picture, ears, ears.lit(s, fur * .9, light, .004), .1)
    picture = mix(picture, shine(s, c.tint(.78, .50, .46) * .8, torch.full_like(tilt, .35), torch.full_like(tilt, .5)), inner.mask * .75)
    u, v = (c.x - hx) / size * side, (hy - c.y) / size
    u, v = u * torch.cos(tilt) + v * torch.sin(tilt) * 1. * side, v * torch.cos(tilt) - u * torch.sin(tilt) * side
    stripes = smooth(.2, .8, torch.sin(u.abs() * 150 + 1.2)) * smooth(.045, .085, v) * smooth(.085, .03, u.abs()) * tabby * .5
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
    picture = mix(picture, shine(s, c.tint(.72, .40, .38), torch.full_like(iris[:, :1], .5), torch.full_like(iris[:, :1], .5)), nose)
    smile = ((u.abs() - .018) ** 2 + (v + .064) ** 2).sqrt() - .018
    mouth = smooth(.0045, .0015, smile.abs()) * smooth(-.062, -.068, v)
    mouth = torch.maximum(mouth, smooth(.0035, .001, u.abs()) * smooth(-.048, -.052, v) * smooth(-.070, -.064, v))
    picture = picture * (1 - .6 * mouth)
    return _whiskers(c, s, picture, head)


def coat_of_eyes(c: Canvas) -> Tensor:
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
