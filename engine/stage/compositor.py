"""Layers to pixels: walks a Layer from its source upwards and draws each verb's file once.

What a drawing remembers (trails, reaction, past columns) belongs to its verb and to how many of that verb come below
it, so that a scene that adds or takes a verb elsewhere in its chain goes on with the same trails.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import moderngl

from engine.stage import layer as language
from engine.stage.framing import FRAME, FRAMED, declared, framed, is_between
from engine.stage.fuse import HERE, Fused, joins, reads
from engine.stage.header import Header, Number, ShaderError
from engine.stage.isf import Drawing, Moment, Shader, Size, stamp
from engine.stage.layer import Layer, find

log = logging.getLogger(__name__)
Place = tuple[str, int]  # a verb, and how many of it come before in drawing order


class Sources:
    """What any shader may read by the name of an input: textures and numbers that the stage refreshes each frame."""

    def __init__(self, context: moderngl.Context):
        self.black = context.texture((1, 1), 4, b"\0\0\0\xff")
        self.images: dict[str, moderngl.Texture] = dict.fromkeys(("", *FRAMED.values()), self.black)
        self.numbers: dict[str, Number] = {}


class Compositor:
    """Draws layers at `size`. GL thread only."""

    def __init__(self, context: moderngl.Context, size: Size, shaders: dict[Path, Shader] | None = None):
        self.context, self.size = context, size
        self.between = size  # (w, h) of the in-betweens: that of the mind's pictures, framed for the wall afterwards
        self.sources = Sources(context)
        self.troubles: list[str] = []  # said once each; whoever reads them empties the list
        self._said: set[str] = set()
        self.measure: Callable[[Place, float], None] | None = None  # (place, seconds) of each drawing, with finish()
        self.scales: dict[Place, float] = {}  # set by the governor: 1 = the size of the stage
        self._shaders: dict[Path, Shader] = {} if shaders is None else shaders
        self._own = shaders is None
        self._failed: dict[Path, int] = {}  # versions of files that did not compile
        self._drawings: dict[Place, Drawing] = {}
        self._drawn: dict[Layer, moderngl.Texture] = {}
        self._shared: frozenset[Layer] = frozenset()  # layers that are used twice
        self.joining = False  # whether verbs that can be drawn at once are compiled when they are first seen together
        self._fused: dict[tuple[str, ...], Fused | None] = {}

    def draw(self, layer: Layer, moment: Moment) -> moderngl.Texture:
        """The texture of this layer; valid until the next draw. Never raises for a broken file: its input is shown."""
        self._drawn = {language.dark: self.sources.black}
        layer = framed(layer)
        self._shared = frozenset(each for each, times in Counter(layer.walk()).items() if times > 1)
        return self._draw(layer, moment, Counter())

    def draw_between(self, layer: Layer, moment: Moment) -> moderngl.Texture:
        """The in-between of the mind's pictures alone, at their own size, as `layer` (a transition) makes it."""
        self._drawn = {}
        return self._draw(layer, moment, Counter())

    def _draw(self, layer: Layer, moment: Moment, seen: Counter[str]) -> moderngl.Texture:
        if layer in self._drawn:  # a layer that is used twice is one picture
            return self._drawn[layer]
        if not layer.inputs and layer.verb in self.sources.images:
            return self.sources.images[layer.verb]
        run = self._run(layer)
        below: list[list[moderngl.Texture]] = []
        places: list[Place] = []
        for index, each in enumerate(run):
            below.append([self._draw(other, moment, seen) for other in each.inputs[index > 0 :]])
            places.append((each.verb, seen[each.verb]))
            seen[each.verb] += 1
        try:
            texture = self._apply(run, places, below, moment, seen)
        except (ShaderError, AttributeError, moderngl.Error) as error:
            self._trouble(str(error))
            texture = below[0][0] if below[0] else self.sources.black
        self._drawn[layer] = texture
        return texture

    def _run(self, layer: Layer) -> list[Layer]:
        """The verbs that are drawn in one program with this one, the lowest first."""
        run, still = [layer], True
        while run[0].inputs and self._joins(run[0].inputs[0], run[0], still):
            still = still and reads(self.shader(run[0].verb).header) == HERE
            run.insert(0, run[0].inputs[0])
        verbs = tuple(each.verb for each in run)
        if len(run) > 1 and verbs not in self._fused and self.joining:
            self._fused[verbs] = self._fuse(verbs)
        return run if self._fused.get(verbs) else [layer]

    def _joins(self, below: Layer, above: Layer, still: bool) -> bool:
        if below in self._shared or self._size(below) != self._size(above):
            return False
        if below.verb in (*language.SOURCES, *self.sources.images) or is_between(below):
            return False
        try:
            return joins(self.shader(below.verb).header, self.shader(above.verb).header, still)
        except (ShaderError, AttributeError):
            return False

    def _fuse(self, verbs: tuple[str, ...]) -> Fused | None:
        try:
            return Fused(self.context, [self.shader(verb) for verb in verbs])
        except moderngl.Error as error:
            log.debug("%s are drawn one by one: %s", " and ".join(verbs), error)
            return None

    def _apply(
        self, run: list[Layer], places: list[Place], below: list[list[moderngl.Texture]], moment: Moment,
        seen: Counter[str],
    ) -> moderngl.Texture:  # fmt: skip
        place = ("+".join(verb for verb, _ in places), places[-1][1])
        size, scale = self._size(run[-1]), self.scales.get(place, 1.0)
        drawings = [self._drawing(each, size, scale) for each in places]
        headers = [drawing.shader.header for drawing in drawings]
        images = [self._images(h, h.images[i > 0 :], below[i], moment, seen) for i, h in enumerate(headers)]
        values = [{**(self.sources.numbers if is_between(each) else {}), **dict(each.values)} for each in run]
        begin = self._begin()
        if len(run) > 1:
            fused = self._fused[tuple(each.verb for each in run)]
            assert fused is not None
            texture = fused.draw(drawings, values, images, moment)
        else:
            texture = drawings[0].draw(values[0], images[0], moment)
        if self.measure:
            self.context.finish()
            self.measure(place, time.perf_counter() - begin)
        return texture

    def _images(
        self, header: Header, names: Sequence[str], below: list[moderngl.Texture], moment: Moment, seen: Counter[str]
    ) -> dict[str, moderngl.Texture]:
        """What a shader finds under the names of its images: what lies below, else what the stage has by that name."""
        for name in names[len(below) :]:
            if name in FRAMED:
                below.append(self._draw(framed(Layer(name)), moment, seen))
        images = {**self.sources.images, **dict(zip(names, below, strict=False))}
        for each in header.inputs:  # sound goes to inputs of its type, whatever their names
            if each.type in ("audio", "audioFFT"):
                images[each.name] = self.sources.images.get(each.type, self.sources.black)
        return images

    def _size(self, layer: Layer) -> Size:
        """In-betweens are drawn at the size of the mind's pictures, what lies on those at a quarter of the wall."""
        if is_between(layer):
            return self.between
        if layer.verb == FRAME and layer.inputs[0].verb in FRAMED.values():
            return max(1, self.size[0] // 4), max(1, self.size[1] // 4)
        return self.size

    def _begin(self) -> float:
        if self.measure:
            self.context.finish()
        return time.perf_counter()

    def _drawing(self, place: Place, size: Size, scale: float = 1.0) -> Drawing:
        shader = self.shader(place[0])
        drawing = self._drawings.get(place)
        if drawing is None:
            drawing = self._drawings[place] = Drawing(shader, size)
        elif drawing.shader is not shader:
            drawing.take(shader)
        drawing.size, drawing.scale = size, scale
        return drawing

    def shader(self, verb: str) -> Shader:
        """The compiled shader of a verb. Raises ShaderError or AttributeError where there is none that works."""
        path = find(verb)
        if path is None:
            language.header(verb)  # raises, naming the nearest
        assert path is not None
        found = self._shaders.get(path)
        if found is None:
            if self._failed.get(path) == stamp(path):
                raise ShaderError(f"{path} does not compile")
            try:
                found = self._shaders[path] = Shader(self.context, path)
            except ShaderError:
                self._failed[path] = stamp(path)
                raise
        return found

    def reload(self) -> list[str]:
        """Compile the files that changed. One that does not compile keeps its last good version; returns what was said."""
        said = []
        language.look()
        for path, shader in list(self._shaders.items()):
            changed = stamp(path) or shader.changed_ns  # one that has gone plays on
            if changed in (shader.changed_ns, self._failed.get(path)):
                continue
            try:
                self._shaders[path] = Shader(self.context, path)
            except ShaderError as error:
                self._failed[path] = changed
                said.append(f"{error}\n    the last good version plays on")
            else:
                for drawing in self._drawings.values():
                    if drawing.shader is shader:
                        drawing.take(self._shaders[path])
                self._fuse_again(shader)
                shader.release()
                said.append(f"{path.name} is new")
        return said

    def _fuse_again(self, old: Shader) -> None:
        for verbs, fused in self._fused.items():
            if fused is None or old in fused.shaders:
                if fused:
                    fused.release()
                self._fused[verbs] = self._fuse(verbs)

    def dissolve(
        self, start: moderngl.Texture, end: moderngl.Texture, progress: float, pair: int, moment: Moment
    ) -> moderngl.Texture:
        """From one finished wall to another, as between pictures that have nothing in common; `pair` numbers them."""
        drawing = self._drawing((language.BETWEEN, -1), self.size)
        images = {"": self.sources.black, "startImage": start, "endImage": end}
        return drawing.draw({"progress": progress, "pair": float(pair)}, images, moment)

    def twin(self, size: Size) -> Compositor:
        """Another compositor of the same shaders, which remembers on its own."""
        return Compositor(self.context, size, self._shaders)

    def needs(self, layer: Layer, image: str) -> bool:
        """Whether any verb of this layer reads the picture of this name."""
        headers = (declared(verb) for verb in layer.shape if verb not in language.SOURCES)
        return image in layer.shape or any(image in each.images for each in headers if each)

    def _trouble(self, what: str) -> None:
        if what not in self._said and len(self._said) < 256:
            log.warning(what)
            self._said.add(what)
            self.troubles.append(what)

    def forget(self, layer: Layer) -> None:
        """Release drawings that `layer` does not use: what a scene that has left remembered."""
        seen = Counter(framed(layer).shape)  # a picture that hangs in no frame of its own is given one
        for place in [p for p in self._drawings if p[1] >= seen[p[0]] and p[0] != language.BETWEEN]:
            self._drawings.pop(place).release()

    @property
    def shown(self) -> Mapping[Place, Drawing]:
        return self._drawings

    def release_drawings(self) -> None:
        """Forget everything that was drawn, keep what is compiled."""
        for drawing in self._drawings.values():
            drawing.release()
        self._drawings.clear()

    def release(self) -> None:
        self.release_drawings()
        for fused in filter(None, self._fused.values()):
            fused.release()
        self._fused.clear()
        for shader in self._shaders.values() if self._own else ():
            shader.release()
        if self._own:
            self._shaders.clear()
        self.sources.black.release()
