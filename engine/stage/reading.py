"""From an ISF file to its Header, as leniently as the hosts that people write for; what was overlooked is noted.

    /*{ "INPUTS": [ ... ], }*/      a comma too many: noted, with its line

Keys and types are taken in any capitals, both versions of ISF and every form of IMPORTED are known. What cannot be
guessed (a type that nobody knows, a picture that is not there) is a ShaderError with file and line. No OpenGL here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.core import foreign
from engine.stage import lenient
from engine.stage.dialect import modern
from engine.stage.expression import ExpressionError, evaluate
from engine.stage.header import TYPES, Header, Imported, Input, Number, Pass, ShaderError

KEYS = ("NAME", "TYPE", "DEFAULT", "MIN", "MAX", "IDENTITY", "VALUES", "LABELS", "LABEL")  # of an input
WAY = "docs/files.md shows the lines that make ISF of it"
_INT = 1 << 31


def read(path: Path) -> Header:
    """Read an ISF file. Raises ShaderError with file and line for anything that is not ISF."""
    try:
        return _Reading(path, foreign.any_text(path)).header()
    except OSError as wrong:
        raise ShaderError(f"{path}: {wrong.strerror or wrong}") from None
    except (AttributeError, TypeError, ValueError, RecursionError, OverflowError) as wrong:
        raise ShaderError(f"{path}: the JSON header is none of ISF's: {wrong}") from None


class _Reading:
    """One file, and what was overlooked in it so far."""

    def __init__(self, path: Path, text: str):
        self.path, self.text, self.notes = path, text.replace("\0", " "), list[str]()

    def header(self) -> Header:
        comment = _comment(self.path, self.text)
        first = self.text[: comment.start(1)].count("\n")
        try:
            meta, overlooked = lenient.loads(comment[1])
        except lenient.Broken as wrong:
            raise ShaderError(f"{self.path}:{first + wrong.line}: the JSON header breaks off here: {wrong}") from None
        if not isinstance(meta, dict):
            raise ShaderError(f"{self.path}: the JSON header is a {type(meta).__name__}, an object {{...}} is needed")
        self.notes += [f"line {first + line}: {what}" for line, what in overlooked]
        meta = self._keys(meta)
        inputs = tuple(self._input(each) for each in self._list(meta, "INPUTS"))
        passes = self._passes(meta, inputs)
        imported, aliases = self._imported(meta.get("IMPORTED") or {}, passes)
        body = "\n" * self.text[: comment.end()].count("\n") + self.text[comment.end() :]
        names = (*(each.name for each in inputs), *(each.target for each in passes), *(each.name for each in imported))
        glsl = modern(body, names, aliases)
        self.notes += glsl.notes
        if glsl.is_shadertoy:
            raise ShaderError(f"{self.path}: mainImage is Shadertoy's, and main() is missing; {WAY}")
        return Header(
            path=self.path,
            description=str(meta.get("DESCRIPTION", "") or ""),
            credit=str(meta.get("CREDIT", "") or ""),
            categories=tuple(map(str, self._list(meta, "CATEGORIES"))),
            inputs=inputs,
            passes=passes,
            imported=imported,
            example=str(meta.get("EXAMPLE", "") or ""),
            body=glsl.text,
            extensions=glsl.extensions,
            renamed=glsl.renamed,
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _keys(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Keys in capitals, as ISF writes them."""
        if any(key != key.upper() for key in meta):
            self.notes.append(f"keys in small letters ({next(key for key in meta if key != key.upper())[:24]})")
        return {key.upper(): value for key, value in meta.items()}

    def _list(self, meta: dict[str, Any], key: str) -> list[Any]:
        found = meta.get(key)
        if found is None or found == "" or found == {}:
            return []
        if not isinstance(found, list):
            self.notes.append(f"{key} is no list")
            return list(found.values()) if isinstance(found, dict) else [found]
        return found

    def _input(self, found: Any) -> Input:
        if not isinstance(found, dict):
            raise ShaderError(f"{self.path}: an input is {found!r}; it is an object with a NAME and a TYPE")
        meta = self._keys(found)
        name, kind = str(meta.get("NAME", "")), str(meta.get("TYPE", ""))
        for key in meta.keys() - set(KEYS):  # said, not refused: other hosts play such files, too
            for meant in get_close_matches(key, KEYS, n=1, cutoff=0.75):
                self.notes.append(f"input {name!r} has a {key}; did you mean {meant}?")
        kind = self._type(name, kind)
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise ShaderError(f"{self.path}: an input is called {name!r}; a name is letters, digits and underscores")
        values, labels = self._choices(name, meta)
        known = Input(name, kind, None, values=values, labels=labels, label=str(meta.get("LABEL", "") or ""))
        low, high, default = (self._number(known, key, meta.get(key)) for key in ("MIN", "MAX", "DEFAULT"))
        if default is None and not known.is_image:
            default = _blank(known) if low is None else low
        return Input(name, kind, default, low, high, values, labels, known.label)

    def _type(self, name: str, kind: str) -> str:
        if kind in TYPES:
            return kind
        for known in TYPES:
            if known.lower() == kind.strip().lower():
                self.notes.append(f"the type {kind!r} of {name}: it is written {known}")
                return known
        near = get_close_matches(kind, TYPES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"ISF has {', '.join(TYPES)}"
        raise ShaderError(f"{self.path}: input {name!r} has the type {kind!r}; {hint}")

    def _choices(self, name: str, meta: dict[str, Any]) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """The choices of a long and their names; choices that are no whole numbers are counted instead."""
        values, labels = self._list(meta, "VALUES"), tuple(map(str, self._list(meta, "LABELS")))
        try:
            whole = tuple(max(-_INT, min(_INT - 1, int(value))) for value in values)
        except (TypeError, ValueError, OverflowError):
            self.notes.append(f"the VALUES of {name} are no whole numbers: they count from 0")
            whole, labels = tuple(range(len(values))), labels or tuple(map(str, values))
        if labels and len(labels) != len(whole):
            self.notes.append(f"{name} has {len(whole)} VALUES and {len(labels)} LABELS")
            labels = labels[: len(whole)]
            whole = whole if len(whole) == len(labels) or not labels else whole[: len(labels)]
        return whole, labels

    def _number(self, known: Input, key: str, value: Any) -> Number | None:
        if value is None or known.is_image or (isinstance(value, list) and known.type not in ("point2D", "color")):
            return None
        if known.type == "color" and isinstance(value, list):
            value = (value + [1.0] * 4)[:4]
        if known.type == "point2D" and isinstance(value, list):
            value = (value + [0.0] * 2)[:2]
        if isinstance(value, str) and value not in known.labels:
            value = _parsed(value)
        try:
            found = known.accept(value)
            if all(math.isfinite(v) and abs(v) < (_INT if known.type == "long" else 3e38) for v in _flat(found)):
                return found
        except (TypeError, ValueError, OverflowError):  # public files hold texts and nulls in these places
            pass
        self.notes.append(f"the {key} of {known.name} is no number that a {known.type} takes")
        return None

    def _passes(self, meta: dict[str, Any], inputs: tuple[Input, ...]) -> tuple[Pass, ...]:
        old = meta.get("PERSISTENT_BUFFERS") or {}  # version 1: a list of names, or an object of sizes
        sizes = old if isinstance(old, dict) else {}
        kept = [str(each) for each in old] if isinstance(old, dict | list) else [str(old)]
        made = []
        for found in self._list(meta, "PASSES") or [{}]:
            if not isinstance(found, dict):
                raise ShaderError(f"{self.path}: a pass is {found!r}; it is an object, {{}} for the last")
            each = self._keys(found)
            target = str(each.get("TARGET", "") or "")
            if target and not re.fullmatch(r"[A-Za-z_]\w*", target, re.ASCII):
                raise ShaderError(f"{self.path}: a pass draws into {target!r}; a name is letters, digits and underscores")
            size = sizes.get(target)
            merged = {**each, **(self._keys(size) if isinstance(size, dict) else {})} if target in kept else each
            sides = [self._side(target, merged.get(key), key, inputs) for key in ("WIDTH", "HEIGHT")]
            persistent, deep = _true(merged.get("PERSISTENT")) or target in kept, _true(merged.get("FLOAT"))
            made.append(Pass(target, persistent, deep, *sides))
        return tuple(made)

    def _side(self, target: str, side: Any, key: str, inputs: tuple[Input, ...]) -> str | float:
        """A side that can be worked out; that of the whole picture in place of one that cannot."""
        if side is None or side == "":
            return f"${key}"
        names = {i.name: float(i.default) for i in inputs if isinstance(i.default, int | float)}
        try:
            evaluate(side if isinstance(side, int | float) else str(side), {**names, "WIDTH": 640.0, "HEIGHT": 360.0})
        except ExpressionError as wrong:
            self.notes.append(f"pass {target or 'without a target'}: {key}: {wrong}; it is drawn as large as the wall")
            return f"${key}"
        return side if isinstance(side, int | float) else str(side)

    def _imported(self, meta: Any, passes: tuple[Pass, ...]) -> tuple[tuple[Imported, ...], tuple[tuple[str, str], ...]]:
        """Pictures by name, and other names for passes' targets."""
        files, aliases = [], []
        targets = {each.target for each in passes}
        for name, path, number in _imports(meta):
            if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
                raise ShaderError(f"{self.path}: a picture is imported as {name!r}; a name is letters, digits and underscores")
            if number is not None:
                target = passes[number].target if 0 <= number < len(passes) else ""
                if name in targets:
                    continue
                if not target:
                    raise ShaderError(f"{self.path}: imports {name!r} from pass {number}, which has no TARGET")
                aliases.append((name, target))
                continue
            if name in targets:
                self.notes.append(f"{name} is imported, and the target of a pass: it is the target")
                continue
            files.append(Imported(name, tuple(self._beside(name, each) for each in path)))
        return tuple(files), tuple(aliases)

    def _beside(self, name: str, path: str) -> Path:
        found = foreign.beside(self.path.parent, path)
        last = path.replace("\\", "/").rsplit("/", 1)[-1]
        if found is None:
            try:
                lying = [entry.name for entry in self.path.parent.iterdir()]
            except OSError:
                lying = []
            near = get_close_matches(last, lying, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ShaderError(f"{self.path}: imports {name!r} from {last[:80] or 'nothing'}, which does not lie beside it{hint}")
        if found.name != last:
            self.notes.append(f"{last} is written {found.name}")
        if why := foreign.wrong(found):
            raise ShaderError(f"{self.path}: imports {name!r} from {found.name}: {why}")
        return found


def _comment(path: Path, text: str) -> re.Match[str]:
    """The comment that holds the header: the first that begins with a bracket, wherever a licence stands before it."""
    found = list(re.finditer(r"/\*(.*?)\*/", text, re.DOTALL))
    for comment in found:
        if comment[1].lstrip("\ufeff *!").lstrip().startswith("{"):
            inside = re.match(r"[\s*!\ufeff]*", comment[1])
            assert inside
            return re.compile(r"(\{.*?)\*/", re.DOTALL).search(text, comment.start(1) + inside.end()) or comment
    if "mainImage" in text:
        raise ShaderError(f"{path}: mainImage is Shadertoy's, and an ISF header /*{{ ... }}*/ is missing; {WAY}")
    if found and found[0][1].strip()[:1] in ("[", '"'):
        return found[0]
    if re.search(r"/\*\s*\{", text):
        raise ShaderError(f"{path}: the comment /*{{ ... that holds the JSON header is never closed by */")
    raise ShaderError(f"{path}: an ISF file begins with a comment /*{{ ... }}*/ holding JSON; there is none")


def _imports(meta: Any) -> Iterator[tuple[str, tuple[str, ...], int | None]]:
    """(name, paths, number of a pass) for every form that IMPORTED is found in."""
    if isinstance(meta, str):
        raise TypeError(f"IMPORTED is {meta!r}")
    pairs = list(meta.items()) if isinstance(meta, dict) else [("", each) for each in meta]
    for key, each in pairs:
        if isinstance(each, str):
            yield str(key) or Path(each).stem, (each,), None
            continue
        entry = {str(k).upper(): v for k, v in dict(each).items()}
        name, path = str(entry.get("NAME") or key), entry.get("PATH", entry.get("PATHS", ""))
        if "PASSINDEX" in entry and not path:
            yield name, (), int(entry["PASSINDEX"])
        elif isinstance(path, list):
            if len(path) not in (1, 6):
                raise ValueError(f"{name!r} is imported from {len(path)} pictures; a cube has 6 sides")
            yield name, tuple(map(str, path)), None
        else:
            yield name, (str(path),), None


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


def _parsed(text: str) -> Any:
    if text.strip().lower() in ("true", "false", "yes", "no", "on", "off"):
        return _true(text)
    try:
        return float(text)
    except ValueError:
        return text


def _flat(value: Number) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (float(value),)


def _true(value: Any) -> bool:
    return value.strip().lower() in ("true", "yes", "1", "on") if isinstance(value, str) else bool(value)
