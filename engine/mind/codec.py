"""Between pictures and latents of about unit variance, for every autoencoder of a few-step model.

`decode` gives 0..1 with nothing in between that cancels: a tiny decoder already answers in 0..1, so the way to -1..1
and back that a pipeline takes is left out, and so are divisions by a scaling factor of 1.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Codec(nn.Module):
    """Latents (1, c, h/f, w/f) <-> pictures (1, 3, h, w) in 0..1, in the codec's own dtype.

    Fixed shapes, no synchronisation: it can be captured. Not thread-safe.
    """

    channels: int  # of a latent
    factor: int  # pixels of a side for one of the latent's

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
        layers = list(vae.decoder.layers)
        if config.num_decoder_blocks[-1] == 0 and isinstance(layers[-3], nn.Upsample):
            layers[-3:] = [_Last(layers[-2], layers[-1])]
        self.encoder, self.decoder = vae.encoder.layers, nn.Sequential(*layers)
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


class _Last(nn.Module):
    """Upsampling and two convolutions with nothing in between, as one convolution before the upsampling.

    Two linear 3x3 kernels are one of 5x5; on a picture doubled by repetition its 25 taps fall on 9 places, other ones
    for each of the 4 pixels that a place becomes: a 3x3 convolution to 4 times the channels, and a shuffle. For the
    embedded model that is .17 instead of 2.9 GFLOP, a third of the whole decoder. The original pads with zeros
    *between* its two convolutions, so the outermost pixels differ: they are computed as the original does.
    """

    def __init__(self, first: nn.Conv2d, second: nn.Conv2d):
        super().__init__()
        self.first, self.second = first, second
        between = torch.zeros(first.out_channels) if first.bias is None else first.bias.detach().float()
        late, early = second.weight.detach().float(), first.weight.detach().float()
        taps = torch.nn.functional.conv2d(early.transpose(0, 1), late.flip(2, 3), padding=2).transpose(
            0, 1
        )  # (o,i,5,5)
        falls = torch.zeros(2, 3, 5)  # which of the 3 places a tap falls on, for the even and the odd pixel
        for odd in range(2):
            for tap in range(5):
                falls[odd, (odd + tap - 2) // 2 + 1, tap] = 1
        weight = torch.einsum("aup,oipq,bvq->oabiuv", falls, taps, falls).flatten(0, 2)
        bias = torch.einsum("omhw,m->o", late, between) + (0.0 if second.bias is None else second.bias.detach().float())
        self.joined = nn.Conv2d(first.in_channels, 4 * second.out_channels, 3, padding=1)
        self.joined.weight = nn.Parameter(weight.to(first.weight.dtype), requires_grad=False)
        self.joined.bias = nn.Parameter(bias.repeat_interleave(4).to(first.weight.dtype), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.nn.functional.pixel_shuffle(self.joined(x), 2)
        rows = self._edges(x, self.first.weight, self.second.weight)
        turned = self._edges(x.transpose(2, 3), self.first.weight.transpose(2, 3), self.second.weight.transpose(2, 3))
        y[..., 0, :], y[..., -1, :] = rows[:1, :, 0], rows[1:, :, -1]
        y[..., 0], y[..., -1] = turned[:1, :, 0], turned[1:, :, -1]
        return y

    def _edges(self, x: Tensor, early: Tensor, late: Tensor) -> Tensor:
        """(2, 3, 4, w): the first and the last 4 rows of pixels, of which the outermost is right."""
        strips = torch.cat([x[..., :2, :], x[..., -2:, :]]).contiguous(memory_format=torch.channels_last)
        doubled = torch.nn.functional.interpolate(strips, scale_factor=2.0)
        between = torch.nn.functional.conv2d(doubled, early, self.first.bias, padding=1)
        return torch.nn.functional.conv2d(between, late, self.second.bias, padding=1)


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
