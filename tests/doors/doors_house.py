"""A small whole house for the doors: the room in a thread, and a loop that keeps letters and stores texts."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pythonosc.osc_packet import OscPacket

from engine.core.judge import judge
from engine.core.mailbox import Mailbox
from engine.core.messages import Directory, Health, Message, News, Node, Opened, Stored, Text, Trouble, Values
from engine.doors.options import DoorsOptions
from engine.doors.room import serve
from engine.doors.wires import encode

QUIET = DoorsOptions(osc_port=0, tcp_port=-1, query_port=-1, web_port=0, advertise=False, token="letmein", texts=300)
NODES = (
    Node("/hm/beta", "f", "how far the picture's own memory turns the words", (0.6,), 0.0, 1.0),
    Node("/hm/rho", "f", "how far it is stretched", (0.0,), 0.0, 1.0),
    Node("/hm/seed", "i", "where the walk begins", (7,), 0.0, 1e6),
    Node("/hm/scene", "s", "which scene plays", ("gap",), choices=("gap", "lineage", "industry")),
    Node("/hm/hold", "T", "the scene stays", (False,)),
    Node("/hm/scene/gap/trail", "f", "how slowly light fades", (0.92,), 0.0, 0.99),
    Node("/hm/state/gap", "f", "J", (0.25,), 0.0, 1.0, writable=False),
    Node("/hm/state/caption", "s", "what may be shown", ("the sea",), writable=False),
    Node("/hm/state/kinds", "fffff", "share per kind", (0.2, 0.5, 0.1, 0.1, 0.1), 0.0, 1.0, writable=False),
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class House:
    """Use as a context manager. `said` holds every message that reached the loop, with the time it came."""

    def __init__(self, live: str | None = None, *, keys: str | None = None, storing: bool = True, probe: bool = True, **options: Any):
        mine, self._theirs = Mailbox.pair()
        self.mailbox = Mailbox(mine)
        self.options = replace(QUIET, **options)
        self.storing, self.probe, self.stalled = storing, probe, False
        self.said: list[tuple[float, Message]] = []
        self.letters: list[Any] = []
        self.stored: dict[str, Stored] = {}
        self.opened = Opened()
        self.troubles: list[Trouble] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._room = threading.Thread(target=serve, args=(self._theirs, self.options, live, "", keys), daemon=True)
        self._loop = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> House:
        if self.options.moderation != "open":
            judge()  # once a process: a test of sockets does not wait for an encoder
        self._room.start()
        self._loop.start()
        self.until(lambda: self.opened.pages or self.troubles)
        self.send(Directory(NODES), Values((("/hm/state/gap", (0.25,)),)), Health(True, (("mind", "running"),)))
        if self.opened.osc and self.probe:
            client = Performer(self.opened.osc)
            self.until(lambda: client.ask("/hm/beta") == [("/hm/beta", [pytest_approx(0.6)])])
            client.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._loop.join(5)
        self.mailbox.send(None)
        self._room.join(5)
        assert not self._room.is_alive(), "the room did not end"
        self.mailbox.close()
        self._theirs.close()

    def _run(self) -> None:
        """The loop's side: look 200 times a second, keep what came, store texts as the mind would."""
        while not self._ended.wait(0.005):
            if self.stalled:
                continue
            with self._lock:
                for letter in self.mailbox.drain():
                    self._take(letter)

    def _take(self, letter: Any) -> None:
        if isinstance(letter, Opened):
            self.opened = letter
        elif isinstance(letter, Trouble):
            self.troubles.append(letter)
        else:
            self.letters.append(letter)
            for message in letter:
                self.said.append((time.monotonic(), message))
                if self.storing and isinstance(message, Text):
                    self.store(message)

    def store(self, text: Text) -> None:
        """Store a text as the mind does: once for each key."""
        news = self.stored.setdefault(
            text.key, Stored(text.key, len(self.stored) + 1, f"code{len(self.stored) + 1}", text.visit)
        )
        self.mailbox.send(news)

    def send(self, *letters: object) -> None:
        with self._lock:
            for letter in letters:
                self.mailbox.send(letter)

    def tell(self, news: News) -> None:
        self.send(news)

    def messages(self, kind: type) -> list[Any]:
        return [message for _, message in self.said if isinstance(message, kind)]

    def until(self, true: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"it did not become so within {seconds} s; said: {self.said[-5:]}"
            time.sleep(0.005)

    def get(self, path: str, data: bytes | None = None, port: int = 0, **headers: str) -> Answer:
        """One HTTP request, without following redirections."""
        door = http.client.HTTPConnection("127.0.0.1", port or self.opened.web, timeout=10)
        door.request("GET" if data is None else "POST", path, data, headers)
        answer = door.getresponse()
        got = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        door.close()
        return got

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.opened.web}"


def pytest_approx(value: float) -> Any:
    import pytest

    return pytest.approx(value, abs=1e-6)


class Performer:
    """Somebody with OSC."""

    def __init__(self, port: int):
        self.to = ("127.0.0.1", port)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))

    def raw(self, data: bytes) -> None:
        self.sock.sendto(data, self.to)

    def play(self, address: str, *args: Any) -> None:
        self.raw(encode(address, args))

    def hear(self, seconds: float = 2.0) -> list[tuple[str, list[Any]]]:
        """One datagram as messages; [] if none comes."""
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            return []
        return [(m.message.address, m.message.params) for m in OscPacket(data).messages]

    def ask(self, address: str, *args: Any) -> list[tuple[str, list[Any]]]:
        self.play(address, *args)
        return self.hear()

    def close(self) -> None:
        self.sock.close()
