"""What an artist's file, or a stranger's finger on it, may do to a show: cost it that hook, for that moment."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from engine.core.clock import Clock, Now
from engine.core.messages import Grain, Keystroke, Set, Text, Told, Touch, Trouble
from engine.loop import NullMind, NullStage, ScriptedDoors, perform
from engine.show.cast import Cast, _copy, digest
from engine.show.guarded import MOST
from engine.show.programme import Programme
from engine.show.rehearsal import Rehearsal, rehearse
from engine.show.scene import SceneError, files, load
from engine.stage import layer
from engine.stage.layer import dark, dreamed

HEAD = "from engine import Dream, Grain, Scene, dreamed\n\n\nclass {}(Scene):\n    calls = 0\n\n"
GOOD = """    def draw(self, now):
        return dreamed.feedback(trail=0.5)

    def dream(self, now):
        return self.wish(beta=0.7)

    def sound(self, now):
        yield Grain(now.time, 0)
"""
BROKEN = {  # hook -> one that fails from its third call on, and what is said of it
    "draw_none": ("def draw(self, now):\n    {good}return dreamed.feedback(trail=0.5)\n", "draw() gave None"),
    "draw_raises": ("def draw(self, now):\n    {raises}return dreamed.feedback(trail=0.5)\n", "ValueError"),
    "dream_none": ("def dream(self, now):\n    {good}return self.wish(beta=0.7)\n", "dream() gave None"),
    "dream_nan": ("def dream(self, now):\n    return self.wish(beta=0.7 if self.early() else float('nan'))\n", "beta=nan"),
    "sound_words": ("def sound(self, now):\n    yield Grain(now.time, 0) if self.early() else 'boom'\n", "sound() gave 'boom'"),
    "sound_nan": ("def sound(self, now):\n    yield Grain(now.time, 0, gain=0.3 if self.early() else float('nan'))\n", "gain=nan"),
    "sound_endless": ("def sound(self, now):\n    yield Grain(now.time, 0)\n    while not self.early():\n        yield Grain(now.time, 0)\n", "grains in one tick"),
    "sound_never": ("def sound(self, now):\n    yield Grain(now.time + (0 if self.early() else 1e9), 0)\n", "s from now"),
    "sound_shape": ("def sound(self, now):\n    yield Grain(now.time, 0, envelope='hann' if self.early() else 'han')\n", "did you mean hann"),
    "update_raises": ("def update(self, now):\n    {raises}pass\n", "ValueError"),
    "update_exits": ("def update(self, now):\n    {good}exit()\n", ""),
    "layer_nan": ("def draw(self, now):\n    return dreamed.feedback(trail=0.5 if self.early() else float('nan'))\n", "feedback(trail=nan)"),
}  # fmt: skip


def scene_file(folder: Path, name: str, *hooks: str) -> Path:
    early = "def early(self):\n    self.calls += 1\n    return self.calls < 3\n"
    body = "\n".join((early, *hooks)).format(good="if not self.early(): return\n    ", raises="if not self.early(): int('x')\n    ")
    path = folder / f"{name}.py"
    path.write_text(HEAD.format(name.title()) + "".join(f"    {line}\n" for line in body.splitlines()))
    return path


def play(show: Programme, frames: int = 60, *messages: object) -> NullStage:
    stage = NullStage(frames)
    perform(show, Clock(60, lambda: stage.time), ScriptedDoors(messages), NullMind(), stage, stage)  # type: ignore[arg-type]
    return stage


class Heard:
    """Everything that was told."""

    def __init__(self) -> None:
        self.troubles: list[Trouble] = []

    def __call__(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)

    @property
    def said(self) -> str:
        return "\n".join(f"{t.room}: {t.what}" for t in self.troubles)


@pytest.mark.parametrize("what", BROKEN)
def test_a_hook_that_fails_is_said_once_with_its_line_and_the_last_good_goes_on(what: str, tmp_path: Path) -> None:
    hook, said = BROKEN[what]
    plain = {part.split("(")[0]: f"def {part}" for part in "\n".join(line[4:] for line in GOOD.splitlines()).split("def ")[1:]}
    plain.pop(what.split("_")[0] if what != "layer_nan" else "draw", None)
    heard = Heard()
    show = Programme(Cast([scene_file(tmp_path, "small", hook, *plain.values())], heard, make=load), "small", hold=True)
    stage = play(show, 40)
    assert len(stage.shown) == 40, "the show goes on"
    assert set(stage.shown[2:]) == {dreamed.feedback(trail=0.5)}, "the last good layer stays"
    assert show.dream(Now(99, 1.65, 1 / 60)).beta == 0.7, "the last good forces stay"
    assert stage.grains and all(isinstance(g, Grain) and np.isfinite(g.gain) for g in stage.grains)
    assert stage.grains[-1].time > 0.5, "sound goes on"
    assert len(heard.troubles) == 1 and "small.py:" in heard.said and said in heard.said, heard.said
    assert show.cast.guard.count >= 2
    assert show.values()["/hm/state/errors"] == (show.cast.guard.count,), "subscribers hear of it"


@pytest.mark.parametrize(
    ("hook", "message"),
    [("touch(self, touch, now)", Touch(0.2, 0.4)), ("hear(self, text)", Text("the sea")), ("key(self, stroke, now)", Keystroke(2.0))],
)
def test_one_visitor_s_finger_or_sentence_does_not_end_the_show(hook: str, message: object, tmp_path: Path) -> None:
    heard = Heard()
    show = Programme(Cast([scene_file(tmp_path, "small", f"def {hook}:\n    int('x')\n")], heard, make=load), "small")
    assert len(play(show, 10, message).shown) == 10
    assert "small.py:12: ValueError" in heard.said


def test_what_the_mind_tells_may_fail_in_a_scene(tmp_path: Path) -> None:
    show = Programme(Cast([scene_file(tmp_path, "small", "def told(self, told):\n    int('x')\n")], make=load), "small")
    show.learn(Told("", ()))
    assert show.cast.guard.count == 1


def test_a_scene_that_errs_ten_times_steps_aside_and_has_the_wall_back_when_it_is_mended(tmp_path: Path) -> None:
    bad = scene_file(tmp_path, "bad", "def draw(self, now):\n    int('x')\n")
    other = scene_file(tmp_path, "other", "def draw(self, now):\n    return dreamed.grade()\n")
    heard = Heard()
    show = Programme(Cast([bad, other], heard, make=load), "bad", hold=True, live=True)
    stage = play(show, 30)
    assert stage.shown[-1] == dreamed.grade() and show.name == "other" and show.cast.guard.count == MOST
    assert "bad has erred too often: other has the wall" in heard.said
    time.sleep(0.01)
    scene_file(tmp_path, "bad", "def draw(self, now):\n    return dreamed.feedback()\n")
    until = time.monotonic() + 30
    while show.name != "bad" and time.monotonic() < until:
        play(show, 40)
        time.sleep(0.05)
    assert show.name == "bad" and play(show, 5).shown[-1] == dreamed.feedback()


def test_panic_is_obeyed_while_a_scene_errs(tmp_path: Path) -> None:
    show = Programme(Cast([scene_file(tmp_path, "small", "def draw(self, now):\n    int('x')\n", "def receive(self, m, now):\n    int('x')\n")], make=load), "small")
    assert play(show, 5, Set("/hm/blackout", (True,))).shown[-1] == dark


HIDDEN = {
    "draws nothing": "def draw(self, now):\n    pass\n",
    "dreams nothing": "def dream(self, now):\n    pass\n",
    "sounds a word": "def sound(self, now):\n    yield 'boom'\n",
    "fails when touched": "def touch(self, touch, now):\n    int('x')\n",
    "fails when spoken to": "def hear(self, text):\n    int('x')\n",
    "fails at a key": "def key(self, stroke, now):\n    int('x')\n",
    "fails when told": "def told(self, told):\n    int('x')\n",
    "fails with a lineage": "def update(self, now):\n    assert not self.state.lineage.ancestors, 'nobody'\n",
    "fails with a wide gap": "def dream(self, now):\n    return self.wish(beta=1 / (1.0 - self.state.gap) - 1)\n",
    "fails after minutes": "def update(self, now):\n    assert now.time < 300\n",
    "wants a word": "def wants(self):\n    return 'much'\n",
    "asks to end": "def update(self, now):\n    exit()\n",
}


@pytest.mark.parametrize("what", HIDDEN)
def test_a_rehearsal_finds_what_only_a_show_would_find(what: str, tmp_path: Path) -> None:
    with pytest.raises((Exception, SystemExit)):
        rehearse(load(scene_file(tmp_path, "small", HIDDEN[what])))


@pytest.mark.parametrize("path", list(files()), ids=lambda path: path.stem)
def test_our_own_scenes_pass_the_rehearsal(path: Path) -> None:
    rehearse(load(path))


@pytest.mark.realtime
@pytest.mark.shared
def test_a_loop_without_end_is_refused_while_the_old_version_plays(tmp_path: Path) -> None:
    path = scene_file(tmp_path, "small", "def draw(self, now):\n    return dreamed.grade()\n")
    heard = Heard()
    show = Programme(Cast([path], heard, make=load), "small", live=True)
    time.sleep(0.01)
    scene_file(tmp_path, "small", "def update(self, now):\n    while True:\n        pass\n")
    longest, until = 0.0, time.monotonic() + 60
    while "does not play" not in heard.said and time.monotonic() < until:
        begun = time.monotonic()
        assert play(show, 40).shown[-1] == dreamed.grade()
        longest = max(longest, time.monotonic() - begun)
        time.sleep(0.02)
    assert "loop without end" in heard.said and longest < 1.0
    assert play(show, 5).shown[-1] == dreamed.grade()


def test_a_rehearsal_that_is_no_longer_wanted_ends(tmp_path: Path) -> None:
    trial = Rehearsal(scene_file(tmp_path, "small", "def update(self, now):\n    while True:\n        pass\n"))
    assert trial.verdict() is None
    began = time.monotonic()
    trial.close()
    assert time.monotonic() - began < 2.0


def test_a_stray_file_among_the_scenes_costs_that_scene_and_is_named(tmp_path: Path) -> None:
    good = scene_file(tmp_path, "good", "def draw(self, now):\n    return dreamed.grade()\n")
    (tmp_path / "broken.py").write_text("class Broken(:\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit\n")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\0")
    (tmp_path / "._good.py").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        ")
    (tmp_path / "folder.py").mkdir()
    found = list(files(tmp_path))
    assert [path.name for path in found] == ["broken.py", "bytes.py", "good.py", "leaves.py"]
    heard = Heard()
    show = Programme(Cast(found, heard, make=load), "good")
    assert play(show, 5).shown[-1] == dreamed.grade() and good.stem == show.name
    assert set(show.cast.broken) == {"broken", "leaves", "bytes"} and "broken.py:1: SyntaxError" in heard.said
    with pytest.raises(SceneError, match="SyntaxError"):
        Cast([tmp_path / "broken.py"])


@pytest.mark.realtime
@pytest.mark.shared
def test_a_file_that_became_bad_between_two_starts_plays_in_its_last_good_version(tmp_path: Path) -> None:
    path, keep = scene_file(tmp_path, "small", "def draw(self, now):\n    return dreamed.grade()\n"), tmp_path / "keep"
    play(Programme(Cast([path], keep=keep), "small", live=True), 400)
    until = time.monotonic() + 10
    while not (keep / "small.py").exists() and time.monotonic() < until:
        time.sleep(0.02)
    path.write_text("class Broken(:\n")
    heard = Heard()
    show = Programme(Cast([path], heard, keep=keep), "small", hold=True)
    assert play(show, 5).shown[-1] == dreamed.grade()
    assert "SyntaxError" in heard.said and "its last good version plays" in heard.said


def test_where_the_last_good_version_itself_stopped_the_loop_the_one_before_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer, "FOLDERS", list(layer.FOLDERS))
    (tmp_path / "shaders").mkdir()
    (tmp_path / "shaders" / "ours.fs").write_text(OURS)
    for verb in ("ours", "grade"):
        path = scene_file(tmp_path, "small", f"def draw(self, now):\n    return dreamed.{verb}()\n")
        _copy(path, tmp_path / "keep", digest(path))
    heard = Heard()
    show = Programme(Cast([path], heard, keep=tmp_path / "keep", hung=frozenset({digest(path)}), make=load), "small", hold=True)
    assert play(show, 5).shown[-1].verb == "ours" and "its last good version plays" in heard.said


def test_what_was_saved_just_before_a_fall_is_rehearsed_before_it_plays(tmp_path: Path) -> None:
    path = scene_file(tmp_path, "small", "def draw(self, now):\n    return dreamed.grade()\n")
    played = {"small": digest(path)}
    _copy(path, tmp_path / "keep", played["small"])
    scene_file(tmp_path, "small", "def update(self, now):\n    while True:\n        pass\n")
    heard = Heard()
    show = Programme(Cast([path], heard, keep=tmp_path / "keep", played=played), "small", hold=True, live=True)
    assert play(show, 5).shown[-1] == dreamed.grade() and "was saved just before the fall" in heard.said
    show.cast.look()
    assert show.cast.trying
    show.cast.close()
    other = scene_file(tmp_path, "other", "def draw(self, now):\n    return dreamed\n")
    begun = time.monotonic()
    cast = Cast([path, other], played=played)  # nothing of it is kept: the others play
    assert set(cast.scenes) == {"other"} and time.monotonic() - begun < 2.0, "what nobody has rehearsed ran in the loop"
    cast.look()
    assert cast.trying
    cast.close()


OURS = """/*{"ISFVSN": "2", "INPUTS": [{"NAME": "inputImage", "TYPE": "image"}]}*/
void main() { gl_FragColor = IMG_NORM_PIXEL(inputImage, isf_FragNormCoord); }
"""
