"""Row 9: a crowd, never a quotation; and what is withdrawn is nowhere."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Dream, Returned, Stored, Text, Touch, Withdraw
from engine.mind.memory.copies import snapshot
from engine.mind.memory.provenance import export
from engine.mind.memory.words import Crowd, split
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

CANARY = "under the violet tower Aurelia buried seven letters"
COMMON = "a violet river under the moon"


def runs_of(words: str, length: int = 4) -> set[str]:
    found = [word.casefold() for word in split(words)]
    return {" ".join(found[at : at + length]) for at in range(len(found) - length + 1)}


def own_words(mind: Mind, time: float) -> str:
    """What it says to itself, once a picture of that is there: one that has been before is withheld, and dreamt anew."""
    for turn in range(24):
        before = mind.rows.aura.withheld
        state = mind.picture(Dream("", autonomy=1.0), time + turn / 24).state
        if state.withheld == before:
            return state.words
    return ""


def seen(mind: Mind, texts: int) -> list[str]:
    """Everything that anybody could read while `texts` further sentences came in, alike to the canary."""
    rng = np.random.default_rng(9)
    shown: list[str] = []
    for number in range(texts):
        words = f"the violet tower {('at night', 'in the fog', 'at noon')[number % 3]} {rng.integers(0, 10**6)}"
        mind.hear(Text(words, key=f"k{number}", visit=f"v{number}"))
        asked, key = (words, f"k{number}") if number % 4 else (CANARY, "canary")  # the canary itself may be what the wall dreams of
        state = mind.picture(Dream(asked, temperature=0.3, key=key), number * 2.0).state
        told = mind.touch(Touch(0.5, 0.5, visit="x"))
        shown += [state.caption, " ".join(state.readback), " ".join(told.words), *state.readback]
        shown += [" ".join(t.text for t in news.tokens) for news in mind.news() if isinstance(news, Returned)]
        if number % 5 == 4:
            shown.append(own_words(mind, number * 2.0 + 1))
    return shown


def check(folder: Path, texts: int = 40) -> None:
    mind = Mind(options(folder, founding=24, keyframe=5.0, idle=1.0, think_every=1), parts=parts())
    (stored,) = mind.hear(Text(CANARY, key="canary", visit="someone"))
    assert isinstance(stored, Stored)
    mind.picture(Dream(CANARY, key="canary"), 0.0)
    mind.news()  # her own sentence goes back to her alone
    shown = " | ".join(seen(mind, texts)).casefold()
    assert "tower" in shown, "nothing of what people say is ever seen"
    assert not any(run in shown for run in runs_of(CANARY)) and "aurelia" not in shown, "a quotation"
    out = io.StringIO()
    export(mind.keeper.archive, out)
    assert json.loads(out.getvalue())["entity"] and "aurelia" not in out.getvalue().casefold(), "exported"

    crowd = mind.keeper.crowd
    assert not crowd.allows(CANARY) and not crowd.allows(f"they say {CANARY}") and crowd.allows("a word or two")
    for visit in range(3):
        assert not crowd.allows(COMMON) or visit == 0
        mind.hear(Text(COMMON, key=f"c{visit}", visit=f"c{visit}"))
        mind.hear(Text(COMMON, key=f"again{visit}", visit=f"c{visit}"))  # one visit is one, however often it writes
    assert crowd.allows(COMMON), "what three visits wrote is everybody's"

    snapshot(mind.keeper.archive)
    found = mind.keeper.line(max(f.id for f in mind.memory.fragments)).sum
    assert mind.withdraw(Withdraw(stored.code)).found
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert CANARY.encode() not in data and b"Aurelia" not in data, f"still in {file.name}"
    fragment = mind.keeper.archive.fragment(stored.fragment)
    assert fragment and fragment.state == 1 and fragment.mass == 1, "the lineage keeps an anonymous place"
    assert mind.keeper.line(max(f.id for f in mind.memory.fragments)).sum == pytest.approx(found, abs=1e-9)
    print(f"  measured: of {texts} answers none quotes a run of the canary; taken back, it is in none of {sum(1 for _ in folder.rglob('*'))} files")


def test_a_canary_is_never_quoted_and_can_be_taken_back(tmp_path: Path) -> None:
    check(tmp_path)


@pytest.mark.long
def test_a_canary_is_not_quoted_after_a_thousand_texts(tmp_path: Path) -> None:
    check(tmp_path, 1000)


CHANCE = np.random.default_rng(0)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.memory.words.Crowd.allows", lambda self, words: False, "constant"),
    put("engine.mind.memory.words.Crowd.allows", lambda self, words: bool(CHANCE.random() < 0.5), "chance"),
    put("engine.mind.memory.words.Crowd.add", lambda self, words, visit: None, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_rule_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_a_withdrawal_that_forgets_to_erase_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = put("engine.mind.memory.withdrawal.erase", lambda archive, code: [], "no withdrawal")
    fails(check, nothing, tmp_path, monkeypatch)


def test_hashes_of_runs_hold_no_words() -> None:
    crowd = Crowd()
    crowd.add(CANARY, b"someone")
    assert all(isinstance(gram, int) for gram in crowd.seen)
