"""How OSC travels: UDP datagrams, IPv4 and IPv6, and the messages that go back. TCP is in tcp.py.

One turn of the UDP door takes all datagrams from the kernel, acts on the panic addresses among them at once, and works
off the others for at most TURN seconds before the web has its turn; so under a flood blackout overtakes everything
(in the kernel as well: port.py), and what cannot be worked off is lost oldest first, and counted.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pythonosc.osc_message_builder import OscMessageBuilder

from engine.core.messages import Value
from engine.doors.nodes import PANIC
from engine.doors.port import Port

TURN = 0.004  # seconds of work before the event loop goes on
BACKLOG = 8192  # datagrams that may wait
IN_PACKET = 1400  # bytes of an answer: one Ethernet frame
PANIC_BYTES = tuple(address.encode() + b"\0" for address in PANIC)

Answer = Callable[[bytes], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sender:
    """Whoever sent a packet, and how to answer them."""

    name: str  # an IP address
    answer: Answer
    port: Callable[[int], Answer] | None = None  # answers to another port of theirs
    key: str = ""  # one of several programs on their machine

    @property
    def visit(self) -> str:
        """One visit for each performer's machine."""
        return f"osc-{zlib.crc32(self.name.encode()):08x}"


Receive = Callable[[bytes, Sender], None]


def plain_name(host: str) -> str:
    """An IP address as its owner writes it: sockets for both families give those of IPv4 as ::ffff:192.168.1.7."""
    return host.removeprefix("::ffff:") if "." in host else host


def most_crowding(holders: Iterable[tuple[Hashable, float, T]]) -> T:
    """Who makes room where all places are taken: of (name, when last heard, what), the quietest of the busiest name.

    So one machine that takes every place only ever loses its own.
    """
    held = list(holders)
    count = Counter(name for name, _, _ in held)
    return min(held, key=lambda one: (-count[one[0]], one[1]))[2]


def address(name: str) -> bytes:
    """An address alone, as a message begins."""
    data = name.encode()
    return data + b"\0" * (4 - len(data) % 4)


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
    """The UDP sockets of the OSC door. `open` it within a running event loop.

    `receive(data, sender)` must not raise; `welcome(ip)` says who may send; `counts` takes what was lost.
    """

    def __init__(self, port: Port, receive: Receive, welcome: Callable[[str], bool], counts: Counter[str]):
        self.port, self.receive, self.welcome, self.counts = port, receive, welcome, counts
        self.backlog: deque[tuple[bytes, Sender]] = deque()
        self._senders: dict[tuple[str, int], Sender] = {}
        self._working = False

    def open(self) -> None:
        for sock in self.port.sockets:
            asyncio.get_running_loop().add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        for sock in self.port.sockets:
            asyncio.get_running_loop().remove_reader(sock.fileno())
        self.port.close()

    def _readable(self) -> None:
        """Take what the kernel has; panic acts now, the rest joins the backlog."""
        for data, address in self.port.recvfrom():
            self._sort(data, address)  # type: ignore[arg-type]
        self._begin()

    def take(self, data: bytes, address: tuple[str | int, ...]) -> None:
        """One datagram that somebody else has received at this port."""
        self._sort(data, address)  # type: ignore[arg-type]
        self._begin()

    def _sort(self, data: bytes, address: tuple[str, int]) -> None:
        sender = self._sender(address)
        if sender is None:
            self.counts["osc_strangers"] += 1
        elif any(name in data for name in PANIC_BYTES):
            self.receive(data, sender)
        else:
            self.backlog.append((data, sender))

    def _begin(self) -> None:
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
        """Who sends from an address (of IPv6 it has four parts); None for those who may not."""
        known = self._senders.get(address)
        if known:
            return known
        host, own = address[:2]
        if not self.welcome(host):
            return None
        if len(self._senders) > 1024:
            self._senders.clear()

        def to(port: int) -> Answer:
            return lambda data: self._answer(data, (host, port, *address[2:]))

        name = plain_name(host)
        self._senders[address] = Sender(name, to(own), to, f"{name}:{own}")
        return self._senders[address]

    def _answer(self, data: bytes, address: tuple[str | int, ...]) -> None:
        try:
            self.port.sock.sendto(data, address)
        except OSError:  # nobody listens there, or the network is full: an answer is not worth waiting for
            self.counts["osc_unanswered"] += 1
