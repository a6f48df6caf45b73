"""What a mind is made of: something that dreams, something that reads, and founding memories with whoever paints them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.core.meaning import SPACE
from engine.mind.carried import Carried, Source
from engine.mind.composed import Composed
from engine.mind.dreamer import Dreamer, Reads
from engine.mind.memory.founding import FILE, NONE, Table, load
from engine.mind.memory.past import fingerprint
from engine.mind.memory.records import Seen
from engine.mind.memory.space import Vector
from engine.mind.model.before import Before
from engine.mind.options import MindOptions, spare
from engine.mind.recipes import Painter, painter
from engine.painter.said import Heads


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts, and `space`: what latents and readings are comparable with. Tests put their own in."""

    dreamer: Dreamer
    reader: Reads
    space: str
    table: Table = NONE
    heads: Heads | None = None  # None: crowds are those that the words recall
    paint: Painter = painter
    text: str = SPACE  # what vectors of words are comparable with
    film: Source | None = None  # who goes on with pictures; None: they are carried
    rival: Source | None = None  # whom that one goes on against; None: what there is (`second`)
    before: Before | None = None  # reads pictures of the archives of 0.2

    def read(self, latent: Tensor) -> Vector:
        """What the reader reads in one latent (c, h, w): (d,), of the length that the reader gives it.

        Brought to length 1 here, an offset of the reader's space would no longer be one, and the gap would move with it.
        """
        with torch.inference_mode():
            vector: Vector = np.asarray(self.reader.vector(latent[None].float()), np.float32)[0]
        return vector

    def seen(self, latent: Tensor, rgb: NDArray[np.uint8]) -> Seen:
        """A latent (c, h, w) f32 and its picture (h, w, 3) as they are remembered."""
        carries = self.dreamer.carries
        return Seen.of(latent.numpy(), self.read(latent), fingerprint(rgb), None if carries is None else carries.numpy())

    @property
    def source(self) -> Source:
        """Who goes on with pictures."""
        return self.film or Carried(self.dreamer)

    @property
    def second(self) -> Source | None:
        """Another model that goes on with the same pictures: the one that is named, else what every machine has; None where there is one alone."""
        if self.rival or self.film:
            return self.rival or Carried(self.dreamer)
        return None if isinstance(self.dreamer, Composed) else Carried(Composed(self.dreamer))

    def means(self, words: str) -> Vector:
        """t(words): their vector."""
        return np.asarray(self.dreamer.vector(words), np.float32)

    def condition(self, words: str) -> Tensor:
        return self.dreamer.condition(words)


def gather(options: MindOptions, progress: Callable[[str, float], None] | None = None) -> Parts:
    """The real parts for these options; `progress` hears what takes long. Raises what loading a model raises: what is missing, and the next move."""
    from engine.mind.calibrate import reader
    from engine.mind.model import embedded
    from engine.mind.model.load import load as load_model

    torch.set_num_threads(options.threads or spare())
    name = "embedded" if options.model == "composed" else options.model
    opened = load_model(name, options.size, options.device, terms=options.terms, compiled=options.compiled)
    dreamer: Dreamer = Composed(opened) if options.model == "composed" else opened
    film, rival = (_film(name, options, dreamer, progress) for name in (options.film, options.rival))
    table, heads = load(embedded.FOLDER / FILE), Heads.load(embedded.FOLDER / "heads")
    if name == "embedded":
        return Parts(dreamer, embedded.reader(), embedded.space(), table, heads, film=film, rival=rival, before=Before())
    # what this model's own reader sees in a founding memory is not known before it is painted: until then, what ours saw
    fitted = reader(opened, options.archive / "readers", progress)
    return Parts(dreamer, fitted, f"{name} {fitted.fingerprint}", table, heads, film=film, rival=rival)


def _film(name: str, options: MindOptions, dreamer: Dreamer, progress: Callable[[str, float], None] | None) -> Source | None:
    """The video pipeline of this name, or what is carried of memories alone; None where none is named."""
    if not name:
        return None
    if name == "composed":
        return Carried(dreamer if isinstance(dreamer, Composed) else Composed(dreamer))
    from engine.mind.filmed import filmed

    if progress:
        progress(f"loading {name}", 0.0)
    return filmed(name, dreamer, options.device)
