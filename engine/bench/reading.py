"""What the reading's quantities cost: milliseconds each, and all of them together as part of a core at a show's own rates."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.messages import Ancestor
from engine.mind.memory.archive import Archive, Birth, Seen
from engine.mind.memory.founding import Table
from engine.mind.memory.past import Past
from engine.mind.memory.prior import Prior
from engine.mind.memory.recall import Memory
from engine.mind.rows.aura import Aura
from engine.mind.rows.characteristics import mmd2
from engine.mind.rows.gini import Gini
from engine.mind.rows.ledger import Ledger, meters
from engine.mind.rows.producers import Producers
from engine.mind.rows.retro import Retro
from engine.mind.rows.standard import LAST, Standard

PICTURES, THOUGHTS, SENTENCES = 12.0, 2.8, 1 / 24  # a second: of the stream, of thought, of words that change
DIM, FOUNDERS, SHAPE = 512, 12_288, (24, 32, 32)
KEPT = (100_000, 5_000_000)  # pictures of the past: of a month, of three years


def bench() -> dict[str, Any]:
    """A row a quantity; `core_percent` is at the rates above, with a past of a month."""
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="hypermnesia-rows-") as folder:
        rows = list(_thoughts(Archive(Path(folder)), draw)) + list(_pictures(draw))
    whole = sum(row["core_percent"] for row in rows)
    return {"rows": rows, "all_core_percent": whole, "limit_core_percent": 6.0, "pictures_a_second": PICTURES, "thoughts_a_second": THOUGHTS}


def _row(name: str, run: Callable[[], object], rate: float, times: int = 200) -> dict[str, Any]:
    """Median milliseconds of processor time, and what that is of a core at so many a second."""
    spent = []
    for _ in range(times):
        begun = time.thread_time()
        run()
        spent.append(1000 * (time.thread_time() - begun))
    median = float(np.median(spent))
    return {"quantity": name, "ms": median, "per_second": rate, "core_percent": 0.1 * float(np.mean(spent)) * rate}


def _thoughts(archive: Archive, draw: np.random.Generator) -> Iterator[dict[str, Any]]:
    t, v = (draw.standard_normal((FOUNDERS, DIM)).astype(np.float32) for _ in range(2))
    table = Table(("",) * FOUNDERS, t, v, ())
    vector = draw.standard_normal(DIM).astype(np.float32)
    archive.remember(Birth("machine", "a", vector, Seen(np.zeros(SHAPE, np.float16), vector)), "bench")
    memory = Memory(archive, "bench", SHAPE, table=table)
    clock = iter(range(1 << 30))
    standard = Standard(memory, list(draw.standard_normal((LAST, DIM)).astype(np.float32)))
    read = draw.standard_normal((64, DIM)).astype(np.float32)
    yield _row("standard", lambda: standard.look(read[(n := next(clock)) % 64], f"words {n // 60}", 0, float(n)), THOUGHTS)
    standard.acting = True

    def far() -> None:
        standard._far = None
        standard.far()

    yield _row("standard, countered", far, SENTENCES, 50)
    gini = Gini(range(4000))
    yield _row("gini", lambda: gini.take({int(k): 1 / 24 for k in draw.integers(0, 4000, 24)}), THOUGHTS)
    retro, ancestors = Retro(memory), [Ancestor(int(k), 1 / 16, "visitor", age=3.0) for k in draw.integers(1, 4000, 16)]
    yield _row("retro", lambda: retro.take(ancestors, 31.0 * next(clock)), 1 / 30)
    yield _row("characteristics", lambda: mmd2(read[:32], read[32:48]), 2 * SENTENCES, 50)
    producers = Producers(archive)
    yield _row("producers", lambda: producers.take(0.4 * next(clock), 0.3), THOUGHTS)
    ledger = Ledger(archive, meters(torch.cuda.is_available()))
    yield _row("ledger", lambda: ledger.take(100.0), THOUGHTS)


def _pictures(draw: np.random.Generator) -> Iterator[dict[str, Any]]:
    scene = draw.integers(0, 255, (256, 256, 4)).astype(np.uint8)
    for count in KEPT:
        past = Past()
        past._words, past._count = draw.integers(0, 2**63, (4, count), dtype=np.uint64), count
        aura, hash = Aura(past), past.at(np.array([count // 2]))[:, 0]
        name = f"aura, {count:,} kept"
        month = count == KEPT[0]
        searched = _row(f"{name}, looked through", lambda past=past, hash=hash, count=count: past.distances(hash, count), 1.5, 20)  # type: ignore[misc]
        assert int(past.distances(hash, count).min()) == 0
        yield searched if month else {**searched, "core_percent": 0.0}
        if month:
            yield _row("aura, a picture", lambda aura=aura: aura.look(scene, 0.0), PICTURES)  # type: ignore[misc]
    prior = Prior(0.1 * draw.standard_normal((SHAPE[0], 4, 4)).astype(np.float32), np.ones(SHAPE[0], np.float32))
    noise = torch.randn(SHAPE)
    yield _row("prior", lambda: prior.of(noise), 2 * PICTURES)
