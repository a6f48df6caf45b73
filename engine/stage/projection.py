"""The wall on one output: bent to its mesh, blended into its neighbours, masked, corrected. GL thread only."""

from __future__ import annotations

from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.stage import lut
from engine.stage.mapping import Mapping

_VERTEX = """#version 330 core
in vec2 position;  // on the output, 0, 0 at the top left
in vec2 uv;        // in the part of the wall
uniform bool flip;
out vec2 part_place;
out vec2 output_place;
void main() {
    part_place = uv;
    output_place = position;
    vec2 p = position * 2.0 - 1.0;
    gl_Position = vec4(p.x, flip ? p.y : -p.y, 0.0, 1.0);
}"""
# A projector's light is its signal to the power of gamma. The weights of two neighbours sum to one in light, so the
# signal is weighted by the gamma-th root. Black is light too: where fewer projectors overlap, the missing is added.
_FRAGMENT = """#version 330 core
uniform sampler2D wall, mask;
uniform sampler3D table;
uniform bool has_table;
uniform vec4 part;   // x, y, w, h from the top left
uniform vec4 blend;  // left, top, right, bottom, of the part
uniform float gamma, black, level;
in vec2 part_place, output_place;
out vec4 color;

float ramp(float x, float width) {  // 0 at the edge of the part, 1 where the overlap ends, f(x) + f(1 - x) = 1
    if (width <= 0.0) return 1.0;
    float t = clamp(x / width, 0.0, 1.0);
    return t < 0.5 ? 2.0 * t * t : 1.0 - 2.0 * (1.0 - t) * (1.0 - t);
}
float within(float x, float width) { return width > 0.0 && x < width ? 1.0 : 0.0; }

void main() {
    vec2 place = part.xy + part_place * part.zw;
    vec3 c = texture(wall, vec2(place.x, 1.0 - place.y)).rgb * level;
    if (has_table) {
        float n = float(textureSize(table, 0).x);
        c = texture(table, (clamp(c, 0.0, 1.0) * (n - 1.0) + 0.5) / n).rgb;
    }
    vec4 d = vec4(part_place, 1.0 - part_place);
    float weight = ramp(d.x, blend.x) * ramp(d.y, blend.y) * ramp(d.z, blend.z) * ramp(d.w, blend.w);
    float across = 1.0 + within(d.x, blend.x) + within(d.z, blend.z);
    float down = 1.0 + within(d.y, blend.y) + within(d.w, blend.w);
    float most = (blend.x + blend.z > 0.0 ? 2.0 : 1.0) * (blend.y + blend.w > 0.0 ? 2.0 : 1.0);
    float missing = black * max(0.0, most - across * down);  // in light: how much black the neighbours do not add here
    vec3 light = pow(clamp(c, 0.0, 1.0), vec3(gamma)) * weight;
    light = missing + light * (1.0 - missing);
    // Where light is shared, 256 steps are few: half a step of noise keeps the sum of two projectors true.
    vec3 q = fract(vec3(gl_FragCoord.xyx) * 0.1031);
    q += dot(q, q.yzx + 33.33);
    float noise = weight < 1.0 ? (fract((q.x + q.y) * q.z) - 0.5) / 255.0 : 0.0;
    color = vec4((pow(light, vec3(1.0 / gamma)) + noise) * texture(mask, output_place).r, 1.0);
}"""


class Projection:
    """Draws the wall through a Mapping into a framebuffer. Pictures of masks and tables lie in `folder`."""

    def __init__(self, context: moderngl.Context, mapping: Mapping, folder: Path = Path()):
        self.context, self.folder = context, folder
        self.program = context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._buffer = context.buffer(reserve=mapping.vertices().nbytes, dynamic=True)
        self._mesh = context.vertex_array(self.program, [(self._buffer, "2f 2f", "position", "uv")])
        self._mask: moderngl.Texture | None = None
        self._table: moderngl.Texture3D | None = None
        self.mapping = mapping
        self.set(mapping)

    def set(self, mapping: Mapping) -> None:
        """Go on with another mapping. Raises LutError or OSError for a table or mask that cannot be read."""
        mask = _mask(mapping, self.folder)
        table = lut.read(self.folder / mapping.lut) if mapping.lut else np.zeros((2, 2, 2, 3), np.float32)
        self._release_textures()
        self._mask = self.context.texture(mask.size, 1, mask.tobytes(), alignment=1)
        self._mask.repeat_x = self._mask.repeat_y = False
        size = table.shape[0]
        self._table = self.context.texture3d((size, size, size), 3, table.tobytes(), dtype="f4")
        self._table.repeat_x = self._table.repeat_y = self._table.repeat_z = False
        self._buffer.write(mapping.vertices())
        self.mapping = mapping

    def draw(self, wall: moderngl.Texture, into: moderngl.Framebuffer, level: float = 1.0, flip: bool = False) -> None:
        """`level` 0 black .. 1 as it is; `flip` puts the top row first in memory, for reading."""
        assert self._mask and self._table
        into.use()
        into.clear()
        wall.use(0)
        self._mask.use(1)
        self._table.use(2)
        mapping = self.mapping
        values = {
            "wall": 0, "mask": 1, "table": 2, "has_table": bool(mapping.lut), "part": mapping.part,
            "blend": mapping.blend, "gamma": mapping.gamma, "black": mapping.black, "level": level, "flip": flip,
        }  # fmt: skip
        for name, value in values.items():
            self.program[name] = value
        self._mesh.render(moderngl.TRIANGLES)

    def _release_textures(self) -> None:
        if self._mask and self._table:
            self._mask.release()
            self._table.release()

    def release(self) -> None:
        self._release_textures()
        self._mesh.release()
        self._buffer.release()
        self.program.release()


def _mask(mapping: Mapping, folder: Path) -> Image.Image:
    """What is seen of an output: white. Top row first."""
    if mapping.mask:
        mask = Image.open(folder / mapping.mask).convert("L")
    else:
        mask = Image.new("L", (1024, 1024) if mapping.hide else (1, 1), 255)
    for polygon in mapping.hide:
        ImageDraw.Draw(mask).polygon([(x * mask.width, y * mask.height) for x, y in polygon], fill=0)
    return mask


class Handles:
    """Draws the points that a hand can move over what is already there."""

    VERTEX = """#version 330 core
        in vec2 position;
        uniform int selected;
        out vec3 tint;
        void main() {
            gl_Position = vec4(position.x * 2.0 - 1.0, 1.0 - position.y * 2.0, 0.0, 1.0);
            gl_PointSize = gl_VertexID == selected ? 22.0 : 14.0;
            tint = gl_VertexID == selected ? vec3(1.0, 0.6, 0.1) : vec3(1.0);
        }"""
    FRAGMENT = """#version 330 core
        in vec3 tint;
        out vec4 color;
        void main() {
            float r = length(gl_PointCoord - 0.5);
            if (r > 0.5 || (r > 0.14 && r < 0.36)) discard;
            color = vec4(r < 0.14 || r > 0.42 ? tint : tint * 0.2, 1.0);
        }"""

    def __init__(self, context: moderngl.Context):
        self.context = context
        self.program = context.program(vertex_shader=self.VERTEX, fragment_shader=self.FRAGMENT)

    def draw(self, points: NDArray[np.float64], selected: int) -> None:
        """`points` (n, 2) on the output, into the framebuffer that is bound."""
        buffer = self.context.buffer(points.astype(np.float32).tobytes())
        array = self.context.vertex_array(self.program, [(buffer, "2f", "position")])
        self.program["selected"] = selected
        self.context.enable(moderngl.PROGRAM_POINT_SIZE)
        array.render(moderngl.POINTS)
        self.context.disable(moderngl.PROGRAM_POINT_SIZE)
        array.release()
        buffer.release()

    def release(self) -> None:
        self.program.release()
