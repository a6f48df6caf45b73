"""What a mind asks of a picture model and of a reader; whoever answers so can be dreamt with."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.memory.space import Vector
from engine.mind.model.contract import Contract


class Dreamer(Protocol):
    """A few-step model at one size (`engine.mind.model.model.Model`, `engine.mind.composed.Composed`). Latents: unit variance by channel."""

    name: str
    size: tuple[int, int]
    latent: tuple[int, int, int]
    structure: str
    contract: Contract  # the SLO of its pictures

    @property
    def carries(self) -> Tensor | None:
        """(c,): how much of a picture a unit of each channel carries; None: all alike."""

    def vector(self, words: str) -> Vector:
        """(d,) unit: the text space of recall."""

    def condition(self, words: str) -> Tensor:
        """(tokens, dim) f32; do not write to it."""

    def encode(self, rgb: NDArray[np.uint8]) -> Tensor:
        """(h, w, 3) -> (c, h/8, w/8) f32."""

    def decode(self, latent: Tensor) -> NDArray[np.uint8]:
        """(c, h/8, w/8) -> (h, w, 4)."""

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        """A latent that nobody sees."""

    def paint(
        self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0, *,
        asked: float = 0.0,
    ) -> tuple[NDArray[np.uint8], Tensor]:
        """The next picture of the stream, noted in the contract, and its latent. `asked`: monotonic seconds at which its words were asked for."""

    def lower(self) -> None:
        """The contract says that pictures of this size are too slow: those to come are smaller, if they can be."""

    def rise(self) -> None:
        """Pictures of the size that was given up last, where the contract finds time for them again. Called after each picture."""


class Reads(Protocol):
    """Reads what a picture shows: its vector in the text space."""

    def vector(self, latents: Tensor) -> Any:
        """(n, c, h, w) -> (n, d) unit, a tensor or an array."""
