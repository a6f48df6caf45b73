"""The log: on a terminal whatever happens, elsewhere each thing once, with a count."""

import io
import logging

import pytest

from engine.core.logbook import DAY, HOUR, Logbook, begin


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def log():
    """A logger of its own, and how the hours pass."""
    made = logging.getLogger("tests.logbook")
    made.propagate = False
    made.setLevel(logging.INFO)
    yield made
    made.handlers.clear()


def book(log, stream, room="mind"):
    clock = [0.0]
    made = Logbook(room, stream, lambda: clock[0])
    log.addHandler(made)
    return made, clock


def test_what_flaps_is_told_once_and_then_with_a_count(log):
    out = io.StringIO()
    _, clock = book(log, out)
    for minute in range(60):
        clock[0] = 60.0 * minute
        log.warning("pictures are %dx%d now, %.1f ms", 192 + minute, 192, 100.0 + minute)
        log.warning("the disk is full")
    clock[0] = HOUR + 1.0
    log.warning("something else")
    lines = [line.split(" ", 2)[2] for line in out.getvalue().splitlines()]
    assert lines == ["mind: pictures are 192x192 now, 100.0 ms", "mind: the disk is full", "mind: 59 times more since it was told: pictures are 192x192 now, 100.0 ms",
                     "mind: 59 times more since it was told: the disk is full", "mind: something else"]  # fmt: skip


def test_the_count_is_told_at_the_end_too_and_nothing_where_it_came_once(log):
    out = io.StringIO()
    made, _ = book(log, out)
    for _ in range(2):
        log.warning("the card is gone")
    log.warning("once")
    made.close()
    assert out.getvalue().splitlines()[-1].endswith("mind: once more since it was told: the card is gone") and len(out.getvalue().splitlines()) == 3


def test_the_course_of_things_is_told_once_a_day_and_what_a_hand_does_each_time(log):
    out = io.StringIO()
    _, clock = book(log, out, "loop")
    for hour in range(30):
        clock[0] = hour * HOUR
        log.info("scene %s has the wall", "abc"[hour % 3], extra={"kind": "who has the wall"})
        log.info("the mapping is saved", extra={"kind": ""})
    said = out.getvalue()
    assert said.count("has the wall") == 2 == 1 + int(30 * HOUR // DAY) and said.count("is saved") == 30


def test_on_a_terminal_everything_is_told_as_it_comes(log):
    out = Screen()
    book(log, out)
    for _ in range(5):
        log.info("the same", extra={"room": "sound"})
    assert [line.split(" ", 1)[1] for line in out.getvalue().splitlines()] == ["sound: the same"] * 5


def test_the_journal_hears_how_grave_each_line_is(log, monkeypatch, tmp_path):
    with (tmp_path / "journal").open("w") as out, (tmp_path / "elsewhere").open("w") as other:
        found = (tmp_path / "journal").stat()
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        for stream in (out, other):
            book(log, stream)
        log.error("a thought failed\nTraceback")
        log.info("well")
    assert (tmp_path / "journal").read_text() == "<3>mind: a thought failed\n<3>Traceback\n<6>mind: well\n"
    assert "<" not in (tmp_path / "elsewhere").read_text()


def test_it_remembers_no_more_kinds_than_it_says_and_forgets_none_untold(log):
    out = io.StringIO()
    made, _ = book(log, out)
    for _ in range(2):
        log.warning("first of all")
    for number in range(600):
        log.warning("".join(chr(97 + int(digit)) for digit in str(number)))
    assert len(made._known) <= 512 and "once more since it was told: first of all" in out.getvalue()


def test_who_takes_the_log_already_keeps_it():
    before = list(logging.getLogger().handlers)
    assert before, "pytest's own"
    begin("loop")
    assert logging.getLogger().handlers == before
