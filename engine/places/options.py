"""What the room that reaches other machines is started with: frozen, picklable, without torch; and whether `[place]` can be."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import CannotPlay, nearest
from engine.core.machine import PlaceFacts

if TYPE_CHECKING:
    from engine.places.decoding import Decodes

SHOW, MIND, WALL, SOUND, DOORS = "show", "mind", "wall", "sound", "doors"
ROOMS = (SHOW, MIND, WALL, SOUND, DOORS)
TOGETHER = ({SHOW, MIND}, {SHOW}, {MIND}, {WALL}, {SOUND}, {DOORS}, {SOUND, DOORS})  # what one machine may be
MAY = (SOUND, DOORS)  # rooms that the show has, unless `elsewhere` says that another machine has them


@dataclass(frozen=True, slots=True)
class Of:
    """`rooms` of this machine: "show" and perhaps "mind", or "wall"; `model`: whose latents are decoded here."""

    facts: PlaceFacts
    rooms: tuple[str, ...]
    model: str
    decodes: Callable[[], Decodes] | None = None  # a test's own

    @property
    def dreams(self) -> bool:
        """Whether the mind runs on this machine."""
        return MIND in self.rooms


@dataclass(frozen=True)
class Lines:
    """What the loop shares with rooms that are elsewhere, with the one that reaches them: by the names of shared memory, and
    for each an end of the post."""

    grains: str
    keys: str
    page: str
    samples: str
    ends: dict[str, socket.socket]  # by room: "sound", "doors"


def checked(facts: PlaceFacts) -> PlaceFacts:
    """The same, where it can be. Raises CannotPlay in one sentence."""
    for room in facts.rooms:
        if room not in ROOMS:
            raise CannotPlay(f"[place] rooms: there is no {room!r}; {nearest(room, ROOMS)}")
    if set(facts.rooms) not in TOGETHER:
        raise CannotPlay(f"[place] rooms = {list(facts.rooms)}: a machine is the show with or without a mind, a mind, one more wall, or sound, doors or both")
    for room in facts.elsewhere:
        if room not in MAY:
            raise CannotPlay(f"[place] elsewhere: there is no {room!r}; {nearest(room, MAY)}")
    if facts.elsewhere and SHOW not in facts.rooms:
        raise CannotPlay('[place] elsewhere says which rooms of the show another machine has, and here is no "show"')
    if not facts.name:
        if set(facts.rooms) != {SHOW, MIND} or facts.peers or facts.listen or facts.discover or facts.elsewhere:
            raise CannotPlay("[place] name is missing: by what do the other machines of the house call this one?")
        return facts
    for word in (facts.name, facts.house, *facts.nodes):
        named(word)
    if facts.nodes and facts.name not in facts.nodes:
        raise CannotPlay(f"[place] nodes names all machines of the house, and not this one: {facts.name} is missing")
    if facts.keys and not facts.nodes:
        raise CannotPlay("[place] nodes is missing: with keys, only machines that are named there are let in")
    _ways(facts)
    return facts


def _ways(facts: PlaceFacts) -> None:
    """Raises CannotPlay for ways to others that are none."""
    want = "tls" if facts.keys else "tcp"
    for end in (*facts.listen, *facts.peers):
        if not end.startswith(f"{want}/") or ":" not in end:
            why = "with keys, machines meet by tls" if facts.keys else "without [place] keys, machines meet by tcp"
            raise CannotPlay(f"[place] {end!r}: {why}, such as {want}/10.0.0.2:7447")
    if not (facts.listen or facts.peers or facts.discover):
        raise CannotPlay("[place] names no way to the other machines: peers, listen or discover")


def named(name: str) -> None:
    """Raises CannotPlay for what is no name of a machine or a house: it is part of a key of the network."""
    if not (name and len(name) <= 40 and all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in name)):
        raise CannotPlay(f"[place]: a name has letters, digits, - and _, 40 at most, found {name!r}")
