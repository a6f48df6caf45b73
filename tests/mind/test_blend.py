"""A picture out of what each place decided: in bands without seams, its shares exact."""

from __future__ import annotations

import torch

from engine.mind.blend import CAP, CROWD, POWERS, STRONGER, bands, blend, blurred, within
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


def test_bands_add_up_to_the_memories_and_what_is_published_is_the_mean_of_their_shares_by_what_they_carry() -> None:
    cut = bands(memories(), CARRIES)
    whole = torch.zeros_like(memories())
    for band in cut:
        whole[:, band.channels] += band.parts
    assert torch.allclose(whole, memories(), atol=1e-5) and abs(sum(band.worth for band in cut) - 1) < 1e-6
    assert [band.channels for band in cut] == [slice(0, 3), slice(0, 3), slice(3, 6), slice(6, 8)]
    made = blend(memories(), decided(), CARRIES)
    published = []
    for power in POWERS:  # as clearly as the limits allowed
        clear = decided() ** power
        blurs = [blurred(clear / clear.sum(0), band.reach) for band in cut]
        published.append(torch.stack([band.worth * blur for band, blur in zip(cut, blurs, strict=True)]).sum(0))
    assert any(torch.allclose(one, made.places, atol=1e-5) for one in published)


def test_where_memories_agree_the_picture_is_what_they_are() -> None:
    alike = memories()[:1].expand(COUNT, -1, -1, -1)
    assert torch.allclose(blend(alike, decided(), CARRIES).latent, alike[0], atol=1e-3)
    assert torch.allclose(blend(alike, decided()).latent, alike[0], atol=1e-3)


def test_where_nobody_knows_what_channels_carry_the_picture_is_the_sum_of_its_shares() -> None:
    made = blend(memories(), decided())
    assert torch.allclose(made.latent, (made.places[:, None] * memories()).sum(0), atol=1e-5)


def test_large_forms_flow_further_into_one_another_than_small_ones() -> None:
    reaches = [band.reach for band in bands(memories(), CARRIES)]
    assert reaches == sorted(reaches, reverse=True) and reaches[0] > 2 * reaches[-1]
    half = torch.zeros(COUNT, CELLS, CELLS)
    half[:6, :, : CELLS // 2], half[6:, :, CELLS // 2 :] = 1 / 6, 1 / 6
    sides = torch.cat([torch.ones(6), -torch.ones(6)])[:, None, None, None].expand(COUNT, len(CARRIES), CELLS, CELLS)
    steep = blend(sides, half, CARRIES).latent.diff(dim=2).abs().amax((1, 2))
    assert steep[0] < 0.6 * steep[3] and steep[0] < 0.6 * steep[6]


def test_a_mean_of_memories_is_as_strong_as_they_are() -> None:
    """Twelve that differ, all alike at every place: their mean has a twelfth of their power, the picture the most of it that it may have."""
    everywhere = torch.full((COUNT, CELLS, CELLS), 1 / COUNT)
    fine = slice(6, 8)
    power = float(memories()[:, fine].square().mean())
    mean = float(memories()[:, fine].mean(0).square().mean())
    made = float(blend(memories(), everywhere, CARRIES).latent[fine].square().mean())
    assert mean < 0.1 * power and abs(made / mean - STRONGER**2) < 0.1 * STRONGER**2
    pairs = decided(200.0)  # nearly everywhere one alone: nothing is missing there
    made = float(blend(memories(), pairs, CARRIES).latent[fine].square().mean())
    assert 0.85 * power < made < 1.15 * power


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
