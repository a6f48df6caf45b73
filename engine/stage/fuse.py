"""Several verbs in one program: a verb that reads the picture below it at one place only needs no picture there.

    frame -> drift -> feedback -> grade        drawn at once: each calls the one below for the colour of one place

Without a GPU every picture in between costs 2 to 3 CPU-ms at 640 x 360 whatever is in it, with one it costs memory
traffic. The verb at the bottom may have passes before its last; the others have one pass. What a verb keeps for the
next frame (a persistent target) is a second output of the same drawing. Nothing else changes: a place that is asked
for is computed there instead of being read between four pixels. GL thread only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import moderngl

from engine.stage import glsl
from engine.stage.header import TYPES, Header, Number
from engine.stage.isf import Drawing, Moment, Shader, set_numbers

HERE, THERE = "here", "there"  # where a verb reads the picture below it: at its own place, or at one of its choice
_DECLARED = re.compile(r"\b\w+\s+(\w+)\s*(?=[(=;,\[{])")  # a type and a name, at the outermost level
_READS = """
#undef IMG_NORM_PIXEL
#undef IMG_THIS_PIXEL
#undef IMG_THIS_NORM_PIXEL
#define IMG_NORM_PIXEL hm_read
#define IMG_THIS_PIXEL(image) hm_read(image, isf_FragNormCoord)
#define IMG_THIS_NORM_PIXEL(image) hm_read(image, isf_FragNormCoord)
vec4 hm_read(sampler2D image, vec2 place) { return texture(image, place); }
"""


@lru_cache(maxsize=1024)
def joins(below: Header, above: Header, still: bool) -> bool:
    """Whether `above` may call `below` instead of reading its picture; `still`: everything above reads its own place."""
    read = reads(above)
    if not read or len(above.passes) > 1 or not _plain(below) or not _plain(above) or above.is_transition:
        return False
    return (still and read == HERE) or not keeps(below)


def keeps(header: Header) -> bool:
    """Whether the last pass draws into a target that the next frame reads."""
    return header.passes[-1].target != ""


def _plain(header: Header) -> bool:
    """Every pixel is written, by names that can be given others; old names of inputs cannot."""
    if header.partner or header.renamed or header.extensions or header.cubes:
        return False
    return not re.search(r"\bdiscard\b|_img(Rect|Size)\b|_flip\b|\bdFd[xy]\b", header.body)


def reads(header: Header) -> str:
    """How a verb reads its first picture: HERE, THERE, or "" for more than one place or in a way that cannot be told."""
    if not header.images:
        return ""
    body, name = _without_comments(header.body), header.images[0]
    found = list(re.finditer(rf"(IMG_\w+)\(\s*{name}\b", body))
    if len(found) != 1 or len(re.findall(rf"\b{name}\b", body)) != 1:
        return ""
    main = re.search(r"\bvoid\s+main\s*\([^)]*\)\s*\{", body)
    before = body[main.end() : found[0].start()] if main and main.end() <= found[0].start() else "}"
    statement = re.split(r"[;{}]", before)[-1]
    once = before.count("{") == before.count("}") and statement.count(")") <= statement.count("(")
    ways = {"IMG_THIS_PIXEL": HERE, "IMG_THIS_NORM_PIXEL": HERE, "IMG_NORM_PIXEL": THERE}
    return ways.get(found[0][1], "") if once and "while" not in statement else ""


def _without_comments(body: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", " ", body, flags=re.DOTALL)


def _names(header: Header) -> set[str]:
    """All names that the text of a shader declares at its outermost level, or its header for it."""
    body, level, outer = _without_comments(header.body), 0, []
    for piece in re.split(r"([{}()])", re.sub(r"^\s*#.*$", "", body, flags=re.MULTILINE)):
        level -= piece in ("}", ")")
        if level == 0 or (level == 1 and piece in ("{", "(")):
            outer.append(piece)
        level += piece in ("{", "(")
    declared = set(_DECLARED.findall("".join(outer)))
    macros = set(re.findall(r"^\s*#define\s+(\w+)", header.body, flags=re.MULTILINE))
    return (declared | {each.name for each in header.inputs} | {*header.textures, "main"}) - macros


def source(headers: Sequence[Header]) -> str:
    """The fragment shader of verbs that join, the lowest first, without #version. Uniforms are m0_name, m1_name, ..."""
    parts = [glsl.FRAGMENT_HEAD.replace("#define gl_FragColor isf_FragColor", ""), glsl.COMMON % "in", _READS]
    for index, header in enumerate(headers):
        parts += _member(headers, index, header)
    kept = [index for index, header in enumerate(headers[:-1]) if keeps(header)]
    parts += [f"layout(location = {place}) out vec4 m{index}_kept;" for place, index in enumerate(kept, 1)]
    calls = [f"m{index}_place = isf_FragNormCoord; m{index}_main();" for index in (*kept, len(headers) - 1)]
    calls += [f"m{index}_kept = m{index}_color;" for index in kept]
    return "\n".join([*parts, "void main() {", *calls, f"isf_FragColor = m{len(headers) - 1}_color;", "}"])


def _member(headers: Sequence[Header], index: int, header: Header) -> list[str]:
    """One verb under names of its own, and what the verb above calls."""
    mine = {name: f"m{index}_{name}" for name in sorted(_names(header))}
    mine |= {f"{name}_px": f"m{index}_{name}_px" for name in header.textures}
    mine |= {
        "isf_FragNormCoord": f"m{index}_place",
        "gl_FragColor": f"m{index}_color",
        "FRAMEINDEX": f"m{index}_FRAMEINDEX",
    }
    mine |= {"PASSINDEX": str(len(header.passes) - 1), "gl_FragCoord": f"vec4(m{index}_place * RENDERSIZE, 0.5, 1.0)"}
    below = header.images[0] if index else ""
    types = {each.name: TYPES[each.type] for each in header.inputs if each.name != below}
    types |= dict.fromkeys((*header.targets, *(each.name for each in header.imported)), "sampler2D")
    text = [f"vec2 m{index}_place; vec4 m{index}_color; uniform int m{index}_FRAMEINDEX;"]
    text += [f"#define {name} {other}" for name, other in mine.items()]
    text += [f"uniform {kind} {name};" for name, kind in types.items()]
    text += [f"uniform vec2 m{index}_{name}_px;" for name, kind in types.items() if kind == "sampler2D"]
    if below:
        text.append(f"const M{index - 1} {below} = M{index - 1}(0);")
    text += ["#line 1 0", glsl.with_sizes(header, header.body), f"#line 1 {glsl.OURS}"]
    text += [f"#undef {name}" for name in (*mine, *re.findall(r"^\s*#define\s+(\w+)", header.body, flags=re.MULTILINE))]
    edge = "clamp(place, 0.5 / RENDERSIZE, 1.0 - 0.5 / RENDERSIZE)"
    ask = "" if keeps(header) else f"m{index}_place = {edge}; m{index}_main(); "
    seen = f"m{index}_color" if header.passes[-1].deep else f"clamp(m{index}_color, 0.0, 1.0)"
    text += [f"struct M{index} {{ int none; }};", f"vec4 hm_read(M{index} image, vec2 place) {{ {ask}return {seen}; }}"]
    return text


class Fused:
    """The program of shaders that join, the lowest first. Raises moderngl.Error where GLSL does not agree."""

    def __init__(self, context: moderngl.Context, shaders: Sequence[Shader]):
        self.context, self.shaders = context, tuple(shaders)
        headers = [shader.header for shader in shaders]
        head = f"#version {glsl.VERSIONS[0]}\n"
        vertex = glsl.VERTEX_HEAD + glsl.VERTEX_INIT + glsl.DEFAULT_VERTEX
        self.program = context.program(vertex_shader=head + vertex, fragment_shader=head + source(headers))
        self.triangle = context.vertex_array(self.program, [])
        self.uniforms = frozenset(self.program)
        self.kept = [i for i, header in enumerate(headers[:-1]) if keeps(header)]
        self._written: dict[str, object] = {}
        self._frames: list[tuple[list[moderngl.Texture], moderngl.Framebuffer]] = []

    def draw(
        self,
        drawings: Sequence[Drawing],
        values: Sequence[Mapping[str, Number]],
        images: Sequence[Mapping[str, moderngl.Texture]],
        moment: Moment,
    ) -> moderngl.Texture:
        """Draw; returns the texture of the highest. One of each for each verb, see Drawing.draw."""
        drawings[0].draw_first(values[0], images[0], moment)
        targets = [drawings[i].last_target(values[i]) for i in (len(drawings) - 1, *self.kept)]
        unit, written = 0, dict(moment.numbers())
        for index, drawing in enumerate(drawings):
            written |= {f"m{index}_{name}": value for name, value in drawing.numbers(values[index]).items()}
            written[f"m{index}_FRAMEINDEX"] = drawing.count()
            for name, texture in drawing.textures(images[index]).items():
                written[f"m{index}_{name}_px"] = tuple(map(float, texture.size))
                if f"m{index}_{name}" in self.uniforms:
                    texture.use(unit)
                    written[f"m{index}_{name}"] = unit
                    unit += 1
        written["RENDERSIZE"] = (float(targets[0].size[0]), float(targets[0].size[1]))
        set_numbers(self.program, self.uniforms, written, self._written)
        for target in targets:
            target.begin()
        self._frame([target.texture for target in targets]).use()
        self.triangle.render(moderngl.TRIANGLES, vertices=3)
        return targets[0].texture

    def _frame(self, textures: list[moderngl.Texture]) -> moderngl.Framebuffer:
        for known, frame in self._frames:
            if all(a is b for a, b in zip(known, textures, strict=True)):
                return frame
        if len(self._frames) >= 2 ** len(self.kept) * 2:
            self._forget()
        self._frames.append((textures, self.context.framebuffer(textures)))
        return self._frames[-1][1]

    def _forget(self) -> None:
        self.context.detect_framebuffer(0).use()
        for _, frame in self._frames:
            frame.release()
        self._frames.clear()

    def release(self) -> None:
        self._forget()
        self.triangle.release()
        self.program.release()
