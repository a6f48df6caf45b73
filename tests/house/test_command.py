"""The command as a stranger types it: what it refuses before anything plays, and a film that is the same twice."""

import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

from engine.core.errors import CannotPlay
from engine.core.machine import DoorsFacts, Machine, MindFacts, SoundFacts, StageFacts
from engine.core.messages import Set
from engine.doors.options import DoorsOptions
from engine.doors.port import any_socket
from engine.house import doctor
from engine.house.checks import check_ports, check_settings
from engine.house.command import parser
from engine.house.plan import plan
from engine.mind.options import MindOptions
from engine.show.cast import Cast
from engine.show.programme import Programme
from engine.show.scene import SCENES
from engine.sound.nodes import NODES
from engine.sound.options import SoundOptions

TOP = Path(__file__).parents[2]
IN_TURN = {"think_every", "recalled"}  # where a mind is called in turn: what tests and `render` do


def hypermnesia(*words, **options):
    return subprocess.run([sys.executable, "-m", "engine", *words], cwd=TOP, capture_output=True, text=True, timeout=300, **options)


def test_two_renders_of_one_score_are_the_same_bit_for_bit(tmp_path):
    def digest(name):
        score = ["--say", "the sea at night", "--seconds", "1", "--seed", "7", "--size", "320x180"]
        done = hypermnesia("render", "gap", *score, str(tmp_path / name))
        found = re.search(r"sha256\s+(\w{64})", done.stdout)
        assert found, done.stderr
        return found[1]

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(digest, ("a.mp4", "b.mp4"))
    assert first == second


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "gpa"], "no scene is called gpa; did you mean gap?"),
        (["run", "--secnods", "3"], "no option --secnods; did you mean --seconds?"),
        (["rnu"], "no command rnu; did you mean run?"),
        (["run", "--size", "wide"], "--size wants something like 640x360, found wide"),
        (["run", "--set", "beta"], "--set wants something like beta=0.9, found beta"),
        (["run", "--set", "bta=1", "--osc", "0", "--web", "0"], "nothing is called bta; did you mean beta?"),
        (["render", "--set", "sound/gian=1", "none.mp4"], "nothing is called sound/gian; did you mean sound/gain?"),
        (["run", "--machine", "none.toml"], "none.toml: no such file"),
        (["run", "--model", "nowhere/at-all", "--osc", "0", "--web", "0"], "nowhere/at-all"),
    ],
)
def test_what_is_wrong_before_the_show_is_said_in_a_sentence(words, said, tmp_path):
    done = hypermnesia(*words, env={**os.environ, "HYPERMNESIA_HOME": str(tmp_path)})
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (Set("/hm/scene/gap/tral", (0.5,)), "did you mean scene/gap/trail"),
        (Set("/hm/beta", (7.0,)), "beta goes from 0 to 1"),
        (Set("/hm/scene", (1.0,)), "scene takes a word"),
        (Set("/hm/state/gap", (1.0,)), "nothing is called state/gap"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_the_nearest(setting, said):
    show = Programme(Cast([SCENES / "gap.py"]), "gap")
    show.others = NODES
    good = [Set("/hm/beta", (0.9,)), Set("/hm/hold", (1.0,)), Set("/hm/sound/gain", (-6.0,)), Set("/hm/scene/gap/trail", (0.5,))]
    check_settings(good, show.directory().nodes)
    with pytest.raises(CannotPlay, match=said):
        check_settings([setting], show.directory().nodes)


def test_a_free_port_is_free_at_any_address_of_this_machine():
    """`--host ::` said that it was in use; so did an address of another machine."""
    for host in ("127.0.0.1", "::", "::1"):
        check_ports(DoorsOptions(host=host, osc_port=free_port(host, socket.SOCK_DGRAM), web_port=-1))
    with pytest.raises(CannotPlay, match=r"--host 192\.0\.2\.1: .*an address of this machine"):
        check_ports(DoorsOptions(host="192.0.2.1", osc_port=9000, web_port=-1))


def free_port(host, kind):
    with any_socket(host, kind) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def test_a_place_names_how_often_its_wall_may_flash():
    options = parser().parse_args(["run", "--sound", "null", "--osc", "0", "--web", "0"])
    assert plan(options, Machine()).flashes == 3
    assert plan(options, Machine(stage=StageFacts(flashes=5))).flashes == 5
    with pytest.raises(CannotPlay, match=r"\[stage\] flashes = 0: at least 1; 3 is what WCAG"):
        plan(options, Machine(stage=StageFacts(flashes=0)))


def test_every_fact_of_a_machine_reaches_what_is_played():
    """Seven options could be set by nobody: no key of machine.toml, no flag."""
    top = TOP / "engine"
    code = "\n".join(path.read_text() for path in top.rglob("*.py") if path.name != "machine.py")
    read = set(re.findall(r"\b(\w+)(?=\.(\w+))", code))
    for part in fields(Machine()):
        for fact in fields(getattr(Machine(), part.name)):
            assert {(part.name, fact.name), ("facts", fact.name)} & read, f"nobody reads [{part.name}] {fact.name}"
    weighed = "".join((top / "house" / name).read_text() for name in ("plan.py", "render.py"))
    for options in (MindOptions, SoundOptions, DoorsOptions):
        for option in fields(options):
            assert re.search(rf"\b{option.name}=", weighed) or option.name in IN_TURN, f"nobody can set {options.__name__}.{option.name}"


def test_what_a_machine_file_says_of_mind_sound_and_doors_is_taken_or_refused(tmp_path):
    options = parser().parse_args(["run", "--osc", "0", "--web", "0", "--write-score", str(tmp_path / "evening" / "score.jsonl")])
    machine = Machine(mind=MindFacts(keyframe=60.0, idle=30.0), sound=SoundFacts(engine="numpy", voices=4), doors=DoorsFacts(texts=3, idle=20.0, advertise=False))
    made = plan(options, machine)
    assert (made.mind.keyframe, made.mind.idle, made.sound.engine, made.sound.voices) == (60.0, 30.0, "numpy", 4)
    assert (made.doors.texts, made.doors.idle, made.doors.advertise, made.doors.score) == (3, 20.0, False, options.write_score)
    for wrong, said in (
        (Machine(mind=MindFacts(keyframe=0.0)), r"\[mind\] keyframe is above 0, found 0"),
        (Machine(sound=SoundFacts(engine="numpi")), r"\[sound\] engine: there is no 'numpi'; did you mean numpy\?"),
        (Machine(stage=StageFacts(outputs=("ndj",))), r"\[stage\] outputs: there is no 'ndj'; did you mean ndi\?"),
    ):
        with pytest.raises(CannotPlay, match=said):
            plan(options, wrong)
    ndi, wrong = doctor.outputs(Machine(stage=StageFacts(outputs=("ndi", "ndj"))))
    assert "did you mean ndi?" in wrong.todo and wrong.grave and (not ndi.todo or "pip install cyndilib" in ndi.todo)
    options.write_score = SCENES / "ten-visitors.jsonl"
    with pytest.raises(CannotPlay, match="there is such a file already, and no show has written it"):
        plan(options, Machine())


def test_the_gain_of_a_place_is_in_decibels():
    options = parser().parse_args(["run", "--sound", "null", "--osc", "0", "--web", "0"])
    assert plan(options, Machine(sound=SoundFacts(gain=-6.0))).sound.gain == -6.0
    with pytest.raises(CannotPlay, match="in dB, at most 0, found 3"):
        plan(options, Machine(sound=SoundFacts(gain=3.0)))


def test_a_port_in_use_is_said_with_a_free_one(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = hypermnesia("run", "--osc", str(port), "--home", str(tmp_path))
    assert done.returncode == 2 and re.search(rf"port {port} is in use.*--osc \d+", done.stderr)


def test_a_broken_scene_file_is_refused_before_the_show(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from engine import Scene, dreamed\n\nclass Mine(Scene):\n    def drow(self, now):\n        return dreamed\n")
    done = hypermnesia("run", str(path), "--home", str(tmp_path))
    assert done.returncode == 2 and "did you mean draw()?" in done.stderr
