"""Who of a house's machines is there: asked of the show that runs on this one, which has their connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from engine.core.errors import CannotPlay
from engine.core.machine import Machine, PlaceFacts
from engine.house import elsewhere
from engine.house.desk import announced
from engine.house.place import who

FACTS = PlaceFacts(name="house", rooms=("show",), nodes=("house", "north", "west"), listen=("tcp/127.0.0.1:1",))


class Page(BaseHTTPRequestHandler):
    """What a show says of itself where it is not well: 503, and all of it."""

    rooms: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()
        self.wfile.write(json.dumps({"rooms": self.rooms} if self.path == "/health.json" else {}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with announced(tmp_path / "doors", f"http://127.0.0.1:{server.server_port}/desk?token=secret"):
        yield tmp_path
    server.shutdown()


def test_a_machine_with_a_show_is_told_by_it_who_is_there(show: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(Page, "rooms", {"doors": "running", "mind north": "dreams, on the wall", "show+mind west": "silent for 3 s"})
    assert elsewhere.seen(FACTS, show) == ([elsewhere.Seen("north", "mind, dreams, on the wall"), elsewhere.Seen("west", "show+mind, silent for 3 s")], None)
    assert who(Machine(place=FACTS), show) == 0 and "north: mind, dreams, on the wall" in capsys.readouterr().out
    monkeypatch.setattr(Page, "rooms", {"doors": "running"})
    assert who(Machine(place=FACTS), show) == 1 and "heard nobody yet" in capsys.readouterr().err


def test_a_show_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path) -> None:
    with announced(tmp_path / "doors", "http://127.0.0.1:9/desk"), pytest.raises(CannotPlay, match="does not say who is there"):
        elsewhere.seen(FACTS, tmp_path)
