"""The memories that a mind is born with: a table of recipes that ships beside the weights and is only read.

What a recipe says (t) and what is read in its picture (v) are in the table, so that all of them can be recalled from the
first second; the pictures themselves are painted when they are wanted. A recipe that became a parent of something that
is kept lies in the archive from then on, like everybody else.

Recipes are fragments with negative numbers: -1 - row for those of the table, -number for those that stand in no table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from engine.mind.memory.space import Vector
from engine.painter.attributes import Attributes
from engine.painter.recipe import FIELDS, Recipe

FILE = "founding.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Founding memories. Never changes; any thread."""

    captions: Sequence[str]
    t: Vector  # (n, d) unit: what the captions mean
    v: Vector  # (n, d): what is read in the pictures
    recipes: Sequence[Recipe] = ()

    def __len__(self) -> int:
        return len(self.captions)

    def first(self, count: int) -> Table:
        """The first `count` of them; 0 means all."""
        if not 0 < count < len(self):
            return self
        return Table(self.captions[:count], self.t[:count], self.v[:count], self.recipes[:count])

    @staticmethod
    def number(row: int) -> int:
        """The fragment that a row of the table is."""
        return -1 - row


NONE = Table((), np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32))


def save(path: Path, table: Table) -> None:
    """Write a table with its recipes: a kilobyte a memory. Its readings are those of the reader that lies beside it."""
    words = sorted({value for recipe in table.recipes for value in asdict(recipe.shows).values()})
    place = {word: number for number, word in enumerate(words)}
    if len(words) > 255:
        raise ValueError(f"{len(words)} different words; a table holds 255")
    shows = np.array([[place[getattr(recipe.shows, name)] for name in FIELDS] for recipe in table.recipes], np.uint8)
    about = {"words": json.dumps(words), "fields": json.dumps(FIELDS), "captions": json.dumps(list(table.captions), ensure_ascii=False)}
    t, t_scale = _packed(table.t)
    v, v_scale = _packed(table.v)
    seeds = np.array([recipe.seed for recipe in table.recipes], np.int64)
    versions = np.array([recipe.version for recipe in table.recipes], np.uint8)
    columns: dict[str, NDArray[Any]] = {"shows": shows, "seeds": seeds, "versions": versions, "t": t, "t_scale": t_scale, "v": v, "v_scale": v_scale}
    save_file(columns, path, about)


def load(path: Path) -> Table:
    """Read what `save` wrote: 12,000 memories in 0.1 s, their recipes when they are wanted. FileNotFoundError where there is none."""
    if not path.is_file():
        raise FileNotFoundError(f"no founding memories: {path} is missing; make them with `hypermnesia train`")
    with safe_open(path, "np") as file:
        about = file.metadata() or {}
        column = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    t, v = (column[name].astype(np.float32) * column[f"{name}_scale"] for name in ("t", "v"))
    recipes = Written(json.loads(about["words"]), json.loads(about["fields"]), column["shows"], column["seeds"], column["versions"])
    return Table(tuple(json.loads(about["captions"])), t, v, recipes)


@dataclass(frozen=True, slots=True, eq=False)
class Written(Sequence[Recipe]):
    """Recipes as they are written: each is read when somebody asks for it, so that a start does not wait for all."""

    words: Sequence[str]
    fields: Sequence[str]
    shows: NDArray[np.uint8]  # (n, fields): places in `words`
    seeds: NDArray[np.int64]  # (n,)
    versions: NDArray[np.uint8]  # (n,)

    def __len__(self) -> int:
        return len(self.seeds)

    @overload
    def __getitem__(self, row: int) -> Recipe: ...
    @overload
    def __getitem__(self, row: slice) -> Written: ...
    def __getitem__(self, row: int | slice) -> Recipe | Written:
        if isinstance(row, slice):
            return Written(self.words, self.fields, self.shows[row], self.seeds[row], self.versions[row])
        shown = (self.words[code] for code in self.shows[row].tolist())
        return Recipe(Attributes(**dict(zip(self.fields, shown, strict=True))), int(self.seeds[row]), int(self.versions[row]))


def _packed(vectors: Vector) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Vectors (n, d) as bytes and a scale (n, 1) each: cosines change by less than .002."""
    scale = np.abs(vectors).max(1, keepdims=True).astype(np.float32) / 127
    return np.round(vectors / np.maximum(scale, 1e-12)).astype(np.int8), scale
