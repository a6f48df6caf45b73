"""Sources: what is alike sounds alike, nothing is harsh, nothing stored is replayed."""

from __future__ import annotations

import itertools
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.sound import units
from engine.sound.library import LONGEST, SECONDS, Library
from engine.sound.loom import Loom, LoomError
from engine.sound.sources import BANDS, LEVEL, Job, degree, make, recorded, sonify, tick, voice

RATE = 48000


def bands(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level in dB of sixth-octave bands from 60 Hz to 8 kHz."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    edges = 60.0 * 2.0 ** (np.arange(43) / 6.0)
    sums = [power[(hz >= low) & (hz < high)].sum() for low, high in itertools.pairwise(edges)]
    return np.asarray(10 * np.log10(np.array(sums) + 1e-9 * power.sum()))


def apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(bands(one) - bands(other)).mean())


def someone(seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(-1, 1, 16)


def test_the_same_memory_always_sounds_the_same() -> None:
    assert np.array_equal(voice(tuple(someone(1))), voice(tuple(someone(1))))


def test_alike_memories_sound_related_and_strangers_do_not() -> None:
    near, far = [], []
    for seed in range(6):
        one = someone(seed)
        near.append(apart(voice(tuple(one)), voice(tuple(np.clip(one + 0.06 * someone(seed + 50), -1, 1)))))
        far.append(apart(voice(tuple(one)), voice(tuple(someone(seed + 100)))))
    assert np.median(near) < 0.5 * np.median(far)
    assert min(far) > 1.0


@pytest.mark.parametrize(
    "sound",
    [voice(tuple(someone(2))), voice(()), tick(), sonify(np.random.default_rng(0).standard_normal((4, 32, 32)))],
)
def test_no_source_is_harsh_or_clipped_or_has_a_constant(sound: NDArray[np.float32]) -> None:
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert power[hz > 8000].sum() < 1e-3 * power.sum()
    assert np.abs(sound).max() <= 0.5
    assert abs(sound.mean()) < 1e-3
    assert np.isfinite(sound).all()


@pytest.mark.parametrize("seed", range(4))
def test_voices_are_equally_loud(seed: int) -> None:
    assert abs(20 * np.log10(voice(tuple(someone(seed))).std() / LEVEL)) < 0.6


def test_a_voice_is_a_seamless_loop_within_its_own_texture() -> None:
    sound = voice(tuple(someone(5)))
    assert len(sound) == int(SECONDS * RATE)
    assert np.abs(np.diff(sound)).max() < 0.2


def test_nonsense_in_a_descriptor_still_gives_a_voice() -> None:
    assert np.isfinite(voice((float("nan"), float("inf"), -9.0))).all()


@pytest.mark.parametrize(("row", "band"), [(28, 3), (16, 12), (4, 21)])
def test_a_bright_row_of_the_picture_sounds_at_its_pitch(row: int, band: int) -> None:
    latent = np.zeros((4, 32, 32))
    latent[:, row - 1 : row + 2, 8:24] = 3.0
    sound = sonify(latent)
    power = np.abs(np.fft.rfft(sound)) ** 2
    loudest = np.fft.rfftfreq(len(sound), 1 / RATE)[power.argmax()]
    assert abs(12 * np.log2(loudest / degree(band))) < 4.0  # semitones


def test_left_to_right_in_the_picture_is_time_in_its_sound() -> None:
    latent = np.zeros((4, 32, 32))
    latent[:, 10:20, 20:28] = 2.0
    power = sonify(latent).reshape(32, -1).std(1)
    assert 19 <= power.argmax() <= 29
    assert power[:16].max() < 0.05 * power.max()


def test_an_even_picture_is_silent_and_bad_numbers_are_no_sound() -> None:
    assert np.abs(sonify(np.full((4, 32, 32), 1.7))).max() < 1e-6
    assert np.isfinite(sonify(np.full((4, 32, 32), np.nan))).all()


def test_a_picture_that_changes_a_little_changes_its_sound_a_little() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.standard_normal((2, 4, 32, 32))
    assert apart(sonify(one), sonify(one + 0.03 * other)) < 0.3 * apart(sonify(one), sonify(other))


@pytest.mark.parametrize("shape", [(4, 16, 16), (4, 64, 64), (16, 64, 96), (4, 8, 40)])
def test_latents_of_any_model_can_be_heard(shape: tuple[int, int, int]) -> None:
    sound = sonify(np.random.default_rng(0).standard_normal(shape))
    assert len(sound) == int(SECONDS * RATE) and sound.std() > 0.05
    assert BANDS == 25


def test_a_loom_makes_the_same_sounds_as_this_process() -> None:
    loom = Loom()
    try:
        for job in (
            Job(7, RATE, descriptor=tuple(someone(3))),
            Job(0, RATE, latent=np.eye(16, dtype=np.float16)[None]),
        ):
            assert np.array_equal(loom.make(job), make(job))
        with pytest.raises(LoomError, match="no folder of recordings"):
            loom.make(Job(recorded(1), RATE, folder="/nowhere"))
        assert np.array_equal(loom.make(Job(1, RATE)), make(Job(1, RATE)))  # and goes on
    finally:
        loom.close()
    with pytest.raises(EOFError):
        loom.make(Job(7, RATE))


def library(slots: int = 3) -> Library:
    return Library(np.zeros(Library.samples(RATE, slots)), RATE, slots)


def noise(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(RATE).astype(np.float32)


def test_a_half_is_not_written_again_while_a_grain_may_still_play_it() -> None:
    shelf = library()
    rest = int(LONGEST * RATE)
    assert shelf.write(5, noise(1), 0)
    assert not shelf.write(5, noise(2), rest - 1)
    assert shelf.write(5, noise(2), rest)


def test_the_source_that_was_played_longest_ago_makes_room_but_never_the_picture() -> None:
    shelf, rest = library(3), int(LONGEST * RATE)
    for source in (0, 5, 6):
        assert shelf.write(source, noise(source), 0)
    five = shelf.find(5)
    assert five is not None
    five.used = 4 * rest
    assert not shelf.write(7, noise(7), rest - 1)
    assert shelf.write(7, noise(7), 5 * rest)
    assert shelf.find(6) is None and shelf.find(0) is not None and shelf.find(5) is not None


def test_a_place_always_lies_inside_its_own_source() -> None:
    shelf = library()
    shelf.write(5, noise(1), 0)
    slot = shelf.find(5)
    assert slot is not None
    for position in (-1.0, 0.0, 0.3, 1.0, 7.0):
        for backwards in (False, True):
            place = shelf.place(slot, position, 1000.0, backwards)
            start = slot.starts[slot.playing] + (shelf.size + 4 if backwards else 0)
            assert start <= place <= start + RATE - 1000


def recordings(folder: Path) -> None:
    """Three recordings: a low tone with gaps, a high tone with gaps, and noise."""
    t = np.arange(3 * RATE) / RATE
    gate = (t % 0.5 < 0.35) * np.minimum(1.0, (t % 0.5) / 0.01)
    noise = np.random.default_rng(0).standard_normal(len(t))
    sounds = {
        "low": np.sin(2 * np.pi * 110 * t) + 0.4 * np.sin(2 * np.pi * 220 * t),
        "high": np.sin(2 * np.pi * 1760 * t),
        "rain": noise,
    }
    for name, sound in sounds.items():
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes((0.2 * sound * gate * 32767).astype("<i2").tobytes())
    (folder / "high.voice").write_text(json.dumps([1.0] + [0.0] * 15))


def test_recordings_are_cut_where_something_begins_and_described(tmp_path: Path) -> None:
    recordings(tmp_path)
    corpus = units.load(str(tmp_path), RATE)
    low = [unit for unit in corpus.units if unit.recording == "low.wav"]
    assert all(units.SHORTEST <= unit.length / RATE <= units.LARGEST + 0.13 for unit in corpus.units)
    assert sum(min(abs(unit.start / RATE - 0.5 * k) for k in range(6)) < 0.03 for unit in low) >= 5
    steady = [unit for unit in low if unit.loudness > -20]
    assert steady and all(abs(unit.pitch - 110) < 4 for unit in steady)
    rain = [unit for unit in corpus.units if unit.recording == "rain.wav" and unit.loudness > -25]
    assert min(unit.flatness for unit in rain) > 3 * max(unit.flatness for unit in steady)
    assert all(unit.pitch == 0.0 for unit in rain)


def test_the_nearest_unit_is_chosen_by_sound_and_by_meaning(tmp_path: Path) -> None:
    recordings(tmp_path)
    corpus = units.load(str(tmp_path), RATE)
    assert {unit.recording for unit in corpus.nearest(200.0, 110.0, 0.01, n=3)} == {"low.wav"}
    assert {unit.recording for unit in corpus.nearest(4000.0, 0.0, 0.8, n=3)} == {"rain.wav"}
    between = (600.0, 440.0, 0.01)
    without = corpus.nearest(*between, n=1)[0].recording
    assert without == "low.wav" or corpus.nearest(*between, (1.0,) + (0.0,) * 15, n=1)[0].recording == "high.wav"
    assert corpus.nearest(700.0, 440.0, 0.01, (1.0,) + (0.0,) * 15, n=1)[0].recording == "high.wav"


def test_a_source_of_recordings_is_made_for_every_memory(tmp_path: Path) -> None:
    recordings(tmp_path)
    sound = make(Job(recorded(3), RATE, descriptor=tuple(someone(3)), folder=str(tmp_path)))
    assert 0.05 < sound.std() < 0.3 and np.abs(sound).max() <= 0.5


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="should hold"):
        units.load(str(tmp_path), RATE)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        units.load(str(tmp_path / "nowhere"), RATE)
