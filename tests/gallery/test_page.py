"""What docs/gallery.md shows is run: each command in its order, in a place of its own."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.house.command import parser
from engine.mind.memory.archive import Archive

TOP = Path(__file__).parents[2]
LINES = [line for block in re.findall(r"```sh\n(.*?)```", (TOP / "docs/gallery.md").read_text(), re.S) for line in block.strip().splitlines()]


def test_the_installation_is_what_the_script_does():
    lines = [shlex.split(line) for line in LINES if line.startswith("./install/gallery")]
    assert len(lines) == 2 and "--dry-run" in lines[0] and lines[1] == [word for word in lines[0] if word != "--dry-run"]
    done = subprocess.run(lines[0], cwd=TOP, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "steps would be taken" in done.stdout


def test_the_doctor_takes_the_option_that_is_named():
    (line,) = [line for line in LINES if line.startswith("hypermnesia doctor")]
    assert parser().parse_args(shlex.split(line)[1:]).fix


def test_the_commands_work_in_their_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYPERMNESIA_HOME", str(tmp_path / "home"))
    (tmp_path / "machine.toml").write_text(f'[gallery]\nreleases = "{tmp_path}/home/origin/root.pem"\n')
    (tmp_path / "home/days").mkdir(parents=True)
    (tmp_path / "home/days/2026-11-24.json").write_text('{"date": "2026-11-24"}')
    (tmp_path / "other").mkdir()
    Archive(tmp_path / "home/archive").close()
    for line in LINES:
        words = [word.replace("/media", str(tmp_path)) for word in shlex.split(line)[1:]]
        if words[0] == "archive":
            words[1:1] = ["--archive", str(tmp_path / "home/archive")]
        if line.startswith("hypermnesia update"):  # all but switching, which tests/gallery/test_update.py does
            assert main([*words, "--opt", str(tmp_path / "nowhere"), "--machine", str(tmp_path / "machine.toml")]) == 1
            assert "nowhere" in capsys.readouterr().err
        elif line.startswith("hypermnesia ") and words[0] not in ("doctor", "conserve"):  # which has tests of its own, and takes a minute
            assert main(words) == 0, line


@pytest.mark.parametrize("line", (TOP / "install/machine.toml").read_text().split("[gallery]")[1].split("[")[0].strip().splitlines())
def test_every_fact_of_the_gallery_has_its_comment(line):
    assert " # " in line
