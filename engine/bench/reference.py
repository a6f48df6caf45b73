"""docs/reference.md: what a scene can use, read out of the code that it is about, so that the two cannot differ."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from engine.core.clock import Now
from engine.core.messages import Ancestor, Dream, Grain, Keystroke, Lineage, Producer, State, Text, Told, Touch
from engine.show.scene import HOOKS, Scene
from engine.sound import mapping
from engine.sound.murmur import Murmur
from engine.stage.layer import FOLDERS, header

GIVEN = {
    Now: "`now`", Text: "`text` of `hear`", Keystroke: "`stroke` of `key`", Touch: "`touch` of `touch`", Told: "`told` of `told`",
    State: "`self.state`", Lineage: "`self.state.lineage`", Ancestor: "one of `lineage.ancestors`",
    Producer: "one of `self.state.producers`",
}  # fmt: skip
MADE = {Grain: "what `sound` yields", Dream: "what `dream` returns; `self.wish(...)` fills it in"}
HEAD = """# Reference

Made by `hypermnesia pictures docs reference` out of the code: what stands here is what the engine reads. Everything is
imported from `engine`. The [tutorial](tutorial.md) shows it at work.
"""


def write(folder: Path) -> None:
    """Write FOLDER/reference.md anew."""
    (folder / "reference.md").write_text(text(), encoding="utf-8")


def text() -> str:
    """The page."""
    return "\n".join([HEAD, *_hooks(), *_forces(), *_values(), *_sounds(), *_verbs()]) + "\n"


def _hooks() -> Iterator[str]:
    yield "## Hooks of a scene\n\nAll may be left out.\n\n| hook | when, and what for |\n|---|---|"
    for name in HOOKS:
        hook = getattr(Scene, name)
        yield f"| `{name}({', '.join(inspect.signature(hook).parameters)})` | {_first(hook)} |"
    yield f"\n`self.wish(**changes)`: {_first(Scene.wish)} `self.words` are the newest words.\n"


def _forces() -> Iterator[str]:
    yield "## Parameters that every scene has\n\n| `Param` | range | default | what it does |\n|---|---|---|---|"
    for name, param in Scene.params().items():
        yield f"| `{name}` | {param.low:g} .. {param.high:g} | {param.default:g} | {param.text} |"
    yield ""


def _values() -> Iterator[str]:
    for title, kinds in (("What a scene is given", GIVEN), ("What a scene makes", MADE)):
        yield f"## {title}\n"
        for kind, where in kinds.items():
            yield f"### {kind.__name__}: {where}\n\n| field | type | what it is |\n|---|---|---|"
            yield from _fields(kind)
            yield ""


def _fields(kind: type) -> Iterator[str]:
    """A row for each field of a dataclass: its name, type and default, and the comment on its line."""
    line = re.compile(r"^    (\w+): ([^=#\n]+?)(?: = ([^#\n]+?))?[ ]*(?:# (.*))?$", re.MULTILINE)
    for name, annotation, default, comment in line.findall(inspect.getsource(kind)):
        value = f", {default}" if default and "(" not in default else ""
        yield f"| `{name}` | `{annotation.strip()}{value}` | {_cell(comment)} |"


def _sounds() -> Iterator[str]:
    yield "## Sound\n\n`Murmur(seed)` is the bed of sound of a scene:\n\n| | |\n|---|---|"
    for name, method in inspect.getmembers(Murmur, inspect.isfunction):
        if not name.startswith("_"):
            yield f"| `murmur.{name}({', '.join([*inspect.signature(method).parameters][1:])})` | {_first(method)} |"
    yield "\n`mapping` holds what leads from a measured number to a heard one:\n\n| | |\n|---|---|"
    for name, function in vars(mapping).items():
        if inspect.isfunction(function) and function.__module__ == mapping.__name__ and not name.startswith("_"):
            yield f"| `mapping.{name}({', '.join(inspect.signature(function).parameters)})` | {_first(function)} |"
    yield ""


def _verbs() -> Iterator[str]:
    yield "## Verbs\n\nMethods of `dreamed`, of `dark`, and of what other verbs return. Numbers are given by name.\n"
    for verb in sorted(path.stem for path in FOLDERS[0].glob("*.fs")):  # the house's own
        declared = header(verb)
        yield f"### .{verb}()\n\n{declared.description}\n\n```python\n{declared.example}\n```\n"
        numbers = [each for each in declared.inputs if not each.is_image]
        if numbers:
            yield "| input | type | range | default | what it does |\n|---|---|---|---|---|"
        for each in numbers:
            ends = f"{_number(each.low)} .. {_number(each.high)}" if each.low is not None and each.high is not None else ""
            yield f"| `{each.name}` | {each.type} | {ends} | {_number(each.default)} | {each.label} |"
        yield ""


def _number(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_number, value))})"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _first(documented: object) -> str:
    """The first line of a docstring."""
    return _cell((inspect.getdoc(documented) or "").split("\n")[0])


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|")
