"""Starts on bad disks and beside damaged files: something plays each time, and says what is wrong."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from engine.core.crossings import PictureRing
from engine.core.errors import Plain
from engine.core.machine import keep, kept
from engine.core.messages import Dream, Stored, Text, Trouble
from engine.house import doctor
from engine.mind.memory import copies
from engine.mind.memory.archive import Archive
from engine.mind.memory.command import main
from engine.mind.memory.copies import InUse, alone, playing, snapshot
from engine.mind.memory.opening import look, opened
from engine.mind.memory.space import Space
from engine.mind.memory.withdrawal import Journal, withdraw
from engine.mind.mind import Mind
from engine.mind.model.cpu import precision
from engine.mind.night import awake
from engine.mind.room import Room
from tests.faults.disks import disk, full, read_only
from tests.faults.killed import readable
from tests.faults.test_archive import CANARY, WORDS
from tests.house.test_house import Show, wait_for
from tests.mind.small_mind import SIDE, options, parts


def small(folder: Path) -> Mind:
    return Mind(options(folder, founding=24), parts=parts())


def lived(folder: Path) -> Path:
    """An archive in which something was said, one copy of it, and a sentence that lies in its log alone."""
    mind = small(folder)
    mind.hear(Text("a violet tower in the fog", key="first"))
    mind.picture(Dream("a violet tower in the fog", key="first"), 0.0)
    snapshot(mind.keeper.archive)
    mind.close()
    archive = Archive(folder)
    archive.hear(Text("said last", key="last"))
    shutil.copyfile(folder / "memory.sqlite-wal", folder / "log")  # as a kill would leave it
    archive.close()
    (folder / "log").replace(folder / "memory.sqlite-wal")
    return folder


def plays(mind: Mind, remembers: bool) -> None:
    picture = mind.picture(Dream("a red moon at night"), 0.0)
    assert picture.rgba[..., :3].max() > 0 and mind.keeper.standing.remembers is remembers
    news = [*mind.hear(Text("is this kept?", key="now")), *mind.news()]
    assert any(isinstance(one, Stored) for one in news) is remembers, "what is not kept is not acknowledged"
    assert remembers or any(isinstance(one, Trouble) and "not remembered" in one.what for one in news)
    mind.picture(Dream("is this kept?", key="now"), 1.0)
    mind.close()


def test_a_first_start_on_a_read_only_disk_plays_without_remembering(tmp_path: Path) -> None:
    with disk(tmp_path / "disk") as place, read_only(place):
        found = look(place / "archive")
        assert not found.remembers and "Read-only" in found.how and "--home FOLDER" in found.how
        plays(small(place / "archive"), remembers=False)
        assert not list(place.iterdir())


def test_a_first_start_on_a_full_disk_plays_without_remembering(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "16m") as place, full(place):
        assert "No space left" in look(place / "archive").how
        plays(small(place / "archive"), remembers=False)


@pytest.mark.parametrize("how", [read_only, full])
def test_a_disk_that_takes_nothing_is_still_remembered_from_to_the_last_sentence(how, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with disk(tmp_path / "disk", "24m") as place:
        archive = lived(place / "archive")
        with how(place):
            mind = small(archive)
            assert mind.keeper.archive.count("words = 'a violet tower in the fog'") == 1
            assert mind.keeper.archive.count("words = 'said last'") == 1 and len(mind.memory) >= 25
            plays(mind, remembers=False)
        plays(small(archive), remembers=True)


def test_words_that_could_not_be_kept_are_kept_by_the_mind_that_comes_when_the_disk_is_back(tmp_path: Path) -> None:
    ring = PictureRing((SIDE, SIDE))
    ours, theirs = socket.socketpair()
    with disk(tmp_path / "disk", "24m") as place:
        room = Room(theirs, ring.name, options(place / "archive", founding=24))
        with full(place):
            room.mind = small(place / "archive")
            room._sleep_on_it(100.0)
            assert room.open and awake(room.mind.keeper) == 0
        room._sleep_on_it(200.0)
        assert not room.open and any("starts anew" in one.what for one in room._outbox if isinstance(one, Trouble))
        room.mind.close()
        plays(small(place / "archive"), remembers=True)
    for one in (ours, theirs, room.ring, ring):
        one.close()


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def scribbled(path: Path) -> None:
    """A page in the middle is another's: the file opens, and is broken."""
    data = bytearray(path.read_bytes())
    for at in range(8192, len(data), 16384):
        data[at : at + 512] = np.random.default_rng(0).bytes(512)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [zeroed, emptied, scribbled, Path.unlink])
def test_beside_a_damaged_file_the_newest_whole_copy_plays_and_says_so(damage, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = lived(tmp_path / "archive")
    (copy,) = (folder / "snapshots").glob("*.sqlite")
    (folder / "snapshots" / "2099-01-01.sqlite").write_bytes(b"a newer one, and broken" * 1000)
    for suffix in ("-wal", "-shm"):
        (folder / f"memory.sqlite{suffix}").unlink(missing_ok=True)
    damage(folder / "memory.sqlite")
    found = look(folder)
    assert found.remembers and copy.stem in found.how and look(folder).how == "", "and only once"
    kept_as = list(folder.glob("memory.damaged-*.sqlite"))
    assert damage is Path.unlink or (len(kept_as) == 1 and kept_as[0].name in found.how)
    mind = small(folder)
    assert mind.keeper.archive.count("words = 'a violet tower in the fog'") == 1
    plays(mind, remembers=True)


def test_a_damaged_file_without_a_copy_is_kept_and_the_memory_begins_anew(tmp_path: Path) -> None:
    folder = lived(tmp_path / "archive")
    shutil.rmtree(folder / "snapshots")
    zeroed(folder / "memory.sqlite")
    found = look(folder)
    (kept_as,) = folder.glob("memory.damaged-*.sqlite")
    assert "begins anew" in found.how and kept_as.name in found.how
    plays(small(folder), remembers=True)


def test_a_file_that_was_set_aside_goes_when_somebody_takes_back_what_may_lie_in_it_and_not_before(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.hear(Text(CANARY, key="k"))
    snapshot(archive)
    archive.close()
    scribbled(tmp_path / "memory.sqlite")
    data = bytearray((tmp_path / "memory.sqlite").read_bytes())
    (tmp_path / "memory.sqlite").write_bytes(bytes(100) + data[100:])
    assert "is kept as" in look(tmp_path).how
    (kept_as,) = tmp_path.glob("memory.damaged-*.sqlite")
    again = Archive(tmp_path)
    again.hear(Text("said since", key="since"))
    withdraw(again, Journal(tmp_path), again.code(again.code_for("since")))
    assert kept_as.exists()
    withdraw(again, Journal(tmp_path), again.code(again.code_for("k")))
    assert not kept_as.exists() and not readable(tmp_path, *WORDS)
    again.close()


def test_two_shows_cannot_have_one_memory_not_even_while_a_mind_starts_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Archive(tmp_path).close()
    with playing(tmp_path):
        opened(tmp_path).close()  # the first show's mind, between two lives
        with pytest.raises(InUse, match=r"a show plays with .* \(process \d+\): stop it, .* --home FOLDER"), playing(tmp_path):
            pass
        assert main(["--archive", str(tmp_path), "compact"]) == 1 and "a show plays" in capsys.readouterr().err
    with playing(tmp_path), alone(tmp_path):
        pass
    assert issubclass(InUse, Plain), "said in a sentence, without a traceback"


def test_a_commit_that_a_full_disk_refuses_leaves_no_transaction_open(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "4m") as place:
        archive = Archive(place)
        with full(place), pytest.raises(sqlite3.OperationalError):
            for number in range(5000):
                with archive.transaction() as base:
                    base.execute("INSERT INTO fragment (kind, day, words) VALUES (1, 0, ?)", (f"{number}" * 200,))
        (place / "room").unlink(missing_ok=True)
        assert archive.hear(Text("again", key="k"))[2]


def test_what_was_measured_is_forgotten_where_the_cache_takes_nothing_or_is_torn(tmp_path: Path) -> None:
    with disk(tmp_path / "disk") as place:
        keep(place / "cache" / "tier.json", {"a": 1})
        assert kept(place / "cache" / "tier.json") == {"a": 1}
        (place / "torn.json").write_text('{"a": ')
        (place / "list.json").write_text("[1]")
        assert kept(place / "torn.json") == kept(place / "list.json") == kept(place / "none.json") == {}
        with read_only(place):
            keep(place / "cache" / "tier.json", {"a": 2})
            keep(place / "other" / "tier.json", {"a": 2})
        assert json.loads((place / "cache" / "tier.json").read_text()) == {"a": 1}
        assert [file.name for file in (place / "cache").iterdir()] == ["tier.json"]
        (place / "precision.json").write_text("torn")
        precision("auto", place / "precision.json")


def test_an_index_whose_disk_is_full_compares_one_by_one(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((200, 64)).astype(np.float32)
    with disk(tmp_path / "disk", "64k") as place, full(place):
        space = Space(vectors, place / "cache" / "words.usearch", exact=100)
        assert space.nearest(vectors[7], 3)[0][0] == 7
        space.add(vectors[3])
        space.forget(3)
        space.save()
        space.close()


def test_a_large_file_that_turns_out_to_be_damaged_when_it_is_read_gives_way_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = lived(tmp_path / "archive")
    (folder / "memory.sqlite-wal").unlink()
    monkeypatch.setattr(copies, "CHECKED", 0)  # too large to be looked through
    scribbled(folder / "memory.sqlite")
    mind = small(folder)
    assert "copy of" in mind.keeper.standing.how and "memory.damaged-" in mind.keeper.standing.how
    plays(mind, remembers=True)


def test_a_copy_does_not_take_the_last_room_of_the_memory(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "12m") as place:
        archive = Archive(place)
        archive.hear(Text("x" * 4_000_000, key="k"))
        archive.flush()
        with pytest.raises(OSError, match="no room for a copy"):
            snapshot(archive)
        archive.close()


def test_the_doctor_knows_the_memory(tmp_path: Path) -> None:
    (line,) = doctor.archive(tmp_path / "none")
    assert line.found.startswith("missing") and not line.todo
    folder = lived(tmp_path / "archive")
    (line,) = doctor.archive(folder)
    assert line.found.startswith("ok, 1 copies, the newest of 2") and not line.todo
    (folder / "memory.sqlite-wal").unlink()
    zeroed(folder / "memory.sqlite")
    (line,) = doctor.archive(folder)
    assert "damaged" in line.found and "plays the copy of" in line.todo


@pytest.mark.long
@pytest.mark.realtime
@pytest.mark.parametrize("what", ["read-only", "full", "damaged"])
def test_a_whole_show_plays_on_a_bad_disk_and_says_so_first_and_in_health(what: str, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "32m") as place:
        home = place / "home"
        home.mkdir()
        if what == "damaged":
            zeroed(lived(home / "archive") / "memory.sqlite")
        with (read_only(place) if what == "read-only" else full(place) if what == "full" else disk(tmp_path / "none")):
            show = Show(tmp_path / "log", "--say", "the sea at night", "--home", str(home)).awake()
            assert show.process.poll() is None, show.log.read_text()
            notes = " ".join(wait_for(lambda: show.health().get("notes")))
            first = next(line for line in show.log.read_text().splitlines() if "wakes up" in line)
            said = "copy of" if what == "damaged" else "is not remembered"
            assert said in first and said in notes
            assert "Traceback" not in show.log.read_text()
            assert show.end() == 0
