"""The house's other machines, looked at from here: who beats, and for `hypermnesia doctor` where the way to the others ends."""

from __future__ import annotations

import datetime
import importlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.core.errors import CannotPlay
from engine.core.guard import Guard
from engine.core.machine import Machine, PlaceFacts
from engine.house.brought import Finding
from engine.places.keys import until
from engine.places.net import settings
from engine.places.node import Node, version
from engine.places.options import checked

LOOK = 2.0  # seconds that one listens: twenty beats


def heard(facts: PlaceFacts, seconds: float = LOOK) -> Node:
    """Listen for a moment, without a word: the machines that beat stand in `peers` of what is returned, which is closed."""
    node = Node(replace(facts, listen=()), (), Guard("place"), None)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        node.wait(0.05)
        for _ in node.turn():
            pass
    node.close()
    return node


def findings(machine: Machine) -> Iterator[Finding]:
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
    node = heard(facts)
    for other, peer in sorted(node.peers.items()):
        other_release = "" if peer.beat.version == version() else f"runs {peer.beat.version}, this machine {version()}: install the same release on both"
        yield Finding(other, f"{'+'.join(peer.beat.rooms)}, {peer.beat.doing}", other_release)
    for other in sorted(set(facts.nodes) - {facts.name} - set(node.peers)):
        old = node.count(other).versions
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
