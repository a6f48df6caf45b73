"""First stage: pictures to latents and back, small enough to decode live on a CPU.

Latents are pulled to mean 0 and covariance 1, so the UNet sees unit variance with no scaling factor
anywhere, and half-size latents must decode to half-size pictures (the regularisation of EQ-VAE,
Kouzelis et al. 2025), so that what is learned at 16x16 holds at 32x32 and a blurred latent decodes
to a blurred picture rather than to debris.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.atelier.cache import Cache
from engine.atelier.settings import AutoencoderSettings
from engine.core.sheet import sheet
from engine.mind.model.embedded import to_latents, to_pictures


class Crops:
    """Pieces of the cache's pictures. The last picture of a shard is never learned from."""

    def __init__(self, cache: Cache, device: torch.device) -> None:
        self.device = device
        shards = min(cache.count("pictures.npy"), cache.settings.pictures_kept)
        if shards < 2:
            raise ValueError(f"{cache.folder} holds {shards} painted shards; paint at least 2 first")
        opened: list[NDArray[np.uint8]] = [np.load(cache.path(shard, "pictures.npy"), mmap_mode="r") for shard in range(shards)]
        self._held = [pictures for pictures in opened if len(pictures) > 1]

    def draw(self, draw: torch.Generator, count: int, side: int) -> Tensor:
        """(count, 3, side, side) f32 in 0..1, half of them mirrored."""
        out = []
        for shard, place, down, right, turn in torch.rand(count, 5, generator=draw).tolist():
            pictures = self._held[int(shard * len(self._held))]
            picture = pictures[int(place * (len(pictures) - 1))]
            top, left = int(down * (picture.shape[1] - side + 1)), int(right * (picture.shape[2] - side + 1))
            crop = torch.from_numpy(picture[:, top : top + side, left : left + side].copy())
            out.append(crop.flip(-1) if turn < 0.5 else crop)
        return torch.stack(out).to(self.device).float() / 255

    def unseen(self, most: int = 10) -> Tensor:
        """(n, 3, h, w) f32 in 0..1: pictures never learned from, the largest of the cache."""
        side = max(pictures.shape[-1] for pictures in self._held)
        unseen = [torch.from_numpy(pictures[-1].copy()) for pictures in self._held if pictures.shape[-1] == side]
        return torch.stack(unseen[:: -(-len(unseen) // most)]).to(self.device).float() / 255


class AutoencoderStage:
    """Trains an AutoencoderTiny on crops of the cache's pictures."""

    name = "autoencoder"

    def __init__(self, vae: AutoencoderTiny, cache: Cache, settings: AutoencoderSettings, autocast: torch.autocast) -> None:
        self.module: nn.Module = vae
        self.pace = self.settings = settings
        self.autocast = autocast
        self._crops = Crops(cache, next(vae.parameters()).device)

    def crops(self, draw: torch.Generator) -> Tensor:
        """(batch, 3, crop, crop) f32 in 0..1."""
        return self._crops.draw(draw, self.settings.batch, self.settings.crop_px)

    def loss(self, step: int, draw: torch.Generator, late: bool) -> tuple[Tensor, dict[str, float]]:
        s = self.settings
        pictures = self.crops(draw).contiguous(memory_format=torch.channels_last)
        strength = torch.rand(len(pictures), 1, 1, 1, generator=draw) * s.noise
        with self.autocast:
            latents = to_latents(self.module, pictures)
            noise = torch.randn(latents.shape, generator=draw) * strength
            back = to_pictures(self.module, latents + noise.to(latents)).float()
            quarter = len(pictures) // 2
            half = to_pictures(self.module, F.avg_pool2d(latents[:quarter], 2)).float()
        plain = F.l1_loss(back, pictures)
        sharp = edges(back, pictures)
        pooled = F.l1_loss(F.avg_pool2d(back, 8), F.avg_pool2d(pictures, 8))
        halved = F.l1_loss(half, F.avg_pool2d(pictures[:quarter], 2))
        white = _white(latents.float())
        loss = plain + s.gradient * sharp + s.pooled * pooled + s.halved * halved + s.white * white
        psnr = -10 * torch.log10(F.mse_loss(back.detach(), pictures))
        return loss, {"l1": float(plain.detach()), "psnr": float(psnr), "white": float(white.detach())}

    def sheet(self, path: Path, module: nn.Module) -> dict[str, float]:
        return there_and_back(module, self._crops.unseen(), self.autocast, path)


def there_and_back(vae: nn.Module, pictures: Tensor, autocast: torch.autocast, path: Path) -> dict[str, float]:
    """A sheet: pictures above, what came back beneath. PSNR in dB, and the mean gradient of both."""
    with torch.inference_mode(), autocast:
        latents = to_latents(vae, pictures)
        back = to_pictures(vae, latents).float().clamp(0, 1)
    sheet(torch.cat([pictures, back]), [""] * (2 * len(pictures)), len(pictures), path)
    apart = (back - pictures).square().mean((1, 2, 3))
    return {"psnr": float((-10 * torch.log10(apart)).mean()), "std": float(latents.float().std()),
            "sharp": gradient(back), "paintings": gradient(pictures)}


@torch.no_grad()
def see_colour(vae: AutoencoderTiny, pictures: Tensor) -> None:
    """Let a young autoencoder begin as a box filter whose latents are whitened colour.

    From chance it takes thousands of steps to see any colour at all (17.5 dB and grey after 500). Pictures are
    never negative, so colour passes every ReLU in the first three channels of each layer; the latents are those
    three, turned so that over `pictures` (n, 3, h, w) in 0..1 they have mean 0 and covariance 1.
    """
    colours = F.avg_pool2d(pictures, 8).transpose(0, 1).flatten(1)  # (3, places)
    mean = colours.mean(1)
    strengths, directions = torch.linalg.eigh(torch.cov(colours))
    spread = strengths.clamp(min=1e-4).sqrt()
    whiten, colour = directions.T / spread[:, None], directions * spread  # (3, 3) each, inverse to one another
    for layer in (*vae.encoder.layers, *vae.decoder.layers):
        if isinstance(layer, nn.Conv2d):
            _pass_through(layer, torch.eye(3))
        elif not isinstance(layer, nn.Upsample | nn.ReLU):
            layer.conv[4].weight[:3] = 0  # the block's own part leaves the colours alone
            layer.conv[4].bias[:3] = 0
    _pass_through(vae.encoder.layers[-1], whiten, -whiten @ mean)
    _pass_through(vae.decoder.layers[0], colour, mean)


def _pass_through(layer: nn.Conv2d, turn: Tensor, offset: Tensor | None = None) -> None:
    """Make the first three outputs a smooth copy of the first three inputs, turned by (3, 3) and moved by (3,)."""
    row = torch.tensor([0.25, 0.5, 0.25])
    layer.weight[:3] = 0
    layer.weight[:3, :3] = turn.to(layer.weight)[:, :, None, None] * (row[:, None] * row).to(layer.weight)
    if layer.bias is not None:
        layer.bias[:3] = 0 if offset is None else offset.to(layer.bias)


def gradient(pictures: Tensor) -> float:
    """Mean absolute difference between horizontal neighbours."""
    return float((pictures[..., 1:] - pictures[..., :-1]).abs().mean())


def edges(a: Tensor, b: Tensor) -> Tensor:
    """L1 between the gradients of two batches of pictures."""
    down = F.l1_loss(a[..., 1:, :] - a[..., :-1, :], b[..., 1:, :] - b[..., :-1, :])
    return down + F.l1_loss(a[..., 1:] - a[..., :-1], b[..., 1:] - b[..., :-1])


def _white(latents: Tensor) -> Tensor:
    """How far (n, 4, h, w) latents are from mean 0 and covariance 1, over the batch."""
    flat = latents.transpose(0, 1).flatten(1)  # (4, n h w)
    mean = flat.mean(1)
    spread = torch.cov(flat) - torch.eye(len(flat), device=flat.device)
    return mean.square().sum() + spread.square().sum()
