"""Thoughts that several minds of a house share: one mind's gap turns the words of the others, too.

A mind's numbers mean nothing to another. What crosses are names that every memory of the house knows: a sentence by its key, a
founding memory by its number. What a mind remembers of its own accord has no name elsewhere, and is left out.
"""

from __future__ import annotations

import numpy as np

from engine.core.messages import Dream, Gap
from engine.mind.gap import heaviest
from engine.mind.keeper import Keeper
from engine.mind.memory.recall import Recall
from engine.mind.thought import Thought

EVEN = 0.5  # how far another's gap turns the words, where one's own does so at 1: two minds that agree go on as one


class Sharing:
    """What this mind says to the others, and what it has heard of them. Any thread."""

    def __init__(self, keeper: Keeper):
        self.keeper = keeper
        self.theirs: Gap | None = None  # the newest that another mind found
        self._said: Thought | None = None

    def say(self, thought: Thought | None) -> Gap | None:
        """The gap of a thought, once; None for one without, or that nobody else could know."""
        if thought is None or thought is self._said:
            return None
        self._said = thought
        sentences, founding = [], []
        for place in heaviest(thought.more):
            one, share = thought.ids[place], float(thought.more[place])
            if one < 0:
                founding.append((one, share))
            elif key := self.keeper.archive.key(one):
                sentences.append((key, share))
        return Gap(thought.key, thought.words, thought.gap, tuple(sentences), tuple(founding)) if sentences or founding else None

    def take(self, gap: Gap) -> None:
        """Another mind has thought."""
        self.theirs = gap

    def pulls(self, dream: Dream, words: str) -> list[tuple[Recall, float]]:
        """Memories that turn these words besides one's own gap, with how far, 0..1: those of another mind's, about the same sentence.

        What was taken back, or is unplugged here, turns nothing.
        """
        theirs, memory = self.theirs, self.keeper.memory
        if theirs is None or (theirs.key, theirs.words) != (dream.key, words):
            return []
        named = [*((self.keeper.archive.said(key), share) for key, share in theirs.sentences), *theirs.founding]
        here = [(row, share) for one, share in named if (row := memory.row.get(one)) is not None and memory.words.alive[row]]
        part = EVEN * min(1.0, max(0.0, dream.beta * theirs.gap))
        if not here or part <= 0.0:
            return []
        weights = np.array([max(0.0, share) for _, share in here])
        return [(Recall(np.array([row for row, _ in here]), weights / weights.sum()), part)] if weights.sum() > 0.0 else []
