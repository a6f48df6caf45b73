"""One light and one place: a crowd that becomes a picture instead of a collage."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.mind import light
from engine.mind.light import CONTRAST, LIT, Placing, one_light, one_place


def crowd(count: int = 6, channels: int = 8, cells: int = 16, seed: int = 0) -> Tensor:
    """(n, c, h, w) with means and contrasts of their own."""
    draw = torch.Generator().manual_seed(seed)
    soft = torch.nn.functional.avg_pool2d(torch.randn(count, channels, cells + 4, cells + 4, generator=draw), 5, 1) * 4
    bright = torch.randn(count, channels, 1, 1, generator=draw)
    return soft * torch.linspace(0.7, 1.4, count)[:, None, None, None] + bright


def test_one_light_brings_the_means_of_all_together() -> None:
    before = crowd()
    after = one_light(before, 4)
    wanted = before[:4].mean((2, 3)).median(0)[0]
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(other.mean((1, 2)) - wanted, (one.mean((1, 2)) - wanted) * (1 - LIT), atol=1e-4, rtol=1e-3)


def test_one_light_brings_contrasts_together_and_keeps_small_forms_beside_large_ones() -> None:
    before = crowd()
    after = one_light(before, 4)
    grown = after.std((2, 3)) / before.std((2, 3))  # (n, c)
    assert torch.allclose(grown, grown[:, :1].expand_as(grown), rtol=1e-3), "one factor for all channels of a memory"
    large = [latents[:, 0].std((1, 2)) for latents in (before, after)]
    assert large[1].log().std() < 0.4 * large[0].log().std()


def test_a_flat_memory_is_not_blown_up() -> None:
    before = crowd()
    before[2] = before[2].mean((1, 2), keepdim=True) + 1e-3 * torch.randn_like(before[2])
    grown = one_light(before, 6).std((2, 3)) / before.std((2, 3))
    assert bool(torch.isfinite(grown).all()) and float(grown.max()) <= CONTRAST[1] + 1e-3 and float(grown.min()) >= CONTRAST[0] - 1e-3


def scene(side: int = 32) -> Tensor:
    """(5, side, side): a form left of the middle, in three colours and two small channels."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    form = torch.exp(-((x - 11) ** 2 / 30 + (y - 17) ** 2 / 60)) + 0.5 * torch.exp(-((x - 15) ** 2 + (y - 9) ** 2) / 12)
    return torch.stack([form, -form, 0.5 * form, form.diff(dim=1, prepend=form[:, :1]), form.diff(dim=0, prepend=form[:1])])


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, -3), (-3, 1), (3, 3)])
def test_one_place_finds_a_known_shift(down: int, right: int) -> None:
    here = scene()
    there = here.roll((down, right), (1, 2))
    placed = one_place(torch.stack([here, there]), torch.stack([here, there]).flip(3), 2)
    inside = (slice(None), slice(6, -6), slice(6, -6))
    assert torch.equal(placed[0], here)
    torch.testing.assert_close(placed[1][inside], here[inside], atol=1e-4, rtol=1e-4)


def test_one_place_finds_a_mirror() -> None:
    here = scene()
    there = here.flip(2)
    placed = one_place(torch.stack([here, there]), torch.stack([here.flip(2), here]), 2)
    inside = (slice(None), slice(6, -6), slice(6, -6))
    torch.testing.assert_close(placed[1][inside], here[inside], atol=1e-4, rtol=1e-4)


def test_only_those_who_belong_together_are_moved() -> None:
    here = scene()
    there = here.roll((3, 3), (1, 2))
    stacked = torch.stack([here, there, there])
    placed = one_place(stacked, stacked.flip(3), 2)
    assert not torch.equal(placed[1], there) and torch.equal(placed[2], there)


def test_what_looks_like_nothing_stays_where_it_is() -> None:
    here, flat = scene(), torch.zeros(5, 32, 32)
    placed = one_place(torch.stack([here, flat]), torch.stack([here, flat]), 2)
    assert torch.equal(placed[1], flat) and bool(torch.isfinite(placed).all())


def test_a_crowd_that_comes_again_lies_as_it_would_have_lain_and_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    place, many, looked = Placing(), crowd(9), []
    other = many.clone()
    other[2] += 0.1
    find = light._best
    for came, models in ((many[:4], 4), (many[:4], 4), (many[:6], 6), (many, 9), (many, 3), (other, 9), (crowd(4, cells=8), 4), (many, 9)):
        wanted = one_place(came, came.flip(3), models)
        monkeypatch.setattr(light, "_best", lambda *all: looked.append(1) or find(*all))
        assert torch.equal(place(came, came.flip(3), models), wanted)
        monkeypatch.setattr(light, "_best", find)
    assert len(looked) == 3 + 0 + 2 + 3 + 0 + 7 + 3 + 0
