"""Birds and fish."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.painter import air
from engine.painter.bodies import Body, coat, cover, daylight, shine
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.living import ground_of
from engine.painter.scene import PIGMENTS, Colour, Scene, parted

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
        near.append((way * -1 * (.20 + .07 * i) * (-1) ** i + c.uniform(-.05, .05), -.30 + .16 * i + c.uniform(-.05, .05) + .06 * (i % 2) + (0. if i in (0, 3) else 9 * (1 - flock)), c.uniform(.12, .20) * (1 - .05 * i), c.uniform()))
    x, y = c.x.new_full((c.count, 1, 1, 1), .5), c.x.new_full((c.count, 1, 1, 1), .50)
    far, body = (Body(c, x, y, near[0][2], way, tilt * way) for _ in range(2))
    for dx, dy, size, phase in reversed(near):
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
    return torch.where(phase < .5, .95 + .8 * phase, torch.where(phase < .8, .25 + .5 * (phase - .5), -.75 - (phase - .8)))


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
        body.limb((px, py, .034), (px + long * math.cos(turn) * .9, py + long * math.sin(turn) * rise * (.35 + .65 * lift.abs().clamp(max=1)), .012), blend=.010)


def _barred(body: Body, plume: Tensor, tips: Tensor) -> Tensor:
    """Feathers: light shafts, darker towards their ends."""
    ends = smooth(.55, .95, body.along / (.42 * body.size)) * smooth(.09, .03, body.thick / body.size)
    shaft = .78 + .30 * smooth(.9, .1, (body.across / body.thick.clamp(min=1e-4)).abs())
    return mix(plume, tips, ends) * shaft * (.85 + .3 * body.strands(90, 20))


def _perched(c: Canvas, s: Scene) -> Tensor:
    """A songbird on a branch before a soft background."""
    leaf = s.pick("season", {"spring": (.52, .66, .30), "summer": (.26, .46, .18), "autumn": (.74, .42, .14), "winter": (.66, .70, .76)}, (.36, .50, .28))
    leaf = mix(leaf, c.tint(.80, .83, .88), s.has("weather", "snow") * .7)
    sky = mix(air.paint_sky(c, s), s.sky.horizon, .25)
    back = ground_of(c, leaf * (.25 + .75 * s.sky.ambient)) * 1.2 * s.sky.light
    picture = c.blur(mix(sky, back, smooth(.30, .62, c.noise(2, octaves=2) + (c.y - .5) * .7)), .03)
    light = torch.where(s.place_x > .5, 1., -1.)
    side = torch.where(c.uniform() > .5, 1., -1.)
    x, feet, size = .5 + c.uniform(-.05, .05), c.uniform(.66, .74), c.uniform(.74, .86)
    picture = _branch(c, s, picture, feet, leaf, light)
    plume = coat(c, s, _SONG)
    breast = mix(coat(c, s, ((.86, .42, .14), (.90, .80, .62), (.88, .72, .26), (.82, .80, .76)), .35), torch.ones_like(plume), .12)
    body = Body(c, x, feet, size, side, c.uniform(-.10, .10))
    body.limb((-.12, .10, .06), (-.30, -.06, .046), (-.46, -.20, .036), blend=.06)
    body.limb((-.02, .17, .135), (.05, .22, .150), (.10, .31, .125), blend=.08)
    body.limb((.11, .36, .105), (.15, .43, .108), blend=.08)
    body.rough(.003)
    for u in (-.005, .065):
        hx, hy = body.at(u + .01, .08)
        fx, fy = body.at(u, -.005)
        leg = c.limb(hx, hy, fx, fy, .012 * size, .009 * size, .8)
        picture = mix(picture, shine(s, c.tint(.40, .28, .20), torch.full_like(x, .4), torch.full_like(x, .4)), leg)
        tx, ty = body.at(u + .05, -.012)
        picture = mix(picture, shine(s, c.tint(.36, .25, .18), torch.full_like(x, .4), torch.full_like(x, .4)), c.limb(fx, fy, tx, ty, .012 * size, .010 * size, .8))
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
    wing = Body(c, body.x, body.y, size, side)
    wing.sin, wing.cos = body.sin, body.cos
    for i in range(6):
        wing.limb((.02 - .012 * i, .29 - .022 * i, .058), (-.13 - .01 * i, .165 - .02 * i, .042), (-.32 + .028 * i, .005 - .004 * i, .012), blend=.010)
    shaft = .70 + .40 * smooth(.9, .2, (wing.across / wing.thick.clamp(min=1e-4)).abs())
    picture = cover(c, picture, wing, wing.lit(s, plume * .75 * shaft * (.75 + .45 * wing.strands(120, 16)), light, .004), .3)
    ex, ey = body.at(.185, .455)
    picture = mix(picture * (1 - .35 * c.disk(ex, ey, .030 * size, .010)), c.tint(.02, .018, .015), c.disk(ex, ey, .021 * size, .004))
    return picture + c.disk(ex + .006 * size * light, ey - .008 * size, .006 * size, .003) * (daylight(s) * .8 + .15)


def _branch(c: Canvas, s: Scene, picture: Tensor, feet: Tensor, leaf: Tensor, light: Tensor) -> Tensor:
    """A branch across the picture, with twigs and leaves or snow."""
    branch = Body(c, torch.full_like(feet, .5), feet, torch.ones_like(feet), torch.ones_like(feet), c.uniform(-.12, .12))
    wide = c.aspect / 2 + .15
    bend = [c.uniform(-.02, .02) for _ in range(4)]
    thick = c.uniform(.028, .040)
    branch.limb((-wide, bend[0] - .02, thick * 1.25), (-.2, bend[1] - .035, thick * 1.05), (0., -.035, thick), (.22, bend[2] - .03, thick * .8), (wide, bend[3], thick * .5), blend=.03)
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
            leaves.limb((tip_u, tip_v, .004), (tip_u + du / 2, tip_v + dv / 2, .036), (tip_u + du, tip_v + dv, .002), blend=.004)
    bark = c.tint(.34, .26, .20) * (.50 + .95 * branch.strands(90, 12))
    snow = s.has("weather", "snow") * .7
    picture = cover(c, picture, branch, mix(branch.lit(s, bark, light, .004), branch.lit(s, torch.full_like(bark, .92), light, .004), snow * smooth(.2, -.5, branch.normals()[1])), .2)
    green = leaf * (.8 + .5 * smooth(.9, .0, (leaves.across / .02).abs()))
    few = 1 - s.has("season", "winter") * .95
    picture = picture * (1 - .2 * few * c.blur(leaves.mask, .02))
    return mix(picture, leaves.lit(s, green, light, .003), leaves.mask * few)


_SCALES: tuple[Colour, ...] = ((.92, .38, .08), (.88, .18, .10), (.66, .68, .70), (.86, .64, .20), (.24, .40, .58), (.90, .86, .80))


def fish(c: Canvas, s: Scene) -> Tensor:
    """One fish close in dark water, or a shoal behind it."""
    deep = mix(c.tint(.02, .10, .15), c.tint(.02, .14, .11), c.uniform())
    deep = mix(deep, s.pigment("colour", (.03, .10, .14)) * .22, .35 * s.has("colour", *PIGMENTS))
    bend = c.noise(1.6, octaves=3)
    top = smooth(1.05, -.15, c.y)
    glow = mix(c.tint(.30, .62, .66), s.pigment("second", (.30, .62, .66)), s.has("second", *PIGMENTS) * .8)
    picture = deep * (.55 + .8 * bend) + glow * (top ** 2.2) * (.30 + .25 * bend)
    slant = (c.x - s.place_x) / (c.y + .55)
    shafts = (torch.sin(slant * 19 + c.uniform(0, 6)) * .5 + .5) * (torch.sin(slant * 43 + c.uniform(0, 6)) * .5 + .5)
    shafts = shafts * torch.exp(-(slant / .55) ** 2) * smooth(.95, .0, c.y)
    picture = picture + glow * shafts * .34
    weed = smooth(.86, 1.0, c.y + .12 * c.noise(14, 2, octaves=2) - .05)
    picture = mix(picture, deep * .4, weed)
    side = torch.where(c.uniform() > .5, 1., -1.)
    hue = coat(c, s, _SCALES)
    spots = (c.uniform() > .6).float()
    many = s.has("extra", "shoal")
    where = many[:, 0, 0, 0].nonzero()[:, 0]
    if len(where):
        canvas = c.part(where)
        picture[where] = _shoal(canvas, s.part(canvas, where), picture[where], side[where], mix(deep, hue, .5)[where], spots[where])
    x, y = .5 + .03 * side + c.uniform(-.05, .05), c.uniform(.42, .56)
    picture = _fish(c, s, picture, x, y, c.uniform(.58, .70) * (1 - .22 * many), side, hue, spots, True)
    du, dv, chance, size = c.dots(c.x * 16, c.y * 16, .4)
    motes = smooth(.10, .02, (du**2 + dv**2).sqrt() / (.4 + size)) * (chance > .72)
    return picture + motes * glow * .20


def _shoal(c: Canvas, s: Scene, picture: Tensor, side: Tensor, hue: Tensor, spots: Tensor) -> Tensor:
    """Five smaller ones, further away."""
    for i in range(5):
        picture = _fish(c, s, picture, c.across(.05, .95), .14 + .17 * i + c.uniform(-.05, .05), c.uniform(.18, .26), side, hue * (.7 + .12 * i), spots, False)
    return picture


def _fish(c: Canvas, s: Scene, picture: Tensor, x: Tensor, y: Tensor, size: Tensor, side: Tensor, hue: Tensor, spots: Tensor, close: bool) -> Tensor:
    """A fish seen from the side: t runs from its nose (0) to where the tail fin begins (1), w across, in body lengths."""
    turn, swim, veil = c.uniform(-.18, .18), c.uniform(0, 6.28), 1 + .7 * (c.uniform() > .5)
    px, py = (c.x - x) / size * side, (c.y - y) / size
    px, py = px * torch.cos(turn) + py * torch.sin(turn), py * torch.cos(turn) - px * torch.sin(turn)
    t = .42 - px
    w = py - .055 * torch.sin(t * 3.6 + swim) * t.clamp(0, 1.6)
    soft = 1.3 * c.pixel / size
    tc = t.clamp(0, 1)
    half = .40 * tc.clamp(min=1e-4) ** .58 * (1.03 - tc) ** .95 + .034 * smooth(.0, .2, tc) + .0
    belly = 1 + .10 * smooth(-.1, .1, w)
    rise = w / (half * belly).clamp(min=.01)
    body = smooth(soft, -soft, w.abs() - half * belly) * smooth(-soft, soft, t) * smooth(1.06, 1.04, t)
    ray = c.noise(3, octaves=2) * .6
    fins, fin_light = _fins(t, w, half, soft, veil, ray)
    tone = mix(hue, torch.ones_like(hue) * .92, .45)
    through = picture * .55 + (tone * .55 * fin_light + hue * .18) * (.55 + .5 * smooth(.4, -.4, w))
    picture = mix(picture, through, fins.clamp(0, 1) * .86)
    front = (1 - rise.clamp(-1, 1) ** 2).clamp(min=0).sqrt()
    key = (.55 * front - .62 * rise).clamp(0, 1.2)
    koi = smooth(.50, .58, c.warp(c.noise(4.5, octaves=2), .02 * front, 0 * front)) * spots
    skin = mix(hue, mix(torch.ones_like(hue) * .92, hue * .25, (hue.mean(1, keepdim=True) > .6).float()), koi * .9)
    skin = mix(skin, torch.ones_like(hue) * .88, smooth(.15, .95, rise) * .55)
    skin = mix(skin, skin * .45, smooth(-.45, -.95, rise) * .7)
    lit = skin * (.16 + .95 * key)
    if close:
        lit = _scales(c, lit, t, w, rise, front)
    sheen = torch.exp(-((rise + .42) / .16) ** 2) * (.5 + .5 * c.noise(10, 20, octaves=2))
    lit = lit + sheen * mix(hue, torch.ones_like(hue), .6) * .30 * smooth(.02, .14, t)
    picture = mix(picture, lit, body)
    return _fish_face(c, picture, hue, t, w, body, soft) if close else picture


def _fins(t: Tensor, w: Tensor, half: Tensor, soft: Tensor, veil: Tensor, ray: Tensor) -> tuple[Tensor, Tensor]:
    """Fins as one translucent shape, and the light in their rays."""
    back = (t - .97).clamp(min=0)
    reach = .34 * veil
    fan = torch.atan2(w, back + .03)
    fork = 1 - .34 * torch.exp(-(fan / .42) ** 2) + .10 * torch.sin(fan * 9 + ray * 6)
    length = (back**2 + w**2).sqrt()
    tail = smooth(soft * 3, -soft * 3, length - reach * fork) * smooth(1.12, 1.02, fan.abs()) * (t > .96)
    tail_ray = .62 + .38 * torch.sin(fan * 46 + ray * 3)
    up = -w - half
    high = (.10 + .05 * veil) * smooth(.24, .34, t) * (smooth(.86, .40, t) ** .7) * (1 + .08 * torch.sin(t * 60))
    dorsal = smooth(soft * 2, -soft * 2, up - high) * (up > -.03) * (w < 0) * (t > .26) * (t < .84)
    down = w - half * 1.05
    low = .13 * veil * (smooth(.60, .66, t) * smooth(.86, .70, t) + smooth(.34, .40, t) * smooth(.56, .44, t))
    lower = smooth(soft * 2, -soft * 2, down - low) * (down > -.03) * (w > 0) * (t > .36) * (t < .84)
    rays = .62 + .38 * torch.sin((t * 1.0 + up.clamp(min=0) * -.9) * 120)
    rays_low = .62 + .38 * torch.sin((t - down.clamp(min=0) * .9) * 120)
    shape = torch.stack((tail, dorsal, lower)).amax(0)
    return shape, (tail * tail_ray + (1 - tail) * (dorsal * rays + (1 - dorsal) * rays_low))


def _scales(c: Canvas, lit: Tensor, t: Tensor, w: Tensor, rise: Tensor, front: Tensor) -> Tensor:
    """Rows of round scales, each lighter at its edge."""
    row = w * 34 / (.55 + .45 * front)
    column = t * 24 + .5 * torch.remainder(row.floor(), 2)
    du, dv = torch.remainder(column, 1) - .5, torch.remainder(row, 1) - .5
    ring = ((du + .25) ** 2 + dv**2).sqrt()
    relief = .78 + .34 * smooth(.15, .55, ring) - .46 * smooth(.50, .66, ring)
    return lit * mix(torch.ones_like(relief), relief, smooth(.26, .32, t) * smooth(1.05, .85, t) * smooth(1., .7, rise.abs()))


def _fish_face(c: Canvas, picture: Tensor, hue: Tensor, t: Tensor, w: Tensor, body: Tensor, soft: Tensor) -> Tensor:
    """Eye, gill, mouth and the fin behind the gill."""
    gill = ((t - .155) ** 2 / .8 + (w - .01) ** 2).sqrt() - .130
    picture = picture * (1 - .50 * torch.exp(-((gill - .006) / .010) ** 2) * (t > .17) * body)
    picture = picture * (1 + .25 * torch.exp(-((gill + .012) / .010) ** 2) * (t > .17) * body)
    far = ((t - .115) ** 2 + (w + .030) ** 2).sqrt()
    picture = picture * (1 - .45 * smooth(.050, .030, far) * body)
    picture = mix(picture, mix(hue, c.tint(.92, .80, .42), .75) * .85, smooth(.032 + soft, .032 - soft, far))
    picture = mix(picture, c.tint(.015, .015, .02), smooth(.020 + soft, .020 - soft, far))
    picture = picture + smooth(.009, .005, ((t - .108) ** 2 + (w + .038) ** 2).sqrt()) * .85
    mouth = torch.exp(-((w - .030 - .25 * t) / .007) ** 2) * smooth(.075, .055, t) * body
    picture = picture * (1 - .65 * mouth)
    u, v = t - .30, w - .075
    along, beside = u * .80 + v * .60, v * .80 - u * .60
    fin = smooth(soft * 2, -soft * 2, beside.abs() - (.012 + .34 * along * (1 - along / .20))) * (along > 0) * (along < .2)
    rays = .65 + .35 * torch.sin(torch.atan2(beside, along + .02) * 34)
    return mix(picture, mix(hue, torch.ones_like(hue), .35) * rays * .62, fin * .8)
