"""The drawing language: every ISF file in shaders/ is a verb. A layer describes a picture; nothing is drawn here.

    dreamed.drift(amount=0.02).feedback(trail=0.92).grade(light=0.8)

`dreamed` is the picture of the mind, in between two of its pictures at display rate. A verb's numbers are keyword
arguments, checked against the file's header; further pictures are positional. A file that ISF calls a transition
(startImage, endImage, progress) says how `dreamed` gets from one picture to the next: `dreamed.hold()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.core import foreign
from engine.stage.header import Header, Number, ShaderError
from engine.stage.header import verb as verb_of
from engine.stage.reading import read

FOLDERS = [Path(__file__).parents[2] / "shaders"]  # later ones win; a scene brings its own
BETWEEN = "flow"  # how `dreamed` moves where nobody says otherwise


ENDINGS = (".fs", ".frag")
_found: dict[tuple[str, ...], Path] = {}  # by verb and folders; asking the disk took a tenth of each frame's Python
_listed: dict[Path, tuple[int, dict[str, Path]]] = {}  # when a folder was changed, and its files by verb
_headers: dict[Path, Header] = {}
_good: dict[Path, Header] = {}  # the last that could be read: a file that breaks or goes while it plays stays what it was
_known: dict[tuple[str, ...], Path] = {}  # where a verb that could be read was found last


@lru_cache(maxsize=1024)
def _header(path: Path, changed_ns: int) -> Header:
    return read(path)


def find(verb: str) -> Path | None:
    """The file that makes this verb, or None. A file that was found is not looked for again before `look`; one that has
    gone since it could be read still makes its verb."""
    known = (verb, *map(str, FOLDERS))
    if known not in _found:
        for folder in reversed(FOLDERS):
            if path := listed(folder).get(verb):
                _found[known] = path
                break
        else:
            if known in _known:
                _found[known] = _known[known]
    return _found.get(known)


def own_shaders(folder: Path) -> None:
    """Files in this folder are verbs from here on, before those of the same name that were known."""
    if folder.is_dir() and folder.resolve() not in (known.resolve() for known in FOLDERS):
        FOLDERS.append(folder)


def listed(folder: Path) -> dict[str, Path]:
    """A folder's shaders by the names that scenes may call them: their verbs, and file names that are Python's already."""
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return {}
    if folder not in _listed or _listed[folder][0] != changed:
        found: dict[str, Path] = {}
        for path in foreign.files(folder, ENDINGS):
            found.setdefault(verb_of(path.stem), path)
        _listed[folder] = changed, {path.stem: path for path in found.values() if path.stem.isidentifier()} | found
    return _listed[folder][1]


def collisions(folder: Path) -> list[str]:
    """A sentence for each file of a folder whose verb another file of it has."""
    taken = listed(folder)
    return [
        f"{path.name} would be .{verb_of(path.stem)}() too, which is {taken[verb_of(path.stem)].name}: rename one of them"
        for path in foreign.look(folder, ENDINGS).files
        if taken.get(verb_of(path.stem), path) != path
    ]


def look() -> None:
    """Look at the disk again: files may have come, gone or changed."""
    _found.clear()
    _listed.clear()
    _headers.clear()


def header(verb: str) -> Header:
    """What a verb's file declares, read again when the file changes; what it last declared, where it is broken now.

    Raises AttributeError naming the nearest verb, ShaderError for a file that never could be read.
    """
    path = find(verb)
    if path is None:
        known = verbs()
        near = get_close_matches(verb, known, n=1)
        hint = f"did you mean .{near[0]}()?" if near else f"there are: {', '.join(known)}"
        raise AttributeError(f"no shader shaders/{verb}.fs; {hint}")
    if path not in _headers:
        try:
            _headers[path] = _good[path] = _header(path, path.stat().st_mtime_ns)
            _known[verb, *map(str, FOLDERS)] = path
        except (ShaderError, OSError) as wrong:
            if path not in _good:
                raise ShaderError(str(wrong)) from None
            _headers[path] = _good[path]
    return _headers[path]


def verbs() -> tuple[str, ...]:
    """All verbs, in alphabetical order."""
    return tuple(sorted({verb_of(path.stem) for folder in FOLDERS for path in listed(folder).values()}))


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture to draw: a verb, the layers it works on, and its numbers. Frozen, picklable; thread-safe."""

    verb: str
    inputs: tuple[Layer, ...] = ()
    values: tuple[tuple[str, Number], ...] = ()

    def __getattr__(self, verb: str) -> Callable[..., Layer]:
        if verb.startswith("_"):
            raise AttributeError(verb)
        declared = header(verb)

        def apply(*others: Layer, **numbers: Any) -> Layer:
            checked = tuple(sorted((name, declared.input(name).accept(value)) for name, value in numbers.items()))
            if declared.is_transition and self == dreamed and not others:
                return Layer(verb, (), checked)  # the compositor gives it the two pictures of the mind
            for other in others:
                if not isinstance(other, Layer):
                    first = next((each.name for each in declared.inputs if not each.is_image), "amount")
                    raise TypeError(f".{verb}() takes numbers by name, such as {first}=0.5; found {other!r} without one")
            inputs = (self, *others) if declared.images else others
            if len(inputs) > len(declared.images):
                names = ", ".join(declared.images) or "none"
                raise TypeError(f".{verb}() works on {len(declared.images)} pictures ({names}), not {len(inputs)}")
            return Layer(verb, inputs, checked)

        return apply

    def walk(self) -> Iterator[Layer]:
        """This layer and all below it, those below first: the order of drawing."""
        for below in self.inputs:
            yield from below.walk()
        yield self

    @property
    def shape(self) -> tuple[str, ...]:
        """The verbs in order of drawing: what two layers share when only their numbers differ."""
        return tuple(layer.verb for layer in self.walk())


dreamed = Layer("dreamed")  # the picture of the mind, in between
motion = Layer("motion")  # where everything in it moves: rg in widths and heights for the whole in-between, b trust
lineage = Layer("lineage")  # whose every place is: the colour of the ancestor, rgb, and its share, a
dark = Layer("dark")  # nothing: what a shader that needs no picture starts from, dark.testcard()
SOURCES = (dreamed.verb, motion.verb, lineage.verb, dark.verb)
