"""Whether a file of a model is the file it says it is, before anything is loaded: its beginning, its size, its hash.

A safetensors file tells in its first bytes how long it has to be. A hash is known for what the hub's cache holds (files
are called by it), for files that a `SHA256SUMS` beside them names, and where an index of shards has it; it is
worked out once, 1 to 3 s a gigabyte, and remembered by size and time of the file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import getitem
from pathlib import Path
from typing import Any

from engine.core import foreign
from engine.core.machine import cache_folder, keep, kept

log = logging.getLogger("engine.mind")
BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4, "U32": 4,
         "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8}  # fmt: skip
SUMS = ("SHA256SUMS", "sha256sums.txt", "SHA256SUMS.txt")
_MOST = 100 << 20  # bytes of a header that the format allows
_KEPT = 256  # files whose hash is remembered


class ModelMissing(FileNotFoundError):
    """A model, or a file of it, is not there. The message says which, and the command that brings it."""


@dataclass(frozen=True)
class Tensors:
    """Names and shapes of a safetensors file, read from its first bytes; `note` is what its maker wrote beside them."""

    path: Path
    shapes: dict[str, tuple[int, ...]]
    note: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Tensors:
        """Raises ModelMissing for a file that is cut short or only points to one, ValueError for no safetensors."""
        if why := foreign.wrong(path):
            raise ModelMissing(f"{path.name}: {why}")
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            begins = file.read(1)
            file.seek(8)
            if not 2 <= length <= _MOST or begins not in (b"{", b""):
                file.seek(0)
                raise ValueError(f"{path.name} is no safetensors file, whatever its name says{_instead(file.read(64))}")
            if size < 8 + length:
                raise ModelMissing(f"{path.name} is cut short: {size:,} bytes are here; copy it again")
            try:
                table = json.loads(file.read(length))
            except (ValueError, RecursionError):
                raise ValueError(f"{path.name} is no safetensors file: its first {length} bytes are no JSON") from None
        try:
            note = table.pop("__metadata__", None) or {}
            wanted = 8 + length + max((_end(entry) for entry in table.values()), default=0)
            shapes = {str(name): tuple(map(int, entry["shape"])) for name, entry in table.items()}
        except (AttributeError, KeyError, TypeError, ValueError, IndexError):
            raise ValueError(f"{path.name} is no safetensors file: its table of tensors is spoilt") from None
        if size < wanted:
            raise ModelMissing(f"{path.name} is cut short: {size:,} of {wanted:,} bytes are here; copy it again")
        if size > wanted:
            raise ValueError(f"{path.name} is {size - wanted:,} bytes longer than its tensors: copy it again")
        return cls(path, shapes, {str(key): str(value) for key, value in dict(note).items()})

    def __getitem__(self, name: str) -> tuple[int, ...]:
        if name not in self.shapes:
            raise ModelMissing(f"{self.path.name} is not whole: the tensor {name} is missing")
        return self.shapes[name]

    def under(self, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self.shapes)

    def count(self, pattern: str) -> int:
        """How many numbers follow each other, from 0, at the group of a pattern."""
        return len({match[1] for name in self.shapes if (match := re.match(pattern, name))})

    def numbers(self, prefix: str, without: str = "position_ids") -> int:
        """Parameters under a prefix."""
        return sum(prod(shape) for name, shape in self.shapes.items() if name.startswith(prefix) and without not in name)


def _end(entry: dict[str, Any]) -> int:
    """Where a tensor ends, in bytes after the table. Raises ValueError where its places do not fit its shape."""
    begin, end = (int(place) for place in entry["data_offsets"])
    bytes_each = BYTES.get(str(entry["dtype"]))
    if not 0 <= begin <= end or (bytes_each and end - begin != prod(entry["shape"]) * bytes_each):
        raise ValueError("places and shape differ")
    return end


def _instead(head: bytes) -> str:
    """What a file is, by its first bytes, where that is well known."""
    signs = {b"PK\3\4": "a pickle or a zip", b"\x80": "a pickle", b"GGUF": "GGUF", b"<!DOCTYPE": "a web page", b"<html": "a web page"}
    return next((f": it is {kind}" for sign, kind in signs.items() if head.lower().startswith(sign.lower())), "")


def weights(path: Path, promise: str = "") -> Tensors:
    """A safetensors file that is whole; `promise` is the sha256 that it was said to have, "" for what is found beside it.

    Raises ModelMissing or ValueError with the next move.
    """
    found = Tensors.read(path)
    wanted = promise or promised(path)
    if wanted and sha256(path) != wanted:
        raise ModelMissing(f"{path.name} is not what it was when it was made (its hash differs): copy or fetch it again")
    return found


def data(path: Path, name: str = "") -> Any:
    """A JSON file of somebody's, with or without a byte order mark. Raises ModelMissing naming it."""
    name = name or path.name
    if why := foreign.wrong(path):
        raise ModelMissing(f"{name}: {why}")
    try:
        return json.loads(foreign.text(path))
    except (ValueError, RecursionError) as wrong:
        raise ModelMissing(f"{name} is no JSON ({wrong}): copy it again") from None


def table(path: Path, name: str = "") -> dict[str, Any]:
    """The same, of a file that holds an object."""
    found = data(path, name)
    if not isinstance(found, dict):
        raise ModelMissing(f"{name or path.name} holds a {type(found).__name__} where an object {{...}} belongs: copy it again")
    return found


def promised(path: Path) -> str:
    """The sha256 that this file was said to have, in small letters; "" where nobody said one."""
    blob = path.resolve().name
    if path.is_symlink() and re.fullmatch(r"[0-9a-f]{64}", blob):  # the hub's cache
        return blob
    for listing in (*(path.parent / name for name in SUMS), *(path.parent.parent / name for name in SUMS)):
        if listing.is_file():
            for line in foreign.any_text(listing).splitlines():
                said, _, name = line.strip().partition(" ")
                own = (path.name, f"{path.parent.name}/{path.name}")
                if re.fullmatch(r"[0-9a-fA-F]{64}", said) and name.strip().lstrip("*./") in own:
                    return said.lower()
    return ""


def of_index(index: dict[str, Any], file: str) -> str:
    """The sha256 that an index of shards has for a file, wherever it keeps them; "" for none."""
    for way in (("metadata", "sha256"), ("sha256",), ("metadata", "hashes"), ("hashes",)):
        try:
            said = str(reduce(getitem, way, index)[file]).lower()  # type: ignore[call-overload,index]
        except (KeyError, TypeError, IndexError):
            continue
        if re.fullmatch(r"[0-9a-f]{64}", said):
            return said
    return ""


def sha256(path: Path) -> str:
    """The hash of a file, from memory if the file has not changed since."""
    facts, note = path.stat(), cache_folder() / "whole.json"
    key = f"{path.resolve()}:{facts.st_size}:{facts.st_mtime_ns}"
    known = kept(note)
    if isinstance(known.get(key), str):
        return str(known[key])
    if facts.st_size > 1 << 30:
        log.info("%s: %.1f GB are looked through once", path.name, facts.st_size / 1e9)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    keep(note, dict([*known.items(), (key, found)][-_KEPT:]))
    return found
