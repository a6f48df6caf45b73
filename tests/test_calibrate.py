"""A reader fitted to a model's own pictures reads pictures that it was not fitted to."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.mind.calibrate import Ridge, calibrate, fit, known_sentences, reader
from tests.small_mind import CAPTIONS, painted, painter, vector


def test_a_fitted_reader_finds_the_words_of_held_out_pictures() -> None:
    made = calibrate(painter(), CAPTIONS)
    fresh = torch.stack([painter().encode(painted(c, 5000 + n).permute(1, 2, 0).numpy()) for n, c in enumerate(CAPTIONS[::3])])
    near = made.vector(fresh) @ np.stack([vector(c) for c in CAPTIONS[::3]]).T
    assert made.score > 0.3, "chance is .03"
    assert np.mean(near.argmax(1) == np.arange(len(near))) > 0.2
    assert np.allclose(np.linalg.norm(made.vector(fresh), axis=1), 1, atol=1e-5)


def test_a_reader_is_fitted_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.mind.calibrate.known_sentences", lambda: CAPTIONS)
    first = reader(painter(), tmp_path)
    monkeypatch.setattr("engine.mind.calibrate.known_sentences", lambda: pytest.fail("fitted again"))
    assert reader(painter(), tmp_path).fingerprint == first.fingerprint


def test_noise_teaches_nothing_and_the_score_says_so() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((120, 64)).astype(np.float32)
    found: Ridge = fit(torch.randn(120, 4, 8, 8, generator=torch.Generator().manual_seed(0)), vectors)
    assert found.score < 0.2


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="20 pictures or more"):
        fit(torch.zeros(5, 4, 8, 8), np.zeros((5, 64), np.float32))


def test_known_sentences_cover_every_kind() -> None:
    assert len(set(known_sentences(96))) > 80
