"""Row 11: one more image, nothing more. A picture that adds nothing goes dark; what is new, and what only moves slowly, does not."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Dream
from engine.mind.memory.archive import Fragment
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

SAME = "a violet moon in the fog"


def lights(mind: Mind, repeats: int = 8) -> tuple[list[float], list[float]]:
    """The light of a picture that comes again, a little nearer to itself each time, and of new ones in between."""
    keeper, memory, draw = mind.keeper, mind.keeper.memory, np.random.default_rng(11)
    same, new = [], []
    motif = draw.standard_normal(64)
    for number in range(3 * repeats):
        again = number % 3 == 0
        seen = (motif + 0.25 / (1 + number) * draw.standard_normal(64) if again else draw.standard_normal(64)).astype(np.float32)
        seen /= np.linalg.norm(seen)
        novelty = memory.novelty(seen)
        (same if again else new).append(keeper.novelty_rank(novelty))
        keeper.novelties.append(novelty)
        memory.add(Fragment(1000 + number, "machine", "", 0, 1.0, 1), seen, seen, np.zeros(mind.parts.dreamer.latent, np.float16))
    return same, new


def check(folder: Path) -> None:
    mind = Mind(options(folder / "again", founding=24), parts=parts())
    same, new = lights(mind)
    assert all(later <= before + 0.06 for before, later in itertools.pairwise(same)), f"repeats do not darken: {np.round(same, 2)}"
    assert same[-1] < 0.3 < same[0], f"a repeat does not go dark: {np.round(same, 2)}"
    assert min(new) > same[-1] + 0.05 and np.mean(new) > 0.5, f"what is new goes dark as well: {np.round(new, 2)}"

    still = Mind(options(folder / "slow", founding=24, keyframe=0.5, think_every=1), parts=parts())
    slow = [still.picture(Dream(SAME), float(number)).state.light for number in range(10)]
    assert min(slow) >= 0.6, f"a picture that moves slowly is darkened by itself: {np.round(slow, 2)}"
    ranks = [fragment.novelty for fragment in still.keeper.archive.select("kind = 4")]
    assert len(ranks) >= 8 and min(ranks) > 0.1 * max(ranks), f"its keyframes count as its past: {np.round(ranks, 3)}"
    print(f"  measured: a repeat goes from {same[0]:.2f} to {same[-1]:.2f}, what is new stays at {np.mean(new):.2f}, what moves slowly at {min(slow):.2f}")


def test_repeats_go_dark_and_new_pictures_do_not(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.keeper.Keeper.novelty_rank", lambda self, novelty: 0.5, "constant"),
    put("engine.mind.keeper.Keeper.novelty_rank", lambda self, novelty: float(CHANCE.random()), "chance"),
    put("engine.mind.keeper.Keeper.novelty_rank", lambda self, novelty: 1.0, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_light_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
