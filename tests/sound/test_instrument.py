"""The instrument as a whole: deterministic, exact, never clipped, silent when nothing is asked of it."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.crossings import GRAIN, grain_row
from engine.core.messages import Ancestor, Grain, Lineage, Picture, Set, State
from engine.sound.instrument import Instrument
from engine.sound.library import LONGEST
from engine.sound.master import CEILING, Limiter
from engine.sound.options import SoundOptions
from engine.sound.sources import IMPULSE, RECORDED, TICK, make, recorded
from engine.sound.stems import LAYERS, Stems

RATE, BLOCK = 48000, 256


def small(channels: int = 2, engine: str = "auto") -> Instrument:
    return Instrument(RATE, channels, BLOCK, voices=4, engine=engine)


def picture(seed: int = 0, ancestors: int = 3) -> Picture:
    rng = np.random.default_rng(seed)
    latent = rng.standard_normal((4, 32, 32)).astype(np.float16)
    lineage = Lineage(tuple(Ancestor(k + 1, 0.2, voice=tuple(rng.uniform(-1, 1, 16))) for k in range(ancestors)))
    nothing = np.zeros((0, 0, 0), np.float16)
    return Picture(np.zeros((8, 8, 4), np.uint8), latent, nothing, State(lineage=lineage))


def rows(*grains: Grain) -> NDArray[np.void]:
    return np.array([grain_row(grain, grain.time) for grain in grains], GRAIN)


def play(instrument: Instrument, seconds: float) -> NDArray[np.float32]:
    return np.concatenate([instrument.block().copy() for _ in range(int(seconds * RATE / BLOCK))])


def crowd(count: int = 200, gain: float = 0.3) -> list[Grain]:
    rng = np.random.default_rng(4)
    return [
        Grain(
            float(rng.uniform(0, 3)), int(rng.integers(0, 4)), float(rng.random()), float(rng.uniform(0.05, 0.8)),
            float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.5)), 0.0, gain, float(rng.uniform(-1, 1)),
            cutoff=float(rng.choice([0, 900])),
        )
        for _ in range(count)
    ]  # fmt: skip


def test_the_same_calls_give_the_same_samples() -> None:
    def once() -> NDArray[np.float32]:
        instrument = small()
        instrument.picture(picture())
        instrument.schedule(rows(*crowd()))
        return play(instrument, 3.0)

    assert np.array_equal(once(), once())


@pytest.mark.parametrize("engine", ["pyo", "numpy"])
def test_a_grain_sounds_on_the_sample_nearest_to_its_time(engine: str) -> None:
    instrument = Instrument(RATE, 2, BLOCK, voices=2, reverb=0.0, engine=engine)
    play(instrument, 0.2)  # past the fade in
    found = set()
    for sample in (0, 1, 255, 256, 5000, 12345):
        time = (instrument.sample + BLOCK + sample) / RATE + 0.3 / RATE
        instrument.schedule(rows(Grain(time, IMPULSE, 0.0, 0.02, gain=1.0, pan=-1.0, envelope="flat")))
        found.add(int(play(instrument, 0.5)[:, 0].argmax()) - BLOCK - sample)
    assert found == {RATE // 1000 - 1}  # the envelope still rises when the impulse ends, after one millisecond
    assert instrument.late == 0


def test_the_first_grain_after_silence_is_as_loud_as_the_next() -> None:
    instrument = Instrument(RATE, 1, BLOCK, voices=1, reverb=0.0)
    play(instrument, 0.2)
    times = [instrument.sample / RATE + 0.1 + 0.3 * k for k in range(3)]
    instrument.schedule(rows(*[Grain(t, IMPULSE, 0.0, 0.02, gain=0.5, envelope="flat") for t in times]))
    peaks = np.array([np.abs(part).max() for part in np.array_split(play(instrument, 1.2)[:, 0], 4)[:3]])
    assert peaks.max() - peaks.min() < 0.01 * peaks.max()


def test_a_grain_after_its_time_is_played_at_once_and_counted() -> None:
    instrument = small()
    play(instrument, 0.5)
    instrument.schedule(rows(Grain(0.1, IMPULSE, 0.0, 0.02, gain=1.0)))
    assert play(instrument, 0.1).any()
    assert instrument.late == 1 and 0.35 < instrument.behind < 0.45
    instrument.schedule(rows(Grain(0.1, IMPULSE, 0.0, 0.02, gain=1.0, prompt=True)))  # it promised nothing
    play(instrument, 0.1)
    assert instrument.late == 1 and instrument.grains == 2


def test_nothing_asked_is_exact_silence() -> None:
    instrument = small()
    instrument.picture(picture())
    assert not play(instrument, 1.0).any()
    assert instrument.silent


def test_sound_dies_away_to_exact_silence() -> None:
    instrument = small()
    instrument.picture(picture())
    instrument.schedule(rows(Grain(0.1, 1, duration=0.3)))
    play(instrument, 6.0)
    assert instrument.silent
    assert not play(instrument, 0.2).any()


def test_a_hundred_grains_at_full_gain_never_pass_the_ceiling() -> None:
    instrument = small()
    instrument.picture(picture())
    instrument.schedule(rows(*crowd(300, 1.0)))
    sound = play(instrument, 4.0)
    assert 0.3 < np.abs(sound).max() <= CEILING + 1e-6


def test_a_grain_without_a_source_is_lost_and_counted() -> None:
    instrument = small()
    instrument.schedule(rows(Grain(0.1, 4711)))
    assert not play(instrument, 0.5).any()
    assert instrument.lost == 1


@pytest.mark.parametrize("channels", [1, 2, 4, 8, 16])
def test_a_grain_comes_from_its_place_and_nowhere_else(channels: int) -> None:
    instrument = Instrument(RATE, channels, BLOCK, voices=1, reverb=0.0)
    instrument.picture(picture(ancestors=1))
    for speaker, place in enumerate(instrument.speakers.places):
        instrument.schedule(rows(Grain(instrument.sample / RATE + 0.1, 1, duration=0.1, gain=0.5, pan=place)))
        power = (play(instrument, 0.3) ** 2).sum(0)
        assert power.argmax() == speaker
        assert power.sum() - power[speaker] < 1e-6 * power[speaker]


def test_backwards_is_the_mirror_of_forwards() -> None:
    def grain(rate: float) -> NDArray[np.float32]:
        instrument = Instrument(RATE, 1, BLOCK, voices=1, reverb=0.0)
        instrument.picture(picture(ancestors=1))
        play(instrument, 0.2)
        instrument.schedule(rows(Grain(0.3, 1, 0.4, 0.5, rate, envelope="hann", gain=0.3)))
        sound = play(instrument, 1.0)[:, 0]
        heard = np.flatnonzero(np.abs(sound) > 1e-4)
        return sound[heard[0] : heard[-1]]

    forwards, backwards = grain(1.0), grain(-1.0)[::-1]
    alike = np.fft.irfft(np.fft.rfft(forwards, 1 << 17) * np.conj(np.fft.rfft(backwards, 1 << 17)))
    assert (
        alike.max() / np.sqrt((forwards**2).sum() * (backwards**2).sum()) > 0.99
    )  # the DC block turns the lowest phases


def test_a_source_changes_without_a_click() -> None:
    instrument = Instrument(RATE, 1, BLOCK, voices=1, reverb=0.0)
    instrument.picture(picture(1))
    grains = [Grain(0.1 + 0.1 * k, 0, 0.3, 0.6, gain=0.1) for k in range(60)]
    instrument.schedule(rows(*grains))
    parts = []
    for k in range(4):
        parts.append(play(instrument, 1.5))
        instrument.picture(picture(10 + k))
    sound = np.concatenate(parts)[:, 0]
    jumps = np.abs(np.diff(sound, 2))
    assert jumps.max() < 12 * np.sqrt(np.mean(jumps**2))


class Witness:
    """A grain engine that only remembers what was started: (output sample, place, rate, length)."""

    def __init__(self, instrument: Instrument):
        self.instrument, self.table = instrument, instrument.particles.table
        self.started: list[tuple[float, float, float, float]] = []

    def start(
        self, offset: int, speaker: int, shape: int, place: float, rate: float, length: float, gain: float, cutoff: float
    ) -> bool:  # fmt: skip
        self.started.append((self.instrument.sample + offset, place, rate, length))
        return True

    def process(self) -> NDArray[np.float32]:
        return np.zeros((BLOCK, self.instrument.channels), np.float32)


def longest_run(started: list[tuple[float, float, float, float]]) -> float:
    """Seconds of a recording that come out in a row: pieces at one rate and in one alignment, joined where they meet."""
    lines: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for sample, place, rate, length in started:
        line = round((place - rate * sample) / (0.005 * RATE)), round(rate * 100)
        lines.setdefault(line, []).append((place, place + length * rate))
    longest = 0.0
    for pieces in lines.values():
        start, end = 0.0, -1.0
        for low, high in sorted(pieces):
            start, end = (low, high) if low > end else (start, max(end, high))
            longest = max(longest, end - start)
    return longest / RATE


def test_no_80_milliseconds_of_a_recording_come_out_in_a_row_however_it_is_asked() -> None:
    for apart in (0.01, 0.04, 0.079, 0.1):
        instrument = Instrument(RATE, 1, BLOCK, voices=2, reverb=0.0)
        instrument.library.write(-1001, np.ones(2 * RATE, np.float32) * 0.1, 0, recorded=True)
        witness = Witness(instrument)
        instrument.particles = witness
        asked = [  # a tape that is played from its beginning to its end, in pieces
            Grain(0.1 + apart * k, -1001, min(1.0, apart * k / 1.92), 0.1) for k in range(int(1.9 / apart))
        ]
        instrument.schedule(rows(*asked))
        play(instrument, 3.0)
        assert len(witness.started) > 15
        assert longest_run(witness.started) < 0.08
        assert longest_run([(0.0, 0.0, 1.0, 3000.0), (3000.0, 3000.0, 1.0, 3000.0)]) > 0.12  # the measure can fail


def test_a_grain_of_a_recording_is_cut_short_at_any_rate() -> None:
    instrument = Instrument(RATE, 1, BLOCK, voices=2, reverb=0.0)
    instrument.library.write(-1001, np.ones(RATE, np.float32) * 0.1, 0, recorded=True)
    slot = instrument.library.find(-1001)
    assert slot is not None
    for duration, pace in ((1.0, 1.0), (1.0, 0.1), (0.05, 3.0), (LONGEST, 0.02)):
        length, rate = instrument._fit(slot, duration, pace)
        assert length * rate / RATE < 0.08


def test_the_limiter_holds_its_ceiling_for_any_sound() -> None:
    rng = np.random.default_rng(5)
    limiter = Limiter(RATE, BLOCK, 2)
    sound = (rng.standard_normal((400, BLOCK, 2)) * 10 ** rng.uniform(-3, 2, (400, 1, 1))).astype(np.float32)
    out = np.empty((BLOCK, 2), np.float32)
    for block in sound:
        limiter.apply(block, out)
        assert np.abs(out).max() <= CEILING * (1 + 1e-6)


def test_an_unknown_address_names_the_nearest() -> None:
    instrument = small()
    assert "did you mean /hm/sound/gain" in instrument.receive(Set("/hm/sound/gian", (1.0,)))
    assert "takes a number" in instrument.receive(Set("/hm/sound/gain", ("loud",)))
    assert instrument.receive(Set("/hm/sound/gain", (-6.0,))) == ""


@pytest.mark.parametrize(("decibels", "share"), [(0.0, 1.0), (-6.0, 0.501), (-20.0, 0.1), (-60.0, 0.0), (3.0, 1.0)])
def test_gain_is_in_decibels_and_minus_six_is_half(decibels: float, share: float) -> None:
    """It was 0..1 beside a gain in dB in the machine's file, so that -6 was silence."""
    levels = []
    for gain in (0.0, decibels):
        instrument = Instrument.of(SoundOptions(gain=gain, voices=4, reverb=0.0))
        instrument.receive(Set("/hm/sound/gain", (gain,)))
        instrument.schedule(rows(*[Grain(0.2 + 0.05 * k, IMPULSE, 0.0, 0.02, gain=0.5, envelope="flat") for k in range(8)]))
        levels.append(float(np.abs(play(instrument, 0.6)).max()))
    assert levels[0] > 0.0 and levels[1] == pytest.approx(share * levels[0], rel=0.01, abs=1e-6)


def test_mute_fades_and_comes_back() -> None:
    instrument = small()
    instrument.picture(picture())
    instrument.schedule(rows(*[Grain(0.05 * k, 1, duration=0.5) for k in range(80)]))
    play(instrument, 1.0)
    instrument.receive(Set("/hm/sound/mute", (1,)))
    quiet = play(instrument, 0.5)
    assert not quiet[RATE // 4 :].any()
    assert np.abs(np.diff(quiet[:, 0])).max() < 0.05
    instrument.receive(Set("/hm/sound/mute", (0,)))
    assert play(instrument, 0.5)[RATE // 4 :].any()


def test_the_layers_of_a_render_add_up_to_the_whole_and_hold_their_own(tmp_path: Path) -> None:
    stems = Stems(SoundOptions(channels=4, reverb=0.3))
    stems.give((job, make(job)) for job in small().wanted(picture()))
    grains = [Grain(0.2, 0, duration=0.5), Grain(0.4, 1, duration=0.4, pan=0.7), Grain(0.9, TICK, 0.0, 0.06, prompt=True)]
    stems.schedule(rows(*grains))
    for _ in range(RATE * 3 // 256):
        stems.block()
    whole, *layers = [stems.sound(name) for name in LAYERS]
    assert whole.shape[1] == 4 and all(np.abs(layer).max() > 0.005 for layer in layers)
    assert np.abs(whole - sum(layers)).max() < 1e-5
    assert not layers[1][: int(0.39 * RATE)].any() and not layers[2][: int(0.89 * RATE)].any()
    stems.write(tmp_path, "a")
    with wave.open(str(tmp_path / "a-memories.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (4, 3, RATE)
        data = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, 4, 3)
    whole_numbers = np.pad(data, ((0, 0), (0, 0), (1, 0))).view("<i4")[..., 0] / 2.0**31
    assert np.abs(whole_numbers - layers[1]).max() < 2e-7


def test_a_memory_speaks_in_a_cloud_of_recordings_where_there_are_any_and_never_in_a_row() -> None:
    instrument = Instrument(RATE, 2, BLOCK, voices=3, reverb=0.0, units="somewhere")
    rng = np.random.default_rng(1)
    for source in (1, recorded(1), 2):
        sound = (0.1 * rng.standard_normal(2 * RATE)).astype(np.float32)
        instrument.library.write(source, sound, 0, recorded=source <= RECORDED)
    witness = Witness(instrument)
    instrument.particles = witness
    instrument.receive(Set("/hm/sound/recordings", (1.0,)))
    instrument.schedule(rows(*[Grain(0.2 + 0.5 * k, 1, duration=1.5, gain=0.5, pan=-1.0) for k in range(12)]))
    play(instrument, 8.0)
    pieces = [length / RATE for _, _, _, length in witness.started]
    assert len(pieces) > 200 and max(pieces) < 0.08 and longest_run(witness.started) < 0.08
    times = np.sort([sample / RATE for sample, *_ in witness.started])
    assert times[0] >= 0.2 and times[-1] < 0.2 + 5.5 + 1.5 and np.diff(times).max() < 0.2, "they fill the grain's time"
    witness.started.clear()
    at = instrument.sample / RATE + 0.2
    instrument.schedule(rows(Grain(at, 2, duration=1.0, pan=-1.0), Grain(at, 1, duration=1.0, pan=-1.0)))
    instrument.receive(Set("/hm/sound/recordings", (0.0,)))
    instrument.schedule(rows(Grain(at, 1, duration=1.0, pan=-1.0)))
    play(instrument, 2.0)
    assert sum(length > 0.5 * RATE for *_, length in witness.started) == 2, "without a recording a memory has its own voice"
