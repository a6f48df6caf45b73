"""Measurements of the stage that the command prints: ISF files, in-betweens, the cost of each pass.

Every function returns rows (dictionaries with the same keys), so that they can be printed as a table or as JSON.
They open a GL context of their own without a window; call them in the main thread, not beside a running stage.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.core.messages import Picture, State
from engine.stage.between import Between
from engine.stage.compositor import Compositor
from engine.stage.header import Number, ShaderError
from engine.stage.hearing import Hearing
from engine.stage.isf import Drawing, Moment, Shader
from engine.stage.layer import Layer
from engine.stage.window import headless

Row = dict[str, str | float]
_NOTHING = np.zeros((1, 1, 1), np.float16)
Picture8 = NDArray[np.uint8]  # (h, w, 3)

# Files of the Vidvox set that are flat because of what they are, and why.
FLAT = {
    "Butterfly Wave Scrawler": "takes a power of a negative number, which GLSL leaves undefined",
    "Circle Trails": "waits for a finger",
    "Color Organ Polyphonic": "waits for keys",
    "Random Shape": "divides a place in 0..1 by the size, and so shows one corner of itself",
    "Show Alpha": "the alpha of an opaque picture",
    "Solid Color": "is one",
}


def scenery(w: int, h: int, time: float = 0.0) -> bytes:
    """A colourful picture with edges and gradients that moves: what filters are tried on. RGBA, lowest row first."""
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) / h
    rings = 0.5 + 0.5 * np.sin(24 * np.hypot(x - 0.8 - 0.3 * time, y - 0.45))
    checks = ((x * 8 + time).astype(int) + (y * 8).astype(int)) % 2
    rgb = np.stack([rings, 0.7 * checks + 0.3 * x / x.max(), y], axis=-1)
    return np.dstack([rgb * 255, np.full((h, w), 255)]).astype(np.uint8).tobytes()


def isf(path: Path, size: tuple[int, int] = (160, 90), frames: int = 16) -> list[Row]:
    """Draw every ISF file under `path` for `frames` frames: compiles? NaN? flat? how long does a frame take?

    Raises FileNotFoundError where no .fs file lies under `path`.
    """
    files = sorted(Path(path).rglob("*.fs"))
    if not files:
        raise FileNotFoundError(f"no ISF files (*.fs) under {path}")
    context = headless()
    context.gc_mode = "auto"
    images = inputs(context, size)
    rows = [_try(context, file, size, frames, images) for file in files]
    for texture in images.values():
        texture.release()
    context.gc_mode = None  # type: ignore[assignment]
    context.release()
    return rows


def inputs(context: moderngl.Context, size: tuple[int, int]) -> dict[str, moderngl.Texture]:
    """A picture under "", and sound under "audio" and "audioFFT": what shaders are tried on."""
    hearing = Hearing(context)
    tone = np.sin(np.arange(1024)[:, None] * (0.05, 0.21)).astype(np.float32)
    hearing.hear(tone + np.random.default_rng(0).normal(0, 0.1, tone.shape).astype(np.float32))
    hearing.update()
    picture = context.texture(size, 4, scenery(*size))
    picture.repeat_x = picture.repeat_y = False
    return {"": picture, "audio": hearing.waveform, "audioFFT": hearing.spectrum}


def picture_of(
    context: moderngl.Context, shader: Shader, size: tuple[int, int], frames: int, images: dict[str, moderngl.Texture]
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
    return drawing, texture, (time.perf_counter() - begun) / max(1, frames - 1) * 1e3


def _try(
    context: moderngl.Context, file: Path, size: tuple[int, int], frames: int, images: dict[str, moderngl.Texture]
) -> Row:
    row: Row = {"file": file.stem, "passes": 0, "ms": 0.0, "spread": 0.0, "says": "ok"}
    try:
        shader = Shader(context, file)
    except ShaderError as error:
        return row | {"says": str(error).splitlines()[0]}
    drawing, texture, cost = picture_of(context, shader, size, frames, images)
    dtype = {"f1": np.uint8, "f2": np.float16, "f4": np.float32}[texture.dtype]
    pixels = np.frombuffer(texture.read(), dtype).astype(np.float32)
    spread = float(np.ptp(pixels.reshape(-1, 4), axis=0).max()) / (255 if texture.dtype == "f1" else 1)
    row |= {"passes": len(shader.header.passes), "ms": cost, "spread": spread}
    if context.error != "GL_NO_ERROR":
        row["says"] = "GL error"
    elif not np.isfinite(pixels).all():
        row["says"] = "NaN"
    elif spread < 0.02:
        row["says"] = f"flat: {FLAT[file.stem]}" if file.stem in FLAT else "flat"
    drawing.release()
    shader.release()
    return row


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
