"""Words for paintings: captions out of a grammar, and the French-English table through which visitors' words pass too.

Imports no torch. The words themselves are in grammar.toml, near.toml, french.toml, bridge.toml and held_out.toml.
"""
from __future__ import annotations

import difflib
import random
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from engine.painter.attributes import OFFERS, Attributes
from engine.painter.french import to_english

__all__ = ["HELD_OUT", "HeldOut", "bridge_phrases", "caption", "is_held_out", "one_of", "to_english"]

Language = Literal["en", "fr"]
_HERE = Path(__file__).parent
_FRENCH_SHARE = 1 / 3
_TAIL = ("extra", "second", "figure", "time", "light", "weather", "season")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))


GRAMMAR = _read("grammar.toml")


@dataclass(frozen=True)
class HeldOut:
    """What training never sees: `words` and `french` map a text to what should be seen, `compositions` are never painted."""
    words: dict[str, dict[str, str]]
    compositions: tuple[dict[str, str], ...]
    french: dict[str, dict[str, str]]


def _held_out() -> HeldOut:
    table = _read("held_out.toml")
    french = {entry["text"]: {k: v for k, v in entry.items() if k != "text"} for entry in table["french"]}
    return HeldOut(table["words"], tuple(table["compositions"]), french)


HELD_OUT = _held_out()
_HELD_WORDS = re.compile(r"\b(" + "|".join(map(re.escape, HELD_OUT.words)) + r")\b")


def is_held_out(a: Attributes, text: str) -> bool:
    """Whether `a` contains a held-out composition, or `text` a held-out word, or is a held-out French sentence."""
    composed = any(all(getattr(a, name) == value for name, value in parts.items()) for parts in HELD_OUT.compositions)
    return composed or bool(_HELD_WORDS.search(text.lower())) or text.lower().strip(" .") in HELD_OUT.french


def one_of(name: str, value: str, values: Collection[str]) -> None:
    """Raise ValueError unless `value` is among `values`, naming the nearest."""
    if value not in values:
        near = difflib.get_close_matches(value, values, 1)
        raise ValueError(f"unknown {name} {value!r}; " + (f"did you mean {near[0]!r}? " if near else "") + f"there are: {', '.join(values)}")


# Captions

def caption(a: Attributes, rng: random.Random, language: Language | None = None) -> str:
    """Say what `a` shows: a sentence, a list, a memory, one word; some of it may stay unsaid, nothing else is said.

    `language` None is French for a third. Never a held-out word or French sentence. Thread-safe where `rng` is not shared.
    """
    language = language or ("fr" if rng.random() < _FRENCH_SHARE else "en")
    for _ in range(20):
        text = _FORMS[_pick_form(rng)](a, rng, language)
        text = re.sub(r"\s+", " ", text).replace(" ,", ",").strip(" ,")
        if text and not _HELD_WORDS.search(text.lower()) and text.lower() not in HELD_OUT.french:
            return text
    raise ValueError(f"the grammar finds no words for {a} that are not held out")


def _pick_form(rng: random.Random) -> str:
    return rng.choices(("full", "short", "word", "list", "memory"), (40, 24, 10, 12, 14))[0]


def _words(language: Language, name: str, value: str) -> list[str]:
    found: list[str] = GRAMMAR[language][name].get(value) or GRAMMAR[language][name][""]
    return found


def _colour(language: Language, value: str, rng: random.Random, form: int = 0) -> str:
    words: list[str] = GRAMMAR[language]["colour"][value]
    return rng.choice(words) if language == "en" else words[form]


_ARTICLE = re.compile(r"^(an?|the|une?|les?|la|des|du|de la|de grands|l') ?(?!$)")


def _noun(a: Attributes, rng: random.Random, language: Language, colour: bool, mood: bool) -> str:
    """The kind with its article, and colour and mood where they belong in each language."""
    plain, _, gender = rng.choice(_words(language, "kind", a.kind)).partition("|")
    tint = a.colour if colour else ""
    feeling = rng.choice(_words(language, "mood", a.mood)) if mood and a.mood else ""
    if language == "fr":
        return _french_noun(plain, gender, tint, feeling, rng)
    said = _colour("en", tint, rng) if tint else ""
    if "{}" in plain:
        plain, said = plain.replace("{}", said), ""
    match = re.match(r"^(an?|the) ", plain)
    article, rest = (match.group(1), plain[match.end():]) if match else ("", plain)
    after = feeling if " " in feeling else ""
    before = " ".join(word for word in ("" if after else feeling, said) if word)
    phrase = f"{before} {rest} {after}".strip()
    if article in ("a", "an"):
        article = "an" if phrase[0] in "aeiou" else "a"
    elif article == "the" and before:
        article = rng.choice(("the", "an" if phrase[0] in "aeiou" else "a"))
    return f"{article} {phrase}".strip()


def _french_noun(plain: str, gender: str, tint: str, feeling: str, rng: random.Random) -> str:
    many = plain.startswith(("des ", "les ", "de grands"))
    feminine = gender == "f" or plain.startswith(("une ", "la "))
    form = 2 * many + feminine
    said = _colour("fr", tint, rng, form) if tint else ""
    for mark, agreed in (("{fp}", 3), ("{}", form)):
        if mark in plain:
            plain, said = plain.replace(mark, _colour("fr", tint, rng, agreed) if tint else ""), ""
    return f"{plain} {said} {feeling}".strip()


def _part(a: Attributes, name: str, rng: random.Random, language: Language) -> str:
    """One attribute in words."""
    value = getattr(a, name)
    if name == "second":
        return _filled(rng.choice(_words(language, "second", a.kind)), value, rng, language)
    text = rng.choice(_words(language, name, value))
    if name == "figure" and rng.random() < .6:
        return f"{'with' if language == 'en' else 'avec'} {text}"
    return _filled(text, a.second, rng, language) if name == "light" else text


def _filled(text: str, colour: str, rng: random.Random, language: Language) -> str:
    for mark, form in (("{}", 0), ("{f}", 1), ("{p}", 2)):
        if mark in text:
            text = text.replace(mark, _colour(language, colour, rng, form) if colour else "")
    return text


def _said(a: Attributes, rng: random.Random, chance: float = .85) -> list[str]:
    """Which parts of the tail are said, in any order."""
    names = [name for name in _TAIL if getattr(a, name) and rng.random() < chance]
    rng.shuffle(names)
    return names


def _full(a: Attributes, rng: random.Random, language: Language) -> str:
    parts = [_part(a, name, rng, language) for name in _said(a, rng)]
    return rng.choice((" ", ", ")).join([_noun(a, rng, language, rng.random() < .95, rng.random() < .9), *parts])


def _short(a: Attributes, rng: random.Random, language: Language) -> str:
    choices = [name for name in (*_TAIL, "colour", "colour", "mood") if getattr(a, name)]
    name = rng.choice(choices) if choices else ""
    noun = _noun(a, rng, language, name == "colour", name == "mood")
    return noun if name in ("", "colour", "mood") else f"{noun} {_part(a, name, rng, language)}"


def _word(a: Attributes, rng: random.Random, language: Language) -> str:
    said = [f.name for f in fields(a) if getattr(a, f.name) and f.name != "second"]
    name = "kind" if rng.random() < .6 else rng.choice(said)
    if name == "colour":
        return _colour(language, a.colour, rng)
    text = rng.choice(_words(language, name, getattr(a, name))).partition("|")[0]
    return re.sub(r"\{\w*\}", "", _ARTICLE.sub("", text))


def _list(a: Attributes, rng: random.Random, language: Language) -> str:
    parts = [_part(a, name, rng, language) for name in _said(a, rng)]
    parts.append(_noun(a, rng, language, False, False))
    if a.colour:
        parts.append(_colour(language, a.colour, rng))
    if a.mood:
        parts.append(rng.choice(_words(language, "mood", a.mood)))
    rng.shuffle(parts)
    return ", ".join(parts)


def _memory(a: Attributes, rng: random.Random, language: Language) -> str:
    """What a visitor might write: "I remember a red room", "je me souviens d'une chambre rouge"."""
    inner = _short(a, rng, language) if rng.random() < .6 else _full(a, rng, language)
    text = rng.choice([form for form in GRAMMAR[language]["remember"] if "{}" in form]).replace("{}", inner)
    return elide(text) if language == "fr" else text


_FORMS = {"full": _full, "short": _short, "word": _word, "list": _list, "memory": _memory}
_CONTRACTIONS = ((r"\bde le\b", "du"), (r"\bde les\b", "des"), (r"\bde des\b", "de"), (r"\bde du\b", "de"), (r"\bde de\b", "de"),
                 (r"\bà le\b", "au"), (r"\bà les\b", "aux"), (r"\bde (?=[aeiouéèêàâîôh])", "d'"))


def elide(text: str) -> str:
    """French contractions after "de" and "à": "de le" -> "du", "de une" -> "d'une"."""
    for pattern, written in _CONTRACTIONS:
        text = re.sub(pattern, written, text)
    return text


@cache
def near_phrases() -> dict[str, tuple[str, ...]]:
    """Kind -> what people write that names no picture and yet means one of this kind. ValueError for a kind that is none."""
    found = {kind: tuple(phrases) for kind, phrases in _read("near.toml")["near"].items()}
    for kind in found:
        one_of("kind", kind, OFFERS)
    return found


@cache
def bridge_phrases() -> list[str]:
    """Everyday and abstract words and phrases, ours, to be paired with the pictures of their nearest captions."""
    return [line.strip() for line in _read("bridge.toml")["phrases"].splitlines() if line.strip()]
