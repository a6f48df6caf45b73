"""Row 2: the first picture never reaches the wall; what does is of the second degree."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.messages import Dream
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails

WORDS = ("a red moon at night", "a river", "my house", "")


def check(folder: Path) -> None:
    rng = np.random.default_rng(2)
    mind = Mind(options(folder, founding=48, think_every=1), parts=parts())
    apart = []
    for number in range(24):
        study = number % 4 == 3
        dream = Dream(WORDS[number % 3 if study else number % 4], beta=float(rng.uniform(0.5, 1)), rho=float(rng.random() * 0.5),
                      strength=float(rng.uniform(0.3, 0.8)), feedback=0.0, degree=1 if study else 2)  # fmt: skip
        state = mind.picture(dream, number * 5.0).state
        assert (state.degree == 1) if study else (state.degree >= 2), f"a picture of degree {state.degree}, study: {study}"
        thought = mind.thought
        assert thought is not None
        dreamer, still = mind.parts.dreamer, torch.zeros(mind.parts.dreamer.latent)
        first = dreamer.imagine(mind.parts.condition(thought.words), still, thought.first.latent, dream.strength)
        second = dreamer.imagine(thought.condition, still, thought.start, dream.strength)
        far = float(np.abs(dreamer.decode(second).astype(float) - dreamer.decode(first)).mean())
        assert far > 1.0, f"the second picture is the first again: {far:.2f} of 255 away"
        apart.append(far)
    print(f"  measured: the second picture is {min(apart):.1f} to {max(apart):.1f} of 255 from the first")


def test_only_pictures_of_the_second_degree_reach_the_wall(tmp_path: Path) -> None:
    check(tmp_path)


def constant(monkeypatch: pytest.MonkeyPatch) -> None:
    think = Mind.think
    monkeypatch.setattr(Mind, "think", lambda self, *a: replace(think(self, *a), degree=1))


def chance(monkeypatch: pytest.MonkeyPatch) -> None:
    think, rng = Mind.think, np.random.default_rng(0)
    monkeypatch.setattr(Mind, "think", lambda self, *a: replace(think(self, *a), degree=int(rng.integers(0, 4))))


def left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second dream is the first again: words are not turned, and nobody joins whom the gap is made of."""
    monkeypatch.setattr(Mind, "_turn", lambda self, u, condition, *_: (u, condition))
    monkeypatch.setattr("engine.mind.gap.LEADING", 0)


@pytest.mark.parametrize("sabotage", [constant, chance, left_out], ids=lambda s: s.__name__)
def test_a_sabotaged_degree_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
