"""The JSON header of an ISF file: the only declaration of a shader's parameters, for Python, OSC, docs and GL.

ISF 2 as specified at https://github.com/mrRay/ISF_Spec, and version 1 (PERSISTENT_BUFFERS, IMPORTED as a list). How a
file becomes one of these stands in reading.py. Nothing here touches OpenGL.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from keyword import iskeyword
from pathlib import Path
from typing import Any

TYPES = {  # ISF type -> GLSL type
    "event": "bool", "bool": "bool", "long": "int", "float": "float", "point2D": "vec2", "color": "vec4",
    "image": "sampler2D", "audio": "sampler2D", "audioFFT": "sampler2D", "cube": "samplerCube",
}  # fmt: skip
IMAGES = ("image", "audio", "audioFFT", "cube")
OWN = ("verb", "inputs", "values", "walk", "shape", "dreamed", "motion", "lineage", "dark")  # what a layer calls its own
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
class Imported:
    """A picture that lies beside the shader; six for the sides of a cube: +x, -x, +y, -y, +z, -z."""

    name: str
    files: tuple[Path, ...]

    @property
    def is_cube(self) -> bool:
        return len(self.files) == 6


@dataclass(frozen=True, slots=True)
class Header:
    """What an ISF file says about itself, and its GLSL with line numbers kept."""

    path: Path
    description: str
    credit: str
    categories: tuple[str, ...]
    inputs: tuple[Input, ...]
    passes: tuple[Pass, ...]
    imported: tuple[Imported, ...]
    example: str  # how a scene writes it; ours only
    body: str  # the GLSL as OpenGL 3.3 takes it, with one empty line for each line of the header
    extensions: tuple[str, ...] = ()  # that the GLSL asks for
    renamed: tuple[tuple[str, str], ...] = ()  # what is declared here -> its name in GLSL, where that is another
    notes: tuple[str, ...] = ()  # what was overlooked, each with its line where it has one

    @property
    def verb(self) -> str:
        return verb(self.path.stem)

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
        return tuple(dict.fromkeys((*inputs, *self.targets, *(each.name for each in self.imported))))

    @property
    def cubes(self) -> tuple[str, ...]:
        """Those of them that have six sides."""
        return (*(i.name for i in self.inputs if i.type == "cube"), *(each.name for each in self.imported if each.is_cube))

    @property
    def partner(self) -> Path | None:
        """The vertex shader beside it: the same name, `.vs` or `.vert`, in any capitals."""
        return partner(self.path)

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


def verb(name: str) -> str:
    """What a file of this name (without its ending) is called in a scene.

    Small letters, everything else an underscore: "Solid Color" is `solid_color`, "IM-Volt" `im_volt`. Before a digit
    stands `fx_`; behind a word that Python or a layer has taken, an underscore: `lambda_`, `shape_`.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not made or made[0].isdigit():
        made = f"fx_{made}".rstrip("_")
    return f"{made}_" if iskeyword(made) or made in OWN else made


def partner(path: Path) -> Path | None:
    """The vertex shader of a fragment shader."""
    for ending in (".vs", ".vert", ".VS"):
        found = path.with_suffix(ending)
        if found.is_file():
            return found
    return None
