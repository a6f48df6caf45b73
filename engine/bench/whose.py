"""`hypermnesia bench whose`: how often `hypermnesia whose` finds a photographed picture among a hundred thousand.

The pictures are composed as the wall's are: companies of painted memories, a few pictures of each as their members swell
and fade, out of the shipped recipes and codec. Photographs are simulated (`engine.bench.photo`). A stranger is a picture of
the same painters that this wall never showed, photographed in the same way: whoever looks like home and is not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.bench.photo import photo
from engine.mind.blend import blend
from engine.mind.company import gathered, swell
from engine.mind.compose import Schedule, decide
from engine.mind.memory.founding import FILE, load
from engine.mind.model import embedded
from engine.mind.model.lapped import Lapped
from engine.origin.mark import LIKELY, Bits, agreement, find, mark
from engine.origin.marks import MOVED

SIZE, SHOWN = 128, 256  # of a picture, of the wall that is photographed, pixels a side: a mark sees nothing smaller than 1/33
OF_A_KIND, MEMBERS, OTHERS = 24, 12, 4  # paintings for each kind; of a company, of its kind and of others
PRESENT, ONCE = 12, Schedule(steps=1, noise=(1.0, 1.0))  # composed at a time; decided in one step, since 100,000 in five take hours
PICTURES, APART = 10, 2.5  # of a company, seconds apart
Pixels = NDArray[np.uint8]
Row = dict[str, Any]


class Wall:
    """Pictures such as a wall shows, of one half of the founding memories. One thread."""

    def __init__(self, half: int = 0):
        table = load(embedded.FOLDER / FILE)
        self.codec = Lapped.load(embedded.FOLDER / "codec")
        self.kinds: dict[str, list[int]] = {}
        chosen: list[int] = []
        for row in np.random.default_rng(0).permutation(len(table))[half::2]:
            of = self.kinds.setdefault(table.recipes[row].shows.kind, [])
            if len(of) < OF_A_KIND:
                of.append(len(chosen))
                chosen.append(row)
        with torch.inference_mode():
            painted = [table.recipes[row].paint((SIZE, SIZE))[None] for row in chosen]
            self.latents = [self.codec.encode(one)[0] for one in painted]
            self.mirrored = [self.codec.encode(one.flip(3))[0] for one in painted]

    @torch.inference_mode()
    def pictures(self, count: int, seed: int) -> Iterator[Pixels]:
        """`count` pictures (SIZE, SIZE, 3), another wall for another seed."""
        draw, names = np.random.default_rng(seed), sorted(self.kinds)
        torch.manual_seed(seed)
        shown = 0
        while shown < count:
            kind = self.kinds[names[draw.integers(len(names))]]
            ids = [*draw.permutation(kind)[:MEMBERS].tolist(), *draw.integers(0, len(self.latents), OTHERS).tolist()]
            prior = np.concatenate([draw.dirichlet(np.ones(MEMBERS)) + 0.02, draw.dirichlet(np.ones(OTHERS)) * 0.3])
            company = gathered(ids, [self.latents[k] for k in ids], [self.mirrored[k] for k in ids], prior.tolist(), MEMBERS)
            begun = float(draw.uniform(0, 1000))
            for number in range(min(PICTURES, count - shown)):
                weight = company.prior * torch.tensor([swell(one, begun + APART * number) for one in company.ids])
                present = weight.topk(PRESENT).indices
                noise = torch.randn(company.latents.shape[1:]) * ONCE.noise[0]
                places = decide(company.latents[present], weight[present], noise, ONCE, self.codec.carries)
                latent = blend(company.latents[present], places, self.codec.carries).latent
                rgb = self.codec.decode(latent[None])[0].clamp(0, 1)
                yield np.asarray((rgb * 255).round().byte().permute(1, 2, 0).contiguous().numpy())
            shown += PICTURES


def bench(options: argparse.Namespace | None = None) -> Row:
    """Among `options.marks` marks (100,000), `options.asked` photographs of the wall (300) and as many of strangers as `options.strangers` (1,000)."""
    count, asked, strangers = (int(getattr(options, name, 0) or usual) for name, usual in (("marks", 100_000), ("asked", 300), ("strangers", 1000)))
    marks, shown = kept(count, asked)
    begun = time.perf_counter()
    found = [find(photo(large(picture), k), marks, 1)[0] for k, (picture, _) in enumerate(shown)]
    seconds = (time.perf_counter() - begun) / max(1, len(shown))
    right = np.array([one.row == row and one.score >= LIKELY for one, (_, row) in zip(found, shown, strict=True)])
    beside = np.array([abs(one.row - row) <= PICTURES and one.score >= LIKELY for one, (_, row) in zip(found, shown, strict=True)])
    print(f"{right.mean():.4f} of {len(shown)} found; {beside.mean():.4f} or a moment beside", file=sys.stderr, flush=True)
    scores = list[float]()
    for k, picture in enumerate(unknown(strangers)):
        scores += [find(photo(large(picture), 100_000 + k), marks, 1)[0].score]
        if k % 250 == 249:
            print(f"{k + 1} strangers, the highest {max(scores):.3f}", file=sys.stderr, flush=True)
    false = np.array(scores) >= LIKELY
    for bound in np.arange(LIKELY - 0.1, LIKELY + 0.06, 0.02):
        here = np.mean([one.row == row and one.score >= bound for one, (_, row) in zip(found, shown, strict=True)])
        print(f"from {bound:.2f} on: {here:.4f} found, {np.mean(np.array(scores) >= bound):.4f} of strangers taken for ours", file=sys.stderr)
    return {
        "marks": len(marks), "photographs": len(shown), "found": float(right.mean()), "found, or a moment beside": float(beside.mean()),
        "score, lowest": min(one.score for one in found), "score, 5 %": float(np.quantile([one.score for one in found], 0.05)),
        "strangers": len(scores), "taken for ours": float(false.mean()), "their score, 99 %": float(np.quantile(scores, 0.99)), "highest": max(scores),
        "threshold": LIKELY, "s, one photograph": seconds,
    }  # fmt: skip


def kept(count: int, asked: int, seed: int = 1) -> tuple[Bits, list[tuple[Pixels, int]]]:
    """`count` marks as a house keeps them, and pictures of its wall, each with the row of the mark that was its own."""
    wall, draw = Wall(0), np.random.default_rng(seed)
    marks, shown, last = list[bytes](), list[tuple[Pixels, int]](), b""
    for number, picture in enumerate(wall.pictures(sys.maxsize, seed)):
        made = mark(picture)
        if not marks or agreement(made, last) < MOVED:
            marks.append(made)
            last = made
        if draw.random() < asked / count and len(shown) < asked:
            shown.append((picture, len(marks) - 1))
        if len(marks) >= count:
            break
        if number % 10_000 == 9_999:
            print(f"{number + 1} pictures, {len(marks)} marks", file=sys.stderr, flush=True)
    return np.stack([np.frombuffer(one, np.uint8) for one in marks]), shown


def unknown(count: int, seed: int = 2) -> Sequence[Pixels]:
    """Pictures of the other half of the founding memories, each of a company of its own."""
    return list(Wall(1).pictures(count * 3, seed))[::3]


def large(picture: Pixels) -> Pixels:
    """As large as a wall."""
    return np.asarray(Image.fromarray(picture).resize((SHOWN, SHOWN), Image.Resampling.BICUBIC))
