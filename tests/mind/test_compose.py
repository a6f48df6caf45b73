"""A picture composed of memories: new, crisp, and everybody's share of it known."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from engine.mind.blend import CAP, CROWD, crowd
from engine.mind.compose import DEFAULT, compose, limit
from tests.mind.small_mind import CAPTIONS, painted, painter, vector

COUNT = 64
MEMORIES = torch.stack([painter().encode(painted(c, n).permute(1, 2, 0).numpy()) for n, c in enumerate(CAPTIONS[:COUNT])])
VECTORS = np.stack([vector(c) for c in CAPTIONS[:COUNT]])


def noise(seed: int) -> torch.Tensor:
    return torch.randn(MEMORIES.shape[1:], generator=torch.Generator().manual_seed(seed)) * DEFAULT.noise[0]


def recalled(words: str) -> torch.Tensor:
    return torch.softmax(torch.from_numpy(VECTORS @ vector(words)) / 0.07, 0)


def test_shares_are_exact_at_every_place() -> None:
    made = compose(MEMORIES, recalled("a red moon"), noise(0))
    assert torch.allclose(made.places.sum(0), torch.ones(()), atol=1e-5)
    assert torch.allclose(made.latent, (made.places[:, None] * MEMORIES).sum(0), atol=1e-5)
    assert float(made.shares.sum()) == pytest.approx(1, abs=1e-5)


def test_the_same_noise_gives_the_same_picture_and_other_noise_another() -> None:
    prior = recalled("a red moon")
    a, b, c = (compose(MEMORIES, prior, noise(seed)).latent for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.allclose(a, c, atol=0.1)


def test_a_picture_is_made_of_those_whom_the_words_recall() -> None:
    prior = recalled("a violet tower")
    called = torch.argsort(prior, descending=True)[:12]
    share = np.mean([float(compose(MEMORIES, prior, noise(seed)).shares[called].sum()) for seed in range(6)])
    blind = np.mean([float(compose(MEMORIES, torch.ones(COUNT), noise(seed)).shares[called].sum()) for seed in range(6)])
    assert share > 0.5 and share > 2 * blind


@pytest.mark.parametrize("attacked", range(0, COUNT, 8))
def test_a_copy_attack_fails(attacked: int) -> None:
    prior = torch.zeros(COUNT)
    prior[attacked] = 1.0
    made = compose(MEMORIES, prior, noise(attacked))
    floor = 0.25 * float((MEMORIES - MEMORIES[attacked]).square().mean((1, 2, 3)).sqrt().median())
    assert made.largest <= CAP and made.neff >= CROWD
    assert float((MEMORIES - made.latent).square().mean((1, 2, 3)).sqrt().min()) > floor


def test_the_cap_holds_for_any_logits() -> None:
    rng = torch.Generator().manual_seed(0)
    for scale in (0.1, 1.0, 10.0, 100.0, 1000.0):
        for n in (8, 9, 17, 64):
            logits = torch.randn(n, 16, 16, generator=rng) * scale
            logits[n // 2] += 3 * scale
            places, shares = limit(logits)
            assert float(shares.max()) <= max(CAP, 1.03 / n) and crowd(shares) >= min(CROWD, 0.98 * n)
            assert torch.allclose(places.sum(0), torch.ones(()), atol=1e-4)


def test_a_capped_picture_is_not_grey() -> None:
    contrast = []
    for seed in range(6):
        prior = torch.full((COUNT,), 1e-9)
        prior[seed * 7] = 1.0
        contrast.append(float(compose(MEMORIES, prior, noise(seed)).latent.flatten(1).std(1).mean()))
    own = float(MEMORIES.flatten(2).std(2).mean())
    assert np.mean(contrast) > 0.6 * own


def test_leaving_a_memory_out_changes_the_picture_by_its_share() -> None:
    shares, changes = [], []
    for seed in range(10):
        prior = recalled(CAPTIONS[seed * 6])
        whole = compose(MEMORIES, prior, noise(seed))
        order = torch.argsort(whole.shares, descending=True)
        for left_out in [*order[:10].tolist(), *order[10::5].tolist()]:
            kept = torch.arange(COUNT) != left_out
            without = compose(MEMORIES[kept], prior[kept], noise(seed))
            shares.append(float(whole.shares[left_out]))
            changes.append(float((without.latent - whole.latent).square().mean().sqrt()))
    found = spearmanr(shares, changes).statistic
    print(f"leave-one-out: Spearman {found:.2f} over {len(shares)} trials")
    assert len(shares) >= 200 and found >= 0.5


def test_few_memories_share_alike() -> None:
    made = compose(MEMORIES[:3], torch.tensor([1.0, 0.0, 0.0]), noise(0))
    assert made.largest <= 1.05 / 3 and made.neff == pytest.approx(3, rel=0.05)


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="one memory or more"):
        compose(MEMORIES[:0], torch.zeros(0), noise(0))
