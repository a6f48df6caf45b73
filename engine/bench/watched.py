"""Programs of a bench that looks on from outside: a show and a wall that say what they show, a phone that is told what to write.

    python -m engine.bench.watched show NAMES run --machine FILE ...
    python -m engine.bench.watched wall NAMES run --machine FILE
    python -m engine.bench.watched phone HOST:PORT
    python -m engine.bench.watched rogue FILE

NAMES: of what is shared with whoever looks on, as JSON. A phone reads `KEY WORDS` by lines, and writes what its page is told. A
rogue is a machine of the house, by its key, that has gone mad: it sends what is no letter, and ten thousand letters a second.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from engine.core import logbook
from engine.core.machine import Machine
from engine.core.messages import Text
from engine.core.pulse import Pulses
from engine.places.net import settings
from engine.places.wire import packed

SHARED = ("pictures", "grains", "keys", "page", "samples", "pulses", "live")  # of a show, by name
FLOOD = 10_000.0  # letters a second
AGAIN = 1.0  # seconds until a phone that was cut off tries again
TOKEN = "letmein"  # of the desk of a bench's doors
GONE = (OSError, WebSocketException, TimeoutError, ValueError, http.client.HTTPException)


def show(names: dict[str, str], words: list[str]) -> int:
    """`hypermnesia run`, with crossings that somebody else made."""
    from engine.house.command import parser
    from engine.house.lasting import Lasting, Names
    from engine.house.watchdog import Watchdog

    logbook.begin("hypermnesia")
    options = parser().parse_args(words)
    shared = Names(names["pictures"], names["grains"], names["keys"], names["page"], names["samples"], names["pulses"], names["live"])
    return Watchdog(options, Machine.read(options.machine), Lasting(names=shared)).run()


def wall(names: dict[str, str], words: list[str]) -> int:
    """`hypermnesia place run` of a wall; its frames and their light are written down."""
    from engine.house.place import parser
    from engine.house.place import wall as made

    logbook.begin("hypermnesia")
    options = parser().parse_args(words)
    place, pulses = made(options, Machine.read(options.machine)), Pulses(names["pulses"])

    def look() -> None:
        while True:
            time.sleep(0.005)
            pulses.put("frames", float(place.frames))
            pulses.put("light", place.stage.eyes.light)

    threading.Thread(target=look, daemon=True).start()
    place.run()
    return 0


def rogue(path: Path) -> None:
    """Until it is killed."""
    import zenoh

    facts, configuration = Machine.read(path).place, zenoh.Config()
    for key, value in settings(facts).items():
        configuration.insert_json5(key, json.dumps(value))
    session = zenoh.open(configuration)
    end = session.declare_publisher(f"hm/{facts.house}/{facts.name}/all", congestion_control=zenoh.CongestionControl.BLOCK)
    whole = packed(Text("flood"))
    kinds = (b"", b"garbage", bytes(100_000), whole[:-2], b"hm\x09" + whole[3:])
    begun, sent = time.monotonic(), 0
    while True:
        end.put(kinds[sent // 100 % len(kinds)] if sent % 100 == 0 else whole)
        sent += 1
        time.sleep(max(0.0, begun + sent / FLOOD - time.monotonic()) if sent % 100 == 0 else 0.0)


class Phone:
    """A writing page: an outbox, and the same sentence again after each new connection until it is kept."""

    def __init__(self, host: str):
        self.host, self.visit = host, ""
        self.outbox: dict[str, str] = {}
        self._page: ClientConnection | None = None

    def run(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        for line in sys.stdin:
            key, _, words = line.strip().partition(" ")
            self.outbox[key] = words
            if self._page:
                self._say(self._page, key)

    def _say(self, page: ClientConnection, key: str) -> None:
        with contextlib.suppress(*GONE):
            page.send(json.dumps({"t": "text", "key": key, "words": self.outbox[key], "language": "en"}))

    def _listen(self) -> None:
        while True:
            with contextlib.suppress(*GONE):
                self._visit()
            self._page = None
            time.sleep(AGAIN)

    def _visit(self) -> None:
        """One connection, until it ends."""
        code = "" if self.visit else self._code()
        with connect(f"ws://{self.host}/visit", origin=Origin(f"http://{self.host}"), open_timeout=5, close_timeout=0.2, ping_interval=2, ping_timeout=4) as page:
            page.send(json.dumps({"t": "hello", "visit": self.visit, "p": code}))
            for said in page:
                news = json.loads(said)
                if news["t"] == "welcome":
                    self.visit, self._page = news["visit"], page
                    for key in list(self.outbox):
                        self._say(page, key)
                elif news["t"] == "stranger":
                    self.visit = ""
                    return
                elif news["t"] == "stored":
                    self.outbox.pop(news["key"], None)
                print(json.dumps(news), flush=True)

    def _code(self) -> str:
        """What the picture in the room says just now, as the operator reads it out."""
        cookie = self._get(f"/desk?token={TOKEN}", "")[1].split(";")[0]
        found = re.search(r"p=([\w-]+)", self._get("/desk/code", cookie)[0])
        return found[1] if found else ""

    def _get(self, path: str, cookie: str) -> tuple[str, str]:
        with closing(http.client.HTTPConnection(self.host, timeout=5)) as door:
            door.request("GET", path, headers={"Cookie": cookie})
            answer = door.getresponse()
            return answer.read().decode(), answer.getheader("set-cookie", "") or ""


if __name__ == "__main__":
    if sys.argv[1] == "phone":
        Phone(sys.argv[2]).run()
    elif sys.argv[1] == "rogue":
        rogue(Path(sys.argv[2]))
    else:
        sys.exit({"show": show, "wall": wall}[sys.argv[1]](json.loads(sys.argv[2]), sys.argv[3:]))
