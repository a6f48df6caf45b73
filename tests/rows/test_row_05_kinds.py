"""Row 5: visitors, performers, founding memories, sensors and the machine's own dreams are all parents."""

from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import KINDS, Dream, Text
from engine.mind.memory.lineage import by_kind, descend
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

CHANCE = np.random.default_rng(0)
VISITORS = KINDS.index("visitor")


def inherited(mind: Mind, kind: str) -> float:
    """What the picture has from origins of this kind, by whatever way."""
    assert mind.thought is not None
    whole = descend([(share, mind.keeper.line(parent)) for parent, share in mind.thought.parentage().items()])
    return sum(float(share) for one, share in zip(whole.ids, whole.shares, strict=True) if mind.keeper.kind(int(one)) == kind)


def check(folder: Path) -> None:
    mind = Mind(options(folder, founding=48, keyframe=0.5, think_every=1), parts=parts())
    given = [("visitor", "a violet moon"), ("performer", "a violet moon at noon"), ("visitor", "a violet moon in the fog"), ("sensor", "a violet moon under rain")]
    for number, (kind, words) in enumerate(given):
        mind.hear(Text(words, kind=kind, key=str(number)))  # type: ignore[arg-type]
    for number in range(16):
        state = mind.picture(Dream(given[number % 4][1], key=str(number % 4)), number * 1.0).state
    state = mind.picture(Dream("a violet moon", gamma=0.0, temperature=0.2), 20.0).state
    assert sum(state.kinds) == pytest.approx(1, abs=1e-6)
    shares = dict(zip(KINDS, state.kinds, strict=True))
    assert all(shares[kind] > 0 for kind in KINDS), f"some kind is nobody's parent: {shares}"
    print("  measured: " + ", ".join(f"{kind} {share:.2f}" for kind, share in shares.items()))
    before = inherited(mind, "visitor")

    mind.memory.plug("visitor", False)
    unplugged = mind.picture(Dream("a moon of violet", gamma=0.0, temperature=0.2), 21.0).state
    assert unplugged.kinds[VISITORS] == 0, f"an unplugged kind has a new share of {unplugged.kinds[VISITORS]:.3f}"
    assert sum(unplugged.kinds) == pytest.approx(1, abs=1e-6)
    assert before > 0.02 and inherited(mind, "visitor") > 0.002, "what was inherited does not stay"
    mind.memory.plug("visitor", True)
    assert mind.picture(Dream("a violet moon", gamma=0.0, temperature=0.2), 22.0).state.kinds[VISITORS] > 0.01


def test_every_kind_is_a_parent_and_can_be_unplugged(tmp_path: Path) -> None:
    check(tmp_path)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.measuring.by_kind", lambda shares, kinds: (0.2,) * 5, "constant"),
    put("engine.mind.measuring.by_kind", lambda shares, kinds: tuple(CHANCE.dirichlet(np.ones(5))), "chance"),
    put("engine.mind.measuring.by_kind", lambda shares, kinds: by_kind(shares, ["founding" for _ in kinds]), "left out"),
    put("engine.mind.memory.recall.Memory.plug", lambda self, kind, on: None, "no plug"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_account_of_kinds_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
