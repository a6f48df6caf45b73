import numpy as np

from engine.bench.clicks import sync
from engine.bench.sync import BeaconShow, Witness
from engine.core.clock import Now
from engine.loop import NullStage
from engine.show.rehearsal import Solo
from engine.show.scene import Scene

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
    witness = seen(BeaconShow(Solo(Scene()), NullStage(1000), 1 / 60))
    apart = sync(np.array(witness.flashes), np.array(witness.clicks))
    assert apart.events >= 6 and apart.missing == 0 and abs(apart.mean) < 1e-6 and apart.jitter < 1e-6 and apart.good


def test_late_sound_is_measured_as_late():
    witness = seen(BeaconShow(Solo(Scene()), NullStage(1000), 1 / 60), late=0.03)
    apart = sync(np.array(witness.flashes), np.array(witness.clicks))
    assert abs(apart.mean + 0.03) < 1e-5 and apart.jitter < 1e-5 and not apart.good


def test_silence_is_no_sync():
    witness = seen(BeaconShow(Solo(Scene()), NullStage(1000), 1 / 60))
    assert not sync(np.array(witness.flashes), np.array([])).good
