"""Row 12: collapse is allowed to happen, heard as unison, and then countered."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.core.messages import Dream
from engine.mind.mind import Mind
from engine.mind.parts import Parts
from engine.mind.rows.standard import ALLOWED, LAST, Standard, vendi
from engine.show.rehearsal import FULL
from engine.sound.murmur import Murmur
from tests.mind.small_mind import CAPTIONS, options, paint, painter, parts, table
from tests.rows.sabotage import Sabotage, fails, put

STEP = 8.0  # seconds that each sentence of the loop stays


class Keen:
    """A reader that tells pictures apart by random Fourier features: unlike pictures are orthogonal (Rahimi and Recht 2007)."""

    def __init__(self, width: float = 9.0, dim: int = 64):
        draw = torch.Generator().manual_seed(12)
        self.map = torch.randn(int(np.prod(painter().latent)), dim, generator=draw) / width
        self.phase = torch.rand(dim, generator=draw) * 2 * torch.pi

    def vector(self, latents: Tensor) -> np.ndarray:
        made = torch.cos(latents.flatten(1) @ self.map + self.phase)
        return (made / made.norm(dim=1, keepdim=True)).numpy()


def keen() -> Parts:
    reader = Keen()
    latents = torch.stack([painter().encode(paint(recipe, painter().size)) for recipe in table().recipes])
    return parts(reader=reader, table=replace(table(), v=reader.vector(latents)))


def loop(folder: Path, counter: float, steps: int = 52) -> list[float]:
    """The closed loop: a picture, the words that are read in it, a picture of those. Vendi over the reference after each step."""
    mind = Mind(options(folder, founding=len(CAPTIONS), keyframe=1e9, idle=STEP, think_every=1), parts=keen())
    words, kept = "a red moon at night", []
    for step in range(steps):
        state = mind.picture(Dream(words, counter=counter, gamma=0.0, feedback=0.6), STEP * step).state
        kept.append(1.0 - state.standard)
        words = " ".join(state.readback) or words
    assert mind.rows.countered(Dream("", counter=1.0), speaker=1) == 0.0, "words that somebody gives are turned"
    mind.close()
    return kept


def wide(standard: float) -> float:
    """How far apart in the room the grains of a murmur are."""
    state = replace(FULL, standard=standard)
    murmur = Murmur(12)
    return float(np.std([grain.pan for tick in range(1200) for grain in murmur.grains(tick / 60, 1 / 60, state)]))


def check(folder: Path) -> None:
    free = loop(folder / "free", 0.0)
    assert free[2] == 1.0 and free[-1] <= 0.1, f"the loop does not collapse: {free[-1]:.2f} of the archive's own"
    countered = loop(folder / "countered", 1.0)
    first = next(n for n, kept in enumerate(countered) if kept < 1.0 - ALLOWED)
    assert np.allclose(countered[: first + 1], free[: first + 1]), "it is countered before anybody could hear it"
    assert min(countered[-8:]) >= 0.3, f"countered it collapses all the same: {min(countered[-8:]):.2f}"
    assert wide(0.9) < 0.5 * wide(0.1), "the collapse is not heard"
    print(f"  measured: {free[-1]:.2f} without the counter-force, {min(countered[-8:]):.2f} with it")


def test_collapse_is_heard_and_then_countered(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.rows.standard.vendi", lambda vectors: 4.0, "constant"),
    put("engine.mind.rows.standard.vendi", lambda vectors: float(CHANCE.uniform(1, len(vectors))), "chance"),
    put("engine.mind.rows.standard.Standard.pressure", lambda self, force: 0.0, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_counter_force_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_the_score_counts_what_is_different() -> None:
    same, apart = np.ones((LAST, 8), np.float32), np.eye(8, dtype=np.float32)
    assert vendi(same) == pytest.approx(1.0) and vendi(apart) == pytest.approx(8.0)
    assert vendi(np.concatenate([apart[:2]] * 3)) == pytest.approx(2.0)


def test_a_restart_remembers_the_last_pictures(tmp_path: Path) -> None:
    chosen = options(tmp_path, keyframe=0.5, think_every=1)
    mind = Mind(chosen, parts=parts())
    for number in range(10):
        mind.picture(Dream(f"a violet moon {number}"), float(number))
    before = len(mind.rows.standard.last)
    mind.close()
    again = Mind(chosen, parts=parts())
    assert before >= 9 and len(again.rows.standard.last) >= 8
    assert Standard(again.memory).value == 0.0, "of nothing, nothing is said"
