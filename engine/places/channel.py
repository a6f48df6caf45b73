"""Letters that must arrive: to one machine, each once and in order, however often the network between them fails.

The network drops what it has no room for, and what was under way when a cable was pulled. So letters are numbered, and kept
until the other end says that it has them; what is not acknowledged is said again. It is TCP's way, but it outlives the
connection, and a letter may be given up: who is away for a minute wants no fader of a minute ago. Pure: seconds come in,
what is to be sent comes out. One thread.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from itertools import islice
from typing import Any

from engine.places.wire import Got, Sent, packed, unpacked

AGAIN = 0.4  # seconds after which what is not acknowledged is said again
IDLE = 0.5  # seconds between two signs of life, by which each end learns that the other has begun anew
WINDOW, BYTES = 64, 1_000_000  # letters, and their bytes, that may be under way: who has more waits with it
MOST = 20_000  # letters that are kept for one who is away; then the oldest go, and are counted


@dataclass(slots=True)
class _Kept:
    letters: tuple[bytes, ...]
    until: float  # the second from which on nobody wants it any more
    name: str  # of what it says: a newer one of the same name takes its place
    said: float = -math.inf


class Channel:
    """This end of the way to one other machine, and back."""

    def __init__(self, session: int = 0) -> None:
        self.session = session or secrets.randbits(62) | 1  # another number, another start of this end
        self.other = 0  # the other end's; 0: not heard yet
        self.lost = 0  # letters that were too many
        self._kept: dict[int, _Kept] = {}  # by number, in order
        self._names: dict[str, int] = {}
        self._number = 0
        self._bytes = 0
        self._last = 0  # the newest of the other end's letters that is here
        self._idle = -math.inf

    # --- what goes out

    def put(self, *letters: object, until: float = math.inf, name: str = "") -> None:
        """Send letters that belong together. `until`: seconds from which on they are given up; `name`: the newest of this
        name alone counts. Raises ValueError for what is too long, KeyError for what never crosses."""
        if name and name in self._names:
            self._drop(self._names[name])
        self._number += 1
        kept = self._kept[self._number] = _Kept(tuple(packed(letter) for letter in letters), until, name)
        self._bytes += sum(map(len, kept.letters))
        if name:
            self._names[name] = self._number
        if len(self._kept) > MOST:
            self._drop(next(iter(self._kept)))
            self.lost += 1

    @property
    def full(self) -> bool:
        """Whether so much is under way that more should wait where it is."""
        return len(self._kept) >= WINDOW or self._bytes >= BYTES

    @property
    def waiting(self) -> int:
        """Letters that the other end has not said it has."""
        return len(self._kept)

    def due(self, now: float) -> list[Sent]:
        """What is to be sent now. Call it often; where the other end is away, not at all."""
        found, before = [], 0
        for number, kept in list(islice(self._kept.items(), WINDOW)):
            if now >= kept.until:
                self._drop(number)
                continue
            if now >= kept.said + AGAIN:
                kept.said = now
                found.append(Sent(self.session, number, before, kept.letters))
            before = number
        if not found and now >= self._idle:
            found.append(Sent(self.session, 0, 0))
        if found:
            self._idle = now + IDLE
        return found

    def got(self, got: Got) -> None:
        """The other end says what it has."""
        self._meet(got.own)
        if got.session == self.session:
            while self._kept and (first := next(iter(self._kept))) <= got.number:
                self._drop(first)

    def _drop(self, number: int) -> None:
        kept = self._kept.pop(number)
        self._bytes -= sum(map(len, kept.letters))
        if self._names.get(kept.name) == number:
            del self._names[kept.name]

    # --- what comes in

    def take(self, sent: Sent) -> tuple[Any, ...]:
        """The letters of it, if it is the next one; none otherwise. Say `receipt` afterwards. Raises Garbage, once for a letter."""
        self._meet(sent.session)
        if sent.number <= self._last or sent.after > self._last:
            return ()
        self._last = sent.number
        return tuple(unpacked(letter) for letter in sent.letters)

    def receipt(self) -> Got:
        """What is here."""
        return Got(self.other, self._last, self.session)

    def _meet(self, session: int) -> None:
        """Another start of the other end knows nothing yet, and counts anew."""
        if session != self.other:
            self.other, self._last = session, 0
            for kept in self._kept.values():
                kept.said = -math.inf
