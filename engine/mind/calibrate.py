"""A reader for any model: fitted to that model's own pictures, a linear map from a latent's looks to the text space.

The embedded model brings a reader of its own. For another model nobody knows what its latents look like, so it is shown
what it makes of known words: ridge regression from pooled features of the latents to the words' vectors (Hoerl and
Kennard 1970; the penalty is chosen on held-out words). What comes out is coarse, and honest: its `score` says how often
it finds a held-out picture's words among 32.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.dreamer import Dreamer

PENALTIES = (1e-2, 1e-1, 1.0, 10.0, 100.0)
PICTURES = 192


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A fitted reader. Any thread."""

    mean: NDArray[np.float32]  # (f,)
    scale: NDArray[np.float32]  # (f,)
    map: NDArray[np.float32]  # (f, d)
    centre: NDArray[np.float32]  # (d,)
    score: float  # held-out pictures whose words were found first among 32, 0..1; chance is .03

    @property
    def fingerprint(self) -> str:
        return hashlib.blake2b(self.map.tobytes(), digest_size=6).hexdigest()

    def vector(self, latents: Tensor) -> NDArray[np.float32]:
        """(n, c, h, w) -> (n, d) unit vectors."""
        found = (looks(latents) - self.mean) / self.scale @ self.map + self.centre
        return np.asarray(found / np.maximum(1e-12, np.linalg.norm(found, axis=1, keepdims=True)), np.float32)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new.npz")
        np.savez(fresh, mean=self.mean, scale=self.scale, map=self.map, centre=self.centre, score=np.float64(self.score))
        fresh.replace(path)

    @staticmethod
    def read(path: Path) -> Ridge:
        with np.load(path) as kept:
            return Ridge(kept["mean"], kept["scale"], kept["map"], kept["centre"], float(kept["score"]))


def looks(latents: Tensor) -> NDArray[np.float32]:
    """Features of latents (n, c, h, w) of any size: colours on 4x4 places, deviations, and energies at three scales."""
    latents = latents.float()
    parts = [F.adaptive_avg_pool2d(latents, 4).flatten(1), latents.flatten(2).std(2)]
    level = latents
    for _ in range(3):
        across, down = level.diff(dim=3).square().mean((2, 3)), level.diff(dim=2).square().mean((2, 3))
        parts += [across.clamp_min(1e-6).sqrt(), down.clamp_min(1e-6).sqrt()]
        level = F.avg_pool2d(level, 2, ceil_mode=True)
    return torch.cat(parts, 1).cpu().numpy()


def fit(latents: Tensor, vectors: NDArray[np.float32]) -> Ridge:
    """Fit a reader to latents (n, c, h, w) and the vectors (n, d) of their words; every fifth picture judges."""
    features = looks(latents)
    held = np.arange(len(features)) % 5 == 4
    if len(features) < 20:
        raise ValueError(f"a reader is fitted to 20 pictures or more, found {len(features)}")

    def solve(chosen: NDArray[np.bool_], penalty: float) -> Ridge:
        x, y = features[chosen], vectors[chosen]
        mean, scale, centre = x.mean(0), x.std(0) + 1e-4, y.mean(0)
        x = (x - mean) / scale
        found = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (y - centre))
        return Ridge(mean, scale, found.astype(np.float32), centre, 0.0)

    scores = {p: _score(solve(~held, p * len(features)), latents[torch.from_numpy(held)], vectors[held]) for p in PENALTIES}
    best = max(PENALTIES, key=lambda p: scores[p])
    fitted = solve(np.ones(len(features), bool), best * len(features))
    return Ridge(fitted.mean, fitted.scale, fitted.map, fitted.centre, scores[best])


def _score(reader: Ridge, latents: Tensor, vectors: NDArray[np.float32]) -> float:
    """How often a picture's own words are the nearest among (up to) 32."""
    found = reader.vector(latents)
    hits = []
    for at in range(0, len(found), 32):
        near = (found[at : at + 32] - reader.centre) @ (vectors[at : at + 32] - reader.centre).T
        hits += list(near.argmax(1) == np.arange(len(near)))
    return float(np.mean(hits))


def calibrate(
    model: Dreamer, sentences: Sequence[str], progress: Callable[[str, float], None] | None = None, seed: int = 0
) -> Ridge:
    """Let a model dream known sentences and fit a reader to what it makes. Slow: one dream for each sentence."""
    latents, vectors = [], []
    for number, words in enumerate(sentences):
        noise = torch.randn(model.latent, generator=torch.Generator().manual_seed(seed + number))
        latents.append(model.imagine(model.condition(words), noise))
        vectors.append(model.vector(words))
        if progress and number % 8 == 0:
            progress("teaching a reader to read this model", number / len(sentences))
    return fit(torch.stack(latents), np.stack(vectors))


def reader(model: Dreamer, folder: Path, progress: Callable[[str, float], None] | None = None) -> Ridge:
    """The reader for a model: the one kept in `folder`, or one fitted now and kept."""
    path = folder / f"{hashlib.blake2b(model.structure.encode(), digest_size=8).hexdigest()}.npz"
    if not path.exists():
        calibrate(model, known_sentences(), progress).save(path)
    return Ridge.read(path)


def known_sentences(count: int = PICTURES) -> list[str]:
    """Sentences that cover what the founding memories show: their own captions, in English."""
    from engine.painter import captions
    from engine.painter.attributes import OFFERS, draw

    rng, kinds = random.Random(0), tuple(OFFERS)
    return [captions.caption(draw(kinds[number % len(kinds)], rng), rng, "en") for number in range(count)]
