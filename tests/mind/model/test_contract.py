"""The latency contract keeps an honest account."""

from __future__ import annotations

import numpy as np
import pytest

from engine.mind.model.contract import Contract, Series, Terms
from engine.show.directory import CONTRACT


def run(contract: Contract, intervals: list[float], start: float = 100.0, cost: float | None = None) -> float:
    now = start
    for interval in intervals:
        now += interval
        contract.picture(now, milliseconds=interval * 500 if cost is None else cost)
    return now


def test_percentiles_are_those_of_what_was_noted() -> None:
    series = Series()
    values = np.random.default_rng(0).gamma(2.0, 5.0, 10_000)
    for value in values:
        series.note(value)
    found = series.figures()
    for name, share in (("p50", 50), ("p95", 95), ("p99", 99), ("p99.9", 99.9)):
        assert found[name] == pytest.approx(np.percentile(values, share))
    assert found["max"] == values.max()


def test_the_worst_is_remembered_longer_than_the_rest() -> None:
    series = Series(capacity=10)
    for value in [99.0] + [1.0] * 50:
        series.note(value)
    assert series.figures()["p99.9"] == 1.0
    assert series.figures()["max"] == 99.0


def test_misses_and_their_longest_run_are_counted() -> None:
    contract = Contract(Terms(deadline=0.1, window=1000))
    now = run(contract, [0.05, 0.05, 0.2, 0.2, 0.2, 0.05, 0.2])
    assert contract.misses == 4
    assert contract.longest == 3
    assert contract.age(now + 0.5) == pytest.approx(0.5)


def test_where_the_stream_stands_back_by_itself_nothing_is_given_up_but_the_miss_is_counted() -> None:
    gaps = [0.05, 0.05, 0.05, 0.05, 0.6] * 40
    contract, now = Contract(Terms(deadline=0.25)), 100.0
    for gap in gaps:
        contract.stand_back(0.5 if gap > 0.25 else 0.0)
        now = run(contract, [gap], now, cost=20.0)
    assert contract.misses == 40 and contract.step == "whole"
    run(contract, gaps, now, cost=20.0)
    assert contract.step != "whole"


def test_words_are_counted_once_until_others_are_asked() -> None:
    contract = Contract()
    for now in (10.1, 10.2, 10.3):
        contract.picture(now, 5.0, asked=10.0)
    contract.picture(11.0, 5.0, asked=10.9)
    assert contract.words.count == 2
    assert contract.words.worst == pytest.approx(100.0)


def test_late_pictures_lead_down_the_ladder_and_good_ones_up_again() -> None:
    contract = Contract(Terms(deadline=0.1, window=20, ladder=((128, 128),)))
    now = run(contract, [0.2] * 21)
    assert contract.step == "skip"
    now = run(contract, [0.2] * 20, now)
    assert contract.step == "extrapolate"
    now = run(contract, [0.05] * 21, now)
    assert contract.step == "skip"
    run(contract, [0.05] * 20, now)
    assert contract.step == "whole"
    assert [step for _, step, _ in contract.steps_taken] == ["skip", "extrapolate", "skip", "whole"]
    assert "over 100 ms" in contract.steps_taken[0][2]


def test_a_step_up_that_had_to_be_taken_back_is_tried_half_as_often() -> None:
    contract, now, waited = Contract(Terms(deadline=0.1, window=10)), 100.0, []
    now = run(contract, [0.2] * 11, now)
    for _ in range(3):
        pictures = 0
        while contract.step == "skip":
            now, pictures = run(contract, [0.05], now), pictures + 1
        waited.append(pictures)
        now = run(contract, [0.2] * 10, now)
    assert waited == [10, 20, 40]


def test_a_step_up_is_not_tried_while_a_picture_alone_would_be_late() -> None:
    contract, now = Contract(Terms(deadline=0.1, window=10)), 100.0
    now = run(contract, [0.3] * 21, now)
    assert contract.step == "extrapolate" and contract.deadline == pytest.approx(0.2)
    misses = contract.misses
    for _ in range(100):  # in time for every second picture; the device alone takes longer than the promise
        now += 0.19
        contract.picture(now, milliseconds=150.0)
    assert contract.step == "extrapolate" and contract.misses == misses
    for _ in range(100):
        now += 0.19
        contract.picture(now, milliseconds=50.0)
        if contract.step != "extrapolate":
            break
    assert contract.step == "skip"


def test_at_the_end_of_the_ladder_things_stay_as_they_are_and_are_said_to_be_so() -> None:
    contract = Contract(Terms(deadline=0.1, window=10, ladder=((64, 64),)))
    now = run(contract, [0.5] * 31, cost=90.0)
    assert contract.step == "smaller"
    contract.exhausted(now)
    run(contract, [0.5] * 100, now)
    assert contract.step == "extrapolate" and contract.why == "the ladder has no smaller size"


def test_smaller_pictures_are_no_help_where_it_is_not_they_that_take_the_time() -> None:
    contract = Contract(Terms(deadline=0.1, window=10, ladder=((64, 64),)))
    run(contract, [0.5] * 100, cost=20.0)
    assert contract.step == "extrapolate"


def test_a_size_that_was_given_up_comes_back_once_there_has_long_been_time_for_it() -> None:
    contract = Contract(Terms(deadline=0.1, window=10, ladder=((64, 64),)))
    now, waited = run(contract, [0.5] * 31, cost=90.0), []
    for _ in range(2):
        contract.resized(now, (64, 64), "late", (128, 128))
        assert contract.step == "whole" and contract.larger((64, 64)) is None
        now = run(contract, [0.05] * 500, now, cost=30.0)  # four times that would be late again
        assert contract.larger((64, 64)) is None
        pictures = 0
        while contract.larger((64, 64)) is None:
            now, pictures = run(contract, [0.05], now, cost=10.0), pictures + 1
        waited.append(pictures)
        contract.regrown(now, (128, 128))
        assert contract.larger((128, 128)) is None and contract.steps_taken[-1][1] == "larger"
        now = run(contract, [0.5] * 31, now, cost=90.0)
        assert contract.step == "smaller"
    assert waited[1] > 1.5 * waited[0]


def test_a_deadline_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds over 0"):
        Terms(deadline=0.0)


def test_without_smaller_sizes_the_last_step_is_not_taken() -> None:
    contract = Contract(Terms(deadline=0.1, window=10))
    run(contract, [0.2] * 100)
    assert contract.step == "extrapolate"


def test_the_next_smaller_size_is_the_largest_below() -> None:
    contract = Contract(Terms(ladder=((384, 384), (256, 256), (512, 512))))
    assert contract.smaller((512, 512)) == (384, 384)
    assert contract.smaller((256, 256)) is None


def test_growth_of_the_allocator_is_counted_from_the_first_account() -> None:
    contract = Contract()
    for allocated in (1000, 1000, 1500):
        contract.memory(allocated)
    assert contract.figures(0.0)["allocator_growth_bytes"] == 500


def test_every_figure_is_published_as_a_number() -> None:
    contract = Contract(Terms(deadline=0.1))
    now = run(contract, [0.05] * 30)
    figures = contract.figures(now)
    assert all(isinstance(value, float) for value in figures.values())
    assert figures.keys() == Contract().figures(0.0).keys(), "addresses do not come and go"
    assert {*figures, "size_px"} == set(CONTRACT), "each has an address and a description"
    for name in (
        "compute_ms_p50",
        "compute_ms_p99.9",
        "interval_ms_max",
        "misses",
        "longest_run",
        "recaptures",
        "age_ms",
    ):
        assert name in figures
