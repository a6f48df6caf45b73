"""What is remembered: the archive (the truth), the memory (what can be recalled), and recipes that nobody has painted yet.

It knows fragments and nobody who gave them; the keeper does. Any thread may call; what changes archive and memory
together takes the lock.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from cachetools import LRUCache
from torch import Tensor

from engine.core.messages import Kind
from engine.mind.earlier import read_again, seen_anew
from engine.mind.memory.afar import opened, turned
from engine.mind.memory.archive import HERE, Birth, Damaged, Fragment, Seen
from engine.mind.memory.base import CORPUS
from engine.mind.memory.caused import house
from engine.mind.memory.frame import decide, proposal
from engine.mind.memory.lineage import Line
from engine.mind.memory.older import bring_over
from engine.mind.memory.opening import Opened, besides
from engine.mind.memory.recall import Memory
from engine.mind.memory.space import Vector
from engine.mind.memory.strata import lay_together
from engine.mind.options import MindOptions
from engine.mind.parts import Parts
from engine.mind.recipes import Recipes
from engine.mind.structure import structure

log = logging.getLogger("engine.mind")


class Holdings:
    """Everything that can be recalled, and where it lies. Raises sqlite3.Error on a bad disk."""

    def __init__(self, options: MindOptions, parts: Parts, tell: Callable[[str, float], None], memory: Opened | None):
        """`memory`: the archive, where somebody has opened it already. `tell` hears what takes long, and how far it is, 0..1."""
        self.options, self.parts = options, parts
        self._opened = memory or opened(Path(options.archive), options.server, options.site)
        self.standing, self.archive = self._opened.found, self._opened.archive
        table = parts.table.first(options.founding)
        self.recipes = Recipes(parts.dreamer, parts.seen, parts.means, table, parts.heads, parts.paint, house(self.archive, options.walk), hand=options.corpus)
        self.older = read_again(self.archive, self.parts, tell)  # fragments whose picture is of an autoencoder of before
        self.memory = self._recalled()
        if not self.archive.fact(CORPUS):
            self.archive.set_fact(CORPUS, options.corpus.encode())
        self.mass = self.archive.mass
        self.structure = structure(options, self.memory.frame)
        self.proposal = proposal(self.archive)  # how the statistics ask to change the structure, in words
        self._leaving: set[int] = set()  # fragments that are being taken back: never taken in again
        self._lines: LRUCache[int, Line] = LRUCache(4096)
        self._lock = threading.RLock()

    def _recalled(self) -> Memory:
        """Everything that can be recalled; a large file may turn out to be damaged only here."""
        shape, table = self.parts.dreamer.latent, self.recipes.table
        try:
            return Memory(self.archive, self.parts.space, shape, table=table)
        except sqlite3.DatabaseError as wrong:
            if not Damaged.is_meant(wrong) or not self.standing.remembers:
                raise
            self._opened = besides(self._opened)
            self.standing, self.archive = self._opened.found, self._opened.archive
            return Memory(self.archive, self.parts.space, shape, table=table)

    # --- an archive of before ---

    def convert(self) -> bool:
        """Bring one picture of before over, people's first; whether one was. From then on it is recalled. 60 ms.

        Raises sqlite3.Error, then it is still there.
        """
        if not self.older or self.parts.before is None:
            return False
        fragment = self.older[0]
        found, seen = self.archive.fragment(fragment), seen_anew(self.archive, self.parts, fragment)
        if found is not None and seen is not None:
            words, read = found.words, seen.vector
            with self._lock:
                meaning = bring_over(self.archive, fragment, seen, self.parts.space, lambda: self.parts.means(words) if words else read)
                if meaning is not None:
                    self._take_in(fragment, meaning, seen)
        self.older.popleft()
        return True

    # --- other houses ---

    def follow(self) -> str:
        """Learn what other houses of the same server have said, dreamt and taken back since; "" or why this mind has to start anew.

        Between thoughts. Nothing where the memory is a file of this house. Raises sqlite3.Error.
        """
        if why := turned(self.archive, self.options.server):
            return why
        while changed := self.archive.news():
            for fragment in changed:
                self._learn(fragment)
            self.mass = self.archive.mass
        return ""

    def _learn(self, fragment: int) -> None:
        """One fragment as it is now. What is new here is recalled from now on."""
        found, row = self.archive.fragment(fragment), self.memory.row.get(fragment)
        if found is None:
            return
        with self._lock:
            self._lines.pop(fragment, None)
            if found.state != HERE:
                self._leave(fragment)
            elif row is not None and found.words != self.memory.fragments[row].words:
                self.memory.reword(found)
            elif row is None and found.state == HERE and (vectors := self.archive.vectors(fragment, self.parts.space)):
                latent = self.archive.latents([fragment], self.parts.space).get(fragment)
                if latent is not None:
                    self._take_in(fragment, vectors[0], Seen(latent, vectors[1]))
                    self._came(found)

    def _leave(self, fragment: int) -> None:
        """It was taken back, refused or laid into another."""
        self.memory.forget(fragment)

    def _came(self, fragment: Fragment) -> None:
        """Another house has it from somebody, or dreamt it."""

    # --- recipes ---

    def latents(self, fragment: int) -> tuple[Tensor, Tensor] | None:
        """A memory's latent (c, h, w) f32 and the same mirrored (its own again where nobody painted that). None: not painted."""
        if (painted := self.recipes.painted(fragment)) is not None:
            return painted.latents
        row = self.memory.row.get(fragment)
        if row is None or (fragment < 0 and not self.memory.pictured(fragment)):
            return None
        latent = torch.from_numpy(self.memory.latents([row])[0])
        return latent, latent

    def adopt(self, fragment: int) -> None:
        """A recipe has become a parent of something that is kept: from now on it lies in the archive like everybody else."""
        known = self.archive.fragment(fragment) if fragment < 0 else None
        recipe = self.recipes.recipe(fragment)
        if recipe is None or (known is not None and known.state == HERE):
            return
        meaning, painted = self.recipes.meaning(fragment), self.recipes.paint(fragment)
        told = self.recipes.fragment(fragment, self.archive.today)
        if told is None or meaning is None or painted is None:
            return
        birth = Birth("founding", told.words, meaning, painted.seen, seed=recipe.seed)
        with self._lock:
            self.archive.remember(birth, self.parts.space, number=fragment)
            self.mass += known is None
            self._take_in(fragment, meaning, painted.seen)

    def adopt_all(self, parents: Iterable[int], waits: Callable[[], bool]) -> bool:
        """`adopt` one after another, 15 ms each that is new, as long as nobody waits; whether all lie in the archive now."""
        for parent in parents:
            if waits():
                return False
            self.adopt(parent)
        return True

    def told(self, fragment: int) -> Fragment | None:
        """What is known of a fragment, of the archive or of a recipe."""
        return self.archive.fragment(fragment) or self.recipes.fragment(fragment, self.archive.today)

    def _take_in(self, fragment: int, meaning: Vector, seen: Seen) -> None:
        found = self.archive.fragment(fragment)
        if not np.isfinite(seen.latent).all():  # one such memory would spoil every picture that recalls it
            log.warning("memory %d has no picture that can be recalled: its latent is not finite", fragment)
        elif found and found.state == 0 and fragment not in self._leaving and fragment not in self.memory.row:
            self.memory.add(found, meaning, seen.vector, seen.latent)

    # --- what the rest asks ---

    def line(self, fragment: int) -> Line:
        if fragment not in self._lines:
            self._lines[fragment] = self.archive.lines([fragment]).get(fragment) or Line.root(fragment)
        return self._lines[fragment]

    def kind(self, fragment: int) -> Kind:
        """Of a fragment that can be recalled, or that has just been given."""
        if fragment < 0:
            return "founding"
        row = self.memory.row.get(fragment)
        if row is not None:
            return self.memory.fragments[row].kind
        found = self.archive.fragment(fragment)
        return found.kind if found else "machine"

    def decide(self, given: bool) -> None:
        """A person at the desk gives leave to what is proposed, or refuses it. From then on the structure is another."""
        with self._lock:
            self.memory.frame = decide(self.archive, given)
            self.proposal, self.structure = proposal(self.archive), structure(self.options, self.memory.frame)

    def lay_together(self, ids: list[int]) -> None:
        """The first of these fragments takes the others in: their mass, and a line of descent for all."""
        with self._lock:
            for fragment in ids[1:]:
                self.memory.forget(fragment)
            for fragment in ids:
                self._lines.pop(fragment, None)
            lay_together(self.archive, ids)

    def close(self) -> None:
        self.memory.close()
        self._opened.close()

