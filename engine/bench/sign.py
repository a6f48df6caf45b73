"""`hypermnesia bench sign`: what it costs that a file says where it comes from, and the reference library's verdict of each."""

from __future__ import annotations

import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from engine.core.machine import OriginFacts
from engine.origin import credential
from engine.origin.account import Making
from engine.origin.keys import ROOT
from engine.origin.sign import signed
from engine.stage.outputs.recording import Recorder

KINDS = "still.png", "still.jpg", "still.webp", "sound.wav", "recording.mp4", "print.pdf", "print.svg"
SIZE, FPS, RATE = (1920, 1080), 30, 48_000
TIMES = 3  # the best of so many
Row = dict[str, Any]


def bench(seconds: float = 4.0) -> list[Row]:
    """A row for each kind of file; the recording is so many seconds of noise, which compresses to nothing less than 8 MB."""
    with tempfile.TemporaryDirectory(prefix="hypermnesia-sign-") as place:
        folder = Path(place)
        return [_row(folder, made(folder / name, seconds)) for name in KINDS]


def _row(folder: Path, file: Path) -> Row:
    plain, costs, reads = file.read_bytes(), list[float](), list[float]()
    making = Making("0", "embedded", ("a1b2",), ("7",), 2, {"founding": 0.5, "visitor": 0.25}, 0.25, 3, 41)
    for _ in range(TIMES):
        file.write_bytes(plain)
        costs.append(_seconds(lambda: signed(file, folder / "origin", OriginFacts(), making)))
        reads.append(_seconds(lambda: credential.read(file)))
    abroad, here = credential.read(file).state, credential.read(file, (folder / "origin" / ROOT).read_bytes()).state
    return {"file": file.name, "MB": len(plain) / 1e6, "signed_ms": 1e3 * min(costs), "read_ms": 1e3 * min(reads), "elsewhere": abroad, "here": here}


def _seconds(do: Callable[[], object]) -> float:
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def made(path: Path, seconds: float) -> Path:
    """A file as this house writes them."""
    chance = np.random.default_rng(0)
    soft = np.asarray(Image.fromarray(chance.integers(0, 255, (54, 96, 3), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC))
    match path.suffix:
        case ".wav":
            with wave.open(str(path), "wb") as sound:
                sound.setparams((2, 3, RATE, 0, "NONE", ""))
                sound.writeframes(chance.bytes(60 * RATE * 6))
        case ".mp4":
            film, frames = Recorder(path, (640, 360), FPS, RATE, patient=True), chance.integers(0, 255, (8, 360, 640, 4), np.uint8)
            for k in range(round(seconds * FPS)):
                film.offer(frames[k % len(frames)], k / FPS)
                film.hear(np.zeros((RATE // FPS, 2), np.float32), k / FPS)
            film.close()
        case ".pdf":
            Canvas(str(path)).save()
        case ".svg":
            path.write_text('<?xml version="1.0" encoding="utf-8"?><svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>')
        case _:
            Image.fromarray(soft).save(path)
    return path
