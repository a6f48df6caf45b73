"""What a CPU needs to be quick: half precision where the processor computes it, and weights laid as it reads them.

Measured on an AMD EPYC 9004 (AVX512-BF16, one thread, embedded model at 256²): plain float32 132 ms a picture;
bfloat16 with channels last 67; folded 53; packed as well 45. Its convolutions then run at 98 % of what the core can
multiply (228 GFLOP/s), so what is left is arithmetic.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.machine import cache_folder, keep, kept, processor
from engine.mind.model.device import lay

_NO_SUM = "none"


class Packed(nn.Module):
    """A convolution whose weights lie as oneDNN reads them; activation and sum happen in the same pass.

    Bit for bit what nn.Conv2d gives (same kernel), without reordering the weights at every call: 26 % of the time of
    a 256-channel convolution at 8x8. For one input size; others work and are slower.
    """

    def __init__(self, conv: nn.Conv2d, shape: tuple[int, ...], activation: str = _NO_SUM):
        super().__init__()
        self.at: list[list[int] | int] = [
            [*_pair(conv.padding)],
            [*_pair(conv.stride)],
            [*_pair(conv.dilation)],
            conv.groups,
        ]
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(conv.weight.detach(), *self.at, list(shape))
        self.bias = None if conv.bias is None else conv.bias.detach()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, self.weight, self.bias, *self.at, self.activation, [], ""
        )
        return answer

    def plus(self, x: Tensor, other: Tensor) -> Tensor:
        """relu(conv(x) + other)."""
        answer: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
            x, other, self.weight, self.bias, *self.at, "add", 1.0, "relu", [], ""
        )
        return answer


class PackedBlock(nn.Module):
    """AutoencoderTinyBlock: three convolutions, a skip, ReLUs, all of them inside the convolutions."""

    def __init__(self, block: Any, shape: tuple[int, ...]):
        super().__init__()
        first, _, second, _, third = block.conv
        self.first, self.second = Packed(first, shape, "relu"), Packed(second, shape, "relu")
        self.third = Packed(third, shape)
        self.skip = block.skip if isinstance(block.skip, nn.Identity) else Packed(block.skip, shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.third.plus(self.second(self.first(x)), self.skip(x))


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, str):
        raise ValueError(f"a convolution with padding {value!r} cannot be packed")
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


def can_pack(dtype: torch.dtype = torch.float32) -> bool:
    """Whether this torch brings the operations (wherever it is built with oneDNN), and this processor computes `dtype`."""
    oneDNN: Any = torch.backends.mkldnn
    there = bool(oneDNN.is_available()) and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    return there and (dtype == torch.float32 or (dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()))


@torch.no_grad()
def pack(module: nn.Module, run: Callable[[], Any]) -> None:
    """Replace every convolution that `run` calls inside `module`. The module stays on the CPU from then on."""
    shapes: dict[nn.Module, tuple[int, ...]] = {}
    wanted = [part for part in module.modules() if isinstance(part, nn.Conv2d) or _is_tiny_block(part)]

    def see(part: nn.Module, inputs: tuple[Any, ...]) -> None:
        shapes[part] = tuple(inputs[0].shape)

    hooks = [part.register_forward_pre_hook(see) for part in wanted]
    run()
    for hook in hooks:
        hook.remove()
    _replace(module, shapes)


def _is_tiny_block(part: nn.Module) -> bool:
    return type(part).__name__ == "AutoencoderTinyBlock" and all(
        isinstance(layer, nn.ReLU)
        for layer in (part.conv[1], part.conv[3], part.fuse)  # type: ignore[index]
    )


def _replace(module: nn.Module, shapes: dict[nn.Module, tuple[int, ...]]) -> None:
    for name, part in list(module.named_children()):
        if part in shapes:
            shape = shapes[part]
            setattr(module, name, Packed(part, shape) if isinstance(part, nn.Conv2d) else PackedBlock(part, shape))
        else:
            _replace(part, shapes)


# --- which precision, which machine ----------------------------------------------------------------------------------


def computes_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 (AVX512-BF16 or AMX); without it bfloat16 is slower than float32."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def precision(asked: str, cache: Path | None = None) -> torch.dtype:
    """The dtype to compute in: "float32", "bfloat16", or "auto": the quicker one, measured on one convolution.

    The choice is kept in `cache` for this processor and torch, so that one machine always makes the same pictures.
    """
    named = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if asked in named:
        return named[asked]
    if asked != "auto":
        raise ValueError(f"precision {asked!r} is unknown; possible: auto, {', '.join(named)}")
    if not computes_bfloat16():
        return torch.float32
    key = f"{processor()} torch {torch.__version__}"
    cache = cache or cache_folder() / "precision.json"
    known = kept(cache)
    if known.get(key) not in named:
        took = {name: seconds(_probe(dtype)) for name, dtype in named.items()}
        known[key] = min(took, key=lambda name: took[name])
        keep(cache, known)
    return named[known[key]]


def _probe(dtype: torch.dtype) -> Callable[[], Tensor]:
    """A convolution as the models have them: 128 channels at 32x32."""
    conv = nn.Conv2d(128, 128, 3, padding=1).requires_grad_(False)
    lay(conv, dtype)
    x = torch.zeros(1, 128, 32, 32, dtype=dtype).contiguous(memory_format=torch.channels_last)
    return lambda: conv(x)


def seconds(run: Callable[[], Any], times: int = 8, clock: Callable[[], float] = time.perf_counter) -> float:
    """The quickest of a few runs, after one to warm up. A loaded machine can only make it slower, not quicker."""
    run()
    found = []
    for _ in range(times):
        began = clock()
        run()
        found.append(clock() - began)
    return min(found)
