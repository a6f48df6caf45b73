"""What the house knows of its other machines, once a second: for the desk, /health and /metrics."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from engine.core.messages import Elsewhere, Place, Withdraw
from engine.places.minds import Duty
from engine.places.node import Node, Peer
from engine.places.options import MAY, MIND, SHOW, WALL
from engine.places.post import Post

EVERY = 1.0  # seconds
KEPT = 512  # in-betweens by which the skew of a wall is judged
WIDE = 1 / 30  # seconds of skew that are a frame of the slowest wall


class Report:
    """One thread."""

    def __init__(self, node: Node, post: Post, duty: Duty) -> None:
        self._node, self._post, self._duty = node, post, duty
        self._led: OrderedDict[float, float] = OrderedDict()  # by picture: when the wall that leads began it
        self._skews: dict[str, OrderedDict[float, float]] = {}
        self._due, self._bytes = 0.0, 0
        self._came: dict[str, int] = {}
        self._since = 0.0

    def shown(self, picture: float, begun: float) -> None:
        """The wall that leads goes to this picture, and began to at `begun`, house seconds."""
        if picture and picture not in self._led:
            self._led[picture] = begun
            while len(self._led) > KEPT:
                self._led.popitem(last=False)

    def skews(self, wall: str, shown: tuple[tuple[float, float], ...]) -> list[float]:
        """Seconds by which a wall began the same pictures later than the one that leads, of the newest KEPT."""
        known = self._skews.setdefault(wall, OrderedDict())
        for picture, begun in shown:
            if picture in self._led and picture not in known:
                known[picture] = begun - self._led[picture]
                while len(known) > KEPT:
                    known.popitem(last=False)
        return list(known.values())

    def due(self, now: float) -> Elsewhere | None:
        """One reading, if it is time for one."""
        for name, peer in self._node.peers.items():
            if peer.beat.shown:
                self.skews(name, peer.beat.shown)
        if now < self._due:
            return None
        passed, self._since, self._due = max(1e-3, now - self._since), now, now + EVERY
        places = tuple(self._place(name, peer, now, passed) for name, peer in sorted(self._node.peers.items()))
        net = self._node.net
        sent, self._bytes = net.sent_bytes - self._bytes, net.sent_bytes
        figures = {"places_there": float(sum(place.well for place in places)), "places_sent_kbit_s": 8e-3 * sent / passed,
                   "places_refused": float(net.foreign), "places_handed_over": float(self._duty.handed),
                   "places_dropped": float(sum(count.garbage + count.versions + count.flooded for count in list(net.counts.values())))}  # fmt: skip
        notes = [f"{place.name}: {place.state}" for place in places if not place.well]
        for name in self._node.peers:
            if waits := self._post.waiting(name, Withdraw):
                notes.append(f"{waits} sentences are taken back and still lie with {name}, which is away: they go as soon as it is there")
        notes += self._rooms() if SHOW in self._node.rooms else []
        if net.foreign:
            notes.append(f"{net.foreign} letters of machines that [place] nodes does not name were dropped")
        return Elsewhere(places, tuple(figures.items()), tuple(notes))

    def _rooms(self) -> list[str]:
        """Rooms of the show that nobody has, and that two have."""
        elsewhere, notes = self._node.facts.elsewhere, []
        for room in MAY:
            there = self._node.there(room)
            if room in elsewhere and not there:
                notes.append(f"the {room} of this show is elsewhere, and no machine that has it is heard: the wall goes on without")
            elif there and room not in elsewhere:
                notes.append(f'{", ".join(there)}: {room} is here, too, and is not used: [place] elsewhere = ["{room}"] gives it away')
        return notes

    def _place(self, name: str, peer: Peer, now: float, passed: float) -> Place:
        beat, count = peer.beat, self._node.count(name)
        came = count.bytes - self._came.get(name, 0)
        self._came[name] = count.bytes
        figures = dict(beat.figures) | {
            "way_ms": 1e3 * peer.clock.way, "drift_ppm": 1e6 * peer.clock.drift, "losses": float(peer.losses), "kbit_s": 8e-3 * came / passed,
            "dropped": float(count.garbage + count.versions + count.flooded), "garbage": float(count.garbage), "versions": float(count.versions),
            "flooded": float(count.flooded), "waiting": float(self._post.waiting(name)),
        }  # fmt: skip
        state = beat.doing
        if WALL in beat.rooms and (found := self.skews(name, beat.shown)):
            figures |= {"skew_p50_ms": 1e3 * float(np.median(np.abs(found))), "skew_p99_ms": 1e3 * float(np.percentile(np.abs(found), 99))}
            state = f"{state}, {figures['skew_p99_ms']:.0f} ms apart at most"
        if MIND in beat.rooms and name == self._duty.on:
            state = f"{state}, on the wall"
        well = peer.there and beat.ready
        if not peer.there:
            state = f"silent for {now - peer.came:.0f} s: is it switched on, and its network cable in?"
        if count.flooded + count.garbage + count.versions:
            state = f"{state}; {count.flooded + count.garbage + count.versions} letters dropped"
        return Place(name, beat.rooms, state, well, tuple(figures.items()))
