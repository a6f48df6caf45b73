"""The beat of other machines, if a place has one: Ableton Link or a MIDI clock. Texts, scenes and cues wait for it.

Both are extras: `pip install 'hypermnesia[link]'` (aalink, GPL-3.0) and `pip install 'hypermnesia[midi]'`. Without a
beat, or while it stands still, nothing waits.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from engine.core.errors import CannotPlay, nearest
from engine.core.messages import Message, News, Node, Set, Text
from engine.loop import Doors, Values

TICKS = 24  # of a MIDI clock in a quarter note
STOPPED = 0.5  # seconds without a tick after which a MIDI clock stands still: it is slower than 5 beats a minute
QUANTUM = "/hm/beat/quantum"
WAITING = ("/hm/scene", "/hm/preset/recall", "/hm/preset/glide", "/hm/cue/next", "/hm/cue/back", "/hm/cue/go")


class Pulse(Protocol):
    """Something that has a beat. `now` is monotonic seconds."""

    def beat(self, now: float) -> float | None:
        """Beats since some beginning; None while it stands still."""
        ...

    def tempo(self) -> float:
        """Beats per minute."""
        ...

    def close(self) -> None: ...


def wait(beat: float, tempo: float, quantum: float) -> float:
    """Seconds until the next multiple of `quantum` beats; 0 on it (a thousandth of a beat counts as on it) or without one."""
    if quantum <= 0.0 or tempo <= 0.0:
        return 0.0
    left = math.ceil(beat / quantum - 1e-3) * quantum - beat
    return max(0.0, left) * 60.0 / tempo


class MidiClock:
    """Beats out of a MIDI clock's bytes. `feed` from one thread, the rest from any: each reading is one tuple."""

    def __init__(self) -> None:
        self._ticks = -1  # since the song began; -1: the coming tick is the first
        self._times: deque[float] = deque(maxlen=2 * TICKS + 1)
        self._reading: tuple[float, float, float] = (0.0, -math.inf, 0.0)  # beat, when, seconds for a beat

    def feed(self, message: Iterable[int], now: float) -> None:
        """One MIDI message, and when it came. What is no clock is ignored."""
        match tuple(message):
            case (0xF8,):
                self._tick(now)
            case (0xFA,):  # start: the next tick is beat 0
                self._ticks = -1
            case (0xFC,):  # stop: clocks often tick on, and so do we
                pass
            case (0xF2, low, high):  # song position in sixteenths
                self._ticks = 6 * (low + 128 * high) - 1

    def _tick(self, now: float) -> None:
        if self._times and now - self._times[-1] > STOPPED:
            self._times.clear()
        self._times.append(now)
        self._ticks += 1
        n = len(self._times) - 1
        if n >= TICKS // 2:  # the mean over two beats: single ticks come with a millisecond or more of jitter
            span = (self._times[-1] - self._times[0]) / n
            smooth = sum(t - (k - n) * span for k, t in enumerate(self._times)) / (n + 1)
            self._reading = (self._ticks / TICKS, smooth, TICKS * span)

    def beat(self, now: float) -> float | None:
        beat, when, seconds = self._reading
        return beat + (now - when) / seconds if now - when < STOPPED and seconds > 0.0 else None

    def tempo(self) -> float:
        seconds = self._reading[2]
        return 60.0 / seconds if seconds > 0.0 else 0.0

    def close(self) -> None:
        """Nothing is open."""


class MidiPulse(MidiClock):
    """A MIDI clock that comes in at a port. Raises CannotPlay naming the ports that are there."""

    def __init__(self, port: str = ""):
        super().__init__()
        try:
            import rtmidi
        except ImportError:
            raise CannotPlay("beat = midi needs an extra: pip install 'hypermnesia[midi]'") from None
        self._input = _midi_input(rtmidi, port)
        self._input.ignore_types(sysex=True, timing=False, active_sense=True)
        self._input.set_callback(lambda event, _: self.feed(event[0], time.monotonic()))

    def close(self) -> None:
        self._input.close_port()
        self._input.delete()


def _midi_input(rtmidi: Any, port: str) -> Any:
    """An open input whose port's name contains `port` (any, for ""), of whichever MIDI system this machine runs."""
    seen: list[str] = []
    for system in rtmidi.get_compiled_api():
        try:
            made = rtmidi.MidiIn(system, name="hypermnesia")
        except rtmidi.RtMidiError:  # no sequencer in this kernel, no JACK: the other one may be there
            continue
        names = made.get_ports()
        seen += names
        for number, name in enumerate(names):
            if port.lower() in name.lower():
                made.open_port(number, name="clock")
                return made
        made.delete()
    there = nearest(port, seen) if seen else "there is none; is the interface plugged in?"
    raise CannotPlay(f"beat = midi:{port}: no MIDI input is called so; {there}")


class LinkPulse:
    """An Ableton Link session on this network. It joins, follows, and never sets the tempo."""

    def __init__(self) -> None:
        try:
            import aalink
        except ImportError:
            raise CannotPlay("beat = link needs an extra, which is GPL-3.0: pip install 'hypermnesia[link]'") from None

        async def join() -> Any:
            link = aalink.Link(120.0)
            link.enabled = True
            return link

        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="link", daemon=True).start()
        self._link = asyncio.run_coroutine_threadsafe(join(), self._loop).result(10.0)

    def beat(self, now: float) -> float | None:
        """None while nobody else is in the session: a tempo of one's own is no beat to wait for."""
        return float(self._link.beat) + (now - time.monotonic()) * self.tempo() / 60.0 if self._link.num_peers else None

    def tempo(self) -> float:
        return float(self._link.tempo)

    def close(self) -> None:
        self._link.enabled = False
        self._loop.call_soon_threadsafe(self._loop.stop)


class Still:
    """No beat: what a place has that configured none."""

    def beat(self, now: float) -> float | None:
        return None

    def tempo(self) -> float:
        return 0.0

    def close(self) -> None:
        """Nothing is open."""


def find(fact: str) -> Pulse:
    """What `beat` in machine.toml names: "", "link", "midi" or "midi:PORT". Raises CannotPlay."""
    kind, _, port = fact.partition(":")
    match kind:
        case "":
            return Still()
        case "link":
            return LinkPulse()
        case "midi":
            return MidiPulse(port)
    raise CannotPlay(f"[sound] beat = {fact!r}: {nearest(kind, ('link', 'midi'))}")


class OnTheBeat:
    """Doors whose texts, scenes and cues wait for a multiple of so many beats. Loop thread only; never blocks."""

    def __init__(self, doors: Doors, pulse: Pulse, source: Callable[[], float] = time.monotonic):
        self.doors, self.pulse, self.source = doors, pulse, source
        self.quantum = 1.0  # beats; 0 = nothing waits
        self._held: list[tuple[float, int, Message]] = []
        self._order = itertools.count()

    def drain(self) -> Iterator[Message]:
        now = self.source()
        for message in self.doors.drain():
            if isinstance(message, Set) and message.address == QUANTUM:
                self._set(message)
            elif seconds := self._wait(message, now):
                heapq.heappush(self._held, (now + seconds, next(self._order), message))
            else:
                yield message
        while self._held and self._held[0][0] <= now:
            yield heapq.heappop(self._held)[2]

    def _wait(self, message: Message, now: float) -> float:
        """Seconds that a message has to wait; 0 for most."""
        if not (isinstance(message, Text) or (isinstance(message, Set) and message.address in WAITING)):
            return 0.0
        beat = self.pulse.beat(now)
        return 0.0 if beat is None else wait(beat, self.pulse.tempo(), self.quantum)

    def _set(self, message: Set) -> None:
        match message.args:
            case (int() | float() as beats,):
                self.quantum = min(max(float(beats), 0.0), 64.0)

    def tell(self, news: Iterable[News], values: Callable[[], Values]) -> None:
        self.doors.tell(news, lambda: values() | {node.address: node.value for node in self.nodes()})

    def nodes(self) -> tuple[Node, ...]:
        """What can be turned and read of the beat."""
        tempo = self.pulse.tempo() if self.pulse.beat(self.source()) is not None else 0.0
        wanted = "texts, scenes and cues wait for a multiple of so many beats; 0 = they do not"
        return (
            Node(QUANTUM, "f", wanted, (self.quantum,), 0.0, 64.0),
            Node("/hm/beat/tempo", "f", "beats a minute of Link or MIDI clock; 0 = none", (tempo,), writable=False),
        )
