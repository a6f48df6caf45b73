"""Sound on another machine: beside the loop what stands in its place, and there the room itself.

Grains, keys and settings go there, stamped in the house's seconds; its clock and its samples come back and lie where a
sound room of this machine would have written them, so that it paces the loop, and recordings and shaders hear it.
"""

from __future__ import annotations

import math
import time
import zlib
from dataclasses import replace
from typing import Any

import numpy as np

from engine.core.crossings import GRAIN, ClockPage, GrainRing, KeyRing, PictureRing
from engine.core.mailbox import Mailbox
from engine.core.messages import Keystroke, Set, Started, Trouble
from engine.core.pulse import Pulses
from engine.core.supervisor import Room
from engine.places.channels import Channels
from engine.places.frames import Frame, Ground, Receiver, inflated
from engine.places.node import Node
from engine.places.options import SOUND, Lines
from engine.places.wire import Grains, Sounding
from engine.sound.options import SoundOptions
from engine.sound.tap import SampleRing

EVERY = 0.03  # seconds between two letters of samples
LOOK = 0.2  # seconds between two pictures that voices are made for: a loom takes as long for one
MOST = 1.0  # seconds of samples that may be missing before the count begins anew
FULL = 32767.0
NEEDED = ("sample", "seconds", "rate", "nominal", "block", "latency")  # of the clock page: what time hangs on is finite
TOLD = 60.0  # seconds after which nobody wants a trouble any more


class SoundAway:
    """In the sound room's place beside the loop. One thread: that of the room that reaches other machines."""

    def __init__(self, node: Node, channels: Channels, lines: Lines):
        self.node, self.channels = node, channels
        self.line = Mailbox(lines.ends[SOUND])
        self.grains, self.keys = GrainRing(name=lines.grains), KeyRing(name=lines.keys)
        self.page, self.samples = ClockPage(lines.page), SampleRing(name=lines.samples)
        self.grains.take()  # what was meant for a room that is gone is late by now
        self.keys.take()
        self._sent = 0  # grains
        self._known: set[str] = set()  # machines that have sounded: settings wait for those that are away
        self._leads = ""  # whose clock it is, where several sound
        self._shift: int | None = None  # its numbers of samples become ours
        self._refused = ""

    def turn(self, there: list[str], now: float) -> None:
        """Pass on what the loop has left; `there`: machines that sound."""
        self._known |= set(there)
        for letter in self.line.drain():
            if isinstance(letter, Set):
                for name in self._known:
                    self.channels.to(name).put(letter, name=letter.address)
        rows, keys = self.grains.take(), self.keys.take()
        for name in there:
            if len(rows):
                self.node.net.say(name, Grains(self._sent, rows.tobytes()))
            for at, bits, deleted in keys.tolist():
                self.node.net.say(name, Keystroke(bits, bool(deleted), at=at))
        self._sent += len(rows)
        leads = min(there, default="")
        if leads != self._leads:
            self._leads, self._shift = leads, None
            self.page.publish(running=0.0, level=0.0, peak=0.0, active=0.0)  # until its clock is heard the loop goes on by its own
        self.line.flush()

    def take(self, sender: str, letter: Started | Trouble) -> None:
        """What a sound room has to say to the loop."""
        self.line.send(letter)

    def hear(self, sender: str, sounding: Sounding) -> None:
        """Where its samples are, and the samples. Raises ValueError for what cannot be."""
        if sender != self._leads:
            return
        page = dict(zip(ClockPage.FIELDS, sounding.page, strict=True))
        if not all(math.isfinite(page[name]) for name in NEEDED):
            raise ValueError("a clock that is not finite")
        if page["nominal"] != self.samples.rate:
            if self._refused != sender:
                self._refused = sender
                self.line.send(Trouble("places", f"{sender} plays {page['nominal']:.0f} samples a second and this house counts {self.samples.rate}: [sound] rate is to be the same"))
            return
        samples = np.frombuffer(inflated(sounding.samples, 4 * int(MOST * self.samples.rate)), np.int16).reshape(-1, 2)
        gap = 0 if self._shift is None else sounding.first + self._shift - self.samples.written
        if self._shift is None or not 0 <= gap <= MOST * self.samples.rate:
            self._shift, gap = self.samples.written - sounding.first, 0
        if gap:  # letters that were lost
            self.samples.write(np.zeros((gap, 2), np.float32))
        self.samples.write(samples.astype(np.float32) / FULL)
        page["sample"] += self._shift
        page["latency"] += 0.5 * self.node.peers[sender].clock.way  # by so much sooner a grain must leave
        self.page.publish(**page)

    def close(self) -> None:
        for each in (self.grains, self.keys, self.page, self.samples):
            each.close()


class SoundHere:
    """The sound room of a machine that is not the show's. One thread: its place's."""

    name = SOUND

    def __init__(self, node: Node, channels: Channels, options: SoundOptions, pulses: Pulses, keys: KeyRing):
        self.node, self.channels, self.keys = node, channels, keys
        self.pictures, self.grains, self.page = PictureRing((1, 1)), GrainRing(), ClockPage()
        self.samples = SampleRing(rate=options.rate)
        names = self.pictures.name, self.grains.name, keys.name, self.page.name, self.samples.name
        self.room = Room("sound", "engine.sound.room:serve", lambda: (*names, options, pulses.name), 0, ("sound", "block", "weaver"), pulses)
        self._receivers: dict[str, Receiver] = {}
        self._met: tuple[int, int] = (0, 0)  # the house's session and the room's starts, as of the last word that it has started
        self._house = ""  # the machine of the show, when it was last there
        self._came = self.lost = 0  # grains
        self._read, self._due, self._looked = 0, 0.0, 0.0

    @property
    def doing(self) -> str:
        state = self.room.state(time.monotonic())
        return ("sounds" if self.page.read()["real"] else "sounds in silence: no sound card") if state == "running" else f"sound {state}"

    @property
    def ready(self) -> bool:
        return self.room.alive and self.page.read()["running"] > 0.0

    def figures(self) -> dict[str, float]:
        page = self.page.read()
        return {name: page[name] for name in ("underruns", "grains", "late", "load", "level")} | {"grains_lost": float(self.lost), "sound_restarts": float(self.room.restarts)}

    def turn(self, house: str, now: float) -> None:
        """Say what is played; `house`: the machine of the show, "" while it is away."""
        self._house = house or self._house
        for letter in self.room.drain():
            if isinstance(letter, Trouble) and self._house:
                self.channels.to(self._house).put(replace(letter, room=f"sound {self.node.facts.name}"), until=now + TOLD)
        if not house:
            return
        met = self.channels.to(house).other, len(self.room.starts)
        if met != self._met and met[0]:
            self._met = met
            self.channels.to(house).put(Started(SOUND), name="started")
        if now >= self._due:
            self._due = now + EVERY
            self._say(house)

    def _say(self, house: str) -> None:
        page = self.page.read()
        if not page["nominal"]:  # it has not begun
            return
        first, samples = self.samples.read(self._read or self.samples.written)
        samples = samples[: int(MOST * self.samples.rate)]
        self._read = first + len(samples)
        here = page["seconds"]
        page["seconds"] = self.node.house(here)
        page["rate"] /= self.node.house(here + 1.0) - page["seconds"]  # samples in one of the house's seconds
        rounded = np.rint(np.clip(samples, -1.0, 1.0) * FULL).astype(np.int16)
        self.node.net.say(house, Sounding(tuple(page.values()), first, zlib.compress(rounded.tobytes(), 1)))

    def hear(self, letter: Any) -> bool:
        """A letter of the house; whether it was for this room. Raises ValueError for what is none."""
        if isinstance(letter, Grains):
            self._grains(letter)
        elif isinstance(letter, Keystroke):
            self.keys.put(replace(letter, at=self.node.own(letter.at)))
        elif isinstance(letter, Set):
            self.room.send(letter)
        elif isinstance(letter, Ground):
            self._receiver(letter.mind).ground(letter)
        elif isinstance(letter, Frame):
            self._look(letter, time.monotonic())
        else:
            return False
        return True

    def _grains(self, grains: Grains) -> None:
        rows = np.frombuffer(grains.rows, GRAIN).copy()
        if not len(rows):
            return
        self.lost += grains.before - self._came if grains.before > self._came > 0 else 0
        self._came = grains.before + len(rows)
        first = float(rows["time"][0])
        rows["time"] += self.node.own(first) - first
        for row in rows.tolist():
            self.grains.add(row)

    def _look(self, frame: Frame, now: float) -> None:
        """A picture to make voices for: its latent and whom it descends from, no pixels."""
        if now - self._looked < LOOK:
            return
        if picture := self._receiver(frame.mind).picture(frame):
            self._looked = now
            self.pictures.write(picture)

    def _receiver(self, mind: str) -> Receiver:
        if mind not in self._receivers:
            self._receivers = dict(list(self._receivers.items())[-16:]) | {mind: Receiver()}
        return self._receivers[mind]

    def close(self) -> None:
        for each in (self.pictures, self.grains, self.page, self.samples):
            each.close()
