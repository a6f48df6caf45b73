"""Row 8, the a priori: the noise that pictures begin with is refitted at night from the archive, bounded, and can be taken back.

By day the prior is what it was in the morning: z ~ N(mu, Sigma), with a mean for each channel and place (a coarse one,
GRID x GRID) and a deviation for each channel, taken from the latents of the newest pictures that people and the machine
made. Its Kullback-Leibler divergence to N(0, I), in nats a number of the latent, is at most KAPPA: what is more is drawn
back towards N(0, I). Where the archive is empty there is no prior, and noise passes bit by bit as it is.

Each night's prior is a fact of the archive and stays there; `hypermnesia archive prior` lists them and puts one back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.memory.archive import Archive

KAPPA = 0.02  # nats a number: a mean of .2, or deviations of 1.14
GRID = 4  # places of the mean, a side
NEWEST = 256  # pictures that it is taken from
LEAST = 8  # pictures below which nothing is learned
FACT = "prior"  # the name of the night whose prior acts; "" for none


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """N(mu, sigma^2), sigma alike for all places of a channel."""

    mean: NDArray[np.float32]  # (c, GRID, GRID)
    deviation: NDArray[np.float32]  # (c,) > 0
    night: str = ""  # when it was fitted, "2026-11-26"

    @property
    def kl(self) -> float:
        """Kullback-Leibler divergence to N(0, I), nats a number (Kullback and Leibler 1951)."""
        mean, variance = self.mean.astype(np.float64), np.square(self.deviation.astype(np.float64))
        return float(0.5 * (np.square(mean).mean() + (variance - 1.0 - np.log(variance)).mean()))

    def towards(self, amount: float) -> Prior:
        """So much of it, 0 N(0, I) .. 1 all."""
        return Prior(self.mean * np.float32(amount), self.deviation ** np.float32(amount), self.night)

    def bounded(self, kappa: float = KAPPA) -> Prior:
        """As much of it as keeps the divergence under `kappa`."""
        if self.kl <= kappa:
            return self
        low, high = 0.0, 1.0
        for _ in range(40):  # the divergence grows with the amount
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.towards(middle).kl <= kappa else (low, middle)
        return self.towards(low)

    def of(self, noise: Tensor) -> Tensor:
        """Standard normal noise (c, h, w) as this prior has it."""
        mean = F.interpolate(torch.from_numpy(self.mean)[None], noise.shape[1:], mode="bilinear", align_corners=False)[0]
        shaped: Tensor = noise * torch.from_numpy(self.deviation)[:, None, None] + mean
        return shaped

    def pack(self) -> bytes:
        return np.concatenate([[len(self.deviation)], self.mean.ravel(), self.deviation]).astype("<f4").tobytes()

    @staticmethod
    def unpack(data: bytes, night: str) -> Prior:
        """What `pack` made. ValueError for anything else."""
        numbers = np.frombuffer(data, "<f4")
        channels = int(numbers[0])
        if len(numbers) != 1 + channels * (GRID * GRID + 1):
            raise ValueError(f"the prior of {night} has {len(numbers)} numbers, not those of {channels} channels")
        return Prior(numbers[1:-channels].reshape(channels, GRID, GRID).copy(), numbers[-channels:].copy(), night)


def fitted(latents: NDArray[np.float32], night: str = "") -> Prior:
    """The prior of these latents (n, c, h, w), each channel from the archive's own unit: bounded by KAPPA."""
    whole = torch.from_numpy(latents)
    mean = F.adaptive_avg_pool2d(whole, GRID).mean(0).numpy()
    deviation = whole.std((0, 2, 3)).clamp(0.25, 4.0).numpy()
    return Prior(mean.astype(np.float32), deviation.astype(np.float32), night).bounded()


def refit(archive: Archive, space: str, night: str) -> Prior | None:
    """Fit the prior anew from what was dreamt and given, keep it under this night's name, and let it act. None: too little is there."""
    newest = [fragment for fragment, _ in archive.hashes(space)[-NEWEST:]]
    found = archive.latents(newest, space) if newest else {}
    shapes = [latent.shape for latent in found.values()]
    alike = [latent for latent in found.values() if latent.shape == shapes[-1] and np.isfinite(latent).all()]
    if len(alike) < LEAST:
        return None
    prior = fitted(np.stack(alike).astype(np.float32), night)
    archive.set_fact(f"{FACT} {night}", prior.pack())
    archive.set_fact(FACT, night.encode())
    return prior


def acting(archive: Archive) -> Prior | None:
    """The prior that acts: the last night's, or one that a person put back."""
    night = archive.fact(FACT).decode()
    data = archive.fact(f"{FACT} {night}") if night else b""
    return Prior.unpack(data, night) if data else None


def history(archive: Archive) -> Iterator[Prior]:
    """All that were fitted, oldest first."""
    for name, data in archive.facts(f"{FACT} "):
        yield Prior.unpack(data, name.removeprefix(f"{FACT} "))


def put_back(archive: Archive, night: str) -> None:
    """Let the prior of another night act, or none (""). KeyError for a night that fitted none."""
    if night and not archive.fact(f"{FACT} {night}"):
        raise KeyError(night)
    archive.set_fact(FACT, night.encode())


class Apriori:
    """The prior as a performer turns it. Any thread."""

    def __init__(self, archive: Archive):
        self.prior = acting(archive)
        self._turned = functools.lru_cache(maxsize=64)(self._towards)

    def learn(self, prior: Prior | None) -> None:
        """A night has passed."""
        self.prior = prior
        self._turned.cache_clear()

    def _towards(self, amount: float) -> Prior | None:
        return self.prior.towards(amount) if self.prior is not None and amount > 0.0 else None

    def shape(self, amount: float) -> Callable[[Tensor], Tensor] | None:
        """What noise (c, h, w) is passed through; None where it stays as it is, bit by bit."""
        turned = self._turned(round(amount, 3))
        return turned.of if turned is not None else None

    def kl(self, amount: float) -> float:
        """Nats a number that the noise is away from N(0, I)."""
        turned = self._turned(round(amount, 3))
        return turned.kl if turned is not None else 0.0
