"""What a mind is started with: frozen, picklable, without torch."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import nearest
from engine.mind.model.contract import Terms

CORPORA = ("oil", "ink")  # engine.painter.hands.HANDS: this file is without torch


@dataclass(frozen=True, slots=True)
class MindOptions:
    """Facts for one mind. The same options, archive and calls give the same bytes on a CPU."""

    model: str = "embedded"  # a name, a diffusers folder, a .safetensors file, or "composed": closed-form synthesis alone
    film: str = ""  # a video pipeline by name or folder, which goes on with the pictures; "": they are carried
    rival: str = ""  # whom it goes on against, where two models do: another pipeline, or "composed"; "": what there is (`Parts.second`)
    first: bytes = b""  # PNG: the last picture of a film that was made here, which the first film goes on from
    archive: Path = field(default_factory=lambda: Path("archive"))  # a folder: memory.sqlite, cache, snapshots
    server: str = ""  # where the memory lies, if not in that folder: postgresql://user@host/name; `site` is how it knows this house
    size: tuple[int, int] = (256, 256)  # height, width of a picture in pixels, multiples of 8; (0, 0): the model's own
    device: str = "auto"  # "auto", "cpu", "cuda"
    compiled: bool = True  # on a GPU: code is compiled beside the first pictures, and kept (`hypermnesia calibrate graph`)
    threads: int = 1  # CPU threads that torch may use in this process; 0: `spare`, or fewer where fewer are quicker
    terms: Terms = field(default_factory=Terms)  # what is promised of pictures, and what is given up first
    seed: int = 0
    site: str = "here"  # the name of this place, part of every seed
    founding: int = 0  # of the founding memories that ship, how many are known; 0: all
    corpus: str = "oil"  # whose hand has painted the founding memories (engine.painter.hands.HANDS)
    think_every: int = 6  # pictures between two thoughts where the mind is called in turn (render, tests)
    recalled: int = 64  # memories that one picture is composed of
    keyframe: float = 20.0  # seconds between two pictures that the mind remembers of its own accord
    idle: float = 24.0  # seconds that the mind stays with a sentence of its own
    shares: bool = False  # whether other minds of the house are told what this one's thoughts find

    def __post_init__(self) -> None:
        if self.corpus not in CORPORA:
            raise ValueError(f"there is no founding corpus {self.corpus!r}; {nearest(self.corpus, CORPORA)}")
        if self.size != (0, 0) and (min(self.size) < 32 or any(side % 8 for side in self.size)):
            raise ValueError(f"a picture's sides are multiples of 8 and at least 32 pixels, found {self.size}")
        if self.threads < 0 or self.think_every < 1 or self.recalled < 8:
            raise ValueError("threads are at least 0, think_every at least 1, recalled at least 8")

    @property
    def walk(self) -> int:
        """Where the walk through noise starts: the seed and the place."""
        place = int.from_bytes(self.site.encode()[:6].ljust(6, b"\0"), "big")
        return (self.seed * 1_000_003 + place) & (2**62 - 1)


def spare() -> int:
    """Threads for the mind: wall and sound keep two cores. On two busy cores one is best: two wait for each other
    (288 ms of CPU a picture against 58)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 2)
