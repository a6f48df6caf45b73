"""Several machines on one: each in a network namespace of its own, with a cable to a switch that can be pulled. Linux, root."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

BRIDGES = ("hmbench0", "hmbench1")  # switches; the second is where a part of the machines goes when the network splits
HERE, NET, PHONES = "10.213.9.254", "10.213.9", "10.213.10"
SHAPE = ("delay", "5ms", "loss", "1%")  # of each cable, where tc knows netem


def ip(*words: str) -> None:
    """One command of iproute2. Raises CalledProcessError."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


def free() -> int:
    """A TCP port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Network:
    """Machines by name, and `phone`, which reaches `doors` alone, over a network of its own.

    `why`: why there are no namespaces; then all of them are on this machine's own address, and no cable can be pulled.
    """

    def __init__(self, names: Sequence[str], doors: str):
        self.names, self.doors = tuple(names), doors
        self.why = self.shaped = ""
        if os.geteuid() or not shutil.which("ip"):
            self.why = "only root makes network namespaces, with iproute2"
            return
        try:
            self._make()
        except subprocess.CalledProcessError as refused:
            self.close()
            self.why = f"no network namespaces here: {refused.stderr.decode().strip()}"

    def _make(self) -> None:
        self._away()  # of a run that was killed
        for bridge in BRIDGES:
            ip("link", "add", bridge, "type", "bridge")
            ip("link", "set", bridge, "up")
        ip("addr", "add", f"{HERE}/24", "dev", BRIDGES[0])
        for number, name in enumerate(self.names, 1):
            ip("netns", "add", f"hm-{name}")
            ip("link", "add", f"hm-{name}", "type", "veth", "peer", "name", "eth0", "netns", f"hm-{name}")
            ip("link", "set", f"hm-{name}", "master", BRIDGES[0], "up")
            self._up(name, "eth0", f"{NET}.{number}/24")
            shaping = ["tc", "qdisc", "add", "dev", f"hm-{name}", "root", "netem", *SHAPE]
            if subprocess.run(shaping, capture_output=True, check=False).returncode == 0:
                self.shaped = " ".join(SHAPE)
        ip("netns", "add", "hm-phone")
        ip("-n", "hm-phone", "link", "add", "eth0", "type", "veth", "peer", "name", "phones", "netns", f"hm-{self.doors}")
        self._up("phone", "eth0", f"{PHONES}.2/24")
        self._up(self.doors, "phones", f"{PHONES}.1/24")

    def _up(self, name: str, card: str, address: str) -> None:
        for command in (("addr", "add", address, "dev", card), ("link", "set", card, "up"), ("link", "set", "lo", "up")):
            ip("-n", f"hm-{name}", *command)

    def inside(self, name: str) -> list[str]:
        """What a command begins with to run on a machine."""
        return [] if self.why else ["ip", "netns", "exec", f"hm-{name}"]

    def address(self, name: str) -> str:
        """Where the other machines find it."""
        return "127.0.0.1" if self.why else f"{NET}.{self.names.index(name) + 1}"

    @property
    def phones(self) -> str:
        """Where phones find the doors."""
        return "127.0.0.1" if self.why else f"{PHONES}.1"

    def port(self, fixed: int) -> int:
        """A port that is free: each machine has its own, where it has a namespace."""
        return free() if self.why else fixed

    def cut(self, name: str, off: bool = True) -> None:
        """Pull a machine's cable, or put it in again."""
        ip("link", "set", f"hm-{name}", "down" if off else "up")

    def split(self, names: Sequence[str], off: bool = True) -> None:
        """Put these machines onto a switch of their own, or back."""
        for name in names:
            ip("link", "set", f"hm-{name}", "master", BRIDGES[off])

    def carried(self, name: str) -> int:
        """Bytes that have come to a machine by its cable; 0 where there is none."""
        counter = Path(f"/sys/class/net/hm-{name}/statistics/tx_bytes")  # of the switch's end
        return 0 if self.why else int(counter.read_text())

    def close(self) -> None:
        if not self.why:
            self._away()

    def _away(self) -> None:
        for words in (*(("netns", "del", f"hm-{name}") for name in (*self.names, "phone")), *(("link", "del", bridge) for bridge in BRIDGES)):
            with contextlib.suppress(subprocess.CalledProcessError):
                ip(*words)
