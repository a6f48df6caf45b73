"""Letters as they cross a network: the same values as between processes, by name and type, and never a pickle.

Whoever can write to a pickle can run code here. A letter on the wire is four bytes of head, the name of its kind, and its
fields in msgpack; what is read is checked against the kind's declared types, so garbage ends in `Garbage` and nowhere
else. Measured beside pickle (one core, a State with 24 ancestors): docs/many-machines.md.
"""

from __future__ import annotations

import struct
from dataclasses import MISSING, dataclass, fields
from typing import Any, Final, get_type_hints

import msgspec
import numpy as np

from engine.core.messages import (
    Directory,
    Dream,
    Gap,
    Health,
    Judged,
    Keystroke,
    Leave,
    Loading,
    Node,
    Opened,
    Remembering,
    Rest,
    Resume,
    Returned,
    Set,
    Started,
    Stored,
    Text,
    Told,
    Touch,
    Trouble,
    Unkept,
    Value,
    Values,
    Withdraw,
    Withdrawn,
)
from engine.places.frames import Frame, Ground
from engine.places.minds import Ask
from engine.places.pulse import Beat
from engine.stage.shown import Shown

VERSION: Final = 1  # of what crosses; another is refused, with both numbers
LARGEST: Final = 400_000  # bytes of one letter; a latent of 24 x 64 x 64 has 196,608 before it is packed


@dataclass(frozen=True, slots=True)
class Sent:
    """Letters that must arrive: see channel.py."""

    session: int  # of who sends; another start of it has another
    number: int  # from 1, in order; 0: a sign of life
    after: int  # the letter before it that is still kept: it must be there first; 0: none
    letters: tuple[bytes, ...] = ()  # packed; they belong together


@dataclass(frozen=True, slots=True)
class Got:
    """What has arrived of them."""

    session: int  # whose they are
    number: int  # the newest that is here, with all before it
    own: int  # the session of who says so


@dataclass(frozen=True, slots=True)
class Grains:
    """Grains for a sound room elsewhere, in the house's seconds."""

    before: int  # grains that were sent before these
    rows: bytes  # (n,) of engine.core.crossings.GRAIN


@dataclass(frozen=True, slots=True)
class Sounding:
    """What a sound room elsewhere plays, and where its samples are in time."""

    page: tuple[float, ...]  # in the order of ClockPage.FIELDS; `seconds` and `rate` by the house's clock
    first: int  # number of the first sample here, as that room counts
    samples: bytes  # deflated (n, 2) i16, 32767 = 1


KINDS: Final[dict[str, Any]] = {
    kind.__name__: kind
    for kind in (Text, Set, Keystroke, Touch, Withdraw, Judged, Leave, Dream, Rest, Resume, Stored, Returned, Withdrawn, Told, Unkept,
                 Trouble, Remembering, Loading, Gap, Ask, Frame, Ground, Beat, Shown, Sent, Got, Grains, Sounding, Started, Opened, Directory,
                 Values, Health)
}  # fmt: skip
_HEAD = struct.Struct("<2sBB")  # "hm", version, length of the kind's name
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {}


def _plain(values: tuple[Any, ...]) -> tuple[Value, ...]:
    """Raises ValueError for what is no Value."""
    if not all(isinstance(value, (bool, int, float, str, bytes)) for value in values):
        raise ValueError("an argument is no value")
    return values


@dataclass(frozen=True, slots=True)
class _Set:
    """A Set as it is read: msgspec tells no words from bytes in a union, so whatever has a Value is looked at here."""

    address: str
    args: tuple[Any, ...] = ()
    at: float = 0.0

    def whole(self) -> Set:
        return Set(self.address, _plain(self.args), self.at)


@dataclass(frozen=True, slots=True)
class _Values:
    values: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    def whole(self) -> Values:
        return Values(tuple((address, _plain(value)) for address, value in self.values))


_HINTS = get_type_hints(Node) | {"value": tuple[Any, ...]}
_NODE = msgspec.defstruct("_Node", [(f.name, _HINTS[f.name], *(() if f.default is MISSING else (f.default,))) for f in fields(Node)])  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class _Directory:
    nodes: tuple[_NODE, ...] = ()  # type: ignore[valid-type]

    def whole(self) -> Directory:
        found = ({name: getattr(node, name) for name in _HINTS} for node in self.nodes)
        return Directory(tuple(Node(**(node | {"value": _plain(node["value"])})) for node in found))


READ: Final[dict[Any, Any]] = {Set: _Set, Values: _Values, Directory: _Directory}  # what is read as something else, and then made whole


class Garbage(ValueError):
    """Not a letter of this house; the message says what is wrong with it, in a word or two."""


class OtherVersion(Garbage):
    """A letter of another version of the engine."""


def packed(letter: object) -> bytes:
    """A letter as bytes. Raises ValueError for one that is too long, KeyError for what never crosses."""
    name = type(letter).__name__
    if KINDS[name] is not type(letter):
        raise KeyError(name)
    kind = name.encode()
    data = _HEAD.pack(b"hm", VERSION, len(kind)) + kind + msgspec.msgpack.encode(letter, enc_hook=_number)
    if len(data) > LARGEST:
        raise ValueError(f"a {name} of {len(data)} bytes; {LARGEST} is the most that crosses")
    return data


def unpacked(data: bytes) -> Any:
    """The letter that lies in these bytes. Raises Garbage, and nothing else, whatever they are."""
    if len(data) > LARGEST:
        raise Garbage("too long")
    if len(data) < _HEAD.size or data[:2] != b"hm":
        raise Garbage("foreign")
    _, version, length = _HEAD.unpack_from(data)
    if version != VERSION:
        raise OtherVersion(f"version {version}, this is {VERSION}")
    name = data[_HEAD.size : _HEAD.size + length].decode("ascii", "replace")
    if name not in KINDS:
        raise Garbage("of no kind")
    decoder = _DECODERS.get(name)
    if decoder is None:
        decoder = _DECODERS[name] = msgspec.msgpack.Decoder(READ.get(KINDS[name], KINDS[name]))
    try:
        found = decoder.decode(memoryview(data)[_HEAD.size + length :])
        return found.whole() if KINDS[name] in READ else found
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as wrong:
        raise Garbage(f"no {name}") from wrong


def _number(value: Any) -> Any:
    """NumPy's numbers as Python's. Raises NotImplementedError for anything else: it never crosses."""
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"a {type(value).__name__} never crosses")
