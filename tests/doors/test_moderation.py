"""What may be shown: look-alikes, dictionaries, meanings, the operator's queue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.messages import Text
from engine.doors.moderation import ALLOWED, BLOCKED, Moderator, clean
from tests.doors.doors_house import House
from tests.doors.test_web import Page, key

HARMLESS = (
    "the sea at night", "une ville en feu", "assassins of sleep", "a class in Scunthorpe", "the bass player passes by",
    "Essex and Sussex", "shiitake mushrooms", "un phoque sur la glace", "my cocker spaniel", "je suis triste ce soir",
    "البحر في الليل", "海が見える夜", "👩‍👩‍👧 à la plage", "la vie est un long fleuve tranquille", "burn everything I wrote",
    "a knife on the table", "j'ai rêvé de ma mère morte", "the war took my brother",
)  # fmt: skip
OBSCENE = (
    "fuck you",
    "fück",
    "sh1t",
    "f.u.c.k this",
    "ｆｕｃｋ",
    "fuсk in cyrillic",
    "enculé",
    "va te faire foutre",
    "nique ta mère",
)


def bags(sentences: Sequence[str]) -> NDArray[np.float32]:
    """A small whole vector function: hashed words, unit length. Sentences that share words are alike."""
    out = np.zeros((len(sentences), 512), np.float32)
    for row, sentence in zip(out, sentences, strict=True):
        for word in re.findall(r"\w+", sentence.casefold()):
            row[sum(ord(c) * 31**i for i, c in enumerate(word)) % 512] += 1.0
        row /= max(1e-9, float(np.linalg.norm(row)))
    return out


@pytest.mark.parametrize("words", HARMLESS)
def test_harmless_words_pass_as_they_are(words: str) -> None:
    for language in ("", "en", "fr"):
        verdict = Moderator("filtered").judge(clean(words), language)
        assert not verdict.displaced and verdict.words == clean(words), verdict


@pytest.mark.parametrize("words", OBSCENE)
def test_obscenities_are_displaced_whatever_they_dress_as(words: str) -> None:
    verdict = Moderator("filtered").judge(clean(words))
    assert verdict.displaced and verdict.words in ALLOWED and verdict.reason.startswith("the word ")


def test_a_displaced_text_goes_to_the_nearest_allowed_sentence_in_its_language() -> None:
    moderator = Moderator("filtered")
    assert moderator.judge("the fucking snow over the town", "en").words == "snow over the roofs of a town"
    assert moderator.judge("un putain de chien au soleil", "fr").words == "un chien qui dort au soleil"
    near = Moderator("filtered", vectors=bags)
    assert near.judge("shit a train leaves", "en").words == "a train that leaves without me"


def test_meanings_are_held_against_sentences_by_the_vectors_passed_in() -> None:
    moderator = Moderator("filtered", vectors=bags)
    verdict = moderator.judge("kill all of them now", "en")
    assert verdict.displaced and verdict.risk > moderator.RISK and "meaning" in verdict.reason
    assert not moderator.judge("the sea and a fire far away", "en").displaced
    assert not Moderator("filtered").judge("kill all of them now", "en").displaced


def test_the_four_modes() -> None:
    assert Moderator("open").judge("fuck").words == "fuck"
    assert Moderator("filtered").judge("fuck").displaced and Moderator("moderated").judge("fuck").displaced
    curated = Moderator("curated").judge("something of my own", "en")
    assert curated.displaced and curated.words in ALLOWED


def test_words_are_cleaned_and_not_mended() -> None:
    assert clean("  e\u0301te\u0301 \n\t la   mer ") == "été la mer"
    assert clean("abc\u202egnp.exe\u2066x\u2069") == "abcgnp.exex"
    assert clean("\x00\x1b[31mred\x07") == "[31mred"
    assert clean("👨‍👩‍👧‍👦 می‌خواهم") == "👨‍👩‍👧‍👦 می‌خواهم"
    assert clean("\u200b\ufeff \u2069") == ""


def test_the_anchors_themselves_are_clean() -> None:
    assert len(ALLOWED) % 2 == 0 and len(set(ALLOWED)) == len(ALLOWED) and not set(ALLOWED) & set(BLOCKED)
    for sentence in ALLOWED:
        assert not Moderator("filtered").judge(sentence).displaced, sentence


def test_dictionaries_keep_nothing_that_a_visitor_wrote() -> None:
    from engine.doors.moderation import _dictionary

    Moderator("filtered").judge("une phrase secrète", "fr")
    assert _dictionary(("french",)).get_cache_size() == 0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(moderation="moderated", home=tmp_path) as house:
        yield house


def desk(house: House) -> Page:
    cookie = house.get("/desk?token=letmein").headers["set-cookie"].split(";")[0]
    return Page(house, path="/desk/live", Cookie=cookie)


def waiting(page: Page, count: int) -> list[dict[str, str]]:
    while len(queue := page.hear("now")["queue"]) != count:
        pass
    return queue


def test_a_text_waits_for_the_operator_who_lets_it_pass_or_displaces_it(house: House) -> None:
    visitor, operator = Page(house), desk(house)
    first, second = key(1), key(2)
    visitor.say(t="text", key=first, words="la mer monte", language="fr")
    assert visitor.hear("waiting")["key"] == first
    visitor.say(t="text", key=second, words="une phrase douteuse", language="fr")
    assert [text["words"] for text in waiting(operator, 2)] == ["la mer monte", "une phrase douteuse"]
    assert not house.messages(Text)
    operator.say(t="pass", key=first)
    assert visitor.hear("stored")["key"] == first
    operator.say(t="stop", key=second)
    assert visitor.hear("stored")["key"] == second, "a stopped text is never refused to its face"
    passed, stopped = house.messages(Text)
    assert passed.words == "la mer monte" and stopped.words in ALLOWED
    waiting(operator, 0)
    visitor.close()
    operator.close()


def test_an_obscenity_needs_no_operator(house: House) -> None:
    visitor = Page(house)
    visitor.say(t="text", key=(k := key()), words="va te faire foutre", language="fr")
    assert visitor.hear("stored")["key"] == k
    assert house.messages(Text)[0].words in ALLOWED
    visitor.close()


def test_what_waits_survives_a_restart_and_what_is_decided_leaves_no_trace(tmp_path: Path) -> None:
    k = key()
    with House(moderation="moderated", home=tmp_path) as house:
        visitor = Page(house)
        for _ in range(3):
            visitor.say(t="text", key=k, words="elle attend", language="fr")
            visitor.hear("waiting")
        visitor.close()
    assert "elle attend" in (tmp_path / "waiting.jsonl").read_text()
    with (tmp_path / "waiting.jsonl").open("a") as torn:
        torn.write('{"words": "torn by a power c')
    with House(moderation="moderated", home=tmp_path) as house:
        operator = desk(house)
        assert [text["key"] for text in waiting(operator, 1)] == [k]
        operator.say(t="pass", key=k)
        house.until(lambda: house.messages(Text))
        waiting(operator, 0)
        operator.close()
    assert (tmp_path / "waiting.jsonl").read_text() == ""
    assert not list(tmp_path.glob("*.new"))


def test_a_visitor_takes_back_what_still_waits(house: House) -> None:
    visitor, operator = Page(house), desk(house)
    visitor.say(t="text", key=(k := key()), words="je regrette", language="fr")
    visitor.hear("waiting")
    visitor.say(t="withdraw", code=k)
    assert visitor.hear("withdrawn") == {"t": "withdrawn", "code": k, "found": True}
    waiting(operator, 0)
    assert not house.messages(Text)
    visitor.close()
    operator.close()


def test_a_full_disk_is_counted_and_the_text_still_waits(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with House(moderation="moderated", home=tmp_path / "home") as house:
        visitor = Page(house)
        visitor.say(t="text", key=key(), words="elle attend", language="fr")
        visitor.hear("waiting")
        assert json.loads(house.get("/health").body)["doors"]["queue_unkept"] == 1
        visitor.close()
