"""A dreamer without a trained one: closed-form synthesis from memories alone, decoded by the autoencoder.

It answers like any model: a condition (here: one direction in text space) and noise become a latent. What it denoises
with are the memories which that direction recalls, so the start matters as in image-to-image: `strength` says how much
of it is dreamt anew.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.compose import Schedule, compose
from engine.mind.dreamer import Dreamer
from engine.mind.memory.recall import Recaller
from engine.mind.memory.space import Vector

STEPS = 3  # steps for one picture of the stream


class Composed:
    """Wraps a model for its words and its autoencoder; its own dreaming is never called. Two threads may use it."""

    def __init__(self, model: Dreamer):
        self._model = model
        self.name = "composed"
        self.size, self.latent = model.size, model.latent
        self.structure, self.contract = f"composed {model.structure}", model.contract
        self.recall: Recaller | None = None  # set by the mind: direction -> (latents, prior)

    def vector(self, words: str) -> Vector:
        return self._model.vector(words)

    def condition(self, words: str) -> Tensor:
        """(1, 384): the words' own direction."""
        return torch.from_numpy(np.asarray(self.vector(words), np.float32))[None]

    def encode(self, rgb: NDArray[np.uint8]) -> Tensor:
        return self._model.encode(rgb)

    def decode(self, latent: Tensor) -> NDArray[np.uint8]:
        return self._model.decode(latent)

    @torch.inference_mode()
    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        """Denoise `start`, noised to `strength`, among the memories that `condition` (1, d) recalls."""
        assert self.recall is not None, "a composed dreamer needs a memory"
        memories, prior = self.recall(condition[0].numpy())
        top = 0.2 + 2.8 * (1.0 if start is None else strength) ** 2  # sigma; latents have unit variance
        schedule = Schedule(STEPS, noise=(top, min(0.2, top)))
        noised = noise * top if start is None else start + noise * top
        return compose(torch.from_numpy(memories), torch.from_numpy(prior).float(), noised, schedule).latent

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
