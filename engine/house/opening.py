"""Opening hours at work: how light the house is, what a hand may say against the hours, and a clock that is plainly wrong.

Light and sound rise and fall together; what panic keys ask for stays theirs. Closed, the wall is black and shows a few
black frames a second (which is how whoever watches knows that it lives), nothing sounds and no picture is made; doors
stay open, what is said is kept, and the night's work has its quiet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from engine.core.hours import Hours
from engine.core.messages import Message, News, Node, Set, Trouble
from engine.loop import Doors, Values

ADDRESS = "/hm/hours"
AUTO, OPEN, CLOSED = CHOICES = ("auto", "open", "closed")
LOOKS = 1.0  # seconds between two looks at the clock
SLACK = 36 * 3600.0  # seconds that a clock may be behind what was seen last: a zone, and a day
JUMP = 120.0  # seconds by which a clock is set in one step and somebody should know


class Opening:
    """Doors that keep hours. Loop thread only; never waits.

    `known` is a time of the epoch that has certainly passed: a clock before it is wrong, and a show that does not know
    the time is open, for a dark wall at noon is worse. `wall` and `source` are seconds of the epoch and monotonic ones.
    """

    def __init__(self, doors: Doors, hours: Hours, known: float = 0.0, wall: Callable[[], float] = time.time, source: Callable[[], float] = time.monotonic):
        self.doors, self.hours, self.known, self.wall, self.source = doors, hours, known, wall, source
        self.hand = AUTO  # what somebody asked for at the desk or by OSC, until they ask for "auto" again
        self.note = ""  # what is wrong with the clock
        self.sentence = ""
        self._news: list[News] = []
        self._looked = self._stepped = self._begun = source()
        self._offset = wall() - source()
        self._wanted = self._look()
        self.level = float(self._wanted)  # 0 closed .. 1 open

    @property
    def resting(self) -> bool:
        """Whether it is closed and dark: nobody looks."""
        return self.level == 0.0

    def light(self) -> float:
        """How light the house is now, 0..1. Once a frame."""
        now = self.source()
        if now - self._looked >= LOOKS:
            self._looked = now
            self._wanted = self._look()
        passed, self._stepped = now - self._stepped, now
        step = passed / self.hours.fade if self.hours.fade else 1.0
        self.level = min(1.0, self.level + step) if self._wanted else max(0.0, self.level - step)
        return self.level

    def _look(self) -> bool:
        """Whether light is wanted."""
        now = self.wall()
        if abs(jump := now - self.source() - self._offset) > JUMP:
            self._offset += jump
            self._news.append(Trouble("clock", f"this machine's clock was set {'forward' if jump > 0 else 'back'} by {_long(abs(jump))}; the hours follow it"))
        wrong = now < self.known - SLACK
        self.note = (
            f"this machine's clock says {time.strftime('%Y-%m-%d', time.localtime(now))}, which has passed: no hours are kept and the show is open; "
            "timedatectl set-ntp true, or timedatectl set-time, sets it"
        ) if wrong else ""  # fmt: skip
        if not wrong:
            self.known = max(self.known, now)
        told = "open, for the clock is wrong" if wrong else self.hours.sentence(now)
        self.sentence = told if self.hand == AUTO else f"{self.hand} by hand ({told})"
        return self.hand == OPEN or (self.hand == AUTO and (wrong or self.hours.wanted(now)))

    # --- as doors

    def drain(self) -> Iterator[Message]:
        for message in self.doors.drain():
            if isinstance(message, Set) and message.address == ADDRESS:
                self.obey(str(message.args[0]) if message.args else "")
            else:
                yield message

    def obey(self, word: str) -> None:
        """"auto", "open" or "closed"; what is none of them is told."""
        if word in CHOICES:
            self.hand, self._looked = word, self.source() - LOOKS
        else:
            self._news.append(Trouble("hours", f"{ADDRESS} takes {', '.join(CHOICES)}, found {word!r}"))

    def tell(self, news: Iterable[News], values: Callable[[], Values]) -> None:
        mine, self._news = self._news, []
        self.doors.tell((*news, *mine), lambda: values() | self.values())

    def values(self) -> Values:
        return {node.address: node.value for node in self.nodes()}

    def nodes(self) -> tuple[Node, ...]:
        """What can be turned, and read."""
        return (
            Node(ADDRESS, "s", "keep the opening hours, or be open or closed against them until it is auto again", (self.hand,), choices=CHOICES),
            Node("/hm/state/open", "f", "0 closed and dark .. 1 open, as light rises and falls", (self.level,), writable=False),
        )


def released() -> float:
    """A time that has passed for certain, in seconds of the epoch: when this engine's files were written."""
    return Path(__file__).stat().st_mtime


def _long(seconds: float) -> str:
    return f"{seconds / 86400:.1f} days" if seconds > 86400 else f"{seconds / 3600:.1f} hours" if seconds > 3600 else f"{seconds / 60:.0f} min"
