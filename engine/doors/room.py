"""The doors' process: every socket of the installation, in one event loop. Nothing that arrives can hold up a frame."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from engine.crossings import Mailbox
from engine.doors.moderation import Moderator
from engine.doors.options import DoorsOptions
from engine.doors.osc import Osc
from engine.doors.porter import Porter
from engine.doors.post import Post
from engine.doors.web import Server, Web, listen
from engine.doors.wires import UdpDoor
from engine.messages import Opened, Trouble

log = logging.getLogger("engine.doors")

RETRY = 5.0  # seconds before a port that was taken is tried again


def serve(end: socket.socket, options: DoorsOptions, live: str | None = None) -> None:
    """Open the doors and keep them open until the letter None arrives or the loop's process is gone.

    Letters out are tuples of Messages, each tuple to be applied within one tick; Opened after every change of the
    ports; Trouble for a port that is taken. Letters in: Directory, Values, News, Health, None.
    """
    asyncio.run(Doors(Mailbox(end), options, live).run())


@dataclass
class Doors:
    """All doors of one process."""

    mailbox: Mailbox
    options: DoorsOptions
    live: str | None = None
    parent: int = field(default_factory=os.getppid)

    def __post_init__(self) -> None:
        self.porter = Porter(
            self.options, Post.to(self.mailbox), Moderator(self.options.moderation, self.options.languages)
        )
        self.osc = Osc(self.porter)
        self.web = Web(self.porter, self.live)
        self.opened = Opened()
        self.ended = asyncio.Event()
        self._closing: list[Callable[[], None]] = []
        self._waiting: list[asyncio.Task[None]] = []  # doors whose port was taken

    async def run(self) -> None:
        """Open everything, serve until the end, close."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self.mailbox.fileno(), self._letters)
        tasks = [
            loop.create_task(self._every(1.0 / self.options.state_hz, self.osc.publish)),
            loop.create_task(self._every(0.5, self.web.visits.tell_state)),
            loop.create_task(self._every(1.0, self._parent)),
        ]
        self._open("OSC", "osc_port", self.options.osc_port, self._open_udp)
        self._open("the web", "web_port", self.options.web_port, self._open_web)
        self._announce()
        await self.ended.wait()
        for task in tasks + self._waiting:
            task.cancel()
        for close in reversed(self._closing):
            close()
        self.web.live.close()
        loop.remove_reader(self.mailbox.fileno())
        await asyncio.sleep(0.05)  # sockets say goodbye

    def _letters(self) -> None:
        for letter in self.mailbox.drain():
            if letter is None:
                self.ended.set()
            else:
                self.porter.hear(letter)

    def _parent(self) -> None:
        if os.getppid() != self.parent:
            self.ended.set()

    async def _every(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something at a steady rate; a late turn is skipped, not caught up."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            act()
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
            self._waiting.append(asyncio.create_task(self._again(port, open_it)))

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
        sock = UdpDoor.bind(self.options.host, port)
        door = UdpDoor(sock, self.osc.receive, self.osc.welcome, self.porter.counts)
        door.open()
        self._closing.append(door.close)
        self.opened = replace(self.opened, osc=door.port)

    def _open_web(self, port: int) -> None:
        sock = listen(self.options.host, port)
        server = Server.of(self.web.app)
        task = asyncio.create_task(server.serve(sockets=[sock]))

        def close() -> None:
            server.should_exit = server.force_exit = True
            task.cancel()
            sock.close()

        self._closing.append(close)
        self.web.port = int(sock.getsockname()[1])
        self.opened = replace(self.opened, web=self.web.port)

    def _announce(self) -> None:
        """Tell the loop where the doors are."""
        pages: tuple[str, ...] = ()
        if self.opened.web:
            here = f"http://{'127.0.0.1' if self.options.host in ('0.0.0.0', '::') else self.options.host}:{self.opened.web}"
            pages = (f"{here}/", f"{here}/wall", f"{here}/desk?token={self.options.token}")
        self.opened = replace(self.opened, pages=pages)
        self.mailbox.send(self.opened)


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
                with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as sock:
                    sock.bind((host, candidate))
        except OSError:
            continue
        return candidate
    return 0
