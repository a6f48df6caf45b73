"""What outlasts the loop: the shared memory between rooms, the OSC socket, the live view's place.

`hypermnesia run` makes it once, in the process that watches the show; a loop that is started anew finds the newest
picture, the clock and the pulses where they were, and what was sent to the OSC port meanwhile still waits there.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.crossings import ClockPage, GrainRing, KeyRing, PictureRing
from engine.core.pulse import Pulses
from engine.sound.tap import SampleRing

if TYPE_CHECKING:
    from engine.doors.port import Port


@dataclass(frozen=True)
class Names:
    """Enough to find it from another process."""

    pictures: str
    grains: str
    keys: str
    page: str
    samples: str
    pulses: str
    live: str
    udp: Port | None = None


class Lasting:
    """All of it: made here for a sound of `rate`, or looked at by the names that another process gave."""

    def __init__(self, rate: int = 48000, names: Names | None = None):
        self._folder = None if names else tempfile.TemporaryDirectory(prefix="hypermnesia-")
        self.pictures = PictureRing(name=names.pictures if names else None)
        self.grains = GrainRing(name=names.grains if names else None)
        self.keys = KeyRing(512, names.keys if names else None)
        self.page = ClockPage(names.page if names else None)
        self.samples = SampleRing(rate=rate, name=names.samples if names else None)
        self.pulses = Pulses(names.pulses if names else None)
        live = str(Path(self._folder.name) / "live") if self._folder else ""
        self.names = names or Names(
            self.pictures.name, self.grains.name, self.keys.name, self.page.name, self.samples.name, self.pulses.name, live
        )

    def listen(self, host: str, port: int) -> None:
        """Take the OSC port. Where it cannot be had nothing is said: the show itself says it better."""
        from engine.doors.port import Port

        with contextlib.suppress(OSError):
            self.names = replace(self.names, udp=Port.bind(host, port))

    @property
    def port(self) -> int:
        """The OSC port that is held; 0: none."""
        return self.names.udp.number if self.names.udp else 0

    def close(self) -> None:
        """Let go; whoever made it also removes it."""
        for each in (self.pictures, self.grains, self.keys, self.page, self.samples, self.pulses):
            each.close()
        if self.names.udp:
            self.names.udp.close()
        if self._folder:
            self._folder.cleanup()
