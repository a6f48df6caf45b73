from pathlib import Path

import pytest

from engine.machine import Machine, MachineError, home

EXAMPLE = Path(__file__).parents[1] / "install" / "machine.toml"


def read(tmp_path, text):
    path = tmp_path / "machine.toml"
    path.write_text(text)
    return Machine.read(path)


def test_the_commented_example_says_just_the_defaults():
    assert Machine.read(EXAMPLE) == Machine()


def test_a_fact_is_read(tmp_path):
    assert read(tmp_path, "[stage]\nsize = [1920, 1080]\nfps = 60\n").stage.size == (1920, 1080)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[stage]\nfsp = 60.0\n", "stage.fsp; did you mean fps?"),
        ("[staeg]\nfps = 60.0\n", "staeg; did you mean stage?"),
        ("[stage]\nfps = 'fast'\n", "stage.fps wants float, found 'fast'"),
        ("stage = 3\n", r"\[stage\] is a section"),
        ("[stage\n", "machine.toml"),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest_valid_thing(tmp_path, text, said):
    with pytest.raises(MachineError, match=said):
        read(tmp_path, text)


def test_a_missing_file_names_the_example(tmp_path):
    with pytest.raises(MachineError, match=r"install/machine\.toml"):
        Machine.read(tmp_path / "none.toml")


def test_home_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("HYPERMNESIA_HOME", str(tmp_path))
    assert home() == tmp_path
