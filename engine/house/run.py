"""`hypermnesia run`: one show from its first frame to its last, in this process; see watchdog.py for whoever starts it."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from engine.core.machine import Machine, home
from engine.core.milestones import passed
from engine.house.desk import announced, kept_token
from engine.house.house import House
from engine.house.journal import Fallen
from engine.house.lasting import Lasting
from engine.house.plan import plan


@contextmanager
def stopped_by_signals(house: House) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the show in order: files are closed, texts stored."""

    def end(number: int, frame: FrameType | None) -> None:
        house.ended = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(options: argparse.Namespace, machine: Machine, lasting: Lasting | None = None, fallen: Fallen | None = None) -> int:
    """Play it; returns the exit status. `lasting`, `fallen`: see House. Raises Plain for what is wrong before the show."""
    show = plan(options, machine)
    if not machine.doors.token and show.doors.home:
        show = replace(show, doors=replace(show.doors, token=kept_token(show.doors.home)))
    passed("loop", "a plan")
    with House(show, lasting, fallen) as house, stopped_by_signals(house):
        without = f", without: {'; '.join(house.vitals.without())}" if house.vitals.without() else ""
        memory = f"; {house.memory.how}" if house.memory.how else ""
        print(f"hypermnesia wakes up{' again' if fallen else ''}{without}{memory}", file=sys.stderr)
        house.wake()
        *pages, desk = (house.doors.opened and house.doors.opened.pages) or (house.desk,)
        if (opened := house.doors.opened) and not fallen:
            print(f"  write: {pages[0] if pages else ''}\n  desk: {desk}\n  OSC: udp {opened.osc}, tcp {opened.osc_tcp or 'closed'}", file=sys.stderr)
        with announced(show.doors.home or home(), desk):
            house.play()
        print(house.vitals.sentence(), file=sys.stderr)
    return 0
