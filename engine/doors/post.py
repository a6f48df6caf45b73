"""The way from the doors to the loop: one letter for all that waits, panic first, a fader's newest value alone.

The kernel holds ten letters between two processes (net.unix.max_dgram_qlen) and the loop looks 60 times a second, so
twenty thousand messages a second cannot each be a letter. What waits is gathered: of one address only the newest value
goes on, as long as nothing came between that may depend on it; texts, keys and commands all do, in order. A bundle enters at once and so leaves in one letter: it acts within one tick.
"""

from __future__ import annotations

import itertools
import select
from collections.abc import Callable

from engine.core.mailbox import Mailbox
from engine.core.messages import Keystroke, Message, Set, Text
from engine.doors.nodes import PANIC

Letter = tuple[Message, ...]


class Post:
    """Gathers messages and posts them when the other side has room. One thread.

    `is_value` says of an address whether only its newest value counts.
    """

    FULLEST = 4096  # messages that may wait
    LETTER = 120_000  # estimated bytes of one letter; Mailbox.LARGEST is 180,000

    def __init__(self, send: Callable[[Letter], None], ready: Callable[[], bool], is_value: Callable[[str], bool] = lambda _: False):
        self._send, self._ready, self.is_value = send, ready, is_value
        self._epoch = 0  # counts what is no value: values merge only with those of their epoch
        self._panic: dict[object, Message] = {}
        self._waiting: dict[object, Message] = {}
        self._numbers = itertools.count()
        self.lost = 0

    @classmethod
    def to(cls, mailbox: Mailbox) -> Post:
        """A post that only sends what the kernel takes at once, so that panic never stands behind a queue."""

        def ready() -> bool:
            mailbox.flush()
            return bool(select.select([], [mailbox], [], 0)[1])

        return cls(mailbox.send, ready)

    def put(self, *messages: Message) -> None:
        """Hand in messages that belong together."""
        for message in messages:
            key: object = next(self._numbers)
            panic = isinstance(message, Set) and message.address in PANIC
            lane = self._panic if panic else self._waiting
            if isinstance(message, Set) and self.is_value(message.address):
                key = (message.address, message.at, 0 if panic else self._epoch)
                lane.pop(key, None)  # the newest value takes its place at the end of the row
            elif not panic:
                self._epoch += 1
            lane[key] = message
        while len(self._waiting) > self.FULLEST:
            del self._waiting[next(iter(self._waiting))]
            self.lost += 1

    def flush(self) -> bool:
        """Post what can be posted now; True if nothing waits any more."""
        while self._panic or self._waiting:
            if not self._ready():
                return False
            letter, size = [], 0
            for lane in (self._panic, self._waiting):
                while lane and size < self.LETTER:
                    message = lane.pop(next(iter(lane)))
                    letter.append(message)
                    size += weight(message)
            self._send(tuple(letter))
        return True


def weight(message: Message) -> int:
    """About how many bytes a message takes in a letter."""
    match message:
        case Text(words=words):
            return 200 + 4 * len(words)
        case Set(args=args):
            return 100 + sum(4 * len(arg) if isinstance(arg, (str, bytes)) else 10 for arg in args)
        case Keystroke():
            return 60
    return 150
