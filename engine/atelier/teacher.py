"""Second stage: the teacher learns to see the clean latent in a noisy one, under words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.atelier.dataset import Batches
from engine.atelier.diffusion import LAST, Noising
from engine.atelier.settings import TeacherSettings

Show = Callable[[nn.Module, Path], dict[str, float]]


def timesteps(draw: torch.Generator, count: int, high_noise: float) -> Tensor:
    """(count,) int64 in 0..999: uniform, with a share from the last fifth, where words decide most."""
    chances = torch.rand(count, 2, generator=draw)
    low = torch.where(chances[:, 1] < high_noise, 0.8, 0.0)
    return ((low + (1 - low) * chances[:, 0]) * (LAST + 1)).long().clamp(max=LAST)


class TeacherStage:
    """Plain denoising with text dropout."""

    name = "teacher"

    def __init__(self, unet: nn.Module, batches: Batches, noising: Noising, settings: TeacherSettings,
                 autocast: torch.autocast, show: Show, worth: Tensor) -> None:
        """`worth` (c, 1, 1), mean 1: how much an error in each channel counts."""
        self.module = unet
        self.pace = self.settings = settings
        self.batches, self.noising, self.autocast, self.show, self.worth = batches, noising, autocast, show, worth

    def loss(self, step: int, draw: torch.Generator, late: bool) -> tuple[Tensor, dict[str, float]]:
        s = self.settings
        size = s.size(step, late)
        clean, states = self.batches.batch(draw, s.count(size), size, drop=s.drop, bridge=s.bridge)
        noise = torch.randn(clean.shape, generator=draw).to(clean)
        t = timesteps(draw, len(clean), s.high_noise).to(clean.device)
        noisy = self.noising.add(clean, noise, t).contiguous(memory_format=torch.channels_last)
        with self.autocast:
            seen = self.module(noisy, t, states).sample.float()
        error = ((seen - clean).square() * self.worth).mean((1, 2, 3))
        loss = (error * self.noising.weight(t, s.weight_cap)).mean()
        high = t >= 800
        return loss, {"mse": float(error.detach().mean()), "mse_high": float(error.detach()[high].mean()) if high.any() else 1.0}

    def sheet(self, path: Path, module: nn.Module) -> dict[str, float]:
        return self.show(module, path)
