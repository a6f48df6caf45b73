"""The reading's quantities that live in the mind: each row is a file beside this one, here they are asked together."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.autonomy import ALONE
from engine.core.messages import Dream, Lineage
from engine.mind.keeper import Keeper
from engine.mind.memory.prior import Apriori
from engine.mind.memory.recall import Recall
from engine.mind.memory.space import Vector
from engine.mind.model.device import Cuda
from engine.mind.rows.aura import Aura
from engine.mind.rows.characteristics import Characteristics
from engine.mind.rows.gini import Gini
from engine.mind.rows.ledger import Ledger, meters
from engine.mind.rows.producers import Producers
from engine.mind.rows.retro import Retro
from engine.mind.rows.standard import Standard, seen_last
from engine.mind.thought import Thought


class Rows:
    """What is measured beside a thought, and what it does to the next. The thought's thread, where nothing else is said."""

    def __init__(self, keeper: Keeper):
        self.standard = Standard(keeper.memory, seen_last(keeper.memory), keeper.options.idle)
        self.aura = Aura(keeper.past)
        self.gini = Gini(keeper.archive.fame())
        self.apriori = Apriori(keeper.archive)
        self.producers = Producers(keeper.archive, keeper.options.seed)
        self.memory = keeper.memory
        self.ledger = Ledger(keeper.archive, meters(isinstance(getattr(keeper.parts.dreamer, "device", None), Cuda)))
        self.keeper, self.corpus, self.characteristics = keeper, keeper.options.corpus, Characteristics(keeper)
        self.retro = Retro(keeper.memory, keeper.archive.last)

    def take(self, thought: Thought, shares: dict[int, float], lineage: Lineage, read: Vector, autonomy: float, time: float) -> dict[str, Any]:
        """Fields of the State after a thought: `shares` of its parents, its lineage, what is read in its picture (d,), whether
        people are there (0) or nobody (1), seconds of the mind's clock."""
        self.producers.take(time, autonomy)
        standard = self.standard.look(read, thought.words, thought.speaker, time)
        return {
            "standard": standard, "corpus": self.corpus, "proposal": self.keeper.proposal,
            "characteristics": self.characteristics.take(self.standard.last, self.standard.looks, autonomy >= ALONE), "gini": self.gini.take(shares),
            "retro": self.retro.take(lineage.ancestors, time), "producers": self.producers.now,
            "ledger": self.ledger.take(self.keeper.mass),
        }  # fmt: skip

    def pulls(self, dream: Dream, speaker: int) -> list[tuple[Recall, float]]:
        """Memories that turn the words besides the gap, each with how far, 0..1: those least like the last pictures, where
        these have come to be alike, and what the producer at work has a taste for."""
        found = []
        if (countered := self.countered(dream, speaker)) > 0.0:
            found.append((self.standard.far(), countered))
        if dream.producers > 0.0 and len(self.memory):
            row, part = self.producers.taste(dream, len(self.memory))
            found.append((Recall(np.array([row]), np.ones(1)), part if self.memory.words.alive[row] else 0.0))
        return [(recall, part) for recall, part in found if part > 0.0 and len(recall.rows)]

    def countered(self, dream: Dream, speaker: int) -> float:
        """How hard the collapse is countered just now, 0..1. Words that somebody gave are never turned by it."""
        return 0.0 if speaker else self.standard.pressure(dream.counter)
