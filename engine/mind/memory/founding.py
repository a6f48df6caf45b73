"""The memories that a mind is born with. Those of the embedded model are painted once and lie beside its weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from engine.mind.memory.records import Seen
from engine.mind.memory.space import Vector

FILE = "founding.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Founder:
    """One founding memory, before it is in an archive."""

    caption: str
    meaning: Vector  # (d,) unit: t(caption)
    seen: Seen


def painted(
    pictures: Iterable[tuple[Tensor, Any, str]],
    encode: Callable[[NDArray[np.uint8]], Tensor],
    read: Callable[[Tensor], Vector],
    means: Callable[[str], Vector],
) -> Iterator[Founder]:
    """Founders one at a time, of pictures (3, h, w) u8 with their captions: encoded, read, and their words understood."""
    for picture, _, caption in pictures:
        rgb = np.ascontiguousarray(picture.permute(1, 2, 0).numpy())
        latent = encode(rgb)
        yield Founder(caption, means(caption), Seen(latent.numpy().astype(np.float16), read(latent), fingerprint(rgb)))


def seed(batch: int) -> int:
    """Of a batch of founding memories: the same for every mind, so that those that lie ready are those that it would paint."""
    return 101 * batch


def fingerprint(rgb: NDArray[np.uint8]) -> bytes:
    """Perceptual hash of 256 bits: is each of 16x16 cells lighter than its right neighbour? (dHash, Krawetz 2013.)

    64 bits refuse 23 % falsely at 5 million keyframes, 256 about 1e-7.
    """
    luma = torch.from_numpy(rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))
    small = torch.nn.functional.adaptive_avg_pool2d(luma[None, None], (16, 17))[0, 0]
    return np.packbits((small[:, 1:] > small[:, :-1]).numpy().reshape(-1)).tobytes()


def save(path: Path, founders: Iterable[Founder], space: str) -> None:
    """Write founders (at least one) in one file; `space` is what their latents and readings are comparable with."""
    made = tuple(founders)
    captions = json.dumps([one.caption for one in made], ensure_ascii=False)
    save_file(
        {
            "latents": np.stack([one.seen.latent for one in made]),
            "vectors": np.stack([one.seen.vector for one in made]),
            "meanings": np.stack([one.meaning for one in made]),
            "hashes": np.stack([np.frombuffer(one.seen.hash, np.uint8) for one in made]),
        },
        path,
        {"space": space, "captions": captions},
    )


def load(path: Path, space: str, latent: tuple[int, int, int]) -> tuple[Founder, ...]:
    """The founders of a file, in order; none where it is missing or was made for another space or size."""
    if not path.is_file():
        return ()
    with safe_open(path, "np") as file:
        about = file.metadata() or {}
        latents, vectors, meanings, hashes = (file.get_tensor(n) for n in ("latents", "vectors", "meanings", "hashes"))
    if about.get("space") != space or latents.shape[1:] != latent:
        return ()
    captions = json.loads(about["captions"])
    return tuple(
        Founder(words, meaning, Seen(picture, vector, print_.tobytes()))
        for words, meaning, picture, vector, print_ in zip(captions, meanings, latents, vectors, hashes, strict=True)
    )
