"""Sensors (row 5): a name and a number become words, once in a while, measured by the sensor's own past."""

import math

import numpy as np
import pytest

from engine.core.autonomy import ALONE
from engine.core.clock import Now
from engine.core.messages import Text
from engine.doors.sensor import LEARNT, PAUSE, Sensors
from engine.show.cast import Cast
from engine.show.programme import Programme
from engine.show.scene import find
from tests.doors.doors_house import House, Performer


def told(numbers: np.ndarray, every: float = 1.0) -> list[str]:
    sensors = Sensors()
    return [words for step, number in enumerate(numbers) if (words := sensors.read("rain", float(number), step * every))]


def test_a_sensor_speaks_of_its_own_past() -> None:
    usual = np.random.default_rng(0).normal(20.0, 1.0, 200)
    assert told(np.concatenate([usual, np.full(40, 30.0)]))[-1] == "more rain than ever, more and more"
    assert told(np.concatenate([usual, np.full(40, 5.0)]))[-1] == "hardly any rain, less and less"
    assert told(1000 * np.concatenate([usual, np.full(40, 30.0)])) == told(np.concatenate([usual, np.full(40, 30.0)])), "units do not matter"


def test_a_sensor_that_does_not_change_says_nothing_after_its_first_word() -> None:
    assert told(np.full(500, 3.0)) == ["some rain"]
    assert not told(np.full(LEARNT, 3.0)), "it has no past yet"


def test_a_hundred_numbers_a_second_are_not_a_flood() -> None:
    found = told(np.random.default_rng(1).normal(0, 1, 6000), 0.01)
    assert 1 <= len(found) <= 60 / PAUSE + 1


def test_what_is_no_number_is_refused() -> None:
    for number in (math.nan, math.inf):
        with pytest.raises(ValueError, match="no number"):
            Sensors().read("rain", number, 0.0)


def test_a_sensor_is_heard_over_the_wire_and_nobody_for_it() -> None:
    with House() as house:
        performer = Performer(house.opened.osc)
        for number in [20.0, 21.0, 19.0, 20.5, 19.5, 20.2, 19.8, 20.1, 20.0, 35.0, 36.0, 37.0]:
            performer.play("/hm/sensor", "rain on the roof", number)
        house.until(lambda: house.messages(Text))
        text = house.messages(Text)[0]
        assert text.kind == "sensor" and "rain on the roof" in text.words and text.person == "sensor rain on the roof"
        assert "a name of 1 to 40" in performer.ask("/hm/sensor", " ", 1.0)[0][1][0]
        assert "wants" in performer.ask("/hm/sensor", "rain")[0][1][0]
        performer.close()


def test_a_sensor_takes_neither_the_wall_nor_the_solitude() -> None:
    show = Programme(Cast([find("gap")]), "gap")
    now = Now(1, 1 / 60, 1 / 60)
    show.receive(Text("much rain", "sensor"), now)
    assert show.presence.value(now.time) >= ALONE and not show.scene.words
    show.receive(Text("the sea"), now)
    assert show.presence.value(now.time) < ALONE and show.scene.words == "the sea"
