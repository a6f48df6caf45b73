"""Public ISF shaders as golden pictures: what our host makes of files that were written for others.

The files are not ours and stay outside: the set is at https://github.com/Vidvox/ISF-Files (MIT). What lies here is what
they look like, their names, and which file of that name was meant. Run with a checkout:

    HYPERMNESIA_ISF=/path/to/ISF-Files python -m pytest tests/stage/test_isf_public.py

and draw the pictures again with `python -m tests.stage.test_isf_public /path/to/ISF-Files`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tomllib
from pathlib import Path

import moderngl
import numpy as np
import pytest
from PIL import Image

from engine.stage.window import headless
from tests.stage.test_isf import drawn

GOLDEN = Path(__file__).parents[1] / "golden" / "vidvox"
TABLE = tomllib.loads((GOLDEN / "shaders.toml").read_text()) if GOLDEN.is_dir() else {"files": {}}
CHECKOUT = os.environ.get("HYPERMNESIA_ISF", "")
# One or more for each thing that a host must do: .vs partners, passes of other sizes, memory, floats, imported pictures,
# both kinds of sound, transitions, events, every type of number.
CHOSEN = (
    "Audio Waveform Shape", "CMYK Halftone", "City Lights", "Color Relookup", "Circular Screen",
    "Edges", "Dither-Bayer", "FFT Spectrogram", "Fast Blur", "Glow", "God Rays", "Kaleidoscope", "Kaleidoscope Transition", "Line Screen",
    "Long Exposure", "Optical Flow Distort", "Sine Warp Gradient",
    "Slit Scan", "Thermal Camera", "Truchet Tile",
)  # fmt: skip


@pytest.fixture(scope="module")
def context() -> moderngl.Context:
    return headless()


def found(name: str) -> Path:
    """The file of this name in the checkout, if it is the one that was drawn."""
    if not CHECKOUT:
        pytest.skip("needs the public set: git clone https://github.com/Vidvox/ISF-Files, then HYPERMNESIA_ISF=ISF-Files")
    (path,) = Path(CHECKOUT).rglob(f"{name}.fs")
    assert digest(path) == TABLE["files"][name], f"{path} is another version than the one that was drawn"
    return path


def digest(path: Path) -> str:
    partner = path.with_suffix(".vs")
    return hashlib.sha256(path.read_bytes() + (partner.read_bytes() if partner.is_file() else b"")).hexdigest()


@pytest.mark.parametrize("name", sorted(TABLE["files"]))
def test_a_public_shader_draws_its_golden_picture(context: moderngl.Context, name: str) -> None:
    wanted = np.asarray(Image.open(GOLDEN / f"{name}.png").convert("RGBA")).astype(int)
    error = np.abs(drawn(context, found(name)).astype(int) - wanted)
    assert error.mean() < 2.0 and np.percentile(error, 97) < 24


def test_the_table_names_about_twenty_shaders_each_with_a_picture_that_is_not_flat() -> None:
    assert set(TABLE["files"]) == set(CHOSEN) and TABLE["licence"].startswith("MIT")
    for name in CHOSEN:
        assert np.ptp(np.asarray(Image.open(GOLDEN / f"{name}.png").convert("RGB")), (0, 1)).max() > 20


def main(folder: Path) -> None:
    """Draw the golden pictures and write the table."""
    context = headless()
    GOLDEN.mkdir(parents=True, exist_ok=True)
    lines = ['source = "https://github.com/Vidvox/ISF-Files"', 'licence = "MIT, Copyright (c) 2018"', "", "[files]"]
    lines += ["# sha256 of each file, followed by its .vs where it has one"]
    for name in CHOSEN:
        (path,) = folder.rglob(f"{name}.fs")
        Image.fromarray(drawn(context, path)).save(GOLDEN / f"{name}.png", optimize=True)
        lines.append(f'"{name}" = "{digest(path)}"')
    (GOLDEN / "shaders.toml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
