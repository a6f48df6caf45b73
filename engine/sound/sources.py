"""Where sound comes from when there is no recording: the picture itself, and a voice for every memory.

Both are built from the same few pitches (a just pentatonic on D, open in any combination) and from narrow bands of
noise with fixed phases, after Paul Nasca's PADsynth: partials that breathe, never a buzz. Nothing lies over 7.5 kHz.
The phases are the same for all, so what differs between two sounds is only what differs between their causes:
alike memories sound alike, and a picture that changes a little changes its sound a little.
"""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import LARGE, Ancestor
from engine.sound import units
from engine.sound.library import SECONDS

PICTURE, TICK, IMPULSE, MICROPHONE = 0, -1, -2, -3  # sources that are no fragment
RECORDED = -1000  # see `recorded`

TONIC = 73.416  # Hz, D2
SCALE = (1.0, 9 / 8, 4 / 3, 3 / 2, 16 / 9)
"""Just, without a third: any two degrees together stay open, so hundreds of memories can sound at once."""
LEVEL = 0.1  # rms of every source
TOP = 7500.0  # Hz: nothing above
DESCRIPTOR = 16  # numbers in -1..1 that a voice is made from


def degree(step: int) -> float:
    """Frequency in Hz of a step of the scale; step 0 is TONIC, 5 steps are an octave."""
    return TONIC * 2.0 ** (step // len(SCALE)) * SCALE[step % len(SCALE)]


@functools.lru_cache(maxsize=4)
def _phases(n: int, seed: int) -> NDArray[np.complex64]:
    """Fixed random phases and magnitudes for the n // 2 + 1 bins of a table of n samples."""
    rng = np.random.default_rng(seed)
    bins = n // 2 + 1
    return (rng.standard_normal(bins) + 1j * rng.standard_normal(bins)).astype(np.complex64)


def _darken(hz: NDArray[np.floating]) -> NDArray[np.float64]:
    """1 from 100 Hz to 3 kHz, falling to 0 at TOP and at 40 Hz."""
    fall = np.clip((TOP - hz) / (TOP - 3000.0), 0.0, 1.0)
    rise = np.clip((hz - 40.0) / 60.0, 0.0, 1.0)  # small loudspeakers only suffer under what lies lower
    weights: NDArray[np.float64] = fall**2 * rise
    return weights


def _partial(power: NDArray[np.float64], hz_per_bin: float, hz: float, cents: float, amount: float) -> None:
    """Add one narrow band to a power spectrum: a Gaussian `cents` wide around `hz` with energy `amount`."""
    width = max(hz * (2.0 ** (cents / 1200.0) - 1.0), 0.6) / hz_per_bin
    centre = hz / hz_per_bin
    low, high = max(0, int(centre - 4 * width)), min(len(power), int(centre + 4 * width) + 2)
    if high <= low:
        return
    bins = np.arange(low, high)
    power[low:high] += amount / width * np.exp(-0.5 * ((bins - centre) / width) ** 2)


def _sound(power: NDArray[np.float64], n: int, seed: int) -> NDArray[np.float32]:
    hz = np.fft.rfftfreq(n)
    spectrum = np.sqrt(power) * _phases(n, seed)
    sound: NDArray[np.float32] = np.fft.irfft(spectrum[: len(hz)], n).astype(np.float32)
    return sound


def level(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same sound with rms LEVEL and no sample over 0.5 (towards it, it bends). Silence stays silence."""
    rms = float(np.sqrt(np.mean(sound**2)))
    if rms < 1e-9:
        return np.zeros(len(sound), np.float32)
    scaled = sound * (LEVEL / rms)
    bent: NDArray[np.float32] = (0.5 * np.tanh(2.0 * scaled)).astype(np.float32)
    return bent


# --- a voice for every memory ----------------------------------------------------------------------------------------


def pitch(descriptor: NDArray[np.float64]) -> float:
    """The fundamental in Hz: two of the numbers choose one of 13 degrees between G2 and about C5."""
    where = 0.75 * descriptor[0] + 0.25 * descriptor[1]
    return degree(round(8.0 + 6.0 * math.tanh(1.4 * where)))  # under that lies the ground, which is the picture's


def voice(descriptor: tuple[float, ...], rate: int = 48000) -> NDArray[np.float32]:
    """The sound of one memory: (SECONDS * rate,) f32, seamless as a loop, dark at its start and open at its end.

    descriptor: 16 numbers in -1..1 (missing ones count as 0): 0-1 pitch, 2 brightness, 3 odd or all partials,
    4 stiffness, 5 width, 6-7 two formants, 8 their sharpness, 9 breath, 10 its place, 11 the octave below,
    12 a companion a fifth or a fourth away, 13 how far it opens, 14-15 a slow tremor. Equal numbers, equal sound.
    """
    d = _complete(descriptor)
    n = int(SECONDS * rate)
    dark, open_ = _spectrum(d, n, rate, 0.0), _spectrum(d, n, rate, 1.0)
    t = np.arange(n) / n
    opening = 0.5 - 0.5 * np.cos(math.pi * t)
    cycles = round(SECONDS * (0.4 + 1.6 * (0.5 + 0.5 * d[14])))
    tremor = 1.0 - 0.3 * max(0.0, d[15]) * (0.5 - 0.5 * np.cos(2 * math.pi * cycles * t))
    first, second = _sound(dark, n, 1), _sound(open_, n, 1)
    mixed = np.cos(0.5 * math.pi * opening) * first / _rms(first) + np.sin(0.5 * math.pi * opening) * second / _rms(
        second
    )
    return level((mixed * tremor).astype(np.float32))


def descriptor(ancestor: Ancestor) -> tuple[float, ...]:
    """What an ancestor's voice is made from; one that came without gets its own for ever, drawn from its id."""
    if ancestor.voice:
        return ancestor.voice
    digest = hashlib.sha256(f"voice {ancestor.id}".encode()).digest()
    return tuple(byte / 127.5 - 1.0 for byte in digest[:DESCRIPTOR])


def _complete(descriptor: tuple[float, ...]) -> NDArray[np.float64]:
    """All 16 numbers, in -1..1; what is missing or no number is 0."""
    d = np.zeros(DESCRIPTOR)
    given = np.clip(np.nan_to_num(np.asarray(descriptor, float)[:DESCRIPTOR]), -1.0, 1.0)
    d[: len(given)] = given
    return d


def _rms(sound: NDArray[np.float32]) -> float:
    return max(float(np.sqrt(np.mean(sound**2))), 1e-12)


def _spectrum(d: NDArray[np.float64], n: int, rate: int, opened: float) -> NDArray[np.float64]:
    """Power per bin of a voice, `opened` 0 (dark) .. 1."""
    hz_per_bin = rate / n
    hz = np.arange(n // 2 + 1) * hz_per_bin
    power = np.zeros(n // 2 + 1)
    root = pitch(d)
    slope = 2.3 - 0.6 * d[2] - (0.7 + 0.3 * d[13]) * opened
    even = 10.0 ** (-1.2 * max(0.0, d[3]))
    stiff = 0.0008 * max(0.0, d[4]) ** 2
    cents = 14.0 + 9.0 * d[5]
    for k in range(1, 33):
        partial = root * k * math.sqrt(1.0 + stiff * k * k)
        if partial > TOP:
            break
        amount = k ** (-2.0 * slope) * (even if k % 2 == 0 else 1.0)
        _partial(power, hz_per_bin, partial, cents * (1.0 + 0.04 * k), amount)
    if d[11] > 0.0 and root > 110.0:
        _partial(power, hz_per_bin, root / 2.0, cents, 0.5 * d[11])
    companion = 1.5 if d[12] > 0.0 else 4.0 / 3.0
    _partial(power, hz_per_bin, root * companion, cents, 0.12 * abs(d[12]))
    _partial(power, hz_per_bin, root * companion * 2, cents, 0.03 * abs(d[12]))
    power *= _formants(hz, d)
    total = power.sum()
    breath = 10.0 ** (-2.4 + 1.1 * d[9] + 0.8 * opened)
    place = 1200.0 * 2.0 ** (1.3 * d[10])
    band = np.exp(-0.5 * (np.log2(np.maximum(hz, 20.0) / place) / 0.55) ** 2) / np.maximum(hz, 100.0)
    power += breath * total * band / band.sum()
    return power * _darken(hz) ** 2


def _formants(hz: NDArray[np.floating], d: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two broad resonances, like a vowel or a box of wood, over a floor of one."""
    octaves = np.log2(np.maximum(hz, 20.0))
    first, second = math.log2(480.0) + 0.7 * d[6], math.log2(1300.0) + 0.7 * d[7]
    width = 0.45 - 0.2 * d[8]
    peaks = 4.0 * np.exp(-0.5 * ((octaves - first) / width) ** 2) + 2.5 * np.exp(
        -0.5 * ((octaves - second) / width) ** 2
    )
    shape: NDArray[np.float64] = (1.0 + peaks) ** 2
    return shape


# --- the picture itself ----------------------------------------------------------------------------------------------

BANDS = 25  # rows of the picture as the ear has them: five octaves of the scale from D2


@functools.lru_cache(maxsize=2)
def _bands(rate: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the rows of a picture play: (BANDS, n) of tones and (BANDS, n) of breath around them, each of rms 1."""
    n = int(SECONDS * rate)
    hz_per_bin = rate / n
    hz = np.arange(n // 2 + 1) * hz_per_bin
    tones, airs = np.empty((BANDS, n), np.float32), np.empty((BANDS, n), np.float32)
    for band in range(BANDS):
        root = degree(band)
        power = np.zeros(n // 2 + 1)
        for k, amount in ((1, 1.0), (2, 0.09), (3, 0.03), (4, 0.008)):
            _partial(power, hz_per_bin, root * k, 9.0, amount)
        tone = _sound(power * _darken(hz), n, 100 + band)
        air = np.exp(-0.5 * (np.log2(np.maximum(hz, 20.0) / (2.0 * root)) / 0.22) ** 2) / np.maximum(hz, 60.0)
        breath = _sound(air * _darken(hz), n, 200 + band)
        tones[band], airs[band] = tone / _rms(tone), breath / _rms(breath)
    _phases.cache_clear()  # fifty of them are not needed again
    return tones, airs


def sonify(latent: NDArray[np.floating], rate: int = 48000) -> NDArray[np.float32]:
    """The picture as sound: (SECONDS * rate,) f32. Left to right is time, top to bottom high to low.

    latent: (c, h, w), about unit variance. A place that stands out from its picture sounds at its row's pitch; where
    neighbours differ much (texture, edges) breath takes the place of tone; an even field is silent.
    """
    z = np.nan_to_num(np.asarray(latent[:LARGE], np.float32))
    away = z - np.median(z, axis=(1, 2), keepdims=True)
    salience = np.sqrt((away**2).mean(0))  # (h, w)
    edges = np.sqrt((np.diff(z, axis=2, append=z[:, :, -1:]) ** 2).mean(0))
    rows = np.linspace(z.shape[1] - 1, 0, BANDS)  # low pitches lie at the bottom
    salience, edges = _rows(salience, rows), _rows(edges, rows)
    floor = np.quantile(salience, 0.55)
    tone = np.maximum(salience - floor, 0.0) ** 1.5
    air = 0.35 * np.maximum(edges - np.quantile(edges, 0.6), 0.0) ** 1.5
    band = np.arange(BANDS)  # falling, but for the lowest octave, which would be all that one hears
    tilt = (2.0 ** (-band / 5.0 * 0.45) * np.minimum(1.0, 0.35 + 0.13 * band)).astype(np.float32)[:, None]
    n = int(SECONDS * rate)
    at = np.linspace(0.0, z.shape[2] - 1.0, n)
    tones, airs = _bands(rate)
    sound = np.zeros(n, np.float32)
    columns = np.arange(z.shape[2])
    for k in range(BANDS):
        for strength, bed in ((tone, tones), (air, airs)):
            if strength[k].any():
                sound += np.interp(at, columns, (strength * tilt)[k]).astype(np.float32) * bed[k]
    return level(sound)


def _rows(field: NDArray[np.float32], rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """A field (h, w) at fractional rows, averaged with its neighbours so that a pixel is no note."""
    padded = np.pad(field, ((1, 1), (1, 1)), mode="edge")
    soft = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    soft = (soft[:, :-2] + 2 * soft[:, 1:-1] + soft[:, 2:]) / 4
    low = np.floor(rows).astype(int)
    high = np.minimum(low + 1, field.shape[0] - 1)
    part = (rows - low).astype(np.float32)[:, None]
    mixed: NDArray[np.float32] = soft[low] * (1 - part) + soft[high] * part
    return mixed


# --- the rest --------------------------------------------------------------------------------------------------------


def tick(rate: int = 48000) -> NDArray[np.float32]:
    """A knock on wood, 60 ms: the sound of a word arriving."""
    t = np.arange(int(0.06 * rate)) / rate
    rng = np.random.default_rng(5)
    knock = sum(
        a * np.sin(2 * math.pi * f * t) * np.exp(-t / s) for f, a, s in ((294.0, 1.0, 0.014), (784.0, 0.5, 0.007))
    )
    hiss = np.convolve(rng.standard_normal(len(t)), np.hanning(33) / 4.0, "same") * np.exp(-t / 0.002)
    edges = np.sin(0.5 * math.pi * np.minimum(1.0, np.minimum(t / 0.0015, (t[-1] - t) / 0.015))) ** 2
    knocked: NDArray[np.float32] = (0.5 * np.tanh((0.5 * knock + 0.15 * hiss) * edges)).astype(np.float32)
    return knocked


def impulse(rate: int = 48000) -> NDArray[np.float32]:
    """One millisecond of full level: the click of `calibrate sync`. Its first sample is already loud."""
    sound = np.zeros(int(0.02 * rate), np.float32)
    sound[: rate // 1000] = 0.7
    return sound


def recorded(fragment: int) -> int:
    """The source that sounds like a fragment in the gallery's own recordings: those nearest to its voice."""
    return RECORDED - fragment


@dataclass(frozen=True, slots=True)
class Job:
    """A sound to be made: of the picture, of one memory, or of the recordings that are nearest to one."""

    source: int
    rate: int
    latent: NDArray[np.floating] | None = None  # (c, h, w)
    descriptor: tuple[float, ...] = ()
    folder: str = ""  # of recordings


def make(job: Job) -> NDArray[np.float32]:
    """The sound of a job, (n,) f32; 10 to 30 ms, a folder's first time seconds. Pure: any process, any order."""
    if job.latent is not None:
        return sonify(job.latent, job.rate)
    own = voice(job.descriptor, job.rate)
    if not job.folder:
        return own
    corpus = units.load(job.folder, job.rate)
    centroid, _, flatness = units.timbre(own[: job.rate // 2], job.rate)
    root = pitch(_complete(job.descriptor))
    return corpus.source(corpus.nearest(centroid, root, flatness, job.descriptor))
