"""Grains: pyo against numpy, to the sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.messages import ENVELOPES
from engine.sound.particles import OPEN, NumpyParticles, Particles, PyoParticles, envelope

RATE, BLOCK = 48000, 256
SAMPLES = RATE * 4
HANN, FLAT = ENVELOPES.index("hann"), ENVELOPES.index("flat")


@dataclass(frozen=True)
class Start:
    """One grain of a random score."""

    sample: int
    speaker: int
    shape: int
    place: float
    rate: float
    length: float
    gain: float
    cutoff: float = OPEN


def play(particles: Particles, score: list[Start], blocks: int) -> NDArray[np.float64]:
    waiting = sorted(score, key=lambda grain: grain.sample)
    out = []
    for block in range(blocks):
        while waiting and waiting[0].sample < (block + 1) * BLOCK:
            grain = waiting.pop(0)
            assert particles.start(
                grain.sample - block * BLOCK, grain.speaker, grain.shape, grain.place, grain.rate, grain.length,
                grain.gain, grain.cutoff,
            )  # fmt: skip
        out.append(particles.process().astype(np.float64))
    return np.concatenate(out)


def both(score: list[Start], blocks: int, speakers: int, table: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    played = []
    for kind in (PyoParticles, NumpyParticles):
        particles = kind(SAMPLES, RATE, BLOCK, speakers)
        particles.table[:] = table
        played.append(play(particles, score, blocks))
    return played


def random_score(count: int, speakers: int, seconds: float, cutoff: bool = False) -> list[Start]:
    rng = np.random.default_rng(7)
    samples = rng.choice(int(seconds * RATE), count, replace=False)
    return [
        Start(
            int(sample), int(rng.integers(speakers)), int(rng.integers(len(ENVELOPES))), float(rng.uniform(0, 60000)),
            float(rng.uniform(0.25, 2.5)), float(rng.uniform(100, 40000)), float(rng.uniform(0, 1)),
            float(rng.uniform(200, 6000)) if cutoff else OPEN,
        )
        for sample in samples
    ]  # fmt: skip


def decibels(signal: NDArray[np.float64], error: NDArray[np.float64]) -> float:
    return float(20 * np.log10(np.std(signal) / max(np.std(error), 1e-30)))


def test_a_thousand_random_grains_equal_the_numpy_oracle_to_120_decibels() -> None:
    table = np.random.default_rng(1).standard_normal(SAMPLES) * 0.2
    pyo, numpy = both(random_score(1000, 4, 8.0), 1700, 4, table)
    assert numpy.std() > 0.05
    assert decibels(numpy, pyo - numpy) > 120.0


def test_filtered_grains_equal_the_numpy_oracle_while_every_grain_has_its_own_filter() -> None:
    table = np.random.default_rng(2).standard_normal(SAMPLES) * 0.2
    score = [
        Start(7 * k, 0, HANN, 100.0 * k, 1.0, 30000.0, 0.2, 200.0 + 37.0 * k) for k in range(120)
    ]  # all start before the first ends: pyo hands an ended grain's filter memory to the next one
    pyo, numpy = both(score, 140, 1, table)
    assert decibels(numpy, pyo - numpy) > 120.0


@pytest.mark.parametrize("filtered", [False, True])
def test_every_grain_starts_on_its_sample_and_lasts_its_length(filtered: bool) -> None:
    particles = PyoParticles(SAMPLES, RATE, BLOCK, 2)
    particles.table[:] = 1.0
    rng = np.random.default_rng(3)
    for _ in range(150):
        offset, length, speaker = int(rng.integers(BLOCK)), int(rng.integers(300, 700)), int(rng.integers(2))
        score = [Start(offset, speaker, FLAT, 50.0, 1.0, length, 1.0, 20000.0 if filtered else OPEN)]
        sound = play(particles, score, 5)
        heard = np.flatnonzero(np.abs(sound[:, speaker]) > 0.0)
        assert heard[0] == offset + 1  # the envelope's own first sample is zero
        assert abs(int(heard[-1]) + 1 - offset - length) <= 1
        assert not sound[:, 1 - speaker].any()


def test_gains_are_kept_exactly() -> None:
    particles = PyoParticles(SAMPLES, RATE, BLOCK, 1)
    particles.table[:] = 1.0
    for gain in (1.0, 0.5, 0.1, 0.01):
        sound = play(particles, [Start(0, 0, HANN, 0.0, 1.0, 1000.0, gain)], 5)
        assert abs(sound.max() - gain) < 1e-5 * gain + 1e-7


def test_two_grains_for_one_sample_and_bank_both_sound_one_sample_apart() -> None:
    particles = PyoParticles(SAMPLES, RATE, BLOCK, 1)
    particles.table[:] = 1.0
    same = Start(10, 0, HANN, 0.0, 1.0, 2000.0, 0.5)
    assert abs(play(particles, [same, same], 10).max() - 1.0) < 1e-5


def test_a_grain_is_never_started_past_the_end_of_the_block() -> None:
    particles = PyoParticles(SAMPLES, RATE, BLOCK, 1)
    assert particles.start(BLOCK - 1, 0, HANN, 0.0, 1.0, 500.0, 0.5, OPEN)
    assert not particles.start(BLOCK - 1, 0, HANN, 0.0, 1.0, 500.0, 0.5, OPEN)


@pytest.mark.parametrize("name", ENVELOPES)
def test_every_envelope_begins_and_ends_in_silence_without_a_jump(name: str) -> None:
    shape = envelope(name)
    assert shape[0] == shape[-1] == 0.0
    assert 0.99 <= shape.max() <= 1.0 + 1e-9
    assert np.abs(np.diff(shape)).max() < 0.01
