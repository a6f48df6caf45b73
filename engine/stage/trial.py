"""A file of shaders tried on a moving picture and a sound: does it compile, what does it show, what does it cost?

Whatever a file does, the trial of the others goes on: files are read and drawn in a process of their own, which is ended
and begun anew where one of them ends it or takes longer than PATIENCE.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.core.processes import work
from engine.stage.header import Header, Number, ShaderError
from engine.stage.hearing import Hearing
from engine.stage.isf import Drawing, Moment, Shader, Size
from engine.stage.reading import read
from engine.stage.window import headless

PATIENCE = 60.0  # seconds of processor for one file, since what is slow on a busy machine is not the file's fault; 3 is the most of 500 public ones
WAITED = 3.0  # times as long by the clock, for a driver that waits without computing
LOOK = 0.5  # seconds between two looks at how long a file has taken


@dataclass(frozen=True, slots=True)
class Trial:
    """What one file did. `says` is "ok", "flat", "NaN", "GL error" or why there is no picture."""

    path: Path
    says: str
    ms: float = 0.0  # a frame, all passes
    spread: float = 0.0  # the largest difference between two pixels of one colour, 0..1
    still: bytes = b""  # the last frame, RGB, h x w x 3, top row first
    header: Header | None = field(default=None, compare=False)

    @property
    def draws(self) -> bool:
        return self.says in ("ok", "flat")


def scenery(w: int, h: int, time: float = 0.0) -> bytes:
    """A colourful picture with edges and gradients that moves: what filters are tried on. RGBA, lowest row first."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) / h
    rings = 0.5 + 0.5 * np.sin(24 * np.hypot(x - 0.8 - 0.3 * time, y - 0.45))
    checks = ((x * 8 + time).astype(int) + (y * 8).astype(int)) % 2
    rgb = np.stack([rings, 0.7 * checks + 0.3 * x / x.max(), y], axis=-1)
    return np.dstack([rgb * 255, np.full((h, w), 255)]).astype(np.uint8).tobytes()


def inputs(context: moderngl.Context, size: Size) -> dict[str, moderngl.Texture]:
    """A picture under "", and sound under "audio" and "audioFFT": what shaders are tried on."""
    hearing = Hearing(context)
    tone = np.sin(np.arange(1024)[:, None] * (0.05, 0.21)).astype(np.float32)
    hearing.hear(tone + np.random.default_rng(0).normal(0, 0.1, tone.shape).astype(np.float32))
    hearing.update()
    picture = context.texture(size, 4, scenery(*size))
    picture.repeat_x = picture.repeat_y = False
    return {"": picture, "audio": hearing.waveform, "audioFFT": hearing.spectrum}


def picture_of(
    context: moderngl.Context, shader: Shader, size: Size, frames: int, images: dict[str, moderngl.Texture]
) -> tuple[Drawing, moderngl.Texture, float]:
    """Draw a shader over a moving picture; returns its Drawing, the texture of the last frame and ms for each frame."""
    drawing = Drawing(shader, size)
    audio = {i.name: images[i.type] for i in shader.header.inputs if i.type in ("audio", "audioFFT")}
    begun, texture = 0.0, images[""]
    for index in range(frames):
        if index == 1:  # the first draw compiles
            context.finish()
            begun = time.perf_counter()
        values: dict[str, Number] = {i.name: index == 1 for i in shader.header.inputs if i.type == "event"}
        if shader.header.is_transition:
            values["progress"] = 0.3
        images[""].write(scenery(*size, time=index / 30))
        texture = drawing.draw(values, images | audio, Moment(1.0 + index / 30, 1 / 30))
    context.finish()
    return drawing, texture, (time.perf_counter() - begun) / max(1, frames - 1) * 1e3 if begun else 0.0


def pixels(texture: moderngl.Texture) -> NDArray[np.float32]:
    """(h, w, 4) f4, top row first; 1 is white."""
    dtype = {"f1": np.uint8, "f2": np.float16, "f4": np.float32}[texture.dtype]
    w, h = texture.size
    values: NDArray[np.float32] = np.frombuffer(texture.read(), dtype).astype(np.float32).reshape(h, w, 4)[::-1]
    return values / np.float32(255 if texture.dtype == "f1" else 1)


def tried(context: moderngl.Context, path: Path, size: Size, frames: int, images: dict[str, moderngl.Texture]) -> Trial:
    """One file, read and drawn here and now. GL thread only."""
    header: Header | None = None
    try:
        header = read(path)
        shader = Shader(context, path)
    except (ShaderError, moderngl.Error) as wrong:
        return Trial(path, str(wrong), header=header)
    try:
        drawing, texture, cost = picture_of(context, shader, size, frames, images)
        seen = pixels(texture)
        drawing.release()
    except (ShaderError, moderngl.Error, ArithmeticError, MemoryError) as wrong:
        return Trial(path, f"{path}: it cannot be drawn: {wrong}", header=header)
    finally:
        shader.release()
    spread = float(np.ptp(np.nan_to_num(seen).reshape(-1, 4), axis=0).max())
    says = "GL error" if context.error != "GL_NO_ERROR" else "NaN" if not np.isfinite(seen).all() else "flat" if spread < 0.02 else "ok"
    w, h = size
    shown = np.clip(np.nan_to_num(seen), 0, 1)[np.linspace(0, len(seen) - 1, h).astype(int)][:, np.linspace(0, seen.shape[1] - 1, w).astype(int)]
    return Trial(path, says, cost, spread, (shown[..., :3] * 255 + 0.5).astype(np.uint8).tobytes(), header)


def trials(paths: Iterable[Path], size: Size = (160, 90), frames: int = 16, patience: float = PATIENCE) -> Iterator[Trial]:
    """Every file in turn, each in at most `patience` seconds of processor. Never raises for what is in a file."""
    worker: _Worker | None = None
    try:
        for path in paths:
            worker = worker or _Worker(size, frames)
            yield worker.ask(path, patience)
            if not worker.lives:
                worker.end()
                worker = None
    finally:
        if worker:
            worker.end()


class _Worker:
    """A process with a GL context of its own."""

    def __init__(self, size: Size, frames: int):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, size, frames), daemon=True)
        self.process.start()
        theirs.close()
        self.lives, self._new = True, True

    def ask(self, path: Path, patience: float) -> Trial:
        more = 20.0 if self._new else 0.0  # a new one imports and opens a context first
        self._new = False
        pid, begun = self.process.pid or 0, time.monotonic()
        spent = work(pid)[0]
        try:
            self.pipe.send(path)
            while not self.pipe.poll(LOOK):
                computed, waited = work(pid)[0] - spent, time.monotonic() - begun
                if computed > patience + more or waited > WAITED * (patience + more):
                    self.lives = False
                    return Trial(path, f"{path}: it takes longer than {patience:.0f} s to compile and draw")
            found = self.pipe.recv()
            assert isinstance(found, Trial)
            return found
        except (EOFError, OSError):
            self.lives = False
            self.process.join(5.0)
            return Trial(path, f"{path}: the driver ended with it (exit code {self.process.exitcode})")

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self.pipe.close()
        if not self.lives:
            self.process.kill()
        self.process.join(10.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(pipe: Connection, size: Size, frames: int) -> None:
    context = headless()
    context.gc_mode = "auto"
    images = inputs(context, size)
    with contextlib.suppress(EOFError, KeyboardInterrupt):
        while (path := pipe.recv()) is not None:
            pipe.send(tried(context, path, size, frames, images))
