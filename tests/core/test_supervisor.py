import os
import signal
import time
from pathlib import Path

import pytest

from engine.core.guard import Guard
from engine.core.pulse import Pulses
from engine.core.supervisor import EARLY, Room, Supervisor, begin_early, dismiss

pytestmark = pytest.mark.realtime
shared = pytest.mark.shared  # two of these run side by side

TARGET = "tests.core.echo_room:serve"


def wait_for(what, seconds=15.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def echo(room, letter):
    """Say something until it comes back: letters to a room that is starting may be lost."""
    room.send(letter)
    return [got for got in room.drain() if got == ("echo", letter)]


@shared
def test_a_room_that_is_killed_is_back_with_its_post():
    room = Room("echo", TARGET, lambda: ("echo",))
    with Supervisor([room]):
        wait_for(lambda: echo(room, "a"))
        for _ in range(2):
            first = room.process.pid
            os.kill(first, signal.SIGKILL)
            wait_for(lambda: room.alive and room.process.pid != first)  # noqa: B023
            wait_for(lambda: echo(room, "b"))
        assert room.restarts == 2
    assert not room.alive


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="Linux alone can be told what goes first")
def test_where_memory_runs_out_a_room_goes_before_the_loop():
    room = Room("echo", TARGET, lambda: ("echo",))
    with Supervisor([room]):
        wait_for(lambda: echo(room, "a"))
        assert int(Path(f"/proc/{room.process.pid}/oom_score_adj").read_text()) > int(Path("/proc/self/oom_score_adj").read_text())


@shared
def test_a_room_that_does_not_listen_is_ended_all_the_same():
    room = Room("deaf", "tests.core.echo_room:deaf", tuple)
    supervisor = Supervisor([room])
    with supervisor:
        wait_for(lambda: "ready" in list(room.drain()))
        before = time.monotonic()
    assert not room.alive and time.monotonic() - before < 10


@shared
def test_a_room_that_dies_at_once_is_not_started_in_a_frenzy():
    room = Room("broken", "tests.core.echo_room:broken", tuple)
    with Supervisor([room]):
        time.sleep(3.0)
        assert 1 <= room.restarts <= 6


@pytest.fixture
def pulses():
    made = Pulses()
    yield made
    made.close()


@shared
def test_a_room_that_is_stopped_is_replaced_within_five_seconds(pulses):
    room = Room("echo", TARGET, lambda: ("echo",))
    with Supervisor([room]):
        wait_for(lambda: echo(room, "a"))
        first, begun = room.process.pid, time.monotonic()
        os.kill(first, signal.SIGSTOP)
        wait_for(lambda: room.alive and room.process.pid != first)
        assert time.monotonic() - begun < 5.0
        wait_for(lambda: echo(room, "b"))


def test_a_room_one_of_whose_threads_hangs_is_replaced_within_five_seconds_and_one_that_said_so_is_not(pulses):
    room = Room("beating", "tests.core.echo_room:beating", lambda: (pulses.name,), threads=("ears", "thought"), pulses=pulses)
    with Supervisor([room]):
        wait_for(lambda: "ready" in list(room.drain()))
        first = room.process.pid
        room.send("think")  # says that it will be silent for a minute
        time.sleep(room.HUNG + 1.0)
        assert room.process.pid == first and room.state(time.monotonic()) == "running"
        room.send("hang")  # the other thread goes on
        begun, seen = time.monotonic(), set()
        wait_for(lambda: seen.add(room.state(time.monotonic()).split(" for")[0]) or (room.alive and room.process.pid != first))
        assert time.monotonic() - begun < 5.0
        assert "ears silent" in seen, "a deaf room is told from a healthy one"
        wait_for(lambda: "ready" in list(room.drain()))


@shared
def test_a_start_that_fails_is_said_and_tried_again(monkeypatch):
    room, heard = Room("echo", TARGET, lambda: ("echo",)), []
    with Supervisor([room], Guard("supervisor", heard.append)):
        wait_for(lambda: echo(room, "a"))
        good, fails = Room.start, [OSError(11, "Resource temporarily unavailable")] * 3

        def scarce(self):
            if fails:
                raise fails.pop()
            good(self)

        monkeypatch.setattr(Room, "start", scarce)
        os.kill(room.process.pid, signal.SIGKILL)
        wait_for(lambda: not fails and room.alive)
        wait_for(lambda: echo(room, "b"))
        assert len(heard) == 1 and "Resource temporarily unavailable" in heard[0].what


def test_a_room_that_dies_for_the_first_time_in_an_hour_is_back_sooner_than_one_that_dies_again_and_again():
    def waits(*ages):
        room = Room("echo", TARGET, tuple)
        room.starts = [time.monotonic() - age for age in ages]
        now = time.monotonic()
        room.watch(now)
        return round(room._again - now, 3)

    assert waits(3600.0) == waits(10.0) == 0.2
    assert waits(3600.0, 7200.0) == 0.2 < waits(5.0, 10.0) < waits(5.0, 10.0, 20.0) < waits(*range(30)) == 4.0


def test_a_room_that_began_early_is_the_one_that_is_told_and_comes_back_as_any_other():
    begin_early("echo", TARGET)
    first = EARLY["echo"].process.pid
    room = Room("echo", TARGET, lambda: ("echo",))
    with Supervisor([room]):
        assert room.process.pid == first and not EARLY
        wait_for(lambda: echo(room, "a"))
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: room.alive and room.process.pid != first)
        wait_for(lambda: echo(room, "b"))
    assert not room.alive


def test_a_room_that_began_early_ends_where_there_is_no_show():
    begin_early("echo", TARGET)
    process = EARLY["echo"].process
    dismiss()
    assert not process.is_alive() and not EARLY
    begin_early("echo", TARGET)
    early = EARLY.pop("echo")
    early.turn.close()  # whoever began it is gone
    wait_for(lambda: not early.process.is_alive())
    early.end.close()
