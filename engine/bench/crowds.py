"""`hypermnesia bench doors client`, `crowd` and `phones`: a whole show with strangers at its sockets, looked at from outside.

Honest phones come through a proxy that machine.toml trusts, each with an address and a one-time code of its own, and say
a sentence again each second until it is acknowledged, as the page does. The hostile client comes from the machine's own
127.0.0.0/8, under ever new names, addresses, tokens and codes.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
import random
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from engine.bench.answers import Check, crowd, sentences
from engine.core.errors import CannotPlay
from engine.core.judge import judge
from engine.core.messages import Token
from engine.mind.memory.words import said

Table = dict[str, Any]
LINES = ("the sea at night", "rain on a window", "une maison sous la neige", "bread before dawn", "le train part sans moi", "a dog asleep in the sun")
AGAIN = 1.0  # seconds after which a sentence is said again
SWITCH = 20.0  # seconds between two networks of a phone that travels
MARK = "velvetine"  # a rare word that the hostile client puts into every sentence: three people would make it common
GONE = (OSError, WebSocketException, TimeoutError, asyncio.IncompleteReadError)


class Show:
    """`hypermnesia run` in a process of its own, its doors behind a proxy, and the desk's cookie."""

    def __init__(self, folder: Path, model: str | None):
        self.folder, self.cookie = folder, ""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.web = int(probe.getsockname()[1])
        machine = folder / "machine.toml"
        machine.write_text('[doors]\nproxies = ["127.0.0.1/32"]\npublic = "http://write.example/"\ntoken = "letmein"\n')
        words = ["run", "gap", "--home", str(folder / "home"), "--sound", "null", "--size", "320x180", "--fps", "30", "--osc", "0", "--web", str(self.web)]
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
        self.waits: list[float] = []  # seconds from saying to being kept
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
        self.outbox[key] = words, time.monotonic()

    async def live(self, until: float, every: float, switches: bool) -> None:
        """Write now and then, and change networks, until the time is up and everything is kept."""
        rng = random.Random(self.number)
        due, change = time.monotonic() + rng.uniform(0, every), time.monotonic() + rng.uniform(0, SWITCH)
        while (now := time.monotonic()) < until or (self.outbox and now < until + 60):
            with contextlib.suppress(*GONE):
                async with self.socket() as ws:
                    reading = asyncio.create_task(self._read(ws))
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

    async def _read(self, ws: ClientConnection) -> None:
        with contextlib.suppress(*GONE):
            async for data in ws:
                news = json.loads(data)
                if news["t"] == "stored" and news["key"] in self.outbox:
                    self.waits.append(time.monotonic() - self.outbox.pop(news["key"])[1])
                    self.kept[news["key"]] = news["code"]
                elif news["t"] == "returned":
                    self.returned[news["key"]] = tuple(Token(each["text"], each["ancestor"], each["kind"]) for each in news["tokens"])
                elif news["t"] in ("empty", "long", "waiting"):  # an operator's, or nobody's
                    self.outbox.pop(news["key"], None)


def p95(seconds: list[float]) -> float:
    """The 95th percentile; NaN of nothing."""
    return float(np.percentile(seconds, 95)) if seconds else float("nan")


async def hostile(show: Show, until: float, counts: Counter[str]) -> None:
    """Three at once of one client: as many names, addresses, tokens, codes and sentences as go through."""

    async def one(rng: random.Random) -> None:
        here = f"127.0.0.1:{show.web}"
        while time.monotonic() < until:
            counts["sockets"] += 1
            address = f"127.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(2, 250)}"
            forged = {"X-Forwarded-For": f"10.{rng.randrange(256)}.0.1"} if rng.random() < 0.3 else {}
            try:
                async with connect(f"ws://{here}/visit", origin=f"http://{here}", local_addr=(address, 0), additional_headers=forged, close_timeout=0.1) as ws:  # type: ignore[arg-type]
                    name = rng.choice(("", f"visit-{rng.random()}", "kiosk", "../../etc", "x" * 400))
                    await ws.send(json.dumps({"t": "hello", "visit": name, "p": rng.choice(("", "guess", f"{rng.random()}"))}))
                    for n in range(rng.randrange(1, 30)):
                        await ws.send(json.dumps({"t": "text", "key": f"{rng.randrange(1 << 60):016x}", "words": f"{MARK} in the sea {n}", "visit": name}))
                        await ws.send(json.dumps({"t": "key", "bits": 5, "deleted": False}))
                        counts["texts"] += 1
                    with contextlib.suppress(TimeoutError):
                        while True:
                            counts[json.loads(await asyncio.wait_for(ws.recv(), 0.3))["t"]] += 1
            except GONE:
                counts["refused sockets"] += 1
            await asyncio.sleep(0.02)

    await asyncio.gather(*(one(random.Random(seed)) for seed in range(3)))


async def _client(show: Show, minutes: float) -> Table:
    phones = [Phone(show, number) for number in range(5)]
    for phone in phones:
        await phone.enter(show.code())
    calm = 60.0 * minutes / 4
    await asyncio.gather(*(phone.live(time.monotonic() + calm, 5.0, False) for phone in phones))
    before = [wait for phone in phones for wait in phone.waits]
    for phone in phones:
        phone.waits.clear()
    counts, until, notes = Counter[str](), time.monotonic() + 60.0 * minutes, set[str]()

    async def look() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(min(10.0, 20.0 * minutes))
            body = (await asyncio.to_thread(show.get, "/health.json"))[1]
            notes.update(re.sub(r"\d+", "N", note) for note in json.loads(body)["notes"] if "held back" in note)

    await asyncio.gather(hostile(show, until, counts), look(), *(phone.live(until, 5.0, False) for phone in phones))
    during = [wait for phone in phones for wait in phone.waits]
    (people, texts) = show.rows("SELECT count(DISTINCT visit), count(*) FROM fragment WHERE words LIKE ?", f"{MARK}%")[0]
    refused = {name: count for name, count in json.loads(show.get("/health.json")[1])["doors"].items() if name.startswith(("web_", "texts_too"))}
    return {
        "minutes": minutes, "hostile": dict(counts), "its sentences stored": texts, "people it is": people, "a crowd": people >= 3,
        "others said": sum(len(phone.said) for phone in phones), "others kept": sum(len(phone.kept) for phone in phones),
        "others returned": sum(len(phone.returned) for phone in phones),
        "kept p95 before ms": 1e3 * p95(before), "kept p95 during ms": 1e3 * p95(during), "the doors count": refused, "the desk says": sorted(notes),
    }  # fmt: skip


async def _crowd(show: Show, count: int, minutes: float) -> Table:
    visitors, check = crowd(sentences()), Check(judge(), sentences())
    phones = [Phone(show, number, itertools.cycle(visitor.lines), visitor.tongue) for number, visitor in enumerate(visitors)]
    for phone in phones:
        await phone.enter(show.code())
    until = time.monotonic() + 60.0 * minutes
    writing = [asyncio.create_task(phone.live(until, 15.0, False)) for phone in phones]
    while time.monotonic() < until and sum(len(phone.returned) for phone in phones) < count:
        await asyncio.sleep(1.0)
    for task in writing:
        task.cancel()
    found, rows = Counter[str](), []
    for visitor, phone in zip(visitors, phones, strict=True):
        wrong = [one for tokens in phone.returned.values() if (one := _wrong(check, tokens))]
        found.update(kind for kinds in wrong for kind in kinds)
        lent = sum(any(token.ancestor for token in tokens) for tokens in phone.returned.values())
        rows.append({"visitor": visitor.name, "said": len(phone.said), "kept": len(phone.kept), "answers": len(phone.returned), "with words of others": lent, "wrong": len(wrong)})
    return {"answers": sum(row["answers"] for row in rows), "with words of others": sum(row["with words of others"] for row in rows), "findings": dict(found) or "none", "visitors": rows}


def _wrong(check: Check, tokens: tuple[Token, ...]) -> list[str]:
    """Kinds of what an answer must not hold: as its writer has it, and with what others lent."""
    own = " ".join(token.text for token in tokens if not token.ancestor)
    found, meant = check.borrowed(tokens) + check.words(tokens), check.meaning(said(tokens))
    return found + [f"means {meant}"] * bool(meant and any(token.ancestor for token in tokens) and not check.meaning(own))


async def _phones(show: Show, minutes: float, count: int) -> Table:
    phones = [Phone(show, number) for number in range(count)]
    for phone in phones:
        for _ in range(20):  # tokens are limited by the minute
            try:
                await phone.enter(show.code())
                break
            except (*GONE, KeyError):
                await asyncio.sleep(1.0)
    until = time.monotonic() + 60.0 * minutes
    await asyncio.gather(*(phone.live(until, 15.0, number % 5 == 0) for number, phone in enumerate(phones)))
    stored = Counter(str(key) for (key,) in show.rows("SELECT key FROM fragment WHERE key IS NOT NULL"))
    said = {key for phone in phones for key in phone.said}
    waits = [wait for phone in phones for wait in phone.waits]
    people = show.rows("SELECT count(DISTINCT visit) FROM fragment WHERE kind = 1")[0][0]
    return {
        "minutes": minutes, "phones": count, "came in": sum(bool(phone.visit) for phone in phones), "changes of network": sum(phone.networks for phone in phones),
        "said": len(said), "acknowledged": sum(len(phone.kept) for phone in phones), "lost": len(said - set(stored)), "doubled": sum(stored[key] > 1 for key in said),
        "not acknowledged": sum(len(phone.outbox) for phone in phones), "people": people, "kept p50 ms": 1e3 * float(np.median(waits)) if waits else float("nan"), "kept p95 ms": 1e3 * p95(waits),
    }  # fmt: skip


def _played(model: str | None, play: Callable[[Show], Coroutine[Any, Any, Table]]) -> Table:
    with tempfile.TemporaryDirectory(prefix="hypermnesia-doors-", ignore_cleanup_errors=True) as folder, Show(Path(folder), model) as show:
        return asyncio.run(play(show))


def client(minutes: float, model: str | None = None) -> Table:
    """One hostile client beside five honest phones: whether it is a crowd, whether others wait, whether the desk says so."""
    return _played(model, lambda show: _client(show, minutes))


def hostile_crowd(count: int, minutes: float, model: str | None = None) -> Table:
    """Twenty hostile visitors who write until `count` answers have come back, `minutes` at most; the answers are judged by another hand."""
    return _played(model, lambda show: _crowd(show, count, minutes))


def phones(minutes: float, model: str | None = None, count: int = 150) -> Table:
    """`count` phones that write, a fifth of them on another network every 20 s: what is lost, what is there twice."""
    return _played(model, lambda show: _phones(show, minutes, count))
