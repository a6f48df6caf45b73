"""What is kept for another century, and that years later every difference is named."""

import json
import shutil

import pytest

from engine.doors.score import read
from engine.gallery import conserve


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The whole command, once: it renders a frame."""
    place = tmp_path_factory.mktemp("conserve")
    (place / "machine.toml").write_text('[stage]\nsize = [1280, 720]\n')
    assert conserve.main([str(place / "kept"), "--home", str(place / "home"), "--machine", str(place / "machine.toml")]) == 0
    return place / "kept"


def differences(bundle, tmp_path, spoil):
    """What `check` says after a hand has changed the bundle; the frame is what was kept."""
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    kept = json.loads((copy / conserve.MANIFEST).read_text())
    spoil(kept, copy)
    (copy / conserve.MANIFEST).write_text(json.dumps(kept))
    return conserve.check(copy, conserve.Machine.read(bundle.parent / "machine.toml"))


@pytest.mark.long
def test_the_frame_comes_out_the_same_and_nothing_differs(bundle, capsys):
    assert conserve.main([str(bundle), "--check", "--machine", str(bundle.parent / "machine.toml")]) == 0, capsys.readouterr().out
    assert "bit for bit" in capsys.readouterr().out


@pytest.mark.long
def test_each_difference_is_named(bundle, tmp_path):
    def spoil(kept, copy):
        kept["packages"]["numpy"] = "1.0 abc"
        kept["packages"]["nmupy"] = "1.0 abc"
        kept["code"]["engine/loop.py"] = "other"
        kept["models"]["embedded/founding.safetensors"] = "other"
        kept["specification"]["display"]["size"] = [1920, 1080]
        kept["frame"] = "0" * 64
        (copy / conserve.SCORE).write_text("")

    said = "\n".join(differences(bundle, tmp_path, spoil))
    for what in ("numpy was 1.0, is", "nmupy is missing; did you mean numpy", "code: engine/loop.py is not the same", "founding.safetensors is not the same",
                 "display: size was [1920, 1080], is [1280, 720]", "frame: it is not the same", "bundle: hour.jsonl is not what was kept"):  # fmt: skip
        assert what in said, said
    assert len(said.splitlines()) == 7


@pytest.mark.long
def test_the_bundle_holds_what_it_says(bundle):
    names = {path.name for path in bundle.iterdir()}
    assert names == {conserve.MANIFEST, conserve.LOCK, conserve.SCORE, conserve.FRAME, conserve.RELEASE, "machine.toml"}
    assert "numpy==" in (bundle / conserve.LOCK).read_text()


def test_an_hour_of_score_is_an_hour_that_can_be_played(tmp_path):
    conserve.hour(conserve.TOP / "scenes" / "ten-visitors.jsonl", tmp_path / "hour.jsonl")
    played = read(tmp_path / "hour.jsonl")
    assert 3500 < max(message.at for message in played) <= 3600
    keys = [message.key for message in played if getattr(message, "key", "")]
    assert len(set(keys)) == len(keys) > 100


def test_what_is_no_bundle_is_said(tmp_path, capsys):
    assert conserve.main([str(tmp_path), "--check"]) == 2
    assert "is no bundle" in capsys.readouterr().err
