"""A small, whole mind for tests: an exact RGB codec, a bag-of-words text space, painted shapes, a fitted reader.

Nothing here is used by the engine. It is quick and small, and the words are really in the pictures, so that the
mechanism can be seen at work without trained weights.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.mind.calibrate import fit
from engine.mind.memory.founding import Table
from engine.mind.model.contract import Contract
from engine.mind.options import MindOptions
from engine.mind.parts import Parts
from engine.painter.attributes import Attributes
from engine.painter.recipe import Recipe

torch.set_num_threads(1)  # small tensors: two threads on a busy machine wait for each other, 40 times slower
SIDE, CELLS, DIM = 64, 16, 64
COLOURS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.7, 0.2), "blue": (0.1, 0.2, 0.9), "golden": (0.9, 0.8, 0.2),
           "white": (0.95, 0.95, 0.95), "violet": (0.5, 0.1, 0.7)}  # fmt: skip
SHAPES = ("moon", "mountain", "river", "tower")
GROUNDS = {"at night": (0.02, 0.03, 0.1), "at noon": (0.5, 0.7, 0.95), "in the fog": (0.6, 0.6, 0.62), "under a dark sky": (0.2, 0.2, 0.25)}
CAPTIONS = [f"a {colour} {shape} {ground}" for colour, shape, ground in itertools.product(COLOURS, SHAPES, GROUNDS)]


@functools.cache
def word_vector(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")
    return np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)


def vector(words: str) -> np.ndarray:
    """Bag of words: (DIM,) unit."""
    found = [word_vector(word) for word in re.findall(r"\w+", words.casefold())] or [word_vector("")]
    total = np.sum(found, 0)
    return (total / np.linalg.norm(total)).astype(np.float32)


def painted(caption: str, seed: int = 0) -> Tensor:
    """(3, SIDE, SIDE) u8: what a caption of CAPTIONS says, a little differently for each seed."""
    rng = np.random.default_rng(seed)
    _, colour, shape, *ground = caption.split(" ", 3)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    picture = np.array(GROUNDS[" ".join(ground)])[:, None, None] + 0.1 * (rng.random() + y - 0.5)[None]
    cx, cy = 0.5 + 0.2 * rng.standard_normal(2)
    mask = {"moon": (x - cx) ** 2 + (y - 0.35) ** 2 < 0.04, "mountain": y > 0.3 + 1.2 * abs(x - cx),
            "river": abs(x - 0.5 - 0.15 * np.sin(7 * y + 9 * cx)) < 0.12, "tower": (abs(x - cx) < 0.09) & (y > 0.2 * cy + 0.1)}[shape]  # fmt: skip
    picture = np.where(mask[None], np.array(COLOURS[colour])[:, None, None] * (0.8 + 0.2 * y), picture)
    return torch.from_numpy((picture.clip(0, 1) * 255).astype(np.uint8))


@functools.cache
def table() -> Table:
    """The founding memories of the small mind: recipes whose kind is their whole caption."""
    order = np.random.default_rng(7).permutation(len(CAPTIONS))
    recipes = [Recipe(Attributes(CAPTIONS[at]), number) for number, at in enumerate(order)]
    said = [recipe.shows.kind for recipe in recipes]
    latents = torch.stack([painter().encode(paint(recipe, (SIDE, SIDE))) for recipe in recipes])
    return Table(said, np.stack([vector(words) for words in said]), painter().reader.vector(latents), recipes)


def paint(recipe: Recipe, size: tuple[int, int]) -> np.ndarray:
    """(SIDE, SIDE, 3) u8."""
    return painted(recipe.shows.kind, recipe.seed).permute(1, 2, 0).numpy()


class Codec:
    """Pictures to latents and back: RGB on a coarser grid, of about unit variance. Exact on what it has decoded."""

    name, structure, size, latent = "small", "small", (SIDE, SIDE), (3, CELLS, CELLS)
    carries = None

    def vector(self, words: str) -> np.ndarray:
        return vector(words)

    def encode(self, rgb: np.ndarray) -> Tensor:
        picture = torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255
        return (F.adaptive_avg_pool2d(picture, CELLS)[0] - 0.4) * 3.0

    def decode(self, latent: Tensor) -> np.ndarray:
        picture = F.interpolate(latent[None] / 3.0 + 0.4, (SIDE, SIDE), mode="nearest")[0]
        rgb = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return np.concatenate([rgb, np.full((SIDE, SIDE, 1), 255, np.uint8)], 2)


class Painter(Codec):
    """A small dreamer that really answers to words: a linear map from their vector to a latent, fitted to the shapes."""

    def __init__(self) -> None:
        latents = torch.stack([self.encode(painted(c, n).permute(1, 2, 0).numpy()) for n, c in enumerate(CAPTIONS * 3)])
        vectors = np.stack([vector(c) for c in CAPTIONS * 3])
        penalty = 0.05 * np.eye(DIM)
        flat = latents.flatten(1).numpy()
        self.mean = flat.mean(0)
        self.map = np.linalg.solve(vectors.T @ vectors + penalty, vectors.T @ (flat - self.mean)).astype(np.float32)
        self.reader = fit(latents, vectors)
        self.contract = Contract()

    def condition(self, words: str) -> Tensor:
        return torch.from_numpy(np.stack([vector(words)] * 2))

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        said = torch.from_numpy(condition.mean(0).numpy() @ self.map + self.mean).reshape(self.latent)
        said = said + 0.15 * noise
        return said if start is None else start * (1 - strength) + said * strength

    def paint(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0, *, asked: float = 0) -> tuple[np.ndarray, Tensor]:
        begun = time.monotonic()
        latent = self.imagine(condition, noise, start, strength)
        rgba = self.decode(latent)
        self.contract.picture(time.monotonic(), 1e3 * (time.monotonic() - begun), asked)
        return rgba, latent

    def lower(self) -> None:
        self.contract.exhausted(time.monotonic())

    def rise(self) -> None:
        pass


@functools.cache
def painter() -> Painter:
    return Painter()


def parts(**changes: Any) -> Parts:
    """The small parts; `changes` put others in their place."""
    made: dict[str, Any] = {"dreamer": painter(), "reader": painter().reader, "space": "small", "table": table(), "paint": paint}
    return Parts(**(made | changes))


def options(folder: Path, **changes: Any) -> MindOptions:
    made: dict[str, Any] = {"archive": folder, "size": (SIDE, SIDE), "founding": 96, "recalled": 48, "think_every": 3}
    return MindOptions(**(made | changes))
