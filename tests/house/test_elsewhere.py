"""The doctor's look at the house's other machines: where the way to each of them ends."""

import socket

from engine.core.machine import Machine, PlaceFacts
from engine.house.elsewhere import findings, unplugged, way


def test_a_way_says_whether_a_machine_answers_or_nothing_listens_there():
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        there.listen()
        end = f"tcp/127.0.0.1:{there.getsockname()[1]}"
        assert "answers in" in way(end).found and not way(end).todo
    assert "nothing listens" in way(end).found and "[place] listen" in way(end).todo
    assert "no address" in way("tcp/nowhere.invalid:7447").found


def test_a_cable_that_is_not_in_is_named(tmp_path):
    for card, carrier in (("eth0", "0"), ("eth1", "1"), ("lo", "0")):
        (tmp_path / card).mkdir()
        (tmp_path / card / "carrier").write_text(carrier)
        if card != "lo":
            (tmp_path / card / "device").mkdir()
    assert unplugged(tmp_path) == ["eth0"]


def test_a_house_of_one_machine_is_not_asked_and_a_place_that_cannot_be_is_grave():
    assert list(findings(Machine())) == []
    (found,) = findings(Machine(place=PlaceFacts(name="north", rooms=("mind",))))
    assert found.grave and "no way to the other machines" in found.todo
