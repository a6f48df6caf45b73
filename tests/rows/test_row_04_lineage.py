"""Row 4: pictures carry their ancestors; shares sum to 1 for ever, and mean what they say."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from engine.mind.compose import DEFAULT, compose
from engine.mind.memory import lineage
from engine.mind.memory.lineage import Line
from engine.mind.mind import Mind
from tests.mind.small_mind import options, parts
from tests.rows.sabotage import Sabotage, fails, put

Descend = Callable[..., Line]


def generations(descend: Descend, count: int) -> Line:
    """A family of 40 whose members are replaced by children of eight of them, `count` times."""
    rng = np.random.default_rng(4)
    family = [Line.root(number + 1) for number in range(40)]
    for number in range(count):
        chosen = rng.choice(40, 8, replace=False)
        shares = rng.dirichlet(np.ones(8))
        family[number % 40] = descend([(float(s), family[k]) for s, k in zip(shares, chosen, strict=True)])
        if number % 997 == 0:  # sometimes somebody new says something
            family[(number + 1) % 40] = descend([(0.5, family[number % 40])], own=1000 + number)
    return family[(count - 1) % 40]


def check(folder: Path, count: int = 2000) -> None:
    descend = lineage.descend
    child = descend([(0.25, Line.root(1)), (0.75, descend([(0.5, Line.root(1)), (0.5, Line.root(2))]))])
    assert (round(child.share(1), 9), round(child.share(2), 9)) == (0.625, 0.375), "a = sum of shares x parents' lines"
    assert child.depth == 2 and child.count == 2 and descend([(0.3, child)], own=9).share(9) == pytest.approx(0.7)
    late = generations(descend, count)
    assert abs(late.sum - 1) < 1e-6 and late.shares.min() > 0 and late.depth > count / 40
    assert late.count >= 20, f"ancestors were lost: {late.count}"

    mind = Mind(options(folder, founding=64, recalled=64), parts=parts())
    noise = torch.randn(mind.parts.dreamer.latent, generator=torch.Generator().manual_seed(4))
    shares, changes = [], []
    for words in ("a red moon", "a blue tower in the fog", "a green river at noon", "the night"):
        recalled = mind.memory.by_words(mind.parts.means(words), 64, 0.07)
        rows, parents = recalled.rows, mind.memory.ids(recalled)
        latents = [painted.latents[0] for parent in parents if (painted := mind.keeper.recipes.paint(parent)) is not None]
        memories, prior = torch.stack(latents), torch.from_numpy(recalled.weights).float()
        whole = compose(memories, prior, noise * DEFAULT.noise[0])
        line = lineage.descend([(s, mind.keeper.line(p)) for s, p in zip(whole.shares.tolist(), parents, strict=True)])
        for place, parent in enumerate(parents):
            kept = torch.arange(len(rows)) != place
            without = compose(memories[kept], prior[kept], noise * DEFAULT.noise[0])
            shares.append(line.share(parent))
            changes.append(float((without.latent - whole.latent).square().mean().sqrt()))
    found = spearmanr(shares, changes).statistic
    print(f"  measured: sum - 1 = {late.sum - 1:.0e} after {count} generations, {late.count} ancestors; leave-one-out: Spearman {found:.2f} over {len(shares)} trials")
    assert found >= 0.5, f"shares say nothing about what a memory does: Spearman {found:.2f} over {len(shares)}"


def test_shares_sum_to_one_and_mean_what_they_say(tmp_path: Path) -> None:
    check(tmp_path)


@pytest.mark.long
def test_a_hundred_thousand_generations_keep_the_sum() -> None:
    late = generations(lineage.descend, 100_000)
    print(f"sum - 1 = {late.sum - 1:.2e}, depth {late.depth}, {late.count} ancestors")
    assert abs(late.sum - 1) < 1e-6 and late.depth > 2000


def constant(parents: Sequence[tuple[float, Line]], own: int = 0) -> Line:
    ids = np.array([1, 2], np.int64)
    return Line(ids, np.array([0.5, 0.5]), 0.0, lineage.hashes(ids), 1)


def chance(parents: Sequence[tuple[float, Line]], own: int = 0, rng: np.random.Generator = np.random.default_rng(0)) -> Line:  # noqa: B008
    total = sum(rng.random() for _ in parents)
    return _DESCEND([(float(rng.random()) / (2 * total + 1), line) for _, line in parents], own)


def left_out(parents: Sequence[tuple[float, Line]], own: int = 0) -> Line:
    return parents[0][1]


_DESCEND = lineage.descend


@pytest.mark.parametrize("sabotage", [
    put("engine.mind.memory.lineage.descend", constant, "constant"),
    put("engine.mind.memory.lineage.descend", chance, "chance"),
    put("engine.mind.memory.lineage.descend", left_out, "left out"),
], ids=lambda s: s.__name__)  # fmt: skip
def test_a_sabotaged_lineage_is_noticed(sabotage: Sabotage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(check, sabotage, tmp_path, monkeypatch)
