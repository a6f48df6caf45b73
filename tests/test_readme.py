"""What the README shows is run: every block of it, against a real show."""

import hashlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from engine.doors.nodes import Nodes
from engine.house.command import BENCHES, COMMANDS, parser
from engine.loop import ScriptedDoors, rehearse
from engine.show.beat import OnTheBeat, find
from engine.show.cast import Cast
from engine.show.performer import Performer
from engine.show.programme import Programme
from engine.show.rehearsal import Solo
from engine.show.scene import SCENES, load
from engine.sound.nodes import NODES
from engine.stage.stage import Stage
from tests.house.test_house import TOP, Show, wait_for

TEXT = (TOP / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.S)
LINES = [line for kind, block in BLOCKS if kind == "sh" for line in block.strip().splitlines()]
SCENE = next(block for kind, block in BLOCKS if kind == "python")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    (folder / "mine.py").write_text(SCENE)
    return folder


def test_every_line_is_known_to_one_of_these_tests():
    known = ("./install/run", "./install/test", "oscsend ", "hypermnesia ")
    assert LINES and all(line.startswith(known) for line in LINES)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """This repository, seen from another folder, its packages installed: what `./install/run` finds the second time."""
    top = tmp_path_factory.mktemp("installed")
    (top / ".venv").mkdir()
    for folder, there in ((TOP, top), (Path(sys.prefix), top / ".venv")):
        for path in folder.iterdir():
            if path.name not in (".venv", ".git", ".installed"):
                (there / path.name).symlink_to(path)
    decides = b"".join((TOP / name).read_bytes() for name in ("pyproject.toml", "install/constraints.txt", "install/setup.sh"))
    (top / ".venv" / ".installed").write_text(f"{hashlib.sha256(decides).hexdigest()[:16]} test\n")
    return top


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_second_command_checks_everything_and_passes_the_tests(installed):
    """All that it checks, and of the tests one file of each sort: a whole suite within itself would never end."""
    files = ["tests/core/test_hours.py", "tests/core/test_supervisor.py", "tests/doors/test_osc.py"]
    done = subprocess.run([installed / LINES[1], *files], cwd=installed, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.count(" passed") == 3 and "no issues found" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("hypermnesia")])
def test_what_a_gallery_or_an_artist_pastes_works(folder, line):
    words = shlex.split(line)[1:]
    words = [str(TOP / word) if word.startswith("install/") else word for word in words]
    if words[0] in ("run", "render"):
        words += ["--home", str(folder / "home"), "--size", "160x90"]
    if words[0] == "run":
        words += ["--osc", "0", "--web", "0", "--sound", "null", "--seconds", "1"]
    env = {"PYTHONPATH": str(TOP), "HYPERMNESIA_HOME": str(folder / "home"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-m", "engine", *words], cwd=folder, env=env, capture_output=True, text=True, timeout=280)
    grave = words[0] == "doctor" and "stand in the way" in done.stdout
    assert (done.returncode == 0 and not grave) or "port" in done.stdout, done.stdout + done.stderr


def test_the_scene_plays(folder):
    scene = load(folder / "mine.py")
    assert len(rehearse(Solo(scene), 1.0).shown) == 60
    assert scene.nodes("/hm")[-1].description


def test_every_picture_is_in_the_repository():
    for name in re.findall(r"\]\((?!http|#)([^)]+)\)", TEXT):
        assert (TOP / name.partition("#")[0]).exists(), name


def test_every_command_is_documented_and_every_documented_command_exists():
    help_text = parser().format_help()
    for command in COMMANDS:
        assert command in help_text
    for command in re.findall(r"hypermnesia (\w+)", TEXT):
        assert command in COMMANDS, command
    assert "show" in BENCHES


def test_every_package_is_named_with_its_reason():
    import tomllib

    table = tomllib.loads((TOP / "pyproject.toml").read_text())
    for need in table["project"]["dependencies"]:
        name = re.split(r"[<>=]", need)[0]
        assert re.search(rf"^\|.*\b{re.escape(name)}\b.*\|", TEXT, re.M), f"{name} is not explained"


def test_every_address_for_performers_answers_on_a_bare_machine(tmp_path):
    """`/hm/beat/quantum` was unknown until a beat was configured."""
    programme = Programme(Cast(SCENES.glob("*.py"), make=load), "gap")
    programme.others = NODES
    hand = OnTheBeat(ScriptedDoors(), find(""))
    known = Nodes()
    stage = Stage((96, 54), live=False)
    eyes = stage.eyes.nodes()
    stage.close()
    known.replace((*programme.directory().nodes, *Performer(hand, tmp_path / "presets.toml").nodes(), *hand.nodes(), *eyes))
    told = [row.split("|")[1] for row in TEXT.splitlines() if row.startswith("| `/hm/")]
    addresses = re.findall(r"`(/hm/[a-z/]+)", " ".join(told))
    assert len(addresses) > 15
    for address in addresses:
        assert known.matching(f"{address}*" if address.endswith("/") else address), address


def test_nothing_is_left_to_be_filled_in():
    for word in ("MEASURED\n", "LISTENING\n", "TODO"):
        assert word not in TEXT


def test_pictures_stay_small():
    pictures = list((TOP / "scenes" / "pictures").glob("*"))
    assert pictures and all(Path(p).stat().st_size < 4 << 20 for p in pictures)


@pytest.fixture(scope="module")
def show(installed, tmp_path_factory):
    """The first command, with options for a machine that others use."""
    show = Show(tmp_path_factory.mktemp("home"), run=[str(installed / LINES[0])]).awake()
    yield show
    assert show.end() == 0, show.log.read_text()


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("oscsend")])
def test_what_a_performer_pastes_is_understood(show, line):
    words = shlex.split(line.replace("9000", str(show.osc)))
    before = show.frames()
    assert subprocess.run(words, check=False).returncode == 0
    wait_for(lambda: show.frames() > before + 3)
    if "/hm/text" in line:
        wait_for(lambda: words[-1] in show.words())
    if "/hm/scene" in line:
        wait_for(lambda: dict(show.health().get("facts", {})).get("scene") == words[-1])
