"""Eyes: no wall that strangers can make flashes more than three times a second. Real OpenGL, and a second count.

`Eye` counts in whole frames and in another way than the guard does: every pixel, every field of view, no leak.
"""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.core.clock import Now
from engine.core.messages import Set
from engine.show.scene import SCENES, load
from engine.stage import layer as language
from engine.stage.flashes import Flashes
from engine.stage.layer import Layer, dark, dreamed
from engine.stage.stage import Stage
from tests.stage.test_stage import CHAIN, Frames, Mind

SIZE, FPS = (96, 54), 30
FIELD = 17  # pixels: 10 degrees of view, one width of this wall away

STROBE = """/*{"INPUTS": [
  {"NAME": "kind", "TYPE": "float", "MIN": 0, "MAX": 8, "DEFAULT": 0},
  {"NAME": "rate", "TYPE": "float", "MIN": 0, "MAX": 60, "DEFAULT": 10},
  {"NAME": "cell", "TYPE": "float", "MIN": 0, "MAX": 1, "DEFAULT": 0.1},
  {"NAME": "part", "TYPE": "float", "MIN": 0, "MAX": 1, "DEFAULT": 0.25},
  {"NAME": "one", "TYPE": "color", "DEFAULT": [1, 1, 1, 1]},
  {"NAME": "two", "TYPE": "color", "DEFAULT": [0, 0, 0, 1]}
]}*/
float chance(vec2 p) { return fract(sin(dot(p, vec2(12.9898, 78.233))) * 43758.5453); }
void main() {
    vec2 p = isf_FragNormCoord;
    vec2 block = floor(p / max(cell, 0.01));
    float beat = TIME * rate, on = step(fract(beat), 0.5);
    if (kind < 1.0) {}                                                     // the whole wall
    else if (kind < 2.0) on = mod(block.x + block.y + floor(beat * 2.0), 2.0);       // a board that swaps its squares
    else if (kind < 3.0) on = step(fract(p.x / max(cell, 0.01) + beat), 0.5);        // stripes that run
    else if (kind < 4.0) on = step(fract(beat), 0.2) * step(p.x, 0.5) + step(fract(beat + 0.5), 0.2) * step(0.5, p.x);  // from side to side
    else if (kind < 5.0) on *= step(max(p.x, p.y), part);                  // a corner
    else if (kind < 6.0) on = step(0.5, chance(block + floor(beat * 2.0)));          // blocks at random
    else if (kind < 7.0) on = 0.5 + 0.5 * sin(6.2832 * (beat + p.x * cell)); // soft, with a wave across
    else on = step(fract(atan(p.y - 0.5, p.x - 0.5) / 6.2832 * 3.0 + beat), 0.5);    // a wheel
    gl_FragColor = mix(two, one, on);
}"""


class Eye:
    """Counts flashes in frames: of pixels' luminance and red, in fields of view of which a quarter changes at once."""

    def __init__(self) -> None:
        self.most = 0.0
        self.worst_at = 0.0
        self._kinds: list[Kind] = []

    def see(self, frame: np.ndarray, at: float) -> None:
        """(h, w, 3) of 0..255."""
        c = frame / 255.0
        c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        r, g, b = c[..., 0], c[..., 1], c[..., 2]
        saturated = (r > 0) & (r >= 0.8 * (r + g + b))
        if not self._kinds:
            self._kinds = [Kind(r.shape, 0.1, 0.8), Kind(r.shape, 20 / 320, np.inf)]
        flashes = (
            self._kinds[0].see(0.2126 * r + 0.7152 * g + 0.0722 * b, np.ones_like(saturated), at),
            self._kinds[1].see(np.maximum(r - g - b, 0.0), saturated, at),
        )
        if max(flashes) > self.most:
            self.most, self.worst_at = max(flashes), at


class Kind:
    """One kind of flash."""

    def __init__(self, shape: tuple[int, int], least: float, darker: float):
        self.least, self.darker = least, darker
        self.low, self.high = np.zeros(shape), np.zeros(shape)
        self.marked = [np.zeros(shape, bool), np.zeros(shape, bool)]  # whether the lowest and the highest count
        self.last = np.zeros(shape, int)  # 1 up, -1 down, 0 neither yet
        self.recent: list[tuple[float, np.ndarray]] = []
        self.events: dict[tuple[int, int], list[tuple[float, int]]] = {}

    def see(self, value: np.ndarray, marks: np.ndarray, at: float) -> float:
        for extreme, newer, mark in ((self.low, value < self.low, 0), (self.high, value > self.high, 1)):
            extreme[newer] = value[newer]
            self.marked[mark] = np.where(newer, marks, self.marked[mark])
        up = (value - self.low >= self.least) & (self.low < self.darker) & (self.last <= 0)
        down = (self.high - value >= self.least) & (value < self.darker) & (self.last >= 0)
        change = np.where(up & (marks | self.marked[0]), 1, np.where(down & (marks | self.marked[1]), -1, 0))
        turned = up | down
        self.last = np.where(up, 1, np.where(down, -1, self.last))
        for extreme, mark in ((self.low, 0), (self.high, 1)):
            extreme[turned] = value[turned]
            self.marked[mark] = np.where(turned, marks, self.marked[mark])
        self.recent = [(then, was) for then, was in self.recent if at - then < 0.1] + [(at, change)]
        return self._count(at)

    def _count(self, at: float) -> float:
        if not any(was.any() for _, was in self.recent[-1:]):
            return 0.0
        most = 0
        h, w = self.low.shape
        for y, x in itertools.product(range(0, h - FIELD + 1, 5), range(0, w - FIELD + 1, 5)):
            events = self.events.setdefault((y, x), [])
            since = events[-1][0] if events else -1.0
            for way in (1, -1):
                if (not events or events[-1][1] != way) and self._share(y, x, way, since) >= 0.25:
                    events.append((at, way))
                    break
            while events and at - events[0][0] >= 1.0:
                events.pop(0)
            most = max(most, len(events))
        return most // 2

    def _share(self, y: int, x: int, way: int, since: float) -> float:
        field = np.zeros((FIELD, FIELD), bool)
        for then, was in self.recent:
            if then > since:
                field |= was[y : y + FIELD, x : x + FIELD] == way
        return float(field.mean())


@pytest.fixture
def strobe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Layer]]:
    (tmp_path / "strobe.fs").write_text(STROBE)
    monkeypatch.setattr(language, "FOLDERS", [*language.FOLDERS, tmp_path])
    language.look()
    yield lambda **numbers: Layer("strobe", (), tuple(sorted((k, v if isinstance(v, tuple) else float(v)) for k, v in numbers.items())))
    language.look()


def seen(stage: Stage, frames: Frames, layers: Iterator[tuple[Layer, bool]], mind: Mind) -> Eye:
    """Show one layer a frame, dark where it says so, and look at every frame as soon as it has come out."""
    eye, looked = Eye(), 0
    for index, (layer, blackout) in enumerate(layers):
        mind.at, stage.blackout = index / FPS, blackout
        stage.show(layer, index / FPS)
        while frames.seen:
            eye.see(frames.seen.pop(0), frames.at[looked])
            looked += 1
    return eye


def play(layers: Iterator[tuple[Layer, bool]], limit: int = 3) -> tuple[Eye, dict[str, float]]:
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, fps=FPS, live=False, flashes=limit)
    eye = seen(stage, frames, layers, mind)
    state = stage.state()
    stage.close()
    return eye, state


RED, BLUE, CYAN = (1.0, 0.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0), (0.0, 0.33, 0.5, 1.0)
HOSTILE = {
    "the whole wall": {"rate": 10}, "nearly as fast as frames come": {"rate": 14}, "slowly enough to be seen": {"rate": 4},
    "black and red": {"rate": 8, "one": RED}, "red against its own luminance": {"rate": 6, "one": RED, "two": CYAN},
    "red and blue": {"rate": 12, "one": RED, "two": BLUE},
    "squares that swap": {"kind": 1, "rate": 5}, "fine squares that swap": {"kind": 1, "rate": 5, "cell": 0.02},
    "stripes that run": {"kind": 2, "rate": 6, "cell": 0.3}, "from side to side": {"kind": 3, "rate": 3},
    "a corner": {"kind": 4, "rate": 9}, "blocks at random": {"kind": 5, "rate": 6, "cell": 0.2},
    "soft": {"kind": 6, "rate": 5, "cell": 1.0}, "a wheel": {"kind": 7, "rate": 6},
}  # fmt: skip


@pytest.mark.parametrize("numbers", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_shader_that_flashes_does_so_three_times_a_second_at_most(strobe: Callable[..., Layer], numbers: dict) -> None:
    bare, _ = play(((strobe(**numbers), False) for _ in range(FPS)), limit=60)
    eye, state = play((strobe(**numbers), False) for _ in range(2 * FPS))
    assert bare.most > 3, "this one is harmless, and shows nothing"
    assert eye.most <= 3 and state["eased"] > 0


def test_a_place_may_name_its_own_limit(strobe: Callable[..., Layer]) -> None:
    counts = {limit: play(((strobe(rate=10), False) for _ in range(2 * FPS)), limit)[0].most for limit in (1, 5)}
    assert counts[1] == 1 and 3 < counts[5] <= 5
    with pytest.raises(ValueError, match="at least 1"):
        Flashes(SIZE, 0)


def test_what_does_not_flash_is_shown_as_it_was_drawn_bit_for_bit() -> None:
    def frames(limit: int) -> list[str]:
        frames, mind = Frames(), Mind(every=0.125)
        stage = Stage(SIZE, taps=[frames], pictures=mind, fps=FPS, live=False, flashes=limit)
        for index in range(3 * FPS):
            mind.at = index / FPS
            stage.show(CHAIN, index / FPS)
        assert stage.eyes.eased == 0
        stage.close()
        return frames.frames

    assert frames(3) == frames(60)


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.py")), ids=lambda path: path.stem)
def test_no_scene_of_ours_flashes(path: Path) -> None:
    """Pictures come eight times a second, each as unlike the last as can be."""
    scene = load(path)
    layer = scene.draw(Now(0, 0.0, 1 / 60))
    frames, mind = Frames(), Mind(every=0.125)
    stage = Stage(SIZE, taps=[frames], pictures=mind, fps=FPS, live=False)
    seen(stage, frames, ((layer, False) for _ in range(2 * FPS)), mind)
    assert stage.eyes.eased == 0
    stage.close()


def test_a_spark_is_no_flash_and_slow_breath_none_too_many(strobe: Callable[..., Layer]) -> None:
    """A ninth of a field may flash as it likes; a whole wall may breathe."""
    _, state = play((strobe(kind=4, rate=9, part=0.06), False) for _ in range(2 * FPS))
    assert state["eased"] == 0 and state["flashes"] == 0
    _, state = play((strobe(kind=6, rate=0.7, cell=0.0), False) for _ in range(4 * FPS))
    assert state["eased"] == 0 and 0 < state["flashes"] <= 1


def test_what_another_performance_flashed_is_not_held_against_this_one(strobe: Callable[..., Layer]) -> None:
    """The clock begins anew with each, on the same stage."""
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, fps=FPS, live=False)
    for _ in range(2):
        seen(stage, frames, ((strobe(kind=6, rate=1.5, cell=0.0), False) for _ in range(2 * FPS)), mind)
    assert stage.eyes.eased == 0 and 0 < stage.state()["flashes"] <= 2
    stage.close()


def test_dark_comes_at_once_whatever_the_guard_does_and_light_waits(strobe: Callable[..., Layer]) -> None:
    """Blackout is pressed and let go ten times a second, over a wall that flashes; later over one that is white."""
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, fps=FPS, live=False)
    hostile = [strobe(rate=12)] * (2 * FPS) + [strobe(rate=0)] * (2 * FPS)
    dark_ones = [index > FPS and index % 3 == 0 for index in range(len(hostile))]
    shown: list[float] = []
    eye = Eye()
    for index, (layer, blackout) in enumerate(zip(hostile, dark_ones, strict=True)):
        stage.blackout = blackout
        stage.show(layer, index / FPS)
    stage.close()
    for frame, at in zip(frames.seen, frames.at, strict=True):
        eye.see(frame, at)
        shown.append(float(frame.max()))
    assert all(light == 0.0 for light, blackout in zip(shown, dark_ones, strict=True) if blackout)
    assert eye.most <= 3


def test_the_wall_is_whole_again_soon_after_and_it_was_said_once(
    strobe: Callable[..., Layer], caplog: pytest.LogCaptureFixture
) -> None:
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, fps=FPS, live=False)
    with caplog.at_level(logging.WARNING, logger="engine.stage.eyes"):
        seen(stage, frames, ((strobe(rate=12), False) for _ in range(2 * FPS)), mind)
        for index in range(2 * FPS, 11 * FPS):
            stage.show(strobe(rate=0, two=BLUE), index / FPS)
    assert stage.state()["pace"] == 1.0 and stage.state()["eased"] > 30 and stage.state()["flashes"] == 0.0
    assert len(caplog.records) == 1 and "[stage] flashes" in caplog.text
    stage.close()
    assert (frames.seen[-1] == [255, 255, 255]).all()


def test_the_test_card_pressed_like_a_drum_does_not_flash() -> None:
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, fps=FPS, live=False)
    eye = Eye()
    for index in range(2 * FPS):
        mind.at = index / FPS
        stage.receive(Set("/hm/mapping/test", (index // 2 % 2,)))
        stage.show(CHAIN, index / FPS)
    stage.close()
    for frame, at in zip(frames.seen, frames.at, strict=True):
        eye.see(frame, at)
    assert eye.most <= 3


def hostile(strobe: Callable[..., Layer], seconds: int, seed: int) -> Iterator[tuple[Layer, bool]]:
    """Shaders that flash in every way, scenes cut against one another, panic keys hit like drums; at random."""
    chance = random.Random(seed)
    left, layer, keys = 0, dark, 0.0
    blackout = False
    for _ in range(seconds * FPS):
        if left == 0:
            left = chance.choice((2, 4, FPS // 2, FPS, 2 * FPS, 4 * FPS))
            numbers = dict(chance.choice(list(HOSTILE.values())))
            numbers |= {"rate": numbers["rate"] * chance.uniform(0.3, 2.0), "cell": chance.uniform(0.02, 0.6)}
            numbers |= {"one": (*(chance.choice((0.0, 0.5, 1.0)) for _ in range(3)), 1.0)} if chance.random() < 0.3 else {}
            layer = chance.choice((strobe(**numbers), strobe(**numbers), strobe(**numbers).feedback(trail=0.5), dreamed, CHAIN))
            keys = chance.choice((0.0, 0.0, 0.1, 0.4))
        left -= 1
        blackout = not blackout if chance.random() < keys else blackout and keys > 0.0
        yield layer, blackout


def test_no_flash_is_found_in_hostile_scenes_shaders_and_panic_keys(strobe: Callable[..., Layer]) -> None:
    for seed in (1, 3):
        eye, state = play(hostile(strobe, 12, seed))
        assert eye.most <= 3, f"seed {seed}, at {eye.worst_at:.2f} s"
    assert state["eased"] > FPS, "there was something to ease in the last"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_no_flash_is_found_in_ten_minutes_of_them(strobe: Callable[..., Layer]) -> None:
    eye, state = play(hostile(strobe, 600, 2))
    assert eye.most <= 3, f"at {eye.worst_at:.2f} s"
    assert state["eased"] > 60 * FPS
