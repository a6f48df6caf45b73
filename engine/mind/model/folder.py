"""Where a model lies on the disk, and whether it is whole. Reads; never downloads.

A model is named by a folder in diffusers' layout (`model_index.json` beside one folder a part), by a name that the
hub's cache holds (`stabilityai/sd-turbo`, brought by `hypermnesia fetch`), by a single `.safetensors` file (see
`engine.mind.model.single`), or by `embedded`.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_BLOCK = 1 << 16  # bytes read at 64 places of a large file: enough to tell two models apart, 2 ms instead of 4 s
STEPS = {"LatentConsistencyModelPipeline": 4, "SanaSprintPipeline": 2, "Flux2KleinPipeline": 4}  # calls a picture; else 1
_WEIGHTLESS = ("scheduler", "tokenizer", "tokenizer_2", "feature_extractor")


class ModelMissing(FileNotFoundError):
    """A model, or a file of it, is not there. The message says which, and the command that brings it."""


@dataclass(frozen=True)
class Folder:
    """A diffusers folder that was looked through: every part it names has its files."""

    path: Path
    name: str
    single: Path | None = None  # weights of the whole model in one file, instead of the parts' own

    @cached_property
    def index(self) -> dict[str, Any]:
        """`model_index.json`."""
        return dict(json.loads((self.path / "model_index.json").read_text()))

    @property
    def pipeline(self) -> str:
        """The class that wrote the folder, e.g. "StableDiffusionPipeline": by this the family is chosen."""
        return str(self.index.get("_class_name", ""))

    @property
    def steps(self) -> int:
        """Calls of the network a picture that the kind was distilled for."""
        return STEPS.get(self.pipeline, 1)

    @property
    def parts(self) -> dict[str, str]:
        """Part -> class name, for the parts that are there."""
        pairs = ((key, value) for key, value in self.index.items() if isinstance(value, list) and len(value) == 2)
        return {key: str(value[1]) for key, value in pairs if value[1] and key != "safety_checker"}

    def absent(self) -> dict[str, None]:
        """The parts a pipeline of this class has and this folder has not: diffusers wants them given as None."""
        pairs = ((key, value) for key, value in self.index.items() if isinstance(value, list) and len(value) == 2)
        return {key: None for key, value in pairs if not value[1] or key == "safety_checker"}

    def config(self, part: str) -> dict[str, Any]:
        """The part's config.json (scheduler_config.json for a scheduler)."""
        file = "scheduler_config.json" if part == "scheduler" else "config.json"
        return dict(json.loads((self.path / part / file).read_text()))

    def check(self) -> None:
        """Raise ModelMissing naming the first file that is not there."""
        for part in self.parts:
            inside = self.path / part
            if not inside.is_dir():
                raise ModelMissing(self._missing(f"{part}/"))
            if part == "scheduler" and not (inside / "scheduler_config.json").is_file():
                raise ModelMissing(self._missing(f"{part}/scheduler_config.json"))
            if part not in _WEIGHTLESS:
                self._check_weights(part)

    def _check_weights(self, part: str) -> None:
        inside = self.path / part
        if not (inside / "config.json").is_file():
            raise ModelMissing(self._missing(f"{part}/config.json"))
        for index in inside.glob("*.safetensors.index.json"):
            for shard in sorted(set(json.loads(index.read_text())["weight_map"].values())):
                if not (inside / shard).is_file():
                    raise ModelMissing(self._missing(f"{part}/{shard}"))
        if self.single is None and not any(inside.glob("*.safetensors")):
            raise ModelMissing(self._missing(f"{part}/*.safetensors"))

    def _missing(self, file: str) -> str:
        part = file.split("/", 1)[0]
        inside = self.path / part if (self.path / part).is_dir() else self.path
        found = ", ".join(sorted(entry.name for entry in inside.iterdir())) or "nothing"
        return f"{self.name}: {file} is missing (found in {inside}: {found}); {advice(self.name)}"

    @cached_property
    def licence(self) -> str:
        """What the model card's first lines say, "unknown" where there is none."""
        card = self.path / "README.md"
        if not card.is_file():
            return "unknown"
        head = card.read_text(errors="replace")[:4000]
        for key in ("license_name", "license"):
            if match := re.search(rf"^{key}:\s*(\S+)", head, re.MULTILINE):
                return match[1].strip("\"'")
        return "unknown"

    def weights(self) -> list[Path]:
        """Every safetensors file of the model, sorted."""
        return [self.single] if self.single else sorted(self.path.glob("*/*.safetensors"))

    @property
    def bytes(self) -> int:
        return sum(file.stat().st_size for file in self.weights())

    def fingerprint(self) -> str:
        """A hash of configs and weights: whole files up to 64 MiB, 64 places and the length of larger ones."""
        digest = hashlib.sha256()
        for file in sorted(self.path.rglob("*config.json")):
            digest.update(file.read_bytes())
        for file in self.weights():
            size = file.stat().st_size
            digest.update(f"{file.name}:{size}".encode())
            with file.open("rb") as stream:
                for at in range(0, size, _BLOCK if size <= 64 << 20 else size // 64):
                    stream.seek(at)
                    digest.update(stream.read(_BLOCK))
        return digest.hexdigest()


def advice(name: str) -> str:
    """The next move for whoever misses a model."""
    if Path(name).expanduser().exists():
        return "copy the folder again from where it came from"
    return f"`hypermnesia fetch {name}` brings it"
