"""How many pictures a second a video pipeline goes on with, on this device: AnyFlow's construction with random weights.

On a GPU in full size (1.3 B, the autoencoder of Wan 2.1), elsewhere thin. They take the right time and show nothing.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from engine.mind.model.device import Cpu, Cuda
from engine.mind.model.opening import quiet
from engine.mind.model.video import AnyFlow

TOKENS = 512
FULL: dict[str, Any] = {"num_attention_heads": 12, "attention_head_dim": 128, "text_dim": 4096, "ffn_dim": 8960, "num_layers": 30}
THIN: dict[str, Any] = {"num_attention_heads": 2, "attention_head_dim": 12, "text_dim": 16, "freq_dim": 16, "ffn_dim": 16, "num_layers": 1, "rope_max_seq_len": 64}
THIN_VAE: dict[str, Any] = {"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}


@torch.inference_mode()
def goes_on(device: Cpu | Cuda, seconds: float, steps: int = 4, side: int = 512) -> dict[str, float | int]:
    """Chunks until so many seconds have passed: pictures a second, seconds a chunk, steps, pixels of a side, what memory is taken."""
    from diffusers import (
        AnyFlowFARPipeline,
        AnyFlowFARTransformer3DModel,
        AutoencoderKLWan,
        FlowMapEulerDiscreteScheduler,
    )

    cuda = isinstance(device, Cuda)
    kind, side, end = torch.bfloat16 if cuda else torch.float32, side if cuda else 32, time.monotonic() + seconds
    torch.manual_seed(19)
    with quiet(), torch.device(device.torch):
        network = AnyFlowFARTransformer3DModel(**(FULL if cuda else THIN)).to(kind).eval()
        vae = AutoencoderKLWan(**({} if cuda else THIN_VAE)).to(kind).eval()
    pipe = AnyFlowFARPipeline(None, None, network, vae, FlowMapEulerDiscreteScheduler(shift=5.0))
    adapter = AnyFlow(pipe, steps)
    heard = torch.randn(1, TOKENS, network.config.text_dim, dtype=kind, device=device.torch)
    past, took = adapter.begin(torch.rand(1, 3, side, side)), list[float]()
    while len(took) < 3 or time.monotonic() < end:
        at = time.perf_counter()
        _, past = adapter.go_on(past, heard, len(took))  # its pictures come to the host: nothing is left to wait for
        took.append(time.perf_counter() - at)
    usual = sorted(took[1:])[(len(took) - 1) // 2]  # the first fills the cache
    memory = torch.cuda.max_memory_allocated() if cuda else 0
    return {"fps": adapter.frames / usual, "wanted": adapter.fps, "chunk_s": usual, "chunks": len(took), "steps": steps, "size": side, "memory_gb": memory / 1e9}
