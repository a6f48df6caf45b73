"""`hypermnesia fetch NAME`: the one place that downloads.

Nothing else in the engine opens a connection for a model. A fetch names every file and its size before it begins,
brings only what the engine reads (safetensors in one precision, configurations, tokenizers), and can be stopped and
begun again: what is whole is not brought twice.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from engine.mind.model.folder import Folder, ModelMissing
from engine.mind.model.opening import TINY

WANTED = (
    "model_index.json",
    "README.md",
    "LICENSE*",
    "*/*.json",
    "*/*.txt",
    "*/*.model",
    "*/*.safetensors",
    "*/*.jinja",
)
SINGLE = ("config.json", "README.md", "LICENSE*", "*.safetensors")  # a decoder alone has no folders
LEFT_OUT = ("*.fp16.*", "*non_ema*", "*.bf16.*", "safety_checker/*", "*openvino*", "*onnx*", "*flax*")


class Hub(Protocol):
    """Where models come from. Files are kept in the hub's own cache, where `load` finds them by name."""

    def files(self, name: str) -> dict[str, int]:
        """Path inside the repository -> bytes. Raises ConnectionError or ModelMissing."""

    def bring(self, name: str, file: str) -> Path:
        """Download one file, or find it whole in the cache."""


class HuggingFace:
    """The public hub. The only class of the engine that speaks to it."""

    def files(self, name: str) -> dict[str, int]:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

        try:
            found = HfApi().model_info(name, files_metadata=True).siblings or []
        except GatedRepoError:
            raise ModelMissing(f"{name} asks for its licence to be accepted first, at huggingface.co/{name}") from None
        except RepositoryNotFoundError:
            raise ModelMissing(f"the hub knows no model {name!r}; a name is owner/model") from None
        except (HfHubHTTPError, OSError) as error:
            raise ConnectionError(f"the hub could not be reached for {name}: {error}") from error
        return {file.rfilename: file.size or 0 for file in found}

    def bring(self, name: str, file: str) -> Path:
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(name, file))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is."""

    name: str
    file: str
    done: int  # bytes of the files that are here
    total: int

    def __str__(self) -> str:
        share = self.done / max(1, self.total)
        return f"{self.name}  {share:4.0%}  {_mb(self.done)} of {_mb(self.total)}  {self.file}"


def fetch(name: str, hub: Hub | None = None, say: Callable[[str], None] = print) -> list[Path]:
    """Bring a model, and the small decoder that its live pictures need. Returns its files; raises with a sentence."""
    hub = hub or HuggingFace()
    paths = _bring(name, hub, say)
    folder = next((path.parent for path in paths if path.name == "model_index.json"), None)
    if folder is None:
        return paths
    companion = TINY.get(Folder(folder, name).pipeline)
    if companion:
        say(f"{name} needs the decoder {companion} for live pictures")
        paths += _bring(companion, hub, say)
    return paths


def _bring(name: str, hub: Hub, say: Callable[[str], None]) -> list[Path]:
    wanted = chosen(hub.files(name))
    total, done, paths = sum(wanted.values()), 0, []
    free = shutil.disk_usage(Path.home()).free
    if total > free:
        raise OSError(f"{name} needs {_mb(total)}, {_mb(free)} are free")
    say(f"{name}: {len(wanted)} files, {_mb(total)}")
    for file, size in wanted.items():
        paths.append(hub.bring(name, file))
        done += size
        say(str(Progress(name, file, done, total)))
    return paths


def chosen(files: dict[str, int]) -> dict[str, int]:
    """What of a repository the engine reads. Raises ModelMissing for one that is no diffusers model."""
    patterns = WANTED if "model_index.json" in files else SINGLE
    depth = 1 if patterns is WANTED else 0
    found = {
        file: size
        for file, size in sorted(files.items())
        if file.count("/") <= depth
        and any(fnmatch(file, pattern) for pattern in patterns)
        and not any(fnmatch(file, pattern) for pattern in LEFT_OUT)
    }
    if "model_index.json" not in found and "config.json" not in found:
        raise ModelMissing(f"no diffusers model: neither model_index.json nor config.json among {len(files)} files")
    if not any(file.endswith(".safetensors") for file in found):
        raise ModelMissing("this model has no safetensors weights; the engine opens no pickles")
    return found


def main(argv: list[str]) -> int:
    """`hypermnesia fetch NAME`. What cannot be had is one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="hypermnesia fetch", description="Bring a model onto this machine, by name.")
    parser.add_argument("name", help="owner/model on the public hub, such as stabilityai/sd-turbo")
    options = parser.parse_args(argv)
    try:
        fetch(options.name)
    except (ModelMissing, OSError) as error:
        print(f"hypermnesia: {error}", file=sys.stderr)
        return 1
    print(f"{options.name} is here; `hypermnesia run --model {options.name}` dreams with it")
    return 0


def _mb(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
