"""Row 13, aura: no picture twice. What has been is withheld from the wall and dreamt anew; the place and the hour are in the seed.

A picture has been if a kept one differs from it in fewer than ALIKE of 256 bits (`engine.mind.memory.past`). What was kept
of the thought that is on the wall is not its past: a picture that moves slowly is still itself. Nor, for PASSAGE seconds,
is what was kept of the thought before it, out of which the stream flows.

Words that were said before have the crowd that they had, and the pictures of some crowds are all alike (a night sky): of
these, one that was dreamt anew for PATIENCE seconds may be seen unless it is nearly the SAME. In a trial the wall had been
dark for 78 seconds.

The whole past is looked through when the stream has moved by REACH bits since the last time; in between only those can
have come under ALIKE that were under ALIKE + REACH then (the triangle inequality), and they are few.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from engine.mind.memory.past import FARTHEST, Hash, Past, apart, bits, fingerprint

ALIKE = 70  # bits of 256 under which it is the same picture
REACH = 30  # bits that the stream moves before the whole past is looked through again
SAME = 24  # bits under which it stays withheld, however long it is dreamt anew
PATIENCE = 3.0  # seconds that the stream may look for a picture that is no more alike than ALIKE, before new words come
PASSAGE = 6.0  # seconds in which the stream has left the thought before behind


def seed(head: bytes, site: str, tick: int, words: str) -> int:
    """Where the walk through noise goes on for these words: SHA-256 of everything kept so far, the place, the hour, the words."""
    told = b"\0".join((head, site.encode(), str(tick).encode(), words.encode()))
    return int.from_bytes(hashlib.sha256(told).digest()[:8], "big") & (2**62 - 1)


class Aura:
    """Whether pictures have been. `words` for the thought's thread, `look` for the stream's."""

    def __init__(self, past: Past):
        self._past = past
        self._began = (0, 0, -PASSAGE)  # how much was kept before the thought before, before this one, and its first second
        self._anchor: tuple[Hash, int] | None = None  # the picture for which the whole past was looked through, and how much of it
        self._since: float | None = None  # the second since which all pictures of these words have been
        self._lenient = False  # whether PATIENCE is over for these words
        self._shown: Hash | None = None  # the last picture that had never been
        self._near: NDArray[np.uint64] = np.zeros((4, 0), np.uint64)  # what was near it
        self.distance = FARTHEST  # bits to the nearest picture of the past, of the newest picture
        self.withheld = 0  # pictures that had been

    @property
    def kept(self) -> int:
        """How many pictures were kept since these words came."""
        return len(self._past) - self._began[1]

    def words(self, time: float, kept: int = 0) -> None:
        """Other words are thought of from this second on: what was kept for those before becomes the past, all but the last `kept`."""
        self._began = self._began[1], max(0, len(self._past) - kept), time
        self._since, self._lenient = None, False

    def look(self, picture: NDArray[np.uint8], time: float) -> bool:
        """Whether this picture (h, w, 4) has never been, at this second. A half millisecond; 50 more for five million, now and then."""
        hash = bits(fingerprint(picture))
        assert hash is not None
        if self._since is not None and time - self._since > PATIENCE:
            self._lenient = True
        fresh = self.take(hash, self._end(time), SAME if self._lenient else ALIKE)
        self._since = None if fresh else time if self._since is None else self._since
        return fresh

    def take(self, hash: Hash, end: int, least: int | None = None) -> bool:
        """The same of a hash, against the first `end` pictures that were kept: farther than `least` bits (ALIKE)."""
        least = ALIKE if least is None else least
        if self._anchor is None or self._anchor[1] != end or apart(hash, self._anchor[0]) > REACH:
            far = self._past.distances(hash, end)
            rows = np.flatnonzero(far < ALIKE + REACH)
            self._anchor, self._near = (hash, end), self._past.at(rows)
            self.distance = int(far.min()) if len(far) else FARTHEST
        elif self._near.shape[1]:
            self.distance = int(np.bitwise_count(self._near ^ hash[:, None]).sum(0).min())
        fresh = self.distance >= least
        self._shown = hash if fresh else self._shown
        self.withheld += not fresh
        return fresh

    def holds(self, time: float) -> bool:
        """Whether the wall may keep the last picture that it was let have: unless that is by now nearly the SAME as one of the past.

        It may have been let through as one that is only alike; to take it away would be seconds of dark for everybody who says
        what was said before.
        """
        return self._shown is not None and int(self._past.distances(self._shown, self._end(time)).min(initial=FARTHEST)) >= min(SAME, ALIKE)

    def _end(self, time: float) -> int:
        """How much of what was kept is the past at this second."""
        before, since, began = self._began
        return before if time - began < PASSAGE else since

    @property
    def value(self) -> float:
        """0..1: distance of the newest picture to the nearest that has been."""
        return self.distance / FARTHEST
