"""A loop that hangs or dies is started anew from where it was, by a process that does nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.core.guard import Guard
from engine.core.messages import Set, Text, Withdrawn
from engine.core.pulse import Pulses
from engine.house.journal import Journal, read
from engine.loop import rehearse
from engine.show.cast import Cast
from engine.show.kept import kept, restore
from engine.show.programme import Programme
from engine.show.scene import files, load
from tests.faults.test_threads import wait_for
from tests.house.test_house import TOP, Show
from tests.house.test_house import wait_for as wait_long

pytestmark = [pytest.mark.realtime, pytest.mark.shared]


def ended(process: psutil.Process) -> bool:
    """Whether a process is over, waited for or not: it may go between two questions."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


class Watched:
    """A watchdog with the small show."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen([sys.executable, "-m", "tests.faults.small_show", str(folder)], cwd=TOP, stderr=self.log)
        self._pulses: Pulses | None = None

    @property
    def pulses(self) -> Pulses:
        wait_for(lambda: (self.folder / "names").exists(), 30)
        self._pulses = self._pulses or Pulses((self.folder / "names").read_text())
        return self._pulses

    def starts(self) -> list[list[str]]:
        file = self.folder / "starts"
        return [line.split("|") for line in file.read_text().splitlines()] if file.exists() else []

    def playing(self, starts: int) -> int:
        """Wait for so many starts and three frames after; the loop's process id."""
        wait_for(lambda: len(self.starts()) == starts, 60)
        frames = self.pulses.get("frames")
        wait_for(lambda: self.pulses.get("frames") > frames + 3, 20)
        return int(self.starts()[-1][2])

    def ask(self, what: str) -> float:
        (self.folder / what).touch()
        return time.monotonic()

    def said(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.process.terminate()
    made.process.wait(20)
    if made._pulses:
        made._pulses.close()


def test_a_loop_without_end_is_dumped_and_started_anew_within_five_seconds_and_its_scene_is_named(watched: Watched) -> None:
    watched.playing(1)
    begun = watched.ask("hang")
    watched.playing(2)
    assert float(watched.starts()[1][0]) - begun < 5.0
    assert "the loop has shown nothing for 3" in watched.starts()[1][1] and ", 1, " in watched.starts()[1][1], "the scene that hung"
    assert 'small_show.py", line' in watched.said() and "in show" in watched.said(), "the stacks are in the log"


def test_a_loop_that_waits_for_ever_is_started_anew_and_no_scene_is_blamed(watched: Watched) -> None:
    watched.playing(1)
    watched.ask("wait")
    watched.playing(2)
    assert ", 0, " in watched.starts()[1][1]


@pytest.mark.parametrize("how", ["stopped", "hangs"])
def test_whoever_asks_for_dark_has_it_within_a_second_while_the_loop_hangs(watched: Watched, how: str) -> None:
    loop = psutil.Process(watched.playing(1))
    if how == "stopped":
        loop.suspend()
    else:
        watched.ask("wait")
    time.sleep(0.3)
    asked = time.monotonic()
    watched.pulses.put("blackout", 1.0)
    watched.pulses.put("dark", asked)
    wait_for(lambda: ended(loop))
    assert time.monotonic() - asked < 1.0
    watched.playing(2)
    assert watched.pulses.get("blackout") == 1.0, "the next loop finds it"


def test_a_loop_that_answers_is_left_alone_when_dark_is_asked_for(watched: Watched) -> None:
    watched.playing(1)
    watched.pulses.put("dark", time.monotonic())
    time.sleep(1.5)
    assert len(watched.starts()) == 1


def test_a_loop_that_is_killed_is_started_anew_at_once(watched: Watched) -> None:
    first = watched.playing(1)
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    watched.playing(2)
    assert float(watched.starts()[1][0]) - killed < 5.0


def besides(watched: Watched, loop: int) -> list[psutil.Process]:
    """Processes of a show that wait for their turn."""
    mine = psutil.Process(watched.process.pid).children()
    return [child for child in mine if child.pid != loop and "spawn_main" in " ".join(child.cmdline())]


def test_the_next_loop_stands_ready_and_begins_at_once(watched: Watched) -> None:
    first = watched.playing(1)
    wait_for(lambda: besides(watched, first), 20)
    (ready,) = besides(watched, first)
    wait_for(lambda: ready.status() == psutil.STATUS_SLEEPING and ready.cpu_times().user > 0.3, 20)
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    assert watched.playing(2) == ready.pid
    assert float(watched.starts()[1][0]) - killed < 0.5


def test_nobody_waits_for_a_turn_where_the_watching_process_is_gone(watched: Watched) -> None:
    first = watched.playing(1)
    wait_for(lambda: besides(watched, first), 20)
    (ready,) = besides(watched, first)
    watched.process.kill()
    watched.process.wait()
    os.kill(first, signal.SIGKILL)  # the small show does not look whether anybody watches it
    wait_for(lambda: ended(ready), 20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_show_ends_when_it_is_told_to_even_while_the_loop_hangs(watched: Watched, number: int) -> None:
    watched.playing(1)
    watched.ask("hang")
    time.sleep(0.2)
    watched.process.send_signal(number)
    told = time.monotonic()
    assert watched.process.wait(20) == 128 + number and time.monotonic() - told < 6.0


def test_a_show_that_is_told_to_end_ends_in_order(watched: Watched) -> None:
    watched.playing(1)
    watched.process.send_signal(signal.SIGINT)
    assert watched.process.wait(20) == 0 and len(watched.starts()) == 1


def test_what_is_wrong_before_the_first_frame_is_said_once_and_ends(tmp_path: Path) -> None:
    (tmp_path / "refuse").touch()
    watched = Watched(tmp_path)
    assert watched.process.wait(30) == 2 and len(watched.starts()) == 1 and watched.said().count("no such thing") == 1


def test_a_show_that_dies_at_every_start_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "crash").touch()
    watched = Watched(tmp_path)
    assert watched.process.wait(60) == 1 and len(watched.starts()) == 3 and "hypermnesia doctor" in watched.said()


# --- what the next loop knows


def test_a_restart_goes_on_with_scene_forces_words_and_blackout(tmp_path: Path) -> None:
    before = Programme(Cast(files(), make=load), "gap", seed=3)
    said = Text("the sea at night", key="k", visit="v")
    turned = Set("/hm/scene", ("lineage",)), Set("/hm/hold", (True,)), Set("/hm/beta", (0.9,)), Set("/hm/blackout", (True,)), Set("/hm/seed", (77,))
    rehearse(before, 0.2, (said, Set("/hm/scene/gap/trail", (0.1,)), *turned))
    journal = Journal(tmp_path / "show.json", Guard("loop"))
    journal.put(kept(before))
    wait_for(lambda: read(tmp_path / "show.json"))
    journal.close()
    after = Programme(Cast(files(), make=load), "gap")
    restore(after, read(tmp_path / "show.json"))
    assert kept(after) == kept(before)
    assert (after.name, after.hold, after.blackout, after.seed) == ("lineage", True, True, 77)
    assert after.scene.dream(None).sentence == ("k", "the sea at night") and after.scene.beta == 0.9  # type: ignore[arg-type]
    assert (tmp_path / "show.json").stat().st_mode & 0o077 == 0, "nobody else reads what was said"
    after.learn(Withdrawn("code", True, key="k"))
    assert "the sea" not in json.dumps(kept(after)), "what was taken back is not written down again"


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"scene": 3, "scenes": {"gap": {"beta": 0.5, "nothing": 1}}}'])
def test_a_journal_that_is_broken_or_of_another_version_costs_itself_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "show.json").write_text(text)
    show = Programme(Cast(files(), make=load), "gap")
    restore(show, read(tmp_path / "show.json"))
    assert len(rehearse(show, 0.1).shown) == 6


def test_a_disk_that_refuses_the_journal_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    guard = Guard("loop")
    journal = Journal(tmp_path / "file" / "show.json", guard)
    for n in range(3):
        journal.put({"n": n})
        wait_for(lambda: guard.count > n)  # noqa: B023
    journal.close()


SCENE = """from pathlib import Path

from engine import Scene, dreamed

FLAG = Path({flag!r})


class Mine(Scene):
    def update(self, now):
        while {endless} and FLAG.exists():
            pass

    def draw(self, now):
        return dreamed.feedback(trail=0.5)
"""


@pytest.mark.long
def test_a_wall_whose_scene_never_returns_is_back_with_the_last_good_one_and_the_same_state(tmp_path: Path) -> None:
    mine, flag = tmp_path / "mine.py", tmp_path / "flag"
    mine.write_text(SCENE.format(flag=str(flag), endless=False))
    show = Show(tmp_path / "home", scene=str(mine)).awake()
    try:
        show.send("/hm/text", "s", "the sea at night")
        show.send("/hm/beta", "f", 0.75)
        wait_long(lambda: (show.home / "scenes" / "mine.py").exists())
        mine.write_text(SCENE.format(flag=str(flag), endless=True))
        wait_long(lambda: "mine.py was reloaded" in show.log.read_text())
        flag.touch()
        hung = time.time()
        wait_long(lambda: "it is started anew" in show.log.read_text(), every=0.02)
        anew = time.time()
        wait_long(lambda: (show.home / "show.json").stat().st_mtime > anew, every=0.02)  # it is written with the first frame
        assert time.time() - hung < 5.0
        wait_long(lambda: show.frames() > 5)
        health = show.health()
        assert health["facts"]["scene"] == "mine" and "stopped the whole show once" in health["facts"]["without"]
        assert any("shown nothing for 3" in trouble for trouble in health["troubles"])
        kept = wait_long(lambda: read(show.home / "show.json"))
        assert kept["said"]["words"] == "the sea at night" and kept["scenes"]["mine"]["beta"] == 0.75 and kept["hung"]
        show.send("/hm/blackout", "T")
        wait_long(lambda: show.health()["facts"]["blackout"] == "dark")
        loop = show.loop()
        os.kill(loop, signal.SIGKILL)
        wait_long(lambda: show.loop() not in (0, loop) and show.frames() > 5)
        assert show.health()["facts"]["blackout"] == "dark", "dark while blackout holds"
    finally:
        assert show.end() == 0
    assert "is in use" not in show.log.read_text(), "a loop that comes back minds what the one before has left"
    assert read(show.home / "show.json")["ended"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", show.osc))  # nothing is left behind
