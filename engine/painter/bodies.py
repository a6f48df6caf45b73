"""Bodies: round limbs that grow into one another, with the light on them, their fur, and the open land where they
stand."""
from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.painter import air
from engine.painter.canvas import Canvas, mix, slope, smooth
from engine.painter.scene import PIGMENTS, Colour, Scene

Number = Tensor | float
Joint = tuple[Number, Number, Number]                  # u, v, radius, all in the body's own height


class Body:
    """Limbs joined by a smooth minimum of their distances: one skin, whose height above the picture is known
    everywhere.

    A body stands at (x, y) and is `size` high; u goes to where it looks (`side` 1 right, -1 left), v up from its feet.
    """

    def __init__(self, c: Canvas, x: Tensor, y: Tensor, size: Tensor, side: Tensor, turn: Number = 0.) -> None:
        self.c, self.x, self.y, self.size, self.side = c, x, y, size, side
        angle = turn * torch.ones_like(size)
        self.sin, self.cos = torch.sin(angle), torch.cos(angle)
        shape = (c.count, 1, c.height, c.width)
        self.far = torch.full(shape, 9., device=c.device)            # signed distance to the skin, in picture heights
        self.thick = torch.full(shape, .01, device=c.device)         # radius of the limb that is seen
        self.along, self.across = (torch.zeros(shape, device=c.device) for _ in range(2))
        # rows from, to, columns from, to that any limb touches
        self.box = [c.height, 0, c.width, 0]

    def at(self, u: Number, v: Number) -> tuple[Tensor, Tensor]:
        """A place of the body on the picture."""
        across = u * self.side
        return self.x + self.size * (across * self.cos + v * self.sin), self.y + self.size * (across * self.sin - v
                * self.cos)

    def limb(self, *joints: Joint, blend: float = .04) -> None:
        """A chain of joints, each with its radius; `blend` is how softly it grows out of what is there already."""
        start: Number = 0.
        for (u0, v0, r0), (u1, v1, r1) in itertools.pairwise(joints):
            start = start + self._join(self.at(u0, v0), self.at(u1, v1), r0 * self.size, r1 * self.size,
                                       blend * self.size, start)

    def ball(self, u: Number, v: Number, r: Number, blend: float = .04) -> None:
        self.limb((u, v, r), (u + .001, v, r), blend=blend)

    def _join(self, a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor], r0: Tensor, r1: Tensor, blend: Tensor,
              start: Number) -> Tensor:
        rows, columns = self._window(a, b, torch.maximum(r0, r1) + blend + 6 * self.c.pixel)
        x, y = self.c.x[..., columns] - a[0], self.c.y[..., rows, :] - a[1]
        dx, dy = b[0] - a[0], b[1] - a[1]
        length = (dx * dx + dy * dy + 1e-8).sqrt()
        ux, uy = dx / length, dy / length
        walk = x * ux + y * uy
        t = (walk / length).clamp(0, 1)
        radius = r0 + (r1 - r0) * t
        beside = y * ux - x * uy
        new = ((x - t * dx) ** 2 + (y - t * dy) ** 2).sqrt() - radius      # holds for a limb without length, too
        here = (..., rows, columns)
        self.box = [min(self.box[0], rows.start), max(self.box[1], rows.stop), min(self.box[2], columns.start),
                    max(self.box[3], columns.stop)]
        old = self.far[here]
        share = (.5 + .5 * (old - new) / blend).clamp(0, 1)
        self.along[here] = torch.where(new < old, walk + start, self.along[here])
        self.across[here] = torch.where(new < old, beside, self.across[here])
        self.thick[here] = mix(self.thick[here], radius, share)
        self.far[here] = mix(old, new, share) - blend * share * (1 - share)
        return length

    def _window(self, a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor], margin: Tensor) -> tuple[slice, slice]:
        """Rows and columns that a limb can touch in any picture of the batch: most of a picture need not be
        computed."""
        c = self.c
        bounds = []
        for i, shift, most in ((0, c.aspect / 2 - .5, c.width), (1, 0., c.height)):
            low, high = torch.minimum(a[i], b[i]) - margin, torch.maximum(a[i], b[i]) + margin
            first, last = torch.stack((low.min(), high.max())).tolist()
            start = min(max(int((first + shift) * c.height), 0), most - 1)
            bounds.append(slice(start, max(start + 1, min(int((last + shift) * c.height) + 2, most))))
        return bounds[1], bounds[0]

    @property
    def mask(self) -> Tensor:
        """1 inside, with an edge of a pixel."""
        return (.5 - self.far / (1.5 * self.c.pixel)).clamp(0, 1)

    def rough(self, depth: float, f: float = 34.) -> None:
        """Fur: the skin wanders by `depth` picture heights."""
        self.far = self.far + (self.c.noise(f, octaves=2) - .5) * 2 * depth

    def _cut(self, field: Tensor) -> Tensor:
        """The part of a field that limbs touch: what a small body costs is its size."""
        rows, columns = (slice(*self.box[i:i + 2]) if field.shape[axis] > 1 else slice(None) for i,
                         axis in ((0, -2), (2, -1)))
        return field[..., rows, columns]

    def _whole(self, part: Tensor) -> Tensor:
        top, bottom, left, right = self.box
        return F.pad(part, (left, self.c.width - right, top, self.c.height - bottom))

    def _normals(self, soft: float) -> tuple[Tensor, Tensor, Tensor]:
        thick, far = self._cut(self.thick), self._cut(self.far)
        height = (thick**2 - (thick + far).clamp(min=0) ** 2).clamp(min=0).sqrt()
        height = self.c.blur(height, soft) if soft else height
        dx, dy = (slope(height, axis) * self.c.height for axis in (3, 2))
        norm = 1 / (1 + dx**2 + dy**2).sqrt()
        return -dx * norm, -dy * norm, norm

    def normals(self, soft: float = .005) -> tuple[Tensor, Tensor, Tensor]:
        """Where the skin faces: right, down, towards the eye; 0 far from it."""
        right, down, front = (self._whole(part) for part in self._normals(soft))
        return right, down, front

    def strands(self, fine: float = 70., long: float = 9.) -> Tensor:
        """Hair in 0..1 that lies along the limbs: one texture, laid along and across them."""
        texture = self.c.noise(48, octaves=2, gain=.7, size=(128, 128))
        gx, gy = (torch.remainder(self._cut(place) * f / 16, 4) - 2 for place,
                  f in ((self.across, fine), (self.along, long)))
        grid = torch.cat((gx, gy), 1).permute(0, 2, 3, 1)
        return self._whole(F.grid_sample(texture, grid, padding_mode="reflection", align_corners=False))

    def lit(self, s: Scene, colour: Tensor, side: Tensor, soft: float = .005, rim: float = .5) -> Tensor:
        """`colour` under the scene's hour: light from `side` and above, shade that takes the sky's colour, a bright
        rim."""
        right, down, front = self._normals(soft)
        colour = self._cut(colour)
        key = (right * side * .66 - down * .52 + front * .42).clamp(0, 1)
        above = .5 - .5 * down
        edge = (1 - front) ** 2.5 * smooth(-.1, .7, right * side - down * .55)
        return self._whole(shine(s, colour, key, above) + daylight(s) * edge * rim * (.25 + .55 * colour))


def daylight(s: Scene) -> Tensor:
    """The hour's light, or that of the second colour where one was said."""
    said = 1 - s.has("second", "")
    return mix(s.sky.light, s.pigment("second", (1, 1, 1), 0.), .7 * said) * (.34 + .80 * s.sky.ambient)


def shine(s: Scene, colour: Tensor, key: Tensor, above: Tensor) -> Tensor:
    """A surface of `colour`: `key` 0..1 of the light reaches it, `above` 0..1 of the sky."""
    sky = mix(s.sky.zenith, s.sky.middle, .6) * .8 + s.sky.horizon * .2
    return colour * (sky * (.16 + .52 * above) * (.55 + .45 * s.sky.ambient) + daylight(s) * key
                     * 1.05) + s.sky.middle * .012


def cloth_of(body: Body, colour: Tensor, fine: float = 8., deep: float = .75) -> Tensor:
    """Folds that run along the limbs, and a weave."""
    folds = body.strands(9, 1.6)
    return colour * (1 - deep / 2 + deep * folds) * (.90 + .20 * body.strands(110, 110))


def cover(c: Canvas, picture: Tensor, body: Body, shown: Tensor, shadow: float = .35) -> Tensor:
    """Put a body in front of the picture; what is behind it darkens near its edge."""
    margin = int(.07 * c.height)
    top, bottom, left, right = body.box
    here = (..., slice(max(0, top - margin), bottom + margin), slice(max(0, left - margin), right + margin))
    mask, part = body.mask[here], picture[here]
    if shadow:
        part = part * (1 - shadow * c.blur(mask, .03))
    picture = picture.clone()
    picture[here] = mix(part, shown[here], mask)
    return picture


def coat(c: Canvas, s: Scene, natural: Sequence[Colour], share: float = .85) -> Tensor:
    """The said colour, a little broken, or one of the `natural` ones by chance."""
    table = c.sheet(list(natural))[:, :, 0, 0]
    chance = (c.table() * len(natural)).long().clamp(max=len(natural) - 1)
    own = table[chance][:, :, None, None] * (1 + c.uniform(-.10, .10, 3))
    said = s.has("colour", *PIGMENTS)
    return mix(own, s.pigment("colour", (.5, .5, .5)) * .90 + .03, said * share).clamp(.02, 1)


GRASS: dict[str, Colour] = {"spring": (.38, .52, .18), "summer": (.44, .46, .18), "autumn": (.56, .38, .14),
                            "winter": (.82, .85, .90)}


def open_land(c: Canvas, s: Scene, horizon: Tensor) -> tuple[Tensor, Tensor]:
    """Sky, far woods and a meadow out of focus: the picture, and the colour of its ground."""
    picture = air.paint_sky(c, s)
    ground = s.pick("season", GRASS, (.42, .43, .20))
    ground = mix(ground, c.tint(.86, .88, .93), s.has("weather", "snow"))
    ground = mix(ground, c.sheet([(.62, .52, .36)] * c.count),
                 (c.uniform() > .62).float() * s.has("season", "") * (1 - s.has("weather", "snow")))
    level = torch.full_like(horizon, .5)
    for near, rise, f in ((.25, .13, 1.6), (.6, .055, 4.)):
        top = horizon - rise * c.line(f, octaves=5) * c.uniform(.3, 1.1)
        hill = mix(s.sky.horizon * .92, shine(s, ground * c.tint(.72, .82, .78), level * .7, level), near)
        picture = mix(picture, hill * (.88 + .24 * c.noise(9, 14, octaves=3)), smooth(-.006, .006, c.y - top))
    depth = ((c.y - horizon) / (1 - horizon)).clamp(0, 1)
    swell = c.noise(1.2, 5, octaves=3)
    blades = c.noise(46, 13, octaves=3, gain=.6)
    field = ground * (.62 + .55 * swell + (blades - .5) * (.25 + 1.0 * depth)).clamp(min=.06)
    field = shine(s, field, (.30 + .55 * swell) * (1.05 - .35 * depth), level)
    field = mix(field, s.sky.horizon, .5 * (1 - depth) ** 3)
    return mix(picture, field, smooth(-.004, .004, c.y - horizon)), ground


def blades_before(c: Canvas, s: Scene, picture: Tensor, ground: Tensor, line: Tensor, tall: float = .05) -> Tensor:
    """Grass in front of the feet that stand on `line`."""
    high = c.noise(70, 5, octaves=2, gain=.7) * c.noise(9, 3, octaves=2) * 2.2
    mask = smooth(0, .012, c.y - line + tall * (high - .55))
    tone = ground * (.40 + .75 * c.noise(80, 9, octaves=2)) * (1.05 - .35 * (c.y - line).clamp(0, .3) / .3)
    return mix(picture, shine(s, tone, .30 + .5 * high.clamp(0, 1), torch.full_like(line, .55)), mask)


def ground_shadow(c: Canvas, picture: Tensor, x: Tensor, y: Tensor, wide: Tensor | float, flat: float = .018,
                  dark: float = .55) -> Tensor:
    """A soft shadow on the ground under something that stands at (x, y)."""
    pool = torch.exp(-(((c.x - x) / wide) ** 2) ** 1.4 - ((c.y - y) / flat) ** 2)
    return picture * (1 - dark * pool)
