"""Words into the text space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.mind.model.encoder import SCALE, SLOTS, Encoder, check


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


def test_sentences_are_unit_vectors(encoder: Encoder) -> None:
    vectors = encoder.sentence(["the sea at night", "a", ""])
    assert vectors.shape == (3, 384) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)


def test_an_unseen_word_lies_near_its_kin(encoder: Encoder) -> None:
    ocean, sea, chair = encoder.sentence(["the ocean", "the sea", "a chair"])
    assert ocean @ sea > 0.6 > ocean @ chair


def test_french_is_heard_as_its_english(encoder: Encoder) -> None:
    french, english, other = encoder.sentence(["une mer rouge la nuit", "a red sea at night", "a green forest at noon"])
    assert french @ english > 0.8 > french @ other


def test_conditioning_has_one_shape_and_says_the_sentence_first_and_where_words_end(encoder: Encoder) -> None:
    texts = ["fire", "a very long sentence " * 20]
    states = encoder.condition(texts)
    vectors = torch.from_numpy(encoder.sentence(texts)) * SCALE
    assert states.shape == (2, SLOTS, 384) and states.dtype == torch.float32
    torch.testing.assert_close(states[:, 0], vectors, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(states[0, -1], vectors[0], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(states[1, -1], vectors[1], atol=0.1)


def test_a_sentence_is_heard_alike_alone_and_in_company(encoder: Encoder) -> None:
    alone = encoder.condition(["a red sea"])
    among = encoder.condition(["a red sea", "machines in a long dark hall with red lamps and pipes"])[:1]
    torch.testing.assert_close(alone, among, atol=1e-3, rtol=1e-3)


def test_other_weights_than_those_taught_with_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(ValueError, match="sha256"):
        check(tmp_path / "model.safetensors")


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors is missing"):
        Encoder.load(tmp_path)


def test_one_string_is_no_list(encoder: Encoder) -> None:
    with pytest.raises(TypeError, match="list of strings"):
        encoder.sentence("the sea")
