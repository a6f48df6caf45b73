"""Sound and doors on another machine: the loop's end of them as the house has it, and that machine, in a thread or as a process.

`python -m tests.places.ears FOLDER PEER WEB OSC` is that machine; each click that it plays is a line: its own monotonic second.
"""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from engine.core.clock import Clock
from engine.core.machine import PlaceFacts
from engine.core.messages import Directory, Grain, Health, Message, Node, Set, Stored, Text, Trouble
from engine.doors.options import DoorsOptions
from engine.doors.wires import encode
from engine.house.lasting import Lasting
from engine.house.line import Line
from engine.house.rooms import DoorsRoom, SoundRoom
from engine.places.options import Lines, Of
from engine.places.rooms import RoomsPlace
from engine.sound.options import SoundOptions
from engine.sound.sources import IMPULSE
from tests.places.house_of_two import SmallDecoder, free_port

NODES = (Node("/hm/beta", "f", "how far", (0.6,), 0.0, 1.0), Node("/hm/scene", "s", "which", ("gap",), choices=("gap", "tides")))
LOUD, QUIET = 0.05, 0.01  # of a click; seconds before one: it may lie in two letters


def clicks(sound: np.ndarray) -> np.ndarray:
    """Samples at which a click begins: loud after 10 ms of quiet."""
    loud = np.flatnonzero(np.abs(sound) > LOUD)
    return loud[np.concatenate([[True], np.diff(loud) > 480])] if len(loud) else loud


class Show:
    """What a loop does, and no more: it listens, stores what is said, and asks for clicks."""

    def __init__(self, nodes: tuple[str, ...] = ()):
        self.lasting = Lasting()
        self.lines = {"sound": Line(), "doors": Line()}
        self.facts = PlaceFacts(name="house", rooms=("show",), elsewhere=("sound", "doors"), nodes=nodes, listen=(f"tcp/127.0.0.1:{free_port()}",))
        self.sound = SoundRoom(self.lines["sound"], self.lasting.grains, self.lasting.page, self.lasting.samples)
        self.sound.clock = Clock(60.0, self.sound.seconds)
        self.doors = DoorsRoom(self.lines["doors"], lambda: Directory(NODES), lambda: 1, lambda: Health(True, facts=(("scene", "gap"),)))
        self.said: list[Message] = []
        self.troubles: list[str] = []
        self.heard: list[float] = []  # scene seconds of clicks, as recordings have them
        self.away: threading.Thread | None = None
        self.start()

    def start(self) -> None:
        """The room that reaches other machines, as its process would be."""
        from engine.core.mailbox import Mailbox
        from engine.places.room import Away

        names, (mine, theirs) = self.lasting.names, Mailbox.pair()
        lines = Lines(names.grains, names.keys, names.page, names.samples, {name: line.end() for name, line in self.lines.items()})
        self._away = Away(theirs, names.pictures, Of(self.facts, ("show",), "embedded", SmallDecoder), names.pulses, lines)
        self.post = Mailbox(mine)
        self.away = threading.Thread(target=self._away.run, daemon=True)
        self.away.start()

    def stop(self) -> None:
        """It is gone, with everything that it knew."""
        self._away.open = False
        if self.away:
            self.away.join()

    def turn(self) -> None:
        news = []
        for message in self.doors.drain():
            self.said.append(message)
            if isinstance(message, Text):
                news.append(Stored(message.key, len(self.said), f"code {message.key}", message.visit))
        for trouble in (*self.sound.news(), *(one for one in self.post.drain() if isinstance(one, Trouble))):
            self.troubles.append(trouble.what)
        while (heard := self.sound.heard()) is not None:
            samples, at = heard
            self.heard += [when for when in (at + clicks(samples[:, 0]) / 48000).tolist() if not self.heard or when > self.heard[-1] + QUIET]
        self.doors.tell(news, lambda: {"/hm/beta": (0.6,)})

    def until(self, seen: Callable[[], object], seconds: float = 60.0) -> float:
        begun = time.monotonic()
        while not seen():
            assert time.monotonic() - begun < seconds, f"not within {seconds} s: {self.lasting.page.read()}, {self.said}, {self.troubles}"
            self.turn()
            time.sleep(0.005)
        return time.monotonic() - begun

    def wait(self, seconds: float) -> None:
        begun = time.monotonic()
        self.until(lambda: time.monotonic() - begun >= seconds)

    def sounds(self) -> bool:
        return self.lasting.page.read()["running"] == 1.0

    def click(self, count: int = 10) -> list[float]:
        """Ask for clicks; the scene seconds for which they were asked."""
        meant = [self.sound.clock.time + 0.3 + 0.11 * k for k in range(count)]
        self.sound.schedule([Grain(at, IMPULSE, 0.0, 0.02, gain=1.0, envelope="flat") for at in meant])
        self.heard.clear()
        self.wait(0.3 + 0.11 * count + 0.4)
        return meant

    def texts(self) -> list[str]:
        return [message.words for message in self.said if isinstance(message, Text)]

    def sets(self) -> list[Set]:
        return [message for message in self.said if isinstance(message, Set)]

    def close(self) -> None:
        self.stop()
        self.lasting.close()


def machine(folder: Path, peer: str, web: int, osc: int) -> RoomsPlace:
    """The other machine."""
    doors = DoorsOptions(osc_port=osc, tcp_port=-1, query_port=-1, web_port=web, advertise=False, token="letmein", moderation="open", home=folder)
    return RoomsPlace(PlaceFacts(name="ears", rooms=("sound", "doors"), peers=(peer,)), "embedded", SoundOptions(device="null", reverb=0.0, voices=2), doors)


@contextlib.contextmanager
def in_a_thread(place: RoomsPlace) -> Iterator[RoomsPlace]:
    thread = threading.Thread(target=place.run)
    thread.start()
    try:
        yield place
    finally:
        place.open = False
        thread.join()


def say(osc: int, address: str, *args: object) -> None:
    """What a performer sends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(encode(address, list(args)), ("127.0.0.1", osc))


def _listen(place: RoomsPlace) -> None:
    here = place.here[0]
    read, last = 0, 0.0
    while True:
        time.sleep(0.1)
        page = here.page.read()
        first, samples = here.samples.read(read or here.samples.written)
        read = first + len(samples)
        for when in ((first + clicks(samples[:, 0]) - page["sample"]) / 48000 + page["seconds"]).tolist():
            if when > last + QUIET:
                print(when, flush=True)
            last = when


if __name__ == "__main__":
    place = machine(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    threading.Thread(target=_listen, args=(place,), daemon=True).start()
    place.run()
