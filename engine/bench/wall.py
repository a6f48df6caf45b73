"""How much a frame costs and how evenly frames come: the stage as it runs in the show, measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.bench.stage import Row
from engine.core.messages import Ancestor, Lineage, Picture, State
from engine.stage.isf import Size
from engine.stage.layer import Layer, dreamed
from engine.stage.outputs.recording import Recorder
from engine.stage.outputs.tap import Newest, Tap
from engine.stage.stage import Stage
from engine.stage.trial import scenery
from engine.stage.upload import CannotShare, CudaGl
from engine.stage.window import headless

Pixels = NDArray[np.uint8]  # (h, w, 4)
CHAIN = dreamed.drift(amount=0.01).feedback().grade()


class Pretender:
    """Pictures that move like those of a mind, `rate` a second, without one; or the given ones (n, h, w, 4) u8."""

    def __init__(self, rate: float = 5.0, pictures: Sequence[Pixels] = ()):
        nothing = np.zeros((0, 1, 1), np.float16)
        pictures = pictures or [
            np.frombuffer(scenery(256, 256, number / 5), np.uint8).reshape(256, 256, 4) for number in range(24)
        ]
        shares, lineage = _owners()
        self._made = [
            Picture(rgba, nothing, shares, State(picture=number, degree=2, lineage=lineage))
            for number, rgba in enumerate(pictures, 1)
        ]
        self.rate, self.at = rate, 0.0

    @property
    def serial(self) -> int:
        """Number of the newest picture, from 1."""
        return int(self.at * self.rate) + 1

    def newest(self, after: int = 0) -> Picture | None:
        """The newest picture if its number is greater than `after`."""
        bounce = self.serial % (2 * len(self._made) - 2)
        return self._made[min(bounce, 2 * len(self._made) - 2 - bounce)] if self.serial > after else None


def _owners() -> tuple[NDArray[np.float16], Lineage]:
    """Six ancestors, each around a place of its own."""
    y, x = np.mgrid[0:16, 0:16] / 16
    places = np.random.default_rng(0).random((6, 2))
    near = np.stack([np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.03) for a, b in places])
    shares = near / near.sum(0)
    return shares.astype(np.float16), Lineage(tuple(Ancestor(7 * i + 3, float(shares[i].mean())) for i in range(6)))


def still(layer: Layer, size: Size = (640, 360), seconds: float = 5.0, pictures: Sequence[Pixels] = ()) -> Pixels:
    """What a layer looks like after so many seconds of pictures and noise: (h, w, 4) u8. For documentation."""
    mind, stills, random = Pretender(4.0, pictures), Newest(), np.random.default_rng(0)
    stage = Stage(size, taps=[stills], pictures=mind, live=False)
    for index in range(round(seconds * 30)):
        mind.at = index / 30
        stage.hear(random.normal(0, 0.15, (1600, 2)).astype(np.float32), index / 30)
        stage.show(layer, index / 30)
    stage.close()
    return stills.frame


def passes(size: Size = (640, 360), layer: Layer = CHAIN, frames: int = 90) -> list[Row]:
    """What each pass of a frame costs, in ms of wall and of CPU time, with finish() around each. Longest first."""
    mind = Pretender()
    stage = Stage(size, pictures=mind, live=False)
    costs: dict[str, list[float]] = {}
    stage.compositor.measure = lambda place, cost: costs.setdefault(place[0], []).append(cost)
    advance = stage.between.advance

    def timed(delta: float) -> None:
        stage.context.finish()
        begun = time.perf_counter()
        advance(delta)
        stage.context.finish()
        costs.setdefault("flow of a picture", []).append(time.perf_counter() - begun)

    stage.between.advance = timed  # type: ignore[method-assign]
    begun = 0.0
    for index in range(frames + 30):
        if index == 30:  # the first second compiles
            costs.clear()
            begun = time.process_time()
        mind.at = index / 30
        stage.show(layer, index / 30)
    stage.context.finish()
    whole = (time.process_time() - begun) / frames * 1e3
    stage.close()
    rows: list[Row] = [
        {"pass": name, "ms": sum(each) / frames * 1e3, "worst_ms": max(each) * 1e3} for name, each in costs.items()
    ]
    rows.sort(key=lambda row: -float(row["ms"]))
    return [*rows, {"pass": "whole frame, CPU", "ms": whole, "worst_ms": float("nan")}]


def uploads(side: int = 512, times: int = 200) -> list[Row]:
    """What a picture's way into a texture costs, with finish(): over the host, and inside the GPU where that can be."""
    context = headless()
    texture, rgba = context.texture((side, side), 4), np.zeros((side, side, 4), np.uint8)
    buffer = context.buffer(reserve=rgba.nbytes, dynamic=True)
    rows: list[Row] = [{"way": "over the host", **_timed(context, lambda: texture.write(rgba[::-1].copy()), times), "note": ""}]
    try:
        gpu = CudaGl()
        gpu.own(rgba.nbytes)

        def inside() -> None:
            gpu.fill(0, buffer)
            texture.write(buffer)

        rows.append({"way": "inside the GPU", **_timed(context, inside, times), "note": ""})
        gpu.close()
    except CannotShare as why:
        rows.append({"way": "inside the GPU", "ms": float("nan"), "worst_ms": float("nan"), "note": str(why)})
    context.release()
    return rows


def _timed(context: moderngl.Context, run: Callable[[], None], times: int) -> dict[str, float]:
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        run()
        context.finish()
        took.append(1e3 * (time.perf_counter() - begun))
    return {"ms": float(np.median(took)), "worst_ms": max(took)}


def pace(size: Size, fps: float, seconds: float = 10.0, record: Path | None = None) -> Row:
    """Frame intervals of a live stage without a window: percentiles in ms, misses, CPU share of one core."""
    mind = Pretender()
    taps: list[Tap] = [Recorder(record, size, fps, 0)] if record else []
    stage = Stage(size, pictures=mind, taps=taps, fps=fps)
    stage.prepare([CHAIN])
    begun, cpu = time.monotonic(), time.process_time()
    while stage.open and mind.at < seconds:
        mind.at = time.monotonic() - begun
        stage.show(CHAIN, mind.at)
    cpu = time.process_time() - cpu
    state = stage.state()
    stage.close()
    wanted = ("frames", "missed", "p50_ms", "p95_ms", "p99_ms", "worst_ms", "busy", "lost")
    return {"size": f"{size[0]}x{size[1]}", "fps": fps, **{name: state[name] for name in wanted}, "cpu": cpu / seconds}
