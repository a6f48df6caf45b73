"""What a shader file may do to a show: nothing but look as it did before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.guard import Guard
from engine.core.messages import Trouble
from engine.core.meter import Meter
from engine.house.wall import Wall
from engine.loop import NullMind
from engine.stage import layer as language
from engine.stage.layer import Layer, dark
from engine.stage.outputs.tap import Newest
from engine.stage.stage import Stage

RED = '/*{"INPUTS": [{"NAME": "amount", "TYPE": "float", "DEFAULT": 1.0}]}*/ void main() { gl_FragColor = vec4(amount, 0., 0., 1.); }'
STRAY = {
    "quote": '/*{"INPUTS: [],}*/ void main() { gl_FragColor = vec4(1.); }',
    "words": "nothing of the kind",
    "list": '/*{"INPUTS": ["a", 3]}*/ void main() {}',
    "glsl": RED.replace("amount, 0.", "nothing, 0."),
    "picture": '/*{"IMPORTED": {"p": {"PATH": "quote.fs"}}}*/ void main() { gl_FragColor = IMG_NORM_PIXEL(p, vec2(0.)); }',
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    language.FOLDERS.append(tmp_path)
    (tmp_path / "red.fs").write_text(RED)
    language.look()
    yield tmp_path
    language.FOLDERS.remove(tmp_path)
    language.look()


class Show:
    """A live wall without a window: frames are shown until one has looked at the files again."""

    def __init__(self) -> None:
        self.troubles: list[Trouble] = []
        self.last, self.at = Newest(), 0.0
        self.stage = Stage((32, 18), taps=[self.last], fps=200.0)
        self.wall = Wall(self.stage, NullMind(), Meter(), lambda: False, Guard("loop", self.troubles.append))  # type: ignore[arg-type]
        self.wall.mind.picture = None

    def show(self, layer: Layer, frames: int = 3) -> tuple[int, int, int]:
        for _ in range(frames):
            self.stage._looked = 0.0
            self.wall.show(layer, self.at)
            self.at += 0.5
        return tuple(int(v) for v in self.last.frame[9, 16, :3])  # type: ignore[return-value]


def red() -> Layer:
    made: Layer = dark.red(amount=1.0)
    return made


def test_a_stray_shader_costs_its_verb_and_is_named(folder: Path) -> None:
    for name, text in STRAY.items():
        (folder / f"{name}.fs").write_text(text)
    show = Show()
    show.stage.prepare([red()])
    assert set(show.stage.broken) == set(STRAY)
    assert all(f"{name}.fs" in said for name, said in show.stage.broken.items() if name != "picture")
    assert show.show(red()) == (255, 0, 0)
    assert show.show(Layer("list"), 9) == (0, 0, 0) and show.show(red(), 9) == (255, 0, 0), "a chain that names it is drawn without"
    show.stage.close()


@pytest.mark.parametrize("what", ["quote", "words", "list", "glsl", "gone"])
def test_a_shader_that_breaks_or_goes_while_it_plays_plays_on_as_it_was(folder: Path, what: str) -> None:
    show = Show()
    show.stage.prepare([red()])
    assert show.show(red()) == (255, 0, 0)
    file = folder / "red.fs"
    if what == "gone":
        file.unlink()
    else:
        file.write_text(STRAY[what])
    assert show.show(red(), 6) == (255, 0, 0), "a scene still finds its verb, and the stage its program"
    frames = show.wall.meter.frame.count
    assert show.show(red(), 3) == (255, 0, 0) and show.wall.meter.frame.count == frames + 3
    said = [t.what for t in show.troubles]
    assert what == "gone" or (len(said) == 1 and "red.fs" in said[0]), said
    file.write_text(RED.replace("vec4(amount, 0.", "vec4(0., amount"))
    assert show.show(red(), 9) == (0, 255, 0), "and a good one is taken"
    show.stage.close()


def test_a_frame_that_cannot_be_drawn_is_left_out_and_counted(folder: Path) -> None:
    show = Show()
    assert show.show(red()) == (255, 0, 0)
    good = show.stage.between.advance
    show.stage.between.advance = lambda delta: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    show.show(red(), 5)
    assert show.wall.guard.count == 5 and len(show.troubles) == 1 and "ZeroDivisionError" in show.troubles[0].what
    show.stage.between.advance = good  # type: ignore[method-assign]
    assert show.show(red()) == (255, 0, 0)
    show.stage.close()
