"""Doubling a picture and convolving it, without convolving the doubled picture.

A picture doubled by repetition holds every place four times, so a convolution after it multiplies the same numbers by
several of its taps. Adding those taps up beforehand gives the same answer from fewer products: a 3x3 kernel becomes
four of 2x2, one for each of the pixels that a place turns into, at 4/9 of the arithmetic.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def folded_decoder(layers: list[nn.Module]) -> nn.Sequential:
    """The layers of an AutoencoderTiny's decoder, with every upsampling and what follows it as one."""
    found: list[nn.Module] = []
    while layers:
        kinds = [type(layer).__name__ for layer in layers[:3]]
        if kinds == ["Upsample", "Conv2d", "Conv2d"] and len(layers) == 3:
            return nn.Sequential(*found, LastDoubled(layers[1], layers[2]))  # type: ignore[arg-type]
        if kinds[:2] == ["Upsample", "Conv2d"]:
            found.append(Doubled(layers[1]))  # type: ignore[arg-type]
            layers = layers[2:]
        else:
            found.append(layers[0])
            layers = layers[1:]
    return nn.Sequential(*found)


class Doubled(nn.Module):
    """Upsampling to twice the size (nearest) and a 3x3 convolution."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        if conv.kernel_size != (3, 3) or conv.padding != (1, 1) or conv.stride != (1, 1) or conv.groups != 1:
            raise ValueError(f"only a plain 3x3 convolution can be joined with an upsampling, this is {conv}")
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


class LastDoubled(nn.Module):
    """Upsampling and two convolutions with nothing in between, as one convolution before the upsampling.

    Two linear 3x3 kernels are one of 5x5; on a picture doubled by repetition its 25 taps fall on 9 places, other ones
    for each of the 4 pixels that a place becomes: a 3x3 convolution to 4 times the channels, and a shuffle. For the
    embedded model that is .17 instead of 2.9 GFLOP, a third of the whole decoder. The original pads with zeros
    *between* its two convolutions, so the outermost pixels differ: they are computed as the original does.
    """

    def __init__(self, first: nn.Conv2d, second: nn.Conv2d):
        super().__init__()
        self.first, self.second = first, second
        between = first.weight.new_zeros(first.out_channels, dtype=torch.float32) if first.bias is None else first.bias.detach().float()
        late, early = second.weight.detach().float(), first.weight.detach().float()
        taps = F.conv2d(early.transpose(0, 1), late.flip(2, 3), padding=2).transpose(0, 1)  # (o,i,5,5)
        falls = late.new_zeros(2, 3, 5)  # which of the 3 places a tap falls on, for the even and the odd pixel
        for odd in range(2):
            for tap in range(5):
                falls[odd, (odd + tap - 2) // 2 + 1, tap] = 1
        weight = torch.einsum("aup,oipq,bvq->oabiuv", falls, taps, falls).flatten(0, 2)
        bias = torch.einsum("omhw,m->o", late, between) + (0.0 if second.bias is None else second.bias.detach().float())
        self.joined = nn.Conv2d(first.in_channels, 4 * second.out_channels, 3, padding=1)
        self.joined.weight = nn.Parameter(weight.to(first.weight.dtype), requires_grad=False)
        self.joined.bias = nn.Parameter(bias.repeat_interleave(4).to(first.weight.dtype), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.pixel_shuffle(self.joined(x), 2)
        rows = self._edges(x, self.first.weight, self.second.weight)
        turned = self._edges(x.transpose(2, 3), self.first.weight.transpose(2, 3), self.second.weight.transpose(2, 3))
        y[..., 0, :], y[..., -1, :] = rows[:1, :, 0], rows[1:, :, -1]
        y[..., 0], y[..., -1] = turned[:1, :, 0], turned[1:, :, -1]
        return y

    def _edges(self, x: Tensor, early: Tensor, late: Tensor) -> Tensor:
        """(2, 3, 4, w): the first and the last 4 rows of pixels, of which the outermost is right."""
        strips = torch.cat([x[..., :2, :], x[..., -2:, :]]).contiguous(memory_format=torch.channels_last)
        doubled = F.interpolate(strips, scale_factor=2.0)
        between = F.conv2d(doubled, early, self.first.bias, padding=1)
        return F.conv2d(between, late, self.second.bias, padding=1)
