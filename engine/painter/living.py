"""What lives: flower, face."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.heads import Pose, bust, somebody
from engine.painter.scene import Scene, parted


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
    """Somebody: from the front under one light, half lit or in motion, or a head in profile."""
    said = s.has("extra", "profile", "blurred", "half-lit")
    profiled = s.has("extra", "profile") + (1 - said) * (c.uniform() > .78)
    return parted(c, s, profiled, _in_profile, _frontal)


def _frontal(c: Canvas, s: Scene) -> Tensor:
    """A face that looks at whoever looks."""
    picture = ground_of(c, s.pigment("colour", (.40, .38, .37)) * .62 + .02) * (.5 + .6 * s.sky.ambient)
    light = torch.where(c.uniform() > .5, 1., -1.)
    half = s.has("extra", "half-lit")
    pose = Pose(.5 + c.uniform(-.05, .05), c.uniform(.41, .46), c.uniform(.60, .70), c.uniform(-.10, .10), c.uniform(-.7, .7), light, half)
    picture = picture * (1 - .35 * smooth(-.4, .5, (c.x - .5) * light)) * (1 - .4 * half)
    look = somebody(c, s)
    look.skin = mix(look.skin, s.pigment("second", (1, 1, 1)) * .9 + .05, .30 * (1 - s.has("second", "")))
    cloth = mix(s.any_pigment("colour", ("blue", "brown", "grey", "green", "black", "red", "white")) * .55 + .04, c.tint(.10, .10, .12), .4)
    picture = bust(c, s, picture, pose, look, cloth)
    moved = sum((c.warp(picture, torch.full_like(pose.x, k * .016) + 0 * c.y, .004 * k + 0 * c.x + 0 * c.y) for k in (-1.5, -.5, .5, 1.5)), torch.zeros_like(picture)) / 4
    return mix(picture, moved, s.has("extra", "blurred"))


def _side_features(c: Canvas, lit: Tensor, u: Tensor, v: Tensor, skin: Tensor, light: Tensor) -> Tensor:
    """Eye, brow, nostril, lips, ear and the shadow under the jaw of a head seen from the side."""
    def spot(x: float, y: float, wide: float, tall: float) -> Tensor:
        return torch.exp(-((u - x) / wide) ** 2 - ((v - y) / tall) ** 2)
    bright = .45 + .35 * (light > 0)
    lit = lit * (1 - .35 * spot(.315, .445, .060, .050)) * (1 - .30 * spot(.0, .80, .20, .05) * (u < .28))
    lit = mix(lit, lit * c.tint(1.15, .80, .78), .5 * spot(.20, .60, .09, .07))
    lid = (u - .315) / .055
    eye = smooth(.0, .012, .017 * (1 - lid.abs()) + .004 - (v - .455).abs()) * (lid.abs() < 1) * (u < .365)
    lit = mix(lit, torch.ones_like(lit) * .80 * bright, eye)
    lit = mix(lit, c.tint(.05, .035, .03), smooth(.017, .012, (((u - .340) * 1.5) ** 2 + (v - .455) ** 2).sqrt()) * (u < .366))
    lit = lit + spot(.338, .448, .006, .006) * .6 * bright
    lash = torch.exp(-((v - .437 + .020 * (u - .315) / .05) / .006) ** 2) * smooth(.068, .05, (u - .318).abs())
    brow = torch.exp(-((v - .375 - .030 * ((u - .33) / .07) ** 2) / .013) ** 2) * smooth(.085, .06, (u - .318).abs())
    lit = lit * (1 - .65 * lash) * (1 - .60 * brow)
    lit = lit * (1 - .50 * spot(.395, .598, .016, .011)) * (1 - .30 * spot(.345, .585, .016, .030))
    lit = mix(lit, skin * c.tint(.95, .52, .50) * bright, (spot(.405, .680, .045, .018) + spot(.395, .745, .045, .020)) * .55)
    lit = lit * (1 - .55 * torch.exp(-((v - .712) / .006) ** 2) * smooth(.33, .37, u))
    ear = (((u + .02) / .070) ** 2 + ((v - .53) / .105) ** 2).sqrt()
    lit = mix(lit, lit * (.80 + .35 * smooth(.4, .9, ear)), smooth(1.05, .92, ear))
    jaw = torch.exp(-((v - .93 + .30 * (.30 - u).clamp(min=0)) / .030) ** 2) * smooth(.34, .24, u) * smooth(-.10, .05, u)
    return lit * (1 - .40 * jaw)


def _in_profile(c: Canvas, s: Scene) -> Tensor:
    """A head from the side: a silhouette against a colour, or lit."""
    level = (.42 + .66 * s.sky.ambient) * mix(torch.ones_like(s.sky.light), s.sky.light, .7)
    picture = ground_of(c, s.pigment("colour", (.58, .53, .50)) * .95 + .04) * level
    second = s.pigment("second", (.86, .66, .52))
    side = torch.where(c.uniform() > .5, 1., -1.)
    x, y, size = .5 - .04 * side + c.uniform(-.08, .08), c.uniform(.40, .47), c.uniform(.56, .70)
    head, locks = profile(c, x, y, size, side), hair(c, x, y, size, side)
    light = side * torch.where(c.uniform() > .35, 1., -1.)
    skin = mix(mix(c.tint(.94, .74, .60), c.tint(.36, .21, .14), c.uniform() ** 1.3), second, .45)
    relief = inflate(c, head, .075, light)
    lit = skin * (.07 + 1.30 * relief ** 1.4) * level
    jaw = torch.maximum(smooth(.60, .75, (c.y - y) / size + .5), torch.zeros_like(c.x))
    cloth = mix(c.tint(.10, .10, .12), s.pigment("second", (.16, .15, .18)), .6) * (.3 + .9 * relief)
    lit = mix(lit, cloth, smooth(.02, .06, (c.y - y) / size - .62 + .12 * (c.x - x) * side / size) * jaw)
    lit = mix(lit, c.tint(.10, .075, .06) * (.45 + 1.3 * relief) * (.7 + .6 * c.noise(22, 6, octaves=2)), locks)
    dark = picture.mean((2, 3), keepdim=True) * .10 + .012 + .20 * relief.clamp(0, 1) ** 3 * picture
    whole = torch.maximum(head, locks)
    lit = _side_features(c, lit, (c.x - x) / size * side, (c.y - y) / size + .5, skin, light * side)
    silhouette = (c.uniform() > .5).float()
    return mix(picture, mix(lit, dark, silhouette), whole)
