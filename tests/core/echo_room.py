"""Small whole rooms for tests of the supervisor."""

import os
import time

from engine.core.crossings import Mailbox


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
