"""Who listens at the OSC port while the doors hang or start: dark is obeyed at once, the rest waits for the doors."""

from __future__ import annotations

import ipaddress
import time
from collections import deque
from collections.abc import Callable

from engine.core.guard import Guard
from engine.core.messages import Datagram, Message, Set
from engine.core.pulse import Pulses
from engine.core.supervisor import Room
from engine.doors.guard import near
from engine.doors.nodes import PANIC
from engine.doors.options import DoorsOptions
from engine.doors.packet import Malformed, read
from engine.doors.port import Port
from engine.doors.wires import PANIC_BYTES

SILENT = 0.4  # seconds without a beat of the doors after which somebody else listens
KEPT = 4096  # datagrams that wait for the doors


class Deputy:
    """Looks at the port when the doors do not. Supervisor's thread only; never waits.

    `say` hands a message to the loop, from any thread.
    """

    def __init__(
        self, port: Port, options: DoorsOptions, doors: Room, pulses: Pulses, say: Callable[[Message], None], guard: Guard
    ):  # fmt: skip
        self.port, self.doors, self.pulses, self.say, self.guard = port, doors, pulses, say, guard
        self.acted = 0  # panic messages that were obeyed in the doors' place
        self._allowed = [ipaddress.ip_network(network) for network in options.osc_allow]
        self._kept: deque[Datagram] = deque(maxlen=KEPT)

    def look(self) -> None:
        """Ten times a second."""
        now = time.monotonic()
        if self.doors.alive and not self.pulses.waiting("doors", now) and self.pulses.silence("doors", now) < SILENT:
            for _ in range(min(32, len(self._kept))):  # the post between two processes holds a few hundred
                self.doors.send(self._kept.popleft())
            return
        for data, address in self.port.recvfrom():
            self.guard.run("a packet while the doors hang", self._take, data, address, otherwise=None)

    def _take(self, data: bytes, address: tuple[str | int, ...]) -> None:
        if not any(name in data for name in PANIC_BYTES):
            self._kept.append(Datagram(data, address))  # the doors know who may send
        elif near(str(address[0]), self._allowed):
            self._obey(data)

    def _obey(self, data: bytes) -> None:
        try:
            arrived = read(data)
        except Malformed:
            return
        for message in arrived:
            if message.address in PANIC:
                on = not message.args or bool(message.args[0])
                self.acted += 1
                self.say(Set(message.address, () if message.address == "/hm/veto" else (on,)))
                if message.address == "/hm/blackout":
                    self.pulses.put("blackout", float(on))
