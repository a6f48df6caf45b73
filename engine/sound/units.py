"""The gallery's recordings: a folder, cut into units where something begins, each described, the nearest chosen.

A recording is never played: what sounds are grains of less than 80 ms from units that resemble a memory's own voice,
in sound, and where the recording has been given a descriptor (`rain.voice`, 16 numbers made from its words as a
fragment's are), in meaning too.
"""

from __future__ import annotations

import functools
import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core import foreign
from engine.sound.library import SECONDS

log = logging.getLogger("engine.sound")

KINDS = (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".aiff", ".aif", ".opus")
SHORTEST, LARGEST = 0.08, 0.4  # seconds of a unit
MOST = 20 * 60  # seconds of a folder that are read
FRAME = 1024  # samples of an analysis frame, half overlapped


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a recording, and how it sounds."""

    recording: str
    start: int  # samples
    length: int  # samples
    onset: float  # 0..1: how suddenly it begins
    loudness: float  # dB, rms
    centroid: float  # Hz
    pitch: float  # Hz; 0 where there is none
    flatness: float  # 0 a tone .. 1 noise


class Corpus:
    """All units of a folder, in memory. Reading takes seconds: not for the audio thread, nor for one that shares it."""

    def __init__(self, recordings: dict[str, NDArray[np.float32]], rate: int, voices: dict[str, tuple[float, ...]]):
        self.rate = rate
        self._sound = recordings
        self.units = [unit for name, sound in recordings.items() for unit in cut(name, sound, rate)]
        self._features = np.array([_features(u.centroid, u.pitch, u.flatness) for u in self.units]).reshape(-1, 4)
        meanings = [voices.get(unit.recording, ()) for unit in self.units]
        self._meaning = np.array([m if len(m) == 16 else (0.0,) * 16 for m in meanings]).reshape(-1, 16)

    def __len__(self) -> int:
        return len(self.units)

    def nearest(
        self, centroid: float, pitch: float, flatness: float, meaning: tuple[float, ...] = (), n: int = 8
    ) -> list[Unit]:
        """The n units nearest in sound, and half as much in meaning (cosine of descriptors) where both have one."""
        if not self.units:
            return []
        distance = np.sqrt(((self._features - _features(centroid, pitch, flatness)) ** 2).sum(1))
        if len(meaning) == 16:
            wanted = np.asarray(meaning) / max(float(np.linalg.norm(meaning)), 1e-9)
            lengths = np.linalg.norm(self._meaning, axis=1)
            alike = self._meaning @ wanted / np.maximum(lengths, 1e-9)
            distance = distance + 0.5 * np.where(lengths > 0.0, 1.0 - alike, 1.0)
        return [self.units[k] for k in np.argsort(distance, kind="stable")[:n]]

    def sound(self, unit: Unit) -> NDArray[np.float32]:
        """A copy of a unit (length,), its edges faded over 5 ms."""
        piece = self._sound[unit.recording][unit.start : unit.start + unit.length].copy()
        edge = min(int(0.005 * self.rate), len(piece) // 2)
        ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
        piece[:edge] *= ramp
        piece[len(piece) - edge :] *= ramp[::-1]
        return piece

    def source(self, units: list[Unit], level: float = 0.1) -> NDArray[np.float32]:
        """Units one after another with a tenth of a second of silence between, each as loud as `level`: one source."""
        capacity, gap = int(SECONDS * self.rate), int(0.1 * self.rate)
        out = np.zeros(capacity, np.float32)
        at = 0
        for unit in units:
            piece = self.sound(unit)
            if at + len(piece) > capacity:
                break
            out[at : at + len(piece)] = piece * (level / max(float(np.sqrt((piece**2).mean())), 1e-4))
            at += len(piece) + gap
        bent: NDArray[np.float32] = (0.5 * np.tanh(2.0 * out[: max(at - gap, 1)])).astype(np.float32)
        return bent


@functools.lru_cache(maxsize=1)
def load(folder: str, rate: int = 48000) -> Corpus:
    """Read a folder of recordings (KINDS; mono, at `rate`), at most MOST seconds. Raises FileNotFoundError, naming it.

    What is no recording, whatever its name says, is said in the log and passed over.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"no folder of recordings at {root}")
    recordings: dict[str, NDArray[np.float32]] = {}
    voices: dict[str, tuple[float, ...]] = {}
    left = MOST * rate
    for path in found(root):
        if left <= 0:
            break
        try:
            sound = read(path, rate)[:left]
        except unreadable() as wrong:
            log.warning("%s is not heard: %s", path, plain(wrong))
            continue
        left -= len(sound)
        recordings[str(path.relative_to(root))] = sound
        if voice := _voice(path.with_suffix(".voice")):
            voices[str(path.relative_to(root))] = voice
    if not recordings:
        raise FileNotFoundError(f"no recording in {root}: it should hold {', '.join(KINDS)} files")
    return Corpus(recordings, rate, voices)


def _voice(aside: Path) -> tuple[float, ...]:
    """The descriptor beside a recording; nothing where there is none that can be read."""
    if not aside.is_file():
        return ()
    try:
        return tuple(float(x) for x in json.loads(foreign.text(aside)))
    except (OSError, ValueError, TypeError) as wrong:
        log.warning("%s is passed over: %s", aside, wrong)
        return ()


def found(folder: Path) -> tuple[Path, ...]:
    """The recordings of a folder and its folders, in order; what a Mac or a broken copy left there is none."""
    return foreign.files(folder, KINDS, deep=True)


def unreadable() -> tuple[type[Exception], ...]:
    """What a decoder raises for what is no recording."""
    import av

    return OSError, ValueError, IndexError, EOFError, av.error.FFmpegError


def trouble(path: Path) -> str:
    """Why a recording would not be heard, by its first frames; "" if it would."""
    import av

    try:
        with av.open(str(path)) as container:
            next(container.decode(audio=0))
    except StopIteration:
        return "no sound in it"
    except unreadable() as wrong:
        return plain(wrong)
    return ""


def plain(wrong: Exception) -> str:
    """What a decoder says, in a line without the path."""
    return "no sound in it" if isinstance(wrong, IndexError) else str(getattr(wrong, "strerror", "") or wrong or type(wrong).__name__)


def read(path: Path, rate: int) -> NDArray[np.float32]:
    """A recording as mono (n,) f32 at `rate`."""
    import av

    pieces = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in container.decode(audio=0):
            pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        pieces += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)


def cut(name: str, sound: NDArray[np.float32], rate: int) -> list[Unit]:
    """Units of SHORTEST..LARGEST seconds that begin where the spectrum grows; what is under -60 dB is left out."""
    spectra = _spectra(sound)
    if len(spectra) < 2:
        return []
    growth = np.maximum(np.diff(np.log1p(100.0 * spectra), axis=0), 0.0).sum(1)
    sudden = growth / max(float(np.quantile(growth, 0.95)), 1e-9)
    hop, shortest, largest = FRAME // 2, int(SHORTEST * rate), int(LARGEST * rate)
    starts = [0]
    for k in range(1, len(sudden)):
        at = (k + 1) * hop
        peak = sudden[k] > 0.6 and sudden[k] >= sudden[max(0, k - 3) : k + 4].max()
        if (peak and at - starts[-1] >= shortest) or at - starts[-1] >= largest:
            starts.append(at)
    units = []
    for start, end in zip(starts, [*starts[1:], len(sound)], strict=True):
        piece = sound[start:end]
        if len(piece) >= shortest and (rms := float(np.sqrt((piece**2).mean()))) > 1e-3:
            onset = float(min(1.0, sudden[min(start // hop, len(sudden) - 1)]))
            units.append(Unit(name, start, len(piece), onset, 20.0 * math.log10(rms), *timbre(piece, rate)))
    return units


def timbre(sound: NDArray[np.float32], rate: int) -> tuple[float, float, float]:
    """(spectral centroid in Hz, pitch in Hz or 0, spectral flatness 0..1 between 60 Hz and 8 kHz) of (n,)."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hz = np.fft.rfftfreq(len(sound), 1.0 / rate)
    heard = (hz > 60.0) & (hz < 8000.0)
    power, hz = power[heard] + 1e-12, hz[heard]
    centroid = float((power * hz).sum() / power.sum())
    bands = np.array([part.mean() for part in np.array_split(power, min(96, len(power)))])
    flatness = float(np.exp(np.log(bands).mean()) / bands.mean())
    return centroid, _pitch(sound, rate), min(1.0, flatness)


def _pitch(sound: NDArray[np.float32], rate: int) -> float:
    """By the first strong peak of the normalised autocorrelation between 60 and 1000 Hz; 0 where none is strong."""
    size = 1 << (2 * len(sound)).bit_length()
    alike = np.fft.irfft(np.abs(np.fft.rfft(sound - sound.mean(), size)) ** 2)[: len(sound)]
    alike = alike / max(float(alike[0]), 1e-12) * len(sound) / np.arange(len(sound), 0, -1)
    low, high = rate // 1000, min(rate // 60, len(sound) // 2)
    if high <= low + 2:
        return 0.0
    best = float(alike[low:high].max())
    if best < 0.5:
        return 0.0
    peaks = [k for k in range(low + 1, high - 1) if alike[k - 1] < alike[k] >= alike[k + 1] and alike[k] > 0.9 * best]
    return rate / peaks[0] if peaks else 0.0


def _spectra(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Magnitudes (frames, FRAME // 2 + 1)."""
    if len(sound) < FRAME:
        return np.zeros((0, FRAME // 2 + 1))
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[:: FRAME // 2]
    return np.abs(np.fft.rfft(frames * np.hanning(FRAME), axis=1)) / FRAME


def _features(centroid: float, pitch: float, flatness: float) -> tuple[float, float, float, float]:
    """Octaves of brightness, octaves of pitch, whether there is a pitch, flatness: all about as wide as one another."""
    octave = math.log2(pitch / 220.0) if pitch > 0.0 else 0.0
    return math.log2(max(centroid, 50.0) / 1000.0), octave, 1.0 if pitch > 0.0 else 0.0, 2.0 * flatness
