"""Threads that must outlive what they meet."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.messages import Set
from engine.doors.osc import Osc
from engine.doors.post import Post
from engine.doors.wires import encode
from engine.stage.outputs.encoder import Segment
from engine.stage.outputs.live import Live
from tests.doors.doors_house import House


def wait_for(what: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def visit(live: Live) -> socket.socket:
    viewer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    viewer.connect(live.address)
    return viewer


def test_viewers_who_come_and_go_at_once_leave_the_live_view_open(tmp_path: Path) -> None:
    live = Live(str(tmp_path / "live"))
    live.put(Segment(b"f" * 100, True, 0.0))
    live.put(Segment(b"n" * 200_000, False, 0.5))
    for _ in range(300):
        visit(live).close()
    last = visit(live)
    last.settimeout(5.0)
    assert last.recv(104) == (100).to_bytes(4, "big") + b"f" * 100
    wait_for(lambda: live.put(Segment(b"n", False, 1.0)) and live.viewers == 1)
    assert live.guard.count == 0
    live.close()


def test_too_many_descriptors_shut_the_live_view_for_a_moment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(str(tmp_path / "live"))
    accept, fails = socket.socket.accept, [OSError(24, "Too many open files")] * 3

    def scarce(door: socket.socket) -> tuple[socket.socket, object]:
        if fails:
            raise fails.pop()
        return accept(door)

    monkeypatch.setattr(socket.socket, "accept", scarce)
    viewers = [visit(live) for _ in range(5)]
    wait_for(lambda: live.viewers >= 4)
    assert live.guard.count >= 1
    for viewer in viewers:
        viewer.close()
    live.close()


def test_doors_outlive_a_packet_and_a_letter_that_break_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """One exception in the OSC door's turn, or in the post's, made it deaf for ever while pages went on."""
    broken = {"packet": 2, "letter": 2}

    def failing(kind: str, good: Callable[..., object]) -> Callable[..., object]:
        def act(*args: object) -> object:
            if broken[kind]:
                broken[kind] -= 1
                raise RuntimeError(f"a broken {kind}")
            return good(*args)

        return act

    monkeypatch.setattr(Osc, "receive", failing("packet", Osc.receive))
    monkeypatch.setattr(Post, "flush", failing("letter", Post.flush))
    with House() as house, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as performer:
        for _ in range(30):
            performer.sendto(encode("/hm/beta", [0.5]), ("127.0.0.1", house.opened.osc))
            time.sleep(0.02)
        wait_for(lambda: any(isinstance(m, Set) and m.address == "/hm/beta" for _, m in house.said))
    assert broken == {"packet": 0, "letter": 0}
