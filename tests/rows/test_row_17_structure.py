"""Row 17: words make objects; the structure changes by a person's leave alone, and a record says of which it is."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Dream, Keystroke, Leave, Set, Text, Touch, Withdraw
from engine.mind.letters import answer
from engine.mind.memory.frame import Frame, standing, wanted
from engine.mind.mind import Mind
from engine.mind.night import night
from engine.mind.replay import replay
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put


def begun(folder: Path) -> Mind:
    return Mind(options(folder, founding=24, keyframe=0.5, think_every=1), parts=parts())


def objects(mind: Mind, sentences: int) -> None:
    """Everything that anybody can send, but a person at the desk."""
    for number in range(sentences):
        answer(mind, Text(f"more of us {number}, people = 0.9, alike = 1", key=f"k{number}", visit=f"v{number}"))
    for address in ("/hm/structure", "/hm/frame", "/hm/people", "/hm/leave", "/hm/state/structure", "/hm/state/proposal", "/hm/gamma"):
        answer(mind, Set(address, (1.0,)))
    for message in (Keystroke(3.0), Touch(0.5, 0.5), Withdraw("nobodyscode")):
        answer(mind, message)


def check(folder: Path) -> None:
    mind = begun(folder / "first")
    before = mind.picture(Dream("a red moon"), 0.0).state.structure
    objects(mind, 60)
    night(mind.keeper, mind.rows)
    state = mind.picture(Dream("a red moon"), 1.0).state
    assert state.structure == before and mind.memory.frame == Frame(), "objects have changed the structure"
    assert all(part in state.proposal for part in ("60 sentences", "15%", "240")), f"no diff in words: {state.proposal!r}"

    answer(mind, Leave(False))
    assert mind.picture(Dream("a red moon"), 2.0).state.structure == before, "a refusal changes it"
    night(mind.keeper, mind.rows)
    assert mind.keeper.proposal == "", "what was refused is asked for again"
    objects(mind, 90)
    night(mind.keeper, mind.rows)
    assert mind.keeper.proposal, "nothing is asked for"
    answer(mind, Leave(True))
    given = mind.picture(Dream("a red moon"), 3.0).state
    assert given.structure != before and given.proposal == "" and mind.memory.frame == wanted(90) != Frame(), "leave changes nothing"
    mind.close()

    again = begun(folder / "first")
    assert again.memory.frame == wanted(90) and again.keeper.structure in given.structure, "a restart forgets the structure"
    answer(again, Leave(True))
    assert again.memory.frame == standing(again.keeper.archive) == wanted(90), "leave without a proposal"
    again.close()

    shutil.copytree(folder / "first", folder / "second")
    first, second = begun(folder / "first"), begun(folder / "second")
    made = [first.picture(Dream("the sea" if number > 3 else "a red moon"), number / 2) for number in range(7)]
    log = [pickle.dumps(picture.state) for picture in made]
    remade = list(replay(second, map(pickle.loads, log)))
    assert all(np.array_equal(a.rgba, b.rgba) and np.array_equal(a.latent, b.latent) for a, b in zip(made, remade, strict=True)), "not bit by bit"
    other = begun(folder / "other")
    with pytest.raises(ValueError, match="was made by structure"):
        next(replay(other, map(pickle.loads, log)))
    print(f"  measured: after 90 sentences and a person's leave people have {wanted(90).people:.0%} instead of 15%; {len(made)} pictures replayed bit by bit")


def test_structure_changes_by_a_persons_leave_alone(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.holdings.structure", lambda options, frame: "0" * 16, "constant"),
    put("engine.mind.holdings.structure", lambda options, frame: CHANCE.bytes(8).hex(), "chance"),
    put("engine.mind.holdings.decide", lambda archive, given: standing(archive), "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_structure_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
