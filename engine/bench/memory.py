"""`hypermnesia bench memory`: what remembering costs, from 1,000 to 1,000,000 fragments, in a file and on PostgreSQL.

Vectors lie around themes, as memories do, in the width of the real encoder; latents are noise of the real shapes. Every
time is wall time on `threads` threads, the median of several runs.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.bench.served import beside
from engine.core.messages import Text
from engine.mind.compose import DEFAULT, compose
from engine.mind.memory.archive import Archive, Birth, Seen
from engine.mind.memory.space import EXACT, PROPOSED, Space, Vector, unit

WIDTH = 512
CHANNELS = 24  # of the embedded model's latents
COUNTS = (1_000, 10_000, 100_000, 1_000_000)
COMPOSED = ((16, 32), (24, 32), (24, 64), (64, 32))  # memories, cells a side
Row = dict[str, Any]


def bench(options: argparse.Namespace | None = None) -> dict[str, Any]:
    """Measure and print; `options.fragments` (most, default 1,000,000) and `options.threads` may be set."""
    most = int(getattr(options, "fragments", 0) or COUNTS[-1])
    threads = int(getattr(options, "threads", 0) or 1)
    torch.set_num_threads(threads)
    found: dict[str, Any] = {"threads": threads, "archive": archive(), "compose": composed(), "cycle": cycle(), "recall": [], "beside": []}
    _table("archive", [found["archive"]])
    _table("compose", found["compose"])
    if found["cycle"]:
        _table("whole cycle", [found["cycle"]])
    for count in COUNTS:
        if count <= most:
            found["recall"].append(recall(count))
            _table(f"recall among {count:,}", found["recall"][-1:])
    for count in COUNTS:
        if count <= most:
            found["beside"].append(beside(count, themed, str(getattr(options, "server", "") or "")))
            _table(f"a file and a server, {count:,} fragments", found["beside"][-1])
    return found


def themed(count: int, seed: int = 0) -> Vector:
    """Unit vectors (count, WIDTH) around one theme for each twenty."""
    rng = np.random.default_rng(seed)
    themes = np.random.default_rng(7).standard_normal((max(1, min(5000, count // 20)), WIDTH)).astype(np.float32)
    out = np.empty((count, WIDTH), np.float32)
    for at in range(0, count, 65_536):
        n = min(65_536, count - at)
        out[at : at + n] = unit(themes[rng.integers(0, len(themes), n)] + 0.8 * rng.standard_normal((n, WIDTH), np.float32))
    return out


def recall(count: int, queries: int = 200, folder: Path | None = None) -> Row:
    """Recall of the nearest 64 in one space: time, exactness and memory, while the index is built and by the index.

    `folder` keeps the index, so that a build that was cut off goes on from there.
    """
    vectors, asked = themed(count), themed(queries, seed=1)
    before = _resident()
    with tempfile.TemporaryDirectory(prefix="hypermnesia-bench-") as fresh:
        cache = (folder or Path(fresh)) / "words.usearch"
        space, opened = _timed(lambda: Space(vectors, cache))
        row: Row = {"fragments": count, "exact": count <= EXACT, "open_s": opened}
        index = space._index
        if index is not None:
            if index.building:
                row["unbuilt_p50_ms"] = _percentile([_timed(space.nearest, one, 64)[1] for one in asked[:20]], 50)
            row["build_s"] = _timed(space.settle)[1]
            row["propose_p50_ms"] = _percentile([_timed(index.propose, one, PROPOSED * 64)[1] for one in asked], 50)
        times = [_timed(space.nearest, one, 64)[1] for one in asked]
        row |= {"p50_ms": _percentile(times, 50), "p99_ms": _percentile(times, 99)}
        row["insert_p50_ms"] = _percentile([_timed(space.add, one)[1] for one in themed(100, seed=2)], 50)
        row["memory_mb"] = max(0.0, _resident() - before)
        if index is not None:
            exact = Space(vectors, exact=count)
            hits = [len(set(space.nearest(one, 10)[0]) & set(exact.nearest(one, 10)[0])) / 10 for one in asked[:50]]
            row["recall_at_10"] = float(np.mean(hits))
            row["save_s"] = _timed(space.save)[1]
            row["cache_mb"] = cache.stat().st_size / 1e6
            row["reopen_s"] = _timed(lambda: Space(vectors, cache))[1]
        space.close()
    return row


def archive(texts: int = 300, pictures: int = 300) -> Row:
    """Writing: sentences one by one, each on the disk before the next; pictures with their lineage; opening again."""
    rng = np.random.default_rng(0)
    vectors = themed(pictures)
    latent = rng.standard_normal((CHANNELS, 32, 32)).astype(np.float16)
    with tempfile.TemporaryDirectory(prefix="hypermnesia-bench-") as folder:
        base = Archive(Path(folder))
        times = [_timed(base.hear, Text(f"sentence number {n}", key=str(n)))[1] for n in range(texts)]
        _, wrote = _timed(lambda: [base.remember(Birth("founding", "w", v, Seen(latent, v)), "bench") for v in vectors])
        _, opened = _timed(lambda: base.recallable("bench"))
        _, read = _timed(lambda: base.latents(list(range(texts + 1, texts + 65)), "bench"))
        base.close()
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return {
        "text_p50_ms": _percentile(times, 50), "text_p99_ms": _percentile(times, 99), "pictures_per_s": pictures / wrote,
        "open_us_per_fragment": 1e6 * opened / pictures, "64_latents_ms": 1000 * read, "bytes_per_fragment": size / (texts + pictures),
    }  # fmt: skip


def composed(runs: int = 9) -> list[Row]:
    """One composition in the embedded codec's bands, per number of memories and size of latent."""
    rows = []
    carries = _carries()
    for count, side in COMPOSED:
        draw = torch.Generator().manual_seed(0)
        memories = torch.nn.functional.avg_pool2d(torch.randn(count, CHANNELS, side + 4, side + 4, generator=draw), 5, 1) * 4
        prior = torch.softmax(torch.randn(count, generator=draw) * 2, 0)
        noise = torch.randn(CHANNELS, side, side, generator=draw) * DEFAULT.noise[0]
        times = [_timed(compose, memories, prior, noise, DEFAULT, carries)[1] for _ in range(runs)]
        made = compose(memories, prior, noise, DEFAULT, carries)
        rows.append({"memories": count, "latent": f"{CHANNELS}x{side}x{side}", "ms": _percentile(times, 50), "neff": made.neff, "largest": made.largest})
    return rows


def _carries() -> torch.Tensor:
    """What each channel of the embedded codec is worth; without its weights, fallen off as its own are: 1/k squared."""
    from engine.mind.model import embedded
    from engine.mind.model.lapped import Lapped

    try:
        return Lapped.load(embedded.FOLDER / "codec").carries
    except FileNotFoundError:
        fallen = 1 / torch.arange(1, CHANNELS + 1).float().square()
        return fallen / fallen.mean()


def cycle(runs: int = 20) -> Row:
    """One whole thought of the embedded model, step by step in ms; {} where its weights are not there, saying so."""
    from engine.core.messages import Dream
    from engine.mind.mind import Mind
    from engine.mind.options import MindOptions

    with tempfile.TemporaryDirectory(prefix="hypermnesia-bench-") as folder:
        try:
            mind = Mind(MindOptions(archive=Path(folder)))
        except FileNotFoundError as missing:
            print(f"whole cycle: not measured ({missing})", file=sys.stderr)
            return {}
        words = ("the sea at night", "une ville en feu", "a red room", "love")
        steps: dict[str, list[float]] = {}
        for number in range(runs):
            picture = mind.picture(Dream(words[number // 4 % 4]), number / 8)
            for name, ms in picture.state.timings:
                steps.setdefault(name, []).append(ms)
        mind.close()
    found: Row = {f"{name}_ms": float(np.median(values)) for name, values in steps.items()}
    found["thought_ms"] = sum(value for name, value in found.items() if name != "paint_ms")
    return found


def _timed(act: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    made = act(*arguments)
    return made, time.perf_counter() - begun


def _percentile(seconds: list[float], percent: float) -> float:
    return 1000 * float(np.percentile(seconds, percent))


def _resident() -> float:
    """The most memory that this process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _table(title: str, rows: list[Row]) -> None:
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names))]
    print(f"{title}")
    for line in cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) and value < 1000 else f"{value:,.0f}" if isinstance(value, float) else str(value)
