"""One static path from noise to pixels: the same memory, the same operations, for every picture.

    noise, start, last picture -> noised latent -> network, a few steps -> clean latent -> decoder -> uint8 RGBA

Nothing in here decides anything at the time of a picture: whatever changes is a number in a buffer that is made once
(`strength`, `feedback`, `turn`), or a slot of the words' constants, which is copied in between two pictures. So a GPU
can capture the whole path once as a graph, and a CPU runs the same lines as a direct call.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.mind.families import Family, Slot
from engine.mind.schedule import Schedule


@dataclass(slots=True)
class Buffers:
    """Everything that a picture reads and writes. Made once; no address changes as long as the path lives."""

    noise: Tensor  # (steps, c, h, w) f32, one sheet of noise a step
    start: Tensor  # (c, h, w) f32, the latent to begin from
    last: Tensor  # (c, h, w) f32, the latent of the last picture
    rows: Tensor  # (1 + steps, 4) f32, Schedule.rows()
    knobs: Tensor  # (2,) f32: feedback, turn
    angle: Tensor  # (tokens,) f32, between the two conditions, token by token
    latent: Tensor  # (c, h, w) f32, the picture's
    rgba: Tensor  # (height, width, 4) u8

    @classmethod
    def make(cls, family: Family, size: tuple[int, int], steps: int, device: torch.device) -> Buffers:
        shape = family.latent(size)

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, device=device)

        rgba = torch.full((*size, 4), 255, dtype=torch.uint8, device=device)
        rows, knobs, angle = zeros(1 + steps, 4), zeros(2), zeros(family.words.shape[0])
        return cls(zeros(steps, *shape), zeros(*shape), zeros(*shape), rows, knobs, angle, zeros(*shape), rgba)


class Path:
    """The static path of one family at one size. One thread at a time; realtime-safe on a GPU after the first picture."""

    def __init__(self, family: Family, size: tuple[int, int], steps: int | None = None, device: str = "cpu"):
        self.family, self.size, self.steps = family, size, steps or family.steps
        self.device = torch.device(device)
        self.dtype = next(family.network.parameters()).dtype
        self.buffers = Buffers.make(family, size, self.steps, self.device)
        self._conditions: list[Tensor | None] = [None, None]  # what the two slots were made from
        self._timesteps: tuple[float, ...] = ()
        blank = torch.zeros(family.words.shape)
        schedule = family.schedule(1.0, size, self.steps)
        self.slots = tuple(family.prepare(blank, schedule.timesteps, size) for _ in range(2))  # here, there
        self.now: Slot = tuple(part.clone() for part in self.slots[0])  # what the network reads

    @torch.inference_mode()
    def paint(
        self,
        condition: Tensor,
        noise: Tensor,
        start: Tensor | None,
        strength: float,
        toward: Tensor | None = None,
        turn: float = 0.0,
        feedback: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """One picture; returns the path's own rgba and latent, which the next picture overwrites."""
        schedule = self.family.schedule(strength, self.size, self.steps)
        self.hold(condition, toward if turn > 0 else None, schedule)
        self.feed(noise, start, schedule, feedback, turn if toward is not None else 0.0)
        self.compute()
        return self.buffers.rgba, self.buffers.latent

    def hold(self, condition: Tensor, toward: Tensor | None, schedule: Schedule) -> None:
        """Bring the words into the slots, if they or the timesteps are other than before."""
        fresh = schedule.timesteps != self._timesteps
        self._timesteps = schedule.timesteps
        for side, wanted in enumerate((condition, toward)):
            if wanted is None or (wanted is self._conditions[side] and not fresh):
                continue
            made = self.family.prepare(wanted, schedule.timesteps, self.size)
            for mine, part in zip(self.slots[side], made, strict=True):
                mine.copy_(part)
            self._conditions[side] = wanted
        if toward is not None:
            self.buffers.angle.copy_(torch.acos(torch.cosine_similarity(condition, toward, dim=-1).clamp(-1, 1)))

    def feed(self, noise: Tensor, start: Tensor | None, schedule: Schedule, feedback: float, turn: float) -> None:
        """Copy a picture's own numbers into the buffers. Later steps read the first sheet of noise, rolled."""
        sheets = noise if noise.dim() == 4 else noise[None]
        for k in range(self.steps):
            sheet = sheets[min(k, len(sheets) - 1)]
            self.buffers.noise[k].copy_(sheet if k < len(sheets) else _rolled(sheet, k))
        if start is None:
            self.buffers.start.zero_()
        else:
            self.buffers.start.copy_(start)
        self.buffers.rows.copy_(torch.tensor(schedule.rows()))
        self.buffers.knobs.copy_(torch.tensor([feedback, turn]))

    def compute(self) -> None:
        """The path itself. No branch, no allocation that outlives it, nothing that waits."""
        b = self.buffers
        self._mix()
        x = (self._begin() * b.rows[0, 0] + b.noise[0] * b.rows[0, 1])[None]
        for k in range(self.steps):
            into, keep, take, fresh = b.rows[k + 1].unbind()
            answer = self.family.predict((x * into).to(self.dtype), self.now, k).float()
            x = x * keep + answer * take
            if k + 1 < self.steps:
                x = x + b.noise[k + 1] * fresh
        b.latent.copy_(x[0])
        b.last.copy_(x[0])
        picture = self.family.codec.decode(x.to(self.dtype))[0].float()
        b.rgba[..., :3].copy_(picture.clamp(0, 1).mul(255).round().permute(1, 2, 0))

    def _begin(self) -> Tensor:
        """The latent to begin from: what is asked, mixed with the last picture, its contrast kept from gathering."""
        b = self.buffers
        feedback = b.knobs[0]
        mixed = b.start + (b.last - b.start) * feedback
        spread, mean = torch.std_mean(mixed, dim=(1, 2), keepdim=True)
        calm = (mixed - mean) / spread.clamp(min=1.0) + mean  # never more than unit deviation
        return torch.where(feedback > 0, calm, mixed)

    def _mix(self) -> None:
        """Spherical interpolation between the two slots, by the turn, token by token."""
        turn, angle = self.buffers.knobs[1], self.buffers.angle.clamp(min=1e-3)
        weights = torch.stack([torch.sin((1 - turn) * angle), torch.sin(turn * angle)], 1) / torch.sin(angle)[:, None]
        self.family.mix(self.slots[0], self.slots[1], weights.to(self.dtype), turn, self.now)


def _rolled(sheet: Tensor, k: int) -> Tensor:
    """Other noise out of the same: a picture is given one sheet and may need several that walk with it."""
    return torch.roll(sheet, (k * (sheet.shape[1] // 2 + 1), k * (sheet.shape[2] // 3 + 1)), (1, 2))
