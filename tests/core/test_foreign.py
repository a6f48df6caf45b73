"""Folders and texts of other people: what is meant is found, what was left there is passed over and said once."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from engine.core import foreign
from engine.core.machine import Machine
from engine.show.scene import files, load


def test_what_other_machines_leave_behind_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "deep" / "__MACOSX").mkdir(parents=True)
    for name, data in {"a.wav": b"x", "B.WAV": b"x", "._a.wav": b"x", ".b.wav": b"x", "c.wav.part": b"x", "d.wav": b"", "thumbs.db": b"x", "apple.wav": foreign.APPLE,
                       "lfs.wav": foreign.POINTER, "deep/e.wav": b"x", "deep/__MACOSX/f.wav": b"x", "notes.txt": b""}.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "deep" / "round").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.wav")
    found = foreign.look(tmp_path, (".wav",), deep=True)
    assert [path.name for path in found.files] == ["B.WAV", "a.wav", "e.wav"]
    assert {path.name: why.split(":")[0] for path, why in found.passed} == {
        "._a.wav": "a Mac's notes about a file", ".b.wav": "hidden", "c.wav.part": "a copy that is not finished", "d.wav": "empty",
        "apple.wav": "a Mac's notes about a file", "lfs.wav": "a pointer of git-lfs", "gone.wav": "a link that leads nowhere", "pipe.wav": "no file",
    }  # fmt: skip
    with caplog.at_level(logging.INFO, "engine.core"):
        assert foreign.files(tmp_path, (".wav",), deep=True) == foreign.files(tmp_path, (".wav",), deep=True) == found.files
    assert len(caplog.records) == 1 and "and 5 more" in caplog.text
    assert foreign.look(tmp_path / "nowhere", (".wav",)) == foreign.Found(())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_machine_file_and_a_scene_may_come_from_any_editor(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "machine.toml").write_bytes('[stage]\r\nfps = 25.0  # für hier\r\n'.encode(encoding))
    assert Machine.read(tmp_path / "machine.toml").stage.fps == 25.0
    scene = "from engine import Scene, dreamed\r\n\r\nclass Mine(Scene):\r\n    def draw(self, now):\r\n        return dreamed\r\n"
    (tmp_path / "mine.py").write_bytes(scene.encode(encoding))
    (tmp_path / "._mine.py").write_bytes(foreign.APPLE)
    (path,) = files(tmp_path)
    assert type(load(path)).__name__ == "Mine"


def test_a_file_is_found_as_other_machines_name_it(tmp_path: Path) -> None:
    (tmp_path / "Pictures").mkdir()
    (tmp_path / "Pictures" / "One.png").write_bytes(b"x")
    (tmp_path / "two.png").write_bytes(b"x")
    for name in ("Pictures/one.PNG", "Pictures\\One.png"):
        assert foreign.beside(tmp_path, name) == tmp_path / "Pictures" / "One.png"
    assert foreign.beside(tmp_path, "/Users/somebody/two.png") == tmp_path / "two.png"
    for name in ("three.png", "x" * 400, "a\0b", ""):
        assert foreign.beside(tmp_path, name) is None
