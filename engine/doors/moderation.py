"""What may be shown: words made plain, held against dictionaries, then against sentences by their meaning. Offline.

A text that is caught is never refused to its face: it is displaced to the nearest sentence that nobody minds, and goes
its way like any other. The operator sees on /desk what was displaced, and why.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from glin_profanity import Filter
from numpy.typing import NDArray

from engine.doors.options import Mode

LIMIT = 280  # characters of a text
Vectors = Callable[[Sequence[str]], NDArray[np.float32]]  # n sentences -> (n, d) unit vectors

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

# What the wall does not say of people or to people, written plainly, for the comparison of meanings.
BLOCKED = (
    "kill all of them, they are not human", "people of that race are animals", "send them all to the gas chamber",
    "women are worthless objects", "I will rape you", "explicit sex with a child", "naked genitals in close-up",
    "hardcore pornography", "how to kill myself tonight", "cut yourself, nobody loves you",
    "behead the unbelievers", "he is a filthy faggot", "go back to your country, you parasites",
    "call this phone number, she is a whore", "her address is here, go and hurt her", "hail the Führer",
    "il faut tous les tuer, ce ne sont pas des humains", "les gens de cette race sont des animaux",
    "les femmes sont des objets sans valeur", "je vais te violer", "du sexe explicite avec un enfant",
    "de la pornographie", "comment me tuer ce soir", "coupe-toi les veines, personne ne t'aime",
    "un sale pédé", "retourne dans ton pays, parasite", "son adresse est ici, allez lui faire du mal",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a text."""

    words: str  # what goes on: the text itself, or the sentence it was displaced to
    displaced: bool = False
    reason: str = ""  # why, for the operator
    risk: float = 0.0  # likeness to blocked minus likeness to allowed sentences, -2..2; 0 without vectors


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
    """Judges texts. `judge` takes about 1 ms without vectors; it may be called from any one thread at a time."""

    RISK = 0.10  # a text whose meaning is this much nearer to a blocked than to an allowed sentence is displaced

    def __init__(self, mode: Mode, languages: Sequence[str] = ("fr", "en"), vectors: Vectors | None = None):
        self.mode = mode
        self.languages = tuple(languages)
        self.vectors = vectors
        self.displaced = 0
        self._anchors: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        if vectors is not None:
            self._anchors = vectors(ALLOWED), vectors(BLOCKED)

    def judge(self, words: str, language: str = "") -> Verdict:
        """What may be shown of a cleaned text."""
        if self.mode == "open":
            return Verdict(words)
        vector = self.vectors([words])[0] if self.vectors else None
        reason, risk = self._profane(words, language), 0.0
        if vector is not None and self._anchors is not None:
            allowed, blocked = (float((anchors @ vector).max()) for anchors in self._anchors)
            risk = blocked - allowed
            if not reason and risk > self.RISK:
                reason = f"its meaning (risk {risk:.2f})"
        if not reason and self.mode == "curated":
            reason = "curated: visitors speak through the allowed sentences"
        if not reason:
            return Verdict(words, risk=risk)
        self.displaced += 1
        return Verdict(self.elsewhere(words, language, vector), True, reason, risk)

    def _profane(self, words: str, language: str) -> str:
        """The dictionaries' reason to stop a text, or "". Its look-alike letters are read as what they look like."""
        names = {"en": "english", "fr": "french"}
        asked = (language,) if language in names else self.languages
        dictionary = _dictionary(tuple(sorted(names[code] for code in asked if code in names)))
        found = dictionary.check_profanity(unicodedata.normalize("NFKC", words))["profane_words"]
        dictionary.clear_cache()  # it would remember what visitors wrote
        return f"the word {found[0]}" if found else ""

    def elsewhere(self, words: str, language: str = "", vector: NDArray[np.float32] | None = None) -> str:
        """The allowed sentence that is nearest: by meaning, or by shared letters where there are no vectors."""
        half = len(ALLOWED) // 2
        choice = range(half) if language == "en" else range(half, len(ALLOWED)) if language == "fr" else range(2 * half)
        if vector is not None and self._anchors is not None:
            likeness = self._anchors[0] @ vector
            return ALLOWED[max(choice, key=lambda i: float(likeness[i]))]
        return max((ALLOWED[i] for i in choice), key=lambda sentence: _overlap(words, sentence))


@functools.lru_cache(maxsize=4)
def _dictionary(languages: tuple[str, ...]) -> Filter:
    """The dictionaries of some languages; 20 ms to build."""
    return Filter({"languages": list(languages), "detect_leetspeak": True, "normalize_unicode": True})


def _overlap(one: str, other: str) -> float:
    """Share of three-letter sequences that two sentences have in common (Dice), 0..1."""
    a, b = ({s[i : i + 3] for i in range(len(s) - 2)} for s in (one.casefold(), other.casefold()))
    return 2 * len(a & b) / max(1, len(a) + len(b))
