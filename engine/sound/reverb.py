"""The room: dark, long, smooth. Convolution with decaying noise, one independent tail per loudspeaker."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
from numpy.typing import NDArray

TAILS = 8  # different tails at most: in a ring of sixteen, loudspeakers that face each other share one
CHUNK = 2048  # samples between transforms: also the predelay, 43 ms at 48 kHz, which keeps grains distinct


@functools.lru_cache(maxsize=32)
def tail(seconds: float, rate: int, seed: int) -> NDArray[np.float32]:
    """An impulse response (n,): Gaussian noise whose bands decay sooner the higher they are. Energy 1.

    60 dB are lost in `seconds` under 300 Hz, in a third of that at 4 kHz, as in a large room with heavy curtains;
    almost nothing is let in above 6 kHz or below 60 Hz.
    """
    n = int(seconds * rate)
    rng = np.random.default_rng(seed)
    t = np.arange(n) / rate
    noise = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1.0 / rate)
    edges = [40.0, 150.0, 300.0, 600.0, 1200.0, 2400.0, 4800.0, 9000.0]
    total = np.zeros(n)
    for low, high in itertools.pairwise(edges):
        centre = math.sqrt(low * high)
        band = np.exp(-0.5 * (np.log2(np.maximum(hz, 1.0) / centre) / 0.42) ** 2)
        decay = seconds / (1.0 + (centre / 2200.0) ** 0.9 * 2.0)
        level = 1.0 / (1.0 + (centre / 1500.0) ** 1.2)
        total += level * np.fft.irfft(noise * band, n) * 10.0 ** (-3.0 * t / decay)
    total *= 1.0 - np.exp(-t / 0.03)  # diffuse from the start: nothing slaps back
    return (total / math.sqrt(float((total**2).sum()))).astype(np.float32)


class Reverb:
    """Uniformly partitioned convolution of one send with a tail per loudspeaker, in chunks of CHUNK samples.

    A chunk's work is spread over the blocks of the next chunk, loudspeaker by loudspeaker, so no block pays for all.
    """

    def __init__(self, rate: int, block: int, channels: int, seconds: float = 3.6, seed: int = 0):
        if CHUNK % block:
            raise ValueError(f"a block of {block} samples does not divide {CHUNK}")
        self._block, self._blocks = block, CHUNK // block
        self._channels = min(channels, TAILS)
        tails = [tail(seconds, rate, seed * 64 + k) for k in range(self._channels)]
        self._parts = math.ceil(len(tails[0]) / CHUNK)
        padded = np.zeros((self._channels, self._parts, 2 * CHUNK), np.float32)
        for k, response in enumerate(tails):
            parts = np.zeros(self._parts * CHUNK, np.float32)
            parts[: len(response)] = response
            padded[k, :, :CHUNK] = parts.reshape(self._parts, CHUNK)
        self._filters = np.fft.rfft(padded, axis=2).astype(np.complex64)  # (channels, parts, CHUNK + 1)
        self._heard = np.zeros((self._parts, CHUNK + 1), np.complex64)  # spectra of the newest chunks, a ring
        self._products = np.empty_like(self._heard)
        self._total = np.empty(CHUNK + 1, np.complex64)
        self._newest = 0
        self._input = np.zeros(2 * CHUNK, np.float32)  # the chunk before and the one that fills
        self._ready = np.zeros((CHUNK, self._channels), np.float32)
        self._coming = np.zeros((CHUNK, self._channels), np.float32)
        self._phase = 0
        self._quiet = self._parts + 2  # chunks of silence heard in a row

    @property
    def silent(self) -> bool:
        """Whether nothing is left of anything that was heard."""
        return self._quiet > self._parts + 1

    def apply(self, send: NDArray[np.float32], out: NDArray[np.float32], amount: float) -> None:
        """Hear `send` (block,) and add `amount` of the room to `out` (block, channels). Realtime-safe: yes."""
        at = self._phase * self._block
        self._input[CHUNK + at : CHUNK + at + self._block] = send
        if not self.silent:
            per = math.ceil(self._channels / self._blocks)
            for channel in range(self._phase * per, min(self._channels, (self._phase + 1) * per)):
                self._convolve(channel)
            for first in range(0, out.shape[1], TAILS):
                here = out[:, first : first + TAILS]
                here += amount * self._ready[at : at + self._block, : here.shape[1]]
        self._phase += 1
        if self._phase == self._blocks:
            self._turn()

    def _turn(self) -> None:
        self._phase = 0
        self._quiet = self._quiet + 1 if not self._input[CHUNK:].any() else 0
        self._ready, self._coming = self._coming, self._ready
        if self.silent:
            self._heard[:] = 0.0
            self._ready[:] = 0.0
            self._coming[:] = 0.0
        else:
            self._newest = (self._newest - 1) % self._parts
            self._heard[self._newest] = np.fft.rfft(self._input)
        self._input[:CHUNK] = self._input[CHUNK:]
        self._input[CHUNK:] = 0.0

    def _convolve(self, channel: int) -> None:
        """Overlap-save: the second half of the circular product is the linear one."""
        n = self._newest
        newer, older = self._products[: self._parts - n], self._products[self._parts - n :]
        np.multiply(self._heard[n:], self._filters[channel, : self._parts - n], out=newer)
        np.multiply(self._heard[:n], self._filters[channel, self._parts - n :], out=older)
        np.add.reduce(self._products, axis=0, out=self._total)  # a third of what einsum takes
        self._coming[:, channel] = np.fft.irfft(self._total)[CHUNK:]
