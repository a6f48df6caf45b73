"""A film that was made here goes on; one that says nothing, or comes from elsewhere, does not."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from engine.core.errors import CannotPlay
from engine.core.machine import OriginFacts
from engine.core.messages import Dream
from engine.house.extending import last_of
from engine.mind.mind import Mind
from engine.origin.sign import signed
from tests.mind.small_mind import options, painted, painter, parts


def film(path: Path) -> np.ndarray:
    """Twenty pictures; returns the last (64, 64, 3)."""
    last = painter().decode(painter().encode(painted("a red tower at noon").permute(1, 2, 0).numpy()))[..., :3]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for n in range(20):
            shown = last if n > 15 else np.full((64, 64, 3), 5 * n, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")))
        container.mux(stream.encode())
    return last


def test_a_film_that_was_made_here_goes_on_from_its_last_picture_dreamt_anew(tmp_path: Path) -> None:
    given = film(tmp_path / "film.mp4")
    with pytest.raises(CannotPlay, match="says nothing of where it comes from"):
        last_of(tmp_path / "film.mp4", tmp_path / "here", OriginFacts())
    signed(tmp_path / "film.mp4", tmp_path / "here", OriginFacts())
    with pytest.raises(CannotPlay, match="not here"):
        last_of(tmp_path / "film.mp4", tmp_path / "elsewhere", OriginFacts())
    first = last_of(tmp_path / "film.mp4", tmp_path / "here", OriginFacts())
    mind = Mind(options(tmp_path / "archive", founding=32, think_every=24, first=first), parts=parts())
    made = [mind.picture(Dream("a golden moon in the fog", film=0.74), n / 10) for n in range(4)]
    state, shown = made[1].state, made[1].rgba[..., :3].astype(float)
    assert state.chunk == 1 and state.degree >= 2 and state.fidelity >= 0.9, f"SSIM {state.fidelity:.2f}"
    assert 0.0 < np.abs(shown - given).mean() < 20.0, "it is the given picture itself, or another one"


def test_what_is_no_film_is_refused_by_name(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "still.png")
    for name in ("still.png", "nothing.mp4"):
        with pytest.raises(CannotPlay, match=name):
            last_of(tmp_path / name, tmp_path / "here", OriginFacts())
