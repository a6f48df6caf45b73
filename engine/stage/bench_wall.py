"""How much a frame costs and how evenly frames come: the stage as it runs in the show, measured."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from engine.messages import Picture, State
from engine.stage.bench import Row, scenery
from engine.stage.isf import Size
from engine.stage.layer import Layer, dreamed
from engine.stage.outputs.recording import Recorder
from engine.stage.outputs.tap import Tap
from engine.stage.stage import Stage

CHAIN = dreamed.drift(amount=0.01).feedback().grade()


class Pretender:
    """Pictures that move like those of a mind, `rate` a second, without one."""

    def __init__(self, rate: float = 5.0, size: int = 256):
        nothing = np.zeros((0, 1, 1), np.float16)
        self._made = [
            Picture(np.frombuffer(scenery(size, size, number / 5), np.uint8).reshape(size, size, 4), nothing, nothing,
                    State(picture=number + 1, degree=2))
            for number in range(24)
        ]  # fmt: skip
        self.rate, self.at = rate, 0.0

    @property
    def serial(self) -> int:
        """Number of the newest picture, from 1."""
        return int(self.at * self.rate) + 1

    def newest(self, after: int = 0) -> Picture | None:
        """The newest picture if its number is greater than `after`."""
        bounce = self.serial % (2 * len(self._made) - 2)
        return self._made[min(bounce, 2 * len(self._made) - 2 - bounce)] if self.serial > after else None


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
