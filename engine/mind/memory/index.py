"""What proposes rows in a large space, so that the exact cosine need not look at all of them.

A row's *sketch* is one bit for each dimension: on which side of the centre its vector lies there. Two sketches are as
far apart as they differ in bits. Among 14,648 captions of the atelier the 256 nearest sketches held 99.0 % of the 64
nearest rows and 99.8 % of their weight; i8 vectors proposed as well (99.2, 99.8), took 1.7 times as long to add (on
vectors with more noise: 5 times) and eight times the memory.

`usearch` builds a graph (HNSW) over the sketches, aside, in a process of its own, because it holds the interpreter while
it adds; until it is there all sketches are compared, and so are rows that came since. One thread builds it: where
several do, their edges overwrite each other and some rows can never be reached again (measured among 20,000: 1 to 10
with two threads, 15 to 71 with eight, none with one), and the graph is another each time.

The graph's file is a cache: saved to a temporary file, synced and renamed (saving in place was unreadable after 22 of 25
kills), checked at the start, and built anew whatever is wrong with it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Rows = NDArray[np.int64]
Bits = NDArray[np.uint64]
log = logging.getLogger("engine.mind")
AT_ONCE = 4096  # rows that the builder adds before it looks whether it is still wanted: about a second


class Sketched(Protocol):
    """What an index is made of: a `Space`."""

    centre: Vector

    def __len__(self) -> int: ...

    def raw(self, rows: Rows) -> Vector: ...

    def mark(self, count: int) -> str:
        """What tells the first `count` rows apart from others."""


class Proposes(Protocol):
    """Who proposes rows to a `Space`: an `Index`, or the archive's server."""

    @property
    def building(self) -> bool: ...

    def propose(self, vector: Vector, count: int) -> Rows: ...

    def add(self, row: int, vector: Vector) -> None: ...

    def forget(self, row: int) -> None: ...

    def save(self) -> None: ...

    def settle(self) -> None: ...

    def close(self) -> None: ...


class Index:
    """Sketches of all rows and a graph over most of them. Keys are rows. Not thread-safe: `Memory` holds the lock.

    Without `path` nothing is kept beyond this index.
    """

    def __init__(self, space: Sketched, path: Path | None):
        self._space = space
        self._folder = tempfile.TemporaryDirectory(prefix="hypermnesia-index-") if path is None else None
        self.path = path or Path(self._folder.name if self._folder else "") / "index.usearch"
        self._graph: Any = None
        self._known = 0  # rows that the graph holds
        self._gone: list[int] = []  # rows that were forgotten
        self._builder: subprocess.Popen[bytes] | None = None
        begun = self._read()
        self._centre = space.centre if begun is None else begun[1]
        self._n = len(space)
        self._bits: Bits = np.concatenate(
            [self.sketch(space.raw(np.arange(at, min(self._n, at + 16384)))) for at in range(0, self._n, 16384)]
        )
        if begun is not None and len(begun[0]) == self._n:
            self._graph, self._known = begun[0], self._n
        else:
            self._build(goes_on=begun is not None)

    def sketch(self, vectors: Vector) -> Bits:
        """(..., d) -> (..., ceil(d / 64)): one bit for each dimension."""
        bits = np.packbits(vectors > self._centre, axis=-1)
        spare = -bits.shape[-1] % 8
        return np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, spare)]).view(np.uint64)

    @property
    def building(self) -> bool:
        """Whether all rows are still compared one by one."""
        self._look()
        return self._graph is None and self._builder is not None

    def settle(self) -> None:
        """Wait until the graph is built."""
        if self._builder is not None:
            self._builder.wait()
        self._look()

    def close(self) -> None:
        """Let go of a graph that is not built yet: what there is of it is kept, and the next start goes on from there."""
        if self._builder is not None:
            self._builder.terminate()
            self.settle()
        if self._folder:
            self._folder.cleanup()

    # rows

    def add(self, row: int, vector: Vector) -> None:
        """The vector (d,) f32 of the next row, which is the number of rows so far."""
        if row == len(self._bits):
            self._bits = np.concatenate([self._bits, np.zeros((max(256, row // 2), self._bits.shape[1]), np.uint64)])
        self._bits[row] = self.sketch(vector)
        self._n = row + 1
        self._look()
        if self._graph is not None:
            _add(self._graph, self._bits, self._known, self._n)
            self._known = self._n

    def forget(self, row: int) -> None:
        """Nothing of it is left: not in the graph's answers, not in the file. A graph keeps the bits of what is removed
        from it, so it is not saved again: the next start builds another."""
        self._look()
        self._bits[row] = 0
        self._gone.append(row)
        if self._graph is not None and row < self._known:
            self._graph.remove(row)
        with contextlib.suppress(OSError):  # where the disk refuses, whoever withdraws tries again
            self.path.unlink(missing_ok=True)

    def propose(self, vector: Vector, count: int) -> Rows:
        """Rows with sketches near this vector's, `count` of them or more where there are so many, in no order."""
        self._look()
        sketch, found = self.sketch(vector), []
        if self._graph is not None:
            found.append(np.asarray(self._graph.search(sketch.view(np.uint8), count, threads=1).keys, np.int64))
        if self._known < self._n:
            differ = np.bitwise_count(self._bits[self._known : self._n] ^ sketch).sum(1, dtype=np.uint16)
            near = np.argpartition(differ, count)[:count] if count < len(differ) else np.arange(len(differ))
            found.append(self._known + near)
        return np.concatenate(found)

    # the graph

    def _build(self, goes_on: bool) -> None:
        """Start the builder on the sketches as they are now. Where the disk takes no graph, there is none."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._note.unlink(missing_ok=True)
            if not goes_on:
                self.path.unlink(missing_ok=True)
            np.save(self._sketches, self._bits)
        except OSError as wrong:
            log.warning("%s is not built (%s): sketches are compared one by one", self.path.name, wrong)
            return
        command = [sys.executable, "-m", __name__, str(self._sketches), str(self.path)]
        self._builder = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def _look(self) -> None:
        """Where the builder has ended, take over what it built."""
        if self._builder is None or self._builder.poll() is None:
            return
        self._builder = None
        with contextlib.suppress(OSError):
            self._sketches.unlink(missing_ok=True)
        graph = _restored(self.path)
        if graph is None:
            log.warning("%s could not be built: sketches are compared one by one until the next start", self.path.name)
            return
        self._graph, self._known = graph, len(graph)
        with contextlib.suppress(OSError):  # without them it is built anew at the next start
            self._write_facts(self._known)
        for row in self._gone:
            if row < self._known:
                graph.remove(row)
        if self._gone:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)

    @property
    def _sketches(self) -> Path:
        return self.path.with_suffix(".sketches.npy")

    @property
    def _note(self) -> Path:
        return self.path.with_suffix(".json")

    # the cache

    def _read(self) -> tuple[Any, Vector] | None:
        """Graph and centre from the cache, if it is whole and of these very rows, or of the first of them."""
        if not self.path.exists():
            return None
        try:
            facts = json.loads(self._note.read_text(encoding="utf-8"))
            if facts["rows"] > len(self._space) or facts["mark"] != self._space.mark(facts["rows"]):
                log.info("%s is of other memories (%s): it is built anew", self.path.name, facts["mark"])
                return None
            graph, centre = _restored(self.path), np.array(facts["centre"], np.float32)
        except (OSError, ValueError, KeyError, TypeError) as wrong:  # a cache: the archive has it all
            log.warning("%s cannot be read (%s): it is built anew", self._note.name, wrong)
            return None
        whole = graph is not None and len(graph) == facts["rows"] and centre.shape == self._space.centre.shape
        return (graph, centre) if whole else None

    def save(self) -> None:
        """Keep the graph, if there is one that may be kept."""
        if self._graph is not None and not self._gone:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                _keep(self._graph, self.path)
                self._write_facts(self._known)
            except (OSError, RuntimeError) as wrong:  # usearch says RuntimeError of a full disk
                log.warning("%s is not kept (%s): it is built anew at the next start", self.path.name, wrong)

    def _write_facts(self, rows: int) -> None:
        """The facts last, so that they never speak of an older file."""
        facts = {"rows": rows, "mark": self._space.mark(rows), "centre": self._centre.tolist()}
        fresh = self._note.with_suffix(".json.new")
        fresh.write_text(json.dumps(facts), encoding="utf-8")
        _sync(fresh)
        fresh.replace(self._note)


def main(argv: Sequence[str]) -> int:
    """The builder's process: sketches (n, words) u64 in a file -> a graph in another; goes on with what is there.

    Ends early, and keeps what it has, on SIGTERM; ends and keeps nothing where its parent has gone.
    """
    from usearch.index import Index as Graph

    os.nice(10)
    parent, wanted = os.getppid(), True

    def stop(*_: object) -> None:
        nonlocal wanted
        wanted = False

    signal.signal(signal.SIGTERM, stop)
    bits, path = np.load(argv[0]), Path(argv[1])
    graph = _restored(path) if path.exists() else None
    if graph is None:
        graph = Graph(ndim=64 * bits.shape[1], metric="hamming", dtype="b1", connectivity=16, expansion_add=32, expansion_search=96)
    for at in range(len(graph), len(bits), AT_ONCE):
        _add(graph, bits, at, min(len(bits), at + AT_ONCE))
        if os.getppid() != parent:
            return 1
        if not wanted:
            break
    _keep(graph, path)
    return 0


def _restored(path: Path) -> Any:
    """The graph in a file; None where there is none, or none that is whole."""
    from usearch.index import Index as Graph

    try:
        return Graph.restore(str(path))
    except Exception as wrong:  # usearch raises many kinds, and says nothing of a file that is cut
        log.warning("%s cannot be read (%s): it is built anew", path.name, wrong)
        return None


def _keep(graph: Any, path: Path) -> None:
    """To a temporary file, synced, renamed."""
    fresh = path.with_suffix(".new")
    graph.save(str(fresh))
    _sync(fresh)
    fresh.replace(path)


def _add(graph: Any, bits: Bits, start: int, stop: int) -> None:
    """Rows [start, stop) into the graph, by one thread."""
    if start < stop:
        graph.add(np.arange(start, stop).astype(np.uint64), bits[start:stop].view(np.uint8), threads=1)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
