"""What another machine's clock says: no machine is asked here, the four times are made up."""

import numpy as np
import pytest

from engine.places.clock import Offset, measured


def beats(offset, drift, seconds, jitter, seed=0):
    """Measurements ten times a second, over a network of 2 ms and what `jitter` adds, unequal both ways."""
    rng, found = np.random.default_rng(seed), Offset()
    for sent in np.arange(0.0, seconds, 0.1):
        go, back = 0.002 + rng.exponential(jitter, 2)
        theirs = lambda mine: mine + offset + drift * mine  # noqa: E731
        here = sent + go + 0.05 + back
        found.add(measured(sent, theirs(sent + go), theirs(sent + go + 0.05), here))
    return found


@pytest.mark.parametrize(("offset", "drift"), [(0.0, 0.0), (-86_400.5, 5e-5), (1e6, -1e-4)])
def test_offset_and_drift_are_found_through_a_network_that_jitters(offset, drift):
    found = beats(offset, drift, 40.0, 0.004)
    for at in (38.0, 45.0):
        assert abs(found.theirs(at) - (at + offset + drift * at)) < 0.002
        assert abs(found.mine(found.theirs(at)) - at) < 1e-6
    assert abs(found.drift - drift) < 3e-5


def test_a_measurement_is_off_by_half_its_way_at_most():
    sample = measured(10.0, 110.03, 110.04, 10.05)  # 30 ms there, 10 ms back
    assert sample.way == pytest.approx(0.04) and abs(sample.offset - 100.0) <= sample.way / 2 + 1e-9


def test_a_clock_that_is_set_is_believed_at_once_and_nothing_is_told_before_the_first():
    found = Offset()
    with pytest.raises(LookupError):
        found.theirs(1.0)
    found = beats(5.0, 0.0, 20.0, 0.001)
    found.add(measured(20.0, 3020.002, 3020.01, 20.012))
    assert abs(found.theirs(20.0) - 3020.0) < 0.01
