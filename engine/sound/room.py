"""The sound room: a process whose audio callback is the clock of the whole engine.

Three threads: the device's (or the null device's) asks for blocks; one has new sounds woven from pictures by a Loom;
the main thread reads letters and watches the device. A device that vanishes is replaced by the null device within a second,
with the same sample count, and tried again once a second.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from engine.core.crossings import ClockPage, GrainRing, KeyRing, PictureRing
from engine.core.guard import Guard
from engine.core.mailbox import Mailbox
from engine.core.messages import Picture, Set, Trouble
from engine.core.milestones import passed
from engine.core.pulse import Pulses
from engine.sound import lateness
from engine.sound.device import CardOutput, NullOutput, Output, find, rescan
from engine.sound.instrument import Instrument
from engine.sound.library import SECONDS
from engine.sound.loom import Loom, LoomError
from engine.sound.microphone import Microphone
from engine.sound.options import SoundOptions
from engine.sound.player import Player
from engine.sound.sources import MICROPHONE, Job
from engine.sound.tap import SampleRing

OPENING, WEAVING = 30.0, 60.0  # seconds that a thread may say nothing: hosts take long over a device that is gone
QUIET = 10.0  # seconds between explanations of underruns; all are counted
RETRY = (1.0, 2.5)  # seconds between attempts to find a device: at first, and after many (each takes 25 ms of CPU)


def serve(
    end: socket.socket, pictures: str, grains: str, keys: str, page: str, samples: str, options: SoundOptions,
    pulses: str = "",
) -> None:  # fmt: skip
    """The process: play until the letter None arrives or the parent is gone.

    pictures, grains, keys, page, samples: names of a PictureRing, a GrainRing, a KeyRing, a ClockPage and a SampleRing
    that the parent owns. Letters in: Set (/hm/sound/..., /hm/blackout), None. Letters out: Trouble.
    """
    passed("sound", "its code")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(0.0005)  # a thread that holds Python makes the callback wait this long at most
    room = Room(Mailbox(end), (pictures, grains, keys, page, samples), options, Pulses(pulses))
    try:
        room.run()
    finally:
        room.close()


class Room:
    """Everything of the process but its entry. Main thread, apart from `_weave`."""

    def __init__(
        self, mail: Mailbox, names: tuple[str, str, str, str, str], options: SoundOptions, pulses: Pulses | None = None
    ):
        pictures, grains, keys, page, samples = names
        self.pulses = pulses or Pulses("")
        self.guard = Guard("sound", lambda trouble: self._befell.append(trouble.what))  # from any thread
        self._befell: deque[str] = deque(maxlen=64)  # for the main thread to tell
        self._mail, self._options = mail, options
        self._page = ClockPage(page)
        self._grains = GrainRing(name=grains)
        self._samples = SampleRing(name=samples)
        self._pictures = PictureRing(name=pictures)
        self._keys = KeyRing(name=keys)
        self._keys.take()
        self._grains.take()  # what was meant for a room that died is late by now
        self.instrument = Instrument.of(options)
        if self.instrument.engine == "numpy" and options.engine == "auto":
            self._tell("pyo is not installed: grains are made by numpy, at several times the cost (pip install pyo)")
        self.player = Player(self.instrument, self._grains, self._keys, self._page, self._samples, self.guard, self._beat)
        self._going = True
        self._faults = 0  # as of the last look
        self._underruns, self._reading = 0, lateness.read(0)  # as of the last look
        self._explained = -1e9  # when an underrun was last explained aloud
        self._parent = os.getppid()
        self._tried, self._tries = time.monotonic(), 0
        self._said = ""
        gc.collect()
        gc.freeze()  # a collection of what never dies would hold up the callback
        self._output = self._open()
        self._ear = self._listen()
        self._weaver = threading.Thread(target=self._weave, name="weaver", daemon=True)

    def run(self) -> None:
        """Until told to stop."""
        self._weaver.start()
        passed("sound", "a device")
        while self._going and os.getppid() == self._parent:
            self.pulses.beat("sound")
            self._mail.wait(0.1)
            for letter in self._mail.drain():
                self.guard.run("a letter", self._read, letter, otherwise=None)
            self.guard.run("watching the device", self._watch, otherwise=None)
            self.guard.run("explaining", self._explain, otherwise=None)
            while self._befell:
                self._tell(self._befell.popleft())

    def close(self) -> None:
        """Fade out and end."""
        self._going = False
        self.instrument.fader.target = 0.0
        until = time.monotonic() + 0.3
        while not self.instrument.fader.silent and time.monotonic() < until:
            time.sleep(0.01)
        self._output.close()
        if self._ear is not None:
            self._ear.close()
        self._page.publish(running=0.0)

    def _beat(self) -> None:
        self.pulses.beat("block")

    def _read(self, letter: object) -> None:
        if letter is None:
            self._going = False
        elif isinstance(letter, Set) and letter.address == "/hm/blackout":
            self.player.dark = bool(letter.args[0]) if letter.args else True
        elif isinstance(letter, Set) and letter.address == "/hm/sound/house":
            self.player.house.target = min(max(float(letter.args[0]), 0.0), 1.0)
        elif isinstance(letter, Set):
            problem = self.instrument.receive(letter)
            if problem:
                self._tell(problem)

    # --- the device ---------------------------------------------------------------------------------------------------

    def _open(self) -> Output:
        """The device that was asked for, or the null device and a word about why."""
        self._tried = time.monotonic()
        self.pulses.expect(("sound", "block"), OPENING)
        output: Output
        if self._options.device != "null":
            try:
                output = CardOutput(self._options, self.player.play)
            except Exception as refused:  # PortAudio raises its own, OSError where its library is missing, LookupError
                self._tell(f"no sound: {refused}; the clock runs on without it")
            else:
                return self._opened(output)
        output = NullOutput(self._options, self.player.play)
        return self._opened(output)

    def _opened(self, output: Output) -> Output:
        self.player.restart(output.latency)
        self._page.publish(real=float(output.real))
        return output

    def _watch(self) -> None:
        """Replace a device that is gone; look again for one that was asked for and is not there."""
        if self._output.note:
            self._tell(self._output.note)
            self._output.note = ""
        if self._output.real and not self._output.alive():
            self.pulses.expect(("sound", "block"), OPENING)
            self._tell(f"the sound device {self._output.name} is gone: silent until it is back")
            self._output.close()
            self._output = self._opened(NullOutput(self._options, self.player.play))
            self._tried, self._tries = time.monotonic(), 0
        elif not self._output.real and not self._output.alive():
            self._output = self._opened(NullOutput(self._options, self.player.play))
        elif self._missing() and time.monotonic() - self._tried > RETRY[self._tries > 10]:
            self._try_again()

    def _explain(self) -> None:
        """Count the underruns since the last look under their cause, and now and then say it."""
        player, faults = self.player, self.instrument.faults
        if faults > self._faults:
            self._tell(f"{faults - self._faults} grains or blocks that nobody can play (not a number, or too far off) were left out")
            self._faults = faults
        before, self._reading = self._reading, lateness.read(player.thread)
        longest = lateness.Longest(player.computing, player.passing)
        player.computing = player.passing = 0.0
        new, self._underruns = player.underruns - self._underruns, player.underruns
        if new:
            period = self._options.block / self._options.rate
            kind, words = lateness.cause(before, self._reading, longest, period, max(period, player.latency))
            player.causes[kind] += new
            if time.monotonic() - self._explained > QUIET:
                self._explained = time.monotonic()
                self._tell(f"{new} late {'block' if new == 1 else 'blocks'} of sound: {words}")

    def _missing(self) -> bool:
        return not self._output.real and self._options.device != "null"

    def _try_again(self) -> None:
        """Look whether the device is there again. PortAudio must be restarted for that, so the microphone waits."""
        self._tried, self._tries = time.monotonic(), self._tries + 1
        self.pulses.expect(("sound", "block"), OPENING)
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.close()
        with contextlib.suppress(Exception):  # still not there, as was said when it went
            rescan()
            find(self._options)
            self._output.close()
            try:
                self._output = self._opened(CardOutput(self._options, self.player.play))
                self._tell(f"sound is back: {self._output.name}")
            except Exception:
                self._output = self._opened(NullOutput(self._options, self.player.play))
                raise
        if ear is not None:
            self._ear = self._listen()

    def _tell(self, what: str) -> None:
        if what != self._said:
            self._said = what
            self._mail.send(Trouble("sound", what))

    # --- new sounds ---------------------------------------------------------------------------------------------------

    def _weave(self) -> None:
        """Have sounds made for the newest picture, one at a time; a loom that dies or a picture that fails costs a sound."""
        while self._going:
            self.guard.run("weaving", self._weave_on, otherwise=None)
            time.sleep(0.5)

    def _weave_on(self) -> None:
        seen = 0
        loom = Loom()
        try:
            while self._going:
                self.pulses.beat("weaver", WEAVING)
                time.sleep(0.05)
                self._overhear()
                picture = self._pictures.newest(seen)
                if picture is not None:
                    seen = self._pictures.serial
                    self.instrument.lineage = picture.state.lineage
                    loom = self._voices(loom, picture, seen)
        finally:
            loom.close()

    def _overhear(self) -> None:
        ear = self._ear
        if ear is not None and self.instrument.library.rested(MICROPHONE, self.instrument.sample):
            heard = ear.recent()
            if len(heard):
                self.instrument.overhear(heard)

    def _voices(self, loom: Loom, picture: Picture, seen: int) -> Loom:
        """Have the sounds of a picture made; returns the loom to go on with."""
        try:
            for job in self.instrument.wanted(picture):
                self.instrument.give(job, self._made(loom, job))
                if self._pictures.serial > seen or not self._going:
                    break  # something newer is there; voices that are still missing are asked for again
        except EOFError:
            self._befell.append("the loom that makes new sounds has died: another one is started")
            loom.close()
            time.sleep(1.0)
            return Loom()
        return loom

    def _made(self, loom: Loom, job: Job) -> NDArray[np.float32]:
        """A sound from the loom; silence, and a word about it, for one that cannot be made."""
        try:
            return loom.make(job)
        except LoomError as wrong:
            self._befell.append(str(wrong))
            return np.zeros(16, np.float32)

    def _listen(self) -> Microphone | None:
        """The microphone, if one was named; that it is open is said."""
        if self._options.microphone is None:
            return None
        try:
            ear = Microphone(self._options.microphone, self._options.rate)
        except Exception as refused:  # PortAudio's own errors, as for outputs
            self._tell(f"no microphone {self._options.microphone!r}: {refused}")
            return None
        self._tell(f"the microphone {ear.name!r} is open: {SECONDS} seconds are kept in memory, nothing else")
        return ear
