"""Small whole rooms for tests of the supervisor."""

import os
import time

from engine.core.mailbox import Mailbox
from engine.core.pulse import Pulses


def serve(end, name):
    mailbox, parent = Mailbox(end), os.getppid()
    while os.getppid() == parent:
        mailbox.wait(0.1)
        for letter in mailbox.drain():
            if letter is None:
                return
            mailbox.send((name, letter))


def deaf(end):
    Mailbox(end).send("ready")
    time.sleep(60)


def broken(end):
    raise SystemExit(3)


def beating(end, name):
    """A room of two threads: "think" silences one for a minute and says so, "hang" the other, and does not."""
    mailbox, parent, pulses, silent = Mailbox(end), os.getppid(), Pulses(name), set()
    mailbox.send("ready")
    while os.getppid() == parent:
        mailbox.wait(0.1)
        for letter in mailbox.drain():
            if letter is None:
                return
            silent.add({"think": "thought", "hang": "ears"}[letter])
            if letter == "think":
                pulses.beat("thought", 60.0)
        for thread in {"thought", "ears"} - silent:
            pulses.beat(thread)
