"""Row 20: no frame is purely human or purely machine: an authorship simplex, each in [.02, .98]."""

from pathlib import Path

import numpy as np
import pytest

from engine.core.clock import Now
from engine.core.messages import Dream, State, Text
from engine.mind.memory.lineage import authors
from engine.mind.mind import Mind
from engine.show.scene import SCENES, load
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

RNG = np.random.default_rng(20)


def whole(who: tuple[float, ...]) -> bool:
    return len(who) == 3 and abs(sum(who) - 1.0) < 1e-9 and all(0.02 - 1e-12 <= part <= 0.98 for part in who)


def warmth(who: tuple[float, ...]) -> float:
    """What the wall makes of it in `lineage`."""
    scene = load(SCENES / "lineage.py")
    scene.state = State(authors=who)
    for tick in range(600):
        scene.update(Now(tick, tick / 60, 1 / 60))
    return dict(scene.draw(Now(600, 10.0, 1 / 60)).values)["warmth"]  # type: ignore[return-value]


def check(folder: Path) -> None:
    mind = Mind(options(folder, founding=48, keyframe=1.0, idle=4.0, think_every=1), parts=parts())
    mind.hear(Text("a violet tower at noon", key="k", visit="v"))
    spoken = [mind.picture(Dream("a violet tower at noon", strength=s, key="k"), 2.0 * n).state.authors for n, s in enumerate((0.0, 0.4, 0.9, 1.0))]
    alone = [mind.picture(Dream("", autonomy=1.0, strength=0.3), 20.0 + 2.0 * n).state.authors for n in range(8)]
    assert all(whole(who) for who in (*spoken, *alone)), f"no simplex: {spoken} {alone}"
    human = [who[0] for who in spoken]
    assert human[0] < human[1] < human[2] < human[3], f"the part of the words does not rise with their share: {human}"
    assert max(who[0] for who in alone) < human[1], "a human hand where nobody is"
    assert alone[-1][1] > spoken[0][1] + 0.02, f"its own dreams are parents, and it has no part in it: {alone[-1][1]:.3f}"
    assert warmth(spoken[-1]) > warmth(alone[-1]) + 0.05, "nothing of it is seen"
    print(f"  measured: the human part {human[0]:.2f} to {human[-1]:.2f} by strength, {max(who[0] for who in alone):.2f} at most alone")


def test_no_picture_is_purely_anybodys(tmp_path: Path) -> None:
    check(tmp_path)


def test_the_corners_are_cut_off_for_every_share() -> None:
    for spoken, dreamt in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), *RNG.random((500, 2)).tolist()]:
        assert whole(authors(spoken, dreamt)), (spoken, dreamt)


def bare(spoken: float, dreamt: float) -> tuple[float, float, float]:
    return spoken, dreamt, 1.0 - spoken - dreamt


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.measuring.authors", lambda spoken, dreamt: (0.3, 0.3, 0.4), "constant"),
    put("engine.mind.measuring.authors", lambda spoken, dreamt: tuple(RNG.dirichlet((1, 1, 1)).tolist()), "chance"),
    put("engine.mind.measuring.authors", bare, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_sabotaged_authorship_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
