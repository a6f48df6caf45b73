"""A dreamer that adds nothing: what was composed is what is shown, decoded by a model's own codec."""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.dreamer import Dreamer
from engine.mind.memory.space import Vector


class Composed:
    """Wraps a model for its words and its codec; its own dreaming is never called. Two threads may use it."""

    def __init__(self, model: Dreamer):
        self._model = model
        self.name = "composed"
        self.size, self.latent, self.carries = model.size, model.latent, model.carries
        self.structure, self.contract = f"composed {model.structure}", model.contract

    def vector(self, words: str) -> Vector:
        return self._model.vector(words)

    def condition(self, words: str) -> Tensor:
        """(1, d): the words' own direction."""
        return torch.from_numpy(np.asarray(self.vector(words), np.float32))[None]

    def encode(self, rgb: NDArray[np.uint8]) -> Tensor:
        return self._model.encode(rgb)

    def decode(self, latent: Tensor) -> NDArray[np.uint8]:
        return self._model.decode(latent)

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        """What it begins with; without anything to begin with, what is most usual."""
        return torch.zeros(self.latent) if start is None else start.clone()

    def paint(
        self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0, *,
        asked: float = 0.0,
    ) -> tuple[NDArray[np.uint8], Tensor]:
        begun = time.monotonic()
        latent = self.imagine(condition, noise, start, strength)
        rgba = self.decode(latent)
        now = time.monotonic()
        self.contract.picture(now, 1e3 * (now - begun), asked)
        return rgba, latent

    def lower(self) -> None:
        """Memories have one size, and what is composed of them too."""
        self.contract.exhausted(time.monotonic())

    def rise(self) -> None:
        """Nothing was given up."""
