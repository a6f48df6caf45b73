"""A room on another machine, as the loop sees it: the post of a Room, carried on by the process that reaches other machines."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

from engine.core.mailbox import Mailbox
from engine.core.messages import Started


class Line:
    """`send` and `drain` are for the loop's thread, `end` is for whoever starts that process."""

    def __init__(self) -> None:
        self.starts = [0.0]  # of that room, as far as it is known; monotonic seconds
        self._mailbox: Mailbox | None = None

    def end(self) -> socket.socket:
        """The other end of a fresh post: letters to a process that is gone are of no use to its successor."""
        mine, theirs = Mailbox.pair()
        old, self._mailbox = self._mailbox, Mailbox(mine)
        if old:
            old.close()
        return theirs

    def send(self, letter: object) -> None:
        """Post a letter; where nobody carries it on it is lost."""
        if self._mailbox:
            self._mailbox.send(letter)

    def drain(self) -> Iterator[Any]:
        """Letters of that room, without waiting. That it has started is kept in `starts`."""
        mailbox = self._mailbox
        try:
            for letter in mailbox.drain() if mailbox else ():
                if isinstance(letter, Started):
                    self.starts.append(time.monotonic())
                else:
                    yield letter
        except (OSError, ValueError, EOFError):  # another post has just taken its place
            return
