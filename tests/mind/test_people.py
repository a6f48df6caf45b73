"""People are not drowned by the twelve thousand that a mind is born with: beside the same people and 240 founders."""

from __future__ import annotations

import itertools
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pytest
import torch

from engine.core.messages import Dream, Text
from engine.mind.memory.archive import Birth
from engine.mind.memory.founding import FILE, load
from engine.mind.mind import Mind
from engine.mind.model import embedded
from engine.mind.options import MindOptions
from engine.mind.parts import Parts
from engine.painter.said import Heads
from tests.mind.memory.lens import Lens
from tests.mind.memory.test_older import SENTENCES

PLACES = 8
WISHES = ("my grandmother's kitchen", "the sea at night", "a boat on the river", "my brother sang in the kitchen", "fire", "a child on the island",
          "the old station", "la maison de mon enfance", "a key in the sand", "birds over the city", "a red room", "somebody is waiting")  # fmt: skip


class Still(Lens):
    """A lens through which what was composed is what is dreamt."""

    def condition(self, words: str) -> torch.Tensor:
        return torch.from_numpy(self.vector(words))[None]

    def imagine(self, condition: torch.Tensor, noise: torch.Tensor, start: torch.Tensor | None = None, strength: float = 1.0) -> Any:
        return torch.zeros(self.latent) if start is None else start.clone()


def visited(folder: Path, visits: int, founders: int) -> Mind:
    """A mind of so many founders that so many people have written to, each with a picture of their own."""
    lens = Still(PLACES)
    parts = Parts(lens, embedded.reader(), "still", table=load(embedded.FOLDER / FILE), heads=Heads.load(embedded.FOLDER / "heads"))
    mind = Mind(MindOptions(archive=folder, size=lens.size, founding=founders, keyframe=1e9), parts=parts)
    chance = np.random.default_rng(7)
    for number, words in zip(range(visits), itertools.cycle(f"{a}, {b}" for a, b in itertools.product(SENTENCES, ("I saw it", "long ago", "and then snow fell", "je m'en souviens"))), strict=False):
        fragment, *_ = mind.keeper.archive.hear(Text(words, key=f"k{number}", visit=f"v{number}"))
        recipe = mind.parts.table.recipes[int(chance.integers(len(mind.parts.table.recipes)))]
        rgb = mind.parts.paint(recipe, lens.size)
        birth = Birth("visitor", "", mind.parts.means(words), mind.parts.seen(lens.encode(rgb), rgb))
        assert mind.keeper.archive.develop(fragment, birth, "still")
    mind.close()
    return Mind(MindOptions(archive=folder, size=lens.size, founding=founders, keyframe=1e9), parts=parts)


def asked(mind: Mind) -> dict[str, float]:
    """Over the wishes: visitors' part of a picture, J, and how many words of an answer are borrowed from visitors."""
    found: dict[str, list[float]] = {"share": [], "gap": [], "borrowed": []}
    for number, words in enumerate(WISHES):
        noise = torch.randn(mind.parts.dreamer.latent, generator=torch.Generator().manual_seed(number))
        mind.gathering.arrive(words, None)
        thought = mind.think(words, 0, (), Dream(words), noise)
        found["share"].append(sum(share for one, share in thought.parentage().items() if mind.keeper.kind(one) == "visitor"))
        found["gap"].append(thought.gap)
        tokens = mind.speech.give_back(words, thought)
        lent = [token.ancestor for token in tokens if token.ancestor]
        found["borrowed"].append(sum(mind.keeper.kind(one) == "visitor" for one in lent) / max(1, len(tokens)))
    mind.close()
    return {name: mean(values) for name, values in found.items()}


@pytest.mark.parametrize("visits", [10, pytest.param(200, marks=pytest.mark.long), pytest.param(2000, marks=pytest.mark.long)])
def test_twelve_thousand_founders_take_no_more_from_people_than_two_hundred_and_forty_do(visits: int, tmp_path: Path) -> None:
    few, many = (asked(visited(tmp_path / str(founders), visits, founders)) for founders in (240, 12288))
    print(f"{visits} visits: 240 founders {few}, 12,288 founders {many}")
    assert many["share"] >= 0.9 * few["share"] and many["share"] > 0.2, "twelve thousand nearest are nearer than two hundred and forty"
    assert many["borrowed"] >= 0.9 * few["borrowed"] and many["borrowed"] > 0.1
    assert many["gap"] >= 0.9 * few["gap"]
