"""Gathering: who is there for a picture, out of those who are painted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from engine.mind.company import MEMBERS, Company, gathered
from engine.mind.gap import heaviest
from engine.mind.keeper import Keeper
from engine.mind.light import Placing
from engine.mind.memory.recall import Recall
from engine.mind.memory.space import Vector
from engine.mind.recipes import FIRST
from engine.mind.thought import Thought
from engine.painter.recipe import CROWD, OWN

NEAR = 0.04  # how strongly recipes of near kinds are there, where those of the words' kind are there at 1: a tint, no second picture
GIVEN = 0.5  # part of a company that people and the machine's own dreams have at most
FEW = 4  # that are painted between two thoughts of the same words
STAYS = 0.2  # how strongly those stay who were there before, until the crowd for other words is painted


class Gathering:
    """Brings companies together. Any thread; draws no chance of its own."""

    def __init__(self, keeper: Keeper):
        self.keeper = keeper
        self.place = Placing()

    def forget(self) -> None:
        """Know no crowd any more: pictures of it may have been taken back."""
        self.place = Placing()

    def company(
        self, words: str, direction: Vector, recalled: Recall, gamma: float, before: tuple[int, ...] | None,
        gap: Recall | None = None, turn: float = 0.0,
    ) -> Company:  # fmt: skip
        """The crowd for the words, whoever else is recalled, and by the turn (0..1), whom the gap is made of.

        Only what is painted is composed from. Until a crowd is, whoever was there `before` stays, faintly; before the
        first picture of all (None) a few are painted here.
        """
        models, wanted = self._crowd(words, direction, recalled, gamma)
        total = sum(wanted.values()) or 1.0
        given, part = self._given(recalled)
        for one, weight in given.items():
            wanted[one] = wanted.get(one, 0.0) + total * part / (1 - part) * weight
        if gap is not None and turn > 0:
            for one, weight in self._heaviest(gap).items():
                wanted[one] = wanted.get(one, 0.0) + total / (1 - part) * turn * weight
        return self._painted(wanted, models, before)

    def wanted(self, words: str, direction: Vector, count: int) -> tuple[int, ...]:
        """Recipes that a picture of these words would like to be painted, the most wanted first."""
        recalled = self.keeper.memory.for_a_picture(direction, count, 0.05, 0.0)
        return self.company(words, direction, recalled, 0.0, ()).wanting

    def hurries(self, thought: Thought | None) -> bool:
        """Whether the crowd for a thought's words is too small yet to make a picture of."""
        return thought is not None and len(thought.company.wanting) > CROWD - FIRST

    def arrived(self, thought: Thought | None) -> bool:
        """Whether a thought anew would see more: a few of those whom this one wanted are painted by now, or all of them."""
        recipes = self.keeper.recipes
        wanting = [one for one in thought.company.wanting if one not in recipes.spoilt] if thought is not None else []
        here = sum(recipes.painted(one) is not None for one in wanting)
        return here >= min(FEW, len(wanting)) > 0

    def paint(self, thought: Thought | None) -> bool:
        """Paint one recipe that a thought wants; whether there was one. 60 ms and more."""
        recipes = self.keeper.recipes
        wanting = thought.company.wanting if thought is not None else ()
        return any(recipes.painted(one) is None and recipes.paint(one) is not None for one in wanting)

    def arrive(self, words: str, before: Thought | None, waits: Callable[[], bool] = lambda: False) -> bool:
        """Where thoughts and pictures take turns, crowds arrive by the count of thoughts: FIRST at once, then two by two.

        False: `waits` said that somebody else is waiting now.
        """
        fresh = before is None or words != before.words
        parts = self.keeper.parts
        waiting = self.wanted(words, parts.means(words), self.keeper.options.recalled) if before is None or fresh else before.company.wanting
        for one in waiting[: FIRST if fresh else 2]:
            if waits():
                return False
            self.keeper.recipes.paint(one)
        return True

    def _crowd(self, words: str, direction: Vector, recalled: Recall, gamma: float) -> tuple[set[int], dict[int, float]]:
        """Those of the words' kind, and how strongly everybody of the crowd is there. Without heads: the recipes recalled."""
        memory, recipes = self.keeper.memory, self.keeper.recipes
        rows = [int(row) for row in recalled.rows[np.argsort(-recalled.weights, kind="stable")] if row < memory.founders]
        kinds = [kind for row in rows if (kind := recipes.kind(row))]
        crowd = () if "founding" in memory.unplugged else recipes.crowd(words, direction, kinds)
        own = OWN if crowd else CROWD
        crowd = crowd or tuple(memory.fragments[row].id for row in rows)[:CROWD]
        tired = memory.penalty(crowd, gamma)
        there = {one: (1.0 if k < own else NEAR) * part for k, (one, part) in enumerate(zip(crowd, tired, strict=True))}
        return set(crowd[:own]), there

    def _given(self, recalled: Recall) -> tuple[dict[int, float], float]:
        """What people gave and the machine dreamt, by share (sum 1), and the part of the company that is theirs."""
        found = [(self.keeper.memory.fragments[row], float(weight)) for row, weight in zip(recalled.rows, recalled.weights, strict=True)]
        given = {fragment.id: weight for fragment, weight in found if fragment.kind != "founding"}
        whole = sum(given.values())
        return {one: weight / max(1e-9, whole) for one, weight in given.items()}, min(GIVEN, whole)

    def _heaviest(self, gap: Recall) -> dict[int, float]:
        """The memories that a gap is made of most, by share."""
        best = heaviest(gap.weights)
        ids, weights = self.keeper.memory.ids(Recall(gap.rows[best], gap.weights[best])), gap.weights[best]
        return {one: float(weight) / max(1e-9, float(weights.sum())) for one, weight in zip(ids, weights, strict=True)}

    def _painted(self, wanted: Mapping[int, float], models: set[int], before: tuple[int, ...] | None) -> Company:
        """The company of those who are painted: first the models in their order, then the heaviest others."""
        found = {one: latents for one in wanted if (latents := self.keeper.latents(one)) is not None}
        if before is None:  # the first picture of all waits for a few
            for one in [one for one in wanted if one not in found][: FIRST - len(found)]:
                if (painted := self.keeper.recipes.paint(one)) is not None:
                    found[one] = painted.latents
        wanting = [one for one in wanted if one not in found and one not in self.keeper.recipes.spoilt]
        ranked = sorted(found, key=lambda one: (one not in models, -wanted[one] if one not in models else 0.0))[:MEMBERS]
        prior = {one: wanted[one] for one in ranked}
        for one in before or ():
            latents = None if one in prior or self.keeper.kind(one) in self.keeper.memory.unplugged else self.keeper.latents(one)
            if latents is not None and len(ranked) < FIRST:
                ranked.append(one)
                found[one], prior[one] = latents, STAYS * max(wanted.values())
        if not ranked:  # all were taken back between recall and now
            one, blank = next(iter(wanted)), torch.zeros(self.keeper.parts.dreamer.latent)
            ranked, prior, found = [one], {one: 1.0}, {one: (blank, blank)}
        count = sum(one in models for one in ranked)
        upright, mirrored = ([found[one][side] for one in ranked] for side in (0, 1))
        return gathered(ranked, upright, mirrored, [prior[one] for one in ranked], count, wanting, self.place)
