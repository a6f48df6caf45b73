"""Keeps the wall on time: measures what each pass costs and lowers its resolution before frames are missed.

GPU timer queries lie on llvmpipe (5.9 ms reported for 149 real), so passes are measured with finish() and a clock, in
one frame of a hundred. The governor itself is pure: it is told numbers and says what to change.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

from engine.stage.compositor import Compositor, Place
from engine.stage.framing import declared
from engine.stage.isf import Moment, Size
from engine.stage.layer import Layer, dreamed
from engine.stage.window import headless

TOO_BUSY, IDLE = 0.85, 0.5  # share of the frame that work takes, 90th and 50th percentile
SMALLEST, STEP = 0.4, 0.8  # of the stage's width and height
CRISP, ENOUGH = 1.6, 0.64  # columns of the wall for one of the mind's picture, below which details go; more of the wall than this no picture asks for
SETTLE = 2.0  # seconds between two decisions downwards; up again only after five times as long
SIZES: tuple[Size, ...] = ((1920, 1080), (1280, 720), (960, 540), (640, 360), (480, 270), (320, 180))


class Governor:
    """Decides the scale of each pass, never below its `least`. Told `frame` once a frame and `measured` for each pass now and then."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic, least: Callable[[Place], float] = lambda place: SMALLEST):
        self.scales: dict[Place, float] = {}
        self.costs: dict[Place, float] = {}  # seconds, smoothed
        self.said = ""
        self._seconds, self._least = seconds, least
        self._busy: deque[float] = deque(maxlen=90)
        self._decided = seconds()
        self._idle_since = seconds()

    def measured(self, place: Place, cost: float) -> None:
        """`cost` seconds for one drawing of a pass."""
        old = self.costs.get(place, cost)
        self.costs[place] = old + (cost - old) * 0.3

    def frame(self, busy: float) -> bool:
        """`busy` is the share of the frame's time that work took. True if `scales` has changed; `said` says how."""
        self._busy.append(busy)
        now = self._seconds()
        if float(np.median(self._busy)) > IDLE:
            self._idle_since = now
        if len(self._busy) < 30 or now - self._decided < SETTLE:
            return False
        if float(np.percentile(self._busy, 90)) > TOO_BUSY:
            return self._lower(now)
        if now - self._idle_since > 5 * SETTLE and self.scales:
            return self._raise(now)
        return False

    def _lower(self, now: float) -> bool:
        candidates = {p: c for p, c in self.costs.items() if self.scales.get(p, 1.0) * STEP >= self._least(p)}
        if not candidates:
            return False
        place = max(candidates, key=candidates.__getitem__)
        self.scales[place] = self.scales.get(place, 1.0) * STEP
        self.costs[place] *= STEP**2
        return self._say(now, place, "frames are nearly late")

    def _raise(self, now: float) -> bool:
        place = min(self.scales, key=self.scales.__getitem__)
        self.scales[place] = min(1.0, self.scales[place] / STEP)
        said = self._say(now, place, "there is time again")
        if self.scales[place] > 0.99:
            del self.scales[place]
        self._idle_since = now
        return said

    def _say(self, now: float, place: Place, why: str) -> bool:
        self._decided = now
        self._busy.clear()
        self.said = f"{why}: {place[0]} is drawn at {self.scales[place] * 100:.0f} % of the wall's width"
        return True


def least(place: Place, picture: Size, wall: Size) -> float:
    """The smallest scale of a pass at which the wall still shows what the mind's picture (w, h) holds, SMALLEST..1.

    In-betweens lie at the picture's own size and are never lowered.
    """
    header = declared(place[0].split("+")[0])
    if header is not None and header.is_transition:
        return 1.0
    return max(SMALLEST, min(ENOUGH, CRISP * picture[0] / wall[0]))


def choose_size(fps: float, share: float = 0.4, layer: Layer | None = None) -> Size:
    """The largest of SIZES whose frame takes no more than `share` of its time here. A second or less, once at start.

    Measured at 640x360 and scaled by pixels, which is right for llvmpipe and careful for a GPU.
    """
    context = headless()
    context.gc_mode = "auto"
    compositor = Compositor(context, (640, 360))
    compositor.between = (256, 256)
    compositor.joining = True
    layer = layer or dreamed.feedback().grade()
    costs = []
    for index in range(8):
        context.finish()
        begun = time.perf_counter()
        compositor.draw(layer, Moment(index / fps, 1 / fps))
        context.finish()
        costs.append(time.perf_counter() - begun)
    compositor.release()
    context.gc_mode = None  # type: ignore[assignment]
    context.release()
    pixel = float(np.median(costs[3:])) / (640 * 360)
    return next((size for size in SIZES if size[0] * size[1] * pixel <= share / fps), SIZES[-1])
