"""The house's other machines, looked at from here: who beats, and for `hypermnesia doctor` where the way to the others ends."""

from __future__ import annotations

import datetime
import importlib
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from engine.core.errors import CannotPlay
from engine.core.guard import Guard
from engine.core.machine import Machine, PlaceFacts
from engine.house.brought import Finding
from engine.house.desk import running
from engine.places.keys import until
from engine.places.net import settings
from engine.places.node import Node, version
from engine.places.options import SHOW, checked

LOOK = 2.0  # seconds that one listens: twenty beats
COME = 6.0  # the same where the others come to this machine: they try again every few seconds


@dataclass(frozen=True, slots=True)
class Seen:
    """Another machine of the house, in words."""

    name: str
    what: str  # its rooms, and what they do
    release: str = ""  # its own, where that was asked of it


def seen(facts: PlaceFacts, where: Path) -> tuple[list[Seen], Node | None]:
    """Who is there, and what listened for it. Where a show runs from the folder `where`, it has the others' connections and says who is there itself (no Node)."""
    if SHOW in facts.rooms and (address := running(where / "doors")):
        return told(address), None
    node = heard(facts)
    return [Seen(name, f"{'+'.join(peer.beat.rooms)}, {peer.beat.doing}", peer.beat.version) for name, peer in sorted(node.peers.items())], node


def told(address: str) -> list[Seen]:
    """What a running show says of the other machines on its page for machines. Raises CannotPlay where it does not answer."""
    door = urlsplit(address)
    try:
        try:
            answer = urllib.request.urlopen(f"{door.scheme}://{door.netloc}/health.json", timeout=5)
        except urllib.error.HTTPError as unwell:  # a show that is not well says so by its status, and everything else in its answer
            answer = unwell
        with answer:
            rooms: dict[str, str] = json.load(answer)["rooms"]
    except (OSError, ValueError, KeyError) as wrong:
        raise CannotPlay(f"the show that runs here does not say who is there ({wrong})") from None
    return [Seen(name, f"{kind}, {state}") for kind, _, name in (room.partition(" ") for room in rooms) if name for state in (rooms[f"{kind} {name}"],)]


def heard(facts: PlaceFacts) -> Node:
    """Listen for a moment, without a word: the machines that beat stand in `peers` of what is returned, which is closed."""
    leads = SHOW in facts.rooms and bool(facts.listen)  # and nothing else listens there: no show runs
    node = Node(facts if leads else replace(facts, listen=()), (), Guard("place"), None)
    until = time.monotonic() + (COME if leads else LOOK)
    while time.monotonic() < until:
        node.wait(0.05)
        for _ in node.turn():
            pass
    node.close()
    return node


def findings(machine: Machine, where: Path) -> Iterator[Finding]:
    """For `hypermnesia doctor`: keys, ways and clocks of the house's other machines, and which cable it is."""
    facts = machine.place
    try:
        if not checked(facts).name:
            return
        settings(facts)
        importlib.import_module("zenoh")
    except CannotPlay as wrong:
        yield Finding("place", facts.name or "nameless", str(wrong), grave=True)
        return
    except ImportError:
        yield Finding("place", "eclipse-zenoh is not installed", "pip install 'hypermnesia[places]'", grave=True)
        return
    if facts.keys:
        left = (until(Path(facts.keys).expanduser()) - datetime.datetime.now(datetime.UTC)).days
        yield Finding("place", f"{facts.name}, with keys for {left} days", "" if left > 60 else "make others: hypermnesia place keys")
    else:
        yield Finding("place", f"{facts.name}, without keys", "whoever reaches this network is let in: hypermnesia place keys, [place] keys")
    for end in facts.peers:
        yield way(end)
    try:
        others, node = seen(facts, where)
    except CannotPlay as wrong:
        yield Finding("place", facts.name, str(wrong), grave=True)
        return
    for one in others:
        yield Finding(one.name, one.what, f"runs {one.release}, this machine {version()}: install the same release on both" if one.release not in ("", version()) else "")
    for room in set(facts.elsewhere) - {room for one in others for room in one.what.partition(", ")[0].split("+")}:
        yield Finding(room, "elsewhere, and on no machine that is heard", f'[place] rooms = ["{room}"] on another machine, and `hypermnesia place run` there')
    for other in sorted(set(facts.nodes) - {facts.name} - {one.name for one in others}):
        old = node.count(other).versions if node else 0
        yield Finding(other, "is not heard", "it speaks another version: install the same release on both" if old else "is it switched on, is `hypermnesia` started there, is its key of this house?")


def way(end: str) -> Finding:
    """Whether a machine answers at an endpoint, and if not, where the way ends: here, at a cable, at the machine, or at the program."""
    host, _, port = end.partition("/")[2].rpartition(":")
    begun = time.monotonic()
    try:
        with socket.create_connection((host.strip("[]"), int(port)), 1.5):
            return Finding(end, f"answers in {1e3 * (time.monotonic() - begun):.1f} ms")
    except (ValueError, socket.gaierror):
        return Finding(end, "is no address that can be looked up", "such as tls/10.0.0.2:7447", grave=True)
    except ConnectionRefusedError:
        return Finding(end, "that machine is there, and nothing listens", "start `hypermnesia` there; its [place] listen names this port?")
    except OSError:
        loose = unplugged()
        which = f"no cable in {', '.join(loose)} of this machine" if loose else "this machine's cable is in: look at that machine, its cable, its switch, its firewall"
        return Finding(end, "no answer", which)


def unplugged(root: Path = Path("/sys/class/net")) -> list[str]:
    """Network sockets of this machine that are switched on and have no cable (Linux)."""
    found = []
    for card in sorted(root.glob("*")):
        try:
            if (card / "device").exists() and (card / "carrier").read_text().strip() == "0":
                found.append(card.name)
        except OSError:  # switched off: nobody wants it
            continue
    return found
