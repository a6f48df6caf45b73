"""Where the pipeline runs: a GPU with streams, events and graphs, or a CPU that answers to the same calls.

The two classes have the same methods, so the pipeline is written once. On a CPU a stream is nothing, an event is a time
that was noted, and a captured graph is the function itself.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Event(Protocol):
    """A point in the work of a stream."""

    def record(self) -> None: ...
    def wait(self) -> None:
        """Wait on the host, sleeping, until the work before it is done."""

    def milliseconds_since(self, other: Any) -> float: ...


class Device(Protocol):
    """What the pipeline asks of the machine it runs on."""

    torch: torch.device
    flows: bool  # whether what flows from thought to thought is computed here, so that the host sends numbers alone

    def painting(self) -> contextlib.AbstractContextManager[Any]:
        """Work inside goes to the pictures' own stream."""

    def preparing(self) -> contextlib.AbstractContextManager[Any]:
        """Work inside goes to the words' stream, beside the pictures'."""

    def beside(self) -> Device:
        """The same device for a second pipeline, which may be used by another thread."""

    def follow(self) -> None:
        """The pictures' stream waits for what this thread has begun on its current one; nothing waits on the host."""

    def hand_over(self) -> None:
        """What was prepared may be read by the pictures' stream; nothing waits on the host."""

    def take_back(self) -> None:
        """What the pictures' stream has read may be written again by the words' stream."""

    def aside(self) -> None:
        """Called once by a thread that captures beside the painting one: what it paints goes to a stream of its own."""

    def event(self) -> Event: ...
    def pinned(self, like: Tensor) -> Tensor:
        """Host memory of the same shape, from and to which copies need not wait."""

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """`work` as one thing to launch. It must have run before, in this thread, on the pictures' stream."""

    def allocated(self) -> int:
        """Bytes that torch has taken from the device."""


def lay(module: nn.Module, dtype: torch.dtype) -> None:
    """Bring a module to a precision, its channels last: what tensor cores and AVX512 read."""
    module.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]


class Moment:
    """An event of a CPU: everything before it is done when it is reached."""

    def __init__(self) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()

    def wait(self) -> None:
        return

    def milliseconds_since(self, other: Moment) -> float:
        return (self.at - other.at) * 1e3


class Cpu:
    """A CPU: one thread of calls, each done when it returns."""

    flows = False

    def __init__(self) -> None:
        self.torch = torch.device("cpu")

    def painting(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()

    preparing = painting

    def beside(self) -> Cpu:
        return self

    def hand_over(self) -> None:
        return

    take_back = aside = follow = hand_over

    def event(self) -> Moment:
        return Moment()

    def pinned(self, like: Tensor) -> Tensor:
        return torch.empty_like(like)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        return work

    def allocated(self) -> int:
        return 0  # torch keeps no account of host memory; the tests look at the process instead


class CudaEvent:
    """A CUDA event that sleeps instead of spinning: the CPU belongs to the compositor and the sound."""

    def __init__(self, stream: torch.cuda.Stream):
        self._stream = stream
        self.raw = torch.cuda.Event(enable_timing=True, blocking=True)  # type: ignore[no-untyped-call]

    def record(self) -> None:
        self.raw.record(self._stream)

    def wait(self) -> None:
        self.raw.synchronize()

    def milliseconds_since(self, other: CudaEvent) -> float:
        return float(other.raw.elapsed_time(self.raw))


class Cuda:
    """One GPU: pictures on a stream of high priority, words on another, one graph at a time on each pool.

    One thread paints; another may capture anew meanwhile, on a stream of its own. Nothing here waits for the whole
    device once it is made.
    """

    flows = True

    def __init__(self, index: int = 0, priority: int = -1) -> None:
        self.torch = torch.device("cuda", index)
        torch.cuda.set_device(self.torch)
        torch.backends.cudnn.benchmark = True  # shapes never change: the quickest of its convolutions, tried before a capture
        self._paint = torch.cuda.Stream(self.torch, priority=priority)  # type: ignore[no-untyped-call]
        self._prepare = torch.cuda.Stream(self.torch, priority=0)  # type: ignore[no-untyped-call]
        self._prepared, self._read = torch.cuda.Event(), torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._own = threading.local()  # a thread that recaptures must not capture on the stream that paints

    def beside(self) -> Cuda:
        """The same GPU with streams of its own, for pictures that the wall does not wait for."""
        return Cuda(self.torch.index or 0, priority=0)

    def painting(self) -> contextlib.AbstractContextManager[Any]:
        return torch.cuda.stream(getattr(self._own, "stream", self._paint))

    def preparing(self) -> contextlib.AbstractContextManager[Any]:
        return torch.cuda.stream(self._prepare)

    def follow(self) -> None:
        getattr(self._own, "stream", self._paint).wait_stream(torch.cuda.current_stream(self.torch))

    def hand_over(self) -> None:
        self._prepared.record(self._prepare)
        self._paint.wait_event(self._prepared)

    def take_back(self) -> None:
        self._read.record(self._paint)
        self._prepare.wait_event(self._read)

    def event(self) -> CudaEvent:
        return CudaEvent(self._paint)

    def pinned(self, like: Tensor) -> Tensor:
        return torch.empty(like.shape, dtype=like.dtype, pin_memory=True)

    def aside(self) -> None:
        self._own.stream = torch.cuda.Stream(self.torch, priority=0)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Capture without the device-wide wait that `torch.cuda.graph` begins with; other threads go on meanwhile.

        The graph holds a memory pool of its own, so two graphs may be in flight. Raises what the work raises.
        """
        graph = torch.cuda.CUDAGraph()
        stream = getattr(self._own, "stream", self._paint)
        stream.synchronize()
        with torch.cuda.stream(stream):
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                work()
            finally:
                graph.capture_end()
        return graph.replay

    def allocated(self) -> int:
        return int(torch.cuda.memory_reserved(self.torch))


def open_device(name: str) -> Cpu | Cuda:
    """ "auto", "cpu", "cuda" or "cuda:1". Asked-for acceleration that cannot be had is an error."""
    kind, _, index = name.partition(":")
    if kind not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device {name!r} is unknown; possible: auto, cpu, cuda, cuda:N")
    if kind == "cpu" or (kind == "auto" and not torch.cuda.is_available()):
        return Cpu()
    if not torch.cuda.is_available():
        raise ValueError("device cuda was asked for and torch sees none; `hypermnesia doctor` says why, or use auto")
    return Cuda(int(index or 0))


_WORDS = ("can't allocate memory", "could not create a memory", "could not create a primitive", "could not execute a p")


def out_of_memory(error: Exception) -> bool:
    """A GPU says it by class; the CPU's allocator and oneDNN only in words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in _WORDS)
