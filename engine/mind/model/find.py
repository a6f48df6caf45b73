"""From what somebody calls a model to its folder: a path, one file of weights, or a name in the hub's cache."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from engine.core import foreign
from engine.mind.model.folder import Folder, ModelMissing, advice
from engine.mind.model.plain import plain
from engine.mind.model.single import configure
from engine.mind.model.variants import PICKLES, WHY

log = logging.getLogger("engine.mind")
INDEX = "model_index.json"
PACKED = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".zst")
_DEEPEST, _MOST = 3, 2000  # folders within a folder that are looked through for a model, and how many


def find(name: str | Path) -> Folder:
    """The folder of a model, by path, by single file or by a name in the hub's cache, looked through.

    Raises ModelMissing, which names what is missing and the command that brings it, or ValueError for what is no model.
    """
    path = Path(name).expanduser()
    ending = path.suffix.lower()
    if ending == ".safetensors":
        return _single(path)
    if ending in PICKLES and (path.exists() or str(name).count("/") != 1):
        raise ModelMissing(f"{path.name} is {WHY}")
    if ending in PACKED and path.is_file():
        raise ModelMissing(f"{path.name} is packed: unpack it, and name the folder that comes out")
    if path.name == INDEX and path.is_file():
        path = path.parent
    if not path.is_dir():
        if path.is_absolute() or str(name).startswith((".", "~")) or str(name).count("/") != 1:
            raise ModelMissing(f"no model folder at {path}{_nearest(path)}")
        path = _cached(str(name))
    inside = _inside(path, str(name))
    if inside.is_file():
        return _single(inside)
    folder = Folder(inside, str(name))
    folder.check()
    return plain(folder)


def _single(path: Path) -> Folder:
    """One file of weights: its configuration is read off its tensors, unless a folder of the same name beside it says."""
    if not path.is_file():
        raise ModelMissing(f"no file at {path}{_nearest(path)}")
    beside = path.with_suffix("")
    if not (beside / INDEX).is_file():
        return configure(path)
    folder = Folder(beside, path.name, path)
    folder.check()
    return plain(folder)


def _inside(path: Path, name: str) -> Path:
    """The model that a folder is or holds: a folder with an index, or one file of weights. What was chosen is logged."""
    if (path / INDEX).is_file():
        return path
    if (path / "snapshots").is_dir():
        return _inside(_snapshot(path), name)
    models = list(_models(path))
    if len(models) > 1:
        listed = ", ".join(str(each) for each in models[:5])
        raise ModelMissing(f"{name} holds {len(models)} models; name one of them: {listed}")
    if models:
        log.info("%s holds a model one folder further: %s", name, models[0])
        return models[0]
    files = foreign.files(path, (".safetensors",))
    if (path.parent / INDEX).is_file():
        raise ModelMissing(f"{name} is a part of a model ({path.name}); name the whole: {path.parent}")
    if len(files) == 1:
        log.info("%s holds one file of weights: %s", name, files[0])
        return files[0]
    if files:
        raise ModelMissing(f"{name} holds {len(files)} files of weights; name one of them: {', '.join(str(file) for file in files[:5])}")
    held = sorted(entry.name for entry in path.iterdir())
    if refused := [each for each in held if each.lower().endswith(PICKLES)]:
        raise ModelMissing(f"{name} has only {refused[0]}, {WHY}")
    raise ModelMissing(f"{name}: {INDEX} is missing (found: {', '.join(held[:12]) or 'nothing'}); is this a diffusers folder?")


def _snapshot(repository: Path) -> Path:
    """The newest state of a repository in the hub's cache; the one that `main` names, if it is there."""
    try:
        named = repository / "snapshots" / (repository / "refs" / "main").read_text(encoding="utf-8").strip()
        if named.is_dir():
            return named
    except (OSError, ValueError):
        pass
    kept = sorted((each for each in (repository / "snapshots").iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    if not kept:
        raise ModelMissing(f"{repository}: the fetch was broken off before anything was whole; fetch it again")
    return kept[-1]


def _models(path: Path) -> Iterator[Path]:
    """Folders with an index within a folder, a few levels down. Hidden ones are none; links are not followed."""
    for looked, (folder, inside, files) in enumerate(os.walk(path)):
        here = Path(folder)
        if INDEX in files and here != path:
            yield here
            inside.clear()
        inside[:] = sorted(each for each in inside if not each.startswith(".") and each != "__MACOSX")
        if len(here.relative_to(path).parts) >= _DEEPEST or looked > _MOST:
            inside.clear()


def _cached(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        raise ModelMissing(f"{name} is not on this machine; {advice(name)}") from None
    except HFValidationError:
        raise ModelMissing(f"{name} is neither a folder nor a name on the hub (owner/model)") from None


def _nearest(path: Path) -> str:
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, siblings, 1)
    return f" (did you mean {path.parent / close[0]}?)" if close else ""
