"""Row 7: a distance between the creation and its human input, which a performer stretches."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from engine.core.messages import Dream
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

SENTENCES = ("a red moon at night", "a golden tower in the fog", "a green river at noon", "a blue mountain under a dark sky")
STRETCHES = np.linspace(0, 1, 9)
CHANCE = np.random.default_rng(0)


def displacement(mind: Mind, words: str, rho: float) -> float:
    """D of what the wall shows once the stream has followed the words."""
    mind.thought, mind.stream = None, type(mind.stream)(mind.parts.dreamer, 7)
    for number in range(5):  # two seconds: the stream has followed to 98 %
        state = mind.picture(Dream(words, rho=float(rho), beta=0.3, strength=0.8, feedback=0.0), number / 2).state
    return state.displacement


def check(folder: Path) -> None:
    mind = Mind(options(folder, founding=72, keyframe=1e9, think_every=1), parts=parts())
    found = np.array([[displacement(mind, words, rho) for rho in STRETCHES] for words in SENTENCES])
    assert np.all((found >= 0) & (found <= 1))
    order = spearmanr(STRETCHES, found.mean(0)).statistic
    print(f"  measured: D from {found.mean(0)[0]:.2f} to {found.mean(0)[-1]:.2f}, Spearman {order:.2f}")
    assert order >= 0.9, f"D does not follow rho: Spearman {order:.2f}"
    assert found.mean(0)[-1] - found.mean(0)[0] > 0.2, "a performer can hardly stretch it"


def test_displacement_follows_the_performer(tmp_path: Path) -> None:
    check(tmp_path)


def deaf(self, u, condition, r, more, turn, rho, tau, *rest, act=Mind._turn):  # type: ignore[no-untyped-def]
    return act(self, u, condition, r, more, turn, 0.0, tau)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.measuring.angle", lambda a, b: 0.3, "constant"),
    put("engine.mind.measuring.angle", lambda a, b: float(CHANCE.random()), "chance"),
    put("engine.mind.mind.Mind._turn", deaf, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_displacement_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
