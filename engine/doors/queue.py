"""Texts that wait for the operator. They lie on the disk, so that a visitor who was told "it waits" was told the truth."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.core.messages import Judged, Text
from engine.doors.moderation import Verdict
from engine.doors.porter import Porter

log = logging.getLogger("engine.doors.queue")


class Queue:
    """One line of JSON for each text that waits, rewritten when one is decided; a decided text leaves no trace here."""

    FULLEST = 500  # beyond it the oldest are displaced by nobody's decision

    def __init__(self, porter: Porter):
        self.porter = porter
        self.path: Path | None = porter.options.home / "waiting.jsonl" if porter.options.home else None
        self.texts: dict[str, Text] = {}
        self.reasons: dict[str, str] = {}  # by key: why a text is here; not kept
        porter.hold = self.hold
        porter.let_go = self.let_go
        porter.forgetters.append(self._forget)
        self._read()

    def __len__(self) -> int:
        return len(self.texts)

    def hold(self, text: Text, verdict: Verdict) -> bool:
        """Show a text to the operator. True: it waits for them; False: it goes on, perhaps lent to nobody meanwhile.

        What was displaced is harmless and goes on.
        """
        waits = self.porter.moderator.mode == "moderated" or bool(self.porter.moderator.trouble)
        if verdict.displaced or not (waits or not text.lent):
            return False
        if text.key not in self.texts:
            self.reasons[text.key] = verdict.reason
            text = replace(text, lent=waits)  # in this queue: False = it is dreamt already
            self.texts[text.key] = text
            if len(self.texts) > self.FULLEST:
                del self.texts[next(iter(self.texts))]
                self.porter.counts["queue_lost"] += 1
            self._write()
        return waits

    def let_go(self, key: str) -> bool:
        """The visitor takes a text back before anybody read it; False if it does not wait here."""
        text = self.texts.get(key)
        if text is None or not text.lent:
            return False
        self._forget(key)
        return True

    def _forget(self, key: str) -> None:
        if self.texts.pop(key, None):
            self.reasons.pop(key, None)
            self._write()

    def let_pass(self, key: str) -> None:
        """The operator lets a text through, or lets others have words of it."""
        text = self.texts.get(key)
        if text:
            self.porter.forward(text if text.lent else Judged(key, True, self.porter.clock()))
            self._forget(key)

    def stop(self, key: str) -> None:
        """The operator stops a text: it is displaced like one that the dictionaries caught; one that is dreamt is erased."""
        text = self.texts.get(key)
        if text and not text.lent:
            self.porter.forward(Judged(key, False, self.porter.clock()))
        elif text:
            elsewhere = self.porter.moderator.elsewhere(text.words, text.language)
            self.porter.forward(replace(text, words=elsewhere, at=self.porter.clock()))
        self._forget(key)

    def shown(self) -> list[dict[str, Any]]:
        """What waits, oldest first, for the desk."""
        return [
            {"key": text.key, "words": text.words, "language": text.language, "dreamt": not text.lent, "why": self.reasons.get(text.key, "")}
            for text in self.texts.values()
        ]

    def _read(self) -> None:
        if self.path:
            with contextlib.suppress(OSError):
                self.path.with_suffix(".new").unlink(missing_ok=True)  # words that a kill left behind
        if self.path and self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError, TypeError):  # a line torn by a power cut
                    text = Text(**json.loads(line))
                    self.texts[text.key] = text

    def _write(self) -> None:
        """All that waits, to a new file that takes the place of the old one when it is on the disk."""
        if not self.path:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_suffix(".new")
            with fresh.open("w", encoding="utf-8") as file:
                for text in self.texts.values():
                    file.write(json.dumps(asdict(text), ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as wrong:  # a full disk: the show goes on, the queue lives in memory alone
            log.error("the queue cannot be kept: %s", wrong)
            self.porter.counts["queue_unkept"] += 1
