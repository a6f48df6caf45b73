"""Row 18, the production of producers: small parametric dreamers, bred and dying by what people linger on.

A producer is a genome: GENES numbers in 0..1 that lead the forces of a dream (how far its own memory turns the words, how
much is dreamt anew, how sharp the recall is), a crowd's leanings (how fast famous memories tire, and which memory it has
a taste for), and a palette and a pulse that scenes draw and sound with. One is at work at a time, for TURN
seconds; while people stay with its pictures, what it is worth grows, and it fades with the hours. Every BREED turns the one
that is worth least dies and a child of two others takes its place: each gene of one parent or the other, and a little
chance (uniform crossover and Gaussian mutation; Syswerda 1989).

Who was born of whom stays for ever in the archive, also of those that died: `hypermnesia producers` prints the tree.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import Plain
from engine.core.machine import Machine, home
from engine.core.messages import GENES, Dream, Producer
from engine.mind.memory.afar import looked_into
from engine.mind.memory.archive import Archive, ArchiveError

ALIVE = 8  # that live at a time
TURN = 40.0  # seconds that one is at work
BREED = 4  # turns after which one dies and one is born
FADES = 6 * 3600.0  # seconds in which what a producer is worth falls to 37 %
MUTATION = 0.08  # deviation of a gene
FACT = "producers"

# what a gene means at 0 and at 1
RANGES = {"beta": (0.0, 0.9), "strength": (0.08, 0.4), "feedback": (0.0, 0.75), "temperature": (0.02, 0.2), "gamma": (0.0, 2.0)}
TASTE = 0.35  # how far the words are turned towards what a producer has a taste for, where it leads wholly


@dataclass(frozen=True, slots=True)
class Life:
    """A producer and when it was there, in turns since the first."""

    producer: Producer
    born: int = 0
    died: int = -1  # -1: it lives


class Producers:
    """The small population. `at_work` and `lead` for any thread, the rest for the thought's."""

    def __init__(self, archive: Archive, seed: int = 0):
        self._archive = archive
        self._turn, self._last = 0, 0.0
        self._since: float | None = None  # seconds of the clock at which the one at work began
        self.lives: dict[int, Life] = {}
        kept = archive.fact(FACT)
        if kept:
            self._read(json.loads(kept))
        else:
            draw = np.random.default_rng((seed, 18))
            for number in range(1, ALIVE + 1):
                genome = tuple(round(float(gene), 4) for gene in draw.random(len(GENES)))
                self.lives[number] = Life(Producer(number, genome))
        self._seed = seed
        self._at_work = self.alive[0].id

    @property
    def alive(self) -> tuple[Producer, ...]:
        """Those that live, oldest first."""
        return tuple(life.producer for life in self.lives.values() if life.died < 0)

    @property
    def at_work(self) -> Producer:
        return self.lives[self._at_work].producer

    @property
    def now(self) -> tuple[Producer, ...]:
        """Those that live, the one at work first."""
        return (self.at_work, *(one for one in self.alive if one.id != self._at_work))

    def take(self, time: float, autonomy: float) -> None:
        """A thought was shown at this second of the mind's clock, with people there to this degree (autonomy 0 .. 1 nobody)."""
        step = min(5.0, max(0.0, time - self._last))
        self._last = time
        if step > 0.0:
            keep = float(np.exp(-step / FADES))
            for one, life in list(self.lives.items()):
                if life.died < 0:
                    more = step * (1.0 - autonomy) if one == self._at_work else 0.0
                    self._change(one, lingered=life.producer.lingered * keep + more)
        if self._since is None or time - self._since >= TURN:
            if self._since is not None:
                self._next()
            self._since = time

    def linger(self, stayed: dict[int, float]) -> None:
        """So many seconds people have stayed with the film of each, by id."""
        for one, seconds in stayed.items():
            if one in self.lives and self.lives[one].died < 0:
                self._change(one, lingered=self.lives[one].producer.lingered + seconds)

    def _next(self) -> None:
        self._turn += 1
        if self._turn % BREED == 0:
            worst = min(self.alive, key=lambda one: (one.lingered, -one.id))
            self.kill(worst.id)
        alive = self.alive
        after = [one for one in alive if one.id > self._at_work]
        self._at_work = (after or list(alive))[0].id
        if self._turn % BREED == 0:
            with contextlib.suppress(sqlite3.Error):  # a disk that refuses costs what was bred since it took something in
                self.keep()

    def kill(self, number: int) -> Producer | None:
        """One dies and a child of two others takes its place; its descendants keep their line. None for one that is not alive."""
        life = self.lives.get(number)
        if life is None or life.died >= 0 or len(self.alive) < 3:
            return None
        self.lives[number] = replace(life, died=self._turn)
        child = self._born()
        if self._at_work == number:
            self._at_work = child.id
        return child

    def _born(self) -> Producer:
        """A child of two of those that live, each chosen by what it is worth."""
        number = max(self.lives) + 1
        draw = np.random.default_rng((self._seed, 18, number))
        alive = self.alive
        worth = np.array([1.0 + one.lingered for one in alive])
        one, other = (alive[int(k)] for k in draw.choice(len(alive), 2, replace=False, p=worth / worth.sum()))
        child = bred(one, other, number, draw)
        self.lives[number] = Life(child, born=self._turn)
        return child

    def _change(self, number: int, **changes: Any) -> None:
        life = self.lives[number]
        self.lives[number] = replace(life, producer=replace(life.producer, **changes))

    def lead(self, dream: Dream) -> Dream:
        """A request as the producer at work would make it, as far as a performer lets it lead."""
        return led(dream, self.at_work) if dream.producers > 0.0 else dream

    def taste(self, dream: Dream, memories: int) -> tuple[int, float]:
        """The memory, of so many, that the producer at work leans to, and how far it turns the words, 0..1."""
        return min(memories - 1, int(self.at_work.gene("taste") * memories)), TASTE * dream.producers

    # what stays

    def keep(self) -> None:
        """Write all lives into the archive. A kilobyte for ten of them."""
        self._archive.set_fact(FACT, json.dumps({"turn": self._turn, "lives": [asdict(life) for life in self.lives.values()]}).encode())

    def _read(self, kept: dict[str, Any]) -> None:
        self._turn = int(kept["turn"])
        for one in kept["lives"]:
            told = one["producer"]
            producer = Producer(told["id"], tuple(told["genome"]), tuple(told["parents"]), told["generation"], told["lingered"])
            self.lives[producer.id] = Life(producer, one["born"], one["died"])


def bred(one: Producer, other: Producer, number: int, draw: np.random.Generator) -> Producer:
    """A child: each gene of one parent or the other, and a little chance."""
    genes = [a if draw.random() < 0.5 else b for a, b in zip(one.genome, other.genome, strict=True)]
    genome = tuple(round(float(np.clip(gene + MUTATION * draw.normal(), 0.0, 1.0)), 4) for gene in genes)
    return Producer(number, genome, (one.id, other.id), 1 + max(one.generation, other.generation))


def led(dream: Dream, producer: Producer) -> Dream:
    """The forces of a request, moved towards a producer's by `dream.producers` (0..1)."""
    part = dream.producers
    forces = {name: low + (high - low) * producer.gene(name) for name, (low, high) in RANGES.items()}
    return replace(dream, **{name: getattr(dream, name) * (1 - part) + wanted * part for name, wanted in forces.items()})


def tree(lives: dict[int, Life]) -> Iterator[str]:
    """The family tree, a line each: children under the first of their parents."""
    children: dict[int, list[int]] = {}
    for number, life in lives.items():
        children.setdefault(life.producer.parents[0], []).append(number)

    def branch(number: int, deep: int) -> Iterator[str]:
        life = lives[number]
        one = life.producer
        other = f" and {one.parents[1]}" if one.parents[1] else ""
        dead = f", died in turn {life.died}" if life.died >= 0 else ""
        genes = " ".join(f"{name} {gene:.2f}" for name, gene in zip(GENES, one.genome, strict=True))
        born = f"of {one.parents[0]}{other}, " if one.parents[0] else ""
        yield f"{'  ' * deep}{one.id}: {born}generation {one.generation}, {one.lingered:.0f} s lingered{dead} | {genes}"
        for child in children.get(number, ()):
            yield from branch(child, deep + 1)

    for number in children.get(0, ()):
        yield from branch(number, 0)



def main(argv: Sequence[str]) -> int:
    """`hypermnesia producers`: the family tree, printed."""
    parser = argparse.ArgumentParser("hypermnesia producers", description="The family tree of the producers: who was born of whom, and what became of them.")
    parser.add_argument("--archive", default=str(home() / "archive"), metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    given = parser.parse_args(argv)
    try:
        archive = looked_into(folder := Path(given.archive), Machine.read(given.machine) if given.machine else Machine())
        if archive is None:
            raise ArchiveError(f"{folder}: no archive is there; `hypermnesia run` makes one, --archive FOLDER names another")
    except (Plain, OSError) as wrong:
        print(f"hypermnesia producers: {wrong}", file=sys.stderr)
        return 1
    for line in tree(Producers(archive).lives):
        print(line)
    archive.close()
    return 0
