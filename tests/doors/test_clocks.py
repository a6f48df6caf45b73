"""Whose clock says what. Time is injected."""

from __future__ import annotations

from engine.doors.clocks import Clocks

NOW = 1_800_000_000.0


def play(clocks: Clocks, error: float, wishes: list[float], apart: float = 0.05, start: float = NOW) -> list[float]:
    """How long each of some tags waits, of a sender whose clock is ahead by `error` and who wishes so far ahead."""
    waits = []
    for number, wish in enumerate(wishes):
        now = start + number * apart
        tag = now + error + wish
        clocks.hear("192.168.1.7", tag, now)
        waits.append(round(clocks.due("192.168.1.7", tag) - now, 3))
    return waits


def test_a_clock_that_is_right_is_left_alone() -> None:
    assert play(Clocks(), 0.02, [0.0, 0.2, 30.0, 0.0, 600.0]) == [0.02, 0.22, 30.02, 0.02, 600.02]


def test_a_clock_that_is_half_an_hour_ahead_or_behind_or_starts_in_1970_is_aligned_at_once() -> None:
    for error in (1800.0, -1800.0, -NOW, 3e7):
        assert play(Clocks(), error, [0.0, 0.0, 1.0]) == [0.0, 0.0, 1.0]


def test_what_runs_ahead_the_least_is_now() -> None:
    assert play(Clocks(), 1800.0, [0.5, 0.2, 0.5, 0.2]) == [0.0, 0.0, 0.3, 0.0]


def test_a_clock_twenty_seconds_ahead_shows_itself_within_a_second_of_playing() -> None:
    waits = play(Clocks(), 20.0, [0.0] * 40)
    assert waits[:3] == [20.0] * 3 and waits[25:] == [0.0] * 15


def test_a_cue_in_half_a_minute_is_a_wish_and_gets_nearer() -> None:
    clocks = Clocks()
    assert play(clocks, 0.0, [30.0, 20.0, 10.0], apart=0.5) == [30.0, 20.0, 10.0]
    assert play(Clocks(), 0.0, [30.0, 30.0]) == [30.0, 30.0]


def test_a_clock_that_is_set_right_is_believed_again() -> None:
    clocks = Clocks()
    assert play(clocks, 1800.0, [0.0, 0.0]) == [0.0, 0.0]
    assert play(clocks, 0.0, [0.0, 0.0, 0.5], start=NOW + 10) == [0.0, 0.0, 0.5]


def test_a_quick_clock_does_not_fall_behind_in_a_night() -> None:
    clocks = Clocks()
    for minute in range(600):
        wait = play(clocks, 1800.0 + minute * 60 * 5e-5, [0.0], start=NOW + 60.0 * minute)
    assert abs(wait[0]) < 0.01


def test_senders_are_forgotten_oldest_first() -> None:
    clocks = Clocks()
    for number in range(clocks.MOST + 1):
        clocks.hear(f"10.0.{number >> 8}.{number & 255}", NOW + 1800.0, NOW)
    assert clocks.due("10.0.0.0", NOW + 1800.0) == NOW + 1800.0 and clocks.due("10.0.0.1", NOW + 1800.0) == NOW
