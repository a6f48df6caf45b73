"""Row 24: blur is disagreement among K futures: equal seeds are sharp, others blurred as far as they disagree."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.clock import Now
from engine.core.messages import Dream, Picture, State
from engine.mind.futures import SEEDS, disagreement, futures
from engine.mind.mind import Mind
from engine.mind.thought import Thought
from engine.show.scene import SCENES, load
from engine.stage.outputs.tap import Fingerprint
from engine.stage.stage import Stage
from tests.mind.small_mind import Painter, options, painter, parts
from tests.rows.sabotage import Sabotage, fails, put

WORDS = "a white tower at night"


class Unsure(Painter):
    """A dreamer that leaves more to chance than to the words."""

    def __init__(self) -> None:
        self.__dict__ |= painter().__dict__

    def imagine(self, condition: torch.Tensor, noise: torch.Tensor, start: torch.Tensor | None = None, strength: float = 1.0) -> torch.Tensor:
        return super().imagine(condition, 6.0 * noise, start, strength)


class Board:
    """One picture, a checkerboard, in a state that somebody chose."""

    serial = 1

    def __init__(self, state: State):
        y, x = np.mgrid[0:64, 0:64] // 2
        rgba = np.full((64, 64, 4), 255, np.uint8)
        rgba[..., :3] = (220 * ((x + y) % 2))[..., None]
        self.picture = Picture(rgba, np.zeros((4, 8, 8), np.float16), np.zeros((0, 1, 1), np.float16), state)

    def newest(self, after: int = 0) -> Picture | None:
        return self.picture if after < 1 else None


def wall(doubt: float) -> np.ndarray:
    """What `gap` shows of a picture in so much doubt: (h, w, 3), after three seconds."""

    class Last(Fingerprint):
        frame = np.zeros((1, 1, 3))

        def offer(self, frame: np.ndarray, at: float) -> None:
            self.frame = frame[..., :3].astype(float)

    scene, tap = load(SCENES / "gap.py"), Last()
    scene.set("current", (0.0,))
    state = State(1, degree=2, doubt=doubt)
    stage = Stage((96, 54), None, [tap], Board(state), fps=10.0, live=False)
    for frame in range(30):
        now = Now(frame, frame / 10, 0.1)
        scene.state = state
        scene.update(now)
        stage.show(scene.draw(now), now.time)
    stage.close()
    return tap.frame


def sharpness(frame: np.ndarray) -> float:
    return float(np.abs(np.diff(frame, axis=1)).mean())


def thought_of(mind: Mind) -> Thought:
    mind.picture(Dream(WORDS, strength=0.5), 0.0)
    assert mind.thought is not None
    return mind.thought


def check(folder: Path) -> None:
    sure, unsure = (Mind(options(folder / name, founding=48), parts=parts(dreamer=dreamer)) for name, dreamer in (("a", painter()), ("b", Unsure())))
    thought = thought_of(sure)
    equal = disagreement(futures(painter(), sure.stream.walk, thought, (SEEDS[0],) * 3))
    assert equal == 0.0, f"equal seeds disagree by {equal}"
    doubt = [mind.picture(Dream(WORDS, strength=0.5), 0.1).state.doubt for mind in (sure, unsure) if thought_of(mind)]
    own = disagreement(futures(painter(), sure.stream.walk, replace(thought)))
    assert doubt[0] == pytest.approx(own, abs=1e-9) and own > 0.005, f"published {doubt[0]:.4f}, measured {own:.4f}"
    assert doubt[1] > 2.0 * doubt[0], f"who leaves all to chance is as sure: {doubt}"
    sharp = [sharpness(wall(d)) for d in (equal, doubt[0], doubt[1], 1.0)]
    assert sharp[0] > sharp[1] > sharp[2] > sharp[3] and sharp[3] < 0.5 * sharp[0], f"doubt does not blur: {sharp}"
    print(f"  measured: doubt 0 for equal seeds, {doubt[0]:.3f} and {doubt[1]:.3f}; sharpness {sharp[1] / sharp[0]:.2f}, {sharp[2] / sharp[0]:.2f} and {sharp[3] / sharp[0]:.2f} of the sharp wall's")


def test_doubt_blurs_as_far_as_the_futures_disagree(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(24)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.futures.disagreement", lambda latents: 0.5, "constant"),
    put("engine.mind.futures.disagreement", lambda latents: float(CHANCE.random()), "chance"),
    put("engine.mind.futures.futures", lambda dreamer, walk, thought: torch.zeros(3, *dreamer.latent), "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_doubt_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
