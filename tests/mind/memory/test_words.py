"""Words that are borrowed, and words that may not be."""

import pytest

from engine.core.lexicon import language
from engine.core.messages import Token
from engine.mind.memory.archive import Fragment
from engine.mind.memory.words import LONGEST, Crowd, grow, runs, said, split, spoken, surface


def lender(number: int, words: str, **more: object) -> tuple[Fragment, float]:
    return Fragment(number, "founding", words, 0, 1.0, 0, **more), 1.0  # type: ignore[arg-type]


@pytest.mark.parametrize(("words", "found"), [
    ("a burning city under the rain", [("a", "burning", "city"), ("under", "the", "rain")]),
    ("une ville en feu", [("une", "ville"), ("en", "feu")]),
    ("snow falling, snow", [("snow", "falling"), ("snow",)]),
    ("I met Aurelia at noon on 14 July", [("i", "met"), ("at", "noon")]),
    ("the of and", []),
    ("", []),
])  # fmt: skip
def test_runs_lie_between_the_joints_of_a_sentence_without_names_or_digits(words: str, found: list) -> None:
    made = runs(words)
    assert all(len(run) <= LONGEST for run in made)
    for run in found:
        assert run in made or tuple(w.casefold() for w in run) in [tuple(w.casefold() for w in m) for m in made], made
    assert not any(w in ("Aurelia", "14", "July") for run in made for w in run)


def test_the_language_is_heard_in_the_small_words() -> None:
    assert (language("the sea at night"), language("la mer dans la nuit"), language("d'une tour"), language("xyz")) == ("en", "fr", "fr", "")


def test_words_grow_at_the_joints_and_the_speakers_order_stays() -> None:
    own = [Token(word) for word in split("I love the sea at night")]
    grown = grow(own, [lender(1, "a burning city under the rain"), lender(2, "near a tower")], 6, Crowd())
    assert [t.text for t in grown if not t.ancestor] == split("I love the sea at night")
    assert {t.ancestor for t in grown} == {0, 1, 2} and sum(1 for t in grown if t.ancestor) <= 6
    assert grow(own, [], 6, Crowd()) == tuple(own)


def test_lenders_of_the_same_language_are_asked_first() -> None:
    own = [Token(word) for word in split("je vois la mer")]
    grown = grow(own, [lender(1, "under the rain"), lender(2, "sous la pluie")], 3, Crowd())
    assert {t.ancestor for t in grown if t.ancestor} == {2}


def test_a_short_private_sentence_is_protected_whole_and_inside_others() -> None:
    crowd = Crowd()
    crowd.add("kiss Martin", b"one")
    assert not crowd.allows("kiss Martin") and not crowd.allows("and then kiss martin again") and crowd.allows("kiss me")
    crowd.add("kiss Martin", b"one")
    assert not crowd.allows("kiss Martin"), "one visit is one"
    crowd.add("kiss Martin", b"two")
    crowd.add("kiss Martin", b"three")
    assert crowd.allows("kiss Martin")
    crowd.forget("kiss Martin", b"one")
    assert crowd.allows("kiss Martin"), "one wrote it twice and took it back once"
    crowd.forget("kiss Martin", b"two")
    assert not crowd.allows("kiss Martin"), "two visits are no crowd, now as after a restart"


def test_what_would_quote_somebody_is_not_grown() -> None:
    crowd = Crowd()
    crowd.add("the sea under a red moon", b"one")
    own = [Token(word) for word in split("I see the sea")]
    grown = grow(own, [lender(1, "under a red moon"), lender(2, "under a red tower")], 3, crowd)
    assert "under a red moon" not in said(grown) or not crowd.private(split("sea under a red")), said(grown)
    assert not any(crowd.private([t.text for t in grown[at : at + 4]]) for at in range(len(grown) - 3))


def test_captions_never_quote() -> None:
    crowd = Crowd()
    crowd.add("under the rain near a tower", b"one")
    made = surface([lender(1, "under the rain"), lender(2, "near a tower")], 6, crowd)
    assert made and crowd.allows(said(made))


def visitor(number: int, words: str) -> tuple[Fragment, float]:
    return Fragment(number, "visitor", words, 0, 1.0, 0), 1.0


def lent(own: str, crowd: Crowd, *lenders: tuple[Fragment, float], **more: object) -> list[str]:
    grown = grow([Token(word) for word in spoken(own)], lenders, 6, crowd, **more)  # type: ignore[arg-type]
    return [token.text for token in grown if token.ancestor]


@pytest.mark.parametrize("words", [
    "dupont", "write to dupont@example.org", "with jean.dupont", "call 0612345678", "my name is garance", "je m'appelle dupont",
    "behind Elisabeth", "x" * 280, "xqzt wvb", "the jews", "kill the neighbour", "www.example.org tonight", "with mr garance",
])  # fmt: skip
def test_names_addresses_numbers_and_rare_words_of_one_person_are_nobody_elses(words: str) -> None:
    assert not set(" ".join(lent("the sea at night", Crowd(), visitor(1, words))).split()) & {
        "dupont", "example", "jean", "garance", "elisabeth", "jews", "kill", "xqzt", "wvb", "org", "www", "x" * 280}  # fmt: skip


def test_a_text_of_one_word_is_a_whole_sentence_too() -> None:
    crowd = Crowd()
    for person in (b"one", b"two", b"three"):
        assert lent("the sea at night", crowd, visitor(1, "mountain")) == []
        crowd.add("mountain", person)
    assert lent("the sea at night", crowd, visitor(1, "mountain")) == ["mountain"]
    assert lent("夜の海", Crowd(), visitor(1, "祖母の台所")) == []


def test_a_rare_word_comes_back_when_three_people_wrote_it_and_an_insult_never() -> None:
    crowd = Crowd()
    for person in (b"one", b"one", b"two"):
        crowd.add("near the glockenspiel tonight", person)
        crowd.add("near the faggot tonight", person)
    assert lent("I sing at night", crowd, visitor(1, "under a glockenspiel")) == []
    crowd.add("my glockenspiel", b"three")
    crowd.add("my faggot", b"three")
    assert "glockenspiel" in lent("I sing at night", crowd, visitor(1, "under a glockenspiel"))
    assert lent("I sing at night", crowd, visitor(1, "under a faggot")) == []


def test_words_are_borrowed_in_the_sentences_own_language_or_not_at_all() -> None:
    english, french = lender(1, "a burning city under the rain"), lender(2, "sous la pluie")
    assert lent("la cuisine de ma mère", Crowd(), english) == [] and lent("the sea at night", Crowd(), french) == []
    assert lent("la cuisine de ma mère", Crowd(), english, french) == ["sous", "la", "pluie"]
    assert lent("rose", Crowd(), english, french, tongue="fr") == ["sous", "la", "pluie"]
    assert lent("夜の海", Crowd(), english, french) == []
    assert lent("the sea at night", Crowd(), visitor(1, "on l'a mis au four")) == [], "au is no English word, though four is"
    assert lent("la mer la nuit", Crowd(), visitor(1, "to shoot")) == [], "what is unfit in one language is not lent in another"
    mixed = lent("rose", Crowd(), english, french)
    assert mixed and not ("rain" in mixed and "pluie" in mixed), "one language, whichever"


def test_emoji_are_part_of_what_is_said() -> None:
    assert spoken("👩‍👩‍👧 à la plage 🌊!") == ["👩‍👩‍👧", "à", "la", "plage", "🌊"] and spoken("🔥") == ["🔥"]


def test_what_is_not_fit_as_a_whole_is_not_grown() -> None:
    rain = lender(1, "under the rain")
    assert lent("the sea at night", Crowd(), rain, fit=lambda words: "rain" not in words) == []
    assert surface([rain, lender(2, "near a tower")], 6, Crowd(), fit=lambda words: "tower" not in words)[-1].text == "rain"
