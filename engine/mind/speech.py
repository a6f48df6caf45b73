"""Speech: what the mind says. To a visitor their sentence with others' words, to everybody a caption, to itself a sentence.

Every word is somebody's: it stands in the words of a fragment that the thought recalled, and is named with it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from engine.core.judge import Judge, judge
from engine.core.messages import Ancestor, Token
from engine.mind.keeper import Keeper
from engine.mind.memory.archive import Fragment
from engine.mind.memory.words import LONGEST, grow, language, runs, said, spoken, surface
from engine.mind.thought import Share, Thought

LENDERS = 24  # memories that may lend words to one sentence


class Speech:
    """Words out of thoughts. One thread (the thought's), except `few_words`."""

    def __init__(self, keeper: Keeper, judges: Judge | None = None):
        self.keeper = keeper
        self.judge = judges or judge()
        self._asked = 0
        self.own: tuple[Token, ...] = ()  # the machine's own sentence, when it is alone
        self._own_until = -1.0

    def give_back(self, words: str, thought: Thought, tongue: str = "") -> tuple[Token, ...]:
        """Somebody's sentence with others' words grown into it: those of the gap first, then those that it recalled.

        `tongue` is the language of their page, for sentences that do not tell theirs.
        """
        own = [Token(word) for word in spoken(words)]
        most = max(LONGEST, min(12, round(len(own) * (0.4 + thought.gap))))
        lenders = [(f, w) for f, w in self.lenders(thought) if f.id != thought.speaker]
        return grow(own, lenders, most, self.keeper.crowd, self.keeper.archive.today, self.judge.fit, tongue)

    def lenders(self, thought: Thought) -> list[tuple[Fragment, float]]:
        """Who has words to lend in this thought, and how much weight."""
        weights = 2.0 * thought.more + thought.r.weights
        return self._weighted(thought.ids, weights)

    def caption(self, thought: Thought, most: int = 6) -> tuple[Token, ...]:
        """What may be shown of what the picture remembers: borrowed runs of those whom it recalls."""
        return self._surface(self._weighted(thought.ids, thought.q.weights), most)

    def _surface(self, lenders: list[tuple[Fragment, float]], most: int, besides: Iterable[str] = ()) -> tuple[Token, ...]:
        apart = self.keeper.apart
        return surface([(f, w) for f, w in lenders if f.id not in apart], most, self.keeper.crowd, besides, self.judge.fit)

    def _weighted(self, ids: tuple[int, ...], weights: NDArray[np.float64]) -> list[tuple[Fragment, float]]:
        order = np.argsort(-weights, kind="stable")[:LENDERS]
        found = [(self.keeper.memory.row.get(ids[k]), float(weights[k])) for k in order
                 if weights[k] > 1e-9 and ids[k] not in self.keeper.apart]  # fmt: skip
        return [(self.keeper.memory.fragments[row], weight) for row, weight in found if row is not None]

    def lent(self, tokens: tuple[Token, ...]) -> tuple[Share, ...]:
        """Who lent these words, and what part of them."""
        found: dict[int, float] = {}
        for token in tokens:
            if token.ancestor:
                found[token.ancestor] = found.get(token.ancestor, 0.0) + 1.0
        total = sum(found.values())
        return tuple((fragment, count / total) for fragment, count in found.items())

    def alone(self, time: float, thought: Thought | None, number: int) -> tuple[Token, ...]:
        """The machine's sentence to itself, another every `idle` seconds: words of what its last picture remembered.

        `time` in scene seconds; `number` picks the first sentence, where nothing was thought yet.
        """
        if time >= self._own_until or not self.own:
            self._own_until = time + self.keeper.options.idle
            self.own = self.somebody(number) if thought is None else self.musing(thought, self.own)
        return self.own

    def unsay(self) -> None:
        """Say something else next: words of the last sentence may have been taken back. Any thread."""
        self.own, self._own_until = (), -1.0

    def somebody(self, number: int) -> tuple[Token, ...]:
        """A first sentence, where nothing was thought yet: words of memories that the archive's own state picks."""
        rows = len(self.keeper.memory)
        start = (self.keeper.options.seed * 7919 + number * 104729) % max(1, rows)
        picked = self.keeper.memory.fragments[start : start + 8]
        return self._surface([(fragment, 1.0) for fragment in picked if fragment.words], 6)

    def musing(self, thought: Thought, before: tuple[Token, ...]) -> tuple[Token, ...]:
        """What the machine says to itself next: the newest run of its last sentence, and words out of the gap."""
        lenders = self._weighted(thought.ids, thought.more if thought.more.any() else thought.q.weights)
        newest = before[-1].ancestor if before else 0
        kept = tuple(token for token in before if token.ancestor == newest)
        used = {token.ancestor for token in before}
        fresh = [(fragment, weight) for fragment, weight in lenders if fragment.id not in used]
        grown = self._surface(fresh, 5, {token.text.casefold() for token in before})
        if not grown:  # the gap has nothing new to say: some other memory has
            self._asked += 1
            return self.somebody(len(self.keeper.memory) + self._asked)
        return (*kept, *grown)

    def readback(self, thought: Thought, count: int = 5) -> tuple[str, ...]:
        """Words for what was made: the weightiest words of those whom the picture recalls; never two in a row of one."""
        found: list[str] = []
        common = self.keeper.crowd.common
        for fragment, _ in self._weighted(thought.ids, thought.q.weights):
            ours = fragment.kind == "founding"
            fresh = [run[-1].casefold() for run in runs(fragment.words) if ours or common(run[-1], language(fragment.words))]
            fresh = [word for word in fresh if word not in found]
            found += fresh[-1:]
        return tuple(found[:count])

    def few_words(self, ancestors: tuple[Ancestor, ...]) -> tuple[str, ...]:
        """A run of each ancestor's words, as far as row 9 lets it through."""
        found = {a.id: one for a in ancestors if (one := self.keeper.told(a.id)) is not None}
        told = (said(self._surface([(found[a.id], 1.0)], 3)) for a in ancestors if a.id in found)
        return tuple(words for words in told if words)
