"""The post between two rooms: small messages, bounded, counted, never blocking, safe when either side is killed.

A datagram socket pair: the kernel bounds it, and frees it with its processes.
"""

from __future__ import annotations

import pickle
import select
import socket
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any


class Mailbox:
    """One end of a two-way post between two processes. Either end may die; the other only loses letters.

    `send` drops the oldest waiting letter when the other side does not read, and counts it in `lost`.
    Any thread may send; one reads. Realtime-safe: no (it pickles, and holds a lock while the kernel takes a letter).
    """

    LARGEST = 180_000  # bytes: a datagram over the kernel's wmem_default (212,992) is refused

    def __init__(self, end: socket.socket, capacity: int = 512):
        self._end = end
        self._end.setblocking(False)
        self._waiting: deque[bytes] = deque()
        self._capacity = capacity
        self._posting = threading.Lock()
        self.lost = 0
        self.posted = 0  # letters that the kernel has taken: it takes a few, then none, while the other side does not read

    @staticmethod
    def pair() -> tuple[socket.socket, socket.socket]:
        """Two connected ends; give each to a Mailbox. A socket passes to a spawned process as an argument."""
        ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        return ends

    def send(self, letter: object) -> None:
        """Post one letter without waiting."""
        data = pickle.dumps(letter, protocol=5)
        if len(data) > self.LARGEST:
            raise ValueError(f"a letter of {len(data)} bytes ({type(letter).__name__}) does not fit in {self.LARGEST}")
        with self._posting:
            self._waiting.append(data)
            if len(self._waiting) > self._capacity:
                self._waiting.popleft()
                self.lost += 1
            self._post()

    def flush(self) -> None:
        """Try again to post what the other side had no room for. Call it once a tick."""
        with self._posting:
            self._post()

    def _post(self) -> None:
        while self._waiting:
            try:
                self._end.send(self._waiting[0])
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # the other end is gone (or full, which some kernels say as ENOBUFS)
                return
            self._waiting.popleft()
            self.posted += 1

    def drain(self) -> Iterator[Any]:
        """Everything that has arrived, in order, without waiting."""
        self.flush()
        while True:
            try:
                data = self._end.recv(1 << 20)
            except OSError:
                return
            if not data:
                return
            yield pickle.loads(data)

    def wait(self, seconds: float) -> bool:
        """Wait until a letter is there, at most so long; True if one is. Not for the loop."""
        return bool(select.select([self._end], [], [], max(0.0, seconds))[0])

    def fileno(self) -> int:
        return self._end.fileno()

    def close(self) -> None:
        self._end.close()
