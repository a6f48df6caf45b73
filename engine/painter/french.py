"""French into English, word by word and phrase by phrase: enough for what people write to a wall. The table is french.toml.

A sentence encoder that was trained on English hears nothing in "une ville en feu"; in "a city on fire" it does.
No grammar is parsed: the longest known phrase wins, nouns change places with the adjectives behind them, plurals and
feminines are found by rule. Text that shows no sign of French is returned untouched, and so is every unknown word.
"""
from __future__ import annotations

import itertools
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_LONGEST = 6                                           # words of the longest phrase in the table
_TOKEN = re.compile(r"aujourd'hui|quelqu'un|(?:[cdjlmnst]|qu|lorsqu|puisqu)'|\w+(?:-\w+)*|[^\w\s]", re.IGNORECASE)
_ENGLISH = frozenset(("a", "an", "the", "of", "and", "in", "with", "is", "my", "your", "his", "her", "at", "under", "by", "to", "for", "it",
                      "was", "were", "this", "that", "i", "you", "we", "they", "from", "be", "am", "are", "has", "have", "not"))


@dataclass(frozen=True)
class Entry:
    """English for something French; `role` is noun, mass, adjective, small, phrase, or unknown."""
    english: str
    role: str


@dataclass(frozen=True)
class Table:
    """French words by their English; see `table`."""

    entries: dict[str, Entry]
    things: dict[str, Entry]                           # nouns that are adjectives too: "rose", "froid", "vide"
    ambiguous: frozenset[str]


def _bare(text: str) -> str:
    """Lower case, without accents."""
    text = text.lower().replace("œ", "oe").replace("æ", "ae")
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


@cache
def table() -> Table:
    """The table of french.toml, with every key also without its accents."""
    data = tomllib.loads((Path(__file__).parent / "french.toml").read_text(encoding="utf-8"))
    exact: dict[str, Entry] = {}
    things: dict[str, Entry] = {}
    for section, role in (("small", "small"), ("adjectives", "adjective"), ("nouns", "noun"), ("mass", "mass"), ("phrases", "phrase")):
        for part in data[section].split(","):
            french, colon, english = part.strip().partition(":")
            if colon:
                key = " ".join(_TOKEN.findall(french.strip().lower()))
                entry = Entry(english.strip(), role)
                if exact.setdefault(key, entry).role == "adjective" and role in ("noun", "mass"):
                    things[key] = entry
                if key.endswith(" de"):
                    exact.setdefault(key[:-1] + "'", entry)
                    exact.setdefault(key[:-2] + "du", Entry(f"{entry.english} the", role))
                    exact.setdefault(key[:-2] + "des", Entry(f"{entry.english} the", role))
    entries = {_bare(key): entry for key, entry in reversed(exact.items())} | exact
    return Table(entries, things, frozenset(data["ambiguous"].split()))


def _find(word: str) -> Entry | None:
    entries = table().entries
    return entries.get(word) or entries.get(_bare(word))


# Endings of plurals and feminines, and what they are in the table.
_PLURAL = (("eaux", "eau"), ("aux", "al"), ("eux", "eu"), ("s", ""), ("x", ""))
_FEMININE = (("euse", "eux"), ("elle", "el"), ("enne", "en"), ("onne", "on"), ("ette", "et"), ("ive", "if"), ("ère", "er"), ("trice", "teur"), ("e", ""))


def _known(word: str) -> Entry | None:
    """The entry of a word, of its singular, of its masculine."""
    found = _find(word)
    if found:
        return found
    for ending, singular in _PLURAL:
        stem = word[:-len(ending)] + singular
        found = _find(stem) if word.endswith(ending) and len(word) > 3 else None
        if found is None and word.endswith(ending) and len(word) > 4:
            found = _masculine(stem)
        if found:
            return Entry(_plural(found.english), found.role) if found.role == "noun" else found
    return _masculine(word)


def _masculine(word: str) -> Entry | None:
    for ending, masculine in _FEMININE:
        if word.endswith(ending) and len(word) > 3:
            found = _find(word[:-len(ending)] + masculine)
            if found and found.role == "adjective":
                return found
    return None


_IRREGULAR = {"man": "men", "woman": "women", "child": "children", "foot": "feet", "leaf": "leaves", "wolf": "wolves", "mouse": "mice",
              "sheep": "sheep", "fish": "fish", "deer": "deer", "person": "people", "hair": "hair", "knife": "knives", "people": "people",
              "stairs": "stairs", "eyes": "eyes", "lovers": "lovers", "fireworks": "fireworks", "life": "lives", "city": "cities",
              "piece of data": "data", "shelf": "shelves", "passer-by": "passers-by", "tooth": "teeth", "handwriting": "handwriting"}


def _plural(english: str) -> str:
    if english in _IRREGULAR:
        return _IRREGULAR[english]
    head, space, last = english.rpartition(" ")
    if last in _IRREGULAR:
        return head + space + _IRREGULAR[last]
    if re.search(r"[^aeiou]y$", english):
        return english[:-1] + "ies"
    return english + ("es" if re.search(r"(s|x|ch|sh)$", english) else "s")


def to_english(text: str) -> str:
    """French that is known becomes English; the rest, and text that is not French, stays as it is.

    No torch, no state: thread-safe, about 20 us a word.
    """
    text = unicodedata.normalize("NFC", text).replace("\u2019", "'").replace("\u02bc", "'")
    tokens = _TOKEN.findall(text)
    if not _is_french([token.lower() for token in tokens]):
        return text
    return _join(_settle(_swap(_translate(tokens))))


def _is_french(words: list[str]) -> bool:
    """More signs of French (elisions, accents, words that only French has) than little English words."""
    known = table()
    signs = 0
    for word in words:
        entry = _known(word)
        if (word.endswith("'") and len(word) > 1) or (entry and any(ord(c) > 127 for c in word)):
            signs += 2
        elif entry and not {word, word.removesuffix("s")} & known.ambiguous and word not in _ENGLISH:
            signs += 1
    french_pair = sum(1 for a, b in itertools.pairwise(words) if a in _ARTICLES and _known(b))
    return signs + 2 * french_pair > sum(word in _ENGLISH for word in words)


_ARTICLES = frozenset(("le", "la", "les", "un", "une", "des", "du", "de", "ma", "mon", "mes", "ta", "tes", "sa", "ses", "au", "aux",
                       "en", "sous", "dans"))
_WHEN = frozenset(("at night", "by day", "in the evening", "in the morning"))


def _translate(tokens: list[str]) -> list[Entry]:
    """Longest known phrases first; each token or phrase becomes one entry."""
    done: list[Entry] = []
    at = 0
    while at < len(tokens):
        for length in range(min(_LONGEST, len(tokens) - at), 0, -1):
            words = " ".join(tokens[at:at + length]).lower()
            entry = _find(words) if length > 1 else _known(words)
            if entry and not (entry.english in _WHEN and length == 2 and not _after_noun(done)):
                break
        else:
            entry, length = Entry(tokens[at], "unknown"), 1
        if entry.role == "adjective" and length == 1 and not _after_thing(done):
            entry = _thing(tokens[at].lower(), tokens[at + 1].lower() if at + 1 < len(tokens) else "") or entry
        done.append(_of(tokens[at].lower(), entry, done))
        at += length
    return done


def _after_thing(done: list[Entry]) -> bool:
    return bool(done) and done[-1].role in ("noun", "mass", "adjective")


def _thing(word: str, after: str) -> Entry | None:
    """The noun in a word that is an adjective elsewhere, unless a noun follows: "une rose rouge", but "un rose bonbon"."""
    follows = _known(after) if after else None
    return None if follows and follows.role in ("noun", "mass") else table().things.get(word)


def _after_noun(done: list[Entry]) -> bool:
    """Whether "la nuit" here is a time ("la mer la nuit") and not a thing ("la nuit", "dans la nuit")."""
    return bool(done) and done[-1].role in ("noun", "mass", "adjective", "unknown", "phrase") and done[-1].english not in _BINDING


_BINDING = frozenset(("I remember", "I dream of", "I love", "I see", "I think of", "I am afraid of", "there is", "there was", "it is", "it was"))


def _of(french: str, entry: Entry, before: list[Entry]) -> Entry:
    """"de", "du", "des" between two things is "of"; elsewhere it is nothing ("du pain", "avec des fleurs")."""
    between = bool(before) and (_after_thing(before) or before[-1].role == "unknown" or _ends_in_a_thing(before[-1]))
    if french in ("de", "d'") and entry.role == "small":
        return Entry("of" if between else "", "small")
    if french in ("du", "des") and entry.role == "small":
        return Entry("of the" if between and before[-1].english not in ("", ",") else "", "small")
    return entry


def _ends_in_a_thing(entry: Entry) -> bool:
    """Whether a phrase ends in what can have something: "in the light", not "I dream of"."""
    return entry.role == "phrase" and entry.english.split(" ")[-1] in ("light", "shadow", "space", "room", "sky", "night", "morning", "picture")


def _swap(entries: list[Entry]) -> list[Entry]:
    """"mer rouge" -> "red sea": adjectives behind a noun go before it."""
    done: list[Entry] = []
    for entry in entries:
        if entry.role == "adjective":
            at = len(done)
            while at and done[at - 1].role in ("noun", "mass"):
                at -= 1
            behind = at < len(done)
            done.insert(at if behind else len(done), Entry(entry.english, "swapped" if behind else "adjective"))
        else:
            done.append(entry)
    return done


def _settle(entries: list[Entry]) -> list[Entry]:
    """Articles: none before "love" or "war", "of" once, "an" before a vowel."""
    words = [entry for entry in entries if entry.english]
    done: list[Entry] = []
    for entry, after in zip(words, [*words[1:], Entry("", "end")], strict=True):
        if entry.english == "the" and after.role == "mass":
            if done and done[-1].english == "of the":
                done[-1] = Entry("of", "small")
            continue
        if entry.english == "of the" and after.role == "mass":
            entry = Entry("of", "small")
        if entry.english == "a" and re.match(r"[aeio]|un[^i]|um|up", after.english, re.IGNORECASE):
            entry = Entry("an", "small")
        if entry.english == "the" and done and done[-1].english.endswith("the"):
            continue
        done.append(entry)
    return done


def _join(entries: list[Entry]) -> str:
    text = " ".join(entry.english for entry in entries)
    text = re.sub(r"\s+([,.;:!?…)])", r"\1", text)
    return re.sub(r"\s+", " ", text).strip()
