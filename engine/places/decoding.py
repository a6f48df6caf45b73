"""Pictures out of latents on a machine that does not dream: a model's decoder, and nothing else of it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from engine.core.messages import Picture
from engine.mind.model.codec import Codec, Tiny

TINY = ("StableDiffusionPipeline", "LatentConsistencyModelPipeline", "StableDiffusionXLPipeline")  # whose decoder is opened by itself


class Decodes(Protocol):
    """What makes pixels of latents. Tests put their own in."""

    @property
    def carries(self) -> NDArray[np.float32] | None: ...
    def rgba(self, picture: Picture) -> NDArray[np.uint8]: ...


class Decoder:
    """Decodes on a GPU where there is one. Not thread-safe."""

    def __init__(self, codec: Codec, device: str = "auto"):
        where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self.codec = codec.eval().requires_grad_(False).to(where)
        self.where = where
        found = codec.carries
        self.carries: NDArray[np.float32] | None = None if found is None else found.cpu().numpy()

    @torch.inference_mode()
    def rgba(self, picture: Picture) -> NDArray[np.uint8]:
        """(h f, w f, 4) u8 of a picture's latent (c, h, w), top row first. One of nothing but zeros is the dark: a picture
        that was refused. Raises ValueError for a latent of another model.
        """
        latent = picture.latent
        if latent.shape[0] != self.codec.channels:
            raise ValueError(f"a latent of {latent.shape[0]} channels; this decoder wants {self.codec.channels}: is [mind] model the same everywhere?")
        height, width = (side * self.codec.factor for side in latent.shape[1:])
        rgba = np.full((height, width, 4), (0, 0, 0, 255), np.uint8)
        if latent.any() or picture.state.dream.copies:
            there = torch.from_numpy(latent.astype(np.float32))[None].to(self.where, self.codec.dtype)
            found = self.codec.decode(there)[0].float().clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
            rgba[..., :3] = found.cpu().numpy()
        return rgba


def decoder(model: str, device: str = "auto") -> Decoder:
    """The decoder of a model by its name. Offline. Raises ModelMissing naming what is not there."""
    if model in ("embedded", "composed"):
        from engine.core.machine import SHIPPED
        from engine.mind.model.lapped import Lapped

        return Decoder(Lapped.load(SHIPPED / "codec"), device)
    from engine.mind.model.find import find
    from engine.mind.model.opening import open_decoder, open_family

    folder = find(model)
    if folder.pipeline in TINY:
        return Decoder(Tiny(open_decoder(folder, torch.float32, "tiny")), device)
    return Decoder(open_family(folder, torch.float32).codec, device)
