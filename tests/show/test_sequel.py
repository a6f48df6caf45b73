"""Sequel: what is heard of a film is born with its pictures."""

import math
from dataclasses import replace

import numpy as np

from engine.core.clock import Now
from engine.core.messages import Grain, State, Text
from engine.show.rehearsal import FULL
from engine.show.scene import SCENES, Scene, load
from engine.sound.mapping import AHEAD

TICK = 1 / 60


def heard(scene: Scene, states: list[State]) -> list[Grain]:
    """All grains of a scene that is told a state a tick."""
    found: list[Grain] = []
    for number, state in enumerate(states):
        now = Now(number, number * TICK, TICK)
        scene.state = state
        scene.update(now)
        found += scene.sound(now)
    return found


def test_grains_are_as_dense_as_the_film_moves() -> None:
    motion = [0.6 + 0.5 * math.sin(n * TICK / 2.1) + 0.3 * math.sin(n * TICK / 0.9) for n in range(60 * 60)]
    grains = heard(load(SCENES / "sequel.py"), [replace(FULL, motion=max(0.0, each), chunk=1 + n // 96) for n, each in enumerate(motion)])
    density, _ = np.histogram([grain.time - AHEAD for grain in grains], bins=60, range=(0.0, 60.0))
    moved = np.array(motion).reshape(60, 60).mean(1)
    assert float(np.corrcoef(density, moved)[0, 1]) >= 0.6
    assert all(0.0 <= grain.gain <= 1.0 and abs(grain.pan) <= 1.0 for grain in grains)


def test_a_turn_is_heard_with_its_picture_once_and_nothing_else_is() -> None:
    scene = load(SCENES / "sequel.py")
    calm, turned = replace(FULL, chunk=3, turned=0.26), replace(FULL, chunk=4, turned=1.0)
    assert not [grain for grain in heard(scene, [calm] * 30 + [turned] * 30) if grain.envelope == "perc"], "a bell for nobody's words"
    scene.receive(Text("the sea"), Now(60, 1.0, TICK))
    bells = [grain.time - AHEAD for grain in heard(scene, [turned] * 20 + [replace(turned, chunk=5)] * 100 + [replace(turned, chunk=6)] * 60) if grain.envelope == "perc"]
    assert bells and all(abs(at - 20 * TICK) < 0.1 for at in bells), "a bell with the first picture of the turn, once"
