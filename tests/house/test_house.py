"""The whole show as a stranger runs it: a process of its own, real GL, real UDP, real pages, rooms that are killed."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from pythonosc.osc_packet import OscPacket
from safetensors.torch import load_file, save_file
from websockets.sync.client import connect

from engine.doors.wires import encode
from tests.mind.model.test_single import Made

pytestmark = pytest.mark.realtime

TOP = Path(__file__).parents[2]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, seconds=60.0, every=0.1):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(every)
    raise AssertionError("it did not happen in time")


class Show:
    """`hypermnesia run` in a process of its own, on free ports, with a memory of its own."""

    def __init__(self, home, *options, seconds=0.0, scene="gap", run=(sys.executable, "-m", "engine", "run")):
        home.mkdir(exist_ok=True)
        self.home, self.osc, self.web = home, free_port(socket.SOCK_DGRAM), free_port()
        command = [*run, scene, "--home", str(home), "--sound", "null", "--size", "320x180"]
        command += ["--osc", str(self.osc), "--web", str(self.web), "--window", "headless", *options]
        command += ["--seconds", str(seconds)] if seconds else []
        self.log = home / "log"
        self.process = subprocess.Popen(command, cwd=TOP, stderr=self.log.open("w"), stdout=subprocess.DEVNULL)

    def health(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/health", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as unwell:  # a show that is unwell still says how it is
            return json.load(unwell)
        except OSError:
            return {}

    def loop(self):
        """The process id of the loop, which the show's own process watches; 0 while there is none."""
        return self.room("loop")

    def room(self, name):
        """The process id of a room; 0 while there is none."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(OSError):  # it ends just now
                if Path(f"/proc/{child.pid}/comm").read_text().strip() == f"hm-{name}":
                    return child.pid
        return 0

    def figures(self):
        return self.health().get("figures", {})

    def frames(self):
        return self.figures().get("frames", 0)

    def awake(self):
        return wait_for(lambda: self.process.poll() is not None or self.frames() > 5, 240) and self

    def send(self, address, types, *values):
        subprocess.run(["oscsend", "127.0.0.1", str(self.osc), address, types, *map(str, values)], check=True)

    def words(self):
        """All sentences in the archive, read from outside."""
        with sqlite3.connect(f"file:{self.home}/archive/memory.sqlite?mode=ro", uri=True) as archive:
            return [row[0] for row in archive.execute("select words from fragment")]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return self.process.returncode


def test_a_recorded_show_has_light_and_sound_and_its_length(tmp_path):
    film = tmp_path / "show.mp4"
    show = Show(tmp_path, "--say", "the sea at night", "--say", "une ville en feu", "--record", str(film), seconds=5.0)
    assert show.process.wait(240) == 0, show.log.read_text()
    (film,) = tmp_path.glob("show-*.mp4")
    with av.open(str(film)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        length = frames and float(container.streams.video[0].duration * container.streams.video[0].time_base)
    with av.open(str(film)) as container:
        sound = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
        rate = container.streams.audio[0].rate
    assert abs(length - 5.0) <= 0.5 and abs(sound.shape[1] / rate - 5.0) <= 0.5
    assert len(frames) > 40
    late = [f.mean() for f in frames[len(frames) // 3 :]]
    assert max(late) > 8, "the wall is dark"
    assert np.abs(frames[-1].astype(int) - frames[len(frames) // 2].astype(int)).mean() > 1.0, "the wall stands still"
    assert np.sqrt((sound**2).mean()) > 1e-4 and np.abs(sound).max() < 0.99


@pytest.fixture(scope="module")
def one_file(tmp_path_factory):
    """A small SD 2 with random weights, in one file as people pass them around."""
    made = Made("sd2", tmp_path_factory.mktemp("sd2")).file
    made.with_name("machine.toml").write_text("[mind]\nsize = 64\nfounding = 24\n")
    return made


@pytest.mark.long
def test_a_whole_show_is_dreamt_by_a_single_file(one_file, tmp_path):
    show = Show(tmp_path, "--model", str(one_file), "--machine", str(one_file.with_name("machine.toml"))).awake()
    try:
        wait_for(lambda: show.send("/hm/text", "s", "a lamp") or "a lamp" in show.words(), every=1.0)
        wait_for(lambda: show.figures().get("pictures_per_second", 0.0) > 1.0)
        assert show.health()["facts"]["model"] == str(one_file) and show.health()["troubles"] == []
    finally:
        assert show.end() == 0


@pytest.mark.long
def test_a_model_whose_pictures_are_not_finite_is_told_and_the_wall_goes_on(one_file, tmp_path):
    weights = load_file(one_file)
    weights["model.diffusion_model.out.2.bias"][:] = float("nan")
    broken = tmp_path / "broken.safetensors"
    save_file(weights, broken)
    shutil.copytree(one_file.parent, tmp_path, dirs_exist_ok=True, ignore=lambda *_: [one_file.name])
    show = Show(tmp_path / "home", "--model", str(broken), "--machine", str(tmp_path / "machine.toml")).awake()
    try:
        wait_for(lambda: any("not finite" in one for one in show.health().get("troubles", ())))
        before = show.frames()
        wait_for(lambda: show.frames() > before + 10)
    finally:
        assert show.end() == 0


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    if not shutil.which("oscsend"):
        pytest.fail("oscsend is missing: apt-get install liblo-tools")
    show = Show(tmp_path_factory.mktemp("home")).awake()
    yield show
    show.end()


def test_a_sentence_from_a_foreign_osc_client_is_remembered(show):
    show.send("/hm/text", "s", "a forest in the rain")
    wait_for(lambda: "a forest in the rain" in show.words())


def test_what_the_picture_remembers_is_said_to_who_asks(show):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind(("127.0.0.1", 0))
        asker.settimeout(10)
        show.send("/hm/subscribe", "si", "/hm/state/caption", asker.getsockname()[1])
        heard = wait_for(lambda: OscPacket(asker.recv(65535)).messages[0].message.params[0], every=0.0)
    assert re.search(r"\w", heard)


def test_silence_that_was_asked_for_is_no_trouble(show):
    def status():
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(f"http://127.0.0.1:{show.web}/health", timeout=5) as answer:
            return answer.status == 200
        return False

    wait_for(status)


def test_eyes_are_guarded_and_anybody_can_read_it(show):
    assert show.health()["facts"]["flashes"].startswith("at most 3 a second")
    assert show.figures()["stage_eased"] == 0 and show.figures()["stage_pace"] == 1.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.bind(("127.0.0.1", 0))
        asker.settimeout(10)
        show.send("/hm/subscribe", "si", "/hm/state/flashes", asker.getsockname()[1])
        heard = OscPacket(asker.recv(65535)).messages[0].message
    assert heard.address == "/hm/state/flashes" and 0.0 <= heard.params[0] <= 3.0


def test_a_key_is_heard_within_fifty_milliseconds(show):
    """p95 from the key's arrival to the DAC, with every room running; best of three, for a machine that others use."""
    for _ in range(3):
        with connect(f"ws://127.0.0.1:{show.web}/visit", origin=f"http://127.0.0.1:{show.web}") as page:
            page.send(json.dumps({"t": "hello", "visit": ""}))
            for _ in range(60):
                page.send(json.dumps({"t": "key", "bits": 3, "deleted": False}))
                time.sleep(0.083)
        time.sleep(1.5)
        p95 = show.figures()["key_p95_ms"]
        if 0.0 < p95 <= 50.0:
            break
    assert 0.0 < p95 <= 50.0


def test_two_visits_with_one_sentence_within_a_second_each_have_their_own_answer_and_lineage(show):
    """From a page and from a foreign OSC program, through every room and back."""
    words, own, heard = "a white tower by the sea", f"{time.monotonic_ns():016x}", {}
    visit = connect(f"ws://127.0.0.1:{show.web}/visit", origin=f"http://127.0.0.1:{show.web}")
    with visit as page, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.connect(("127.0.0.1", show.osc))
        other.settimeout(0.1)
        page.send(json.dumps({"t": "hello", "visit": ""}))
        page.send(json.dumps({"t": "text", "key": own, "words": words}))
        other.send(encode("/hm/text/once", ("theirs", words)))

        def both_answered():
            with contextlib.suppress(TimeoutError):
                said = json.loads(page.recv(timeout=0.1))
                heard["page", said["t"]] = said
            with contextlib.suppress(TimeoutError):
                for one in (timed.message for timed in OscPacket(other.recv(65535)).messages):
                    heard["osc", one.address.removeprefix("/hm/")] = one.params
            return {(way, what) for way in ("page", "osc") for what in ("stored", "returned")} <= set(heard)

        wait_for(both_answered, 120, every=0.0)
    mine, (key, second, code) = heard["page", "stored"], heard["osc", "stored"]
    first, (whose, grown, *_) = mine["fragment"], heard["osc", "returned"]
    assert mine["key"] == heard["page", "returned"]["key"] == own and key == whose == "theirs"
    assert first != second and code != mine["code"]
    for answer in (" ".join(token["text"] for token in heard["page", "returned"]["tokens"]), grown):
        assert set(words.split()) <= set(answer.split()), "the answer is not of this sentence"
    with sqlite3.connect(f"file:{show.home}/archive/memory.sqlite?mode=ro", uri=True) as archive:
        said = {one for (one,) in archive.execute("SELECT id FROM fragment WHERE words = ?", (words,))}
        parents = {one: dict(archive.execute("SELECT parent, share FROM edge WHERE child = ?", (one,))) for one in said}
    assert said == {first, second} and parents[first] != parents[second]
    assert all(line[one] > 0 and len(line) > 8 for one, line in parents.items()), "each descends from itself, and from others"


def test_a_wrong_address_a_wrong_type_and_a_broken_bundle_do_not_stop_the_show(show):
    before = show.frames()
    show.send("/hm/betta", "f", 0.5)
    show.send("/hm/beta", "s", "loud")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"#bundle\0" + bytes(7) + b"\1" + b"\xff\xff\xff\xfc", ("127.0.0.1", show.osc))
        sender.sendto(b"\xff" * 9000, ("127.0.0.1", show.osc))
    wait_for(lambda: show.frames() > before + 10)
    show.send("/hm/text", "s", "still listening")
    wait_for(lambda: "still listening" in show.words())


def test_a_sentence_of_ten_thousand_characters_and_an_empty_one_do_not_stop_the_show(show):
    before = show.frames()
    show.send("/hm/text", "s", "")
    show.send("/hm/text", "s", "so many words " * 720)
    show.send("/hm/text", "s", "after too many words")
    wait_for(lambda: "after too many words" in show.words())
    wait_for(lambda: show.frames() > before + 10)
    assert "" not in show.words()


@pytest.mark.parametrize("name", ["mind", "sound", "doors"])
def test_a_room_that_is_killed_comes_back_while_frames_go_on(show, name):
    first = wait_for(lambda: show.room(name))
    before = wait_for(show.frames)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: show.room(name) not in (0, first), 30)
    wait_for(lambda: show.frames() > before + 10)
    sentence = f"after the {name} died"
    wait_for(lambda: show.send("/hm/text", "s", sentence) or sentence in show.words(), 90, every=1.0)


def test_no_sentence_is_lost_when_the_mind_dies_right_after_it_was_said(show):
    said = [f"word {n} before the fall" for n in range(5)]
    for sentence in said:
        show.send("/hm/text", "s", sentence)
    time.sleep(0.3)  # as long as the doors and the loop need to pass them on
    os.kill(show.room("mind"), signal.SIGKILL)
    wait_for(lambda: set(said) <= set(show.words()), 90)
    assert all(show.words().count(sentence) == 1 for sentence in said)


def test_a_mind_that_gets_no_more_memory_goes_on_or_says_so_and_comes_back(show):
    wait_for(lambda: show.room("mind") and show.figures().get("picture_age_ms", 1e9) < 1000)  # it is at work
    mind = psutil.Process(wait_for(lambda: show.room("mind")))
    before, told, words = show.frames(), show.health()["troubles"], "a sentence that nobody has thought of before"
    mind.rlimit(psutil.RLIMIT_AS, (mind.memory_info().vms // 2,) * 2)  # nothing new can be mapped
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect(("127.0.0.1", show.osc))
        asker.settimeout(0.1)
        asker.send(encode("/hm/text/once", ("new", words)))

        def answered():
            with contextlib.suppress(TimeoutError):
                return any(timed.message.address == "/hm/returned" for timed in OscPacket(asker.recv(65535)).messages)

        # it may live on what it has; else its thoughts fail until it ends itself, or it dies, or hangs and is ended after a minute
        wait_for(lambda: answered() or show.room("mind") != mind.pid, 180, every=0.0)
    wait_for(lambda: show.room("mind") and show.figures().get("picture_age_ms", 1e9) < 1000, 180)
    assert show.room("mind") == mind.pid or wait_for(lambda: show.health().get("troubles", told) != told)
    wait_for(lambda: show.frames() > before + 30)
    wait_for(lambda: words in show.words())
    wait_for(lambda: show.figures().get("picture_age_ms", 1e9) < 1000)
