"""Frames on their way from the GPU to the taps: a ring of pixel buffers, so that reading never stalls drawing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import moderngl
import numpy as np

from engine.stage.outputs.tap import Frame

DEPTH = 3  # frames in flight: the GPU has two whole frames to finish one before it is read


class Readback:
    """Reads textures of `size` (w, h), DEPTH - 1 frames late. GL thread only."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int]):
        self.size = size
        self._spare = [context.buffer(reserve=size[0] * size[1] * 4) for _ in range(DEPTH)]
        self._flying: deque[tuple[moderngl.Buffer, float]] = deque()

    def take(self, picture: moderngl.Texture, at: float) -> Iterator[tuple[Frame, float]]:
        """Ask for this picture (RGBA, 8 bits, lowest row first); yields the one that has arrived meanwhile."""
        buffer = self._spare.pop()
        picture.read_into(buffer, alignment=1)
        self._flying.append((buffer, at))
        if len(self._flying) == DEPTH:
            yield self._land()

    def rest(self) -> Iterator[tuple[Frame, float]]:
        """All frames that are still in flight; waits for them."""
        while self._flying:
            yield self._land()

    def _land(self) -> tuple[Frame, float]:
        buffer, at = self._flying.popleft()
        pixels = np.frombuffer(buffer.read(), np.uint8).reshape(self.size[1], self.size[0], 4)
        pixels = np.ascontiguousarray(pixels[::-1])  # 0.1 ms for 640x360; a draw that turns it over takes 1.3
        self._spare.append(buffer)
        return pixels, at

    def release(self) -> None:
        for buffer in (*self._spare, *(buffer for buffer, _ in self._flying)):
            buffer.release()
