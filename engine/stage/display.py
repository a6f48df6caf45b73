"""A window on one monitor, and the GL context that draws into it. GL thread only; glfw wants the main thread.

glfw is imported here and nowhere else, and this file only where a window is wanted: a wall without one needs no display.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from difflib import get_close_matches
from typing import Any

import glfw
import moderngl

from engine.core.displays import alike
from engine.stage.window import Hands, StageError, WindowOptions

Mode = tuple[int, int, int]  # width, height, pictures a second

KEYS = {
    glfw.KEY_F1: "f1", glfw.KEY_TAB: "tab", glfw.KEY_LEFT: "left", glfw.KEY_RIGHT: "right", glfw.KEY_UP: "up",
    glfw.KEY_DOWN: "down", glfw.KEY_KP_ADD: "+", glfw.KEY_KP_SUBTRACT: "-", glfw.KEY_EQUAL: "+", glfw.KEY_MINUS: "-",
}  # fmt: skip


class Window:
    """One window. `vsync` is for one window of the stage only: two that wait for two displays halve the rate."""

    def __init__(self, options: WindowOptions, share: Window | None = None, vsync: bool = True):
        if not glfw.init():
            raise StageError("no display: glfw finds neither X11 nor Wayland; run headless, or set DISPLAY")
        glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 3)
        glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 3)
        glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
        glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, True)
        glfw.window_hint(glfw.AUTO_ICONIFY, False)
        self.options = options
        monitor = find_monitor(options.monitor) if options.fullscreen or options.monitor else None
        size = options.size
        self.mode: Mode = mode_of(monitor) if options.fullscreen and monitor else (0, 0, 0)
        if options.fullscreen and monitor:
            size = self.mode[:2]
        self.monitor = name_of(monitor) if monitor else ""
        self._asking: subprocess.Popen[bytes] | None = None
        self.handle: Any = glfw.create_window(
            *size, options.title, monitor if options.fullscreen else None, share.handle if share else None
        )
        if not self.handle:
            raise StageError(f"no window of {size[0]}x{size[1]} with OpenGL 3.3: {glfw.get_error()[1]}")
        if monitor and not options.fullscreen:
            glfw.set_window_pos(self.handle, *glfw.get_monitor_pos(monitor))
        glfw.make_context_current(self.handle)
        glfw.swap_interval(1 if vsync else 0)
        if options.fullscreen:
            glfw.set_input_mode(self.handle, glfw.CURSOR, glfw.CURSOR_HIDDEN)
        self.context = moderngl.create_context(require=330)
        self._hands: Hands | None = None
        glfw.set_key_callback(self.handle, self._key)
        glfw.set_mouse_button_callback(self.handle, self._button)
        glfw.set_cursor_pos_callback(self.handle, self._moved)

    def listen(self, hands: Hands) -> None:
        """Tell `hands` of keys and mouse from now on."""
        self._hands = hands

    def _key(self, handle: object, key: int, code: int, action: int, mods: int) -> None:
        if key == glfw.KEY_Q and mods & glfw.MOD_CONTROL and action == glfw.PRESS:
            glfw.set_window_should_close(self.handle, True)
        name = KEYS.get(key) or glfw.get_key_name(key, code)
        if self._hands and name and action in (glfw.PRESS, glfw.REPEAT):
            self._hands.key(name.decode() if isinstance(name, bytes) else name, bool(mods & glfw.MOD_SHIFT))

    def _button(self, handle: object, button: int, action: int, mods: int) -> None:
        if self._hands and button == glfw.MOUSE_BUTTON_LEFT:
            if action == glfw.PRESS:
                self._hands.press(self._place(*glfw.get_cursor_pos(self.handle)))
            else:
                self._hands.release()

    def _moved(self, handle: object, x: float, y: float) -> None:
        if self._hands:
            self._hands.drag(self._place(x, y))

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of the window as a place, 0, 0 at the top left, 1, 1 at the bottom right."""
        w, h = glfw.get_window_size(self.handle)
        return x / max(1, w), y / max(1, h)

    def keep(self) -> str:
        """In full screen: back on its monitor when that has come back, and in the mode that it had. What is wrong, "" for nothing.

        Call it about once a second: it asks the display server.
        """
        if not self.options.fullscreen:
            return ""
        monitor = monitors().get(self.monitor)
        if monitor is None:
            return f"the screen at {self.monitor} is gone: its wall waits for it"
        here, now = glfw.get_window_monitor(self.handle), mode_of(monitor)
        if now != self.mode and self.mode in modes_of(monitor):
            self._ask()
            return f"the screen at {self.monitor} shows {now[0]}x{now[1]}, not {self.mode[0]}x{self.mode[1]}"
        if now != self.mode or not here or name_of(here) != self.monitor:  # it is another screen, or it was away
            self.mode = now
            glfw.set_window_monitor(self.handle, monitor, 0, 0, *now)
        return ""

    def _ask(self) -> None:
        """Ask the display server for our mode, by its own tool: a mode that a server refuses ends whoever asks (X11)."""
        if self._asking is not None and self._asking.poll() is None:
            return
        tool = "wlr-randr" if os.environ.get("WAYLAND_DISPLAY") else "xrandr"
        if shutil.which(tool):
            words = [tool, "--output", self.monitor, "--mode", f"{self.mode[0]}x{self.mode[1]}"]
            self._asking = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def open(self) -> bool:
        return not glfw.window_should_close(self.handle)

    @property
    def size(self) -> tuple[int, int]:
        """(w, h) in pixels, now."""
        w, h = glfw.get_framebuffer_size(self.handle)
        return w, h

    def begin(self) -> moderngl.Framebuffer:
        """The window's framebuffer at its size of now, with its context current."""
        glfw.make_context_current(self.handle)
        screen = self.context.screen
        screen.use()
        self.context.viewport = (0, 0, *self.size)
        return screen

    def swap(self) -> None:
        """Show what was drawn; waits for the display where this window has vsync."""
        glfw.swap_buffers(self.handle)

    def poll(self) -> None:
        """Take in keys, mouse and the closing of windows."""
        glfw.poll_events()

    def close(self) -> None:
        glfw.make_context_current(self.handle)
        self.context.release()
        glfw.destroy_window(self.handle)


def monitors() -> dict[str, Any]:
    """Monitors by connector name, the first one first. Needs a display."""
    if not glfw.init():
        return {}
    return {name_of(each): each for each in glfw.get_monitors()}


def name_of(monitor: Any) -> str:
    """The connector, as the display server calls it."""
    name = glfw.get_monitor_name(monitor)
    return name.decode() if isinstance(name, bytes) else str(name)


def mode_of(monitor: Any) -> Mode:
    """What a monitor shows now."""
    mode = glfw.get_video_mode(monitor)
    return mode.size.width, mode.size.height, mode.refresh_rate


def modes_of(monitor: Any) -> list[Mode]:
    """What it can show."""
    return [(mode.size.width, mode.size.height, mode.refresh_rate) for mode in glfw.get_video_modes(monitor)]


def find_monitor(name: str) -> Any:
    """The monitor of this name or number. Raises StageError with all that there are and the nearest."""
    known = monitors()
    if not known:
        raise StageError("no monitor is connected; run in a window or headless")
    if name == "":
        return next(iter(known.values()))
    if name.isdigit() and int(name) < len(known):
        return list(known.values())[int(name)]
    for there, monitor in known.items():
        if alike(there, name):
            return monitor
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "see"
    raise StageError(f"no monitor {name!r}; {hint} there are: {', '.join(f'{i} {n}' for i, n in enumerate(known))}")
