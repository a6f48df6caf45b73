"""The live view for browsers that play no stream: pictures as JPEGs, sound as samples, out of the same fragments.

Each piece begins with a letter: "J" and a JPEG at most WIDTH wide, or "A" and mono s16le samples at RATE. Decoding runs
in a thread of its own for each watcher.
"""

from __future__ import annotations

import asyncio
import io
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import av

MOST = 4  # watchers at once
WIDTH, FPS, RATE = 640, 10.0, 24_000
ROOM = 32  # pieces that may wait for a slow browser; older ones go


class _Stream(io.RawIOBase):
    """What arrives, as a file that av reads; blocks until there is more."""

    def __init__(self) -> None:
        self.incoming: queue.Queue[bytes] = queue.Queue(64)
        self._rest = b""
        self._ended = False

    def end(self, at_once: bool = True) -> None:
        """No more will come; `at_once`: what waits is forgotten. Never blocks: the event loop calls."""
        if at_once or self.incoming.full():
            with self.incoming.mutex:
                self.incoming.queue.clear()
        self.incoming.put_nowait(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if not self._rest and not self._ended:
            self._rest = self.incoming.get()
            self._ended = not self._rest  # an end is asked for more than once
        size = min(len(into), len(self._rest))
        into[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


async def pieces(fragments: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Pieces for one watcher, from the init segment on, until the fragments end. Event loop."""
    loop, stream = asyncio.get_running_loop(), _Stream()
    out: asyncio.Queue[bytes | None] = asyncio.Queue()

    def put(piece: bytes | None) -> None:
        if out.qsize() >= ROOM:
            out.get_nowait()
        out.put_nowait(piece)

    def tell(piece: bytes | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(put, piece)

    async def feed() -> None:
        async for fragment in fragments:
            if not stream.incoming.full():  # a decoder that is late has lost the thread; it starts anew at the next init
                stream.incoming.put_nowait(fragment)
        stream.end(at_once=False)

    threading.Thread(target=_decode, args=(stream, tell), name="plain view", daemon=True).start()
    feeding = asyncio.create_task(feed())
    try:
        while (piece := await out.get()) is not None:
            yield piece
    finally:
        feeding.cancel()
        stream.end()  # of the file: the thread ends


def _decode(stream: _Stream, tell: Any) -> None:
    """Thread: decode until the stream ends."""
    try:
        with av.open(io.BufferedReader(stream), format="mp4") as container:
            resampler, shown = av.AudioResampler("s16", "mono", RATE), -1.0
            for frame in container.decode(*container.streams.video[:1], *container.streams.audio[:1]):
                if isinstance(frame, av.AudioFrame):
                    for part in resampler.resample(frame):
                        tell(b"A" + part.to_ndarray().tobytes())
                elif frame.time is not None and (frame.time - shown >= 0.9 / FPS or frame.time < shown):
                    shown = frame.time
                    tell(b"J" + _jpeg(frame))
    except (av.FFmpegError, ValueError, OSError, EOFError):
        pass  # it broke off; the page comes back
    finally:
        tell(None)


def _jpeg(frame: Any) -> bytes:
    image = frame.to_image()
    image.thumbnail((WIDTH, WIDTH))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
