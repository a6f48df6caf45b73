"""Sixth stage: the decoder goes on alone, against a critic, so that what the student dreams is as sharp as paintings are.

An L1 decoder gives the mean of all pictures that a latent could stand for: half of the paintings' gradient, and less for
dreams, which are softer than paintings. A small critic looks at patches of paintings and of what the decoder made of

- their own latents, where the painting itself stays the measure (L1 and its gradient), and
- the student's dreams, where there is nothing to compare with: there the decoder must please the critic and keep the
  colours that it had before (compared over 8 x 8 pixels).

The critic's share is held to the others' by their gradients at the last layer (Esser et al., VQGAN, CVPR 2021).
The encoder stands still, so latents made long ago still fit.
"""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from engine.atelier.autoencoder import Crops, edges, gradient, there_and_back
from engine.atelier.cache import Cache
from engine.atelier.dataset import Batches
from engine.atelier.diffusion import LAST
from engine.atelier.learn import chance
from engine.atelier.settings import FinishSettings
from engine.mind.model.embedded import to_latents, to_pictures


class Critic(nn.Module):
    """(n, 3, h, w) pictures to (n, 1, h/8 - 2, w/8 - 2): how much each patch of 62 pixels looks painted."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (3, width, 2 * width, 4 * width)
        layers: list[nn.Module] = []
        for inward, outward in pairwise(widths):
            layers += [spectral_norm(nn.Conv2d(inward, outward, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(widths[-1], 1, 3)))

    def forward(self, pictures: Tensor) -> Tensor:
        seen: Tensor = self.layers((2 * pictures - 1).contiguous(memory_format=torch.channels_last))
        return seen


class Finish(nn.Module):
    """What learns in this stage: the autoencoder's decoder and its critic, under one optimiser."""

    def __init__(self, vae: AutoencoderTiny, critic: Critic) -> None:
        super().__init__()
        vae.encoder.requires_grad_(False)
        self.vae, self.critic = vae, critic


class FinishStage:
    """Sharpens `vae`'s decoder on the cache's pictures and on the dreams of `student`, which stays as it is."""

    name = "finish"

    def __init__(self, vae: AutoencoderTiny, student: nn.Module, cache: Cache, batches: Batches, settings: FinishSettings,
                 autocast: torch.autocast, seed: int) -> None:
        device = next(vae.parameters()).device
        self.before = copy.deepcopy(vae).eval().requires_grad_(False)
        self.vae, self.critic = vae, Critic(settings.critic).to(device)
        self.module: nn.Module = Finish(self.vae, self.critic)
        self._crops = Crops(cache, device)
        self.student, self.batches, self.seed = student.eval().requires_grad_(False), batches, seed
        self.pace = self.settings = settings
        self.autocast = autocast
        self._pool: Tensor | None = None
        self._filled = -1

    def loss(self, step: int, draw: torch.Generator, late: bool) -> tuple[Tensor, dict[str, float]]:
        s = self.settings
        vae, critic = self.vae, self.critic
        paintings = self._crops.draw(draw, s.batch, s.crop_px).contiguous(memory_format=torch.channels_last)
        dreams = self._dreams(step, draw)
        with self.autocast, torch.no_grad():
            latents = to_latents(vae, paintings)
            latents = latents + torch.randn(latents.shape, generator=draw).to(latents) * s.noise
            colours = F.avg_pool2d(to_pictures(self.before, dreams).float(), 8)
        with self.autocast:
            made = to_pictures(vae, torch.cat([latents, dreams])).float()
        back, dreamt = made[: len(paintings)], made[len(paintings) :]
        plain = F.l1_loss(back, paintings)
        kept = F.l1_loss(F.avg_pool2d(dreamt, 8), colours)
        faithful = plain + s.gradient * edges(back, paintings) + s.pooled * kept
        critic.requires_grad_(False)
        pleasing = -critic(_inner(made)).mean()
        critic.requires_grad_(True)
        weight = s.adversarial * self._balance(faithful, pleasing)
        real, false = critic(_inner(paintings)), critic(_inner(made.detach()))
        judged = F.relu(1 - real).mean() + F.relu(1 + false).mean()
        loss = faithful + weight * pleasing + judged
        return loss, {"l1": float(plain.detach()), "kept": float(kept.detach()), "critic": float(judged.detach()),
                      "weight": float(weight), "sharp": gradient(dreamt.detach()), "paintings": gradient(paintings)}

    def _balance(self, faithful: Tensor, pleasing: Tensor) -> Tensor:
        """How strong the critic may be: the ratio of both gradients at the decoder's last layer."""
        last: Tensor = self.vae.decoder.layers[-1].weight
        ours, theirs = (torch.autograd.grad(one, last, retain_graph=True)[0].norm() for one in (faithful, pleasing))
        balance: Tensor = (ours / theirs.clamp(min=1e-6)).clamp(max=100.0)
        return balance.detach()

    def _dreams(self, step: int, draw: torch.Generator) -> Tensor:
        """Crops of the student's latents, as large as the paintings' crops; a pool of them is dreamt anew now and then."""
        s = self.settings
        if self._filled != step // s.round:
            self._filled = step // s.round
            self._pool = self._dream(chance(self.seed, "dreams", self._filled))
        assert self._pool is not None
        side = s.crop_px // 8
        rows = []
        for which, down, right in torch.rand(s.dreams, 3, generator=draw).tolist():
            whole = self._pool[int(which * len(self._pool))]
            top, left = (int(at * (whole.shape[-1] - side + 1)) for at in (down, right))
            rows.append(whole[:, top : top + side, left : left + side])
        return torch.stack(rows)

    @torch.no_grad()
    def _dream(self, draw: torch.Generator) -> Tensor:
        """(pool, 4, h, w) f32 latents in one step, under captions of the cache."""
        clean, states = self.batches.batch(draw, self.settings.pool, "large", drop=0.0, bridge=0.2)
        noise = torch.randn(clean.shape, generator=draw).to(clean).contiguous(memory_format=torch.channels_last)
        with self.autocast:
            dreamt: Tensor = self.student(noise, torch.full((len(clean),), LAST, device=clean.device), states).sample.float()
        return dreamt

    def sheet(self, path: Path, module: nn.Module) -> dict[str, float]:
        assert isinstance(module, Finish)
        return there_and_back(module.vae, self._crops.unseen(), self.autocast, path)


def _inner(pictures: Tensor) -> Tensor:
    """Without the outermost 8 pixels, by which a decoding is told at once: to please there, it paints a rim (measured: 10 levels of green)."""
    return pictures[..., 8:-8, 8:-8]
