"""The embedded model's network and timetable, read from their files as `fold` and `schedule` want them, without diffusers.

Importing diffusers, which brings transformers, took more of a start than everything else of this model together (see
docs/gallery.md). What is called here as it is there is looked at by its name: fold.py and schedule.py know those names,
whoever made the parts. `tests/mind/model/test_own.py` holds every number against diffusers' own.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

Weights = dict[str, Tensor]
EPS = 1e-5  # of the norms inside of attentions and embeddings, which no configuration names
SUPPORTED = {  # what this file can read; another network is opened by diffusers
    "act_fn": "silu", "addition_embed_type": "text", "encoder_hid_dim_type": "text_proj", "mid_block_scale_factor": 1,
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn", "resnet_out_scale_factor": 1.0, "resnet_skip_time_act": False, "resnet_time_scale_shift": "scale_shift",
    "time_embedding_act_fn": None, "time_embedding_type": "positional", "timestep_post_act": None, "time_cond_proj_dim": None, "only_cross_attention": False, "cross_attention_norm": None,
}  # fmt: skip


class Config(dict[str, Any]):
    """What config.json says, as items and as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class ResnetBlock2D(SimpleNamespace):
    """A residual block, as its parts."""


class Attention(SimpleNamespace):
    """Self-attention whose keys are preceded by the words', as its parts."""


class Downsample2D(SimpleNamespace):
    """A convolution of stride 2."""


class Upsample2D(nn.Module):
    """Twice the size, by repetition; with a convolution after it, as a part, where it has one."""

    def __init__(self, conv: nn.Module | None = None):
        super().__init__()
        self.use_conv, self.use_conv_transpose, self.norm, self.conv = conv is not None, False, None, conv

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Timesteps(nn.Module):
    """Sines and cosines of a timestep (Ho et al. 2020), the cosines first: (n,) -> (n, width) f32."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def forward(self, times: Tensor) -> Tensor:
        half = self.width // 2
        exponents = -math.log(10000) * torch.arange(half, dtype=torch.float32, device=times.device) / half
        angles = times[:, None].float() * torch.exp(exponents)[None]
        return torch.cat([torch.cos(angles), torch.sin(angles)], -1)


class TimestepEmbedding(nn.Module):
    """(n, width) -> (n, d): two layers."""

    def __init__(self, weights: Weights):
        super().__init__()
        self.linear_1, self.linear_2 = _linear(weights, "linear_1"), _linear(weights, "linear_2")

    def forward(self, x: Tensor, guided: Tensor | None = None) -> Tensor:
        answer: Tensor = self.linear_2(F.silu(self.linear_1(x)))
        return answer


class Pool(nn.Module):
    """Words to one vector: a query that is their mean looks at them all (Saharia et al. 2022). (1, n, d) -> (1, d)."""

    def __init__(self, weights: Weights, heads: int):
        super().__init__()
        self.heads, self.positional_embedding = heads, nn.Parameter(weights["positional_embedding"])
        self.k_proj, self.q_proj, self.v_proj = (_linear(weights, name) for name in ("k_proj", "q_proj", "v_proj"))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True) + self.positional_embedding.to(x.dtype)
        x = torch.cat([mean, x], 1)
        q, k, v = self._split(self.q_proj(mean)), self._split(self.k_proj(x)), self._split(self.v_proj(x))
        scale = 1 / math.sqrt(math.sqrt(q.shape[1]))
        weight = torch.softmax(torch.einsum("hdt,hds->hts", q * scale, k * scale).float(), -1).to(v.dtype)
        return torch.einsum("hts,hds->hdt", weight, v).reshape(1, -1)

    def _split(self, x: Tensor) -> Tensor:
        """(1, n, d) -> (heads, d / heads, n)."""
        return x.view(1, x.shape[1], self.heads, -1).transpose(1, 2).reshape(self.heads, x.shape[1], -1).transpose(1, 2)


class TextTimeEmbedding(nn.Module):
    """What the words as a whole add to the time: (1, n, d) -> (1, d')."""

    def __init__(self, weights: Weights, heads: int):
        super().__init__()
        self.norm1, self.norm2 = (_normed(nn.LayerNorm(len(weights[f"{name}.weight"])), weights, name) for name in ("norm1", "norm2"))
        self.pool, self.proj = Pool(_under(weights, "pool"), heads), _linear(weights, "proj")

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.norm2(self.proj(self.pool(self.norm1(x))))
        return answer


class LCMScheduler:
    """When there is how much noise: squared cosines (Nichol and Dhariwal 2021), shifted so that the last is noise alone (Lin et al. 2023)."""

    init_noise_sigma = 1.0

    def __init__(self, config: Config):
        """Raises ValueError for another timetable."""
        if config.beta_schedule != "squaredcos_cap_v2" or not config.rescale_betas_zero_snr or config.get("trained_betas") is not None:
            raise ValueError(f"a timetable of {config.beta_schedule} betas cannot be read here")
        self.config, count = config, int(config.num_train_timesteps)
        signal = [math.cos((k / count + 0.008) / 1.008 * math.pi / 2) ** 2 for k in range(count + 1)]
        betas = torch.tensor([min(1 - after / before, 0.999) for before, after in itertools.pairwise(signal)], dtype=torch.float32)
        root = torch.cumprod(1.0 - betas, 0).sqrt()
        first, last = root[0].clone(), root[-1].clone()
        root -= last
        root *= first / (first - last)
        whole = root**2
        betas = 1 - torch.cat([whole[0:1], whole[1:] / whole[:-1]])
        self.alphas_cumprod = torch.cumprod(1.0 - betas, 0)


def scheduler(folder: Path) -> LCMScheduler:
    """The timetable in a folder's `scheduler_config.json`. Raises OSError, ValueError."""
    return LCMScheduler(_config(folder / "scheduler_config.json"))


def unet(folder: Path) -> Any:
    """The network in a folder, f32 on the CPU, gradients off, as `fold` takes it apart. Raises OSError; ValueError for a network of another make."""
    config = _config(folder / "config.json")
    for name, value in SUPPORTED.items():
        if config.get(name) != value:
            raise ValueError(f"a network with {name} = {config.get(name)!r} cannot be read here")
    found = {name: tensor.float() for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()}
    made = SimpleNamespace(
        config=config, time_embed_act=None, conv_act=nn.SiLU(), conv_in=_conv(found, "conv_in"), conv_out=_conv(found, "conv_out"),
        conv_norm_out=_grouped(found, "conv_norm_out", config), time_proj=Timesteps(int(config.block_out_channels[0])),
        time_embedding=TimestepEmbedding(_under(found, "time_embedding")), encoder_hid_proj=_linear(found, "encoder_hid_proj"),
        add_embedding=TextTimeEmbedding(_under(found, "add_embedding"), int(config.addition_embed_type_num_heads)),
        down_blocks=[_block(_under(found, f"down_blocks.{k}"), config) for k in range(len(config.down_block_types))],
        mid_block=_block(_under(found, "mid_block"), config),
        up_blocks=[_block(_under(found, f"up_blocks.{k}"), config) for k in range(len(config.up_block_types))],
    )  # fmt: skip
    for part in (*vars(made).values(), *_modules((made.down_blocks, made.mid_block, made.up_blocks))):
        if isinstance(part, nn.Module):
            part.eval().requires_grad_(False)
    return made


def _block(weights: Weights, config: Config) -> SimpleNamespace:
    """One level: its residual blocks, their attentions, and what changes the size after them."""
    resnets = [_residual(_under(weights, f"resnets.{k}"), config) for k in range(_count(weights, "resnets"))]
    attentions = [_attention(_under(weights, f"attentions.{k}"), config) for k in range(_count(weights, "attentions"))]
    down, up = _under(weights, "downsamplers.0"), _under(weights, "upsamplers.0")
    if "conv1.weight" in down:
        raise ValueError("a network that grows smaller by residual blocks cannot be read here")
    larger = _residual(up, config, Upsample2D()) if "conv1.weight" in up else Upsample2D(_conv(up, "conv")) if up else None
    return SimpleNamespace(
        resnets=resnets, attentions=attentions or None, upsamplers=[larger] if larger else None,
        downsamplers=[Downsample2D(use_conv=True, padding=1, norm=None, conv=_conv(down, "conv", stride=2))] if down else None,
    )  # fmt: skip


def _residual(weights: Weights, config: Config, upsample: nn.Module | None = None) -> ResnetBlock2D:
    return ResnetBlock2D(
        nonlinearity=nn.SiLU(), time_embedding_norm="scale_shift", output_scale_factor=1.0, upsample=upsample, downsample=None,
        norm1=_grouped(weights, "norm1", config), norm2=_grouped(weights, "norm2", config), conv1=_conv(weights, "conv1"), conv2=_conv(weights, "conv2"),
        conv_shortcut=_conv(weights, "conv_shortcut") if "conv_shortcut.weight" in weights else None,
        time_emb_proj=_linear(weights, "time_emb_proj"), out_channels=len(weights["conv1.weight"]),
    )  # fmt: skip


def _attention(weights: Weights, config: Config) -> Attention:
    projections = {name: _linear(weights, name) for name in ("to_q", "to_k", "to_v", "add_k_proj", "add_v_proj")}
    return Attention(
        group_norm=_grouped(weights, "group_norm", config, EPS), heads=len(weights["to_q.weight"]) // int(config.attention_head_dim), to_out=[_linear(weights, "to_out.0")],
        only_cross_attention=False, rescale_output_factor=1.0, residual_connection=True, **projections,
    )  # fmt: skip


# --- parts out of weights


def _config(path: Path) -> Config:
    return Config(json.loads(path.read_text(encoding="utf-8")))


def _under(weights: Weights, name: str) -> Weights:
    return {key[len(name) + 1 :]: value for key, value in weights.items() if key.startswith(f"{name}.")}


def _count(weights: Weights, name: str) -> int:
    return len({key.split(".")[1] for key in weights if key.startswith(f"{name}.")})


def _normed(made: Any, weights: Weights, name: str) -> Any:
    """A layer with these weights, and the bias where there is one."""
    made.weight = nn.Parameter(weights[f"{name}.weight"], requires_grad=False)
    if f"{name}.bias" in weights:
        made.bias = nn.Parameter(weights[f"{name}.bias"], requires_grad=False)
    return made


def _linear(weights: Weights, name: str) -> nn.Linear:
    outward, inward = weights[f"{name}.weight"].shape
    made: nn.Linear = _normed(nn.Linear(inward, outward, f"{name}.bias" in weights, device="meta"), weights, name)
    return made


def _conv(weights: Weights, name: str, stride: int = 1) -> nn.Conv2d:
    outward, inward, size, _ = weights[f"{name}.weight"].shape
    made: nn.Conv2d = _normed(nn.Conv2d(inward, outward, size, stride, size // 2, device="meta"), weights, name)
    return made


def _grouped(weights: Weights, name: str, config: Config, eps: float | None = None) -> nn.GroupNorm:
    width = len(weights[f"{name}.weight"])
    made: nn.GroupNorm = _normed(nn.GroupNorm(int(config.norm_num_groups), width, eps or float(config.norm_eps), device="meta"), weights, name)
    return made


def _modules(parts: Any) -> list[nn.Module]:
    """All layers in nested parts."""
    if isinstance(parts, nn.Module):
        return [parts]
    inside = vars(parts).values() if isinstance(parts, SimpleNamespace) else parts if isinstance(parts, (list, tuple)) else ()
    return [module for part in inside for module in _modules(part)]
