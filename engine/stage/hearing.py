"""What shaders hear: the newest sound as two textures, as ISF wants them. GL thread only."""

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray

WINDOW = 1024  # samples: 21 ms at 48 kHz, about one frame
BINS = 256


class Hearing:
    """`waveform` (WINDOW, channels): 0.5 is silence, as in ISF. `spectrum` (BINS, channels): 0..1, low tones left."""

    def __init__(self, context: moderngl.Context, channels: int = 2):
        self.channels = channels
        self._samples = np.zeros((WINDOW, channels), np.float32)
        self._hann = np.hanning(WINDOW).astype(np.float32)[:, None]
        self._new = True
        self.waveform = context.texture((WINDOW, channels), 1, dtype="f4")
        self.spectrum = context.texture((BINS, channels), 1, dtype="f4")
        for texture in (self.waveform, self.spectrum):
            texture.swizzle = "RRR1"
            texture.repeat_x = texture.repeat_y = False
        self.update()

    def hear(self, samples: NDArray[np.float32]) -> None:
        """New sound (n, channels), -1..1; what is older than WINDOW is forgotten."""
        folded = samples.reshape(len(samples), -1)[:, : self.channels]
        if folded.shape[1] < self.channels:
            folded = np.repeat(folded[:, :1], self.channels, axis=1)
        self._samples = np.concatenate([self._samples, folded.astype(np.float32)])[-WINDOW:]
        self._new = True

    def update(self) -> None:
        """Bring the textures up to date, once a frame."""
        if not self._new:
            return
        self._new = False
        magnitude = np.abs(np.fft.rfft(self._samples * self._hann, axis=0))[: 2 * BINS] / (WINDOW / 4)
        # amplitudes of music fall off with frequency and loudness is felt by powers: the root opens the quiet half
        bins = np.sqrt(np.clip(magnitude.reshape(BINS, -1, self.channels).max(axis=1), 0.0, 1.0)).astype(np.float32)
        self.waveform.write(np.ascontiguousarray(np.clip(0.5 + 0.5 * self._samples, 0.0, 1.0).T))
        self.spectrum.write(np.ascontiguousarray(bins.T))

    def release(self) -> None:
        self.waveform.release()
        self.spectrum.release()
