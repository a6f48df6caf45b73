"""Row 22: famous memories tire. On the same log of sentences, fewer memories have more of the pictures where nothing tires."""

from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Dream
from engine.mind.memory.recall import Memory
from engine.mind.mind import Mind
from engine.mind.rows.gini import THOUGHTS, Gini, gini
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

LOG = ("a red moon", "a red river", "the moon at night", "a red moon at night", "a golden moon", "a red tower", "the red moon in the fog")


def played(folder: Path, gamma: float) -> list[float]:
    """The Gini coefficient after each sentence of the log, thrice."""
    mind = Mind(options(folder, founding=96, keyframe=0.5, think_every=1), parts=parts())
    found = [mind.picture(Dream(words, gamma=gamma), float(number)).state.gini for number, words in enumerate(LOG * 3)]
    mind.close()
    return found


def check(folder: Path) -> None:
    famous, tired = played(folder / "famous", 0.0), played(folder / "tired", 2.0)
    assert min(famous + tired) > 0.0 and max(famous + tired) < 1.0, f"no coefficient: {famous} {tired}"
    assert famous[-1] > tired[-1] + 0.03, f"gamma changes nothing: {famous[-1]:.2f} without it, {tired[-1]:.2f} with it"
    assert famous[0] != famous[-1], "it does not move"
    one, all_alike = Gini(range(10)), Gini(range(10))
    assert one.take({3: 1.0}) == pytest.approx(0.9) and all_alike.take(dict.fromkeys(range(10), 0.1)) == pytest.approx(0.0), "not Gini's"
    print(f"  measured: {famous[-1]:.3f} at gamma 0, {tired[-1]:.3f} at gamma 2")


def test_famous_memories_tire(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


def left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody tires, neither in the crowd nor in recall."""
    penalty, penalised = Memory.penalty, Memory.penalised
    monkeypatch.setattr(Memory, "penalty", lambda self, fragments, gamma: penalty(self, fragments, 0.0))
    monkeypatch.setattr(Memory, "penalised", lambda self, recall, gamma: penalised(self, recall, 0.0))


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.rows.gini.gini", lambda amounts: 0.5, "constant"),
    put("engine.mind.rows.gini.gini", lambda amounts: float(CHANCE.random()), "chance"),
    left_out,
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_gini_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_what_is_long_ago_is_forgotten() -> None:
    found = Gini()
    for number in range(400):
        last = found.take({number % 4: 1.0})
    assert last == pytest.approx(0.0, abs=1e-6) and len(found._last) == 256
    assert gini(np.zeros(3)) == 0.0 and gini(np.array([])) == 0.0


def test_a_share_as_small_as_rounding_is_no_end_to_a_thought() -> None:
    """A memory whose larger share had left was forgotten while a share of 1e-10 was still to leave: KeyError after some hours."""
    row = Gini()
    row.take({1: 0.5, 2: 0.5})
    row.take({1: 1e-10, 2: 1.0})
    for _ in range(THOUGHTS + 2):
        value = row.take({2: 1.0})
    assert value == 0.5, "of two that were ever recalled one has had all of it"
