"""What crosses between rooms in shared memory: pictures, grains, keys, the clock. Bounded, counted, never blocking.

Either side may be killed: nothing here holds a lock that a dead process could keep. Sequence numbers guard what lies
there: a writer makes the number odd, writes, and makes it even again; a reader that sees it odd or changed has read
nothing. Small messages go by post (`engine.core.mailbox`).
"""

from __future__ import annotations

import contextlib
import pickle
import struct
import sys
from multiprocessing import resource_tracker, shared_memory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import ENVELOPES, Grain, Keystroke, Picture


class Shared:
    """A named piece of shared memory. The creator unlinks it; the others only look."""

    def __init__(self, size: int, name: str | None = None):
        self.owner = name is None
        self.memory = shared_memory.SharedMemory(create=True, size=size) if name is None else _attach(name)
        self.name = self.memory.name

    @property
    def buffer(self) -> memoryview:
        assert self.memory.buf is not None, "closed"
        return self.memory.buf

    def close(self) -> None:
        with contextlib.suppress(BufferError):  # a numpy view is still alive; the mapping goes with the process
            self.memory.close()
        if self.owner:
            self.memory.unlink()


def _attach(name: str) -> shared_memory.SharedMemory:
    """Look at memory that another process owns, without becoming one of those who unlink it at their end."""
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name=name, track=False)
    register = resource_tracker.register  # before 3.13 whoever attaches also registers, and so unlinks
    resource_tracker.register = lambda *_: None  # type: ignore[assignment]
    try:
        return shared_memory.SharedMemory(name=name)
    finally:
        resource_tracker.register = register


class PictureRing:
    """Three slots of pictures in shared memory: one writer, many readers, the newest wins.

    A slot holds rgba (h, w, 4) u8, latent f16, shares f16 and the pickled State. Writer and readers never wait.
    """

    SLOTS = 3
    TAIL = 1 << 19  # bytes for latent, shares and state of one picture
    _TOP = 256  # bytes before the first slot: what is newest, and GPU memory that is offered
    _OFFER = struct.Struct("<q40s64s64s64s")  # number of the offer, the GPU's name, a handle for each slot
    _HEAD = struct.Struct("<qqqqqqqqqqq")  # sequence, h, w, latent c h w, shares n r c, state bytes, shared

    def __init__(self, largest: tuple[int, int] = (1024, 1024), name: str | None = None):
        h, w = largest
        self._slot = self._HEAD.size + h * w * 4 + self.TAIL
        self._shared = Shared(self._TOP + self.SLOTS * self._slot, name)
        self._buffer = self._shared.buffer
        self._newest = np.ndarray(2, np.int64, self._buffer)  # serial of the newest picture, largest h << 32 | w
        if self._shared.owner:
            self._newest[:] = 0, (h << 32) | w
        else:
            h, w = int(self._newest[1]) >> 32, int(self._newest[1]) & 0xFFFFFFFF
            self._slot = self._HEAD.size + h * w * 4 + self.TAIL
        self.largest = h, w
        self.name = self._shared.name

    def write(self, picture: Picture, shared: bool = False) -> int:
        """Put a picture beside the newest and make it the newest; returns its serial. One writer only.

        `shared`: its pixels lie in the offered GPU memory of this serial's slot, whole.
        """
        h, w = picture.rgba.shape[:2]
        if h * w > self.largest[0] * self.largest[1]:
            raise ValueError(f"a picture of {w}x{h} does not fit into a ring for {self.largest[1]}x{self.largest[0]}")
        state = pickle.dumps(picture.state, protocol=5)
        tail = picture.latent.astype(np.float16).tobytes() + picture.shares.astype(np.float16).tobytes() + state
        if len(tail) > self.TAIL:
            raise ValueError(f"latent, shares and state need {len(tail)} bytes, a slot has {self.TAIL}")
        serial = int(self._newest[0]) + 1
        base = self._base(serial)
        head = (h, w, *picture.latent.shape, *picture.shares.shape, len(state), shared)
        self._HEAD.pack_into(self._buffer, base, 2 * serial - 1, *head)  # odd: being written
        at = base + self._HEAD.size
        pixels = np.ndarray(h * w * 4, np.uint8, self._buffer, at)
        pixels[:] = picture.rgba.reshape(-1)
        self._buffer[at + h * w * 4 : at + h * w * 4 + len(tail)] = tail
        struct.pack_into("<q", self._buffer, base, 2 * serial)  # even: whole
        self._newest[0] = serial
        return serial

    @property
    def serial(self) -> int:
        """Serial of the newest picture; 0 before the first."""
        return int(self._newest[0])

    def newest(self, after: int = 0) -> Picture | None:
        """A copy of the newest picture if its serial is greater than `after`, else None."""
        for _ in range(3):  # a writer that laps us twice within one copy is faster than we need
            serial = self.serial
            if serial <= after:
                return None
            base = self._base(serial)
            sequence, h, w, c, lh, lw, n, rows, cols, size, shared = self._HEAD.unpack_from(self._buffer, base)
            if sequence != 2 * serial:
                continue
            at = base + self._HEAD.size
            rgba = np.ndarray((h, w, 4), np.uint8, self._buffer, at).copy()
            tail = bytes(self._buffer[at + h * w * 4 : at + h * w * 4 + 2 * (c * lh * lw + n * rows * cols) + size])
            if struct.unpack_from("<q", self._buffer, base)[0] != sequence:
                continue
            latent = np.frombuffer(tail, np.float16, c * lh * lw).reshape(c, lh, lw)
            shares = np.frombuffer(tail, np.float16, n * rows * cols, 2 * c * lh * lw).reshape(n, rows, cols)
            return Picture(rgba, latent, shares, pickle.loads(tail[-size:]), serial, bool(shared))
        return None

    def _base(self, serial: int) -> int:
        return self._TOP + (serial % self.SLOTS) * self._slot

    def whole(self, serial: int) -> bool:
        """Whether a picture still lies in its slot, and nobody has begun to write another over it."""
        return self.serial - serial < self.SLOTS - 1

    # GPU memory, where writer and reader have one GPU

    def offer(self, gpu: str, handles: tuple[bytes, bytes, bytes]) -> None:
        """Writer's side: memory of `gpu` (its UUID) for the pixels of each slot, by CUDA's handles of 64 bytes."""
        number = self._OFFER.unpack_from(self._buffer, 16)[0]
        number += 2 if number & 1 else 1  # odd: being written; it may have been left so by a writer that was killed
        struct.pack_into("<q", self._buffer, 16, number)
        self._OFFER.pack_into(self._buffer, 16, number, gpu.encode(), *handles)
        struct.pack_into("<q", self._buffer, 16, number + 1)  # even: whole

    def offered(self) -> tuple[int, str, tuple[bytes, bytes, bytes]] | None:
        """Reader's side: (number of the offer, the GPU's UUID, handles); None where there is none, or it is being written."""
        number, gpu, *handles = self._OFFER.unpack_from(self._buffer, 16)
        torn = number & 1 or number != struct.unpack_from("<q", self._buffer, 16)[0]
        return None if torn or not gpu.rstrip(b"\0") else (number, gpu.rstrip(b"\0").decode(), tuple(handles))

    def retract(self) -> None:
        """Reader's side, before there is a writer: what a writer that is gone had offered in its GPU's memory is gone too."""
        self.offer("", (b"", b"", b""))
        for slot in range(self.SLOTS):
            at = self._TOP + slot * self._slot
            head = list(self._HEAD.unpack_from(self._buffer, at))
            self._HEAD.pack_into(self._buffer, at, *head[:-1], 0)

    def close(self) -> None:
        del self._newest, self._buffer
        self._shared.close()


GRAIN = np.dtype(
    [("time", "f8"), ("source", "i8"), ("position", "f4"), ("duration", "f4"), ("rate", "f4"), ("gain", "f4"),
     ("pan", "f4"), ("cutoff", "f4"), ("envelope", "i4"), ("prompt", "i4")]
)  # fmt: skip
_ENVELOPE = {name: number for number, name in enumerate(ENVELOPES)}


def grain_row(grain: Grain, time: float) -> tuple[float | int, ...]:
    """A Grain as a row of GRAIN; `time` is its start in monotonic seconds. Detune is folded into the rate."""
    rate = grain.rate * 2.0 ** (grain.detune / 12.0)
    how = _ENVELOPE[grain.envelope], int(grain.prompt)
    return (time, grain.source, grain.position, grain.duration, rate, grain.gain, grain.pan, grain.cutoff, *how)


class Ring:
    """Rows of one dtype on their way to the sound room: one writer, one reader, `capacity` places; full, it loses the new."""

    dtype: ClassVar[np.dtype[Any]]

    def __init__(self, capacity: int = 4096, name: str | None = None):
        self._shared = Shared(24 + capacity * self.dtype.itemsize, name)
        self._index = np.ndarray(3, np.int64, self._shared.buffer)  # read, written, capacity
        if self._shared.owner:
            self._index[:] = 0, 0, capacity
        self._capacity = int(self._index[2])
        self._rows = np.ndarray(self._capacity, self.dtype, self._shared.buffer, 24)
        self.name = self._shared.name
        self.lost = 0

    def add(self, row: tuple[float | int, ...]) -> None:
        """Writer's side. Realtime-safe: yes."""
        read, written = int(self._index[0]), int(self._index[1])
        if written - read >= self._capacity:
            self.lost += 1
            return
        self._rows[written % self._capacity] = row
        self._index[1] = written + 1

    def take(self) -> NDArray[Any]:
        """Reader's side: all that arrived, a copy (n,) of the dtype."""
        read, written = int(self._index[0]), int(self._index[1])
        if read == written:
            return np.empty(0, self.dtype)
        rows = self._rows[np.arange(read, written) % self._capacity]
        self._index[0] = written
        return rows

    def close(self) -> None:
        del self._index, self._rows
        self._shared.close()


class GrainRing(Ring):
    """Grains from the loop to the sound room."""

    dtype: ClassVar[np.dtype[Any]] = GRAIN

    def put(self, grain: Grain, time: float) -> None:
        """Writer's side; `time` is its start in monotonic seconds. Realtime-safe: yes."""
        self.add(grain_row(grain, time))


class KeyRing(Ring):
    """Keys from the doors to the sound room, past the loop: what is typed is heard while a frame is being drawn."""

    dtype: ClassVar[np.dtype[Any]] = np.dtype([("time", "f8"), ("bits", "f4"), ("deleted", "i4")])

    def put(self, key: Keystroke) -> None:
        """Writer's side. Realtime-safe: yes."""
        self.add((key.at, key.bits, int(key.deleted)))


class ClockPage:
    """What the sound room publishes each block: where its samples are in monotonic time, and how it fares."""

    FIELDS = (
        "running",  # 1 while a device (real or null) is being fed
        "sample",  # number of the first sample of the newest block
        "seconds",  # monotonic seconds at which that sample leaves the DAC, filtered
        "rate",  # samples per monotonic second, measured
        "nominal",  # samples per second asked for
        "block",  # samples in a block
        "real",  # 1 for a real device, 0 for the null device
        "underruns",
        "slow",  # of them: the block took longer to compute than it lasts (see sound/lateness.py)
        "starved",  # of them: the audio thread was ready and had no CPU
        "stolen",  # of them: a hypervisor took the CPUs
        "python",  # of them: something else in the process held the block up
        "host",  # of them: the device or its driver asked too late
        "grains",  # started
        "late",  # grains that came after their time
        "behind",  # seconds by which the latest of them came
        "lost",  # grains without a source or over the limit
        "faults",  # grains and blocks that were not finite, and not played
        "active",  # grains sounding now
        "level",  # rms of the newest block, 0..1
        "peak",  # largest magnitude of the newest block
        "load",  # share of the block's time that was spent computing
        "latency",  # seconds between a callback and the DAC
        "keys",  # seconds from a key to its sound at the DAC: p95 of the newest 200
    )

    def __init__(self, name: str | None = None):
        self._shared = Shared(8 * (len(self.FIELDS) + 1), name)
        self._sequence = np.ndarray(1, np.int64, self._shared.buffer)
        self._values = np.ndarray(len(self.FIELDS), np.float64, self._shared.buffer, 8)
        if self._shared.owner:
            self._sequence[0] = 0
            self._values[:] = 0.0
        self.name = self._shared.name

    def publish(self, **values: float) -> None:
        """Sound room only. Realtime-safe: yes, apart from Python itself."""
        self._sequence[0] |= 1
        for name, value in values.items():
            self._values[self.FIELDS.index(name)] = value
        self._sequence[0] += 1

    def read(self) -> dict[str, float]:
        """One consistent reading. Never waits long: a writer holds the page for microseconds."""
        for _ in range(100):
            before = int(self._sequence[0])
            values = self._values.copy()
            if before == int(self._sequence[0]) and not before & 1:
                break
        return dict(zip(self.FIELDS, values.tolist(), strict=True))

    def close(self) -> None:
        del self._sequence, self._values
        self._shared.close()
