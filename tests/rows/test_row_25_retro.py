"""Row 25: no nostalgia. Words that call for ever older memories do not make the pictures older faster than time does."""

import datetime
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Ancestor, Text
from engine.mind.memory.archive import Archive, Birth, Seen
from engine.mind.memory.recall import Memory
from engine.mind.rows.retro import DAY, Retro
from tests.mind.small_mind import vector
from tests.rows.sabotage import Sabotage, fails, put

SHAPE, DAYS = (3, 4, 4), 90
BEGUN = datetime.date(2026, 1, 1)


def diary(folder: Path) -> tuple[Memory, Archive]:
    """A memory of ninety days, a visitor's sentence a day; neighbouring days say nearly the same."""
    today = [0]
    archive = Archive(folder, calendar=lambda: BEGUN + datetime.timedelta(days=today[0]))
    for day in range(DAYS):
        today[0] = day
        meaning = _of(day)
        fragment, _, _ = archive.hear(Text(f"day {day}", key=str(day)))
        archive.develop(fragment, Birth("visitor", "", meaning, Seen(np.zeros(SHAPE, np.float16), meaning)), "small")
    archive.calendar = lambda: BEGUN + datetime.timedelta(days=DAYS)
    return Memory(archive, "small", SHAPE), archive


def _of(day: float) -> np.ndarray:
    """What is meant on a day: the way from one month to the next."""
    months = [vector(f"month {n}") for n in range(DAYS // 10 + 2)]
    part = day / 10
    made = months[int(part)] * (1 - part % 1) + months[int(part) + 1] * (part % 1)
    return (made / np.linalg.norm(made)).astype(np.float32)


def nostalgia(folder: Path, back: float) -> list[float]:
    """The slope while each quarter of a day's words lie `back` quarters further in the past."""
    memory, archive = diary(folder)
    retro, found = Retro(memory, archive.last), []
    for step in range(4 * 20):
        now = step / 4
        archive.calendar = lambda now=now: BEGUN + datetime.timedelta(days=DAYS + int(now))
        recall = memory.penalised(memory.by_words(_of(max(0.0, DAYS - 1 - back * now)), 48, 0.1), 0.0)
        ancestors = [Ancestor(one.id, float(share), one.kind, 0, float(archive.today - one.day))
                     for one, share in ((memory.fragments[row], w) for row, w in zip(recall.rows, recall.weights, strict=True))]  # fmt: skip
        found.append(retro.take(ancestors, now * DAY))
    return found


def check(folder: Path) -> None:
    still, longing = nostalgia(folder / "still", 0.0), nostalgia(folder / "longing", 3.0)
    assert 0.3 < still[-1] < 1.3, f"the same memories do not grow older with the days: {still[-1]:.2f}"
    assert max(longing) > 1.0, "nobody was tempted"
    assert longing[-1] < 1.5, f"nostalgia: {longing[-1]:.2f} days a day"
    print(f"  measured: {still[-1]:.2f} days a day of words that stay, {longing[-1]:.2f} of words that go back by three")


def test_no_nostalgia(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.rows.retro.Retro._slope", lambda self: 0.0, "constant"),
    put("engine.mind.rows.retro.Retro._slope", lambda self: float(CHANCE.normal(0, 4)), "chance"),
    put("engine.mind.memory.recall.Memory._newest", lambda self: np.zeros(0, np.int64), "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_sabotaged_youth_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_what_a_program_painted_has_no_age(tmp_path: Path) -> None:
    memory, archive = diary(tmp_path)
    retro = Retro(memory, archive.last)
    assert all(retro.take([Ancestor(-1, 1.0, "founding", age=90.0)], hour * 3600.0) == 0.0 for hour in range(24))
