import itertools

from engine.core.meter import Meter, Series


def test_percentiles_are_those_of_the_values():
    series = Series()
    for n in range(1, 101):
        series.add(float(n))
    got = series.percentiles()
    assert abs(got["p50"] - 50.5) < 1e-9 and got["max"] == 100 and got["n"] == 100


def test_words_to_light_counts_once_for_each_sentence():
    meter = Meter()
    meter.picture(asked=1.0, made=1.4, now=1.5)
    meter.picture(asked=1.0, made=1.9, now=2.0)
    meter.picture(asked=3.0, made=3.2, now=3.25)
    assert meter.light.count == 2 and abs(meter.light.percentiles()["max"] - 0.5) < 1e-9
    assert meter.pictures == 3


def test_a_late_frame_is_a_missed_one():
    meter = Meter()
    times = [1 + n / 60 for n in range(100)]
    times[50:] = [t + 0.1 for t in times[50:]]
    for before, now in itertools.pairwise(times):
        meter.shown(before, now)
    assert abs(meter.figures(times[-1], 1 / 60)["missed_share"] - 1 / 99) < 1e-9
