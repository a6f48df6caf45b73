"""Row 1: the gap J between whom the words recall and whom the picture recalls turns the picture."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.messages import Dream
from engine.mind.company import Ensemble
from engine.mind.mind import Mind
from engine.mind.stream import Stream
from engine.mind.thought import Thought
from tests.mind.small_mind import Painter, options, painter, parts, table, vector
from tests.rows.sabotage import Sabotage, fails, put

SENTENCES = ("a golden moon in the fog", "my grandmother and a red river", "a white tower at noon", "the night", "love")


CHANCE = np.random.default_rng(0)


class Literal(Painter):
    """A dreamer whose pictures are read as exactly the words they were dreamt under: the two spaces are one."""

    def __init__(self) -> None:
        self.__dict__ |= painter().__dict__
        self.saw = vector("")

    def imagine(self, condition: Tensor, noise: Tensor, start: Tensor | None = None, strength: float = 1.0) -> Tensor:
        self.saw = condition.mean(0).numpy()
        return super().imagine(condition, noise, start, strength)

    def vector(self, words: Any) -> Any:  # as a dreamer: of words; as a reader: of latents
        return vector(words) if isinstance(words, str) else self.saw[None]


class Moved:
    """A reader moved by a constant."""

    def __init__(self, by: float):
        self.by = by * vector("somewhere else entirely")

    def vector(self, latents: Tensor) -> np.ndarray:
        return painter().reader.vector(latents) + self.by


def thoughts(mind: Mind, **forces: Any) -> list[Thought]:
    noise = torch.randn(mind.parts.dreamer.latent, generator=torch.Generator().manual_seed(1))
    return [mind.think(words, 0, (), Dream(words, **forces), noise) for words in SENTENCES]


def pictures(mind: Mind, beta: float) -> np.ndarray:
    found = []
    for number, words in enumerate(SENTENCES):
        mind.thought, mind.stream, mind.ensemble = None, Stream(mind.parts.dreamer, 7), Ensemble(None)
        found += [mind.picture(Dream(words, beta=beta), 10.0 * number + n / 4).rgba.astype(float) for n in range(4)][-1:]
    return np.stack(found)


def check(folder: Path) -> None:
    literal = Literal()
    one = Mind(options(folder / "one", founding=48, keyframe=1e9), parts=parts(dreamer=literal, reader=literal, table=replace(table(), v=table().t)))
    none = max(thought.gap for thought in thoughts(one))
    assert none < 1e-6, f"J is {none:.2g}, not 0, where the spaces are one"
    assert np.array_equal(pictures(one, 1.0), pictures(one, 0.0)), "beta moves pixels where there is no gap"

    mind = Mind(options(folder / "two", founding=48, keyframe=1e9), parts=parts())
    moved = Mind(options(folder / "moved", founding=48, keyframe=1e9), parts=parts(reader=Moved(0.8), table=replace(table(), v=table().v + Moved(0.8).by)))
    gaps, moved_gaps = ([t.gap for t in thoughts(m)] for m in (mind, moved))
    assert all(0.05 < gap < 0.95 for gap in gaps) and max(gaps) - min(gaps) > 0.05, f"J does not depend on the words: {gaps}"
    assert np.allclose(gaps, moved_gaps, atol=0.005), f"an offset of one space moves J: {gaps} {moved_gaps}"

    still = pictures(mind, 0.0)
    change = [float(np.abs(pictures(mind, beta) - still).mean()) for beta in (0.33, 0.66, 1.0)]
    assert 0.5 < change[0] < change[1] < change[2], f"more beta does not change more pixels: {change}"
    print(f"  measured: J 0 where both spaces are one, else {min(gaps):.2f} to {max(gaps):.2f}; beta .33, .66, 1 move pixels by {change[0]:.1f}, {change[1]:.1f}, {change[2]:.1f} of 255")


def test_the_gap_turns_the_picture(tmp_path: Path) -> None:
    check(tmp_path)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.mind.divergence", lambda r, q: 0.5, "constant"),
    put("engine.mind.mind.divergence", lambda r, q: float(CHANCE.random()), "chance"),
    put("engine.mind.mind.surplus", lambda r, q: np.zeros_like(r), "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_gap_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
