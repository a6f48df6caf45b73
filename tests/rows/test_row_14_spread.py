"""Row 14: copy mode shows the same picture on every output; otherwise no two are alike."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.core.clock import Now
from engine.core.messages import Picture, State
from engine.house.wall import Seen
from engine.loop import NullMind
from engine.show.rehearsal import Solo
from engine.show.scene import SCENES, load
from engine.stage.mapping import Mapping
from engine.stage.spread import outputs
from engine.stage.stage import Stage
from tests.rows.sabotage import Sabotage, fails, put

LEAST = 0.02  # delta: two outputs that are this far apart are two pictures to anybody
CHANCE = np.random.default_rng(14)


class Pictures:
    """A mind's pictures that move: bars of colour that wander."""

    serial = 0

    def newest(self, after: int = 0) -> Picture:
        self.serial += 1
        y, x = np.mgrid[0:64, 0:64] / 64
        rgba = np.full((64, 64, 4), 255, np.uint8)
        for c in range(3):
            rgba[..., c] = 127 + 120 * np.sin(9 * x * (c + 1) + 7 * y + 0.05 * self.serial)
        return Picture(rgba, np.zeros((4, 8, 8), np.float16), np.zeros((0, 1, 1), np.float16), State(self.serial, degree=2, displacement=0.5))


def apart(fader: float, size: tuple[int, int] = (97, 54), columns: int = 3) -> Iterator[float]:
    """What the scene says that its outputs are apart, frame by frame, once the fader has arrived."""
    stage = Stage(size, None, (), Pictures(), fps=10.0, live=False)
    scene = load(SCENES / "copy.py")
    scene.set("apart", (fader,))
    scene.set("columns", (columns,))
    scene.set("period", (1.0,))
    show, seen = Solo(scene), Seen(NullMind(), stage)
    for frame in range(60):
        show.update(Now(frame, frame / 10, 0.1), seen.state)
        stage.show(show.draw(Now(frame, frame / 10, 0.1)), frame / 10)
        if frame > 40:
            yield seen.state.spread
    stage.close()


def check(folder: Path) -> None:
    for columns in (3, 2):
        same = list(apart(0.0, columns=columns))
        assert max(same) == 0.0, f"copies that are {max(same):.4f} apart"
    half, whole = list(apart(0.5)), list(apart(1.0))
    assert min(half) >= LEAST and min(whole) >= LEAST, f"two outputs alike: {min(half):.3f}, {min(whole):.3f}"
    assert len(set(whole)) > 3, "the same number all the while, of pictures that move"
    print(f"  measured: copies {max(same):.4f} apart; outputs at least {min(half):.3f} at half, {min(whole):.3f} at the whole fader")


def test_the_same_everywhere_or_on_no_two(tmp_path: Path) -> None:
    check(tmp_path)


def test_outputs_of_a_mapping_are_compared_whatever_the_scene() -> None:
    layer = load(SCENES / "gap.py").draw(Now(0, 0.0, 1 / 60))
    assert outputs([Mapping()], layer, (640, 360)) == []
    halves = [Mapping(part=(0.0, 0.0, 0.5, 1.0)), Mapping(part=(0.5, 0.0, 0.5, 1.0))]
    assert outputs(halves, layer, (640, 360)) == [(0, 0, 320, 360), (320, 0, 320, 360)]


@pytest.mark.parametrize("sabotage", [
    put("engine.stage.stage.spread", lambda wall, places: 0.3, "constant"),
    put("engine.stage.stage.spread", lambda wall, places: float(CHANCE.random()), "chance"),
    put("engine.stage.stage.outputs", lambda mappings, layer, size: [], "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_spread_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
