"""How the wall lies on what it is projected onto: one Mapping for each output, kept in a TOML file.

Places are (x, y) with 0, 0 at the top left, 1, 1 at the bottom right. Nothing here touches OpenGL.

    [left]
    monitor = "HDMI-1"
    part = [0.0, 0.0, 0.6, 1.0]            # x, y, w, h: which part of the wall this output shows
    corners = [[0.02, 0.0], [1.0, 0.01], [0.98, 1.0], [0.0, 0.97]]   # where its corners lie, clockwise from top left
    mesh = [[[0.0, 0.0], [0.01, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]     # rows x columns of offsets, for curved walls
    blend = [0.0, 0.0, 0.3333, 0.0]        # left, top, right, bottom: how much of the part overlaps a neighbour
    gamma = 2.2                            # of the projector: blending is linear in light
    black = 0.02                           # how bright its black is: lifts what does not overlap
    mask = "mask.png"                      # white is seen; lies beside this file
    hide = [[[0.8, 0.9], [1.0, 0.9], [1.0, 1.0]]]                    # polygons that stay dark
    lut = "projector.cube"
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from numpy.typing import NDArray

from engine.core import toml

Point = tuple[float, float]
SQUARE: tuple[Point, ...] = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
FLAT: tuple[tuple[Point, ...], ...] = (((0.0, 0.0),) * 2,) * 2
FINE = 32  # cells a side that a mapping is cut into: a homography is straight lines within each


class MappingError(ValueError):
    """A mapping cannot be used; the message names what was found, what is possible and the nearest."""


@dataclass(frozen=True)
class Mapping:
    """One output. Frozen: every edit makes a new one."""

    monitor: str = ""
    part: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    corners: tuple[Point, ...] = SQUARE
    mesh: tuple[tuple[Point, ...], ...] = FLAT
    blend: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    gamma: float = 2.2
    black: float = 0.0
    mask: str = ""
    hide: tuple[tuple[Point, ...], ...] = field(default=())
    lut: str = ""

    @property
    def plain(self) -> bool:
        """Whether this output shows the wall as it is."""
        return replace(self, monitor="", gamma=2.2) == Mapping()

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where points of the part (n, 2) lie on the output, (n, 2)."""
        offset = _bilinear(np.asarray(self.mesh, float), points)
        return homography(self.corners, points + offset)

    def vertices(self) -> NDArray[np.float32]:
        """Triangles that cover the part: (n, 4) f4 rows of output x, y and part u, v."""
        side = np.linspace(0.0, 1.0, FINE + 1)
        uv = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
        grid = np.concatenate([self.place(uv), uv], 1).reshape(FINE + 1, FINE + 1, 4)
        a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
        return np.stack([a, b, c, a, c, d], 2).reshape(-1, 4).astype(np.float32)

    def find(self, point: Point) -> Point | None:
        """Which place of the wall lies at this point of the output; None beside it. Newton's method on `place`."""
        guess = np.array([[0.5, 0.5]])
        for _ in range(12):
            here = self.place(guess)
            step = 1e-4
            across = (self.place(guess + np.array([step, 0.0])) - here) / step
            down = (self.place(guess + np.array([0.0, step])) - here) / step
            matrix = np.stack([across[0], down[0]], 1)
            guess = guess + np.linalg.lstsq(matrix, np.asarray(point) - here[0], rcond=None)[0]
        u, v = guess[0]
        if not (-1e-6 <= u <= 1 + 1e-6 and -1e-6 <= v <= 1 + 1e-6):
            return None
        x, y, w, h = self.part
        return (float(x + u * w), float(y + v * h))

    # --- edits

    def moved_corner(self, index: int, to: Point) -> Mapping:
        """With one corner (0..3, clockwise from top left) elsewhere."""
        return replace(self, corners=tuple(to if i == index else c for i, c in enumerate(self.corners)))

    def with_mesh(self, rows: int, columns: int) -> Mapping:
        """With a mesh of so many points that has the form of the present one."""
        if not (2 <= rows <= 33 and 2 <= columns <= 33):
            raise MappingError(f"a mesh has 2 to 33 rows and columns, not {rows} x {columns}")
        u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
        made = _bilinear(np.asarray(self.mesh, float), np.stack([u, v], -1).reshape(-1, 2)).reshape(rows, columns, 2)
        return replace(self, mesh=_points(made))

    def moved_point(self, row: int, column: int, offset: Point) -> Mapping:
        """With one point of the mesh this far from where it would lie."""
        made = np.asarray(self.mesh, float)
        if not (0 <= row < made.shape[0] and 0 <= column < made.shape[1]):
            raise MappingError(f"the mesh has {made.shape[0]} x {made.shape[1]} points, there is no {row}, {column}")
        made[row, column] = offset
        return replace(self, mesh=_points(made))


def _points(grid: NDArray[np.float64]) -> tuple[tuple[Point, ...], ...]:
    return tuple(tuple((float(x), float(y)) for x, y in row) for row in grid)


def _bilinear(grid: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of a grid (rows, columns, 2) at places (n, 2) in 0..1."""
    rows, columns = grid.shape[0] - 1, grid.shape[1] - 1
    x, y = np.clip(points[:, 0], 0, 1) * columns, np.clip(points[:, 1], 0, 1) * rows
    i, j = np.minimum(x.astype(int), columns - 1), np.minimum(y.astype(int), rows - 1)
    u, v = (x - i)[:, None], (y - j)[:, None]
    top = grid[j, i] * (1 - u) + grid[j, i + 1] * u
    return np.asarray(top * (1 - v) + (grid[j + 1, i] * (1 - u) + grid[j + 1, i + 1] * u) * v)


def homography(corners: Sequence[Point], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points of the unit square (n, 2) come to lie when its corners are pulled apart: lines stay lines.

    After P. Heckbert, "Fundamentals of Texture Mapping and Image Warping" (Berkeley, 1989), section 2.2.3.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    dx1, dy1, dx2, dy2 = x1 - x2, y1 - y2, x3 - x2, y3 - y2
    sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    turns = [_turn(corners[i], corners[(i + 1) % 4], corners[(i + 2) % 4]) for i in range(4)]
    if min(map(abs, turns)) < 1e-6 or len({turn > 0 for turn in turns}) > 1:
        raise MappingError("three corners lie on one line or the sides cross; pull one of them away, or reset")
    below = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / below, (dx1 * sy - sx * dy1) / below
    u, v = points[:, 0], points[:, 1]
    w = g * u + h * v + 1
    x = ((x1 - x0 + g * x1) * u + (x3 - x0 + h * x3) * v + x0) / w
    y = ((y1 - y0 + g * y1) * u + (y3 - y0 + h * y3) * v + y0) / w
    return np.stack([x, y], 1)


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


# --- the file --------------------------------------------------------------------------------------------------------


def load(path: Path) -> dict[str, Mapping]:
    """Mappings by the name of their output. Raises MappingError for anything unknown, naming the nearest."""
    return {name: _mapping(path, name, table) for name, table in toml.table(path, MappingError).items()}


def _mapping(path: Path, name: str, table: Any) -> Mapping:
    if not isinstance(table, dict):
        raise MappingError(f"{path}: {name} stands outside of an output; begin with a line like [wall]")
    made = toml.build(Mapping, table, f"{path}: [{name}]", MappingError)
    if len(made.corners) != 4:
        raise MappingError(f"{path}: [{name}] corners wants 4 x 2 numbers, found {table['corners']!r}")
    if len({len(row) for row in made.mesh}) != 1 or min(np.shape(made.mesh)[:2]) < 2:
        raise MappingError(f"{path}: [{name}] mesh wants at least 2 x 2 pairs of numbers, as many in each row")
    homography(made.corners, np.zeros((1, 2)))
    return made


def save(path: Path, mappings: dict[str, Mapping]) -> None:
    """Write the file whole or not at all."""
    tables = {
        name: {f.name: _rounded(getattr(mapping, f.name)) for f in fields(Mapping) if getattr(mapping, f.name) != f.default}
        for name, mapping in mappings.items()
    }
    temporary = path.with_suffix(path.suffix + ".new")
    temporary.write_text(tomli_w.dumps(tables), encoding="utf-8")
    temporary.replace(path)


def _rounded(value: Any) -> Any:
    """A millionth of a wall is less than a pixel, and reads better."""
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    return round(float(value), 6) if isinstance(value, float | int) else value


# --- by message ------------------------------------------------------------------------------------------------------

def _field(name: str, value: Any) -> dict[str, Any]:
    return {name: value}


COMMANDS = ("corner", "point", "mesh", "blend", "gamma", "black", "part", "mask", "lut", "reset")


def edited(mapping: Mapping, command: str, args: Sequence[Any]) -> Mapping:
    """What `/hm/mapping/<output>/<command> args` makes of a mapping. Raises MappingError."""
    try:
        match command, tuple(args):
            case "corner", (int(index), x, y) if 0 <= index < 4:
                made = mapping.moved_corner(index, (float(x), float(y)))
                homography(made.corners, np.zeros((1, 2)))
                return made
            case "point", (int(row), int(column), x, y):
                return mapping.moved_point(row, column, (float(x), float(y)))
            case "mesh", (int(rows), int(columns)):
                return mapping.with_mesh(rows, columns)
            case "blend", (a, b, c, d):
                return replace(mapping, blend=(float(a), float(b), float(c), float(d)))
            case "part", (a, b, c, d):
                return replace(mapping, part=(float(a), float(b), float(c), float(d)))
            case ("gamma" | "black" as name), (value,):
                return replace(mapping, **_field(name, float(value)))
            case ("mask" | "lut" as name), (str(file),):
                return replace(mapping, **_field(name, file))
            case "reset", ():
                return Mapping(monitor=mapping.monitor, part=mapping.part)
    except (TypeError, ValueError) as error:
        if isinstance(error, MappingError):
            raise
        raise MappingError(f"{command} takes numbers, not {list(args)!r}") from None
    near = get_close_matches(command, COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near and command not in COMMANDS else f"there are: {', '.join(COMMANDS)}"
    raise MappingError(f"no mapping command {command} {list(args)!r}; {hint}")
