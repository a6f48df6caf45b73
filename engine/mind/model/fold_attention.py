"""The attentions of a folded UNet: keys and values of the words come from a buffer, those of the picture in one product."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.mind.model.norm import norm


class Shelf:
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


def folded_attention(attention: Any, shelf: Shelf) -> nn.Module:
    """The same attention with what the words alone decide (keys and values of the prompt) taken from `shelf`. Raises ValueError for another kind."""
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

    def __init__(self, attention: Any, shelf: Shelf):
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
        q, k, v = self.qkv(_rows(norm(x, self.norm, silu=False))).split(n, -1)
        k = torch.cat([kv[:, at : at + n], k])
        v = torch.cat([kv[:, at + n : at + 2 * n], v])
        h = F.scaled_dot_product_attention(_heads(q, self.heads), _heads(k, self.heads), _heads(v, self.heads))
        return x + _image(self.out(_merged(h)), x)


class _Transformer(nn.Module):
    """Transformer2DModel over a picture's places: self-attention, cross-attention to cached keys, GEGLU."""

    reads_words = True

    def __init__(self, model: Any, shelf: Shelf):
        super().__init__()
        if not model.is_input_continuous:
            raise ValueError("a Transformer2DModel over patches or codes cannot be folded")
        self.norm, self.proj_in, self.proj_out = model.norm, model.proj_in, model.proj_out
        self.linear = bool(model.use_linear_projection)
        self.blocks = nn.ModuleList(_Block(block, shelf) for block in model.transformer_blocks)

    def forward(self, x: Tensor, kv: Tensor) -> Tensor:
        h = norm(x, self.norm, silu=False)
        h = self.proj_in(_rows(h)) if self.linear else _rows(self.proj_in(h))
        for block in self.blocks:
            h = block(h, kv)
        h = _image(self.proj_out(h), x) if self.linear else self.proj_out(_image(h, x))
        return x + h


class _Block(nn.Module):
    """BasicTransformerBlock on rows (n, c)."""

    def __init__(self, block: Any, shelf: Shelf):
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
        answer: Tensor = x + self.ff_out(value * F.gelu(gate))
        return answer
