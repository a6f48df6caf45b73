"""Row 15: alone, it writes to itself out of its own gap; one key takes it back; a person can veto."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.autonomy import ALONE, KEY, SENTENCE, Autonomy
from engine.core.messages import Dream, Set, Token
from engine.mind.memory.founding import Table
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts, table, vector
from tests.rows.sabotage import Sabotage, fails, put

TICK = 1 / 60


def monologue(folder: Path, founders: Table | None = None, sentences: int = 6) -> tuple[list[str], Mind]:
    """What it says to itself, left alone."""
    mind = Mind(options(folder, founding=48, idle=10.0, think_every=1), parts=parts(table=founders or table()))
    said = [mind.picture(Dream("", autonomy=1.0), 11.0 * number).state.words for number in range(sentences)]
    return said, mind


def zeppelins() -> Table:
    """The same pictures, remembered in other words."""
    said = [f"{('silver', 'black', 'old')[number % 3]} zeppelin near {('Prague', 'harbours', 'stations', 'ice')[number % 4]} {number % 5 * 'slowly '}"
            for number in range(len(table()))]
    return replace(table(), captions=said, t=np.stack([vector(words) for words in said]))


def check(folder: Path) -> None:
    autonomy = Autonomy()
    assert autonomy.value(0.0) == 1.0 and autonomy.alone(0.0)
    autonomy.human(KEY, 100.0)
    assert autonomy.value(100.0 + TICK) < ALONE and not autonomy.alone(100.0 + TICK), "one key does not take it back"
    autonomy.human(SENTENCE, 101.0)
    values = [autonomy.value(101.0 + 30 * n) for n in range(20)]
    assert values[0] < 0.15 and all(a < b for a, b in itertools.pairwise(values)), f"A does not return: {values}"
    assert values[-1] > 0.99 and abs(np.log(values[3]) / np.log(values[0]) - np.exp(-1)) < 0.01, "not in 90 s"
    print(f"  measured: A {values[0]:.2f} after a sentence, {values[3]:.2f} after 90 s, {values[-1]:.3f} after ten minutes")

    said, mind = monologue(folder / "a")
    assert all(said) and len(set(said)) >= 4, f"it says the same again and again: {said}"
    for token in mind.speech.own:
        lender = mind.keeper.told(token.ancestor)
        assert lender and token.text.casefold() in lender.words.casefold(), f"{token.text} stands in no memory"
    other, _ = monologue(folder / "b", zeppelins())
    assert any("zeppelin" in words for words in other) and not set(said) & set(other), "the words are not the archive's"
    noun = {words for words in said}
    thought = mind.thought
    assert thought is not None
    by_gap = {f.id for f, _ in mind.speech._weighted(thought.ids, thought.more)}
    assert {t.ancestor for t in mind.speech.musing(thought, mind.speech.own)} & by_gap and noun, "the words are not the gap's"

    human = mind.picture(Dream("a red moon", autonomy=0.0), 100.0).state
    assert human.words == "a red moon", "somebody spoke and it goes on with itself"
    before = mind.picture(Dream("a red moon"), 100.1)
    mind.set(Set("/hm/veto"))
    dark = mind.picture(Dream("a red moon"), 100.2)
    assert before.rgba[..., :3].max() > 0 and dark.rgba[..., :3].max() == 0 and dark.state.light == 0, "a veto is not dark at once"


def test_it_is_autonomous_until_somebody_is_there(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)
LIST = ("the ocean remembers", "a light in the window", "who was here", "sleep now")


def from_a_list(self, thought, before):  # type: ignore[no-untyped-def]
    return tuple(Token(word, 1, "founding") for word in LIST[int(CHANCE.integers(0, 4))].split())


@pytest.mark.parametrize("sabotage", [
    put("engine.core.autonomy.Autonomy.value", lambda self, time: 0.5, "constant"),
    put("engine.core.autonomy.Autonomy.value", lambda self, time: float(CHANCE.random()), "chance"),
    put("engine.core.autonomy.Autonomy.human", lambda self, weight, time: None, "left out"),
    put("engine.mind.speech.Speech.musing", from_a_list, "words from a list"),
    put("engine.mind.mind.Mind.veto", lambda self: None, "no veto"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_sabotaged_autonomy_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
