"""A memory on another disk: verified, rotated, cleaned, and the same show again on a blank machine."""

import datetime
import shutil
from pathlib import Path

import pytest

from engine.core.messages import Text
from engine.mind.memory import abroad, command
from engine.mind.memory.archive import FILE, Archive, ArchiveError
from engine.mind.memory.copies import snapshot
from engine.mind.memory.withdrawal import Journal, withdraw


@pytest.fixture
def home(tmp_path):
    """An installation with three sentences, one of them taken back, and a nightly copy."""
    home = tmp_path / "home"
    archive = Archive(home / "archive")
    codes = [archive.hear(Text(words, key=words, visit=words))[1] for words in ("the sea at night", "a red moon", "what I regret")]
    withdraw(archive, Journal(archive.folder), archive.code(codes[2]))
    snapshot(archive)
    archive.close()
    (home / "presets.toml").write_text("")
    (home / "origin").mkdir()
    (home / "origin" / "key.pem").write_text("a key")
    (tmp_path / "disk").mkdir()
    return home, tmp_path / "disk", codes


def words(folder):
    archive = Archive(folder)
    found = {one.words for one in archive.select("state = 0 AND kind = 1")}
    archive.close()
    return found


def run(home, *arguments):
    return command.main(["--archive", str(home / "archive"), *map(str, arguments)])


def bytes_of(folder):
    return b"".join(path.read_bytes() for path in Path(folder).rglob("*") if path.is_file())


def test_a_blank_machine_is_the_same_place_again_without_what_was_taken_back(home, tmp_path, capsys):
    home, disk, codes = home
    assert run(home, "copy", disk) == 0 and "verified" in capsys.readouterr().out
    (copied,) = abroad.found(disk)
    assert {path.name for path in copied.iterdir()} == {FILE, "withdrawn", "presets.toml", "origin"}
    assert run(home, "forget", codes[1]) == 0, "after the copy was made"
    assert run(home, "copy", disk) == 0
    assert b"a red moon" not in bytes_of(disk), "it leaves the copies there, too"
    blank = tmp_path / "blank"
    assert run(blank, "restore", "--from", disk) == 0
    assert words(blank / "archive") == {"the sea at night"}
    assert (blank / "origin" / "key.pem").read_text() == "a key"
    assert Journal(blank / "archive").all() == Journal(home / "archive").all() and not Journal(blank / "archive").begun()
    archive = Archive(blank / "archive")
    again = archive.hear(Text("what I regret", key="what I regret", visit="x"))
    archive.close()
    assert not again[2], "a late repeat of what was taken back is not stored again"


def test_copies_rotate_and_one_of_a_date_comes_back(home, tmp_path):
    home, disk, _ = home
    archive = Archive(home / "archive")
    for day in range(1, 7):
        archive.calendar = lambda day=day: datetime.date(2030, 1, day)
        archive.hear(Text(f"day {day}", key=f"{day}", visit=f"{day}"))
        snapshot(archive)
        abroad.copy(home / "archive", disk, 3)
    archive.close()
    assert [path.name for path in abroad.found(disk)] == ["2030-01-04", "2030-01-05", "2030-01-06"]
    assert run(home, "restore", "2030-01-04", "--from", disk) == 0
    assert "day 4" in words(home / "archive") and "day 5" not in words(home / "archive")
    assert (home / "archive" / "memory.before-restore").exists()


def test_what_cannot_be_is_said(home, tmp_path):
    home, disk, _ = home
    with pytest.raises(ArchiveError, match="is that disk mounted"):
        abroad.copy(home / "archive", tmp_path / "nowhere", 3)
    with pytest.raises(ArchiveError, match="no copy is there"):
        abroad.restore(tmp_path / "blank" / "archive", disk)
    there = abroad.copy(home / "archive", disk, 3)
    with pytest.raises(ArchiveError, match="no copy is called 2020-01-01"):
        abroad.restore(tmp_path / "blank" / "archive", disk, "2020-01-01")
    spoilt = bytearray((there / FILE).read_bytes())
    spoilt[4096:9000] = b"\xff" * 4904
    (there / FILE).write_bytes(spoilt)
    with pytest.raises(ArchiveError, match="damaged"):
        abroad.restore(tmp_path / "blank" / "archive", disk)


def test_a_copy_that_was_cut_off_is_no_copy(home, tmp_path):
    home, disk, _ = home
    there = abroad.copy(home / "archive", disk, 3)
    shutil.copytree(there, disk / f"{there.name}.new")
    assert abroad.found(disk) == [there]
    assert abroad.copy(home / "archive", disk, 3) == there and not (disk / f"{there.name}.new").exists()
