"""How OSC travels over TCP: packets after their length (OSC 1.0) or in SLIP frames (OSC 1.1; RFC 1055), as each connection likes."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable

from pythonosc import slip

from engine.doors.packet import LARGEST
from engine.doors.wires import Receive, Sender, most_crowding, plain_name

TCP_TURN = 0.001  # seconds of work for each connection before the event loop goes on: what asyncio has read would go on for half a second


class Connection:
    """One TCP connection. Its framing is what its first byte says: a length (OSC 1.0) begins with a zero, SLIP never."""

    IDLE, EVERY, TRIES = 30, 10, 3  # seconds of silence before the kernel asks whether they are there; RFC 1122

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counts: Counter[str]):
        self.reader, self.writer, self.counts = reader, writer, counts
        host, port = writer.get_extra_info("peername")[:2]
        self.host, self.name, self.heard = str(host), plain_name(str(host)), time.monotonic()
        self.sender = Sender(self.name, self.answer, key=f"tcp {self.name}:{port}")
        self.prefixed = self.lost = False  # lost: where their next packet would begin nobody knows
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", self.IDLE), ("TCP_KEEPINTVL", self.EVERY), ("TCP_KEEPCNT", self.TRIES)):
            if hasattr(socket, option):  # macOS calls the first one otherwise
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    async def read(self, receive: Receive) -> None:
        """Take packets until they leave, or what comes cannot be cut into packets any more: they are told."""
        rest = await self.reader.readexactly(1)
        self.prefixed = rest == b"\0"
        end = time.perf_counter() + TCP_TURN
        while True:
            if time.perf_counter() > end:  # nothing else makes room for panic: what was read does not wait
                await asyncio.sleep(0)
                end = time.perf_counter() + TCP_TURN
            data = await (self._length(rest) if self.prefixed else self._slip(rest))
            rest, self.heard = b"", time.monotonic()
            if data is None:
                continue
            receive(data, self.sender)
            if self.lost:
                return

    async def _length(self, begun: bytes) -> bytes:
        """One packet after its length; of one that is too long nothing but that, for the answer."""
        size = int.from_bytes(begun + await self.reader.readexactly(4 - len(begun)), "big")
        self.lost = size > LARGEST
        return bytes(size & 0xFFFFF) if self.lost else await self.reader.readexactly(size)

    async def _slip(self, begun: bytes) -> bytes | None:
        """One packet out of its frame; None between two ENDs."""
        try:
            frame = begun + (await self.reader.readuntil(slip.END) if begun != slip.END else b"")
        except asyncio.LimitOverrunError:
            self.lost = True
            return bytes(4 * LARGEST)
        return None if frame == slip.END else unslip(frame[:-1])

    def answer(self, data: bytes) -> None:
        """Send a packet back, in their framing."""
        transport = self.writer.transport
        if transport.is_closing() or transport.get_write_buffer_size() > 1 << 20:  # it does not read
            self.counts["osc_unanswered"] += 1
            return
        self.writer.write(len(data).to_bytes(4, "big") + data if self.prefixed else slip.encode(data))


class TcpDoor:
    """OSC over TCP: packets after their length (OSC 1.0) or in SLIP frames (OSC 1.1; RFC 1055), as each connection likes."""

    MOST = 64  # connections at once

    def __init__(self, receive: Receive, welcome: Callable[[str], bool], counts: Counter[str]):
        self.receive, self.welcome, self.counts = receive, welcome, counts
        self._open: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self, sock: socket.socket) -> None:
        """Serve a listening socket."""
        self._server = await asyncio.start_server(self._serve, sock=sock, limit=4 * LARGEST)

    def close(self) -> None:
        if self._server:
            self._server.close()
        for connection in self._open:
            connection.writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self.counts)
        if not self.welcome(connection.host):
            self.counts["osc_strangers"] += 1
            writer.close()
            return
        if len(self._open) >= self.MOST:
            most_crowding((c.name, c.heard, c) for c in self._open).writer.close()
            self.counts["osc_connections_ended"] += 1
        self._open.add(connection)
        try:
            await connection.read(self.receive)
        except (asyncio.IncompleteReadError, OSError):
            pass  # it left
        finally:
            self._open.discard(connection)
            writer.close()


def unslip(frame: bytes) -> bytes:
    """What a SLIP frame holds; a broken escape gives b"", which no packet is."""
    try:
        return bytes(slip.decode(frame))
    except Exception:  # slip.ProtocolError in 1.10, other names before
        return b""
