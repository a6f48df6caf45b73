"""What every block passes before it leaves: no constant, no jump, never over the ceiling. All in numpy, no state lost."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

CEILING = 10.0 ** (-4.5 / 20.0)
"""Largest sample that leaves, so that true peaks stay under -3 dBTP: sound here has little over 8 kHz, where the
largest peak between two samples at 48 kHz is 1 / cos(pi * 8 / 48) = +1.25 dB."""

FADE = 0.05  # seconds to fade in and out


class DcBlock:
    """One-pole high-pass: y = x - low, low[n] = (1-a) x[n] + a low[n-1], with the powers of a taken out of a sum.

    Not as a matrix product: at 16 channels a BLAS begins to use threads, and waits for them.
    """

    def __init__(self, rate: int, block: int, channels: int, cutoff: float = 8.0):
        a = math.exp(-2.0 * math.pi * cutoff / rate)
        powers = (a ** np.arange(1.0, block + 1.0))[:, None]  # over .7 for a block of 256 at 8 Hz: nothing underflows
        self._down, self._up = powers, (1.0 - a) / powers
        self._low = np.zeros((1, channels))
        self._scratch = np.zeros((block, channels))

    def apply(self, sound: NDArray[np.float32]) -> None:
        """In place on (block, channels). Realtime-safe: yes."""
        np.multiply(sound, self._up, out=self._scratch)
        np.cumsum(self._scratch, axis=0, out=self._scratch)
        self._scratch += self._low
        self._scratch *= self._down
        self._low[:] = self._scratch[-1:]
        sound -= self._scratch


class Limiter:
    """Linked limiter that looks one block ahead and so is never late; it delays by exactly one block.

    The gain runs in straight lines from block edge to block edge, and each edge is at or under what both blocks that
    meet there can bear; so no sample in between passes the ceiling. It recovers by at most 6 dB in `release` seconds.
    """

    def __init__(self, rate: int, block: int, channels: int, ceiling: float = CEILING, release: float = 0.25):
        self.ceiling = ceiling
        self._up = 2.0 ** (block / rate / release)
        self._held = np.zeros((block, channels), np.float32)
        self._allowed = 1.0  # what the held block can bear
        self._gain = 1.0  # at the edge where the held block starts
        self._ramp = (np.arange(1, block + 1, dtype=np.float32) / block)[:, None]

    @property
    def reduction(self) -> float:
        """Gain at the last edge, 1 = untouched."""
        return self._gain

    def apply(self, sound: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Take (block, channels), give the block before it, limited, into `out`. Realtime-safe: yes."""
        peak = float(np.abs(sound).max())
        allowed = self.ceiling / peak if peak > self.ceiling else 1.0
        edge = min(allowed, self._allowed, self._gain * self._up, 1.0)
        if edge == self._gain == 1.0:
            out[:] = self._held
        else:
            np.multiply(self._held, self._gain + (edge - self._gain) * self._ramp, out=out)
        self._held[:] = sound
        self._allowed, self._gain = allowed, edge


class Fader:
    """A gain that moves in straight lines, from silence to full in FADE seconds."""

    def __init__(self, rate: int, block: int, target: float = 1.0):
        self.target = target
        self._gain = 0.0
        self._step = block / (FADE * rate)
        self._ramp = (np.arange(1, block + 1, dtype=np.float32) / block)[:, None]

    @property
    def silent(self) -> bool:
        return self._gain == 0.0 and self.target == 0.0

    def skip(self) -> None:
        """Be where it should be at once: nobody hears a fade of silence. Realtime-safe: yes."""
        self._gain = self.target

    def apply(self, sound: NDArray[np.float32]) -> None:
        """In place on (block, channels). Realtime-safe: yes."""
        before = self._gain
        self._gain += min(max(self.target - before, -self._step), self._step)
        if before == self._gain:
            if before != 1.0:
                sound *= np.float32(before)
        else:
            sound *= before + (self._gain - before) * self._ramp
