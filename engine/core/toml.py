"""TOML into frozen dataclasses: values are read as they are declared, and whatever does not fit is said with its key.

msgspec checks the types, down to the last number of a list; unknown names it would pass over in silence, so they are
looked for here, for the sake of the nearest.
"""

from __future__ import annotations

import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from engine.core import foreign
from engine.core.errors import nearest

T = TypeVar("T")


def table(path: Path, wrong: type[Exception]) -> dict[str, Any]:
    """A TOML file as it stands. Raises FileNotFoundError, or `wrong` naming the file, and the line if it is no TOML."""
    try:
        return tomllib.loads(foreign.text(path))
    except FileNotFoundError:
        raise
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as found:
        raise wrong(f"{path}: {found}") from None


def build(kind: type[T], found: Any, where: str, wrong: type[Exception]) -> T:
    """A dataclass out of a table. Raises `wrong`: `where: nothing is called stage.fsp; did you mean fps?`"""
    _names(kind, found, where, wrong)
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as refused:
        raise wrong(f"{where}: {_said(str(refused), kind, found)}") from None


def _names(kind: type, found: Any, where: str, wrong: type[Exception], section: str = "") -> None:
    if not isinstance(found, Mapping):
        raise wrong(f"{where}: [{section}] is a section, found {found!r}")
    known, hints = {field.name for field in fields(kind)}, get_type_hints(kind)  # type: ignore[arg-type]
    for key, value in found.items():
        name = f"{section}.{key}" if section else key
        if key not in known:
            raise wrong(f"{where}: nothing is called {name}; {nearest(key, known)}")
        if is_dataclass(hints[key]):
            _names(hints[key], value, where, wrong, name)  # type: ignore[arg-type]


def _said(refused: str, kind: Any, found: Any) -> str:
    """msgspec's sentence as one of ours: which key wants what, and what stands there."""
    what, _, place = refused.partition(" - at `$")
    keys = []
    for key in re.findall(r"[A-Za-z_]\w*", place):  # places in a list are told by its whole value
        if is_dataclass(kind):
            keys.append(key)
            kind, found = get_type_hints(kind)[key], found[key]
    if missing := re.match(r"Object missing required field `(\w+)`", what):
        return f"{'.'.join([*keys, missing[1]])} is missing"
    return f"{'.'.join(keys)} wants {wanted(kind)}, found {found!r}"


def wanted(kind: Any) -> str:
    """A declared type for people: "float", "2 numbers", "a word or a list of numbers"."""
    parts = get_args(kind)
    if isinstance(kind, types.UnionType):
        return " or ".join({"str": "a word"}.get(said := wanted(part), said) for part in parts)
    if get_origin(kind) is tuple:
        count, inside = "a list of" if parts[-1] is ... else str(len(parts)), wanted(parts[0])
        of = {"float": "numbers", "int": "numbers", "str": "words"}.get(inside, inside)
        return f"{count} x {of}" if of[0].isdigit() and count[0].isdigit() else f"{count} {of}"
    return str(getattr(kind, "__name__", kind))
