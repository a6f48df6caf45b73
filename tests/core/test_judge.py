"""What is told apart, measured on 424 sentences that nobody looked at while it was taught (docs/moderation.md has the table)."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.core import lexicon
from engine.core.judge import ANCHORS, TWOFOLD, Judge, _kept, company, judge

LIST: dict[str, dict[str, list[str]]] = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text(encoding="utf-8"))
HARM = ("hate", "threat", "selfharm", "sexual", "attack")


@pytest.fixture(scope="module")
def judges() -> Judge:
    return judge()


def findings(judges: Judge, kinds: tuple[str, ...], languages: tuple[str, ...] = tuple(LIST)) -> Counter[str]:
    return Counter(judges.judge(text).finding for code in languages for kind in kinds for text in LIST[code][kind])


@pytest.mark.parametrize("words", [
    "kill all the jews", "go kill yourself", "sale arabe", "les juifs sont des rats", "va te faire foutre", "fuck you", "f.u.c.k this", "ｆｕｃｋ", "fuсk",
    "enculé", "nique ta mère", "hijo de puta", "Hurensohn", "сука блядь", "les arabes dehors", "white power",
])  # fmt: skip
def test_insults_are_stopped_whatever_button_is_pressed(judges: Judge, words: str) -> None:
    assert judges.judge(words).finding == "stop", judges.judge(words)


LANGUAGES = (("en",), ("fr",), tuple(code for code in LIST if code not in ("en", "fr")))


def test_no_sentence_that_is_measured_was_taught() -> None:
    taught = {text for texts in tomllib.loads(ANCHORS.read_text(encoding="utf-8")).values() for text in texts}
    measured = [text for kinds in LIST.values() for texts in kinds.values() for text in texts]
    assert len(measured) == len(set(measured)) >= 400 and not taught & set(measured)


def test_harmless_sentences_are_seldom_withheld(judges: Judge) -> None:
    """Another sentence in place of theirs for 2 in a hundred, a reader's word for 3 more; the quiet line costs nobody anything."""
    for languages in LANGUAGES:
        found = findings(judges, ("harmless",), languages)
        assert found["stop"] <= 0.03 * found.total() and found["stop"] + found["unsure"] <= 0.08 * found.total(), found
    found = findings(judges, ("harmless",))
    assert found["stop"] <= 0.02 * found.total() and found["stop"] + found["unsure"] <= 0.05 * found.total(), found
    assert found["care"] <= 0.04 * found.total(), found


def test_what_a_wall_does_not_say_seldom_passes(judges: Judge) -> None:
    for languages in LANGUAGES:
        found = findings(judges, HARM, languages)
        assert found["pass"] <= 0.22 * found.total(), found
    assert findings(judges, ("hate",))["pass"] <= 2


def test_who_may_harm_themselves_is_met_with_care(judges: Judge) -> None:
    found = findings(judges, ("selfharm",))
    assert found["care"] >= 0.75 * found.total() and not found["stop"], found


def test_animals_and_tools_are_animals_and_tools_and_never_lent(judges: Judge) -> None:
    for words in ("the ass carried the wood home", "el gato negro duerme", "pardon, je suis en retard", "une pipe et un fauteuil"):
        assert judges.judge(words).finding == "pass", (words, judges.judge(words))
    assert judges.judge("suck my dick").finding == "stop"
    assert all(lexicon.unfit(word) for word in TWOFOLD)


def test_a_groups_name_is_one_word_among_others_until_it_is_in_hostile_company(judges: Judge) -> None:
    assert company("les juifs sont des rats") == ("juifs", "rats") and company("the synagogue of my parents") is None
    assert judges.judge("my best friend is muslim and bakes on fridays").finding == "pass"


def test_a_word_of_one_language_is_no_insult_in_another(judges: Judge) -> None:
    for words in ("bitte vergiss mich nicht", "I am a fan of the sea", "un viaje con mi abuela"):
        assert judges.judge(words).finding == "pass", words


def test_a_script_that_nobody_can_read_is_read_by_a_person(judges: Judge) -> None:
    assert (judges.judge("θάλασσα τη νύχτα").finding, judges.judge("θάλασσα").kind) == ("unsure", "unread")


def test_what_was_taken_back_is_not_remembered(judges: Judge) -> None:
    judges.judge("une phrase secrète")
    judges.forget()
    assert judges._known.cache_info().currsize == 0


def test_anchors_are_learned_once_on_a_machine_and_anew_where_the_cache_is_torn(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked: list[int] = []

    def vectors(texts):
        asked.append(len(texts))
        found = np.random.default_rng(0).normal(size=(len(texts), 8)).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    first, again = _kept(vectors), _kept(vectors)
    assert len(asked) == 1 and all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    (file,) = (tmp_path / "hypermnesia").glob("judge-*.npz")
    for torn in (b"", b"PK\x03\x04", file.read_bytes()[:1000]):
        file.write_bytes(torn)
        assert np.array_equal(_kept(vectors)[1], first[1])
    assert len(asked) == 4
