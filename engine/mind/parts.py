"""What a mind is made of: something that dreams, something that reads, something that paints the first memories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.mind.dreamer import Dreamer, Reads
from engine.mind.memory.founding import FILE, Founder, load, painted, seed
from engine.mind.memory.space import Vector
from engine.mind.options import MindOptions, spare

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
