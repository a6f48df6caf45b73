"""Row 21: two founding corpora, two painters' hands, answer one sentence differently."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import CannotPlay
from engine.core.machine import Machine
from engine.core.messages import Dream
from engine.house.command import parser
from engine.house.plan import plan
from engine.mind.memory.founding import Table
from engine.mind.mind import Mind
from engine.mind.rows import characteristics
from engine.mind.rows.characteristics import mmd2
from engine.painter.hands import HANDS, by_hand
from tests.mind.small_mind import options, paint, painter, parts, table
from tests.rows.sabotage import Sabotage, fails, put

WORDS, PICTURES = "a red moon at night", 16


def corpus(hand: str) -> Table:
    """The founding memories as a hand has painted them, and what is read in them."""
    latents = torch.stack([painter().encode(by_hand(hand, paint(recipe, painter().size))) for recipe in table().recipes])
    return Table(table().captions, table().t, painter().reader.vector(latents), table().recipes)


def answers(folder: Path, hand: str, first: int) -> np.ndarray:
    """What is read in pictures of the one sentence, (PICTURES, d), from seeds of their own."""
    mind = Mind(options(folder, founding=96, corpus=hand, keyframe=1e9), parts=parts(table=corpus(hand)))
    found = []
    for seed in range(first, first + PICTURES):
        noise = torch.randn(mind.parts.dreamer.latent, generator=torch.Generator().manual_seed(seed))
        thought = mind.think(WORDS, 0, (), Dream(WORDS, temperature=0.2), noise)
        found.append(mind.parts.read(mind.parts.dreamer.imagine(thought.condition, noise, thought.start, 0.2)))
    mind.close()
    return np.stack(found)


def permuted(x: np.ndarray, y: np.ndarray, exchanges: int) -> tuple[float, float]:
    """(MMD^2, p): how different two samples are, and how often chance would have it."""
    kernel, draw, n = characteristics._kernel(np.concatenate([x, y])), np.random.default_rng(0), len(x)
    rows = np.arange(n + len(y))
    found = characteristics._mmd2(kernel, rows[:n], rows[n:])
    more = sum(characteristics._mmd2(kernel, mixed[:n], mixed[n:]) >= found for mixed in (draw.permutation(rows) for _ in range(exchanges)))
    return found, (1 + more) / (1 + exchanges)


def check(folder: Path) -> None:
    oil, again, ink = answers(folder / "a", "oil", 0), answers(folder / "b", "oil", 100), answers(folder / "c", "ink", 0)
    (other, p_other), (same, p_same) = permuted(oil, ink, 199), permuted(oil, again, 199)
    assert p_other < 0.05, f"two corpora answer alike: MMD2 {other:.3f}, p {p_other:.3f}"
    assert p_same > 0.05, f"one corpus answers differently: MMD2 {same:.3f}, p {p_same:.3f}"

    mind = Mind(options(folder / "live", founding=96, corpus="ink", keyframe=1e9, idle=1.0, think_every=1), parts=parts(table=corpus("ink")))
    values = [mind.picture(Dream("", autonomy=1.0, temperature=0.2), 2.0 * number).state for number in range(22)]
    assert values[-1].corpus == "ink" and values[-1].characteristics > 0.0, f"its pictures are not its own: {values[-1].characteristics:.2f}"
    assert len({round(one.characteristics, 6) for one in values}) > 2, "it does not move"
    print(f"  measured: two corpora MMD2 {other:.3f} p {p_other:.3f}, one corpus MMD2 {same:.3f} p {p_same:.3f}, live {values[-1].characteristics:.2f}")


def test_two_corpora_answer_differently(tmp_path: Path) -> None:
    check(tmp_path)


CHANCE = np.random.default_rng(0)


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.rows.characteristics._mmd2", lambda kernel, a, b: 0.1, "constant"),
    put("engine.mind.rows.characteristics._mmd2", lambda kernel, a, b: float(CHANCE.normal()), "chance"),
    put("engine.mind.recipes.by_hand", lambda hand, rgb: rgb, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_sabotaged_characteristics_are_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)


def test_an_archive_keeps_the_corpus_it_was_born_with(tmp_path: Path) -> None:
    def asked(*words: str) -> str:
        return plan(parser().parse_args(["run", "--home", str(tmp_path), "--sound", "null", *words]), Machine()).mind.corpus

    assert asked() == "oil" and asked("--corpus", "ink") == "ink"
    Mind(options(tmp_path / "archive", founding=24, corpus="ink"), parts=parts()).close()
    assert asked() == "ink"
    with pytest.raises(CannotPlay, match="was born with the corpus ink"):
        asked("--corpus", "oil")
    with pytest.raises(CannotPlay, match="ink"):
        asked("--corpus", "inky")


def test_hands_paint_the_same_places() -> None:
    """Each hand keeps the picture's composition: light lies where it lay."""
    for recipe in table().recipes[:12]:
        plain = paint(recipe, painter().size)
        for hand in HANDS:
            made = by_hand(hand, plain)
            assert made.shape == plain.shape and made.dtype == np.uint8
            if plain.astype(float).mean(2).std() > 20:
                assert np.corrcoef(plain.mean(2).ravel(), made.mean(2).ravel())[0, 1] > 0.4  # lines are dark where two tones meet
    assert mmd2(np.zeros((4, 3), np.float32), np.ones((4, 3), np.float32)) > 0.5
