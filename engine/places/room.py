"""The room through which a house reaches its other machines: one process, one session, beside the loop or beside a second wall.

Beside the loop it stands in the mind's place where no mind runs here: the loop's letters come by the same mailbox, pictures
go into the same ring, decoded here. What the wall here shows goes on to the other walls, as latents: those of minds
elsewhere as they came, those of a mind that is here out of its ring.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from engine.core.crossings import PictureRing
from engine.core.guard import Guard
from engine.core.mailbox import Mailbox
from engine.core.messages import (
    Dream,
    Gap,
    Judged,
    Loading,
    Picture,
    Remembering,
    Rest,
    Resume,
    Started,
    Text,
    Trouble,
    Withdraw,
)
from engine.core.pulse import Pulses
from engine.places.channels import Channels
from engine.places.decoding import decoder
from engine.places.doors import DoorsAway
from engine.places.frames import Frame, Ground, Receiver, Sender
from engine.places.minds import Ask, Duty
from engine.places.node import Node, version
from engine.places.options import DOORS, MIND, SHOW, SOUND, WALL, Lines, Of
from engine.places.post import Post
from engine.places.pulse import Beat
from engine.places.report import Report
from engine.places.sound import SoundAway
from engine.places.wire import Got, Sent, Sounding
from engine.stage.shown import Shown

log = logging.getLogger("engine.places")
LOADING = 120.0  # seconds that reading a decoder may take
PACE = 1 / 15  # seconds between two pictures of a mind that is here, at least, on their way to other walls
PATIENCE = 5.0  # seconds without any mind after which that is said


class Away:
    """What the process does. One thread, besides Zenoh's. `lines`: of the rooms that `[place] elsewhere` names."""

    def __init__(self, end: socket.socket, ring: str, of: Of, pulses: str = "", lines: Lines | None = None):
        self.of, self.pulses = of, Pulses(pulses)
        self.mailbox, self.ring = Mailbox(end), PictureRing(name=ring)
        self.guard = Guard("places", self.mailbox.send)
        self.leads, self.dreams = SHOW in of.rooms, MIND in of.rooms
        self.open, self._parent = True, os.getppid()
        self.pulses.expect(("places",), LOADING)
        self.decodes = of.decodes() if of.decodes else decoder(of.model)
        self.duty, self.post = Duty(), Post()
        self.sender = Sender(of.facts.name, self.decodes.carries)
        self.receivers: dict[str, Receiver] = {}
        self.begun: deque[tuple[float, float]] = deque(maxlen=8)  # pictures that the wall here began, and when
        self.pictures = 0
        self._serial, self._paced, self._alone = 0, 0.0, time.monotonic()
        self._refused: dict[str, str] = {}  # by machine: why it is not used, as it was last said
        self.node = Node(of.facts, of.rooms, self.guard, self._beat)
        self.channels = Channels(self.node)
        self.sound = SoundAway(self.node, self.channels, lines) if lines and SOUND in lines.ends else None
        self.doors = DoorsAway(self.node, self.channels, lines, self.pulses) if lines and DOORS in lines.ends else None
        self.report = Report(self.node, self.post, self.duty)

    def run(self) -> None:
        """Until None comes, or the parent is gone."""
        while self.open and os.getppid() == self._parent:
            self.pulses.beat("places")
            self.node.wait(0.004)
            for letter in self.mailbox.drain():
                self.guard.run("a letter of the loop", self._told, letter, otherwise=None)
            for sender, letter in self.node.turn():
                self.guard.run(f"a letter of {sender}", self._heard, sender, letter, otherwise=None)
            now = time.monotonic()
            if self.leads and not self.dreams:
                self.guard.run("the minds", self._minds, now, otherwise=None)
            if self.dreams and self._followed:
                self.guard.run("a picture", self._send, now, otherwise=None)
            self.guard.run("rooms elsewhere", self._rooms, now, otherwise=None)
            if found := self.report.due(now):
                self.mailbox.send(found)
            self.mailbox.flush()
        self.node.close()
        for each in (self.ring, self.sound, self.doors):
            if each:
                each.close()

    def _rooms(self, now: float) -> None:
        """Sound and doors that are elsewhere."""
        for room, away in ((SOUND, self.sound), (DOORS, self.doors)):
            if away:
                away.turn([name for name in self.node.there(room) if self._fits(name, self.node.peers[name].beat)], now)
        if self.sound or self.doors:
            self.channels.turn(now)

    @property
    def _followed(self) -> bool:
        """Whether anybody besides this wall wants pictures."""
        return bool(self.node.there(WALL) or (self.sound and self.node.there(SOUND)))

    # --- from the loop

    def _told(self, letter: object) -> None:
        if letter is None:
            self.open = False
        elif isinstance(letter, Shown) and self.leads:
            self.report.shown(letter.end, letter.began)
            self.node.net.tell(letter)
        elif isinstance(letter, Shown):  # of the wall that is here: what it began, and when
            self.begun.append((letter.end, self.node.house(letter.began)))
        elif isinstance(letter, Dream):
            self.duty.ask(letter, time.monotonic())
        elif isinstance(letter, Rest):
            self.duty.rest(letter.on)
        elif isinstance(letter, (Text, Withdraw, Judged)):
            self.post.hear(letter)
        else:
            for mind in self.node.there(MIND):
                self.node.net.say(mind, letter)

    def _minds(self, now: float) -> None:
        """Who is there, and what is to be said to whom."""
        there = self.node.there(MIND)
        for name in there:
            beat = self.node.peers[name].beat
            self.post.meet(name)
            if self._fits(name, beat) and beat.ready:
                self.duty.ready(name)
            else:
                self.duty.lost(name)
            for letter in self.post.due(name, now) if beat.ready else ():
                self.node.net.say(name, letter)
        for name in self.duty.known:
            if name not in there:
                self.duty.lost(name)
        for name, order in self.duty.orders(now):
            self.node.net.say(name, order)
        if there:
            self._alone = now
        elif now - self._alone > PATIENCE:
            self._alone = now + 55.0
            where = ", ".join(self.of.facts.peers) or "nowhere: [place] peers is empty"
            self.mailbox.send(Trouble("places", f"no mind can be reached ({where}): is it switched on, and the cable in? The wall goes on with what it has"))

    def _fits(self, name: str, beat: Beat) -> bool:
        """Whether this house can use a machine; why not is said once."""
        why = ""
        if beat.version != version():
            why = f"runs {beat.version} and this house {version()}: install the same release on both"
        elif beat.model != self.of.model and beat.rooms != (SOUND,):  # doors know by it whether a person reads first
            why = f"{'dreams with' if MIND in beat.rooms else 'is made for'} {beat.model} and this house {'dreams ' if MIND in beat.rooms else ''}with {self.of.model}: [mind] model is to be the same"
        if why and self._refused.get(name) != why:
            self.mailbox.send(Trouble("places", f"{name} {why}"))
        self._refused[name] = why
        return not why

    def _send(self, now: float) -> None:
        """The newest picture of the mind that is here, to the other walls."""
        if now < self._paced or self.ring.serial == self._serial:
            return
        if picture := self.ring.newest(self._serial):
            self._serial, self._paced = picture.serial, now + PACE
            for letter in self.sender.pack(picture, 0, now):
                if letter is not None:
                    self.node.net.tell(letter)

    # --- from other machines

    def _heard(self, sender: str, letter: object) -> None:
        if self.leads:
            if isinstance(letter, (Ground, Frame)):
                if letter.mind == sender and not self.dreams:
                    self._picture(sender, letter)
            elif isinstance(letter, (Sent, Got, Sounding)):
                self._of_rooms(sender, letter)
            elif sender in self.duty.known:
                self._news(sender, letter)
        elif sender == self.node.show:  # a wall hears of pictures by the one that leads: both show the same ones
            if isinstance(letter, (Ground, Frame)):
                self._picture(sender, letter)
            elif isinstance(letter, Shown):
                self.mailbox.send(self._here(letter))

    def _of_rooms(self, sender: str, letter: Sent | Got | Sounding) -> None:
        """Of sound and doors elsewhere. Until its clock is measured nobody is taken at their word: they say it again."""
        peer = self.node.peers.get(sender)
        wanted = {room for room, away in ((SOUND, self.sound), (DOORS, self.doors)) if away}
        if peer is None or not peer.clock.known or not wanted & set(peer.beat.rooms) or not self._fits(sender, peer.beat):
            return
        if isinstance(letter, Sounding):
            if self.sound:
                self.sound.hear(sender, letter)
            return
        letters = self.channels.take(sender, letter)
        for one in letters:
            if self.sound and (isinstance(one, Started) or (isinstance(one, Trouble) and one.room.startswith(SOUND))):
                self.sound.take(sender, one)
        if self.doors and letters and DOORS in peer.beat.rooms:
            self.doors.take(sender, tuple(one for one in letters if not (isinstance(one, Trouble) and one.room.startswith(SOUND))))

    def _news(self, sender: str, letter: object) -> None:
        """What a mind has to say: each answer once, and of what it says of itself only what the one on the wall says."""
        if isinstance(letter, (Loading, Remembering)):
            if sender == self.duty.on or not self.duty.on:
                self.mailbox.send(letter)
        elif isinstance(letter, Gap):  # what one mind found turns the others' words, too
            for mind in self.node.there(MIND):
                if mind != sender:
                    self.node.net.say(mind, letter)
        elif isinstance(letter, (Ask, Resume)):
            return
        elif self.post.answer(sender, letter, self.node.there(MIND)):  # type: ignore[arg-type]
            self.mailbox.send(letter)

    def _picture(self, sender: str, letter: Ground | Frame) -> None:
        """Into the ring, decoded, if this wall shows it; and on to the walls that follow this one."""
        receiver = self.receivers.get(letter.mind)
        if receiver is None:
            self.receivers = dict(list(self.receivers.items())[-16:])
            receiver = self.receivers[letter.mind] = Receiver()
        try:
            if isinstance(letter, Ground):
                receiver.ground(letter)
                return self._pass_on(letter)
            picture = receiver.picture(letter)
            if picture is None or (self.leads and not self._takes(sender, letter, picture)):
                return
            picture = replace(picture, rgba=self.decodes.rgba(picture))
        except ValueError as wrong:
            self.node.count(sender).garbage += 1
            self.guard.note(f"a picture of {sender}", wrong)
            return
        self._pass_on(letter)
        self.pictures += 1
        self.ring.write(picture)

    def _pass_on(self, letter: Ground | Frame) -> None:
        if self.leads and self._followed:
            self.node.net.tell(letter)

    def _takes(self, mind: str, frame: Frame, picture: Picture) -> bool:
        """Whether the walls show it; then it is also where the next mind goes on from."""
        if not self.duty.answered(mind, frame.term, time.monotonic()):
            return False
        if picture.latent.any():
            self.duty.last = Resume(picture.state.seed, picture.state.time, frame.shape, picture.latent.astype(np.float16).tobytes())
        return True

    def _here(self, shown: Shown) -> Shown:
        """The same in this machine's seconds; pictures keep their names."""
        own = self.node.own
        then = own(shown.then) if shown.then else 0.0
        return replace(shown, house=own(shown.house), began=own(shown.began), begun=own(shown.begun), then=then)

    def _beat(self) -> dict[str, Any]:
        figures = (("pictures", float(self.pictures)), ("lost", float(self.node.lost)))
        return {"model": self.of.model, "ready": True, "shown": tuple(self.begun), "doing": "leads" if self.leads else "shows", "figures": figures}


def serve(end: socket.socket, ring: str, of: Of, pulses: str = "", lines: Lines | None = None) -> None:
    """The room's process: ends when None arrives or the parent dies. Called by the supervisor."""
    torch.set_num_threads(1)
    Away(end, ring, of, pulses, lines).run()
