"""Ordinary words, words that are nobody's to give, and which language somebody writes."""

from __future__ import annotations

import pytest

from engine.core.lexicon import bare, language, ordinary, unfit


@pytest.mark.parametrize(("words", "code"), [
    ("the sea at night", "en"), ("la mer la nuit", "fr"), ("une ville en feu", "fr"), ("das Meer bei Nacht", "de"), ("el mar de noche", "es"),
    ("il mare di notte", "it"), ("de zee in de nacht", "nl"), ("o mar à noite", "pt"), ("morze nocą jest zimne", "pl"), ("gece deniz çok güzel", "tr"),
    ("море ночью", "ru"), ("البحر في الليل", "ar"), ("夜の海", "ja"), ("夜晚的大海", "zh"), ("밤의 바다", "ko"), ("ทะเล", "th"),
    ("sale arabe", "fr"), ("xkcd qwrt", ""), ("🔥", ""), ("", ""),
])  # fmt: skip
def test_sixteen_languages_are_told_from_their_words(words: str, code: str) -> None:
    assert language(words) == code


def test_what_everybody_writes_is_ordinary_in_its_own_language() -> None:
    assert ordinary("mountain", "en") and not ordinary("mountain", "fr") and ordinary("mountain")
    assert ordinary("l’été", "fr") and ordinary("grand-mère", "fr") and ordinary("Wald", "de")


@pytest.mark.parametrize("word", ["dupont", "martin", "aurelia", "xqzt", "a" * 25, "jews", "juifs", "kill", "tuer", "connard", "whore", "cancer", "naked", ""])
def test_names_insults_groups_illness_and_nonsense_are_not(word: str) -> None:
    assert not ordinary(word)


def test_a_word_is_unfit_in_its_language_and_not_in_anothers() -> None:
    assert unfit("die", "en") and not unfit("die", "de") and unfit("sale", "fr") and not unfit("sale", "en")
    assert unfit("Enculé") and unfit("ENCULE") and bare("Œuvre") == "oeuvre"
