"""Sound and doors on another machine: real Zenoh, a real sound room with the null device, real doors; the loop is a small one."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from websockets.sync.client import connect

from engine.core.messages import Keystroke, Set, Text
from tests.places.ears import Show, in_a_thread, machine, say
from tests.places.house_of_two import TOP, free_port

pytestmark = pytest.mark.realtime
LATER = 86_400  # seconds that the other machine's clock is ahead, where this one can give a process a clock of its own


class Page:
    """A page of the kiosk."""

    def __init__(self, web, visit=""):
        self.stack = contextlib.ExitStack()
        self.socket = self.stack.enter_context(connect(f"ws://127.0.0.1:{web}/visit", origin=f"http://127.0.0.1:{web}"))
        self.said = []
        self.send({"t": "hello", "visit": visit})
        self.visit = self.answer("welcome")["visit"]

    def send(self, what):
        self.socket.send(json.dumps(what))

    def text(self, key, words):
        self.send({"t": "text", "key": key, "words": words, "language": "en"})

    def look(self):
        """What has come, without waiting for more than a moment."""
        try:
            while True:
                self.said.append(json.loads(self.socket.recv(timeout=0.01)))
        except TimeoutError:
            pass

    def answer(self, kind, seconds=10.0):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.look()
            for what in self.said:
                if what["t"] == kind:
                    return what
        raise AssertionError(f"no {kind}: {self.said}")

    def stored(self):
        self.look()
        return [what["key"] for what in self.said if what["t"] == "stored"]


@pytest.fixture
def show():
    made = Show()
    yield made
    made.close()


def test_sound_and_doors_elsewhere_play_on_the_one_clock_answer_and_outlive_the_way_to_them(show, tmp_path):
    web, osc = free_port(), free_port()
    show.sound.hear(Set("/hm/sound/gian", (0.5,)))  # before anybody is there
    with in_a_thread(machine(tmp_path, show.facts.listen[0], web, osc)) as there:
        show.until(lambda: show.sounds() and show.doors.opened)
        show.until(lambda: any("did you mean /hm/sound/gain" in what for what in show.troubles))
        meant = show.click()
        assert len(show.heard) == 10 and np.abs(np.array(show.heard) - meant).max() < 0.003, (meant, show.heard)
        page = Page(web)
        page.text("a1b2c3d4e5f60718", "a red moon at night")
        page.send({"t": "key", "bits": 3.0})
        show.until(lambda: page.stored() == ["a1b2c3d4e5f60718"])
        said = next(one for one in show.said if isinstance(one, Text))
        assert abs(said.at - time.monotonic()) < 5.0
        show.until(lambda: any(isinstance(one, Keystroke) for one in show.said))
        show.stop()  # the house is away: what people write waits, and a fader that they move does not
        assert show.texts() == ["a red moon at night"]
        show.until(lambda: not there.house)
        page.text("b1b2c3d4e5f60718", "a blue river at noon")
        say(osc, "/hm/text/once", "c1b2c3d4e5f60718", "a golden tower")
        say(osc, "/hm/beta", 0.9)
        say(osc, "/hm/blackout", True)
        time.sleep(0.3)
        show.start()
        show.until(lambda: len(page.stored()) == 2 and set(show.texts()[1:]) == {"a blue river at noon", "a golden tower"})
        show.until(show.sounds)
        assert [one.address for one in show.sets()] == ["/hm/blackout"] and len(show.texts()) == 3, "each once"
        assert show.lasting.pulses.get("blackout") == 1.0
        page.stack.close()


def _clock_of_its_own() -> tuple[str, ...]:
    """A command in front of which a process has another monotonic clock; () where that cannot be."""
    command = ("unshare", "--user", "--map-root-user", "--time", "--fork", "--kill-child", "--monotonic", str(LATER))
    command = command if os.geteuid() else (command[0], *command[3:])
    able = shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return command if able else ()


class Ears:
    """The other machine as a process, killed and started at will."""

    def __init__(self, folder, peer):
        self.web, self.osc, self.clock = free_port(), free_port(), _clock_of_its_own()
        self.command = [*self.clock, sys.executable, "-m", "tests.places.ears", str(folder), peer, str(self.web), str(self.osc)]
        self.out = folder / "clicks"
        self.start()

    def start(self):
        with self.out.open("w") as out:
            self.process = subprocess.Popen(self.command, cwd=TOP, stdout=out, env={**os.environ, "PYTHONPATH": str(TOP)}, start_new_session=True)

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def clicks(self):
        """This machine's seconds at which the other one's loudspeakers clicked."""
        return np.array([float(line) for line in self.out.read_text().splitlines()]) - (LATER if self.clock else 0.0)


@pytest.mark.long
def test_a_machine_that_is_killed_or_stopped_is_missed_within_a_second_and_comes_back_by_itself(show, tmp_path):
    there = Ears(tmp_path, show.facts.listen[0])
    try:
        show.until(lambda: show.sounds() and show.doors.opened)
        show.wait(3.0)  # drift and offset
        origin, meant = show.sound.clock.origin, show.click(20)
        apart = there.clicks()[-20:] - [show.sound.seconds.monotonic(origin + at) for at in meant]
        print(f"{'a clock of its own' if there.clock else 'the same clock'}: grains leave {1e3 * np.abs(apart).max():.2f} ms beside their time at most; {1e3 * apart.mean():.2f} ms on average")
        assert len(apart) == 20 and np.abs(apart).max() < 0.005
        page = Page(there.web)
        show.until(lambda: page.visit)
        missed, ticked = [], []
        for blow in (signal.SIGKILL, signal.SIGSTOP):
            before, at = show.sound.seconds(), time.monotonic()
            there.signal(blow)
            missed.append(show.until(lambda: not show.sounds()))
            show.wait(1.0)
            ticked.append(abs(show.sound.seconds() - before - (time.monotonic() - at)))
            if blow == signal.SIGKILL:
                there.process.wait()
                there.start()
            else:
                there.signal(signal.SIGCONT)
            print(f"{blow.name}: missed after {missed[-1]:.2f} s, back {show.until(show.sounds):.1f} s after it was started again")
            show.until(lambda: len(show.click(5)) == len(show.heard) == 5)
        assert max(missed) < 1.2 and max(ticked) < 0.02, (missed, ticked)
        page = Page(there.web, page.visit)  # the page comes back by itself, and says again what had no answer
        page.text("d1b2c3d4e5f60718", "a green field in spring")
        show.until(lambda: page.stored() == ["d1b2c3d4e5f60718"])
        assert show.texts() == ["a green field in spring"]
    finally:
        there.signal(signal.SIGCONT)
        there.kill()
