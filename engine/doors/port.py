"""The OSC port: a socket for everything, and beside it, where the kernel can sort, one for the panic addresses alone.

A flood fills a socket's buffer in milliseconds, and from then on the kernel drops what comes, whoever sent it. So the
panic addresses have a buffer of their own: both sockets share the port (SO_REUSEPORT), and a classic BPF program says of
each datagram which of the two it is for (SO_ATTACH_REUSEPORT_CBPF, Linux 4.5, no privilege needed: socket(7)). Elsewhere
there is one socket, and a panic key in a flood may have to be pressed twice.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from engine.doors.nodes import PANIC

BUFFER = 4 << 20  # bytes in the kernel, as far as it allows: 20,000 messages a second came through it without a loss
CBPF = 51  # SO_ATTACH_REUSEPORT_CBPF, which Python has no name for
LOAD, LOAD_AT, LOAD_X, EQUAL, RETURN = 0x20, 0x40, 0x01, 0x15, 0x06  # instructions of classic BPF: words of 32 bits
IN_BUNDLE = 20  # bytes before the address of a bundle's first message


@dataclass(frozen=True, slots=True)
class Port:
    """Its sockets, bound and not blocking; they pass to a spawned process. Any thread."""

    sock: socket.socket
    panic: socket.socket | None = None  # for panic addresses alone

    @classmethod
    def bind(cls, host: str, port: int) -> Port:
        """Take a port; 0: any. Raises OSError where it is taken, by whomever."""
        sock = _socket(host)
        try:
            sock.bind((host, port))  # alone at first: what shares a port would share it with a second show as well
        except OSError:
            sock.close()
            raise
        return cls(sock, _beside(sock, host))

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """What is read first comes first."""
        return (self.panic, self.sock) if self.panic else (self.sock,)

    @property
    def number(self) -> int:
        return int(self.sock.getsockname()[1])

    def recvfrom(self) -> Iterator[tuple[bytes, tuple[str | int, ...]]]:
        """Datagrams that have come, each with its sender: panic first, then at most 1024 of everything. Never waits."""
        for sock in self.sockets:
            for _ in range(1024):
                try:
                    yield sock.recvfrom(65536)
                except (BlockingIOError, InterruptedError):
                    break
                except OSError:  # an answer of ours was refused by its receiver; the socket is well
                    continue

    def dup(self) -> Port:
        """The same port for another owner, who closes it."""
        twin = Port(self.sock.dup(), self.panic.dup() if self.panic else None)
        for sock in twin.sockets:
            sock.setblocking(False)
        return twin

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()


def any_socket(host: str, kind: socket.SocketKind) -> socket.socket:
    """A socket of the family that a host's address is of; "::" listens to both."""
    if ":" not in host:
        return socket.socket(socket.AF_INET, kind)
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
    return sock


def reachable(host: str) -> str:
    """The address under which others find this machine; asks the routing table, sends nothing."""
    if host not in ("0.0.0.0", "::"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _socket(host: str) -> socket.socket:
    sock = any_socket(host, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.setblocking(False)
    return sock


def _beside(sock: socket.socket, host: str) -> socket.socket | None:
    """A second socket at the port of `sock`, which panic addresses go to; None where this kernel does not sort."""
    panic = _socket(host)
    program = sorter()
    code = ctypes.create_string_buffer(program)
    try:
        for each in (sock, panic):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        panic.bind(sock.getsockname())
        sock.setsockopt(socket.SOL_SOCKET, CBPF, struct.pack("HL", len(program) // 8, ctypes.addressof(code)))
    except (OSError, AttributeError):
        panic.close()
        return None
    return panic


def sorter() -> bytes:
    """struct sock_filter[]: 1 for a datagram that begins with a panic address, or is a bundle that does; else 0, also where it is too short."""
    words = sorted({int.from_bytes(address.encode()[4:8], "big") for address in PANIC})
    head = [
        (LOAD_X, 0, 0, 0),  # where the address begins
        (LOAD, 0, 0, 0),
        (EQUAL, 0, 2, int.from_bytes(b"#bun", "big")),
        (LOAD_X, 0, 0, IN_BUNDLE),
        (LOAD_AT, 0, 0, 0),
        (EQUAL, 0, 1 + len(words), int.from_bytes(b"/hm/", "big")),
        (LOAD_AT, 0, 0, 4),
    ]
    tests = [(EQUAL, len(words) - number, 0, word) for number, word in enumerate(words)]
    return b"".join(struct.pack("HBBI", *one) for one in (*head, *tests, (RETURN, 0, 0, 0), (RETURN, 0, 0, 1)))
