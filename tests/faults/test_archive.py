"""Withdrawal, snapshot, restore and merging: killed at any instant, failing at any step, there is no half state."""

from __future__ import annotations

import contextlib
import datetime
import re
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Text
from engine.mind.memory.archive import Archive, ArchiveError, Birth, Seen
from engine.mind.memory.copies import alone, snapshot, snapshots
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.restoring import restore
from engine.mind.memory.strata import merge_near_duplicates
from engine.mind.memory.withdrawal import Journal, settle, withdraw
from tests.faults.killed import Lines, copied, fail, killed_after, killed_at, points, readable, sound, started

CANARY = "the ocelot keeps seventeen umbrellas"
WORDS = ("ocelot", "seventeen", "umbrellas")
KEPT = "the heron on the pier at noon"
NUMBERED = re.compile(rb"(?i:canary|heron|c\0a\0n\0a\0r\0y\0|h\0e\0r\0o\0n\0)((?:\d\0?){6})")
SPRING, SUMMER = (lambda: datetime.date(2026, 1, 1)), (lambda: datetime.date(2026, 6, 1))


def born(words: str, seed: int = 0, kind: str = "machine", **more: object) -> Birth:
    rng = np.random.default_rng(seed)
    vector = rng.standard_normal(16).astype(np.float32)
    vector /= np.linalg.norm(vector)
    return Birth(kind, words, vector, Seen(rng.standard_normal((4, 4, 4)).astype(np.float16), vector[::-1].copy(), bytes(32)), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive whose canary has a picture, a borrower, two copies and a restored-over file; and twelve pictures alike."""
    folder = tmp_path_factory.mktemp("template") / "archive"
    archive = Archive(folder, calendar=SPRING)
    root = archive.remember(born("a red moon", kind="founding"), "s")
    archive.hear(Text(KEPT, key="kept"))
    fragment, _, _ = archive.hear(Text(CANARY, key="canary"))
    archive.develop(fragment, born("", 1), "s")
    archive.remember(born("umbrellas pier", 2), "s", [("umbrellas", fragment), ("pier", fragment - 1)])
    line = descend([(1.0, Line.root(root))])
    for _ in range(12):
        archive.remember(born("a red moon again", 3, parents=[(root, 1.0)], line=line), "s")
    snapshot(archive)
    archive.close()
    restore(folder)
    archive = Archive(folder, calendar=lambda: datetime.date(2026, 1, 2))
    archive.hear(Text("said after the first copy", key="later"))
    snapshot(archive)
    archive.close()
    return folder


def canary(archive: Archive) -> bytes:
    return archive.code(archive.code_for("canary"))


def take_back(folder: Path) -> None:
    archive = Archive(folder, calendar=SUMMER)
    withdraw(archive, Journal(folder), canary(archive))
    archive.close()


def copy(folder: Path) -> None:
    archive = Archive(folder, calendar=SUMMER)
    snapshot(archive)
    archive.close()


def come_back(folder: Path) -> None:
    with alone(folder):
        restore(folder, "2026-01-01", Journal(folder).all())


def merge(folder: Path) -> None:
    archive = Archive(folder, calendar=SUMMER)
    merge_near_duplicates(archive, "s")
    archive.close()


def taken_or_not(folder: Path) -> None:
    with started(folder) as archive:
        (found,) = archive.select("code = ?", canary(archive))
        begun = bool(Journal(folder).all())
        assert begun is (found.state == 1) and not Journal(folder).begun()
        captions = {one.words for one in archive.select("kind = 4 AND id < 6")}
        assert captions == ({"pier", "a red moon again"} if begun else {"umbrellas pier", "a red moon again"})
        assert begun or (found.words == CANARY and archive.latents([found.id], "s"))
        assert not begun or not readable(folder, *WORDS)
        assert archive.count("words = ?", KEPT) == 1 and archive.mass == 17


def copied_or_not(folder: Path) -> None:
    with started(folder) as archive:
        assert archive.mass == 17
    for path in snapshots(folder):
        night = Archive(path.parent, path.name)
        assert night.mass == (16 if path.stem == "2026-01-01" else 17)
        night.close()


def back_or_not(folder: Path) -> None:
    with started(folder) as archive:
        mass = archive.mass
        assert mass in (16, 17) and archive.count("words = ?", KEPT) == 1
        if mass == 16:
            before = Archive(folder, "memory.before-restore")
            assert before.mass == 17, "what was there is kept"
            before.close()
            later, _, fresh = archive.hear(Text("said after the copy came back", key="new"))
            assert fresh and later > 17, "an id that was used is not used again"


def merged_or_not(folder: Path) -> None:
    with started(folder) as archive:
        assert archive.mass == 17
        for one in archive.select("kind = 4"):
            there = bool(archive.latents([one.id], "s"))
            assert (one.state, one.mass > 0, there) in ((0, True, True), (2, False, False))
            assert one.state or abs(archive.lines([one.id])[one.id].sum - 1) < 1e-6


WORK = {"withdrawal": (take_back, taken_or_not), "snapshot": (copy, copied_or_not),
        "restore": (come_back, back_or_not), "merge": (merge, merged_or_not)}  # fmt: skip


@pytest.mark.parametrize("most", [10, pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(3000)])])
@pytest.mark.parametrize("name", WORK)
def test_killed_at_any_line_it_is_done_or_undone_at_the_next_start(name: str, most: int, template: Path, tmp_path: Path) -> None:
    work, holds = WORK[name]
    lines = Lines().run(lambda: work(copied(template, tmp_path / "whole")))
    holds(tmp_path / "whole")
    died = 0
    for line in points(lines, most):
        folder = copied(template, tmp_path / "archive")
        died += killed_at(line, lambda folder=folder: work(folder))  # type: ignore[misc]
        holds(folder)
        sound(folder)
    print(f"{name}: {lines} lines, killed at {died}")
    assert died >= min(lines, most) - 2


@pytest.mark.parametrize("most", [10, pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(3000)])])
@pytest.mark.parametrize("name", WORK)
def test_a_disk_that_fails_at_any_step_leaves_nothing_half_done(name: str, most: int, template: Path, tmp_path: Path) -> None:
    work, holds = WORK[name]
    lines = Lines().run(lambda: work(copied(template, tmp_path / "whole")))
    for line in points(lines, most):
        folder = copied(template, tmp_path / "archive")
        with contextlib.suppress(sqlite3.OperationalError, ArchiveError):
            Lines(line, fail).run(lambda folder=folder: work(folder))  # type: ignore[misc]
        holds(folder)
        sound(folder)
        work(folder)
        holds(folder)


def living(folder: Path, say: Callable[[str], None], number: int) -> None:
    """What a house does to its archive in a year, in a tenth of a second, for ever."""
    while True:
        archive = Archive(folder, calendar=SUMMER)
        journal = Journal(folder)
        copier = threading.Thread(target=snapshot, args=(archive,))
        copier.start()
        for _ in range(4):
            number += 1
            _, code, _ = archive.hear(Text(f"heron{number:06} canary{number:06}", key=str(number)))
            say(f"heard {number}")
            archive.remember(born("", number), "s", [(f"canary{number:06}", archive.find(code))])
            if number % 2:
                journal.begin(archive.code(code))
                say(f"begun {number}")
                while journal.begun():
                    try:
                        list(settle(archive, journal))
                    except (ArchiveError, sqlite3.Error):
                        time.sleep(0.01)
                say(f"gone {number}")
        copier.join()
        snapshot(archive)
        say("copied 1")
        merge_near_duplicates(archive, "s", age=-1, alike=0.9)
        archive.close()
        say("merged 1")
        restore(folder, "", journal.all())
        say("restored 1")


def written(folder: Path) -> set[int]:
    """Numbers of the sentences of which a word can be read in any file."""
    found = [word for file in folder.rglob("*") if file.is_file() for word in NUMBERED.findall(file.read_bytes())]
    return {int(word.replace(b"\0", b"")) for word in found}


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1200)])])
def test_kill_9_at_random_instants_leaves_no_half_state_and_no_byte_of_what_was_taken_back(kills: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(kills)
    folder, number = tmp_path / "archive", 0
    told: dict[str, list[int]] = defaultdict(list)
    begin = time.monotonic()
    for _ in range(kills):
        for line in killed_after(int(rng.integers(0, 16)), float(rng.uniform(0, 0.1)), lambda say, number=number: living(folder, say, number)):  # type: ignore[misc]
            what, _, which = line.partition(" ")
            told[what].append(int(which))
        heard, begun, gone = (set(told[what]) for what in ("heard", "begun", "gone"))
        number = max(heard | {number}) + 1  # the one after may have been stored, unsaid
        assert not gone & written(folder), "acknowledged, and still there before any start"
        with started(folder) as archive:
            wished = Journal(folder).all()
            begun |= {n for n in heard if archive.code(archive.code_for(str(n))) in wished}  # some were killed before they said so
            held = {int(key) for (key,) in archive._base.execute("SELECT key FROM fragment WHERE key IS NOT NULL")}
            assert heard - begun <= held, f"lost: {heard - begun - held}"
            assert not begun & held
        there = written(folder)
        assert not begun & there and heard - begun <= there
        sound(folder)
    print(f"{kills} kills in {time.monotonic() - begin:.0f} s:", {what: len(done) for what, done in told.items()})
    assert gone
