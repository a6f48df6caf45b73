"""What is measured of a thought: whose its picture is and where in it they lie, how new it is, what may be said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.core.messages import Ancestor, Dream, State, Token, Told, Touch
from engine.mind.gap import angle
from engine.mind.keeper import Keeper
from engine.mind.kin import Kin
from engine.mind.memory.lineage import authors, by_kind
from engine.mind.memory.space import Vector
from engine.mind.memory.words import said
from engine.mind.rows.rows import Rows
from engine.mind.speech import Speech
from engine.mind.thought import Thought


class Measuring:
    """The newest figures. `take` for the thought's thread; any thread reads `now` and asks `touch`."""

    def __init__(self, keeper: Keeper, speech: Speech, rows: Rows):
        self.keeper, self.speech, self.rows, self.kin = keeper, speech, rows, Kin(keeper)
        self.now: tuple[State, NDArray[np.float16]] = (State(), np.zeros((0, 1, 1), np.float16))  # with the shares (n, rows, cols): always both at once
        self.caption: tuple[Token, ...] = ()  # what may be said of the picture, and whose each word is

    def take(self, thought: Thought, dream: Dream, shown: Tensor, known: int, time: float) -> None:
        """Measure a thought of which the stream shows `shown` (c, h, w); `known` memories were there before its words came.
        `time` in seconds of the mind's clock."""
        self.now = self.measure(thought, dream, shown, known, time)

    def measure(self, thought: Thought, dream: Dream, shown: Tensor, known: int, time: float) -> tuple[State, NDArray[np.float16]]:
        """The state and the shares by place (n, rows, cols)."""
        lineage, places = self.kin.lineage(thought)
        shares = thought.parentage()
        kinds = by_kind(shares.values(), (self.keeper.kind(one) for one in shares))
        spoken = shares.get(thought.speaker, 0.0) if thought.speaker else 0.0
        memory, dreamer = self.keeper.memory, self.keeper.parts.dreamer
        read = self.keeper.parts.read(shown)
        self.caption = self.speech.caption(thought)
        state = State(
            words=thought.words, structure=f"{dreamer.structure} {self.keeper.structure}", degree=thought.degree,
            gap=thought.gap, beta=thought.beta, neff=thought.again.neff, largest=thought.again.largest,
            displacement=self.apart(thought, read),
            light=self.keeper.novelty_rank(memory.novelty(read, known)),
            autonomy=dream.autonomy, mass=self.keeper.mass, fragments=len(memory), kinds=kinds,
            authors=authors(spoken, kinds[-1]), lineage=lineage, readback=self.speech.readback(thought),
            caption=said(self.caption), **self.rows.take(thought, shares, lineage, read, dream.autonomy, time),
        )  # fmt: skip
        return state, places

    def displacement(self, thought: Thought, latent: Tensor) -> float:
        """D: angle between the words and what is read back, over pi; each from the centre of its own space."""
        return self.apart(thought, self.keeper.parts.read(latent))

    def apart(self, thought: Thought, read: Vector) -> float:
        """The same of what was read in a picture already (d,)."""
        memory = self.keeper.memory
        return angle(memory.words.centred(thought.meaning), memory.images.centred(read))

    def touch(self, touch: Touch) -> Told:
        """Whose is this place? Those who have most of it, and a few of their words."""
        state, shares = self.now
        if not len(shares):
            return Told(touch.visit, ())
        _, rows, columns = shares.shape
        row, column = (min(n - 1, max(0, int(at * n))) for at, n in ((touch.y, rows), (touch.x, columns)))
        here = [(float(share), ancestor) for share, ancestor in zip(shares[:, row, column], state.lineage.ancestors, strict=True)]
        here.sort(key=lambda pair: -pair[0])
        told: tuple[Ancestor, ...] = tuple(replace(ancestor, share=share) for share, ancestor in here[:8] if share > 0.005)
        return Told(touch.visit, told, self.speech.few_words(told))

    def unsay(self) -> None:
        """Show no words of the newest thought any more: some of them were taken back."""
        state, shares = self.now
        self.now, self.caption = (replace(state, words="", caption="", readback=()), shares), ()
