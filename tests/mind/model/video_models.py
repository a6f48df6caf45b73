"""Folders of the three video pipelines, thin and with random weights: of the right construction, and they show nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.mind.model.turbo_models import word_tokenizer

SIZE = (32, 32)


def small_umt5() -> Any:
    from transformers import UMT5Config, UMT5EncoderModel

    torch.manual_seed(11)
    return UMT5EncoderModel(UMT5Config(vocab_size=16, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)).eval()


def small_wan_vae() -> Any:
    from diffusers import AutoencoderKLWan

    torch.manual_seed(12)
    return AutoencoderKLWan(base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]).eval()


def small_anyflow() -> Any:
    """Chunks of two latents (eight pictures), a window of five."""
    from diffusers import AnyFlowFARPipeline, AnyFlowFARTransformer3DModel, FlowMapEulerDiscreteScheduler

    torch.manual_seed(13)
    transformer = AnyFlowFARTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16, text_dim=16, freq_dim=16, ffn_dim=16, num_layers=1,
        rope_max_seq_len=64, chunk_partition=(1, 2, 2, 2, 2),
    )  # fmt: skip
    return AnyFlowFARPipeline(word_tokenizer(), small_umt5(), transformer.eval(), small_wan_vae(), FlowMapEulerDiscreteScheduler(shift=5.0))


def small_helios() -> Any:
    from diffusers import HeliosPipeline, HeliosScheduler, HeliosTransformer3DModel

    torch.manual_seed(14)
    transformer = HeliosTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16, text_dim=16, freq_dim=16, ffn_dim=16, num_layers=1,
        rope_dim=(4, 4, 4),
    )  # fmt: skip
    return HeliosPipeline(word_tokenizer(), small_umt5(), small_wan_vae(), HeliosScheduler(stage_range=[0, 1], stages=1, use_dynamic_shifting=True), transformer.eval())


def small_ltx2() -> Any:
    from diffusers import (
        AutoencoderKLLTX2Audio,
        AutoencoderKLLTX2Video,
        FlowMatchEulerDiscreteScheduler,
        LTX2ConditionPipeline,
        LTX2VideoTransformer3DModel,
    )
    from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
    from transformers import Gemma2Config, Gemma2Model

    torch.manual_seed(15)
    transformer = LTX2VideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16, audio_in_channels=4, audio_out_channels=4,
        audio_num_attention_heads=2, audio_attention_head_dim=4, audio_cross_attention_dim=8, num_layers=1, qk_norm="rms_norm_across_heads",
        caption_channels=16, rope_double_precision=False, rope_type="split",
    )  # fmt: skip
    connectors = LTX2TextConnectors(
        caption_channels=16, text_proj_in_factor=2, video_connector_num_attention_heads=4, video_connector_attention_head_dim=4,
        video_connector_num_layers=1, video_connector_num_learnable_registers=None, audio_connector_num_attention_heads=4,
        audio_connector_attention_head_dim=4, audio_connector_num_layers=1, audio_connector_num_learnable_registers=None,
        connector_rope_base_seq_len=32, rope_double_precision=False, rope_type="split",
    )  # fmt: skip
    vae = AutoencoderKLLTX2Video(
        latent_channels=4, block_out_channels=(8,), decoder_block_out_channels=(8,), layers_per_block=(1,), decoder_layers_per_block=(1, 1),
        spatio_temporal_scaling=(True,), decoder_spatio_temporal_scaling=(True,), decoder_inject_noise=(False, False), downsample_type=("spatial",),
        upsample_residual=(False,), upsample_factor=(1,), patch_size=1, patch_size_t=1, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    vae.use_framewise_encoding = vae.use_framewise_decoding = False
    audio = AutoencoderKLLTX2Audio(base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1, attn_resolutions=None, in_channels=2,
                                   resolution=32, latent_channels=2, norm_type="pixel", causality_axis="height", mel_bins=8)  # fmt: skip
    vocoder = LTX2Vocoder(in_channels=16, hidden_channels=32, out_channels=2, upsample_kernel_sizes=[4, 4], upsample_factors=[2, 2],
                          resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]])  # fmt: skip
    gemma = Gemma2Config(head_dim=8, hidden_size=16, intermediate_size=16, num_attention_heads=2, num_hidden_layers=1, num_key_value_heads=1, vocab_size=16)
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    return LTX2ConditionPipeline(scheduler, vae.eval(), audio.eval(), Gemma2Model(gemma).eval(), word_tokenizer(), connectors.eval(), transformer.eval(), vocoder.eval())


def save(pipe: Any, folder: Path) -> Path:
    pipe.save_pretrained(folder)
    return folder
