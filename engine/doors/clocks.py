"""Whose clock says what: time tags are meant by the clock of whoever sent them, and some clocks are plainly wrong.

A tag says when its sender wants something to happen, so it runs ahead of its arrival by the wish, and by as much as
the sender's clock is fast. Both cannot be told apart from one tag; from what no wish looks like, they can: nobody
schedules further ahead than WISH without ever having sent anything nearer, nobody further than FUTURE, and a wish gets
nearer while it waits, so tags that keep running ahead by the same amount are a clock. Such a sender is aligned: what
runs ahead the least of what it sends is "now".
"""

from __future__ import annotations

from dataclasses import dataclass

from cachetools import LRUCache

WISH = 60.0  # seconds ahead that a sender of whom nothing else is known may ask for
FUTURE = 3600.0  # seconds ahead that anybody may ask for
NEAR = 5.0  # seconds: an error that is not worth a word, and what jitter and lookahead of sequencers stay within
STEADY = 0.5  # seconds within which tags run ahead by the same amount
WITNESSES = 3  # tags that do so,
SPAN = 1.0  # over at least so many seconds
DRIFT = 1e-4  # seconds a second: quartz is better than that, so an aligned sender's error is known for longer than a show


@dataclass(slots=True)
class Sender:
    """What is known of one sender's clock. Times in seconds since 1970."""

    offset: float = 0.0  # that its clock is ahead of ours
    proven: bool = False  # it has sent tags that were near
    lead: float = 0.0  # by how much its newest tags ran ahead
    since: float = 0.0  # when that began
    witnesses: int = 0  # how many did
    heard: float = 0.0  # when it last sent a tag


class Clocks:
    """The clocks of all senders. One thread."""

    MOST = 1024  # senders that are remembered

    def __init__(self) -> None:
        self._senders: LRUCache[str, Sender] = LRUCache(self.MOST)

    def hear(self, name: str, tag: float, now: float) -> float | None:
        """A sender's packet carries this time tag. Returns its clock's error where it has just been found to be wrong."""
        sender = self._senders.setdefault(name, Sender())
        if abs(tag - now) <= NEAR:  # it is right, or was set right
            sender.offset = 0.0
        if sender.offset:  # its clock may run a little faster than ours; where it does not, the next line but one says so
            sender.offset += DRIFT * (now - sender.heard)
        sender.heard = now
        lead = tag - now - sender.offset
        if abs(lead) <= NEAR:
            sender.proven, sender.witnesses = True, 0
            if sender.offset and lead < 0.0:
                sender.offset += lead  # nearer than all before: this is its now
            return None
        if self._is_clock(sender, lead, now):
            sender.offset, sender.proven, sender.witnesses = tag - now, False, 0
            return sender.offset
        return None

    def due(self, name: str, tag: float) -> float:
        """When by our clock a sender's time tag is due."""
        sender = self._senders.get(name)
        return tag - sender.offset if sender else tag

    @staticmethod
    def _is_clock(sender: Sender, lead: float, now: float) -> bool:
        """Whether a tag so far from now is an error of the clock, and not a wish."""
        if not sender.witnesses or abs(lead - sender.lead) > STEADY:
            sender.lead, sender.since, sender.witnesses = lead, now, 0
        sender.witnesses += 1
        steady = sender.witnesses >= WITNESSES and now - sender.since >= SPAN
        return steady or abs(lead) > (FUTURE if sender.proven and lead > 0.0 else WISH)
