"""The reader: a latent back into the text space, and the nearest of given words.

It learned from paintings and their captions alone, never from what the student makes, so what it reads in
a dreamed picture is what a stranger to the words would see. That difference is what `gap` is made of.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.core.meaning import DIM


class Block(nn.Module):
    """Two convolutions beside a shortcut, half the size out."""

    def __init__(self, inward: int, outward: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, inward)
        self.first = nn.Conv2d(inward, outward, 3, stride=2, padding=1)
        self.second = nn.Conv2d(outward, outward, 3, padding=1)
        self.short = nn.Conv2d(inward, outward, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c', h/2, w/2)."""
        inner: Tensor = self.second(F.silu(self.first(F.silu(self.norm(x)))))
        beside: Tensor = self.short(F.avg_pool2d(x, 2, ceil_mode=True))
        return inner + beside


class Reader(nn.Module):
    """Latents of any size to unit vectors of the text space. Thread-safe: yes. Realtime-safe: no (a few ms)."""

    def __init__(self, width: int = 96, channels: int = 16) -> None:
        super().__init__()
        self.width, self.channels = width, channels
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(Block(width, width), Block(width, 2 * width), Block(2 * width, 2 * width))
        self.norm = nn.LayerNorm(4 * width)
        self.out = nn.Sequential(nn.Linear(4 * width, 4 * width), nn.SiLU(), nn.Linear(4 * width, DIM))

    def forward(self, latents: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, 512), not normalised. ValueError for another shape."""
        if latents.ndim != 4 or latents.shape[1] != self.channels:
            raise ValueError(f"the reader reads (n, {self.channels}, h, w) latents, found {tuple(latents.shape)}")
        features = self.blocks(self.stem(latents)).flatten(2)  # (n, 2 width, places)
        spread = features.float().var(2, correction=0).add(1e-6).sqrt().to(features)
        seen: Tensor = self.out(self.norm(torch.cat([features.mean(2), spread], 1)))
        return seen

    @torch.inference_mode()
    def vector(self, latents: Tensor) -> Tensor:
        """(n, c, h, w), the convention of `engine.mind.model.embedded` -> (n, 512) f32 unit vectors."""
        own = self.stem.weight
        return F.normalize(self(latents.to(own.device, own.dtype)).float(), dim=-1)

    def nearest(self, latents: Tensor, words: Sequence[str], vectors: NDArray[np.float32], count: int = 3) -> list[list[str]]:
        """The `count` nearest of `words` to each picture, best first.

        `vectors` (len(words), 512) are the words' unit vectors, from `Encoder.sentence`.
        """
        if len(words) != len(vectors):
            raise ValueError(f"{len(words)} words but {len(vectors)} vectors")
        likeness = self.vector(latents).cpu().numpy() @ np.asarray(vectors, np.float32).T
        order = np.argsort(-likeness, axis=1)[:, :count]
        return [[words[place] for place in row] for row in order]

    def save(self, folder: Path) -> None:
        """Write `config.json` and `model.safetensors` (f16)."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"width": self.width, "channels": self.channels}) + "\n", encoding="utf-8")
        save_file({name: value.half().contiguous() for name, value in self.state_dict().items()}, folder / "model.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Reader:
        """Read what `save` wrote, in f32."""
        reader = cls(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
        reader.load_state_dict({name: value.float() for name, value in load_file(folder / "model.safetensors").items()})
        return reader.eval().requires_grad_(False)
