"""ISF's dialect of GLSL, made of macros in front of the artist's text, so that every line keeps its number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from engine.core import foreign
from engine.stage.dialect import modern
from engine.stage.header import TYPES, Header, ShaderError

# 330 core is the floor (macOS ends at 4.1). Some public files need the implicit conversions of 420, a few the
# built-ins of the compatibility profile: 321 of 321 files of the Vidvox set compile with one of the three on Mesa.
VERSIONS = ("330 core", "420 core", "330 compatibility")

COMMON = """
#define varying %s
#define texture1D texture
#define texture2D texture
#define texture3D texture
#define textureCube texture
#define texture2DRect hm_at
#define texture2DProj textureProj
#define texture2DLod textureLod
#define texture2DLodEXT textureLod
#define textureCubeLod textureLod
#define textureCubeLodEXT textureLod
#define texture2DGrad textureGrad
#define texture2DGradEXT textureGrad
#define texture2DGradARB textureGrad
#define vv_FragNormCoord isf_FragNormCoord
#define vv_vertShaderInit isf_vertShaderInit
uniform int PASSINDEX;
uniform vec2 RENDERSIZE;
uniform float TIME;
uniform float TIMEDELTA;
uniform int FRAMEINDEX;
uniform vec4 DATE;
#define IMG_SIZE(image) vec2(textureSize(image, 0))
#define IMG_PIXEL hm_at
#define IMG_NORM_PIXEL texture
vec4 hm_pixel(sampler2D image, vec2 size, vec2 pixel) { return texture(image, pixel / size); }
vec4 hm_at(sampler2D image, vec2 pixel) { return texture(image, pixel / vec2(textureSize(image, 0))); }
vec4 hm_at(samplerCube image, vec3 place) { return texture(image, place); }
#define IMG_THIS_PIXEL(image) texture(image, isf_FragNormCoord)
#define IMG_THIS_NORM_PIXEL(image) texture(image, isf_FragNormCoord)
"""
VERTEX_HEAD = """
out vec2 isf_FragNormCoord;
"""
# A third argument of IMG_PIXEL is a bias, which only a fragment shader can take.
BIASED = """
vec4 hm_pixel(sampler2D image, vec2 size, vec2 pixel, float bias) { return texture(image, pixel / size, bias); }
vec4 hm_at(sampler2D image, vec2 pixel, float bias) { return texture(image, pixel / vec2(textureSize(image, 0)), bias); }
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
    declared, partner = declarations(header), header.partner
    vertex = modern(foreign.any_text(partner) if partner else DEFAULT_VERTEX, _names(header))
    first = f"#line 1 {OURS}"
    above = with_sizes(header, vertex.text)
    return (
        _asked(vertex.extensions) + first + VERTEX_HEAD + COMMON % "out" + declared + VERTEX_INIT + "#line 1 0\n" + above,
        _asked(header.extensions) + first + FRAGMENT_HEAD + COMMON % "in" + BIASED + declared + "#line 1 0\n"
        + with_sizes(header, header.body),
    )  # fmt: skip


def _names(header: Header) -> tuple[str, ...]:
    return (*(each.name for each in header.inputs), *header.targets, *(each.name for each in header.imported))


def _asked(extensions: Sequence[str]) -> str:
    """Extensions by name; one that this machine has not is a warning, and what it was for is mostly core by now."""
    return "".join(f"#extension {name} : enable\n" for name in extensions)


def with_sizes(header: Header, text: str) -> str:
    """The size of a picture as a uniform, name_px: asking the texture costs llvmpipe as much as reading a pixel of it."""
    given = dict(header.renamed)
    names = "|".join(given.get(name, name) for name in header.textures if name not in header.cubes)
    if not names:
        return text
    text = re.sub(rf"\bIMG_SIZE\s*\(\s*({names})\s*\)", r"\1_px", text)
    return re.sub(rf"\bIMG_PIXEL\s*\(\s*({names})\s*,", r"hm_pixel(\1, \1_px,", text)


def declarations(header: Header) -> str:
    """Uniforms of all inputs, targets and imported pictures; for pictures also the names that version 1 used."""
    given = dict(header.renamed)
    kinds = {each.name: TYPES[each.type] for each in header.inputs}
    kinds |= {name: "samplerCube" if name in header.cubes else "sampler2D" for name in header.textures if name not in kinds}
    lines = [f"uniform {kind} {given.get(name, name)};" for name, kind in kinds.items()]
    for name in (given.get(name, name) for name, kind in kinds.items() if kind == "sampler2D"):
        lines.append(f"const vec4 _{name}_imgRect = vec4(0.0, 0.0, 1.0, 1.0); const bool _{name}_flip = false;")
        lines.append(f"uniform vec2 {name}_px;\n#define _{name}_imgSize {name}_px")
    return "\n".join(lines) + "\n"


# Mesa writes "0:12(5): error: ...", NVIDIA "0(12) : error C1008: ...", Apple and AMD "ERROR: 0:12: ..."
_PLACES = re.compile(r"(?:ERROR: )?(\d+)[:(](\d+)[):(](?:\d+\))?\s*:?\s*(?:error)?\s*:?\s*(.*)")


def explain(header: Header, log: str) -> ShaderError:
    """A compiler's log as one sentence that points into the artist's file."""
    stage = (header.partner if "vertex_shader" in log.split("error")[0] else None) or header.path
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
    lines = foreign.any_text(path).split("\n") if path.is_file() else []
    return f"\n    {lines[line - 1].strip()}" if 0 < line <= len(lines) else ""


def _nearest(header: Header, message: str) -> str:
    unknown = re.search(r"[`'\"](\w+)[`'\"]", message)
    known = [i.name for i in header.inputs] + ["TIME", "RENDERSIZE", "isf_FragNormCoord", "IMG_NORM_PIXEL"]
    near = get_close_matches(unknown[1], known, n=1) if unknown and unknown[1] not in known else []
    return f"\n    did you mean {near[0]}?" if near else ""
