"""Mapping by hand, on the wall itself: keys and mouse move corners and mesh points. No OpenGL here.

    F1          begin, end             Tab         next output
    mouse       drag the nearest point  1 2 3 4    a corner
    arrows      move it a little (with Shift: more)
    M           corners or mesh         + -        finer or coarser mesh
    G / Shift G gamma up / down         B / Shift B  black lift up / down
    T           test card               R          reset this output        S   save
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.stage.mapping import Mapping, MappingError, Point, homography

NUDGE, SHOVE = 0.0005, 0.005  # of the output's width and height
ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


class Editor:
    """Edits `mappings` in place of a person's hands; `changed` is told the output's name after each edit."""

    def __init__(
        self, mappings: dict[str, Mapping], changed: Callable[[str], None], save: Callable[[], None],
        test: Callable[[], None],
    ):  # fmt: skip
        self.mappings, self.active = mappings, False
        self.output = next(iter(mappings))
        self.mesh = False  # corners otherwise
        self.selected = 0
        self._changed, self._save, self._test = changed, save, test
        self._dragging = False

    @property
    def mapping(self) -> Mapping:
        return self.mappings[self.output]

    def handles(self) -> NDArray[np.float64]:
        """Where the points that can be moved lie on the output, (n, 2)."""
        if not self.mesh:
            return np.asarray(self.mapping.corners, float)
        rows, columns = len(self.mapping.mesh), len(self.mapping.mesh[0])
        u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
        return self.mapping.place(np.stack([u, v], -1).reshape(-1, 2))

    def key(self, name: str, shift: bool = False) -> None:
        """A key was pressed: its lower-case name, as in the table above."""
        if name == "f1":
            self.active = not self.active
        if not self.active:
            return
        sign = -1 if shift else 1
        if name in ARROWS:
            step = SHOVE if shift else NUDGE
            x, y = self.handles()[self.selected]
            self._move((x + ARROWS[name][0] * step, y + ARROWS[name][1] * step))
        elif name in "1234" and not self.mesh:
            self.selected = int(name) - 1
        elif name == "tab":
            names = list(self.mappings)
            self.output, self.selected = names[(names.index(self.output) + 1) % len(names)], 0
        elif name == "m":
            self.mesh, self.selected = not self.mesh, 0
        elif name in "+-":
            more = 1 if name == "+" else -1
            rows, columns = len(self.mapping.mesh) + more, len(self.mapping.mesh[0]) + more
            self.selected = 0
            if min(rows, columns) >= 2 and max(rows, columns) <= 33:
                self._put(self.mapping.with_mesh(rows, columns))
        elif name == "g":
            self._put(replace(self.mapping, gamma=min(4.0, max(1.0, round(self.mapping.gamma + 0.05 * sign, 4)))))
        elif name == "b":
            self._put(replace(self.mapping, black=min(0.3, max(0.0, round(self.mapping.black + 0.002 * sign, 4)))))
        elif name == "r":
            self._put(Mapping(monitor=self.mapping.monitor, part=self.mapping.part))
        else:
            {"s": self._save, "t": self._test}.get(name, lambda: None)()

    def press(self, at: Point) -> None:
        """The mouse button goes down at a place of the output: take the nearest point."""
        if self.active:
            self.selected = int(np.argmin(np.hypot(*(self.handles() - np.asarray(at)).T)))
            self._dragging = True

    def drag(self, to: Point) -> None:
        """The mouse has moved."""
        if self.active and self._dragging:
            self._move(to)

    def release(self) -> None:
        self._dragging = False

    def _move(self, to: Point) -> None:
        mapping = self.mapping
        if not self.mesh:
            self._put(mapping.moved_corner(self.selected, to))
            return
        rows, columns = len(mapping.mesh), len(mapping.mesh[0])
        row, column = divmod(self.selected, columns)
        home = np.array([column / (columns - 1), row / (rows - 1)])
        here = _back(mapping.corners, np.asarray(to))
        self._put(mapping.moved_point(row, column, (float(here[0] - home[0]), float(here[1] - home[1]))))

    def _put(self, mapping: Mapping) -> None:
        try:
            homography(mapping.corners, np.zeros((1, 2)))
        except MappingError:
            return  # a hand that goes too far: the point stays where it last made sense
        self.mappings[self.output] = mapping
        self._changed(self.output)


def _back(corners: tuple[Point, ...], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """The point of the unit square that a corner pin puts at `place`, by Newton's method."""
    guess = np.array([0.5, 0.5])
    for _ in range(12):
        points = guess + np.array([[0.0, 0.0], [1e-4, 0.0], [0.0, 1e-4]])
        here, across, down = homography(corners, points)
        matrix = np.stack([(across - here) / 1e-4, (down - here) / 1e-4], 1)
        guess = guess + np.linalg.lstsq(matrix, place - here, rcond=None)[0]
    return guess
