"""What leaves says where it comes from: the reference library's own verdict, for files of every kind."""

from __future__ import annotations

import contextlib
import wave
from pathlib import Path

import av
import c2pa
import numpy as np
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from engine.core.machine import OriginFacts
from engine.core.messages import Ancestor, Lineage, State
from engine.origin import credential
from engine.origin.account import Account, Making
from engine.origin.keys import ROOT, Keys, OriginError, keys, make
from engine.origin.mark import mark
from engine.origin.sign import main, signed
from engine.origin.unsigned import Unsigned
from engine.stage.outputs.recording import Recorder, Recording

CANARY = "the ocelot keeps seventeen umbrellas"
KINDS = ("png", "jpg", "webp", "wav", "mp4", "pdf", "svg")
RNG = np.random.default_rng(0)
FRAME = RNG.integers(0, 255, (90, 160, 4), np.uint8)


def account() -> Account:
    """Two pictures, of which a visitor has a quarter and the words are a secret."""
    found = Account("embedded")
    line = Lineage((Ancestor(-3, 0.5, "founding"), Ancestor(7, 0.25, "visitor")), 0.25, 41, 3)
    for picture in (1, 2):
        found.see(State(picture, CANARY, seed=2**61 + 1, structure="a1b2 c3d4", caption=CANARY, lineage=line, readback=(CANARY,)))
    return found


def made(folder: Path, kind: str) -> Path:
    """A small file of a kind, as this house writes them."""
    path = folder / f"a.{kind}"
    match kind:
        case "png" | "jpg" | "webp":
            Image.fromarray(FRAME[..., :3]).save(path)
        case "wav":
            with wave.open(str(path), "wb") as file:
                file.setnchannels(2), file.setsampwidth(3), file.setframerate(48_000)
                file.writeframes(RNG.bytes(48_000))
        case "mp4":
            film = Recorder(path, (160, 90), 30, 48_000, patient=True)
            for k in range(45):
                film.offer(np.roll(FRAME, k, 0), k / 30)
                film.hear(np.zeros((1600, 2), np.float32), k / 30)
            film.close()
        case "pdf":
            Canvas(str(path)).save()
        case _:
            path.write_text('<?xml version="1.0" encoding="utf-8"?><svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>')
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_every_kind_is_valid_and_a_changed_byte_is_found(tmp_path: Path, kind: str) -> None:
    path, folder = made(tmp_path, kind), tmp_path / "origin"
    assert credential.read(path).state == ""
    assert signed(path, folder, OriginFacts(), account().making())
    verdict = credential.read(path)
    assert (verdict.state, verdict.wrong) == ("Valid", ()), "valid, and its signer unknown"
    assert credential.read(path, (folder / ROOT).read_bytes()).state == "Trusted"
    assert verdict.lineage == {"kinds": {"founding": 0.5, "visitor": 0.25}, "unnamed": 0.25, "depth": 3, "ancestors": 41}
    assert verdict.making and verdict.making["seeds"] == [str(2**61 + 1)] and verdict.making["structures"] == ["a1b2 c3d4"]
    data = path.read_bytes()
    told = c2pa.Reader(str(path)).json()
    assert credential.COMPOSITE in told and not any(word in told for word in ("ocelot", "umbrellas", "thumbnail", str(tmp_path)))
    assert b"ocelot" not in data and b"umbrellas" not in data
    assert (mark(FRAME).hex() in told) == (kind == "png") and (credential.MARK in told) == (kind in ("png", "jpg", "webp")), "a still's mark"
    assert not signed(path, folder, OriginFacts()), "once is enough"
    content = changed(data, kind)
    path.write_bytes(data[:content] + bytes([data[content] ^ 1]) + data[content + 1 :])
    with contextlib.suppress(OriginError):  # a byte that the file cannot be read without is found as well
        assert credential.read(path).state == "Invalid"


def changed(data: bytes, kind: str) -> int:
    """A place of the picture or the sound itself."""
    return {"pdf": data.rfind(b"endstream") - 2, "svg": data.find(b'"9"') + 1, "mp4": data.rfind(b"mdat") + 90}.get(kind, len(data) - 40 if kind != "wav" else 3000)


def test_what_a_kill_leaves_of_a_film_is_signed_and_plays(tmp_path: Path) -> None:
    path = made(tmp_path, "mp4")
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"mdat") + 500])  # half a fragment
    assert signed(path, tmp_path / "origin", OriginFacts(), account().making())
    assert credential.read(path).sound
    with av.open(str(path)) as film:
        assert len([frame for frame in film.decode(video=0)]) == 30, "what was whole, and no more"


def test_a_recording_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    from engine.stage.outputs.encoder import Segment

    recording = Recording(tmp_path / "show.mp4")
    recording.put(Segment(made(tmp_path, "mp4").read_bytes(), True, 0.0))
    with pytest.raises(OriginError, match="is being recorded"):
        signed(recording.files[0], tmp_path / "origin", OriginFacts())
    recording.close()
    assert signed(recording.files[0], tmp_path / "origin", OriginFacts())


def test_a_file_is_as_it_was_where_signing_fails(tmp_path: Path) -> None:
    path, folder = made(tmp_path, "png"), tmp_path / "origin"
    before = path.read_bytes()
    folder.mkdir()
    (folder / "key.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")
    Unsigned(folder).keep(path, account().making())
    with pytest.raises(OriginError, match="no PEM certificate"):
        signed(path, folder, OriginFacts())
    assert path.read_bytes() == before and Unsigned(folder).all() == [path], "and it is not forgotten"
    (folder / "key.pem").unlink()
    assert main(["--left", "--home", str(tmp_path)]) == 0 and Unsigned(folder).all() == []
    assert credential.read(path).lineage, "what was written down while it was made"


def test_a_key_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    first = keys(tmp_path, OriginFacts())
    assert keys(tmp_path, OriginFacts()) == first and (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    make(tmp_path)
    assert keys(tmp_path, OriginFacts()) == first, "whoever comes second keeps the first's"
    assert b"PRIVATE" not in (tmp_path / ROOT).read_bytes()


def test_a_gallerys_own_certificate_signs_and_what_is_wrong_with_it_is_said(tmp_path: Path) -> None:
    theirs = keys(tmp_path / "theirs", OriginFacts())
    facts = write(tmp_path, theirs)
    path = made(tmp_path, "png")
    assert signed(path, tmp_path / "origin", facts) and credential.read(path, (tmp_path / "theirs" / ROOT).read_bytes()).state == "Trusted"
    assert not (tmp_path / "origin" / "key.pem").exists()
    other = keys(tmp_path / "other", OriginFacts())
    for wrong, said in (
        (OriginFacts(certificate=facts.certificate), "key is not"),
        (OriginFacts(certificate=str(tmp_path / "none.pem"), key=facts.key), "cannot be read"),
        (write(tmp_path, Keys(theirs.chain, other.key, "es256")), "belongs to another certificate"),
    ):
        with pytest.raises(OriginError, match=said):
            keys(tmp_path / "origin", wrong)


def write(folder: Path, theirs: Keys) -> OriginFacts:
    (folder / "chain.pem").write_bytes(theirs.chain)
    (folder / "own.pem").write_bytes(theirs.key)
    return OriginFacts(certificate=str(folder / "chain.pem"), key=str(folder / "own.pem"))


def test_the_command_signs_checks_and_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, words = made(tmp_path, "wav"), ["--home", str(tmp_path)]
    assert main([*words, str(path)]) == 0 and main([*words, "--check", str(path)]) == 0
    assert "whole, and signed here" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    assert main([*words, "--check", str(path)]) == 1
    assert "NOT what was signed" in capsys.readouterr().out
    (tmp_path / "a.txt").write_text("words")
    assert main([*words, str(tmp_path / "a.txt")]) == 1 and "PNG, JPEG" in capsys.readouterr().err
    assert main(words) == 2 and "which file" in capsys.readouterr().err
    assert main([*words, "--keys"]) == 0 and "root.pem" in capsys.readouterr().out


def test_what_is_not_known_is_not_said() -> None:
    said = credential.credential("a still", Making())
    assert [one["label"] for one in said["assertions"]] == ["c2pa.actions.v2", credential.MAKING]
