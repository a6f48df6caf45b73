"""The doors' process: every socket of the installation, in one event loop. Nothing that arrives can hold up a frame."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from starlette.applications import Starlette

from engine.core.crossings import KeyRing
from engine.core.guard import Guard
from engine.core.mailbox import Mailbox
from engine.core.messages import Datagram, Keystroke, Message, Opened, Trouble
from engine.core.milestones import passed
from engine.core.pulse import Pulses
from engine.doors.guard import loopback
from engine.doors.moderation import Moderator
from engine.doors.options import DoorsOptions
from engine.doors.osc import Osc
from engine.doors.oscquery import Advert, OscQuery
from engine.doors.panic import alarm
from engine.doors.port import Port, any_socket
from engine.doors.porter import Porter
from engine.doors.post import Post
from engine.doors.score import Scribe
from engine.doors.tcp import TcpDoor
from engine.doors.web import Server, Web, listen
from engine.doors.wires import Sender, UdpDoor

log = logging.getLogger("engine.doors")

STATE_HZ = 30.0  # how often subscribers hear the state
RETRY = 5.0  # seconds before a port that was taken is tried again


def serve(
    end: socket.socket, options: DoorsOptions, live: str | None = None, pulses: str = "", keys: str | None = None,
    udp: Port | None = None,
) -> None:  # fmt: skip
    """Open the doors and keep them open until the letter None arrives or the loop's process is gone.

    Letters out are tuples of Messages, each tuple to be applied within one tick; Opened after every change of the
    ports; Trouble for a port that is taken. Letters in: Directory, Values, News, Health, None. Keys also go straight
    to the sound room, through the KeyRing of the name `keys`.
    """
    passed("doors", "its code")
    asyncio.run(Doors(Mailbox(end), options, live, Pulses(pulses), keys, udp).run())


@dataclass
class Doors:
    """All doors of one process."""

    mailbox: Mailbox
    options: DoorsOptions
    live: str | None = None
    pulses: Pulses = field(default_factory=lambda: Pulses(""))
    keys: str | None = None
    udp: Port | None = None  # the OSC port, where somebody else holds it
    parent: int = field(default_factory=os.getppid)

    def __post_init__(self) -> None:
        self.guard = Guard("doors", self.mailbox.send)
        self.porter = Porter(self.options, Post.to(self.mailbox), Moderator(self.options.moderation))
        self.osc = Osc(self.porter)
        self.ring = KeyRing(name=self.keys) if self.keys else None
        self.porter.recorders.append(self._strike)
        if self.options.score:
            scribe = Scribe(self.options.score, self.porter.clock)
            self.porter.recorders.append(scribe.record)
            self.porter.forgetters.append(scribe.forget)
        self.porter.recorders.append(lambda messages: alarm(self.pulses, messages, self.porter.clock()))
        self.web = Web(self.porter, self.live)
        self.query = OscQuery(self.porter, self._receive)
        self.advert: Advert | None = None
        self.opened = Opened()
        self._door: UdpDoor | None = None
        self.ended = asyncio.Event()
        self._closing: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Open everything, serve until the end, close."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self.mailbox.fileno(), self._letters)
        if self.options.moderation != "open":
            threading.Thread(target=self.porter.moderator.wake, name="moderation", daemon=True).start()  # the encoder is there when the first text comes
        self._tasks += [
            loop.create_task(self._every(1.0 / STATE_HZ, self.osc.subscriptions.publish)),
            loop.create_task(self._every(0.5, self.web.visits.tell_state)),
            loop.create_task(self._every(1.0, self._parent)),
            loop.create_task(self._every(0.2, lambda: self.pulses.beat("doors"))),
        ]
        self._open("OSC", "osc_port", self.options.osc_port, self._open_udp)
        self._open("OSC over TCP", "tcp_port", self.options.tcp_port, self._open_tcp)
        self._open("OSCQuery", "query_port", self._query_port(), self._open_query)
        self._open("the web", "web_port", self.options.web_port, self._open_web)
        self._announce()
        await self.ended.wait()
        for task in self._tasks:
            task.cancel()
        self.web.close()
        await asyncio.sleep(0.05)  # sockets say goodbye
        for close in reversed(self._closing):
            close()
        if self.advert:
            await self.advert.close()
        loop.remove_reader(self.mailbox.fileno())
        await asyncio.sleep(0.05)

    def _letters(self) -> None:
        for letter in self.mailbox.drain():
            if letter is None:
                self.ended.set()
            elif isinstance(letter, Datagram):
                if self._door:
                    self.guard.run("a packet", self._door.take, letter.data, letter.address, otherwise=None)
            else:
                self.guard.run("a letter", self.porter.hear, letter, otherwise=None)

    def _receive(self, data: bytes, sender: Sender) -> None:
        self.guard.run("a packet", self.osc.receive, data, sender, otherwise=None)

    def _strike(self, messages: tuple[Message, ...]) -> None:
        for message in messages if self.ring else ():
            if isinstance(message, Keystroke) and self.ring:
                self.ring.put(message)

    def _parent(self) -> None:
        if os.getppid() != self.parent:
            self.ended.set()

    async def _every(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something at a steady rate; a late turn is skipped, not caught up."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self.guard.run("what comes at a steady rate", act, otherwise=None)
            due = max(due + seconds, loop.time())
            await asyncio.sleep(due - loop.time())

    # ports

    def _open(self, name: str, option: str, port: int, open_it: Callable[[int], None]) -> None:
        """Open one door; if its port is taken, say so, go on without, and try again."""
        if port < 0:
            return
        try:
            open_it(port)
        except OSError as wrong:
            self.mailbox.send(Trouble("doors", explain(name, option, self.options.host, port, wrong)))
            self._tasks.append(asyncio.create_task(self._again(port, open_it)))

    async def _again(self, port: int, open_it: Callable[[int], None]) -> None:
        while True:
            await asyncio.sleep(RETRY)
            try:
                open_it(port)
            except OSError:
                continue
            self._announce()
            return

    def _open_udp(self, port: int) -> None:
        door = UdpDoor(self.udp.dup() if self.udp else Port.bind(self.options.host, port), self._receive, self.osc.welcome, self.porter.counts)
        door.open()
        self._door = door
        self._closing.append(door.close)
        self.opened = replace(self.opened, osc=door.port.number)

    def _open_tcp(self, port: int) -> None:
        sock = listen(self.options.host, port)
        door = TcpDoor(self._receive, self.osc.welcome, self.porter.counts)
        self._tasks.append(asyncio.create_task(door.open(sock)))
        self._closing.append(door.close)
        self.opened = replace(self.opened, osc_tcp=int(sock.getsockname()[1]))

    def _open_query(self, port: int) -> None:
        self.opened = replace(self.opened, query=self._serve(self.query.app, port))

    def _open_web(self, port: int) -> None:
        self.web.port = self._serve(self.web.app, port)
        self.opened = replace(self.opened, web=self.web.port)

    def _serve(self, app: Starlette, port: int) -> int:
        """Serve an application; returns its port."""
        sock = listen(self.options.host, port)
        server = Server.of(app)
        task = asyncio.create_task(server.serve(sockets=[sock]))

        def close() -> None:
            server.should_exit = server.force_exit = True
            task.cancel()
            sock.close()

        self._closing.append(close)
        return int(sock.getsockname()[1])

    def _query_port(self) -> int:
        """The number that OSC got, where both were to have the same."""
        same = self.options.query_port == self.options.osc_port and self.opened.osc > 0
        return self.opened.osc if same else self.options.query_port

    def _announce(self) -> None:
        """Tell the loop where the doors are."""
        pages: tuple[str, ...] = ()
        if self.opened.web:
            host = "127.0.0.1" if self.options.host in ("0.0.0.0", "::") else self.options.host
            here = f"http://{f'[{host}]' if ':' in host else host}:{self.opened.web}"
            pages = (f"{here}/", f"{here}/wall", f"{here}/desk?token={self.options.token}")
        self.opened = self.query.opened = replace(self.opened, pages=pages)
        self.mailbox.send(self.opened)
        passed("doors", "open doors")
        if self.options.advertise and not loopback(self.options.host):
            self._tasks.append(asyncio.create_task(self._advertise()))

    async def _advertise(self) -> None:
        """Tell the local network. A network that does not allow it costs a line in the log, nothing else."""
        if self.advert:
            await self.advert.close()
        self.advert = Advert(self.options.name, self.options.host, self.opened)
        try:
            await self.advert.open()
        except Exception as wrong:  # zeroconf raises many kinds, and a show without a network is a show
            log.warning("the doors are not announced by zeroconf: %s: %s", type(wrong).__name__, wrong)


def explain(name: str, option: str, host: str, port: int, wrong: OSError) -> str:
    """A port that cannot be had, in one sentence with the next move."""
    if wrong.errno == errno.EADDRINUSE:
        return f"port {port} is taken, so {name} is closed (it is tried again every {RETRY:.0f} s); {option} = {free(host, port)} is free"
    if wrong.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has; {option} = {free(host, max(port, 1024))} is free"
    return f"{name} cannot open {host}:{port}: {wrong.strerror or wrong}"


def free(host: str, port: int) -> int:
    """The next port above that is free for UDP and TCP."""
    for candidate in range(port + 1, min(port + 200, 65536)):
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with any_socket(host, kind) as sock:
                    sock.bind((host, candidate))
        except OSError:
            continue
        return candidate
    return 0
