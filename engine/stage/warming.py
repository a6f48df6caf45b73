"""Before a show every shader is compiled and drawn once: done while it plays, the wall would be seen to wait."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from engine.stage.compositor import Compositor
from engine.stage.header import ShaderError
from engine.stage.isf import Moment
from engine.stage.layer import Layer, dreamed, header
from engine.stage.window import sweep

log = logging.getLogger(__name__)

Progress = Callable[[str, float], None]


def quiet(what: str, done: float) -> None:
    """For whoever does not want to hear how far it is."""


def warm_up(compositor: Compositor, names: Sequence[str], layers: Sequence[Layer], progress: Progress, patience: float) -> dict[str, str]:
    """Draw each verb of `names`, then each of `layers` as the show will; returns what is wrong with a file, by its verb.

    Drawn at 16 x 16. After `patience` seconds the verbs that are left are compiled when a scene wants them. The thread
    of the context only.
    """
    whole, compositor.size = compositor.size, (16, 16)
    begun, broken = time.monotonic(), dict[str, str]()
    for index, verb in enumerate(names):
        if time.monotonic() - begun > patience:
            log.warning("%d shaders that no scene may want are compiled when one does: .%s() and on", len(names) - index, verb)
            break
        progress(f"shader {verb}", index / len(names))
        try:
            shader = compositor.shader(verb)
        except ShaderError as wrong:
            broken[verb] = str(wrong)
            continue
        if shader.header.notes:
            log.info("%s: overlooked: %s", shader.path.name, "; ".join(shader.header.notes))
        inputs = tuple(dreamed for _ in header(verb).images) if not header(verb).is_transition else ()
        compositor.draw(Layer(verb, inputs), Moment())
        sweep(compositor.context)
    joining, compositor.joining = compositor.joining, True
    for layer in layers:
        compositor.draw(layer, Moment())
    compositor.joining = joining
    compositor.context.finish()
    compositor.size = whole
    compositor.release_drawings()
    return broken
