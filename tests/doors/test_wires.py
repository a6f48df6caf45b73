"""How OSC travels: TCP in both framings, IPv6, and places for all."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pythonosc import slip
from pythonosc.osc_packet import OscPacket
from websockets.sync.client import connect

from engine.core.messages import Set
from engine.doors.wires import encode, most_crowding, plain_name
from tests.doors.doors_house import House, Performer

pytestmark = [pytest.mark.realtime, pytest.mark.shared]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House(query_port=0, tcp_port=0) as house:
        yield house


def after_length(*packets: bytes) -> bytes:
    return b"".join(struct.pack(">i", len(packet)) + packet for packet in packets)


def tcp(house: House, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((host, house.opened.osc_tcp), 3)


def exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, "it was closed"
        data += more
    return data


def packet(sock: socket.socket) -> list[tuple[str, list[object]]]:
    """One answer after its length."""
    (size,) = struct.unpack(">i", exactly(sock, 4))
    return [(m.message.address, m.message.params) for m in OscPacket(exactly(sock, size)).messages]


def heard(sock: socket.socket) -> tuple[str, list[object]]:
    (message,) = packet(sock)
    return message


def test_osc_over_tcp_is_answered_after_its_length(house: House) -> None:
    """What lighting desks send (OSC 1.0) was swallowed in silence. Pieces of any size make the same packets."""
    with tcp(house) as sock:
        data = after_length(encode("/hm/ping", (1,)), encode("/hm/beta", (0.375,)), encode("/hm/ping", (2,)))
        for at in range(0, len(data), 3):
            sock.sendall(data[at : at + 3])
            time.sleep(0.001)
        assert heard(sock) == ("/hm/pong", [1])
        assert heard(sock) == ("/hm/pong", [2])
    house.until(lambda: any(message.args == (0.375,) for message in house.messages(Set)))


def test_what_cannot_be_cut_into_packets_is_told_and_ended(house: House) -> None:
    with tcp(house) as sock:
        sock.sendall(struct.pack(">i", 70_000) + b"/hm/beta")
        address, (said, _) = heard(sock)
        assert address == "/hm/error" and "a packet of 70000 bytes" in str(said)
        assert sock.recv(100) == b""


def test_a_slip_frame_without_a_leading_end_is_taken_too(house: House) -> None:
    with tcp(house) as sock:
        sock.sendall(encode("/hm/ping", (5,)) + slip.END)
        assert OscPacket(slip.decode(sock.recv(100))).messages[0].message.params == [5]


def test_subscribers_over_tcp_hear_the_state_in_their_framing(house: House) -> None:
    with tcp(house) as sock:
        sock.sendall(after_length(encode("/hm/subscribe", ("/hm/state/gap",))))
        assert heard(sock)[0] == "/hm/state/gap"


def test_idle_connections_shut_nobody_out(house: House) -> None:
    """64 of them shut the 65th out. They are kept alive by the kernel, and the quietest makes room."""
    idle = [tcp(house) for _ in range(70)]
    with tcp(house) as sock:
        sock.sendall(after_length(encode("/hm/ping", (3,))))
        assert heard(sock) == ("/hm/pong", [3])
        for each in idle:
            each.close()
        sock.sendall(after_length(encode("/hm/ping", (4,))))
        assert heard(sock) == ("/hm/pong", [4])
    counts = house.get("/health", accept="application/json").json()["doors"]
    assert counts["osc_connections_ended"] >= 7


def test_idle_websockets_and_subscriptions_shut_nobody_out(house: House) -> None:
    url = f"ws://127.0.0.1:{house.opened.query}/"
    with ExitStack() as idle:
        for _ in range(66):
            idle.enter_context(connect(url))
        ws = idle.enter_context(connect(url))
        ws.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/hm/state/gap"}))
        assert isinstance(ws.recv(timeout=3), bytes)
    with tcp(house) as sock:
        for number in range(70):
            sock.sendall(after_length(encode("/hm/subscribe", ("/hm/state/" + "*" * (number + 1),))))
        sock.sendall(after_length(encode("/hm/subscribe", ("/hm/state/caption",)), encode("/hm/ping", ())))
        seen = set()
        while "/hm/pong" not in seen:
            seen |= {address for address, _ in packet(sock)}
            assert "/hm/error" not in seen


def test_panic_by_udp_is_not_held_up_by_a_flood_over_tcp(house: House) -> None:
    flood = after_length(*(encode("/hm/unknown", (float(n),)) for n in range(4000)))
    waits = []
    with tcp(house) as one, tcp(house) as two:
        for n in range(3):
            for sock in (one, two):
                threading.Thread(target=sock.sendall, args=(flood,), daemon=True).start()
            time.sleep(0.02)
            performer, pressed = Performer(house.opened.osc), time.monotonic()
            before = len(house.messages(Set))
            performer.play("/hm/blackout", n % 2 == 0)
            house.until(lambda was=before: len(house.messages(Set)) > was)
            waits.append(house.said[-1][0] - pressed)
            performer.close()
    assert min(waits) < 0.05, waits


def test_a_machine_that_takes_all_places_only_loses_its_own() -> None:
    held = [("10.0.0.1", float(n), f"flood {n}") for n in range(5)] + [("10.0.0.2", -100.0, "the performer")]
    assert most_crowding(held) == "flood 0"
    assert most_crowding([("a", 2.0, "a"), ("b", 1.0, "b")]) == "b"


def test_addresses_of_ipv4_are_the_same_on_a_socket_for_both() -> None:
    assert plain_name("::ffff:192.168.1.7") == "192.168.1.7" and plain_name("fe80::1%eth0") == "fe80::1%eth0"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_one_host_for_both_families() -> None:
    """`--host ::` said that free ports were in use, and the allow-list missed ::ffff: addresses."""
    with House(host="::", query_port=0, tcp_port=0, osc_allow=("127.0.0.0/8", "::1/128")) as house:
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.settimeout(3)
                sock.sendto(encode("/hm/ping", (1,)), (host, house.opened.osc))
                assert b"pong" in sock.recv(100)
            with tcp(house, host) as sock:
                sock.sendall(after_length(encode("/hm/ping", (2,))))
                assert heard(sock) == ("/hm/pong", [2])
            url = f"[{host}]" if ":" in host else host
            with connect(f"ws://{url}:{house.opened.query}/"):
                pass
    with House(host="::1", probe=False) as house:
        assert house.opened.pages[0] == f"http://[::1]:{house.opened.web}/"
