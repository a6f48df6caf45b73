"""Small models with random weights, saved in diffusers' layout: they load and time correctly and show nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderTiny,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer


class FakeEncoder:
    """Words to vectors without a network: deterministic, unit, different for different words."""

    def sentence(self, texts: list[str]) -> np.ndarray:
        found = np.stack([self._noise(text, (384,)) for text in texts])
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def condition(self, texts: list[str]) -> np.ndarray:
        return np.stack([self._noise(text, (24, 384)) for text in texts])

    @staticmethod
    def _noise(text: str, shape: tuple[int, ...]) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def embedded_unet(channels: tuple[int, ...] = (32, 32, 64)) -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=32, in_channels=4, out_channels=4, block_out_channels=list(channels), layers_per_block=1,
        down_block_types=["DownBlock2D", "DownBlock2D", "SimpleCrossAttnDownBlock2D"],
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=["SimpleCrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
        cross_attention_dim=channels[-1], encoder_hid_dim=384, encoder_hid_dim_type="text_proj", attention_head_dim=32,
        norm_num_groups=16, resnet_time_scale_shift="scale_shift", addition_embed_type="text",
        addition_embed_type_num_heads=8,
    ).eval()  # fmt: skip


def tiny_vae(width: int = 16, decoder: tuple[int, ...] = (1, 1, 1, 0)) -> AutoencoderTiny:
    torch.manual_seed(1)
    return AutoencoderTiny(
        encoder_block_out_channels=(width,) * 4, decoder_block_out_channels=(width,) * 4,
        num_encoder_blocks=(1, 1, 1, 1), num_decoder_blocks=decoder,
    ).eval()  # fmt: skip


def embedded_scheduler() -> LCMScheduler:
    return LCMScheduler(
        beta_schedule="squaredcos_cap_v2", prediction_type="sample", rescale_betas_zero_snr=True, steps_offset=1
    )


def save_embedded(folder: Path, full: bool = False) -> Path:
    """A folder like the embedded model's; `full` gives it its real widths (13 million parameters)."""
    unet = embedded_unet((64, 128, 256) if full else (32, 32, 64))
    vae = tiny_vae(48, (3, 2, 1, 0)) if full else tiny_vae()
    nothing: dict[str, Any] = {"text_encoder": None, "tokenizer": None, "feature_extractor": None}
    pipe = StableDiffusionPipeline(
        unet=unet,
        vae=vae,
        scheduler=embedded_scheduler(),
        safety_checker=None,
        requires_safety_checker=False,
        **nothing,
    )
    pipe.save_pretrained(folder)
    return folder


def small_tokenizer() -> CLIPTokenizer:
    """A CLIP tokenizer that knows the printable letters of ASCII, alone and at the end of a word."""
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer({word: number for number, word in enumerate(words)}, [], model_max_length=77)


def small_clip(dim: int = 32) -> CLIPTextModel:
    torch.manual_seed(2)
    last = len(small_tokenizer()) - 1
    config = CLIPTextConfig(
        vocab_size=last + 1, hidden_size=dim, intermediate_size=2 * dim, num_hidden_layers=2, num_attention_heads=4,
        bos_token_id=last - 1, eos_token_id=last, pad_token_id=last, projection_dim=dim,
    )  # fmt: skip
    return CLIPTextModel(config).eval()


def small_sd_unet() -> UNet2DConditionModel:
    torch.manual_seed(3)
    return UNet2DConditionModel(
        sample_size=16, block_out_channels=(32, 64, 64), layers_per_block=2, cross_attention_dim=32,
        attention_head_dim=(2, 4, 4), norm_num_groups=8, use_linear_projection=True,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    ).eval()  # fmt: skip


def small_xl_unet() -> UNet2DConditionModel:
    torch.manual_seed(4)
    return UNet2DConditionModel(
        sample_size=16, block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=64,
        attention_head_dim=(2, 4), norm_num_groups=8, use_linear_projection=True, transformer_layers_per_block=(1, 2),
        addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=32 + 6 * 8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    ).eval()  # fmt: skip


def turbo_scheduler(prediction: str = "epsilon") -> EulerDiscreteScheduler:
    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=prediction,
        timestep_spacing="trailing", steps_offset=1,
    )  # fmt: skip


def save_sd_turbo(folder: Path, prediction: str = "epsilon") -> Path:
    """A folder like stabilityai/sd-turbo's, thin: its class names, its scheduler, linear projections, a tiny decoder."""
    pipe = StableDiffusionPipeline(
        unet=small_sd_unet(), vae=tiny_vae(16, (1, 1, 1, 1)), scheduler=turbo_scheduler(prediction),
        text_encoder=small_clip(), tokenizer=small_tokenizer(), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder)
    return folder


def save_sdxl_turbo(folder: Path) -> Path:
    """A folder like stabilityai/sdxl-turbo's: two text encoders, a pooled sentence, an ancestral scheduler."""
    scheduler = EulerAncestralDiscreteScheduler.from_config(turbo_scheduler().config)
    second = CLIPTextModelWithProjection(small_clip().config).eval()
    pipe = StableDiffusionXLPipeline(
        unet=small_xl_unet(), vae=tiny_vae(16, (1, 1, 1, 1)), scheduler=scheduler, text_encoder=small_clip(),
        text_encoder_2=second, tokenizer=small_tokenizer(), tokenizer_2=small_tokenizer(), add_watermarker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder)
    return folder
