"""JSON as people write it in the headers of shaders: commas too many or too few, comments, single quotes, bare words.

What is mended is told with its line, so that a file can be mended for stricter hosts. Everything else is Python's own
parser; json5 and its kin are as lenient, and silent about it.
"""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 64  # brackets within brackets
_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<comment>//[^\n]*|\#[^\n]*|/\*.*?(?:\*/|\Z)) | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<mark>[{}\[\]:,]) | (?P<word>(?:[^\s{}\[\]:,"'/]|/(?![/*]))+) | (?P<rest>.)""",
    re.VERBOSE | re.DOTALL,
)  # fmt: skip
_CLOSES = {"{": "}", "[": "]"}


class Broken(ValueError):
    """What cannot be mended; `line` counts from 1."""

    def __init__(self, line: int, what: str):
        super().__init__(what)
        self.line = line


def loads(text: str) -> tuple[Any, list[tuple[int, str]]]:
    """The value, and what was overlooked as (line, words). Raises Broken."""
    mender = _Mender()
    for match in _TOKEN.finditer(text):
        mender.take(str(match.lastgroup), match[0])
        if mender.whole:
            rest = re.sub(r"//[^\n]*", "", text[match.end() :]).strip()
            if rest:
                mender.note(f"what follows the last bracket ({rest[:12]!r})")
            break
    mender.end()
    try:
        return json.loads("".join(mender.out), strict=False), mender.notes
    except json.JSONDecodeError as wrong:
        raise Broken(wrong.lineno, wrong.msg) from None
    except RecursionError:
        raise Broken(1, "too many brackets within one another") from None


class _Mender:
    """Writes JSON out of tokens; lines stay lines, so that an error of the parser names the right one."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.notes: list[tuple[int, str]] = []
        self.line = 1
        self.whole = False
        self._open: list[str] = []
        self._last = ""  # the last that was written: "{", "[", ",", ":", "" at the start, "v" a value or a key
        self._comma: tuple[int, int] | None = None  # where a comma stands that may be one too many, and its line

    def note(self, what: str, line: int = 0) -> None:
        self.notes.append((line or self.line, what))

    def take(self, kind: str, token: str) -> None:
        if kind == "mark":
            self._mark(token)
        elif kind == "text":
            self._value(_text(token))
            if token[0] == "'":
                self.note("single quotes")
        elif kind == "word":
            self._value(self._word(token))
        elif kind == "rest":
            raise Broken(self.line, f"a closing {token} is missing" if token in "\"'" else f"{token!r} has no place here")
        elif kind == "comment":
            self.note("a comment inside the JSON")
        if kind in ("space", "comment"):
            self.out.append("\n" * token.count("\n") or " ")
        self.line += token.count("\n")

    def _mark(self, mark: str) -> None:
        if mark in "{[":
            self._value("")
            self.out.append(mark)
            self._open.append(mark)
            self._last = mark
            if len(self._open) > DEEPEST:
                raise Broken(self.line, "too many brackets within one another")
        elif mark in "}]":
            self._close(mark)
        elif mark == ",":
            if self._last in ("{", "[", ",", ""):
                self.note("a comma too many")
            else:
                self._comma = (len(self.out), self.line)
                self.out.append(",")
                self._last = ","
        else:
            self.out.append(":")
            self._last = ":"

    def _close(self, mark: str) -> None:
        if not any(_CLOSES[each] == mark for each in self._open):
            self.note(f"a {mark} too many")
            return
        if self._last == ":":
            self.out.append("null")
            self.note("a name without a value")
        self._drop_comma()
        while _CLOSES[self._open[-1]] != mark:
            self.note(f"a missing {_CLOSES[self._open[-1]]}")
            self.out.append(_CLOSES[self._open.pop()])
        self._open.pop()
        self.out.append(mark)
        self._last, self.whole = "v", not self._open

    def _drop_comma(self) -> None:
        if self._last == "," and self._comma:
            self.out[self._comma[0]] = " "
            self.note("a comma too many", self._comma[1])

    def _value(self, written: str) -> None:
        if self._last == "v":
            self.out.append(",")
            self.note("a missing comma")
        self.out.append(written)
        self._last = "v"

    def _word(self, word: str) -> str:
        if word.lower() in ("true", "false", "null"):
            if word != word.lower():
                self.note(f"{word} in capitals")
            return word.lower()
        if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", word):
            return word
        if word.lower() in ("none", "nan", "-nan", "inf", "-inf", "infinity", "-infinity", "undefined"):
            self.note(f"{word} in place of a number")
            return "null"
        try:
            number = float(int(word, 16) if re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}", word) else word.rstrip("fF"))
        except ValueError:
            self.note(f"{word[:24]} without quotes")
            return json.dumps(word)
        self.note(f"the number {word[:24]}")
        return json.dumps(int(number) if number.is_integer() and "." not in word and abs(number) < 1e15 else number)

    def end(self) -> None:
        """Close what is open. Raises Broken where nothing was opened."""
        if not self.whole and not self._open:
            raise Broken(self.line, "there is no {...}")
        if self._open and self._last == ":":
            self.out.append("null")
        self._drop_comma()
        while self._open:
            self.note(f"a missing {_CLOSES[self._open[-1]]} at the end")
            self.out.append(_CLOSES[self._open.pop()])


def _text(token: str) -> str:
    """A text in double quotes; a backslash that escapes nothing is one."""
    inside = token[1:-1]
    if token[0] == "'":
        inside = inside.replace("\\'", "'")
        inside = re.sub(r'(?<!\\)"', r"\"", inside)
    inside = re.sub(r"\\(u(?![0-9a-fA-F]{4})|[^\"\\/bfnrtu])", lambda match: "\\\\" + match[1], re.sub(r"\\\\", "\0", inside))
    return '"' + inside.replace("\0", "\\\\") + '"'
