"""What becomes of a visitor's text: it goes on, it is dreamt and lent to nobody, or another sentence goes on. Offline.

A text that is stopped is never refused to its face: it is displaced to the nearest sentence that nobody minds, and goes
its way like any other. Where the judge is unsure the text is dreamt and given back, but others get no words of it
until somebody at /desk has read it. Who may want to harm themselves is told where somebody listens.
"""

from __future__ import annotations

import logging
import threading
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.judge import Judge, Ruling, judge
from engine.core.lexicon import language as spoken_in
from engine.doors.options import Mode

log = logging.getLogger("engine.doors")

LIMIT = 280  # characters of a text

# Sentences that nobody minds. A displaced text becomes the nearest of them.
ALLOWED = (
    "the sea at night", "rain on a window", "a house where somebody left a light on", "snow over the roofs of a town",
    "my grandmother's kitchen", "a train that leaves without me", "the smell of wet leaves", "a dog asleep in the sun",
    "I miss someone very much", "a fire far away", "we were angry and then it passed", "I am afraid of the dark",
    "my body is tired", "two people who love each other", "a storm that breaks the trees", "the end of a long war",
    "la mer la nuit", "la pluie sur une vitre", "une maison où quelqu'un a laissé la lumière", "la neige sur les toits",
    "la cuisine de ma grand-mère", "un train qui part sans moi", "l'odeur des feuilles mouillées",
    "un chien qui dort au soleil", "quelqu'un me manque beaucoup", "un feu au loin", "la colère, et puis elle passe",
    "j'ai peur du noir", "mon corps est fatigué", "deux personnes qui s'aiment", "un orage qui casse les arbres",
    "la fin d'une longue guerre",
)  # fmt: skip

@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a text."""

    words: str  # what goes on: the text itself, or the sentence it was displaced to
    displaced: bool = False
    reason: str = ""  # why, for the operator
    lent: bool = True  # whether others may have words of it before an operator has read it
    care: bool = False  # somebody may want to harm themselves
    unread: bool = False  # a script that nobody here can read


def clean(words: str) -> str:
    """A text as people meant it: NFC, one line, no control characters, nothing that turns the reading direction.

    The bidirectional controls U+202A..202E and U+2066..2069 can make a line read as something else than it is; joiners
    stay, because emoji families and Persian words need them.
    """
    words = unicodedata.normalize("NFC", words)
    kept = (c if not c.isspace() else " " for c in words if _stays(c))
    return " ".join("".join(kept).split())


def _stays(char: str) -> bool:
    code = ord(char)
    if 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or char in "\ufeff\u200b\u200e\u200f\u061c":
        return False
    return char.isspace() or unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn")


class Moderator:
    """Judges texts. `judge` takes about 3 ms, the first 2 s: it loads the encoder. Thread-safe: yes."""

    def __init__(self, mode: Mode, judges: Judge | None = None):
        self.mode = mode
        self.displaced = 0
        self.trouble = ""  # why nothing can be judged, if so: then every text waits for the operator
        self._judge = judges
        self._anchors: NDArray[np.float32] | None = None
        self._lock = threading.Lock()

    def wake(self) -> None:
        """Load what judging needs. Any thread; the others wait."""
        with self._lock:
            if self._judge is None and not self.trouble:
                try:
                    self._judge = judge()
                except (FileNotFoundError, ValueError) as wrong:
                    self.trouble = f"texts cannot be judged ({wrong}): each waits for the operator at /desk"
                    log.error("%s", self.trouble)
            if self._judge and self._anchors is None:
                self._anchors = np.asarray(self._judge.vectors(ALLOWED), np.float32)

    def judge(self, words: str, language: str = "") -> Verdict:
        """What becomes of a cleaned text; `language` is the page's, for what a displaced text is displaced to."""
        if self.mode == "open":
            return Verdict(words)
        self.wake()
        if self._judge is None:
            return Verdict(words, reason=self.trouble, lent=False)
        with self._lock:  # the dictionaries are not made for many threads
            ruling = self._judge.judge(words)
        if self.mode == "curated" and ruling.finding != "stop":
            ruling = Ruling("stop", "", "curated: visitors speak through the allowed sentences")
        if ruling.finding == "stop":
            self.displaced += 1
            return Verdict(self.elsewhere(words, language), True, ruling.reason)
        lent = ruling.finding == "pass"
        return Verdict(words, False, ruling.reason, lent, ruling.finding == "care", ruling.kind == "unread")

    def forget(self) -> None:
        """Remember no text: one was taken back."""
        if self._judge:
            self._judge.forget()

    def elsewhere(self, words: str, language: str = "") -> str:
        """The allowed sentence that is nearest: by meaning, or by shared letters where that is not known."""
        half, tongue = len(ALLOWED) // 2, spoken_in(words) or language
        choice = range(half) if tongue == "en" else range(half, len(ALLOWED)) if tongue == "fr" else range(2 * half)
        if self._judge and self._anchors is not None:
            likeness = self._anchors @ self._judge.vectors([words])[0]
            return ALLOWED[max(choice, key=lambda i: float(likeness[i]))]
        return max((ALLOWED[i] for i in choice), key=lambda sentence: _overlap(words, sentence))


def _overlap(one: str, other: str) -> float:
    """Share of three-letter sequences that two sentences have in common (Dice), 0..1."""
    a, b = ({s[i : i + 3] for i in range(len(s) - 2)} for s in (one.casefold(), other.casefold()))
    return 2 * len(a & b) / max(1, len(a) + len(b))
