"""Doors that hang: dark is obeyed all the same, they are replaced, and what was sent meanwhile is worked off."""

from __future__ import annotations

import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.crossings import PictureRing
from engine.core.guard import Guard
from engine.core.messages import Directory, Message, Opened, Rest, Set, Text, Unkept, Withdraw, Withdrawn
from engine.core.pulse import Pulses
from engine.core.supervisor import Room, Supervisor
from engine.doors.port import Port
from engine.doors.wires import encode
from engine.house import rooms
from engine.house.deputy import Deputy
from engine.house.rooms import MindRoom
from tests.doors.doors_house import NODES, QUIET
from tests.faults.test_threads import wait_for

pytestmark = [pytest.mark.realtime, pytest.mark.shared]


def test_dark_is_obeyed_while_the_doors_hang_and_nothing_that_was_sent_is_lost(tmp_path: Path) -> None:
    port, pulses = Port.bind("127.0.0.1", 0), Pulses()
    options = replace(QUIET, web_port=-1, home=tmp_path)
    doors = Room("doors", "engine.doors.room:serve", lambda: (options, None, pulses.name, None, port), 0, ("doors",), pulses)
    said: list[Message] = []
    supervisor = Supervisor([doors], Guard("supervisor"))
    deputy = Deputy(port, options, doors, pulses, said.append, supervisor.guard)
    supervisor.also.append(deputy.look)
    heard: list[Message] = []

    def listen() -> None:
        for letter in doors.drain():
            if isinstance(letter, Opened):
                doors.send(Directory(NODES))
            elif isinstance(letter, tuple):
                heard.extend(letter)

    with supervisor, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as performer:

        def send(address: str, *args: object) -> None:
            performer.sendto(encode(address, list(args)), ("127.0.0.1", port.number))  # type: ignore[arg-type]

        def texts() -> list[str]:
            listen()
            return [message.words for message in heard if isinstance(message, Text)]

        send("/hm/text", "before they were open")
        wait_for(lambda: texts() == ["before they were open"], 60)
        first, begun = doors.process.pid, time.monotonic()  # type: ignore[union-attr]
        os.kill(first or 0, signal.SIGSTOP)
        send("/hm/text", "while they hung")
        send("/hm/blackout", True)
        wait_for(lambda: Set("/hm/blackout", (True,)) in said, 5.0)
        assert time.monotonic() - begun < 1.0 and pulses.get("blackout") == 1.0
        wait_for(lambda: doors.alive and doors.process.pid != first)  # type: ignore[union-attr]
        assert time.monotonic() - begun < 5.0
        wait_for(lambda: texts()[-1] == "while they hung", 60)
        send("/hm/text", "after")
        wait_for(lambda: texts()[-1] == "after", 60)
        assert deputy.acted == 1 and texts() == ["before they were open", "while they hung", "after"]
    port.close()
    pulses.close()


class Asked:
    """A mind's room as the loop sees it, that takes letters and says what it is given."""

    def __init__(self) -> None:
        self.starts, self.sent, self.says = [0.0], list[object](), list[object]()
        self.send = self.sent.append

    def drain(self) -> list[object]:
        said, self.says = self.says, []
        return said


def test_what_was_to_be_taken_back_is_asked_again_of_the_next_mind() -> None:
    room, ring = Asked(), PictureRing()
    mind, wish = MindRoom(room, ring), Withdraw("code", "visit")  # type: ignore[arg-type]
    list(mind.news())
    mind.hear(wish)
    room.starts.append(1.0)
    list(mind.news())
    assert room.sent == [wish, wish]
    room.says.append(Withdrawn("code", True, "visit"))
    list(mind.news())
    room.starts.append(2.0)
    list(mind.news())
    assert room.sent == [wish, wish], "it was answered"
    ring.close()


def test_a_new_mind_is_told_to_rest_where_the_house_is_closed() -> None:
    room, ring = Asked(), PictureRing()
    mind = MindRoom(room, ring)  # type: ignore[arg-type]
    list(mind.news())
    assert room.sent == [], "it does not rest by itself"
    mind.rest(True)
    room.starts.append(1.0)
    list(mind.news())
    mind.rest(False)
    assert room.sent == [Rest(True), Rest(True), Rest(False)]
    ring.close()


def test_a_sentence_that_the_full_post_of_a_loading_mind_has_lost_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "AGAIN", 0.2)
    room, ring, said = Asked(), PictureRing(), Text("a lamp", key="k")
    mind = MindRoom(room, ring)  # type: ignore[arg-type]
    list(mind.news())
    mind.hear(said)
    list(mind.news())
    assert room.sent == [said], "not at once"
    time.sleep(0.25)
    list(mind.news())
    assert room.sent == [said, said]
    room.says.append(Unkept("k"))  # the mind has it, and waits for its disk
    list(mind.news())
    time.sleep(0.25)
    list(mind.news())
    assert room.sent == [said, said]
    room.starts.append(1.0)
    list(mind.news())
    assert room.sent == [said, said, said], "a new mind has not"
    ring.close()
