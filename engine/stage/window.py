"""Where the wall is drawn: a context without a window, and what a window is asked for (`engine.stage.display` opens it)."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any, Protocol

import moderngl


class Hands(Protocol):
    """Who listens to keys and mouse."""

    def key(self, name: str, shift: bool = False) -> None: ...
    def press(self, at: tuple[float, float]) -> None: ...
    def drag(self, to: tuple[float, float]) -> None: ...
    def release(self) -> None: ...


class StageError(Exception):
    """The stage cannot be built; the message says what is missing and the next move."""


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """Where a window goes."""

    size: tuple[int, int] = (1280, 720)  # (w, h) of the window; ignored in full screen
    fullscreen: bool = False
    monitor: str = ""  # connector name as the system says it ("HDMI-1"), or its number; "" = the first
    title: str = "hypermnesia"


def headless() -> moderngl.Context:
    """A context without a window. Raises StageError where there is no OpenGL 3.3."""
    # One rasteriser thread for two cores: a second costs 45 % more CPU time, which the mind and the sound need.
    os.environ.setdefault("LP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))
    try:
        backend: Any = {"backend": "egl"} if sys.platform == "linux" else {}
        return moderngl.create_context(standalone=True, require=330, **backend)
    except Exception as error:
        raise StageError(
            f"no OpenGL 3.3 without a display ({error}); install Mesa: apt install libegl1 libgl1-mesa-dri"
        ) from error


def sweep(context: moderngl.Context) -> None:
    """Delete on the GL thread what Python holds no more. `gc_mode` of the context is "context_gc".

    Deleting at once ("auto") happens in whatever thread collects a cycle of references, where no context is current, or
    another one is; deleting nothing (None) leaked 422 MB over 400 textures. Call once a frame.
    """
    gone = context.objects
    while gone:
        if hasattr(one := gone.popleft(), "release"):  # what was released by hand before has nothing left
            one.release()
