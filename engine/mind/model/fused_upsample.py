"""Upsampling and convolution as one layer: no convolution ever runs over the upsampled picture.

A picture upsampled by repetition holds every place four times, so a convolution after it multiplies the same numbers by
several of its taps. Adding those taps up beforehand gives the same answer from fewer products: a 3x3 kernel becomes
four of 2x2, one for each of the pixels that a place turns into, at 4/9 of the arithmetic. Where nothing but upsamplings
and convolutions follow, all of them are one convolution of the small picture.
"""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn


def folded_decoder(layers: list[nn.Module]) -> nn.Sequential:
    """The layers of an AutoencoderTiny's decoder, with every upsampling and what follows it as one."""
    end = _linear_end(layers)
    body, tail = layers[:end], layers[end:]
    found: list[nn.Module] = []
    while body:
        if len(body) > 1 and isinstance(body[0], nn.Upsample) and isinstance(body[1], nn.Conv2d):
            found.append(UpsampleConv(body[1]))
            body = body[2:]
        else:
            found.append(body[0])
            body = body[1:]
    return nn.Sequential(*found, *([Tail(tail)] if tail else []))


def _linear_end(layers: list[nn.Module]) -> int:
    """Where the decoder ends in upsamplings and two convolutions or more, with nothing in between; its length if nowhere."""
    first = len(layers)
    while first and isinstance(layers[first - 1], nn.Upsample | nn.Conv2d):
        first -= 1
    while first < len(layers) and not isinstance(layers[first], nn.Upsample):
        first += 1
    return first if len(layers) - first > 2 else len(layers)


class UpsampleConv(nn.Module):
    """Upsampling to twice the size (nearest) and a 3x3 convolution."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        _refuse_other(conv)
        # even pixels see the place before and their own (taps 0 | 1 + 2), odd ones their own and the next (0 + 1 | 2)
        falls = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], device=conv.weight.device)
        taps = conv.weight.detach().float()
        weight = torch.einsum("aup,oipq,bvq->aboiuv", falls, taps, falls).flatten(0, 2)
        self.width = conv.out_channels
        self.joined = nn.Conv2d(conv.in_channels, 4 * conv.out_channels, 2, padding=1, bias=conv.bias is not None)
        self.joined.weight = nn.Parameter(weight.to(conv.weight.dtype), requires_grad=False)
        if conv.bias is not None:
            self.joined.bias = nn.Parameter(conv.bias.detach().repeat(4), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[2:]
        y = self.joined(x).permute(0, 2, 3, 1).contiguous()  # (1, h + 1, w + 1, 4 * c), parts (a, b) side by side
        c, row, place = self.width, y.stride(1), y.stride(2)
        # pixel (2i + a, 2j + b) is part (a, b) of place (i + a, j + b): one strided view, one copy
        pixels = y.as_strided((h, 2, w, 2, c), (row, row + 2 * c, place, place + c, 1))
        answer: Tensor = pixels.reshape(1, 2 * h, 2 * w, c).permute(0, 3, 1, 2)
        return answer


_FROM = (slice(0, 3), slice(None), slice(-3, None))  # what the first, the inner and the last places of a side are made from
_INTO = (slice(0, 1), slice(1, -1), slice(-1, None))


class Tail(nn.Module):
    """The linear end of a decoder, upsamplings and 3x3 convolutions, as one 3x3 convolution before them and a shuffle.

    Every pixel of the square that a place becomes is a sum over the place and its eight neighbours. Which sum, the
    layers are asked: their answers to an impulse in each of 3x3 places *are* the kernels, those at the border too,
    where zeros come in between two convolutions: so there are nine, for the corners, the sides and what they enclose.
    For the embedded model that is .17 GFLOP instead of 3.6, two thirds of its decoder.
    """

    @torch.no_grad()
    def __init__(self, layers: list[nn.Module]):
        super().__init__()
        convs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
        for conv in convs:
            _refuse_other(conv)
        weight, self.shape = convs[0].weight, (convs[-1].out_channels, 2 ** (len(layers) - len(convs)))
        (o, f), c = self.shape, convs[0].in_channels
        answers = copy.deepcopy(nn.Sequential(*layers)).float()
        still = answers(torch.zeros(1, c, 3, 3, device=weight.device))
        heard = answers(torch.eye(9 * c, device=weight.device).reshape(9 * c, c, 3, 3)) - still
        # (c, u, v | o, i, a, j, b) -> (i, j | a, b, o | c, u, v): pixel (a, b) of place (i, j), from its neighbour (u, v)
        kernels = heard.reshape(c, 3, 3, o, 3, f, 3, f).permute(4, 6, 5, 7, 3, 0, 1, 2).flatten(2, 4)
        biases = still.reshape(o, 3, f, 3, f).permute(1, 3, 2, 4, 0).flatten(2, 4)
        self.parts = nn.ModuleList(nn.Conv2d(c, o * f * f, 3) for _ in range(9))
        for part, kernel, bias in zip(self.parts, kernels.flatten(0, 1), biases.flatten(0, 1), strict=True):
            part.weight, part.bias = (nn.Parameter(one.to(weight.dtype, copy=True), requires_grad=False) for one in (kernel, bias))

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w), sides of 3 places or more -> (n, o, f h, f w), channels last."""
        (n, _, h, w), (o, f) = x.shape, self.shape
        y = x.new_empty(n, h, w, f * f * o).permute(0, 3, 1, 2)
        for part, (row, column) in zip(self.parts, itertools.product(range(3), repeat=2), strict=True):
            y[:, :, _INTO[row], _INTO[column]] = part(x[:, :, _FROM[row], _FROM[column]])
        pixels = y.permute(0, 2, 3, 1).reshape(n, h, w, f, f, o).transpose(2, 3)
        return pixels.reshape(n, f * h, f * w, o).permute(0, 3, 1, 2)


def _refuse_other(conv: nn.Conv2d) -> None:
    if conv.kernel_size != (3, 3) or conv.padding != (1, 1) or conv.stride != (1, 1) or conv.groups != 1:
        raise ValueError(f"only a plain 3x3 convolution can be joined with an upsampling, this is {conv}")
