"""The performer's hand: presets, glides and cues, on whatever doors there are. What it turns comes out as plain Sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from engine.core.messages import Message, News, Node, Set, Trouble, Value
from engine.loop import Doors, Values
from engine.show.presets import Book, Cue, Glide, PresetError, between, keeps

STEP = 1.0 / 30.0  # seconds between the steps of a glide
SLOWEST = 3600.0  # seconds
START = "start"  # the preset that a show begins with, if there is one


class Performer:
    """Doors with a hand at them. Loop thread only; never waits, but for a few kilobytes on the disk after a store.

    path: where presets are kept. source: the seconds that glides go by. Raises PresetError for a file that cannot be
    read; what goes wrong later is told as Trouble.
    """

    def __init__(self, doors: Doors, path: Path, source: Callable[[], float] = time.monotonic):
        self.doors, self.path, self.source = doors, path, source
        self.book = Book.read(path)
        self.serial = 1  # counts changes of `nodes`
        self.preset = ""  # the one recalled last
        self.cue = 0  # number of the present cue, from 1; 0 = before the first
        self._values: Callable[[], Values] | None = None
        self._glide: Glide | None = None
        self._stepped = -STEP
        self._news: list[News] = []
        self.begun = False  # whether the preset that a show begins with has had its turn

    def drain(self) -> Iterator[Message]:
        """What came in; presets, glides and cues as the Sets that they mean."""
        now = self.source()
        if not self.begun and self._values:
            self.begun = True
            if START in self.book.presets:
                self._recall(START, 0.0, now)
        for message in self.doors.drain():
            if isinstance(message, Set) and message.address.startswith(("/hm/preset/", "/hm/cue/")):
                yield from self._obey(message, now)
                continue
            if isinstance(message, Set) and self._glide:
                self._glide = self._glide.without(message.address)  # the hand that turns it now has it
            yield message
        yield from self._step(now)

    def tell(self, news: Iterable[News], values: Callable[[], Values]) -> None:
        """Pass it on, with what the hand could not do."""
        self._values = values
        mine, self._news = self._news, []
        self.doors.tell((*news, *mine), lambda: values() | self._own())

    def nodes(self) -> tuple[Node, ...]:
        """What a performer may ask for; names that are valid now are its choices."""
        own, names = self._own(), tuple(self.book.presets)
        return (
            Node("/hm/preset/store", "s", "store everything that can be turned, under a name", readable=False),
            Node(
                "/hm/preset/recall",
                "s",
                "everything as it was stored, at once",
                own["/hm/preset/recall"],
                choices=names,
                command=True,
            ),
            Node("/hm/preset/glide", "sf", "recall, in so many seconds", (), 0.0, SLOWEST, names, readable=False),
            Node("/hm/preset/morph", "ssf", "0..1 of the way between two presets", (), 0.0, 1.0, names, readable=False),
            Node("/hm/preset/forget", "s", "remove a preset", choices=names, readable=False),
            Node("/hm/cue/next", "", "glide to the next cue", readable=False),
            Node("/hm/cue/back", "", "glide to the cue before", readable=False),
            Node("/hm/cue/go", "i", "glide to a cue by its number", own["/hm/cue/go"], 0.0, float(len(self.book.cues)), command=True),
            Node("/hm/cue/add", "sf", "one more cue: a preset, and seconds", (), 0.0, SLOWEST, names, readable=False),
            Node("/hm/cue/clear", "", "forget all cues", readable=False),
        )

    def _own(self) -> Values:
        return {"/hm/preset/recall": (self.preset,), "/hm/cue/go": (self.cue,)}

    def _obey(self, message: Set, now: float) -> Iterator[Set]:
        try:
            yield from self._do(message.address.removeprefix("/hm/"), message.args, now)
        except PresetError as wrong:
            self._say(str(wrong))
        except OSError as wrong:
            self._say(f"presets are not kept: {self.path}: {wrong.strerror}; free the disk or move --home")

    def _do(self, what: str, args: tuple[Value, ...], now: float) -> Iterator[Set]:
        match what, args:
            case "preset/store", (str(name),):
                self._keep(self.book.with_preset(name, self._present()))
            case "preset/forget", (str(name),):
                self._keep(self.book.without(name))
            case "preset/recall", (str(name),):
                self._recall(name, 0.0, now)
            case "preset/glide", (str(name), int() | float() as seconds):
                self._recall(name, float(seconds), now)
            case "preset/morph", (str(first), str(second), int() | float() as part):
                self._glide = None
                yield from self._sets(between(self.book.find(first), self.book.find(second), float(part)))
            case "cue/add", (str(name), int() | float() as seconds):
                self._keep(self.book.with_cue(Cue(name, float(seconds))))
            case "cue/clear", _:
                self._keep(Book(self.book.presets))
                self.cue = 0
            case "cue/next" | "cue/back", _:
                self._go(self.cue + (1 if what == "cue/next" else -1), now)
            case "cue/go", (int(number),):
                self._go(number, now)
            case _:
                raise PresetError(f"/hm/{what} {list(args)} means nothing here")

    def _go(self, number: int, now: float) -> None:
        cues = self.book.cues
        if not 1 <= number <= len(cues):
            raise PresetError(f"there is no cue {number}; there are {len(cues)}" + ("" if cues else ": /hm/cue/add"))
        self._recall(cues[number - 1].preset, cues[number - 1].seconds, now)
        self.cue = number

    def _recall(self, name: str, seconds: float, now: float) -> None:
        present, end = self._present(), self.book.find(name)
        if gone := sorted(address for address in end if address not in present):
            self._say(f"preset {name}: nothing is called {', '.join(gone[:3])} any more")
        self._glide = Glide(present, end, now, seconds)
        self._stepped, self.preset = -STEP, name

    def _step(self, now: float) -> Iterator[Set]:
        """The next step of the glide, when it is time."""
        glide = self._glide
        if glide is None or (now - self._stepped < STEP and not glide.over(now)):
            return
        self._stepped = now
        yield from self._sets(glide.at(now))
        if glide.over(now):
            self._glide = None

    def _sets(self, wanted: Values) -> Iterator[Set]:
        """What differs from the present; the scene first, so that it hears what follows."""
        present = self._present()
        changed = [address for address, args in wanted.items() if address in present and present[address] != args]
        for address in sorted(changed, key=lambda address: address != "/hm/scene"):
            yield Set(address, wanted[address])

    def _present(self) -> Values:
        if self._values is None:
            raise PresetError("the show has not begun: there is nothing to store yet")
        return {address: args for address, args in self._values().items() if keeps(address)}

    def _keep(self, book: Book) -> None:
        book.write(self.path)
        self.book = book
        self.serial += 1

    def _say(self, what: str) -> None:
        self._news.append(Trouble("performer", what))
