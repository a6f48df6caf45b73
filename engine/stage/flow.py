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
SMALLEST, LARGEST = 64, 160  # pixels, the longer side of the finest level: above, time goes to what nobody sees
COARSEST = 8  # pixels: below, a window of five covers the whole picture
ITERATIONS = 2  # a level; a third moved PSNR by less than 0.1 dB

_HEAD = """#version 330 core
in vec2 place;
uniform vec2 texel;  // 1 / size of the level
"""
_VERTEX = """#version 330 core
out vec2 place;
void main() {
    place = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
    gl_Position = vec4(place * 2.0 - 1.0, 0.0, 1.0);
}"""

# Red holds the first picture's light, green the second's. Four linear taps are a box over 4 x 4 pixels of the picture.
_LIGHT = """
uniform sampler2D first, second;
out vec4 color;
void main() {
    vec3 a = vec3(0.0), b = vec3(0.0);
    for (int i = 0; i < 4; i++) {
        vec2 p = place + (vec2(i & 1, i >> 1) - 0.5) * 0.5 * texel;
        a += texture(first, p).rgb; b += texture(second, p).rgb;
    }
    color = vec4(dot(a, vec3(0.299, 0.587, 0.114)), dot(b, vec3(0.299, 0.587, 0.114)), 0.0, 4.0) * 0.25;
}"""
_HALF = """
uniform sampler2D finer;
out vec4 color;
void main() {
    vec2 s = vec2(0.0);
    for (int i = 0; i < 4; i++) s += texture(finer, place + (vec2(i & 1, i >> 1) - 0.5) * 0.5 * texel).rg;
    color = vec4(s * 0.25, 0.0, 1.0);
}"""
_SLOPE = """
uniform sampler2D light;  // -> light and its slope in x and y, and the products of the slopes
layout(location = 0) out vec4 first;
layout(location = 1) out vec4 second;
layout(location = 2) out vec4 products;
layout(location = 3) out vec4 others;
vec2 at(float x, float y) { return texture(light, place + vec2(x, y) * texel).rg; }
void main() {
    vec2 here = at(0.0, 0.0), x = 0.5 * (at(1.0, 0.0) - at(-1.0, 0.0)), y = 0.5 * (at(0.0, 1.0) - at(0.0, -1.0));
    first = vec4(here.r, x.r, y.r, 1.0);
    second = vec4(here.g, x.g, y.g, 1.0);
    products = vec4(first.yyz * first.yzz, 1.0);  // xx, xy, yy
    others = vec4(second.yyz * second.yzz, 1.0);
}"""
# A window of five by five, rounded: three by three taps, each between the pixels it stands for.
_WINDOW = """
vec4 window(sampler2D picture) {
    vec4 s = vec4(0.0);
    for (int j = -1; j <= 1; j++) for (int i = -1; i <= 1; i++)
        s += (i == 0 ? 1.0 : 1.268) * (j == 0 ? 1.0 : 1.268) * texture(picture, place + 1.354 * vec2(i, j) * texel);
    return s;
}
"""
_TENSOR = f"""{_WINDOW}
uniform sampler2D products, others;
layout(location = 0) out vec4 one;
layout(location = 1) out vec4 other;
void main() {{ one = window(products); other = window(others); }}"""
# Both directions at once: rg = from the first picture to the second, ba = back. Half as many draws, which is what small
# targets cost on llvmpipe. What differs is gathered over the window in a drawing of its own, so that 9 taps do what took
# 100: every pixel follows its own guess, and what that guess explains is added again, so that the window's middle is
# asked about its own.
_DIFFER = """
uniform sampler2D first, second, guess;
uniform float grown;  // 2 where `guess` comes from the coarser level, 0 for the first
out vec4 color;
void main() {
    vec4 v = grown * texture(guess, place), p = place.xyxy + v * texel.xyxy;
    vec3 a = texture(first, place).rgb, b = texture(second, place).rgb;
    color = vec4(a.yz * (dot(a.yz, v.xy) + a.x - texture(second, p.xy).r), b.yz * (dot(b.yz, v.zw) + b.x - texture(first, p.zw).r));
}"""
_STEP = _WINDOW + """
uniform sampler2D differences, one, other, guess;
uniform float grown;
out vec4 color;
vec2 more(vec3 m, vec2 r, vec2 v) {
    r -= m.xy * v.x + m.yz * v.y;
    m.xz += 1e-3;
    return vec2(m.z * r.x - m.y * r.y, m.x * r.y - m.y * r.x) / max(m.x * m.z - m.y * m.y, 1e-7);
}
void main() {
    vec4 d = window(differences), v = grown * texture(guess, place);
    vec4 step = vec4(more(texture(one, place).rgb, d.xy, v.xy), more(texture(other, place).rgb, d.zw, v.zw));
    color = v + clamp(step, -2.0, 2.0);
}"""
_SMOOTH = """
uniform sampler2D guess;
out vec4 color;
void main() {
    color = vec4(0.0);
    for (int j = -1; j <= 1; j++) for (int i = -1; i <= 1; i++) color += texture(guess, place + vec2(i, j) * texel) / 9.0;
}"""
# Motion must earn its place: where following it leaves the two pictures further apart than standing still does, it is
# noise that boils. A stricter gate gains 0.8 dB on such pictures and loses 0.7 dB on true motion of 32 px.
_EARNED = """
uniform sampler2D guess, first, second;  // the last two hold light and slopes
out vec4 color;
void main() {
    vec4 v = texture(guess, place) * texel.xyxy;
    float a = texture(first, place).r, b = texture(second, place).r;
    vec2 moved = abs(vec2(a - texture(second, place + v.xy).r, b - texture(first, place + v.zw).r));
    color = vec4(abs(a - b), moved, 1.0);
}"""
_EARN = _WINDOW + """
uniform sampler2D guess, differences;
out vec4 color;
void main() {
    vec3 d = window(differences).rgb;
    vec2 gain = smoothstep(-0.2, 0.1, (d.r - d.gb) / (d.r + 12.5 * 0.004));
    color = texture(guess, place) * gain.xxyy;
}"""
# There and back must end where it began (within half a pixel and a quarter of the way), and arrive at the same colour.
_TRUST = """
uniform sampler2D guess, first, second;  // flow in pixels of the level; the two pictures
layout(location = 0) out vec4 forward;
layout(location = 1) out vec4 backward;
vec3 soft(sampler2D picture, vec2 p) {
    vec3 s = vec3(0.0);
    for (int i = 0; i < 4; i++) s += texture(picture, p + (vec2(i & 1, i >> 1) - 0.5) * 0.5 * texel).rgb;
    return s * 0.25;
}
float trust(vec2 there, vec2 back, vec3 from, vec3 to, vec2 arrived) {
    float astray = length(there + back) / (0.5 + 0.25 * (length(there) + length(back)));
    float inside = step(0.0, arrived.x) * step(arrived.x, 1.0) * step(0.0, arrived.y) * step(arrived.y, 1.0);
    return (1.0 - smoothstep(0.6, 1.6, astray)) * (1.0 - smoothstep(0.10, 0.30, length(from - to))) * mix(0.35, 1.0, inside);
}
void main() {
    vec4 v = texture(guess, place);
    vec2 f = place + v.xy * texel, b = place + v.zw * texel;
    float there = trust(v.xy, texture(guess, f).zw, soft(first, place), soft(second, f), f);
    float back = trust(v.zw, texture(guess, b).xy, soft(second, place), soft(first, b), b);
    forward = vec4(v.xy * texel, there, 1.0);
    backward = vec4(v.zw * texel, back, 1.0);
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
    """Float textures of one size that are drawn into together."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int], count: int = 1):
        self.context = context
        self.textures = [context.texture(size, 4, dtype="f4") for _ in range(count)]
        for texture in self.textures:
            texture.repeat_x = texture.repeat_y = False
        self.frame = context.framebuffer(self.textures)
        self.frame.clear()
        self.texel = (1.0 / size[0], 1.0 / size[1])

    @property
    def texture(self) -> moderngl.Texture:
        return self.textures[0]

    def release(self) -> None:
        self.context.detect_framebuffer(0).use()
        self.frame.release()
        for texture in self.textures:
            texture.release()


class Flow:
    """Flow between pairs of pictures of one size.

    After all steps, `forward` and `backward` are textures: rg = where to, in widths and heights of the picture,
    b = trust, 0 none .. 1 full.
    """

    def __init__(self, context: moderngl.Context, size: tuple[int, int]):
        self.context, self.size = context, size
        longer = min(LARGEST, max(SMALLEST, max(size) / REDUCTION))
        level = (max(COARSEST, round(size[0] * longer / max(size))), max(COARSEST, round(size[1] * longer / max(size))))
        self.levels = [level]
        while min(self.levels[-1]) >= 2 * COARSEST:
            self.levels.append((self.levels[-1][0] // 2, self.levels[-1][1] // 2))
        sources = {
            "light": _LIGHT, "half": _HALF, "slope": _SLOPE, "tensor": _TENSOR, "differ": _DIFFER, "step": _STEP,
            "smooth": _SMOOTH, "earned": _EARNED, "earn": _EARN, "trust": _TRUST,
        }  # fmt: skip
        self._programs = {name: _Program(context, text) for name, text in sources.items()}
        self._light = [_Buffer(context, each) for each in self.levels]
        self._slope = [_Buffer(context, each, 4) for each in self.levels]
        self._tensor = [_Buffer(context, each, 2) for each in self.levels]
        self._differ = [_Buffer(context, each) for each in self.levels]
        self._guess = [[_Buffer(context, each) for _ in range(2)] for each in self.levels]
        self._done = [_Buffer(context, level, 2) for _ in range(2)]  # one is shown, one is made
        self.steps = len(self.levels) * (ITERATIONS + 2) + 2

    @property
    def forward(self) -> moderngl.Texture:
        return self._done[0].textures[0]

    @property
    def backward(self) -> moderngl.Texture:
        return self._done[0].textures[1]

    def run(self, start: moderngl.Texture, end: moderngl.Texture) -> Iterator[None]:
        """Compute the flow of a pair; yields after each step. `forward` and `backward` change only at `show`."""
        pictures = {"first": start, "second": end}
        for level in range(len(self.levels)):
            if level == 0:
                self._programs["light"].draw(self._light[0], pictures)
            else:
                self._programs["half"].draw(self._light[level], {"finer": self._light[level - 1].texture})
            slope = self._slope[level]
            self._programs["slope"].draw(slope, {"light": self._light[level].texture})
            self._programs["tensor"].draw(self._tensor[level], {"products": slope.textures[2], "others": slope.textures[3]})
            yield
        for level in reversed(range(len(self.levels))):
            yield from self._level(level)
        finest, (first, second), differ = self._guess[0], self._slope[0].textures[:2], self._differ[0]
        self._programs["earned"].draw(differ, {"guess": finest[0].texture, "first": first, "second": second})
        self._programs["earn"].draw(finest[1], {"guess": finest[0].texture, "differences": differ.texture})
        finest.reverse()
        self._programs["smooth"].draw(finest[1], {"guess": finest[0].texture})
        finest.reverse()
        yield
        self._programs["trust"].draw(self._done[1], {"guess": self._guess[0][0].texture, **pictures})
        yield

    def _level(self, level: int) -> Iterator[None]:
        first, second = self._slope[level].textures[:2]
        one, other = self._tensor[level].textures
        differ = self._differ[level]
        coarsest = level == len(self.levels) - 1
        guess = self._guess[level]
        for index in range(ITERATIONS):
            so_far = guess[0] if index or coarsest else self._guess[level + 1][0]
            grown = 1.0 if index else 0.0 if coarsest else 2.0
            self._programs["differ"].draw(differ, {"first": first, "second": second, "guess": so_far.texture}, grown)
            textures = {"differences": differ.texture, "one": one, "other": other, "guess": so_far.texture}
            self._programs["step"].draw(guess[1], textures, grown)
            guess.reverse()
            yield
        self._programs["smooth"].draw(guess[1], {"guess": guess[0].texture})
        guess.reverse()
        yield

    def show(self) -> None:
        """Make the pair that was run last the one that is read."""
        self._done.reverse()

    def read(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Forward and backward flow that was run last, (rows, cols, 4) f4, lowest row first. Waits for the GPU."""
        w, h = self.levels[0]
        one, other = (np.frombuffer(each.read(), np.float32).reshape(h, w, 4) for each in self._done[1].textures)
        return one, other

    def release(self) -> None:
        for program in self._programs.values():
            program.release()
        guesses = (buffer for level in self._guess for buffer in level)
        for buffer in (*self._light, *self._slope, *self._tensor, *self._differ, *self._done, *guesses):
            buffer.release()
