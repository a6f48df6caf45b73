"""A strand: one continuation of the picture, where it is and where it is on its way to. A film has one, or two side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.core.messages import Dream
from engine.mind.blend import Composition
from engine.mind.carried import Chunk, Reel
from engine.mind.rivals import Rival, side_by_side
from engine.mind.thought import Thought

Composed = tuple[tuple[int, ...], Composition]  # of which memories, and what


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What the next picture of a film is asked for."""

    thought: Thought
    dream: Dream
    compose: Callable[[float], Composed]  # for a second of the clock: a composition of the thought's company
    first: tuple[NDArray[np.uint8], Tensor]  # the picture that the wall has, where no film has begun, and its latent
    time: float  # seconds of the mind's clock
    at: float = 0.0  # monotonic s at which its words came, for the latency contract; 0: it answers nobody
    said: str = ""  # the words with those that turn them
    two: tuple[Rival, ...] = ()  # who make it against each other


class Strand:
    """One continuation. The stream's thread."""

    def __init__(self, reel: Reel, by: Rival):
        self.reel = reel  # where the next chunk begins
        self.by = by  # who makes it
        self.chunk: Chunk | None = None  # that is shown
        self.to: Composed | None = None  # a picture that it is on its way to, and whose that is,
        self.left = 0  # in so many chunks
        self.carried = 0  # chunks since it has arrived somewhere

    def twin(self) -> Strand:
        """Another one that goes on from the same picture."""
        twin = Strand(self.reel, self.by)
        twin.chunk, twin.to, twin.left, twin.carried = self.chunk, self.to, self.left, self.carried
        return twin

    @property
    def key(self) -> Composed | None:
        """Whose the newest key is, and that key: (c, h, w), whole and never warped. Any thread."""
        if (chunk := self.chunk) is None or not chunk.end.ids:
            return None
        end = chunk.end
        return end.ids, Composition(end.latent, end.places, end.places.mean((1, 2)))


def both(left: Composed, right: Composed) -> Composed:
    """Whose a wall is that shows two whole pictures side by side; no memory has more of it than of one of them."""
    ids = tuple(dict.fromkeys((*left[0], *right[0])))

    def everybody(one: Composed) -> Tensor:
        places = torch.zeros(len(ids), *one[1].places.shape[1:])
        places[[ids.index(fragment) for fragment in one[0]]] = one[1].places
        return places

    places = side_by_side(everybody(left), everybody(right), 1.0)
    return ids, Composition(side_by_side(left[1].latent, right[1].latent, 1.0), places, places.mean((1, 2)))
