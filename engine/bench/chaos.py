"""`hypermnesia bench chaos`: a whole show under everything that a month of visitors does to it, in minutes.

Faults come at random times, the same for the same seed: rooms and the loop are killed or stopped, broken scenes and
shaders are saved, a scene never returns or sounds what is no number, packets flood and deform, viewers come and go.
The whole is looked at from outside, as a technician would: frames by the pulses, words by the archive, dark by frames.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import socket
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.core.errors import CannotPlay
from engine.core.machine import Machine
from engine.core.supervisor import SPAWN
from engine.doors.packet import Malformed, read
from engine.doors.wires import encode
from engine.house.lasting import Lasting, Names

Table = dict[str, Any]
TOP = Path(__file__).parents[2]
SETTLED = 60.0  # seconds that a show may take until frames come, once a fault has struck, before it counts as ended
CALM = (4.0, 12.0)  # seconds between faults
GOOD = "from engine import Grain, Murmur, Scene, dreamed\n\n\nclass Chaos(Scene):\n    def __init__(self):\n        super().__init__()\n        self.murmur = Murmur(seed=3)\n\n"
DRAWN = "    def draw(self, now):\n        return dreamed.frame().feedback(trail=0.5)\n\n    def sound(self, now):\n        yield from self.murmur.grains(now.time, now.dt, self.state)\n"
BAD = {
    "a scene that is no Python": "class Chaos(:\n",
    "a scene that draws nothing": GOOD + "    def draw(self, now):\n        pass\n",
    "a scene without end": GOOD + "    def update(self, now):\n        while True:\n            pass\n",
    "a scene that fails when touched": GOOD + DRAWN + "\n    def touch(self, touch, now):\n        [].pop()\n",
}
SNEAKY = {  # what a rehearsal cannot find: it begins when somebody is there to see it
    "grains that are no numbers": "\n    def update(self, now):\n        self.gain = float('nan') if FLAG.exists() else 0.3\n",
    "a loop that never returns": "\n    def update(self, now):\n        while FLAG.exists():\n            pass\n",
}


def _watched(words: list[str], names: Names, log: Path) -> None:
    """`hypermnesia run`, with the crossings of somebody who looks on."""
    from engine.house.command import parser
    from engine.house.watchdog import Watchdog

    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
    options = parser().parse_args(words)
    lasting = Lasting(names=names)
    lasting.listen("127.0.0.1", options.osc)
    sys.exit(Watchdog(options, Machine(), lasting).run())


class Stranger:
    """A show in a process of its own, and what can be seen of it from outside."""

    def __init__(self, folder: Path, model: str | None):
        self.folder = folder
        self.flag, self.scene, self.shader = folder / "flag", folder / "chaos.py", folder / "home" / "shaders"
        (folder / "home").mkdir()
        self.scene.write_text(GOOD + DRAWN)
        self.osc, self.web = _free(socket.SOCK_DGRAM), _free(socket.SOCK_STREAM)
        words = ["run", str(self.scene), "--home", str(folder / "home"), "--sound", "null", "--size", "320x180", "--osc", str(self.osc)]
        words += ["--web", str(self.web), "--window", "headless", "--moderation", "open", *(["--model", model] if model else [])]
        self.log = folder / "log"
        self.lasting = Lasting()
        self.pulses = self.lasting.pulses
        self.process = SPAWN.Process(target=_watched, args=(words, self.lasting.names, self.log))
        self.process.start()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setblocking(False)
        self.said: dict[str, str] = {}  # by key
        self.stored: set[str] = set()  # keys that were acknowledged

    def send(self, address: str, *args: object) -> None:
        with suppress(OSError):
            self.udp.sendto(encode(address, list(args)), ("127.0.0.1", self.osc))  # type: ignore[arg-type]

    def say(self, words: str) -> None:
        key = f"chaos-{len(self.said)}"
        self.said[key] = words
        self.send("/hm/text/once", key, words)

    def listen(self) -> None:
        """Take in what was acknowledged."""
        with suppress(BlockingIOError):
            while True:
                with suppress(Malformed):
                    self.stored |= {str(m.args[0]) for m in read(self.udp.recv(65536)) if m.address == "/hm/stored"}

    def children(self) -> dict[str, int]:
        """Process ids by what they are: loop, mind, sound, doors."""
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
                    elif int(parent) == self.process.pid and b"spawn_main" in (stat.parent / "cmdline").read_bytes():
                        found["loop"] = pid
        return found

    def words(self) -> set[str]:
        """All sentences on the disk."""
        where = f"file:{self.folder}/home/archive/memory.sqlite?mode=ro"
        with suppress(sqlite3.Error), closing(sqlite3.connect(where, uri=True, timeout=5)) as archive:
            return {row[0] for row in archive.execute("SELECT words FROM fragment")}
        return set()

    def resources(self) -> tuple[float, float, float]:
        """Descriptors, threads and MiB of all processes of the show."""
        descriptors = threads = memory = 0.0
        for pid in (self.process.pid, *self.children().values()):
            with suppress(OSError):
                descriptors += len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
                status = Path(f"/proc/{pid}/status").read_text()
                threads += float(re.findall(r"Threads:\s+(\d+)", status)[0])
                memory += float(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024
        return descriptors, threads, memory

    def end(self) -> int:
        self.process.terminate()
        self.process.join(60.0)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return int(self.process.exitcode or 0)

    def close(self) -> None:
        self.udp.close()
        self.lasting.close()


class Chaos:
    """Faults at random, one at a time, and how long the wall was dark after each."""

    def __init__(self, show: Stranger, seed: int):
        self.show, self.random = show, random.Random(seed)
        self.dark: dict[str, list[float]] = defaultdict(list)  # fault -> seconds without a new frame
        self.count = 0
        self.obeyed: list[float] = []  # seconds from asking for dark until it was, or no loop was there to disobey
        self.resources: list[tuple[float, float, float, float]] = []
        kinds: dict[str, Callable[[], None]] = {}
        for room in ("loop", "mind", "sound", "doors"):
            kinds[f"kill -9 {room}"] = lambda room=room: self._signal(room, signal.SIGKILL)  # type: ignore[misc]
            kinds[f"stop {room}"] = lambda room=room: self._signal(room, signal.SIGSTOP)  # type: ignore[misc]
        kinds |= {what: lambda text=text: show.scene.write_text(text) for what, text in BAD.items()}  # type: ignore[misc]
        kinds |= {what: lambda text=text: self._sneak(text) for what, text in SNEAKY.items()}  # type: ignore[misc]
        kinds |= {"a flood": self._flood, "hostile packets": self._hostile, "viewers that come and go": self._viewers, "a broken shader": self._shader}
        self.kinds = kinds

    def run(self, minutes: float) -> None:
        until = time.monotonic() + 60.0 * minutes
        while time.monotonic() < until:
            self._calm(self.random.uniform(*CALM))
            what = self.random.choice(list(self.kinds))
            self.count += 1
            self.show.say(f"sentence {self.count} before {what}")
            time.sleep(0.2)
            begun = time.monotonic()
            self.kinds[what]()
            self.dark[what].append(self._until_light(begun))
            self._mend()
            if self.random.random() < 0.25:
                self._blackout()
            self.resources.append((time.monotonic(), *self.show.resources()))

    def _calm(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.show.listen()
            self.show.send("/hm/beta", self.random.random())
            self.show.send("/hm/touch", self.random.random(), self.random.random())
            time.sleep(0.3)

    def _until_light(self, begun: float) -> float:
        """Longest time without a new frame within the seconds after a fault. Raises CannotPlay if they never come."""
        last, longest, frames = begun, 0.0, self._frames()
        while True:
            now = time.monotonic()
            if self.show.process.exitcode is not None:
                raise CannotPlay(f"the show ended: {self.show.log}")
            if (found := self._frames()) != frames:
                longest, last, frames = max(longest, now - last), now, found
            if now - begun > 8.0 and now - last < 1.0:
                return longest
            if now - last > SETTLED:
                raise CannotPlay(f"no light for {SETTLED:.0f} s: {self.show.log}")
            self.show.listen()
            time.sleep(0.05)

    def _frames(self) -> float:
        return self.show.pulses.get("frames")

    def _mend(self) -> None:
        self.show.flag.unlink(missing_ok=True)
        self.show.scene.write_text(GOOD + DRAWN)

    def _blackout(self) -> None:
        """Dark must come within a second, whatever was before."""
        asked = time.monotonic()
        self.show.send("/hm/blackout", True)
        while self.show.pulses.get("blackout") != 1.0 and time.monotonic() - asked < 30.0:
            time.sleep(0.01)
        self.obeyed.append(time.monotonic() - asked)
        self.show.send("/hm/blackout", False)
        until = time.monotonic() + 30.0
        while self.show.pulses.get("blackout") != 0.0 and time.monotonic() < until:
            time.sleep(0.01)

    # --- faults

    def _signal(self, room: str, number: int) -> None:
        if pid := self.show.children().get(room):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _sneak(self, hook: str) -> None:
        drawn = DRAWN.replace("yield from", "yield Grain(now.time, gain=self.gain)\n        yield from") if "gain" in hook else DRAWN
        head = GOOD.replace("from engine", "from pathlib import Path\n\nfrom engine", 1).replace("\n\n\nclass", f"\n\nFLAG = Path({str(self.show.flag)!r})\n\n\nclass")
        self.show.scene.write_text(head + drawn + hook)
        time.sleep(3.0)
        self.show.flag.touch()

    def _flood(self) -> None:
        until = time.monotonic() + 3.0
        while time.monotonic() < until:
            for _ in range(200):
                self.show.send("/hm/rho", self.random.random())

    def _hostile(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(500):
                data = self.random.choice((b"#bundle\0", b"/hm/text\0\0\0\0,s\0\0", b"")) + self.random.randbytes(self.random.randrange(400))
                with suppress(OSError):
                    stranger.sendto(data, ("127.0.0.1", self.show.osc))

    def _viewers(self) -> None:
        for _ in range(40):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.show.web), 1.0) as viewer:
                viewer.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1\r\n\r\n")  # fmt: skip
                time.sleep(self.random.uniform(0.0, 0.05))

    def _shader(self) -> None:
        """A file among the shaders that is none, saved while it plays and gone again."""
        stray = TOP / "shaders" / f"chaos_{os.getpid()}.fs"
        stray.write_text('/*{"INPUTS": [],}*/ void main() { nothing }')
        time.sleep(1.0)
        stray.unlink()


def run(options: argparse.Namespace, machine: Machine) -> Table:
    """Play for `--minutes` with `--seed`; a table of faults, the longest time without a frame, and what was lost."""
    if not Path("/proc/self/stat").exists():
        raise CannotPlay("bench chaos needs Linux: it looks at processes through /proc")
    folder = Path(tempfile.mkdtemp(prefix="hypermnesia-chaos-"))
    with _shown(Stranger(folder, getattr(options, "model", None))) as show:
        chaos = Chaos(show, options.seed)
        chaos.run(options.minutes)
        time.sleep(10.0)
        lost = _lost(show)
        code = show.end()
    faults = [{"fault": what, "times": len(dark), "longest_s": max(dark), "mean_s": sum(dark) / len(dark)} for what, dark in sorted(chaos.dark.items())]
    return {
        "minutes": options.minutes, "seed": options.seed, "faults": faults, "longest_without_a_frame_s": max(max(d) for d in chaos.dark.values()),
        "blackouts": len(chaos.obeyed), "slowest_blackout_s": max(chaos.obeyed, default=0.0), "sentences": len(show.said), "acknowledged": len(show.stored), "acknowledged_and_lost": len(lost),
        "exit_code": code, **_slopes(chaos.resources), "log": str(show.log),
    }  # fmt: skip


@contextmanager
def _shown(show: Stranger) -> Iterator[Stranger]:
    try:
        until = time.monotonic() + 900.0
        while not show.pulses.get("frames"):
            if show.process.exitcode is not None or time.monotonic() > until:
                raise CannotPlay(f"the show does not begin: {show.log}")
            time.sleep(0.5)
        yield show
    finally:
        if show.process.exitcode is None:
            show.end()
        show.close()


def _lost(show: Stranger) -> set[str]:
    """Sentences that were acknowledged and are not on the disk."""
    return {show.said[key] for key in show.stored if key in show.said} - show.words()


def _slopes(found: list[tuple[float, float, float, float]]) -> Table:
    """Growth an hour of descriptors, threads and MiB, with the half width of its 95 % interval."""
    import numpy as np

    out: Table = {}
    if len(found) < 4:
        return out
    rows = np.array(found)
    hours = (rows[:, 0] - rows[:, 0].mean()) / 3600.0
    for k, name in enumerate(("descriptors", "threads", "mib"), 1):
        slope = float((hours * rows[:, k]).sum() / (hours**2).sum())
        rest = rows[:, k] - rows[:, k].mean() - slope * hours
        error = float(np.sqrt((rest**2).sum() / (len(rows) - 2) / (hours**2).sum()))
        out |= {f"{name}_an_hour": slope, f"{name}_an_hour_95": 1.96 * error}
    return out


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
