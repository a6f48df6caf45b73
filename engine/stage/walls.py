"""All windows of a stage and how the wall lies on each: one Projection for each output of the mapping file."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import moderngl

from engine.stage import mapping as maps
from engine.stage.editor import Editor
from engine.stage.mapping import Mapping, MappingError
from engine.stage.projection import Handles, Projection
from engine.stage.window import StageError, WindowOptions

if TYPE_CHECKING:
    from engine.stage.display import Window

log = logging.getLogger(__name__)


class Walls:
    """Windows on one GL world. The first has the context that draws; the others share its textures.

    `file` holds the mappings (see mapping.py); where there is none the wall is shown as it is. GL thread only.
    """

    def __init__(self, options: WindowOptions | None, file: Path | None):
        self.file = file
        self.mappings = maps.load(file) if file and file.is_file() else {"wall": Mapping()}
        self.test = False  # show the test card instead of the scene
        self.wrong: dict[str, str] = {}  # what is wrong with the screens just now, by output
        self.windows: dict[str, Window] = {}
        if options:
            self._open(options)
        self.editor = Editor(self.mappings, self._changed, self.save, self._toggle)
        self._projections: dict[str, Projection] = {}
        self._handles: dict[str, Handles] = {}
        self._seen: dict[tuple[str, int], moderngl.Texture] = {}  # textures of the first context in the others
        for window in self.windows.values():
            window.listen(self.editor)

    def _open(self, options: WindowOptions) -> None:
        try:
            from engine.stage.display import Window
        except ImportError as missing:
            raise StageError(f"no window: {missing}; pip install glfw, or run headless") from None
        share: Window | None = None
        for name, mapping in self.mappings.items():
            here = replace(options, monitor=mapping.monitor or options.monitor, title=f"{options.title} {name}")
            window = Window(here if len(self.mappings) > 1 else replace(here, title=options.title), share, vsync=not share)
            self.windows[name] = window
            share = share or window

    def prepare(self) -> None:
        """Make a Projection for each window, once the context is ready."""
        for name, window in self.windows.items():
            window.begin()
            folder = self.file.parent if self.file else Path()
            self._projections[name] = Projection(window.context, self.mappings[name], folder)
            self._handles[name] = Handles(window.context)
        self._first()

    @property
    def context(self) -> moderngl.Context | None:
        """That of the first window."""
        return next(iter(self.windows.values())).context if self.windows else None

    @property
    def open(self) -> bool:
        """False once any window was closed."""
        return all(window.open for window in self.windows.values())

    def show(self, wall: moderngl.Texture, level: float) -> None:
        """Draw the wall into every window and wait for the first one's display."""
        if not self.windows:
            return
        if len(self.windows) > 1:
            wall.ctx.finish()  # what another context reads must be drawn
        for name, window in reversed(self.windows.items()):  # the one with vsync last
            frame = window.begin()
            self._projections[name].draw(self._in(name, wall), frame, level)
            if self.editor.active and name == self.editor.output:
                self._handles[name].draw(self.editor.handles(), self.editor.selected)
            window.swap()
        self._first()
        next(iter(self.windows.values())).poll()

    def keep(self) -> None:
        """See to it that each window is on its screen, in its mode. Now and then."""
        for name, window in self.windows.items():
            said = window.keep()
            if said and self.wrong.get(name) != said:
                log.warning("%s", said)
            self.wrong[name] = said
        self._first()

    def _in(self, name: str, wall: moderngl.Texture) -> moderngl.Texture:
        window = self.windows[name]
        if window.context is wall.ctx:
            return wall
        key = (name, wall.glo)
        if key not in self._seen:
            self._seen[key] = window.context.external_texture(wall.glo, wall.size, 4, 0, wall.dtype)
        return self._seen[key]

    def _first(self) -> None:
        if self.windows:
            next(iter(self.windows.values())).begin()

    # --- what changes a mapping

    def receive(self, address: str, args: tuple[object, ...]) -> None:
        """`/hm/mapping/...`: see mapping.edited; also test 0|1, edit 0|1, save. Raises MappingError."""
        words = address.removeprefix("/hm/mapping/").split("/")
        match words:
            case ["test"]:
                self.test = bool(args[0]) if args else not self.test
            case ["edit"]:
                self.editor.active = bool(args[0]) if args else not self.editor.active
            case ["save"]:
                self.save()
            case [name, command] if name in self.mappings:
                self.mappings[name] = maps.edited(self.mappings[name], command, args)
                self._changed(name)
            case _:
                outputs = ", ".join(f"/hm/mapping/{name}/..." for name in self.mappings)
                raise MappingError(f"nothing is at {address}; there are /hm/mapping/test, /edit, /save and {outputs}")

    def save(self) -> None:
        """Write the mappings to their file."""
        if self.file:
            maps.save(self.file, self.mappings)
            log.info("the mapping is saved in %s", self.file, extra={"kind": ""})
        else:
            log.warning("the mapping has no file to be saved in; start with one: --mapping wall.toml")

    def _toggle(self) -> None:
        self.test = not self.test

    def _changed(self, name: str) -> None:
        projection = self._projections.get(name)
        if projection:
            self.windows[name].begin()
            try:
                projection.set(self.mappings[name])
            except (OSError, ValueError) as error:
                log.warning("the mapping of %s stays as it was: %s", name, error)
                self.mappings[name] = projection.mapping
            self._first()

    def find(self, x: float, y: float, output: str = "") -> tuple[float, float] | None:
        """Which place of the wall lies at this place of an output (the first unless named); None beside it."""
        mapping = self.mappings[output] if output else next(iter(self.mappings.values()))
        return mapping.find((x, y))

    def close(self) -> None:
        for name, window in reversed(self.windows.items()):
            window.begin()
            for key in [key for key in self._seen if key[0] == name]:
                self._seen.pop(key)  # it belongs to the first context: not released here
            if name in self._projections:
                self._projections.pop(name).release()
                self._handles.pop(name).release()
            window.close()
        self.windows.clear()


