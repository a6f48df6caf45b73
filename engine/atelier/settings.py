"""The hyperparameters of training, read from `train.toml`. An unknown key is an error that names the nearest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core import toml

DEFAULT = Path(__file__).with_name("train.toml")


@dataclass(frozen=True)
class Run:
    """The run as a whole: seed, minutes of budget, precision, minutes between checkpoints and between sheets, memories that ship."""

    seed: int
    minutes: float
    precision: str
    checkpoint_minutes: float
    sheet_minutes: float
    founding: int


@dataclass(frozen=True)
class Share:
    """Parts of the budget, by stage; their sum is 1."""

    paint: float
    codec: float
    encode: float
    heads: float
    teacher: float
    student: float
    reader: float


@dataclass(frozen=True)
class CacheSettings:
    """What is painted before anything is learned: side in pixels, pictures a shard, rounds over all kinds, captions a picture."""

    size_px: int
    shard: int
    rounds: int
    captions: int
    pictures_kept: int
    bridge_nearest: int


@dataclass(frozen=True)
class Pace:
    """What every trained stage has: how fast it learns."""

    batch: int
    lr: float
    warmup: int
    cooldown: float
    ema: float
    clip: float


@dataclass(frozen=True)
class CodecSettings(Pace):
    """The linear codec: channels of its latent, and the side in pixels of the crops it learns from."""

    channels: int
    crop_px: int


@dataclass(frozen=True)
class HeadsSettings(Pace):
    """The heads that say what a caption asks for: captions they learn from, and weight decay."""

    captions: int
    decay: float


@dataclass(frozen=True)
class Diffusion(Pace):
    """What teacher and student share: which batches they see."""

    turns: tuple[str, ...]
    late_turns: tuple[str, ...]
    batch_large: int
    drop: float
    bridge: float
    weight_cap: float
    high_noise: float

    def size(self, step: int, late: bool) -> str:
        """The size of this step's latents: small or large."""
        turns = self.late_turns if late else self.turns
        return turns[step % len(turns)]

    def count(self, size: str) -> int:
        """The batch of that size."""
        return {"small": self.batch, "large": self.batch_large}[size]


@dataclass(frozen=True)
class TeacherSettings(Diffusion):
    """The teacher, which takes many steps: nothing but what both have."""


@dataclass(frozen=True)
class StudentSettings(Diffusion):
    """The student, which takes one step: what it copies of the teacher, and how much of it is learned from real pictures."""

    huber: float
    guidance: float
    teacher_steps: int
    first: float
    anchor: float
    round: int
    replay: int


@dataclass(frozen=True)
class ReaderSettings(Pace):
    """The reader of pictures: width in channels, softmax temperature, and the most noise on what it reads."""

    width: int
    temperature: float
    noise: float


@dataclass(frozen=True)
class Settings:
    """All of `train.toml`; `unet` and `scheduler` go to diffusers' classes as they stand."""

    run: Run
    share: Share
    cache: CacheSettings
    codec: CodecSettings
    heads: HeadsSettings
    teacher: TeacherSettings
    student: StudentSettings
    reader: ReaderSettings
    unet: dict[str, Any]
    scheduler: dict[str, Any]


def load(path: Path | None = None, changes: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Settings of one TOML file, whole, with `changes` (part -> key -> value) laid over it.

    Raises ValueError for a part or key that is unknown or missing, or shares that do not sum to 1.
    """
    found = toml.table(path or DEFAULT, ValueError)
    for part, values in (changes or {}).items():
        found.setdefault(part, {}).update(values)
    settings = toml.build(Settings, found, (path or DEFAULT).name, ValueError)
    total = sum(vars(settings.share).values())
    if abs(total - 1.0) > 1e-6:
        raise ValueError(f"[share] sums to {total:g}; it must sum to 1")
    return settings
