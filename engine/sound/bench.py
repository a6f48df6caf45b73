"""What the instrument costs and how it sounds, measured: the table of `bench sound`, and two minutes to listen to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.crossings import GRAIN, grain_row
from engine.messages import Ancestor, Grain, Lineage, Picture, State
from engine.sound import mapping
from engine.sound.instrument import Instrument
from engine.sound.murmur import Murmur

TICKS = 60  # per second


def score(time: float, crowd: tuple[Ancestor, ...]) -> State:
    """The state at a second of two scripted minutes: every quantity of the mapping has its turn alone.

    0-20 stillness, words and picture agree; 20-40 the picture moves; 40-60 the gap opens; 60-75 a sentence arrives and
    displacement grows; 75-95 depth; 95-110 everything becomes standard; 110-120 it rests.
    """

    def bump(start: float, end: float, ramp: float = 4.0) -> float:
        rise = min(max((time - start) / ramp, 0.0), 1.0)
        fall = min(max((end - time) / ramp, 0.0), 1.0)
        return math.sin(0.5 * math.pi * min(rise, fall)) ** 2

    turn = int(time // 20) % 3  # other memories come forward
    shares = [0.3 * 0.75 ** ((k + 3 * turn) % len(crowd)) for k in range(len(crowd))]
    order = sorted(range(len(crowd)), key=lambda k: -shares[k])
    named = tuple(Ancestor(crowd[k].id, shares[k], voice=crowd[k].voice, x=crowd[k].x, y=crowd[k].y) for k in order)
    return State(
        gap=0.03 + 0.75 * bump(40, 62) + 0.3 * bump(62, 95),
        displacement=0.05 + 0.45 * bump(60, 95, 6.0),
        motion=0.05 + 1.2 * bump(20, 44, 6.0) + 0.6 * bump(44, 95, 6.0),
        light=0.75 + 0.2 * bump(20, 75) - 0.5 * bump(100, 125, 8.0),
        standard=0.95 * bump(95, 116, 5.0),
        lineage=Lineage(named, depth=round(9 * bump(75, 97, 6.0))),
    )


def blobs(time: float, seed: int = 3) -> NDArray[np.float16]:
    """A latent (4, 32, 32) for trials: a few soft shapes that wander over a slow ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:32, 0:32] / 32.0
    z = np.zeros((4, 32, 32))
    for _ in range(7):
        cx, cy, size = rng.random(), rng.random(), rng.uniform(0.03, 0.12)
        speed, phase = rng.uniform(0.02, 0.06), rng.uniform(0, 6.28)
        px, py = cx + 0.2 * math.sin(speed * time + phase), cy + 0.2 * math.cos(speed * time * 0.8 + phase)
        shape = np.exp(-0.5 * (((x - px) / size) ** 2 + ((y - py) / (0.6 * size)) ** 2))
        z += rng.standard_normal(4)[:, None, None] * 2.0 * shape
    z += 0.25 * rng.standard_normal((4, 32, 32))
    unit: NDArray[np.float16] = (z / z.std()).astype(np.float16)
    return unit


def two_minutes(seed: int = 7, seconds: float = 120.0, rate: int = 48000) -> NDArray[np.float32]:
    """The murmur over `score`, with one sentence: (seconds * rate, 2) f32. The same seed, the same samples."""
    rng = np.random.default_rng(seed)
    crowd = tuple(
        Ancestor(k + 1, 0.1, voice=tuple(rng.uniform(-1, 1, 16)), x=float(rng.random()), y=float(rng.random()))
        for k in range(9)
    )
    instrument, murmur = Instrument(rate, 2, 256, seed), Murmur(seed)
    nothing, dark = np.zeros((0, 0, 0), np.float16), np.zeros((8, 8, 4), np.uint8)
    out: list[NDArray[np.float32]] = []
    for tick in range(int(seconds * TICKS)):
        time = tick / TICKS
        state = score(time, crowd)
        if tick % TICKS == 0:
            latent = blobs(time)
            instrument.picture(Picture(dark, latent, nothing, state))
            murmur.look(*mapping.salient(latent))
        grains = list(murmur.grains(time, 1.0 / TICKS, state))
        if tick == 62 * TICKS:
            grains += mapping.sentence(
                "the sea at night, and somebody calling from the other shore", time + 0.05, state
            )
        _send(instrument, grains)
        while (len(out) + 1) * 256 / rate <= (tick + 1) / TICKS:
            out.append(instrument.block().copy())
    return np.concatenate(out)


def _send(instrument: Instrument, grains: list[Grain]) -> None:
    if grains:
        instrument.schedule(np.array([grain_row(grain, grain.time) for grain in grains], GRAIN))
