"""The mind's room: a process with three threads, so that nobody waits for a picture.

- *ears*: the mailbox and the archive. A sentence is stored and acknowledged while pictures are computed.
- *thought*: one pass of the mechanism after another, at low priority; between them, the memories that it would like to
  be painted.
- the main thread: the stream. It makes picture after picture towards the newest thought and never waits for one.

torch and SQLite let go of the interpreter while they work, so three threads share two cores.
"""

from __future__ import annotations

import gc
import logging
import os
import socket
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.core.crossings import PictureRing
from engine.core.errors import Plain
from engine.core.guard import FAULTS, Guard
from engine.core.mailbox import Mailbox
from engine.core.messages import Dream, Gap, Loading, News, Remembering, Rest, Resume, Set, Stored, Text, Trouble
from engine.core.milestones import passed
from engine.core.pulse import Pulses
from engine.mind.export import Export, lend
from engine.mind.gathering import FEW
from engine.mind.letters import answer
from engine.mind.memory.afar import opened
from engine.mind.memory.opening import Opened
from engine.mind.mind import Mind
from engine.mind.model.device import Cuda
from engine.mind.night import Nights, night
from engine.mind.options import MindOptions, spare
from engine.mind.parts import Parts, gather
from engine.mind.tier import chosen

log = logging.getLogger("engine.mind")
PAUSE = 0.35  # seconds between thoughts where nothing new was said: a few a second, and the stream keeps its time
PATIENCE = 0.6  # seconds that the stream stands back for a thought about new words
LISTEN = 0.02  # seconds that the ears wait for a letter before they post what others left
SPARE = 0.5  # seconds between paintings while pictures are late
MEASURED = 1.0  # seconds between two readings of the contract
BRISK = 1 / 60  # seconds from one picture to the next, at least: no wall shows more
CALM = 1 / 12  # the same where the wall draws on the same processor: it flows between pictures, and stays sharp on what is left
ENOUGH = 5  # thoughts that fail one after another: a new process may have the memory, or the device, that this one lost
LOADING, THINKING, PAINTING, STORING, ASLEEP = 600.0, 60.0, 60.0, 40.0, 7200.0  # seconds that a thread may say nothing
NICE = 5  # how much the thought gives way to the stream and the stage (Linux: per thread)


class Room:
    """What the three threads share. `close` ends them."""

    def __init__(self, end: socket.socket, ring: str, options: MindOptions, gather: Callable[[], Parts] | None = None, pulses: str = ""):
        self.pulses = Pulses(pulses)
        self.guard = Guard("mind", self.post)  # posts from any thread
        self.mailbox = Mailbox(end)
        self.ring = PictureRing(name=ring)
        self.options = options
        self.gather = gather
        self.mind: Mind | None = None
        self.dream: Dream | None = None
        self.resting = False  # the house is closed: no picture is wanted
        self.open = True
        self.fresh = threading.Event()  # other words are wanted
        self._outbox: deque[object] = deque()
        self._early: list[object] = []  # letters that came before the mind was there
        self._memory: Opened | None = None  # where sentences are stored meanwhile
        self._storing = threading.Lock()
        self._parent = os.getppid()
        self._begun = time.monotonic()
        self._nights = Nights(self._begun)
        self._measured = self._painted = 0.0
        self._export: Export | None = None

    # --- ears ---

    def listen(self) -> None:
        """Read the mailbox until None comes or the parent dies. What one letter does wrong ends that letter."""
        while self.open:
            self.pulses.beat("ears", LOADING if self.mind is None else 0.0)
            self.mailbox.wait(LISTEN)
            for letter in self.mailbox.drain():
                if letter is None:
                    self.open = False
                elif self.mind is None:
                    self._wait_for_mind(letter)
                else:
                    self._hear(letter)
            if self.mind is not None:
                while self._early:
                    self._hear(self._early.pop(0))
                if self.mind.remembering.owes:
                    self.pulses.beat("ears", STORING)
                self.post(*self.guard.run("news", self.mind.news, otherwise=list[News]()))
            self.guard.run("posting", self._flush, otherwise=None)
            if os.getppid() != self._parent:
                self.open = False
        self.fresh.set()

    def _hear(self, letter: object) -> None:
        self.pulses.beat("ears", STORING)
        self.guard.run(f"hearing {type(letter).__name__}", self.take, letter, otherwise=None)
        self.pulses.beat("ears")

    def _wait_for_mind(self, letter: object) -> None:
        if isinstance(letter, Rest):
            self.resting = letter.on
        elif isinstance(letter, Dream):
            self.dream = letter
        elif len(self._early) < 512:
            with self._storing:
                self._early.append(letter)
                self._store(letter)

    def _store(self, *letters: object) -> None:
        """Store sentences before the mind is there, and acknowledge them. Where the disk refuses, the mind will say so."""
        memory = self._memory
        for text in letters if memory and memory.found.remembers else ():
            if memory and isinstance(text, Text):
                found = self.guard.run("storing a sentence", memory.archive.hear, text, otherwise=None)
                if found:
                    self.post(Stored(text.key, found[0], found[1], text.visit))

    def take(self, letter: object) -> None:
        """One letter. The mind is there."""
        assert self.mind is not None
        if isinstance(letter, Dream):
            fresh = self.dream is None or letter.sentence != self.dream.sentence
            self.dream = letter
        elif isinstance(letter, Rest):
            fresh = self.resting and not letter.on
            self.resting = letter.on
        elif isinstance(letter, Resume):
            fresh = False
            self._go_on(letter.seed, letter.time, np.frombuffer(letter.latent, np.float16).reshape(letter.shape))
        else:
            self.post(*answer(self.mind, letter))  # type: ignore[arg-type]
            fresh = isinstance(letter, Set)
        if fresh:
            self.fresh.set()

    def post(self, *letters: News | Loading | Remembering | Gap) -> None:
        """Leave letters for the ears to send. Any thread."""
        self._outbox.extend(letters)

    def _flush(self) -> None:
        while self._outbox:
            self.mailbox.send(self._outbox.popleft())
        self.mailbox.flush()

    # --- thought ---

    def ponder(self) -> None:
        """Think until the room closes; what goes wrong is said, and the next thought tries again, ENOUGH times."""
        _give_way(NICE)
        mind = self.mind
        assert mind is not None
        failed = 0
        while self.open:
            dream = self.dream
            self.pulses.beat("thought", THINKING)
            try:
                now = time.monotonic() - self._begun
                if dream is not None and not self.resting and (not self._late() or self.fresh.is_set() or mind.wanted(dream, now)):
                    mind.ponder(dream, now, lambda asked=dream.sentence: self.dream is not None and self.dream.sentence != asked)  # type: ignore[misc]
                if dream is None or self.dream is None or dream.sentence == self.dream.sentence:
                    self.fresh.clear()  # what was asked last is thought
                if self.options.shares and (gap := mind.sharing.say(mind.thought)):
                    self.post(gap)
                painted, failed = not self.resting and self._paint(mind), 0
            except FAULTS as wrong:
                self.guard.note("a thought", wrong)
                painted, failed = False, failed + 1
                time.sleep(1.0)
                if failed == ENOUGH:
                    self._end(f"{ENOUGH} thoughts failed one after another: the room ends and is started anew")
            if not painted and not self.fresh.is_set():  # three a second at most, and none while somebody waits
                self.guard.run("an older memory", mind.keeper.convert, otherwise=False)
            self.guard.run("the night", self._sleep_on_it, time.monotonic(), otherwise=None)
            self.pulses.beat("thought", PAUSE)
            self.fresh.wait(0.0 if painted else PAUSE)

    def _late(self) -> bool:
        """Whether the contract has given up thoughts that nobody waits for."""
        return self.mind is not None and self.mind.parts.dreamer.contract.step != "whole"

    def _hurries(self) -> bool:
        """Whether new words have no crowd yet: until they have, half of the pictures' time is its painter's."""
        return self.mind is not None and self.mind.gathering.hurries(self.mind.thought)

    def _paint(self, mind: Mind) -> bool:
        """Paint what the newest thought wants, a few at a time, until other words come; whether anything was painted.

        Where pictures are late, one at a time and now and then: what is on the wall comes first, but for new words.
        """
        late, now = self._late() and not self._hurries(), time.monotonic()
        if late and now - self._painted < SPARE:
            return False
        self._painted, count = now, 0
        while count < (1 if late else FEW) and self.open and not self.fresh.is_set() and self._paints(mind):
            count += 1
        return count > 0

    def _paints(self, mind: Mind) -> bool:
        """Paint one recipe; whether any was wanted."""
        return mind.gathering.paint(mind.thought) or (self.dream is not None and mind.rivalry.paint(self.dream.rivals, mind.thought))

    def _sleep_on_it(self, now: float) -> None:
        """The night's work, when it is due. Where the disk takes again what is said, a new mind is to remember it: this one ends."""
        if self.mind is None:
            return
        keeper = self.mind.keeper
        if self._nights.follows(keeper, now) and (why := self.guard.run("the memory's server", keeper.follow, otherwise="")):
            self._end(why)
        elif not keeper.standing.remembers:
            if self._nights.disk_is_back(keeper, now):
                self._end("the disk takes again what is said: the mind starts anew and remembers")
        elif self._nights.due(keeper, self.dream, now, self.resting):
            self.pulses.beat("thought", ASLEEP)
            try:
                night(keeper, self.mind.rows)
            except (OSError, sqlite3.Error, Plain) as wrong:
                self._nights.failed(now)
                self.post(Trouble("mind", f"the archive could not be copied ({wrong}); there is still the last copy"))

    def _end(self, why: str) -> None:
        """Close the room, which is then started anew, and say why."""
        self.post(Trouble("mind", why))
        time.sleep(2 * LISTEN)  # the ears send it
        self.open = False

    # --- stream ---

    def run(self) -> None:
        """Load, then make pictures until the room closes. Main thread."""
        ears = threading.Thread(target=self.listen, name="ears", daemon=True)
        ears.start()
        self.pulses.beat("stream", LOADING)
        gc.disable()  # what is loaded stays
        memory = opened(Path(self.options.archive), self.options.server, self.options.site)
        with self._storing:  # what people say is kept while the model loads
            self._memory = memory
            passed("mind", "opened the memory")
            self._store(*self._early)
        parts = self.gather() if self.gather else gather(self.options, self.tell)
        passed("mind", "a model")
        with self._storing:  # from here on the keeper reads what is there, and what comes waits for it
            self._memory = None
        mind = Mind(self.options, self.tell, parts, memory)
        mind.live()
        self._resume(mind)
        self.mind = mind
        gc.freeze()
        gc.enable()
        self.post(Remembering(mind.keeper.standing.how))
        thought = threading.Thread(target=self.ponder, name="thought", daemon=True)
        thought.start()
        self._export = lend(self.ring, mind.parts.dreamer)
        self.tell("ready", 1.0)
        passed("mind", "what it remembers")
        failed = 0
        while self.open:
            dream = self.dream
            self.pulses.beat("stream", PAINTING)
            if dream is None or mind.thought is None or (self.resting and self.ring.serial):
                time.sleep(0.05 if self.resting else 0.01)
                continue
            if not self.ring.serial:
                passed("mind", "a first thought")
            self._let_think()
            try:
                begun = time.monotonic()
                self._show(mind, dream, begun - self._begun)
                self._keep_contract(mind, begun)
                failed = 0
            except FAULTS as wrong:
                self.guard.note("a picture", wrong)
                failed += 1
                self.open = self.open and failed < ENOUGH
                time.sleep(0.5)
        thought.join(5.0)
        ears.join(1.0)
        mind.close()
        self.ring.close()

    def _resume(self, mind: Mind) -> None:
        """Go on with the dream of the mind before this one, if there was one: its walk, its time, its last picture."""
        if last := self.ring.newest():
            self._go_on(last.state.seed, last.state.time, last.latent, mind, last.state.words, last.state.kept)

    def _go_on(self, seed: int, seconds: float, latent: NDArray[np.float16], mind: Mind | None = None, words: str = "", kept: int = 0) -> None:
        """From another mind's walk, the seconds of its clock and its last latent (c, h, w); a latent of another model says nothing here."""
        mind = mind or self.mind
        if mind is None or latent.shape != mind.parts.dreamer.latent or not latent.any():
            return
        self._begun = time.monotonic() - seconds
        mind.resume(seed, seconds, torch.from_numpy(latent.astype(np.float32)), words, kept)

    def _show(self, mind: Mind, dream: Dream, time: float) -> None:
        """One picture into the ring; and, where stage and mind have one GPU, into its memory. A dark one is not painted."""
        painted = mind.parts.dreamer.contract.compute
        before, withheld = painted.count, mind.rows.aura.withheld
        picture = mind.picture(dream, time)
        # residues and what is between two keys of a film are no pictures of the dreamer's: their pixels are here alone
        own = not picture.state.dream.copies and not picture.state.continuation
        shared = self._export is not None and painted.count > before and own and mind.rows.aura.withheld == withheld
        if self._export and shared:
            self._export.put(mind.parts.dreamer.rgba, self.ring.serial + 1)  # type: ignore[attr-defined]  # a Model's
        self.ring.write(picture, shared)

    def _let_think(self) -> None:
        """Words that have just come are thought first: the wall moves on by itself, and two on two cores are slow."""
        begun = time.monotonic()
        while self.fresh.is_set() and self.open and time.monotonic() < begun + PATIENCE:
            time.sleep(0.005)
        if self.mind:
            self.mind.parts.dreamer.contract.stand_back(time.monotonic() - begun)

    def _keep_contract(self, mind: Mind, begun: float) -> None:
        """After a picture: what the contract has given up, a reading of it each second, and no more than a wall shows."""
        dreamer, now = mind.parts.dreamer, time.monotonic()
        contract = dreamer.contract
        if contract.step == "smaller":
            dreamer.lower()
        else:
            dreamer.rise()
        if now - self._measured >= MEASURED:
            self._measured = now
            mind.slo = (*contract.figures(now).items(), ("size_px", float(min(dreamer.size))))
        rest = 0.9 * contract.deadline if contract.step == "extrapolate" else 0.0  # every second picture is left out
        often = CALM * (2 if self._hurries() else 1)
        calm = BRISK if isinstance(getattr(dreamer, "device", None), Cuda) else min(often, 0.7 * contract.deadline)
        until = begun + max(calm, rest)
        while self.open and not self.fresh.is_set() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.005))

    def tell(self, what: str, done: float) -> None:
        if self.mind is None:
            self.pulses.expect(("stream", "thought"), LOADING)
        self.post(Loading(what, done))


def _give_way(nice: int) -> None:
    """Lower the priority of this thread alone; where the system knows no such thing, all threads are alike."""
    if hasattr(os, "setpriority") and hasattr(threading, "get_native_id"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + nice)
        except OSError as refused:
            log.info("the thought runs at the stream's priority (%s)", refused)


def serve(end: socket.socket, ring: str, options: MindOptions, gather: Callable[[], Parts] | None = None, pulses: str = "") -> None:
    """The room's process: ends when None arrives or the parent dies. Called by the supervisor."""
    passed("mind", "its code")
    torch.set_num_threads(options.threads or spare())
    torch.set_num_interop_threads(1)
    decided = options if gather else chosen(options)
    passed("mind", "chosen a size")
    Room(end, ring, decided, gather, pulses).run()
