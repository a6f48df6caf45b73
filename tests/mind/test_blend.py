"""A picture out of what each place decided: in bands without seams, its shares exact."""

from __future__ import annotations

import torch

from engine.mind.compose import BANDS, CAP, CROWD, blend, blurred, within
from engine.mind.model.codec import gauss

CARRIES = torch.tensor([8.0, 3.0, 2.0, 0.5, 0.4, 0.3, 0.2, 0.1])
COUNT, CELLS = 12, 16


def decided(sharp: float = 6.0, seed: int = 0) -> torch.Tensor:
    """(n, h, w): places that decide, neighbours alike."""
    draw = torch.Generator().manual_seed(seed)
    wished = torch.nn.functional.avg_pool2d(torch.randn(COUNT, CELLS + 4, CELLS + 4, generator=draw), 5, 1) * 5
    return torch.softmax(sharp * wished, 0)


def memories(seed: int = 1) -> torch.Tensor:
    return torch.randn(COUNT, len(CARRIES), CELLS, CELLS, generator=torch.Generator().manual_seed(seed))


def test_published_shares_sum_to_one_at_every_place_and_over_the_picture() -> None:
    for sharp in (0.0, 1.0, 6.0, 60.0):
        made = blend(memories(), decided(sharp), CARRIES)
        assert torch.allclose(made.places.sum(0), torch.ones(CELLS, CELLS), atol=1e-5)
        assert torch.allclose(made.places.mean((1, 2)), made.shares, atol=1e-6)
        assert abs(float(made.shares.sum()) - 1) < 1e-5 and float(made.places.min()) >= 0


def test_each_band_is_made_of_its_own_shares_and_what_is_published_is_their_mean_by_what_they_carry() -> None:
    """Each memory is one number everywhere and zero elsewhere: the picture then shows the shares of every band."""
    own = []
    for one in range(COUNT):
        marked = torch.zeros(COUNT, len(CARRIES), CELLS, CELLS)
        marked[one] = 1.0
        own.append(blend(marked, decided(), CARRIES).latent)
    shares = torch.stack(own)  # (n, c, h, w)
    assert torch.allclose(shares.sum(0), torch.ones(()), atol=1e-4)
    bands = [0, 0, 0, 1, 1, 1, 2, 2]
    for channel, band in enumerate(bands):
        assert torch.equal(shares[:, channel], shares[:, bands.index(band)])
    published = (shares * (CARRIES / CARRIES.sum())[None, :, None, None]).sum(1)
    assert torch.allclose(published, blend(memories(), decided(), CARRIES).places, atol=1e-5)


def test_large_forms_flow_further_into_one_another_than_small_ones() -> None:
    half = torch.zeros(COUNT, CELLS, CELLS)
    half[:6, :, : CELLS // 2], half[6:, :, CELLS // 2 :] = 1 / 6, 1 / 6
    sides = torch.cat([torch.ones(6), -torch.ones(6)])[:, None, None, None].expand(COUNT, len(CARRIES), CELLS, CELLS)
    latent = blend(sides, half, CARRIES).latent
    steep = latent.diff(dim=2).abs().amax((1, 2))
    assert steep[0] < 0.6 * steep[3] < 0.6 * steep[6]
    assert steep[0] == steep[2] and steep[3] == steep[5] and len(BANDS) == 3


def test_limits_hold_for_what_is_published_last() -> None:
    for seed in range(12):
        greedy = decided(40.0, seed)
        greedy[seed % COUNT] += 3.0
        made = blend(memories(), greedy / greedy.sum(0), CARRIES)
        assert made.largest <= CAP and made.neff >= CROWD and within(made.shares)


def test_a_blur_keeps_the_sum_of_shares_at_every_place() -> None:
    soft = blurred(decided(), 2.2)
    assert torch.allclose(soft.sum(0), torch.ones(()), atol=1e-5)
    assert torch.allclose(gauss(16, 2.2, torch.device("cpu")).sum(1), torch.ones(16), atol=1e-6)
    assert torch.equal(blurred(torch.ones(1, CELLS, CELLS), 0.7).round(decimals=5), torch.ones(1, CELLS, CELLS))
