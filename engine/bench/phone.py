"""A whole show and a phone at its doors, for measuring: strangers from outside, as far as the page's rules go.

Honest phones come through a proxy that machine.toml trusts, each with an address and a one-time code of its own, and say
a sentence again each second until it is acknowledged, as the page does.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import random
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from engine.core.errors import CannotPlay
from engine.core.messages import Token

LINES = ("the sea at night", "rain on a window", "une maison sous la neige", "bread before dawn", "le train part sans moi", "a dog asleep in the sun")
AGAIN = 1.0  # seconds after which a sentence is said again
SWITCH = 20.0  # seconds between two networks of a phone that travels
GONE = (OSError, WebSocketException, TimeoutError, asyncio.IncompleteReadError)


class Show:
    """`hypermnesia run` in a process of its own, its doors behind a proxy, and the desk's cookie. `more`: options in place of a small `gap`."""

    def __init__(self, folder: Path, model: str | None, more: tuple[str, ...] = ("gap", "--size", "320x180", "--fps", "30")):
        self.folder, self.cookie = folder, ""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.web = int(probe.getsockname()[1])
        machine = folder / "machine.toml"
        machine.write_text('[doors]\nproxies = ["127.0.0.1/32"]\npublic = "http://write.example/"\ntoken = "letmein"\n')
        words = ["run", *more, "--home", str(folder / "home"), "--sound", "null", "--osc", "0", "--web", str(self.web)]
        words += ["--window", "headless", "--machine", str(machine), *(["--model", model] if model else [])]
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen([sys.executable, "-m", "engine", *words], stdout=self.log, stderr=self.log)

    def __enter__(self) -> Show:
        until = time.monotonic() + 600.0
        while not self._plays():
            if self.process.poll() is not None or time.monotonic() > until:
                raise CannotPlay(f"the show does not begin: {(self.folder / 'log').read_text()[-800:]}")
            time.sleep(0.5)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self.process.kill()
        self.log.close()

    def _plays(self) -> bool:
        with contextlib.suppress(OSError, ValueError, KeyError, http.client.HTTPException):
            return bool(json.loads(self.get("/health.json")[1])["figures"]["frames"])
        return False

    def get(self, path: str, **headers: str) -> tuple[int, str, str]:
        """One request: (status, body, cookie)."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.web, timeout=20)) as door:
            door.request("GET", path, headers=headers)
            answer = door.getresponse()
            return answer.status, answer.read().decode(), answer.getheader("set-cookie", "") or ""

    def code(self) -> str:
        """What the picture in the room says just now."""
        if not self.cookie:
            self.cookie = self.get("/desk?token=letmein")[2].split(";")[0]
        found = re.search(r"p=([\w-]+)", self.get("/desk/code", Cookie=self.cookie)[1])
        return found[1] if found else ""

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        where = f"file:{self.folder}/home/archive/memory.sqlite?mode=ro"
        with closing(sqlite3.connect(where, uri=True, timeout=10)) as archive:
            return archive.execute(query, values).fetchall()


class Phone:
    """Somebody with a phone, as far as the page's rules go: an outbox, keys, the same sentence again until it is kept."""

    def __init__(self, show: Show, number: int, lines: Iterable[str] = (), tongue: str = ""):
        self.show, self.number, self.visit, self.tongue = show, number, "", tongue
        self.lines = iter(lines or self._chatter())
        self.outbox: dict[str, tuple[str, float]] = {}  # by key: words, and when they were said first
        self.said: dict[str, str] = {}
        self.kept: dict[str, str] = {}  # by key: the code
        self.returned: dict[str, tuple[Token, ...]] = {}  # by key: the sentence with other people's words
        self.began: dict[str, float] = {}  # by key: when it was said
        self.waits: list[float] = []  # seconds from saying to being kept
        self.answered: list[float] = []  # seconds from saying to being given back
        self.networks = 0

    @asynccontextmanager
    async def socket(self, p: str = "") -> AsyncIterator[ClientConnection]:
        here = f"127.0.0.1:{self.show.web}"
        address = f"10.{self.number % 200}.{self.networks % 250}.{1 + self.number // 200}"
        async with connect(f"ws://{here}/visit", origin=f"http://{here}", additional_headers={"X-Forwarded-For": address}, close_timeout=0.2, open_timeout=20) as ws:  # type: ignore[arg-type]
            await ws.send(json.dumps({"t": "hello", "visit": self.visit, "p": p}))
            yield ws

    async def enter(self, p: str) -> None:
        """Scan the code in the room."""
        async with self.socket(p) as ws:
            while (news := json.loads(await asyncio.wait_for(ws.recv(), 20)))["t"] != "welcome":
                if news["t"] == "stranger":
                    raise ConnectionRefusedError("the code let nobody in")
            self.visit = news["visit"]

    def _chatter(self) -> Iterator[str]:
        rng = random.Random(self.number)
        while True:
            yield f"{LINES[rng.randrange(len(LINES))]} {self.number} {len(self.said)}"

    def say(self, words: str) -> None:
        key = f"{self.number:08x}{len(self.said):08x}"
        self.said[key] = words
        self.began[key] = time.monotonic()
        self.outbox[key] = words, self.began[key]

    async def live(self, until: float, every: float, switches: bool) -> None:
        """Write now and then, and change networks, until the time is up and everything is kept."""
        rng = random.Random(self.number)
        due, change = time.monotonic() + rng.uniform(0, every), time.monotonic() + rng.uniform(0, SWITCH)
        while (now := time.monotonic()) < until or (self.outbox and now < until + 60):
            with contextlib.suppress(*GONE):
                async with self.socket() as ws:
                    reading = asyncio.create_task(self.read(ws))
                    try:
                        while not reading.done() and ((now := time.monotonic()) < until or (self.outbox and now < until + 60)):
                            if now >= due and now < until:
                                due = now + every
                                self.say(next(self.lines))
                            for key, (words, _) in list(self.outbox.items()):
                                await ws.send(json.dumps({"t": "text", "key": key, "words": words, "visit": self.visit, "language": self.tongue}))
                            if switches and now >= change:
                                change, self.networks = now + SWITCH, self.networks + 1
                                ws.transport.abort()  # the network is gone: nobody says goodbye
                                break
                            await asyncio.sleep(AGAIN)
                    finally:
                        reading.cancel()
            await asyncio.sleep(0.3)

    async def read(self, ws: ClientConnection) -> None:
        """Take in what the doors answer until the connection ends."""
        with contextlib.suppress(*GONE):
            async for data in ws:
                news = json.loads(data)
                if news["t"] == "stored" and news["key"] in self.outbox:
                    self.waits.append(time.monotonic() - self.outbox.pop(news["key"])[1])
                    self.kept[news["key"]] = news["code"]
                elif news["t"] == "returned":
                    if news["key"] not in self.returned:
                        self.answered.append(time.monotonic() - self.began[news["key"]])
                    self.returned[news["key"]] = tuple(Token(each["text"], each["ancestor"], each["kind"]) for each in news["tokens"])
                elif news["t"] in ("empty", "long", "waiting"):  # an operator's, or nobody's
                    self.outbox.pop(news["key"], None)


def p95(seconds: list[float]) -> float:
    """The 95th percentile; NaN of nothing."""
    return float(np.percentile(seconds, 95)) if seconds else float("nan")
