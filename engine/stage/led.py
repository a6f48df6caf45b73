"""An in-between that another wall leads: the same two pictures, begun at the same instant, at this wall's own rate.

The wall that leads says which picture comes next as soon as it knows, and when it will begin it (`Between.lead` seconds
before). Both begin it with their first frame from that instant on, so they are apart by a frame at most.
"""

from __future__ import annotations

from collections import OrderedDict

import moderngl

from engine.core.messages import Picture
from engine.stage.between import FASTEST, Between
from engine.stage.shown import Shown

KEPT = 12  # pictures that may still be named
PATIENCE = 0.5  # seconds in which what was said before both walls began the same picture may still arrive


class Led(Between):
    """GL thread only."""

    def __init__(self, context: moderngl.Context, dark: moderngl.Texture):
        super().__init__(context, dark)
        self.shown = Shown()
        self._known: OrderedDict[float, Picture] = OrderedDict()

    def follow(self, shown: Shown) -> None:
        """What the wall that leads says, in this machine's seconds."""
        self.shown = shown

    def offer(self, picture: Picture, at: float) -> None:
        """A picture has come; it is shown when the other wall shows it."""
        self._known[picture.state.made] = picture
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def advance(self, delta: float) -> None:
        """To where the other wall is now."""
        now, shown = self.source(), self.shown
        if not shown.end:
            return
        there = self._named(shown.end)
        late = there != self.begun[0] and (there > self.begun[0] or now - self.begun[1] > PATIENCE)
        wanted = shown.end if late else shown.coming
        if self._coming is None and wanted and (picture := self._known.get(self._named(wanted))) and picture.state.made != self.begun[0]:
            self._prepare(picture)
        self._compute(1.0 if late else delta)
        if self._ready is not None and self._coming is not None and self._coming.picture is not None:
            made = self._coming.picture.state.made
            if late or (shown.then and now >= shown.then):
                self._begin()
                self.begun = made, now
        begun, duration = (shown.begun, shown.duration) if self._named(shown.end) == self.begun[0] else (self.begun[1], self.pace.duration)
        self.pace.interval = max(FASTEST, duration)
        self.pace.progress = min(1.0, max(0.0, (now - begun) / max(duration, FASTEST)))

    def _named(self, picture: float) -> float:
        """The picture of that name, or, where it has not come, the newest one before it; 0.0 for none."""
        if picture in self._known:
            return picture
        return max((made for made in self._known if made < picture), default=0.0)
