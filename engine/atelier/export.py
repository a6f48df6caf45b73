"""Writes a trained folder as weights: `unet/ scheduler/` for diffusers, `codec/ heads/ reader/` and the founding table of ours."""

from __future__ import annotations

import datetime
import json
import os
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.atelier.workshop import STAGES, Workshop
from engine.mind.memory.founding import FILE, Table, save
from engine.mind.model.encoder import Encoder
from engine.mind.model.lapped import Lapped
from engine.mind.model.reader import Reader
from engine.painter import attributes, captions
from engine.painter.attributes import OFFERS
from engine.painter.recipe import Recipe

SHARD = "12MB"
"""Files stay under 16 MB: a repository and a slow museum line take them easily."""

CHUNK = 48  # recipes that one process paints before it says so


def export(workshop: Workshop, folder: Path, processes: int = 0) -> None:
    """Write the student in f16, codec, scheduler, heads, reader, the founding table, and `training.json`, facts for the card.

    `processes` paint the founding memories: 0 is one a core, 1 none but this one.
    """
    workshop.unet("student").to(torch.float16).save_pretrained(folder / "unet", max_shard_size=SHARD)
    _forget_where(folder / "unet" / "config.json")
    workshop.plan.save_pretrained(folder / "scheduler")
    workshop.codec_learned().save(folder / "codec")
    workshop.heads_learned().save(folder / "heads")
    reader = workshop.young_reader()
    state = torch.load(workshop.folder / "reader.pt", map_location="cpu", weights_only=True)
    reader.load_state_dict(state["averaged"] or state["module"])
    reader.save(folder / "reader")
    found(folder, workshop.settings.run.founding, workshop.settings.cache.size_px, workshop.out, processes)
    (folder / "training.json").write_text(json.dumps(facts(workshop), indent=1) + "\n", encoding="utf-8")


def recipes(count: int) -> list[Recipe]:
    """The founding memories, the same for everybody: the kinds take turns, nothing held out is among them."""
    rng, kinds = random.Random("founding"), tuple(OFFERS)
    made: list[Recipe] = []
    while len(made) < count:
        shown = attributes.draw(kinds[len(made) % len(kinds)], rng)
        if not captions.is_held_out(shown, ""):
            made.append(Recipe(shown, rng.randrange(1 << 40)))
    return made


def found(folder: Path, count: int, side: int, tell: Callable[[str], None], processes: int = 0) -> None:
    """Write the founding table: what `count` recipes say, and what the reader of `folder` reads in their pictures.

    Every picture is painted once: 12,000 take ten minutes of a core. `processes`: see `export`.
    """
    made = recipes(count)
    chunks = [made[at : at + CHUNK] for at in range(0, count, CHUNK)]
    read: list[NDArray[np.float32]] = []
    processes = processes or os.cpu_count() or 1
    asked = (chunks, [folder] * len(chunks), [side] * len(chunks))
    with ProcessPoolExecutor(processes, get_context("spawn")) if processes > 1 else nullcontext() as pool:
        for number, vectors in enumerate(pool.map(_read, *asked) if pool else map(_read, *asked)):
            read.append(vectors)
            if number % 32 == 31:
                tell(f"founding     {(number + 1) * CHUNK} of {count} memories painted and read")
    said = [recipe.caption for recipe in made]
    save(folder / FILE, Table(said, Encoder().sentences(said), np.concatenate(read), made))


def _read(chunk: list[Recipe], folder: Path, side: int) -> NDArray[np.float32]:
    """What is read in these recipes' pictures (n, d), on one thread."""
    torch.set_num_threads(1)
    codec, reader = Lapped.load(folder / "codec"), Reader.load(folder / "reader")
    with torch.inference_mode():
        return np.concatenate([reader.vector(codec.encode(recipe.paint((side, side))[None])).numpy() for recipe in chunk])


def _forget_where(config: Path) -> None:
    """Take out the folder that the weights were once loaded from: it means nothing on another machine."""
    settings = json.loads(config.read_text(encoding="utf-8"))
    settings.pop("_name_or_path", None)
    config.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def facts(workshop: Workshop) -> dict[str, object]:
    """What was trained on what, for how long: read from the checkpoints."""
    steps = {}
    for stage in STAGES:
        path = workshop.folder / f"{stage}.pt"
        if path.exists():
            steps[stage] = torch.load(path, map_location="cpu", weights_only=True)["step"]
    shards = workshop.cache.count("latents.npy")
    sizes = [workshop.cache.size_px(shard) for shard in range(shards)]
    pictures = {f"{size}px": sum(len(workshop.cache.words(k).captions) for k in range(shards) if sizes[k] == size) for size in sorted(set(sizes))}
    return {
        "date": datetime.date.today().isoformat(),
        "device": workshop.device,
        "budget_minutes": workshop.minutes,
        "minutes": {stage: round(seconds / 60, 1) for stage, seconds in workshop.spent.items()},
        "steps": steps,
        "pictures": pictures,
        "captions_each": workshop.settings.cache.captions,
        "seed": workshop.settings.run.seed,
        "body": [path.name for path in workshop.body],  # files of a UNet of other latents that the young one took over
        "earlier": workshop.earlier,  # the facts of the training that this one went on from
    }
