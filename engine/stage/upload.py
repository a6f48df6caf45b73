"""Pictures on their way into textures: over the host, or, where mind and stage have one GPU, inside its memory.

The mind's process offers three pieces of GPU memory (`engine.mind.export`); here they are opened, and a picture is copied
from there into a pixel buffer of GL that CUDA knows too. Whether that can be is no choice but a fact of the machine: GL has
to be drawn by the CUDA device that dreams. Where it is not, `how` says why, and pixels come over the host, which costs a
copy of 1 MiB for 512 x 512. GL thread only.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
from collections.abc import Iterator
from typing import Any, Protocol

import moderngl
import numpy as np

from engine.core.crossings import PictureRing
from engine.core.messages import Picture

log = logging.getLogger(__name__)
Handles = tuple[bytes, bytes, bytes]


class CannotShare(Exception):
    """GL and CUDA do not meet here; the message says why."""


@contextlib.contextmanager
def cannot_share() -> Iterator[None]:
    """cuda.core raises CUDAError, RuntimeError and others: whatever it is, the wall goes on over the host and says why."""
    try:
        yield
    except CannotShare:
        raise
    except Exception as wrong:
        raise CannotShare(f"{type(wrong).__name__}: {wrong}") from wrong


class Gpu(Protocol):
    """What is asked of CUDA. Calls raise CannotShare."""

    def open(self, gpu: str, handles: Handles) -> None:
        """Open memory that another process lends; what was open before is closed."""

    def fill(self, slot: int, buffer: moderngl.Buffer) -> None:
        """Copy the pixels of a slot into a GL buffer of their size; done when it returns."""

    def close(self) -> None: ...


class Upload:
    """Writes pictures into textures, by the shortest way there is."""

    def __init__(self, context: moderngl.Context, ring: PictureRing | None = None, gpu: Gpu | None = None):
        self.context, self.ring = context, ring
        self.how = "over the host: the mind has offered no GPU memory"
        self.inside = self.over = 0  # pictures that went each way
        self._gpu, self._offer, self._open = gpu, 0, False
        self._buffer: moderngl.Buffer | None = None

    def write(self, picture: Picture, texture: moderngl.Texture) -> None:
        """Fill a texture (w, h) RGBA8 with a picture; GL counts rows from below."""
        if picture.shared and self._reached() and self._inside(picture, texture):
            self.inside += 1
            return
        texture.write(np.ascontiguousarray(picture.rgba[::-1]))
        self.over += 1

    def _reached(self) -> bool:
        """Open the newest offer, once; a mind that was restarted makes another."""
        offer = self.ring.offered() if self.ring else None
        if offer is None or offer[0] == self._offer:
            return self._open
        self._offer, gpu, handles = offer
        try:
            self._gpu = self._gpu or CudaGl()
            self._gpu.open(gpu, handles)
            self._open, self.how = True, f"inside the GPU's memory ({gpu})"
        except CannotShare as why:
            self._open, self.how = False, f"over the host: {why}"
        log.info("pictures reach the wall %s", self.how)
        return self._open

    def _inside(self, picture: Picture, texture: moderngl.Texture) -> bool:
        assert self._gpu and self.ring
        size = picture.rgba.nbytes
        if self._buffer is None or self._buffer.size != size:
            if self._buffer:
                self._buffer.release()
            self._buffer = self.context.buffer(reserve=size, dynamic=True)
        try:
            self._gpu.fill(picture.serial % PictureRing.SLOTS, self._buffer)
        except CannotShare as why:
            self._open, self.how = False, f"over the host: {why}"
            log.warning("pictures reach the wall %s", self.how)
            return False
        if not self.ring.whole(picture.serial):  # the mind was quicker than this copy: the ring's own is whole
            return False
        texture.write(self._buffer)
        return True

    def release(self) -> None:
        if self._gpu:
            self._gpu.close()
        if self._buffer:
            self._buffer.release()
            self._buffer = None


class CudaGl:
    """CUDA on the device that draws GL, by cuda.core."""

    def __init__(self) -> None:
        try:
            from cuda import core
            from cuda.bindings import driver
        except ImportError:
            raise CannotShare("cuda.core is not installed (pip install 'hypermnesia[cuda]')") from None
        self._core, self._driver = core, driver
        try:
            answer = driver.cuInit(0)
        except Exception as missing:  # the bindings raise a class of their own for a driver that is not there
            raise CannotShare(f"no NVIDIA driver ({type(missing).__name__})") from None
        self._done(answer)
        with cannot_share():
            _, count, devices = driver.cuGLGetDevices(8, driver.CUGLDeviceList.CU_GL_DEVICE_LIST_ALL)
            self.drawing = [core.Device(int(device)) for device in devices[:count]] if count else []
        if not self.drawing:
            raise CannotShare("GL is drawn by no CUDA device")
        self._addresses: list[Any] = []
        self._resource: Any = None
        self._of = 0

    def open(self, gpu: str, handles: Handles) -> None:
        self.close()
        device = next((device for device in self.drawing if device.uuid == gpu), None)
        if device is None:
            drawn = ", ".join(f"{one.name} {one.uuid}" for one in self.drawing)
            raise CannotShare(f"GL is drawn by {drawn}, pictures are dreamt by {gpu}")
        with cannot_share():
            device.set_current()
            self._stream = device.create_stream()
            for data in handles:
                handle = self._driver.CUipcMemHandle()
                ctypes.memmove(handle.getPtr(), data, len(data))
                flags = self._driver.CUipcMem_flags.CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS
                self._addresses.append(self._done(self._driver.cuIpcOpenMemHandle(handle, flags)))

    def own(self, count: int) -> None:
        """Memory of this process in place of another's: for measuring what a copy costs."""
        self.close()
        with cannot_share():
            self.drawing[0].set_current()
            self._stream = self.drawing[0].create_stream()
            self._addresses.append(self._done(self._driver.cuMemAlloc(count)))

    def fill(self, slot: int, buffer: moderngl.Buffer) -> None:
        core = self._core
        with cannot_share():
            if self._resource is None or self._of != buffer.glo:
                self._unregister()
                self._resource = core.GraphicsResource.from_gl_buffer(buffer.glo, flags="write_discard")
                self._of = buffer.glo
            source = core.Buffer.from_handle(int(self._addresses[slot]), buffer.size)
            with self._resource.map(stream=self._stream) as target:
                target.copy_from(source, stream=self._stream)
            self._stream.sync()

    def _unregister(self) -> None:
        resource, self._resource = self._resource, None
        if resource is not None:
            resource.close()

    def close(self) -> None:
        """Give back what is open. What cannot be given back any more, because its owner or the context is gone, is let go."""
        with contextlib.suppress(CannotShare), cannot_share():
            self._unregister()
        addresses, self._addresses = self._addresses, []
        for address in addresses:
            self._driver.cuIpcCloseMemHandle(address)  # answers with a code, which is of no use here

    def _done(self, answer: tuple[Any, ...]) -> Any:
        if answer[0] != self._driver.CUresult.CUDA_SUCCESS:
            raise CannotShare(f"the driver says {answer[0].name}")
        return answer[1] if len(answer) > 1 else None


def probe() -> str:
    """How pictures could reach the wall of this machine, in a sentence. Opens a GL context of its own."""
    from engine.stage.window import headless

    context = headless()
    try:
        devices = ", ".join(device.name for device in CudaGl().drawing)
        return f"inside the GPU's memory: GL is drawn by {devices}"
    except CannotShare as why:
        return f"over the host: {why}"
    finally:
        context.release()
