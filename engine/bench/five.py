"""A house of five machines for a bench: real commands with real keys, each in a network namespace of its own; who looks at its walls, who writes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from engine.bench.network import Network, free
from engine.bench.watched import SHARED, TOKEN
from engine.core.errors import CannotPlay
from engine.core.pulse import Pulses
from engine.house.lasting import Lasting
from engine.painter.attributes import OFFERS, draw
from engine.painter.captions import caption
from engine.places.keys import make

NAMES = ("house", "west", "north", "south", "ears")
ROGUE = "rogue"  # a sixth, with a key, that only does harm
MINDS = ("north", "south")
EVERY = 6.0  # seconds between two sentences
STARTING = 600.0  # seconds until all machines are there
BLACK = 0.5  # of 255: mean light of a frame under which a wall is dark
STAGE = '[stage]\nsize = [320, 180]\nfps = 15.0\nwindow = "headless"\n[sound]\ndevice = "null"\n[mind]\nmodel = "{model}"\nsize = 128\n'
PLACE = '[place]\nname = "{name}"\nrooms = {rooms}\nnodes = {nodes}\nkeys = "{keys}"\n'
DOORS = '[doors]\nhost = "{host}"\nosc = {osc}\nweb = {web}\ntoken = "{token}"\nmoderation = "open"\nadvertise = false\ntexts = 300\n'


class Eyes(threading.Thread):
    """Looks at a wall two hundred times a second: when nothing new was to be seen that shows anything."""

    def __init__(self, pulses: Pulses):
        super().__init__(daemon=True)
        self.pulses, self.gaps, self.last, self.ended = pulses, list[tuple[float, float]](), time.monotonic(), False

    def run(self) -> None:
        frames = 0.0
        while not self.ended:
            now, found = time.monotonic(), self.pulses.get("frames")
            if found != frames and self.pulses.get("light") > BLACK:
                if now - self.last > 0.1:
                    self.gaps.append((self.last, now))
                self.last = now
            frames = found
            time.sleep(0.005)

    def darkness(self, since: float) -> float:
        """The longest time without light from then on."""
        return max((end - max(begin, since) for begin, end in (*self.gaps, (self.last, time.monotonic())) if end > since), default=0.0)


class Program:
    """One machine: a command, and all processes that come of it."""

    def __init__(self, name: str, command: list[str], folder: Path):
        self.name, self.command, self.log = name, command, folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, start_new_session=True)

    def signal(self, number: int) -> None:
        """To all of its processes: those that watch first."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def pids(self) -> list[int]:
        found = [self.process.pid] if self.process else []
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, IndexError, ValueError):
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def kill(self) -> None:
        for _ in range(2):  # once more for what was just being started
            self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def end(self) -> None:
        self.signal(signal.SIGCONT)
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        self.kill()


class Written:
    """A phone's sentences: none said twice, and what became of each."""

    def __init__(self, command: list[str], seed: int):
        self.random, self.said = random.Random(seed), dict[str, str]()
        self.stored: set[str] = set()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            with contextlib.suppress(ValueError):
                news = json.loads(line)
                if news["t"] == "stored":
                    self.stored.add(news["key"])

    def write(self) -> None:
        words = caption(draw(self.random.choice(list(OFFERS)), self.random), self.random)
        if words in self.said.values():
            return self.write()
        key = f"{len(self.said):016x}"
        self.said[key] = words
        assert self.process.stdin
        self.process.stdin.write(f"{key} {words}\n")
        self.process.stdin.flush()

    def play(self, seconds: float) -> None:
        """Somebody writes all the while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.write()
            time.sleep(min(EVERY, max(0.0, until - time.monotonic())))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class House:
    """Five machines; or one, where `names` has one. Its doors answer at `web`."""

    def __init__(self, folder: Path, model: str, network: Network | None):
        self.folder, self.network = folder, network
        folder.mkdir()
        self.walls = {"house": Lasting()} | ({"west": Lasting()} if network else {})
        self.eyes = {name: Eyes(shared.pulses) for name, shared in self.walls.items()}
        self.programs: dict[str, Program] = {}
        stage = STAGE.format(model=model)
        if network is None:
            self.web = self._alone(stage)
        else:
            self.web = self._five(stage, network)
        self.rogue = self.programs.pop(ROGUE, None)
        for program in self.programs.values():
            program.start()

    def _alone(self, stage: str) -> str:
        web = free()
        self._program("house", [], stage + DOORS.format(host="127.0.0.1", osc=0, web=web, token=TOKEN), "show")
        return f"127.0.0.1:{web}"

    def _five(self, stage: str, network: Network) -> str:
        rooms = {"house": '["show"]\nelsewhere = ["sound", "doors"]', "west": '["wall"]', "north": '["mind"]', "south": '["mind"]', "ears": '["sound", "doors"]', ROGUE: '["wall"]'}
        end, web = f"tls/{network.address('house')}:{network.port(7447)}", network.port(8000)
        doors = DOORS.format(host="127.0.0.1" if network.why else "0.0.0.0", osc=network.port(9000), web=web, token=TOKEN)
        for name in (*NAMES, ROGUE):
            keys = make(self.folder / "keys", name)
            way = f'{"listen" if name == "house" else "peers"} = ["{end}"]\n'
            text = stage + (doors if name == "ears" else "") + PLACE.format(name=name, rooms=rooms[name], nodes=json.dumps((*NAMES, ROGUE)), keys=keys) + way
            self._program(name, network.inside(name), text, {"house": "show", "west": "wall"}.get(name, ""))
        return f"{network.address('ears')}:{web}"

    def _program(self, name: str, inside: list[str], text: str, watched: str) -> None:
        path = self.folder / f"{name}.toml"
        path.write_text(text)
        words = ["run", *(["gap"] if watched == "show" else []), "--machine", str(path), "--home", str(self.folder / name)]
        command = [*inside, sys.executable, "-m"]
        if name == ROGUE:
            command += ["engine.bench.watched", ROGUE, str(path)]
        elif watched:
            told = {each: getattr(self.walls[name].names, each) for each in SHARED}
            command += ["engine.bench.watched", watched, json.dumps(told), *words]
        else:
            command += ["engine", "place", *words]
        self.programs[name] = Program(name, command, self.folder)

    def figures(self) -> dict[str, float]:
        """What /health says; {} where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self.web}/health.json", timeout=2.0) as answer:
                return dict(json.load(answer)["figures"])
        except urllib.error.HTTPError as unwell:
            with contextlib.suppress(ValueError, OSError):
                return dict(json.load(unwell)["figures"])
        except (OSError, ValueError):
            pass
        return {}

    def whole(self) -> bool:
        """Whether everybody is there and walls show something."""
        found, now = self.figures(), time.monotonic()
        others = [name for name in self.programs if name != "house"]
        return bool(found) and all(found.get(f"place_{name}_there") == 1.0 for name in others) and all(now - eye.last < 1.0 for eye in self.eyes.values())

    def begin(self) -> float:
        """Wait until everybody is there. Raises CannotPlay."""
        for eye in self.eyes.values():
            eye.start()
        return self.wait(STARTING)

    def wait(self, patience: float) -> float:
        """Until it is whole; seconds. Raises CannotPlay where it never is."""
        begun = time.monotonic()
        while not self.whole():
            if time.monotonic() - begun > patience:
                raise CannotPlay(f"not all machines are there after {patience:.0f} s; their logs are in {self.folder}")
            time.sleep(0.25)
        return time.monotonic() - begun

    def archives(self) -> Iterator[tuple[str, list[str]]]:
        """The sentences of visitors in each mind's memory."""
        for name in MINDS:
            with contextlib.closing(sqlite3.connect(f"file:{self.folder}/{name}/archive/memory.sqlite?mode=ro", uri=True, timeout=5)) as archive:
                yield name, [words for (words,) in archive.execute("SELECT words FROM fragment WHERE key IS NOT NULL AND words IS NOT NULL AND kind = 1")]

    def close(self) -> None:
        for eye in self.eyes.values():
            eye.ended = True
        for program in (*self.programs.values(), *([self.rogue] if self.rogue else [])):
            program.end()
        for eye in self.eyes.values():
            if eye.is_alive():
                eye.join()
        for shared in self.walls.values():
            shared.close()
