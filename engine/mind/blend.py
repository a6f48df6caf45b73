"""Blend: one picture of many memories, once every place has decided whose it is. No seams, all detail, at full strength.

A picture is cut into bands, from large forms to small (Burt and Adelson, "A multiresolution spline with application to
image mosaics", 1983): how colour changes slowly across it, what is left of colour, how it slants across a place, and
all smaller channels. What a place decided is squared (the winner more clearly) and blurred: widely for large forms, so
that two memories stand in one light where they meet, hardly for small ones.

A mean of memories that differ is fainter than any of them: averaged in equal parts, two have 71 % of the contrast of one,
and small forms kept less than half of their power. So each band but the slowest is brought back to the strength
that its memories have there, by one factor for all of its channels (for two of them alone, Heitz and Neyret,
"High-performance by-example noise using a histogram-preserving blending operator", 2018, do the same).

What a memory has of a place is the mean over bands, weighted by what each band carries; that is what is published, and
what the limits are held against, last: no memory has more than `CAP` of the picture and at least `CROWD` carry it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.mind.model.codec import gauss

CAP = 0.25  # no memory may have more of a picture
CROWD = 8.0  # effective number of memories that a picture has at least
SLOW = 4 / 32  # of a side: colour that changes more slowly than over so much is a band of its own,
WIDE = 5 / 32  # and its shares are blurred over so much
REACHES = ((3, 1.5), (3, 1.0), (1 << 16, 0.6))  # channels from the largest on, and over how many places their shares are blurred
POWERS = (2.0, 1.5, 1.0, 0.7, 0.5, 0.35, 0.2, 0.1, 0.05, 0.0)  # how clearly a place decides: as clearly as the limits allow
STRONGER = 1.8  # times at most that a band is made stronger,
AROUND = 1.5  # looking so many places around


@dataclass(frozen=True, slots=True)
class Composition:
    """A composed latent and whose it is."""

    latent: Tensor  # (c, h, w) f32: in each band the sum of shares times memories, as strong as these are there
    places: Tensor  # (n, h, w) f32: share of memory i at each place over all bands, sum over i = 1
    shares: Tensor  # (n,) f32: share of the whole picture, sum 1

    @property
    def neff(self) -> float:
        return crowd(self.shares)

    @property
    def largest(self) -> float:
        return float(self.shares.max())


@dataclass(frozen=True, slots=True)
class Band:
    """A part of memories."""

    parts: Tensor  # (n, c, h, w)
    channels: slice  # where they stand in a latent
    reach: float  # places over which shares are blurred
    worth: float  # of a picture; over all bands 1
    plain: bool = False  # a plain mean, such as of the light that memories meet in; others are as strong as their parts


def blend(memories: Tensor, places: Tensor, carries: Tensor | None = None) -> Composition:
    """A picture of memories (n, c, h, w) by what each place decided (n, h, w), as clearly as the limits allow.

    `carries` (c,): what a channel is worth, the largest first; None: nobody knows, and the picture is exactly the sum of
    shares times memories. 16 memories of 24 x 32 x 32 take 3 ms.
    """
    cut = bands(memories, carries)
    for power in POWERS:
        clear = places**power
        clear = clear / clear.sum(0)
        blurs = [blurred(clear, band.reach) for band in cut]
        published = torch.stack([band.worth * blur for band, blur in zip(cut, blurs, strict=True)]).sum(0)
        shares = published.mean((1, 2))
        if within(shares):
            break
    return Composition(joined(memories, cut, blurs), published, shares)


def joined(memories: Tensor, cut: list[Band], blurs: list[Tensor]) -> Tensor:
    """(c, h, w): memories (n, c, h, w) cut into bands, by each band's own shares (n, h, w), as strong as they are there."""
    latent = torch.zeros_like(memories[0])
    for band, blur in zip(cut, blurs, strict=True):
        mean = (blur[:, None] * band.parts).sum(0)
        latent[band.channels] += mean if band.plain else mean * strength(band.parts, mean, blur)
    return latent


def over(before: Tensor, after: Tensor, part: Tensor, carries: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """One latent (c, h, w) over another, by `part` (h, w), 0 the one, 1 the other: the latent, and what the other has of each place."""
    pair = torch.stack([before, after])
    cut = bands(pair, carries)
    blurs = [blurred(torch.stack([1.0 - part, part]), band.reach) for band in cut]
    return joined(pair, cut, blurs), torch.stack([band.worth * blur[1] for band, blur in zip(cut, blurs, strict=True)]).sum(0)


def bands(memories: Tensor, carries: Tensor | None = None) -> list[Band]:
    """Memories (n, c, h, w) cut into bands whose parts add up to them. Where nobody says what channels carry, they are one."""
    channels, side = memories.shape[1], min(memories.shape[2:])
    if carries is None:
        return [Band(memories, slice(0, channels), REACHES[-1][1], 1.0, plain=True)]
    worth, found, first = carries.float() / carries.float().sum(), [], 0
    for count, reach in REACHES:
        here = slice(first, min(channels, first + count))
        parts, whole = memories[:, here], float(worth[here].sum())
        if first == 0:
            slow = blurred(parts, SLOW * side)
            quick = parts - slow
            part = float(slow.var() / (slow.var() + quick.var()).clamp_min(1e-12))
            found += [Band(slow, here, WIDE * side, whole * part, plain=True), Band(quick, here, reach, whole * (1 - part))]
        elif first < channels:
            found.append(Band(parts, here, reach, whole))
        first += count
    return found


def strength(parts: Tensor, mean: Tensor, shares: Tensor) -> Tensor:
    """(h, w): by how much a mean (c, h, w) of parts (n, c, h, w) by shares (n, h, w) is fainter than these, 1 to STRONGER."""
    wanted, found = (shares * parts.square().sum(1)).sum(0), mean.square().sum(0)
    return (blurred(wanted, AROUND) / blurred(found, AROUND).clamp_min(1e-9)).sqrt().clamp(1.0, STRONGER)


def within(shares: Tensor, cap: float = CAP, floor: float = CROWD) -> bool:
    """Whether shares (n,) keep the cap and the effective number, as far as so many memories can."""
    n = len(shares)
    return float(shares.max()) <= max(cap, 1.02 / n) and crowd(shares) >= min(floor, 0.98 * n)


def blurred(fields: Tensor, reach: float) -> Tensor:
    """(..., h, w) blurred by a Gaussian of `reach` places; shares that sum to 1 at each place still do."""
    height, width = fields.shape[-2:]
    return gauss(height, reach, fields.device) @ fields @ gauss(width, reach, fields.device).T


def crowd(shares: Tensor) -> float:
    """N_eff = exp H(shares): how many memories carry the picture."""
    return float(torch.exp(-(shares * torch.log(shares.clamp_min(1e-12))).sum()))
