"""`hypermnesia alert`: what waits to be told to a person is sent, by mail and to a webhook; `--test` tries it.

The show leaves what is to be told in `outbox.jsonl`; a line goes when everybody it is for has it. Without a network it waits.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import smtplib
import sys
import time
import urllib.request
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from engine.core.errors import Plain
from engine.core.machine import GalleryFacts, Machine, home
from engine.gallery.words import WORDS

OUTBOX, SENDING = "outbox.jsonl", "outbox.sending"
PATIENCE = 20.0  # seconds that a server may take
MOST = 200  # letters that wait; the oldest go


def leave(where: Path, subject: str, said: str, files: Sequence[str] = ()) -> None:
    """Have something mailed at the next sending. Raises OSError."""
    with (where / OUTBOX).open("a", encoding="utf-8") as out:
        print(json.dumps({"at": time.strftime("%Y-%m-%d %H:%M"), "subject": subject, "said": said, "files": list(files)}, ensure_ascii=False), file=out)


def waiting(where: Path) -> list[dict[str, Any]]:
    """What waits, oldest first; taken out of the outbox, so that what comes meanwhile is not lost."""
    box, mine = where / OUTBOX, where / SENDING
    lines = mine.read_text(encoding="utf-8").splitlines() if mine.exists() else []
    if box.exists():
        fresh = box.with_suffix(".taken")
        box.replace(fresh)
        lines += fresh.read_text(encoding="utf-8").splitlines()
        _keep(mine, lines)
        fresh.unlink()
    found = []
    for line in lines[-MOST:]:
        with contextlib.suppress(ValueError):  # torn by a power cut
            found.append(dict(json.loads(line)))
    return found


def _keep(path: Path, lines: Sequence[str]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    fresh.replace(path)


def send(where: Path, machine: Machine) -> list[str]:
    """Send what waits; why what is left could not be sent, a sentence each. Whoever has a letter does not get it again."""
    facts, wrong, left = machine.gallery, dict[str, None](), list[str]()
    for letter in waiting(where):
        ways = letter.get("ways") or [*(["mail"] if facts.mail else []), *(["webhook"] if facts.webhook and not letter.get("files") else [])]
        rest = []
        for way in ways:
            try:
                (_mail if way == "mail" else _post)(facts, machine.doors.name, letter)
            except (OSError, smtplib.SMTPException, ValueError) as refused:
                wrong[f"{way}: {' '.join(str(refused).split())}"] = None
                rest.append(way)
        if rest:
            left.append(json.dumps({**letter, "ways": rest}, ensure_ascii=False))
    if left:
        _keep(where / SENDING, left)
        (where / OUTBOX).touch()  # it is asked for again
    else:
        (where / SENDING).unlink(missing_ok=True)
    return list(wrong)


def at_once(said: str, machine: Machine) -> list[str]:
    """Send this by every way, without a disk; why it could not be sent, a sentence each."""
    facts, wrong = machine.gallery, []
    for way, named in ((_mail, facts.mail), (_post, facts.webhook)):
        try:
            if named:
                way(facts, machine.doors.name, {"at": time.strftime("%Y-%m-%d %H:%M"), "said": said})
        except (OSError, smtplib.SMTPException, ValueError) as refused:
            wrong.append(" ".join(str(refused).split()))
    return wrong


def _mail(facts: GalleryFacts, name: str, letter: dict[str, Any]) -> None:
    words = WORDS.get(facts.language, WORDS["en"])
    message = EmailMessage()
    message["Subject"] = letter.get("subject") or f"{words['alert']}: {letter['said'][:90]}"
    message["From"] = f"{name} <hypermnesia@{facts.mail.rpartition('@')[2] or 'localhost'}>"
    message["To"] = facts.mail
    message.set_content(f"{letter['at']}\n\n{letter['said']}\n" if letter["said"] else f"{message['Subject']}\n")
    for file in map(Path, letter.get("files", ())):
        message.add_attachment(file.read_bytes(), maintype="application", subtype="pdf", filename=file.name)
    host, _, port = facts.smtp.partition(":")
    if not host:
        raise ValueError('[gallery] smtp = "mail.museum.org:25" names nobody who takes mail')
    with smtplib.SMTP(host, int(port or 25), timeout=PATIENCE) as server:
        if server.has_extn("starttls"):
            server.starttls()
        server.send_message(message)


def _post(facts: GalleryFacts, name: str, letter: dict[str, Any]) -> None:
    if not facts.webhook.startswith(("http://", "https://")):
        raise ValueError(f"[gallery] webhook = {facts.webhook!r} is no address, such as https://hooks.museum.org/hypermnesia")
    data = json.dumps({"from": name, "at": letter["at"], "text": letter["said"]}, ensure_ascii=False).encode()
    request = urllib.request.Request(facts.webhook, data, {"content-type": "application/json", "user-agent": "hypermnesia"})
    urllib.request.urlopen(request, timeout=PATIENCE).close()


def main(argv: Sequence[str]) -> int:
    """`hypermnesia alert`: returns the exit status, 0 when all that waited was sent."""
    parser = argparse.ArgumentParser("hypermnesia alert", description="Send what waits to be told to a person. --test tries the ways that [gallery] names.")
    parser.add_argument("--test", action="store_true", help="send a test first")
    parser.add_argument("--say", metavar="WORDS", default="", help="send this at once, and keep nothing: a full disk must be told of, too")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    options = parser.parse_args(argv)
    where = options.home or home()
    try:
        machine = Machine.read(options.machine) if options.machine else Machine()
        if options.test:
            if not (machine.gallery.mail or machine.gallery.webhook):
                raise Plain("[gallery] names neither mail nor webhook: alerts are written to a file alone")
            leave(where, "", "this is a test: whoever reads it would have been told")
        wrong = at_once(options.say, machine) if options.say else send(where, machine)
    except (Plain, OSError) as refused:
        print(f"hypermnesia alert: {refused}", file=sys.stderr)
        return 2
    for said in wrong:
        print(f"hypermnesia alert: {said}; it is kept, and tried again", file=sys.stderr)
    return 1 if wrong else 0
