"""One machine of a house among the others: its beats, who else is there, and what their clocks say."""

from __future__ import annotations

import importlib.metadata
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.core.guard import Guard
from engine.core.machine import PlaceFacts
from engine.places.clock import Offset, measured
from engine.places.net import Count, Net
from engine.places.options import SHOW
from engine.places.pulse import EVERY, LOST, Beat, Heard
from engine.places.wire import VERSION

WAITING = 4096  # letters between Zenoh's thread and ours; then the oldest go, and are counted


@dataclass(slots=True)
class Peer:
    """Another machine, by its newest beat. Seconds are this machine's."""

    beat: Beat
    came: float
    clock: Offset = field(default_factory=Offset)
    losses: int = 0  # times that it fell silent
    there: bool = True


class Node:
    """`turn` gives what has come, and beats when it is time to. One thread; `wait` until something has come."""

    def __init__(
        self, facts: PlaceFacts, rooms: tuple[str, ...], guard: Guard, beat: Callable[[], dict[str, Any]] | None, source: Callable[[], float] = time.monotonic,
    ):  # fmt: skip
        """`beat` gives what the next beat says besides: fields of Beat; None: who only looks on says nothing, for the name may be a show's."""
        self.facts, self.rooms, self.source, self._say = facts, rooms, source, beat
        self.peers: dict[str, Peer] = {}
        self.lost = 0  # letters that waited too long
        self._come: deque[tuple[str, Any, float]] = deque()
        self._something = threading.Event()
        self._due = 0.0
        self.net = Net(facts, self._hear, guard)

    def _hear(self, node: str, letter: Any) -> None:
        """Zenoh's thread."""
        if len(self._come) >= WAITING:
            self._come.popleft()
            self.lost += 1
        self._come.append((node, letter, self.source()))
        self._something.set()

    def wait(self, seconds: float) -> None:
        """Until a letter comes, at most so long."""
        self._something.wait(seconds)
        self._something.clear()

    def turn(self) -> Iterator[tuple[str, Any]]:
        """Letters of others, in order; beats are worked off here."""
        for _ in range(len(self._come)):
            node, letter, came = self._come.popleft()
            if isinstance(letter, Beat):
                if letter.node == node:
                    self._meet(letter, came)
            else:
                yield node, letter
        now = self.source()
        for peer in self.peers.values():
            there = now - peer.came < LOST
            peer.losses += peer.there and not there
            peer.there = there
        if self._say is not None and now >= self._due:
            self._due = now + EVERY
            heard = tuple(Heard(name, peer.beat.sent, peer.came) for name, peer in self.peers.items() if peer.there)
            self.net.tell(Beat(self.facts.name, self.rooms, self.source(), version(), heard=heard, **self._say()))

    def _meet(self, beat: Beat, came: float) -> None:
        peer = self.peers.get(beat.node)
        if peer is None or beat.sent < peer.beat.sent:  # another start of it, with another clock perhaps
            peer = self.peers[beat.node] = Peer(beat, came, losses=peer.losses if peer else 0)
        peer.beat, peer.came = beat, came
        for mine in beat.heard:
            if mine.node == self.facts.name and mine.sent <= came:
                peer.clock.add(measured(mine.sent, mine.came, beat.sent, came))

    def there(self, room: str) -> list[str]:
        """Names of the others that are there and have this room."""
        return [name for name, peer in self.peers.items() if peer.there and room in peer.beat.rooms]

    @property
    def show(self) -> str:
        """The machine that leads, if it is another and is there; "" otherwise. Two that would lead: the first by name."""
        return min(self.there(SHOW), default="")

    def house(self, mine: float) -> float:
        """House seconds at a second of this machine. Raises LookupError while the one that leads is not measured."""
        return mine if SHOW in self.rooms else self._led().theirs(mine)

    def own(self, house: float) -> float:
        """This machine's seconds at a second of the house. Raises LookupError."""
        return house if SHOW in self.rooms else self._led().mine(house)

    def _led(self) -> Offset:
        """The clock of the machine that leads."""
        peer = self.peers.get(self.show)
        if peer is None:
            raise LookupError("the show is not there")
        return peer.clock

    def count(self, node: str) -> Count:
        """What came from a node."""
        return self.net.counts.get(node, Count())

    def close(self) -> None:
        self.net.close()


def version() -> str:
    """Of the engine and of what crosses."""
    try:
        return f"{importlib.metadata.version('hypermnesia')}/{VERSION}"
    except importlib.metadata.PackageNotFoundError:
        return f"unknown/{VERSION}"
