"""A photograph of a screen, simulated: what a telephone, a hand and a chat program do to a picture."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter


def photo(rgb: np.ndarray, seed: int, crop: float = 0.1) -> np.ndarray:
    """(h, w, 3) u8 of a picture (h, w, 3): held askew, in its own light, `crop` of each side cut off, resized, noisy, JPEG twice."""
    rng = np.random.default_rng(seed)
    h, w = rgb.shape[:2]
    image = Image.fromarray(rgb).resize((2 * w, 2 * h), Image.Resampling.NEAREST)  # the screen's own pixels
    image = _askew(image, rng)
    light = np.asarray(image, np.float32) / 255
    light = light ** rng.uniform(0.75, 1.35) * rng.uniform(0.7, 1.15, 3) + rng.uniform(0.0, 0.06)  # exposure, white balance, a black that is none
    y, x = np.mgrid[0 : 1 : light.shape[0] * 1j, 0 : 1 : light.shape[1] * 1j]
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.15)
    light = light + (strength * (0.5 + np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)))[..., None]  # a window's glare
    light = light * (1.0 - rng.uniform(0.0, 0.3) * ((x - 0.5) ** 2 + (y - 0.5) ** 2))[..., None]  # a lens is darker at its edge
    pitch = rng.uniform(2.1, 3.5)
    light = light * (1.0 + 0.05 * np.sin(2 * np.pi * x * light.shape[1] / pitch))[..., None]  # moire
    kept, size = 1.0 - crop, light.shape
    top, left = (int(rng.uniform(0, crop) * side) for side in size[:2])
    light = light[top : top + int(kept * size[0]), left : left + int(kept * size[1])]
    light = light + rng.normal(0, rng.uniform(0.01, 0.04), light.shape)
    taken = Image.fromarray((light.clip(0, 1) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6)))
    for scale in (rng.uniform(0.4, 1.4), rng.uniform(0.5, 1.0)):  # out of the camera, through a chat
        taken = taken.resize((max(64, int(taken.width * scale)), max(64, int(taken.height * scale))), Image.Resampling.BILINEAR)
        taken = _through_jpeg(taken, int(rng.integers(40, 85)))
    return np.asarray(taken)


def _askew(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turned by up to 1.5 degrees and seen from a little aside: each corner up to 1 % away."""
    w, h = image.size
    turned = image.rotate(rng.uniform(-1.5, 1.5), Image.Resampling.BILINEAR)
    corners = [(0, 0), (0, h), (w, h), (w, 0)]
    moved = [c + rng.uniform(-0.01, 0.01) * side for corner in corners for c, side in zip(corner, (w, h), strict=True)]
    return turned.transform((w, h), Image.Transform.QUAD, moved, Image.Resampling.BILINEAR)


def _through_jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(io.BytesIO(out.getvalue())).convert("RGB")
