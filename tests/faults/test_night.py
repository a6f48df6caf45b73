"""The night's work: once a day, in whatever quiet there is, and nobody is held up by it."""

from __future__ import annotations

import datetime
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.core.crossings import PictureRing
from engine.core.messages import Dream, Text, Trouble
from engine.mind.memory import strata
from engine.mind.memory.archive import Birth, Seen
from engine.mind.memory.copies import snapshots
from engine.mind.mind import Mind
from engine.mind.night import night
from engine.mind.room import Room
from tests.mind.small_mind import SIDE, options, parts

ALONE, HERE = Dream("", autonomy=1.0), Dream("a red moon", autonomy=0.1)


class Calendar:
    """A day that the test says."""

    def __init__(self) -> None:
        self.day = datetime.date(2026, 3, 1)

    def __call__(self) -> datetime.date:
        return self.day


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Room, Calendar]]:
    PASSED[0] = 0.0
    ring = PictureRing((SIDE, SIDE))
    ours, theirs = socket.socketpair()
    made, calendar = Room(theirs, ring.name, options(tmp_path, founding=24)), Calendar()
    made.mind = Mind(made.options, parts=parts())
    made.mind.keeper.archive.calendar = calendar
    yield made, calendar
    made.mind.close()
    made.ring.close()
    ring.close()
    ours.close()
    theirs.close()


PASSED = [0.0]


def rest(made: Room, dream: Dream, seconds: float) -> list[str]:
    """So many seconds with this dream; the days that have a copy afterwards."""
    made.dream = dream
    for at in np.arange(0.0, seconds, 5.0):
        made._sleep_on_it(made._begun + PASSED[0] + at)
    PASSED[0] += seconds
    assert made.mind
    return [path.stem for path in snapshots(made.mind.keeper.archive.folder)]


def test_a_copy_is_made_once_a_day_in_the_first_quiet_minute_at_any_hour(house: tuple[Room, Calendar]) -> None:
    made, calendar = house
    assert rest(made, HERE, 600) == [] and rest(made, ALONE, 30) == [] and rest(made, HERE, 30) == []
    assert rest(made, ALONE, 90) == ["2026-03-01"]
    made.mind.keeper.archive.folder.joinpath("snapshots", "2026-03-01.sqlite").unlink()  # type: ignore[union-attr]
    assert rest(made, ALONE, 7200) == [], "once a day"
    calendar.day += datetime.timedelta(1)
    assert rest(made, HERE, 600) == [] and rest(made, ALONE, 90) == ["2026-03-02"]


def test_a_show_that_is_never_quiet_is_copied_all_the_same(house: tuple[Room, Calendar]) -> None:
    made, calendar = house
    assert rest(made, ALONE, 90) == ["2026-03-01"]
    calendar.day += datetime.timedelta(1)
    assert rest(made, HERE, 600) == ["2026-03-01"]
    calendar.day += datetime.timedelta(1)
    assert rest(made, HERE, 60) == ["2026-03-01", "2026-03-03"]


def test_a_night_that_failed_is_said_and_tried_again_in_an_hour(house: tuple[Room, Calendar]) -> None:
    made, _ = house
    assert made.mind
    place = made.mind.keeper.archive.folder / "snapshots"
    place.write_text("somebody's file where the folder should be")
    assert rest(made, ALONE, 600) == []
    told = [letter for letter in made._outbox if isinstance(letter, Trouble)]
    assert len(told) == 1 and "could not be copied" in told[0].what
    place.unlink()
    assert rest(made, ALONE, 3600) == ["2026-03-01"]


def test_sentences_are_stored_while_old_pictures_are_compared_and_laid_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mind = Mind(options(tmp_path, founding=24), parts=parts())
    keeper, calendar = mind.keeper, Calendar()
    rng = np.random.default_rng(0)
    keeper.archive.calendar = lambda: datetime.date(2026, 1, 1)
    row = np.array([0])
    meaning, latent = mind.memory.words.raw(row)[0], mind.memory.latents(row)[0].astype(np.float16)
    for number in range(60):
        vector = meaning + (0.01 if number % 2 else 3.0) * rng.standard_normal(len(meaning)).astype(np.float32) / 8
        seen = Seen(latent, vector / np.linalg.norm(vector), bytes(32))
        keeper._take_in(keeper.archive.remember(Birth("machine", "", seen.vector, seen), mind.parts.space), seen.vector, seen)
    keeper.archive.calendar, mass = calendar, keeper.archive.mass
    comparing, spoken, compare = threading.Event(), threading.Event(), strata._strata

    def long(*args):  # type: ignore[no-untyped-def]
        comparing.set()
        assert spoken.wait(20), "nobody could speak while pictures were compared"
        return compare(*args)

    monkeypatch.setattr(strata, "_strata", long)

    def speak() -> None:
        comparing.wait(20)
        for number in range(5):
            mind.hear(Text(f"sentence {number}", key=f"k{number}"))
        spoken.set()

    speaker = threading.Thread(target=speak)
    speaker.start()
    merged = night(keeper, mind.rows)
    speaker.join()
    assert merged >= 29 and keeper.archive.mass == mass + 5
    gone = {one.id for one in keeper.archive.select("state = 2")}
    assert len(gone) == merged and not gone & set(mind.memory.row)
    mind.close()
