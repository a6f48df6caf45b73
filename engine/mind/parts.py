"""What a mind is made of: something that dreams, something that reads, something that paints the first memories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.mind.memory.founding import FILE, Founder, load, painted, seed
from engine.mind.memory.space import Vector
from engine.mind.model.contract import Contract
from engine.mind.options import MindOptions, spare


class Dreamer(Protocol):
    """A few-step model at one size (`engine.mind.model.model.Model`, `engine.mind.composed.Composed`). Latents: unit variance."""

    name: str
    size: tuple[int, int]
    latent: tuple[int, int, int]
    structure: str
    contract: Contract  # the account of its pictures

    def vector(self, words: str) -> Vector:
        """(384,) unit: the text space of recall."""

    def condition(self, words: str) -> Tensor:
        """(tokens, dim) f32; do not write to it."""

    def encode(self, rgb: NDArray[np.uint8]) -> Tensor:
        """(h, w, 3) -> (c, h/8, w/8) f32."""

    def decode(self, latent: Tensor) -> NDArray[np.uint8]:
        """(c, h/8, w/8) -> (h, w, 4)."""

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        """A latent that nobody sees."""

    def paint(
        self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0, *,
        asked: float = 0.0,
    ) -> tuple[NDArray[np.uint8], Tensor]:
        """The next picture of the stream, noted in the contract, and its latent. `asked`: monotonic seconds at which its words were asked for."""

    def lower(self) -> None:
        """The contract says that pictures of this size are too slow: those to come are smaller, if they can be."""

    def rise(self) -> None:
        """Pictures of the size that was given up last, where the contract finds time for them again. Called after each picture."""


class Reads(Protocol):
    """Reads what a picture shows: its vector in the text space."""

    def vector(self, latents: Tensor) -> Any:
        """(n, c, h, w) -> (n, d) unit, a tensor or an array."""


Founding = Callable[[int, tuple[int, int], int], Iterable[tuple[Tensor, Any, str]]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts, and `space`: what latents and readings are comparable with. Tests put their own in."""

    dreamer: Dreamer
    reader: Reads
    founding: Founding
    english: Callable[[str], str]
    space: str
    batch: int = 24  # founding memories painted at a time: one of each kind
    ready: tuple[Founder, ...] = ()  # founding memories that need no painting

    def founders(self, first: int, count: int) -> Iterator[Founder]:
        """Founding memories from number `first`, a multiple of `batch`: those that are ready, or painted one at a time."""
        if first + count <= len(self.ready):
            yield from self.ready[first : first + count]
            return
        pictures = self.founding(count, self.dreamer.size, seed(first // self.batch))
        yield from painted(pictures, self.dreamer.encode, self.read, self.means)

    def read(self, latent: Tensor) -> Vector:
        """What the reader reads in one latent (c, h, w): (d,), of the length that the reader gives it.

        Brought to length 1 here, an offset of the reader's space would no longer be one, and the gap would move with it.
        """
        with torch.inference_mode():
            vector: Vector = np.asarray(self.reader.vector(latent[None].float()), np.float32)[0]
        return vector

    def means(self, words: str) -> Vector:
        """t(words): their vector, after French that is known became English."""
        return np.asarray(self.dreamer.vector(self.english(words)), np.float32)

    def condition(self, words: str) -> Tensor:
        return self.dreamer.condition(self.english(words))


def gather(options: MindOptions, progress: Callable[[str, float], None] | None = None) -> Parts:
    """The real parts for these options; `progress` hears what takes long. Raises what loading a model raises: what is missing, and the next move."""
    from engine.mind.calibrate import reader
    from engine.mind.composed import Composed
    from engine.mind.model import embedded, model
    from engine.painter import captions, paint

    torch.set_num_threads(options.threads or spare())
    name = "embedded" if options.model == "composed" else options.model
    opened = model.load(name, options.size, options.device, terms=options.terms)
    dreamer: Dreamer = Composed(opened) if options.model == "composed" else opened
    if name == "embedded":
        space = embedded.space()
        ready = load(embedded.FOLDER / FILE, space, opened.latent)
        return Parts(dreamer, embedded.reader(), paint.founding, captions.to_english, space, len(paint.KINDS), ready)
    fitted = reader(opened, options.archive / "readers", progress)
    return Parts(dreamer, fitted, paint.founding, captions.to_english, f"{name} {fitted.fingerprint}", len(paint.KINDS))
