"""A model's folder under the names that diffusers and transformers open: links, in the cache, nothing is copied.

    unet/diffusion_pytorch_model.fp16.safetensors   ->  unet/diffusion_pytorch_model.safetensors
    model_index.json with a byte order mark         ->  the same without

So nothing that loads has to know of variants, of capitals in endings or of marks; and parts of one model may be there
in different variants. A folder that has these names already is opened as it is.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from engine.core import foreign
from engine.core.machine import cache_folder
from engine.mind.model import whole
from engine.mind.model.folder import WEIGHTLESS, Folder
from engine.mind.model.variants import Weights

log = logging.getLogger("engine.mind")
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def plain(folder: Folder) -> Folder:
    """The same folder if its files have the names that are opened; else one of links to them. Checked before."""
    links = _links(folder)
    if all(link == str(file.relative_to(folder.path)) and not _marked(file) for link, file in links.items()) and _indexed(folder):
        return folder
    facts = [(link, str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for link, file in sorted(links.items())]
    target = cache_folder() / "models" / hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    if not (target / "model_index.json").is_file():
        try:
            _write(folder, links, target)
        except OSError as wrong:  # a cache that takes nothing: made again at the next start
            log.info("%s cannot be kept (%s)", target, wrong.strerror)
            target = Path(tempfile.mkdtemp(prefix="hypermnesia-")) / "model"
            atexit.register(shutil.rmtree, target.parent, ignore_errors=True)
            _write(folder, links, target)
    return replace(folder, path=target)


def _links(folder: Folder) -> dict[str, Path]:
    """Path inside the folder as it is opened -> the file that is meant."""
    links = {name: folder.path / name for name in ("model_index.json", "README.md") if (folder.path / name).is_file()}
    for part in folder.parts:
        inside = folder.path / part
        for file in sorted(inside.iterdir()):
            if file.suffix.lower() in (".json", ".txt", ".model", ".jinja") and ".safetensors.index" not in file.name and not foreign.wrong(file):
                links[f"{part}/{file.name}"] = file
        found = folder.weights_of(part) if folder.single is None and part not in WEIGHTLESS else None
        if found:
            links |= {f"{part}/{name}": inside / file for name, file in _named(_base(folder, part), found).items()}
    return links


def _base(folder: Folder, part: str) -> str:
    """What the library that opens a part calls its weights."""
    return "model" if str(folder.index[part][0]) == "transformers" else "diffusion_pytorch_model"


def _named(base: str, found: Weights) -> dict[str, str]:
    """The name under which a file of weights is opened -> its own."""
    if found.count == 1:
        return {f"{base}.safetensors": found.files[0]}
    return {f"{base}-{number:05d}-of-{found.count:05d}.safetensors": file for number, file in enumerate(found.files, 1)}


def _indexed(folder: Folder) -> bool:
    """Whether shards have their index under the name that is opened."""
    parts = ((part, folder.weights_of(part)) for part in folder.parts if folder.single is None and part not in WEIGHTLESS)
    return all(not found or found.count == 1 or found.index == f"{_base(folder, part)}.safetensors.index.json" for part, found in parts)


def _marked(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(3).startswith(MARKS) and file.suffix != ".safetensors"


def _write(folder: Folder, links: dict[str, Path], target: Path) -> None:
    """Whole or not at all: beside its place first, then moved there."""
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    for link, file in links.items():
        (fresh / link).parent.mkdir(parents=True, exist_ok=True)
        if _marked(file):
            (fresh / link).write_text(foreign.text(file), encoding="utf-8")
        else:
            (fresh / link).symlink_to(file.resolve())
    if (tiny := folder.path / "vae_tiny").is_dir():
        (fresh / "vae_tiny").symlink_to(tiny.resolve())
    for part in folder.parts:
        found = folder.weights_of(part) if folder.single is None and part not in WEIGHTLESS else None
        if found and found.count > 1:
            base = _base(folder, part)
            where = {name: shard for shard in _named(base, found) for name in whole.Tensors.read(fresh / part / shard).shapes}
            size = sum((fresh / part / shard).stat().st_size for shard in _named(base, found))
            table = {"metadata": {"total_size": size}, "weight_map": where}
            (fresh / part / f"{base}.safetensors.index.json").write_text(json.dumps(table), encoding="utf-8")
    try:
        fresh.replace(target)
    except OSError:
        if not (target / "model_index.json").is_file():  # unless somebody else was quicker
            raise
        shutil.rmtree(fresh, ignore_errors=True)
