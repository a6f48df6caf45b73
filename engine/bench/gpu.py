"""`hypermnesia bench gpu`: what only a GPU can show, the cheapest first, each figure written down when it is known.

The ladder of `engine.bench.ladder` for SD-Turbo and SDXL-Turbo in full size with random weights, the way of pictures into
GL, a whole mind that thinks and paints together, and what a picture is made of before and after compiling. It needs no
network, and keeps what it compiles: what one run has no time for, the next one finds half done. On a CPU everything runs at
small size, and what does not apply says so.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from engine.bench.film import goes_on
from engine.bench.ladder import Ladder, Skip, _Ours
from engine.bench.profile import profile
from engine.core.messages import Dream
from engine.mind.model.contract import Series
from engine.mind.model.cpu import computes_bfloat16
from engine.mind.model.device import Cpu, Cuda, open_device
from engine.mind.model.random_models import FULL, THIN
from engine.mind.options import MindOptions, spare

Table = dict[str, Any]
Step = tuple[str, float, Callable[[float], Any]]  # what, the seconds that it takes at most, and how, within seconds
ALLOTTED = {"B4 ours": 60.0, "B4 ours compiled": 230.0, "B2 default": 240.0, "B2 reduce-overhead": 241.0, "B2 max-autotune": 300.0}
USUAL = 8.0  # seconds of every other rung
SMALL = 4.0  # seconds of a rung on a CPU, with thin networks
WORDS = ("the sea at night", "une ville en feu", "a red room with a window", "la forêt sous la pluie", "love")
GL = "import json; from engine.bench.wall import uploads; print(json.dumps(uploads(times=50)))"


def bench(options: argparse.Namespace) -> Table:
    """Figures for `hypermnesia bench`. Reads `path` (a checkout of StreamDiffusion), `seconds` and `json`."""
    device = open_device("auto")
    found: Table = {"device": torch.cuda.get_device_name(device.torch) if isinstance(device, Cuda) else "CPU",
                    "torch": torch.__version__, "weights": "random: they time correctly and show nothing"}  # fmt: skip
    end = time.monotonic() + options.seconds
    for name, cost, run in steps(device, Path(options.path) if options.path else None):
        left = end - time.monotonic()
        if left < cost:
            found[name] = f"skipped: takes {cost:.0f} s, {max(0.0, left):.0f} s are left"
        else:
            try:
                found[name] = run(cost)
            except (Skip, RuntimeError, OSError) as why:
                found[name] = f"skipped: {why}" if isinstance(why, Skip) else f"failed: {type(why).__name__}: {str(why).splitlines()[0]}"
        print(f"{name}: {_told(found[name])}", flush=True)
        if options.json:
            _write(options.json, found)
        gc.collect()
        if isinstance(device, Cuda):
            torch.cuda.empty_cache()
    return found


def steps(device: Cpu | Cuda, checkout: Path | None) -> Iterator[Step]:
    """All of them, in order of their cost."""
    cuda = isinstance(device, Cuda)
    dtype = torch.bfloat16 if cuda or computes_bfloat16() else torch.float32
    yield "pictures into GL", 20.0, lambda seconds: into_gl(seconds)
    found: list[Step] = [("a whole mind", 40.0 if cuda else 25.0, whole_mind)]
    found.append(("film", 45.0 if cuda else SMALL, lambda seconds: goes_on(device, 0.5 * seconds)))
    for which in ("sd-turbo", "sdxl-turbo"):
        ladder = Ladder((FULL if cuda else THIN)[which], device, dtype, checkout, pictures=200 if cuda else 10, ours=6000 if cuda else 20)
        for rung in ladder.rungs():
            cost = ALLOTTED.get(rung.name, USUAL) if cuda else SMALL
            found.append((f"{which} {rung.name}", cost, lambda seconds, ladder=ladder, rung=rung: climbed(ladder, rung, seconds)))  # type: ignore[misc]
    yield from sorted(found, key=lambda step: step[1])


def climbed(ladder: Ladder, rung: Any, seconds: float) -> Table:
    """One rung of the ladder; of ours also what a picture is made of."""
    ladder.patience = seconds
    found: Table = ladder.measure(rung, time.monotonic() + seconds)
    if isinstance(ladder.newest, _Ours):
        found["profile"] = profile(ladder.newest.model)
        if ladder.newest.model.compiling:
            found["compiling"] = {"s": ladder.newest.model.compiling.took, "found": ladder.newest.model.compiling.found}
    ladder.newest = None
    return found


def into_gl(seconds: float) -> Any:
    """A picture's way into a texture, in a process of its own: a driver of GL that crashes costs this figure alone."""
    done = subprocess.run([sys.executable, "-c", GL], capture_output=True, text=True, timeout=max(seconds, 60.0), check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no GL"])[-1])
    return json.loads(done.stdout.strip().splitlines()[-1])


def whole_mind(seconds: float) -> Table:
    """The embedded model's mind, thinking and painting together as its room has it, other words every second."""
    from engine.mind.mind import Mind

    with tempfile.TemporaryDirectory(prefix="hypermnesia-bench-") as folder:
        side = 256 if torch.cuda.is_available() else 128
        mind = Mind(MindOptions(archive=Path(folder), size=(side, side), threads=spare(), compiled=False))
        mind.live()
        series, took, open_ = Series(), Series(), True
        dream = Dream(words=WORDS[0], strength=0.5, feedback=0.3)

        def ponder() -> None:
            while open_:
                at = time.perf_counter()
                mind.ponder(dream, time.monotonic() - begun)
                took.note((time.perf_counter() - at) * 1e3)
                time.sleep(0.35)

        begun = time.monotonic()
        mind.ponder(dream, 0.0)
        thought = threading.Thread(target=ponder, daemon=True)
        thought.start()
        end = time.monotonic() + 0.6 * seconds
        while time.monotonic() < end:
            now = time.monotonic()
            dream = Dream(words=WORDS[int(now - begun) % len(WORDS)], key=str(int(now - begun)), at=begun + int(now - begun), strength=0.5, feedback=0.3)
            at = time.perf_counter()
            mind.picture(dream, now - begun)
            series.note((time.perf_counter() - at) * 1e3)
        open_ = False
        thought.join()
        device = mind.parts.dreamer.contract.compute.figures()
        mind.close()
    host, thoughts = series.figures(), took.figures()
    return {"p50": host["p50"], "p99": host["p99"], "device_p50": device["p50"], "thought_p50": thoughts["p50"], "pictures": series.count,
            "thoughts": took.count, "size": side}  # fmt: skip


def _told(found: Any) -> str:
    if isinstance(found, dict):
        return ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in found.items() if not isinstance(value, dict | list))
    return str(found)


def _write(path: Path, found: Table) -> None:
    """Whole or not at all: whoever cuts the run short keeps what is known."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"bench": "gpu", "figures": found}, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)
