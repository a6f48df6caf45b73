"""How the list of ordinary words was made: what people write most, less everything that is nobody's to give.

    python -m engine.atelier.lexicon FOLDER

FOLDER holds what is read, as it is unpacked from the registries: `spellchecker/resources/*.json.gz` (pyspellchecker
0.9.1, MIT: frequencies of nine languages), `word-list/` and `an-array-of-french-words/` (MIT: words without proper
names), `cuss/` (MIT: profane words with how sure that is). Only the result is shipped, `engine/core/lexicon/ordinary.txt.gz`.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from pathlib import Path

from glin_profanity.data.dictionary import DictionaryLoader

from engine.core.lexicon import FILE, bare, unfit

MOST = {"en": 14_000, "fr": 18_000, "de": 24_000, "es": 8_000, "it": 8_000, "nl": 8_000, "pt": 8_000, "ru": 8_000, "ar": 8_000}
NAMES = {"en": "english", "fr": "french", "de": "german", "es": "spanish", "it": "italian", "nl": "dutch", "pt": "portuguese",
         "ru": "russian", "ar": "arabic"}  # fmt: skip
SHARED = 4  # a word that more languages than these use is mostly a name

# First names that are words as well: the lists without proper names keep them.
CALLED = frozenset(
    ["martin", "jack", "frank", "bill", "mark", "john", "peter", "tom", "harry", "robin", "grant", "bob", "nick", "pat", "mike", "rob", "will", "ray", "gene", "josh", "dean", "drew", "chuck", "marie", "claude", "dominique", "bernard", "thomas", "denis", "robert", "jean", "jeanne", "marc", "luc", "benoit", "gilles", "victor", "lucas", "louis", "charles", "henri", "paul", "julien", "simon", "michel", "nicolas", "antoine", "laurent", "olivier", "vincent", "sarah", "laura", "julie", "nadia", "ahmed", "mohamed", "ali", "karim", "fatima", "lucie", "lea", "emma", "hugo", "leo", "max", "sam", "ben", "dan", "alex", "chris", "kim", "lee", "tony", "jerry", "larry", "randy", "rusty", "jimmy", "tommy", "billy", "bobby", "johnny", "eddie", "freddy", "jenny", "betty", "nancy", "molly", "polly", "sally", "kitty", "peggy", "patsy", "jill", "dolly"]
)


def main(folder: Path) -> None:
    """Write the list, and say how many words each language keeps."""
    counts = {code: json.loads(gzip.decompress((folder / "spellchecker" / "resources" / f"{code}.json.gz").read_bytes()))
              for code in MOST}  # fmt: skip
    counts = {code: Counter({word.casefold(): n for word, n in found.items()}) for code, found in counts.items()}
    common = {code: [w for w, _ in counts[code].most_common(2 * MOST[code])] for code in MOST}
    spread = Counter(word for words in common.values() for word in set(words))
    proper = {
        "en": frozenset((folder / "word-list" / "package" / "words.txt").read_text().split()) | {"i", "a"},
        "fr": frozenset(json.loads((folder / "an-array-of-french-words" / "package" / "index.json").read_text())),
    }
    lines = []
    for code, words in common.items():
        insults = _insults(folder, code)
        kept = [w for w in words if _ordinary(w, code, spread, proper.get(code), insults)][: MOST[code]]
        lines.append(f"{code} {' '.join(kept)}")
        print(f"{code}: {len(kept)}")
    FILE.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))


def _ordinary(word: str, code: str, spread: Counter[str], proper: frozenset[str] | None, insults: frozenset[str]) -> bool:
    if not re.fullmatch(r"[^\W\d_]{1,24}", word) or word in CALLED or bare(word) in insults or unfit(word, code):
        return False
    return word in proper if proper is not None else spread[word] <= SHARED


def _insults(folder: Path, code: str) -> frozenset[str]:
    """Single words of the dictionaries of one language, bare."""
    found = set(DictionaryLoader().get_words(NAMES[code]))
    names = {"en": ["index"], "ar": ["ar-latn"], "pt": ["pt", "pt-pt"]}.get(code, [code])
    for name in names:
        path = folder / "cuss" / "package" / f"{name}.js"
        if path.exists():
            rated = re.findall(r"^\s*(?:'([^']*)'|([\w-]+)): ([12])", path.read_text(), re.M)
            found |= {one or two for one, two, _ in rated}
    return frozenset(bare(word) for word in found if " " not in word)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
