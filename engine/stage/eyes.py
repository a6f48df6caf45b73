"""Eyes: the wall never flashes more often than a photosensitive person can bear (WCAG 2.3.1; see flashes.py).

What is measured is what is presented. Before a frame that would flash once too often the wall follows what is drawn
more slowly: its contrast sinks until nothing flashes, and comes back within seconds. Dark that somebody asked for
comes at once; light is what waits. Windows, recordings and the live view all see the same.
"""

from __future__ import annotations

import logging

import moderngl
import numpy as np

from engine.core.messages import Node
from engine.stage.flashes import LIMIT, Flashes, Samples
from engine.stage.isf import Size, Target
from engine.stage.present import VERTEX, Present

log = logging.getLogger(__name__)

RECOVERY = 1.0  # seconds in which the wall follows twice as quickly again
SLOWEST = 1.0 / 64.0  # pace under which it stands still

_SAMPLE = """#version 330 core
uniform sampler2D wall;
uniform float level;
uniform ivec2 samples;
out vec4 color;
uint hash(uint x) {
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}
void main() {  // one pixel of each cell, always the same, at no even distance: no pattern hides between them
    ivec2 cell = ivec2(gl_FragCoord.xy), size = textureSize(wall, 0);
    uint h = hash(uint(cell.x + cell.y * 4096));
    vec2 within = vec2(h & 0xffffu, h >> 16) / 65536.0;
    ivec2 pixel = min(ivec2((vec2(cell) + within) * vec2(size) / vec2(samples)), size - 1);
    color = vec4(texelFetch(wall, pixel, 0).rgb * level, 1.0);
}"""
_FOLLOW = """#version 330 core
uniform sampler2D wall, shown;
uniform float level, pace;
in vec2 place;
out vec4 color;
void main() {
    color = vec4(mix(texture(shown, place).rgb, min(texture(wall, place).rgb * level, 1.0), pace), 1.0);
}"""


class FlashGuard:
    """Stands between the finished wall and everybody who sees it. GL thread only. Deterministic.

    `limit` is the flashes a second that are allowed. Measured at 480 x 270 on two cores: 0.5 ms a frame; 2 ms while
    it acts.
    """

    def __init__(self, context: moderngl.Context, size: Size, present: Present, limit: int = LIMIT):
        self.flashes = Flashes(size, limit)
        self.seen = self.flashes.nothing()
        self.pace = 1.0  # how much of the way to what is drawn the wall may go in a frame; 1 = all of it
        self.eased = 0  # frames in which it went less
        self._at = self._clock = 0.0  # the clock that was told last, and one that only goes on where that begins anew
        self.light = 0.0  # mean of the frame that was shown last, 0..255: the wall as whoever stands before it sees it
        self._context, self._size, self._present = context, size, present
        self._programs = [context.program(vertex_shader=VERTEX, fragment_shader=text) for text in (_SAMPLE, _FOLLOW)]
        self._sample, self._follow = (context.vertex_array(program, []) for program in self._programs)
        rows, cols = self.flashes.shape
        self._samples = Target(context, (cols, rows), "f1", double=False)
        self._shown = Target(context, size, "f1", double=False)  # what everybody sees
        self._slow = Target(context, size, "f2", double=True)  # the same while it follows: small steps need fine ones
        self._eases = False

    @property
    def shown(self) -> moderngl.Texture:
        """The wall as it is shown: 8 bits, its light included."""
        return self._shown.texture

    def watch(self, wall: moderngl.Texture, level: float, at: float, dark: bool = False) -> tuple[moderngl.Texture, float]:
        """(texture, level) to be shown in place of a finished wall at a level of light: the same where nothing flashes.

        `at` is in seconds of the show's clock, which begins anew with every performance. `dark`: somebody asked for it,
        it comes now.
        """
        drawn = self._look(wall, level)
        delta = max(0.0, at - self._at)
        self._at, self._clock = at, self._clock + delta
        at, recovered = self._clock, 2.0 ** (delta / RECOVERY)
        whole = self.flashes.next(self.seen, drawn, at) if dark or self.pace == 1.0 else None
        if dark or (whole and not whole.over):
            pace, self.pace = 1.0, min(1.0, self.pace * recovered)
        else:
            pace = self._pace(drawn, at)
            self.pace = min(1.0, max(pace, SLOWEST) * recovered)
        if pace == 1.0:
            self.seen, self.light = whole or self.flashes.next(self.seen, drawn, at), float(drawn.mean())
            self._copy(wall, level)
            return wall, level
        self._say()
        self._ease(wall, level, pace)
        shown = self._look(self.shown, 1.0)
        self.seen, self.light = self.flashes.next(self.seen, shown, at), float(shown.mean())
        return self.shown, 1.0

    def _pace(self, drawn: Samples, at: float) -> float:
        """The quickest pace at which the way to what is drawn is fit to be seen; 0 = it has to wait."""
        pace, shown = self.pace, None
        while pace > 0.0:
            there = drawn
            if pace < 1.0:
                shown = self._look(self.shown, 1.0).astype(np.float32) if shown is None else shown
                there = np.rint(shown + np.float32(pace) * (drawn - shown)).astype(np.uint8)
            if not self.flashes.next(self.seen, there, at).over:
                break
            pace = pace / 2.0 if pace > SLOWEST else 0.0
        return pace

    def _say(self) -> None:
        """Once in a show; how often it acts is in its state."""
        self.eased += 1
        if self.eased == 1:
            log.warning(
                "the wall would flash more than %d times a second over a quarter of a field of view (WCAG 2.3.1): its "
                "contrast is lowered while it does; [stage] flashes in machine.toml is the limit", self.flashes.limit
            )  # fmt: skip

    def state(self) -> dict[str, float]:
        """Flashes of the last second where there were most, frames that were eased, and the pace of now."""
        return {"flashes": self.seen.most, "eased": self.eased, "pace": self.pace}

    def _look(self, wall: moderngl.Texture, level: float) -> Samples:
        """Samples of a wall. Waits until it is drawn."""
        rows, cols = self.flashes.shape
        frame, program = self._samples.begin(), self._programs[0]
        frame.use()
        wall.use(0)
        program["wall"], program["level"], program["samples"] = 0, level, (cols, rows)
        self._sample.render(moderngl.TRIANGLES, vertices=3)
        return np.frombuffer(frame.read(components=4), np.uint8).reshape(rows, cols, 4)[..., :3]

    def _ease(self, wall: moderngl.Texture, level: float, pace: float) -> None:
        """Go a part of the way from what is shown to the wall."""
        before = self._slow.texture if self._eases else self.shown
        frame, program = self._slow.begin(), self._programs[1]
        frame.use()
        wall.use(0)
        before.use(1)
        program["wall"], program["shown"], program["level"], program["pace"] = 0, 1, level, pace
        self._follow.render(moderngl.TRIANGLES, vertices=3)
        self._present.draw(self._slow.texture, self._shown.begin())
        self._eases = True

    def _copy(self, wall: moderngl.Texture, level: float) -> None:
        """Remember what is shown: where it is as it was drawn, for nothing (12 µs against 760 for a draw)."""
        self._eases = False
        if level == 1.0 and wall.dtype == "f1" and wall.size == self._size:
            frame = self._context.framebuffer([wall])
            self._context.copy_framebuffer(self._shown.begin(), frame)
            frame.release()
        else:
            self._present.draw(wall, self._shown.begin(), level)

    def nodes(self) -> tuple[Node, ...]:
        """What can be read of it, as addresses of the instrument."""
        most, pace = "flashes of the last second where the wall had most of them", "1 the wall as it is drawn .. 0 held still"
        return (
            Node("/hm/state/flashes", "f", most, (self.seen.most,), writable=False),
            Node("/hm/state/pace", "f", f"how quickly the wall may follow: {pace}", (self.pace,), writable=False),
            Node("/hm/state/eased", "i", "frames that would have flashed too often, and were eased", (self.eased,), writable=False),
        )

    def sentence(self) -> str:
        """What a technician reads."""
        acts = ", and is at it now" if self.pace < 1.0 else ""
        return f"at most {self.flashes.limit} a second; the guard has eased {self.eased} frames{acts}"

    def release(self) -> None:
        for array, program in zip((self._sample, self._follow), self._programs, strict=True):
            array.release()
            program.release()
        for target in (self._samples, self._shown, self._slow):
            target.release()
