"""Insides: room."""
from __future__ import annotations

import torch
from torch import Tensor

from engine.painter import figures
from engine.painter.canvas import Canvas, mix, smooth
from engine.painter.scene import Colour, Scene

WOOD: Colour = (.44, .29, .18)


def room(c: Canvas, s: Scene) -> Tensor:
    """Walls, a floor of boards, a window whose light lies on both, sometimes a piece of furniture."""
    x = (c.x - .5) / c.aspect + .5
    left, right, top, bottom = c.uniform(.12, .30), c.uniform(.70, .88), c.uniform(.10, .22), c.uniform(.62, .74)
    sideways = torch.maximum((left - x) / left, (x - right) / (1 - right))
    upright = torch.maximum((top - c.y) / top, (c.y - bottom) / (1 - bottom))
    back = (torch.maximum(sideways, upright) < 0).float()
    side = ((sideways >= upright) & (sideways >= 0)).float()
    floor = ((upright > sideways) & (upright >= 0) & (c.y > .5)).float()
    ceiling = ((upright > sideways) & (upright >= 0) & (c.y <= .5)).float()
    wall = mix(s.pigment("colour", (.64, .60, .54)), c.tint(.5, .48, .46), .08)
    wx, wy = mix(left, right, c.uniform(.22, .78)), mix(top, bottom, c.uniform(.34, .44))
    ww, wh = (right - left) * c.uniform(.11, .20), (bottom - top) * c.uniform(.22, .32)
    far = ((x - wx) ** 2 * c.aspect**2 + (c.y - wy) ** 2).sqrt()
    ambient = s.sky.ambient
    plaster = .88 + .24 * c.noise(3, octaves=4)
    level = .20 + .34 * ambient + (.62 * torch.exp(-far * 2.2)) * (.35 + .65 * ambient)
    picture = wall * plaster * level * (1 - .30 * ceiling - .22 * side * (.4 + .6 * sideways.clamp(0, 1)) + .10 * back)
    deep = (c.y - .36).clamp(min=.05)
    boards = smooth(.80, .98, torch.sin((x - .5) / deep * c.uniform(16, 28)))
    wood = mix(c.tint(*WOOD), wall, .30) * (.75 + .4 * c.noise(2, 12, octaves=3)) * (1 - .32 * boards) * (.26 + .62 * ambient)
    picture = mix(picture, wood, floor)
    picture = picture * (1 - .30 * torch.exp(-((sideways - upright) * 26) ** 2) * (1 - back))
    return _furnish(c, s, _window(c, s, picture, x, (wx, wy, ww, wh), back, floor, far), wood)


def _window(c: Canvas, s: Scene, picture: Tensor, x: Tensor, frame: tuple[Tensor, Tensor, Tensor, Tensor],
            back: Tensor, floor: Tensor, far: Tensor) -> Tensor:
    """A window of four panes, its glow on the wall and its light, stretched, on the floor."""
    wx, wy, ww, wh = frame
    edge = 1.2 * c.pixel
    pane = smooth(edge, -edge, (x - wx).abs() - ww) * smooth(edge, -edge, (c.y - wy).abs() - wh) * back
    bars = torch.maximum(smooth(.009, .004, (x - wx).abs()), smooth(.009, .004, (c.y - wy).abs())) * pane
    rim = smooth(.016, .010, torch.maximum((x - wx).abs() - ww, (c.y - wy).abs() - wh)) * (1 - pane) * back
    light = mix(s.sky.light, s.pigment("second", (1, 1, 1)), .75 * (1 - s.has("second", "")))
    outside = mix(s.sky.middle, s.sky.horizon * light, smooth(-1, 1, (c.y - wy) / wh)) * (.75 + .4 * s.sky.ambient)
    picture = mix(picture, outside * 1.1, pane)
    picture = picture * (1 - .72 * bars) * (1 - .45 * rim)
    px = wx + (c.y - .6) * c.uniform(-.8, .8)
    pool = torch.exp(-((x - px) / (ww * 1.25)) ** 4) * torch.exp(-((c.y - .84) / .10) ** 4)
    pool = pool * (1 - .55 * torch.exp(-((x - px) / .012) ** 2)) * (1 - .4 * torch.exp(-((c.y - .84) / .012) ** 2))
    return picture + pool * floor * light * s.sky.ambient * .55 + torch.exp(-(far / .2) ** 2) * light * s.sky.ambient * .22


def _furnish(c: Canvas, s: Scene, picture: Tensor, wood: Tensor) -> Tensor:
    """A chair, a bed, a table or an open door, and whoever stands there."""
    x, size, ink = c.across(.28, .72), c.uniform(.16, .22), wood * .28 + .012
    u, v = (c.x - x) / size, (.92 - c.y) / size
    def box(u0: float, u1: float, v0: float, v1: float) -> Tensor:
        return smooth(.02, -.02, (u - (u0 + u1) / 2).abs() - (u1 - u0) / 2) * smooth(.02, -.02, (v - (v0 + v1) / 2).abs() - (v1 - v0) / 2)
    parts = {"chair": [(-.36, .36, .66, .78), (-.36, -.28, 0, 1.75), (.28, .36, 0, .7), (-.36, -.30, 1.1, 1.7), (-.30, .22, 1.15, 1.25), (-.30, .22, 1.5, 1.62), (.14, .20, .7, 1.7)],
             "table": [(-.9, .9, .82, .94), (-.82, -.72, 0, .85), (.72, .82, 0, .85), (-.12, .12, .94, 1.22)]}
    for name, boxes in parts.items():
        if s.any("extra", name):
            shape = torch.stack([box(*b) for b in boxes]).amax(0) * s.has("extra", name)
            picture = mix(picture, ink, shape * .95)
    if s.any("extra", "bed"):
        here = s.has("extra", "bed")
        picture = mix(picture, ink, torch.maximum(box(-1.35, 1.35, 0, .35), box(-1.42, -1.30, 0, 1.25)) * here)
        linen = c.tint(.86, .84, .80) * (.30 + .62 * s.sky.ambient) * (.8 + .4 * c.noise(5, 9, octaves=2))
        picture = mix(picture, linen, torch.maximum(box(-1.28, 1.32, .35, .66), box(-1.25, -.75, .6, .86)) * here)
    if s.any("extra", "door"):
        tall = smooth(.02, -.02, u.abs() - .55) * smooth(.02, -.02, (v - 1.6).abs() - 1.5) * s.has("extra", "door")
        picture = mix(picture, s.sky.light * (1.05 - .25 * v.abs() / 3), tall) + s.sky.light * .25 * torch.exp(-(u / 1.1) ** 2) * torch.exp(-((v - .9) / 1.6) ** 2) * s.has("extra", "door")
    return figures.place(c, s, picture, torch.full_like(x, .92), (.36, .5), ink=picture.mean((2, 3), keepdim=True) * .12)
