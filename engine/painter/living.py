"""What lives: flower, face."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Scene


def ground_of(c: Canvas, colour: Tensor) -> Tensor:
    """An out-of-focus background in one colour: a slope of light and large soft discs."""
    picture = (colour + .03) * (.40 + .62 * c.noise(1.6, octaves=3)) * (1.15 - .45 * c.y)
    for _ in range(4):
        disc = c.disk(c.across(), c.uniform(), c.uniform(.05, .16), .035)
        picture = picture + disc * (colour * .16 + .02) * c.uniform(.2, 1)
    return picture


def inflate(c: Canvas, mask: Tensor, radius: float, side: Tensor, up: float = .45) -> Tensor:
    """Light on a shape as if it were a body: the mask, blurred, is its height; about 0..1, brighter towards `side`."""
    height = (c.blur(mask, radius) * .6 + c.blur(mask, radius * .4) * .4) * mask
    dx = torch.gradient(height, dim=3)[0] * c.height * radius * 1.6
    dy = torch.gradient(height, dim=2)[0] * c.height * radius * 1.6
    return c.blur(((.42 - dx * side * .8 + dy * up) / (1 + dx**2 + dy**2).sqrt()).clamp(0, 1.2), .022)


def flower(c: Canvas, s: Scene) -> Tensor:
    """One flower, close: rings of petals around a heart, its stem, a soft background."""
    colour = s.any_pigment("colour", ("red", "golden", "white", "violet", "pink", "blue", "orange"))
    back = s.any_pigment("second", ("green", "blue", "brown", "grey", "turquoise"))
    picture = ground_of(c, back * .85 + .05)
    x, y, size = c.across(.42, .58), c.uniform(.36, .48), c.uniform(.26, .38)
    wilted, rose = s.has("extra", "wilted"), s.has("extra", "rose")
    droop = wilted * .06
    stem_x = x + .07 * torch.sin((c.y - y) * 4.2 + c.uniform(0, .6)) * (c.y - y) / .4
    stem = smooth(.016, .006, (c.x - stem_x).abs()) * (c.y > y)
    green = c.tint(.16, .34, .13) * (1 - .3 * wilted) * (.7 + 12 * (c.x - stem_x).clamp(-.02, .03))
    picture = mix(picture, green, stem * .95)
    dx, dy = c.x - x, (c.y - y - droop) * (1 + .25 * c.uniform())
    radius, turn = (dx**2 + dy**2).sqrt(), torch.atan2(dy, dx)
    petals = (c.uniform(5, 10)).floor()
    flutter = (c.noise(3, octaves=3) - .5) * (1.4 + 1.6 * wilted)
    side = torch.sign(s.place_x - .5)
    for ring in range(5):
        reach = size * (1 - .19 * ring)
        around = turn * mix(petals, torch.full_like(petals, 3.), rose * .0) + c.uniform(0, 6.28) + flutter + rose * radius * 22
        lobe = (torch.cos(around) * .5 + .5) ** (.55 - .3 * rose)
        edge = reach * (.44 + .56 * lobe) * (1 - .22 * wilted)
        inside = smooth(edge + .007, edge - .013, radius)
        rise = (radius / edge.clamp(min=.02)).clamp(0, 1)
        vein = .06 * torch.cos(around * 7) * rise
        shade = .50 + .46 * rise ** 1.5 * (.4 + .6 * lobe) + .22 * dx / size * side + vein + .05 * ring + .10 * smooth(.75, 1., rise)
        tone = mix(mix(colour, torch.ones_like(colour), .22 * rise ** 3), colour ** 1.6 * .85, (1 - rise) * .7)
        tone = mix(tone, c.tint(.40, .28, .17), wilted * .55)
        under = smooth(edge + .06, edge - .02, radius) * smooth(reach * 1.15, reach * .8, radius)
        picture = mix(picture * (1 - .30 * under * (1 - inside)), tone * shade * 1.12 + .015, inside)
    heart = smooth(size * .25, size * .15, radius) * (1 - rose)
    grains = .45 + .75 * c.noise(22, octaves=2)
    picture = mix(picture, mix(c.tint(.92, .66, .16), c.tint(.14, .09, .06), (c.uniform() > .65).float()) * grains, heart)
    return mix(picture, c.blur(picture, .012), smooth(.12, .42, c.far(x, y)))                  # a lens that is wide open


# Half of a face seen from the side: (height below the crown, how far it stands out), in head heights.
_PROFILE = ((-.02, .10), (.06, .27), (.16, .37), (.28, .405), (.38, .395), (.42, .375), (.50, .43), (.565, .49), (.60, .475), (.62, .415),
            (.66, .41), (.685, .435), (.71, .415), (.73, .40), (.75, .43), (.775, .415), (.81, .385), (.86, .405), (.91, .40), (.95, .35), (.985, .22), (1.02, .12), (1.2, .11), (1.6, .12))


def profile(c: Canvas, x: Tensor, y: Tensor, size: Tensor, side: Tensor) -> Tensor:
    """A head from the side with neck and shoulder, looking to `side`; every head has its own nose: (count, 1, h, w)."""
    u, v = (c.x - x) / size * side, (c.y - y) / size + .5
    spots = torch.tensor([p[0] for p in _PROFILE], device=c.device)
    out = torch.tensor([p[1] for p in _PROFILE], device=c.device)[None, :] + (c.table(len(_PROFILE)) - .5) * .020
    at = v[:, 0, :, 0].clamp(-.02, 1.59)
    index = torch.searchsorted(spots, at.contiguous(), right=True).clamp(1, len(_PROFILE) - 1)
    low, high = spots[index - 1], spots[index]
    part = ((at - low) / (high - low)).clamp(0, 1)
    part = part * part * (3 - 2 * part)
    edge = torch.gather(out, 1, index - 1) * (1 - part) + torch.gather(out, 1, index) * part
    edge = edge[:, None, :, None]
    soft = 1.2 * c.pixel / size
    front = smooth(soft, -soft, u - edge) * (u > -.05) * smooth(-.02, .02, v)
    skull = smooth(1 + soft * 2, 1 - soft * 2, (((u + .07) / .44) ** 2 + ((v - .40) / .43) ** 2).sqrt()) * (u < .16)
    neck = smooth(soft, -soft, (u + .12 + .10 * (v - 1)).abs() - .22 - .06 * smooth(1., 1.3, v)) * (v > .55)
    shoulder = smooth(1 + soft, 1 - soft, (((u + .14) / .85) ** 2 + ((v - 1.72) / .52) ** 2).sqrt())
    return torch.stack((front * (v < 1.1), skull, neck, shoulder)).amax(0)


def hair(c: Canvas, x: Tensor, y: Tensor, size: Tensor, side: Tensor) -> Tensor:
    """Hair of a head seen from the side, short, gathered or long."""
    u, v = (c.x - x) / size * side, (c.y - y) / size + .5
    wave = (c.noise(4, octaves=3) - .5) * .12
    cap = smooth(1.04, .98, (((u + .10 + wave) / .47) ** 2 + ((v - .36 + wave) / .45) ** 2).sqrt()) * smooth(.06, -.02, u - .26 + v * .75 + wave)
    long = (c.uniform() > .5).float() * smooth(.03, -.03, (u + .34 + .05 * torch.sin(v * 7) + wave).abs() - .20) * (v > .35) * smooth(1.45, 1.2, v)
    bun = (c.uniform() > .7).float() * smooth(1.05, .95, (((u + .53) / .15) ** 2 + ((v - .38) / .15) ** 2).sqrt())
    return torch.stack((cap, long, bun)).amax(0)


def face(c: Canvas, s: Scene) -> Tensor:
    """Somebody: a silhouette or a profile against a colour, a face half lit, or one that the exposure has blurred."""
    picture = ground_of(c, s.pigment("colour", (.58, .53, .50)) * .95 + .04)
    second = s.pigment("second", (.86, .66, .52))
    side = torch.where(c.uniform() > .5, 1., -1.)
    x, y, size = .5 - .04 * side + c.uniform(-.08, .08), c.uniform(.40, .47), c.uniform(.56, .70)
    head, locks = profile(c, x, y, size, side), hair(c, x, y, size, side)
    light = side * torch.where(c.uniform() > .35, 1., -1.)
    skin = mix(mix(c.tint(.94, .74, .60), c.tint(.36, .21, .14), c.uniform() ** 1.3), second, .45)
    relief = inflate(c, head, .075, light)
    lit = skin * (.07 + 1.30 * relief ** 1.4)
    jaw = torch.maximum(smooth(.60, .75, (c.y - y) / size + .5), torch.zeros_like(c.x))
    cloth = mix(c.tint(.10, .10, .12), s.pigment("second", (.16, .15, .18)), .6) * (.3 + .9 * relief)
    lit = mix(lit, cloth, smooth(.02, .06, (c.y - y) / size - .62 + .12 * (c.x - x) * side / size) * jaw)
    lit = mix(lit, c.tint(.10, .075, .06) * (.45 + 1.3 * relief) * (.7 + .6 * c.noise(22, 6, octaves=2)), locks)
    dark = picture.mean((2, 3), keepdim=True) * .10 + .012 + .20 * relief.clamp(0, 1) ** 3 * picture
    whole = torch.maximum(head, locks)
    shown = torch.where((s.has("extra", "profile") + (1 - s.has("extra", "profile", "blurred", "half-lit")) * (c.uniform() > .7)) > .5, dark, lit)
    picture = mix(picture, shown, whole)
    if s.any("extra", "blurred", "half-lit"):
        picture = mix(picture, _frontal(c, s, ground_of(c, s.pigment("colour", (.50, .47, .46)) * .8 + .03), skin), s.has("extra", "blurred", "half-lit"))
    return picture


def _frontal(c: Canvas, s: Scene, picture: Tensor, skin: Tensor) -> Tensor:
    """A face from the front as light alone: brow, sockets, cheeks, mouth are soft shadows, one side is lost."""
    x, y, size = .5 + c.uniform(-.07, .07), c.uniform(.42, .50), c.uniform(.62, .80)
    u, v = (c.x - x) / size, (c.y - y) / size
    u = u + .10 * c.uniform(-1, 1) * v
    turn = c.uniform(-.05, .05)
    oval = smooth(1.06, .96, ((u / .30) ** 2 + ((v - .02 * u) / (.42 - .04 * smooth(0., .4, v))) ** 2).sqrt())
    neck = smooth(.16, .13, u.abs()) * (v > .2)
    body = smooth(1.05, .97, ((u / .72) ** 2 + ((v - .95) / .46) ** 2).sqrt())
    side = torch.where(c.uniform() > .5, 1., -1.)
    half = s.has("extra", "half-lit")
    fall = smooth(-.16 + .12 * half, .20 - .02 * half, (u - turn) * side + .05 * torch.cos(v * 9) + .03 * half * torch.exp(-(v / .12) ** 2))
    picture = picture * (1 - half * (.52 - .45 * smooth(-.3, .5, u * side)))
    shade = .18 - .15 * half + (.85 + .15 * half) * mix(.55 + .45 * fall, fall, half) * (1.05 - .55 * (u / .30) ** 2)
    for eye in (-1., 1.):
        socket = torch.exp(-(((u - turn - eye * .125) / .075) ** 2 + ((v + .055) / .048) ** 2))
        lid = torch.exp(-(((u - turn - eye * .125) / .05) ** 2 + ((v + .045) / .016) ** 2))
        shade = shade * (1 - .52 * socket) * (1 - .45 * lid)
    nose = torch.exp(-(((u - turn + .035 * side) / .030) ** 2 + ((v - .06) / .09) ** 2))
    under = torch.exp(-(((u - turn) / .055) ** 2 + ((v - .135) / .018) ** 2))
    mouth = torch.exp(-(((u - turn) / .085) ** 2 + ((v - .225) / .020) ** 2))
    shade = shade * (1 - .35 * nose) * (1 - .42 * under) * (1 - .50 * mouth) * (1 - .25 * torch.exp(-(((u - turn) / .06) ** 2 + ((v - .28) / .02) ** 2)))
    length, parting = c.uniform(), (c.noise(2.5, octaves=2) - .5) * .10
    strands = smooth(1.12, 1.0, (((u + .4 * parting) / (.35 + .05 * length)) ** 2 + ((v + .06 - .10 * length) / (.47 + .12 * length)) ** 2).sqrt()) * smooth(.03, -.05, v + .22 + .06 * torch.cos(u * 8) + (c.noise(4, octaves=2) - .5) * .1 - (1.2 + 2.6 * length) * (u.abs() - .19).clamp(min=0) + parting)
    cloth = s.pigment("second", (.14, .13, .15)) * .35
    picture = mix(picture, cloth * (.3 + .7 * fall), body)
    picture = mix(picture, skin * (.10 + .45 * fall), neck * (v < .55))
    picture = mix(picture, skin * shade * 1.1, oval)
    picture = mix(picture, c.tint(.09, .065, .05) * (.3 + 1.1 * fall) * (.6 + .8 * c.noise(20, 5, octaves=2)), strands)
    moved = c.blur(c.warp(picture, .03 * torch.sin(c.y * 3) + 0 * c.x, 0 * c.y) * .5 + picture * .5, .028)
    return mix(c.blur(picture, .008), moved, s.has("extra", "blurred"))
