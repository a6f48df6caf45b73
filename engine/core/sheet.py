"""Sheets: many small pictures on one, with their words beneath, for people to look at."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw
from torch import Tensor


def sheet(pictures: Tensor, labels: Sequence[str], columns: int, path: Path, *, per_label: int = 1) -> None:
    """Save (n, 3, h, w) pictures in 0..1 as one PNG, `columns` wide.

    `labels[i]` stands beneath pictures `i * per_label` to `(i + 1) * per_label - 1`. ValueError if the counts differ.
    """
    count, _, height, width = pictures.shape
    if count != len(labels) * per_label:
        raise ValueError(f"{count} pictures for {len(labels)} labels of {per_label}")
    lines = 2
    line_px = 11
    rows = -(-count // columns)
    image = Image.new("RGB", (columns * width, rows * (height + lines * line_px + 2)))
    draw = ImageDraw.Draw(image)
    bytes_ = (pictures.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    for place in range(count):
        left, top = place % columns * width, place // columns * (height + lines * line_px + 2)
        image.paste(Image.fromarray(bytes_[place]), (left, top))
        if place % per_label == 0:
            wrapped = textwrap.wrap(plain(labels[place // per_label]), max(8, width * per_label // 6))[:lines]
            draw.text((left + 2, top + height), "\n".join(wrapped), fill=(235, 235, 235), spacing=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def plain(text: str) -> str:
    """Without accents: the face that Pillow brings along has none, and a machine's own fonts are not to be relied on."""
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
