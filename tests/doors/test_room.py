"""The doors' process as the supervisor runs it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from websockets.sync.client import connect

from engine.core.crossings import KeyRing
from engine.core.mailbox import Mailbox
from engine.core.messages import Directory, Keystroke, Message, Opened, Set, Text, Withdrawn
from engine.doors.options import DoorsOptions
from engine.doors.post import Post
from engine.doors.room import serve
from engine.doors.score import ScoreError, read
from tests.doors.doors_house import NODES, QUIET, House, Performer

pytestmark = [pytest.mark.realtime, pytest.mark.shared]


def test_keys_go_straight_to_the_sound_room_and_to_the_loop() -> None:
    ring = KeyRing(8)
    with House(keys=ring.name) as house, connect(f"ws://127.0.0.1:{house.opened.web}/visit", origin=house.web) as ws:
        ws.send(json.dumps({"t": "hello", "visit": ""}))
        house.stalled = True
        ws.send(json.dumps({"t": "key", "bits": 3, "deleted": False}))
        ws.send(json.dumps({"t": "key", "bits": 0, "deleted": True}))
        struck: list[tuple[float, float, int]] = []
        house.until(lambda: (struck.extend(ring.take().tolist()), len(struck) == 2)[1])
        assert [(bits, deleted) for _, bits, deleted in struck] == [(3.0, 0), (0.0, 1)]
        assert all(0.0 <= time.monotonic() - at < 1.0 for at, _, _ in struck)
        house.stalled = False
        house.until(lambda: len(house.messages(Keystroke)) == 2)
    ring.close()


def test_the_doors_carry_no_torch() -> None:
    code = "import sys, engine.doors.room; print([m for m in ('torch', 'pyo', 'moderngl', 'diffusers') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_options_survive_the_way_into_a_process() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(QUIET)) == QUIET
    assert replace(QUIET).token == "letmein"


def started(options: DoorsOptions) -> tuple[SpawnProcess, Mailbox]:
    """The doors in a process of their own, once they have said something, and the loop's end of their post."""
    mine, theirs = Mailbox.pair()
    room = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, options, None))
    room.start()
    theirs.close()
    mailbox = Mailbox(mine)
    assert mailbox.wait(20)
    return room, mailbox


def test_a_room_in_its_own_process_ends_by_letter_and_by_its_parents_death() -> None:
    room, mailbox = started(QUIET)
    (opened,) = mailbox.drain()
    assert isinstance(opened, Opened) and opened.osc and opened.web and len(opened.pages) == 3
    mailbox.send(None)
    room.join(5)
    assert room.exitcode == 0


PARENT = """
import multiprocessing, sys, time
sys.path[:0] = ["."]
from tests.doors.doors_house import QUIET
from engine.core.mailbox import Mailbox
from engine.doors.room import serve
from engine.doors.score import ScoreError, read
if __name__ == "__main__":
    mine, theirs = Mailbox.pair()
    room = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, QUIET, None))
    room.start()
    Mailbox(mine).wait(20)
    print(room.pid, flush=True)
    time.sleep(60)
"""


def test_a_room_ends_when_its_parent_is_killed(tmp_path: object) -> None:
    script = f"{tmp_path}/parent.py"
    with open(script, "w") as file:  # noqa: PTH123
        file.write(PARENT)
    parent = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    end = time.monotonic() + 8
    while _alive(pid):
        assert time.monotonic() < end, "the doors outlived their parent"
        time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_port_in_use_is_said_with_a_free_one_and_the_other_doors_open() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with House(osc_port=port, probe=False) as house:
            house.until(lambda: house.troubles and house.opened.web)
            said = house.troubles[0].what
            assert f"port {port} is taken" in said and "osc_port = " in said and said.endswith("is free")
            assert house.get("/health").status == 200 and not house.opened.osc


def test_doors_that_were_killed_come_back_and_a_pending_text_is_stored_once() -> None:
    """kill -9 while a text is pending: the page says it again to the next doors, the mind keeps one copy."""
    stored: dict[str, Text] = {}
    options = replace(QUIET, web_port=_free())
    for attempt in range(2):
        room, mailbox = started(options)
        list(mailbox.drain())
        _say(options.web_port, "a1b2c3d4e5f60718", "une seule fois")
        assert mailbox.wait(5)
        for letter in mailbox.drain():
            for message in letter:
                assert isinstance(message, Text)
                stored.setdefault(message.key, message)
        if attempt == 0:
            os.kill(room.pid or 0, signal.SIGKILL)
        else:
            mailbox.send(None)
        room.join(5)
        mailbox.close()
    assert list(stored) == ["a1b2c3d4e5f60718"]


def _free() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _say(port: int, key: str, words: str) -> None:
    import json

    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{port}/visit", origin=f"http://127.0.0.1:{port}") as ws:  # type: ignore[arg-type]
        ws.send(json.dumps({"t": "hello"}))
        ws.send(json.dumps({"t": "text", "key": key, "words": words, "language": "fr"}))
        ws.recv(timeout=5)


class Slot:
    """A mailbox that takes letters only while it is open."""

    def __init__(self) -> None:
        self.letters: list[tuple[Message, ...]] = []
        self.open = False

    def take(self, letter: tuple[Message, ...]) -> None:
        assert self.open
        self.letters.append(letter)


def test_what_waits_is_gathered_newest_value_alone_and_panic_first() -> None:
    slot = Slot()
    post = Post(slot.take, lambda: slot.open, lambda address: True)
    for i in range(1000):
        post.put(Set("/hm/beta", (i / 1000,)))
    post.put(Text("the sea", key="a"), Keystroke(3.0), Keystroke(3.0))
    post.put(Set("/hm/rho", (0.5,), at=7.0), Set("/hm/rho", (0.6,), at=8.0))
    post.put(Set("/hm/blackout", (True,)))
    assert not post.flush()
    slot.open = True
    assert post.flush()
    (letter,) = slot.letters
    assert letter[0] == Set("/hm/blackout", (True,)) and letter[1] == Set("/hm/beta", (0.999,))
    assert len(letter) == 7 and post.lost == 0


def test_a_loop_that_never_reads_costs_the_oldest_and_is_counted() -> None:
    slot = Slot()
    post = Post(slot.take, lambda: slot.open)
    for i in range(post.FULLEST + 100):
        post.put(Text("x" * 280, key=str(i)))
    assert post.lost == 100
    slot.open = True
    assert post.flush() and sum(len(letter) for letter in slot.letters) == post.FULLEST
    from engine.core.mailbox import Mailbox as Real

    mine, theirs = Real.pair()
    Real(mine).send(slot.letters[0])  # the largest letter fits
    assert next(Real(theirs).drain()) == slot.letters[0]


def test_a_show_is_written_down_and_read_back_as_it_was(tmp_path: Path) -> None:
    score = tmp_path / "show" / "score.jsonl"
    for beta in (0.25, 0.75):  # the second doors go on in the same score
        with House(score=score) as house:
            performer = Performer(house.opened.osc)
            performer.play("/hm/beta", beta)
            performer.play("/hm/text/once", f"key{beta}", "la mer")
            house.until(lambda: house.messages(Text) and house.messages(Set))
            house.until(lambda: len(house.stored) == 1)
            heard = [message for _, message in house.said]
            performer.close()
    messages = read(score)
    assert [m.args for m in messages if isinstance(m, Set)] == [(0.25,), (0.75,)]
    assert [m.words for m in messages if isinstance(m, Text)] == ["la mer"] * 2
    assert [replace(m, at=0.0) for m in messages[2:]] == [replace(m, at=0.0) for m in heard]
    assert messages[0].at < messages[2].at and all(m.at >= 0 for m in messages)


def test_what_is_taken_back_leaves_the_score(tmp_path: Path) -> None:
    score = tmp_path / "score.jsonl"
    with House(score=score) as house:
        performer = Performer(house.opened.osc)
        performer.ask("/hm/text/once", "key1", "un secret de famille")
        performer.ask("/hm/text/once", "key2", "autre chose")
        assert "secret" in score.read_text()
        house.tell(Withdrawn(house.stored["key1"].code, True))
        house.until(lambda: "secret" not in score.read_text())
        performer.close()
    assert [m.words for m in read(score) if isinstance(m, Text)] == ["autre chose"]


def test_a_line_that_is_no_score_is_named(tmp_path: Path) -> None:
    (tmp_path / "score.jsonl").write_text('{"score": 1, "origin": 0}\n{"at": 1, "kind of message": "Tecst"}\n')
    with pytest.raises(ScoreError, match=r"score.jsonl:2: .*Tecst"):
        read(tmp_path / "score.jsonl")


def test_a_room_that_starts_again_learns_its_nodes_anew() -> None:
    with House() as house:
        house.send(Directory(NODES[:1]))
        performer = Performer(house.opened.osc)
        house.until(lambda: performer.ask("/hm/scene")[0][0] == "/hm/error")
        performer.close()
