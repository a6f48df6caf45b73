"""The live view on its way to browsers: one reader of the stage's stream, many watchers, none of them waited for.

The stage offers a Unix stream socket. Whoever connects is sent frames of a 4-byte big-endian length and that many
bytes: first the init segment of a fragmented mp4, then whole fragments. The doors connect only while somebody watches,
so that nothing is encoded for nobody.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

log = logging.getLogger("engine.doors.live")

LARGEST = 32 << 20  # bytes of one fragment: a second of 4K video is about 5 MB
AGAIN = 1.0  # seconds before another try to connect


class Watcher:
    """One browser: a few fragments wait for it; when it falls further behind it starts anew from the live edge."""

    ROOM = 24

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(self.ROOM)
        self.started = False  # the init segment has been queued


class Live:
    """Fans one stream out. Belongs to the event loop; `counts` takes watchers dropped for slowness."""

    def __init__(self, path: str | None, counts: Counter[str]):
        self.path, self.counts = path, counts
        self.watchers: set[Watcher] = set()
        self.why = "" if path else "this show offers no live view"  # why nothing is to be seen, if nothing is
        self._init = b""
        self._task: asyncio.Task[None] | None = None

    async def watch(self, leaving: asyncio.Future[Any]) -> AsyncGenerator[bytes, None]:
        """The init segment and then fragments, until the stream ends, the watcher is too slow or `leaving` is done."""
        watcher = Watcher()
        leaving.add_done_callback(lambda _: self._drop(watcher))
        self.watchers.add(watcher)
        self._begin(watcher)
        if self.path and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._read())
        try:
            while (piece := await watcher.queue.get()) is not None:
                yield piece
        finally:
            self.watchers.discard(watcher)

    def close(self) -> None:
        """Say goodbye to all watchers."""
        for watcher in list(self.watchers):
            self._drop(watcher)
        if self._task:
            self._task.cancel()

    def _begin(self, watcher: Watcher) -> None:
        if self._init and not watcher.started:
            watcher.queue.put_nowait(self._init)
            watcher.started = True

    async def _read(self) -> None:
        """Stay connected while somebody watches."""
        while self.watchers:
            assert self.path
            try:
                reader, writer = await asyncio.open_unix_connection(self.path)
            except OSError as wrong:
                self.why = f"the stage does not answer at {Path(self.path).name}: {wrong.strerror or wrong}"
                await asyncio.sleep(AGAIN)
                continue
            try:
                await self._pass_on(reader)
            except (OSError, asyncio.IncompleteReadError, ValueError) as wrong:
                self.why = f"the live view broke off: {wrong}"
                log.info("%s", self.why)
            finally:
                writer.close()
                self._init = b""
            for watcher in list(self.watchers):
                self._drop(watcher)
            await asyncio.sleep(0.1)

    async def _pass_on(self, reader: asyncio.StreamReader) -> None:
        while self.watchers:
            (size,) = struct.unpack(">I", await reader.readexactly(4))
            if not 0 < size <= LARGEST:
                raise ValueError(f"a fragment of {size} bytes")
            piece = await reader.readexactly(size)
            self.why = ""
            if piece[4:8] == b"ftyp":  # an init segment: the first, or the encoder has started anew
                self._init = piece
                for watcher in self.watchers:
                    watcher.started = False
            if not self._init:
                raise ValueError("a stream that does not begin with its init segment")
            for watcher in list(self.watchers):
                if watcher.queue.full():
                    self.counts["live_dropped"] += 1
                    self._drop(watcher)
                elif piece is self._init:
                    self._begin(watcher)
                else:
                    watcher.queue.put_nowait(piece)

    def _drop(self, watcher: Watcher) -> None:
        """End a watcher's stream; its page comes back and starts anew."""
        self.watchers.discard(watcher)
        if watcher.queue.full():
            watcher.queue.get_nowait()
        watcher.queue.put_nowait(None)
