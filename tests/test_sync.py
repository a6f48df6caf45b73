import numpy as np

from engine.clock import Now
from engine.loop import DarkStage
from engine.programme import Solo
from engine.scene import Scene
from engine.sync import BeaconShow, Witness, describe, offsets

RATE = 48_000


def seen(show, late=0.0, frames=240, fps=60.0):
    """Flashes and clicks of a show on a paper stage whose sound is `late`."""
    witness = Witness(RATE)
    stage = show.clock
    for _ in range(frames):
        now = Now(1, stage.time, 1 / fps)
        layer = show.draw(now)
        flash = dict(layer.values)["now"]
        witness.offer(np.full((16, 16, 4), 255 if flash else 10, np.uint8), stage.time)
        for grain in show.sound(now):
            block = np.zeros((960, 2), np.float32)
            block[480] = 0.8
            witness.hear(block, grain.time + late - 480 / RATE)
        stage.show(layer, stage.time)
    return witness


def test_a_click_on_the_instant_of_its_flash_is_at_zero():
    show = BeaconShow(Solo(Scene()), DarkStage(1000), 1 / 60)
    witness = seen(show)
    apart = offsets(show.instants, witness.flashes, witness.clicks)
    assert len(apart) >= 6 and np.abs(apart).max() < 1e-6


def test_late_sound_is_measured_as_late():
    show = BeaconShow(Solo(Scene()), DarkStage(1000), 1 / 60)
    witness = seen(show, late=0.03)
    figures = describe(show.instants, offsets(show.instants, witness.flashes, witness.clicks))
    assert abs(figures["sync_mean_ms"] - 30.0) < 0.01 and figures["sync_jitter_p99_ms"] < 0.01


def test_nothing_seen_is_no_sync():
    assert describe([1.0, 2.0], offsets([1.0, 2.0], [], [1.0]))["sync_events"] == 0
