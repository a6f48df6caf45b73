"""From what somebody calls a model to its folder: a path, one file of weights, or a name in the hub's cache."""

from __future__ import annotations

import difflib
from pathlib import Path

from engine.mind.model.folder import Folder, ModelMissing, advice
from engine.mind.model.single import configure


def find(name: str | Path) -> Folder:
    """The folder of a model, by path, by single file or by a name in the hub's cache, looked through.

    Raises ModelMissing, which names what is missing and the command that brings it.
    """
    path = Path(name).expanduser()
    if path.suffix == ".safetensors":
        return _single(path)
    if not path.is_dir():
        if path.is_absolute() or str(name).startswith((".", "~")) or str(name).count("/") != 1:
            raise ModelMissing(f"no model folder at {path}{_nearest(path)}")
        path = _cached(str(name))
    if not (path / "model_index.json").is_file():
        found = ", ".join(sorted(entry.name for entry in path.iterdir())) or "nothing"
        raise ModelMissing(f"{name}: model_index.json is missing (found: {found}); is this a diffusers folder?")
    folder = Folder(path, str(name))
    folder.check()
    return folder


def _single(path: Path) -> Folder:
    """One file of weights: its configuration is read off its tensors, unless a folder of the same name beside it says."""
    if not path.is_file():
        raise ModelMissing(f"no file at {path}{_nearest(path)}")
    beside = path.with_suffix("")
    if not (beside / "model_index.json").is_file():
        return configure(path)
    folder = Folder(beside, path.name, path)
    folder.check()
    return folder


def _cached(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except LocalEntryNotFoundError:
        raise ModelMissing(f"{name} is not on this machine; {advice(name)}") from None


def _nearest(path: Path) -> str:
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, siblings, 1)
    return f" (did you mean {path.parent / close[0]}?)" if close else ""
