"""A house over a network that can be cut: each mind in a network namespace of its own, behind a bridge. Root alone can make one."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.messages import Returned, Stored
from tests.places.house_of_two import house

pytestmark = [pytest.mark.long, pytest.mark.realtime]
BRIDGE, HOUSE = "hmtest0", "10.213.7.1"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def cut(name: str, off: bool = True) -> None:
    """Pull a machine's cable, or put it in again."""
    ip("link", "set", f"v-{name}", "down" if off else "up")


@pytest.fixture
def network() -> Iterator[tuple[str, ...]]:
    """Namespaces `hm-north` and `hm-west`, each with a cable to a bridge; 5 ms and 1 % loss on it where tc knows netem."""
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("only root makes network namespaces")
    names = ("north", "west")
    try:
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{HOUSE}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(names, 2):
            ip("netns", "add", f"hm-{name}")
            ip("link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns", f"hm-{name}")
            ip("link", "set", f"v-{name}", "master", BRIDGE, "up")
            for command in (("addr", "add", f"10.213.7.{number}/24", "dev", "eth0"), ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
                ip("-n", f"hm-{name}", *command)
            shaped = subprocess.run(["tc", "qdisc", "add", "dev", f"v-{name}", "root", "netem", "delay", "5ms", "loss", "1%"], capture_output=True, check=False)
        print("the network", "has 5 ms and loses 1 %" if shaped.returncode == 0 else "is as it is: tc has no netem here")
    except subprocess.CalledProcessError as refused:
        _away(names)
        pytest.skip(f"no network namespaces here: {refused.stderr.decode().strip()}")
    yield names
    _away(names)


def _away(names: tuple[str, ...]) -> None:
    for name in names:
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("netns", "del", f"hm-{name}")
    with contextlib.suppress(subprocess.CalledProcessError):
        ip("link", "del", BRIDGE)


def test_a_cable_that_is_pulled_and_a_network_that_splits_cost_no_picture_and_no_word(network: tuple[str, ...], tmp_path: Path) -> None:
    with house(tmp_path, host=HOUSE) as here:
        for name in network:
            here.start(name, ("ip", "netns", "exec", f"hm-{name}"))
        here.ask("a red moon at night", "k0")
        here.until(lambda: here.on and all(here.place(name).get("waiting") == 0.0 for name in network))
        here.until(lambda: len(here.got(Returned)) == 1)
        hit = here.on
        other = next(name for name in network if name != hit)
        here.wait(2.0)
        print("way there and back, ms:", {name: round(here.place(name)["way_ms"], 1) for name in network})
        here.watch()
        cut(hit)
        here.ask("a blue river at noon", "k1")
        here.until(lambda: here.on == other)
        here.until(lambda: len(here.got(Returned)) == 2)
        gap = here.longest
        cut(other)  # now nobody can be reached: the wall keeps what it has, and what is said waits
        here.ask("a golden tower in the fog", "k2")
        here.wait(10.0)
        assert len(here.got(Stored)) == 2
        for name in network:
            cut(name, off=False)
        here.watch()
        here.until(lambda: {stored.key for stored in here.got(Stored)} == {"k0", "k1", "k2"})
        here.until(lambda: all(here.place(name).get("waiting") == 0.0 for name in network))
        here.until(lambda: len(here.got(Returned)) == 3)
        print(f"longest without a picture: {gap:.2f} s when a cable was pulled; {here.longest:.2f} s from the mending of all to the next one")
        assert gap < 2.0
        assert len(here.got(Stored)) == 3, "each once"
        assert here.stored("north") == here.stored("west") == ["a blue river at noon", "a golden tower in the fog", "a red moon at night"]
