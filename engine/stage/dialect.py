"""From the GLSL 1.20 that ISF is written in to that of OpenGL 3.3, without moving a line.

What macros can do stands in glsl.py; here is what they cannot: words that only newer versions keep for themselves,
outputs that a shader names itself, lines (#version, #extension) that have to stand first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Words that GLSL 3.30 or 4.20 keep and 1.20 leaves free (or reserves for nothing): people call their variables so.
# Each with what stands behind it where it is meant as GLSL means it.
QUALIFIES = r"\s+(?:in|out|varying|uniform|const|flat|smooth|centroid|(?:low|medium|high)p|float|int|[biu]?vec\d|mat\d)\b"
NEWER = {
    **dict.fromkeys(("smooth", "flat", "noperspective", "precise", "sample", "patch", "shared", "coherent", "restrict"), QUALIFIES),
    **dict.fromkeys(("readonly", "writeonly", "static", "inline", "noinline", "external", "public", "extern"), QUALIFIES),
    **dict.fromkeys(("filter", "active", "partition", "common", "resource", "buffer", "half", "fixed", "input", "output"), ""),
    **dict.fromkeys(("this", "class", "union", "template", "packed", "interface", "long", "short", "superp", "cast"), ""),
}  # fmt: skip
_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|[^/]+|/", re.DOTALL)
_OUT = re.compile(r"^[ \t]*(?:layout\s*\([^)]*\)\s*)?out\s+(?:(?:low|medium|high)p\s+)?vec4\s+(\w+)\s*;", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Glsl:
    """A text that OpenGL 3.3 takes, what it asks for, and what was changed in it."""

    text: str
    extensions: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    is_shadertoy: bool = False


def modern(body: str, names: Sequence[str] = (), aliases: Sequence[tuple[str, str]] = ()) -> Glsl:
    """`body` for OpenGL 3.3; `names` are those that the header declares, `aliases` other names for some of them.

    Every line keeps its number. A name of the header that GLSL keeps for itself is `renamed`.
    """
    new = re.search(r"^[ \t]*#[ \t]*version[ \t]+(\d+)", body, re.MULTILINE)
    text = re.sub(r"^[ \t]*#[ \t]*version[^\n]*", "", body, flags=re.MULTILINE)
    asked = re.findall(r"^[ \t]*#[ \t]*extension[ \t]+(\w+)", text, re.MULTILINE)
    text = re.sub(r"^[ \t]*#[ \t]*extension[^\n]*", "", text, flags=re.MULTILINE)
    code = "".join(piece for piece in _CODE.findall(text) if piece[:2] not in ("//", "/*"))
    words = set(re.findall(r"[A-Za-z_]\w*", code))
    taken = [word for word in NEWER if word in names]
    if not new or int(new[1]) < 330:
        taken += [word for word in NEWER if word in words and word not in taken and not _meant(word, code)]
    swaps = {word: f"{word}_isf" for word in taken}
    if "texture" in names:
        swaps["texture"] = "texture_isf"
    outs = [name for name in _OUT.findall(code) if name not in names]
    swaps |= dict.fromkeys(outs, "gl_FragColor") | {name: target for name, target in aliases if name not in names}
    if outs:
        text = _OUT.sub(lambda match: _lines(match) if match[1] in outs else match[0], text)
    text = re.sub(r"\bgl_FragData\s*\[\s*0\s*\]", "gl_FragColor", text)
    text = _again(text, names)
    for word, other in swaps.items():
        called = r"(?!\s*\()" if word == "texture" else ""  # the function keeps its name
        text = re.sub(rf"\b{word}\b{called}", other, text)
    renamed = tuple((name, swaps[name]) for name in names if name in swaps)
    notes = tuple(f"{word} is a word of newer GLSL: it is read as a name" for word in taken)
    toy = "mainImage" in words and "main" not in words
    return Glsl(text, tuple(dict.fromkeys(asked)), renamed, notes, toy)


def _meant(word: str, code: str) -> bool:
    """Whether a word stands anywhere for what GLSL means by it."""
    follows = NEWER[word]
    return bool(follows) and re.search(rf"\b{word}{follows}", code) is not None


def _again(text: str, names: Iterable[str]) -> str:
    """Without the uniforms that the header has declared already."""
    known = "|".join(re.escape(name) for name in (*filter(None, names), "TIME", "RENDERSIZE", "PASSINDEX", "DATE", "TIMEDELTA", "FRAMEINDEX"))
    return re.sub(rf"^[ \t]*uniform\s+(?:(?:low|medium|high)p\s+)?\w+\s+(?:{known})\s*;", _lines, text, flags=re.MULTILINE)


def _lines(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")
