"""What training reads: paintings, their latents and their encoded captions, on disk, made once.

Painting and encoding words cost as much as learning from them, so each is done once and learned from
many times. A shard is one kind; shard k is the same on every machine (its seed is first + k), and rounds of
shards hold every kind once, so a cache stopped at any time is balanced to a round.

    shards/00012.words.json    captions, attributes, kind, size
    shards/00012.pictures.npy  (n, 3, h, w) u8
    shards/00012.states.npy    (n, captions, 12, 512) f16, the conditioning
    shards/00012.latents.npy   (n, 2, c, h/8, w/8) f16, as painted and mirrored
    shards/00012.half.npy      the same of the picture at half size
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.atelier.settings import CacheSettings
from engine.mind.model.encoder import DIM, SLOTS, Encoder
from engine.painter import captions, paint


@dataclass(frozen=True)
class Words:
    """The captions of one shard: `captions[i]` belong to picture i."""

    kind: str
    size_px: int
    captions: list[list[str]]
    attributes: list[dict[str, str]]


class Cache:
    """Shards in a folder. One writer; readers may read while it grows."""

    def __init__(self, folder: Path, settings: CacheSettings, device: str = "cpu", first: int = 0) -> None:
        """`first` moves all seeds: a training that goes on paints other pictures than the one before."""
        self.first = first
        self.folder = folder / "shards"
        self.settings = settings
        self.device = device
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def most(self) -> int:
        """Shards in a full cache."""
        return len(paint.KINDS) * self.settings.rounds

    def path(self, shard: int, part: str) -> Path:
        return self.folder / f"{shard:05d}.{part}"

    def has(self, shard: int, part: str) -> bool:
        return self.path(shard, part).exists()

    def count(self, part: str) -> int:
        """Shards from 0 that have this part, without a hole."""
        return next((shard for shard in range(self.most) if not self.has(shard, part)), self.most)

    def size_px(self, shard: int) -> int:
        """The size of a painted shard, or what it will be: a painted one keeps its size if kinds are added later."""
        if self.has(shard, "words.json"):
            return self.words(shard).size_px
        return self.settings.size_px

    def picture(self, shard: int) -> tuple[Tensor, Words]:
        """Paint one shard: (n, 3, s, s) f32 in 0..1 and its words. Nothing held out is among them."""
        painted = self.has(shard, "words.json")
        kind = self.words(shard).kind if painted else paint.KINDS[shard % len(paint.KINDS)]
        size = self.size_px(shard)
        rng = random.Random(f"captions {self.first + shard}")
        pictures, attributes = paint.paint(kind, self.settings.shard, (size, size), seed=self.first + shard, device=self.device)
        kept = [i for i, a in enumerate(attributes) if not captions.is_held_out(a, "")]
        texts = [[seen_caption(attributes[i], rng, turn) for turn in range(self.settings.captions)] for i in kept]
        return pictures[kept], Words(kind, size, texts, [asdict(attributes[i]) for i in kept])

    def paint(self, shard: int) -> None:
        """Write pictures and words of one shard."""
        pictures, words = self.picture(shard)
        if shard < self.settings.pictures_kept:
            self._save(shard, "pictures.npy", (pictures * 255).round().byte().cpu().numpy())
        _write(self.path(shard, "words.json"), json.dumps(asdict(words), ensure_ascii=False).encode())

    def words(self, shard: int) -> Words:
        return Words(**json.loads(self.path(shard, "words.json").read_text(encoding="utf-8")))

    def pictures(self, shard: int) -> Tensor:
        """(n, 3, s, s) f32 in 0..1, read, or painted again where the file was not kept."""
        if self.has(shard, "pictures.npy"):
            return torch.from_numpy(np.load(self.path(shard, "pictures.npy"))).to(self.device).float() / 255
        return self.picture(shard)[0]

    def encode_words(self, shard: int, encoder: Encoder) -> None:
        """Write the conditioning of every caption of one shard."""
        texts = self.words(shard).captions
        if not texts:
            return self._save(shard, "states.npy", np.zeros((0, self.settings.captions, SLOTS, DIM), np.float16))
        states = encoder.condition([text for own in texts for text in own]).half().numpy()
        self._save(shard, "states.npy", states.reshape(len(texts), -1, *states.shape[1:]))

    def encode_pictures(self, shard: int, encode: Any) -> None:
        """Write the latents of one shard; `encode` is (n, 3, h, w) in 0..1 -> (n, c, h/8, w/8)."""
        pictures = self.pictures(shard)
        self._save(shard, "half.npy", _both(F.avg_pool2d(pictures, 2), encode))
        self._save(shard, "latents.npy", _both(pictures, encode))

    def bridges(self, encoder: Encoder) -> tuple[list[str], NDArray[np.float16]]:
        """The phrases that no painting is about, and their conditioning (n, 12, 512); encoded once for all stages."""
        phrases = captions.bridge_phrases()
        listed, states = self.folder / "bridges.json", self.folder / "bridges.npy"
        if not listed.exists() or json.loads(listed.read_text(encoding="utf-8")) != phrases:
            found = torch.cat([encoder.condition(phrases[i : i + 64]).half().cpu() for i in range(0, len(phrases), 64)])
            np.save(states, found.numpy())
            _write(listed, json.dumps(phrases, ensure_ascii=False).encode())
        return phrases, np.load(states)

    def _save(self, shard: int, part: str, array: NDArray[Any]) -> None:
        partial = self.path(shard, part + ".part")
        with partial.open("wb") as file:
            np.save(file, array)
        partial.replace(self.path(shard, part))


def seen_caption(attributes: paint.Attributes, rng: random.Random, turn: int) -> str:
    """A caption that training may see: the first is English, the third French, the others either."""
    language = ("en", None, "fr")[turn % 3]
    for _ in range(20):
        text = captions.caption(attributes, rng, language)  # type: ignore[arg-type]
        if not captions.is_held_out(attributes, text):
            return text
    return attributes.kind


def mirrored_pairs(pictures: Tensor) -> Iterator[Tensor]:
    """Pictures (n, 3, h, w) as they were painted, then mirrored left to right."""
    yield pictures
    yield pictures.flip(-1)


def _both(pictures: Tensor, encode: Any) -> NDArray[np.float16]:
    """(n, 2, c, h, w) f16: latents as painted and mirrored."""
    with torch.inference_mode():
        parts = [torch.cat([encode(part) for part in torch.split(side, 16)]) if len(side) else encode(side) for side in mirrored_pairs(pictures)]
    return torch.stack(parts, 1).half().cpu().numpy()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content)
    partial.replace(path)
