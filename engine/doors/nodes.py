"""What can be turned and read: the nodes by address, their values, and what a stranger's arguments mean to them."""

from __future__ import annotations

import difflib
import fnmatch
import functools
import itertools
import math
import re
from collections.abc import Iterable

from engine.core.messages import Node, Value
from engine.doors.packet import IMPULSE, Arg

PANIC = ("/hm/blackout", "/hm/freeze", "/hm/veto")
WILD = frozenset("*?[{")
LONGEST = 1024  # characters of a text argument

# What the doors themselves answer; the loop's Directory comes on top and wins where both name an address.
OWN = (
    Node("/hm/text", "s", "A sentence to dream of; several words are joined to one.", readable=False),
    Node("/hm/text/in", "ss", "The same, after the language it is in.", readable=False),
    Node("/hm/text/once", "ss", "The same, after a key that makes sending it twice harmless.", readable=False),
    Node("/hm/sensor", "sf", "A sensor's name and its number; now and then it becomes words, which are remembered.", readable=False),
    Node("/hm/touch", "ff", "Whose is this place of the picture? x from the left, y from the top.", (), 0.0, 1.0,
         readable=False),
    Node("/hm/withdraw", "s", "Takes back what was given, by the code that was answered.", readable=False),
    Node("/hm/blackout", "T", "Dark at once.", (False,)),
    Node("/hm/freeze", "T", "The wall holds its breath.", (False,)),
    Node("/hm/veto", "", "Takes the picture that is on the wall off it.", readable=False),
    Node("/hm/ping", "", "Answers /hm/pong with whatever was sent.", readable=False),
    Node("/hm/sync", "", "Answers every value once, then /hm/synced with whatever was sent.", readable=False),
    Node("/hm/subscribe", "s", "Sends what matches a pattern or several (all of /hm/state if none is given) at a steady "
         "rate for 60 s; ask again to go on. A number is the port to send to.", readable=False),
    Node("/hm/unsubscribe", "", "Ends the subscriptions of this sender, or those of a pattern or a port.", readable=False),
    Node("/hm/error", "ss", "What was not understood, and the nearest valid address.", writable=False, readable=False),
)  # fmt: skip


class Refused(ValueError):
    """A message that means nothing here: says what was found, what is possible, and the nearest address."""

    def __init__(self, said: str, near: str = ""):
        super().__init__(said)
        self.near = near


class Nodes:
    """All addresses of the instrument. Used by one thread, the doors' event loop."""

    def __init__(self) -> None:
        self.by_address: dict[str, Node] = {}
        self.values: dict[str, tuple[Value, ...]] = {}
        self.generation = 0  # grows when addresses or ranges change
        self.replace(())

    def replace(self, nodes: Iterable[Node]) -> None:
        """Take over a new Directory."""
        self.by_address = {node.address: node for node in (*OWN, *nodes)}
        known = {a: v for a, v in self.values.items() if a in self.by_address}
        self.values = {a: n.value for a, n in self.by_address.items() if n.readable and n.value} | known
        self.generation += 1
        self.matching.cache_clear()

    def is_value(self, address: str) -> bool:
        """Whether of several messages to an address only the newest counts."""
        node = self.by_address.get(address)
        return node is not None and node.is_value

    def update(self, values: Iterable[tuple[str, tuple[Value, ...]]]) -> list[str]:
        """Take over current values; returns the addresses whose value changed."""
        changed = [address for address, value in values if self.values.get(address) != value]
        self.values.update(values)
        return changed

    @functools.lru_cache(maxsize=1024)  # noqa: B019 one Nodes lives as long as its process
    def matching(self, pattern: str) -> tuple[Node, ...]:
        """The nodes that an OSC address pattern names (?, *, [a-z], {a,b}, and // for any depth)."""
        if pattern in self.by_address:
            return (self.by_address[pattern],)
        if not is_pattern(pattern):
            return ()
        single = re.sub("//+", "//", pattern)  # each run of slashes is one gap; a hundred of them would be a bomb
        wanted = [alternative.split("/")[1:] for alternative in _alternatives(single)]
        return tuple(
            node for address, node in self.by_address.items()
            if any(_match(parts, address.split("/")[1:]) for parts in wanted)
        )  # fmt: skip

    def unknown(self, address: str) -> Refused:
        """The answer to an address that nobody knows."""
        near = self.nearest(address)
        return Refused(f"nothing answers to {address[:80]}" + (f"; did you mean {near}?" if near else ""), near)

    def nearest(self, address: str) -> str:
        """The most similar valid address, or "" where nothing is similar."""
        return _nearest(address[:80], tuple(self.by_address))

    def check(self, node: Node, args: tuple[Arg, ...]) -> tuple[Value, ...]:
        """Arguments as the node wants them: numbers of any kind are interchangeable, numbers are held in range.

        Raises Refused. A float that is out of range is held at its end, as CLIPMODE "both" promises to surfaces.
        """
        if not node.writable:
            raise Refused(f"{node.address} can only be read", node.address)
        if not node.types:
            return ()
        wanted = "T" * len(node.types) if set(node.types) <= {"T", "F"} else node.types
        if len(args) != len(wanted):
            raise Refused(f"{node.address} wants {describe(node)}, found {_say(args)}", node.address)
        return tuple(self._fit(node, tag, value, args) for tag, value in zip(wanted, args, strict=True))

    def _fit(self, node: Node, tag: str, value: Arg, args: tuple[Arg, ...]) -> Value:
        fitted = _as(tag, value)
        if fitted is None:
            raise Refused(f"{node.address} wants {describe(node)}, found {_say(args)}", node.address)
        if isinstance(fitted, str) and node.choices and fitted not in node.choices:
            near = difflib.get_close_matches(fitted, node.choices, 1, 0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(node.choices)}"
            raise Refused(f"{node.address} knows no {fitted[:40]!r}; {hint}", node.address)
        if isinstance(fitted, str) and len(fitted) > LONGEST:
            raise Refused(f"{node.address}: {len(fitted)} characters; at most {LONGEST} are taken", node.address)
        if isinstance(fitted, (int, float)) and not isinstance(fitted, bool):
            low = fitted if node.low is None else max(fitted, node.low)
            held = low if node.high is None else min(low, node.high)
            return int(held) if tag in "ih" else float(held)
        return fitted


def is_pattern(address: str) -> bool:
    """True if an address has wildcards."""
    return not WILD.isdisjoint(address) or "//" in address


def is_switch(args: tuple[Arg, ...]) -> bool:
    """True for what only a switch is turned by: T, F and I."""
    return all(isinstance(arg, bool) or arg == IMPULSE for arg in args)


def describe(node: Node) -> str:
    """What a node wants, for a person: "one number 0..1", "one of gap, lineage"."""
    names = {"f": "number", "d": "number", "i": "whole number", "h": "whole number", "s": "text", "T": "switch (0 or 1)",
             "b": "blob"}  # fmt: skip
    if node.choices:
        return "one of " + ", ".join(node.choices)
    tags = [names.get(tag, tag) for tag in node.types.replace("F", "T")]
    ends = f" {node.low:g}..{node.high:g}" if node.low is not None and node.high is not None else ""
    return f"one {tags[0]}{ends}" if len(tags) == 1 else f"{len(tags)} arguments ({', '.join(tags)}){ends}"


def text(address: str, args: tuple[Arg, ...]) -> str:
    """Words and numbers as one text: what patchers send of a sentence is a list. Raises Refused for anything else."""
    words = [_as("s", arg) if isinstance(arg, (str, bytes)) else _number(arg) for arg in args]
    if None in words or not any(isinstance(arg, (str, bytes)) for arg in args):
        raise Refused(f"{address} wants words, found {_say(args)}", address)
    return " ".join(str(word) for word in words)


def _number(value: Arg) -> str | None:
    """A number as a hand would write it; patchers have no whole ones."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return str(int(value)) if value == int(value) else f"{value:.6g}"


def _say(args: tuple[Arg, ...]) -> str:
    said = (f"{value:.6g}" if isinstance(value, float) else repr(value)[:40] for value in args[:4])
    return ", ".join(said) or "nothing"


def _as(tag: str, value: Arg) -> Value | None:
    """One argument as the type of a tag, or None where that cannot be."""
    if tag == "s":
        if isinstance(value, bytes):
            try:
                return value.rstrip(b"\0").decode("utf-8")
            except UnicodeDecodeError:
                return None
        return value if isinstance(value, str) else None
    if tag == "b":
        return value if isinstance(value, bytes) else None
    if tag in "TF" and value == IMPULSE:
        return True
    if not isinstance(value, (bool, int, float)):
        return None
    if tag in "TF":
        return bool(value)
    if tag in "ih":
        return int(value) if math.isclose(value, round(value)) else None
    return float(value)


@functools.lru_cache(maxsize=512)  # a misspelt fader sends the same wrong address a hundred times a second
def _nearest(address: str, addresses: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(address, addresses, 1, 0.5)
    return near[0] if near else ""


def _alternatives(pattern: str) -> list[str]:
    """A pattern with its braces written out; at most 64 of them, so that a stranger cannot ask for a million."""
    pieces: list[list[str]] = []
    rest = pattern
    while "{" in rest:
        before, _, after = rest.partition("{")
        inside, _, rest = after.partition("}")
        pieces += [[before], inside.split(",")]
    pieces.append([rest])
    return ["".join(chosen) for chosen in itertools.islice(itertools.product(*pieces), 64)]


def _match(parts: list[str], names: list[str]) -> bool:
    """True if the parts of a pattern name these parts of an address; an empty part stands for any depth."""
    if not parts:
        return not names
    if parts[0] == "" and len(parts) > 1:
        return any(_match(parts[1:], names[i:]) for i in range(len(names)))
    return bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and _match(parts[1:], names[1:])
