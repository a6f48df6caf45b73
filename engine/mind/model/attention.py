"""Which of torch's attentions is quickest on this GPU for these shapes: measured at start, kept, and asked first from then on.

Which one that is depends on the card (cuDNN's wins on Hopper only), and torch's own order does not look. The others
stay possible: where the quickest cannot compute a shape, such as a mask, torch takes the next.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from engine.core.machine import cache_folder, keep, kept

GPU = ("FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION")
EACH = 20  # runs of each shape
Shapes = Counter[tuple[tuple[int, ...], tuple[int, ...], torch.dtype]]  # (query, key), dtype -> calls a picture


class _Watch(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen: Shapes = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            self.seen[tuple(args[0].shape), tuple(args[1].shape), args[0].dtype] += 1
        return func(*args, **(kwargs or {}))


def shapes(run: Callable[[], Any]) -> Shapes:
    """The attentions that `run` asks for."""
    watch = _Watch()
    with watch:
        run()
    return watch.seen


@torch.inference_mode()
def quickest(asked: Shapes, device: torch.device, backends: Iterable[str] = GPU, cache: Path | None = None) -> str:
    """The backend that takes the least time for all of these; "" where there is none to choose. Kept per card, driver and torch."""
    if not asked:
        return ""
    card = str(torch.cuda.get_device_properties(device)) if device.type == "cuda" else device.type
    facts = (card, torch.__version__, torch.version.cuda, sorted(map(repr, asked.items())), tuple(backends))
    cache, key = cache or cache_folder() / "attention.json", hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    known = kept(cache)
    if key not in known:
        took = {name: sum(count * _seconds(name, each, device) for each, count in asked.items()) for name in backends}
        best = min(took, key=lambda name: took[name])
        known[key] = best if math.isfinite(took[best]) else ""
        keep(cache, known)
    return str(known[key])


def _seconds(name: str, asked: tuple[tuple[int, ...], tuple[int, ...], torch.dtype], device: torch.device) -> float:
    """Of one call; infinite where this backend cannot."""
    query, key, dtype = asked
    q, k, v = (torch.randn(shape, device=device, dtype=dtype) for shape in (query, key, key))
    wait: Callable[[], None] = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    try:
        with sdpa_kernel(SDPBackend.__members__[name]):
            for number in range(EACH + 3):
                if number == 3:  # libraries choose and allocate in the first ones
                    wait()
                    begun = time.perf_counter()
                F.scaled_dot_product_attention(q, k, v)
            wait()
    except RuntimeError:
        return math.inf
    return (time.perf_counter() - begun) / EACH


_open: tuple[str, contextlib.ExitStack] = "", contextlib.ExitStack()  # torch's order belongs to the process: who is first, and the context that says so


def prefer(name: str) -> None:
    """Ask this backend first from here on, the others after it; "" leaves torch's own order. For a process with one model: the mind's."""
    global _open
    _open[1].close()
    _open = name, contextlib.ExitStack()
    if name:
        order = [name, *(other for other in (*GPU, "MATH") if other != name)]
        _open[1].enter_context(sdpa_kernel([SDPBackend.__members__[each] for each in order], set_priority=True))


def preferred() -> str:
    """Who is asked first; "" where nothing was said."""
    return _open[0]
