"""When a place is open: by the clock on its wall, whatever the clocks do."""

import datetime

import pytest

from engine.core.hours import Hours
from engine.core.machine import HoursFacts


def hours(*open, zone="Europe/Paris", fade=0.0, **more):
    return Hours.of(HoursFacts(open=open, zone=zone, fade=fade, **more))


def at(text, zone="Europe/Paris", fold=0):
    from zoneinfo import ZoneInfo

    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def test_a_place_without_hours_is_always_open():
    assert hours().always and hours().wanted(at("2026-11-26 03:00"))
    assert hours().sentence(0.0) == "always open"


def test_weekdays_have_their_hours_and_the_others_are_closed():
    gallery = hours("tue-sun 10:00-18:00", "thu 10:00-22:00")
    for text, open in [
        ("2026-11-23 12:00", False),  # a Monday
        ("2026-11-24 09:59", False), ("2026-11-24 10:00", True), ("2026-11-24 17:59", True), ("2026-11-24 18:00", False),
        ("2026-11-26 21:00", True),  # a Thursday
    ]:  # fmt: skip
        assert (gallery.span(at(text)) is not None) == gallery.wanted(at(text)) == open, text
    assert gallery.sentence(at("2026-11-24 12:00")) == "open until 18:00"
    assert gallery.sentence(at("2026-11-22 19:00")) == "closed until Tuesday 10:00"


def test_a_night_goes_past_midnight_and_touching_hours_are_one():
    club = hours("fri-sat 20:00-03:00", "sun 03:00-04:00")
    assert club.wanted(at("2026-11-28 02:59")) and not club.wanted(at("2026-11-28 03:00"))
    assert club.wanted(at("2026-11-29 03:30")) and club.span(at("2026-11-28 21:00")).end == at("2026-11-29 04:00")
    assert hours("daily 00:00-24:00").span(at("2026-11-28 21:00")).end > at("2026-12-05 00:00")


def test_ten_is_ten_on_either_side_of_a_change_of_clocks_and_a_night_through_it_is_longer_or_shorter():
    gallery = hours("daily 10:00-18:00")
    for day in ("2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25"):
        (span,) = gallery.spans(datetime.date.fromisoformat(day))
        assert (span.begin, span.end) == (at(f"{day} 10:00"), at(f"{day} 18:00"))
    night = hours("sat 20:00-04:00")
    lengths = [(s.end - s.begin) / 3600 for day in ("2026-03-21", "2026-03-28", "2026-10-24") for s in night.spans(datetime.date.fromisoformat(day))]
    assert lengths == [8, 7, 9]


def test_an_hour_that_comes_twice_is_open_both_times_and_one_that_never_comes_is_the_next():
    night = hours("sun 02:15-02:45")
    (twice,) = night.spans(datetime.date(2026, 10, 25))
    assert twice.begin == at("2026-10-25 02:15") and twice.end == at("2026-10-25 02:45", fold=1)
    (never,) = night.spans(datetime.date(2026, 3, 29))
    assert never.begin == at("2026-03-29 03:15") and never.end - never.begin == 1800


def test_closed_days_are_dark_and_a_private_view_is_not():
    gallery = hours("daily 10:00-18:00", closed=("12-25", "2026-12-30..2027-01-02"), also=("2026-12-25 19:00-21:00", "2026-11-30 18:00-20:00"))
    assert not gallery.wanted(at("2026-12-25 12:00")) and not gallery.wanted(at("2028-12-25 12:00"))
    assert not gallery.wanted(at("2027-01-01 12:00")) and gallery.wanted(at("2027-01-03 12:00"))
    assert gallery.wanted(at("2026-12-25 20:00"))
    assert gallery.span(at("2026-11-30 12:00")).end == at("2026-11-30 20:00")
    closed_alone = hours(closed=("2026-12-25",))
    assert not closed_alone.wanted(at("2026-12-25 23:59")) and closed_alone.wanted(at("2026-12-26 00:00"))


def test_light_falls_so_that_it_is_dark_at_the_end():
    gallery = hours("daily 10:00-18:00", fade=60.0)
    assert gallery.wanted(at("2026-11-24 17:58:59")) and not gallery.wanted(at("2026-11-24 17:59:01"))
    assert gallery.wanted(at("2026-11-24 10:00"))


def test_a_place_may_be_closed_for_long():
    assert hours(also=("2030-01-01 10:00-12:00",), closed=("2026-01-01..2026-12-31",)).sentence(at("2026-06-01 10:00")) == "closed for 15 days and more"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (HoursFacts(open=("tuesdai 10:00-18:00",)), r"\[hours\] open: no day is called 'tuesdai'; .*tue"),
        (HoursFacts(open=("tue 10-18",)), r"\[hours\] open: wants times such as 10:00-18:00, found '10-18'"),
        (HoursFacts(open=("10:00-18:00",)), "wants days and times"),
        (HoursFacts(open=("tue 10:00-25:00",)), "is no time of day"),
        (HoursFacts(closed=("25.12.2026",)), r"\[hours\] closed: wants a day such as 2026-12-25, found '25.12.2026'"),
        (HoursFacts(closed=("2026-12-25..2026-12-24",)), "the last day comes after the first"),
        (HoursFacts(also=("2026-12-25",)), r"\[hours\] also: wants times"),
        (HoursFacts(zone="Europe/Pari"), r"\[hours\] zone: no zone is called 'Europe/Pari'; did you mean Europe/Paris"),
        (HoursFacts(fade=-1.0), "fade is in seconds"),
    ],
)
def test_what_cannot_be_is_said_with_what_can(facts, said):
    with pytest.raises(ValueError, match=said):
        Hours.of(facts)


def test_whole_words_and_lists_of_days_are_understood():
    assert hours("Saturday,Sunday 11:00-19:00").wanted(at("2026-11-28 12:00"))
    assert hours("fri-mon 11:00-19:00").wanted(at("2026-11-30 12:00"))
