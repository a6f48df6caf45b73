"""ISF's dialect of GLSL, made of macros in front of the artist's text, so that every line keeps its number."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from engine.stage.header import TYPES, Header, ShaderError

# 330 core is the floor (macOS ends at 4.1). Some public files need the implicit conversions of 420, a few the
# built-ins of the compatibility profile: 321 of 321 files of the Vidvox set compile with one of the three on Mesa.
VERSIONS = ("330 core", "420 core", "330 compatibility")

COMMON = """
#define varying %s
#define texture2D texture
#define vv_FragNormCoord isf_FragNormCoord
#define vv_vertShaderInit isf_vertShaderInit
uniform int PASSINDEX;
uniform vec2 RENDERSIZE;
uniform float TIME;
uniform float TIMEDELTA;
uniform int FRAMEINDEX;
uniform vec4 DATE;
#define IMG_SIZE(image) vec2(textureSize(image, 0))
#define hm_pixel(image, size, pixel) texture(image, (pixel) / (size))
#define IMG_PIXEL(image, pixel) texture(image, (pixel) / vec2(textureSize(image, 0)))
#define IMG_NORM_PIXEL(image, place) texture(image, (place))
#define IMG_THIS_PIXEL(image) texture(image, isf_FragNormCoord)
#define IMG_THIS_NORM_PIXEL(image) texture(image, isf_FragNormCoord)
"""
VERTEX_HEAD = """
out vec2 isf_FragNormCoord;
"""
VERTEX_INIT = """
void isf_vertShaderInit() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0;  // one triangle covers the whole target
    gl_Position = vec4(corner, 0.0, 1.0);
    isf_FragNormCoord = corner * 0.5 + 0.5;
}
"""
FRAGMENT_HEAD = """
in vec2 isf_FragNormCoord;
layout(location = 0) out vec4 isf_FragColor;
#define gl_FragColor isf_FragColor
"""
DEFAULT_VERTEX = "void main() { isf_vertShaderInit(); }"
OURS = 7  # source string number of the lines in front of the artist's: an error there is not the artist's


def sources(header: Header) -> tuple[str, str]:
    """Vertex and fragment text of a shader, without #version. A `.vs` beside the file replaces the default vertex."""
    declared = declarations(header)
    partner = header.path.with_suffix(".vs")
    vertex = partner.read_text(encoding="utf-8", errors="replace") if partner.is_file() else DEFAULT_VERTEX
    vertex = re.sub(r"^[ \t]*#version[^\n]*", "", vertex, flags=re.MULTILINE)
    first = f"#line 1 {OURS}"
    vertex, fragment = with_sizes(header, vertex), with_sizes(header, header.body)
    return (
        first + VERTEX_HEAD + COMMON % "out" + declared + VERTEX_INIT + "#line 1 0\n" + vertex,
        first + FRAGMENT_HEAD + COMMON % "in" + declared + "#line 1 0\n" + fragment,
    )


def with_sizes(header: Header, text: str) -> str:
    """The size of a picture as a uniform, name_px: asking the texture costs llvmpipe as much as reading a pixel of it."""
    names = "|".join(header.textures)
    if not names:
        return text
    text = re.sub(rf"\bIMG_SIZE\s*\(\s*({names})\s*\)", r"\1_px", text)
    return re.sub(rf"\bIMG_PIXEL\s*\(\s*({names})\s*,", r"hm_pixel(\1, \1_px,", text)


def declarations(header: Header) -> str:
    """Uniforms of all inputs, targets and imported pictures; for pictures also the names that version 1 used."""
    lines = [f"uniform {TYPES[each.type]} {each.name};" for each in header.inputs]
    known = {each.name for each in header.inputs}
    extra = [name for name in (*header.targets, *(name for name, _ in header.imported)) if name not in known]
    lines += [f"uniform sampler2D {name};" for name in dict.fromkeys(extra)]
    for name in (*(each.name for each in header.inputs if each.is_image), *dict.fromkeys(extra)):
        lines.append(f"const vec4 _{name}_imgRect = vec4(0.0, 0.0, 1.0, 1.0); const bool _{name}_flip = false;")
        lines.append(f"uniform vec2 {name}_px;\n#define _{name}_imgSize {name}_px")
    return "\n".join(lines) + "\n"


# Mesa writes "0:12(5): error: ...", NVIDIA "0(12) : error C1008: ...", Apple and AMD "ERROR: 0:12: ..."
_PLACES = re.compile(r"(?:ERROR: )?(\d+)[:(](\d+)[):(](?:\d+\))?\s*:?\s*(?:error)?\s*:?\s*(.*)")


def explain(header: Header, log: str) -> ShaderError:
    """A compiler's log as one sentence that points into the artist's file."""
    stage = header.path.with_suffix(".vs") if "vertex_shader" in log.split("error")[0] else header.path
    for line in log.splitlines():
        found = _PLACES.match(line.strip())
        if found and "warning" not in line and int(found[1]) != OURS:
            return ShaderError(
                f"{stage}:{found[2]}: {found[3]}{_quote(stage, int(found[2]))}{_nearest(header, found[3])}"
            )
    ours = re.search(rf"\b{OURS}[:(]\d+.*?error\W*(.*)", log)
    if ours:
        return ShaderError(f"{header.path}: a name in the JSON header cannot be used in GLSL: {ours[1]}")
    wanted = [line.strip() for line in log.splitlines() if "error" in line.lower()]
    return ShaderError(f"{header.path}: {wanted[0] if wanted else log.strip()}")


def _quote(path: Path, line: int) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return f"\n    {lines[line - 1].strip()}" if 0 < line <= len(lines) else ""


def _nearest(header: Header, message: str) -> str:
    unknown = re.search(r"[`'\"](\w+)[`'\"]", message)
    known = [i.name for i in header.inputs] + ["TIME", "RENDERSIZE", "isf_FragNormCoord", "IMG_NORM_PIXEL"]
    near = get_close_matches(unknown[1], known, n=1) if unknown and unknown[1] not in known else []
    return f"\n    did you mean {near[0]}?" if near else ""
