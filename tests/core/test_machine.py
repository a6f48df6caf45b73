from pathlib import Path

import pytest

from engine.__main__ import parser
from engine.core.errors import CannotPlay
from engine.core.machine import Machine, MachineError, home
from engine.house import doctor
from engine.house.plan import plan

EXAMPLE = Path(__file__).parents[2] / "install" / "machine.toml"


def read(tmp_path, text):
    path = tmp_path / "machine.toml"
    path.write_text(text)
    return Machine.read(path)


def test_the_commented_example_says_just_the_defaults():
    assert Machine.read(EXAMPLE) == Machine()


def test_a_fact_is_read(tmp_path):
    assert read(tmp_path, "[stage]\nsize = [1920, 1080]\nfps = 60\n").stage.size == (1920, 1080)


def test_loudspeakers_may_stand_anywhere(tmp_path):
    assert read(tmp_path, "[sound]\nlayout = 'ring'\n").sound.layout == "ring"
    assert read(tmp_path, "[sound]\nlayout = [-0.5, 0.5, 1]\n").sound.layout == (-0.5, 0.5, 1.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sound]\nlayout = [0.5, 'left']\n", "sound.layout wants a word or a list of numbers"),
        ("[stage]\nfsp = 60.0\n", "stage.fsp; did you mean fps?"),
        ("[staeg]\nfps = 60.0\n", "staeg; did you mean stage?"),
        ("[stage]\nfps = 'fast'\n", "stage.fps wants float, found 'fast'"),
        ("[doors]\nallow = [3]\n", r"doors.allow wants a list of words, found \[3\]"),
        ("[stage]\nsize = [640]\n", r"stage.size wants 2 numbers, found \[640\]"),
        ("[contract]\nladder = ['large']\n", "contract.ladder wants a list of numbers"),
        ("[stage]\nfps = true\n", "stage.fps wants float, found True"),
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layout = 'rign'\n", r"\[sound\] layout: no layout 'rign'; did you mean 'ring'|there are auto, line, ring"),
        ("channels = 4\nlayout = [-0.5, 0.5]\n", "places 2 loudspeakers, the device has 4 channels"),
        ("recordings = '/nowhere/at/all'\n", "there is no folder /nowhere/at/all"),
    ],
)
def test_what_is_wrong_with_the_loudspeakers_is_said_before_the_show(tmp_path, text, said):
    with pytest.raises(CannotPlay, match=said):
        plan(parser().parse_args(["run"]), read(tmp_path, "[sound]\n" + text))


def test_every_fact_of_the_sound_reaches_the_sound_room(tmp_path):
    text = "host = 'JACK'\nchannels = 3\nlayout = [-0.5, 0.5, 1.0]\nreverb = 0.1\nmicrophone = 'room'\n"
    options = plan(parser().parse_args(["run"]), read(tmp_path, f"[sound]\n{text}recordings = '{tmp_path}'\n")).sound
    assert (options.host, options.layout, options.reverb) == ("JACK", (-0.5, 0.5, 1.0), 0.1)
    assert (options.microphone, options.units) == ("room", tmp_path)


def test_the_doctor_looks_for_the_device_and_the_beat_that_the_machine_file_names(tmp_path):
    found = list(doctor.sound(read(tmp_path, "[sound]\ndevice = 'golden'\nbeat = 'lnik'\n")))
    assert [finding.what for finding in found] == ["sound", "beat"]
    assert "golden" in found[0].found and "there are" in found[0].found and found[0].todo
    assert "did you mean link?" in found[1].todo and found[1].grave
    (null,) = doctor.sound(read(tmp_path, "[sound]\ndevice = 'null'\n"))
    assert null.found == "null" and not null.todo
