"""Words into what the embedded picture model hears; the text space itself is in tests/core/test_meaning.py."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from engine.mind.model.encoder import SCALE, SLOTS, Encoder, pieces


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_an_unseen_word_lies_near_its_kin(encoder: Encoder) -> None:
    ocean, sea, chair = encoder.sentence(["the ocean", "the sea", "a chair"])
    assert ocean @ sea > 0.6 > ocean @ chair


def test_pieces_are_words_then_neighbours_each_once() -> None:
    assert pieces("The sea, the SEA at night") == ["the", "sea", "at", "night", "the sea", "sea the", "sea at", "at night"]
    assert pieces("l'été") == ["l'été"] and pieces("") == [] and pieces("...") == []


def test_scripts_without_spaces_are_cut_into_pairs_of_letters() -> None:
    assert pieces("霧の中の森") == ["霧の", "中の", "森", "霧の 中の", "中の 森"]
    assert pieces("一朵红花") == ["一朵", "红花", "一朵 红花"]
    assert pieces("a 森") == ["a", "森", "a 森"]


def test_a_condition_says_the_sentence_its_words_their_neighbours_and_the_sentence_again(encoder: Encoder) -> None:
    said = encoder.condition(["red sea"])
    whole, red, sea = torch.from_numpy(encoder.sentence(["red sea", "red", "sea"])) * SCALE
    assert said.shape == (1, SLOTS, 512) and said.dtype == torch.float32
    wanted = torch.stack([whole, red, sea] + [whole] * (SLOTS - 3))  # the only pair is the sentence itself
    torch.testing.assert_close(said[0], wanted, atol=1e-3, rtol=1e-3)


def test_a_sentence_that_is_longer_than_the_slots_is_cut_not_refused(encoder: Encoder) -> None:
    said = encoder.condition(["fire", " ".join(f"word{n}" for n in range(200)), ""])
    assert said.shape == (3, SLOTS, 512) and bool(torch.isfinite(said).all())
    assert not torch.allclose(said[1, -1], said[1, 0], atol=0.1), "words, to the last slot"
    assert torch.equal(said[2], said[2, :1].expand(SLOTS, -1)), "nothing is said in every slot"


def test_a_sentence_is_heard_alike_alone_and_in_company(encoder: Encoder) -> None:
    alone = encoder.condition(["a red sea"])
    among = encoder.condition(["a red sea", "machines in a long dark hall with red lamps and pipes"])[:1]
    torch.testing.assert_close(alone, among, atol=1e-3, rtol=1e-3)


def test_words_are_remembered_and_not_heard_twice() -> None:
    class Counted(Encoder):
        heard: list[str] = []  # noqa: RUF012  # one encoder

        def sentence(self, texts):
            self.heard.extend(texts)
            return super().sentence(texts)

    encoder = Counted()
    first = encoder.condition(["the red sea"])
    once = list(encoder.heard)
    assert len(once) == len(set(once)) == 6, "the sentence, three words, two pairs"
    assert torch.equal(encoder.condition(["the red sea"]), first) and encoder.heard == once
    encoder.condition(["the red fire"])
    assert encoder.heard[6:] == ["the red fire", "fire", "red fire"]


def test_two_threads_may_say_thousands_of_words_at_once() -> None:
    class Quick(Encoder):
        def sentence(self, texts):
            return np.stack([np.full(512, len(text), np.float32) for text in texts])

    encoder, wrong = Quick(), []

    def say(name: str) -> None:
        try:
            for n in range(200):
                encoder.condition([" ".join(f"{name}{n}x{k}" for k in range(11))])
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=say, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(encoder._known) <= encoder._known.maxsize


def test_one_string_is_no_list(encoder: Encoder) -> None:
    with pytest.raises(TypeError, match="list of strings"):
        encoder.sentence("the sea")
    with pytest.raises(TypeError, match="list of strings"):
        encoder.condition("the sea")
