"""Colour tables in the .cube format of Adobe and Iridas (Cube LUT Specification 1.0): how a projector is made honest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core import foreign


class LutError(ValueError):
    """A table cannot be read; the message names file, line and what is wanted."""


def read(path: Path) -> NDArray[np.float32]:
    """The table as (n, n, n, 3) f4, blue slowest, red quickest, 0..1. A one-dimensional table is opened to 33 cubed."""
    size, flat = 0, 0
    low, high = np.zeros(3), np.ones(3)
    rows: list[list[float]] = []
    for number, line in enumerate(foreign.any_text(path).splitlines(), 1):
        words = line.split("#")[0].split()
        try:
            match words:
                case [] | ["TITLE", *_]:
                    continue
                case ["LUT_3D_SIZE", n]:
                    size = int(n)
                case ["LUT_1D_SIZE", n]:
                    flat = int(n)
                case ["DOMAIN_MIN", *rest]:
                    low = np.array(rest, float)
                case ["DOMAIN_MAX", *rest]:
                    high = np.array(rest, float)
                case [_, _, _]:
                    rows.append([float(word) for word in words])
                case _:
                    raise ValueError
        except ValueError:
            raise LutError(f"{path}:{number}: {line.strip()!r} is no line of a .cube file") from None
    if not size and not flat:
        raise LutError(f"{path}: neither LUT_3D_SIZE nor LUT_1D_SIZE")
    wanted = size**3 or flat
    if len(rows) != wanted or not np.isfinite(rows).all():
        raise LutError(f"{path}: {wanted} rows of three numbers are announced, {len(rows)} are there")
    if not (np.allclose(low, 0) and np.allclose(high, 1)):
        raise LutError(f"{path}: a domain of {low} to {high} is not supported; export it for 0 to 1")
    table = np.asarray(rows, np.float32)
    return table.reshape(size, size, size, 3) if size else _open(table)


def _open(curves: NDArray[np.float32], size: int = 33) -> NDArray[np.float32]:
    places, known = np.linspace(0, 1, size), np.linspace(0, 1, len(curves))
    red, green, blue = (np.interp(places, known, curve) for curve in curves.T)
    b, g, r = np.meshgrid(blue, green, red, indexing="ij")
    return np.stack([r, g, b], -1).astype(np.float32)
