"""Who asked for dark is heard by whoever watches the loop, too: it may hang."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.messages import Message, Set
from engine.core.pulse import Pulses


def alarm(pulses: Pulses, messages: Iterable[Message], now: float) -> None:
    """Write down that somebody asks for dark, or for light again. Any thread."""
    for message in messages:
        if isinstance(message, Set) and message.at <= now and message.address in ("/hm/blackout", "/hm/veto"):
            on = bool(message.args[0]) if message.args else True
            pulses.put("dark", now if on else 0.0)
            if message.address == "/hm/blackout":
                pulses.put("blackout", float(on))
