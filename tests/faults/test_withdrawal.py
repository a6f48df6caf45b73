"""What stands in the way of a withdrawal: readers, copies in the making, broken files, captions, repeats, old archives."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from engine.core.messages import Dream, Stored, Text
from engine.mind.memory import copies
from engine.mind.memory.archive import Archive
from engine.mind.memory.copies import snapshot, snapshots
from engine.mind.memory.restoring import restore
from engine.mind.memory.withdrawal import Journal, withdraw
from engine.mind.mind import Mind
from engine.mind.night import night
from tests.faults.disks import disk, full
from tests.faults.killed import readable
from tests.faults.test_archive import CANARY, WORDS, born
from tests.mind.small_mind import options, parts

OLD = Path(__file__).with_name("archive-0.2.sql")  # what an archive of version 0.2 looked like, with a borrowed caption


def small(folder: Path) -> Mind:
    return Mind(options(folder, founding=24), parts=parts())


def heard(mind: Mind, words: str = CANARY, key: str = "k") -> Stored:
    (stored,) = mind.hear(Text(words, key=key))
    assert isinstance(stored, Stored)
    return stored


def test_a_withdrawal_beside_a_reader_holds_nobody_up_and_is_finished_later(tmp_path: Path) -> None:
    mind = small(tmp_path)
    stored = heard(mind)
    reader = sqlite3.connect(tmp_path / "memory.sqlite")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM fragment").fetchone()
    waits: list[float] = []

    def others() -> None:
        for number in range(20):
            begun = time.monotonic()
            mind.hear(Text(f"meanwhile {number}", key=f"m{number}"))
            waits.append(time.monotonic() - begun)
            time.sleep(0.05)

    writer = threading.Thread(target=others)
    writer.start()
    begun = time.monotonic()
    assert mind.keeper.withdraw(stored.code).found
    assert time.monotonic() - begun < 5.0 and "another program reads" in mind.keeper.unsettled
    writer.join()
    assert max(waits) < 1.0, "who writes meanwhile waited for the reader"
    assert mind.keeper.withdraw(stored.code).found, "a retry is not told that nobody was given this code"
    reader.close()
    mind.keeper.settle()
    assert mind.keeper.unsettled == "" and not readable(tmp_path, *WORDS)
    mind.close()


def test_what_is_taken_back_while_a_copy_is_synced_leaves_that_copy_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mind = small(tmp_path)
    stored, syncing, go_on, sync = heard(mind), threading.Event(), threading.Event(), copies.sync

    def slow(path: Path) -> None:
        syncing.set()
        go_on.wait(10)
        sync(path)

    monkeypatch.setattr(copies, "sync", slow)
    tonight = threading.Thread(target=night, args=(mind.keeper, mind.rows))
    tonight.start()
    assert syncing.wait(10)
    assert mind.keeper.withdraw(stored.code).found
    go_on.set()
    tonight.join()
    assert snapshots(tmp_path) and not readable(tmp_path, *WORDS) and mind.keeper.unsettled == ""
    mind.close()


def test_a_copy_that_was_killed_in_the_making_is_gone_at_the_next_start(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.hear(Text(CANARY, key="k"))
    (tmp_path / "snapshots").mkdir()
    archive.copy_to(tmp_path / "snapshots" / "2026-01-01.new")
    code = archive.code(archive.code_for("k"))
    withdraw(archive, Journal(tmp_path), code)
    archive.close()
    mind = small(tmp_path)
    assert not readable(tmp_path, *WORDS)
    mind.close()


def test_a_broken_copy_does_not_stand_in_the_way_and_is_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mind = small(tmp_path)
    stored = heard(mind)
    path = snapshot(mind.keeper.archive)
    data = bytearray(path.read_bytes())
    data[:100] = bytes(100)
    path.write_bytes(data)
    assert readable(tmp_path / "snapshots", "ocelot")
    assert mind.keeper.withdraw(stored.code).found and mind.keeper.unsettled == ""
    assert not readable(tmp_path, *WORDS) and not path.exists() and path.name in caplog.text
    mind.close()


def test_on_a_full_disk_the_wish_is_kept_and_carried_out_when_there_is_room(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "16m") as place:
        mind = small(place / "archive")
        first, second = heard(mind), heard(mind, "another sentence", "other")
        assert mind.keeper.withdraw(second.code).found  # the journal is there, with room in hand
        with full(place):
            assert mind.keeper.withdraw(first.code).found
            assert first.fragment not in mind.memory.row
            assert mind.keeper.unsettled and readable(place / "archive", "ocelot"), "the disk was not full"
        mind.keeper.settle()
        assert mind.keeper.unsettled == "" and not readable(place / "archive", *WORDS)
        mind.close()


def test_captions_lose_whose_words_they_are_and_no_part_of_another_word(tmp_path: Path) -> None:
    archive, journal = Archive(tmp_path), Journal(tmp_path)
    art, _, _ = archive.hear(Text("Art", key="art"))
    mother, _, _ = archive.hear(Text("my mother", key="mother"))
    heart, _, _ = archive.hear(Text("the heart of my grandmother", key="heart"))
    lent = [("heart", heart), ("Art", art), ("mother", mother), ("grandmother", heart)]
    archive.remember(born("heart Art mother grandmother"), "s", lent)
    for key, left in (("art", "heart mother grandmother"), ("mother", "heart grandmother"), ("heart", "")):
        withdraw(archive, journal, archive.code(archive.code_for(key)))
        assert [one.words for one in archive.select("kind = 4")] == [left]


def test_a_word_that_two_have_said_leaves_with_the_one_who_lent_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    one, _, _ = archive.hear(Text("a zeppelin at noon", key="one"))
    archive.hear(Text("a zeppelin at night", key="two"))
    archive.remember(born("zeppelin"), "s", [("zeppelin", one)])
    withdraw(archive, Journal(tmp_path), archive.code(archive.code_for("two")))
    assert [f.words for f in archive.select("kind = 4")] == ["zeppelin"], "it was not theirs"
    withdraw(archive, Journal(tmp_path), archive.code(archive.code_for("one")))
    assert [f.words for f in archive.select("kind = 4")] == [""]


def test_a_word_that_went_from_caption_to_caption_is_still_known_to_be_somebodys(tmp_path: Path) -> None:
    archive, lender = Archive(tmp_path), 0
    first, _, _ = archive.hear(Text("Élan of the ocelot", key="k"))
    lender = first
    for number in range(4):
        lender = archive.remember(born("Élan", number), "s", [("Élan", lender)])
    withdraw(archive, Journal(tmp_path), archive.code(archive.code_for("k")))
    assert {f.words for f in archive.select("kind = 4")} == {""} and not readable(tmp_path, "lan of", "Élan")


def test_a_caption_that_was_thought_before_its_lender_left_is_remembered_without_it(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    gone, _, _ = archive.hear(Text(CANARY, key="k"))
    withdraw(archive, Journal(tmp_path), archive.code(archive.code_for("k")))
    archive.remember(born("umbrellas moon"), "s", [("umbrellas", gone), ("moon", 99)])
    assert [f.words for f in archive.select("kind = 4")] == ["moon"] and not readable(tmp_path, "umbrellas")


def test_keyframes_write_down_whose_each_word_is(tmp_path: Path) -> None:
    mind = Mind(options(tmp_path, founding=24, keyframe=0.5, think_every=1), parts=parts())
    heard(mind, "a violet moon under nothing")
    for number in range(8):
        mind.picture(Dream("a violet moon", gamma=0.0), float(number))
    captions = [f for f in mind.keeper.archive.select("kind = 4") if f.words]
    for caption in captions:
        tokens = mind.keeper.archive._base.execute("SELECT word, lender FROM token WHERE fragment = ? ORDER BY place", (caption.id,)).fetchall()
        assert " ".join(word for word, _ in tokens) == caption.words
        for word, lender in tokens:
            owner = mind.keeper.archive.fragment(lender)
            assert owner and owner.kind != "machine" and word.casefold() in owner.words.casefold()
    assert captions
    mind.close()


def test_a_late_repeat_of_what_was_taken_back_does_not_bring_it_back(tmp_path: Path) -> None:
    mind = small(tmp_path)
    stored = heard(mind)
    mind.keeper.withdraw(stored.code)
    again = heard(mind)  # the page of a phone that had lost its network
    assert again.fragment == stored.fragment and not readable(tmp_path, *WORDS)
    mind.close()


def test_a_copy_from_elsewhere_comes_back_without_what_was_taken_back_since(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.hear(Text(CANARY, key="k"))
    kept = snapshot(archive).read_bytes()
    withdraw(archive, Journal(archive.folder), archive.code(archive.code_for("k")))
    archive.close()
    (tmp_path / "archive" / "snapshots" / "2020-01-01.sqlite").write_bytes(kept)  # from a stick
    restore(archive.folder, "2020-01-01", Journal(archive.folder).all())
    assert not readable(tmp_path / "archive" / "memory.sqlite", *WORDS)
    back = Archive(archive.folder)
    assert back.count("state = 1") == 1 and b"ocelot" not in (archive.folder / "memory.sqlite").read_bytes()


def test_what_lies_in_a_copy_alone_can_be_taken_back(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.hear(Text("before", key="before"))
    first = snapshot(archive)
    archive.hear(Text(CANARY, key="k"))
    archive.close()
    restore(tmp_path, first.stem)
    mind = small(tmp_path)
    code = mind.keeper.archive.code_for("k")
    assert readable(tmp_path, "ocelot") == ["memory.before-restore"] and not mind.keeper.archive.find(code)
    assert mind.keeper.withdraw(code).found and not readable(tmp_path, *WORDS)
    mind.close()


def test_an_archive_of_the_version_before_opens_and_its_captions_are_cleaned_by_whole_words(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "memory.sqlite") as base:
        base.executescript(OLD.read_text(encoding="utf-8"))
    base.close()
    archive, journal = Archive(tmp_path), Journal(tmp_path)
    assert archive.count() == 6 and archive.salt == b"0123456789abcdef"
    archive.remember(born("Art"), "s", [("Art", 5)])  # borrowed from the old caption
    withdraw(archive, journal, archive.code("codeofart1"))
    withdraw(archive, journal, archive.code("codeofmom1"))
    captions = [one.words for one in archive.select("kind = 4")]
    assert captions == ["heart grandmother", "the red moon", ""], captions
    assert archive.count("state = 1") == 2
