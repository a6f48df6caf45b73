"""A function of tensors as one thing to launch: what is called again and again with the same shapes, beside the pictures.

A text encoder of 23 layers is some hundred operations, and launching them one by one takes a host longer than a GPU takes
to compute them (24 ms against 4 on an H100). Here they are captured at the first call for each kind of input and
replayed from then on, on a stream of its own that gives way to the pictures'.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from engine.mind.model.device import Cpu, Cuda

log = logging.getLogger("engine.mind")
WARM = 3  # runs before a capture
KINDS = 4  # of inputs that are captured; others are called plainly


@dataclass(slots=True)
class _Graph:
    inputs: list[Tensor]
    launch: Callable[[], None]
    answer: list[Any]  # one: what the function gave, in memory that the next call overwrites


class Captured:
    """`function`, captured on `device` (one of its own: `beside()`). What is given is read, what is returned is
    overwritten by the next call. Waits for its answer. Any thread, one after another."""

    def __init__(self, function: Callable[..., Any], device: Cpu | Cuda):
        self.function, self.device = function, device
        self.captures = 0
        self._graphs: dict[Any, _Graph | None] = {}
        self._lock, self._done = threading.Lock(), device.event()

    def __call__(self, *args: Any, **named: Any) -> Any:
        leaves, shape = tree_flatten((args, named))
        key = (str(shape), *((tuple(one.shape), one.dtype) if isinstance(one, Tensor) else repr(one) for one in leaves))
        with self._lock:
            self.device.follow()
            if key not in self._graphs and len(self._graphs) < KINDS:
                self._graphs[key] = self._capture(leaves, shape)
            graph = self._graphs.get(key)
            if graph is None:
                return self.function(*args, **named)
            with torch.inference_mode(), self.device.painting():
                for mine, one in zip(graph.inputs, [one for one in leaves if isinstance(one, Tensor)], strict=True):
                    mine.copy_(one)
                graph.launch()
                self._done.record()
            self._done.wait()
            return graph.answer[0]

    def _capture(self, leaves: list[Any], shape: Any) -> _Graph | None:
        """None where it cannot be captured: it is called plainly then, which is right and slower."""
        answer: list[Any] = [None]
        try:
            with torch.inference_mode(), self.device.painting():
                own = [one.to(self.device.torch, copy=True) if isinstance(one, Tensor) else one for one in leaves]
                args, named = tree_unflatten(own, shape)

                def work() -> None:
                    answer[0] = self.function(*args, **named)

                for _ in range(WARM):
                    work()
                launch = self.device.capture(work)
        except RuntimeError as why:
            log.info("%s is not captured (%s)", getattr(self.function, "__qualname__", "a function"), str(why).split("\n")[0])
            return None
        self.captures += 1
        return _Graph([one for one in own if isinstance(one, Tensor)], launch, answer)
