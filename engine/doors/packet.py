"""An OSC packet from a stranger: checked byte by byte, then parsed by python-osc.

The checks come first because python-osc 1.10 trusts what it reads: a bundle element of size -4 makes it loop for ever,
nesting ends in RecursionError, broken UTF-8 in UnicodeDecodeError, and the tags I, c and S are skipped without
consuming their bytes, so that the arguments after them are silently wrong. (OSC 1.0 specification, 2002; 1.1, 2009.)
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pythonosc.osc_packet import OscPacket

from engine.core.messages import Value

LARGEST = 8192  # bytes of a packet
DEEPEST = 8  # bundles within bundles
MOST = 512  # messages in a packet
FUTURE = 3600.0  # seconds that a time tag may lie ahead
IMMEDIATELY = 1  # the time tag that means "now"
NTP = 2_208_988_800  # seconds from 1900, where time tags start, to 1970
SIZES = {"i": 4, "f": 4, "r": 4, "m": 4, "h": 8, "d": 8, "t": 8}
EMPTY = "TFN"
KNOWN = "ifsbhdTFNtrm"
STRANGE = {"I": "T", "c": "s or i", "S": "s"}


class Malformed(ValueError):
    """A packet that is no OSC, or none that this engine takes; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message of a packet."""

    address: str  # may be a pattern
    args: tuple[Value | None, ...]
    due: float = 0.0  # seconds since 1970 at which it is to act; 0 = at once
    late: bool = False  # its time tag had passed


def read(data: bytes, now: float) -> list[Arrived]:
    """All messages of a packet, by due time. `now` in seconds since 1970. Raises Malformed, and nothing else."""
    if not 4 <= len(data) <= LARGEST:
        raise Malformed(f"a packet of {len(data)} bytes; 4 to {LARGEST} are taken")
    tags: list[float] = []
    count = _check(data, 0, 0.0, tags, now)
    if count > MOST:
        raise Malformed(f"{count} messages in one packet; at most {MOST} are taken")
    try:
        messages = OscPacket(data).messages
    except Exception as wrong:  # what the checks let through must parse; a stranger's packet never stops the show
        raise Malformed(f"python-osc cannot read it: {type(wrong).__name__}: {wrong}") from wrong
    late = bool(tags) and min(tags) < now
    return [_arrived(m.message.address, m.message.params, m.time, tags, now, late) for m in messages]


def _arrived(address: str, params: list[object], time: float, tags: list[float], now: float, late: bool) -> Arrived:
    """python-osc gives messages without a time tag, and those whose time has passed, the time at which it read them."""
    due = time > now and any(abs(time - tag) < 1e-6 for tag in tags)
    return Arrived(address, tuple(_flat(params)), time if due else 0.0, late and not due)


def _flat(params: list[object]) -> Iterator[Value | None]:
    """Arguments without the brackets of arrays; what no parameter could take becomes None."""
    for value in params:
        if isinstance(value, list):
            yield from _flat(value)
        elif value is None or isinstance(value, (bool, int, float, str, bytes)):
            yield value
        else:  # a time tag or MIDI
            yield None


def _check(data: bytes, depth: int, due: float, tags: list[float], now: float) -> int:
    """Check a packet or bundle element; returns how many messages it holds and notes the time tags it carries."""
    if not data.startswith(b"#bundle\0"):
        if due:
            tags.append(due)
        _message(data)
        return 1
    if depth >= DEEPEST:
        raise Malformed(f"bundles nested deeper than {DEEPEST}")
    if len(data) < 16:
        raise Malformed("a bundle that ends before its time tag")
    due = _time(data, now)
    at, count = 16, 0
    while at < len(data):
        if at + 4 > len(data):
            raise Malformed(f"a bundle with {len(data) - at} bytes left over")
        (size,) = struct.unpack_from(">i", data, at)
        if size < 4 or size % 4 or at + 4 + size > len(data):
            raise Malformed(f"a bundle element of {size} bytes where {len(data) - at - 4} are left")
        count += _check(data[at + 4 : at + 4 + size], depth + 1, due, tags, now)
        at += 4 + size
    return count


def _time(data: bytes, now: float) -> float:
    """A bundle's time tag in seconds since 1970, 0 for "immediately"."""
    (tag,) = struct.unpack_from(">Q", data, 8)
    if tag <= IMMEDIATELY:
        return 0.0
    seconds = float(tag / (1 << 32)) - NTP
    if seconds > now + FUTURE:
        raise Malformed(f"a time tag {seconds - now:.0f} s ahead; at most {FUTURE:.0f} s are taken")
    return seconds


def _message(data: bytes) -> None:
    address, at = _string(data, 0)
    if not address.startswith("/") or len(address) > 255 or not address.isprintable():
        raise Malformed(f"{address[:40]!r} is no address")
    if at == len(data):
        return  # the type tags may be missing where there are no arguments
    tags, at = _string(data, at)
    if not tags.startswith(","):
        raise Malformed(f"{address}: type tags begin with a comma, found {tags[:20]!r}")
    depth = 0
    for tag in tags[1:]:
        depth += {"[": 1, "]": -1}.get(tag, 0)
        if not 0 <= depth <= 4:
            raise Malformed(f"{address}: brackets of the type tags {tags[:40]!r} do not match")
        if tag not in "[]":
            at = _argument(data, at, tag, address)
    if depth or at != len(data):
        raise Malformed(f"{address}: type tags {tags[:40]!r} leave {len(data) - at} bytes over")


def _argument(data: bytes, at: int, tag: str, address: str) -> int:
    """Check one argument; returns where the next one starts."""
    if tag in EMPTY:
        return at
    if tag == "s":
        return _string(data, at)[1]
    if tag == "b":
        if at + 4 > len(data):
            raise Malformed(f"{address}: a blob without its size")
        (size,) = struct.unpack_from(">i", data, at)
        if size < 0 or at + 4 + size + -size % 4 > len(data):
            raise Malformed(f"{address}: a blob of {size} bytes where {len(data) - at - 4} are left")
        return int(at + 4 + size + -size % 4)
    if tag not in SIZES:
        instead = f"; send {STRANGE[tag]} instead" if tag in STRANGE else ""
        raise Malformed(f"{address}: the type tag {tag!r} is not one of {KNOWN}{instead}")
    if at + SIZES[tag] > len(data):
        raise Malformed(f"{address}: ends within an argument of type {tag}")
    if tag in "fd" and not math.isfinite(struct.unpack_from(">f" if tag == "f" else ">d", data, at)[0]):
        raise Malformed(f"{address}: an argument that is infinite or no number")
    return at + SIZES[tag]


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
