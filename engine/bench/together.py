"""`hypermnesia bench film`: whether a film's sound and its picture are one. Grains are as dense as it moves; a turn is heard as it is seen.

`sequel` is rendered with a sentence now and then. Motion is measured on the film's own pictures, as they are decoded, and held
against the grains that begin in each second. A turn has no edge that one could look for, for the film is to have no cut; so the
same film is rendered once more without its last sentence, and the turn begins where the two part: in the picture by one grey in
255 on average, in the sound by SOFT dB under its loudest. Before that the two are the same, bit for bit.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from engine.core.machine import Machine
from engine.core.messages import Text

SAID = ((1.0, "the sea at sunset"), (11.0, "a city at night"), (21.0, "a forest in the fog"))  # seconds, words
SECONDS = 27.0
SIZE, FPS, RATE = (192, 108), 30.0, 48_000
SEED = 7
LEAST, MOST = 0.6, 0.1  # correlation of grains with motion, at least; seconds from a turn that is seen to the same turn heard, at most
SEEN = 1.0  # grey levels of 255 by which two pictures differ where one sees it
SOFT = 30.0  # dB under the loudest of a difference of two sounds, where one hears it
BIN = 1.0  # seconds in which grains are counted
BEGUN = 3.0  # seconds until there is a film


@dataclass(frozen=True, slots=True)
class Played:
    """A film as it was rendered."""

    light: NDArray[np.float32]  # (frames, h, w) of each picture, 0..255, decoded
    sound: NDArray[np.float32]  # (n,) mono, decoded
    grains: NDArray[np.float64]  # seconds at which they begin, in order


def played(said: Sequence[tuple[float, str]], seconds: float = SECONDS, scene: str = "sequel") -> Played:
    """Render a scene with these sentences."""
    from engine.house.command import parser
    from engine.house.plan import plan
    from engine.house.render import play

    texts = [Text(words, "visitor", f"key{n}", f"visit{n}", at=at) for n, (at, words) in enumerate(said)]
    with tempfile.TemporaryDirectory(prefix="hypermnesia-film-") as fresh:
        film = Path(fresh) / "film.mp4"
        words = ["render", scene, str(film), "--seconds", str(seconds), "--size", f"{SIZE[0]}x{SIZE[1]}", "--fps", str(FPS), "--seed", str(SEED), "--home", fresh]
        options = parser().parse_args(words)
        options.sound = "null"
        _, sound, _ = play(plan(options, Machine()), film, score=texts)
        with av.open(str(film)) as container:
            light = np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)]).astype(np.float32)
        with av.open(str(film)) as container:
            heard = np.concatenate([piece.to_ndarray().mean(0) for piece in container.decode(audio=0)])
    return Played(light, heard.astype(np.float32), np.sort(sound.starts))


def follows(film: Played) -> float:
    """Correlation of grains a BIN with the motion of the film's pictures in it, mean change of light a second."""
    moved = np.abs(np.diff(film.light, axis=0)).mean((1, 2)) * FPS
    bins = np.arange(BEGUN, len(film.light) / FPS + 1e-9, BIN)
    density, _ = np.histogram(film.grains, bins)
    motion = [moved[round(a * FPS) : round(b * FPS)].mean() for a, b in itertools.pairwise(bins)]
    return float(np.corrcoef(density, motion)[0, 1])


def part(one: Played, other: Played) -> tuple[float, float]:
    """Seconds at which two films part: their pictures, their sounds. Infinite where they do not."""
    frames, many = min(len(one.light), len(other.light)), min(len(one.sound), len(other.sound))
    seen = np.abs(one.light[:frames] - other.light[:frames]).mean((1, 2)) >= SEEN
    apart = np.abs(one.sound[:many] - other.sound[:many])
    heard = apart > max(1e-6, float(apart.max())) * 10.0 ** (-SOFT / 20.0)
    return tuple(float(np.argmax(which)) / rate if which.any() else float("inf") for which, rate in ((seen, FPS), (heard, RATE)))  # type: ignore[return-value]


def bench(options: argparse.Namespace) -> dict[str, Any]:
    """The two figures, and in `broken` what is not as it is promised."""
    whole = played(SAID, max(SECONDS, options.seconds))
    seen, heard = part(whole, played(SAID[:-1], SAID[-1][0] + 3.0))
    density = follows(whole)
    broken = [f"grains do not follow the motion: {density:.2f}, at least {LEAST}"] if not density >= LEAST else []
    broken += [f"a turn is heard {1000 * (heard - seen):.0f} ms after it is seen, at most {1000 * MOST:.0f}"] if not abs(heard - seen) <= MOST else []
    figures = {"density_motion": density, "turn_seen_s": seen, "turn_heard_s": heard, "apart_ms": 1000.0 * (heard - seen)}
    return figures | ({"broken": broken} if broken else {})
