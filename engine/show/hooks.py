"""A scene's describing hooks, asked and checked: what comes out is whole, or it is a HookError with file and line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from engine.core.clock import Now
from engine.core.errors import Plain, nearest
from engine.core.messages import ENVELOPES, Dream, Grain
from engine.show.scene import Scene
from engine.stage.layer import Layer

THICKEST = 2048  # grains of one tick; half of what the way to the sound room holds
LONGEST = 4096  # characters of a dream's words
DEEPEST = 256  # verbs of one layer
SOON = 60.0  # seconds ahead that a grain may be stamped
NUMBERS = {kind: tuple(f.name for f in fields(kind) if f.type in ("float", "int")) for kind in (Dream, Grain)}


class HookError(Plain):
    """A hook returned what nobody can play; the message says where, what, and what is wanted."""


def layer(scene: Scene, now: Now) -> Layer:
    """What `draw` shows. Raises HookError, or what the hook raises."""
    found = scene.draw(now)
    if not isinstance(found, Layer):
        raise _wrong(scene, "draw", f"{found!r:.80}", "a Layer, such as dreamed.feedback()")
    verbs = list(itertools.islice(found.walk(), DEEPEST + 1))
    if len(verbs) > DEEPEST:
        raise _wrong(scene, "draw", f"more than {DEEPEST} verbs", "a chain that can be drawn in time")
    for each in verbs:
        for name, value in each.values:
            if not all(math.isfinite(v) for v in (value if isinstance(value, tuple) else (value,))):
                raise _wrong(scene, "draw", f".{each.verb}({name}={value})", "finite numbers")
    return found


def dream(scene: Scene, now: Now) -> Dream:
    """What `dream` asks for. Raises HookError, or what the hook raises."""
    found = scene.dream(now)
    if not isinstance(found, Dream):
        raise _wrong(scene, "dream", f"{found!r:.80}", "a Dream, such as self.wish()")
    if not isinstance(found.words, str) or len(found.words) > LONGEST:
        raise _wrong(scene, "dream", f"words={str(found.words)[:40]!r}", f"words of at most {LONGEST} characters")
    _finite(scene, "dream", found)
    return found


def grains(scene: Scene, now: Now, heard: list[Grain]) -> bool:
    """Put what `sound` gives for this tick into `heard`. Raises HookError, or what the hook raises; what came before
    the mistake is in `heard`."""
    found: Any = scene.sound(now)
    if not isinstance(found, Iterable):
        raise _wrong(scene, "sound", f"{found!r:.80}", "Grains, each with `yield`")
    for number, grain in enumerate(itertools.islice(found, THICKEST + 1)):
        if number == THICKEST:
            raise _wrong(scene, "sound", f"more than {THICKEST} grains in one tick", "as many as can be heard")
        if not isinstance(grain, Grain):
            raise _wrong(scene, "sound", f"{grain!r:.80}", "Grains")
        _finite(scene, "sound", grain)
        if not isinstance(grain.source, int) or grain.envelope not in ENVELOPES:
            hint = nearest(str(grain.envelope), ENVELOPES)
            raise _wrong(scene, "sound", f"source={grain.source!r}, envelope={grain.envelope!r}", f"whole sources and envelopes; {hint}")
        if abs(grain.time - now.time) > SOON:
            raise _wrong(scene, "sound", f"a grain {grain.time - now.time:+.0f} s from now", f"one within {SOON:.0f} s")
        heard.append(grain)
    return True


def wants(scene: Scene) -> float:
    """How much a scene wants the wall. Raises HookError, or what the hook raises."""
    found: Any = scene.wants()
    if not isinstance(found, (int, float)) or not math.isfinite(found):
        raise _wrong(scene, "wants", f"{found!r:.80}", "a number from 0 to 1")
    return float(found)


def _finite(scene: Scene, hook: str, found: Dream | Grain) -> None:
    for name in NUMBERS[type(found)]:
        value: Any = getattr(found, name)
        try:
            whole = math.isfinite(value)
        except TypeError:
            whole = False
        if not whole:
            raise _wrong(scene, hook, f"{type(found).__name__}({name}={value!r})", "finite numbers")


def _wrong(scene: Scene, hook: str, found: str, wanted: str) -> HookError:
    code = getattr(getattr(type(scene), hook), "__code__", None)
    where = f"{Path(code.co_filename).name}:{code.co_firstlineno}: " if code else ""
    return HookError(f"{where}{hook}() gave {found}; wanted: {wanted}")
