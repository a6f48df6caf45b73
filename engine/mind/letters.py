"""What people send to a mind, and what it says to it at once; other answers come later, with its news."""

from __future__ import annotations

import sqlite3

from engine.core.messages import Gap, Judged, Keystroke, Leave, Message, News, Set, Text, Touch, Trouble, Withdraw
from engine.mind.mind import Mind


def answer(mind: Mind, message: Message | Gap) -> list[News]:
    """Act on one message of the loop's. Any thread. A disk that refuses is a Trouble, not an end."""
    try:
        match message:
            case Keystroke():
                mind.rows.ledger.add("keystrokes")
            case Text():
                mind.rows.ledger.add("sentences")
                return mind.hear(message)
            case Touch():
                return [mind.touch(message)]
            case Withdraw():
                return [mind.withdraw(message)]
            case Judged(key, lent):
                mind.keeper.judged(key, lent)
            case Gap():
                mind.sharing.take(message)
            case Leave(given):
                mind.keeper.decide(given)
            case Set():
                mind.set(message)
    except (OSError, sqlite3.Error) as wrong:
        if isinstance(message, Withdraw):
            return [Trouble("mind", f"what is to be taken back is no longer shown, but the disk takes no wish ({wrong}): ask again")]
        return [Trouble("mind", f"an operator's word could not be kept, the disk refuses ({wrong})")]
    return []
