"""An OSC packet from a stranger: checked byte by byte, and its arguments read by python-osc on the way.

The checks are ours because python-osc 1.10 trusts what it reads: a bundle element of size -4 makes it loop for ever,
nesting ends in RecursionError, broken UTF-8 in UnicodeDecodeError, and the tags I, c and S are skipped without
consuming their bytes, so that the arguments after them are silently wrong. (OSC 1.0 specification, 2002, with its
optional tags; 1.1, 2009: all of them are read.)
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pythonosc.parsing import osc_types

from engine.core.messages import Value

LARGEST = 8192  # bytes of a packet
DEEPEST = 8  # bundles within bundles
MOST = 512  # messages in a packet
IMMEDIATELY = 1  # the time tag that means "now"
NTP = 2_208_988_800  # seconds from 1900, where time tags start, to 1970
SIZES = {"i": 4, "f": 4, "c": 4, "r": 4, "m": 4, "h": 8, "d": 8, "t": 8}
READERS = {"i": osc_types.get_int, "f": osc_types.get_float, "h": osc_types.get_int64, "d": osc_types.get_double}
KNOWN = "ifsbhdtScrmTFNI[]"


class Malformed(ValueError):
    """A packet that is no OSC, or none that this engine takes; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Special:
    """An argument that is no plain value: an impulse, a colour, a MIDI message, a time tag."""

    tag: str  # "I", "r", "m" or "t"

    def __repr__(self) -> str:
        return {"I": "an impulse", "r": "a colour", "m": "a MIDI message", "t": "a time tag"}[self.tag]


IMPULSE = Special("I")
EMPTY: dict[str, Value | Special | None] = {"T": True, "F": False, "N": None, "I": IMPULSE}
Arg = Value | Special | None


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message of a packet."""

    address: str  # may be a pattern
    args: tuple[Arg, ...]  # without the brackets of arrays
    due: float = 0.0  # its time tag in seconds since 1970, by the clock of whoever sent it; 0 = at once
    tail: bytes = b""  # type tags and arguments as they came, for whoever wants them back


def read(data: bytes) -> list[Arrived]:
    """All messages of a packet, by due time. Raises Malformed, and nothing else."""
    if not 4 <= len(data) <= LARGEST:
        raise Malformed(f"a packet of {len(data)} bytes; 4 to {LARGEST} are taken")
    messages: list[Arrived] = []
    for message in _messages(data, 0, 0.0):
        messages.append(message)
        if len(messages) > MOST:
            raise Malformed(f"more than {MOST} messages in one packet")
    return sorted(messages, key=lambda message: message.due)


def _messages(data: bytes, depth: int, due: float) -> Iterator[Arrived]:
    """The messages of a packet or bundle element; `due` is the time tag of the bundle around it."""
    if not data.startswith(b"#bundle\0"):
        yield _message(data, due)
        return
    if depth >= DEEPEST:
        raise Malformed(f"bundles nested deeper than {DEEPEST}")
    if len(data) < 16:
        raise Malformed("a bundle that ends before its time tag")
    due = max(due, _time(data))  # an inner bundle is never due before the one that holds it
    at = 16
    while at < len(data):
        if at + 4 > len(data):
            raise Malformed(f"a bundle with {len(data) - at} bytes left over")
        (size,) = struct.unpack_from(">i", data, at)
        if size < 4 or size % 4 or at + 4 + size > len(data):
            raise Malformed(f"a bundle element of {size} bytes where {len(data) - at - 4} are left")
        yield from _messages(data[at + 4 : at + 4 + size], depth + 1, due)
        at += 4 + size


def _time(data: bytes) -> float:
    """A bundle's time tag in seconds since 1970, 0 for "immediately"."""
    (tag,) = struct.unpack_from(">Q", data, 8)
    return 0.0 if tag <= IMMEDIATELY else float(tag / (1 << 32)) - NTP


def _message(data: bytes, due: float) -> Arrived:
    address, at = _string(data, 0)
    if not address.startswith("/") or len(address) > 255 or not address.isprintable():
        raise Malformed(f"{address[:40]!r} is no address")
    if at == len(data):
        return Arrived(address, (), due)  # the type tags may be missing where there are no arguments
    start = at
    tags, at = _string(data, at)
    if not tags.startswith(","):
        raise Malformed(f"{address}: type tags begin with a comma, found {tags[:20]!r}")
    depth, args = 0, []
    for tag in tags[1:]:
        depth += {"[": 1, "]": -1}.get(tag, 0)
        if not 0 <= depth <= 4:
            raise Malformed(f"{address}: brackets of the type tags {tags[:40]!r} do not match")
        if tag not in "[]":
            value, at = _argument(data, at, tag, address)
            args.append(value)
    if depth or at != len(data):
        raise Malformed(f"{address}: type tags {tags[:40]!r} leave {len(data) - at} bytes over")
    return Arrived(address, tuple(args), due, data[start:])


def _argument(data: bytes, at: int, tag: str, address: str) -> tuple[Arg, int]:
    """One argument, and where the next one starts."""
    if tag in EMPTY:
        return EMPTY[tag], at
    if tag in "sS":
        return _string(data, at)
    if tag == "b":
        return _blob(data, at, address)
    if tag not in SIZES:
        raise Malformed(f"{address}: the type tag {tag!r} is not one of {KNOWN}")
    after = at + SIZES[tag]
    if after > len(data):
        raise Malformed(f"{address}: ends within an argument of type {tag}")
    if tag in "rmt":
        return Special(tag), after
    if tag == "c":
        (code,) = struct.unpack_from(">I", data, at)
        if code >= 0x110000 or 0xD800 <= code < 0xE000:
            raise Malformed(f"{address}: the number {code} is no character")
        return chr(code), after
    value = READERS[tag](data, at)[0]
    if tag in "fd" and not math.isfinite(value):
        raise Malformed(f"{address}: an argument that is infinite or no number")
    return value, after


def _blob(data: bytes, at: int, address: str) -> tuple[bytes, int]:
    if at + 4 > len(data):
        raise Malformed(f"{address}: a blob without its size")
    (size,) = struct.unpack_from(">i", data, at)
    after = at + 4 + size + -size % 4
    if size < 0 or after > len(data):
        raise Malformed(f"{address}: a blob of {size} bytes where {len(data) - at - 4} are left")
    return data[at + 4 : at + 4 + size], int(after)


def _string(data: bytes, at: int) -> tuple[str, int]:
    """A string and where the next thing starts: ended by a zero, filled up to four bytes."""
    end = data.find(b"\0", at)
    if end < 0:
        raise Malformed("a string that does not end")
    after = end + 4 - end % 4
    if after > len(data) or data[end:after].strip(b"\0"):
        raise Malformed("a string that is not filled up with zeros to four bytes")
    try:
        return data[at:end].decode("utf-8"), after
    except UnicodeDecodeError as wrong:
        raise Malformed(f"a string that is no UTF-8 (byte {wrong.start})") from None
