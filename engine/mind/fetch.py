"""`hypermnesia fetch NAME` and `hypermnesia models`: the one place that downloads, and the list of what is here.

Nothing else in the engine opens a connection for a model. A fetch names every file and its size before it begins,
brings only what the engine reads (safetensors in one precision, configurations, tokenizers), and can be stopped and
begun again: what is whole is not brought twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from engine.mind.families import FAMILIES, TINY
from engine.mind.folder import Folder, ModelMissing, find

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


# --- what is here ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Present:
    """One model of this machine."""

    name: str
    pipeline: str
    bytes: int
    licence: str
    steps: int
    trouble: str = ""  # why it cannot be opened

    def fits(self, memory: int) -> bool:
        """Whether its weights and a quarter more for a picture's work fit."""
        return self.bytes * 1.25 < memory


STEPS = {"StableDiffusionPipeline": 1, "StableDiffusionXLPipeline": 1, "LatentConsistencyModelPipeline": 4,
         "SanaSprintPipeline": 2, "Flux2KleinPipeline": 4}  # fmt: skip


def present(cache: Path | None = None) -> Iterator[Present]:
    """The embedded model, and every diffusers pipeline in the hub's cache."""
    yield _embedded()
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir(cache).repos
    except CacheNotFound:
        return
    for repository in sorted(repositories, key=lambda found: found.repo_id):
        revision = max(repository.revisions, key=lambda found: found.last_modified, default=None)
        if revision is None or not (revision.snapshot_path / "model_index.json").is_file():
            continue
        folder = Folder(revision.snapshot_path, repository.repo_id)
        yield Present(folder.name, folder.pipeline, folder.bytes, folder.licence, STEPS.get(folder.pipeline, 1),
                      _trouble(folder))  # fmt: skip


def _trouble(folder: Folder) -> str:
    if folder.pipeline not in FAMILIES:
        return "no family of this engine"
    try:
        folder.check()
    except ModelMissing as error:
        return str(error)
    return ""


def _embedded() -> Present:
    from engine.mind import embedded

    assert embedded.__file__ is not None
    weights = list(Path(embedded.__file__).parent.rglob("*.safetensors"))
    trouble = "" if weights else "its weights are missing: train them with `hypermnesia train`"
    return Present(
        "embedded", "this project's own", sum(file.stat().st_size for file in weights), "Apache-2.0", 1, trouble
    )


def models(say: Callable[[str], None] = print, cache: Path | None = None, memory: int | None = None) -> None:
    """Print what is present: size, licence, steps, whether it fits the memory of the device."""
    memory = memory or _memory()
    say(f"{'model':<34} {'size':>8}  {'steps':>5}  {'fits':<4}  licence")
    for one in present(cache):
        fits = "yes" if one.fits(memory) else "no"
        say(f"{one.name:<34} {_mb(one.bytes):>8}  {one.steps:>5}  {fits:<4}  {one.licence}")
        if one.trouble:
            say(f"{'':<34} cannot be opened: {one.trouble}")


def _memory() -> int:
    """Bytes of the device that would dream: the GPU's, else what the system has free."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(0).total_memory)
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(facts["MemAvailable"].split()[0]) * 1024


def _mb(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


__all__ = ["Hub", "HuggingFace", "Present", "chosen", "fetch", "find", "models", "present"]
