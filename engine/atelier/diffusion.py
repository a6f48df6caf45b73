"""The arithmetic of noising and denoising latents, for a model that predicts the clean latent (x-prediction).

At the last timestep the signal is exactly 0 (zero terminal SNR, Lin et al. 2024), so one call at t = 999
on plain noise is a whole picture, as in SD-Turbo.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import LCMScheduler
from torch import Tensor, nn

LAST = 999


def scheduler(settings: dict[str, Any]) -> LCMScheduler:
    """The noise schedule of `[scheduler]` in train.toml, as diffusers' own class."""
    return LCMScheduler(**settings)


class Noising:
    """x_t = a_t x_0 + s_t noise, with a and s of a diffusers scheduler."""

    def __init__(self, plan: LCMScheduler, device: torch.device | str) -> None:
        kept = plan.alphas_cumprod.double().clamp(0, 1)
        self.signal = kept.sqrt().float().to(device)  # (1000,)
        self.spread = (1 - kept).sqrt().float().to(device)

    def add(self, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """(n, c, h, w), (n, c, h, w), (n,) int64 -> (n, c, h, w)."""
        noisy: Tensor = self.signal[t, None, None, None] * clean + self.spread[t, None, None, None] * noise
        return noisy

    def weight(self, t: Tensor, cap: float) -> Tensor:
        """min(SNR + 1, cap), (n,): SNR + 1 is what v-prediction would weigh (Salimans & Ho 2022)."""
        spread: Tensor = self.spread[t].square()
        return (1 / spread.clamp(min=1e-6)).clamp(max=cap)

    def down(self, noisy: Tensor, clean: Tensor, t: Tensor, to: Tensor) -> Tensor:
        """One deterministic (DDIM) move from t to a lower timestep, given the predicted clean latent."""
        noise = (noisy - self.signal[t, None, None, None] * clean) / self.spread[t, None, None, None].clamp(min=1e-3)
        return self.add(clean, noise, to)


def guided(unet: nn.Module, noisy: Tensor, t: Tensor, states: Tensor, empty: Tensor, guidance: float) -> Tensor:
    """The clean latent as the words see it, away from what no words would see (classifier-free guidance)."""
    if guidance == 1.0:
        alone: Tensor = unet(noisy, t, states).sample.float()
        return alone
    both: Tensor = unet(torch.cat([noisy, noisy]), torch.cat([t, t]), torch.cat([states, empty.expand_as(states)])).sample.float()
    with_words, without = both.chunk(2)
    return without + guidance * (with_words - without)


def denoise(unet: nn.Module, noising: Noising, noisy: Tensor, t: Tensor, states: Tensor, empty: Tensor, *,
            guidance: float, steps: int) -> Tensor:
    """From x_t to a clean latent in a few equal steps. t (n,) may differ per picture."""
    clean = noisy
    for done in range(steps):
        now = (t.float() * (steps - done) / steps).round().long()
        clean = guided(unet, noisy, now, states, empty, guidance)
        if done + 1 < steps:
            noisy = noising.down(noisy, clean, now, (t.float() * (steps - done - 1) / steps).round().long())
    return clean


def dream(unet: nn.Module, noising: Noising, states: Tensor, empty: Tensor, seeds: Sequence[int], shape: tuple[int, int, int],
          *, guidance: float, steps: int) -> Tensor:
    """(n, c, h, w) latents from words alone; row i starts from the noise of seeds[i]."""
    noise = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
    noise = noise.to(states.device)
    t = torch.full((len(noise),), LAST, device=noise.device)
    return denoise(unet, noising, noise, t, states, empty, guidance=guidance, steps=steps)
