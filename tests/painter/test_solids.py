"""Solids before a camera: what is near covers what is far, light throws shadows, and a batch shows each its own."""
from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.painter.canvas import Canvas
from engine.painter.solids import World


def _world(count: int = 1) -> World:
    """A white floor seen from above at a slant, 96 pixels."""
    w = World(Canvas(count, (96, 96), 1), (0, 2, -4), 0., -.35, 1.)
    w.ground(w.c.tint(1, 1, 1))
    return w


def _at(w: World, picture: Tensor, place: tuple[float, float, float]) -> Tensor:
    """(count, channels) of what is seen where a place is."""
    x, y = w.project(place)
    return picture[:, :, int(y[0] * 96), int(x[0] * 96)]


def test_what_is_near_covers_what_is_far_in_any_order() -> None:
    red, blue = _world().c.tint(1, 0, 0), _world().c.tint(0, 0, 1)
    for order in ((0, 1), (1, 0)):
        w = _world()
        boxes = [((-.5, 0, 0), (.5, 1, 1), red), ((-.5, 0, 2), (.5, 1, 3), blue)]
        for i in order:
            w.box(*boxes[i])
        assert torch.equal(_at(w, w.colour, (0, .5, 0)), red[:, :, 0, 0])


@pytest.mark.parametrize("shape", ["box", "ball", "cone", "prism", "plate", "crown", "spire"])
def test_every_solid_is_seen_and_throws_its_shadow_away_from_the_light(shape: str) -> None:
    w = _world()
    red = w.c.tint(1, 0, 0)
    if shape == "box":
        w.box((-.5, 0, -.5), (.5, 1, .5), red, turn=w.c.uniform(.3, .4))
    elif shape in ("ball", "crown"):
        getattr(w, shape)((0, .5, 0), (.5, .5, .5), red)
    elif shape == "cone":
        w.cone((0, 0, 0), 1., .5, .4, red)
    elif shape == "prism":
        w.prism((0, 0, 0), [(-.5, 0.), (.5, 0.), (0., 1.)], .5, 2, red)
    elif shape == "plate":
        w.plate((0, .5, 0), (1, 0, 0), (0, 1, 0), [(-.5, -.5), (.5, -.5), (.5, .5), (-.5, .5)], .2, red)
    else:
        w.spire((0, 0, 0), .6, 1., red)
    assert torch.equal(_at(w, w.colour, (0, .3, -.3)), red[:, :, 0, 0])
    w.lamp((-3, 1.5, 0), w.c.tint(1, 1, 1), 4., soft=.02)
    assert _at(w, w.lit, (1.0, 0, .0)).mean() < .5 * _at(w, w.lit, (-1.0, 0, .0)).mean()


def test_what_one_picture_of_a_batch_has_the_other_has_not() -> None:
    w = _world(2)
    w.ball((0, .5, 0), (.5, .5, .5), w.c.tint(1, 0, 0), shown=torch.tensor([1., 0.])[:, None, None, None])
    seen = _at(w, w.colour, (0, .5, -.3))
    assert seen[0].tolist() == [1, 0, 0] and seen[1].tolist() == [1, 1, 1]
    w.lamp((0, 6, 0), w.c.tint(1, 1, 1), 4., soft=.02)
    under = _at(w, w.lit, (.45, 0, 0)).mean(1)
    assert under[0] < under[1]
