"""What the pages in docs/ show is run: every scene, shader, command and message, every path and every number of a row."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.__main__ import main
from engine.bench import reference
from engine.bench.pictures import DOCS, MAKERS
from engine.bench.wall import still
from engine.core.clock import Now
from engine.core.errors import CannotPlay
from engine.core.machine import Machine
from engine.core.messages import Keystroke, Message, Set, Text, Touch
from engine.house.command import ELSEWHERE, parser
from engine.house.place import parser as place_parser
from engine.house.plan import plan
from engine.loop import rehearse
from engine.mind.memory.command import _parser as archive_parser
from engine.places.net import settings
from engine.places.options import checked
from engine.show import new
from engine.show.cast import Cast
from engine.show.programme import Programme
from engine.show.rehearsal import FULL, Solo, tried
from engine.show.scene import EXAMPLES, SceneError, files, find, load
from engine.stage import layer
from engine.stage.isf import Shader
from engine.stage.layer import dreamed
from engine.stage.window import headless
from tests.mind.model.test_hub import Hub
from tests.mind.model.turbo_models import save_sd_turbo, tiny_vae

TOP = Path(__file__).parents[1]
PAGES = {page.stem: page.read_text(encoding="utf-8") for page in sorted((TOP / "docs").glob("*.md"))}
BLOCKS = [(page, kind, block) for page, text in PAGES.items() for kind, block in re.findall(r"```(\w*)\n(.*?)```", text, re.S)]
LINES = [line for _, kind, block in BLOCKS if kind == "sh" for line in block.strip().splitlines()]
SCENES = [block for page, kind, block in BLOCKS if kind == "python" and page == "tutorial"]
EXAMPLE_LAYERS = [block for page, kind, block in BLOCKS if kind == "python" and page == "reference"]
NOW = Now(1, 1 / 60, 1 / 60)
SAID = (Text("the sea", key="k"), Keystroke(3.0), Touch(0.2, 0.4))


def of(kind: str, page: str = "tutorial") -> list[str]:
    return [block for where, what, block in BLOCKS if what == kind and where == page]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of somebody who follows the tutorial, with the shader that it has them write."""
    monkeypatch.setattr(layer, "FOLDERS", list(layer.FOLDERS))
    (tmp_path / "shaders").mkdir()
    (tmp_path / "shaders" / "rings.fs").write_text(of("glsl")[0])
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    layer.look()


def written(place: Path, scene: str) -> Path:
    path = place / "mine.py"
    path.write_text(scene)
    return path


def test_every_block_is_of_a_kind_that_is_run_here() -> None:
    assert {kind for _, kind, _ in BLOCKS} == {"sh", "python", "glsl", "text", "toml"}
    assert len(SCENES) == len(of("python")) >= 8 and len(of("glsl")) == len(of("text")) == 1
    ours = ("hypermnesia ", "oscsend ", "./install/", "source .venv/", ".venv/bin/")
    assert all(line.startswith(ours) for line in LINES), LINES
    run_here = {"sh": {"tutorial", "contributing", "files", "faults", "scenes", "gallery", "many-machines"}, "toml": {"many-machines"}, "python": {"tutorial", "reference"}, "glsl": {"tutorial", "files"}, "text": {"tutorial"}}
    for page, kind, block in BLOCKS:  # a block of another page is run by nobody; that of files.md by tests/stage/test_lenient.py, films of scenes.md are planned
        assert page in run_here[kind], f"nobody runs this block of docs/{page}.md:\n{block}"


@pytest.mark.parametrize("number", range(1, len(SCENES) + 1))
def test_every_step_of_the_tutorial_plays(place: Path, number: int) -> None:
    path = written(place, SCENES[number - 1])
    tried(path)
    heard = rehearse(Solo(load(path)), 1.0, SAID, FULL).grains
    assert bool(heard) == ("def sound" in SCENES[number - 1])


def test_the_shader_of_the_tutorial_moves_the_picture_and_is_the_one_of_the_examples(place: Path) -> None:
    load(written(place, SCENES[6]))
    Shader(headless(), place / "shaders" / "rings.fs").release()
    plain, ringed = (still(one, (160, 90), 2.0)[..., :3].astype(float) for one in (dreamed, dreamed.rings(age=1.0)))
    assert np.abs(plain - ringed).mean() > 1.0
    theirs = (EXAMPLES / "shaders" / "rings.fs").read_text()
    same = [[line.split("//")[0].strip() for line in text.splitlines() if "CREDIT" not in line] for text in (theirs, of("glsl")[0])]
    assert same[0] == same[1]


def test_what_is_misspelt_is_said_as_the_tutorial_says(place: Path) -> None:
    written(place, SCENES[2].replace("trail=self.trail", "trail=self.tral"))
    with pytest.raises(SceneError) as wrong:
        load(Path("mine.py"))
    assert f"hypermnesia: {wrong.value}\n" == of("text")[0]


def meant(line: str) -> Message:
    """What an oscsend line would make of itself at the doors."""
    _, _, _, address, types, *args = shlex.split(line)
    numbers = tuple(float(arg) for arg in args)
    assert types == "f" * len(numbers)
    return Touch(*numbers) if address == "/hm/touch" else Set(address, numbers)


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("oscsend")])
def test_what_is_sent_in_the_tutorial_is_understood(place: Path, line: str, caplog: pytest.LogCaptureFixture) -> None:
    before = PAGES["tutorial"].split(line)[0].count("```python")
    show = Programme(Cast([written(place, SCENES[before - 1])]), "mine")
    said = meant(line)
    show.receive(said, NOW)
    assert not caplog.records
    if isinstance(said, Set):
        assert show.values()[said.address] == pytest.approx(said.args)
    else:
        assert show.draw(NOW) != dreamed


def test_the_commands_of_the_tutorial_work_in_their_order(place: Path) -> None:
    lines = [line for block in of("sh") for line in block.strip().splitlines() if line.startswith("hypermnesia")]
    new_one, plain, turned = (shlex.split(line)[1:] for line in lines)
    before = of("sh")[0].split("hypermnesia")[0].replace(".venv", sys.prefix)
    found = subprocess.run(["bash", "-ec", f"{before}\ncommand -v hypermnesia"], capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).samefile(Path(sys.prefix) / "bin" / "hypermnesia")
    assert new_one[0] == "new" and main(new_one) == 0
    tried(place / plain[1])
    written(place, SCENES[2])
    assert turned[: len(plain)] == plain, "one live show for both: it takes ten seconds"
    small = ["--home", "home", "--size", "160x90", "--seconds", "1", "--osc", "0", "--web", "0", "--sound", "null"]
    command = [sys.executable, "-m", "engine", *turned, *small]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env={**os.environ, "PYTHONPATH": str(TOP)})
    assert done.returncode == 0 and "frames, interval" in done.stderr, done.stderr


@pytest.mark.parametrize("line", of("sh", "files")[0].strip().splitlines())
def test_the_commands_for_shaders_that_people_bring_work(place: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "shaders").rename(place / "my-shaders")
    assert main(shlex.split(line)[1:]) == 0
    assert "rings" in capsys.readouterr().out and ("--sheet" not in line or (place / "stills.png").stat().st_size > 1000)


def test_twenty_minutes_of_faults_are_asked_for_in_words_that_the_command_knows() -> None:
    """Run by `hypermnesia bench chaos` itself, and for seconds by tests/bench."""
    (line,) = of("sh", "faults")
    asked = parser().parse_args(shlex.split(line)[1:])
    assert asked.what == "chaos" and asked.minutes == 20 and asked.seed == 1


SMALL = ("--size", "160x90", "--seconds", "1", "--osc", "0", "--web", "0", "--sound", "null")


def hypermnesia(words: list[str], where: Path, **more: str) -> str:
    """What the command says; its memory and its cache lie in `where`. It must end well."""
    own = {"PYTHONPATH": str(TOP), "HYPERMNESIA_HOME": str(where / "home"), "XDG_CACHE_HOME": str(where / "cache")}
    done = subprocess.run([sys.executable, "-m", "engine", *words], cwd=where, capture_output=True, text=True, timeout=1500, env={**os.environ, **own, **more})
    assert done.returncode == 0, f"{shlex.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout + done.stderr


@pytest.mark.long
def test_the_commands_for_models_fetch_list_and_play_one(tmp_path: Path) -> None:
    """Word for word, of a small model that a hub on this machine calls by that name."""
    tiny_vae().save_pretrained(tmp_path / "taesd")
    (tmp_path / "machine.toml").write_text("[mind]\nsize = 64\nfounding = 24\n")
    here = {"stabilityai/sd-turbo": save_sd_turbo(tmp_path / "sd"), "madebyollin/taesd": tmp_path / "taesd"}
    lines = [shlex.split(line)[1:] for line in of("sh", "files")[1].strip().splitlines()]
    assert [words[0] for words in lines] == ["fetch", "models", "run"]
    with Hub(here) as hub:
        wire = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
        assert "is here" in hypermnesia(lines[0], tmp_path, **wire)
        hub.shutdown()
    wire["HF_HUB_OFFLINE"] = "1"
    assert "stabilityai/sd-turbo" in hypermnesia(lines[1], tmp_path, **wire)
    assert "frames, interval" in hypermnesia([*lines[2], "--machine", "machine.toml", *SMALL], tmp_path, **wire)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("line", of("sh", "files")[-1].strip().splitlines())
def test_the_commands_that_look_at_what_people_bring_work(place: Path, line: str) -> None:
    said = hypermnesia(shlex.split(line)[1:], place)
    assert said.strip() and "Traceback" not in said


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("hypermnesia render")])
def test_the_films_of_the_scenes_are_made(tmp_path: Path, line: str) -> None:
    words = [str(TOP / word) if word.startswith("scenes/") else word for word in shlex.split(line)[1:]]
    assert "frames   900, " in hypermnesia([*words, "--size", "160x90"], tmp_path)
    assert (tmp_path / words[2]).stat().st_size > 10_000


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("hypermnesia pictures")])
def test_the_pictures_are_made_again_by_their_commands(tmp_path: Path, line: str) -> None:
    words = shlex.split(line)[1:]
    made = tmp_path / words[1]
    hypermnesia([words[0], str(made), *words[2:]], tmp_path)
    assert any(made.iterdir())
    assert "tutorial" not in words or len(list(made.glob("tutorial-*.jpg"))) == len(of("python"))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("line", [line for line in LINES if line.startswith(".venv/bin/")])
def test_a_contributor_s_commands_pass(line: str) -> None:
    tool, *words = shlex.split(line.removeprefix(".venv/bin/").removeprefix("python -m "))
    done = subprocess.run([sys.executable, "-m", tool, *words], cwd=TOP, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_contributors_commands_are_those_of_install_test() -> None:
    script = (TOP / "install" / "test").read_text()
    for line in LINES:
        if line.startswith("./install/"):
            assert (TOP / line.split()[0]).stat().st_mode & 0o111
        if line.startswith(".venv/bin/"):
            words = line.removeprefix(".venv/bin/").split()
            assert f'"$venv/bin/{words[0]}"' in script, line
            assert all((TOP / word).exists() for word in words if word.startswith("tests"))


def test_the_pictures_can_be_made_again_with_the_commands_that_are_named() -> None:
    lines = [shlex.split(line)[2:] for line in LINES if line.startswith("hypermnesia pictures")]
    assert {name for _, *only in lines for name in only} == set(DOCS) and MAKERS
    assert EXAMPLE_LAYERS and all(isinstance(eval(line, vars(layer)), layer.Layer) for line in EXAMPLE_LAYERS)
    assert all((TOP / folder).is_dir() for folder, *_ in lines)
    wanted = re.findall(r"pictures/(tutorial-\d+\.jpg)", PAGES["tutorial"])
    assert len(wanted) == len(of("python")), "a picture for every step"


def test_the_reference_is_what_the_code_says() -> None:
    assert (TOP / "docs" / "reference.md").read_text(encoding="utf-8") == reference.text(), "hypermnesia pictures docs reference"


def test_the_lines_in_the_models_card_load_it() -> None:
    (block,) = re.findall(r"```\w*\n(.*?)```", (TOP / "engine/mind/model/embedded/README.md").read_text(encoding="utf-8"), re.S)
    there: dict[str, Any] = {}
    exec(block, there)
    assert there["model"].codec.channels > 8


NAMED = sorted(set(re.findall(r"`hypermnesia ([^`]+)`", "\n".join([(TOP / "README.md").read_text(encoding="utf-8"), *PAGES.values()]))))


@pytest.mark.parametrize("line", NAMED)
def test_every_command_that_is_named_in_a_sentence_takes_what_is_named(line: str) -> None:
    words = shlex.split(line.replace("NAME", "gap"))
    if words[0] not in ELSEWHERE:
        parser().parse_args([*words, *(["film.mp4"] if words[0] == "render" else [])])
        return
    code = Path(importlib.import_module(ELSEWHERE[words[0]][0]).__file__ or "").read_text(encoding="utf-8")
    for word in words[1:]:
        assert not word.startswith("--") or f'"{word}"' in code, f"hypermnesia {words[0]} takes no {word}"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere_and_pictures_stay_small(page: str) -> None:
    for name in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGES[page]):
        found = (TOP / "docs" / name).resolve()
        assert found.exists(), name
        assert found.suffix not in (".jpg", ".png") or found.stat().st_size < 300_000, f"{name} is large"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_name_in_the_pages_is_where_they_say(page: str) -> None:
    for path, name in re.findall(r"`((?:engine|tests|shaders|scenes)/[\w/.-]+)`(?: `(\w+)`)?", PAGES[page]):
        if "NN" in path or path == "shaders/rings.fs":
            continue
        assert (TOP / path).exists(), path
        if name:
            assert re.search(rf"^\s*(async )?(def|class) {name}\b", (TOP / path).read_text(), re.M), f"{path} has no {name}"


def test_the_rows_of_the_glossary_are_those_that_have_a_test() -> None:
    listed = {int(number) for number in re.findall(r"^\| (\d+) \w+ \|", PAGES["glossary"], re.M)}
    assert listed == {int(path.name.split("_")[2]) for path in (TOP / "tests" / "rows").glob("test_row_*.py")}


def test_every_scene_has_its_page_with_a_line_of_the_essays_stills_and_half_a_minute_of_film() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGES["scenes"], re.S | re.M))
    assert set(sections) == {path.stem for path in files()}
    show = Programme(Cast(files(), make=load), "gap")
    nodes = show.directory().nodes
    for name, text in sections.items():
        assert re.search(r"^> \S+ \S+ \S+", text, re.M) and f"pictures/scene-{name}.jpg" in text
        (film,) = re.findall(r"^hypermnesia (render .*)$", text, re.M)
        asked = parser().parse_args(shlex.split(film))
        made = plan(asked, Machine())
        assert (made.start, made.hold, made.seconds, str(asked.out)) == (name, True, 30.0, f"{name}.mp4")
        assert (TOP / asked.score).is_file()
        own = show.cast[name].scene.params()
        assert all(setting.address.removeprefix("/hm/") in own for setting in made.settings)
        (played,) = re.findall(r"^Play it: (.*)$", text, re.M)
        assert set(re.findall(r"`([a-z]+)`", played)) <= set(own), name
        known = {node.address for node in nodes} | {f"/hm/{param}" for param in own}
        assert set(re.findall(r"`(/hm/[a-z/]+)", text)) <= known, name


def test_a_house_on_several_machines_is_made_as_its_page_says(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys, *rest = (line for block in of("sh", "many-machines") for line in block.strip().splitlines() if " archive " not in line)
    assert main(shlex.split(keys)[1:]) == 0
    facts = []
    for block in of("toml", "many-machines"):
        (place / "machine.toml").write_text(block)
        if "[memory]" in block:
            continue
        facts.append(checked(Machine.read(place / "machine.toml").place))
        assert settings(facts[-1])["access_control"]["enabled"], "its keys are there"
    assert [one.name for one in facts] == ["house", "north", "ears"] and facts[1].peers[0].endswith(facts[0].listen[0].rpartition(":")[2])
    for line in rest:
        words = shlex.split(line)[1:]
        asked = (place_parser() if words[0] == "place" else parser()).parse_args(words[words[0] == "place" :])
        assert str(asked.machine).removesuffix(".toml") in keys


def test_a_memory_goes_to_a_server_as_the_page_says(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands themselves are run on a real server in tests/mind/memory; here nobody answers at that address."""
    lines = [shlex.split(line)[2:] for block in of("sh", "many-machines") for line in block.strip().splitlines() if " archive " in line]
    assert [archive_parser().parse_args(words).what for words in lines] == ["move", "venues"]
    (block,) = (block for block in of("toml", "many-machines") if "[memory]" in block)
    (place / "machine.toml").write_text(block)
    facts = Machine.read(place / "machine.toml")
    assert facts.memory.archive == lines[0][2] == lines[1][1] and facts.mind.site == "lyon"
    assert plan(parser().parse_args(["run", "--home", str(place)]), replace(facts, memory=replace(facts.memory, archive="postgresql://nobody@/none?host=/nowhere"))).mind.server
    with pytest.raises(CannotPlay, match=r"\[memory\] archive = 'memory.lan'"):
        plan(parser().parse_args(["run"]), replace(facts, memory=replace(facts.memory, archive="memory.lan")))


# --- the drawing


def floors() -> list[set[str]]:
    """Rooms by floor, the lowest first, as they are drawn."""
    drawn = re.findall(r'<rect class="floor".*?><text[^>]*>([^<]+)</text>', (TOP / "docs" / "house.svg").read_text())
    return [set(names.split(" · ")) for names in reversed(drawn)]


def room(parts: tuple[str, ...]) -> str:
    own = parts[0] == "mind" and len(parts) > 1 and parts[1] in ("model", "memory")
    return "/".join(parts[:2]) if own else parts[0].removesuffix(".py")


def test_no_import_runs_up_the_floors_of_the_drawing() -> None:
    at = {name: floor for floor, names in enumerate(floors()) for name in names} | dict.fromkeys(("__init__", "__main__"), len(floors()))  # they know all
    assert len(at) > 12
    for file in sorted((TOP / "engine").rglob("*.py")):
        here = room(file.relative_to(TOP / "engine").parts)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine."):
                for alias in node.names:
                    there = room((*(node.module or "").split(".")[1:], alias.name))
                    assert there == here or at[there] < at[here], f"{file}:{node.lineno}: {here} imports {there}"


def test_the_loop_carries_no_torch_and_the_mind_no_opengl() -> None:
    for module, without in (("engine.house.house", "torch"), ("engine.mind.room", "moderngl")):
        code = f"import sys, {module}; sys.exit({without!r} in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], cwd=TOP, check=False).returncode == 0, f"{module} loads {without}"


def imported(file: Path) -> Iterator[str]:
    """Modules of the engine that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                place = TOP / inner.replace(".", "/")
                yield inner if place.with_suffix(".py").exists() or (place / "__init__.py").exists() else str(node.module)


def test_no_file_imports_one_that_imports_it() -> None:
    """No circle, however long, also none that is hidden in a function."""
    names = {".".join(file.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__"): file for file in (TOP / "engine").rglob("*.py")}
    left = {name: set(imported(file)) & set(names) - {name, "engine"} for name, file in names.items()}
    while free := [name for name, needs in left.items() if not needs & set(left)]:
        for name in free:
            del left[name]
    assert not left, f"a circle runs through some of {sorted(left)}"


# --- small scenes, and a new one


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short_named_in_the_tutorial_and_plays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "FOLDERS", list(layer.FOLDERS))
    lines = path.read_text().splitlines()
    assert 10 <= len(lines) <= 20 and f"`{path.stem}`" in PAGES["tutorial"]
    assert find(path.stem) == path
    scene = tried(path)
    show = rehearse(Solo(scene), 2.0, SAID, FULL)
    assert len(show.shown) == 120 and bool(show.grains) == ("def sound" in path.read_text())
    assert still(show.shown[-1], (96, 54), 2.0)[..., :3].std() > 1.0


def test_examples_play_when_they_are_asked_for_and_not_otherwise() -> None:
    by_name = plan(parser().parse_args(["run", "voices"]), Machine())
    by_state = plan(parser().parse_args(["run"]), Machine())
    assert by_name.start == "voices" and by_name.hold and EXAMPLES / "voices.py" in by_name.scenes
    assert all(path.parent != EXAMPLES for path in by_state.scenes)


def test_a_new_scene_plays_and_nothing_is_overwritten(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "new" in ELSEWHERE and main(["new", "two_rooms"]) == 0
    scene = tried(place / "two_rooms.py")
    assert type(scene).__name__ == "TwoRooms" and scene.nodes("/hm")[-1].description == "how slowly light fades"
    before = (place / "two_rooms.py").read_text()
    assert new.main(["two_rooms.py"]) == 2 and (place / "two_rooms.py").read_text() == before
    assert new.main(["3 rooms"]) == 2 and "scene_3_rooms" in capsys.readouterr().err


def test_every_line_of_what_was_wrong_is_held_by_a_test_that_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (TOP / "docs" / "doors.md").read_text(encoding="utf-8")))
    there = {name for path in (TOP / "tests").rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)}
    assert len(named) > 30 and not named - there - {"test_docs"}, named - there
