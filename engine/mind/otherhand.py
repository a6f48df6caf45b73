"""The other founding corpus: the same memories for the same words, as another hand would have painted them.

A corpus is what one hand has painted (`engine.painter.hands`), and both are shown the same recipes; so the rival of an archive's
corpus is the same company, its recipes painted by the other. What people gave and the machine has dreamt is nobody's corpus and
stays as it is; so does a recipe that is not known any more. Lineage and limits are the same: who a memory is does not change.
"""

from __future__ import annotations

from torch import Tensor

from engine.mind.blend import Composition
from engine.mind.company import Company, Ensemble, gathered
from engine.mind.keeper import Keeper
from engine.mind.light import Placing
from engine.mind.options import CORPORA
from engine.mind.recipes import FIRST
from engine.mind.thought import Thought


class OtherHand:
    """Whose founding memories are not those of this archive. The stream's thread; `paint`, `ready` and `missing` for any."""

    def __init__(self, keeper: Keeper):
        self.keeper = keeper
        self.name = next(hand for hand in CORPORA if hand != keeper.options.corpus)
        self.ensemble = Ensemble(keeper.parts.dreamer.carries)
        self.forget()

    def forget(self) -> None:
        """Know no company any more: pictures of it may have been taken back."""
        self._place = Placing()
        self._known: tuple[Company, int, Company] | None = None  # a thought's, of how many, and as it is here

    def paint(self, thought: Thought | None, many: int = 1) -> bool:
        """Paint so many recipes of a thought's company that are not painted yet; whether there was one. 70 ms each."""
        wanting = [one for one in self._recipes(thought) if self.keeper.recipes.painted(one, self.name) is None]
        return any([self.keeper.recipes.paint(one, self.name) is not None for one in wanting[:many]])

    def missing(self, thought: Thought) -> int:
        """How many of a thought's company are not painted yet."""
        return sum(self.keeper.recipes.painted(one, self.name) is None for one in self._recipes(thought))

    def ready(self, thought: Thought) -> bool:
        """Whether enough of a thought's company is painted to make a picture of it."""
        recipes = len(self._recipes(thought))
        return recipes - self.missing(thought) >= min(FIRST, recipes)

    def here(self, thought: Thought) -> bool:
        """Whether there is a picture: of this thought, or still of the one before."""
        return self._known is not None or self.ready(thought)

    def company(self, thought: Thought) -> Company:
        """A thought's company, of those who are painted; the one before, until there are enough."""
        own, known = thought.company, self._known
        if not self.ready(thought):
            return known[2] if known else own
        found = {one: latents for one in own.ids if (latents := self._latents(one)) is not None}
        if not found:  # all were taken back between recall and now
            return own
        if known is None or known[0] is not own or known[1] != len(found):
            ids, prior = [one for one in own.ids if one in found], dict(zip(own.ids, own.prior.tolist(), strict=True))
            upright, mirrored = ([found[one][side] for one in ids] for side in (0, 1))
            models = sum(one in found for one in own.ids[: own.models])
            known = self._known = own, len(found), gathered(ids, upright, mirrored, [prior[one] for one in ids], models, (), self._place)
        return known[2]

    def compose(self, thought: Thought, noise: Tensor, time: float) -> tuple[tuple[int, ...], Composition]:
        """What the stream would be made of at this second of the mind's clock, as `Ensemble` has it: of which memories, and what."""
        composition = self.ensemble.next(self.company(thought), noise, time)
        return self.ensemble.shown[0] if self.ensemble.shown else (), composition

    def again(self, thought: Thought, noise: Tensor) -> tuple[tuple[int, ...], Composition]:
        """What a picture of the thought's words is dreamt of, from standard normal `noise` (c, h, w): of which memories, and what."""
        company = self.company(thought)
        return company.ids, company.compose(noise, self.keeper.parts.dreamer.carries)

    def _recipes(self, thought: Thought | None) -> list[int]:
        """Those of a thought's company that this hand can paint."""
        recipes = self.keeper.recipes
        ids = thought.company.ids if thought is not None else ()
        return [one for one in ids if one < 0 and one not in recipes.spoilt and recipes.recipe(one) is not None]

    def _latents(self, one: int) -> tuple[Tensor, Tensor] | None:
        recipes = self.keeper.recipes
        if one < 0 and one not in recipes.spoilt and recipes.recipe(one) is not None:
            painted = recipes.painted(one, self.name)
            return painted.latents if painted else None
        return self.keeper.latents(one)
