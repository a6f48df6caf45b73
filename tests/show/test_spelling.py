"""A misspelt name is found when the scene is loaded, with file, line and the nearest that is valid."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from engine.show.cast import Cast
from engine.show.programme import Programme
from engine.show.rehearsal import tried
from engine.show.scene import SceneError, load

HEAD = """from engine import Dream, Grain, Layer, Murmur, Now, Param, Scene, dark, dreamed, mapping


class Small(Scene):
"""
MURMUR = "def __init__(self):\n    super().__init__()\n    self.murmur = Murmur(seed=1)\n"


def written(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "small.py"
    path.write_text(HEAD + textwrap.indent(body, "    ") + "\n")
    return path


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("def draw(self, nwo): return dreamed", 5, r"the hook draw\(self, now\) is called nwo; did you mean now\?"),
        ("def draw(self): return dreamed", 5, r"the hook is draw\(self, now\), found draw\(self\)"),
        ("def key(self, now, stroke): pass", 5, r"is called now; did you mean stroke\?"),
        ("def draw(self, now): return dreamed.feedbakc()", 5, r"did you mean \.feedback\(\)\?"),
        ("def draw(self, now): return dreamed.feedback(trial=0.3)", 5, r"\.feedback\(\) takes no 'trial'; did you mean trail\?"),
        ("def draw(self, now): return dreamed.feedback(trail='loud')", 5, "trail takes a number"),
        ("def draw(self, now):\n    if now.time > 100:\n        return dark.testcrad()\n    return dreamed", 7, "did you mean .testcard()"),
        ("def draw(self, now):\n    light = dreamed.flow()\n    return light.drift(\n        amont=self.beta)", 8, "did you mean amount"),
        ("trail = Param(0.5)\ndef draw(self, now): return dreamed.feedback(trail=self.tral)", 6, "the scene has no tral; did you mean trail"),
        ("trail = Param(0.5)\ndef update(self, now): self.tral = 0.3", 6, "self.tral is set and never read; did you mean trail"),
        ("bta = Param(0.5)", 5, "bta is a Param that nothing reads; did you mean beta"),
        ("trail = Param(0.5, hgih=3)", 5, r"Param\(\) takes no hgih; did you mean high"),
        ("def dream(self, now): return self.wish(dgree=2)", 5, r"wish\(\) takes no dgree; did you mean degree"),
        ("def dream(self, now): return Dream(self.words, bta=0.3)", 5, r"Dream\(\) takes no bta; did you mean beta"),
        ("def sound(self, now):\n    if now.time > 99:\n        yield Grain(now.time, gian=0.3)", 7, "did you mean gain"),
        ("def update(self, now): self.since = now.tiem", 5, "Now has no tiem; did you mean time"),
        ("def wants(self): return self.state.lineage.dpeth", 5, "Lineage has no dpeth; did you mean depth"),
        ("def told(self, told): self.theirs = told.ancestor", 5, "Told has no ancestor; did you mean ancestors"),
        ("def helper(self, now: Now): return now.tmie", 5, "Now has no tmie; did you mean time"),
        (MURMUR + "def sound(self, now): yield from self.murmur.grain(now.time)", 8, "Murmur has no grain; did you mean grains"),
        (MURMUR.replace("seed", "sede"), 7, r"Murmur\(\) takes no sede; did you mean seed"),
        ("def __init__(self): self.x = 1", 5, r"__init__\(\) has to begin with super\(\).__init__\(\)"),
        ("trail = Param(0.5)\ndef draw(self, now): return dreamed.feedback(trail=trail)", 6, "trail is the scene's own: write self.trail"),
        ("def draw(self, now): return feedback(dreamed)", 5, r"feedback is a verb: dreamed.feedback\(\)"),
        ("def hear(self, text): self.first = Touch(0.1, 0.2)", 5, "Touch is not imported: from engine import Touch"),
        ("def draw(self, now): return dreamed()", 5, r"dreamed is a picture, not a function: leave the \(\) out"),
        ("trail = Prama(0.5)", 5, "nothing is called Prama; did you mean Param"),
        ("speed = Param(5)", 5, "low= and high= say where it may lie"),
        ("def sound(self, now): yield mapping.keystrok(1)", 5, "mapping has no keystrok; did you mean keystroke"),
        ("def draw(self, now): return dremed if now.time > 99 else dark", 5, "nothing is called dremed; did you mean dreamed"),
    ],
)
def test_what_is_misspelt_is_refused_at_load_with_the_nearest(tmp_path: Path, body: str, line: int, said: str) -> None:
    with pytest.raises(SceneError, match=rf"small\.py:{line}: .*{said}"):
        load(written(tmp_path, body))


@pytest.mark.parametrize(
    "body",
    [
        "def near(self, now): return 1.0\ndef update(self, _): self.far = self.near(_)",
        "glow = Param(0.5)  # nothing reads it yet, and it is nearly nothing else",
        "def draw(self, now):\n    for dreamed in (dark, dark): pass\n    return dreamed.anything()",
        "def draw(self, now):\n    try:\n        import math\n        return [dark for k in range(3) if math.sin(k) < 4][0]\n    except ValueError as wrong:\n        raise wrong",
        "def hear(self, text):\n    match text.words.split():\n        case [first, *rest]: self.first = (first, rest)",
        "def __getattr__(self, name): return 1.0\ndef update(self, now): self.x = self.whatever",
        "def draw(self, now):\n    numbers = {'trail': self.beta}\n    return dreamed.feedback(**numbers).whose(amount=0.1)",
    ],
)
def test_what_python_allows_and_cannot_be_followed_is_left_alone(tmp_path: Path, body: str) -> None:
    load(written(tmp_path, body))


def test_what_engine_does_not_offer_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = written(tmp_path, "pass")
    path.write_text(path.read_text().replace("Grain,", "Grian,"))
    with pytest.raises(SceneError, match=r"small\.py:1: engine has no Grian; did you mean Grain\?"):
        load(path)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def draw(self, now): return dreamed.feedback(0.9)", r"small\.py:5: .*takes numbers by name, such as trail=0.5; found 0.9"),
        ("def sound(self, now): Grain(now.time)", r"small\.py:5: sound\(\) gave None; wanted: Grains, each with `yield`"),
    ],
)
def test_what_a_hook_does_wrong_is_said_with_its_line(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(SceneError, match=said):
        tried(written(tmp_path, body))


def test_a_scene_is_rehearsed_before_the_first_frame_not_only_when_it_is_saved_again(tmp_path: Path) -> None:
    path = written(tmp_path, "def update(self, now):\n    for ancestor in self.state.lineage.ancestors:\n        ancestor.shrae")
    load(path)  # what comes out of a list cannot be followed without playing
    with pytest.raises(SceneError, match=r"small\.py:7: AttributeError: .*shrae"):
        Programme(Cast([path]), "small")
