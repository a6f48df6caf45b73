"""The last draw of a frame: the finished wall towards the taps, or into a target of another size. GL thread only."""

from __future__ import annotations

import moderngl

VERTEX = """#version 330 core
out vec2 place;
void main() {
    place = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
    gl_Position = vec4(place * 2.0 - 1.0, 0.0, 1.0);
}"""
_FRAGMENT = """#version 330 core
uniform sampler2D wall;
uniform float level, solid;
in vec2 place;
out vec4 color;
void main() {
    vec4 c = texture(wall, place);
    color = vec4(c.rgb * level, max(c.a, solid));
}"""


class Present:
    """Copies a texture into a framebuffer of any size."""

    def __init__(self, context: moderngl.Context):
        self.program = context.program(vertex_shader=VERTEX, fragment_shader=_FRAGMENT)
        self.triangle = context.vertex_array(self.program, [])

    def draw(
        self, wall: moderngl.Texture, into: moderngl.Framebuffer, level: float = 1.0, solid: float = 1.0
    ) -> None:
        """`level` 0 black .. 1 as it is; `solid` 1 makes everything opaque."""
        into.use()
        wall.use(0)
        self.program["wall"], self.program["level"] = 0, level
        self.program["solid"] = solid
        self.triangle.render(moderngl.TRIANGLES, vertices=3)

    def copy(self, picture: moderngl.Texture, into: moderngl.Framebuffer) -> None:
        """All four channels, stretched: what a target remembers may lie in its alpha."""
        self.draw(picture, into, solid=0.0)

    def release(self) -> None:
        self.triangle.release()
        self.program.release()
