"""A house that keeps hours: light as it rises and falls, a hand against it, a clock that is wrong. Time is injected."""

import datetime
import itertools

import pytest

from engine.core.hours import Hours
from engine.core.machine import HoursFacts, Machine
from engine.core.messages import Set, Text, Trouble
from engine.house.command import parser
from engine.house.opening import Opening
from engine.house.plan import plan
from engine.loop import ScriptedDoors

NINE = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC).timestamp()
HOUR = 3600.0


class Place:
    """A house whose day the test runs through."""

    def __init__(self, *open, fade=60.0, at=NINE, known=0.0):
        self.wall, self.mono, self.doors = at, 100.0, ScriptedDoors()
        hours = Hours.of(HoursFacts(open=open, zone="UTC", fade=fade))
        self.opening = Opening(self.doors, hours, known, lambda: self.wall, lambda: self.mono)

    def pass_by(self, seconds, step=1.0):
        """So many seconds, a frame each `step`; the light of each."""
        out = []
        for _ in range(int(seconds / step)):
            self.wall, self.mono = self.wall + step, self.mono + step
            out.append(self.opening.light())
        return out

    def say(self, *args):
        self.doors.messages.append(Set("/hm/hours", args))
        return list(self.opening.drain())

    def told(self):
        self.doors.told.clear()
        self.opening.tell((), dict)
        return [news.what for news in self.doors.told if isinstance(news, Trouble)]


def test_a_day_rises_within_a_minute_stays_and_is_dark_at_its_end():
    place = Place("daily 10:00-18:00")
    assert place.opening.resting and max(place.pass_by(HOUR - 10, 10.0)) == 0.0 and max(place.pass_by(9)) == 0.0
    rise = place.pass_by(90)
    assert all(b >= a for a, b in itertools.pairwise(rise)) and 0.3 < rise[30] < 0.7 and rise[65] == 1.0
    assert min(place.pass_by(8 * HOUR - 180, 30.0)) == 1.0
    fall = place.pass_by(92)
    assert fall[-1] == 0.0 and place.wall <= NINE + 9 * HOUR + 2, "dark when the doors close"
    assert place.opening.resting and place.opening.sentence == "closed until Wednesday 10:00"


def test_a_show_that_starts_in_the_middle_of_a_day_is_light_at_once():
    assert Place("daily 08:00-18:00").opening.level == 1.0
    assert Place().opening.level == 1.0


def test_a_hand_opens_and_closes_against_the_hours_until_it_lets_go():
    place = Place("daily 10:00-18:00")
    assert place.say("open") == [] and place.pass_by(70)[-1] == 1.0
    assert place.opening.values()["/hm/hours"] == ("open",) and "open by hand" in place.opening.sentence
    place.say("auto")
    assert place.pass_by(70)[-1] == 0.0
    place.pass_by(2 * HOUR, 60.0)
    place.say("closed")
    assert place.pass_by(70)[-1] == 0.0
    place.say("ajar")
    assert place.told() == ["/hm/hours takes auto, open, closed, found 'ajar'"]
    assert place.opening.hand == "closed"


def test_other_messages_pass():
    place = Place()
    place.doors.messages.append(Text("the sea"))
    assert list(place.opening.drain()) == [Text("the sea")]


def test_a_clock_that_has_lost_its_time_keeps_no_hours_and_says_how_it_is_set():
    place = Place("daily 10:00-18:00", at=0.0, known=NINE)
    assert place.opening.level == 1.0 and "1970-01-01" in place.opening.note and "timedatectl" in place.opening.note
    place.wall = NINE + 10 * HOUR  # somebody sets it, in the evening
    assert place.pass_by(65)[-1] == 0.0 and place.opening.note == ""
    assert any("set forward by" in what for what in place.told())
    place.wall -= 3 * 365 * 86400.0
    assert place.pass_by(65)[-1] == 1.0 and place.opening.note, "it was known to be later"


def test_a_change_of_zone_or_an_hour_of_correction_is_no_wrong_clock():
    place = Place("daily 10:00-18:00", known=NINE + 12 * HOUR)
    assert place.opening.note == "" and place.opening.level == 0.0


@pytest.mark.parametrize("length", [2, 30, 61])
def test_an_opening_shorter_than_its_fades_rises_and_falls_all_the_same(length):
    place = Place("daily 10:00-10:01", fade=float(length))
    place.pass_by(HOUR - 10, 10.0)
    place.pass_by(8)
    light = place.pass_by(130)
    assert max(light) > 0.4 and light[-1] == 0.0


def test_hours_reach_the_show_from_the_machine_file():
    options = parser().parse_args(["run", "--sound", "null", "--osc", "0", "--web", "0"])
    facts = HoursFacts(open=("daily 10:00-18:00",), fade=5.0, zone="Europe/Paris")
    assert plan(options, Machine(hours=facts)).hours == Hours.of(facts)
