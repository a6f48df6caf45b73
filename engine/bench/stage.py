"""Measurements of the stage that the command prints: ISF files, in-betweens, the cost of each pass.

Every function returns rows (dictionaries with the same keys), so that they can be printed as a table or as JSON.
They open a GL context of their own without a window; call them in the main thread, not beside a running stage.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.core.messages import Picture, State
from engine.stage.between import Between
from engine.stage.compositor import Compositor
from engine.stage.isf import Moment
from engine.stage.layer import Layer
from engine.stage.window import headless

Row = dict[str, str | float]
_NOTHING = np.zeros((1, 1, 1), np.float16)
Picture8 = NDArray[np.uint8]  # (h, w, 3)


# --- in-betweens -----------------------------------------------------------------------------------------------------


def flow(pictures: list[Picture8] | None = None, size: int = 512) -> list[Row]:
    """How near hold, crossfade and flow come to the truth between two pictures: PSNR in dB and SSIM.

    Without `pictures`: synthetic motion of 8, 16 and 32 px (a background that pans and zooms, a disc that moves against
    it), and two pictures that have nothing in common. With `pictures`, consecutive ones of a mind, (h, w, 3) u8: every
    second is left out and guessed from its neighbours.
    """
    context = headless()
    context.gc_mode = "auto"
    guess = _Guess(context)
    rows: list[Row] = []
    if pictures is None:
        grounds = [_texture(seed) for seed in (1, 2)]
        for speed in (8, 16, 32):
            ends = _scene(grounds, 0.0, speed, size), _scene(grounds, 1.0, speed, size)
            truth = [(t, _scene(grounds, t, speed, size)) for t in (0.25, 0.5, 0.75)]
            rows.append(_compare(guess, f"{speed} px", *ends, truth))
        strangers = [(np.asarray(_texture(seed)[:size, :size]) * 255).astype(np.uint8) for seed in (5, 6)]
        rows.append(_compare(guess, "unrelated", strangers[0], strangers[1], []))
    else:
        each = [_compare(guess, "", a, c, [(0.5, b)]) for a, b, c in zip(pictures, pictures[1:], pictures[2:], strict=False)]
        mean = {key: float(np.mean([row[key] for row in each])) for key in each[0] if key != "motion"}
        rows.append({"motion": f"{len(each)} of the mind", **mean})
    guess.release()
    context.gc_mode = None  # type: ignore[assignment]
    context.release()
    return rows


class _Guess:
    """Draws the in-between of two pictures as the wall does."""

    def __init__(self, context: moderngl.Context):
        self.context = context
        self.compositor = Compositor(context, (16, 16))
        self.between = Between(context, self.compositor.sources.black)

    def put(self, picture: Picture8) -> None:
        """Bring the wall between the picture before and this one."""
        rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
        pairs = self.between.pairs
        self.between.offer(Picture(rgba, _NOTHING, _NOTHING, State()), float(pairs))
        while self.between.pairs == pairs:
            self.between.advance(10.0)
        self.context.finish()

    def at(self, progress: float) -> Picture8:
        h, w = self.between.size[1], self.between.size[0]
        self.compositor.between = (w, h)
        self.compositor.sources.images |= self.between.images
        self.compositor.sources.numbers = {"progress": progress, "pair": 1.0}
        texture = self.compositor.draw_between(Layer("flow"), Moment())
        dtype = np.uint8 if texture.dtype == "f1" else np.float16
        pixels = np.frombuffer(texture.read(), dtype).reshape(h, w, 4)[::-1, :, :3].astype(np.float32)
        made: Picture8 = np.clip(pixels * (1 if dtype is np.uint8 else 255) + 0.5, 0, 255).astype(np.uint8)
        return made

    def release(self) -> None:
        self.between.release()
        self.compositor.release()


def _compare(guess: _Guess, motion: str, a: Picture8, b: Picture8, truth: list[tuple[float, Picture8]]) -> Row:
    guess.put(a)
    begun = time.process_time()
    guess.put(b)
    row: Row = {"motion": motion, "flow_cpu_ms": (time.process_time() - begun) * 1e3, "doubt": guess.between.doubt}
    ways: dict[str, Callable[[float], Picture8]] = {
        "hold": lambda t: a if t < 0.5 else b,
        "crossfade": lambda t: (a * (1 - t) + b * t + 0.5).astype(np.uint8),
        "flow": guess.at,
    }
    for name, way in ways.items():
        made = [(way(t), true) for t, true in truth]
        row[f"{name}_db"] = float(np.mean([psnr(m, t) for m, t in made])) if made else float("nan")
        row[f"{name}_ssim"] = float(np.mean([ssim(m, t) for m, t in made])) if made else float("nan")
    return row


def psnr(one: Picture8, other: Picture8) -> float:
    """Peak signal to noise ratio in dB."""
    error = float(np.mean((one.astype(np.float32) - other) ** 2))
    return 10 * float(np.log10(255**2 / max(error, 1e-3)))


def ssim(one: Picture8, other: Picture8, window: int = 8) -> float:
    """Structural similarity of the light, -1..1, over windows of 8 x 8 (Wang et al., IEEE TIP 13(4), 2004)."""
    means, squares = [], []
    for picture in (one, other):
        light = picture.astype(np.float64) @ (0.299, 0.587, 0.114)
        h, w = (side // window * window for side in light.shape)
        tiles = light[:h, :w].reshape(h // window, window, w // window, window).swapaxes(1, 2).reshape(-1, window**2)
        means.append(tiles.mean(1))
        squares.append(tiles - tiles.mean(1, keepdims=True))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    both = (squares[0] * squares[1]).mean(1)
    return float(np.mean(
        (2 * means[0] * means[1] + c1) * (2 * both + c2)
        / ((means[0] ** 2 + means[1] ** 2 + c1) * ((squares[0] ** 2).mean(1) + (squares[1] ** 2).mean(1) + c2))
    ))  # fmt: skip


def _texture(seed: int, size: int = 1024, slope: float = 1.7) -> NDArray[np.float64]:
    """Coloured noise whose spectrum falls like that of natural pictures, (size, size, 3), 0..1."""
    random = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size) * size, np.fft.fftfreq(size) * size))
    frequency[0, 0] = 1
    bands = [np.real(np.fft.ifft2(np.fft.fft2(random.standard_normal((size, size))) / frequency**slope)) for _ in range(3)]
    made = np.stack(bands, -1)
    made -= made.min((0, 1))
    return np.asarray(made / made.max((0, 1)))


def _scene(grounds: list[NDArray[np.float64]], t: float, speed: float, size: int) -> Picture8:
    """A background that pans by `speed` px and zooms, and a disc that goes the other way."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    zoom, middle = 1 + 0.03 * t * speed / 8, size / 2
    ground = _sample(grounds[0], (x - middle) * zoom + 512 + speed * t, (y - middle) * zoom + 500 + speed * 0.4 * t)
    cx, cy = middle - speed * 1.5 * t, middle + speed * 0.5 * t
    disc = np.clip(size * 0.176 - np.hypot(x - cx, y - cy), 0, 1)[..., None]
    figure = _sample(grounds[1], x - cx + 400, y - cy + 400)
    return np.asarray((ground * (1 - disc) + figure * disc) * 255).astype(np.uint8)


def _sample(ground: NDArray[np.float64], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float64]:
    x, y = np.mod(x, len(ground) - 1), np.mod(y, len(ground) - 1)
    i, j = x.astype(int), y.astype(int)
    u, v = (x - i)[..., None], (y - j)[..., None]
    top = ground[j, i] * (1 - u) + ground[j, i + 1] * u
    return np.asarray(top * (1 - v) + (ground[j + 1, i] * (1 - u) + ground[j + 1, i + 1] * u) * v)
