"""Paint anonymous memories: what the embedded model learns from, and what a fresh installation remembers.

Every picture is made of noise, light and geometry from one seed; no photograph and no other picture is used.
`painter/` holds the kinds, one file per family; this is the door to them.
"""
from __future__ import annotations

import random

import torch
from torch import Tensor

from engine.painter import air, captions
from engine.painter.attributes import (
    COLOURS,
    FIGURES,
    LIGHTS,
    MOODS,
    OFFERS,
    SEASONS,
    TIMES,
    WEATHERS,
    Attributes,
    complete,
    draw,
)
from engine.painter.canvas import Canvas, Layout, luma
from engine.painter.kinds import PAINTERS
from engine.painter.scene import Scene

__all__ = ["COLOURS", "EXTRAS", "FIGURES", "KINDS", "LIGHTS", "MOODS", "SEASONS", "TIMES", "WEATHERS", "Attributes", "beauty", "paint", "paint_shown"]

KINDS: tuple[str, ...] = tuple(OFFERS)
EXTRAS: dict[str, tuple[str, ...]] = {kind: offer.extras for kind, offer in OFFERS.items()}

TRIES = 3                                              # paintings again of what fails the gate; then the best stands
_AT_ONCE = 32                                          # pictures to a batch on a CPU: more fall out of its caches
_STRIDE = 1_000_003                                    # keeps the seeds of batches and tries apart


def paint(kind: str, count: int, size: tuple[int, int], seed: int, device: str | torch.device = "cpu",
          wanted: Attributes | None = None) -> tuple[Tensor, list[Attributes]]:
    """Paint `count` pictures of one kind: (count, 3, h, w) float32 in 0..1 on `device`, and what each shows.

    The same arguments give the same pixels on one device. Non-empty fields of `wanted` are painted as asked,
    the others by chance; without `wanted` no held-out composition is painted. Pictures that fail `beauty`
    are painted again from another seed, at most TRIES times, keeping what they show.
    Raises ValueError for an unknown kind or word. Thread-safe.
    """
    _check(kind, size, wanted)
    rng = random.Random(f"{kind} {seed}")
    shown = [_draw(kind, rng, wanted) for _ in range(count)]
    at_once = _AT_ONCE if torch.device(device).type == "cpu" else 256
    parts = [paint_shown(shown[i:i + at_once], size, (seed * _STRIDE + i) % 2**62, device) for i in range(0, count, at_once)]
    return torch.cat(parts) if parts else torch.zeros(0, 3, *size, device=device), shown


def _draw(kind: str, rng: random.Random, wanted: Attributes | None) -> Attributes:
    while True:
        shown = complete(draw(kind, rng), wanted)
        if wanted is not None or not captions.is_held_out(shown, ""):
            return shown


def paint_shown(shown: list[Attributes], size: tuple[int, int], seed: int, device: str | torch.device = "cpu", layout: Layout | None = None) -> Tensor:
    """(count, 3, h, w) pictures of one kind that show just this; those that fail `beauty` again, at most TRIES times.

    `layout`: see `Canvas`.
    """
    pictures = _paint_once(shown, size, seed, device, layout)
    for again in range(1, TRIES):
        bad = (~beauty(pictures)).nonzero()[:, 0]
        if not len(bad):
            break
        pictures[bad] = _paint_once([shown[i] for i in bad.tolist()], size, seed + again * 7919, device, layout)
    return pictures


@torch.no_grad()
def _paint_once(shown: list[Attributes], size: tuple[int, int], seed: int, device: str | torch.device, layout: Layout | None) -> Tensor:
    """One batch of one kind: paint, then weather, hour, lights, tone, print."""
    kind = PAINTERS[shown[0].kind]
    canvas = Canvas(len(shown), size, seed, device, layout)
    scene = Scene(canvas, shown)
    picture = kind.paint(canvas, scene)
    if not kind.sky:
        picture = air.hour(canvas, scene, picture, kind.dim)
    picture = air.weather(canvas, scene, picture, kind.veil)
    picture = air.lights(canvas, scene, picture, kind.sky)
    picture = air.tone(canvas, scene, picture, kind.tone)
    return air.develop(canvas, scene, picture)


def beauty(pictures: Tensor) -> Tensor:
    """(count, 3, h, w) in 0..1 -> (count,) bool: neither black nor white, nor flat, nor of one value, nor noise.

    Bounds on mean luma, the spread of the liveliest channel, the entropy of 32 levels of luma and the mean step between neighbours, set by eye on
    some thousands of paintings. The smallest spreads that are still good are fogs.
    """
    grey = luma(pictures)[:, 0]
    flat = grey.flatten(1)
    mean, spread = flat.mean(1), pictures.flatten(2).std(2).amax(1)
    level = (flat * 31.99).long().clamp(0, 31) + 32 * torch.arange(len(flat), device=flat.device)[:, None]
    share = torch.bincount(level.flatten(), minlength=32 * len(flat)).reshape(-1, 32) / flat.shape[1]
    entropy = -(share * (share + 1e-9).log2()).sum(1)
    step = (grey[:, 1:] - grey[:, :-1]).abs().mean((1, 2)) + (grey[:, :, 1:] - grey[:, :, :-1]).abs().mean((1, 2))
    return (mean > .06) & (mean < .93) & (spread > .035) & (entropy > 1.4) & (step < .16)


def _check(kind: str, size: tuple[int, int], wanted: Attributes | None) -> None:
    """Raise ValueError, naming the nearest match, if something asked for does not exist."""
    captions.one_of("kind", kind, KINDS)
    if min(size) < 16:
        raise ValueError(f"a picture of {size} is too small to paint: at least 16 by 16 pixels")
    if wanted is None:
        return
    every = {"time": TIMES, "light": LIGHTS, "weather": WEATHERS, "colour": COLOURS, "second": COLOURS, "mood": MOODS,
             "season": SEASONS, "figure": FIGURES, "extra": EXTRAS[kind]}
    for name, values in every.items():
        if getattr(wanted, name):
            captions.one_of(name, getattr(wanted, name), values)
