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
from engine.core.machine import Machine
from engine.core.milestones import FILE, read

Table = dict[str, Any]
TIMES = 5  # warm starts; the median of each row is told
PATIENCE = 180.0  # seconds until a start counts as failed
LIGHT = ("loop", "light")
TOP = Path(__file__).parents[2]


def start(folder: Path, caches: Path, options: argparse.Namespace) -> dict[tuple[str, str], float]:
    """One start, ended at its first light: (room, what) -> seconds since the command was given. Raises CannotPlay."""
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
            while not any(mark[1:] == LIGHT for mark in read(told)):
                if show.poll() is not None or time.monotonic() - begun > PATIENCE:
                    raise CannotPlay(f"there was no light: {log.read_text(errors='replace')[-600:]}")
                time.sleep(0.05)
        finally:
            show.send_signal(signal.SIGTERM)
            try:
                show.wait(60.0)
            except subprocess.TimeoutExpired:
                show.kill()
    found: dict[tuple[str, str], float] = {}
    for at, room, what in read(told):
        found.setdefault((room, what), at - begun)
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
    median = {kind: {key: float(np.median([one[key] for one in found if key in one])) for key in found[-1]} for kind, found in starts.items()}
    rows: list[Table] = []
    before: dict[str, float] = {}
    for room, what in sorted(median["warm"], key=lambda key: median["warm"][key]):
        at = median["warm"][room, what]
        row: Table = {"room": room, "has": what, "warm_s": at, "took_s": at - before.get(room, 0.0)}
        row |= {f"{kind}_s": median[kind].get((room, what), float("nan")) for kind in ("cold", "first")}
        before[room] = at
        rows.append(row)
    light = [one[LIGHT] for one in starts["warm"]]
    return {"starts": rows, "light_warm_s": float(np.median(light)), "light_warm_slowest_s": max(light), "light_cold_s": starts["cold"][0][LIGHT], "light_first_s": starts["first"][0][LIGHT]}
