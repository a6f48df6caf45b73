"""What a mind is born with: shipped beside the weights, and the same as it would be painted here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.mind.memory.founding import FILE, Founder, load, save
from engine.mind.memory.records import Seen
from engine.mind.mind import Mind
from engine.mind.model import embedded
from engine.mind.options import MindOptions
from engine.mind.parts import Parts, gather
from tests.mind.small_mind import options, parts

SHIPPED = embedded.FOLDER / FILE


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return gather(MindOptions(archive=tmp_path_factory.mktemp("archive")))


def test_those_that_are_shipped_are_those_that_would_be_painted(real: Parts) -> None:
    assert len(real.ready) == MindOptions().founding
    bare = replace(real, ready=())
    for first in (0, 8 * real.batch):
        for shipped, painted in zip(real.founders(first, 2), bare.founders(first, 2), strict=True):
            assert shipped.caption == painted.caption and shipped.seen.hash == painted.seen.hash
            assert shipped.meaning @ painted.meaning > 0.999
            assert shipped.seen.vector @ painted.seen.vector > 0.999
            assert np.abs(shipped.seen.latent.astype(np.float32) - painted.seen.latent).mean() < 0.02  # one may be bf16


def test_weights_of_another_space_or_size_are_not_born_with_them() -> None:
    assert load(SHIPPED, "embedded other", (4, 32, 32)) == ()
    assert load(SHIPPED, embedded.space(), (4, 16, 16)) == ()
    assert load(SHIPPED.with_name("none"), embedded.space(), (4, 32, 32)) == ()


def test_a_mind_is_born_with_what_lies_ready_and_paints_the_rest(tmp_path: Path) -> None:
    dreamer = parts().dreamer
    rng = np.random.default_rng(0)
    ready = tuple(
        Founder(f"ready {n}", vector, Seen(rng.standard_normal(dreamer.latent).astype(np.float16), vector, bytes(32)))
        for n, vector in enumerate(np.eye(24, 64, dtype=np.float32))
    )
    save(tmp_path / FILE, ready, "small")
    mind = Mind(options(tmp_path, founding=30), parts=parts(ready=load(tmp_path / FILE, "small", dreamer.latent)))
    words = [one.words for one in mind.memory.fragments]
    mind.close()
    assert words[:24] == [f"ready {n}" for n in range(24)]
    assert len(words) == 30 and not any(word.startswith("ready") for word in words[24:])
