"""Heads from the front: a relief of brow, nose, cheeks and lips under one light, eyes that hold, hair, a neck and
shoulders."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter.bodies import daylight, shine
from engine.painter.canvas import Canvas, mix, slope, smooth
from engine.painter.scene import Scene

Amount = Tensor | float


@dataclass
class Look:
    """Somebody: colours (count, 3, 1, 1) and amounts 0..1 (count, 1, 1, 1) or float."""
    skin: Tensor
    hair: Tensor
    iris: Tensor
    age: Amount = 0.
    young: Amount = 0.                                 # a child's: round, with large eyes set low
    closed: Amount = 0.                                # lids
    long: Amount = 0.                                  # hair to the shoulders
    bald: Amount = 0.
    beard: Amount = 0.
    fringe: Amount = 0.
    smile: Amount = 0.


def somebody(c: Canvas, s: Scene) -> Look:
    """Anybody: all the colours of skin, hair and eyes."""
    fair = c.uniform()
    skin = mix(c.tint(.90, .68, .54), c.tint(.36, .21, .14), fair ** 1.4) * (1 + c.uniform(-.04, .04, 3))
    dark = mix(c.tint(.10, .07, .05), c.tint(.32, .19, .10), c.uniform())
    light = mix(c.tint(.62, .44, .22), c.tint(.50, .22, .10), c.uniform())
    hair = mix(dark, light, (c.uniform() > .72).float() * (fair < .5))
    iris = mix(c.tint(.20, .12, .07), mix(c.tint(.26, .40, .50), c.tint(.30, .40, .24), c.uniform()),
               (c.uniform() > .55).float() * (fair < .55))
    return Look(skin.clamp(.05, .98), hair, iris, long=(c.uniform() > .45).float(), fringe=(c.uniform() > .6).float(),
                smile=c.uniform(-.2, .7))


@dataclass
class Pose:
    """Where a head is: centre and height in picture heights, tilt in radians, yaw -1..1, light from `light` (1
    right, -1 left)."""
    x: Tensor
    y: Tensor
    size: Tensor
    tilt: Amount
    yaw: Amount
    light: Tensor
    half: Amount = 0.                                  # how much only one side is lit

    def inside(self, c: Canvas) -> tuple[Tensor, Tensor]:
        """The head's own coordinates: u right, v down, 0 in its middle, 1 its height."""
        angle = self.tilt * torch.ones_like(self.size)
        u, v = (c.x - self.x) / self.size, (c.y - self.y) / self.size
        return u * torch.cos(angle) + v * torch.sin(angle), v * torch.cos(angle) - u * torch.sin(angle)


def laid(c: Canvas, across: Tensor, along: Tensor) -> Tensor:
    """One texture of bumps, 24 to a unit, laid on any coordinates: strands of hair, threads of cloth."""
    texture = c.noise(48, octaves=2, gain=.7, size=(128, 128))
    gx, gy = (torch.remainder(place, 4) - 2 for place in (across + 0 * along, along + 0 * across))
    return F.grid_sample(texture, torch.cat((gx, gy), 1).permute(0, 2, 3, 1), padding_mode="reflection",
                         align_corners=False)


def _bump(x: Tensor, y: Tensor, wide: Amount, tall: Amount) -> Tensor:
    return torch.exp(-(x / wide) ** 2 - (y / tall) ** 2)


def _outline(v: Tensor, look: Look) -> tuple[Tensor, Tensor]:
    """Half the width of a face at v, and how far v is from its middle, 1 at crown and chin."""
    jaw = .120 - .03 * look.young - .02 * look.beard
    width = .350 + .015 * look.young - jaw * smooth(.02, .52, v)
    return width, (v.abs() / .5) ** (2.3 + .8 * (v > 0))


def _relief(u: Tensor, v: Tensor, a: Tensor, e: Tensor, look: Look) -> Tensor:
    """The height of a face in head heights; `a` is the distance from its middle line."""
    low = .075 * look.young
    age = look.age
    z = .33 * e.clamp(min=0).sqrt()
    tip = smooth(-.10, .15, v - low)
    z = z + (.090 - .062 * look.young) * torch.exp(-(a / (.030 + .028 * tip)) ** 2) * tip * smooth(.235, .150,
            v - low * .6)
    z = z + .026 * _bump(a - .050, v - .155 - low * .5, .026, .030)
    z = z + (.030 - .020 * look.young) * _bump(a - .13, v + .125 - low, .11, .040)
    z = z - (.060 - .036 * look.young) * _bump(a - .145, v + .055 - low, .085, .055) - .008 * _bump(a - .062,
            v + .05 - low, .03, .05)
    z = z + .030 * _bump(a - .145, v + .045 - low, .060, .036)
    z = z + (.034 + .02 * look.young) * _bump(a - .175, v - .105 - low, .085, .085)
    z = z + .030 * _bump(u, v - .265, .10, .050) - .016 * _bump(u, v - .262, .095, .007) - .014 * _bump(u, v - .325,
            .07, .022)
    z = z + .036 * _bump(u, v - .425, .085, .050)
    fold = (a - .065 - .42 * (v - .16)).abs()
    z = z - .012 * (.10 + .7 * age) * torch.exp(-(fold / .020) ** 2) * smooth(.13, .18, v) * smooth(.34, .27, v)
    furrow = torch.sin(v * 105 + 5 * torch.cos(u * 7)) * smooth(-.17, -.24, v) * smooth(.26, .16, a)
    crow = torch.sin((v + .03) * 130 + (a - .22) * 60) * _bump(a - .245, v + .03, .035, .055)
    bags = torch.exp(-(((a - .145) ** 2 * 1.6 + (v + .045) ** 2).sqrt() - .062).abs() ** 2 / .00012) * (v > -.03)
    return z + age * (.0048 * furrow + .0045 * crow - .008 * bags - .012 * _bump(a - .20, v - .20, .05, .07))


def _near(c: Canvas, picture: Tensor, pose: Pose, reach: tuple[float, float, float],
          paint: Callable[[Canvas, Tensor], Tensor]) -> Tensor:
    """Paint around a head only: `reach` is how far sideways, up and down, in its heights."""
    wide, up, down = (r * pose.size for r in reach)
    part, (rows, columns) = c.window(pose.x - wide, pose.x + wide, pose.y - up, pose.y + down)
    picture = picture.clone()
    picture[..., rows, columns] = paint(part, picture[..., rows, columns])
    return picture


def face(c: Canvas, s: Scene, picture: Tensor, pose: Pose, look: Look) -> Tensor:
    """A face with its ears, before its hair."""
    return _near(c, picture, pose, (.52, .58, .58), lambda part, before: _face(part, s, before, pose, look))


def _face(c: Canvas, s: Scene, picture: Tensor, pose: Pose, look: Look) -> Tensor:
    u, v = pose.inside(c)
    soft = 1.3 * c.pixel / pose.size
    width, upright = _outline(v, look)
    e = 1 - (u / width) ** 2 - upright
    f = u - pose.yaw * .11 * e.clamp(min=0).sqrt()
    a = f.abs()
    low = .075 * look.young
    z = _relief(f, v, a, e, look) * pose.size
    dx, dy = (slope(z, axis) / c.pixel for axis in (3, 2))
    front = 1 / (1 + dx**2 + dy**2).sqrt()
    right, down = -dx * front, -dy * front
    half = pose.half
    key = (right * pose.light * (.60 + .40 * half) - down * (.42 - .20 * half) + front * (.50 - .42 * half)).clamp(0, 1)
    skin = _skin(c, u, v, a, f, low, look)
    ear = smooth(1.15, .9, (((u.abs() - width) / .055) ** 2 + ((v - .02 - low) / .095) ** 2).sqrt()) * (1 - look.long)
    picture = mix(picture, shine(s, skin * .72, .30 + .35 * (u * pose.light > 0), torch.full_like(u, .4)), ear)
    lit = shine(s, skin, key * 1.35, (.95 - .5 * down) * (1 - .55 * half))
    # light that came through
    lit = lit + skin * c.tint(.22, .03, .0) * torch.exp(-((key - .16) / .11) ** 2) * s.sky.ambient * .8
    gleam = torch.exp(-((right * pose.light * .5 - down * .55 + front * .66 - 1) / .035) ** 2)
    lit = lit + gleam * daylight(s) * .10
    lit = lit * 1.12 / (1 + .20 * lit)
    lit = lit * (1 - (.60 - .3 * look.young) * _bump(a - .032, v - .183 - low * .5, .016, .010))
    lit = _eyes(c, s, lit, a, f, v - low, pose, look, key)
    return mix(picture, lit, smooth(-soft * 2.4, soft * 2.4, e))


def _skin(c: Canvas, u: Tensor, v: Tensor, a: Tensor, f: Tensor, low: Amount, look: Look) -> Tensor:
    """Skin with its blush, lips, brows and beard."""
    skin = look.skin * (.94 + .12 * c.noise(9, octaves=3))
    red = mix(look.skin, look.skin * c.tint(1.05, .62, .58), 1.)
    skin = mix(skin, red, (.40 * _bump(a - .17, v - .11 - low, .09, .07) + .30
                           * _bump(f, v - .15 - low, .05, .05)).clamp(0, 1))
    skin = mix(skin, skin * c.tint(.93, .90, .90), .6 * look.age * c.noise(7, octaves=2))
    corner = .045 * look.smile * (a / .10) ** 2
    upper = _bump(f, v - .248 + corner, .090, .018)
    lower = _bump(f, v - .284 + corner, .074, .022)
    thin = 1 - .45 * look.age
    lips = ((upper + lower) * 1.3).clamp(0, 1) * smooth(.115, .085, a)
    skin = mix(skin, look.skin * c.tint(.92, .50, .48), lips * .75 * thin)
    line = torch.exp(-((v - .264 + corner + .006 * torch.cos(f * 40)) / .0065) ** 2) * smooth(.112, .085, a)
    skin = skin * (1 - .62 * line)
    arch = v + .128 - low + .020 * (1 - ((a - .15) / .10) ** 2)
    brow = torch.exp(-(arch / (.016 + .006 * look.age)) ** 2) * smooth(.240, .200, a) * smooth(.040, .075,
            a) * (1 - .60 * look.young)
    hairs = .55 + .8 * laid(c, (f * 1.5 + v) * 9, (v - f * .6) * 3)
    skin = mix(skin, look.hair * .8, (brow * hairs).clamp(0, 1) * .85)
    chin = smooth(.14, .24, v + .30 * (a - .12)) * smooth(.0, .02, (f / .115) ** 2 + ((v - .268) / .038) ** 2 - 1)
    return mix(skin, look.hair * (.55 + .8 * laid(c, u * 11, v * 2.2)), chin * look.beard * .95)


def _eyes(c: Canvas, s: Scene, lit: Tensor, a: Tensor, f: Tensor, v: Tensor, pose: Pose, look: Look,
          key: Tensor) -> Tensor:
    """Almonds under lids, an iris with its light; or the line of closed lids."""
    big = 1 + .34 * look.young - .10 * look.age
    p, q = (a - .146) / big, (v + .047) / big
    arc = (1 - (p / .066) ** 2).clamp(min=0)
    top, bottom = -.031 * arc ** .75 + .05 * p, .019 * arc
    soft = 1.1 * c.pixel / pose.size
    opened = smooth(-soft, soft, q - top) * smooth(soft, -soft, q - bottom) * (arc > 0) * (1 - look.closed)
    lid = torch.exp(-((q + .046 + .010 * (p / .066) ** 2 - .05 * p) / .008) ** 2) * smooth(.080, .055, p.abs())
    lit = lit * (1 - (.38 - .20 * look.young) * lid) * (1 - (.22 - .14 * look.young)
                                                        * _bump(a - .146, v + .03, .085, .050))
    side = torch.sign(f)
    look_at = pose.yaw * .006
    gaze = ((p * side - look_at) ** 2 + (q + .008) ** 2).sqrt()
    level = .40 + .75 * key.clamp(0, .8)
    ball = mix(c.tint(.92, .86, .82), lit, .25) * daylight(s).clamp(max=1.1) * level * (1 - .45
            * smooth(.0, -.03, q - .004))
    ring = smooth(.0325, .0285, gaze)
    iris = look.iris * daylight(s).clamp(max=1.1) * (.55 + 1.1 * smooth(.0, .03, q + .012)) * (1 - .55
            * smooth(.024, .031, gaze)) + .01
    ball = mix(ball, iris, ring)
    ball = mix(ball, c.tint(.012, .01, .01), smooth(.0150, .0120, gaze))
    spark = smooth(.0105, .0055, ((p * side - look_at - .010 * pose.light) ** 2 + (q + .019) ** 2).sqrt())
    ball = ball + spark * (daylight(s) * .85 + .12)
    lit = mix(lit, ball, opened)
    lash = torch.exp(-((q - top + .003) / .0060) ** 2) * smooth(.072, .060, p.abs()) * (1 - look.closed)
    shut = torch.exp(-((q - .020 * arc - .002) / .0060) ** 2) * smooth(.072, .058, p.abs()) * look.closed
    under = torch.exp(-((q - bottom - .004) / .005) ** 2) * smooth(.064, .05, p.abs()) * (1 - look.closed) * .35
    return lit * (1 - (.80 - .15 * look.young) * (lash + shut + under).clamp(0, 1))


def hair(c: Canvas, s: Scene, picture: Tensor, pose: Pose, look: Look, behind: bool) -> Tensor:
    """The hair, `behind` the neck and shoulders or before them."""
    return _near(c, picture, pose, (.56, .66, 1.02), lambda part, before: _hair(part, s, before, pose, look, behind))


def _hair(c: Canvas, s: Scene, picture: Tensor, pose: Pose, look: Look, behind: bool) -> Tensor:
    u, v = pose.inside(c)
    soft = 2.2 * c.pixel / pose.size
    ruffle = (c.noise(7, octaves=3) - .5) * .05
    width, _ = _outline(v.clamp(max=.02), look)
    if behind:
        shape = smooth(1.03 + soft, 1.03 - soft, ((u / (.435 + ruffle)) ** 2
                                                  + ((v - .20) / (.74 + ruffle)) ** 2).sqrt()) * look.long
    else:
        crown = ((u.abs() / (width + .060 + ruffle * .4)) ** 2.4
                 + ((v + .02).abs() / (.535 + ruffle * .4)) ** 2.4) ** .417
        parting = .10 * torch.sign(pose.light)
        strands = (laid(c, u * 2 + 3, v * .3) - .5) * .05
        brow_line = .315 - .055 * look.fringe * smooth(.25, .0, (u - parting).abs()) + .34 * look.bald
        opening = (((u - parting * .25) / (.298 + .040 * look.bald + strands * .4)) ** 2
                   + ((v - .085) / ((brow_line + .085) + strands)) ** 2).sqrt()
        hairline = smooth(.94, 1.04, opening)
        length = .06 + .52 * look.long - .12 * (1 - look.long)
        sides = smooth(width + .075, width + .055, u.abs() + ruffle) * (v > -.1) * smooth(.215, .25,
                u.abs() + .8 * (.18 - v).clamp(min=0))
        shape = torch.maximum(smooth(1 + soft, 1 - soft, crown) * (v < .0),
                              sides * smooth(length, length - .10, v + ruffle)) * hairline
        shape = torch.maximum(shape, smooth(1 + soft, 1 - soft, crown) * hairline * smooth(.12, .0, v)
                              * (1 - look.long))
    flow = torch.atan2(u - .08 * torch.sign(pose.light), (v + .62).clamp(min=.02))
    threads = .6 * laid(c, flow * 3.2, v * .22 + u.abs() * .1) + .4 * laid(c, flow * 1.3, v * .1)
    round_ = (1 - (u / .46) ** 2).clamp(.05, 1)
    key = (.18 + .42 * round_ + .42 * u * pose.light / .4 - .35 * (v + .1).clamp(0, .6)).clamp(.04,
            1) * (1 - .6 * behind)
    band = torch.exp(-((v + .34 - .35 * u**2) / .055) ** 2) * (.3 + .9 * threads) * (not behind)
    lit = shine(s, look.hair * (.40 + 1.0 * threads), key * (1 - .5 * pose.half * (u * pose.light < 0)),
                torch.full_like(u, .35) - .2 * behind)
    return mix(picture, lit + band * daylight(s) * (look.hair * .45 + .03) * key, shape)


def neck(c: Canvas, s: Scene, picture: Tensor, pose: Pose, look: Look, cloth: Tensor, shawl: Amount = 0.) -> Tensor:
    """Neck and shoulders in cloth, under the head's shadow."""
    lean = pose.tilt * torch.ones_like(pose.size)
    u, v = (c.x - pose.x) / pose.size - .35 * torch.sin(lean), (c.y - pose.y) / pose.size
    soft = 1.5 * c.pixel / pose.size
    wide = .185 - .035 * look.young + .10 * smooth(.50, .78, v) ** 2
    throat = smooth(wide + soft, wide - soft, u.abs()) * smooth(.1, .2, v)
    key = (.62 * (1 - (u / .26) ** 2).clamp(0, 1) + .55 * u * pose.light / .2).clamp(.05, 1) * smooth(.36, .66,
            v + .12 * u * pose.light) * .8
    key = key * (1 - pose.half * .6)
    picture = mix(picture, shine(s, look.skin * .92, key, torch.full_like(u, .3)), throat)
    out = (u.abs() - .15).clamp(min=0)
    fall = .555 + .34 * out ** .9 + 3.2 * (out - .52).clamp(min=0) ** 1.6
    line = torch.maximum(fall, .79 - .08 * shawl - 4.2 * u**2)
    shoulders = smooth(-soft * 2, soft * 2, v - line)
    folds = c.warp(c.noise(3.5, 1.6, octaves=3), .10 * u + 0 * v, 0 * u + 0 * v)
    slope = (u * pose.light * .55 + .60 - .55 * (v - line)).clamp(0, 1)
    body = cloth * (.55 + .75 * folds) * (.86 + .28 * laid(c, u * 8, v * 8))
    lit = shine(s, body, slope * (.35 + .75 * folds) * (1 - .5 * pose.half * (u * pose.light < .1)), .25 + .35 * folds)
    hem = torch.exp(-((v - line - .018) / .010) ** 2) * smooth(.26, .20, u.abs())
    return mix(picture, lit * (1 - .35 * hem), shoulders)


def bust(c: Canvas, s: Scene, picture: Tensor, pose: Pose, look: Look, cloth: Tensor) -> Tensor:
    """Somebody from the shoulders up."""
    picture = hair(c, s, picture, pose, look, behind=True)
    picture = neck(c, s, picture, pose, look, cloth)
    picture = face(c, s, picture, pose, look)
    return hair(c, s, picture, pose, look, behind=False)
