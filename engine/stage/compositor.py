"""Layers to pixels: walks a Layer from its source upwards and draws each verb's file once.

What a drawing remembers (trails, reaction, past columns) belongs to its verb and to how many of that verb come below
it, so that a scene that adds or takes a verb elsewhere in its chain goes on with the same trails.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import moderngl

from engine.stage import layer as language
from engine.stage.header import Number, ShaderError
from engine.stage.isf import Drawing, Moment, Shader, Size, stamp
from engine.stage.layer import Layer, find

log = logging.getLogger(__name__)
FRAME = "frame"  # the verb that fits the picture of the mind to the wall
FRAMED = {"motion": "forwardFlow", "lineage": "shares"}  # what lies on the mind's picture and is wanted on the wall
Place = tuple[str, int]  # a verb, and how many of it come before in drawing order


class Sources:
    """What any shader may read by the name of an input: textures and numbers that the stage refreshes each frame."""

    def __init__(self, context: moderngl.Context):
        self.black = context.texture((1, 1), 4, b"\0\0\0\xff")
        self.images: dict[str, moderngl.Texture] = {"": self.black}
        self.numbers: dict[str, Number] = {}


def framed(layer: Layer) -> Layer:
    """The layer with each source as what it stands for: `dreamed` is an in-between of the mind's pictures, and like
    all that lies on those pictures it is framed for the wall, once."""
    if layer == language.dreamed:
        layer = Layer(language.BETWEEN)
    if layer.verb in FRAMED:
        return Layer(FRAME, (Layer(FRAMED[layer.verb]),))
    if is_between(layer):
        return Layer(FRAME, (layer,))
    if layer.verb == FRAME and layer.inputs:
        below = layer.inputs[0]
        return replace(layer, inputs=(Layer(language.BETWEEN) if below == language.dreamed else below,))
    return replace(layer, inputs=tuple(framed(each) for each in layer.inputs))


def is_between(layer: Layer) -> bool:
    """Whether this layer goes from one picture of the mind to the next."""
    if layer.inputs or layer.verb in language.SOURCES or find(layer.verb) is None:
        return False
    return language.header(layer.verb).is_transition


class Compositor:
    """Draws layers at `size`. GL thread only."""

    def __init__(self, context: moderngl.Context, size: Size, shaders: dict[Path, Shader] | None = None):
        self.context, self.size = context, size
        self.between = size  # (w, h) of the in-betweens: that of the mind's pictures, framed for the wall afterwards
        self.sources = Sources(context)
        self.troubles: list[str] = []  # said once each; whoever reads them empties the list
        self.measure: Callable[[Place, float], None] | None = None  # (place, seconds) of each drawing, with finish()
        self.scales: dict[Place, float] = {}  # set by the governor: 1 = the size of the stage
        self._shaders: dict[Path, Shader] = {} if shaders is None else shaders
        self._own = shaders is None
        self._failed: dict[Path, int] = {}  # versions of files that did not compile
        self._drawings: dict[Place, Drawing] = {}
        self._drawn: dict[Layer, moderngl.Texture] = {}

    def draw(self, layer: Layer, moment: Moment) -> moderngl.Texture:
        """The texture of this layer; valid until the next draw. Never raises for a broken file: its input is shown."""
        self._drawn = {language.dark: self.sources.black}
        return self._draw(framed(layer), moment, Counter())

    def draw_between(self, layer: Layer, moment: Moment) -> moderngl.Texture:
        """The in-between of the mind's pictures alone, at their own size, as `layer` (a transition) makes it."""
        self._drawn = {}
        return self._draw(layer, moment, Counter())

    def _draw(self, layer: Layer, moment: Moment, seen: Counter[str]) -> moderngl.Texture:
        if layer in self._drawn:  # a layer that is used twice is one picture
            return self._drawn[layer]
        if not layer.inputs and layer.verb in self.sources.images:
            return self.sources.images[layer.verb]
        below = [self._draw(each, moment, seen) for each in layer.inputs]
        place = (layer.verb, seen[layer.verb])
        seen[layer.verb] += 1
        try:
            texture = self._apply(place, layer, below, moment, seen)
        except (ShaderError, AttributeError, moderngl.Error) as error:
            self._trouble(str(error))
            texture = below[0] if below else self.sources.black
        self._drawn[layer] = texture
        return texture

    def _apply(
        self, place: Place, layer: Layer, below: list[moderngl.Texture], moment: Moment, seen: Counter[str]
    ) -> moderngl.Texture:
        drawing = self._drawing(place, self._size(layer))
        header = drawing.shader.header
        for name in header.images[len(below) :]:
            if name in FRAMED:
                below.append(self._draw(framed(Layer(name)), moment, seen))
        images: dict[str, moderngl.Texture] = {**self.sources.images, **dict(zip(header.images, below, strict=False))}
        for each in header.inputs:  # sound goes to inputs of its type, whatever their names
            if each.type in ("audio", "audioFFT"):
                images[each.name] = self.sources.images.get(each.type, self.sources.black)
        begin = self._begin()
        numbers = self.sources.numbers if is_between(layer) else {}
        texture = drawing.draw({**numbers, **dict(layer.values)}, images, moment)
        if self.measure:
            self.context.finish()
            self.measure(place, time.perf_counter() - begin)
        return texture

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

    def _drawing(self, place: Place, size: Size) -> Drawing:
        shader = self.shader(place[0])
        drawing = self._drawings.get(place)
        if drawing is None:
            drawing = self._drawings[place] = Drawing(shader, size)
        elif drawing.shader is not shader:
            drawing.take(shader)
        drawing.size, drawing.scale = size, self.scales.get(place, 1.0)
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
        for path, shader in list(self._shaders.items()):
            changed = stamp(path) if path.is_file() else shader.changed_ns
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
                shader.release()
                said.append(f"{path.name} is new")
        return said

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
        verbs = [verb for verb in layer.shape if verb not in language.SOURCES and find(verb)]
        return image in layer.shape or any(image in language.header(verb).images for verb in verbs)

    def _trouble(self, what: str) -> None:
        if what not in self.troubles:
            log.warning(what)
            self.troubles.append(what)

    def forget(self, layer: Layer) -> None:
        """Release drawings that `layer` does not use: what a scene that has left remembered."""
        seen = Counter(layer.shape)
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
        for shader in self._shaders.values() if self._own else ():
            shader.release()
        if self._own:
            self._shaders.clear()
        self.sources.black.release()
