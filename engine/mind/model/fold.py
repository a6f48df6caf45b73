"""A UNet with everything that is constant folded away: same weights, same answer, a quarter of the operations less.

At a fixed timestep and for fixed words a UNet2DConditionModel computes the same numbers again for every picture. Here
they are computed once a prompt (`Constants`) and kept in two flat buffers:

- `kv` (tokens, all layers): keys and values of every cross-attention, one matrix product for all of them. They are
  affine in the condition, so a blend of two prompts' `kv` *is* the `kv` of the blended prompt, exactly.
- `mod` (steps, all blocks): what the time embedding does to every residual block. Where diffusers adds it after the
  first convolution it becomes that convolution's bias; where it scales and shifts a norm it becomes the norm's own
  weight and bias. One matrix-vector product for all blocks, with the layers' own parameters folded into the matrix.

Divisions by 1.0, dropouts, dtype checks and list building go; query, key and value of self-attention become one
product. SD-Turbo's UNet goes from 903 operations to 676 (counted by `tests/mind/model/test_fold.py`).
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.mind.model.fold_attention import Shelf, folded_attention
from engine.mind.model.fused_upsample import UpsampleConv
from engine.mind.model.norm import norm


def fold(unet: Any) -> tuple[FoldedUNet, Constants]:
    """Take a diffusers UNet2DConditionModel apart: what runs for every picture, and what runs once a prompt.

    Weights are shared with `unet`. Raises ValueError naming the part that has no place here.
    """
    if unet.time_embed_act is not None or unet.conv_norm_out is None or type(unet.conv_act).__name__ != "SiLU":
        raise ValueError("a UNet with its own activation of time, or without a last norm and SiLU, cannot be folded")
    shelf = Shelf()
    return FoldedUNet(unet, shelf), Constants(unet, shelf).float32()


class FoldedUNet(nn.Module):
    """What a UNet does for every picture, its words and timestep being known.

    `forward(x, kv, mod)` has fixed shapes, no branch on data and no synchronisation: it can be captured and compiled.
    """

    def __init__(self, unet: Any, shelf: Shelf):
        super().__init__()
        self.conv_in = unet.conv_in
        self.down = nn.ModuleList(_Stage(block, shelf, "downsamplers") for block in unet.down_blocks)
        self.mid = _middle(unet.mid_block, shelf)
        self.up = nn.ModuleList(_Stage(block, shelf, "upsamplers") for block in unet.up_blocks)
        self.norm_out, self.conv_out = unet.conv_norm_out, unet.conv_out

    def forward(self, x: Tensor, kv: Tensor, mod: Tensor) -> Tensor:
        """x (1, c, h, w), kv (tokens, K), mod (M,) -> what the network says (1, c, h, w)."""
        x = self.conv_in(x)
        skips = [x]
        stage: Any  # a _Stage; nn.ModuleList forgets it
        for stage in self.down:
            for resnet, attention in zip(stage.resnets, stage.attentions, strict=True):
                x = attention(resnet(x, mod), kv)
                skips.append(x)
            if stage.resample is not None:
                x = stage.resample(x, mod)
                skips.append(x)
        layer: Any
        for layer in self.mid:
            x = layer(x, kv if layer.reads_words else mod)
        for stage in self.up:
            for resnet, attention in zip(stage.resnets, stage.attentions, strict=True):
                x = attention(resnet(torch.cat([x, skips.pop()], 1), mod), kv)
            if stage.resample is not None:
                x = stage.resample(x, mod)
        answer: Tensor = self.conv_out(norm(x, self.norm_out))
        return answer


class Constants(nn.Module):
    """From a condition and timesteps to `kv` and `mod`. Once a prompt, in float32, on any stream."""

    time: Tensor
    time_bias: Tensor
    words: Tensor
    words_bias: Tensor

    def __init__(self, unet: Any, shelf: Shelf):
        super().__init__()
        self.time_proj, self.time_embedding = unet.time_proj, unet.time_embedding
        self.projection, self.addition = unet.encoder_hid_proj, unet.add_embedding if _adds(unet) else None
        self.kind, self.size_proj = unet.config.addition_embed_type, getattr(unet, "add_time_proj", None)
        self.act = not unet.config.resnet_skip_time_act
        self.guided = unet.config.time_cond_proj_dim
        for name, (weight, bias) in {"time": shelf.time(), "words": shelf.words()}.items():
            self.register_buffer(name, weight, persistent=False)
            self.register_buffer(f"{name}_bias", bias, persistent=False)

    def float32(self) -> Constants:
        """The small networks that run once a prompt stay exact, whatever the dtype of the large one."""
        for part in (self.time_embedding, self.projection, self.addition):
            if part is not None:
                part.float()
        return self

    def words_to_kv(self, condition: Tensor) -> Tensor:
        """(tokens, dim) -> (tokens, K), affine."""
        if self.projection is not None:
            condition = self.projection(condition)
        return F.linear(condition, self.words, self.words_bias)

    def sizes(self, sizes: Tensor) -> Tensor:
        """What SDXL is told of a picture's size (6,) -> (1, n)."""
        assert self.size_proj is not None
        told: Tensor = self.size_proj(sizes)
        return told.reshape(1, -1)

    def time_to_mod(self, condition: Tensor, timesteps: tuple[float, ...], extra: Tensor | None) -> Tensor:
        """(steps, M). `extra` (1, n) is what SDXL adds to the time: the pooled sentence and the picture's sizes."""
        times = torch.tensor(timesteps, device=condition.device)
        guided = None if self.guided is None else guidance(self.guided).to(condition.device, condition.dtype)
        embedding = self.time_embedding(self.time_proj(times).to(condition.dtype), guided)
        if self.addition is not None:
            embedding = embedding + self.addition(condition[None] if extra is None else extra)
        return F.linear(F.silu(embedding) if self.act else embedding, self.time, self.time_bias)


def guidance(width: int, scale: float = 8.5) -> Tensor:
    """(1, width): how a latent consistency model is told its guidance (Luo et al. 2023); 8.5 is the pipeline's own."""
    angles = 1e3 * (scale - 1) * torch.exp(-math.log(1e4) / (width // 2 - 1) * torch.arange(width // 2))
    return F.pad(torch.cat([angles.sin(), angles.cos()]), (0, width % 2))[None]


def _adds(unet: Any) -> bool:
    return unet.config.addition_embed_type is not None


class _Stage(nn.Module):
    """One level on the way down or up: residual blocks, each with an attention or nothing after it, then a resampling."""

    def __init__(self, block: Any, shelf: Shelf, sampler: str):
        super().__init__()
        attentions = getattr(block, "attentions", None) or [None] * len(block.resnets)
        pairs = [(_Residual(r, shelf), folded_attention(a, shelf)) for r, a in zip(block.resnets, attentions, strict=True)]
        self.resnets = nn.ModuleList(resnet for resnet, _ in pairs)
        self.attentions = nn.ModuleList(attention for _, attention in pairs)
        samplers = getattr(block, sampler, None)
        self.resample = _resample(samplers[0], shelf) if samplers else None


def _middle(block: Any, shelf: Shelf) -> nn.ModuleList:
    if block is None:
        return nn.ModuleList()
    layers: list[nn.Module] = [_Residual(block.resnets[0], shelf)]
    for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
        layers += [folded_attention(attention, shelf), _Residual(resnet, shelf)]
    return nn.ModuleList(layers)


def _resample(sampler: Any, shelf: Shelf) -> nn.Module:
    kind = type(sampler).__name__
    if kind == "ResnetBlock2D":
        return _Residual(sampler, shelf)
    if kind == "Downsample2D" and sampler.use_conv and sampler.padding == 1 and sampler.norm is None:
        return _Resample(sampler.conv)
    if kind == "Upsample2D" and sampler.use_conv and not sampler.use_conv_transpose and sampler.norm is None:
        return _Resample(UpsampleConv(sampler.conv))
    raise ValueError(f"a UNet with this {kind} cannot be folded: {sampler}")


class _Resample(nn.Module):
    """A change of size that does not look at the time."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, mod: Tensor) -> Tensor:
        answer: Tensor = self.layer(x)
        return answer


class _Residual(nn.Module):
    """ResnetBlock2D whose time embedding lies in `mod`, as a bias or as a norm's weight and bias."""

    reads_words = False

    def __init__(self, block: Any, shelf: Shelf):
        super().__init__()
        if type(block.nonlinearity).__name__ != "SiLU" or block.time_emb_proj is None:
            raise ValueError(f"a residual block with {block.nonlinearity} cannot be folded")
        self.norm1, self.conv1, self.norm2, self.conv2 = block.norm1, block.conv1, block.norm2, block.conv2
        self.shortcut, self.rescale = block.conv_shortcut, float(block.output_scale_factor)
        self.sample = block.upsample or block.downsample
        self.scales = block.time_embedding_norm == "scale_shift"
        self.width = block.out_channels
        weight, bias = block.time_emb_proj.weight.float(), block.time_emb_proj.bias.float()
        if self.scales:  # norm * (1 + scale) + shift, the norm's own affine part included
            gain, offset = block.norm2.weight.float(), block.norm2.bias.float()
            (scale, shift), (scale_bias, shift_bias) = weight.chunk(2), bias.chunk(2)
            weight = torch.cat([gain[:, None] * scale, offset[:, None] * scale + shift])
            bias = torch.cat([gain * (1 + scale_bias), offset * (1 + scale_bias) + shift_bias])
        else:
            bias = bias + block.conv1.bias.float()
        self.at = shelf.add_time(weight, bias)
        self.fused = self.scales and type(block.upsample).__name__ == "Upsample2D"  # only here has the convolution a bias of its own
        if self.fused:
            self.conv1 = UpsampleConv(block.conv1)

    def forward(self, x: Tensor, mod: Tensor) -> Tensor:
        at, n = self.at, self.width
        h = norm(x, self.norm1)
        if self.sample is not None:
            x, h = self.sample(x), h if self.fused else self.sample(h)
        if self.scales:
            h = norm(self.conv1(h), self.norm2, mod[at : at + n], mod[at + n : at + 2 * n])
        else:
            h = norm(F.conv2d(h, self.conv1.weight, mod[at : at + n], padding=1), self.norm2)
        h = self.conv2(h)
        h = h + (x if self.shortcut is None else self.shortcut(x))
        answer: Tensor = h if self.rescale == 1.0 else h / self.rescale
        return answer
