"""A reader fitted to a model's own pictures reads pictures that it was not fitted to."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.bench.calibrate import _read, main
from engine.mind.calibrate import Ridge, calibrate, fit, known_sentences, reader
from engine.mind.kin import sounded
from engine.mind.memory.space import unit
from engine.mind.model.encoder import Encoder
from engine.sound.measure import save
from tests.mind.small_mind import CAPTIONS, painted, painter, vector


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


def test_recordings_are_described_by_their_words_and_found_by_memories_of_like_words(tmp_path: Path) -> None:
    for name in ("rain_on_the_sea-01", "a church bell", "x1"):
        save(tmp_path / f"{name}.wav", np.zeros((4800, 1), np.float32))
    (tmp_path / "x1.txt").write_text("a city on fire at night")
    assert main(["recordings", str(tmp_path)]) == 0
    voices = {path.stem: np.array(json.loads(path.read_text())) for path in tmp_path.glob("*.voice")}
    encoder = Encoder()
    centre = encoder.sentence(known_sentences(96)).mean(0)
    for words, wanted in (("the sea in the rain", "rain_on_the_sea-01"), ("une ville en feu", "x1"), ("bells of a church", "a church bell")):
        asked = np.array(sounded(unit(encoder.sentence([words])[0] - centre)))
        alike = {name: float(asked @ v / np.linalg.norm(asked) / np.linalg.norm(v)) for name, v in voices.items()}
        assert max(alike, key=lambda name: alike[name]) == wanted, (words, alike)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_recording_of_flash_and_click_may_have_any_usual_width(tmp_path: Path, width: int) -> None:
    heard = np.zeros((48000, 2))
    heard[4800::9600], heard[4830::9600, 1] = 0.5, 0.5
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, width, 48000, 0, "NONE", ""))
        whole = np.round(heard * (2.0**31 - 1)).astype("<i4")
        file.writeframes(np.ascontiguousarray(whole[..., None].view(np.uint8)[..., 4 - width :]).tobytes())
    data, rate = _read(tmp_path / "a.wav")
    assert rate == 48000 and np.abs(data - heard).max() < 2.0**-15
