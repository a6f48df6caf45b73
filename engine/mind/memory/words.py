"""Words given back: a sentence with other people's words grown into it; and what may be shown of anybody's words.

Nothing is invented here: every borrowed word stands in the words of one fragment, which is named with it. Lenders are
the fragments that the words recalled, or that the picture remembered and the words did not.

**A crowd, never a quotation** (row 9). A run of `LONGEST` + 1 words that somebody wrote, or a whole sentence however
short, may surface only where `VISITS` different visits wrote it. Borrowed runs are shorter than that, never hold
digits or what looks like a name, and the result is checked as a whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.core.messages import Token
from engine.mind.memory.archive import Fragment
from engine.mind.memory.records import joined

LONGEST = 3  # words borrowed in one run
VISITS = 3  # visits that must have written a longer run before it may be shown
WORD = re.compile(r"\w+(?:[’'\-]\w+)*[’']?", re.UNICODE)
BREAK = re.compile(WORD.pattern + r"|[,.;:!?…—()]", re.UNICODE)

def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Function words open a run: "under the rain" travels, "rain" alone as well, "rain under the" does not.
LINKS = {
    "en": frozenset(["of", "in", "under", "at", "with", "on", "over", "by", "from", "into", "through", "behind", "before", "after", "between", "among", "like", "near", "without", "against", "toward", "towards", "inside", "beneath", "above", "across", "and", "or", "where", "when", "while"]),
    "fr": frozenset(["de", "du", "des", "dans", "sous", "avec", "sur", "par", "entre", "parmi", "comme", "près", "sans", "contre", "vers", "derrière", "devant", "avant", "après", "chez", "où", "quand", "pendant", "et", "ou", "au", "aux", "d"]),
}  # fmt: skip
SMALL = {
    "en": frozenset(["the", "a", "an", "my", "your", "his", "her", "our", "their", "this", "that", "these", "those", "its", "is", "are", "was", "were", "it", "i", "you", "we", "they", "he", "she", "to", "for", "not", "no", "as", "be"]),
    "fr": frozenset(["le", "la", "les", "un", "une", "mon", "ma", "mes", "ton", "ta", "tes", "son", "sa", "ses", "notre", "nos", "votre", "vos", "leur", "leurs", "ce", "cet", "cette", "ces", "l", "est", "sont", "était", "il", "elle", "je", "tu", "nous", "vous", "ils", "elles", "on", "à", "pour", "pas", "ne", "que", "qui", "en", "y"]),
}  # fmt: skip
_LINKS = LINKS["en"] | LINKS["fr"]
_SMALL = SMALL["en"] | SMALL["fr"]


def split(words: str) -> list[str]:
    """The words of a sentence, without punctuation, as they were written."""
    return WORD.findall(words)


def tongue(words: str) -> str:
    """"fr", "en", or "" where the small words do not tell."""
    found = [word.casefold().strip("’'") for piece in split(words) for word in re.split("[’']", piece) if word]
    french = sum(word in LINKS["fr"] | SMALL["fr"] for word in found)
    english = sum(word in LINKS["en"] | SMALL["en"] for word in found)
    return "fr" if french > english else "en" if english > french else ""


def link(word: str) -> bool:
    return word.casefold().split("’")[0].split("'")[0] in _LINKS


def small(word: str) -> bool:
    return link(word) or word.casefold().split("’")[0].split("'")[0] in _SMALL


def runs(words: str) -> list[tuple[str, ...]]:
    """What can be borrowed of a sentence: runs of at most LONGEST words between its joints; no names, no digits.

    A run opens at a function word and ends with a word of weight, so that it can be set into another sentence whole.
    """
    segments: list[list[str]] = [[]]
    for place, word in enumerate(BREAK.findall(words)):
        if not WORD.fullmatch(word):
            segments.append([])  # a comma is a joint too
            continue
        named = place > 0 and word[:1].isupper() and not word.isupper()
        if any(letter.isdigit() or letter == "_" for letter in word) or named:
            segments.append([])  # nothing reaches across a name
            continue
        if link(word) or (small(word) and segments[-1] and not small(segments[-1][-1])):
            segments.append([])
        segments[-1].append(word.lower() if place == 0 else word)
    found = []
    for segment in segments:
        opened = segment[:1] if segment and link(segment[0]) and len(segment) > LONGEST else []
        run = [*opened, *segment[-(LONGEST - len(opened)) :]]
        while run and small(run[-1]):
            run.pop()
        if run:
            found.append(tuple(run))
    return found


@dataclass(slots=True)
class Crowd:
    """Which visits wrote which runs of words: hashes only. Founding memories are nobody's secret. Not thread-safe.

    Every visit is counted, also beyond VISITS, and each as often as it wrote: when some of them take their sentences
    back, those who are left are as many as the archive counts after a restart.
    """

    seen: dict[int, dict[bytes, int]] = field(default_factory=dict)  # run -> visit -> sentences

    def add(self, words: str, visit: bytes) -> None:
        for gram in grams(words):
            visits = self.seen.setdefault(gram, {})
            visits[visit] = visits.get(visit, 0) + 1

    def forget(self, words: str, visit: bytes) -> None:
        """This visit wrote this once less."""
        for gram in grams(words):
            visits = self.seen.get(gram, {})
            if visits.get(visit, 0) > 1:
                visits[visit] -= 1
            elif visits.pop(visit, 0) and not visits:
                del self.seen[gram]

    def allows(self, words: str) -> bool:
        """Whether these words may be shown: no run in them that fewer than VISITS visits wrote."""
        return not any(0 < len(self.seen.get(gram, ())) < VISITS for gram in grams(words, within=True))

    def private(self, run: Sequence[str]) -> bool:
        """Whether this very run is somebody's alone."""
        return 0 < len(self.seen.get(_gram([word.casefold() for word in run]), ())) < VISITS


def grams(words: str, within: bool = False) -> set[int]:
    """Hashes of all runs of LONGEST + 1 words and of the whole sentence; `within`: of every shorter run as well.

    A short sentence is protected as a whole, so a text that is to be shown is searched for it at every length.
    """
    found = [word.casefold() for word in split(words)]
    wide = LONGEST + 1
    kept = {_gram(found[at : at + wide]) for at in range(len(found) - wide + 1)}
    if within:
        kept |= {_gram(found[at : at + n]) for n in range(2, wide) for at in range(len(found) - n + 1)}
    elif 2 <= len(found) < wide:
        kept.add(_gram(found))
    return kept


def _gram(words: Sequence[str]) -> int:
    return int.from_bytes(hashlib.blake2b(" ".join(words).encode(), digest_size=8).digest(), "big")


def grow(
    sentence: Sequence[Token], lenders: Iterable[tuple[Fragment, float]], most: int, crowd: Crowd, today: int = 0
) -> tuple[Token, ...]:
    """Grow up to `most` words of others into a sentence, from the first lenders on; `lenders` are (fragment, weight).

    Each lender gives one run. It goes to the next joint of the sentence: before a function word, or at the end.
    """
    own = list(sentence)
    said = {token.text.casefold() for token in own}
    wanted = tongue(" ".join(token.text for token in own))
    ranked = sorted(lenders, key=lambda pair: (bool(wanted) and _language(pair[0]) not in ("", wanted), -pair[1]))
    borrowed: list[list[Token]] = []
    for fragment, _ in ranked:
        if most <= 0:
            break
        given = _lend(fragment, said, most)
        if given and crowd.allows(" ".join(given)):
            borrowed.append([Token(word, fragment.id, fragment.kind, float(max(0, today - fragment.day))) for word in given])
            said |= {word.casefold() for word in given}
            most -= len(given)
    return tuple(_graft(own, borrowed, crowd))


def _language(fragment: Fragment) -> str:
    return fragment.language or tongue(fragment.words)


def _lend(fragment: Fragment, said: set[str], most: int) -> tuple[str, ...]:
    """The run of a fragment that brings most that was not yet said; runs that open with a function word first."""
    fresh = [run for run in runs(fragment.words) if len(run) <= most]
    fresh = [run for run in fresh if not any(word.casefold() in said for word in run if not small(word))]
    return max(fresh, key=lambda run: (link(run[0]), len(run)), default=())


def _graft(own: list[Token], borrowed: list[list[Token]], crowd: Crowd) -> list[Token]:
    """Runs into the joints of a sentence, from its end backwards, so that the beginning stays the speaker's."""
    joints = [at for at, token in enumerate(own) if at and link(token.text)] + [len(own)]
    whole = list(own)
    for number, run in enumerate(borrowed):
        place = len(joints) - 1 - number % len(joints)
        at = joints[place]
        tried = whole[:at] + run + whole[at:]
        if not _quotes(tried, run, crowd):
            whole = tried
            joints = [joint + len(run) if k >= place else joint for k, joint in enumerate(joints)]
    return whole


def _quotes(tokens: list[Token], run: list[Token], crowd: Crowd) -> bool:
    """Whether some forbidden run of words in these tokens holds a borrowed word; the speaker may hear themselves."""
    texts = [token.text for token in tokens]
    new = {id(token) for token in run}
    for n in range(2, LONGEST + 2):
        for at in range(len(texts) - n + 1):
            window = tokens[at : at + n]
            if any(id(token) in new for token in window) and crowd.private(texts[at : at + n]):
                return True
    return False


def surface(
    lenders: Iterable[tuple[Fragment, float]], most: int, crowd: Crowd, besides: Iterable[str] = ()
) -> tuple[Token, ...]:
    """Words that may be shown to anybody, made of borrowed runs alone: captions, and what the machine says to itself.

    `besides`: words that need not be said again.
    """
    said = set(besides)
    found: list[Token] = []
    ranked = sorted(lenders, key=lambda pair: -pair[1])
    wanted = next((_language(fragment) for fragment, _ in ranked if _language(fragment)), "")
    for fragment, _ in sorted(ranked, key=lambda pair: _language(pair[0]) not in ("", wanted)):
        run = _lend(fragment, said, most - len(found))
        tried = [*found, *(Token(word, fragment.id, fragment.kind) for word in run)]
        if run and crowd.allows(" ".join(token.text for token in tried)):
            found, said = tried, said | {word.casefold() for word in run}
    return tuple(found)


def said(tokens: Iterable[Token]) -> str:
    """Tokens as one line."""
    return joined(token.text for token in tokens)
