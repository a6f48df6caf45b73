"""Threads that must outlive what they meet."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.stage.outputs.encoder import Segment
from engine.stage.outputs.live import Live


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
