"""Third stage: the student answers in one step what the guided teacher answers in several.

Direct regression on the teacher's answers is stable and free of noise where consistency distillation
was not. Half of a batch starts from plain noise. The rest starts between noise and picture, because the
engine feeds the student its own last picture and pictures composed of memories, noised a little: there
the student learns the teacher's answer on other pictures' latents and on patchworks of them, and on real
pictures it learns plain denoising, the anchor that keeps it honest at every timestep.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.atelier.dataset import Batches, shuffled
from engine.atelier.diffusion import LAST, Noising, denoise
from engine.atelier.learn import chance
from engine.atelier.settings import StudentSettings
from engine.atelier.teacher import Show, timesteps


def huber(a: Tensor, b: Tensor, c: float, worth: Tensor) -> Tensor:
    """Pseudo-Huber per picture, (n,): sqrt(|d|^2 / dim + c^2) - c, in units of the latents, channels by their worth."""
    return (((a - b).square() * worth).mean((1, 2, 3)) + c * c).sqrt() - c


class StudentStage:
    """Distils `teacher` into `student`, which starts as its copy."""

    name = "student"

    def __init__(self, student: nn.Module, teacher: nn.Module, batches: Batches, noising: Noising, settings: StudentSettings,
                 autocast: torch.autocast, show: Show, worth: Tensor, seed: int) -> None:
        if settings.round % settings.replay:
            raise ValueError(f"[student] round {settings.round} is no multiple of replay {settings.replay}")
        self.module, self.teacher = student, teacher.eval().requires_grad_(False)
        self.pace = self.settings = settings
        self.batches, self.noising, self.autocast, self.show, self.seed = batches, noising, autocast, show, seed
        self.worth = worth
        self._round = -1
        self._pairs: dict[str, tuple[Tensor, ...]] = {}

    def loss(self, step: int, draw: torch.Generator, late: bool) -> tuple[Tensor, dict[str, float]]:
        s = self.settings
        size = s.size(step, late)
        noisy, t, states, answer = self._taught(step, size, draw)
        real, real_states, real_noisy, real_t = self._real(draw, size)
        with self.autocast:
            inputs = torch.cat([noisy, real_noisy]).contiguous(memory_format=torch.channels_last)
            seen = self.module(inputs, torch.cat([t, real_t]), torch.cat([states, real_states])).sample.float()
        distilled = huber(seen[: len(noisy)], answer, s.huber, self.worth)
        error = ((seen[len(noisy) :] - real).square() * self.worth).mean((1, 2, 3))
        anchor = error * self.noising.weight(real_t, s.weight_cap)
        loss = (distilled.sum() + 0.5 * anchor.sum()) / len(seen)
        first = t == LAST
        return loss, {"first": float(distilled[first].detach().mean()), "between": float(distilled[~first].detach().mean()),
                      "anchor": float(error.detach().mean())}

    def _count(self, size: str) -> tuple[int, int, int]:
        """How many of a batch start from noise, between, and are real."""
        s = self.settings
        batch = s.count(size)
        first, real = max(1, round(batch * s.first)), max(1, round(batch * s.anchor))
        return first, max(1, batch - first - real), real

    def _real(self, draw: torch.Generator, size: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        s = self.settings
        clean, states = self.batches.batch(draw, self._count(size)[2], size, drop=s.drop, bridge=s.bridge)
        t = timesteps(draw, len(clean), s.high_noise).to(clean.device)
        noise = torch.randn(clean.shape, generator=draw).to(clean)
        return clean, states, self.noising.add(clean, noise, t), t

    def _taught(self, step: int, size: str, draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A batch of the teacher's answers of this round: inputs, timesteps, states, answers."""
        s = self.settings
        fresh = s.round // s.replay
        if self._round != (number := step // s.round):
            self._pairs, self._round = {}, number
        if size not in self._pairs:
            made = [self._ask(chance(self.seed, "pairs", number, size, part), size) for part in range(fresh)]
            self._pairs[size] = tuple(torch.cat(values) for values in zip(*made, strict=True))
        kept = self._pairs[size]
        first, between, _ = self._count(size)
        starts = kept[1] == LAST
        rows = [torch.nonzero(side)[:, 0].cpu() for side in (starts, ~starts)]
        chosen = torch.cat([own[torch.randperm(len(own), generator=draw)[:count]] for own, count in zip(rows, (first, between), strict=True)])
        return tuple(values[chosen.to(values.device)] for values in kept)  # type: ignore[return-value]

    def _ask(self, draw: torch.Generator, size: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One batch of questions and the teacher's answers."""
        s = self.settings
        first, between, _ = self._count(size)
        clean, states = self.batches.batch(draw, first + between, size, drop=s.drop, bridge=s.bridge)
        noise = torch.randn(clean.shape, generator=draw).to(clean)
        t = torch.full((len(clean),), LAST, device=clean.device)
        # strengths 0.2 to 0.9: feedback runs at .6-.8, composed memories at .3-.6
        t[first:] = (torch.rand(between, generator=draw) * 700 + 200).long().to(t)
        clean[first:] = patchwork(shuffled(clean, draw)[:between], shuffled(clean, draw)[:between], draw)
        noisy = self.noising.add(clean, noise, t).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), self.autocast:
            answer = denoise(self.teacher, self.noising, noisy, t, states, self.batches.empty,
                             guidance=s.guidance, steps=s.teacher_steps)
        return noisy, t, states, answer

    def sheet(self, path: Path, module: nn.Module) -> dict[str, float]:
        return self.show(module, path)


def patchwork(a: Tensor, b: Tensor, draw: torch.Generator) -> Tensor:
    """Half of the rows are a alone, half are a and b by a smooth random mask: what composed memories look like."""
    mask = F.interpolate(torch.rand(len(a), 1, 4, 4, generator=draw), a.shape[-2:], mode="bicubic", align_corners=False)
    mask = ((mask - 0.5) * 6).sigmoid().to(a)
    alone = (torch.rand(len(a), 1, 1, 1, generator=draw) < 0.5).to(a)
    return a * (alone + (1 - alone) * mask) + b * (1 - alone) * (1 - mask)
