"""The stage: real OpenGL (headless), real frames, time injected."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.messages import Picture, State
from engine.stage.layer import Layer, dark, dreamed
from engine.stage.outputs.tap import Fingerprint
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
    for index in range(150):
        mind.at = index / 30
        stage.show(CHAIN if index < 90 else dark.grade(exposure=-1.0), index / 30)
    stage.close()
    steps = [np.abs(a - b).mean() for a, b in itertools.pairwise(frames.seen[85:])]
    assert max(steps) < 12 and frames.seen[-1].max() <= 2


def test_blackout_is_dark_on_the_next_frame() -> None:
    frames, mind = Frames(), Mind()
    stage = Stage(SIZE, taps=[frames], pictures=mind, live=False)
    for index in range(92):
        mind.at, stage.blackout = index / 30, index == 90
        stage.show(CHAIN, index / 30)
    stage.close()
    assert frames.seen[89].max() > 30 and frames.seen[90].max() == 0 and 0 < frames.seen[91].max() < 30
