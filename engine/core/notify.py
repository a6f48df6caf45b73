"""What a service manager wants to hear of a show (sd_notify(3)): that it is ready, that it still shows, how it fares.

The watchdog of systemd is fed by *frames shown*: a timer would go on feeding it beside a loop that hangs.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

STARTING = 5.0  # seconds between two requests for more time, while a show starts
MORE = 60  # seconds that each asks for
SAID = 60.0  # seconds between two lines of status


class Notify:
    """Datagrams to the socket that `$NOTIFY_SOCKET` names; nothing where there is none. One thread; never waits.

    The variables are taken out of the environment: rooms must not speak for the show.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ):
        address = environment.pop("NOTIFY_SOCKET", "")
        micro = environment.pop("WATCHDOG_USEC", "")
        environment.pop("WATCHDOG_PID", None)
        self.every = int(micro) / 4e6 if micro.isdigit() else 0.0  # seconds between two meals; 0: nobody watches
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket:
            self._socket.setblocking(False)

    def say(self, *lines: str) -> None:
        """One datagram. A manager that does not read loses it."""
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.sendto("\n".join(lines).encode(), self._address)

    def close(self) -> None:
        if self._socket:
            self._socket.close()


class Fed:
    """READY with the first frame that is shown, WATCHDOG while there are new ones, a line of status each minute.

    Time comes in, in monotonic seconds. One thread.
    """

    def __init__(self, notify: Notify):
        self.notify = notify
        self.ready = False
        self._frames = 0.0
        self._fed = self._said = self._asked = -1e9
        self._counted = (0.0, 0.0)  # frames, and when

    def look(self, now: float, frames: float, well: bool = True) -> None:
        """`frames` is how many were shown in all. `well`: whether the show, which shows nothing yet, is still at it."""
        new, self._frames = frames > self._frames, frames
        if not self.ready and not new:
            if well and now - self._asked >= STARTING:
                self._asked = now
                self.notify.say(f"EXTEND_TIMEOUT_USEC={MORE * 1_000_000}", "STATUS=the show starts")
            return
        if not self.ready:
            self.ready, self._counted = True, (frames, now)
            self.notify.say("READY=1")
        if new and self.notify.every and now - self._fed >= self.notify.every:
            self._fed = now
            self.notify.say("WATCHDOG=1")
        if now - self._said >= SAID:
            before, when = self._counted
            self._said, self._counted = now, (frames, now)
            pace = f", {(frames - before) / (now - when):.0f} frames a second" if now - when >= 1.0 else ""
            self.notify.say(f"STATUS=the show plays{pace}")

    def fell(self, why: str) -> None:
        self.notify.say(f"STATUS={why}: it is started anew")

    def stopping(self) -> None:
        self.notify.say("STOPPING=1", "STATUS=the show ends")
