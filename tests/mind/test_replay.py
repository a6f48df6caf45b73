"""Any picture can be made again from its record and those before it."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Dream, Picture, Set
from engine.mind.mind import Mind
from engine.mind.replay import replay
from tests.mind.small_mind import options, parts


def dreamt(folder: Path, keyframe: float = 0.5) -> tuple[list[bytes], list[Picture]]:
    """A while of two sentences, turning forces and a new seed; the records as they would lie on a disk."""
    mind, pictures = Mind(options(folder, keyframe=keyframe), parts=parts()), []
    for number in range(24):
        if number == 15:
            mind.set(Set("/hm/seed", (7,)))
        words = "a red moon at night" if number < 10 else "a blue river at noon"
        pictures.append(mind.picture(Dream(words, beta=number / 24, rho=0.1, at=number / 8), number / 8))
    mind.close()
    return [pickle.dumps(picture.state) for picture in pictures], pictures


def test_a_picture_is_made_again_from_its_record(tmp_path: Path) -> None:
    Mind(options(tmp_path / "first"), parts=parts()).close()  # founding memories
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    records, pictures = dreamt(tmp_path / "first")
    mind = Mind(options(tmp_path / "second", keyframe=0.5), parts=parts())
    remade = list(replay(mind, (pickle.loads(record) for record in records)))
    for first, second in zip(pictures, remade, strict=True):
        assert np.array_equal(first.rgba, second.rgba) and np.array_equal(first.latent, second.latent)
    assert len({picture.rgba.tobytes() for picture in pictures}) == len(pictures), "they are not all one"
    assert len({picture.state.seed for picture in pictures}) == 3, "the seed that was set, and that of other words, are in the record"
    mind.close()


def test_a_record_of_another_structure_is_refused(tmp_path: Path) -> None:
    records, _ = dreamt(tmp_path / "first", keyframe=1e9)
    mind = Mind(options(tmp_path / "second", keyframe=1e9, recalled=32), parts=parts())
    with pytest.raises(ValueError, match=r"picture 1 was made by structure small [0-9a-f]{16}, this one is small"):
        next(replay(mind, map(pickle.loads, records)))
    mind.close()


def test_a_force_that_was_other_gives_another_picture(tmp_path: Path) -> None:
    """The record is what decides: without its forces the picture is not the same."""
    from dataclasses import replace

    records, pictures = dreamt(tmp_path / "first", keyframe=1e9)
    mind = Mind(options(tmp_path / "second", keyframe=1e9), parts=parts())
    changed = (replace(s, dream=replace(s.dream, strength=0.7)) for s in map(pickle.loads, records))
    assert not np.array_equal(list(replay(mind, changed))[-1].rgba, pictures[-1].rgba)
    mind.close()
