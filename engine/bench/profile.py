"""What a picture is made of: its longest kernels, the bytes that its operations move, and how often a layout is converted.

Operations are watched one by one as they are called plainly, so that the count is the same on any device; kernels are
what the device says it ran, launched as the show launches them (on a GPU: out of the graph).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from engine.mind.model.model import Model

CONVERSIONS = re.compile("nchwToNhwc|nhwcToNchw|convertTensor|NCHWToNHWC|reorder", re.IGNORECASE)  # kernels of cuDNN and oneDNN
LONGEST = 10


class Watch(TorchDispatchMode):
    """Counts what is called inside: operations, bytes read and written (views are free), and pictures whose layout turned."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations, self.bytes = 0, 0
        self.converted: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        into = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        out = [one for one in tree_leaves(found) if isinstance(one, Tensor)]
        if not getattr(func, "is_view", False):
            self.operations += 1
            self.bytes += sum(one.numel() * one.element_size() for one in (*into, *out))
            if (any(map(_last, into)) and any(map(_first, out))) or (any(map(_first, into)) and any(map(_last, out))):
                self.converted[str(func)] += 1
        return found


def _picture(one: Tensor) -> bool:
    return one.dim() == 4 and one.shape[0] == 1 and one.shape[1] > 1 and one.shape[2] * one.shape[3] > 1


def _last(one: Tensor) -> bool:
    """Whether this is a picture whose channels lie last, and only so."""
    return _picture(one) and one.is_contiguous(memory_format=torch.channels_last) and not one.is_contiguous()


def _first(one: Tensor) -> bool:
    return _picture(one) and one.is_contiguous() and not one.is_contiguous(memory_format=torch.channels_last)


def profile(model: Model) -> dict[str, Any]:
    """Of one picture of a model's stream."""
    condition, noise = model.condition("a lake under snow"), torch.randn(model.latent)
    for _ in range(3):
        model.paint(condition, noise)
    with Watch() as watch:
        model._stream.rehearse()
    times = kernels(lambda: model.paint(condition, noise))
    longest = sorted(times.items(), key=lambda one: -one[1])[:LONGEST]
    return {
        "operations": watch.operations, "megabytes": watch.bytes / 1e6, "conversions": sum(watch.converted.values()),
        "converted by": dict(watch.converted), "conversion kernels": sum(1 for name in times if CONVERSIONS.search(name)),
        "kernels": [{"kernel": name[:120], "ms": ms} for name, ms in longest],
    }  # fmt: skip


def kernels(run: Callable[[], Any]) -> dict[str, float]:
    """Milliseconds of every kernel of `run`, by name, of the device that it runs on."""
    kinds = [torch.profiler.ProfilerActivity.CPU]
    if torch.cuda.is_available():
        kinds = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=kinds) as seen:
        run()
    averages: Any = seen.key_averages()
    times = {one.key: float(one.self_device_time_total if torch.cuda.is_available() else one.self_cpu_time_total) / 1e3 for one in averages}
    return {name: ms for name, ms in times.items() if ms > 0}
