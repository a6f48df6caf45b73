"""The JSON header of an ISF file: the only declaration of a shader's parameters, for Python, OSC, docs and GL.

ISF 2 as specified at https://github.com/mrRay/ISF_Spec, and version 1 (PERSISTENT_BUFFERS, IMPORTED as a list).
Nothing here touches OpenGL.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

log = logging.getLogger("engine.stage.header")

TYPES = {  # ISF type -> GLSL type
    "event": "bool", "bool": "bool", "long": "int", "float": "float", "point2D": "vec2", "color": "vec4",
    "image": "sampler2D", "audio": "sampler2D", "audioFFT": "sampler2D",
}  # fmt: skip
KEYS = ("NAME", "TYPE", "DEFAULT", "MIN", "MAX", "IDENTITY", "VALUES", "LABELS", "LABEL")  # of an input
IMAGES = ("image", "audio", "audioFFT")
Number = float | int | bool | tuple[float, ...]


class ShaderError(Exception):
    """A shader file cannot be used; the message names file, line, what was found and the next move."""


@dataclass(frozen=True, slots=True)
class Input:
    """One parameter of a shader."""

    name: str
    type: str  # a key of TYPES
    default: Number | None  # None for images
    low: Number | None = None
    high: Number | None = None
    values: tuple[int, ...] = ()  # the choices of a long
    labels: tuple[str, ...] = ()  # their names
    label: str = ""

    @property
    def is_image(self) -> bool:
        return self.type in IMAGES

    def accept(self, value: Any) -> Number:
        """`value` as what GL takes: numbers for float, long, bool, event; tuples for point2D and color.

        Raises TypeError naming the input and what it takes. Ranges are hints, as in every ISF host.
        """
        size = {"point2D": 2, "color": 4}.get(self.type)
        if size and isinstance(value, tuple | list) and all(isinstance(v, int | float) for v in value):
            if self.type == "color" and len(value) == 3:
                value = (*value, 1.0)
            if len(value) == size:
                return tuple(float(v) for v in value)
        elif not size and isinstance(value, bool | int | float):
            return int(value) if self.type == "long" else float(value) if self.type == "float" else bool(value)
        elif self.type == "long" and isinstance(value, str) and value in self.labels:
            return self.values[self.labels.index(value)]
        wants = f"{size} numbers" if size else "a number"
        wants += f" or one of {', '.join(map(repr, self.labels))}" if self.labels else ""
        raise TypeError(f"{self.name} takes {wants} ({self.type}), not {value!r}")


@dataclass(frozen=True, slots=True)
class Pass:
    """One drawing of the shader: into a named target, or onto what comes out."""

    target: str = ""
    persistent: bool = False
    deep: bool = False  # 32-bit float instead of 8 bits
    width: str | float = "$WIDTH"
    height: str | float = "$HEIGHT"


@dataclass(frozen=True, slots=True)
class Header:
    """What an ISF file says about itself, and its GLSL with line numbers kept."""

    path: Path
    description: str
    credit: str
    categories: tuple[str, ...]
    inputs: tuple[Input, ...]
    passes: tuple[Pass, ...]
    imported: tuple[tuple[str, Path], ...]
    example: str  # how a scene writes it; ours only
    body: str  # the GLSL, with one empty line for each line of the header

    @property
    def verb(self) -> str:
        return self.path.stem

    @property
    def images(self) -> tuple[str, ...]:
        return tuple(i.name for i in self.inputs if i.type == "image")

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.target for p in self.passes if p.target))

    @property
    def textures(self) -> tuple[str, ...]:
        """The names of all that is read as a texture."""
        inputs = (i.name for i in self.inputs if i.is_image)
        return tuple(dict.fromkeys((*inputs, *self.targets, *(name for name, _ in self.imported))))

    @property
    def is_transition(self) -> bool:
        """ISF calls a shader a transition when it goes from startImage to endImage by progress."""
        return {"startImage", "endImage", "progress"} <= {i.name for i in self.inputs}

    def input(self, name: str) -> Input:
        """The input of this name. Raises TypeError naming the nearest."""
        for each in self.inputs:
            if each.name == name:
                return each
        known = [i.name for i in self.inputs if not i.is_image]
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it takes: {', '.join(known) or 'no numbers'}"
        raise TypeError(f".{self.verb}() takes no {name!r}; {hint}")


def read(path: Path) -> Header:
    """Read an ISF file. Raises ShaderError with file and line for anything that is not ISF."""
    try:
        return _read(path)
    except OSError as wrong:
        raise ShaderError(f"{path}: {wrong.strerror or wrong}") from None
    except (AttributeError, TypeError, ValueError, RecursionError) as wrong:
        raise ShaderError(f"{path}: the JSON header is none of ISF's: {wrong}") from None


def _read(path: Path) -> Header:
    text = path.read_text(encoding="utf-8", errors="replace").lstrip("\ufeff")
    comment = re.search(r"/\*(.*?)\*/", text, re.DOTALL)
    if not comment:
        raise ShaderError(f"{path}: an ISF file begins with a comment /*{{ ... }}*/ holding JSON; there is none")
    try:
        meta = json.loads(comment[1], strict=False)
    except json.JSONDecodeError as error:
        line = text[: comment.start(1)].count("\n") + error.lineno
        raise ShaderError(f"{path}:{line}: the JSON header breaks off here: {error.msg}") from None
    if not isinstance(meta, dict):
        raise ShaderError(f"{path}: the JSON header is a {type(meta).__name__}, an object {{...}} is needed")
    body = "\n" * text[: comment.end()].count("\n") + text[comment.end() :]
    return Header(
        path=path,
        description=str(meta.get("DESCRIPTION", "")),
        credit=str(meta.get("CREDIT", "")),
        categories=tuple(map(str, meta.get("CATEGORIES") or ())),
        inputs=tuple(_input(path, each) for each in meta.get("INPUTS") or ()),
        passes=_passes(meta),
        imported=_imported(path, meta.get("IMPORTED") or {}),
        example=str(meta.get("EXAMPLE", "")),
        body=re.sub(r"^[ \t]*#version[^\n]*", "", body, flags=re.MULTILINE),
    )


def _input(path: Path, meta: dict[str, Any]) -> Input:
    name, kind = str(meta.get("NAME", "")), str(meta.get("TYPE", ""))
    for key in meta.keys() - set(KEYS):  # said, not refused: other hosts play such files, too
        for meant in get_close_matches(key, KEYS, n=1, cutoff=0.75):
            log.warning("%s: input %r has a %s; did you mean %s?", path, name, key, meant)
    if kind not in TYPES:
        near = get_close_matches(kind, TYPES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"ISF has {', '.join(TYPES)}"
        raise ShaderError(f"{path}: input {name!r} has the type {kind!r}; {hint}")
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise ShaderError(f"{path}: an input is called {name!r}; a name is letters, digits and underscores")
    values = tuple(int(v) for v in meta.get("VALUES") or ())
    known = Input(
        name, kind, None, values=values, labels=tuple(map(str, meta.get("LABELS") or ())), label=str(meta.get("LABEL", ""))
    )
    low, high, default = (_number(known, meta.get(key)) for key in ("MIN", "MAX", "DEFAULT"))
    if default is None and not known.is_image:
        default = _blank(known) if low is None else low
    return Input(name, kind, default, low, high, values, known.labels, known.label)


def _number(known: Input, value: Any) -> Number | None:
    if value is None or known.is_image or (isinstance(value, list) and known.type not in ("point2D", "color")):
        return None
    if known.type == "color" and isinstance(value, list):
        value = (value + [1.0] * 4)[:4]
    try:
        return known.accept(value)
    except TypeError:  # public files hold strings and nulls in these places; the default of the type does as well
        return None


def _blank(known: Input) -> Number:
    match known.type:
        case "color":
            return (1.0, 1.0, 1.0, 1.0)
        case "point2D":
            return (0.0, 0.0)
        case "long":
            return known.values[0] if known.values else 0
        case "float":
            return 0.0
    return False


def _passes(meta: dict[str, Any]) -> tuple[Pass, ...]:
    old = meta.get("PERSISTENT_BUFFERS") or {}  # version 1: a list of names, or an object of sizes
    sizes = old if isinstance(old, dict) else {}
    made = []
    for each in meta.get("PASSES") or [{}]:
        target = str(each.get("TARGET", "") or "")
        merged = {**each, **(sizes.get(target) or {})} if target in old else each
        made.append(
            Pass(
                target,
                persistent=_true(merged.get("PERSISTENT")) or target in old,
                deep=_true(merged.get("FLOAT")),
                width=merged.get("WIDTH", "$WIDTH"),
                height=merged.get("HEIGHT", "$HEIGHT"),
            )
        )
    return tuple(made)


def _true(value: Any) -> bool:
    return value.strip().lower() in ("true", "yes", "1") if isinstance(value, str) else bool(value)


def _imported(path: Path, meta: Any) -> tuple[tuple[str, Path], ...]:
    pairs = meta.items() if isinstance(meta, dict) else ((each.get("NAME", ""), each) for each in meta)
    found = []
    for name, each in pairs:
        file = path.parent / str(each.get("PATH", ""))
        if not file.is_file():
            raise ShaderError(f"{path}: imports {name!r} from {file.name}, which does not lie beside it")
        found.append((str(name), file))
    return tuple(found)
