"""A house on several machines, in processes of this one: real Zenoh, a small whole mind, the house's own rooms.

`python -m tests.places.house_of_two NAME FOLDER PEER` is one of its minds, for a network namespace of its own.
"""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.core.clock import Now
from engine.core.crossings import PictureRing
from engine.core.guard import Guard
from engine.core.machine import PlaceFacts
from engine.core.messages import Dream, Picture, Text
from engine.core.pulse import Pulses
from engine.core.supervisor import Room, Supervisor
from engine.house.rooms import MindRoom
from engine.places.options import Of
from tests.mind.small_mind import SIDE, options, painter, parts

TOP = Path(__file__).parents[2]


class SmallDecoder:
    """The small mind's codec, as a wall has it."""

    carries = None

    def rgba(self, picture: Picture) -> np.ndarray:
        return painter().decode(torch.from_numpy(picture.latent.astype(np.float32)))


def dream(facts: PlaceFacts, folder: Path) -> None:
    """A mind's process from its first line to its last."""
    from engine.places.mind import MindPlace

    MindPlace(facts, options(folder, model="embedded", shares=True), parts, SmallDecoder()).run()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """The loop's end of it, as the house has it, and minds that can be started and ended."""

    def __init__(self, folder: Path, facts: PlaceFacts, host: str = "127.0.0.1"):
        self.folder = folder
        self.facts = replace(facts, name="house", listen=(f"tcp/{host}:{free_port()}",))
        self.ring, self.pulses = PictureRing((SIDE, SIDE)), Pulses()
        arguments = (self.ring.name, Of(self.facts, ("show",), "embedded", SmallDecoder), self.pulses.name)
        self.room = Room("places", "engine.places.room:serve", lambda: arguments, 0, ("places",), self.pulses)
        self.mind = MindRoom(self.room, self.ring)
        self.minds: dict[str, subprocess.Popen[bytes]] = {}
        self.news: list[object] = []
        self.longest = 0.0  # seconds without a new picture, since `watch`
        self._watched, self._serial, self._tick = 0.0, 0, 0

    def start(self, name: str, inside: tuple[str, ...] = ()) -> None:
        """A mind on another machine; `inside`: a command that runs it there."""
        command = [*inside, sys.executable, "-m", "tests.places.house_of_two", name, str(self.folder / name), *self.facts.listen]
        self.minds[name] = subprocess.Popen(command, cwd=TOP, env={**os.environ, "PYTHONPATH": str(TOP)})

    def ask(self, words: str, key: str = "") -> None:
        """A wish of the loop's, with the sentence that it is of."""
        if key:
            self.mind.hear(Text(words, key=key, visit=key))
        self._tick += 1
        self.mind.request(Dream(words, key=key, at=time.monotonic()), Now(self._tick, float(self._tick), 1 / 60))

    def watch(self) -> None:
        """From here on, the longest time without a picture."""
        self.longest, self._watched = 0.0, time.monotonic()

    def until(self, seen: Callable[[], object], seconds: float = 150.0) -> float:
        begun = time.monotonic()
        while not seen():
            assert time.monotonic() - begun < seconds, f"not within {seconds} s: {self.mind.elsewhere}, {self.news[-3:]}"
            self.news.extend(self.mind.news())
            self.mind.newest()
            if self.ring.serial != self._serial:
                self._serial, self._watched = self.ring.serial, time.monotonic()
            self.longest = max(self.longest, time.monotonic() - self._watched)
            time.sleep(0.01)
        return time.monotonic() - begun

    def got(self, kind: type) -> list:
        return [letter for letter in self.news if isinstance(letter, kind)]

    def wait(self, seconds: float) -> None:
        """Let it play."""
        begun = time.monotonic()
        self.until(lambda: time.monotonic() - begun >= seconds)

    def stored(self, name: str) -> list[str]:
        """All sentences of visitors in a mind's archive, read from outside."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / name}/memory.sqlite?mode=ro", uri=True)) as archive:
            return [words for (words,) in archive.execute("SELECT words FROM fragment WHERE key IS NOT NULL AND words IS NOT NULL AND kind = 1 ORDER BY words")]

    @property
    def on(self) -> str:
        """The mind on the wall."""
        return next((place.name for place in self.mind.elsewhere.places if "on the wall" in place.state), "")

    def place(self, name: str) -> dict[str, float]:
        """What the house knows of a machine, in figures."""
        return next((dict(place.figures) | {"there": float(place.well)} for place in self.mind.elsewhere.places if place.name == name), {})


@contextlib.contextmanager
def house(folder: Path, facts: PlaceFacts | None = None, host: str = "127.0.0.1") -> Iterator[House]:
    made = House(folder, facts or PlaceFacts(), host)
    try:
        with Supervisor([made.room], Guard("test")):
            yield made
    finally:
        for process in made.minds.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        made.ring.close()
        made.pulses.close()


if __name__ == "__main__":
    dream(PlaceFacts(name=sys.argv[1], rooms=("mind",), peers=(sys.argv[3],)), Path(sys.argv[2]))
