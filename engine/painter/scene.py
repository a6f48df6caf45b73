"""Scene: the attributes of a batch as tensors that a painter can mix with."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from engine.painter.attributes import Attributes
from engine.painter.canvas import Canvas, mix

Colour = tuple[float, float, float]
Painter = Callable[[Canvas, "Scene"], Tensor]

PIGMENTS: dict[str, Colour] = {
    "red": (.84, .09, .08), "orange": (.96, .45, .09), "golden": (.96, .73, .18), "green": (.13, .58, .22),
    "turquoise": (.08, .70, .68), "blue": (.10, .27, .86), "violet": (.50, .17, .78), "pink": (.96, .50, .66),
    "white": (.94, .93, .91), "black": (.045, .045, .05), "grey": (.50, .51, .52), "brown": (.43, .26, .13)}

# Zenith, middle and horizon of the sky, colour of the light, strength of what is not lit.
HOURS: dict[str, tuple[Colour, Colour, Colour, Colour, float]] = {
    "": ((.30, .45, .66), (.55, .65, .74), (.80, .82, .80), (1., .96, .88), .85),
    "dawn": ((.32, .36, .60), (.74, .56, .66), (1., .78, .62), (1., .82, .66), .72),
    "noon": ((.13, .40, .80), (.42, .66, .90), (.82, .92, .95), (1., .99, .94), 1.05),
    "sunset": ((.22, .14, .38), (.80, .32, .30), (1., .62, .20), (1., .60, .26), .62),
    "dusk": ((.12, .13, .34), (.34, .24, .50), (.74, .42, .50), (.80, .58, .72), .48),
    "night": ((.02, .035, .11), (.05, .085, .20), (.11, .17, .31), (.66, .77, 1.), .30)}


class Sky:
    """The colours of an hour, per picture: zenith, middle, horizon, light (count, 3, 1, 1) and ambient (count, 1, 1, 1)."""

    def __init__(self, canvas: Canvas, hours: Sequence[str]) -> None:
        rows = [HOURS[hour] for hour in hours]
        drift = canvas.uniform(-.05, .05, 3)                    # no two noons are the same blue
        self.zenith, self.middle, self.horizon, self.light = (
            (canvas.sheet([row[i] for row in rows]) * (1 + drift)).clamp(0, 1) for i in range(4))    # type: ignore[misc]
        self.ambient = canvas.sheet([(row[4],) * 3 for row in rows])[:, :1]


_OF_THE_NIGHT = ("moon", "stars", "two moons", "crescent")      # who says moon and no hour means the night


class Scene:
    """What a batch shows: `has` and `pick` turn words into (count, 1, 1, 1) amounts and (count, 3, 1, 1) colours."""

    def __init__(self, canvas: Canvas, attributes: Sequence[Attributes]) -> None:
        self.canvas = canvas
        self.attributes = [replace(a, time="night") if a.light in _OF_THE_NIGHT and not a.time else a for a in attributes]
        attributes = self.attributes
        self.sky = Sky(canvas, [a.time for a in attributes])
        self.place_x, self.place_y = canvas.across(.2, .8), canvas.uniform(.12, .36)       # of sun, moon, lamp

    def part(self, canvas: Canvas, chosen: Tensor) -> Scene:
        """The scene of some pictures of the batch, under the same sky."""
        scene = Scene(canvas, [self.attributes[i] for i in chosen.tolist()])
        scene.place_x, scene.place_y = self.place_x[chosen], self.place_y[chosen]
        for name, value in vars(self.sky).items():
            setattr(scene.sky, name, value[chosen])
        return scene

    def any(self, field: str, *values: str) -> bool:
        return any(getattr(a, field) in values for a in self.attributes)

    def has(self, field: str, *values: str) -> Tensor:
        return self.amount(field, dict.fromkeys(values, 1.))

    def amount(self, field: str, table: Mapping[str, float], default: float = 0.) -> Tensor:
        """The number that each picture's word has in `table`."""
        return self.canvas.sheet([(table.get(getattr(a, field), default),) * 3 for a in self.attributes])[:, :1]

    def pick(self, field: str, table: Mapping[str, Colour], default: Colour) -> Tensor:
        """The colour that each picture's word has in `table`."""
        return self.canvas.sheet([table.get(getattr(a, field), default) for a in self.attributes])

    def pigment(self, field: str, default: Colour, wander: float = .08) -> Tensor:
        """The colour said in `field` ("colour" or "second"), or `default`; a little different in every picture."""
        drift = 1 + self.canvas.uniform(-wander, wander, 3)
        return (self.pick(field, PIGMENTS, default) * drift).clamp(0, 1)

    def any_pigment(self, field: str, among: Sequence[str]) -> Tensor:
        """The colour said in `field`, or one by chance for each picture where nothing was said."""
        table = self.canvas.sheet([PIGMENTS[name] for name in among])[:, :, 0, 0]          # (n, 3)
        chance = (self.canvas.table() * len(among)).long().clamp(max=len(among) - 1)
        said = self.canvas.sheet([(float(bool(getattr(a, field))),) * 3 for a in self.attributes])
        return mix(table[chance][:, :, None, None], self.pigment(field, (0., 0., 0.)), said)


def parted(c: Canvas, s: Scene, chosen: Tensor, one: Painter, other: Painter) -> Tensor:
    """Pictures by `one` where `chosen` (count, 1, 1, 1) is over a half, by `other` elsewhere; nothing is painted twice."""
    picture = torch.empty(c.count, 3, c.height, c.width, device=c.device)
    for paint, where in ((one, chosen > .5), (other, chosen <= .5)):
        index = where[:, 0, 0, 0].nonzero()[:, 0]
        if len(index):
            canvas = c.part(index)
            picture[index] = paint(canvas, s.part(canvas, index))
    return picture
