"""Fourth stage: the reader learns to name paintings from their latents."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.atelier.dataset import Batches
from engine.atelier.learn import chance
from engine.atelier.settings import ReaderSettings
from engine.mind.model.encoder import SCALE


class ReaderStage:
    """Pulls latents to the sentence vectors of their captions, and away from the captions of others."""

    name = "reader"

    def __init__(self, reader: nn.Module, batches: Batches, settings: ReaderSettings, autocast: torch.autocast) -> None:
        self.module = reader
        self.pace = self.settings = settings
        self.batches, self.autocast = batches, autocast

    def loss(self, step: int, draw: torch.Generator, late: bool) -> tuple[Tensor, dict[str, float]]:
        s = self.settings
        clean, states = self.batches.batch(draw, s.batch, "small" if step % 2 else "large", drop=0, bridge=0)
        latents = roughened(clean, draw, s.noise)
        wanted = F.normalize(states[:, 0] / SCALE, dim=-1)
        with self.autocast:
            seen = self.module(latents)
        seen = F.normalize(seen.float(), dim=-1)
        likeness = seen @ wanted.T / s.temperature
        # equal captions are no mistakes: share the target among them
        same = (wanted @ wanted.T > 0.995).float()
        target = same / same.sum(1, keepdim=True)
        contrast = F.cross_entropy(likeness, target)
        near = (seen * wanted).sum(1).mean()
        return contrast + 2 * (1 - near), {"contrast": float(contrast.detach()), "cosine": float(near.detach())}

    def sheet(self, path: Path, module: nn.Module) -> dict[str, float]:
        """No picture: how often a caption is the first of 128 for its own picture, unseen noise, both sizes."""
        clean, states = self.batches.batch(chance("reader sheet"), 128, "small", drop=0, bridge=0)
        wanted = F.normalize(states[:, 0], dim=-1)
        with torch.inference_mode(), self.autocast:
            seen = F.normalize(module(clean).float(), dim=-1)
        likeness = seen @ wanted.T
        own = likeness.diagonal()
        return {"R@1": float((likeness.max(1).values <= own + 1e-6).float().mean()), "cosine": float(own.mean())}


def roughened(latents: Tensor, draw: torch.Generator, noise: float) -> Tensor:
    """Latents as dreams have them: some blurred, some noisy. Half stay as they are."""
    kind = torch.rand(len(latents), 1, 1, 1, generator=draw).to(latents)
    strength = torch.rand(len(latents), 1, 1, 1, generator=draw).to(latents) * noise
    blurred = F.avg_pool2d(F.pad(latents, (1, 1, 1, 1), mode="replicate"), 3, 1)
    noisy = latents + torch.randn(latents.shape, generator=draw).to(latents) * strength
    return torch.where(kind < 0.25, blurred, torch.where(kind < 0.5, noisy, latents))
