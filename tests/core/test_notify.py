"""What a service manager hears of a show, against a socket as systemd makes it."""

import socket

import pytest

from engine.core.notify import Fed, Notify


class Manager:
    """The socket of a service manager: what it was told, datagram by datagram."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}

    def told(self):
        lines = []
        while True:
            try:
                lines += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return lines


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path / "notify")
    yield made
    made.socket.close()


def test_the_manager_hears_ready_with_the_first_frame_and_then_is_fed_by_new_frames_alone(manager):
    fed = Fed(Notify(manager.environment))
    for now in range(20):
        fed.look(float(now), 0.0)
    told = manager.told()
    assert "READY=1" not in told and "WATCHDOG=1" not in told
    assert told.count("EXTEND_TIMEOUT_USEC=60000000") == 4, "a show that starts asks for time"
    for now in range(20, 40):
        fed.look(float(now), float(now))
    told = manager.told()
    assert told[0] == "READY=1" and told.count("READY=1") == 1
    assert told.count("WATCHDOG=1") == 4, "every five of twenty seconds"
    for now in range(40, 100):
        fed.look(float(now), 39.0)
    assert "WATCHDOG=1" not in manager.told(), "nothing is shown: time alone feeds nobody"
    fed.look(100.0, 40.0)
    assert "WATCHDOG=1" in manager.told()
    fed.stopping()
    assert "STOPPING=1" in manager.told()


def test_a_show_that_has_died_before_its_first_frame_asks_for_no_more_time(manager):
    fed = Fed(Notify(manager.environment))
    fed.look(10.0, 0.0, well=False)
    assert manager.told() == []


def test_rooms_cannot_speak_for_the_show(manager):
    Notify(manager.environment)
    assert manager.environment == {}


def test_without_a_manager_nothing_is_said_and_one_that_is_gone_costs_nothing(tmp_path):
    Fed(Notify({})).look(0.0, 1.0)
    Notify({"NOTIFY_SOCKET": str(tmp_path / "gone")}).say("READY=1")
