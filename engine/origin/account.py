"""What a file is made of, added up while it is made: numbers and hashes, never a word that anybody gave."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

from engine.core.messages import KINDS, State

MOST = 65_536  # ancestors that are told apart; with more the count says "at least"
NAMED = 16  # seeds and structures that a file names: one show has one or two


@dataclass(frozen=True, slots=True)
class Making:
    """How a file was made. Only what is known: a file of earlier days has no pictures here."""

    engine: str = ""  # version of hypermnesia
    model: str = ""  # by its name
    structures: tuple[str, ...] = ()  # hashes of model, code and options (`engine.mind.structure`)
    seeds: tuple[str, ...] = ()  # of the walks through noise, in decimals
    pictures: int = 0  # of the mind that went into it
    kinds: Mapping[str, float] = field(default_factory=dict)  # share of each kind of ancestor, mean over the pictures
    unnamed: float = 0.0  # share of ancestors too small to be told apart; with `kinds` it sums to 1
    depth: int = 0  # longest line of descent
    ancestors: int = 0  # distinct ones, at least

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self) | {"kinds": dict(self.kinds)}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Making:
        return cls(**{**plain, "structures": tuple(plain["structures"]), "seeds": tuple(plain["seeds"])})


class Account:
    """Adds up the states of the pictures that go into one file. Any thread; under a microsecond for a picture seen before."""

    def __init__(self, model: str = ""):
        self.model = model
        self._lock = threading.Lock()
        self._last = -1
        self._pictures = self._depth = self._most = 0
        self._kinds = dict.fromkeys(KINDS, 0.0)
        self._ids: set[int] = set()
        self._structures: dict[str, None] = {}
        self._seeds: dict[str, None] = {}

    def see(self, state: State) -> None:
        """A picture that is shown just now."""
        if state.picture == self._last or not state.picture:
            return
        self._last = state.picture
        with self._lock:
            self._pictures += 1
            for ancestor in state.lineage.ancestors:
                self._kinds[ancestor.kind] += ancestor.share
                if len(self._ids) < MOST:
                    self._ids.add(ancestor.id)
            self._depth, self._most = max(self._depth, state.lineage.depth), max(self._most, state.lineage.count)
            for kept, found in ((self._structures, state.structure), (self._seeds, str(state.seed))):
                if found and len(kept) < NAMED:
                    kept[found] = None

    def making(self) -> Making:
        """What has been added up so far."""
        with self._lock:
            n = max(1, self._pictures)
            kinds: dict[str, float] = {kind: round(share / n, 4) for kind, share in self._kinds.items() if share > 0}
            return Making(
                version("hypermnesia"), self.model, tuple(self._structures), tuple(self._seeds), self._pictures, kinds,
                round(max(0.0, 1.0 - sum(kinds.values())), 4) if self._pictures else 0.0, self._depth, max(self._most, len(self._ids)),
            )  # fmt: skip
