"""`hypermnesia bench doors client`, `crowd` and `phones`: a whole show with strangers at its sockets, looked at from outside.

The hostile client comes from the machine's own 127.0.0.0/8, under ever new names, addresses, tokens and codes; honest
phones are those of phone.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import connect

from engine.bench.answers import Check, crowd, sentences
from engine.bench.phone import GONE, Phone, Show, p95
from engine.core.judge import judge
from engine.core.messages import Token
from engine.mind.memory.words import said

Table = dict[str, Any]
MARK = "velvetine"  # a rare word that the hostile client puts into every sentence: three people would make it common


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
    answered = [wait for phone in phones for wait in phone.answered]
    for phone in phones:
        phone.waits.clear()
        phone.answered.clear()
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
        "others given back": sum(len(phone.returned) for phone in phones),
        "given back p50 before s": float(np.median(answered)) if answered else float("nan"), "given back p95 before s": p95(answered),
        "given back p50 during s": float(np.median([w for phone in phones for w in phone.answered] or [float("nan")])),
        "given back p95 during s": p95([wait for phone in phones for wait in phone.answered]),
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
