"""The OSC port under a flood: what is sent once by a panic key is there, whatever else the kernel has dropped."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator

import pytest

from engine.doors.port import Port
from engine.doors.wires import bundle, encode

PANICS = [encode(address, args) for address, args in (("/hm/blackout", (True,)), ("/hm/freeze", (False,)), ("/hm/veto", ()))]
OTHERS = [encode(address, args) for address, args in (("/hm/rho", (0.5,)), ("/hm/text", ("black",)), ("/hm/blue", ()), ("/hm", ()))]


@pytest.fixture(params=["127.0.0.1", "::"])
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    found = Port.bind(request.param, 0)
    if found.panic is None and not sys.platform.startswith("linux"):
        pytest.skip("this kernel does not sort datagrams by what is in them")
    yield found
    found.close()


def send(port: Port, *packets: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as performer:
        for packet in packets:
            performer.sendto(packet, ("127.0.0.1", port.number))


def test_a_panic_key_that_is_pressed_once_in_a_flood_is_there_and_first(port: Port) -> None:
    flood = encode("/hm/rho", (0.25,))
    send(port, *[flood] * 20_000, *PANICS)
    came = [data for data, _ in port.recvfrom()]
    assert came[: len(PANICS)] == PANICS and set(came[len(PANICS) :]) == {flood}
    more = sum(len(list(port.recvfrom())) for _ in range(20))
    assert len(came) + more < 20_000, "nothing was dropped: this was no flood"


def test_a_bundle_that_begins_with_one_goes_with_it_and_nothing_else_does(port: Port) -> None:
    (first,), (later,) = bundle([PANICS[0], OTHERS[0]]), bundle([OTHERS[0], PANICS[0]])
    send(port, *OTHERS, later, b"", b"#bundle\0", b"/hm", first)
    assert port.panic is not None
    assert [port.panic.recv(65536)] == [first]
    with pytest.raises(BlockingIOError):
        port.panic.recv(65536)
    assert [port.sock.recv(65536) for _ in range(8)] == [*OTHERS, later, b"", b"#bundle\0", b"/hm"]


def test_a_second_show_does_not_share_it(port: Port) -> None:
    with pytest.raises(OSError) as wrong:
        Port.bind("127.0.0.1", port.number)
    assert wrong.value.errno == errno.EADDRINUSE


def test_another_owner_reads_on_where_the_first_one_closes_his(port: Port) -> None:
    twin = port.dup()
    port.close()
    send(twin, OTHERS[0], PANICS[0])
    assert [data for data, _ in twin.recvfrom()] == [PANICS[0], OTHERS[0]]
    twin.close()
