"""How OSC travels: UDP datagrams, SLIP frames on TCP, and the messages that go back.

One turn of the UDP door takes all datagrams from the kernel, acts on the panic addresses among them at once, and works
off the others for at most TURN seconds before the web has its turn; so under a flood blackout overtakes everything,
and what cannot be worked off is lost oldest first, and counted.
"""

from __future__ import annotations

import asyncio
import socket
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pythonosc import slip
from pythonosc.osc_message_builder import OscMessageBuilder

from engine.core.messages import Value
from engine.doors.nodes import PANIC
from engine.doors.packet import LARGEST

TURN = 0.004  # seconds of work before the event loop goes on
BACKLOG = 8192  # datagrams that may wait
BUFFER = 4 << 20  # bytes in the kernel: 20,000 messages/s came through it without a loss
IN_PACKET = 1400  # bytes of an answer: one Ethernet frame
PANIC_BYTES = tuple(address.encode() + b"\0" for address in PANIC)

Answer = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Sender:
    """Whoever sent a packet, and how to answer them."""

    name: str  # an IP address
    answer: Answer
    port: Callable[[int], Answer] | None = None  # answers to another port of theirs

    @property
    def visit(self) -> str:
        """One visit for each performer's machine."""
        return f"osc-{zlib.crc32(self.name.encode()):08x}"


Receive = Callable[[bytes, Sender], None]


def encode(address: str, args: Sequence[Value | None]) -> bytes:
    """One OSC message. Numbers beyond 32 bits become h, bytes become b, None becomes N."""
    builder = OscMessageBuilder(address)
    for arg in args:
        builder.add_arg(arg if arg != b"" else None)
    return bytes(builder.build().dgram)


def bundle(messages: Sequence[bytes]) -> list[bytes]:
    """Messages as bundles "immediately", each at most IN_PACKET bytes where the messages allow it."""
    head, out, size = b"#bundle\0" + (1).to_bytes(8, "big"), [], IN_PACKET
    for message in messages:
        if size + 4 + len(message) > IN_PACKET:
            out.append(head)
            size = len(head)
        out[-1] += len(message).to_bytes(4, "big") + message
        size += 4 + len(message)
    return out


class UdpDoor:
    """The UDP socket of the OSC door. `open` it within a running event loop.

    `receive(data, sender)` must not raise; `welcome(ip)` says who may send; `counts` takes what was lost.
    """

    def __init__(self, sock: socket.socket, receive: Receive, welcome: Callable[[str], bool], counts: Counter[str]):
        self.sock, self.receive, self.welcome, self.counts = sock, receive, welcome, counts
        self.backlog: deque[tuple[bytes, Sender]] = deque()
        self._senders: dict[tuple[str, int], Sender] = {}
        self._working = False

    @staticmethod
    def bind(host: str, port: int) -> socket.socket:
        """A bound socket with a large buffer. Raises OSError where the port is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            sock.bind((host, port))
        except OSError:
            sock.close()
            raise
        sock.setblocking(False)
        return sock

    @property
    def port(self) -> int:
        return int(self.sock.getsockname()[1])

    def open(self) -> None:
        asyncio.get_running_loop().add_reader(self.sock.fileno(), self._readable)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.sock.fileno())
        self.sock.close()

    def _readable(self) -> None:
        """Take what the kernel has; panic acts now, the rest joins the backlog."""
        for _ in range(1024):
            try:
                data, address = self.sock.recvfrom(65536)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # an answer of ours was refused by its receiver; the socket is well
                continue
            sender = self._sender(address)
            if sender is None:
                self.counts["osc_strangers"] += 1
            elif any(name in data for name in PANIC_BYTES):
                self.receive(data, sender)
            else:
                self.backlog.append((data, sender))
        while len(self.backlog) > BACKLOG:
            self.backlog.popleft()
            self.counts["osc_lost"] += 1
        if self.backlog and not self._working:
            self._working = True
            self._work()

    def _work(self) -> None:
        """Work off the backlog for one turn."""
        end = time.perf_counter() + TURN
        while self.backlog and time.perf_counter() < end:
            self.receive(*self.backlog.popleft())
        self._working = bool(self.backlog)
        if self._working:
            asyncio.get_running_loop().call_soon(self._work)

    def _sender(self, address: tuple[str, int]) -> Sender | None:
        """Who sends from an address; None for those who may not."""
        known = self._senders.get(address)
        if known:
            return known
        if not self.welcome(address[0]):
            return None
        if len(self._senders) > 1024:
            self._senders.clear()

        def to(port: int) -> Answer:
            return lambda data: self._answer(data, (address[0], port))

        self._senders[address] = Sender(address[0], to(address[1]), to)
        return self._senders[address]

    def _answer(self, data: bytes, address: tuple[str, int]) -> None:
        try:
            self.sock.sendto(data, address)
        except OSError:  # nobody listens there, or the network is full: an answer is not worth waiting for
            self.counts["osc_unanswered"] += 1


class TcpDoor:
    """OSC over TCP, packets in SLIP frames (OSC 1.1; RFC 1055). Each connection is worked off as it comes."""

    MOST = 64  # connections at once

    def __init__(self, receive: Receive, welcome: Callable[[str], bool], counts: Counter[str]):
        self.receive, self.welcome, self.counts = receive, welcome, counts
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self, sock: socket.socket) -> None:
        """Serve a listening socket."""
        self._server = await asyncio.start_server(self._serve, sock=sock, limit=4 * LARGEST)

    def close(self) -> None:
        if self._server:
            self._server.close()
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = str(writer.get_extra_info("peername")[0])
        if not self.welcome(name) or len(self._open) >= self.MOST:
            self.counts["osc_strangers"] += 1
            writer.close()
            return
        self._open.add(writer)
        sender = Sender(name, lambda data: self._answer(writer, data))
        try:
            while frame := await reader.readuntil(slip.END):
                if frame != slip.END:  # frames may begin with END too
                    self.receive(unslip(frame[:-1]), sender)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # it left, or sends something endless that is no frame
        finally:
            self._open.discard(writer)
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        transport = writer.transport
        if transport.is_closing() or transport.get_write_buffer_size() > 1 << 20:  # it does not read
            self.counts["osc_unanswered"] += 1
            return
        writer.write(slip.encode(data))


def unslip(frame: bytes) -> bytes:
    """What a SLIP frame holds; a broken escape gives b"", which no packet is."""
    try:
        return bytes(slip.decode(frame))
    except Exception:  # slip.ProtocolError in 1.10, other names before
        return b""
