"""Grains that start on an exact sample: pyo64's Particle driven by lanes of samples, and the same in numpy.

A bank is a mono Particle for one loudspeaker, one envelope, and open or filtered. Its lanes (density, rate, position,
duration, gain, cutoff) are tables of one block's length read by TableScan, so writing `rate` into the density lane at
sample k starts one grain there with the values that lie in the other lanes at k. (Server inputs, tried first, cost
1.1 ms a block at 50 lanes and 71 ms at 400: pyo's Input scans all channels for each. TableScan: 0.02 and 0.2 ms.)

Facts about pyo 1.1 that this module lives with: Particle takes |rate|, so backwards needs a mirrored table; it has no
gain, but with two channels its left one is sqrt(1 - pan), so pan = 1 - g^2; with more than two it pans wrongly; a
grain that would run over the table's end is dropped; only one grain starts per sample and bank.
"""

from __future__ import annotations

import ctypes
import math
import os
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import ENVELOPES
from engine.sound.options import ENGINES

POINTS = 8192  # of an envelope
OPEN = 0.0  # cutoff of an unfiltered grain
Q = 0.707  # of the per-grain low-pass
REST = 200  # blocks without a grain after which a bank falls asleep


def envelope(name: str) -> NDArray[np.float64]:
    """One of ENVELOPES over a grain's length: (POINTS + 1,) in 0..1, zero at both ends."""
    t = np.linspace(0.0, 1.0, POINTS + 1)
    shapes = {
        "hann": np.sin(math.pi * t) ** 2,
        "gauss": np.exp(-0.5 * ((t - 0.5) / 0.14) ** 2) * np.sin(math.pi * t) ** 0.5,
        "perc": np.minimum(t / 0.04, 1.0) ** 2
        * np.exp(-5.0 * np.maximum(t - 0.04, 0.0))
        * np.minimum((1 - t) / 0.2, 1),
        "swell": np.sin(0.5 * math.pi * t) ** 4 * np.sin(0.5 * math.pi * np.minimum((1 - t) / 0.18, 1.0)) ** 2,
        "flat": np.sin(0.5 * math.pi * np.minimum(np.minimum(t, 1 - t) / 0.05, 1.0)) ** 2,
    }
    shape: NDArray[np.float64] = shapes[name] / shapes[name].max()
    shape[0] = shape[-1] = 0.0
    return shape


class Particles(Protocol):
    """What makes grains. One thread calls `start` and `process`; both are realtime-safe apart from Python itself."""

    table: NDArray[np.float64]  # (samples,) the memory that all grains read; alive as long as the process

    def start(
        self, offset: int, speaker: int, shape: int, place: float, rate: float, length: float, gain: float, cutoff: float
    ) -> bool:  # fmt: skip
        """Start a grain `offset` samples into the next block; False if it cannot.

        shape: index into ENVELOPES; place: in table samples; rate > 0; length in output samples; gain 0..1; cutoff in
        Hz, OPEN for none.
        """
        ...

    def process(self) -> NDArray[np.float32]:
        """Compute the next block: (block, speakers) f32, valid until the next call."""
        ...


_KEPT: list[Any] = []  # pyo frees a table's memory with the object: keep every one for the life of the process


class PyoParticles:
    """Grains by pyo64 in manual mode, double precision."""

    def __init__(self, samples: int, rate: int, block: int, speakers: int):
        os.environ.setdefault("PYO_GUI_WX", "0")  # else the import prints a banner about windows
        import pyo64 as pyo

        self.rate, self.block, self.speakers = rate, block, speakers
        server = pyo.Server(sr=rate, nchnls=speakers, buffersize=block, duplex=0, audio="manual", verbosity=1)
        server.deactivateMidi()
        server.boot()
        server.start()
        address = int(server.getOutputAddr(), 16)
        floats = (ctypes.c_float * (block * speakers)).from_address(address)
        self._out = np.ctypeslib.as_array(floats).reshape(block, speakers)
        self._source = _table(pyo, samples, rate)
        self.table = _view(self._source)
        self._shapes = [_filled(pyo, envelope(name)[:-1]) for name in ENVELOPES]
        self._banks = [
            [_Bank(pyo, self._source, shape, speaker, filtered, block, rate) for shape in self._shapes]
            for filtered in (False, True)
            for speaker in range(speakers)
        ]
        self._every = [bank for row in self._banks for bank in row]
        self._blocks = 0
        self._server = server
        self._process = server.process
        _KEPT.append(self)
        self._prime()

    def _prime(self) -> None:
        """Half a trigger before the first, so that rounding never loses one; then run until pyo's fade in has ended."""
        for bank in self._every:
            bank.lanes[0][0] = 0.5 * self.rate
            bank.written.append(0)
        for _ in range(int(0.1 * self.rate / self.block) + 2):
            self.process()

    def start(
        self, offset: int, speaker: int, shape: int, place: float, rate: float, length: float, gain: float, cutoff: float
    ) -> bool:  # fmt: skip
        filtered = cutoff != OPEN
        bank = self._banks[speaker + self.speakers * filtered][shape]
        density, rates, places, lengths, pans, cutoffs = bank.lanes
        while offset < self.block and density[offset]:  # one grain per sample: the next free one, 21 us later
            offset += 1
        if offset >= self.block:
            return False
        density[offset] = self.rate
        rates[offset], places[offset], lengths[offset] = rate, place, length / self.rate
        pans[offset] = 1.0 - gain * gain
        if filtered:
            cutoffs[offset] = cutoff
        bank.written.append(offset)
        bank.until = max(bank.until, self._blocks + int((offset + length) / self.block) + REST)
        if not bank.awake:
            bank.wake()
        return True

    def process(self) -> NDArray[np.float32]:
        self._process()
        self._blocks += 1
        for bank in self._every:
            if bank.written:
                bank.lanes[0][bank.written] = 0.0
                bank.written.clear()
            elif bank.awake and bank.until < self._blocks:
                bank.sleep()
        return self._out


class _Bank:
    """One mono Particle and the six lanes that play it. It sleeps while it has no grain: awake it costs 2 us a block."""

    def __init__(self, pyo: Any, source: Any, shape: Any, speaker: int, filtered: bool, block: int, rate: int):
        tables = [_table(pyo, block, rate) for _ in range(6)]
        self.lanes = [_view(table) for table in tables]
        for lane, value in zip(self.lanes, (0.0, 1.0, 0.0, 0.01, 1.0, 1000.0), strict=True):
            lane[:] = value
        scans = [pyo.TableScan(table) for table in tables]
        density, rates, places, lengths, pans, cutoffs = scans
        common = dict(dens=density, pitch=rates, pos=places, dur=lengths, dev=0, pan=pans, chnls=2)
        if filtered:  # a low-pass as in Bristow-Johnson's cookbook, its coefficients held for each grain
            self._grains = pyo.Particle2(source, shape, filterfreq=cutoffs, filterq=Q, filtertype=0, **common)
        else:
            self._grains = pyo.Particle(source, shape, **common)
            cutoffs.stop()
            scans.pop()
        self._keep = tables, scans, cutoffs
        self._left, self._speaker = self._grains[0], speaker
        self._left.out(speaker)
        self._grains[1].stop()  # the right channel is what the gain leaves over
        self._parts = [scan.getBaseObjects()[0] for scan in scans] + list(self._grains._base_players)
        self.awake = True
        self.until = 0  # block after which it may sleep
        self.written: list[int] = []

    def wake(self) -> None:
        """Realtime-safe: yes (some ten flags in pyo's streams)."""
        for part in self._parts:
            part.play()
        self._left.out(self._speaker)
        self.awake = True

    def sleep(self) -> None:
        self._left.stop()
        for part in self._parts:
            part.stop()
        self.awake = False


def _table(pyo: Any, samples: int, rate: int) -> Any:
    return pyo.NewTable(length=samples / rate)


def _filled(pyo: Any, values: NDArray[np.float64]) -> Any:
    return pyo.DataTable(size=len(values), init=values.tolist())


def _view(table: Any) -> NDArray[np.float64]:
    view: NDArray[np.float64] = np.asarray(table.getBuffer())
    return view


class NumpyParticles:
    """The same grains in numpy: the oracle that pyo is tested against, and the engine of machines without its wheel.

    A grain is computed whole when it starts and then only added, so a burst of long grains costs one slow block.
    """

    def __init__(self, samples: int, rate: int, block: int, speakers: int):
        self.rate, self.block, self.speakers = rate, block, speakers
        self.table = np.zeros(samples, np.float64)
        self._shapes = [envelope(name) for name in ENVELOPES]
        self._out = np.zeros((block, speakers), np.float32)
        self._sounding: list[tuple[int, int, NDArray[np.float64]]] = []  # (speaker, first sample, samples)
        self._now = 0

    def start(
        self, offset: int, speaker: int, shape: int, place: float, rate: float, length: float, gain: float, cutoff: float
    ) -> bool:  # fmt: skip
        along = np.arange(math.ceil(length)) / length
        along = along[along < 1.0]
        x = along * (length * rate) + place
        if place + length * rate >= len(self.table):
            return False
        sound = _between(self.table, x)
        if cutoff != OPEN:
            sound = low_pass(sound, cutoff, self.rate)
        sound *= _between(self._shapes[shape], along * POINTS) * gain
        self._sounding.append((speaker, self._now + offset, sound))
        return True

    def process(self) -> NDArray[np.float32]:
        mix = np.zeros((self.block, self.speakers))
        end = self._now + self.block
        for speaker, first, sound in self._sounding:
            low, high = max(first, self._now), min(first + len(sound), end)
            mix[low - self._now : high - self._now, speaker] += sound[low - first : high - first]
        self._sounding = [grain for grain in self._sounding if grain[1] + len(grain[2]) > end]
        self._now = end
        self._out[:] = mix
        return self._out


def _between(table: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear interpolation at fractional places."""
    whole = x.astype(np.int64)
    low = table[whole]
    found: NDArray[np.float64] = low + (table[whole + 1] - low) * (x - whole)
    return found


def low_pass(sound: NDArray[np.float64], cutoff: float, rate: int) -> NDArray[np.float64]:
    """Second-order low-pass as in Bristow-Johnson's cookbook, from rest, by its frequency response.

    Zero-padded so far that what is left of its ringing at the end is under -120 dB for cutoffs above 40 Hz.
    """
    w = 2.0 * math.pi * min(max(cutoff, 1.0), 0.5 * rate) / rate
    alpha, c = math.sin(w) / (2.0 * Q), math.cos(w)
    size = 1 << (len(sound) + int(4.5 * rate / max(cutoff, 40.0))).bit_length()
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = ((1 - c) / 2) * (1 + z) ** 2 / ((1 + alpha) - 2 * c * z + (1 - alpha) * z * z)
    filtered: NDArray[np.float64] = np.fft.irfft(np.fft.rfft(sound, size) * response, size)[: len(sound)]
    return filtered


def make_particles(engine: str, samples: int, rate: int, block: int, channels: int) -> tuple[str, Particles]:
    """(name, grain engine). "auto" takes numpy only where pyo is not installed, and the name says so."""
    if engine not in ENGINES:
        raise ValueError(f"no grain engine {engine!r}: there are {', '.join(ENGINES)}")
    if engine in ("auto", "pyo"):
        try:
            return "pyo", PyoParticles(samples, rate, block, channels)
        except ImportError:
            if engine == "pyo":
                raise
    return "numpy", NumpyParticles(samples, rate, block, channels)
