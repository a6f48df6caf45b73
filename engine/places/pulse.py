"""What each node says ten times a second: that it lives, what it does, and which beats of the others it has heard.

From the last two of those follows the clock (see clock.py): a beat that goes and one that comes back are a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass

EVERY = 0.1  # seconds between beats
LOST = 0.8  # seconds of silence after which a node counts as lost: seven beats, and within the second that is promised


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest beat of another that a node has had."""

    node: str
    sent: float  # by the other's clock
    came: float  # by one's own


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat of a node. Times are monotonic seconds of the node's own clock."""

    node: str
    rooms: tuple[str, ...]  # what runs there: "mind", "wall", "show", "sound", "doors"
    sent: float
    version: str = ""  # of the engine
    model: str = ""  # what it dreams with, or decodes
    ready: bool = False  # whether its room works: a mind that loads is there, and not ready
    doing: str = ""  # in a few words, for people
    sentence: str = ""  # a mind: the key of what its newest picture answers
    shown: tuple[tuple[float, float], ...] = ()  # a wall: (picture, house seconds at which its in-between began), newest last
    figures: tuple[tuple[str, float], ...] = ()
    heard: tuple[Heard, ...] = ()
