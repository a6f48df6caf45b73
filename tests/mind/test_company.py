"""A company in the stream: memories swell and fade, others come, and nothing is ever cut or copied."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from engine.mind.blend import CAP, CROWD, Composition, crowd
from engine.mind.company import PRESENT, SWELL, Company, Ensemble, gathered, swell
from engine.mind.stream import Walk

CHANNELS, CELLS, RATE = 8, 16, 8.0
CARRIES = torch.tensor([4.0, 1.6, 1.2, 0.5, 0.3, 0.2, 0.15, 0.05])


def memory(number: int) -> Tensor:
    """(c, h, w): soft shapes, another for every number, of about unit variance."""
    draw = torch.Generator().manual_seed(number & 0xFFFF)
    soft = torch.nn.functional.avg_pool2d(torch.randn(CHANNELS, CELLS + 4, CELLS + 4, generator=draw), 5, 1)
    return soft / soft.std((1, 2), keepdim=True)


def company(*numbers: int, prior: float = 1.0) -> Company:
    """Those memories; the first half of them is wanted more."""
    latents = [memory(one) for one in numbers]
    wanted = [prior if at < len(numbers) / 2 else 0.4 * prior for at in range(len(numbers))]
    return gathered(numbers, latents, [one.flip(2) for one in latents], wanted, 0)


def play(*acts: tuple[Company, int]) -> list[tuple[tuple[int, ...], Composition]]:
    """So many pictures of each company, 8 a second."""
    ensemble, walk, made = Ensemble(CARRIES), Walk((CHANNELS, CELLS, CELLS), 3), []
    for shown, pictures in acts:
        for _ in range(pictures):
            time = len(made) / RATE
            ensemble.next(shown, walk.at(time), time)
            assert ensemble.shown is not None
            made.append(ensemble.shown)
    return made


def apart(a: Composition, b: Composition) -> float:
    """rms between two pictures, weighted by what each channel carries."""
    return float(((a.latent - b.latent).square().mean((1, 2)) * CARRIES).mean().sqrt())


FIRST, SECOND, THIRD = company(*range(-1, -25, -1)), company(*range(100, 116)), company(-1, -2, -3, *range(200, 207))


def test_no_one_is_copied_in_any_picture_whoever_comes_and_goes() -> None:
    few = company(-1, -2, -3, *range(300, 307), prior=50.0)
    shown = play((FIRST, 15), (SECOND, 15), (few, 15), (THIRD, 15))
    assert len(shown) == 60
    for ids, made in shown:
        assert made.largest <= CAP and made.neff >= CROWD, (made.largest, made.neff, len(ids))
        assert len(ids) == len(made.shares) and float(made.shares.sum()) == pytest.approx(1, abs=1e-4)
        assert torch.allclose(made.places.sum(0), torch.ones(()), atol=1e-4)
        assert bool(torch.isfinite(made.latent).all())


def test_other_words_are_no_cut() -> None:
    shown = [made for _, made in play((FIRST, 24), (SECOND, 24), (FIRST, 24))]
    cut = apart(shown[23], shown[47])
    steps = [apart(a, b) for a, b in itertools.pairwise(shown)]
    assert max(steps) < 0.35 * cut, (max(steps), cut)
    within = [step for at, step in enumerate(steps) if at % 24 > 12]
    print(f"step {sum(within) / len(within):.3f}, at other words {max(steps):.3f}, a cut {cut:.3f}")


def test_what_other_words_want_is_there_within_a_second_and_a_half() -> None:
    shown = play((FIRST, 24), (SECOND, 13))
    ids, made = shown[-1]
    new = sum(float(share) for one, share in zip(ids, made.shares, strict=True) if one >= 100)
    assert new > 0.8


def test_whoever_is_not_wanted_leaves() -> None:
    shown = play((FIRST, 16), (SECOND, 40))
    assert set(shown[15][0]) <= set(FIRST.ids)
    assert set(shown[-1][0]) <= set(SECOND.ids)
    left = next(at for at, (ids, _) in enumerate(shown) if at > 16 and not set(ids) & set(FIRST.ids))
    assert left - 16 < 4 * RATE


def test_a_company_is_alive_though_its_words_stay() -> None:
    shown = play((FIRST, 100))
    assert all(len(ids) <= len(FIRST.ids) for ids, _ in shown)
    halves = [dict(zip(ids, made.shares.tolist(), strict=True)) for ids, made in (shown[20], shown[60], shown[99])]
    for one, other in itertools.pairwise(halves):
        turned = sum(abs(one.get(k, 0) - other.get(k, 0)) for k in {*one, *other}) / 2
        assert turned > 0.15, "five seconds later other memories carry the picture"


def test_a_memory_swells_in_its_own_time_and_never_leaves_entirely() -> None:
    for fragment in (-1, -2, 7, 500, -(1 << 40) - 12345):
        seconds = [swell(fragment, k / 10) for k in range(400)]
        assert 0 < min(seconds) < 0.1 and max(seconds) > 0.9
        assert max(abs(a - b) for a, b in itertools.pairwise(seconds)) < 0.12
        tops = [k / 10 for k in range(1, 399) if seconds[k - 1] < seconds[k] >= seconds[k + 1]]
        assert all(SWELL[0] - 0.2 <= b - a <= SWELL[1] + 0.2 for a, b in itertools.pairwise(tops))
    assert len({round(swell(-k, 0.0), 3) for k in range(1, 25)}) > 12, "not all at once"


def test_after_a_stall_it_goes_on_where_it_was() -> None:
    ensemble, noise = Ensemble(CARRIES), torch.zeros(CHANNELS, CELLS, CELLS)
    for k in range(8):
        ensemble.next(FIRST, noise, k / RATE)
    after = ensemble.next(SECOND, noise, 3600.0)
    ids, _ = ensemble.shown or ((), None)
    old = sum(float(share) for one, share in zip(ids, after.shares, strict=True) if one in FIRST.ids)
    assert old > 0.1, "half a second has passed, not an hour"


def test_a_smaller_picture_and_time_that_stands_still_are_shown_too() -> None:
    ensemble = Ensemble(CARRIES)
    ensemble.next(FIRST, torch.randn(CHANNELS, CELLS, CELLS), 1.0)
    small = Company(FIRST.ids, FIRST.latents[:, :, ::2, ::2].contiguous(), FIRST.prior)
    for time in (1.0, 1.0, 0.5, 1.2):
        made = ensemble.next(small, torch.randn(CHANNELS, CELLS // 2, CELLS // 2), time)
        assert made.latent.shape == (CHANNELS, CELLS // 2, CELLS // 2)
        assert bool(torch.isfinite(made.latent).all()) and made.largest <= CAP
        assert float(made.shares.max()) > 1.5 / PRESENT, "decided, not all alike for want of anything to follow"


def test_a_company_of_one_is_that_one() -> None:
    alone = company(5)
    ids, made = play((alone, 3))[-1]
    assert ids == (5,) and torch.allclose(made.latent, memory(5), atol=1e-4)


def test_no_more_are_composed_at_a_time_than_are_present() -> None:
    ids, made = play((FIRST, 1))[0]
    assert len(ids) == PRESENT and crowd(made.shares) <= PRESENT
