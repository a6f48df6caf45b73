"""Who of several minds dreams for the wall. Pure: beats, frames and seconds come in, orders come out; nothing is sent here.

A new sentence is asked of a mind that is free: the one that is on the wall, if it is, else the one that answered quickest
lately. It begins from the last latent on the wall; the other goes on until its first picture is there, so nobody waits
and nothing is cut. Who does not answer in time has company: another is asked for the same, and whoever has it first
is on the wall. The rest stand by: they hear and store everything, and dream nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.messages import Dream, Resume

SLOW = 2.5  # seconds without an answer after which another mind is asked for the same sentence
AGAIN = 1.0  # seconds between two askings of the same mind for the same: it may have come late
LEARN = 0.3  # how much of a mind's quickness its newest answer is


@dataclass(frozen=True, slots=True)
class Ask:
    """A dream for one mind. `term` counts sentences; the house's newest wins."""

    term: int
    dream: Dream
    rest: bool = False  # True: dream nothing, hear everything


@dataclass(slots=True)
class Known:
    """One mind, as far as the house knows it."""

    ready: bool = False
    dream: Dream | None = None  # what it was asked; None: it rests
    asked: int = 0  # the term of that
    answered: int = 0  # the term of its newest picture
    since: float = 0.0  # when its term began
    due: float = 0.0  # when it is told again
    fresh: bool = False  # its term has just begun: it is told where the wall is, too
    quick: float = 1.0  # seconds from asking to its first picture, smoothed

    @property
    def free(self) -> bool:
        return self.dream is None or self.answered >= self.asked


Order = tuple[str, Ask | Resume]


class Duty:
    """Decides for one house. One thread."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.on = ""  # the mind whose pictures the walls show
        self.term = 0
        self.handed = 0  # times that another mind took over
        self.last: Resume | None = None  # where the wall is: the newest picture's walk and latent
        self._dream: Dream | None = None
        self._resting = False

    def ready(self, mind: str) -> None:
        """A mind is there, and can dream. Said as often as it is heard."""
        known = self.known.setdefault(mind, Known())
        if not known.ready:
            known.ready, known.dream, known.due = True, None, 0.0

    def lost(self, mind: str) -> None:
        """A mind is gone, or loads anew: what it did goes on elsewhere. Said as often as it is missed."""
        if (known := self.known.get(mind)) and known.ready:
            known.ready, known.dream = False, None

    def rest(self, on: bool) -> None:
        """The house is closed, or open again."""
        self._resting = on
        for known in self.known.values():
            known.due = 0.0

    def ask(self, dream: Dream, now: float) -> None:
        """What is wanted now."""
        fresh = self._dream is None or dream.sentence != self._dream.sentence
        self._dream = dream
        if fresh:
            self.term += 1
            self._assign(self._free() or self.on or next(iter(self._there()), ""), now)
        for known in self.known.values():
            if known.dream is not None and known.dream != dream and known.dream.sentence == dream.sentence:
                known.dream, known.due = dream, 0.0

    def answered(self, mind: str, term: int, now: float) -> bool:
        """A picture of a mind has come, which answers that term: whether the walls show it."""
        known = self.known.get(mind)
        if known is None or not known.ready or known.dream is None:
            return False
        if term > known.answered:
            known.answered = term
            known.quick += LEARN * (now - known.since - known.quick)
        there = self.known.get(self.on)
        if mind != self.on and (term >= self.term or there is None or not there.ready):
            self.handed += bool(self.on)
            self.on = mind
        if mind == self.on and term >= self.term:
            for name, other in self.known.items():
                if name != mind and other.dream is not None:
                    other.dream, other.due = None, 0.0  # it rests from here on
        return mind == self.on

    def orders(self, now: float) -> list[Order]:
        """What is to be said to whom, now. Never waits; call it often."""
        if self._dream is None:
            return []
        working = [known for known in self.known.values() if known.ready and known.dream is not None and known.asked == self.term]
        if all(not known.free and now - known.since > SLOW for known in working):
            self._assign(self._free(), now)
        orders: list[Order] = []
        for name, known in self.known.items():
            if not known.ready or now < known.due:
                continue
            known.due = now + AGAIN
            if known.fresh and self.last is not None and name != self.on:
                orders.append((name, self.last))
            known.fresh = False
            orders.append((name, Ask(known.asked, known.dream or self._dream, self._resting or known.dream is None)))
        return orders

    def _assign(self, name: str, now: float) -> None:
        if (known := self.known.get(name)) and known.ready:
            known.dream, known.asked, known.since, known.due, known.fresh = self._dream, self.term, now, 0.0, True

    def _there(self) -> list[str]:
        """Minds that can dream, the quickest first."""
        return sorted((name for name, known in self.known.items() if known.ready), key=lambda name: self.known[name].quick)

    def _free(self) -> str:
        """The mind on the wall, if it is free; else the quickest that is and was not asked for this already. "": none."""
        may = [name for name in self._there() if self.known[name].free and not (self.known[name].dream and self.known[name].asked == self.term)]
        return self.on if self.on in may else next(iter(may), "")
