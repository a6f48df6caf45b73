"""Row 6: the sentence comes back with others' words grown into it, each with its ancestor."""

from pathlib import Path

import pytest

from engine.core.messages import Dream, Text, Token
from engine.mind.memory.words import split
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

SENTENCES = ("my grandmother came at night", "je rêve d'une tour", "I love a white river", "nothing at all")


def given_back(mind: Mind, words: str) -> tuple[Token, ...]:
    mind.hear(Text(words, key=words))
    mind.picture(Dream(words, key=words), 0.0)
    (returned,) = mind.news()
    return tuple(returned.tokens)


def check(folder: Path) -> None:
    mind = Mind(options(folder / "a", founding=72, keyframe=1e9), parts=parts())
    answers = {words: given_back(mind, words) for words in SENTENCES}
    for words, tokens in answers.items():
        own, borrowed = [t for t in tokens if not t.ancestor], [t for t in tokens if t.ancestor]
        assert [t.text for t in own] == split(words), "the visitor's own words are not theirs any more"
        assert borrowed, f"nothing was borrowed: {words}"
        assert 0.15 <= len(borrowed) / len(tokens) <= 0.7, f"{len(borrowed)} of {len(tokens)} are borrowed"
        for token in borrowed:
            lender = mind.keeper.archive.fragment(token.ancestor)
            assert lender and token.text.casefold() in lender.words.casefold(), f"{token.text} is nobody's"
            assert token.kind == lender.kind
    assert len({tuple(t.text for t in tokens if t.ancestor) for tokens in answers.values()}) > 1, "everybody gets the same"

    part = [sum(bool(t.ancestor) for t in tokens) / len(tokens) for tokens in answers.values()]
    print(f"  measured: {min(part):.0%} to {max(part):.0%} of an answer are others' words")

    words, tokens = next(iter(answers.items()))
    thought = mind.think(words, 0, (), Dream(words), mind.stream.walk.at(0.0))
    before = {t.ancestor: t.text for t in mind.speech.give_back(words, thought) if t.ancestor}
    for ancestor in before:
        mind.memory.forget(ancestor)
    after = {t.ancestor for t in mind.speech.give_back(words, thought) if t.ancestor}
    assert before and not after & set(before), "a forgotten ancestor still lends its words"


def test_a_sentence_comes_back_with_the_words_of_others(tmp_path: Path) -> None:
    check(tmp_path)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.speech.grow", lambda own, lenders, *_: (*own, Token("moon", 1, "founding")), "constant"),
    put("engine.mind.speech.grow", lambda own, lenders, *_: (*own, Token("zebra", 3, "founding")), "chance"),
    put("engine.mind.speech.grow", lambda own, lenders, *_: tuple(own), "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_sabotaged_words_are_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
