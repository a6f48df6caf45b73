"""Where everything moves between two pictures: pyramidal Lucas-Kanade flow in GLSL, in both directions, with doubt.

B. D. Lucas and T. Kanade, "An iterative image registration technique" (IJCAI 1981); coarse to fine after J.-Y. Bouguet,
"Pyramidal implementation of the Lucas Kanade feature tracker" (Intel, 2001). Computed once for each picture, on a
quarter of its width, in small steps that can be spread over frames, so that no frame is late for it.

GL thread only.
"""

from __future__ import annotations

from collections.abc import Iterator

import moderngl
import numpy as np
from numpy.typing import NDArray

REDUCTION = 4  # pictures are compared at a quarter of their width: 128 wide for 512, as in the measurements
LARGEST = 160  # pixels, the longer side of the finest level: above it time is spent on what the eye does not see
COARSEST = 8  # pixels: below, a window of five covers the whole picture
ITERATIONS = 2  # a level; a third moved PSNR by less than 0.1 dB

_HEAD = """#version 330 core
in vec2 place;
out vec4 color;
uniform vec2 texel;  // 1 / size of the level
"""
_VERTEX = """#version 330 core
out vec2 place;
void main() {
    place = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
    gl_Position = vec4(place * 2.0 - 1.0, 0.0, 1.0);
}"""

# Four taps of a linear filter are a box over 4 x 4 pixels of the picture: light, and what carries the structure of it.
_LIGHT = """
uniform sampler2D picture;
void main() {
    vec3 s = vec3(0.0);
    for (int i = 0; i < 4; i++) s += texture(picture, place + (vec2(i & 1, i >> 1) - 0.5) * 0.5 * texel).rgb;
    color = vec4(dot(s, vec3(0.299, 0.587, 0.114)) * 0.25);
}"""
_HALF = """
uniform sampler2D finer;
void main() {
    float s = 0.0;
    for (int i = 0; i < 4; i++) s += texture(finer, place + (vec2(i & 1, i >> 1) - 0.5) * 0.5 * texel).r;
    color = vec4(s * 0.25);
}"""
_SLOPE = """
uniform sampler2D light;  // -> light and its slope in x and y, for each pixel once instead of for each window
float at(vec2 p) { return texture(light, p).r; }
void main() {
    color = vec4(at(place), 0.5 * (at(place + vec2(texel.x, 0.0)) - at(place - vec2(texel.x, 0.0))),
                 0.5 * (at(place + vec2(0.0, texel.y)) - at(place - vec2(0.0, texel.y))), 1.0);
}"""
_STEP = """
uniform sampler2D one, other, guess;  // slopes of the picture that moves, of the one it moves to; flow so far
uniform float grown;                  // 2 where `guess` comes from the coarser level, 0 for the first
void main() {
    vec2 v = grown * texture(guess, place).xy;
    float a = 1e-3, b = 0.0, c = 1e-3, d = 0.0, e = 0.0;
    for (int j = -2; j <= 2; j++) for (int i = -2; i <= 2; i++) {
        vec2 p = place + vec2(i, j) * texel;
        vec3 s = texture(one, p).rgb;
        float w = exp(-float(i * i + j * j) / 5.0), change = texture(other, p + v * texel).r - s.r;
        a += w * s.y * s.y; b += w * s.y * s.z; c += w * s.z * s.z; d -= w * s.y * change; e -= w * s.z * change;
    }
    vec2 more = vec2(c * d - b * e, a * e - b * d) / max(a * c - b * b, 1e-7);
    color = vec4(v + clamp(more, -2.0, 2.0), 0.0, 1.0);
}"""
_SMOOTH = """
uniform sampler2D guess;
void main() {
    vec2 s = vec2(0.0);
    for (int j = -1; j <= 1; j++) for (int i = -1; i <= 1; i++) s += texture(guess, place + vec2(i, j) * texel).xy;
    color = vec4(s / 9.0, 0.0, 1.0);
}"""
# There and back must end where it began (within half a pixel and a quarter of the way), and arrive at the same colour.
_TRUST = """
uniform sampler2D there, back, from, to;  // flows in pixels of the level; the two pictures
vec3 soft(sampler2D picture, vec2 p) {
    vec3 s = vec3(0.0);
    for (int i = 0; i < 4; i++) s += texture(picture, p + (vec2(i & 1, i >> 1) - 0.5) * 0.5 * texel).rgb;
    return s * 0.25;
}
void main() {
    vec2 f = texture(there, place).xy, arrived = place + f * texel;
    vec2 g = texture(back, arrived).xy;
    float astray = length(f + g) / (0.5 + 0.25 * (length(f) + length(g)));
    float unlike = length(soft(from, place) - soft(to, arrived));
    float inside = step(0.0, arrived.x) * step(arrived.x, 1.0) * step(0.0, arrived.y) * step(arrived.y, 1.0);
    float trust = (1.0 - smoothstep(0.6, 1.6, astray)) * (1.0 - smoothstep(0.10, 0.30, unlike));
    color = vec4(f * texel, trust * mix(0.35, 1.0, inside), 1.0);
}"""


class _Program:
    def __init__(self, context: moderngl.Context, fragment: str):
        self.program = context.program(vertex_shader=_VERTEX, fragment_shader=_HEAD + fragment)
        self.triangle = context.vertex_array(self.program, [])

    def draw(self, into: _Buffer, textures: dict[str, moderngl.Texture], grown: float | None = None) -> None:
        for unit, (name, texture) in enumerate(textures.items()):
            texture.use(unit)
            self.program[name] = unit
        if "texel" in self.program:
            self.program["texel"] = into.texel
        if grown is not None:
            self.program["grown"] = grown
        into.frame.use()
        self.triangle.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        self.triangle.release()
        self.program.release()


class _Buffer:
    def __init__(self, context: moderngl.Context, size: tuple[int, int]):
        self.texture = context.texture(size, 4, dtype="f4")
        self.texture.repeat_x = self.texture.repeat_y = False
        self.frame = context.framebuffer([self.texture])
        self.frame.clear()
        self.texel = (1.0 / size[0], 1.0 / size[1])

    def release(self) -> None:
        self.frame.release()
        self.texture.release()


class Flow:
    """Flow between pairs of pictures of one size.

    After all steps, `forward` and `backward` are textures: rg = where to, in widths and heights of the picture,
    b = trust, 0 none .. 1 full.
    """

    def __init__(self, context: moderngl.Context, size: tuple[int, int]):
        self.context, self.size = context, size
        reduction = max(REDUCTION, max(size) / LARGEST)
        level = (max(COARSEST, round(size[0] / reduction)), max(COARSEST, round(size[1] / reduction)))
        self.levels = [level]
        while min(self.levels[-1]) >= 2 * COARSEST:
            self.levels.append((self.levels[-1][0] // 2, self.levels[-1][1] // 2))
        sources = {"light": _LIGHT, "half": _HALF, "slope": _SLOPE, "step": _STEP, "smooth": _SMOOTH, "trust": _TRUST}
        self._programs = {name: _Program(context, text) for name, text in sources.items()}
        self._light = [[_Buffer(context, each) for each in self.levels] for _ in range(2)]
        self._slope = [[_Buffer(context, each) for each in self.levels] for _ in range(2)]
        self._guess = [[[_Buffer(context, each) for _ in range(2)] for each in self.levels] for _ in range(2)]
        self._sets = [[_Buffer(context, level) for _ in range(2)] for _ in range(2)]  # one is shown, one is made
        self.steps = 2 * (len(self.levels) * (ITERATIONS + 2) + 1)

    @property
    def forward(self) -> moderngl.Texture:
        return self._sets[0][0].texture

    @property
    def backward(self) -> moderngl.Texture:
        return self._sets[0][1].texture

    def run(self, start: moderngl.Texture, end: moderngl.Texture) -> Iterator[None]:
        """Compute the flow of a pair; yields after each step. `forward` and `backward` change only at `show`."""
        pictures = (start, end)
        for side in (0, 1):
            for level in range(len(self.levels)):
                self._pyramid(side, level, pictures[side])
                yield
        for side in (0, 1):
            for level in reversed(range(len(self.levels))):
                yield from self._level(side, level)
        for side in (0, 1):
            self._programs["trust"].draw(
                self._sets[1][side],
                {
                    "there": self._guess[side][0][0].texture, "back": self._guess[1 - side][0][0].texture,
                    "from": pictures[side], "to": pictures[1 - side],
                },
            )  # fmt: skip
            yield

    def _pyramid(self, side: int, level: int, picture: moderngl.Texture) -> None:
        light = self._light[side]
        if level == 0:
            self._programs["light"].draw(light[0], {"picture": picture})
        else:
            self._programs["half"].draw(light[level], {"finer": light[level - 1].texture})
        self._programs["slope"].draw(self._slope[side][level], {"light": light[level].texture})

    def _level(self, side: int, level: int) -> Iterator[None]:
        one, other = self._slope[side][level].texture, self._slope[1 - side][level].texture
        coarsest = level == len(self.levels) - 1
        guess = self._guess[side]
        for index in range(ITERATIONS):
            so_far = guess[level][0] if index or coarsest else guess[level + 1][0]
            grown = 1.0 if index else 0.0 if coarsest else 2.0
            textures = {"one": one, "other": other, "guess": so_far.texture}
            self._programs["step"].draw(guess[level][1], textures, grown)
            guess[level].reverse()
            yield
        self._programs["smooth"].draw(guess[level][1], {"guess": guess[level][0].texture})
        guess[level].reverse()
        yield

    def show(self) -> None:
        """Make the pair that was run last the one that is read."""
        self._sets.reverse()

    def read(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Forward and backward flow that was run last, (rows, cols, 4) f4, lowest row first. Waits for the GPU."""
        w, h = self.levels[0]
        one, other = (np.frombuffer(each.texture.read(), np.float32).reshape(h, w, 4) for each in self._sets[1])
        return one, other

    def release(self) -> None:
        pyramids: list[_Buffer] = [buffer for side in (*self._light, *self._slope, *self._sets) for buffer in side]
        guesses: list[_Buffer] = [buffer for side in self._guess for level in side for buffer in level]
        for program in self._programs.values():
            program.release()
        for buffer in (*pyramids, *guesses):
            buffer.release()
