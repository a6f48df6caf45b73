"""What this machine can do, measured before the show: how large its pictures are, and how many threads paint them.

A model has a size of its own. A CPU that cannot paint eight of those a second, even while nothing else runs, gets the
next smaller size of the contract's ladder. More threads than help are worse than useless beside a wall and a sound, so
the fewest within a tenth of the quickest are taken. A choice of the full size is kept for this processor, this torch and
this model. One of a smaller size is not: a machine may have been overloaded just then (measured: 91 ms a picture alone,
over 125 of its own time under a load of 19), so it is asked again at the next start.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.core.machine import cache_folder, keep, kept, processor
from engine.mind.model.contract import Contract
from engine.mind.options import MindOptions, spare

log = logging.getLogger("engine.mind")

HELD = 1 / 8  # seconds that a picture may take, at most, by itself
SMALLEST = 128  # pixels; below, nothing is recognised any more
WORTH = 0.9  # of the time with fewer threads: what more of them have to reach
Tried = Callable[[MindOptions], tuple[float, tuple[int, int]]]


def chosen(options: MindOptions, tried: Tried | None = None, cache: Path | None = None) -> MindOptions:
    """The options with size and threads decided, where they were left open.

    `tried` tells seconds a picture and its (height, width) for options that are decided. Raises what loading a model raises.
    """
    import torch

    if spare() == 1:
        options = replace(options, threads=options.threads or 1)  # there is nothing to choose from
    if options.threads and options.size != (0, 0):
        return options
    if options.device.startswith("cuda") or (options.device == "auto" and torch.cuda.is_available()):
        return replace(options, threads=options.threads or spare())  # a GPU paints the model's own size; else memory says so
    known, cache, key = _known(options, cache)
    if key in known:
        height, width, threads = known[key]
        return replace(options, size=(height, width), threads=threads)
    found, held = _decided(options, tried or _tried)
    if held:
        known[key] = [*found.size, found.threads]
        keep(cache, known)
    return found


def _decided(options: MindOptions, tried: Tried) -> tuple[MindOptions, bool]:
    """The options, and whether they are at their full size."""
    threads = [options.threads] if options.threads else _powers(spare())
    best = replace(options, threads=threads[0])
    seconds, size = tried(best)
    for more in threads[1:]:
        again, _ = tried(replace(best, threads=more))
        if again > WORTH * seconds:
            break
        best, seconds = replace(best, threads=more), again
    if options.size != (0, 0):
        return best, True
    ladder, full = Contract(options.terms), size
    while seconds > HELD and (smaller := ladder.smaller(size)) is not None and min(smaller) >= SMALLEST:
        log.info("%dx%d takes %.0f ms a picture on this machine: %dx%d is tried", *size[::-1], 1e3 * seconds, *smaller[::-1])
        seconds, size = tried(replace(best, size=smaller))
    log.info("pictures of %dx%d, %.0f ms each by themselves, %d threads", *size[::-1], 1e3 * seconds, best.threads)
    return replace(best, size=size), size == full


def _powers(most: int) -> list[int]:
    """1, 2, 4 … and the most."""
    return sorted({most, *(1 << k for k in range(most.bit_length()) if 1 << k <= most)})


def _tried(options: MindOptions) -> tuple[float, tuple[int, int]]:
    """The quickest of a few pictures. One thread is timed by its own clock, which stands still while others run."""
    import torch

    from engine.mind.model.cpu import seconds
    from engine.mind.model.load import load

    model = load("embedded" if options.model == "composed" else options.model, options.size, options.device, options.threads)
    condition, noise = model.condition("a lake under snow"), torch.randn(model.latent)
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    return seconds(lambda: model.paint(condition, noise), 8, clock), model.size


def _known(options: MindOptions, cache: Path | None) -> tuple[dict[str, list[int]], Path, str]:
    import torch

    cache = cache or cache_folder() / "tier.json"
    facts = (processor(), spare(), torch.__version__, options.model, options.size, options.threads, options.terms.ladder)
    key = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    return kept(cache), cache, key
