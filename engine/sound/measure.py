"""Listening aids: loudness as broadcasters measure it, true peaks, and a picture of level and spectrum."""

from __future__ import annotations

import math
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Loudness:
    """What a programme measures by ITU-R BS.1770-5 and EBU R 128."""

    integrated: float  # LUFS, gated
    shortest: float  # LUFS of the softest three seconds
    loudest: float  # LUFS of the loudest three seconds
    peak: float  # dBTP, by four times oversampling


def k_weighted(sound: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Sound (n, channels) as the ear weighs it: BS.1770's shelf and high-pass, by their frequency response.

    The two biquads are given there for 48 kHz; their analogue parameters (De Man, 2014) serve other rates.
    """
    size = 1 << (len(sound) + rate).bit_length()
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size))

    def response(f: float, q: float, gain: float, high: bool) -> NDArray[np.complex128]:
        k = math.tan(math.pi * f / rate)
        a0 = 1.0 + k / q + k * k
        a1, a2 = 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0
        if high:
            b = (1.0, -2.0, 1.0)
        else:
            v = 10.0 ** (gain / 20.0)
            vb = v**0.4996667741545416
            b = ((v + vb * k / q + k * k) / a0, 2.0 * (k * k - v) / a0, (v - vb * k / q + k * k) / a0)
        found: NDArray[np.complex128] = (b[0] + b[1] * z + b[2] * z * z) / (1.0 + a1 * z + a2 * z * z)
        return found

    shelf = response(1681.974450955533, 0.7071752369554196, 3.999843853973347, False)
    cut = response(38.13547087602444, 0.5003270373238773, 0.0, True)
    weighted = np.fft.irfft(np.fft.rfft(sound, size, axis=0) * (shelf * cut)[:, None], size, axis=0)
    return np.asarray(weighted[: len(sound)])


def loudness(sound: NDArray[np.floating], rate: int = 48000) -> Loudness:
    """Loudness of (n, channels), all channels counted as front ones; n at least three seconds."""
    power = (k_weighted(np.asarray(sound, np.float64), rate) ** 2).sum(1)
    total = np.concatenate([[0.0], np.cumsum(power)])

    def windows(seconds: float, step: float) -> NDArray[np.float64]:
        n, hop = int(seconds * rate), int(step * rate)
        starts = np.arange(0, len(power) - n + 1, hop)
        return np.asarray((total[starts + n] - total[starts]) / n)

    def lufs(value: float) -> float:
        return -0.691 + 10.0 * math.log10(max(value, 1e-12))

    blocks = windows(0.4, 0.1)
    loud = blocks[blocks > 10.0 ** ((-70.0 + 0.691) / 10.0)]
    if len(loud):
        loud = loud[loud > loud.mean() * 0.1]  # relative gate, -10 LU
    short = windows(3.0, 0.5)
    integrated = lufs(float(loud.mean()) if len(loud) else 0.0)
    return Loudness(integrated, lufs(float(short.min())), lufs(float(short.max())), true_peak(sound))


def true_peak(sound: NDArray[np.floating]) -> float:
    """The largest peak in dBTP of (n, channels), between samples too: band-limited to four times the rate."""
    largest, step, margin = 0.0, 1 << 15, 512
    for channel in np.asarray(sound, np.float64).T:
        for start in range(0, len(channel), step):
            piece = channel[max(0, start - margin) : start + step + margin]
            dense = np.fft.irfft(np.fft.rfft(piece), 4 * len(piece)) * 4.0
            inner = dense[4 * min(margin, start) : len(dense) - 4 * margin] if len(piece) > 2 * margin else dense
            largest = max(largest, float(np.abs(inner).max(initial=0.0)))
    return 20.0 * math.log10(max(largest, 1e-9))


def picture(path: Path, sound: NDArray[np.floating], rate: int = 48000, title: str = "", width: int = 1500) -> None:
    """Write a PNG of sound (n, channels), as `drawn`."""
    drawn(sound, rate, title, width).save(path)


def drawn(sound: NDArray[np.floating], rate: int = 48000, title: str = "", width: int = 1500) -> Image.Image:
    """Sound (n, channels): its spectrogram (40 Hz to 12 kHz, logarithmic, 90 dB) over the level of each third of a second."""
    from PIL import Image, ImageDraw

    mono = np.asarray(sound, np.float64).mean(1)
    left, top, high, low = 64, 34, 480, 150
    columns = width - left - 20
    light = _spectrogram(mono, rate, columns, high)
    canvas = Image.new("RGB", (width, top + high + low + 70), (12, 12, 14))
    canvas.paste(Image.fromarray(_ember(light)), (left, top))
    draw = ImageDraw.Draw(canvas)
    draw.text((left, 10), title, fill=(220, 215, 205))
    for hz in (50, 100, 200, 400, 800, 1600, 3200, 6400):
        y = top + high - 1 - high * math.log(hz / 40.0) / math.log(300.0)
        draw.text((8, y - 6), f"{hz} Hz", fill=(150, 145, 140))
        draw.line((left - 6, y, left - 1, y), fill=(150, 145, 140))
    _levels(draw, np.asarray(sound, np.float64), rate, (left, top + high + 24, columns, low))
    seconds = len(mono) / rate
    step = next((step for step in (10, 30, 60, 300, 600) if seconds / step <= 30), 1800)
    for second in range(0, int(seconds) + 1, step):
        x = left + columns * second / seconds
        draw.text((x - 8, top + high + low + 34), f"{second} s", fill=(150, 145, 140))
    return canvas


def save(path: Path, sound: NDArray[np.floating], rate: int = 48000) -> None:
    """Write (n, channels) as a 24-bit WAV file."""
    whole = np.rint(np.clip(sound, -1.0, 1.0) * (2.0**23 - 1.0)).astype("<i4")
    with wave.open(str(path), "wb") as file:
        file.setparams((sound.shape[1], 3, rate, 0, "NONE", ""))
        file.writeframes(np.ascontiguousarray(whole[..., None].view(np.uint8)[..., :3]).tobytes())


def _spectrogram(mono: NDArray[np.float64], rate: int, columns: int, rows: int) -> NDArray[np.float64]:
    """Level 0..1 over 90 dB, (rows, columns), lowest pitch at the bottom."""
    size = 8192
    padded = np.pad(mono, size // 2)
    window = np.hanning(size)
    hz = 40.0 * 300.0 ** (np.arange(rows)[::-1] / (rows - 1))
    bins = hz * size / rate
    starts = np.linspace(0, len(padded) - size, columns).astype(int)
    light = np.empty((rows, columns))
    for column, start in enumerate(starts):
        spectrum = np.abs(np.fft.rfft(padded[start : start + size] * window)) / (size / 4)
        light[:, column] = np.interp(bins, np.arange(len(spectrum)), spectrum)
    return np.asarray(np.clip(20.0 * np.log10(light + 1e-9) / 90.0 + 1.15, 0.0, 1.0))


def _ember(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Black through deep red and amber to white, (h, w) to (h, w, 3)."""
    stops = np.array([[12, 12, 14], [38, 20, 52], [120, 34, 62], [214, 90, 46], [250, 190, 90], [255, 250, 235]], float)
    at = np.linspace(0.0, 1.0, len(stops))
    return np.stack([np.interp(light, at, stops[:, k]) for k in range(3)], -1).astype(np.uint8)


def _levels(draw: object, sound: NDArray[np.float64], rate: int, box: tuple[int, int, int, int]) -> None:
    """RMS (amber) and peak (grey) from 0 to -60 dB into a box (x, y, w, h)."""
    from PIL.ImageDraw import ImageDraw

    assert isinstance(draw, ImageDraw)
    x, y, w, h = box
    for decibels in (0, -20, -40, -60):
        at = y - h * decibels / 60.0
        draw.line((x, at, x + w, at), fill=(50, 50, 54))
        draw.text((8, at - 6), f"{decibels} dB", fill=(150, 145, 140))
    hop = rate // 3
    pieces = [sound[start : start + hop] for start in range(0, len(sound) - hop + 1, hop)]
    peaks = [float(np.abs(piece).max()) for piece in pieces]
    powers = [math.sqrt(float((piece**2).mean())) for piece in pieces]
    for values, colour in ((peaks, (120, 118, 116)), (powers, (240, 160, 70))):
        decibel = [20.0 * math.log10(max(value, 1e-3)) for value in values]
        points = [(x + w * (k + 0.5) / len(pieces), y - h * value / 60.0) for k, value in enumerate(decibel)]
        draw.line(points, fill=colour, width=2)
