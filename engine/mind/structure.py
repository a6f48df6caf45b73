"""What made a picture, as one hash: the mind's own source and its options. It stands in every record."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import fields
from pathlib import Path

from engine.mind.memory.frame import Frame
from engine.mind.options import MindOptions

BORN = Frame()
ELSEWHERE = ("archive", "seed", "terms", "threads", "device")  # where and how fast; what decides is in seed and model


@functools.cache
def code() -> str:
    """Hash (hex) of the mind's own source, wherever in its folder it lies."""
    top, digest = Path(__file__).parent, hashlib.sha256()
    for file in sorted(top.rglob("*.py")):
        digest.update(file.relative_to(top).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def structure(options: MindOptions, frame: Frame = BORN) -> str:
    """Hash (16 hex digits) of code, options and frame; the model's own hash stands before it in a record."""
    chosen = [(field.name, getattr(options, field.name)) for field in fields(options) if field.name not in ELSEWHERE]
    return hashlib.sha256(repr((code(), chosen, frame)).encode()).hexdigest()[:16]
