"""A dreamer that only looks: the shipped codec and the shipped text space, without a UNet."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.mind.model import embedded
from engine.mind.model.encoder import Encoder
from engine.mind.model.lapped import Lapped


class Lens:
    """At `places` x `places` of 8 pixels. What dreams is not there, and not asked for."""

    name = structure = "lens"
    contract: Any = None

    def __init__(self, places: int) -> None:
        self.codec, self.words = Lapped.load(embedded.FOLDER / "codec"), Encoder()
        self.carries: torch.Tensor | None = self.codec.carries
        self.size, self.latent = (8 * places, 8 * places), (self.codec.channels, places, places)

    def vector(self, words: str) -> np.ndarray:
        return np.asarray(self.words.sentence([words])[0])

    def encode(self, rgb: np.ndarray) -> torch.Tensor:
        return self.codec.encode(torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float() / 255)[0]

    def decode(self, latent: torch.Tensor) -> np.ndarray:
        rgb = self.codec.decode(latent[None])[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
        return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], 2)

    def _none(self, *args: Any, **more: Any) -> Any:
        raise NotImplementedError("a lens does not dream")

    condition = imagine = paint = lower = rise = _none
