"""Presets of what can be turned, the way from one to another, and the cues that step through them.

Pure: values in, values out, time as an argument. The file is TOML that a hand may edit: read once, written whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from engine.core import toml
from engine.core.errors import Plain, nearest
from engine.core.messages import Value

Preset = Mapping[str, tuple[Value, ...]]  # by address
ALONE = ("/hm/scene", "/hm/hold", "/hm/seed")
NEVER = ("/hm/sound/mute", "/hm/sound/offset")  # a panic key, as blackout is; a calibration, which stays with the place
LONGEST = 40  # characters of a name
HEAD = "# What a performer has stored: /hm/preset/store NAME. A preset called start is recalled when the show begins.\n"


class PresetError(Plain):
    """Nothing like that was stored, or the file cannot be read; the message names the nearest."""


def keeps(address: str) -> bool:
    """Whether a preset holds an address: scenes' own parameters and the sound's, not their short names."""
    return address in ALONE or (address.startswith(("/hm/scene/", "/hm/sound/")) and address not in NEVER)


def between(first: Preset, second: Preset, part: float) -> dict[str, tuple[Value, ...]]:
    """The values `part` 0..1 of the way: fractions slide, what is whole or a word changes half way.

    What only one of them holds is left out: it would jump where the other has nothing to say.
    """
    return {a: tuple(map(lambda x, y: _mix(x, y, part), first[a], second[a])) for a in first if a in second}


def _mix(first: Value, second: Value, part: float) -> Value:
    if isinstance(first, float) and isinstance(second, (float, int)):
        return first + (second - first) * part if part < 1.0 else float(second)
    return first if part < 0.5 else second


@dataclass(frozen=True, slots=True)
class Glide:
    """A way from what is to what was stored. Whole numbers and words are there at once, the rest in `seconds`."""

    start: Preset
    end: Preset
    begun: float  # seconds of any clock
    seconds: float

    def at(self, now: float) -> dict[str, tuple[Value, ...]]:
        """The values at a time."""
        part = min(1.0, (now - self.begun) / self.seconds) if self.seconds > 0.0 else 1.0
        soft = part * part * (3.0 - 2.0 * part)  # begins and ends softly, as a hand does
        here = between(self.start, self.end, soft)
        return {a: v if isinstance(v[0], float) else self.end[a] for a, v in here.items()}

    def over(self, now: float) -> bool:
        return now - self.begun >= self.seconds

    def without(self, name: str) -> Glide:
        """The same without an address or, of scenes' parameters, without all of that short name: a hand took it."""
        short = f"/{name.removeprefix('/hm/')}"
        own = short.count("/") == 1
        rest = {a: v for a, v in self.end.items() if a != name and not (own and a.endswith(short))}
        return replace(self, end=rest)


@dataclass(frozen=True, slots=True)
class Cue:
    """A step: a preset, and how many seconds the way to it takes."""

    preset: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Book:
    """All presets by name, and the cues in order."""

    presets: Mapping[str, Preset] = field(default_factory=dict)
    cues: tuple[Cue, ...] = ()

    def find(self, name: str) -> Preset:
        """A preset. Raises PresetError naming the nearest."""
        if name in self.presets:
            return self.presets[name]
        hint = nearest(name, self.presets) if self.presets else "/hm/preset/store NAME makes the first"
        raise PresetError(f"no preset is called {name}; {hint}")

    def with_preset(self, name: str, values: Preset) -> Book:
        """The same with one more (or another of that name). Raises PresetError for an unusable name."""
        if not 0 < len(name) <= LONGEST or not name.isprintable():
            raise PresetError(f"a preset's name has 1 to {LONGEST} printable characters, found {len(name)}")
        return replace(self, presets={**self.presets, name: {a: v for a, v in values.items() if keeps(a)}})

    def without(self, name: str) -> Book:
        """The same without a preset, and without the cues that lead to it. Raises PresetError."""
        self.find(name)
        rest = {other: values for other, values in self.presets.items() if other != name}
        return Book(rest, tuple(cue for cue in self.cues if cue.preset != name))

    def with_cue(self, cue: Cue) -> Book:
        """The same with one more step. Raises PresetError if it leads nowhere."""
        self.find(cue.preset)
        return replace(self, cues=(*self.cues, cue))

    @classmethod
    def read(cls, path: Path) -> Book:
        """A stored book; an empty one where there is no file. Raises PresetError saying what is wrong with it."""
        try:
            table = toml.table(path, PresetError)
        except FileNotFoundError:
            return cls()
        for key in table.keys() - {"preset", "cue"}:
            raise PresetError(f"{path}: nothing is called {key}; {nearest(key, ('preset', 'cue'))}")
        try:
            presets = {name: {a: _value(v) for a, v in held.items()} for name, held in table.get("preset", {}).items()}
            cues = tuple(Cue(str(cue["preset"]), float(cue.get("seconds", 0.0))) for cue in table.get("cue", ()))
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            raise PresetError(
                f"{path}: a [preset.NAME] holds addresses, a [[cue]] preset and seconds ({wrong})"
            ) from None
        book = cls(presets)
        for cue in cues:
            book = book.with_cue(cue)
        return book

    def write(self, path: Path) -> None:
        """Store it; a crash leaves the old file or the new one."""
        presets = {name: {a: v[0] if len(v) == 1 else v for a, v in values.items()} for name, values in self.presets.items()}
        text = HEAD + tomli_w.dumps({"preset": presets, "cue": [asdict(cue) for cue in self.cues]})
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)


def _value(found: Any) -> tuple[Value, ...]:
    if isinstance(found, list):
        return tuple(_value(part)[0] for part in found)
    if isinstance(found, (float, int, str)):
        return (found,)
    raise TypeError(f"{found!r} is no number and no word")

