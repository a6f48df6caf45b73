"""`hypermnesia film sheet FILE`: a film on one page, to be looked at as a whole.

Stills in rows, each with its second, evenly over the film; under them what is heard: the spectrogram over the level. Any film
that FFmpeg reads. The page lies beside the film, as NAME.sheet.png, unless --out names another place.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.core.errors import Plain, nearest
from engine.sound.measure import drawn

WIDTH = 1500  # pixels of a page
ROWS, COLUMNS = 5, 6
RATE = 24_000  # samples a second that are looked at: a spectrogram goes to 12 kHz
LINE = 16  # pixels of a line of text
GROUND, GREY = (12, 12, 14), (190, 190, 190)
COMMANDS = ("sheet",)


class NoFilm(Plain):
    """A file cannot be looked at; the message says why."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at of a film."""

    stills: list[tuple[float, NDArray[np.uint8]]]  # (second, (h, w, 3)), in order
    sound: NDArray[np.float32]  # (n, channels) at RATE; n is 0 where it has none
    seconds: float


def look(film: Path, many: int, since: float = 0.0, seconds: float = 0.0) -> Looked:
    """So many stills of a film, evenly, and its sound; of a part of it, where `seconds` (0: to its end) or `since` say so. Raises NoFilm."""
    try:
        with av.open(str(film)) as container:
            if not container.streams.video:
                raise NoFilm(f"{film}: there is no picture in it")
            whole = float(container.duration or 0) / av.time_base
            length = min(seconds or whole, whole - since)
            if length <= 0.0:
                raise NoFilm(f"{film}: it is {whole:.1f} s long, there is nothing from {since:g} s on")
            stills = [_at(container, since + length * (k + 0.5) / many) for k in range(many)]
            sound = _sound(container, since, length)
    except (av.FFmpegError, OSError) as wrong:
        raise NoFilm(f"{film}: {getattr(wrong, 'strerror', '') or wrong}") from None
    return Looked(stills, sound, length)


def _at(container: Any, second: float) -> tuple[float, NDArray[np.uint8]]:
    """The picture that is shown at this second, or the last one before its end."""
    container.seek(int(second * av.time_base))
    shown = None
    for frame in container.decode(video=0):
        if shown is not None and frame.time is not None and frame.time > second:
            break
        shown = frame
    if shown is None:
        raise NoFilm(f"{container.name}: no picture can be read at {second:.1f} s")
    return second, shown.to_ndarray(format="rgb24")


def _sound(container: Any, since: float, length: float) -> NDArray[np.float32]:
    if not container.streams.audio:
        return np.zeros((0, 1), np.float32)
    container.seek(int(since * av.time_base))
    mono, pieces = av.AudioResampler("flt", "mono", RATE), []
    for frame in container.decode(audio=0):
        begins = float(frame.time or 0.0) - since
        if begins > length:
            break
        for piece in mono.resample(frame):
            pieces.append((begins, piece.to_ndarray().reshape(-1)))
    if not pieces:
        return np.zeros((0, 1), np.float32)
    early = max(0, round(-pieces[0][0] * RATE))
    return np.concatenate([piece for _, piece in pieces])[early : early + round(length * RATE), None].astype(np.float32)


def page(film: Path, rows: int = ROWS, columns: int = COLUMNS, since: float = 0.0, seconds: float = 0.0) -> Image.Image:
    """The page of a film, WIDTH pixels wide. Raises NoFilm."""
    found = look(film, rows * columns, since, seconds)
    wide = WIDTH // columns
    height, width = found.stills[0][1].shape[:2]
    tall = round(wide * height / width) + LINE
    heard = drawn(found.sound, RATE, f"{film.name}, what is heard", WIDTH) if len(found.sound) else None
    sheet = Image.new("RGB", (WIDTH, rows * tall + (heard.height if heard else 2 * LINE)), GROUND)
    draw = ImageDraw.Draw(sheet)
    for k, (second, still) in enumerate(found.stills):
        x, y = k % columns * wide, k // columns * tall
        sheet.paste(Image.fromarray(still).resize((wide - 2, tall - LINE - 1), Image.Resampling.LANCZOS), (x, y))
        draw.text((x + 4, y + tall - LINE + 2), f"{int(second) // 60}:{second % 60:04.1f}", fill=GREY)
    if heard is None:
        draw.text((4, rows * tall + 8), f"{film.name} has no sound", fill=GREY)
    else:
        sheet.paste(heard, (0, rows * tall))
    return sheet


def main(argv: Sequence[str]) -> int:
    """`hypermnesia film sheet`. 2 for what is no film."""
    parser = argparse.ArgumentParser("hypermnesia film", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", metavar="sheet")
    parser.add_argument("film", type=Path)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the .png or .jpg to write")
    parser.add_argument("--rows", type=int, default=ROWS, choices=range(1, 21), metavar="N", help="of stills (default %(default)s)")
    parser.add_argument("--columns", type=int, default=COLUMNS, choices=range(1, 13), metavar="N", help="of stills (default %(default)s)")
    parser.add_argument("--from", dest="since", type=float, default=0.0, metavar="S", help="seconds from which on it is looked at")
    parser.add_argument("--seconds", type=float, default=0.0, metavar="S", help="for how long (default: to its end)")
    options = parser.parse_args(argv)
    out: Path = options.out or options.film.with_suffix(".sheet.png")
    try:
        if options.what not in COMMANDS:
            raise NoFilm(f"nothing is called {options.what}; {nearest(options.what, COMMANDS)}")
        if min(options.since, options.seconds) < 0.0:
            raise NoFilm("--from and --seconds are 0 or more")
        page(options.film, options.rows, options.columns, options.since, options.seconds).save(out)
    except ValueError:
        print(f"hypermnesia film: {out}: pictures end in .png or .jpg", file=sys.stderr)
        return 2
    except (Plain, OSError) as wrong:
        print(f"hypermnesia film: {wrong}", file=sys.stderr)
        return 2
    print(out)
    return 0
