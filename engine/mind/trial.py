"""Whether a source may go on with pictures: row 19, asked of it once, in the dark, before the wall hears of it.

Three chunks are made of one picture, and two more that are a bridge back to it. Nothing of that is shown or remembered.
"""

from __future__ import annotations

import itertools
import time as clock

import numpy as np
import torch

from engine.mind.carried import Reel, Script, Source, pixels
from engine.mind.dreamer import Dreamer
from engine.mind.rows.continuation import similarity, small
from engine.mind.stream import Walk
from engine.mind.thought import Thought

CHUNKS, BRIDGE = 3, 2  # that are made
LOOKS = 6  # pictures of each that are looked at
FIRST, LAST = 0.9, 0.85  # SSIM, at least, of a chunk's first picture with the one before, and of a bridge's last with where it leads
STILL = 0.3  # mean difference of two pictures a chunk apart, of 255: below it nothing moves
HOLD = 0.75
FIELDS = 1 << 35  # where its own fields of noise begin


@torch.inference_mode()
def wrong(source: Source, dreamer: Dreamer, thought: Thought, walk: Walk, in_time: bool = False) -> str:
    """What is wrong with the film that a source makes of this thought; "" where row 19's test holds. `in_time`: chunks must be made
    as quickly as they are shown, but for the first, while a pipeline warms up."""
    noise = walk.shaped(walk.fresh(FIELDS))
    first = dreamer.imagine(thought.condition, noise, thought.start, thought.strength)
    reel = Reel.begun(dreamer.decode(first), first, thought.parents, thought.again.places)
    seen, before = [], reel.pixels
    for number in range(CHUNKS + BRIDGE):
        left = max(0, CHUNKS + BRIDGE - number) if number >= CHUNKS else 0
        script = Script(
            thought.words, (thought.key, thought.words), thought.condition, thought.start, thought.parents, thought.again.places,
            noise, walk.shaped(walk.fresh(FIELDS | 1 + number)), thought.strength, HOLD, last=first if left else None, left=left,
        )  # fmt: skip
        begun = clock.perf_counter()
        chunk = source.next_chunk(reel, script)
        if in_time and 0 < number < CHUNKS and (took := clock.perf_counter() - begun) > chunk.seconds:
            return f"{chunk.seconds:.1f} s of film take {took:.1f} s here"
        made = [chunk.picture(k / LOOKS)[0] for k in range(LOOKS)]
        fidelity = similarity(before, pixels(made[0]))
        if fidelity < FIRST:
            return f"a chunk does not begin with the last one's picture (SSIM {fidelity:.2f}, at least {FIRST})"
        seen.append([small(picture) for picture in made])
        reel, before = chunk.end, pixels(chunk.picture(1.0)[0])
    inside = [_far(a, b) for made in seen[:CHUNKS] for a, b in itertools.pairwise(made)]
    seams = [_far(a[-1], b[0]) for a, b in itertools.pairwise(seen[:CHUNKS])]
    if max(seams) > np.percentile(inside, 95) * 1.01:
        return f"one can see where a chunk begins ({max(seams):.1f} of 255 there, {np.percentile(inside, 95):.1f} inside)"
    if (moved := float(np.abs(seen[0][0] - seen[1][0]).mean())) < STILL:
        return f"it stands ({moved:.2f} of 255 a chunk)"
    arrived = similarity(pixels(dreamer.decode(first)), before)
    return "" if arrived >= LAST else f"a bridge does not end where it leads (SSIM {arrived:.2f}, at least {LAST})"


def _far(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))
