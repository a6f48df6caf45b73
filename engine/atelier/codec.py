"""Second stage: pictures to latents and back, linear, learned in minutes from the principal components of blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.atelier.cache import Cache
from engine.atelier.settings import CodecSettings
from engine.core.sheet import sheet
from engine.mind.model.codec import Codec


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
        """(n, 3, h, w) f32 in 0..1: pictures never learned from."""
        unseen = [torch.from_numpy(pictures[-1].copy()) for pictures in self._held]
        return torch.stack(unseen[:: -(-len(unseen) // most)]).to(self.device).float() / 255


class CodecStage:
    """Learns the windows of a lapped codec on crops of the cache's pictures: the mean square error alone, since that is
    what a linear codec can be best at. The optimiser moves the two kernels; mean and spread stay as they are."""

    name = "codec"

    def __init__(self, codec: Codec, cache: Cache, settings: CodecSettings) -> None:
        self.module: nn.Module = codec
        self.pace = self.settings = settings
        self._crops = Crops(cache, next(codec.parameters()).device)

    def loss(self, step: int, draw: torch.Generator, late: bool) -> tuple[Tensor, dict[str, float]]:
        pictures = self._crops.draw(draw, self.settings.batch, self.settings.crop_px)
        error = F.mse_loss(self.module.decode(self.module.encode(pictures)), pictures)  # type: ignore[operator]
        return 50 * error, {"psnr": float(-10 * torch.log10(error.detach()))}

    def sheet(self, path: Path, module: nn.Module) -> dict[str, float]:
        return there_and_back(module, self._crops.unseen(), path)  # type: ignore[arg-type]


def there_and_back(codec: Codec, pictures: Tensor, path: Path) -> dict[str, float]:
    """A sheet: pictures above, what came back beneath. PSNR in dB, and the mean gradient of both."""
    with torch.inference_mode():
        back = codec.decode(codec.encode(pictures)).float().clamp(0, 1)
    sheet(torch.cat([pictures, back]), [""] * (2 * len(pictures)), len(pictures), path)
    apart = (back - pictures).square().mean((1, 2, 3))
    return {"psnr": float((-10 * torch.log10(apart)).mean()), "sharp": gradient(back), "paintings": gradient(pictures)}


def gradient(pictures: Tensor) -> float:
    """Mean absolute difference between horizontal neighbours."""
    return float((pictures[..., 1:] - pictures[..., :-1]).abs().mean())
