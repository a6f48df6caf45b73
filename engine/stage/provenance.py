"""Whose is this place of the wall? The shares of the mind's pictures, followed through everything that moved them.

A verb whose header says "Geometry" only moves things, so a picture of places drawn through the same verbs tells, for
each place of the wall, which place of the mind's picture it shows. From there the flow leads back into both pictures
that the wall is between. GL thread only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.core.messages import Ancestor, Picture
from engine.stage import layer as language
from engine.stage.between import Between
from engine.stage.compositor import Compositor
from engine.stage.framing import FRAME
from engine.stage.isf import Moment
from engine.stage.layer import Layer, header

PLACES = Layer("places")
GEOMETRY = "Geometry"


@dataclass(frozen=True, slots=True)
class Claim:
    """One ancestor's part in one place of the wall."""

    ancestor: Ancestor
    share: float  # 0..1, of this place
    picture: int  # serial of the picture through which it got here
    seed: int  # of that picture


def skeleton(layer: Layer) -> Layer:
    """What a layer does to places: its verbs of geometry over a picture of places."""
    if layer == language.dreamed or not layer.inputs:
        return Layer(FRAME, (PLACES,))
    first = layer.inputs[0]
    if layer.verb == FRAME:
        return Layer(FRAME, (PLACES,), layer.values)
    below = skeleton(first)
    if GEOMETRY not in header(layer.verb).categories:
        return below
    return Layer(layer.verb, (below, *layer.inputs[1:]), layer.values)


class Provenance:
    """Answers for one stage; costs nothing until somebody asks (then about one small frame)."""

    SIZE = 192  # pixels over the width of the picture of places

    def __init__(self, compositor: Compositor, between: Between):
        self._compositor, self._between = compositor, between
        w, h = compositor.size
        self._twin = compositor.twin((self.SIZE, max(1, self.SIZE * h // w)))
        side = (np.arange(256) + 0.5) / 256
        grid = np.stack([*np.meshgrid(side, side), np.zeros((256, 256)), np.ones((256, 256))], -1).astype(np.float32)
        self._places = compositor.context.texture((256, 256), 4, grid.tobytes(), dtype="f4")
        self._places.repeat_x = self._places.repeat_y = False
        self._shares = compositor.context.texture((16, 16), 4, dtype="f4")
        self._shares.repeat_x = self._shares.repeat_y = False

    def locate(self, layer: Layer, moment: Moment, x: float, y: float) -> tuple[float, float]:
        """Which place of the mind's picture the wall shows at x, y (both 0, 0 at the top left)."""
        self._twin.sources.images = self._compositor.sources.images | {PLACES.verb: self._places}
        texture = self._twin.draw(skeleton(layer), moment)
        dtype = {"f1": np.uint8, "f2": np.float16, "f4": np.float32}[texture.dtype]
        w, h = texture.size
        places = np.frombuffer(texture.read(), dtype).reshape(h, w, 4).astype(np.float32)
        u, v = _sample(places[..., :2] / (255 if texture.dtype == "f1" else 1), x, 1.0 - y)
        return float(u), 1.0 - float(v)

    def whose(self, u: float, v: float) -> list[Claim]:
        """The ancestors of a place of the mind's picture (0, 0 at the top left), largest share first."""
        between, t = self._between, self._between.pace.progress
        there = back = np.zeros(2)
        if between.field:  # both flows are kept lowest row first and point in GL's directions
            there, back = (_sample(side[..., :2], u, 1.0 - v) * (1, -1) for side in between.field)
        claims = _claims(between.start.picture, (u, v) - there * t, 1.0 - t)
        claims += _claims(between.end.picture, (u, v) - back * (1.0 - t), t)
        return sorted(claims, key=lambda claim: -claim.share)

    def texture(self) -> moderngl.Texture:
        """Each ancestor's own colour where its share is, rgb, and the largest share, a; lowest row first."""
        t = self._between.pace.progress
        sheet = np.zeros((16, 16, 4), np.float32)
        for held, weight in ((self._between.start, 1.0 - t), (self._between.end, t)):
            if held.picture is not None and len(held.picture.shares):
                sheet += weight * _coloured(held.picture)
        self._shares.write(np.ascontiguousarray(sheet[::-1]))
        return self._shares

    def release(self) -> None:
        self._twin.release()
        self._places.release()
        self._shares.release()


def _claims(picture: Picture | None, place: NDArray[np.float64], weight: float) -> list[Claim]:
    if picture is None or weight <= 0.0 or not len(picture.shares):
        return []
    shares = _sample(np.moveaxis(picture.shares.astype(np.float32), 0, -1), *place)
    named = zip(picture.state.lineage.ancestors, shares.tolist(), strict=False)
    serial, seed = picture.state.picture, picture.state.seed
    return [Claim(ancestor, share * weight, serial, seed) for ancestor, share in named if share * weight > 1e-3]


def _sample(grid: NDArray[np.floating[Any]], x: float, y: float) -> NDArray[np.float64]:
    """A grid (rows, columns, n) at a place in 0..1, between the middles of its cells."""
    rows, columns = grid.shape[:2]
    column, row = np.clip((x * columns - 0.5, y * rows - 0.5), 0, (columns - 1, rows - 1))
    i, j = min(int(column), max(0, columns - 2)), min(int(row), max(0, rows - 2))
    u, v = column - i, row - j
    i1, j1 = min(i + 1, columns - 1), min(j + 1, rows - 1)
    top = grid[j, i] * (1 - u) + grid[j, i1] * u
    return np.asarray(top * (1 - v) + (grid[j1, i] * (1 - u) + grid[j1, i1] * u) * v, np.float64)


def colour(ancestor: int) -> tuple[float, float, float]:
    """The colour of a fragment, the same for ever: hues a golden angle apart, so that neighbours differ."""
    turn = (ancestor * 0.61803398875) % 1.0
    red, green, blue = (0.5 + 0.5 * np.cos(2 * np.pi * (turn + third)) for third in (0.0, 1 / 3, 2 / 3))
    return float(red), float(green), float(blue)


def _coloured(picture: Picture) -> NDArray[np.float32]:
    shares = picture.shares.astype(np.float32)  # (n, rows, columns)
    ancestors = picture.state.lineage.ancestors[: len(shares)]
    shares = shares[: len(ancestors)]
    rows = np.linspace(0, shares.shape[1] - 1, 16).round().astype(int)
    columns = np.linspace(0, shares.shape[2] - 1, 16).round().astype(int)
    shares = shares[:, rows][:, :, columns] ** 2  # whoever has most is seen
    colours = np.asarray([colour(ancestor.id) for ancestor in ancestors], np.float32).reshape(-1, 3)
    mixed = np.tensordot(shares, colours, (0, 0)) / np.maximum(shares.sum(0), 1e-6)[..., None]
    largest = np.sqrt(shares.max(0)) if len(shares) else np.zeros((16, 16), np.float32)
    return np.dstack([mixed, largest]).astype(np.float32)
