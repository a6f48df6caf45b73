"""The sound card's time: jitter filtered out, drift followed, odd hosts understood."""

from __future__ import annotations

import hashlib
import threading
import time

import numpy as np
import pytest

from engine.bench.clicks import clicks, from_interface, onsets, sync
from engine.core.clock import Clock
from engine.core.crossings import ClockPage, GrainRing, KeyRing
from engine.core.messages import Ancestor, Grain, Lineage, State
from engine.core.supervisor import Room
from engine.house.rooms import SoundRoom
from engine.sound.dac import DacClock, HostTime
from engine.sound.instrument import Instrument
from engine.sound.lateness import CAUSES, Longest, Reading, read
from engine.sound.lateness import cause as why
from engine.sound.murmur import Murmur
from engine.sound.player import Player
from engine.sound.sources import IMPULSE
from engine.sound.tap import SampleRing

pytestmark = pytest.mark.realtime

RATE, BLOCK = 48000, 256
PERIOD = BLOCK / RATE


def test_jitter_of_two_milliseconds_becomes_a_tenth_of_that() -> None:
    rng = np.random.default_rng(0)
    clock = DacClock(RATE, BLOCK)
    true = np.arange(8000) * PERIOD + 5.0
    heard = np.array([clock.update(t + rng.normal(0, 0.002)) for t in true])
    assert np.std((heard - true)[3000:]) < 0.0002
    assert abs((heard - true)[3000:].mean()) < 0.0003
    assert clock.resets == 0


def test_a_card_that_runs_fast_is_followed() -> None:
    clock = DacClock(RATE, BLOCK)
    real = RATE * 1.0003
    true = np.arange(20000) * BLOCK / real
    heard = np.array([clock.update(t) for t in true])
    assert np.abs((heard - true)[10000:]).max() < 0.0002
    assert clock.rate == pytest.approx(real, rel=2e-5)


def test_one_wild_stamp_is_ignored_and_a_new_time_line_is_taken_at_once() -> None:
    clock = DacClock(RATE, BLOCK)
    times = [k * PERIOD for k in range(2000)]
    for t in times:
        clock.update(t)
    assert clock.update(times[-1] + 40.0) == pytest.approx(times[-1] + PERIOD, abs=1e-4)
    assert clock.update(times[-1] + 2 * PERIOD) == pytest.approx(times[-1] + 2 * PERIOD, abs=1e-4)
    assert clock.resets == 0
    later = times[-1] + 0.8
    clock.update(later)
    assert clock.update(later + PERIOD) == pytest.approx(later + PERIOD, abs=1e-3)
    assert clock.resets == 1


def test_time_never_runs_backwards_under_jitter() -> None:
    rng = np.random.default_rng(1)
    clock = DacClock(RATE, BLOCK)
    heard = [clock.update(k * PERIOD + rng.uniform(-0.004, 0.004)) for k in range(4000)]
    assert np.diff(heard).min() > 0.0


@pytest.mark.parametrize(("current", "dac"), [(0.0, 0.0), (100.0, 99.0), (1.7e9, 0.0), (5.0, 5.0), (0.0, 1.7e9)])
def test_stamps_that_cannot_be_are_replaced_by_the_promised_latency(current: float, dac: float) -> None:
    host = HostTime(0.03)
    assert host.leaves(12.0, current, dac) == pytest.approx(12.03)
    assert host.odd == 1


def test_wall_clock_stamps_are_understood_by_their_difference() -> None:
    host = HostTime(0.03)
    assert host.leaves(12.0, 1.7e9, 1.7e9 + 0.021) == pytest.approx(12.021, abs=1e-6)
    assert host.odd == 0


def test_flash_and_click_are_matched_and_their_distance_is_what_was_put_in() -> None:
    rng = np.random.default_rng(2)
    flashes = np.array([grain.time for grain in clicks(3.0, 60)])
    heard = flashes - 0.006 + rng.normal(0, 0.001, 60)
    found = sync(flashes, heard)
    assert found.events == 60 and found.missing == 0 and found.good
    assert found.mean == pytest.approx(0.006, abs=0.0005) and found.offset == -found.mean
    assert "in sync: sound is 5.9 ms early on average" in found.sentence()


def test_sound_that_is_late_or_missing_or_jittery_does_not_pass() -> None:
    flashes = np.array([grain.time for grain in clicks(3.0, 60)])
    assert not sync(flashes, flashes + 0.030).good
    assert not sync(flashes, flashes[:-1]).good and sync(flashes, flashes[:-1]).missing == 1
    assert not sync(flashes, flashes + np.random.default_rng(3).normal(0, 0.006, 60)).good
    assert not sync(flashes, np.zeros(0)).good


def test_a_photodiode_and_a_microphone_on_one_interface_give_the_same_answer() -> None:
    rng = np.random.default_rng(4)
    recording = rng.standard_normal((RATE * 10, 2)) * 0.001
    for k in range(15):
        at = int((0.5 + 0.6 * k) * RATE)
        recording[at : at + 2400, 0] += (
            np.minimum(np.arange(2400) / 96, 1.0) * 0.4
        )  # light comes up in two milliseconds
        recording[at + 480 : at + 528, 1] += 0.3
    found = from_interface(recording, RATE)
    assert found.events == 15
    assert found.mean == pytest.approx(-0.0098, abs=0.001)
    with pytest.raises(ValueError, match="two different"):
        from_interface(recording, RATE, 0, 0)


def test_noise_alone_is_no_onset() -> None:
    assert len(onsets(np.random.default_rng(5).standard_normal(RATE) * 0.1, RATE)) == 0
    assert len(onsets(np.zeros(RATE), RATE)) == 0


IDLE = Reading()
CALM = Longest(0.001, 0.0012)


@pytest.mark.parametrize(
    ("after", "longest", "cause"),
    [
        (IDLE, Longest(0.007, 0.008), "slow"),
        (Reading(waited=0.05), CALM, "starved"),
        (Reading(waited=0.05, stolen=0.05), CALM, "stolen"),
        (IDLE, Longest(0.001, 0.03), "python"),
        (Reading(waited=0.001), CALM, "host"),
    ],
)
def test_an_underrun_has_a_cause(after: Reading, longest: Longest, cause: str) -> None:
    kind, words = why(IDLE, after, longest, 256 / 48000, 0.04)
    assert kind == cause in CAUSES and len(words) > 30


def test_the_kernel_says_how_long_a_thread_waited_for_a_cpu() -> None:
    before = read(threading.get_native_id())
    if before == IDLE:
        pytest.skip("this kernel does not count it")
    done = threading.Event()
    others = [
        threading.Thread(target=lambda: [hashlib.sha256(bytes(1 << 20)) for _ in iter(done.is_set, True)])
        for _ in range(8)
    ]
    for other in others:
        other.start()
    end = time.monotonic() + 0.4
    while time.monotonic() < end:
        hashlib.sha256(bytes(1 << 20))  # releases Python, so that all nine want a CPU at once
    done.set()
    for other in others:
        other.join()
    assert read(threading.get_native_id()).waited > before.waited


class Fake:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_no_stall_of_the_loop_makes_a_grain_of_the_murmur_late() -> None:
    """Frames of 10 ms to half a second: whatever ticks are caught up, their grains still reach the sound room in time."""
    source, rng = Fake(), np.random.default_rng(4)
    ring, page, samples = GrainRing(), ClockPage(), SampleRing(1.0)
    page.publish(running=1.0, nominal=48000.0, rate=48000.0, block=256.0, latency=0.06)
    room = SoundRoom(Room("sound", "nothing:at_all", tuple), ring, page, samples, source)
    clock = Clock(60.0, room.seconds)
    room.clock, murmur = clock, Murmur(1)
    state = State(motion=2.0, gap=0.5, lineage=Lineage(tuple(Ancestor(k, 0.2) for k in range(1, 6))))
    clock.start()
    given = []
    for _ in range(400):
        source.now += float(rng.choice([0.01, 0.033, 0.07, 0.12, 0.5]))
        room.heard()
        for now in clock.due():
            source.now += 0.001  # what a tick takes
            room.schedule(murmur.grains(now.time, now.dt, state))
            given += [float(row["time"]) - source.now for row in ring.take()]
    assert len(given) > 300 and min(given) > 0.06 + 2 * 256 / 48000
    assert room.tardy == 0 and clock.skipped > 0
    room.schedule([Grain(clock.time, 0), Grain(clock.time, 0, prompt=True)])
    assert room.tardy == 1, "a grain for this very instant is late, unless it promised nothing"
    for shared in (ring, page, samples):
        shared.close()


def test_grains_are_thinned_while_blocks_take_too_long_and_come_back_after() -> None:
    ring, page, samples = GrainRing(), ClockPage(), SampleRing(1.0)
    player = Player(Instrument(RATE, 2, BLOCK, voices=1), ring, KeyRing(8), page, samples)
    out = np.zeros((BLOCK, 2), np.float32)

    def play(blocks: int, limit: float) -> int:
        """How many of a grain for each block were played."""
        player.limit, before = limit, player.instrument.grains
        for _ in range(blocks):
            at = player.instrument.sample / RATE
            ring.put(Grain(0.0, IMPULSE, 0.0, 0.01, gain=0.1), at + 2 * PERIOD)
            player.play(out, at, False)
        return player.instrument.grains - before

    assert play(200, limit=50.0) >= 199  # the last is still to come
    play(400, limit=0.0)
    assert player.instrument.keep == 0.05 and play(200, limit=0.0) < 60
    assert page.read()["load"] > 0.0 and page.read()["lost"] > 100.0
    play(2500, limit=50.0)
    assert player.instrument.keep == 1.0
    for shared in (ring, page, samples):
        shared.close()
