"""Small models with random weights, saved in diffusers' layout: they load and time correctly and show nothing."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderTiny,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from engine.mind.model.device import Cpu, lay
from engine.mind.model.encoder import DIM, SLOTS
from engine.mind.model.families import LargeForms, SentenceWords
from engine.mind.model.lapped import Lapped, from_blocks, ordered
from engine.mind.model.model import Model
from engine.painter.paint import KINDS, paint


class FakeEncoder:
    """Words to vectors without a network: deterministic, unit, different for different words."""

    def sentence(self, texts: list[str]) -> np.ndarray:
        found = np.stack([self._noise(text, (DIM,)) for text in texts])
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def condition(self, texts: list[str]) -> np.ndarray:
        return np.stack([self._noise(text, (SLOTS, DIM)) for text in texts])

    @staticmethod
    def _noise(text: str, shape: tuple[int, ...]) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def embedded_unet(channels: int = 5) -> UNet2DConditionModel:
    """The embedded model's kind of network, thin."""
    torch.manual_seed(0)
    widths = (32, 32, 64)
    return UNet2DConditionModel(
        sample_size=32, in_channels=channels, out_channels=channels, block_out_channels=list(widths), layers_per_block=1,
        down_block_types=["DownBlock2D", "DownBlock2D", "SimpleCrossAttnDownBlock2D"],
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=["SimpleCrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
        cross_attention_dim=widths[-1], encoder_hid_dim=DIM, encoder_hid_dim_type="text_proj", attention_head_dim=32,
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
    return LCMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="sample", rescale_betas_zero_snr=True, clip_sample=False)


def lapped(channels: int = 24) -> Lapped:
    """A young codec of 24 channels, ordered and normalised on paintings: it decodes what it encodes."""
    return young(channels).eval().requires_grad_(False)


def young(channels: int = 24) -> Lapped:
    """The same, to be taught."""
    shown = paintings()
    return ordered(from_blocks(shown, channels), shown)


@functools.cache
def paintings(side: int = 96) -> Tensor:
    """(12, 3, side, side) in 0..1: one of each of twelve kinds."""
    return torch.stack([paint(kind, 1, (side, side), seed=3)[0][0] for kind in KINDS[:12]])


def embedded_family(encoder: Any = None) -> LargeForms:
    """Like the embedded model, thin: its class, its 24 channels of which five are dreamt, its scheduler and its words."""
    words = SentenceWords(encoder or FakeEncoder())
    return LargeForms(embedded_unet(), lapped(), embedded_scheduler(), words).eval().requires_grad_(False)


def embedded_model(size: tuple[int, int]) -> Model:
    """The same as a model in float32 on the CPU."""
    family = embedded_family()
    lay(family.network, torch.float32)
    lay(family.codec, torch.float32)
    return Model(family, "embedded", size, Cpu(), "thin", FakeEncoder())


def save_wordless(folder: Path) -> Path:
    """A folder in diffusers' layout without a text encoder: it hears the sentence encoder's 12 slots of 512."""
    nothing: dict[str, Any] = {"text_encoder": None, "tokenizer": None, "feature_extractor": None}
    pipe = StableDiffusionPipeline(
        unet=embedded_unet(4),
        vae=tiny_vae(),
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


def small_sd_unet(**changes: Any) -> UNet2DConditionModel:
    torch.manual_seed(3)
    return UNet2DConditionModel(
        **changes,
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


def save_lcm(folder: Path, guided: int | None = None) -> Path:
    """A folder like LCM's of SD 1.5: its scheduler, and, if `guided`, a network that is told its guidance in so many numbers."""
    scheduler = LCMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)
    pipe = LatentConsistencyModelPipeline(
        unet=small_sd_unet(time_cond_proj_dim=guided), vae=tiny_vae(16, (1, 1, 1, 1)), scheduler=scheduler,
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


def word_tokenizer() -> Any:
    """A tokenizer of whole words that any pipeline accepts, with a chat template."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<unk>", "<s>", "a", "road", "under", "snow", "fire", "user", "assistant"]
    inner = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    made = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", unk_token="<unk>", bos_token="<s>")
    made.chat_template = (
        "{% for message in messages %}{{ message['role'] }} {{ message['content'] }}{% endfor %} assistant"
    )
    return made


def save_sana_sprint(folder: Path) -> Path:
    """A folder like SANA-Sprint's: a deep autoencoder, a linear transformer, Gemma, angles."""
    from diffusers import AutoencoderDC, SanaSprintPipeline, SanaTransformer2DModel, SCMScheduler
    from transformers import Gemma2Config, Gemma2Model

    torch.manual_seed(5)
    transformer = SanaTransformer2DModel(
        patch_size=1, in_channels=4, out_channels=4, num_layers=1, num_attention_heads=2, attention_head_dim=4,
        num_cross_attention_heads=2, cross_attention_head_dim=4, cross_attention_dim=8, caption_channels=8, sample_size=8,
        qk_norm="rms_norm_across_heads", guidance_embeds=True,
    )  # fmt: skip
    block = {"layers_per_block": (1, 1), "block_out_channels": (8, 8), "qkv_multiscales": ((), (5,))}
    vae = AutoencoderDC(
        in_channels=3, latent_channels=4, attention_head_dim=2, encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"), upsample_block_type="interpolate",
        downsample_block_type="stride_conv", decoder_norm_types="rms_norm", decoder_act_fns="silu", scaling_factor=0.41,
        **{f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in block.items()},
    )  # fmt: skip
    gemma = Gemma2Config(
        head_dim=8, hidden_size=8, intermediate_size=16, num_attention_heads=1, num_hidden_layers=1,
        num_key_value_heads=1, vocab_size=16,
    )  # fmt: skip
    pipe = SanaSprintPipeline(
        word_tokenizer(), Gemma2Model(gemma).eval(), vae.eval(), transformer.eval(), SCMScheduler()
    )
    pipe.save_pretrained(folder)
    return folder


def save_klein(folder: Path) -> Path:
    """A folder like FLUX.2-klein's: flow matching, joint attention, Qwen3, normalised latents folded two by two."""
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(6)
    transformer = Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=24, timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    )  # fmt: skip
    vae = AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",), up_block_types=("UpDecoderBlock2D",), block_out_channels=(8,),
        layers_per_block=1, latent_channels=4, norm_num_groups=2, sample_size=32,
    )  # fmt: skip
    vae.bn.running_mean.normal_()
    vae.bn.running_var.uniform_(0.5, 2.0)
    qwen = Qwen3Config(
        vocab_size=16, hidden_size=8, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=1, head_dim=4,
    )  # fmt: skip
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    pipe = Flux2KleinPipeline(
        scheduler, vae.eval(), Qwen3ForCausalLM(qwen).eval(), word_tokenizer(), transformer.eval(), True
    )
    pipe.save_pretrained(folder)
    return folder
