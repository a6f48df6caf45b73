"""The month's own tools: slopes that tell growth from noise, and an update that must be taken back."""

import numpy as np
import pytest

from engine.bench.bad_release import bad_update
from engine.bench.month import theil_sen


def test_the_interval_of_a_slope_holds_zero_for_noise_and_not_for_growth():
    rng = np.random.default_rng(0)
    held = [theil_sen(rng.normal(100.0, 1.0, 26)) for _ in range(200)]
    assert 0.9 < np.mean([low <= 0.0 <= high for _, low, high in held]) <= 1.0
    slope, low, high = theil_sen(100.0 + 0.5 * np.arange(26) + rng.normal(0.0, 1.0, 26))
    assert 0.0 < low < slope < high and slope == pytest.approx(0.5, abs=0.15)
    assert theil_sen([7.0] * 26) == (0.0, 0.0, 0.0)


def test_a_bad_update_is_taken_back_in_the_month_too(tmp_path):
    assert "plays again" in bad_update(tmp_path / "releases", tmp_path / "home")
