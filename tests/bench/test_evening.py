"""The bench that looks at a film finds what a curator would: stillness, jumps, flashes; and nothing in a calm drift."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from engine.bench.evening import ACROSS, ON_A_SHEET, SMALL, WIDE, Frame, frames, looked_at, sheet

FPS = 30


def drift(seconds: int) -> Iterator[tuple[float, Frame]]:
    """A gradient that wanders, three samples a second."""
    x = np.arange(SMALL[0])
    for number in range(seconds * FPS):
        line = 128 + 80 * np.sin(2 * np.pi * (x + 0.1 * number) / SMALL[0])
        yield number / FPS, np.repeat(np.tile(line, (SMALL[1], 1))[..., None], 3, 2).astype(np.uint8)


def test_a_calm_drift_is_well() -> None:
    seen = looked_at(drift(30))
    assert seen["frames"] == 900 and seen["cuts"] == 0 and seen["longest still s"] == 0 and seen["flashes a second"] <= 3
    assert 0.5 < seen["motion of ten seconds, least"] <= seen["most"] < 12


def test_a_wall_that_stands_still_jumps_or_flashes_is_found() -> None:
    whole = list(drift(12))
    stood = [(at, whole[min(k, 150)][1]) for k, (at, _) in enumerate(whole)]
    assert looked_at(stood)["longest still s"] == 6
    jumped = [(at, frame if k < 200 else 255 - frame) for k, (at, frame) in enumerate(whole)]
    assert looked_at(jumped)["cuts"] == 1
    flashing = [(at, frame if k // 3 % 2 else np.zeros_like(frame)) for k, (at, frame) in enumerate(whole)]
    assert looked_at(flashing)["flashes a second"] > 3


def test_ten_frames_of_a_film_lie_on_one_sheet(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "film.mp4"), "w") as film:
        stream = film.add_stream("libx264", FPS)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = *SMALL, "yuv420p", Fraction(1, FPS)
        for _, frame in drift(5):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
        film.mux(stream.encode())
    assert len(list(frames(tmp_path / "film.mp4"))) == 150
    with Image.open(sheet(tmp_path / "film.mp4", tmp_path / "sheet.png")) as whole:
        assert whole.size == (ACROSS * WIDE, ON_A_SHEET // ACROSS * (WIDE * SMALL[1] // SMALL[0]))
        tiles = [whole.crop((n * WIDE, 0, (n + 1) * WIDE, 100)) for n in range(ACROSS)]
    assert len({tile.tobytes() for tile in tiles}) == ACROSS, "each another moment"
