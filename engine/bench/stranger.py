"""A whole show in a process of its own, and what can be seen of it from outside: its light, its words, its resources."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

from engine.bench.disk import Disk
from engine.core import logbook
from engine.core.errors import CannotPlay
from engine.core.machine import Machine
from engine.core.supervisor import SPAWN
from engine.doors.packet import Malformed, read
from engine.doors.wires import encode
from engine.house.lasting import Lasting, Names

ROOMS = ("loop", "mind", "sound", "doors")
DARK = 0.5  # of 255: mean light of a frame under which the wall is dark
LATELY = 2.0  # seconds: what works has made something since
GAP = 0.1  # seconds without a frame that are written down
SCENE = '''from pathlib import Path

from engine import Grain, Murmur, Scene, dreamed

FLAG = Path({flag!r})


class Chaos(Scene):
    def __init__(self):
        super().__init__()
        self.murmur, self.gain = Murmur(seed=3), 0.3

    def draw(self, now):
        return dreamed.frame().feedback(trail=0.5).chaotic()

    def sound(self, now):
        yield Grain(now.time, gain=self.gain)
        yield from self.murmur.grains(now.time, now.dt, self.state)
'''
SHADER = """/*{"ISFVSN": "2", "INPUTS": [{"NAME": "inputImage", "TYPE": "image"}]}*/
void main() { gl_FragColor = IMG_NORM_PIXEL(inputImage, isf_FragNormCoord); }
"""


def _watched(words: list[str], names: Names, log: Path) -> None:
    """`hypermnesia run`, with the crossings of somebody who looks on."""
    from engine.house.command import parser
    from engine.house.watchdog import Watchdog

    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
    logbook.begin("hypermnesia")
    options = parser().parse_args(words)
    lasting = Lasting(names=names)
    lasting.listen("127.0.0.1", options.osc)
    sys.exit(Watchdog(options, Machine(), lasting).run())


class Light(threading.Thread):
    """Looks at the wall two hundred times a second: when no frame came that shows anything, though nobody had asked for dark."""

    def __init__(self, show: Stranger):
        super().__init__(name="light", daemon=True)
        self.show = show
        self.may_be_dark = False  # somebody has asked for it
        self.gaps: list[tuple[float, float]] = []  # monotonic seconds, those over GAP
        self.last = time.monotonic()  # the last good frame
        self.lit = 0.0  # when the wall was last seen lit
        self.picture = self.sound = 0.0  # when the last picture came, and the last block of sound
        self.withheld, self._dark = 0.0, (0, False)  # the longest time that the mind itself wanted dark, s (row 13: no picture twice)
        self._wanted = 0.0  # since when it does
        self.ended = False

    def run(self) -> None:
        frames, serial, sample = 0.0, 0, 0.0
        while not self.ended:
            if self.show.lasting.pictures.serial != serial:
                serial, self.picture = self.show.lasting.pictures.serial, time.monotonic()
            if (heard := self.show.lasting.page.read()["sample"]) != sample:
                sample, self.sound = heard, time.monotonic()
            now, found, bright = time.monotonic(), self.show.frames, self.show.pulses.get("light") > DARK
            mine = found != frames and not bright and not self.may_be_dark and self._by_will(serial)
            self._wanted = (self._wanted or now) if mine else 0.0 if bright else self._wanted
            self.withheld = max(self.withheld, now - self._wanted if self._wanted else 0.0)
            if found != frames and (bright or self.may_be_dark or mine):
                if now - self.last > GAP:
                    self.gaps.append((self.last, now))
                self.last = now
            frames = found
            if self.may_be_dark and bright and self.show.alive("loop"):
                self.lit = now
            time.sleep(0.005)

    def _by_will(self, serial: int) -> bool:
        """Whether the mind's newest picture is dark itself."""
        if self._dark[0] != serial and (picture := self.show.lasting.pictures.newest()) is not None:
            self._dark = serial, not picture.rgba[..., :3].any()
        return self._dark[1]

    def darkness(self, since: float) -> float:
        """The longest time without a good frame that began after, or lasted beyond, an instant."""
        now = time.monotonic()
        return max((end - max(begin, since) for begin, end in (*self.gaps, (self.last, now)) if end > since), default=0.0)


class Stranger:
    """The show of `folder/chaos.py` with the shader beside it, or the whole programme; its home lies on a disk of its own, where that can be."""

    def __init__(self, folder: Path, model: str | None, programme: bool = False):
        self.folder, self.disk = folder, Disk(folder / "home")
        self.flag, self.scene, self.shaders = folder / "flag", folder / "chaos.py", folder / "shaders"
        self.shaders.mkdir()
        self.good = SCENE.format(flag=str(self.flag))
        self.restore()
        self.osc, self.web = _free(socket.SOCK_DGRAM), _free(socket.SOCK_STREAM)
        words = ["run", *([] if programme else [str(self.scene)]), "--home", str(self.disk.folder), "--sound", "null", "--size", "320x180", "--osc", str(self.osc)]
        words += ["--web", str(self.web), "--window", "headless", "--moderation", "open", *(["--model", model] if model else [])]
        self.log = folder / "log"
        self.lasting = Lasting()
        self.pulses = self.lasting.pulses
        self.process = SPAWN.Process(target=_watched, args=(words, self.lasting.names, self.log))
        self.process.start()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setblocking(False)
        self._sending = threading.Lock()
        self.said: dict[str, str] = {}  # by key
        self.stored: dict[str, str] = {}  # key -> code, of what was acknowledged
        self.taken_back: dict[str, bool] = {}  # key -> whether that was acknowledged
        self.light = Light(self)
        self._pids: dict[str, int] = {}

    def restore(self) -> None:
        """The files of the show as they are when nobody has broken them."""
        self.flag.unlink(missing_ok=True)
        for path, text in ((self.scene, self.good), (self.shaders / "chaotic.fs", SHADER)):
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
        (self.shaders / "stray.fs").unlink(missing_ok=True)

    # --- what is said to it

    def send(self, address: str, *args: object) -> None:
        with suppress(OSError), self._sending:
            self.udp.sendto(encode(address, list(args)), ("127.0.0.1", self.osc))  # type: ignore[arg-type]

    def say(self, words: str) -> None:
        """A sentence with a word that nobody else says."""
        number = len(self.said)
        self.said[f"chaos-{number}"] = f"canary{number:06d} {words}"
        self.send("/hm/text/once", f"chaos-{number}", self.said[f"chaos-{number}"])

    def take_back(self, key: str) -> None:
        self.taken_back.setdefault(key, False)
        self.send("/hm/withdraw", self.stored[key])

    def listen(self) -> None:
        """Take in what was acknowledged."""
        codes = {code: key for key, code in self.stored.items()}
        with suppress(BlockingIOError):
            while True:
                with suppress(Malformed, ConnectionError):
                    for message in read(self.udp.recv(65536)):
                        if message.address == "/hm/stored":
                            self.stored[str(message.args[0])] = str(message.args[2])
                        elif message.address == "/hm/withdrawn" and message.args[1] and message.args[0] in codes:
                            self.taken_back[codes[message.args[0]]] = True

    # --- what is seen of it

    @property
    def frames(self) -> float:
        return self.pulses.get("frames")

    def children(self) -> dict[str, int]:
        """Process ids by what they are: ROOMS, and what else the show has."""
        found: dict[str, int] = {}
        parents = {self.process.pid or 0: ""}
        for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda p: int(p.parent.name)):
            with suppress(OSError, IndexError, ValueError):
                text = stat.read_text()
                pid, name = int(stat.parent.name), text[text.index("(") + 1 : text.rindex(")")]
                state, parent = text.rpartition(")")[2].split()[:2]
                if int(parent) in parents and state != "Z":
                    parents[pid] = name
                    if name.startswith("hm-"):
                        found[name[3:]] = pid
                    elif int(parent) == self.process.pid:  # the next loop, and what multiprocessing needs
                        found[f"besides {pid}"] = pid
        self._pids = found
        return found

    def alive(self, room: str) -> bool:
        """Whether the process that was a room when `children` was last asked still is."""
        try:
            return Path(f"/proc/{self._pids[room]}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (KeyError, OSError, IndexError):
            return bool(self.children().get(room))

    def whole(self) -> bool:
        """Whether all rooms do their work: frames, pictures, sound, answers."""
        latest = min(self.light.last, self.light.picture, self.light.sound)
        return time.monotonic() - latest < LATELY and set(ROOMS) <= set(self.children()) and bool(self.health())

    def health(self) -> dict[str, object]:
        """What /health says; {} where nobody answers within two seconds."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/health", timeout=2.0) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as unwell:
            with suppress(ValueError, OSError):
                return dict(json.load(unwell))
        except (OSError, ValueError):
            pass
        return {}

    def resources(self) -> dict[str, tuple[int, int, float]]:
        """Descriptors, threads and MiB of own memory of each process of the show."""
        found = {}
        for name, pid in {"watchdog": self.process.pid, **self.children()}.items():
            with suppress(OSError, IndexError):
                descriptors = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
                status = Path(f"/proc/{pid}/status").read_text()
                threads, memory = (int(re.findall(rf"{what}:\s+(\d+)", status)[0]) for what in ("Threads", "RssAnon"))
                found[name] = descriptors, threads, memory / 1024
        return found

    # --- what is left of it

    def lost(self) -> set[str]:
        """Sentences that were acknowledged, that nobody took back, and that are not on the disk."""
        where = f"file:{self.disk.folder}/archive/memory.sqlite?mode=ro"
        with closing(sqlite3.connect(where, uri=True, timeout=5)) as archive:
            there = {row[0] for row in archive.execute("SELECT words FROM fragment")}
        return {self.said[key] for key in self.stored if key in self.said and key not in self.taken_back} - there

    def fragments(self) -> float:
        """How many memories have a picture; 0 while nobody can be asked."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{self.disk.folder}/archive/memory.sqlite?mode=ro", uri=True, timeout=5)) as archive:
            return float(archive.execute("SELECT count(*) FROM picture").fetchone()[0])
        return 0.0

    def readable(self) -> set[str]:
        """Sentences that were taken back, and acknowledged so, of which a word can be read in any byte of the disk or the log."""
        numbers: set[int] = set()
        for file in (*self.disk.bytes(), *(f for f in self.folder.rglob("*") if f.is_file() and f != self.disk.image)):
            with suppress(OSError):
                numbers |= {int(word[-12:].replace(b"\0", b"")[-6:]) for word in CANARY.findall(file.read_bytes())}
        return {self.said[key] for key, done in self.taken_back.items() if done and int(key.rpartition("-")[2]) in numbers}

    def end(self) -> int:
        self.process.terminate()
        self.process.join(60.0)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return int(self.process.exitcode or 0)

    def begin(self) -> None:
        """Wait for the first frame. Raises CannotPlay where there is none."""
        until = time.monotonic() + 900.0
        while not self.frames:
            if self.process.exitcode is not None or time.monotonic() > until:
                raise CannotPlay(f"the show does not begin: {self.log}")
            time.sleep(0.5)
        self.light.last = time.monotonic()
        self.light.start()

    def close(self) -> None:
        self.light.ended = True
        if self.process.exitcode is None:
            self.end()
        for pid in self._pids.values():  # none is left where all is well
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.light.is_alive():
            self.light.join()
        self.disk.close()
        self.udp.close()
        self.lasting.close()


CANARY = re.compile(rb"(?i)canary\d{6}|c\0a\0n\0a\0r\0y\0(?:\d\0){6}")


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
