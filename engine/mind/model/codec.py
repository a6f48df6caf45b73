"""Between pictures and latents of about unit variance, for every autoencoder of a few-step model.

`decode` gives 0..1 with nothing in between that cancels: a tiny decoder already answers in 0..1, so the way to -1..1
and back that a pipeline takes is left out, and so are divisions by a scaling factor of 1.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.mind.model.fused_upsample import folded_decoder


class Codec(nn.Module):
    """Latents (1, c, h/f, w/f) <-> pictures (1, 3, h, w) in 0..1, in the codec's own dtype.

    Fixed shapes, no synchronisation: it can be captured. Not thread-safe.
    """

    channels: int  # of a latent
    factor: int  # pixels of a side for one of the latent's
    _noted = torch.float32
    exact = False  # whether it is so cheap that it is always computed in float32

    @property
    def carries(self) -> Tensor | None:
        """(c,) f32, mean 1: how much of a picture a unit of each channel carries. None where all are alike."""
        return None

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights; packed ones are no parameters any more, so what they were is noted before (`note_dtype`)."""
        found = next(self.parameters(), None)
        return self._noted if found is None else found.dtype

    def note_dtype(self) -> None:
        self._noted = self.dtype

    def encode(self, picture: Tensor) -> Tensor:
        raise NotImplementedError

    def decode(self, latent: Tensor) -> Tensor:
        """(1, 3, h, w), not clamped."""
        raise NotImplementedError


class Tiny(Codec):
    """AutoencoderTiny: TAESD, and the embedded model's own."""

    def __init__(self, vae: Any):
        super().__init__()
        config = vae.config
        self.encoder, self.decoder = vae.encoder.layers, folded_decoder(list(vae.decoder.layers))
        self.scale, self.shift = float(config.scaling_factor), float(config.shift_factor)
        self.channels = int(config.latent_channels)
        self.factor = 2 ** (len(config.decoder_block_out_channels) - 1)

    def encode(self, picture: Tensor) -> Tensor:
        latent: Tensor = self.encoder(picture)
        return latent if (self.scale, self.shift) == (1.0, 0.0) else (latent - self.shift) * self.scale

    def decode(self, latent: Tensor) -> Tensor:
        if (self.scale, self.shift) != (1.0, 0.0):
            latent = latent / self.scale + self.shift
        picture: Tensor = self.decoder(torch.tanh(latent / 3) * 3)
        return picture


class Full(Codec):
    """AutoencoderKL and AutoencoderDC: the large decoders. Correct, and too slow for a wall (2.5 TFLOP at 512²)."""

    def __init__(self, vae: Any):
        super().__init__()
        self.vae = vae
        self.scale = float(vae.config.scaling_factor)
        self.shift = float(getattr(vae.config, "shift_factor", None) or 0.0)
        self.channels = int(vae.config.latent_channels)
        blocks = getattr(vae.config, "block_out_channels", None) or vae.config.encoder_block_out_channels
        self.factor = 2 ** (len(blocks) - 1)

    def encode(self, picture: Tensor) -> Tensor:
        found = self.vae.encode(picture * 2 - 1)
        latent: Tensor = found.latent_dist.mode() if hasattr(found, "latent_dist") else found.latent
        return (latent - self.shift) * self.scale

    def decode(self, latent: Tensor) -> Tensor:
        picture: Tensor = self.vae.decode(latent / self.scale + self.shift, return_dict=False)[0]
        return picture / 2 + 0.5


def fitted(latent: Tensor, like: Tensor) -> Tensor:
    """A latent or noise (c, h, w) brought to the shape of another after a change of size.

    Nearest places are taken, not means: noise keeps its variance.
    """
    if latent.shape[-2:] == like.shape[-2:]:
        return latent
    stacked = latent if latent.dim() == 4 else latent[None]
    found = F.interpolate(stacked, size=like.shape[-2:], mode="nearest-exact")
    return found if latent.dim() == 4 else found[0]


@functools.lru_cache(maxsize=64)
def gauss(n: int, reach: float, device: torch.device) -> Tensor:
    """(n, n) f32: a blur of `reach` places along one side, rows that sum to 1, cut at the border."""
    apart = torch.arange(n)[:, None] - torch.arange(n)[None]
    kernel = torch.exp(-apart.square() / (2 * reach * reach))
    return (kernel / kernel.sum(1, keepdim=True)).to(device)
