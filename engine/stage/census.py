"""How many objects of OpenGL there are: GL keeps no count, so names are asked one by one, some in each frame.

What nobody releases shows here long before the driver runs out of memory.
"""

from __future__ import annotations

import ctypes

import moderngl

KINDS = ("Texture", "Buffer", "Framebuffer", "VertexArray", "Program", "Shader", "Renderbuffer", "Sampler", "Query")
NAMES = 4096  # names of each kind that are asked: drivers give the smallest that is free
AT_ONCE = 256  # names in a frame: 60 µs; all of them are asked every 144 frames


class Census:
    """Counts objects of a context. GL thread only."""

    def __init__(self, context: moderngl.Context):
        asks = ctypes.CFUNCTYPE(ctypes.c_ubyte, ctypes.c_uint)
        load = context.mglo._context.load_opengl_function
        self.objects = 0  # as of the last time that all names were asked; 0: they were not yet
        self._asks = [asks(address) for kind in KINDS if (address := load(f"glIs{kind}"))]
        self._kind, self._first, self._found = 0, 1, 0

    def count(self) -> None:
        """Ask the next names."""
        there = self._asks[self._kind]
        self._found += sum(map(there, range(self._first, self._first + AT_ONCE)))
        self._first += AT_ONCE
        if self._first > NAMES:
            self._kind, self._first = self._kind + 1, 1
        if self._kind == len(self._asks):
            self.objects, self._kind, self._found = self._found, 0, 0
