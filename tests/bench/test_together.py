"""Sound and picture of a film are one: how that is measured, and on a rendered film with its sound that it is so."""

import numpy as np
import pytest

from engine.bench.together import FPS, LEAST, MOST, RATE, SAID, Played, follows, part, played


def film(turn: float = 0.0, late: float = 0.0, follows_motion: bool = True) -> Played:
    """Twenty seconds that move more and less, with grains as dense; from a turn on it is another picture, and a tone is heard `late`."""
    chance, times = np.random.default_rng(19), np.arange(round(20 * FPS)) / FPS
    speed = 1.0 + 0.8 * np.sin(times / 1.7)
    light = np.cumsum(speed)[:, None, None] + chance.random((1, 9, 16))
    rate = 5.0 * (speed if follows_motion else 2.0 - speed)
    grains = np.interp(np.arange(0.0, rate.sum() / FPS), np.cumsum(rate) / FPS, times)
    sound = 0.01 * np.sin(np.arange(20 * RATE) * 0.05)
    if turn:
        light = light + 10.0 * (times >= turn)[:, None, None]
        sound = sound + 0.3 * np.sin(np.arange(20 * RATE) * 0.11) * (np.arange(20 * RATE) / RATE >= turn + late)
    return Played(light.astype(np.float32), sound.astype(np.float32), grains)


def test_density_is_held_against_motion_and_a_turn_is_where_two_films_part() -> None:
    assert follows(film()) > 0.9 and follows(film(follows_motion=False)) < -0.9
    seen, heard = part(film(turn=8.0, late=0.25), film())
    assert seen == pytest.approx(8.0, abs=1.5 / FPS) and heard == pytest.approx(8.25, abs=0.01)
    assert part(film(), film()) == (float("inf"), float("inf"))


@pytest.mark.long
def test_a_rendered_film_sounds_as_it_moves_and_is_heard_to_turn_when_it_is_seen_to() -> None:
    whole = played(SAID)
    seen, heard = part(whole, played(SAID[:-1], SAID[-1][0] + 3.0))
    density = follows(whole)
    print(f"  measured: density and motion {density:.2f}; a turn is seen at {seen:.2f} s and heard at {heard:.2f} s")
    assert density >= LEAST
    assert abs(heard - seen) <= MOST
