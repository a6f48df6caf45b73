"""Of `hypermnesia bench memory`: the archive on PostgreSQL beside the archive in a file, in the same run.

Both are filled with the same fragments, whose words' vectors lie around themes; then each is told sentences and pictures one
by one, asked for the nearest 64 and rescored exactly, and something is taken back: words and vectors out of every byte.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.messages import Text
from engine.mind.memory.afar import reach
from engine.mind.memory.archive import Archive, ArchiveError, Birth, Seen
from engine.mind.memory.records import f16
from engine.mind.memory.small import Small
from engine.mind.memory.space import EXACT, PROPOSED, Space, Vector
from engine.mind.memory.transfer import TABLES
from engine.mind.memory.withdrawal import Journal, withdraw

FILLED = 8192  # fragments to a transaction while it is filled
SPACE = "bench"
LATENT = np.random.default_rng(0).standard_normal((24, 32, 32)).astype(np.float16)
Row = dict[str, Any]


def beside(count: int, themed: Callable[[int, int], Vector], server: str = "", asked: int = 100, told: int = 50) -> list[Row]:
    """A row for SQLite with usearch and one for PostgreSQL, or why there is none. `themed` (how many, seed) gives vectors (n, d).

    `server`: the address of an empty database; "": a server out of the wheel, if it is installed.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="hm-") as folder:
        where = Path(folder)
        rows.append(_row("SQLite + usearch", Archive(where / "file"), count, themed, asked, told))
        with contextlib.ExitStack() as stack:
            try:
                address = server or stack.enter_context(Small(where / "pg")).address
                rows.append(_row("PostgreSQL + pgvector", reach(where / "served", address, "bench"), count, themed, asked, told))
            except ArchiveError as wrong:
                print(f"PostgreSQL: not measured ({wrong})")
    return rows


def _row(name: str, archive: Archive, count: int, themed: Callable[[int, int], Vector], asked: int, told: int) -> Row:
    vectors = themed(count, 0)
    row: Row = {"where": name, "fragments": count, "fill_s": _timed(_fill, archive, vectors)[1]}
    row["graph_s"] = _timed(archive.sort, SPACE)[1]
    near = archive.near({number + 1: number for number in range(count)})
    space, row["space_s"] = _timed(lambda: Space(vectors, archive.folder / "words.usearch", exact=0 if near else EXACT, proposes=near))
    row["graph_s"] += _timed(space.settle)[1]
    questions = themed(asked, 1)
    if space._index is not None:
        row["propose_p50_ms"] = _ms([_timed(space._index.propose, one, PROPOSED * 64)[1] for one in questions], 50)
    else:
        row["propose_p50_ms"] = 0.0
    times, hits = [], []
    for one in questions:
        found, took = _timed(space.nearest, one, 64)
        times.append(took)
        hits.append(len(set(found[0][:10].tolist()) & set(_nearest(vectors, space.centre, one).tolist())) / 10)
    row |= {"recall_p50_ms": _ms(times, 50), "recall_p99_ms": _ms(times, 99), "recall_at_10": float(np.mean(hits))}
    fresh = themed(told, 2)
    row["picture_p50_ms"] = _ms([_timed(archive.remember, Birth("machine", "w", one, Seen(LATENT, one)), SPACE)[1] for one in fresh], 50)
    heard = [_timed(archive.hear, Text(f"sentence number {n}", key=str(n))) for n in range(told)]
    row["text_p50_ms"] = _ms([took for _, took in heard], 50)
    (fragment, code, _), _ = heard[0]
    archive.develop(fragment, Birth("visitor", "", fresh[0], Seen(LATENT, fresh[0])), SPACE)
    row["withdraw_s"] = _timed(withdraw, archive, Journal(archive.folder), archive.code(code))[1]
    row["mb"] = archive.size / 1e6
    space.close()
    archive.close()
    return row


def _fill(archive: Archive, vectors: Vector) -> None:
    """Machine's own fragments, numbered from 1, with vectors and without pictures."""
    columns = ("id", "kind", "day", "words")
    for at in range(0, len(vectors), FILLED):
        part = vectors[at : at + FILLED]
        with archive.transaction():
            archive.load("fragment", columns, [(at + k + 1, 4, archive.today, f"picture number {at + k}") for k in range(len(part))])
            archive.load("meaning", TABLES["meaning"][1], [(at + k + 1, f16(one)) for k, one in enumerate(part)])
    archive.count_from(len(vectors))


def _nearest(vectors: Vector, centre: Vector, asked: Vector) -> Any:
    """The ten nearest by the exact centred cosine, all rows looked at."""
    direction = (asked - centre) / np.linalg.norm(asked - centre)
    found = np.concatenate([_cosines(part, centre, direction) for part in _parts(vectors)])
    return np.argpartition(-found, 10)[:10]


def _parts(vectors: Vector) -> Iterator[Vector]:
    for at in range(0, len(vectors), 65_536):
        yield vectors[at : at + 65_536].astype(np.float16).astype(np.float32)


def _cosines(part: Vector, centre: Vector, direction: Vector) -> Vector:
    apart = part - centre
    found: Vector = apart @ direction / np.maximum(np.sqrt(np.square(apart).sum(1)), 1e-6)
    return found


def _timed(act: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    made = act(*arguments)
    return made, time.perf_counter() - begun


def _ms(seconds: list[float], percent: float) -> float:
    return 1000 * float(np.percentile(seconds, percent))
