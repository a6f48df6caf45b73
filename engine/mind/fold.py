"""A UNet with everything that is constant folded away: same weights, same answer, a quarter of the operations less.

At a fixed timestep and for fixed words a UNet2DConditionModel computes the same numbers again for every picture. Here
they are computed once a prompt (`Constants`) and kept in two flat buffers:

- `kv` (tokens, all layers): keys and values of every cross-attention, one matrix product for all of them. They are
  affine in the condition, so a blend of two prompts' `kv` *is* the `kv` of the blended prompt, exactly.
- `mod` (steps, all blocks): what the time embedding does to every residual block. Where diffusers adds it after the
  first convolution it becomes that convolution's bias; where it scales and shifts a norm it becomes the norm's own
  weight and bias. One matrix-vector product for all blocks, with the layers' own parameters folded into the matrix.

Divisions by 1.0, dropouts, dtype checks and list building go; query, key and value of self-attention become one
product. SD-Turbo's UNet goes from 744 operations to fewer than 577 (counted by `bench picture --ladder`).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.mind.doubled import Doubled


def fold(unet: Any) -> tuple[FoldedUNet, Constants]:
    """Take a diffusers UNet2DConditionModel apart: what runs for every picture, and what runs once a prompt.

    Weights are shared with `unet`. Raises ValueError naming the part that has no place here.
    """
    if unet.time_embed_act is not None or unet.conv_norm_out is None or type(unet.conv_act).__name__ != "SiLU":
        raise ValueError("a UNet with its own activation of time, or without a last norm and SiLU, cannot be folded")
    shelf = _Shelf()
    return FoldedUNet(unet, shelf), Constants(unet, shelf).float32()


class FoldedUNet(nn.Module):
    """What a UNet does for every picture, its words and timestep being known.

    `forward(x, kv, mod)` has fixed shapes, no branch on data and no synchronisation: it can be captured and compiled.
    """

    def __init__(self, unet: Any, shelf: _Shelf):
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
        for stage in self.down:
            for resnet, attention in zip(stage.resnets, stage.attentions, strict=True):
                x = attention(resnet(x, mod), kv)
                skips.append(x)
            if stage.resample is not None:
                x = stage.resample(x, mod)
                skips.append(x)
        for layer in self.mid:
            x = layer(x, kv if layer.reads_words else mod)
        for stage in self.up:
            for resnet, attention in zip(stage.resnets, stage.attentions, strict=True):
                x = attention(resnet(torch.cat([x, skips.pop()], 1), mod), kv)
            if stage.resample is not None:
                x = stage.resample(x, mod)
        answer: Tensor = self.conv_out(F.silu(self.norm_out(x)))
        return answer


class Constants(nn.Module):
    """From a condition and timesteps to `kv` and `mod`. Once a prompt, in float32, on any stream."""

    time: Tensor
    time_bias: Tensor
    words: Tensor
    words_bias: Tensor

    def __init__(self, unet: Any, shelf: _Shelf):
        super().__init__()
        self.time_proj, self.time_embedding = unet.time_proj, unet.time_embedding
        self.projection, self.addition = unet.encoder_hid_proj, unet.add_embedding if _adds(unet) else None
        self.kind, self.size_proj = unet.config.addition_embed_type, getattr(unet, "add_time_proj", None)
        self.act = not unet.config.resnet_skip_time_act
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

    def time_to_mod(self, condition: Tensor, timesteps: tuple[float, ...], extra: Tensor | None) -> Tensor:
        """(steps, M). `extra` (1, n) is what SDXL adds to the time: the pooled sentence and the picture's sizes."""
        times = torch.tensor(timesteps, device=condition.device)
        embedding = self.time_embedding(self.time_proj(times).to(condition.dtype))
        if self.addition is not None:
            embedding = embedding + self.addition(condition[None] if extra is None else extra)
        return F.linear(F.silu(embedding) if self.act else embedding, self.time, self.time_bias)


def _adds(unet: Any) -> bool:
    return unet.config.addition_embed_type is not None


class _Shelf:
    """Collects, while the network is taken apart, every projection of time and of words, and where each will lie."""

    def __init__(self) -> None:
        self._time: list[tuple[Tensor, Tensor]] = []
        self._words: list[tuple[Tensor, Tensor]] = []
        self.modulated = 0  # numbers in `mod` so far
        self.keyed = 0  # columns of `kv` so far

    def add_time(self, weight: Tensor, bias: Tensor) -> int:
        self._time.append((weight.float(), bias.float()))
        self.modulated += len(bias)
        return self.modulated - len(bias)

    def add_words(self, *projections: Any) -> int:
        at = self.keyed
        for linear in projections:
            bias = linear.bias if linear.bias is not None else linear.weight.new_zeros(linear.out_features)
            self._words.append((linear.weight.float(), bias.float()))
            self.keyed += linear.out_features
        return at

    def time(self) -> tuple[Tensor, Tensor]:
        return torch.cat([w for w, _ in self._time]), torch.cat([b for _, b in self._time])

    def words(self) -> tuple[Tensor, Tensor]:
        if not self._words:
            raise ValueError("a UNet without cross-attention hears no words")
        return torch.cat([w for w, _ in self._words]), torch.cat([b for _, b in self._words])


class _Stage(nn.Module):
    """One level on the way down or up: residual blocks, each with an attention or nothing after it, then a resampling."""

    def __init__(self, block: Any, shelf: _Shelf, sampler: str):
        super().__init__()
        attentions = getattr(block, "attentions", None) or [None] * len(block.resnets)
        pairs = [(_Residual(r, shelf), _attention(a, shelf)) for r, a in zip(block.resnets, attentions, strict=True)]
        self.resnets = nn.ModuleList(resnet for resnet, _ in pairs)
        self.attentions = nn.ModuleList(attention for _, attention in pairs)
        samplers = getattr(block, sampler, None)
        self.resample = _resample(samplers[0], shelf) if samplers else None


def _middle(block: Any, shelf: _Shelf) -> nn.ModuleList:
    if block is None:
        return nn.ModuleList()
    layers: list[nn.Module] = [_Residual(block.resnets[0], shelf)]
    for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
        layers += [_attention(attention, shelf), _Residual(resnet, shelf)]
    return nn.ModuleList(layers)


def _resample(sampler: Any, shelf: _Shelf) -> nn.Module:
    kind = type(sampler).__name__
    if kind == "ResnetBlock2D":
        return _Residual(sampler, shelf)
    if kind == "Downsample2D" and sampler.use_conv and sampler.padding == 1 and sampler.norm is None:
        return _Resample(sampler.conv)
    if kind == "Upsample2D" and sampler.use_conv and not sampler.use_conv_transpose and sampler.norm is None:
        return _Resample(Doubled(sampler.conv))
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

    def __init__(self, block: Any, shelf: _Shelf):
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

    def forward(self, x: Tensor, mod: Tensor) -> Tensor:
        at, n = self.at, self.width
        h = F.silu(self.norm1(x))
        if self.sample is not None:
            x, h = self.sample(x), self.sample(h)
        if self.scales:
            h = self.conv1(h)
            h = F.group_norm(h, self.norm2.num_groups, mod[at : at + n], mod[at + n : at + 2 * n], self.norm2.eps)
        else:
            h = self.norm2(F.conv2d(h, self.conv1.weight, mod[at : at + n], padding=1))
        h = self.conv2(F.silu(h))
        h = h + (x if self.shortcut is None else self.shortcut(x))
        return h if self.rescale == 1.0 else h / self.rescale


# --- attention -------------------------------------------------------------------------------------------------------


def _attention(attention: Any, shelf: _Shelf) -> nn.Module:
    kind = type(attention).__name__
    if attention is None:
        return _Nothing()
    if kind == "Attention":
        return _Joined(attention, shelf)
    if kind == "Transformer2DModel":
        return _Transformer(attention, shelf)
    raise ValueError(f"a UNet with {kind} cannot be folded")


class _Nothing(nn.Module):
    reads_words = True

    def forward(self, x: Tensor, kv: Tensor) -> Tensor:
        return x


def _plain(attention: Any) -> Any:
    """Refuse what the folded attention leaves out."""
    odd = [name for name in ("norm_q", "norm_k", "norm_cross", "spatial_norm") if getattr(attention, name, None)]
    if odd or attention.rescale_output_factor != 1.0 or (attention.residual_connection and not attention.group_norm):
        raise ValueError(f"an attention with {odd or 'its own residual'} cannot be folded")
    return attention


def _stacked(*linears: nn.Linear) -> nn.Linear:
    """Several projections of one input as one product."""
    first = linears[0]
    joined = nn.Linear(first.in_features, sum(part.out_features for part in linears), first.bias is not None)
    joined.weight = nn.Parameter(torch.cat([part.weight for part in linears]), requires_grad=False)
    if first.bias is not None:
        joined.bias = nn.Parameter(torch.cat([part.bias for part in linears]), requires_grad=False)
    return joined


def _heads(x: Tensor, heads: int) -> Tensor:
    """(n, c) -> (1, heads, n, c / heads), a view."""
    return x.view(1, x.shape[0], heads, -1).transpose(1, 2)


def _merged(x: Tensor) -> Tensor:
    """(1, heads, n, d) -> (n, heads * d)."""
    return x.transpose(1, 2).reshape(x.shape[2], -1)


def _rows(x: Tensor) -> Tensor:
    """(1, c, h, w) -> (h * w, c): a view when channels lie last."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _image(rows: Tensor, like: Tensor) -> Tensor:
    """(h * w, c) -> (1, c, h, w) with channels last."""
    return rows.view(1, like.shape[2], like.shape[3], -1).permute(0, 3, 1, 2)


class _Joined(nn.Module):
    """Self-attention whose keys are preceded by the words' (diffusers' added-KV attention)."""

    reads_words = True

    def __init__(self, attention: Any, shelf: _Shelf):
        super().__init__()
        _plain(attention)
        if attention.only_cross_attention:
            raise ValueError("added-KV attention to the words alone cannot be folded")
        self.norm, self.heads, self.out = attention.group_norm, attention.heads, attention.to_out[0]
        self.qkv = _stacked(attention.to_q, attention.to_k, attention.to_v)
        self.width = attention.add_k_proj.out_features
        self.at = shelf.add_words(attention.add_k_proj, attention.add_v_proj)

    def forward(self, x: Tensor, kv: Tensor) -> Tensor:
        at, n = self.at, self.width
        q, k, v = self.qkv(_rows(self.norm(x))).split(n, -1)
        k = torch.cat([kv[:, at : at + n], k])
        v = torch.cat([kv[:, at + n : at + 2 * n], v])
        h = F.scaled_dot_product_attention(_heads(q, self.heads), _heads(k, self.heads), _heads(v, self.heads))
        return x + _image(self.out(_merged(h)), x)


class _Transformer(nn.Module):
    """Transformer2DModel over a picture's places: self-attention, cross-attention to cached keys, GEGLU."""

    reads_words = True

    def __init__(self, model: Any, shelf: _Shelf):
        super().__init__()
        if not model.is_input_continuous:
            raise ValueError("a Transformer2DModel over patches or codes cannot be folded")
        self.norm, self.proj_in, self.proj_out = model.norm, model.proj_in, model.proj_out
        self.linear = bool(model.use_linear_projection)
        self.blocks = nn.ModuleList(_Block(block, shelf) for block in model.transformer_blocks)

    def forward(self, x: Tensor, kv: Tensor) -> Tensor:
        h = self.norm(x)
        h = self.proj_in(_rows(h)) if self.linear else _rows(self.proj_in(h))
        for block in self.blocks:
            h = block(h, kv)
        h = _image(self.proj_out(h), x) if self.linear else self.proj_out(_image(h, x))
        return x + h


class _Block(nn.Module):
    """BasicTransformerBlock on rows (n, c)."""

    def __init__(self, block: Any, shelf: _Shelf):
        super().__init__()
        activation = type(block.ff.net[0]).__name__
        if block.norm_type != "layer_norm" or block.only_cross_attention or activation != "GEGLU":
            raise ValueError(f"a transformer block with {block.norm_type} and {activation} cannot be folded")
        own, words = _plain(block.attn1), _plain(block.attn2)
        self.norm1, self.norm2, self.norm3 = block.norm1, block.norm2, block.norm3
        self.qkv, self.own_out, self.own_heads = _stacked(own.to_q, own.to_k, own.to_v), own.to_out[0], own.heads
        self.q, self.out, self.heads = words.to_q, words.to_out[0], words.heads
        self.gate, self.ff_out = block.ff.net[0].proj, block.ff.net[2]
        self.width = words.to_k.out_features
        self.at = shelf.add_words(words.to_k, words.to_v)

    def forward(self, x: Tensor, kv: Tensor) -> Tensor:
        at, n = self.at, self.width
        q, k, v = (_heads(part, self.own_heads) for part in self.qkv(self.norm1(x)).split(n, -1))
        x = x + self.own_out(_merged(F.scaled_dot_product_attention(q, k, v)))
        k, v = _heads(kv[:, at : at + n], self.heads), _heads(kv[:, at + n : at + 2 * n], self.heads)
        x = x + self.out(_merged(F.scaled_dot_product_attention(_heads(self.q(self.norm2(x)), self.heads), k, v)))
        value, gate = self.gate(self.norm3(x)).chunk(2, -1)
        return x + self.ff_out(value * F.gelu(gate))
