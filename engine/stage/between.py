"""From a few pictures a second to a wall that never stands still: which two pictures, and how far between them.

One picture of delay: while the wall goes from one picture to the next, the flow to the one after is computed in small
steps. Pictures that arrive meanwhile replace each other; the newest wins. GL thread only, but for Pace.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.core.messages import Picture
from engine.stage.flow import Flow
from engine.stage.shown import Shown
from engine.stage.upload import Upload

SLOWEST, FASTEST = 6.0, 1 / 120  # seconds for one in-between
DISSOLVE = 1.6  # seconds, from one picture to a wholly unrelated one: quicker ones flicker instead of turning
RELATED = 0.4  # doubt up to which two pictures are one thing that moves, and go at the pace of the mind
BRAKE = 0.75  # from here on an in-between with nowhere to go slows down instead of stopping


class Pace:
    """How far the wall is between two pictures. Pure: time comes in, nothing is drawn."""

    def __init__(self, interval: float = 0.5):
        self.interval = interval  # seconds between pictures, smoothed
        self.progress = 1.0
        self.duration = interval
        self._last: float | None = None

    def arrive(self, at: float) -> None:
        """A picture has arrived."""
        if self._last is not None:
            gap = min(SLOWEST, max(FASTEST, at - self._last))
            self.interval += (gap - self.interval) * 0.2
        self._last = at

    def begin(self, doubt: float) -> None:
        """Set out for the next picture; `doubt` 0..1 is how little the two have in common."""
        strange = min(1.0, max(0.0, (doubt - RELATED) / (1.0 - RELATED)))
        self.duration = max(self.interval, strange * DISSOLVE, FASTEST)
        self.progress = 0.0

    def advance(self, delta: float, more: bool) -> float:
        """`delta` seconds later; `more` says whether another picture is ready. Reaches 1 only if one is."""
        speed = delta / self.duration
        if not more and self.progress > BRAKE:
            speed *= (1.0 - self.progress) / (1.0 - BRAKE)
        self.progress = min(1.0, self.progress + speed)
        return self.progress


@dataclass(slots=True)
class Held:
    """A picture on the GPU."""

    picture: Picture | None  # None: the dark before the first
    texture: moderngl.Texture


Field = NDArray[np.float32]


class Between:
    """Two pictures of the mind, the flow between them and how far the wall has come."""

    def __init__(self, context: moderngl.Context, dark: moderngl.Texture):
        self.context, self.upload = context, Upload(context)
        self.pace = Pace()
        self.start = self.end = Held(None, dark)
        self.pairs = 0  # in-betweens begun
        self.doubt = 0.0  # of the pair on the wall
        self.source = time.monotonic
        self._advanced = 0.0  # when `advance` was called last
        self.lead = 0.0  # seconds before which other walls are told of the next in-between; 0: there are none
        self.begun = 0.0, 0.0  # the picture that the wall goes to (`State.made`), and the monotonic second at which it began
        self.replaced = 0  # pictures that a newer one replaced before they were shown
        self.field: tuple[Field, Field] | None = None  # flow of the pair on the wall, as Flow.read gives it
        self._coming: Held | None = None
        self._waiting: Picture | None = None
        self._flow: Flow | None = None
        self._work: Iterator[None] | None = None
        self._ready: tuple[Field, Field] | None = None
        self._spare: list[moderngl.Texture] = []

    def offer(self, picture: Picture, at: float) -> None:
        """A new picture, `at` scene seconds."""
        self.pace.arrive(at)
        self.replaced += self._waiting is not None
        self._waiting = picture

    def advance(self, delta: float) -> None:
        """`delta` seconds later: compute a share of the flow, and go on between the pictures."""
        self._advanced = self.source()
        if self._coming is None and self._waiting is not None:
            self._prepare(self._waiting)
            self._waiting = None
        self._compute(delta)
        if self.pace.advance(delta, more=self._ready is not None) >= 1.0 and self._ready is not None:
            self._begin()
            self.begun = self.end.picture.state.made if self.end.picture else 0.0, self.source()

    def _prepare(self, picture: Picture) -> None:
        h, w = picture.rgba.shape[:2]
        self._coming = Held(picture, self._upload(picture))
        if self._flow is None or self._flow.size != (w, h):
            if self._flow:
                self._flow.release()
            self._flow = Flow(self.context, (w, h))
        self._work = self._flow.run(self.end.texture, self._coming.texture)

    def _upload(self, picture: Picture) -> moderngl.Texture:
        h, w = picture.rgba.shape[:2]
        while self._spare:
            texture = self._spare.pop()
            if texture.size == (w, h):
                break
            texture.release()
        else:
            texture = self.context.texture((w, h), 4)
            texture.repeat_x = texture.repeat_y = False
        self.upload.write(picture, texture)
        return texture

    def _compute(self, delta: float) -> None:
        """Half of the time until the next picture is due is enough for all steps; a quick mind gets all at once."""
        if self._work is None or self._flow is None:
            return
        frames = max(1.0, 0.5 * self.pace.interval / max(delta, 1e-3))
        for _ in range(int(np.ceil(self._flow.steps / frames))):
            if next(self._work, self) is self:
                self._work = None
                self._ready = self._flow.read()
                if self.lead:  # no sooner than the others can know
                    self.pace.duration = max(self.pace.duration, self.lead / max(1e-3, 1.0 - self.pace.progress))
                return

    def describe(self, shown: Shown) -> Shown:
        """The same with where this wall is between which pictures, for others to be there, too."""
        now, pace = self._advanced, self.pace  # the display has been waited for since
        coming = self._coming.picture.state.made if self._coming and self._coming.picture else 0.0
        then = now + (1.0 - pace.progress) * pace.duration if self._ready is not None else 0.0
        begun = now - pace.progress * pace.duration  # as if it had gone at this pace from the beginning
        return replace(shown, house=now, end=self.begun[0], began=self.begun[1], begun=begun, duration=pace.duration, coming=coming, then=then)

    def _begin(self) -> None:
        assert self._coming and self._flow and self._ready
        if self.start.picture is not None and self.start.texture is not self.end.texture:
            self._spare.append(self.start.texture)
        self.start, self.end = self.end, self._coming
        self._flow.show()
        self.field, self._ready, self._coming = self._ready, None, None
        self.doubt = float(np.clip(1.0 - min(side[..., 2].mean() for side in self.field), 0.0, 1.0))
        self.pace.begin(self.doubt)
        self.pairs += 1

    def soon(self, seconds: float) -> Picture | None:
        """The picture that the wall will mostly show in so many seconds, as far as one knows now; None before the first."""
        along = self.pace.progress + seconds / self.pace.duration
        if along < 0.5:
            return self.start.picture or self.end.picture
        coming = self._coming.picture if self._coming else self._waiting
        return coming if coming is not None and along > 1.5 else self.end.picture or coming

    @property
    def images(self) -> dict[str, moderngl.Texture]:
        """What a shader may read by these names; a pair without flow reads black, which is: no motion, no trust."""
        found = {"startImage": self.start.texture, "endImage": self.end.texture}
        if self._flow:
            found |= {"forwardFlow": self._flow.forward, "backwardFlow": self._flow.backward}
        return found

    @property
    def size(self) -> tuple[int, int]:
        """(w, h) of the picture that is coming in."""
        w, h = self.end.texture.size
        return w, h

    def release(self) -> None:
        held = {id(t): t for t in (self.start.texture, self.end.texture, *self._spare) if t.size != (1, 1)}
        if self._coming:
            held[id(self._coming.texture)] = self._coming.texture
        for texture in held.values():
            texture.release()
        self.upload.release()
        if self._flow:
            self._flow.release()
