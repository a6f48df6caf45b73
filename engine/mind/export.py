"""Pictures for the stage's process without the way over the host: three of them in the GPU's own memory.

CUDA lends memory to another process by a handle of 64 bytes. The memory is this file's own (`cuMemAlloc`): handles of
torch's pool would lend all of a block. A slot is written, and waited for, before the ring says that it is whole. What is
lent is never taken back while this process lives, for somebody may be reading it; smaller pictures lie in the same place.
"""

from __future__ import annotations

import ctypes
import logging
from typing import Any

import torch
from torch import Tensor

from engine.core.crossings import PictureRing
from engine.mind.dreamer import Dreamer
from engine.mind.model.device import Cuda

log = logging.getLogger("engine.mind")

HANDLE = 64  # bytes of a CUipcMemHandle


class Export:
    """The writer's side. The stream's thread only."""

    def __init__(self, ring: PictureRing, device: Cuda, size: tuple[int, int]):
        """Allocate and offer. Raises ImportError without cuda.core, RuntimeError for what the driver refuses."""
        from cuda.bindings import driver
        from cuda.core import Device

        self._device = device
        with torch.cuda.device(device.torch):
            count = size[0] * size[1] * 4
            memory = [int(_done(driver, driver.cuMemAlloc(count))) for _ in range(PictureRing.SLOTS)]
            handles = [_done(driver, driver.cuIpcGetMemHandle(address)) for address in memory]
        self._slots = [torch.as_tensor(_Lent(address, count), device=device.torch) for address in memory]
        self._written = device.event()
        first, second, third = (ctypes.string_at(handle.getPtr(), HANDLE) for handle in handles)
        ring.offer(Device(device.torch.index or 0).uuid, (first, second, third))

    def put(self, rgba: Tensor, serial: int) -> None:
        """Copy a picture (h, w, 4) u8 of the GPU into the slot of `serial`, rows from below as GL counts them; wait for it."""
        with self._device.painting():
            slot = self._slots[serial % PictureRing.SLOTS]
            slot[: rgba.numel()].view(rgba.shape).copy_(rgba.flip(0))
            self._written.record()
        self._written.wait()


def lend(ring: PictureRing, dreamer: Dreamer) -> Export | None:
    """An export for the pictures of a dreamer on a GPU; None where there is none, or where it cannot lend, said in the log."""
    device = getattr(dreamer, "device", None)
    if not isinstance(device, Cuda):
        return None
    try:
        return Export(ring, device, dreamer.size)
    except (ImportError, RuntimeError) as why:
        log.info("pictures go over the host: %s", why)
        return None


class _Lent:
    """An address as torch takes it."""

    def __init__(self, address: int, count: int):
        self.__cuda_array_interface__ = {"shape": (count,), "typestr": "|u1", "data": (address, False), "version": 3}


def _done(driver: Any, answer: tuple[Any, ...]) -> Any:
    """What a driver call gives, or RuntimeError with the driver's word for what is wrong."""
    if answer[0] != driver.CUresult.CUDA_SUCCESS:
        raise RuntimeError(f"the driver says {answer[0].name}")
    return answer[1] if len(answer) > 1 else None
