"""The mind's room, as the supervisor starts it: a process that listens while it dreams."""

import functools
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from torch import Tensor

from engine.core.crossings import PictureRing
from engine.core.mailbox import Mailbox
from engine.core.messages import (
    Dream,
    Loading,
    Rest,
    Returned,
    Set,
    Stored,
    Text,
    Told,
    Touch,
    Trouble,
    Withdraw,
    Withdrawn,
)
from engine.mind.model.contract import Contract, Terms
from engine.mind.parts import Parts
from engine.mind.room import serve
from engine.painter.recipe import CROWD
from tests.mind.small_mind import SIDE, Painter, options, parts

pytestmark = [pytest.mark.realtime, pytest.mark.shared]

SPAWN = multiprocessing.get_context("spawn")


class Started:
    """A room in its process, and the post to it."""

    def __init__(self, folder: Path, gather: Callable[[], Parts] = parts):
        self.ring = PictureRing((SIDE, SIDE))
        mine, theirs = Mailbox.pair()
        self.mailbox = Mailbox(mine)
        self.letters: list[object] = []
        self.process = SPAWN.Process(target=serve, args=(theirs, self.ring.name, options(folder), gather), daemon=True)
        self.process.start()
        theirs.close()

    def until(self, seen: Callable[[], bool], seconds: float = 40.0) -> float:
        """Read letters until something is seen; returns the seconds it took."""
        begun = time.monotonic()
        while not seen():
            assert time.monotonic() - begun < seconds, f"not within {seconds} s; letters: {self.letters[-5:]}"
            assert self.process.is_alive(), "the room died"
            self.mailbox.wait(0.01)
            self.letters.extend(self.mailbox.drain())
        return time.monotonic() - begun

    def got(self, kind: type) -> list:
        return [letter for letter in self.letters if isinstance(letter, kind)]

    def stop(self) -> None:
        self.mailbox.send(None)
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
        self.mailbox.close()
        self.ring.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    yield started
    started.stop()


def test_a_room_loads_listens_dreams_answers_and_ends(room: Started) -> None:
    room.mailbox.send(Text("a violet tower in the fog", key="early", visit="v"))  # before the mind is there
    room.mailbox.send(Dream("a red moon at night"))
    room.until(lambda: room.ring.serial > 3)
    assert any(letter == Loading("ready", 1.0) for letter in room.got(Loading))
    room.until(lambda: bool(room.got(Returned)))
    assert room.got(Stored)[0].key == "early" and room.got(Returned)[0].key == "early"

    delays = []
    for number in range(10):
        begun = time.monotonic()
        room.mailbox.send(Text(f"sentence {number}", key=f"k{number}"))
        room.until(lambda number=number: any(s.key == f"k{number}" for s in room.got(Stored)))
        delays.append(time.monotonic() - begun)
    print("acknowledged after ms:", [round(1000 * d) for d in sorted(delays)])
    assert sorted(delays)[5] < 0.1, "while pictures are made"

    room.mailbox.send(Touch(0.5, 0.5, visit="v"))
    room.mailbox.send(Withdraw(room.got(Stored)[0].code, visit="v"))
    room.mailbox.send(Set("/hm/veto"))
    room.until(lambda: bool(room.got(Told) and room.got(Withdrawn)))
    assert room.got(Told)[0].ancestors and room.got(Withdrawn)[0].found

    serial = room.ring.serial
    room.mailbox.send(Dream("a blue river at noon"))
    room.until(lambda: (p := room.ring.newest(serial)) is not None and p.state.words == "a blue river at noon")

    room.mailbox.send(Rest(True))  # the house closes: nothing is painted, everything is heard
    serial = -1
    while room.ring.serial != serial:
        serial = room.ring.serial
        time.sleep(0.5)
    room.mailbox.send(Text("said at night", key="night"))
    room.until(lambda: any(s.key == "night" for s in room.got(Stored)))
    assert room.ring.serial == serial
    room.mailbox.send(Rest(False))
    room.until(lambda: room.ring.serial > serial)
    room.mailbox.send(None)
    room.process.join(10)
    assert room.process.exitcode == 0


def test_a_killed_room_comes_back_with_all_that_it_acknowledged(tmp_path: Path) -> None:
    first = Started(tmp_path)
    first.mailbox.send(Dream("a red moon at night"))
    first.until(lambda: first.ring.serial > 0)
    for number in range(20):
        first.mailbox.send(Text(f"sentence {number}", key=f"k{number}"))
    first.until(lambda: len(first.got(Stored)) >= 12)
    acknowledged = {letter.key: letter.fragment for letter in first.got(Stored)}
    assert first.process.pid
    first.process.kill()
    first.process.join(5)
    assert first.process.exitcode == -signal.SIGKILL
    second = Started(tmp_path)
    try:
        for key in acknowledged:
            second.mailbox.send(Text("again", key=key))
        second.mailbox.send(Dream("a red moon at night"))
        second.until(lambda: {s.key for s in second.got(Stored)} >= set(acknowledged) and second.ring.serial > 0)
        assert {s.key: s.fragment for s in second.got(Stored)} == acknowledged, "exactly once"
    finally:
        second.stop()
        first.mailbox.close()
        first.ring.close()


def _parts_when(told: Path) -> Parts:
    """They load until somebody has made a file."""
    while not told.exists():
        time.sleep(0.01)
    return parts()


def test_a_sentence_is_kept_and_acknowledged_while_the_model_still_loads_and_answered_to_its_writer(tmp_path: Path) -> None:
    told = tmp_path / "loaded"
    started = Started(tmp_path / "archive", functools.partial(_parts_when, told))
    try:
        for number in range(2):
            started.mailbox.send(Text("a violet tower in the fog", key=f"early{number}", visit=f"v{number}"))
        started.until(lambda: len(started.got(Stored)) == 2)
        assert started.ring.serial == 0 and Loading("ready", 1.0) not in started.got(Loading)
        told.touch()
        started.mailbox.send(Dream("a red moon at night"))
        started.until(lambda: len(started.got(Returned)) == 2)
        assert {(one.key, one.visit) for one in started.got(Returned)} == {("early0", "v0"), ("early1", "v1")}
        assert len({one.fragment for one in started.got(Stored)}) == 2
    finally:
        started.stop()


class _Late(Painter):
    """Is never in time."""

    def __init__(self) -> None:
        super().__init__()
        self.contract = Contract(Terms(deadline=1e-4, window=2))


def _late_parts() -> Parts:
    return parts(dreamer=_Late())


def test_where_pictures_are_late_a_crowd_still_comes_together_for_new_words(tmp_path: Path) -> None:
    started = Started(tmp_path, _late_parts)
    try:
        started.mailbox.send(Dream("a red moon at night"))
        started.until(lambda: (p := started.ring.newest()) is not None and p.state.step in ("skip", "extrapolate"))
        started.mailbox.send(Dream("a blue river at noon"))
        started.until(lambda: (p := started.ring.newest()) is not None and p.state.words == "a blue river at noon")
        started.until(lambda: (p := started.ring.newest()) is not None and p.state.lineage.count >= CROWD, 15.0)
    finally:
        started.stop()


class _Forgetful(Painter):
    """Has no memory left as soon as somebody says so."""

    def condition(self, words: str) -> Tensor:
        if "no room" in words:
            raise MemoryError("not a byte more")
        return super().condition(words)


def _forgetful_parts() -> Parts:
    return parts(dreamer=_Forgetful())


def test_a_mind_whose_thoughts_fail_one_after_another_says_so_and_ends(tmp_path: Path) -> None:
    started = Started(tmp_path, _forgetful_parts)
    try:
        started.mailbox.send(Dream("a red moon at night"))
        started.until(lambda: started.ring.serial > 0)
        started.mailbox.send(Dream("there is no room"))
        serial = started.ring.serial
        started.until(lambda: any("thoughts failed" in one.what for one in started.got(Trouble)))
        assert started.ring.serial > serial, "meanwhile the last thought is dreamt on"
        started.process.join(10)
        assert started.process.exitcode == 0
    finally:
        started.stop()
