"""`hypermnesia models`: which models are on this machine, how large, under which licence, and whether they fit."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.mind.model import whole
from engine.mind.model.find import find
from engine.mind.model.folder import FILMS, Folder, ModelMissing


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
        try:
            yield Present(folder.name, folder.pipeline, folder.bytes, folder.licence, folder.steps, _trouble(folder))
        except ModelMissing as wrong:  # its index cannot be read
            yield Present(folder.name, "", 0, "unknown", 1, str(wrong))


def _trouble(folder: Folder) -> str:
    from engine.mind.model.opening import FAMILIES

    if folder.pipeline not in FAMILIES and folder.pipeline not in FILMS:
        return "no family of this engine"
    try:
        folder.check()
    except (ModelMissing, ValueError) as error:
        return str(error)
    return ""


def _embedded() -> Present:
    from engine.mind.model import embedded

    assert embedded.__file__ is not None
    weights = sorted(Path(embedded.__file__).parent.rglob("*.safetensors"))
    trouble = spoilt(weights) if weights else "its weights are missing: train them with `hypermnesia train`"
    return Present(
        "embedded", "this project's own", sum(file.stat().st_size for file in weights), "Apache-2.0", 1, trouble
    )


def spoilt(weights: Iterable[Path]) -> str:
    """What is wrong with the first file that is not whole; "" where all are."""
    for file in weights:
        try:
            whole.weights(file)
        except (ModelMissing, ValueError) as wrong:
            return f"{file.parent.name}/{wrong}"
    return ""


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


def describe(name: str) -> str:
    """One line about one model, for `doctor`. Raises ModelMissing naming what is not there."""
    if name in ("embedded", "composed"):
        one = _embedded()
        if one.trouble:
            raise ModelMissing(one.trouble)
    else:
        folder = find(name)
        one = Present(name, folder.pipeline, folder.bytes, folder.licence, folder.steps)
        if folder.pipeline in FILMS:
            return f"{name}, goes on with pictures, {_mb(one.bytes)}, about {_mb(one.bytes * 5 // 4)} of memory, licence {one.licence}, {one.steps} steps a chunk"
    return f"{name}, {_mb(one.bytes)}, licence {one.licence}, {one.steps} step{'s' if one.steps > 1 else ''}"


def main(argv: list[str]) -> int:
    """`hypermnesia models`."""
    argparse.ArgumentParser(prog="hypermnesia models", description="Which models are here.").parse_args(argv)
    models()
    return 0
