"""A release on a stick: whose it is, whether it is whole, and that a bad one gives way to the one before. Small whole releases."""

import json
import sqlite3
import sys
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.core.machine import DoorsFacts, Machine, OriginFacts
from engine.gallery import release, update
from engine.gallery.release import ReleaseError
from engine.origin.keys import ROOT, keys

RELEASE = '#!/bin/sh\nmkdir -p "$(dirname "$0")/../.venv/bin" && cp "$(dirname "$0")/program" "$(dirname "$0")/../.venv/bin/hypermnesia"\n'


class Gallery:
    """A machine with one release that plays. Whether there is light is what the current release's file `light` says."""

    def __init__(self, folder):
        self.folder, self.opt, self.home = folder, folder / "opt", folder / "home"
        self.signing = keys(folder / "studio", OriginFacts())
        self.trusted = (folder / "studio" / ROOT).read_bytes()
        (self.home / "archive").mkdir(parents=True)
        with closing(sqlite3.connect(self.home / "archive" / "memory.sqlite")) as base:
            base.execute("create table fragment (words)")
            base.execute("insert into fragment values ('the sea')")
            base.commit()
        gallery = self

        class Health(BaseHTTPRequestHandler):
            def do_GET(self):
                light = float((gallery.opt / "current" / "engine" / "light").read_text())
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps({"facts": {"hours": "always open"}, "figures": {"frames": 9, "light": light}}).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        ready = f"import pathlib,sys; sys.exit(not pathlib.Path({str(self.opt / 'current' / 'engine' / 'ready')!r}).exists())"
        machine = Machine(doors=DoorsFacts(web=self.server.server_port))
        self.said = []
        self.place = update.Place(self.opt, self.home, machine, [sys.executable, "-c", ready], say=self.said.append, patience=0.6)
        (self.opt / "releases").mkdir(parents=True)

    def stick(self, version, light=40.0, ready=True, plays=True, signing=None):
        top = self.folder / f"tree-{version}"
        (top / "install").mkdir(parents=True)
        (top / "engine").mkdir()
        (top / "pyproject.toml").write_text(f'version = "{version}"\n')
        (top / "engine" / "light").write_text(str(light))
        if ready:
            (top / "engine" / "ready").touch()
        for name, text in (("release", RELEASE), ("program", f"#!/bin/sh\n[ \"$1\" = run ] && exit {0 if plays else 3}\n")):
            (top / "install" / name).write_text(text)
            (top / "install" / name).chmod(0o755)
        out = self.folder / f"{version}.release"
        release.pack(top, out, signing or self.signing)
        return out

    def update(self, stick):
        return update.update(self.place, stick, self.trusted)


@pytest.fixture
def gallery(tmp_path):
    made = Gallery(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_release_is_installed_beside_tried_and_switched_to_and_the_archive_is_kept(gallery):
    first = gallery.update(gallery.stick("1.0"))
    assert first.startswith("1.0-") and gallery.place.current == first
    second = gallery.update(gallery.stick("1.1"))
    assert gallery.place.current == second and (gallery.opt / "releases" / first / ".venv/bin/hypermnesia").exists(), "the one before stays"
    (kept,) = (gallery.home / "archive").glob("memory.before-*.sqlite")
    assert kept.name == f"memory.before-{second}.sqlite"
    with closing(sqlite3.connect(kept)) as base:
        assert base.execute("select words from fragment").fetchall() == [("the sea",)]
    with pytest.raises(ReleaseError, match="plays already"):
        gallery.update(gallery.folder / "1.1.release")
    for number in range(2, 6):
        gallery.update(gallery.stick(f"1.{number}"))
    assert len(list((gallery.opt / "releases").iterdir())) == update.KEPT


@pytest.mark.parametrize(
    ("how", "said"),
    [({"light": 0.0}, "no light came"), ({"ready": False}, "did not become ready")],
)
def test_a_release_without_light_is_taken_back_and_the_one_before_plays_again(gallery, how, said):
    good = gallery.update(gallery.stick("1.0"))
    with pytest.raises(ReleaseError, match=f"was taken back: it {said}|was taken back: {said}") as wrong:
        gallery.update(gallery.stick("1.1", **how))
    assert f"{good} plays again" in str(wrong.value) and gallery.place.current == good


def test_a_release_that_does_not_play_by_itself_never_reaches_the_show(gallery):
    good = gallery.update(gallery.stick("1.0"))
    with pytest.raises(ReleaseError, match="it does not play"):
        gallery.update(gallery.stick("1.1", plays=False))
    assert gallery.place.current == good and len(list((gallery.opt / "releases").iterdir())) == 1


def test_a_strangers_release_and_one_that_was_changed_are_refused(gallery, tmp_path):
    stranger = keys(tmp_path / "stranger", OriginFacts())
    with pytest.raises(ReleaseError, match="whom nobody here trusts"):
        gallery.update(gallery.stick("1.0", signing=stranger))
    good = gallery.stick("1.1")
    data = good.read_bytes()
    for old, new, said in ((b"40.0", b"41.0", "engine/light is not what was signed"), (b'"version": "1.1"', b'"version": "9.9"', "not what was signed")):
        good.write_bytes(data.replace(old, new, 1))
        with pytest.raises(ReleaseError, match=said):
            gallery.update(good)
    good.write_bytes(data[: len(data) // 2])
    with pytest.raises(ReleaseError):
        gallery.update(good)
    assert gallery.place.current == "" and not any((gallery.opt / "releases").iterdir())


def test_the_command_says_whom_it_would_trust(tmp_path, capsys):
    machine = tmp_path / "machine.toml"
    machine.write_text("")
    assert update.main([str(tmp_path / "a.release"), "--machine", str(machine)]) == 1
    assert "[gallery] releases names nobody's certificate" in capsys.readouterr().err


def test_this_engine_packs_itself_with_its_weights(tmp_path, capsys):
    out = tmp_path / "us.release"
    assert release.main([str(out), "--without-wheels", "--home", str(tmp_path)]) == 0
    made = release.read(out, (tmp_path / "origin" / ROOT).read_bytes())
    assert {"engine/loop.py", "install/gallery", "pyproject.toml"} <= set(made.files) and made.files["install/gallery"][1]
    assert any(name.endswith("founding.safetensors") for name in made.files)
    release.unpack(out, made, tmp_path / "there")
    assert (tmp_path / "there/install/gallery").stat().st_mode & 0o111
