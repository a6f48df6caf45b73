"""What a GPU does in one launch a CPU does in one call: the same answers, from memory that does not move."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.bench.profile import Watch
from engine.mind.model import attention
from engine.mind.model.attention import prefer, preferred, quickest, shapes
from engine.mind.model.captured import KINDS, Captured
from engine.mind.model.device import Cpu
from engine.mind.model.graph import Pipeline
from engine.mind.model.norm import has_triton, plain
from tests.mind.model.test_compiled import SIZE, family
from tests.mind.model.turbo_models import small_clip

CUDA = pytest.mark.skipif(not torch.cuda.is_available() or not has_triton(), reason="the kernel runs on a GPU, and there is none here")


def test_a_captured_text_encoder_says_what_the_plain_one_says() -> None:
    """CLIP's, as a pipeline calls it: what it says is read through the same object."""
    encoder, tokens = small_clip(), torch.randint(0, 90, (3, 1, 77), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = [encoder(each, attention_mask=None)[0].clone() for each in tokens]
        encoder.forward = Captured(encoder.forward, Cpu())
        assert all(torch.equal(encoder(each, attention_mask=None)[0], one) for each, one in zip(tokens, wanted, strict=True))
    assert encoder.forward.captures == 1


def test_each_kind_of_input_is_captured_once_and_too_many_are_called_plainly() -> None:
    twice = Captured(lambda x, factor=2: x * factor, Cpu())
    for n in (1, 2, 1, 2):
        assert torch.equal(twice(torch.ones(n)), torch.full((n,), 2.0))
    assert twice.captures == 2
    for n in range(1, 10):
        assert torch.equal(twice(torch.ones(n), factor=3), torch.full((n,), 3.0))
    assert twice.captures == KINDS


def test_memory_of_the_answer_does_not_move_and_the_callers_is_not_kept() -> None:
    double = Captured(lambda x: x * 2, Cpu())
    given = torch.ones(3)
    first = double(given)
    given.fill_(7.0)
    assert torch.equal(double(torch.full((3,), 4.0)), torch.full((3,), 8.0)) and first.shape == (3,)


def test_what_cannot_be_captured_is_called_plainly_and_said(caplog: pytest.LogCaptureFixture) -> None:
    class Refuses(Cpu):
        def capture(self, work: Callable[[], None]) -> Callable[[], None]:
            raise RuntimeError("operation not permitted when stream is capturing")

    caplog.set_level(logging.INFO, "engine.mind")
    double = Captured(lambda x: x * 2, Refuses())
    assert torch.equal(double(torch.ones(2)), torch.full((2,), 2.0)) and double.captures == 0
    assert "not permitted when stream is capturing" in caplog.text


def test_the_quickest_attention_is_measured_kept_and_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = shapes(Pipeline(family(), SIZE, Cpu()).rehearse)
    assert asked and all(len(query) == 4 for query, _, _ in asked)
    cache, here = tmp_path / "attention.json", torch.device("cpu")
    found = quickest(asked, here, ("FLASH_ATTENTION", "MATH"), cache)
    assert found in ("FLASH_ATTENTION", "MATH")
    assert quickest(asked, here, ("MATH",), tmp_path / "one.json") == "MATH"
    monkeypatch.setattr(attention, "_seconds", lambda *_: pytest.fail("it was measured before"))
    assert quickest(asked, here, ("FLASH_ATTENTION", "MATH"), cache) == found
    assert quickest(type(asked)(), here) == ""
    q = torch.randn(1, 2, 16, 8)
    wanted = F.scaled_dot_product_attention(q, q, q)
    prefer("MATH")
    assert preferred() == "MATH" and torch.allclose(F.scaled_dot_product_attention(q, q, q), wanted, atol=1e-6)
    prefer("")
    assert preferred() == "" and torch.equal(F.scaled_dot_product_attention(q, q, q), wanted)


def test_an_attention_that_a_device_does_not_have_is_not_chosen(tmp_path: Path) -> None:
    asked = shapes(lambda: F.scaled_dot_product_attention(*[torch.zeros(1, 2, 16, 8)] * 3))
    if not torch.cuda.is_available():
        assert quickest(asked, torch.device("cpu"), ("CUDNN_ATTENTION",), tmp_path / "attention.json") in ("", "CUDNN_ATTENTION")


def test_no_layout_is_converted_but_of_latents() -> None:
    """Channels lie last from the first convolution to the last: what is turned are four channels on their way in and out."""
    made = family()
    pipeline = Pipeline(made, SIZE, Cpu())
    with Watch() as watch:
        pipeline.rehearse()
    latents = ("aten.conv2d.default", "aten.add.Tensor", "aten.new_empty.default")  # and the memory that a decoder's last layer writes to
    assert set(watch.converted) <= set(latents) and sum(watch.converted.values()) <= 4
    assert watch.operations > 100 and watch.bytes > 1e6
    made.network.conv_in.register_forward_hook(lambda module, inputs, answer: answer.contiguous())  # somebody turns it
    with Watch() as watch:
        pipeline.rehearse()
    assert sum(watch.converted.values()) > 4


@CUDA
@pytest.mark.parametrize("silu", [True, False])
@pytest.mark.parametrize("channels, side, groups, dtype", [(320, 64, 32, torch.float32), (960, 32, 32, torch.bfloat16), (40, 7, 4, torch.float32)])
def test_the_kernel_says_what_torch_says(channels: int, side: int, groups: int, dtype: torch.dtype, silu: bool) -> None:
    from engine.mind.model.norm_kernel import fused

    torch.manual_seed(0)
    x: Tensor = (torch.randn(1, channels, side, side, device="cuda") * 3 + 5).to(dtype).contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(2, channels, device="cuda", dtype=dtype).unbind()
    found, wanted = fused(x, groups, weight, bias, 1e-5, silu), plain(x.float(), groups, weight.float(), bias.float(), 1e-5, silu)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert (found.float() - wanted).abs().max() <= (2e-5 if dtype == torch.float32 else 0.07)
