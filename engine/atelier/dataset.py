"""Batches of latents and conditioning from the cache, drawn from nothing but a generator."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.atelier.cache import Cache
from engine.mind.model.encoder import DIM, SCALE, Encoder
from engine.painter import captions
from engine.painter.paint import Attributes


class Pool:
    """All pictures, at full or at half size, in memory: up to 64 KB each."""

    def __init__(self, cache: Cache, shards: int, large: bool, channels: int) -> None:
        latents = []
        self.where: list[tuple[int, int]] = []  # shard, place in it
        self.sayable: list[list[int]] = []  # captions that may be learned: what is held out can grow after painting
        for shard in range(shards):
            own = np.load(cache.path(shard, "latents.npy" if large else "half.npy"), mmap_mode="r")[:, :, :channels]
            words = cache.words(shard)
            for place, (shown, texts) in enumerate(zip(words.attributes, words.captions, strict=True)):
                attributes = Attributes(**shown)
                sayable = [number for number, text in enumerate(texts) if not captions.is_held_out(attributes, text)]
                if sayable:
                    latents.append(own[place])
                    self.where.append((shard, place))
                    self.sayable.append(sayable)
        self.latents = torch.from_numpy(np.stack(latents)) if latents else torch.zeros(0, 2, 1, 1, 1)

    def __len__(self) -> int:
        return len(self.where)


class Batches:
    """Latents with words. `shards` of the cache are seen, no more, however much it grows meanwhile."""

    def __init__(self, cache: Cache, encoder: Encoder, shards: int, device: str = "cpu", channels: int = 16) -> None:
        """`channels`: how many of a latent's are learned from, the largest first."""
        self.device = device
        self.shards = shards
        self.states = [np.load(cache.path(shard, "states.npy"), mmap_mode="r") for shard in range(shards)]
        self.pools = {large: Pool(cache, shards, large, channels) for large in (False, True)}
        if not len(self.pools[False]):
            raise ValueError(f"{cache.folder} holds no encoded pictures; run the earlier stages first")
        self.empty = encoder.condition([""]).to(device)  # (1, 12, 512): no words
        self.bridges = torch.from_numpy(cache.bridges(encoder)[1])
        self.nearest = {large: self._nearest(pool, cache.settings.bridge_nearest) for large, pool in self.pools.items()}

    def sentences(self, pool: Pool) -> NDArray[np.float32]:
        """(n, 512) f32: the unit vector of the first, English, caption of every picture of a pool."""
        per_shard = [np.asarray(states[:, 0, 0], np.float32) / SCALE for states in self.states]
        return np.stack([per_shard[shard][place] for shard, place in pool.where]) if len(pool) else np.zeros((0, DIM), np.float32)

    def _nearest(self, pool: Pool, count: int) -> Tensor:
        """(phrases, count) places in the pool whose captions are nearest to each bridged phrase."""
        if not len(pool):
            return torch.zeros(len(self.bridges), 0, dtype=torch.long)
        likeness = self.bridges[:, 0].float() @ torch.from_numpy(self.sentences(pool)).T
        # a little noise breaks ties among equal captions, which would all be of one shard
        likeness += 0.1 * torch.rand(likeness.shape, generator=torch.Generator().manual_seed(0))
        return likeness.topk(min(count, len(pool)), dim=1).indices

    def batch(self, draw: torch.Generator, count: int, size: str, *, drop: float, bridge: float) -> tuple[Tensor, Tensor]:
        """(count, c, h, w) f32 latents, small or large, and (count, 12, 512) f32 states."""
        large = size == "large"
        pool = self.pools[large]
        chances = torch.rand(count, 5, generator=draw)
        latents, states = [], []
        for which, mirror, caption, dropped, bridged in chances.tolist():
            place = int(which * len(pool))
            if bridged < bridge and len(self.bridges):
                phrase = int(bridged / bridge * len(self.bridges))
                near = self.nearest[large][phrase]
                place = int(near[int(which * len(near))])
                own = self.bridges[phrase]
            else:
                shard, inside = pool.where[place]
                choices = pool.sayable[place]
                own = torch.from_numpy(np.array(self.states[shard][inside, choices[int(caption * len(choices))]]))
            latents.append(pool.latents[place, int(mirror < 0.5)])
            states.append(self.empty[0].half().cpu() if dropped < drop else own)
        return torch.stack(latents).to(self.device).float(), torch.stack(states).to(self.device).float()


def shuffled(values: Tensor, draw: torch.Generator) -> Tensor:
    """Rows of `values` in an order that `draw`, a CPU generator, decides; on the device where they were."""
    order: Any = torch.randperm(len(values), generator=draw)
    return values[order.to(values.device)]
