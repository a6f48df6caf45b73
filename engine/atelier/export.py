"""Writes a trained folder as weights that diffusers loads: `unet/ vae/ scheduler/ reader/` and a model card."""

from __future__ import annotations

import datetime
import json
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.atelier.workshop import STAGES, Workshop
from engine.mind.memory.founding import FILE, painted, save, seed
from engine.mind.memory.space import Vector
from engine.mind.model import embedded
from engine.mind.model.reader import Reader
from engine.painter import captions, paint

SHARD = "12MB"
"""Files stay under 16 MB: a repository and a slow museum line take them easily."""

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderTiny"],
    "scheduler": ["diffusers", "LCMScheduler"],
    "text_encoder": [None, None],
    "tokenizer": [None, None],
    "safety_checker": [None, None],
    "feature_extractor": [None, None],
}
"""So that diffusers opens the folder as a whole too; prompts then come as `prompt_embeds` of `Encoder.condition`."""


def export(workshop: Workshop, folder: Path) -> None:
    """Write the student, autoencoder, scheduler and reader in f16, founding memories, and `training.json`, facts for the card."""
    for part, module in (("unet", workshop.unet("student")), ("vae", workshop.vae(trained=True))):
        module.to(torch.float16).save_pretrained(folder / part, max_shard_size=SHARD)
        _forget_where(folder / part / "config.json")
    workshop.plan.save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps(INDEX, indent=1) + "\n", encoding="utf-8")
    reader = Reader(workshop.settings.reader.width)
    state = torch.load(workshop.folder / "reader.pt", map_location="cpu", weights_only=True)
    reader.load_state_dict(state["averaged"] or state["module"])
    reader.save(folder / "reader")
    founders(folder, workshop.settings.run.founding)
    (folder / "training.json").write_text(json.dumps(facts(workshop), indent=1) + "\n", encoding="utf-8")


def founders(folder: Path, count: int) -> None:
    """Write what a mind with these weights is born with: `founding.safetensors`, the first `count` founding memories."""
    parts, kinds = embedded.load(folder), len(paint.KINDS)

    def encode(rgb: NDArray[np.uint8]) -> Tensor:
        return embedded.to_latents(parts.vae, torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255)[0]

    def read(latent: Tensor) -> Vector:
        vector: Vector = parts.reader.vector(latent[None])[0].numpy()
        return vector

    def means(caption: str) -> Vector:
        vector: Vector = parts.encoder.sentence([captions.to_english(caption)])[0]
        return vector

    with torch.inference_mode():
        batches = (paint.founding(min(kinds, count - first), seed=seed(first // kinds)) for first in range(0, count, kinds))
        save(folder / FILE, painted(chain.from_iterable(batches), encode, read, means), embedded.space(folder))


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
        "earlier": workshop.earlier,  # the facts of the training that this one went on from
    }
