"""ISF shaders on OpenGL: a file is compiled once, and drawn by as many Drawings as a chain needs.

GL thread only, everything here. Realtime-safe: no (a first draw after compiling took 124 ms median on llvmpipe, which
is why the stage draws every shader once before the show).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import moderngl
from PIL import Image

from engine.stage import glsl
from engine.stage.expression import ExpressionError, evaluate
from engine.stage.header import Header, Imported, Number, Pass, ShaderError, partner
from engine.stage.present import Present
from engine.stage.reading import read

log = logging.getLogger(__name__)
Size = tuple[int, int]  # (w, h) in pixels, as GL counts
LARGEST = 8192  # pixels of a side that a pass may ask for


@dataclass(frozen=True, slots=True)
class Moment:
    """The time that a frame is drawn for. One value for the whole chain."""

    time: float = 0.0  # scene seconds
    delta: float = 0.0  # seconds since the frame before
    date: tuple[float, float, float, float] = (2026.0, 1.0, 1.0, 43_200.0)  # year, month, day, seconds of the day

    def numbers(self) -> dict[str, object]:
        """By the names that shaders know."""
        return {"TIME": self.time, "TIMEDELTA": self.delta, "DATE": self.date}


def set_numbers(
    program: moderngl.Program, uniforms: frozenset[str], values: Mapping[str, object], written: dict[str, object]
) -> None:
    """Give a program those of `values` that it reads and that changed since they were `written`."""
    for name, value in values.items():
        if name in uniforms and written.get(name) != value:
            program[name] = written[name] = value


class Shader:
    """One ISF file, compiled. Raises ShaderError with file and line where that is not possible."""

    def __init__(self, context: moderngl.Context, path: Path):
        self.context, self.path = context, path
        self.changed_ns = stamp(path)
        self.header = read(path)
        self.program = self._compile(self.header)
        self.triangle = context.vertex_array(self.program, [])
        given = dict(self.header.renamed)
        self._given = given | {f"{name}_px": f"{other}_px" for name, other in given.items()}
        called = {glsl: name for name, glsl in self._given.items()}
        self.uniforms = frozenset(called.get(name, name) for name in self.program)
        self._written: dict[str, object] = {}
        # A shader that may leave pixels out needs a cleared target; the others write every pixel anyway.
        self.sparse = "discard" in self.header.body or self.header.partner is not None
        self.imported = {each.name: _picture(context, each) for each in self.header.imported}
        self.no_cube = context.texture_cube((1, 1), 4, b"\0\0\0\xff" * 6) if self.header.cubes else None

    def _compile(self, header: Header) -> moderngl.Program:
        try:
            vertex, fragment = glsl.sources(header)
        except OSError as wrong:
            raise ShaderError(f"{header.partner}: {wrong.strerror or wrong}") from None
        first: moderngl.Error | None = None
        for version in glsl.VERSIONS:
            head = f"#version {version}\n"
            try:
                return self.context.program(vertex_shader=head + vertex, fragment_shader=head + fragment)
            except moderngl.Error as error:
                first = first or error
        raise glsl.explain(header, str(first)) from None

    def set(self, values: Mapping[str, object]) -> None:
        """Numbers and texture units by the names of uniforms; what the program does not read is left out."""
        for name, glsl_name in self._given.items():
            if name in values and name in self.uniforms:
                set_numbers(self.program, frozenset((glsl_name,)), {glsl_name: values[name]}, self._written)
        set_numbers(self.program, self.uniforms - self._given.keys(), values, self._written)

    def release(self) -> None:
        self.triangle.release()
        self.program.release()
        for texture in (*self.imported.values(), self.no_cube):
            if texture:
                texture.release()


def stamp(path: Path) -> int:
    """When the file or its `.vs` partner was last written, in ns; 0 where there is none."""
    found = [0]
    for file in (path, partner(path)):
        with contextlib.suppress(OSError):
            found.append(file.stat().st_mtime_ns if file else 0)
    return max(found)


def _picture(context: moderngl.Context, imported: Imported) -> moderngl.Texture | moderngl.TextureCube:
    """A picture beside the shader as a texture, six as the sides of a cube, all as large as the first."""
    images, largest = [], int(context.info["GL_MAX_TEXTURE_SIZE"])
    for file in imported.files:
        try:
            image = Image.open(file).convert("RGBA")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as wrong:
            raise ShaderError(f"{file}: not a picture that can be read: {wrong}") from None
        if max(image.size) > largest:
            raise ShaderError(f"{file}: {image.size[0]} x {image.size[1]} pixels; this machine takes {largest} a side")
        images.append(image)
    if imported.is_cube:
        side = images[0].size[0]
        sides = [image.resize((side, side)).tobytes() for image in images]  # rows of a cube's sides go down
        return context.texture_cube((side, side), 4, b"".join(sides))
    flipped = images[0].transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return context.texture(flipped.size, 4, flipped.tobytes())


class Target:
    """A texture to draw into; a second one where the shader also reads what it drew before (ping-pong)."""

    def __init__(self, context: moderngl.Context, size: Size, dtype: str, double: bool):
        self.context, self.size, self.dtype = context, size, dtype
        self._textures = [context.texture(size, 4, dtype=dtype) for _ in range(2 if double else 1)]
        for texture in self._textures:
            texture.repeat_x = texture.repeat_y = False
        self._frames = [context.framebuffer([texture]) for texture in self._textures]
        for frame in self._frames:
            frame.clear()

    @property
    def texture(self) -> moderngl.Texture:
        """What was drawn last."""
        return self._textures[0]

    def begin(self) -> moderngl.Framebuffer:
        """The framebuffer to draw into; from now on `texture` is what it will hold after the draw."""
        self._frames.reverse()
        self._textures.reverse()
        return self._frames[0]

    def release(self) -> None:
        self.context.detect_framebuffer(0).use()  # a framebuffer that is bound while it is released is an error in the next clear
        for frame in self._frames:
            frame.release()
        for texture in self._textures:
            texture.release()


class Drawing:
    """A shader at one place of a chain, with what it remembers from frame to frame."""

    def __init__(self, shader: Shader, size: Size):
        self.shader, self.size, self.scale = shader, size, 1.0
        self._targets: dict[str, Target] = {}
        self._frame = 0

    def draw(
        self, values: Mapping[str, Number], images: Mapping[str, moderngl.Texture], moment: Moment
    ) -> moderngl.Texture:
        """Draw all passes; returns the texture of the last, valid until the next draw of this Drawing.

        `values`: numbers by input name, the header's defaults where absent. `images`: textures by input name; an
        image nobody gives reads as `images[""]`.
        """
        result = self._passes(self.shader.header.passes, values, images, moment)
        self._frame += 1
        assert result is not None, "a header has at least one pass"
        return result

    def draw_first(self, values: Mapping[str, Number], images: Mapping[str, moderngl.Texture], moment: Moment) -> None:
        """Draw all passes but the last, which somebody else draws: see fuse.py, and call count() then."""
        if len(self.shader.header.passes) > 1:
            self._passes(self.shader.header.passes[:-1], values, images, moment)

    def count(self) -> int:
        """The number of this frame, from 0; the next call is the next frame."""
        self._frame += 1
        return self._frame - 1

    def numbers(self, values: Mapping[str, Number]) -> dict[str, Number]:
        """The numbers of all inputs, the header's defaults where absent."""
        found = {i.name: values.get(i.name, i.default) for i in self.shader.header.inputs if not i.is_image}
        return {name: value for name, value in found.items() if value is not None}

    def _passes(
        self,
        passes: Sequence[Pass],
        values: Mapping[str, Number],
        images: Mapping[str, moderngl.Texture],
        moment: Moment,
    ) -> moderngl.Texture | None:
        numbers = self.numbers(values)
        self.shader.set({**numbers, **moment.numbers(), "FRAMEINDEX": self._frame})
        result = None
        for index, each in enumerate(passes):
            result = self._pass(index, each, numbers, images)
        return result

    def _pass(
        self, index: int, each: Pass, numbers: Mapping[str, Number], images: Mapping[str, moderngl.Texture]
    ) -> moderngl.Texture:
        target = self._target(each, numbers)
        read = self.textures(images)
        for unit, texture in enumerate(read.values()):
            texture.use(unit)  # before begin(): a pass that reads its own target reads what was drawn before
        sizes = {f"{name}_px": tuple(map(float, texture.size)) for name, texture in read.items()}
        self.shader.set(
            {
                **{name: unit for unit, name in enumerate(read)},
                **sizes,
                "PASSINDEX": index,
                "RENDERSIZE": (float(target.size[0]), float(target.size[1])),
            }
        )
        frame = target.begin()
        frame.use()
        if self.shader.sparse and not each.persistent:
            frame.clear()
        self.shader.triangle.render(moderngl.TRIANGLES, vertices=3)
        return target.texture

    def last_target(self, values: Mapping[str, Number]) -> Target:
        """What the last pass draws into."""
        return self._target(self.shader.header.passes[-1], self.numbers(values))

    def _target(self, each: Pass, numbers: Mapping[str, Number]) -> Target:
        """The target of a pass at its size, made where it is missing; what it remembered is stretched to a new size."""
        if each.target:
            size, dtype = self._size(each, numbers), "f4" if each.deep else "f1"
        else:
            size, dtype = self._whole(), "f2" if each.deep else "f1"
        old = self._targets.get(each.target)
        if old and old.size == size and old.dtype == dtype:
            return old
        context = self.shader.context
        made = Target(context, size, dtype, double=each.target != "" and each.target in self.shader.uniforms)
        if old:
            present = Present(context)
            present.copy(old.texture, made.begin())
            present.release()
            old.release()
        self._targets[each.target] = made
        return made

    def _size(self, each: Pass, numbers: Mapping[str, Number]) -> Size:
        """The size of a pass's target; a side that cannot be worked out just now is the whole picture's."""
        names = {n: float(v) for n, v in numbers.items() if isinstance(v, int | float)}
        whole = self._whole()
        names |= {"WIDTH": float(whole[0]), "HEIGHT": float(whole[1])}
        sides = []
        for side, otherwise in ((each.width, whole[0]), (each.height, whole[1])):
            try:
                sides.append(min(LARGEST, max(1, int(evaluate(side, names)))))
            except (ExpressionError, OverflowError, ValueError):  # a division by a number that is turned to 0
                sides.append(otherwise)
        return sides[0], sides[1]

    def _whole(self) -> Size:
        return max(1, round(self.size[0] * self.scale)), max(1, round(self.size[1] * self.scale))

    def textures(self, images: Mapping[str, moderngl.Texture]) -> dict[str, moderngl.Texture | moderngl.TextureCube]:
        """The textures that this shader reads now, by the names of its uniforms."""
        shader = self.shader
        found: dict[str, moderngl.Texture | moderngl.TextureCube] = {}
        for name in shader.header.textures:
            if name in shader.uniforms or f"{name}_px" in shader.uniforms:
                target = self._targets.get(name)
                given = None if name in shader.header.cubes else images.get(name)
                found[name] = target.texture if target else shader.imported.get(name) or given or shader.no_cube or images[""]
        return found

    @property
    def targets(self) -> Iterable[Target]:
        return self._targets.values()

    def take(self, shader: Shader) -> None:
        """Go on with a newer version of the file; targets that both have keep what they hold."""
        self.shader = shader
        for name in set(self._targets) - {*shader.header.targets, ""}:
            self._targets.pop(name).release()

    def release(self) -> None:
        for target in self._targets.values():
            target.release()
        self._targets.clear()
