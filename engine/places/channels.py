"""The channels of one machine to others of its house, over the network."""

from __future__ import annotations

from typing import Any

from engine.places.channel import Channel
from engine.places.node import Node
from engine.places.wire import Got, Sent


class Channels:
    """One for each machine that was spoken to or heard. One thread."""

    def __init__(self, node: Node):
        self.node = node
        self.known: dict[str, Channel] = {}

    def to(self, name: str) -> Channel:
        """The channel to a machine: made when it is first asked for."""
        if name not in self.known:
            self.known[name] = Channel()
        return self.known[name]

    def turn(self, now: float) -> None:
        """Send what is due to those that are there."""
        for name, channel in self.known.items():
            peer = self.node.peers.get(name)
            for sent in channel.due(now) if peer and peer.there else ():
                self.node.net.say(name, sent)

    def take(self, sender: str, letter: Sent | Got) -> tuple[Any, ...]:
        """What has arrived with a letter. Raises Garbage."""
        channel = self.to(sender)
        if isinstance(letter, Got):
            channel.got(letter)
            return ()
        try:
            return channel.take(letter)
        finally:
            self.node.net.say(sender, channel.receipt())
