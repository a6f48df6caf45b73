"""Compose: a picture synthesised from remembered ones by local closed-form denoising, with exact shares per place.

The ideal denoiser of a finite set of pictures knows only those pictures and returns one of them: a DJ. If every place
decides for itself, by the patch around it, whom it continues, something new comes out that no memory holds, and the
decision is a number: w_i(place), the share of memory i at that place (Kamb & Ganguli, "An analytic theory of
creativity in convolutional diffusion models", ICML 2025; Scarvelis et al., "Closed-form diffusion models", TMLR 2025).

    x0(place) = sum_i w_i z_i(place)        w_i ~ p_i exp(-|patch(x) - z_i's patch|^2 / 2 sigma^2)

Patches lie where they lie in the memory, so the distance of all patches is a box filter over squared differences: two
small matrix products. |x|^2 is the same for all memories and falls out of the softmax.

What every place decides becomes a picture in `engine.mind.blend`.

**No one may be copied.** No memory has more than `CAP` of the picture and at least `CROWD` memories carry it
(N_eff = exp H). Tempering the distances alone fails where the words recall one memory only; tempering the whole logits
holds the cap but greys the picture (deviation .36 against the memories' .99 on painted fires). So the fullest memory's
logits are lowered, everywhere by the same amount, exactly as far as its surplus of places asks: what the words wanted
stays where it fits best, and the picture stays crisp (.90). This is the nearest distribution, in relative entropy, that
keeps the cap. If a crowd is still missing, the cap falls, at the lowest to 1/CROWD, where entropy makes one certain.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.mind.blend import CAP, CROWD, Composition, blend, crowd
from engine.mind.model.flowing import deviation

ROUNDS = 24  # at most so many corrections for one step
GRID = 16  # cells a side on which they are found


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the denoiser goes from noise to picture: noise falls and patches shrink, both evenly on their scales."""

    steps: int = 5
    noise: tuple[float, float] = (3.0, 0.2)  # sigma, first and last step
    patch: tuple[float, float] = (24 / 32, 14 / 32)  # side of a patch as a part of the picture's shorter side: whole windows
    weight: float = 0.03  # per cell of a patch: neighbouring cells say nearly the same, so they count less than one

    def levels(self) -> list[tuple[float, float]]:
        """(sigma, patch) of each step."""
        sigmas = np.geomspace(*self.noise, self.steps) if self.steps > 1 else [self.noise[1]]
        patches = np.linspace(*self.patch, self.steps) if self.steps > 1 else [self.patch[1]]
        return [(float(s), float(p)) for s, p in zip(sigmas, patches, strict=True)]


DEFAULT = Schedule()


def compose(memories: Tensor, prior: Tensor, start: Tensor, schedule: Schedule = DEFAULT, carries: Tensor | None = None) -> Composition:
    """Denoise `start` into a picture of these memories.

    `memories` (n, c, h, w) f32, each channel of about unit variance; `prior` (n,) >= 0: how strongly each was recalled;
    `start` (c, h, w): a latent with noise of the schedule's first sigma; `carries` (c,): what a channel is worth, None
    for all alike. Deterministic. 16 memories of 16 x 32 x 32 take about 10 ms on one core.
    """
    return blend(memories, decide(memories, prior, start, schedule, carries), carries)


def decide(memories: Tensor, prior: Tensor, start: Tensor, schedule: Schedule = DEFAULT, carries: Tensor | None = None) -> Tensor:
    """Whom each place continues: (n, h, w), sum over n = 1, before anything is squared or blurred. ValueError as `compose`."""
    n, _, height, width = memories.shape
    if n < 1 or prior.shape != (n,):
        raise ValueError(f"a picture is composed of one memory or more and a prior for each, found {n} and {tuple(prior.shape)}")
    if carries is not None:  # small channels count less, not nothing; all together as four channels do
        memories = memories * carries[:, None, None] ** 0.25
        memories = memories / (memories.square().sum(1).mean() / 4).sqrt()
    log_prior = torch.log(prior.clamp_min(1e-30) / prior.sum())[:, None, None]
    energy = memories.square().sum(1)  # (n, h, w)
    contrast = ((prior / prior.sum()) @ deviation(memories))[:, None, None]  # (c, 1, 1)
    levels = schedule.levels()
    x = start
    for step, (sigma, part) in enumerate(levels):
        side = max(3, round(part * min(height, width))) | 1
        rows, columns = box(height, side, x.device), box(width, side, x.device)
        distance = rows @ (energy - 2 * (memories * x).sum(1)) @ columns.T
        logits = log_prior - distance * (schedule.weight * side * side / (2 * sigma * sigma))
        places, _ = limit(logits)
        if step + 1 < len(levels):
            x0 = (places[:, None] * memories).sum(0)
            # an average of many has little contrast, and little contrast looks like an average of many: break the circle
            mean, spread = x0.mean((1, 2), keepdim=True), deviation(x0)[:, None, None].clamp_min(1e-4)
            x0 = mean + (x0 - mean) * (contrast / spread).clamp(1.0, 3.0)
            x = x0 + (x - x0) * (levels[step + 1][0] / sigma)
    return places


def limit(logits: Tensor, cap: float = CAP, least: float = CROWD) -> tuple[Tensor, Tensor]:
    """Shares per place (n, h, w) and of the whole (n,), with no one above `cap` and N_eff of `least` or more.

    Where there are too few memories for that, all of them share alike at best: cap 1/n and N_eff n are then the bounds.
    By how much each memory must be lowered is found on a coarse grid first, which is nearly always enough.
    """
    n = len(logits)
    if n == 1:
        return torch.ones_like(logits), torch.ones_like(logits[:, 0, 0])
    least = min(least, 0.98 * n)
    cap = max(cap, 1.02 / n)
    stride = max(1, min(logits.shape[1:]) // GRID)
    for grid in (stride, 1):
        lowered = logits - _lowering(logits[:, ::grid, ::grid].flatten(1), cap, least)[:, None, None]
        places = torch.softmax(lowered, 0)
        shares = places.mean((1, 2))
        if float(shares.max()) <= cap and crowd(shares) >= least:
            return places, shares
    return _even(lowered, cap, least)


def _lowering(logits: Tensor, cap: float, least: float) -> Tensor:
    """By how much each memory's logits (n, places) are lowered, (n,): all that are too full, as far as their surplus asks.

    In numpy: these are many steps over few numbers, and torch takes six times as long for them.
    """
    found = logits.cpu().numpy()
    n, cells = found.shape
    every = np.arange(cells)
    bound, target = 0.95 * cap, min(1.03 * least, 0.99 * n)
    lowered = np.zeros((n, 1), np.float32)
    for _ in range(ROUNDS):
        current = found - lowered
        whose = current.argmax(0)
        best = current[whose, every]
        shares = np.exp(current - best)
        shares = (shares / shares.sum(0)).mean(1)
        full = np.flatnonzero(shares > bound)
        if len(full):
            without = current.copy()
            without[whose, every] = -np.inf
            others = np.where(whose == full[:, None], without.max(0), best)
            kept = max(1, int(0.9 * bound * cells))
            lead = np.partition(current[full] - others, -kept, axis=1)[:, -kept]  # by how much they win each place
            lowered[full, 0] += np.maximum(lead, np.float32(0.1))
        elif bound > 1.01 / target and crowd(torch.from_numpy(shares)) < target:
            bound = max(1.0 / target, 0.75 * bound)
        else:
            break
    return torch.from_numpy(lowered[:, 0]).to(logits.device)


def _even(logits: Tensor, cap: float, least: float) -> tuple[Tensor, Tensor]:
    """The last resort: temper the whole logits until the bounds hold."""
    while True:
        logits = logits * 0.8
        places = torch.softmax(logits, 0)
        shares = places.mean((1, 2))
        if (float(shares.max()) <= cap and crowd(shares) >= least) or not float(logits.abs().max()) >= 1e-3:
            return places, shares


@functools.lru_cache(maxsize=64)
def box(n: int, side: int, device: torch.device) -> Tensor:
    """(n, n): a running mean over `side` cells, mirrored at the edges."""
    at = torch.arange(n)[:, None] + torch.arange(-(side // 2), side // 2 + 1)[None]
    at = at.abs()
    at = torch.where(at >= n, 2 * (n - 1) - at, at).clamp(0, n - 1)
    return torch.zeros(n, n).scatter_add_(1, at, torch.full(at.shape, 1 / side)).to(device)
