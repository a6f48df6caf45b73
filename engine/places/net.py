"""A house's network: Eclipse Zenoh, brokerless, with what this place needs of it and nothing besides.

Keys are `hm/HOUSE/NODE/...`: whoever writes there is NODE, and where the house has keys, NODE's certificate says so, or
Zenoh drops it. Nothing listens that `[place] listen` does not name, and nobody is looked for unless `discover` says so.
What comes is counted, bounded per sender and checked, before anybody sees it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import CannotPlay
from engine.core.guard import Guard
from engine.core.machine import PlaceFacts
from engine.places.keys import CERTIFICATE, KEY, ROOT
from engine.places.wire import LARGEST, Garbage, OtherVersion, packed, unpacked

log = logging.getLogger("engine.places")

LETTERS, BYTES = 400.0, 4e6  # a second from one node, on average; twice that at once. A wall at 60 Hz with pictures needs 100 and 0.2 MB
LEASE = 2_000  # ms of silence after which Zenoh itself gives a link up; beats are missed sooner
SAID = 30.0  # seconds between two complaints about one node


@dataclass(slots=True)
class Count:
    """What came from one node, and what of it was not let in. Monotonic counts."""

    letters: int = 0
    bytes: int = 0
    garbage: int = 0  # no letters of this house
    versions: int = 0  # letters of another version
    flooded: int = 0  # over LETTERS or BYTES a second
    _letters: float = 2 * LETTERS
    _bytes: float = 2 * BYTES
    _at: float = 0.0
    _said: float = -SAID

    def allows(self, size: int, now: float) -> bool:
        """Whether one more letter of so many bytes is let in now."""
        passed, self._at = now - self._at, now
        self._letters = min(2 * LETTERS, self._letters + passed * LETTERS)
        self._bytes = min(2 * BYTES, self._bytes + passed * BYTES)
        if self._letters < 1.0 or self._bytes < size:
            return False
        self._letters, self._bytes = self._letters - 1.0, self._bytes - size
        return True


class Net:
    """One node's session. `heard(node, letter)` is called from Zenoh's thread, one at a time; it must not wait.

    Raises CannotPlay where Zenoh is not installed or an endpoint cannot be had.
    """

    def __init__(self, facts: PlaceFacts, heard: Callable[[str, Any], None], guard: Guard):
        try:
            import zenoh
        except ImportError:
            raise CannotPlay("[place] names a house of several machines, and eclipse-zenoh is not installed: pip install 'hypermnesia[places]'") from None
        self.facts, self.heard, self.guard = facts, heard, guard
        self.counts: dict[str, Count] = {}
        self.foreign = 0  # letters of nodes that are not of this house
        self.sent = self.lost = 0  # letters; those that Zenoh refused
        self.sent_bytes = 0
        self._zenoh: Any = zenoh
        self._lock = threading.Lock()
        self._publishers: dict[str, Any] = {}
        configuration = zenoh.Config()
        for key, value in settings(facts).items():
            configuration.insert_json5(key, json.dumps(value))
        try:
            self._session: Any = zenoh.open(configuration)
        except zenoh.ZError as wrong:
            raise CannotPlay(f"[place] listen = {list(facts.listen)}, peers = {list(facts.peers)}: {_short(wrong)}") from None
        top = f"hm/{facts.house}/*"
        self._ears = [self._session.declare_subscriber(f"{top}/{end}", self._come) for end in ("all", f"to/{facts.name}")]

    def tell(self, letter: object) -> None:
        """To everybody. Any thread; does not wait: what Zenoh has no room for is dropped and counted."""
        self._put("all", letter)

    def say(self, node: str, letter: object) -> None:
        """To one node. Any thread; does not wait."""
        self._put(f"to/{node}", letter)

    def _put(self, end: str, letter: object) -> None:
        data = packed(letter)
        with self._lock:
            publisher = self._publishers.get(end)
            if publisher is None:
                key = f"hm/{self.facts.house}/{self.facts.name}/{end}"
                drop = self._zenoh.CongestionControl.DROP
                publisher = self._publishers[end] = self._session.declare_publisher(key, congestion_control=drop, express=True)
            self.sent, self.sent_bytes = self.sent + 1, self.sent_bytes + len(data)
            try:
                publisher.put(data)
            except self._zenoh.ZError as wrong:
                self.lost += 1
                log.info("a letter to %s is lost: %s", end, wrong)

    def _come(self, sample: Any) -> None:
        """Zenoh's thread."""
        self.guard.run("a letter from elsewhere", self._take, str(sample.key_expr), sample.payload, otherwise=None)

    def _take(self, key: str, payload: Any) -> None:
        node = key.split("/")[2]
        if node == self.facts.name:
            return
        if self.facts.nodes and node not in self.facts.nodes:
            self.foreign += 1
            return
        count = self.counts.get(node)
        if count is None:
            if len(self.counts) >= 256:  # names are free to make up where there are no keys
                self.foreign += 1
                return
            count = self.counts[node] = Count()
        now, size = time.monotonic(), len(payload)
        count.letters, count.bytes = count.letters + 1, count.bytes + size
        if not count.allows(min(size, LARGEST + 1), now):
            count.flooded += 1
            return self._complain(node, count, now, "sends more than a node of a house does; the rest is dropped")
        try:
            letter = unpacked(payload.to_bytes()) if size <= LARGEST else unpacked(bytes(LARGEST + 1))
        except OtherVersion as wrong:
            count.versions += 1
            return self._complain(node, count, now, f"speaks {wrong}: install the same release on both")
        except Garbage as wrong:
            count.garbage += 1
            return self._complain(node, count, now, f"sent what is no letter ({wrong}); it is dropped")
        self.heard(node, letter)

    def _complain(self, node: str, count: Count, now: float, what: str) -> None:
        if now - count._said >= SAID:
            count._said = now
            log.warning("%s %s", node, what)

    def close(self) -> None:
        self._session.close()


def settings(facts: PlaceFacts) -> dict[str, Any]:
    """Zenoh's configuration for a place, by its paths. Raises CannotPlay for keys that are not there."""
    found: dict[str, Any] = {
        "mode": "peer",
        "listen/endpoints": list(facts.listen),
        "connect/endpoints": list(facts.peers),
        "connect/exit_on_failure": False,
        "connect/timeout_ms": -1,  # a peer that is away is tried again in the background, for ever
        "connect/retry": {"period_init_ms": 200, "period_max_ms": 1000, "period_increase_factor": 2},
        "scouting/multicast/enabled": facts.discover,
        "scouting/gossip/enabled": True,
        "transport/link/tx/lease": LEASE,
        "transport/link/tx/keep_alive": 4,
        "transport/link/rx/max_message_size": 2 * LARGEST,
        "transport/shared_memory/enabled": False,
        "adminspace/enabled": False,
    }
    if facts.keys:
        folder = Path(facts.keys).expanduser()
        for name in (CERTIFICATE, KEY, ROOT):
            if not (folder / name).is_file():
                raise CannotPlay(f"[place] keys: there is no {folder / name}; `hypermnesia place keys {facts.name}` makes one where the house's own key is")
        tls = "transport/link/tls"
        found |= {
            f"{tls}/root_ca_certificate": str(folder / ROOT),
            f"{tls}/enable_mtls": True,
            f"{tls}/verify_name_on_connect": False,  # a machine's name is its key's, wherever it stands
            **{f"{tls}/{way}_certificate": str(folder / CERTIFICATE) for way in ("listen", "connect")},
            **{f"{tls}/{way}_private_key": str(folder / KEY) for way in ("listen", "connect")},
            "access_control": access(facts),
            "transport/link/protocols": ["tls"],
        }
    return found


def access(facts: PlaceFacts) -> dict[str, Any]:
    """Who may do what: each node writes under its own name, everybody of the house may listen, and nothing else is let by."""
    everything = f"hm/{facts.house}/**"
    others = [node for node in facts.nodes if node != facts.name]
    writes = [
        {"id": f"from {node}", "permission": "allow", "flows": ["ingress"], "messages": ["put"], "key_exprs": [f"hm/{facts.house}/{node}/**"]}
        for node in others
    ]
    listens = {"id": "listen", "permission": "allow", "flows": ["ingress", "egress"], "messages": ["declare_subscriber"], "key_exprs": [everything]}
    goes = {"id": "goes", "permission": "allow", "flows": ["egress"], "messages": ["put"], "key_exprs": [everything]}
    return {
        "enabled": True,
        "default_permission": "deny",
        "rules": [*writes, listens, goes],
        "subjects": [{"id": node, "cert_common_names": [node]} for node in others],
        "policies": [{"rules": [f"from {node}", "listen", "goes"], "subjects": [node]} for node in others],
    }


def _short(wrong: BaseException) -> str:
    return str(wrong).split(" at /")[0].split("\n")[0][:200]
