"""What lies on the mind's pictures is framed for the wall: a layer as a scene writes it to the layer that is drawn."""

from __future__ import annotations

from dataclasses import replace

from engine.stage import layer as language
from engine.stage.header import Header, ShaderError
from engine.stage.layer import Layer, find

FRAME = "frame"  # the verb that fits the picture of the mind to the wall
FRAMED = {"motion": "forwardFlow", "lineage": "shares"}  # what lies on the mind's picture and is wanted on the wall


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
    if layer.inputs or layer.verb in language.SOURCES:
        return False
    header = declared(layer.verb)
    return header is not None and header.is_transition


def declared(verb: str) -> Header | None:
    """What a verb's file declares; None where there is none, or none that could ever be read."""
    try:
        return language.header(verb) if find(verb) else None
    except ShaderError:
        return None
