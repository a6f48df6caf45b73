"""What a grain may do to a room: not sound."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.core.crossings import GRAIN, ClockPage, GrainRing, KeyRing, grain_row
from engine.core.messages import Grain, Set
from engine.sound.device import NullOutput
from engine.sound.instrument import Instrument
from engine.sound.options import SoundOptions
from engine.sound.player import Player
from engine.sound.sources import IMPULSE, Job
from engine.sound.tap import SampleRing
from tests.faults.test_threads import wait_for

FIELDS = [name for name in GRAIN.names or () if GRAIN[name].kind == "f"]


def rows(*grains: Grain) -> np.ndarray:
    return np.array([grain_row(grain, grain.time) for grain in grains], GRAIN)


def click(at: float) -> Grain:
    return Grain(at, IMPULSE, 0.0, 0.02, gain=0.9, envelope="flat")


@pytest.mark.parametrize("engine", ["pyo", "numpy"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_grain_that_is_no_number_is_left_out_and_counted_and_the_next_one_sounds(engine: str, value: float) -> None:
    if engine == "pyo":
        pytest.importorskip("pyo64")
    room = Instrument(engine=engine)
    for name in FIELDS:
        bad = rows(click(0.0))
        bad[name] = value
        room.schedule(bad)
    for _ in range(20):
        assert np.isfinite(room.block()).all()
    assert room.faults == len(FIELDS)
    room.schedule(rows(click(room.sample / room.rate + 0.05)))
    loud = max(float(np.abs(room.block()).max()) for _ in range(40))
    assert loud > 0.01 and room.grains == 1


def test_grains_of_another_century_do_not_fill_the_row_of_those_that_wait() -> None:
    room = Instrument(engine="numpy")
    room.block()
    for _ in range(10):
        room.schedule(rows(*(click(1e9) for _ in range(1000))))
    room.schedule(rows(click(0.05)))
    for _ in range(40):
        room.block()
    assert room.faults == 10_000 and room.grains == 1 and room.lost == 0


def test_a_source_that_is_no_number_is_not_taken() -> None:
    room = Instrument(engine="numpy")
    for sound in (np.full(100, np.nan, np.float32), np.zeros(0, np.float32)):
        assert not room.give(Job(7, room.rate), sound)
    assert room.faults == 2 and room.library.find(7) is None


def test_a_gain_that_is_no_number_is_refused() -> None:
    room = Instrument(engine="numpy")
    assert "takes a number" in room.receive(Set("/hm/sound/gain", (math.nan,))) and math.isfinite(room.gain)


def test_a_block_that_fails_is_silence_and_counted_and_the_device_goes_on() -> None:
    room = Instrument(engine="numpy")
    rings = GrainRing(), KeyRing(8), ClockPage(), SampleRing()
    beats: list[int] = []
    player = Player(room, *rings, beat=lambda: beats.append(1))
    good, room.block = room.block, lambda start=None: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    device = NullOutput(SoundOptions(device="null"), player.play)
    wait_for(lambda: room.faults > 3)
    assert device.alive() and player.guard.count > 3 and beats
    room.block = good  # type: ignore[method-assign]
    before = rings[3].written
    wait_for(lambda: rings[3].written > before + 2048)
    device.close()
    for ring in rings:
        ring.close()
