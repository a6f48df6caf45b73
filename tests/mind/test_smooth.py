"""Smoothness and diversity: a still has one, a slide show the other, a stream both."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mind.smooth import measure

RANDOM = np.random.default_rng(0)
A, B = (RANDOM.integers(0, 256, (16, 16, 4), np.uint8) for _ in range(2))


def test_a_still_is_smooth_and_has_no_diversity() -> None:
    found = measure([A] * 32)
    assert found["step"] == found["diversity"] == 0.0


def test_a_slide_show_is_diverse_and_not_smooth() -> None:
    found = measure([RANDOM.integers(0, 256, (16, 16, 4), np.uint8) for _ in range(32)])
    assert abs(found["smoothness"]) < 0.05 and found["diversity"] > 90


def test_a_slow_dissolve_is_both_and_a_cut_in_it_is_a_jump() -> None:
    way = [(A * (1 - k / 31) + B * (k / 31)).astype(np.uint8) for k in range(32)]
    assert measure(way)["smoothness"] > 0.9 and measure(way)["jump"] < 1.2
    assert measure(way[:16] + way[24:] + way[24:])["jump"] > 5


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="4 pictures are too few"):
        measure([A] * 4)
