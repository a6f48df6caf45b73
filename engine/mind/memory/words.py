"""Words given back: a sentence with other people's words grown into it; and what may be shown of anybody's words.

Nothing is invented here: every borrowed word stands in the words of one fragment, which is named with it. Lenders are
the fragments that the words recalled, or that the picture remembered and the words did not; they lend in the language
of the sentence, or nothing.

**A crowd, never a quotation** (row 9). A run of `LONGEST` + 1 words that somebody wrote, or a whole sentence however
short, may surface only where `VISITS` different people wrote it. Borrowed runs are shorter than that, and each word of
them is known to be fit: everybody writes it (`engine.core.lexicon`), or `VISITS` people did and it is no insult. Never
a number, an address or what looks like a name. What comes of it is judged as a whole.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from engine.core import lexicon
from engine.core.messages import Token
from engine.mind.memory.archive import Fragment
from engine.mind.memory.records import joined

LONGEST = 3  # words borrowed in one run
VISITS = 3  # people who must have written a longer run before it may be shown
WORD = re.compile(r"\w+(?:[’'\-]\w+)*[’']?", re.UNICODE)
BREAK = re.compile(WORD.pattern + r"|[,.;:!?…—()]", re.UNICODE)
SPOKEN = re.compile(WORD.pattern + r"|[\u2190-\u2bff\u3030\U0001f000-\U0001faff][\ufe0f\u200d\u2640\u2642\U0001f000-\U0001faff]*", re.UNICODE)
ADDRESS = re.compile(r"\S*(?:@|://|www\.|\w\.\w{2,})\S*", re.UNICODE)  # what is left of one where something was taken out
CALLED = frozenset(["m", "mr", "mrs", "ms", "mme", "mlle", "dr", "prof", "monsieur", "madame", "mademoiselle", "mister", "miss", "herr", "frau", "señor", "señora", "signor", "signora", "called", "named", "name's", "appelle", "m'appelle", "s'appelle", "nommé", "nommée", "prénom", "surnom", "heiße", "heißt", "llamo", "llama", "chiamo", "chiama"])

Fit = Callable[[str], bool]  # whether a sentence may be shown to anybody
KNOWN = 8192  # sentences of which both stay known: every thought asks again of the same memories. Forgotten when words are taken back
language = functools.lru_cache(KNOWN)(lexicon.language)

# Function words open a run: "under the rain" travels, "rain" alone as well, "rain under the" does not.
LINKS = {
    "en": frozenset(["of", "in", "under", "at", "with", "on", "over", "by", "from", "into", "through", "behind", "before", "after", "between", "among", "like", "near", "without", "against", "toward", "towards", "inside", "beneath", "above", "across", "and", "or", "where", "when", "while"]),
    "de": frozenset(["in", "auf", "unter", "mit", "von", "bei", "über", "hinter", "vor", "nach", "zwischen", "wie", "ohne", "gegen", "und", "oder", "wo", "wenn", "am", "im", "durch", "aus", "neben"]),
    "es": frozenset(["de", "del", "en", "bajo", "con", "sobre", "por", "entre", "como", "sin", "contra", "hacia", "tras", "ante", "y", "o", "donde", "cuando", "desde"]),
    "it": frozenset(["di", "del", "della", "nel", "nella", "sotto", "con", "su", "sul", "per", "tra", "fra", "come", "senza", "contro", "verso", "dietro", "davanti", "e", "o", "dove", "quando", "da"]),
    "nl": frozenset(["van", "in", "onder", "met", "op", "bij", "over", "achter", "voor", "na", "tussen", "als", "zonder", "tegen", "en", "of", "waar", "wanneer", "door", "uit", "naast"]),
    "pt": frozenset(["de", "do", "da", "no", "na", "sob", "com", "sobre", "por", "entre", "como", "sem", "contra", "até", "atrás", "e", "ou", "onde", "quando", "desde"]),
    "ru": frozenset(["в", "во", "на", "под", "с", "со", "над", "за", "перед", "после", "между", "как", "без", "против", "и", "или", "где", "когда", "через", "из", "у", "около"]),
    "ar": frozenset(["في", "على", "تحت", "مع", "من", "عند", "فوق", "خلف", "أمام", "بعد", "بين", "مثل", "بدون", "ضد", "و", "أو", "حيث", "عندما"]),
    "fr": frozenset(["de", "du", "des", "dans", "sous", "avec", "sur", "par", "entre", "parmi", "comme", "près", "sans", "contre", "vers", "derrière", "devant", "avant", "après", "chez", "où", "quand", "pendant", "et", "ou", "au", "aux", "d"]),
}  # fmt: skip
SMALL = {
    "en": frozenset(["the", "a", "an", "my", "your", "his", "her", "our", "their", "this", "that", "these", "those", "its", "is", "are", "was", "were", "it", "i", "you", "we", "they", "he", "she", "to", "for", "not", "no", "as", "be"]),
    "fr": frozenset(["le", "la", "les", "un", "une", "mon", "ma", "mes", "ton", "ta", "tes", "son", "sa", "ses", "notre", "nos", "votre", "vos", "leur", "leurs", "ce", "cet", "cette", "ces", "l", "est", "sont", "était", "il", "elle", "je", "tu", "nous", "vous", "ils", "elles", "on", "à", "pour", "pas", "ne", "que", "qui", "en", "y"]),
}  # fmt: skip
_LINKS = LINKS["en"] | LINKS["fr"]
_SMALL = SMALL["en"] | SMALL["fr"]


def spoken(words: str) -> list[str]:
    """What a sentence says: its words, and its emoji, each as it was written."""
    return SPOKEN.findall(words)


def split(words: str) -> list[str]:
    """The words of a sentence, without punctuation, as they were written."""
    return WORD.findall(words)


def _first(word: str) -> str:
    return word.casefold().split("’")[0].split("'")[0]


def link(word: str, code: str = "") -> bool:
    """Whether a word can open a run. Without a language: in English or French."""
    return _first(word) in (_LINKS if code in ("", "en", "fr") else LINKS.get(code, frozenset()))


def small(word: str, code: str = "") -> bool:
    """Whether a word only joins others ("and", "la"), in the language of this code; "" = English and French."""
    small_words = _SMALL if code in ("", "en", "fr") else lexicon.small_words(code)
    return link(word, code) or _first(word) in small_words


@functools.lru_cache(KNOWN)
def runs(words: str) -> tuple[tuple[str, ...], ...]:
    """What can be borrowed of a sentence: runs of at most LONGEST words between its joints; no names, no digits.

    A run opens at a function word and ends with a word of weight, so that it can be set into another sentence whole.
    """
    code = language(words)
    found = []
    for segment in _segments(ADDRESS.sub(" , ", words), code):
        opened = segment[:1] if segment and link(segment[0], code) and len(segment) > LONGEST else []
        run = [*opened, *segment[-(LONGEST - len(opened)) :]]
        while run and small(run[-1], code):
            run.pop()
        if run:
            found.append(tuple(run))
    return tuple(found)


def _segments(words: str, code: str) -> list[list[str]]:
    """A sentence between its joints; nothing reaches across a name, a number or a word that is none."""
    segments: list[list[str]] = [[]]
    before = ("", "")
    for place, word in enumerate(BREAK.findall(words)):
        if not WORD.fullmatch(word):
            segments.append([])  # a comma is a joint too
            continue
        named = place > 0 and word[:1].isupper() and not word.isupper() and code != "de"  # German nouns are no names
        named = named or before[1] in CALLED or before == ("name", "is")
        before = (before[1], word.casefold())
        if named or len(word) > lexicon.LONGEST or any(letter.isdigit() or letter == "_" for letter in word):
            segments.append([])
            continue
        if link(word, code) or (small(word, code) and segments[-1] and not small(segments[-1][-1], code)):
            segments.append([])
        segments[-1].append(word.lower() if place == 0 else word)
    return segments


@dataclass(slots=True)
class Crowd:
    """Which people wrote which runs of words: hashes only. Founding memories are nobody's secret. Not thread-safe.

    A visit here is a person, as the doors tell people apart (docs/doors.md). Every visit is counted, also beyond VISITS, and each as often as it wrote: when some of them take their sentences
    back, those who are left are as many as the archive counts after a restart.
    """

    seen: dict[int, dict[bytes, int]] = field(default_factory=dict)  # run -> visit -> sentences

    def add(self, words: str, visit: bytes) -> None:
        for gram in grams(words) | _rare(words):
            visits = self.seen.setdefault(gram, {})
            visits[visit] = visits.get(visit, 0) + 1

    def forget(self, words: str, visit: bytes) -> None:
        """This visit wrote this once less."""
        for gram in grams(words) | _rare(words):
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


    def common(self, word: str, code: str = "") -> bool:
        """Whether a word may be lent: everybody writes it, or VISITS people did and it is nobody's insult."""
        if small(word, code) or lexicon.ordinary(word, code):
            return True
        fit = len(word) <= lexicon.LONGEST and not any(lexicon.unfit(piece, code) for piece in re.split("['’-]", word))
        return fit and len(self.seen.get(_gram([word.casefold()]), ())) >= VISITS

    def whole(self, words: str) -> bool:
        """Whether a text of one word is nobody's alone. Longer ones are protected by their grams."""
        found = split(words)
        return len(found) != 1 or len(self.seen.get(_gram(["", found[0].casefold()]), ())) >= VISITS


def _rare(words: str) -> set[int]:
    """Hashes of the words that not everybody writes; and of a text of one word, as a text."""
    found = [word.casefold() for word in split(words)]
    rare = {_gram([word]) for word in found if not lexicon.ordinary(word)}
    return rare | ({_gram(["", found[0]])} if len(found) == 1 else set())


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


def _anything(words: str) -> bool:
    return True


def grow(
    sentence: Sequence[Token], lenders: Iterable[tuple[Fragment, float]], most: int, crowd: Crowd, today: int = 0,
    fit: Fit = _anything, tongue: str = "",
) -> tuple[Token, ...]:  # fmt: skip
    """Grow up to `most` words of others into a sentence, from the first lenders on; `lenders` are (fragment, weight).

    Each lender gives one run, in the language of the sentence (`tongue` where it does not tell). It goes to the next
    joint of the sentence: before a function word, or at the end. What `fit` refuses is not grown.
    """
    own = list(sentence)
    said = {token.text.casefold() for token in own}
    wanted = language(" ".join(token.text for token in own)) or tongue
    borrowed: list[list[Token]] = []
    for fragment, _ in sorted(lenders, key=lambda pair: -pair[1]):
        if most <= 0:
            break
        given = _lend(fragment, said, most, crowd, wanted)
        if given and crowd.allows(" ".join(given)):
            wanted = wanted or language(fragment.words)  # a sentence that does not tell its language borrows in one alone
            borrowed.append([Token(word, fragment.id, fragment.kind, float(max(0, today - fragment.day))) for word in given])
            said |= {word.casefold() for word in given}
            most -= len(given)
    return tuple(_graft(own, borrowed, crowd, fit)) if borrowed and fit(" ".join(token.text for token in own)) else tuple(own)


def _lend(fragment: Fragment, said: set[str], most: int, crowd: Crowd, wanted: str) -> tuple[str, ...]:
    """The run of a fragment that brings most that was not yet said; runs that open with a function word first."""
    if not crowd.whole(fragment.words) and fragment.kind != "founding":
        return ()
    code = wanted or language(fragment.words)
    fresh = [run for run in runs(fragment.words) if len(run) <= most and _speaks(run, code, fragment, crowd)]
    fresh = [run for run in fresh if not any(word.casefold() in said for word in run if not small(word, code))]
    return max(fresh, key=lambda run: (link(run[0], code), len(run)), default=())


def _speaks(run: Sequence[str], code: str, fragment: Fragment, crowd: Crowd) -> bool:
    """Whether a run is of a language, and fit to be given away."""
    if fragment.kind == "founding" and (not code or language(fragment.words) == code):
        return True  # our own words, nobody's secret
    if any(lexicon.unfit(word, tongue) for word in run if not _function(word, code) for tongue in ("en", "fr", code)):
        return False  # French borrows "shoot" from English
    if lexicon.listed(code) and language(fragment.words) != code:
        return all(_function(word, code) or lexicon.ordinary(word, code) for word in run)
    return language(" ".join(run)) in ("", code) and all(crowd.common(word, code) for word in run)


def _function(word: str, code: str) -> bool:
    """Whether a word is a function word of this very language: "au four" has none of English."""
    known = LINKS.get(code, frozenset()) | SMALL.get(code, frozenset()) | lexicon.small_words(code)
    return _first(word) in known


def _graft(own: list[Token], borrowed: list[list[Token]], crowd: Crowd, fit: Fit) -> list[Token]:
    """Runs into the joints of a sentence, from its end backwards, so that the beginning stays the speaker's."""
    joints = [at for at, token in enumerate(own) if at and link(token.text)] + [len(own)]
    whole = list(own)
    for number, run in enumerate(borrowed):
        place = len(joints) - 1 - number % len(joints)
        at = joints[place]
        tried = whole[:at] + run + whole[at:]
        if not _quotes(tried, run, crowd) and fit(said(tried)):
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
    lenders: Iterable[tuple[Fragment, float]], most: int, crowd: Crowd, besides: Iterable[str] = (), fit: Fit = _anything
) -> tuple[Token, ...]:
    """Words that may be shown to anybody, made of borrowed runs alone: captions, and what the machine says to itself.

    `besides`: words that need not be said again. In one language, that of the first lender.
    """
    uttered = set(besides)
    found: list[Token] = []
    ranked = sorted(lenders, key=lambda pair: -pair[1])
    wanted = next((code for fragment, _ in ranked if (code := language(fragment.words))), "")
    for fragment, _ in ranked:
        run = _lend(fragment, uttered, most - len(found), crowd, wanted)
        tried = [*found, *(Token(word, fragment.id, fragment.kind) for word in run)]
        if run and crowd.allows(" ".join(token.text for token in tried)):
            found, uttered = tried, uttered | {word.casefold() for word in run}
    while found and not fit(said(found)):
        found = [token for token in found if token.ancestor != found[-1].ancestor]
    return tuple(found)


def said(tokens: Iterable[Token]) -> str:
    """Tokens as one line."""
    return joined(token.text for token in tokens)
