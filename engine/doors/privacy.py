"""What belongs to one person is taken out of a text before anything is stored, and the visitor is told.

E-mail addresses, telephone numbers, IBANs, streets with their numbers, web addresses and handles. Digits of any script.
"""

from __future__ import annotations

import re
import unicodedata

TAKEN = "…"
_WAY = (  # what a street is called, before or after its name
    r"rue|avenue|av\.?|boulevard|bd\.?|chemin|impasse|allée|allee|quai|place|route|cours|square|passage|"
    r"calle|plaza|avenida|via|viale|piazza|corso|rua|praça|улица|ул\.?|شارع"
)
_STREET = r"street|st\.?|road|rd\.?|lane|avenue|ave\.?|drive|boulevard|blvd\.?|court|crescent|terrace|way|square"
_TLD = r"com|org|net|fr|de|es|it|uk|be|ch|eu|io|info|edu|gov|ca|us|nl|pt|ru|pl|tr|jp|cn|kr|me|tv|app|dev|xyz|art|example|test|lan|local"
_AT = r"\s*(?:@|[\[({]\s*(?:at|arobase)\s*[\])}]|\s(?:at|arobase|chez)\s)\s*"
_DOT = r"(?:\.|\s*[\[({]\s*(?:dot|point|punto|punkt)\s*[\])}]\s*|\s(?:dot|point)\s)"

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in (
    ("email", rf"[\w.+'-]+(?:@|＠)[\w-]+(?:\.[\w-]+)*|[\w.+-]+(?:\s(?:dot|point)\s[\w-]+)*{_AT}[\w-]+(?:{_DOT}[\w-]+)*{_DOT}(?:{_TLD})\b"),
    ("web", rf"\b(?:https?://|ftp://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:{_TLD})\b(?:/\S*)?"),
    ("web", r"(?<![\w.])@[\w.]{2,}"),
    ("iban", r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"),
    ("street", rf"\b\d{{1,4}}\s?(?:bis|ter|[a-z])?\s*,?\s+(?:{_WAY})\s+(?:(?:de|du|des|d'|d’|la|le|les|l'|l’|del|della|di|da|do)\s*)*[\w'’-]+(?-i:[ -][A-ZÀ-Ý][\w'’-]*)*"),
    ("street", rf"\b(?:{_WAY})\s+(?:(?:de|du|des|d'|d’|la|le|les|l'|l’|del|della|di|da|do)\s*)*[\w'’-]+(?:\s[\w'’-]+){{0,3}}?,?\s+(?:n[°o]\s?)?\d{{1,4}}\b"),
    ("street", rf"\b\d{{1,5}}[a-z]?\s+(?-i:[A-Z][\w'’-]*\s+){{1,3}}(?:{_STREET})(?!\w)"),
    ("street", r"\b\d{1,5}[a-z]?\s+[\w'’-]+\s+(?:street|road|avenue|lane|drive|boulevard)(?!\w)"),
    ("street", r"\b[\w-]+(?:straße|strasse|str\.|gasse|weg|platz|allee|straat|laan|plein)\s+\d{1,4}[a-z]?\b"),
))  # fmt: skip
_NUMBER = re.compile(r"(?<!\w)(?:\+|00)?\(?\d(?:[\s().\-–/]{0,2}\d){6,18}(?!\w)")
_YEARS = re.compile(r"(?:1\d|20)\d\d\s?[-–/]\s?(?:1\d|20)\d\d|\d{1,2}[./-]\d{1,2}[./-](?:1\d|20)\d\d|(?:1\d|20)\d\d[./-]\d{1,2}[./-]\d{1,2}")


def redact(words: str) -> tuple[str, tuple[str, ...]]:
    """A text without what is somebody's own, and the kinds that were taken out: email, web, iban, street, phone."""
    plain = "".join(_digit(letter) for letter in words)  # of the same length
    gaps: list[tuple[int, int, str]] = []
    for kind, pattern in PATTERNS:
        for found in pattern.finditer(plain):
            if any(letter.isalnum() for letter in found[0]):
                gaps.append((found.start(), found.end(), kind))
    for found in _NUMBER.finditer(plain):
        if not _YEARS.fullmatch(found[0].strip()):
            gaps.append((found.start(), found.end(), "phone"))
    kept, at, kinds = [], 0, []
    for start, end, kind in sorted(gaps, key=lambda gap: (gap[0], -gap[1])):
        if start < at:  # within the one before
            continue
        kept += [words[at:start], f" {TAKEN} "]
        at = end
        kinds.append(kind)
    left = " ".join("".join([*kept, words[at:]]).split())
    return (left if any(c.isalpha() for c in left) or not kinds else ""), tuple(dict.fromkeys(kinds))


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)
