"""`hypermnesia bench places`: a house of five machines, two minds, two walls, sound with doors; and one machine, in the same run.

Every machine is the real command with real keys over real Zenoh, in a network namespace of its own where those can be
made, and so is the phone that writes, in a third network. First one machine plays alone, then the five; then each of them is
killed, stopped and cut off in turn, and the network is split for a minute. What must hold stands in `broken`.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.bench.five import MINDS, NAMES, ROGUE, House, Written
from engine.bench.network import Network
from engine.bench.watched import FLOOD
from engine.core.errors import CannotPlay
from engine.core.machine import Machine

Table = dict[str, Any]
MINUTES, CALM = 10.0, 0.2  # of a run; the part of it that one machine, and then five, play undisturbed
LASTS, APART = 6.0, 60.0  # seconds of a fault; of a split network
WHOLE = 180.0  # seconds until all machines are there after a fault
DARK = 2.0  # seconds that no wall may be dark
SLOWER, APART_MS, WIDEST = 1.3, 1e3 / 15, 2000.0  # words to light against one machine; a frame of the slower wall; kbit/s for a wall


class Trial:
    """The five, and what befalls them."""

    def __init__(self, house: House, network: Network, people: Written):
        self.house, self.network, self.people = house, network, people
        self.rows: list[Table] = []
        self.broken: list[Table] = []

    def run(self, minutes: float) -> list[str]:
        """Faults in turn until the time is up; those that it was too short for."""
        until, left = time.monotonic() + 60.0 * minutes, []
        for what, strike, mend, lasts, hit in self._faults():
            if time.monotonic() < until:
                self._strike(what, strike, mend, lasts, hit)
            else:
                left.append(what)
        return left

    def _faults(self) -> Iterator[tuple[str, Callable[[], None], Callable[[], None], float, tuple[str, ...]]]:
        """What, how, how it is mended, seconds, and whose own walls may be dark."""
        for name in (MINDS[0], "ears", "west", "house", MINDS[1]):
            program = self.house.programs[name]
            yield f"{name} is killed", program.kill, program.start, LASTS, (name,)
            yield f"{name} is stopped", lambda p=program: p.signal(signal.SIGSTOP), lambda p=program: p.signal(signal.SIGCONT), LASTS, (name,)  # type: ignore[misc]
            if not self.network.why:
                yield f"{name} is cut off", lambda n=name: self.network.cut(n), lambda n=name: self.network.cut(n, False), LASTS, ()  # type: ignore[misc]
        assert self.house.rogue
        yield "a machine sends garbage and 10,000 letters a second", self.house.rogue.start, self._tame, LASTS, ()
        if not self.network.why:
            far = ("south", "ears")
            yield "the network is split", lambda: self.network.split(far), lambda: self.network.split(far, False), APART, ()

    def _tame(self) -> None:
        """It is switched off; what it sent was counted."""
        assert self.house.rogue
        self.house.rogue.kill()
        time.sleep(3.0)  # until /health has a newer count
        self.must("of ten thousand letters a second, let in (share)", "a machine sends garbage", 1.0 - self.house.figures().get("places_dropped", 0.0) / (FLOOD * LASTS), 0.9)

    def _strike(self, what: str, strike: Callable[[], None], mend: Callable[[], None], lasts: float, hit: tuple[str, ...]) -> None:
        begun = time.monotonic()
        strike()
        self.people.play(lasts)
        mend()
        again = self.house.wait(WHOLE)
        dark = {name: eye.darkness(begun) for name, eye in self.house.eyes.items()}
        self.rows.append({"what": what, **{f"{name}_dark_s": found for name, found in dark.items()}, "whole_again_s": again})
        print(f"{time.strftime('%H:%M:%S')} {what}: {', '.join(f'{name} {found:.2f} s without light' for name, found in dark.items())}; whole again after {again:.1f} s", file=sys.stderr, flush=True)
        for name in dark.keys() - set(hit):
            self.must(f"{name} is dark for at most (s)", what, dark[name], DARK)

    def must(self, what: str, after: str, found: float, bound: float) -> None:
        if not found <= bound:
            self.broken.append({"must": what, "after": after, "found": found, "bound": bound})

    def settle(self) -> None:
        """Every sentence is acknowledged, and lies in each memory once."""
        until = time.monotonic() + WHOLE
        while time.monotonic() < until and not (set(self.people.said) <= self.people.stored and all(len(words) >= len(self.people.said) for _, words in self.house.archives())):
            time.sleep(0.5)
        self.must("no sentence is unanswered", "", len(set(self.people.said) - self.people.stored), 0)
        for name, words in self.house.archives():
            self.must(f"no sentence is missing in {name}", "", len(set(self.people.said.values()) - set(words)), 0)
            self.must(f"no sentence is doubled in {name}", "", len(words) - len(set(words)), 0)


def _calm(house: House, command: list[str], seed: int, seconds: float) -> tuple[Written, Table]:
    """People write, nothing befalls anybody; the show's own figures of that time."""
    people = Written(command, seed)
    network, begun = house.network, time.monotonic()
    before = network.carried("west") if network else 0
    people.play(seconds)
    found, passed = house.figures(), time.monotonic() - begun
    figures: Table = {"words_to_light_p50_ms": found.get("light_p50_ms", 0.0), "pictures_per_second": found.get("pictures_per_second", 0.0),
                      "frame_p95_ms": found.get("frame_p95_ms", 0.0), "late_grains": found.get("audio_late", 0.0), "grains": found.get("audio_grains", 0.0)}  # fmt: skip
    if network:
        figures |= {f"skew_{p}_ms": found.get(f"place_west_skew_{p}_ms", float("nan")) for p in ("p50", "p99")}
        figures["to_a_wall_kbit_s"] = 8e-3 * (network.carried("west") - before) / passed if not network.why else found.get("places_sent_kbit_s", 0.0)
        figures |= {f"{name}_way_ms": found.get(f"place_{name}_way_ms", 0.0) for name in NAMES[1:]}
    return people, figures


def run(options: argparse.Namespace, machine: Machine) -> Table:
    """One machine, five of them, and what befalls those, for `--minutes`. Raises CannotPlay."""
    if not Path("/proc/self/stat").exists():
        raise CannotPlay("bench places needs Linux: it looks at processes through /proc")
    minutes, model = options.minutes or MINUTES, getattr(options, "model", None) or machine.mind.model
    folder, network = Path(tempfile.mkdtemp(prefix="hypermnesia-places-")), Network((*NAMES, ROGUE), "ears")
    phone = [sys.executable, "-m", "engine.bench.watched", "phone"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # who is told to end leaves nothing running
    houses: list[House] = []
    people: list[Written] = []
    try:
        houses.append(House(folder / "one", model, None))
        houses[0].begin()
        writes, one = _calm(houses[0], [*phone, houses[0].web], options.seed, 60.0 * minutes * CALM)
        writes.close()
        houses.pop().close()
        houses.append(House(folder / "five", model, network))
        began = houses[0].begin()
        writes, five = _calm(houses[0], [*network.inside("phone"), *phone, f"{network.phones}:{houses[0].web.rpartition(':')[2]}"], options.seed, 60.0 * minutes * CALM)
        people.append(writes)
        trial = Trial(houses[0], network, writes)
        left = trial.run(minutes * (1.0 - 2.0 * CALM))
        trial.settle()
    finally:
        for writer in people:
            writer.close()
        for house in houses:
            house.close()
        network.close()
    five["words_to_light_times_one"] = five["words_to_light_p50_ms"] / max(1.0, one["words_to_light_p50_ms"])
    trial.must("walls apart at p99 (ms)", "", five["skew_p99_ms"], APART_MS)
    trial.must("words to light, against one machine", "", five["words_to_light_times_one"], SLOWER)
    trial.must("to a wall (kbit/s)", "", five["to_a_wall_kbit_s"], WIDEST)
    return {
        "minutes": minutes, "model": model, "network": network.why or f"namespaces; cables {network.shaped or 'as they are: tc has no netem here'}", "one machine": one,
        "five machines": five | {"all_there_after_s": began}, "faults": trial.rows, "left_out": "; ".join(left) or "nothing", "sentences": len(writes.said), "logs": str(folder),
        "broken": trial.broken or "nothing",
    }  # fmt: skip
