"""The model a fresh machine dreams with: weights made by `hypermnesia train`, in diffusers' own folders.

**Latents, the one convention.** Pictures are (n, 3, h, w) in 0..1. `to_latents` gives (n, 4, h/8, w/8)
with about mean 0 and variance 1 per channel; the UNet sees them as they are: no scaling factor. It
predicts the clean latent (`prediction_type="sample"`), and one call at t = 999 on plain noise is a picture.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from engine.mind.model.encoder import Encoder
from engine.mind.model.reader import Reader

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny, LCMScheduler, UNet2DConditionModel

FOLDER = Path(__file__).parent
PARTS = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json", "reader/config.json", "reader/model.safetensors")


@dataclass(frozen=True)
class Embedded:
    """Everything that dreams without a hub: all on the CPU, in evaluation mode, gradients off."""

    unet: UNet2DConditionModel
    vae: AutoencoderTiny
    scheduler: LCMScheduler
    encoder: Encoder
    reader: Reader


def load(folder: Path | None = None, dtype: torch.dtype | None = None) -> Embedded:
    """Load the shipped weights, or those of a folder laid out like them. Never touches a network.

    `dtype` None is f32 (the files hold f16, slow on a CPU); it applies to unet, vae and reader.
    FileNotFoundError names the first missing file and the command that makes it.
    """
    from diffusers import AutoencoderTiny, LCMScheduler, UNet2DConditionModel

    folder = FOLDER if folder is None else folder
    check(folder)
    dtype = torch.float32 if dtype is None else dtype
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=dtype, local_files_only=True)
    vae = AutoencoderTiny.from_pretrained(folder / "vae", torch_dtype=dtype, local_files_only=True)
    scheduler = LCMScheduler.from_pretrained(folder / "scheduler", local_files_only=True)
    for part in (unet, vae):
        part.eval().requires_grad_(False)
    return Embedded(unet, vae, scheduler, Encoder.load(), reader(folder).to(dtype))


def reader(folder: Path = FOLDER) -> Reader:
    """The reader alone, f32 on the CPU."""
    return Reader.load(folder / "reader")


def space(folder: Path = FOLDER) -> str:
    """What latents and readings are comparable with: they mean something only to the weights that made them."""
    weights = hashlib.blake2b(digest_size=6)
    for part in ("vae", "reader"):
        for file in sorted((folder / part).glob("*.safetensors")):
            weights.update(file.read_bytes())
    return f"embedded {weights.hexdigest()}"


def check(folder: Path) -> None:
    """Raise FileNotFoundError for the first file that `load` would miss."""
    for name in PARTS:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"no embedded model: {folder / name} is missing; make it with `hypermnesia train`")
    for part in ("unet", "vae"):
        if not any((folder / part).glob("*.safetensors")):
            raise FileNotFoundError(
                f"no embedded model: {folder / part}/diffusion_pytorch_model.safetensors is missing; make it with `hypermnesia train`"
            )


def to_latents(vae: nn.Module, pictures: Tensor) -> Tensor:
    """(n, 3, h, w) in 0..1 -> (n, 4, h/8, w/8), about unit variance. h and w are multiples of 8."""
    latents: Tensor = vae.encode(pictures * 2 - 1).latents  # type: ignore[operator]
    return latents


def to_pictures(vae: nn.Module, latents: Tensor) -> Tensor:
    """(n, 4, h, w) -> (n, 3, 8h, 8w), about 0..1, not clamped."""
    pictures: Tensor = vae.decode(latents).sample  # type: ignore[operator]
    return pictures * 0.5 + 0.5
