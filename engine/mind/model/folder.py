"""Where a model lies on the disk, and whether it is whole. Reads; never downloads.

A model is named by a folder in diffusers' layout (`model_index.json` beside one folder a part), by a name that the
hub's cache holds (`stabilityai/sd-turbo`, brought by `hypermnesia fetch`), by a single `.safetensors` file (see
`engine.mind.model.single`), or by `embedded`. What tools and hubs make of that layout (variants, shards, marks) stands
in variants.py, and plain.py gives it the names that are opened.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.core import foreign
from engine.mind.model import whole
from engine.mind.model.variants import WHY, Weights, chosen, pickles
from engine.mind.model.whole import ModelMissing

__all__ = ["Folder", "ModelMissing", "advice"]
_BLOCK = 1 << 16  # bytes read at 64 places of a large file: enough to tell two models apart, 2 ms instead of 4 s
FILMS = {  # video pipelines that go on (engine.mind.model.video) -> calls of the network a chunk
    "AnyFlowFARPipeline": 4, "HeliosPipeline": 50, "HeliosPyramidPipeline": 6, "LTX2Pipeline": 8, "LTX2ImageToVideoPipeline": 8,
    "LTX2ConditionPipeline": 8,
}  # fmt: skip
STEPS = {"LatentConsistencyModelPipeline": 4, "SanaSprintPipeline": 2, "Flux2KleinPipeline": 4, **FILMS}  # calls a picture; else 1
WEIGHTLESS = ("scheduler", "tokenizer", "tokenizer_2")
TOKENIZERS = ("tokenizer.json", "vocab.json", "spiece.model", "tokenizer.model", "vocab.txt")  # one of them is enough
UNUSED = ("safety_checker", "feature_extractor", "image_encoder")  # named by many folders, read by nothing here


@dataclass(frozen=True)
class Folder:
    """A diffusers folder that was looked through: every part it names has its files."""

    path: Path
    name: str
    single: Path | None = None  # weights of the whole model in one file, instead of the parts' own

    @cached_property
    def index(self) -> dict[str, Any]:
        """`model_index.json`."""
        return whole.table(self.path / "model_index.json", f"{self.name}: model_index.json")

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
        """Part -> class name, for the parts that are read."""
        return {key: str(value[1]) for key, value in self._pairs() if value[1] and key not in UNUSED}

    def absent(self) -> dict[str, None]:
        """The parts a pipeline of this class has and this folder has not, or nobody reads: diffusers wants them given as None."""
        return {key: None for key, value in self._pairs() if not value[1] or key in UNUSED}

    def _pairs(self) -> list[tuple[str, list[Any]]]:
        """Parts as the index has them: a library and a class; both None for none. A part is a folder's name, no path."""
        pairs = ((key, value) for key, value in self.index.items() if isinstance(value, list) and len(value) == 2)
        return [(key, value) for key, value in pairs if re.fullmatch(r"[A-Za-z]\w*", key)]

    def config(self, part: str) -> dict[str, Any]:
        """The part's config.json (scheduler_config.json for a scheduler)."""
        file = "scheduler_config.json" if part == "scheduler" else "config.json"
        return whole.table(self.path / part / file, f"{self.name}: {part}/{file}")

    def check(self) -> None:
        """Raise ModelMissing or ValueError naming the first file that is not there, or is not whole."""
        if not self.parts:
            raise ModelMissing(f"{self.name}: model_index.json names no part; is this a diffusers folder?")
        for part in self.parts:
            if not (self.path / part).is_dir():
                raise ModelMissing(self._missing(f"{part}/"))
            if part == "scheduler":
                self._there(part, "scheduler_config.json")
            elif part in WEIGHTLESS:
                self._check_tokenizer(part)
            else:
                self._there(part, "config.json")
                if self.single is None:
                    self._check_weights(part)
        if self.single is not None:
            whole.weights(self.single)

    def _there(self, part: str, file: str) -> None:
        if not (self.path / part / file).is_file():
            raise ModelMissing(self._missing(f"{part}/{file}"))
        whole.table(self.path / part / file, f"{self.name}: {part}/{file}")

    def _check_tokenizer(self, part: str) -> None:
        inside = self.path / part
        if not any((inside / name).is_file() for name in TOKENIZERS):
            raise ModelMissing(self._missing(f"{part}/vocab.json"))
        for file in sorted(inside.iterdir()):
            if file.name.startswith("."):
                continue
            if file.suffix == ".json":
                whole.data(file, f"{self.name}: {part}/{file.name}")
            elif file.name in (*TOKENIZERS, "merges.txt") and (why := foreign.wrong(file)):
                raise ModelMissing(f"{self.name}: {part}/{file.name}: {why}")

    def weights_of(self, part: str) -> Weights | None:
        """The files that hold the weights of a part, by name; None where there are none."""
        try:
            return chosen(entry.name for entry in (self.path / part).iterdir() if not entry.name.startswith(".") and entry.is_file())
        except OSError:
            return None

    def _check_weights(self, part: str) -> None:
        inside, found = self.path / part, self.weights_of(part)
        if found is None:
            refused = pickles(entry.name for entry in inside.iterdir())
            if refused:
                raise ModelMissing(f"{self.name}: {part}/ has only {refused[0]}, {WHY}")
            raise ModelMissing(self._missing(f"{part}/*.safetensors"))
        if not found.complete:
            raise ModelMissing(self._missing(f"{part}/{found.missing()}"))
        index = whole.table(inside / found.index, f"{self.name}: {part}/{found.index}") if found.index else {}
        held: set[str] = set()
        try:
            for file in found.files:
                held |= whole.weights(inside / file, whole.of_index(index, file)).shapes.keys()
        except (ModelMissing, ValueError) as wrong:
            raise type(wrong)(f"{self.name}: {part}/{wrong}; {advice(self.name)}") from None
        named = index.get("weight_map")
        if lost := sorted(set(named) - held) if isinstance(named, dict) else []:
            raise ModelMissing(f"{self.name}: {part}/ is not whole: its index names {lost[0]}, which no shard holds; {advice(self.name)}")

    def _missing(self, file: str) -> str:
        part = file.split("/", 1)[0]
        inside = self.path / part if (self.path / part).is_dir() else self.path
        found = ", ".join(sorted(entry.name for entry in inside.iterdir())[:12]) or "nothing"
        link = "a link that leads nowhere" if (self.path / file).is_symlink() else "missing"
        return f"{self.name}: {file} is {link} (found in {inside}: {found}); {advice(self.name)}"

    @cached_property
    def licence(self) -> str:
        """What the model card's first lines say, "unknown" where there is none."""
        card = self.path / "README.md"
        if foreign.wrong(card):
            return "unknown"
        head = foreign.any_text(card)[:4000]
        for key in ("license_name", "license"):
            if match := re.search(rf"^{key}:\s*(\S+)", head, re.MULTILINE):
                return match[1].strip("\"'")
        return "unknown"

    def weights(self) -> list[Path]:
        """Every safetensors file of the model that is read, sorted."""
        if self.single:
            return [self.single]
        held = ((part, self.weights_of(part)) for part in sorted(self.parts) if part not in WEIGHTLESS)
        return [self.path / part / file for part, found in held if found for file in found.files]

    @property
    def bytes(self) -> int:
        return sum(file.stat().st_size for file in self.weights() if file.exists())

    def fingerprint(self) -> str:
        """A hash of configs and weights: whole files up to 64 MiB, 64 places and the length of larger ones."""
        digest = hashlib.sha256()
        for file in sorted(path for path in self.path.rglob("*config.json") if path.is_file()):  # a pipe would never end
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
