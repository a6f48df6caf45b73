"""Words and whose they are: what is ordinary, what is nobody's to give, and in which language somebody writes.

`ordinary.txt.gz` holds the most frequent words of nine languages without names, insults, sexual words and illness (made
by `engine.atelier.lexicon`); `unfit.toml`, written for this project, what is never lent to another's sentence.
"""

from __future__ import annotations

import gzip
import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "ordinary.txt.gz"
LONGEST = 24  # letters of a word; longer ones are codes, or somebody's joke
_SCRIPTS = (("HIRAGANA", "ja"), ("KATAKANA", "ja"), ("HANGUL", "ko"), ("THAI", "th"), ("ARABIC", "ar"), ("CYRILLIC", "ru"), ("CJK", "zh"))
SMALL = {  # function words, which tell a language
    "en": "the a an of and in to is it was were i you he she we they my your his her our their this that with on at for not but from by as be are have had there where when who what which into under over through all one so if no do does did",
    "fr": "le la les un une des de du et en dans est il elle on nous vous ils elles je tu mon ma mes ton ta tes son sa ses notre votre leur ce cet cette ces avec sur pour pas ne que qui quand où mais par comme plus au aux sous chez sans était ai as avons avez ont suis es sont y se me te l d j m t s c qu n à",
    "de": "der die das ein eine einen einem einer und in ist ich du er sie es wir ihr mein meine dein deine sein seine mit auf für nicht aber von zu im am den dem des bei war waren wie wo wenn als auch noch nur über unter durch aus nach sich",
    "es": "el la los las un una unos unas de del y en es yo tú él ella nosotros ellos mi mis tu tus su sus con por para no pero que quien cuando donde como más al era son está hay se me te lo le muy sin sobre entre todo",
    "it": "il lo la i gli le un uno una di del della dei delle e è in io tu lui lei noi voi loro mio mia mie miei tuo tua suo sua con per non ma che chi quando dove come più al alla era sono si mi ti ci nel nella dal sul su senza anche",
    "nl": "de het een en in is ik jij je hij zij wij ze mijn jouw zijn haar met op voor niet maar van te dat die dit wat wie waar als ook nog bij naar uit over onder door was waren aan er om",
    "pt": "o a os as um uma de do da dos das e em é eu tu ele ela nós eles meu minha seu sua com por para não mas que quem quando onde como mais ao à no na nos nas era são está há se me te lhe muito sem sobre entre",
    "pl": "i w na z do nie się jest to że jak co od po za ale przez dla jego jej moja mój są był była ten ta noc nocą domu ja ty on ona my wszystko",
    "tr": "ve bir bu için ile de da çok ben sen o ne gibi daha var yok ama değil benim gece evi şey mi ki her",
}


def bare(word: str) -> str:
    """Lower case, without accents, with one kind of apostrophe."""
    word = unicodedata.normalize("NFD", word.casefold().replace("’", "'").replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in word if unicodedata.category(letter) != "Mn")


@cache
def _lists() -> dict[str, tuple[str, ...]]:
    """Ordinary words of each language, the most frequent first."""
    if not FILE.exists():
        return {}
    lines = gzip.decompress(FILE.read_bytes()).decode().splitlines()
    return {line[:2]: tuple(line[3:].split()) for line in lines}


@cache
def _ordinary(language: str) -> frozenset[str]:
    return frozenset(_lists().get(language, ()))


def listed(language: str) -> bool:
    """Whether there is a list of ordinary words of this language."""
    return language in _lists()


@cache
def small_words(language: str) -> frozenset[str]:
    """Articles, pronouns and the like of a language by its code; none where we know none."""
    return frozenset(SMALL.get(language, "").split())


@cache
def sections(name: str) -> dict[str, frozenset[str]]:
    """A section of unfit.toml: bare words by language; `phrases` are rows of words between bars."""
    table = tomllib.loads((Path(__file__).parent / "unfit.toml").read_text(encoding="utf-8"))[name]
    cut = re.compile(r"\s*\|\s*" if name == "phrases" else r"\s+")
    return {code: frozenset(bare(word) for word in cut.split(words.strip()) if word) for code, words in table.items()}


def among(name: str, words: frozenset[str], language: str = "") -> frozenset[str]:
    """Which of some bare words stand in a section, in one language or in any."""
    table = sections(name)
    asked = (table.get(language, frozenset()), table.get("other", frozenset())) if language else table.values()
    return frozenset().union(*(words & found for found in asked))


@cache
def _unfit(language: str) -> frozenset[str]:
    names = ("groups", "violence", "body", "illness", "slurs")
    return frozenset().union(*(found for name in names for code, found in sections(name).items() if code in (language, "other") or not language))


def unfit(word: str, language: str = "") -> bool:
    """Whether a word is nobody's to give: in its language, or in any where that is not known."""
    return bare(word) in _unfit(language)


def ordinary(word: str, language: str = "") -> bool:
    """Whether everybody writes this word, in its language or in any. An elided word ("l'été") is one by its pieces."""
    pieces = [piece for piece in re.split(r"['’\-]", word.casefold()) if piece]
    if not pieces or len(word) > LONGEST or any(unfit(piece, language) for piece in pieces):
        return False
    lists = (language,) if language else tuple(_lists())
    return all(len(piece) == 1 or any(piece in _ordinary(code) or piece in small_words(code) for code in lists) for piece in pieces)


def language(words: str) -> str:
    """In which of sixteen languages somebody writes ("fr", "en", "ja", …); "" where the words do not tell."""
    letters = [unicodedata.name(letter, "") for letter in words if letter.isalpha()]
    for script, code in _SCRIPTS:
        if 2 * sum(name.startswith(script) for name in letters) > len(letters) or (code == "ja" and any(n.startswith(script) for n in letters)):
            return code
    pieces = re.findall(r"[^\W\d_]+", words.casefold())
    scores = {code: sum(_weight(piece, code) for piece in pieces) for code in SMALL}
    best = max(scores.values(), default=0)
    found = [code for code, score in scores.items() if score == best]
    return found[0] if best and len(found) == 1 else ""


def _weight(piece: str, code: str) -> int:
    if piece in small_words(code):
        return 3
    return 2 if piece in _ordinary(code) or bare(piece) in _unfit_of(code) else 0


@cache
def _unfit_of(code: str) -> frozenset[str]:
    return frozenset().union(*(sections(name).get(code, frozenset()) for name in ("groups", "violence", "body", "illness", "slurs", "hostile")))
