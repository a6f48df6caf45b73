"""The autoencoder that the embedded model had before: it ships so that what was remembered with it can be remembered on."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.model.codec import Tiny
from engine.mind.model.embedded import FOLDER
from engine.mind.model.lapped import Lapped


class Before:
    """Latents of before -> pictures, and these in the codec of today. Loads when it is first asked (14 MB). One thread."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder

    @cached_property
    def _codecs(self) -> tuple[Tiny, Lapped]:
        from diffusers import AutoencoderTiny

        old = AutoencoderTiny.from_pretrained(self.folder / "before" / "vae", torch_dtype=torch.float32, local_files_only=True)
        return Tiny(old.eval().requires_grad_(False)), Lapped.load(self.folder / "codec")

    @torch.inference_mode()
    def picture(self, latent: NDArray[np.float32]) -> NDArray[np.uint8]:
        """(c, h, w) of any release -> (8 h, 8 w, 3). ValueError where no release had so many channels."""
        old, today = self._codecs
        if len(latent) not in (old.channels, today.channels):
            raise ValueError(f"no release had pictures of {len(latent)} channels, they had {old.channels} and {today.channels}")
        codec = old if len(latent) == old.channels else today
        found = codec.decode(torch.from_numpy(latent)[None])[0]
        return np.ascontiguousarray(found.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy())

    @torch.inference_mode()
    def anew(self, latent: NDArray[np.float32], rgb: NDArray[np.uint8]) -> Tensor:
        """A latent of any release and its picture (8 h, 8 w, 3) -> (c, h, w) f32 of today's codec, at the size that it had.

        Since 0.3 all releases encode alike: such a latent stays what it is, and only what is read in it is read again.
        """
        today = self._codecs[1]
        if len(latent) == today.channels:
            return torch.from_numpy(latent)
        made: Tensor = today.encode(torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255)[0]
        return made
