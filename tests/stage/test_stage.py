"""The stage: real OpenGL (headless), real frames, time injected."""

from __future__ import annotations

import ctypes
import gc
import itertools
import shutil
import subprocess
import sys
import threading
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Ancestor, Lineage, Picture, Set, State
from engine.stage.editor import Editor
from engine.stage.governor import Governor, choose_size, least
from engine.stage.layer import Layer, dark, dreamed
from engine.stage.mapping import Mapping, save
from engine.stage.outputs.tap import Fingerprint
from engine.stage.pacer import Pacer
from engine.stage.stage import Stage

SIZE = (96, 54)


def picture(number: int, rgba: np.ndarray, degree: int = 2) -> Picture:
    return Picture(
        rgba, np.zeros((4, 4, 4), np.float16), np.zeros((0, 2, 2), np.float16), State(picture=number, degree=degree)
    )


def blobs(seed: int, size: int = 64) -> np.ndarray:
    """A soft coloured picture, different for each seed."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size] / size
    light = sum(np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.05)[..., None] * c for cx, cy, *c in random.random((5, 5)))
    return np.concatenate([np.clip(light * 255, 0, 255), np.full((size, size, 1), 255)], 2).astype(np.uint8)


class Mind:
    """A new picture every `every` scene seconds."""

    def __init__(self, every: float = 0.25, degree: int = 2):
        self.every, self.degree, self.at = every, degree, 0.0

    @property
    def serial(self) -> int:
        return int(self.at / self.every) + 1

    def newest(self, after: int = 0) -> Picture | None:
        return picture(self.serial, blobs(self.serial), self.degree) if self.serial > after else None


class Frames(Fingerprint):
    """Keeps every frame."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[np.ndarray] = []
        self.at: list[float] = []

    def offer(self, frame: np.ndarray, at: float) -> None:
        super().offer(frame, at)
        self.seen.append(frame[..., :3].astype(int))
        self.at.append(at)


def play(layer: Layer, seconds: float, mind: Mind, fps: float = 30.0, prepare: bool = False) -> Frames:
    frames = Frames()
    stage = Stage(SIZE, taps=[frames], pictures=mind, fps=fps, live=False)
    if prepare:
        stage.prepare()
    for index in range(round(seconds * fps)):
        mind.at = index / fps
        stage.show(layer, index / fps)
    stage.close()
    return frames


CHAIN = dreamed.feedback(trail=0.7).grade()


def test_two_renders_are_the_same_bit_for_bit() -> None:
    one, two = play(CHAIN, 2, Mind()), play(CHAIN, 2, Mind(), prepare=True)
    assert one.frames == two.frames and len(one.frames) == 60


def test_every_frame_reaches_the_taps_with_its_time() -> None:
    assert play(CHAIN, 0.5, Mind()).at == pytest.approx([i / 30 for i in range(15)])


def test_the_top_row_of_a_picture_is_the_top_row_of_the_frame() -> None:
    class Top(Mind):
        def newest(self, after: int = 0) -> Picture | None:
            rgba = np.zeros((64, 64, 4), np.uint8)
            rgba[:16, :, 0] = 255
            return picture(self.serial, rgba) if self.serial > after else None

    frame = play(dreamed.frame(zoom=1.0, wander=0.0), 6, Top()).seen[-1]
    assert frame[:4, :, 0].mean() > 10 * (1 + frame[-4:, :, 0].mean())


def test_the_wall_never_stands_still_and_never_jumps() -> None:
    seen = play(CHAIN, 6, Mind()).seen[30:]
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(seen)]
    assert min(steps) > 0.05  # of 255
    assert max(steps) < 12  # a cut between two of these pictures is 60 or more


def test_a_mind_that_stops_does_not_freeze_the_wall() -> None:
    class Dies(Mind):
        @property
        def serial(self) -> int:
            return min(4, super().serial)

    seen = play(CHAIN, 8, Dies()).seen
    assert all(np.abs(a - b).max() > 0 for a, b in itertools.pairwise(seen[-60:]))


def test_a_picture_of_the_first_degree_never_reaches_the_wall() -> None:
    frames = play(CHAIN, 2, Mind(degree=1))
    assert max(frame.max() for frame in frames.seen) <= 1  # half a step of noise in the dark


def test_a_new_chain_of_verbs_comes_in_without_a_cut() -> None:
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, live=False)
    for index in range(225):  # they cross in four seconds
        mind.at = index / 30
        stage.show(CHAIN if index < 90 else dark.grade(exposure=-1.0), index / 30)
    stage.close()
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(frames.seen[85:])]
    assert max(steps) < 12 and frames.seen[-1].max() <= 2


def test_the_bare_picture_comes_in_like_any_chain() -> None:
    """The wall ended where a scene drew `dreamed` alone: its frame was let go with what the scene before had drawn."""
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, live=False)
    for index in range(100):
        mind.at = index / 30
        stage.show(CHAIN if index < 30 else dreamed, index / 30)
    stage.close()
    assert frames.seen[-1].max() > 30


def test_blackout_is_dark_on_the_next_frame() -> None:
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, live=False)
    for index in range(92):
        mind.at, stage.blackout = index / 30, index == 90
        stage.show(CHAIN, index / 30)
    stage.close()
    assert frames.seen[89].max() > 30 and frames.seen[90].max() == 0 and 0 < frames.seen[91].max() < 30


def test_a_house_that_closes_goes_dark_as_slowly_as_it_is_asked_to_and_a_panic_key_goes_first() -> None:
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, live=False)
    for index in range(80):
        mind.at, stage.dimmed, stage.blackout = index / 30, max(0.0, min(1.0, (75 - index) / 15)), index == 10
        stage.show(CHAIN, index / 30)
    stage.close()
    means = [float(frame.mean()) for frame in frames.seen]
    assert 0.0 < means[70] < means[66] < means[60] and max(means[75:]) == 0.0 and means[10] == 0.0


# --- whose is it


class Owned(Mind):
    """One picture for ever: its left half is of fragment 7, its right half of 9; a bright spot is at 0.75, 0.35."""

    def newest(self, after: int = 0) -> Picture | None:
        if self.serial <= after:
            return None
        y, x = np.mgrid[0:64, 0:64] / 64
        spot = np.exp(-((x - 0.75) ** 2 + (y - 0.35) ** 2) / 0.002) * 255
        shares = np.zeros((2, 8, 8), np.float16)
        shares[0, :, :4], shares[1, :, 4:] = 1, 1
        state = State(picture=self.serial, seed=40 + self.serial, degree=2)
        state = replace(state, lineage=Lineage((Ancestor(7, 0.5), Ancestor(9, 0.5))))
        rgba = np.dstack([spot, spot, spot, np.full_like(spot, 255)]).astype(np.uint8)
        return Picture(rgba, np.zeros((4, 8, 8), np.float16), shares, state)


@pytest.mark.parametrize(
    "layer",
    [dreamed, dreamed.warp(twist=0.6, lens=0.2), dreamed.drift(amount=0.05).grade(), dreamed.frame(zoom=1.6).edge()],
    ids=lambda layer: ".".join(layer.shape),
)
def test_the_place_of_a_thing_leads_back_to_where_it_is_in_the_picture(layer: Layer) -> None:
    mind, frames = Owned(), Frames()
    stage = Stage((192, 108), taps=[frames], pictures=mind, live=False)
    for index in range(90):
        mind.at = index / 30
        stage.show(layer, index / 30)
    moment = stage._shown[1]
    for late in stage._readback.rest():
        frames.offer(*late)
    y, x = np.unravel_index(frames.seen[-1].sum(2).argmax(), (108, 192))
    u, v = stage.provenance.locate(layer, moment, (x + 0.5) / 192, (y + 0.5) / 108)
    claims = stage.whose((x + 0.5) / 192, (y + 0.5) / 108)
    stage.close()
    assert (u, v) == pytest.approx((0.75, 0.35), abs=0.03)
    assert claims[0].ancestor.id == 9 and sum(c.share for c in claims if c.ancestor.id == 9) > 0.9
    assert claims[0].seed == 40 + claims[0].picture


def test_nobody_owns_the_dark_and_asking_changes_nothing() -> None:
    stage = Stage(SIZE, live=False)
    stage.show(CHAIN, 0.0)
    assert stage.whose(0.5, 0.5) == []
    stage.close()
    asked, left = [], []
    for kept, ask in ((asked, True), (left, False)):
        mind, frames = Owned(), Frames()
        stage = Stage(SIZE, taps=[frames], pictures=mind, live=False)
        for index in range(40):
            mind.at = index / 30
            stage.show(dreamed.drift().grade(), index / 30)
            if ask and index % 10 == 5:
                stage.whose(0.5, 0.5)
        stage.close()
        kept += frames.frames
    assert asked == left


# --- the governor, and the pace


def test_a_busy_wall_lowers_the_costliest_pass_and_takes_it_back_when_there_is_time() -> None:
    now = 0.0
    governor = Governor(lambda: now)
    governor.measured(("bloom", 0), 0.012)
    governor.measured(("grade", 0), 0.003)
    changes = []
    for _ in range(300):
        now += 1 / 30
        if governor.frame(0.95 if now < 4.9 else 0.3):
            changes.append((round(now, 1), dict(governor.scales)))
    assert changes[0][1] == {("bloom", 0): 0.8} and changes[1][1] == {("bloom", 0): pytest.approx(0.64)}
    now += 20
    while governor.scales:
        now += 1 / 30
        governor.frame(0.3)
    assert "100 %" in governor.said


def test_however_late_frames_are_the_minds_picture_keeps_its_pixels_on_the_wall() -> None:
    now = 0.0
    governor = Governor(lambda: now, lambda place: least(place, (256, 256), (640, 360)))
    governor.measured(("flow", 0), 0.02)  # in-betweens, at the picture's own size
    governor.measured(("frame+drift+feedback+grade", 0), 0.01)
    for _ in range(2000):
        now += 1 / 30
        governor.frame(0.99)
    assert governor.scales == {("frame+drift+feedback+grade", 0): pytest.approx(0.64)}
    assert least(("bloom", 0), (256, 256), (1920, 1080)) == 0.4 and least(("hold", 0), (256, 256), (1920, 1080)) == 1.0


def test_nothing_is_lowered_while_frames_are_on_time() -> None:
    now = 0.0
    governor = Governor(lambda: now)
    governor.measured(("bloom", 0), 0.012)
    for _ in range(600):
        now += 1 / 30
        assert not governor.frame(0.7)


def test_a_pass_at_a_lower_scale_is_drawn_smaller_and_fills_the_same_wall() -> None:
    mind, frames = Mind(), Frames()
    stage = Stage(SIZE, taps=[frames], pictures=mind, live=False)
    for index in range(120):
        mind.at = index / 30
        stage.compositor.scales = {("frame+feedback+grade", 0): 0.5} if index >= 60 else {}
        stage.show(CHAIN, index / 30)
    assert stage.compositor.shown[("feedback", 0)].targets.__iter__().__next__().size == (48, 27)
    stage.close()
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(frames.seen[50:70])]
    assert max(steps) < 12


def test_the_pacer_waits_counts_misses_and_does_not_race_after_a_stall() -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    pacer = Pacer(50, lambda: now, sleep)
    pacer.wait()
    for work in (0.005, 0.005, 0.100, 0.005, 0.005):
        now += work
        pacer.wait()
    state = pacer.state()
    assert state["missed"] == 1 and state["p50_ms"] == pytest.approx(20) and state["worst_ms"] == pytest.approx(100)


def test_after_a_stall_frames_come_when_they_would_have_come() -> None:
    """What is announced for a frame half a second ahead still falls on a frame."""
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    pacer, shown = Pacer(50, lambda: now, sleep), []
    for work in (0.0, 0.005, 0.093, 0.005, 0.031, 0.001, 0.005, 0.005):
        now += work
        pacer.wait()
        shown.append(now)
    places = [(time - shown[0]) / 0.02 for time in shown[-3:]]
    assert places == pytest.approx([round(place) for place in places], abs=1e-6)
    assert max(np.diff(shown)) < 0.1 and len(set(shown)) == len(shown)


@pytest.mark.realtime
@pytest.mark.shared
def test_the_size_that_is_chosen_can_be_drawn_here() -> None:
    assert choose_size(30.0, share=1e9) == (1920, 1080) and choose_size(30.0, share=1e-9) == (320, 180)


# --- mapping


def test_messages_change_the_mapping_and_strangers_change_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(SIZE, live=False, mapping=tmp_path / "wall.toml")
    stage.receive(Set("/hm/mapping/wall/corner", (0, 0.1, 0.2)))
    stage.receive(Set("/hm/mapping/save"))
    assert tomllib.loads((tmp_path / "wall.toml").read_text())["wall"]["corners"][0] == [0.1, 0.2]
    for wrong in (Set("/hm/mapping/wal/corner", (0, 0, 0)), Set("/hm/mapping/wall/corner", ("x",)), Set("/hm/mapping/")):
        stage.receive(wrong)
    assert len(caplog.records) >= 3 and stage.walls.mappings["wall"].corners[0] == (0.1, 0.2)
    stage.close()
    again = Stage(SIZE, live=False, mapping=tmp_path / "wall.toml")
    assert again.walls.mappings["wall"].corners[0] == (0.1, 0.2)
    again.close()


def test_the_test_card_takes_the_place_of_the_scene() -> None:
    frames, mind = Frames(), Mind()
    stage = Stage((160, 90), taps=[frames], pictures=mind, live=False)
    stage.receive(Set("/hm/mapping/test", (1,)))
    for index in range(60):
        stage.show(CHAIN, index / 30)
    stage.close()
    corner = frames.seen[-1][2, 2]
    assert corner[0] > 250 and corner[1] < 5 and corner[2] > 250


def test_hands_on_the_wall_move_corners_and_mesh() -> None:
    mappings, said = {"left": Mapping(), "right": Mapping()}, []
    editor = Editor(mappings, said.append, lambda: said.append("saved"), lambda: said.append("test"))
    editor.press((0.9, 0.1))
    editor.drag((0.8, 0.2))
    assert mappings["left"] == Mapping()  # not before F1
    editor.key("f1")
    editor.press((0.9, 0.1))
    editor.drag((0.8, 0.2))
    editor.release()
    editor.drag((0.3, 0.3))
    assert mappings["left"].corners[1] == (0.8, 0.2)
    editor.key("left", shift=True)
    assert mappings["left"].corners[1][0] == pytest.approx(0.795)
    editor.press((0.0, 0.0))
    editor.drag((2.0, 2.0))  # beyond the opposite corner: refused
    assert mappings["left"].corners[0] == (0.0, 0.0)
    editor.key("tab")
    editor.key("m")
    editor.key("+")
    editor.press((0.5, 0.5))
    editor.drag((0.55, 0.52))
    assert mappings["right"].mesh[1][1] == pytest.approx((0.05, 0.02))
    editor.key("g")
    editor.key("s")
    editor.key("t")
    assert mappings["right"].gamma == pytest.approx(2.25) and said[-2:] == ["saved", "test"]
    editor.key("r")
    assert mappings["right"] == Mapping()


# --- windows

WINDOWS = '''
import sys, time
import glfw
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_stage import CHAIN, Frames, Mind
from engine.core.messages import Set
from engine.stage.stage import Stage
from engine.stage.window import StageError, WindowOptions
for again in range(2):
    mind, frames = Mind(), Frames()
    stage = Stage((96, 54), WindowOptions((320, 180)), [frames], mind, fps=60, mapping=Path({mapping!r}))
    windows = list(stage.walls.windows.values())
    print("windows", len(windows))
    for index in range(40):
        mind.at = index / 60
        if index == 10: glfw.set_window_size(windows[0].handle, 400, 300)
        if index == 20: glfw.set_window_pos(windows[0].handle, 50, 60)
        if index == 25: stage.receive(Set("/hm/mapping/edit", (1,)))
        if index == 27: stage.receive(Set("/hm/mapping/left/corner", (0, 0.1, 0.1)))
        stage.show(CHAIN, index / 60)
    print("size", windows[0].size, "error", stage.context.error, windows[-1].context.error)
    screen = windows[-1].begin()
    stage.walls.receive("/hm/mapping/edit", (0,))
    stage.walls._projections["right"].draw(stage.walls._in("right", stage._last), screen, 1.0)
    import numpy as np
    print("light", int(np.frombuffer(screen.read(components=3), np.uint8).max()))
    glfw.set_window_should_close(windows[0].handle, True)
    print("open", stage.open, "frames", len(frames.frames) > 30)
    stage.close()
try:
    Stage((96, 54), WindowOptions(fullscreen=True, monitor="HDMI-7"))
except StageError as error:
    print("refused", error)
'''


@pytest.mark.realtime
@pytest.mark.shared
@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="no Xvfb here")
def test_windows_open_move_close_and_open_again(tmp_path: Path) -> None:
    save(tmp_path / "two.toml", {"left": Mapping(part=(0, 0, 0.6, 1)), "right": Mapping(part=(0.4, 0, 0.6, 1))})
    code = WINDOWS.format(tests=str(Path(__file__).parent), mapping=str(tmp_path / "two.toml"))
    command = ["xvfb-run", "-a", "-s", "-screen 0 800x600x24", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("windows 2") == 2 and done.stdout.count("open False frames True") == 2
    assert done.stdout.count("size (400, 300) error GL_NO_ERROR GL_NO_ERROR") == 2, done.stdout
    assert all(int(line.split()[1]) > 20 for line in done.stdout.splitlines() if line.startswith("light"))
    assert "refused no monitor 'HDMI-7'" in done.stdout


def test_what_another_thread_collects_is_deleted_by_the_stages_own() -> None:
    stage = Stage(SIZE, live=False)
    there = ctypes.CFUNCTYPE(ctypes.c_ubyte, ctypes.c_uint)(stage.context.mglo._context.load_opengl_function("glIsTexture"))
    ring: list[object] = [stage.context.texture((4, 4), 4)]
    ring.append(ring)  # only a collection finds it, and any thread may be the one that collects
    name = ring[0].glo  # type: ignore[attr-defined]
    assert there(name)
    del ring
    gc.disable()
    collector = threading.Thread(target=gc.collect)
    collector.start()
    collector.join()
    gc.enable()
    stage.show(dreamed, 0.0)
    assert not there(name)
    stage.close()
