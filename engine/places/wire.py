"""Letters as they cross a network: the same values as between processes, by name and type, and never a pickle.

Whoever can write to a pickle can run code here. A letter on the wire is four bytes of head, the name of its kind, and its
fields in msgpack; what is read is checked against the kind's declared types, so garbage ends in `Garbage` and nowhere
else. Measured beside pickle (one core, a State with 24 ancestors): docs/many-machines.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from engine.core.messages import (
    Dream,
    Judged,
    Keystroke,
    Leave,
    Loading,
    Remembering,
    Rest,
    Resume,
    Returned,
    Set,
    Stored,
    Text,
    Told,
    Touch,
    Trouble,
    Unkept,
    Withdraw,
    Withdrawn,
)
from engine.places.frames import Frame, Ground
from engine.places.minds import Ask
from engine.places.pulse import Beat
from engine.stage.shown import Shown

VERSION: Final = 1  # of what crosses; another is refused, with both numbers
LARGEST: Final = 400_000  # bytes of one letter; a latent of 24 x 64 x 64 has 196,608 before it is packed
KINDS: Final[dict[str, Any]] = {
    kind.__name__: kind
    for kind in (Text, Set, Keystroke, Touch, Withdraw, Judged, Leave, Dream, Rest, Resume, Stored, Returned, Withdrawn, Told, Unkept,
                 Trouble, Remembering, Loading, Ask, Frame, Ground, Beat, Shown)
}  # fmt: skip
_HEAD = struct.Struct("<2sBB")  # "hm", version, length of the kind's name
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {}


@dataclass(frozen=True, slots=True)
class _Set:
    """A Set as it is read: msgspec tells no words from bytes in a union, so arguments are looked at here."""

    address: str
    args: tuple[Any, ...] = ()
    at: float = 0.0

    def whole(self) -> Set:
        if not all(isinstance(value, (bool, int, float, str, bytes)) for value in self.args):
            raise ValueError("an argument is no value")
        return Set(self.address, self.args, self.at)


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
    data = _HEAD.pack(b"hm", VERSION, len(kind)) + kind + msgspec.msgpack.encode(letter)
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
        decoder = _DECODERS[name] = msgspec.msgpack.Decoder(_Set if KINDS[name] is Set else KINDS[name])
    try:
        found = decoder.decode(memoryview(data)[_HEAD.size + length :])
        return found.whole() if isinstance(found, _Set) else found
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as wrong:
        raise Garbage(f"no {name}") from wrong
