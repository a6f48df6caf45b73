"""The linear codec: what is painted comes back crisp, and decoding is one small convolution."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.bench.picture import transposed
from engine.mind.model import embedded
from engine.mind.model.lapped import HOP, Lapped, deblocked, ordered
from engine.painter.paint import KINDS, paint
from tests.mind.model.turbo_models import lapped, paintings, young


def decibels(wanted: Tensor, found: Tensor) -> float:
    """PSNR of pictures in 0..1."""
    return float(-10 * torch.log10((wanted - found.clamp(0, 1)).square().mean()))


@pytest.mark.parametrize("shape", [(4, 4), (12, 12), (8, 14), (2, 9)])
def test_decoding_is_a_transposed_convolution(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    codec = Lapped(24)
    for part in (codec.synthesis, codec.mean):
        part.data.normal_()
    codec.spread.uniform_(0.1, 3.0)
    latent = torch.randn(2, 24, *shape)
    found, wanted = codec.decode(latent), transposed(codec, latent)
    assert found.shape == (2, 3, HOP * shape[0], HOP * shape[1])
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-5)


@torch.inference_mode()
def test_paintings_never_seen_come_back_through_the_shipped_codec() -> None:
    codec = Lapped.load(embedded.FOLDER / "codec")
    shown = torch.stack([paint(kind, 1, (256, 256), seed=911)[0][0] for kind in KINDS[::5]])
    latent = codec.encode(shown)
    assert latent.shape == (len(shown), 24, 32, 32)
    back = codec.decode(latent)
    each = [decibels(one, again) for one, again in zip(shown, back, strict=True)]
    assert decibels(shown, back) > 35 and min(each) > 28, each
    step = [float((x[..., 1:] - x[..., :-1]).abs().mean()) for x in (shown, back)]
    assert step[1] > 0.85 * step[0], "as crisp as it was painted"


def test_more_channels_bring_back_more() -> None:
    shown = paintings()
    each = [decibels(shown, lapped(count).decode(lapped(count).encode(shown))) for count in (4, 8, 16, 24)]
    assert each == sorted(each) and each[-1] > 30, each


def test_channels_are_ordered_by_what_they_carry_and_have_mean_0_and_deviation_1() -> None:
    codec = lapped()
    latent = codec.encode(paintings())
    assert latent.mean((0, 2, 3)).abs().max() < 1e-3
    assert (latent.std((0, 2, 3)) - 1).abs().max() < 1e-3
    carries = codec.carries
    assert (carries.diff() <= 0).all() and float(carries.mean()) == pytest.approx(1, abs=1e-5)
    backwards = young()
    for part in (backwards.analysis, backwards.synthesis, backwards.mean, backwards.spread):
        part.data = part.data.flip(0)
    assert torch.allclose(ordered(backwards, paintings()).carries, carries, atol=1e-3)


def test_what_a_channel_carries_is_what_is_lost_without_it() -> None:
    codec, latent = lapped(), torch.randn(4, 24, 16, 16, generator=torch.Generator().manual_seed(1))
    lost = []
    for channel in range(0, 24, 5):
        without = latent.clone()
        without[:, channel] = 0
        lost.append(float((codec.decode(without) - codec.decode(latent)).square().mean()))
    share = codec.carries[::5] / codec.carries[0]
    assert torch.allclose(torch.tensor(lost) / lost[0], share, rtol=0.15)


def test_a_saved_codec_is_the_same_and_a_missing_one_is_named(tmp_path: Path) -> None:
    codec, shown = lapped(), paintings()
    codec.save(tmp_path)
    again = Lapped.load(tmp_path)
    assert torch.equal(again.encode(shown), codec.encode(shown)) and again.channels == 24
    with pytest.raises(FileNotFoundError, match=r"lapped\.safetensors is missing; make it with `hypermnesia train`"):
        Lapped.load(tmp_path / "nowhere")


def test_deblocking_makes_steps_across_borders_smaller_and_leaves_latents_alone() -> None:
    made = embedded.load().codec
    pictures = torch.cat([paint(kind, 1, (128, 128), seed=4)[0] for kind in ("sea", "sky", "fish")])
    softer = deblocked(copy.deepcopy(made), 0.1)

    def weave(codec: Lapped) -> float:
        """Steps across the borders of places against all steps."""
        steps = codec.decode(codec.encode(pictures)).diff(dim=3).abs().mean((0, 1, 2))
        return float(steps[7::8].mean() / steps.mean())

    assert torch.equal(softer.encode(pictures), made.encode(pictures))
    assert weave(softer) < 0.87 * weave(made)
