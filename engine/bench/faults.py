"""What a month of visitors, artists and machines does to a show, one fault at a time: each strikes, and is mended."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from re import search

from engine.bench.stranger import ROOMS, Stranger

BACK, BACK_OF_THE_LOOP = 2.0, 5.0  # seconds until there is light again; where it was the loop's own process that was hit
LASTS = 6.0  # seconds until a fault is mended
ROOM = 4 << 20  # bytes that a process may still take where memory is refused
CYCLE = "\n    def update(self, now):\n        "
DRAW = "return dreamed.frame().feedback(trail=0.5).chaotic()"
BROKEN: dict[str, Callable[[str], str]] = {  # saved in place of the scene: a rehearsal finds it
    "a scene that is no Python": lambda good: "class Chaos(:\n",
    "a scene that draws nothing": lambda good: good.replace(DRAW, "pass"),
    "a scene without end": lambda good: good + CYCLE + "while True:\n            pass\n",
    "a scene that fails when touched": lambda good: good + "\n    def touch(self, touch, now):\n        [].pop()\n",
}
SNEAKY = {  # what no rehearsal can find: it begins when somebody is there to see it
    "grains that are no numbers": "self.gain = float('nan') if FLAG.exists() else 0.3\n",
    "a loop that never returns": "while FLAG.exists():\n            pass\n",
    "a scene that fails each time": "assert not FLAG.exists()\n",
}
NO_SHADER = '/*{"INPUTS": [{}*/ void main() { nothing }'
BALLAST = """import sys, time
Path = __import__("pathlib").Path
Path("/proc/self/oom_score_adj").write_text("1000")
held = bytearray(int(sys.argv[1]))
held[::4096] = b"x" * len(held[::4096])
time.sleep(float(sys.argv[2]))
"""


@dataclass(frozen=True)
class Fault:
    """`strike` may take some seconds; `mend` is called LASTS seconds after it began, whatever came of it."""

    name: str
    strike: Callable[[], None]
    mend: Callable[[], None] = lambda: None
    bound: float = BACK  # seconds without light that it may cost


def faults(show: Stranger, random: Random) -> list[Fault]:
    """All that can strike this show."""
    found = []
    for room in ROOMS:
        bound = BACK_OF_THE_LOOP if room == "loop" else BACK
        found += [Fault(f"kill -9 {room}", partial(_signal, show, room, signal.SIGKILL), bound=bound)]
        found += [Fault(f"stop {room}", partial(_signal, show, room, signal.SIGSTOP), bound=bound)]
        refusal = Refusal(show, room)
        found += [Fault(f"no more memory for {room}", refusal.strike, refusal.mend, bound)]
    for name, spoilt in BROKEN.items():
        found += [Fault(name, partial(_save, show.scene, spoilt(show.good)), show.restore)]
    for name in SNEAKY:
        bound = BACK_OF_THE_LOOP if "never returns" in name else BACK
        found += [Fault(name, show.flag.touch, show.restore, bound)]
    found += [
        Fault("a stray shader", partial(_save, show.shaders / "stray.fs", NO_SHADER), show.restore),
        Fault("a broken shader", partial(_save, show.shaders / "chaotic.fs", NO_SHADER), show.restore),
        Fault("a shader that is gone", (show.shaders / "chaotic.fs").unlink, show.restore),
        Fault("a flood", partial(_flood, show, random)),
        Fault("hostile packets", partial(_hostile, show, random)),
        Fault("viewers that come and go", partial(_viewers, show, random)),
        Fault("much memory taken", _weigh),
    ]
    if not show.disk.why:
        found += [
            Fault("a full disk", show.disk.fill, show.disk.empty),
            Fault("a disk that takes nothing", partial(show.disk.refuse, True), partial(show.disk.refuse, False)),
        ]
    return found


def before(show: Stranger, fault: Fault) -> None:
    """What has to be there before it can strike: a scene that waits for a flag."""
    if line := SNEAKY.get(fault.name):
        show.scene.write_text(show.good + CYCLE + line)
        time.sleep(4.0)


class Refusal:
    """A process that gets no more memory than it has, and a little."""

    def __init__(self, show: Stranger, room: str):
        self.show, self.room = show, room
        self._was: tuple[int, int, tuple[int, int]] | None = None

    def strike(self) -> None:
        pid = self.show.children().get(self.room, 0)
        with suppress(OSError, ValueError):
            size = search(r"VmSize:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
            assert size
            self._was = pid, int(size[1]), resource.prlimit(pid, resource.RLIMIT_AS)
            resource.prlimit(pid, resource.RLIMIT_AS, (int(size[1]) * 1024 + ROOM, self._was[2][1]))

    def mend(self) -> None:
        if self._was:
            with suppress(OSError):  # it may have died of it
                resource.prlimit(self._was[0], resource.RLIMIT_AS, self._was[2])


def _signal(show: Stranger, room: str, number: int) -> None:
    if pid := show.children().get(room):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _save(path: Path, text: str) -> None:
    path.write_text(text)


def _flood(show: Stranger, random: Random) -> None:
    until = time.monotonic() + 3.0
    while time.monotonic() < until:
        for _ in range(200):
            show.send("/hm/rho", random.random())


def _hostile(show: Stranger, random: Random) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(500):
            data = random.choice((b"#bundle\0", b"/hm/text\0\0\0\0,s\0\0", b"")) + random.randbytes(random.randrange(400))
            with suppress(OSError):
                stranger.sendto(data, ("127.0.0.1", show.osc))


def _viewers(show: Stranger, random: Random) -> None:
    for _ in range(40):
        with suppress(OSError), socket.create_connection(("127.0.0.1", show.web), 1.0) as viewer:
            viewer.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1\r\n\r\n")  # fmt: skip
            time.sleep(random.uniform(0.0, 0.05))


def _weigh() -> None:
    """A quarter of what is free, two gigabytes at most, for a few seconds; Linux would end this process first."""
    free = search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())
    size = min(2 << 30, int(free[1]) * 1024 // 4) if free else 1 << 28
    subprocess.run([sys.executable, "-c", BALLAST, str(size), "4"], check=False)
