"""Row 10: nothing is dropped. Mass is conserved under load, compaction and kill -9; one rare memory is found."""

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Dream, Text
from engine.mind.memory.archive import Archive, Birth, Seen
from engine.mind.memory.copies import snapshot
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.recall import Memory
from engine.mind.memory.restoring import restore
from engine.mind.memory.strata import merge_near_duplicates
from engine.mind.mind import Mind
from tests.mind.memory.test_archive import killed_while_writing
from tests.mind.small_mind import options, parts, vector
from tests.rows.sabotage import Sabotage, fails, put

SHAPE = (4, 8, 8)


def strata(folder: Path, count: int = 300) -> Archive:
    """An archive of old pictures, most of them alike, one rare; and a founding memory that all descend from."""
    rng = np.random.default_rng(10)
    archive = Archive(folder, calendar=lambda: datetime.date(2026, 1, 1))
    def seen(words: str, blur: float) -> Seen:
        v = vector(words) + blur * rng.standard_normal(64).astype(np.float32) / 8
        return Seen(rng.standard_normal(SHAPE).astype(np.float16), v / np.linalg.norm(v))
    root = archive.remember(Birth("founding", "a red moon", vector("a red moon"), seen("a red moon", 0)), "small")
    line = descend([(1.0, Line.root(root))])
    for number in range(count):
        words = "the only zeppelin" if number == count // 3 else ("a red moon again", "a grey sea again")[number % 2]
        archive.remember(Birth("machine", words, vector(words), seen(words, 0.05), [(root, 1.0)], line), "small")
    return archive


def check(folder: Path) -> None:
    mind = Mind(options(folder / "live", founding=24, keyframe=0.5, think_every=1), parts=parts())
    for number in range(12):
        mind.hear(Text(f"sentence number {number}", key=str(number % 10)))
        state = mind.picture(Dream(f"sentence number {number}", key=str(number % 10)), float(number)).state
    archive = mind.keeper.archive
    assert archive.count("kind = 1") == 10, "each sentence once, whoever repeats it"
    assert state.mass == archive.mass == archive.count() >= 22, f"published {state.mass}, in the archive {archive.mass}"
    mind.close()

    acknowledged = sum(killed_while_writing(folder / "killed", run, 0.05) for run in range(2))
    killed = Archive(folder / "killed")
    assert killed.mass == killed.count() >= acknowledged

    old = strata(folder / "old")
    mass, copy = old.mass, snapshot(old)
    old.calendar = lambda: datetime.date(2026, 6, 1)
    merged = merge_near_duplicates(old, "small")
    assert merged > 250, f"{merged} of 300 went into strata"
    assert old.mass == mass == 301, f"{mass} before, {old.mass} after compaction"
    print(f"  measured: mass {mass} before and {old.mass} after {merged} of 300 were laid together; {killed.mass} kept of {acknowledged} acknowledged at kill -9")
    assert old.count("state = 0") == 301 - merged and len(old.recallable("small")[0]) == 301 - merged
    for fragment in old.select("state = 0 AND kind = 4"):
        line = old.lines([fragment.id])[fragment.id]
        assert line.share(1) == pytest.approx(1) and abs(line.sum - 1) < 1e-6, "a stratum lost its ancestors"
    memory = Memory(old, "small", SHAPE)
    rare = memory.by_words(vector("the only zeppelin"), 1, 0.07).rows[0]
    assert memory.fragments[rare].words == "the only zeppelin", "the rare memory went under"
    old.close()
    assert restore(folder / "old") == copy
    assert Archive(folder / "old").count("state = 0") == 301, "a night can be taken back"


def test_mass_is_conserved_and_a_rare_memory_is_found(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


def lossy(self, stratum, members, line, act=Archive.merge):  # type: ignore[no-untyped-def]
    """Compaction that leaves the mass behind."""
    act(self, stratum, members, line)
    self._base.execute("UPDATE fragment SET mass = 1 WHERE id = ?", (stratum,))


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.memory.archive.Archive.mass", property(lambda self: 100.0), "constant"),
    put("engine.mind.memory.archive.Archive.mass", property(lambda self: float(CHANCE.integers(1, 400))), "chance"),
    put("engine.mind.memory.archive.Archive.merge", lossy, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_sabotaged_mass_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_one_rare_memory_in_a_million_is_found() -> None:
    """While the index is built, and by the index."""
    from engine.bench.memory import themed
    from engine.mind.memory.space import Space

    many = themed(1_000_000)
    many[765_432] = themed(1, seed=99)
    near = many[765_432] + 0.02 * np.random.default_rng(0).standard_normal(many.shape[1]).astype(np.float32)
    space = Space(many)
    assert space._index and space._index.building and space.nearest(near, 1)[0][0] == 765_432
    space.settle()
    assert not space._index.building and space.nearest(near, 1)[0][0] == 765_432


def test_strata_are_made_of_old_pictures_of_the_machine_alone(tmp_path: Path) -> None:
    archive = strata(tmp_path, 20)
    assert merge_near_duplicates(archive, "small") == 0, "nothing is old yet"
    archive.calendar = lambda: datetime.date(2026, 6, 1)
    birth = Birth("machine", "a red moon again", vector("a red moon again"), Seen(np.zeros(SHAPE, np.float16), vector("a red moon again")))
    for _ in range(3):
        archive.remember(replace(birth, kind="founding"), "small")
    merge_near_duplicates(archive, "small")
    assert archive.count("kind = 0 AND state = 0") == 4
