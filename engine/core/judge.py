"""What a sentence is told apart by: the dictionaries of all languages at once, whose name stands in which company, and
what it means. Visitors' texts are judged at the doors, what they become with others' words where it is made.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import tomllib
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from glin_profanity.data.dictionary import DictionaryLoader
from glin_profanity.utils.leetspeak import normalize_leetspeak
from glin_profanity.utils.unicode import normalize_unicode
from numpy.typing import NDArray

from engine.core import lexicon
from engine.core.machine import cache_folder
from engine.core.meaning import SPACE, Encoder, reads

Vectors = Callable[[Sequence[str]], NDArray[np.float32]]  # n sentences -> (n, d) unit vectors
Kind = Literal["", "word", "hate", "threat", "selfharm", "sexual", "attack", "unread"]
Finding = Literal["pass", "unsure", "stop", "care"]
KINDS: tuple[Kind, ...] = ("hate", "threat", "selfharm", "sexual", "attack")
ANCHORS = Path(__file__).parent / "lexicon" / "anchors.toml"
NARROW, RIDGE = 2.0, 0.1  # of the regression; chosen on the anchors, like the three that follow: see docs/moderation.md
UNSURE = 0.40  # likeness to a kind, 0..1, from which a person should read it
STOP = 0.55  # from which nobody needs to
PLAIN = 0.25  # up to which a word with two meanings has the plain one
CARE = 0.34  # likeness to what people write who may harm themselves; a quiet line too many does no harm

# Words of the dictionaries that people write every day; in company that matters the meaning is heard.
FINE = frozenset(["baiser", "baisers", "bosser", "bitte", "bander", "bigornette", "aranha", "amador", "asesinato", "aborto", "sm", "3p", "xx", "nude", "nudes"])
FINE_IN = {"fr": frozenset(["retard", "retards"]), "es": frozenset(["negro", "negra", "negros", "negras"]), "pt": frozenset(["negro", "negra", "negros", "negras"])}  # one language's plain words that are another's insults
# Animals, tools and plain speech, until the sentence as a whole means something else.
TWOFOLD = frozenset(["cock", "cocks", "ass", "asses", "dick", "bitch", "hoe", "hoes", "chatte", "chattes", "bite", "bites", "queue", "con", "cons", "conne", "pipe", "balls", "nuts", "tit", "tits", "boob", "pussy", "merde", "putain", "shit", "damn", "crap", "coq", "mongol", "ordure", "debile", "abruti", "creve", "bordel", "cul", "rape", "screw", "suck", "bareback"])  # fmt: skip
LANGUAGES = {"english": "en", "french": "fr", "german": "de", "spanish": "es", "italian": "it", "dutch": "nl", "portuguese": "pt",
             "russian": "ru", "arabic": "ar", "polish": "pl", "turkish": "tr", "chinese": "zh", "japanese": "ja", "korean": "ko",
             "thai": "th"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was found in a sentence."""

    finding: Finding = "pass"  # "care": somebody may want to harm themselves
    kind: Kind = ""
    reason: str = ""  # for the operator
    risk: float = 0.0  # likeness to the nearest kind, about 0..1


class Judge:
    """Tells sentences apart. Thread-safe: yes. Realtime-safe: no (3 ms a sentence; 2 s to make, the first time on a machine)."""

    def __init__(self, vectors: Vectors | None = None):
        """`vectors` instead of the encoder's. Judge() loads the encoder and raises what `Encoder` raises."""
        self.vectors = vectors or Encoder().sentence
        self._anchors, self._weights = _learned(vectors) if vectors else _kept(Encoder().sentences)
        self._known = functools.lru_cache(512)(self._judge)

    def judge(self, words: str) -> Ruling:
        """What a cleaned sentence is. What was judged is remembered for as long as 512 others."""
        return self._known(words)

    def forget(self) -> None:
        """Remember no sentence: somebody took one back."""
        self._known.cache_clear()

    def fit(self, words: str) -> bool:
        """Whether these words may be shown to anybody."""
        return self.judge(words).finding == "pass"

    def kinds(self, words: str) -> NDArray[np.float32]:
        """Likeness to each of KINDS, about 0..1."""
        near = _near(self.vectors([words]), self._anchors)  # (1, n)
        likeness: NDArray[np.float32] = (near @ self._weights)[0]
        return likeness

    def _judge(self, words: str) -> Ruling:
        bare = " ".join(re.findall(r"[\w']+", lexicon.bare(unicodedata.normalize("NFKC", words))))
        tongue = lexicon.language(words)
        likeness = self.kinds(words)
        best = int(likeness.argmax())
        risk, kind = float(likeness[best]), KINDS[best]
        found = profane(words, tongue)
        if kind == "selfharm" and risk > (STOP if found else CARE):  # who swears in despair is heard all the same
            return Ruling("care", kind, f"it may be about harming oneself ({risk:.2f})", risk)
        if row := _phrase(bare):
            return Ruling("stop", "word", f"the words {row!r}", risk)
        if found:
            finding = _in_company(found, risk)
            if finding != "pass":
                return Ruling(finding, "word", f"the word {found}", risk)
        if pair := company(bare):
            return Ruling("stop" if risk > UNSURE else "unsure", "hate", f"{pair[0]} beside {pair[1]}", risk)
        if risk > UNSURE:
            return Ruling("stop" if risk > STOP else "unsure", kind, f"it means {kind} ({risk:.2f})", risk)
        if not reads(words):
            return Ruling("unsure", "unread", "a script that nobody here can read")
        return Ruling("pass", "", "", risk)


def _in_company(found: str, risk: float) -> Finding:
    """What a word of the dictionaries makes of a sentence; one that is also an animal or a tool is heard with the rest.

    Such words are never lent (they stand in unfit.toml as well), so what passes keeps them to itself.
    """
    if lexicon.bare(found) not in TWOFOLD or risk > UNSURE:
        return "stop"
    return "unsure" if risk > PLAIN else "pass"


def profane(words: str, tongue: str) -> str:
    """A word of a dictionary that is one in the language of the sentence, or ""; look-alikes are read as what they look like.

    A tenth of a millisecond, where the package's own filter takes 7 ms for all its languages; 150 phones write at once.
    """
    spoken = re.findall(r"[\w']+", lexicon.bare(unicodedata.normalize("NFKC", words)))
    found = [*_standing(spoken), *_standing(_undisguised(words)), *_within(words)]
    guilty = [word for word in found if not _innocent(word, tongue)]
    return max(guilty, key=lambda word: word not in TWOFOLD, default="")


def _standing(tokens: list[str]) -> list[str]:
    """Entries of the dictionaries among rows of at most four tokens."""
    owners = _owners()
    rows = (" ".join(tokens[at : at + n]) for n in range(1, 5) for at in range(len(tokens) - n + 1))
    return [row for row in rows if row in owners]


def _undisguised(words: str) -> list[str]:
    """Tokens as an eye reads them: look-alike letters of other scripts, digits for letters, letters apart, letters drawn out."""
    plain = re.sub(r"\b(?:\w[.\-_*\s]){2,}\w\b", lambda row: re.sub(r"[\W_]", "", row[0]), unicodedata.normalize("NFKC", words))
    found = []
    for token in plain.split():
        if any("a" <= letter <= "z" for letter in token.casefold()) and not token.isascii():
            token = normalize_unicode(token)
        if not token.isalpha() and any(letter.isalpha() for letter in token):
            token = normalize_leetspeak(token)
        found += re.findall(r"[\w']+", re.sub(r"(.)\1{2,}", r"\1", lexicon.bare(token)))
    return found


def _within(words: str) -> list[str]:
    """Entries within a text of a script that is written without spaces."""
    return [entry for entry in _spaceless() if entry in words] if any(ord(letter) > 0x0E00 for letter in words) else []


@functools.cache
def _spaceless() -> tuple[str, ...]:
    loader = DictionaryLoader()
    entries = [word for name in ("chinese", "japanese", "korean", "thai") for word in loader.get_words(name)]
    entries += [word for word in lexicon.sections("slurs")["other"]]
    return tuple(entry for entry in entries if len(entry) > 1 and ord(max(entry)) > 0x0E00)


def company(bare: str) -> tuple[str, str] | None:
    """A group's name in hostile company: both words, or None. `bare` as `lexicon.bare` makes it."""
    words = frozenset(bare.split())
    for code in lexicon.sections("groups"):
        groups = lexicon.among("groups", words, code)
        hostile = lexicon.among("hostile", words, code) - groups
        if groups and hostile:
            return min(groups), min(hostile)
    return None


def _phrase(bare: str) -> str:
    padded = f" {bare.replace('-', ' ')} "
    return next((p for table in lexicon.sections("phrases").values() for p in sorted(table) if f" {p} " in padded), "")


def _innocent(word: str, tongue: str) -> bool:
    """Whether what a dictionary found is an ordinary word of the language that is spoken: "con" in Spanish, "fan" in English."""
    bare = lexicon.bare(word)
    if bare in FINE or bare in FINE_IN.get(tongue, ()):
        return True
    owners = _owners().get(bare, frozenset())
    if tongue and tongue not in owners:
        return lexicon.ordinary(word, tongue) or (not owners & {"en", "fr"} and ((len(word) < 4 and word.isascii()) or not lexicon.listed(tongue)))
    return not tongue and not owners & {"en", "fr"} and (lexicon.ordinary(word) or len(word) < 4)


@functools.cache
def _owners() -> dict[str, frozenset[str]]:
    """Languages in whose dictionaries a bare word stands."""
    loader = DictionaryLoader()
    found: dict[str, set[str]] = {}
    for name in loader.available_languages:
        for word in loader.get_words(name):
            found.setdefault(lexicon.bare(word), set()).add(LANGUAGES.get(name, name))
    for code, words in lexicon.sections("slurs").items():
        for word in words:
            found.setdefault(word, set()).add(code)
    return {word: frozenset(codes) for word, codes in found.items()}


def _learned(vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The anchors (n, d) and what each weighs for each kind (n, KINDS): kernel ridge regression, in closed form.

    AUC .96 over eight languages, where the mean of the five nearest has .93 and a linear regression .94.
    """
    table = tomllib.loads(ANCHORS.read_text(encoding="utf-8"))
    rows = [(text, name) for name, texts in table.items() for text in texts]
    anchors = np.asarray(vectors([text for text, _ in rows]), np.float64)
    wanted = np.array([[float(name == kind) for kind in KINDS] for _, name in rows])
    weights = np.linalg.solve(_near(anchors, anchors) + RIDGE * np.eye(len(rows)), wanted)
    return anchors.astype(np.float32), weights.astype(np.float32)


def _kept(vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same, out of the cache where they were learned from these anchors, by this encoder, before."""
    made = hashlib.sha256(ANCHORS.read_bytes() + f"{SPACE} {NARROW} {RIDGE} {KINDS}".encode()).hexdigest()[:16]
    path = cache_folder() / f"judge-{made}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), np.load(path) as found:
        return found["anchors"], found["weights"]
    anchors, weights = _learned(vectors)
    fresh = path.with_name(f"{path.stem}-{os.getpid()}.npz")
    with contextlib.suppress(OSError):  # where nothing is taken it is learned again at the next start
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(fresh, anchors=anchors, weights=weights)
        fresh.replace(path)
    return anchors, weights


def _near(some: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.floating]:
    """How near unit vectors (n, d), (m, d) are to one another, (n, m) in 0..1."""
    return np.exp(NARROW * (some @ others.T - 1.0))


@functools.cache
def judge() -> Judge:
    """The judge of this process, made at the first call."""
    return Judge()
