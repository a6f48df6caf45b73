"""`hypermnesia bench start`: from the command to the first light, with what takes how long, in every room.

Three kinds of start: *first* (nothing was ever kept on this machine: no caches, no memory), *cold* (what the disk has is
no longer in working memory, as far as the kernel lets go of it), *warm*. Each is the whole command, on a home of its own.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import CannotPlay
from engine.core.milestones import FILE, read

Table = dict[str, Any]
TIMES = 5  # warm starts; the median of each row is told
PATIENCE = 180.0  # seconds until a start counts as failed
LIGHT = ("loop", "light")
TOP = Path(__file__).parents[2]


Key = tuple[str, str]  # room, what


def start(folder: Path, caches: Path, options: argparse.Namespace) -> dict[Key, tuple[float, float]]:
    """One start, ended at its first light: (room, what) -> seconds since the command was given, and of the processor. Raises CannotPlay."""
    told, log = folder / "milestones", folder / "log"
    told.unlink(missing_ok=True)
    words = ["run", "--home", str(folder / "home"), "--sound", "null", "--osc", "0", "--web", "0", "--window", "headless"]
    words += ["--model", options.model] if getattr(options, "model", None) else []
    words += ["--machine", str(options.machine)] if options.machine else []
    environment = {**os.environ, FILE: str(told), "XDG_CACHE_HOME": str(caches)}
    with log.open("wb") as out:
        begun = time.monotonic()
        show = subprocess.Popen([sys.executable, "-m", "engine", *words], cwd=TOP, stdout=out, stderr=out, env=environment)
        try:
            while not any((mark.room, mark.what) == LIGHT for mark in read(told)):
                if show.poll() is not None or time.monotonic() - begun > PATIENCE:
                    raise CannotPlay(f"there was no light: {log.read_text(errors='replace')[-600:]}")
                time.sleep(0.05)
        finally:
            show.send_signal(signal.SIGTERM)
            try:
                show.wait(60.0)
            except subprocess.TimeoutExpired:
                show.kill()
    found: dict[Key, tuple[float, float]] = {}
    for mark in read(told):
        found.setdefault((mark.room, mark.what), (mark.at - begun, mark.cpu))
    return found


def let_go() -> int:
    """Ask the kernel to forget what it has read of this Python and this engine; how many files. What is in use stays."""
    count = 0
    for folder in {Path(sys.prefix), Path(sys.base_prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}", TOP / "engine", TOP / "shaders"}:
        for path in _files(folder):
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
            count += 1
    return count


def _files(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        yield from (Path(where) / name for name in names)


def run(options: argparse.Namespace) -> Table:
    """Start it again and again; a table of milestones, and when light came. Raises CannotPlay."""
    with tempfile.TemporaryDirectory(prefix="hypermnesia-start-") as place:
        folder, caches = Path(place), Path(place) / "caches"
        caches.mkdir()
        (folder / "home").mkdir()
        starts = {"first": [start(folder, caches, options)]}
        start(folder, caches, options)  # what the first has left to do
        let_go()
        starts["cold"] = [start(folder, caches, options)]
        starts["warm"] = [start(folder, caches, options) for _ in range(TIMES)]
    median = {kind: {key: np.median([one[key] for one in found if key in one], 0) for key in found[-1]} for kind, found in starts.items()}
    rows: list[Table] = []
    before: dict[str, np.ndarray] = {}
    for room, what in sorted(median["warm"], key=lambda key: float(median["warm"][key][0])):
        now = median["warm"][room, what]
        took, before[room] = now - before.get(room, np.zeros(2)), now
        row: Table = {"room": room, "has": what, "warm_s": float(now[0]), "took_s": float(took[0]), "of_it_computing_s": float(took[1])}
        rows.append(row | {f"{kind}_s": float(median[kind][room, what][0]) if (room, what) in median[kind] else float("nan") for kind in ("cold", "first")})
    light = [one[LIGHT][0] for one in starts["warm"]]
    return {
        "starts": rows, "light_warm_s": float(np.median(light)), "light_warm_slowest_s": max(light),
        "light_cold_s": starts["cold"][0][LIGHT][0], "light_first_s": starts["first"][0][LIGHT][0],
    }  # fmt: skip
