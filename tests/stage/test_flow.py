"""In-betweens: how near the guess comes to the truth, and what happens where there is none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.bench.stage import flow, ssim
from engine.core.messages import Picture, State
from engine.stage.between import BRAKE, DISSOLVE, Between, Pace
from engine.stage.window import headless


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, float]]:
    return {str(row["motion"]): {k: float(v) for k, v in row.items() if k != "motion"} for row in flow(size=256)}


@pytest.mark.parametrize("motion", ["8 px", "16 px"])
def test_flow_comes_nearer_to_the_truth_than_a_crossfade(rows: dict[str, dict[str, float]], motion: str) -> None:
    row = rows[motion]
    assert row["flow_db"] > row["crossfade_db"] + 6 and row["flow_ssim"] > row["crossfade_ssim"]


def test_motion_is_trusted_and_strangers_are_not(rows: dict[str, dict[str, float]]) -> None:
    assert rows["8 px"]["doubt"] < 0.35 and rows["unrelated"]["doubt"] > 0.9


def test_between_strangers_the_wall_dissolves_in_patches_instead_of_fading() -> None:
    """Half way through a fade every place is grey; through the dissolve most places are one picture or the other."""
    from engine.bench.stage import _Guess

    context = headless()
    guess = _Guess(context)
    black, white = (np.full((64, 64, 3), v, np.uint8) for v in (20, 235))
    noise = np.random.default_rng(0).integers(-20, 20, (2, 64, 64, 1))
    guess.put((black + noise[0]).clip(0, 255).astype(np.uint8))
    guess.put((white + noise[1]).clip(0, 255).astype(np.uint8))
    steps = [guess.at(t).astype(int) for t in np.linspace(0, 1, 11)]
    assert np.std(steps[5]) > 25  # a fade: under 10
    assert np.abs(steps[0] - black).mean() < 15 and np.abs(steps[-1] - white).mean() < 15  # no jump at either end
    assert max(np.abs(a - b).mean() for a, b in itertools.pairwise(steps)) < 80
    guess.release()
    context.release()


def test_equal_pictures_are_equal() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    assert ssim(picture, picture) == pytest.approx(1.0)


# --- the pace


def test_progress_never_stops_and_never_arrives_without_a_next_picture() -> None:
    pace = Pace(0.25)
    pace.begin(0.0)
    seen = [pace.advance(1 / 60, more=False) for _ in range(60)]
    assert all(b > a for a, b in itertools.pairwise(seen)) and BRAKE < seen[-1] < 1.0


def test_the_pace_follows_the_mind() -> None:
    pace = Pace(0.5)
    for index in range(60):
        pace.arrive(index / 10)
    pace.begin(0.1)
    assert pace.duration == pytest.approx(0.1, rel=0.05)


def test_strangers_take_their_time() -> None:
    pace = Pace(0.1)
    pace.begin(1.0)
    assert pace.duration == pytest.approx(DISSOLVE)


def test_what_the_wall_will_show_soon_is_what_it_shows_then() -> None:
    """A mind of five pictures a second, forty of them: what was foretold for a fifth of a second later, and what came."""
    context = headless()
    between = Between(context, context.texture((1, 1), 4))
    nothing = np.zeros((0, 0, 0), np.float16)
    rng, foretold, shown = np.random.default_rng(1), [], []
    ground = rng.integers(60, 190, (64, 64, 4), np.uint8)
    for frame in range(8 * 60):
        if frame % 12 == 0:
            number = frame // 12 + 1
            between.offer(Picture(np.roll(ground, number, 1), nothing, nothing, State(picture=number)), frame / 60)
        between.advance(1 / 60)
        soon, here = between.soon(0.2), between.soon(0.0)
        foretold.append(soon.state.picture if soon else 0)
        shown.append(here.state.picture if here else 0)
    known, came = np.array(foretold[180:-12]), np.array(shown[192:])  # out of the dark, it first dissolves
    assert np.mean(known == came) > 0.85 and np.abs(known - came).max() <= 2  # the next one shown: one may be replaced
    newest = np.array([frame // 12 + 1 for frame in range(180, 8 * 60 - 12)])
    assert np.mean(newest == came) < 0.6, "the newest picture of the mind is not what one sees by then"
    between.release()
    context.release()
