"""The loop that every trained stage runs in: it can stop at any step and go on as if it had not.

A stage draws everything random of step k from a generator seeded with (seed, stage, k), so nothing
depends on when a run was stopped. The one thing that does depend on the clock, the step at which the
learning rate begins to fall, is decided once and written in the checkpoint.
"""

from __future__ import annotations

import copy
import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from engine.atelier.settings import Pace

Clock = Callable[[], float]


class Stage(Protocol):
    """Something that learns."""

    name: str
    module: nn.Module

    @property
    def pace(self) -> Pace:
        """How fast it learns."""

    def loss(self, step: int, draw: torch.Generator, late: bool) -> tuple[Tensor, dict[str, float]]:
        """The loss of one step, and figures to watch. `draw` is the only source of chance; `late`: the rate is falling."""

    def sheet(self, path: Path, module: nn.Module) -> dict[str, float]:
        """Save a picture of what `module` can do now; return figures on held-out pictures."""


def chance(*names: object) -> torch.Generator:
    """A generator on the CPU that these names, and nothing else, seed."""
    return torch.Generator().manual_seed(zlib.crc32(" ".join(map(str, names)).encode()))


class Learner:
    """A stage, its optimiser and where it stands."""

    def __init__(self, stage: Stage, folder: Path, seed: int, *, seconds: float = 0.0, steps: int = 0,
                 clock: Clock = time.monotonic) -> None:
        if (seconds > 0) == (steps > 0):
            raise ValueError("give either seconds or steps")
        self.stage, self.folder, self.seed, self.clock = stage, folder, seed, clock
        self.seconds, self.steps = seconds, steps
        self.step, self.elapsed, self.falling_from = 0, 0.0, 0
        self.averaged = copy.deepcopy(stage.module).requires_grad_(False) if stage.pace.ema else stage.module
        device = next(stage.module.parameters()).device
        self.optimiser = torch.optim.AdamW(
            stage.module.parameters(), lr=stage.pace.lr, betas=(0.9, 0.99), weight_decay=0.01, fused=device.type in ("cpu", "cuda")
        )
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.stage.name}.pt"

    @property
    def progress(self) -> float:
        """How much of the stage is over, 0..1."""
        if self.steps:
            return min(1.0, self.step / self.steps)
        return min(1.0, self.elapsed / self.seconds)

    @property
    def done(self) -> bool:
        if self.steps:
            return self.step >= self.steps
        return bool(self.falling_from) and self.step >= self.falling_from + self._falling_steps

    @property
    def _falling_steps(self) -> int:
        """Steps of the falling part: as long, by count, as `cooldown` of the whole."""
        share = self.stage.pace.cooldown
        return max(1, round(self.falling_from * share / max(1e-6, 1 - share)))

    def rate(self) -> float:
        """The learning rate now: rises over `warmup` steps, stays, falls linearly to a twentieth."""
        pace = self.stage.pace
        rise = min(1.0, (self.step + 1) / max(1, pace.warmup))
        if not self.falling_from:
            return pace.lr * rise
        gone = min(1.0, (self.step - self.falling_from) / self._falling_steps)
        return pace.lr * rise * (1 - 0.95 * gone)

    def learn(self) -> dict[str, float]:
        """One step; the figures of it."""
        began = self.clock()
        if not self.falling_from and self.progress >= 1 - self.stage.pace.cooldown:
            self.falling_from = max(1, self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        draw = chance(self.seed, self.stage.name, self.step)
        loss, figures = self.stage.loss(self.step, draw, self.falling_from > 0)
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.stage.module.parameters(), self.stage.pace.clip)
        if torch.isfinite(norm):  # one bad batch must not cost the run
            self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._average()
        self.step += 1
        self.elapsed += self.clock() - began
        return {"step": self.step, "loss": float(loss.detach()), "norm": float(norm), **figures}

    def _average(self) -> None:
        if self.averaged is self.stage.module:
            return
        keep = min(self.stage.pace.ema, (1 + self.step) / (10 + self.step))  # young averages forget quickly
        with torch.no_grad():
            old = list(self.averaged.state_dict().values())
            new = list(self.stage.module.state_dict().values())
            for mean, value in zip(old, new, strict=True):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - keep)
                else:
                    mean.copy_(value)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state: dict[str, Any] = {
            "module": self.stage.module.state_dict(),
            "averaged": None if self.averaged is self.stage.module else self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "elapsed": self.elapsed,
            "falling_from": self.falling_from,
            "seed": self.seed,
        }
        partial = self.path.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.path)

    def keep(self) -> None:
        """Leave the averaged weights as they are now, in half precision, for the curve of what more time brings."""
        if self.averaged is self.stage.module:
            return
        folder = self.folder / "history"
        folder.mkdir(exist_ok=True)
        halves = {name: value.half() if value.is_floating_point() else value for name, value in self.averaged.state_dict().items()}
        torch.save({"averaged": halves, "step": self.step, "elapsed": self.elapsed}, folder / f"{self.stage.name}-{self.step:06d}.pt")

    def resume(self) -> bool:
        """Read the checkpoint if there is one. A finished stage that is given more time goes on at full rate."""
        if not self.path.exists():
            return False
        device = next(self.stage.module.parameters()).device
        state = torch.load(self.path, map_location=device, weights_only=True)
        if state["seed"] != self.seed:
            raise ValueError(f"{self.path} was trained with seed {state['seed']}, not {self.seed}; use another folder")
        self.stage.module.load_state_dict(state["module"])
        if state["averaged"] is not None and self.averaged is not self.stage.module:
            self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.elapsed, self.falling_from = state["step"], state["elapsed"], state["falling_from"]
        if self.progress < 1 - self.stage.pace.cooldown:
            self.falling_from = 0
        return True


class Log:
    """Figures of a stage, a line of JSON a step, and a line for people now and then."""

    def __init__(self, folder: Path, name: str, out: Callable[[str], None] = print) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.jsonl"
        self.name, self.out = name, out
        self.recent: dict[str, float] = {}

    def note(self, figures: dict[str, float]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({key: round(value, 6) for key, value in figures.items()}) + "\n")
        for key, value in figures.items():
            self.recent[key] = value if key not in self.recent else 0.95 * self.recent[key] + 0.05 * value

    def say(self, step: int, left: float, rate: float) -> None:
        """`left`: seconds left of the stage; `rate`: steps a second."""
        shown = "  ".join(f"{key} {value:.4g}" for key, value in self.recent.items() if key != "step")
        self.out(f"{self.name:12s} step {step:6d}  {rate:5.2f}/s  {left / 60:5.1f} min left  {shown}")


def run(learner: Learner, *, log: Log, sheets: Path, sheet_seconds: float, checkpoint_seconds: float) -> None:
    """Learn until the stage is done, saving checkpoints and sheets; a sheet at the end as well."""
    clock = learner.clock
    said = shown = saved = clock()
    first, counted = learner.step, clock()
    while not learner.done:
        log.note(learner.learn())
        now = clock()
        if now - said > 20:
            pace = (learner.step - first) / max(1e-6, now - counted)
            left = learner.seconds * (1 - learner.progress) if learner.seconds else (learner.steps - learner.step) / max(pace, 1e-6)
            log.say(learner.step, left, pace)
            said = now
        if now - shown > sheet_seconds:
            _show(learner, log, sheets)
            learner.keep()
            shown = clock()
        if now - saved > checkpoint_seconds:
            learner.save()
            saved = clock()
    learner.save()
    learner.keep()
    _show(learner, log, sheets)


def _show(learner: Learner, log: Log, sheets: Path) -> None:
    sheets.mkdir(parents=True, exist_ok=True)
    path = sheets / f"{learner.stage.name}-{learner.step:06d}.png"
    figures = learner.stage.sheet(path, learner.averaged)
    log.out(f"{learner.stage.name:12s} sheet {path}  " + "  ".join(f"{key} {value:.4g}" for key, value in figures.items()))
