"""`hypermnesia fetch NAME`: the one place that downloads.

Nothing else in the engine opens a connection for a model. A fetch names every file and its size before it begins,
brings only what the engine reads (safetensors in the variant that is there, configurations, tokenizers), and can be
stopped and begun again: what is whole is not brought twice, and a file that was broken off goes on where it was. What
has come is compared with the hub's own hash of it, and the model is looked through, before it is said to be here.
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

from engine.mind.model import variants
from engine.mind.model.find import find
from engine.mind.model.folder import FILMS, UNUSED, Folder, ModelMissing
from engine.mind.model.opening import TINY
from engine.mind.model.whole import sha256, weights

WANTED = ("model_index.json", "README.md", "LICENSE*", "*/*.json", "*/*.txt", "*/*.model", "*/*.jinja")
SINGLE = ("config.json", "README.md", "LICENSE*")  # a decoder alone has no folders
LEFT_OUT = (*(f"{part}/*" for part in UNUSED), "*.safetensors.index*", "*openvino*", "*onnx*", "*flax*")


class Hub(Protocol):
    """Where models come from. Files are kept in the hub's own cache, where `load` finds them by name."""

    def files(self, name: str) -> dict[str, int]:
        """Path inside the repository -> bytes. Raises ConnectionError or ModelMissing."""

    def bring(self, name: str, file: str) -> Path:
        """Download one file, or find it whole in the cache."""


class HuggingFace:
    """The public hub, or `endpoint` that speaks as it does. The only class of the engine that speaks to it.

    `cache` is the hub's own folder (default: where every program of this machine keeps what it fetches).
    """

    def __init__(self, endpoint: str | None = None, cache: Path | None = None):
        self.endpoint, self._cache = endpoint, cache

    @property
    def cache(self) -> Path:
        from huggingface_hub import constants

        return self._cache or Path(constants.HF_HUB_CACHE)

    def files(self, name: str) -> dict[str, int]:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

        wire: tuple[type[Exception], ...] = (*_wire(), OSError)
        try:
            found = HfApi(self.endpoint).model_info(name, files_metadata=True).siblings or []
        except GatedRepoError:
            raise ModelMissing(f"{name} asks for its licence to be accepted first, at huggingface.co/{name}") from None
        except (RepositoryNotFoundError, HFValidationError):
            raise ModelMissing(f"the hub knows no model {name!r}; a name is owner/model") from None
        except wire as error:
            raise ConnectionError(f"the hub could not be reached for {name}: {error}") from error
        return {file.rfilename: file.size or 0 for file in found}

    def bring(self, name: str, file: str) -> Path:
        """The file in the cache, whole. What is half here goes on; what is not what the hub says it is, is thrown away."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

        url = hf_hub_url(name, file, endpoint=self.endpoint)
        try:
            facts = get_hf_file_metadata(url, endpoint=self.endpoint)
            blob = self.cache / f"models--{name.replace('/', '--')}" / "blobs" / str(facts.etag)
            if not blob.is_file():
                _download(url, blob, facts.size)
            return Path(hf_hub_download(name, file, endpoint=self.endpoint, cache_dir=self._cache))
        except _wire() as error:
            raise ConnectionError(f"{name}: {file} did not come: {error}; the same command goes on where it was") from error


def _wire() -> tuple[type[Exception], ...]:
    """What goes wrong between here and a hub: its answers, and the wire itself."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined]

    return HfHubHTTPError, HTTPError


def _download(url: str, blob: Path, size: int | None) -> None:
    """Bring a file to its place in the hub's cache, where it is called by its hash; half a file is kept beside it."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils._headers import build_hf_headers

    part = blob.with_name(f"{blob.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    with part.open("r+b") as out:
        have = out.seek(0, 2)
        if size is not None and have > size:
            have = out.truncate(out.seek(0))
        http_get(url, out, resume_size=have, headers=build_hf_headers(), expected_size=size)
    if len(blob.name) == 64 and sha256(part) != blob.name:
        part.unlink()
        raise ConnectionError(f"{url.rsplit('/', 1)[-1]} came spoilt (its hash differs) and was thrown away; fetch it again")
    part.replace(blob)


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
    found = Folder(folder, name)
    found.check()
    companion = TINY.get(found.pipeline)
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
    taken = sorted({one.variant for one in variants.variants(file.rsplit("/", 1)[-1] for file in wanted)} - {""})
    say(f"{name}: {len(wanted)} files, {_mb(total)}{f', in the variant {chr(44).join(taken)}' if taken else ''}")
    for file, size in wanted.items():
        paths.append(hub.bring(name, file))
        if size and paths[-1].stat().st_size != size:
            raise ModelMissing(f"{file} is cut short: {paths[-1].stat().st_size:,} of {size:,} bytes came; fetch it again")
        if file.endswith(".safetensors"):
            weights(paths[-1])
        done += size
        say(str(Progress(name, file, done, total)))
    return paths


def chosen(files: dict[str, int]) -> dict[str, int]:
    """What of a repository the engine reads. Raises ModelMissing for one that is no diffusers model, or holds pickles."""
    patterns, depth = (WANTED, 1) if "model_index.json" in files else (SINGLE, 0)
    found = {
        file: size
        for file, size in files.items()
        if file.count("/") <= depth
        and ".." not in file
        and any(fnmatch(file, pattern) for pattern in patterns)
        and not any(fnmatch(file, pattern) for pattern in LEFT_OUT)
    }
    if "model_index.json" not in found and "config.json" not in found:
        raise ModelMissing(f"no diffusers model: neither model_index.json nor config.json among {len(files)} files")
    places = {file.rpartition("/")[0] for file in files if file.count("/") == depth and ".." not in file} - set(UNUSED)
    taken = [file for place in sorted(places) for file in _weights(place, files)]
    if not taken:
        raise ModelMissing("this model has no safetensors weights; the engine opens no pickles")
    return dict(sorted({**found, **{file: files[file] for file in taken}}.items()))


def _weights(place: str, files: dict[str, int]) -> list[str]:
    """The files of a part's weights, in the one variant that is taken."""
    names = [file.rpartition("/")[2] for file in files if file.rpartition("/")[0] == place]
    found = variants.chosen(names)
    if found is None:
        refused = variants.pickles(names)
        if refused and "config.json" in names:
            raise ModelMissing(f"{place or 'it'} has only {refused[0]}, {variants.WHY}; the engine opens no pickles")
        return []
    if not found.complete:
        raise ModelMissing(f"the hub's own {place or 'weights'} is not whole: {found.missing()} is missing")
    return [f"{place}/{name}".lstrip("/") for name in (*found.files, *([found.index] if found.index else []))]


def main(argv: list[str]) -> int:
    """`hypermnesia fetch NAME`. What cannot be had is one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="hypermnesia fetch", description="Bring a model onto this machine, by name.")
    parser.add_argument("name", help="owner/model on the public hub, such as stabilityai/sd-turbo")
    options = parser.parse_args(argv)
    try:
        fetch(options.name)
    except (ModelMissing, ValueError, OSError) as error:
        print(f"hypermnesia: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nhypermnesia: what has come is kept; the same command goes on", file=sys.stderr)
        return 130
    print(f"{options.name} is here; `hypermnesia run {_option(options.name)} {options.name}` {'goes on' if _option(options.name) == '--film' else 'dreams'} with it")
    return 0


def _option(name: str) -> str:
    """By which option a model that was fetched is named: --film for a video pipeline."""
    return "--film" if find(name).pipeline in FILMS else "--model"


def _mb(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
