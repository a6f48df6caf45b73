"""`hypermnesia doctor` on what people brought: everything that would fail in the show is said before it."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from engine.core import foreign
from engine.core.machine import Machine, MindFacts, OriginFacts
from engine.house import brought, doctor
from engine.origin.account import Making
from engine.origin.unsigned import Unsigned
from engine.sound import units


def tone(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(bytes(i * 37 % 256 for i in range(96000)))


def test_recordings_from_a_mac_are_heard_and_the_rest_is_said(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav")
    (tmp_path / "._a.wav").write_bytes(foreign.APPLE + bytes(50))
    (tmp_path / "broken.mp3").write_bytes(b"nothing of the kind")
    (tmp_path / "a.voice").write_text("[1, 2")
    corpus = units.load(str(tmp_path))
    assert {unit.recording for unit in corpus.units} == {"a.wav"}
    (line,) = brought.recordings(tmp_path)
    assert "2 in" in line.found and "1 of them in trouble" in line.found and "broken.mp3: " in line.todo and "._a.wav (a Mac's notes" in line.todo
    (tmp_path / "a.wav").unlink()
    (line,) = brought.recordings(tmp_path)
    assert line.todo.startswith("none of them is heard")
    assert next(brought.recordings(tmp_path / "none")).grave


def test_shaders_are_read_drawn_and_their_names_compared(tmp_path: Path) -> None:
    for name, body in {"fine.fs": "gl_FragColor = vec4(1.0);", "Fine.fs": "", "bad.fs": "gl_FragColor = oops;"}.items():
        (tmp_path / name).write_text(f"/*{{}}*/ void main() {{ {body} }}")
    (line,) = brought.shaders(tmp_path)
    assert "3 in" in line.found and "2 of them in trouble" in line.found
    assert "bad.fs:1: " in line.todo and "fine.fs would be .fine() too, which is Fine.fs" in line.todo


def test_scenes_are_imported(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import nothing_of_the_kind\n")
    (tmp_path / "._mine.py").write_bytes(foreign.APPLE)
    (line,) = brought.scenes(tmp_path)
    assert "mine.py:1: ModuleNotFoundError" in line.todo and "._mine.py (a Mac's" in line.todo


def test_why_a_model_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "turbo.ckpt").write_bytes(b"\x80")
    (line,) = doctor.mind(Machine(mind=MindFacts(model=str(tmp_path / "turbo.ckpt"))))
    assert line.grave and "turbo.ckpt is a pickle, and opening one may run any program" in line.todo


def test_with_what_files_are_signed_is_said_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    (line,) = doctor.signing(tmp_path, Machine())
    assert not line.todo and not (tmp_path / "origin").exists(), "no key is made by looking"
    (line,) = doctor.signing(tmp_path, Machine(origin=OriginFacts(certificate=str(tmp_path / "none.pem"), key=str(tmp_path / "none.key"))))
    assert "none.pem cannot be read" in line.todo and "recordings go on" in line.todo and not line.grave
    assert "key is not" in next(doctor.signing(tmp_path, Machine(origin=OriginFacts(certificate="a.pem")))).todo
    (tmp_path / "origin").mkdir()
    (tmp_path / "origin" / "key.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\nMIGH")  # a copy that was broken off
    Unsigned(tmp_path / "origin").keep(tmp_path / "origin" / "key.pem", Making())
    line, left = doctor.signing(tmp_path, Machine())
    assert "is no key, or not a whole one" in line.todo and left.found.startswith("1 files") and "sign --left" in left.mend
    assert "AI Act" in next(doctor.signing(tmp_path, Machine(origin=OriginFacts(sign=False)))).todo


@pytest.mark.long
def test_what_ships_is_well() -> None:
    assert all(not line.todo for line in brought.brought(Machine()))
