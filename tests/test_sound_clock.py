"""The sound card's time: jitter filtered out, drift followed, odd hosts understood."""

from __future__ import annotations

import numpy as np
import pytest

from engine.sound.dac import DacClock, HostTime

RATE, BLOCK = 48000, 256
PERIOD = BLOCK / RATE


def test_jitter_of_two_milliseconds_becomes_a_tenth_of_that() -> None:
    rng = np.random.default_rng(0)
    clock = DacClock(RATE, BLOCK)
    true = np.arange(8000) * PERIOD + 5.0
    heard = np.array([clock.update(t + rng.normal(0, 0.002)) for t in true])
    assert np.std((heard - true)[3000:]) < 0.0002
    assert abs((heard - true)[3000:].mean()) < 0.0003
    assert clock.resets == 0


def test_a_card_that_runs_fast_is_followed() -> None:
    clock = DacClock(RATE, BLOCK)
    real = RATE * 1.0003
    true = np.arange(20000) * BLOCK / real
    heard = np.array([clock.update(t) for t in true])
    assert np.abs((heard - true)[10000:]).max() < 0.0002
    assert clock.rate == pytest.approx(real, rel=2e-5)


def test_one_wild_stamp_is_ignored_and_a_new_time_line_is_taken_at_once() -> None:
    clock = DacClock(RATE, BLOCK)
    times = [k * PERIOD for k in range(2000)]
    for t in times:
        clock.update(t)
    assert clock.update(times[-1] + 40.0) == pytest.approx(times[-1] + PERIOD, abs=1e-4)
    assert clock.update(times[-1] + 2 * PERIOD) == pytest.approx(times[-1] + 2 * PERIOD, abs=1e-4)
    assert clock.resets == 0
    later = times[-1] + 0.8
    clock.update(later)
    assert clock.update(later + PERIOD) == pytest.approx(later + PERIOD, abs=1e-3)
    assert clock.resets == 1


def test_time_never_runs_backwards_under_jitter() -> None:
    rng = np.random.default_rng(1)
    clock = DacClock(RATE, BLOCK)
    heard = [clock.update(k * PERIOD + rng.uniform(-0.004, 0.004)) for k in range(4000)]
    assert np.diff(heard).min() > 0.0


@pytest.mark.parametrize(("current", "dac"), [(0.0, 0.0), (100.0, 99.0), (1.7e9, 0.0), (5.0, 5.0), (0.0, 1.7e9)])
def test_stamps_that_cannot_be_are_replaced_by_the_promised_latency(current: float, dac: float) -> None:
    host = HostTime(0.03)
    assert host.leaves(12.0, current, dac) == pytest.approx(12.03)
    assert host.odd == 1


def test_wall_clock_stamps_are_understood_by_their_difference() -> None:
    host = HostTime(0.03)
    assert host.leaves(12.0, 1.7e9, 1.7e9 + 0.021) == pytest.approx(12.021, abs=1e-6)
    assert host.odd == 0
