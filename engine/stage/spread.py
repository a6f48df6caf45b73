"""Spread: how far the outputs of a wall are apart, measured on what they show.

Outputs are the parts that the mapping file gives to projectors, where there are several; on one projector they are the
panels of a `copies` verb. 0 is the same picture everywhere; otherwise no two are alike by less than this.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import moderngl
import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.stage.isf import Size
from engine.stage.layer import Layer
from engine.stage.mapping import Mapping

EVERY = 0.5  # seconds between two measurements: reading a wall of two megapixels takes some ms
PANELS = "copies"  # the verb that makes several of one
Place = tuple[int, int, int, int]  # left, bottom, width, height in pixels, from the lower left


def outputs(mappings: Iterable[Mapping], layer: Layer, size: Size) -> list[Place]:
    """Which pixels of a wall of this size each output shows, all cut to the smallest; [] where there is one alone."""
    width, height = size
    shown = [mapping.part for mapping in mappings]
    if len(shown) > 1:
        w, h = (int(min(part[k] for part in shown) * side + 1e-6) for k, side in ((2, width), (3, height)))
        return [(int(x * width + 1e-6), int((1.0 - y - tall) * height + 1e-6), w, h) for x, y, _, tall in shown]
    found = next((dict(each.values) for each in layer.walk() if each.verb == PANELS), None)
    if found is None:
        return []
    columns, rows = (max(1, round(float(str(found.get(name, usual))))) for name, usual in (("columns", 3), ("rows", 1)))
    w, h = width // columns, height // rows
    return [(i * w, j * h, w, h) for j in range(rows) for i in range(columns)] if columns * rows > 1 else []


def pixels(wall: moderngl.Texture) -> NDArray[np.float32]:
    """What was drawn (h, w, components) 0..1, lowest row first, as it lies on the GPU: sampling it would round. GL thread only."""
    kept: dict[str, tuple[DTypeLike, float]] = {"f1": (np.uint8, 255.0), "f2": (np.float16, 1.0), "f4": (np.float32, 1.0)}
    kind, scale = kept[wall.dtype]
    read = np.frombuffer(wall.read(alignment=1), kind).astype(np.float32) / scale
    return read.clip(0.0, 1.0).reshape(wall.height, wall.width, wall.components)


def spread(wall: NDArray[np.float32], places: Sequence[Place]) -> float:
    """0..1: the least rms distance between two of these places of a wall (h, w, 3 or more) 0..1, lowest row first; 0 of fewer than two."""
    cut = [wall[y : y + h, x : x + w, :3] for x, y, w, h in places if w > 0 and h > 0]
    apart = (float(np.sqrt(np.mean((a - b) ** 2))) for a, b in itertools.combinations(cut, 2) if a.shape == b.shape)
    return min(apart, default=0.0)
