"""Folding: the same answers from fewer operations."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from engine.mind.model.codec import Tiny
from engine.mind.model.cpu import can_pack, pack
from engine.mind.model.encoder import DIM, SLOTS
from engine.mind.model.families import PlainUNet, UNet
from engine.mind.model.fold import fold
from engine.mind.model.fused_upsample import UpsampleConv
from engine.mind.model.random_models import THIN, random_family
from tests.mind.model.turbo_models import embedded_family, embedded_unet, small_sd_unet, small_xl_unet, tiny_vae

CASES = {"embedded": (embedded_unet, (SLOTS, DIM)), "sd": (small_sd_unet, (77, 32)), "sdxl": (small_xl_unet, (78, 64))}

CHANNELS = {"embedded": 5, "sd": 4, "sdxl": 4}  # that the network dreams


class Shape:
    """Words that only have a shape."""

    def __init__(self, shape: tuple[int, int]):
        self.shape = shape

    def to(self, device: torch.device) -> None:
        return

    def condition(self, words: str) -> Tensor:
        return torch.randn(self.shape, generator=torch.Generator().manual_seed(len(words)))


def families(name: str) -> tuple[UNet, PlainUNet]:
    make, shape = CASES[name]
    unet, codec = make(), Tiny(tiny_vae())
    return tuple(kind(copy.deepcopy(unet), codec, None, Shape(shape)).eval() for kind in (UNet, PlainUNet))  # type: ignore[return-value]


@pytest.mark.parametrize("name", CASES)
@torch.inference_mode()
def test_a_folded_unet_says_what_the_unfolded_one_says(name: str) -> None:
    folded, plain = families(name)
    condition, x = (
        folded.words.condition("words"),
        torch.randn(1, CHANNELS[name], 16, 24, generator=torch.Generator().manual_seed(1)),
    )
    for timestep in (999.0, 499.0, 0.0):
        wanted = plain.predict(x, plain.prepare(condition, (timestep,), (128, 192)), 0)
        found = folded.predict(x, folded.prepare(condition, (timestep,), (128, 192)), 0)
        assert (found - wanted).abs().max() <= 1e-5 * max(1.0, float(wanted.abs().max()))


@torch.inference_mode()
def test_folding_hears_the_words_and_the_time() -> None:
    folded, _ = families("embedded")
    x = torch.randn(1, 5, 16, 16)
    slots = [
        folded.prepare(folded.words.condition(words), (t,), (128, 128))
        for words, t in (("a", 999.0), ("bb", 999.0), ("a", 99.0))
    ]
    first, other_words, other_time = (folded.predict(x, slot, 0) for slot in slots)
    assert (first - other_words).abs().max() > 1e-4
    assert (first - other_time).abs().max() > 1e-4


@torch.inference_mode()
def test_a_blend_of_slots_is_the_slot_of_the_blended_condition() -> None:
    folded, _ = families("sd")
    a, b = folded.words.condition("a"), folded.words.condition("bb")
    here, there = (folded.prepare(condition, (999.0,), (128, 128)) for condition in (a, b))
    weights = torch.rand(77, 2)
    out = tuple(torch.empty_like(part) for part in here)
    folded.mix(here, there, weights, torch.tensor(0.3), out)
    wanted = folded.prepare(a * weights[:, :1] + b * weights[:, 1:], (999.0,), (128, 128))
    assert (out[0] - wanted[0]).abs().max() <= 1e-5


class Count(TorchDispatchMode):
    """Counts operations that compute, not those that only look at memory in another way."""

    LOOKS = ("view", "aten.t.", "permute", "transpose", "unsqueeze", "split", "slice", "expand", "detach", "reshape",
             "select", "alias", "chunk", "empty", "as_strided")  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += not any(look in str(func) for look in self.LOOKS)
        return func(*args, **(kwargs or {}))


@torch.no_grad()
def test_sd_turbo_loses_a_fifth_of_its_operations() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=64, block_out_channels=(320, 640, 1280, 1280), layers_per_block=2, cross_attention_dim=1024,
            attention_head_dim=(5, 10, 20, 20), use_linear_projection=True,
            down_block_types=["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
            up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
        ).eval()  # fmt: skip
        x, t, words = torch.empty(1, 4, 64, 64), torch.empty(1, dtype=torch.long), torch.empty(1, 77, 1024)
        with Count() as before:
            unet(x, t, words)
    network, constants = fold(unet)
    with torch.device("meta"):
        kv, mod = constants.words_to_kv(words[0]), torch.empty(len(constants.time_bias))
        with Count() as after:
            network(x, kv, mod)
    assert after.operations <= 0.8 * before.operations, (before.operations, after.operations)


@pytest.mark.parametrize("blocks", [(1, 1, 1, 0), (1, 1, 1, 1), (1, 1, 0, 0), (1, 0, 0, 0)])
@torch.inference_mode()
def test_a_folded_decoder_paints_what_the_original_paints_to_the_border(blocks: tuple[int, ...]) -> None:
    vae = tiny_vae(16, blocks)
    latent = torch.randn(1, 4, 10, 14)
    wanted = vae.decode(latent).sample / 2 + 0.5
    assert (Tiny(vae).decode(latent) - wanted).abs().max() <= 1e-5


@torch.inference_mode()
def test_doubling_before_or_after_the_convolution_is_the_same() -> None:
    conv = nn.Conv2d(8, 12, 3, padding=1)
    x = torch.randn(1, 8, 5, 7)
    assert (UpsampleConv(conv)(x) - conv(F.interpolate(x, scale_factor=2.0))).abs().max() <= 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_packing_changes_nothing_but_the_time(dtype: torch.dtype) -> None:
    if not can_pack(dtype):
        pytest.skip(f"this processor or this torch packs no {dtype}")
    folded = embedded_family()
    layout = {"dtype": dtype, "memory_format": torch.channels_last}
    folded.network.to(**layout)
    folded.codec.to(**layout)
    x = torch.randn(1, 24, 16, 16, dtype=dtype)
    slot = folded.prepare(folded.words.condition("a"), (999.0,), (128, 128))

    def run() -> Tensor:
        return folded.codec.decode(folded.predict(x, slot, 0)).float()

    before = run()
    pack(folded, run)
    tolerance = 1e-5 if dtype == torch.float32 else 0.02  # sums are rounded once instead of three times
    assert (run() - before).abs().max() <= tolerance


def test_weights_are_packed_only_where_the_processor_computes_them() -> None:
    """Without AVX512-BF16 oneDNN refuses bfloat16 weights with an error: no show may end by it."""
    assert can_pack() == torch.backends.mkldnn.is_available()
    assert not can_pack(torch.float16)
    assert can_pack(torch.bfloat16) <= torch.ops.mkldnn._is_mkldnn_bf16_supported()


def test_what_cannot_be_folded_is_named() -> None:
    unet = embedded_unet()
    unet.mid_block.attentions[0].rescale_output_factor = 2.0
    with pytest.raises(ValueError, match="cannot be folded"):
        fold(unet)


@pytest.mark.parametrize("name", THIN)
@torch.inference_mode()
def test_nothing_of_a_folded_model_stays_behind_on_the_cpu(name: str) -> None:
    """Run on the meta device, where a tensor left on the CPU is an error, as it would be on a GPU."""
    meta, architecture = torch.device("meta"), THIN[name]
    family = random_family(architecture, torch.bfloat16, meta, Shape(architecture.words))  # type: ignore[arg-type]
    slot = family.prepare(torch.zeros(architecture.words), (999.0,), architecture.size)
    out = tuple(torch.empty_like(part) for part in slot)
    tokens = architecture.words[0]
    family.mix(slot, slot, torch.ones(tokens, 2, device=meta), torch.ones((), device=meta), out)
    latent = family.predict(torch.empty(1, *family.latent(architecture.size), dtype=torch.bfloat16, device=meta), out, 0)
    picture = family.codec.decode(latent)
    assert picture.shape == (1, 3, *architecture.size)
    assert family.codec.encode(picture).shape == latent.shape
