"""What the instrument costs and how it sounds, measured: the table of `bench sound`, and two minutes to listen to."""

from __future__ import annotations

import argparse
import math
import sys
import time as clocks
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.crossings import GRAIN, grain_row
from engine.core.messages import Ancestor, Grain, Lineage, Picture, State
from engine.sound import mapping
from engine.sound.instrument import Instrument
from engine.sound.measure import loudness, picture, save
from engine.sound.murmur import Murmur
from engine.sound.particles import NumpyParticles, Particles, PyoParticles

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
        words="somebody calling from the other shore" if time >= 63.0 else "the room where I was born",
        gap=0.03 + 0.75 * bump(40, 62) + 0.3 * bump(62, 95),
        displacement=0.05 + 0.45 * bump(60, 95, 6.0),
        motion=0.05 + 1.2 * bump(20, 44, 6.0) + 0.6 * bump(44, 95, 6.0),
        light=0.45 + 0.2 * bump(20, 75) - 0.3 * bump(100, 125, 8.0),  # a rank: over a day its mean is a half
        standard=0.95 * bump(95, 116, 5.0),
        lineage=Lineage(named, depth=round(9 * bump(75, 97, 6.0))),
    )


def blobs(time: float, seed: int = 3) -> NDArray[np.float16]:
    """A latent (24, 32, 32) for trials, unit variance by channel: a few soft shapes that wander over a slow ground.

    As in a lapped latent, the large channels carry the shapes, the small ones fine forms within them.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:32, 0:32] / 32.0
    z = np.zeros((24, 32, 32))
    grain = rng.standard_normal((24, 32, 32))
    fine = np.linspace(0, 1, 24)[:, None, None]
    for _ in range(7):
        cx, cy, size = rng.random(), rng.random(), rng.uniform(0.03, 0.12)
        speed, phase = rng.uniform(0.02, 0.06), rng.uniform(0, 6.28)
        px, py = cx + 0.2 * math.sin(speed * time + phase), cy + 0.2 * math.cos(speed * time * 0.8 + phase)
        shape = np.exp(-0.5 * (((x - px) / size) ** 2 + ((y - py) / (0.6 * size)) ** 2))
        z += rng.standard_normal(24)[:, None, None] * 2.0 * shape * (1 - fine + fine * grain)
    z += 0.25 * rng.standard_normal((24, 32, 32))
    unit: NDArray[np.float16] = (z / z.std((1, 2), keepdims=True)).astype(np.float16)
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


def load(channels: int, grains: int, engine: str = "auto", rate: int = 48000, block: int = 256) -> float:
    """Share of a core that the whole instrument takes with so many panned grains at once: CPU time over played time."""
    instrument = Instrument(rate, channels, block, voices=4, engine=engine)
    crowd = tuple(Ancestor(k + 1, 0.25) for k in range(4))
    nothing, dark = np.zeros((0, 0, 0), np.float16), np.zeros((8, 8, 4), np.uint8)
    instrument.picture(Picture(dark, blobs(0.0), nothing, State(lineage=Lineage(crowd))))
    rng = np.random.default_rng(1)
    every = max(1, grains)
    _send(
        instrument,
        [
            Grain(
                k / every, int(rng.integers(0, 5)), float(rng.random()), 1.0, gain=0.02, pan=float(rng.uniform(-1, 1))
            )
            for k in range(5 * grains)
        ],
    )
    for _ in range(int(1.2 * rate / block)):
        instrument.block()
    blocks = int(2.0 * rate / block)
    shares = []
    for _ in range(4):  # the best of four: a neighbour on the same core costs both time and cache
        begun = clocks.thread_time()
        for _ in range(blocks // 4):
            instrument.block()
        shares.append((clocks.thread_time() - begun) / (blocks // 4 * block / rate))
    return min(shares)


def null_test(count: int = 1000, seed: int = 7) -> float:
    """Decibels by which pyo's grains and numpy's differ less than they sound: random, of every envelope and rate."""
    rate, block, seconds = 48000, 256, 8.0
    rng = np.random.default_rng(seed)
    table = rng.standard_normal(4 * rate) * 0.2
    starts = np.sort(rng.choice(int(seconds * rate), count, replace=False))
    how = [
        (int(rng.integers(2)), int(rng.integers(5)), rng.uniform(0, 6e4), rng.uniform(0.25, 2.5), rng.uniform(100, 4e4))
        for _ in starts
    ]

    def play(particles: Particles) -> NDArray[np.float64]:
        particles.table[:] = table
        out, k = [], 0
        for first in range(0, int((seconds + 1.0) * rate), block):
            while k < count and starts[k] < first + block:
                particles.start(int(starts[k]) - first, *how[k], gain=0.5, cutoff=0.0)
                k += 1
            out.append(particles.process().astype(np.float64))
        return np.concatenate(out)

    one, other = play(PyoParticles(len(table), rate, block, 2)), play(NumpyParticles(len(table), rate, block, 2))
    return float(20.0 * np.log10(np.std(other) / max(float(np.std(one - other)), 1e-30)))


def bench(options: argparse.Namespace) -> dict[str, object]:
    """All figures; with `options.path`, a folder, the two minutes as a picture and a wave file there. About a minute."""
    figures: dict[str, object] = {"null_test_db": round(null_test(), 1)}
    rows = []
    for channels in (2, 8, 16):
        some, many = load(channels, 128), load(channels, 384)
        full = round(384 + (1.0 - many) * 256 / max(many - some, 1e-6))
        rows.append(
            {
                "outputs": channels,
                "silent": load(channels, 0),
                "grain": load(channels, 1),
                "grains_128": some,
                "full": full,
            }
        )
        print(f"{channels} outputs: {some:.1%} of a core for 128 grains, one core is full at {full}", file=sys.stderr)
    figures["share_of_a_core"] = rows
    sound = two_minutes()
    measured = loudness(sound)
    figures |= {"lufs": round(measured.integrated, 1), "dbtp": round(measured.peak, 1)}
    figures |= {"lufs_softest_3s": round(measured.shortest, 1), "lufs_loudest_3s": round(measured.loudest, 1)}
    if getattr(options, "path", None):
        folder = Path(options.path)
        folder.mkdir(parents=True, exist_ok=True)
        title = "Two minutes of the murmur: stillness, motion, gap, a sentence, depth, unison"
        picture(folder / "murmur.png", sound, title=title)
        save(folder / "murmur.wav", sound)
        figures["picture"] = str(folder / "murmur.png")
    return figures
