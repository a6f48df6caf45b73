"""The memories that a mind is born with. Those of the embedded model are painted once and lie beside its weights."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from engine.mind.records import Seen
from engine.mind.space import Vector

FILE = "founding.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Founder:
    """One founding memory, before it is in an archive."""

    caption: str
    meaning: Vector  # (d,) unit: t(caption)
    seen: Seen


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
