"""The live view: the encoder's stream for anyone on this machine who connects, through a Unix-domain socket.

The stage's side never waits: a viewer who does not read in time is dropped and counted. Each segment is sent as its
length (4 bytes, big-endian) and its bytes; the first is the init segment, every later one begins with a key frame, so
a MediaSource can append them as they come.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from engine.core.guard import Guard
from engine.stage.outputs.encoder import Segment

BEHIND = 8 << 20  # bytes that the kernel keeps for one viewer: some ten seconds
_LENGTH = struct.Struct(">I")


class Live:
    """A Sink that viewers connect to at `address`, the path of a socket. Thread-safe."""

    def __init__(self, address: str = "", guard: Guard | None = None):
        self.guard = guard or Guard("live view")
        self._closed = False
        self._folder = None if address else tempfile.TemporaryDirectory(prefix="hypermnesia-")
        self.address = address or str(Path(self._folder.name) / "live") if self._folder else address
        self.dropped = 0  # viewers who did not read in time
        self._first: bytes | None = None
        self._newest: bytes | None = None
        self._viewers: list[socket.socket] = []
        self._lock = threading.Lock()
        with contextlib.suppress(FileNotFoundError):
            Path(self.address).unlink()
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(self.address)
        self._door.listen(16)
        threading.Thread(target=self._welcome, name="live", daemon=True).start()

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    def _welcome(self) -> None:
        while True:
            try:
                viewer, _ = self._door.accept()
            except OSError as wrong:
                if self._closed:
                    return
                self.guard.note("letting a viewer in", wrong)  # too many descriptors, one who left while coming in
                time.sleep(0.1)
                continue
            self.guard.run("letting a viewer in", self._begin, viewer, otherwise=None)

    def _begin(self, viewer: socket.socket) -> None:
        """The newest there is, for somebody who may have left again already."""
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BEHIND)
        viewer.setblocking(False)
        with self._lock:
            self._viewers.append(viewer)
            for data in (self._first, self._newest):
                if data and viewer in self._viewers:
                    self._send(viewer, data)

    def put(self, segment: Segment) -> bool:
        with self._lock:
            if segment.first:
                self._first, self._newest = segment.data, None
            else:
                self._newest = segment.data
            for viewer in list(self._viewers):
                self._send(viewer, segment.data)
        return True

    def _send(self, viewer: socket.socket, data: bytes) -> None:
        """All or nothing: half a segment would spoil the stream, so whoever has no room for one leaves."""
        message = _LENGTH.pack(len(data)) + data
        try:
            if viewer.send(message) == len(message):
                return
            self.dropped += 1
        except BlockingIOError:
            self.dropped += 1
        except OSError:
            pass  # the viewer has left
        self._viewers.remove(viewer)
        viewer.close()

    def close(self) -> None:
        self._closed = True
        # shutdown wakes the thread that waits in accept; close alone does not
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        with self._lock:
            for viewer in self._viewers:
                viewer.close()
            self._viewers.clear()
        with contextlib.suppress(FileNotFoundError):
            Path(self.address).unlink()
        if self._folder:
            self._folder.cleanup()


async def watch(address: str) -> AsyncIterator[bytes]:
    """The segments of a Live, the init segment first. Ends when the stage goes or this viewer is too slow.

    Raises OSError where nobody listens at `address`.
    """
    reader, writer = await asyncio.open_unix_connection(address)
    try:
        while True:
            (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            yield await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()
