"""Birds."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter import air
from engine.painter.bodies import Body, coat, cover, daylight, shine
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.living import ground_of
from engine.painter.scene import Colour, Scene, parted

_FEATHERS: tuple[Colour, ...] = ((.88, .87, .85), (.10, .095, .11), (.50, .44, .40), (.80, .80, .84), (.34, .28, .24))
_SONG: tuple[Colour, ...] = ((.44, .36, .28), (.30, .36, .46), (.20, .18, .19), (.52, .50, .26), (.40, .30, .24))


def birds(c: Canvas, s: Scene) -> Tensor:
    """A few great birds in flight, or one on a branch, close."""
    perched = s.has("extra", "branch") + (1 - s.has("extra", "branch", "flock")) * (c.uniform() > .68)
    return parted(c, s, perched, _perched, _flight)


def _flight(c: Canvas, s: Scene) -> Tensor:
    """One bird near, others further away, over a low edge of land."""
    picture = air.paint_sky(c, s)
    land = .95 - .07 * c.line(1.6, octaves=5)
    haze = mix(s.sky.horizon * .85, s.sky.zenith * .4 + .03, .55)
    picture = mix(picture, haze, smooth(-.006, .006, c.y - land))
    plume = coat(c, s, _FEATHERS)
    tips = mix(plume, torch.full_like(plume, .06), (c.uniform() > .4).float() * .85)
    light = torch.where(s.place_x > .5, 1., -1.)
    way = torch.where(c.uniform() > .5, 1., -1.)
    flock = s.has("extra", "flock")
    tilt, beat = c.uniform(-.25, .12), c.uniform()
    near = [(c.uniform(-.06, .06), c.uniform(-.02, .08), c.uniform(.52, .62) * (1 - .42 * flock), beat)]
    for i in range(5):
        near.append((way * -1 * (.20 + .07 * i) * (-1) ** i + c.uniform(-.05, .05),
                     -.30 + .16 * i + c.uniform(-.05, .05) + .06 * (i % 2) + (0. if i in (0, 3) else 9
                             * (1 - flock)), c.uniform(.12, .20) * (1 - .05 * i), c.uniform()))
    x, y = c.x.new_full((c.count, 1, 1, 1), .5), c.x.new_full((c.count, 1, 1, 1), .50)
    far, body = (Body(c, x, y, near[0][2], way, tilt * way) for _ in range(2))
    for number, (dx, dy, size, phase) in reversed(list(enumerate(near))):
        if number not in (0, 1, 4) and not flock.any():
            continue
        for one in (far, body):
            one.x, one.y, one.size = x + dx, y + dy, size
        lift = _beat(phase)
        _wing(c, far, lift * .85 + .30, .10, .86)
        _trunk_of_bird(body)
        _wing(c, body, lift, .06, 1.)
    picture = cover(c, picture, far, far.lit(s, _barred(far, plume, tips) * .62, light, .003), 0)
    shown = body.lit(s, _barred(body, plume, tips), light, .003)
    picture = cover(c, picture, body, shown, .15)
    bx, by = body.at(.285, .060)
    return mix(picture, c.tint(.02, .02, .02), c.disk(bx, by, .013 * body.size, .003))


def _beat(phase: Tensor) -> Tensor:
    """The angle of a wing over the back: raised, spread or pressed down, never between."""
    return torch.where(phase < .5, .95 + .8 * phase, torch.where(phase < .8, .25 + .5 * (phase - .5),
            -.75 - (phase - .8)))


def _trunk_of_bird(body: Body) -> None:
    for spread in (-.05, -.017, .017, .05):
        body.limb((-.24, 0., .030), (-.46, spread * 1.2 - .01, .022), blend=.015)
    body.limb((-.28, 0., .035), (-.08, 0., .078), (.12, .015, .085), (.22, .045, .062), blend=.06)
    body.limb((.22, .045, .058), (.275, .055, .055), blend=.04)
    body.limb((.30, .048, .022), (.365, .040, .012), (.40, .030, .004), blend=.02)


def _wing(c: Canvas, body: Body, lift: Tensor, root: float, reach: float) -> None:
    """A wing at `lift` (radians above the body's line): arm, hand and the feathers that fan out from them."""
    arm = lift + .20
    hand = lift - .12
    x0, y0 = root, .03
    x1, y1 = x0 + .30 * reach * torch.cos(arm + 1.15 - lift * .35), y0 + .34 * reach * torch.sin(arm)
    x2, y2 = x1 - .16 * reach, y1 + .34 * reach * torch.sin(hand)
    body.limb((x0, y0, .062), (x1, y1, .042), (x2, y2, .024), blend=.04)
    for i in range(7):                                  # of the arm
        at = i / 6
        px, py = x0 + (x1 - x0) * at, y0 + (y1 - y0) * at
        long = .26 + .05 * at
        body.limb((px, py, .040), (px - long, py - .02 + .05 * torch.sin(lift), .026), blend=.014)
    for i in range(8):                                  # of the hand
        at = i / 7
        px, py = x1 + (x2 - x1) * at, y1 + (y2 - y1) * at
        turn = math.pi - .15 - at * .85
        long = .32 + .14 * math.sin(at * 2.2)
        rise = torch.sign(lift)
        body.limb((px, py, .034), (px + long * math.cos(turn) * .9, py + long * math.sin(turn) * rise
                                   * (.35 + .65 * lift.abs().clamp(max=1)), .012), blend=.010)


def _barred(body: Body, plume: Tensor, tips: Tensor) -> Tensor:
    """Feathers: light shafts, darker towards their ends."""
    ends = smooth(.55, .95, body.along / (.42 * body.size)) * smooth(.09, .03, body.thick / body.size)
    shaft = .78 + .30 * smooth(.9, .1, (body.across / body.thick.clamp(min=1e-4)).abs())
    return mix(plume, tips, ends) * shaft * (.85 + .3 * body.strands(90, 20))


def _perched(c: Canvas, s: Scene) -> Tensor:
    """A songbird on a branch before a soft background."""
    leaf = s.pick("season", {"spring": (.52, .66, .30), "summer": (.26, .46, .18), "autumn": (.74, .42, .14),
                             "winter": (.66, .70, .76)}, (.36, .50, .28))
    leaf = mix(leaf, c.tint(.80, .83, .88), s.has("weather", "snow") * .7)
    sky = mix(air.paint_sky(c, s), s.sky.horizon, .25)
    back = ground_of(c, leaf * (.25 + .75 * s.sky.ambient)) * 1.2 * s.sky.light
    picture = c.blur(mix(sky, back, smooth(.30, .62, c.noise(2, octaves=2) + (c.y - .5) * .7)), .03)
    light = torch.where(s.place_x > .5, 1., -1.)
    side = torch.where(c.uniform() > .5, 1., -1.)
    x, feet, size = .5 + c.uniform(-.05, .05), c.uniform(.66, .74), c.uniform(.74, .86)
    picture = _branch(c, s, picture, feet, leaf, light)
    plume = coat(c, s, _SONG)
    breast = mix(coat(c, s, ((.86, .42, .14), (.90, .80, .62), (.88, .72, .26), (.82, .80, .76)), .35),
                 torch.ones_like(plume), .12)
    body = Body(c, x, feet, size, side, c.uniform(-.10, .10))
    body.limb((-.12, .10, .06), (-.30, -.06, .046), (-.46, -.20, .036), blend=.06)
    body.limb((-.02, .17, .135), (.05, .22, .150), (.10, .31, .125), blend=.08)
    body.limb((.11, .36, .105), (.15, .43, .108), blend=.08)
    body.rough(.003)
    picture = _feet(c, s, picture, body)
    cx, cy = body.at(.135, .27)
    patch = torch.exp(-(((c.x - cx) / (.115 * size)) ** 2 + ((c.y - cy) / (.20 * size)) ** 2) ** 1.6)
    hx, hy = body.at(.20, .41)
    patch = torch.maximum(patch, torch.exp(-(c.far(hx, hy) / (.085 * size)) ** 4))
    belly = smooth(.0, .10, -(c.y - feet) / size) * smooth(.20, .06, -(c.y - feet) / size)
    tone = mix(mix(plume, breast, patch), mix(plume, torch.ones_like(plume) * .85, .7), belly * (1 - patch) * .8)
    picture = cover(c, picture, body, body.lit(s, tone * (.74 + .5 * body.strands(130, 26)), light, .008), .2)
    beak = Body(c, *body.at(.245, .43), size, side)
    beak.limb((-.02, .004, .030), (.02, .0, .019), (.075, -.012, .003))
    picture = cover(c, picture, beak, beak.lit(s, c.tint(.30, .24, .18), light), .1)
    picture = _folded_wing(c, s, picture, body, plume, light)
    ex, ey = body.at(.185, .455)
    picture = mix(picture * (1 - .35 * c.disk(ex, ey, .030 * size, .010)), c.tint(.02, .018, .015),
                  c.disk(ex, ey, .021 * size, .004))
    return picture + c.disk(ex + .006 * size * light, ey - .008 * size, .006 * size, .003) * (daylight(s) * .8 + .15)


def _feet(c: Canvas, s: Scene, picture: Tensor, body: Body) -> Tensor:
    """Two thin legs, and toes on the branch."""
    level = torch.full_like(body.size, .4)
    horn = shine(s, c.tint(.38, .27, .19), level, level)
    for u in (-.005, .065):
        thin = .011 * body.size
        leg = c.limb(*body.at(u + .01, .08), *body.at(u, -.005), thin, thin * .8, .8)
        toe = c.limb(*body.at(u, -.005), *body.at(u + .05, -.012), thin, thin * .9, .8)
        picture = mix(picture, horn, torch.maximum(leg, toe))
    return picture


def _folded_wing(c: Canvas, s: Scene, picture: Tensor, body: Body, plume: Tensor, light: Tensor) -> Tensor:
    """Six long feathers over one another."""
    wing = Body(c, body.x, body.y, body.size, body.side)
    wing.sin, wing.cos = body.sin, body.cos
    for i in range(6):
        wing.limb((.02 - .012 * i, .29 - .022 * i, .058), (-.13 - .01 * i, .165 - .02 * i, .042),
                  (-.32 + .028 * i, .005 - .004 * i, .012), blend=.010)
    shaft = .70 + .40 * smooth(.9, .2, (wing.across / wing.thick.clamp(min=1e-4)).abs())
    return cover(c, picture, wing, wing.lit(s, plume * .75 * shaft * (.75 + .45 * wing.strands(120, 16)), light,
                                               .004), .3)


def _branch(c: Canvas, s: Scene, picture: Tensor, feet: Tensor, leaf: Tensor, light: Tensor) -> Tensor:
    """A branch across the picture, with twigs and leaves or snow."""
    branch = Body(c, torch.full_like(feet, .5), feet, torch.ones_like(feet), torch.ones_like(feet),
                  c.uniform(-.12, .12))
    wide = c.aspect / 2 + .15
    bend = [c.uniform(-.02, .02) for _ in range(4)]
    thick = c.uniform(.028, .040)
    branch.limb((-wide, bend[0] - .02, thick * 1.25), (-.2, bend[1] - .035, thick * 1.05), (0., -.035, thick),
                (.22, bend[2] - .03, thick * .8), (wide, bend[3], thick * .5), blend=.03)
    leaves = Body(c, branch.x, branch.y, branch.size, branch.side)
    leaves.sin, leaves.cos = branch.sin, branch.cos
    for i in range(9):
        u = -.52 + .13 * i
        way = -1. if i % 2 == 0 or i == 3 else 1.
        tip_u, tip_v = u + c.uniform(.02, .10), -.035 + way * c.uniform(.07, .16)
        branch.limb((u, -.03, .010), (tip_u, tip_v, .004), blend=.012)
        turn, long = c.uniform(-.6, .9), c.uniform(.09, .15)
        for angle in (turn, turn + c.uniform(.9, 1.6)):
            du, dv = long * torch.cos(angle), long * torch.sin(angle) * way
            leaves.limb((tip_u, tip_v, .004), (tip_u + du / 2, tip_v + dv / 2, .036), (tip_u + du, tip_v + dv, .002),
                        blend=.004)
    bark = c.tint(.34, .26, .20) * (.50 + .95 * branch.strands(90, 12))
    snow = s.has("weather", "snow") * .7
    picture = cover(c, picture, branch, mix(branch.lit(s, bark, light, .004),
                                            branch.lit(s, torch.full_like(bark, .92), light, .004), snow * smooth(.2,
                                                    -.5, branch.normals()[1])), .2)
    green = leaf * (.8 + .5 * smooth(.9, .0, (leaves.across / .02).abs()))
    few = 1 - s.has("season", "winter") * .95
    picture = picture * (1 - .2 * few * c.blur(leaves.mask, .02))
    return mix(picture, leaves.lit(s, green, light, .003), leaves.mask * few)
