"""Models of the right architecture with random weights: they take the right time and show nothing.

For measuring where no weights are at hand: SD-Turbo's and SDXL-Turbo's networks in full size for a GPU, thin ones of
the same construction for a CPU. Configurations are those of the published models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.mind.model.captured import Captured
from engine.mind.model.codec import Tiny
from engine.mind.model.device import Cpu, Cuda
from engine.mind.model.families import Family, PlainUNet, UNet

SD_TURBO: dict[str, Any] = {
    "sample_size": 64, "block_out_channels": (320, 640, 1280, 1280), "layers_per_block": 2, "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}  # fmt: skip
SDXL_TURBO: dict[str, Any] = {
    "sample_size": 64, "block_out_channels": (320, 640, 1280), "layers_per_block": 2, "cross_attention_dim": 2048,
    "attention_head_dim": (5, 10, 20), "use_linear_projection": True, "transformer_layers_per_block": (1, 2, 10),
    "addition_embed_type": "text_time", "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
}  # fmt: skip
THIN_SD = {
    **SD_TURBO,
    "block_out_channels": (32, 64, 128, 128),
    "attention_head_dim": (1, 2, 4, 4),
    "cross_attention_dim": 128,
}
THIN_SDXL = {**SDXL_TURBO, "block_out_channels": (32, 64, 128), "attention_head_dim": (1, 2, 4), "cross_attention_dim": 256,
             "transformer_layers_per_block": (1, 1, 2), "addition_time_embed_dim": 32,
             "projection_class_embeddings_input_dim": 160 + 6 * 32}  # fmt: skip


@dataclass(frozen=True)
class Architecture:
    """What is measured: a UNet's configuration, its words' shape and depth, the size of a picture."""

    name: str
    unet: dict[str, Any]
    words: tuple[int, int]  # tokens, dim; SDXL's last token carries the pooled sentence
    layers: int  # of the text encoder, 0 for none
    size: tuple[int, int]

    @property
    def pooled(self) -> bool:
        return self.unet.get("addition_embed_type") == "text_time"


FULL = {
    "sd-turbo": Architecture("sd-turbo", SD_TURBO, (77, 1024), 23, (512, 512)),
    "sdxl-turbo": Architecture("sdxl-turbo", SDXL_TURBO, (78, 2048), 0, (512, 512)),
}
THIN = {
    "sd-turbo": Architecture("thin sd-turbo", THIN_SD, (77, 128), 2, (128, 128)),
    "sdxl-turbo": Architecture("thin sdxl-turbo", THIN_SDXL, (78, 256), 0, (128, 128)),
}


def random_unet(architecture: Architecture, dtype: torch.dtype, device: torch.device) -> Any:
    """The UNet, its weights drawn on the device it is for."""
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    with torch.device(device):
        unet = UNet2DConditionModel(**architecture.unet)
    return unet.to(dtype).eval().requires_grad_(False)


def random_vae(dtype: torch.dtype, device: torch.device) -> Any:
    """TAESD's architecture."""
    from diffusers import AutoencoderTiny

    torch.manual_seed(1)
    with torch.device(device):
        vae = AutoencoderTiny()
    return vae.to(dtype).eval().requires_grad_(False)


def turbo_scheduler() -> Any:
    """SD-Turbo's."""
    from diffusers import EulerDiscreteScheduler

    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="epsilon",
        timestep_spacing="trailing", steps_offset=1,
    )  # fmt: skip


class RandomWords:
    """A text encoder of the right size that reads the bytes of a sentence instead of tokens."""

    def __init__(self, architecture: Architecture, dtype: torch.dtype, device: torch.device):
        self.shape, self.device, self.encoder = architecture.words, device, None
        if architecture.layers:
            from transformers import CLIPTextConfig, CLIPTextModel

            dim = architecture.words[1]
            config = CLIPTextConfig(hidden_size=dim, intermediate_size=4 * dim, num_hidden_layers=architecture.layers,
                                    num_attention_heads=max(1, dim // 64), hidden_act="gelu")  # fmt: skip
            torch.manual_seed(2)
            with torch.device(device):
                self.encoder = CLIPTextModel(config).to(dtype).eval().requires_grad_(False)

    def to(self, device: torch.device) -> None:
        """It was made where it runs."""

    def capture(self, device: Cpu | Cuda) -> None:
        if self.encoder is not None:
            self.encoder.forward = Captured(self.encoder.forward, device)

    @torch.inference_mode()
    def condition(self, words: str) -> Tensor:
        letters = (words.encode() or b" ")[: self.shape[0]].ljust(self.shape[0], b" ")
        if self.encoder is None:
            seed = int.from_bytes(words.encode()[:7], "little")
            return torch.randn(self.shape, generator=torch.Generator().manual_seed(seed))
        tokens = torch.tensor([list(letters)], device=self.device)
        found: Tensor = self.encoder(tokens).last_hidden_state[0].float().cpu()
        return found


def random_family(
    architecture: Architecture, dtype: torch.dtype, device: torch.device, words: RandomWords, folded: bool = True
) -> Family:
    """Ours, on the same random weights every time."""
    unet, vae = random_unet(architecture, dtype, device), random_vae(dtype, device)
    family = (UNet if folded else PlainUNet)(unet, Tiny(vae), turbo_scheduler(), words)
    return family.to(device).eval().requires_grad_(False)
