"""Writes a trained folder as weights: `unet/ scheduler/` for diffusers, `codec/ heads/ reader/` and the founding table of ours."""

from __future__ import annotations

import datetime
import json
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.atelier.heads import HeadsStage, heads
from engine.atelier.learn import Learner
from engine.atelier.settings import Settings
from engine.atelier.workshop import STAGES, Workshop
from engine.mind.memory.founding import FILE, Table, load, save
from engine.mind.model.encoder import Encoder
from engine.mind.model.lapped import Lapped
from engine.mind.model.reader import Reader
from engine.painter import attributes, captions
from engine.painter.attributes import OFFERS
from engine.painter.recipe import VERSION, Recipe

SHARD = "12MB"
"""Files stay under 16 MB: a repository and a slow museum line take them easily."""

CHUNK = 48  # recipes that one process paints before it says so
EACH = 200  # every kind has at least this part of the founding memories


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


def renewed(kept: Sequence[Recipe], each: int) -> list[Recipe]:
    """A table's recipes in their places, which are their numbers. One that is painted otherwise today gives its place to
    another of its kind; kinds that painted fewer than `each` come after them, one at a time."""
    made: list[Recipe] = []
    for row, recipe in enumerate(kept):
        made.append(recipe if recipe.stands else _drawn(recipe.shows.kind, random.Random(f"founding {VERSION} {row}")))
    have = Counter(recipe.shows.kind for recipe in made)
    for turn in range(each):
        made += [_drawn(kind, random.Random(f"founding {VERSION} {kind} {turn}")) for kind in OFFERS if turn >= have[kind]]
    return made


def _drawn(kind: str, rng: random.Random) -> Recipe:
    while captions.is_held_out(shown := attributes.draw(kind, rng), ""):
        pass
    return Recipe(shown, rng.randrange(1 << 40))


def renew(folder: Path, settings: Settings, tell: Callable[[str], None], processes: int = 0) -> None:
    """After painters have changed: learn the heads of `folder` again, and paint and read those founding memories that are new.

    Codec, reader and UNet stay. FileNotFoundError where `folder` holds no table.
    """
    kept = load(folder / FILE)
    stage = HeadsStage(Encoder(), settings.heads, settings.run.seed)
    with tempfile.TemporaryDirectory() as place:
        learner = Learner(stage, Path(place), settings.run.seed, seconds=settings.share.heads * settings.run.minutes * 60)
        while not learner.done:
            learner.learn()
    heads(stage.module).save(folder / "heads")
    tell(f"heads        {', '.join(f'{name} {value:.2f}' for name, value in stage.sheet(folder, stage.module).items())}")
    made = renewed(kept.recipes, settings.run.founding // EACH)
    new = [row for row, recipe in enumerate(made) if row >= len(kept) or recipe != kept.recipes[row]]
    fresh = _table([made[row] for row in new], folder, settings.cache.size_px, tell, processes)
    t, v = (np.concatenate([old, np.zeros((len(made) - len(kept), old.shape[1]), np.float32)]) for old in (kept.t, kept.v))
    t[new], v[new] = fresh.t, fresh.v
    said = [*kept.captions, *[""] * (len(made) - len(kept))]
    for row, caption in zip(new, fresh.captions, strict=True):
        said[row] = caption
    save(folder / FILE, Table(said, t, v, made))


def found(folder: Path, count: int, side: int, tell: Callable[[str], None], processes: int = 0) -> None:
    """Write the founding table: what `count` recipes say, and what the reader of `folder` reads in their pictures.

    Every picture is painted once: 12,000 take ten minutes of a core. `processes`: see `export`.
    """
    save(folder / FILE, _table(recipes(count), folder, side, tell, processes))


def _table(made: Sequence[Recipe], folder: Path, side: int, tell: Callable[[str], None], processes: int) -> Table:
    """What these recipes say, and what is read in their pictures."""
    count = len(made)
    chunks = [list(made[at : at + CHUNK]) for at in range(0, count, CHUNK)]
    read: list[NDArray[np.float32]] = []
    processes = processes or os.cpu_count() or 1
    asked = (chunks, [folder] * len(chunks), [side] * len(chunks))
    with ProcessPoolExecutor(processes, get_context("spawn")) if processes > 1 else nullcontext() as pool:
        for number, vectors in enumerate(pool.map(_read, *asked) if pool else map(_read, *asked)):
            read.append(vectors)
            if number % 32 == 31:
                tell(f"founding     {(number + 1) * CHUNK} of {count} memories painted and read")
    said = [recipe.caption for recipe in made]
    return Table(said, Encoder().sentences(said), np.concatenate(read), made)


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
