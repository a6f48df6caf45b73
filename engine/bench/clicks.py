"""Picture against sound, measured: what `calibrate sync` and the bench compute. Pure functions, times in seconds.

Headless, flashes are known by the framebuffer and clicks by the recorded monitor. On site, a photodiode and a
microphone lie on two channels of one interface, so both are sound and no clock has to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import Grain
from engine.sound.sources import IMPULSE

MEAN, JITTER = 0.010, 0.008  # seconds: the gate
EARLY, LATE = 0.015, 0.045  # seconds that sound may lead and lag (ATSC IS-191)


@dataclass(frozen=True, slots=True)
class Sync:
    """How far sound is from light over many events; positive = sound is early, as in ATSC IS-191."""

    events: int  # pairs that were matched
    missing: int  # flashes without a click
    mean: float  # seconds
    jitter: float  # seconds, 99th percentile of the distance from the mean
    earliest: float  # seconds, the largest lead
    latest: float  # seconds, the largest lag (negative)

    @property
    def good(self) -> bool:
        """Whether the gate is passed: every flash heard, and all figures inside it."""
        inside = self.earliest <= EARLY and self.latest >= -LATE
        return self.missing == 0 and self.events > 0 and abs(self.mean) <= MEAN and self.jitter <= JITTER and inside

    @property
    def offset(self) -> float:
        """What to add to SoundOptions.offset: grains are to sound so much earlier."""
        return -self.mean

    def sentence(self) -> str:
        """The result in words, in milliseconds."""
        verdict = "in sync" if self.good else "NOT in sync"
        lead = "early" if self.mean >= 0 else "late"
        return (
            f"{verdict}: sound is {abs(1e3 * self.mean):.1f} ms {lead} on average, p99 jitter {1e3 * self.jitter:.1f} ms, "
            f"{1e3 * self.latest:+.1f} to {1e3 * self.earliest:+.1f} ms over {self.events} events, {self.missing} missing"
        )


def sync(flashes: NDArray[np.floating], clicks: NDArray[np.floating], reach: float = 0.12) -> Sync:
    """Match every flash with the nearest click within `reach` seconds and say how they lie. Both sorted, one clock."""
    if not len(clicks) or not len(flashes):
        return Sync(0, len(flashes), 0.0, 0.0, 0.0, 0.0)
    flashes, clicks = np.asarray(flashes, np.float64), np.asarray(clicks, np.float64)
    after = (
        np.clip(np.searchsorted(clicks, flashes), 1, len(clicks) - 1)
        if len(clicks) > 1
        else np.zeros(len(flashes), int)
    )
    before = np.maximum(after - 1, 0)
    nearer = np.where(np.abs(clicks[before] - flashes) <= np.abs(clicks[after] - flashes), before, after)
    lead = flashes - clicks[nearer]
    lead = lead[np.abs(lead) <= reach]
    if not len(lead):
        return Sync(0, len(flashes), 0.0, 0.0, 0.0, 0.0)
    mean = float(lead.mean())
    jitter = float(np.percentile(np.abs(lead - mean), 99))
    return Sync(len(lead), len(flashes) - len(lead), mean, jitter, float(lead.max()), float(lead.min()))


def onsets(signal: NDArray[np.floating], rate: int, apart: float = 0.1) -> NDArray[np.float64]:
    """Seconds at which something begins in one channel (n,): a click, or the edge of light on a photodiode.

    A beginning is a tenth of the largest jump over the level before it, after `apart` seconds without one; between two
    samples it is placed where the rise crosses that level.
    """
    x = np.abs(np.asarray(signal, np.float64) - np.median(signal))
    if not len(x) or x.max() <= 0.0:
        return np.zeros(0)
    threshold = 0.1 * float(x.max())
    if threshold < 8.0 * float(np.median(x)):
        return np.zeros(0)  # noise: nothing stands out
    loud = np.flatnonzero(x > threshold)
    first = loud[np.concatenate([[True], np.diff(loud) > apart * rate])]
    before = x[np.maximum(first - 1, 0)]
    part = np.where(first > 0, (threshold - before) / np.maximum(x[first] - before, 1e-12), 0.0)
    return np.asarray((first - 1 + np.clip(part, 0.0, 1.0)) / rate)


def from_interface(recording: NDArray[np.floating], rate: int, light: int = 0, sound: int = 1) -> Sync:
    """On site: (n, channels) of one interface, a photodiode on channel `light`, a microphone on channel `sound`."""
    channels = recording.shape[1]
    if not (0 <= light < channels and 0 <= sound < channels and light != sound):
        raise ValueError(f"channels {light} and {sound} of a recording with {channels}: name two different ones")
    return sync(onsets(recording[:, light], rate), onsets(recording[:, sound], rate))


def clicks(first: float, count: int = 60, apart: float = 0.5) -> Iterator[Grain]:
    """The sound half of the test: a click for each flash, at the same scene seconds; unevenly, so none is mistaken."""
    for k in range(count):
        yield Grain(first + k * apart + 0.13 * ((k * 7) % 5) / 5, IMPULSE, 0.0, 0.02, gain=1.0, envelope="flat")
