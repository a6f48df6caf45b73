"""The model a fresh machine dreams with: weights made by `hypermnesia train`.

`codec/` is our own linear codec (`engine.mind.model.lapped`), `heads/` and `reader/` are ours too, `unet/` and
`scheduler/` are diffusers' folders. **Latents, the one convention**: pictures are (n, 3, h, w) in 0..1, latents
(n, 24, h/8, w/8) of mean 0 and deviation 1 in every channel, the channels ordered by what they carry. The UNet works on
the first five, without a scaling factor; it predicts the clean latent (`prediction_type="sample"`), and one call at
t = 999 on plain noise is what the words alone look like.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file

from engine.core.machine import SHIPPED
from engine.mind.model.encoder import Encoder
from engine.mind.model.lapped import FILE, Lapped
from engine.mind.model.reader import Reader
from engine.painter.said import Heads

if TYPE_CHECKING:
    from diffusers import LCMScheduler, UNet2DConditionModel

FOLDER = SHIPPED
PARTS = (
    "unet/config.json", "codec/lapped.safetensors", "heads/heads.safetensors", "scheduler/scheduler_config.json", "reader/config.json",
    "reader/model.safetensors",
)  # fmt: skip


@dataclass(frozen=True)
class Embedded:
    """Everything that dreams without a hub: all on the CPU, in evaluation mode, gradients off."""

    unet: UNet2DConditionModel
    codec: Lapped
    scheduler: LCMScheduler
    encoder: Encoder
    reader: Reader
    heads: Heads


def load(folder: Path | None = None, dtype: torch.dtype | None = None) -> Embedded:
    """Load the shipped weights, or those of a folder laid out like them. Never touches a network.

    `dtype` None is f32 (the files hold f16, slow on a CPU); it applies to unet, codec and reader.
    FileNotFoundError names the first missing file and the command that makes it.
    """
    from diffusers import LCMScheduler, UNet2DConditionModel

    folder = FOLDER if folder is None else folder
    check(folder)
    dtype = torch.float32 if dtype is None else dtype
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=dtype, local_files_only=True, low_cpu_mem_usage=False)
    codec = Lapped.load(folder / "codec").to(dtype)
    scheduler = LCMScheduler.from_pretrained(folder / "scheduler", local_files_only=True)
    unet.eval().requires_grad_(False)
    return Embedded(unet, codec, scheduler, Encoder(), reader(folder).to(dtype), Heads.load(folder / "heads"))


def reader(folder: Path = FOLDER) -> Reader:
    """The reader alone, f32 on the CPU."""
    return Reader.load(folder / "reader")


def space(folder: Path = FOLDER) -> str:
    """What latents and readings are comparable with: they mean something only to the weights that made them, so to the way
    into the codec and to the reader. The way out may become better."""
    weights = hashlib.blake2b((folder / "reader" / "model.safetensors").read_bytes(), digest_size=6)
    codec = load_file(folder / "codec" / FILE)
    for name in ("analysis", "mean", "spread"):
        weights.update(codec[name].contiguous().numpy().tobytes())
    return f"embedded {weights.hexdigest()}"


def check(folder: Path) -> None:
    """Raise FileNotFoundError for the first file that `load` would miss."""
    for name in PARTS:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"no embedded model: {folder / name} is missing; make it with `hypermnesia train`")
    if not any((folder / "unet").glob("*.safetensors")):
        raise FileNotFoundError(
            f"no embedded model: {folder / 'unet'}/diffusion_pytorch_model.safetensors is missing; make it with `hypermnesia train`"
        )
