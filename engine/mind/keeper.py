"""The keeper of memories: what people give and take back, which pictures are kept, and what may surface.

It holds the archive and the memory (`holdings.py`) and the crowd together. Any thread may call; what changes all three
takes the lock.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import Tensor

from engine.core.fair import FairQueue
from engine.core.messages import Kind, Stored, Text, Token, Withdrawn
from engine.mind.holdings import Holdings
from engine.mind.memory.archive import HERE, ArchiveError, Birth, Fragment
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.opening import Opened
from engine.mind.memory.past import Past
from engine.mind.memory.withdrawal import Journal, settle
from engine.mind.memory.words import Crowd, said
from engine.mind.options import MindOptions
from engine.mind.parts import Parts
from engine.mind.thought import Thought

EDGES = 64  # parents that are kept with a picture
RECENT = 512  # keyframes among which novelty is ranked


class Keeper(Holdings):
    """Everything that outlives a picture."""

    def __init__(
        self, options: MindOptions, parts: Parts, tell: Callable[[str, float], None] = lambda what, done: None,
        memory: Opened | None = None,
    ):  # fmt: skip
        """`memory`: the archive, where somebody has opened it already."""
        super().__init__(options, parts, tell, memory)
        self.journal = Journal(self.archive.folder)
        self.unsettled = ""  # why a withdrawal that was begun is not finished
        self.past = Past(self.archive.hashes(parts.space))  # pictures that have been
        self.chain = self.archive.fact("chain")  # the head of the chain: a hash over everything that was kept, in its order
        self.known = 1 << 62  # memories that were there before the words on the wall came: what is kept of those is not their past
        self.crowd = Crowd()
        self.apart = self.archive.apart()  # sentences that nobody is lent words of
        self.seed = options.seed  # of the walk that pictures are made from; the mind says when it is another
        self.gone: set[str] = set()  # keys of sentences that were taken back and may still be asked for
        self.waiting: dict[int, tuple[str, str]] = {}  # fragment -> (key, visit) of who waits for an answer
        people = self.archive.select("state = 0 AND kind IN (1, 2)")
        for fragment in people:
            self.crowd.add(fragment.words, fragment.visit)
        recent = "id IN (SELECT id FROM fragment WHERE novelty > 0 ORDER BY id DESC LIMIT ?)"
        self.novelties: deque[float] = deque((f.novelty for f in self.archive.select(recent, RECENT)), RECENT)
        self.owed = FairQueue[Fragment]()  # sentences without a picture
        for fragment in self.archive.owed():
            self._owe(fragment)
        self.settle()
        for code in self.journal.begun():  # the disk still refuses: what it holds is not recalled all the same
            for fragment in self.archive.select("code = ? AND state = 0", code):
                self._let_go(fragment)

    # --- sentences ---

    def hear(self, text: Text) -> Stored:
        """Store a sentence; on return it is on the disk. The same key again gives the same answer and changes nothing."""
        fragment, code, fresh = self.archive.hear(text)
        if fresh:
            with self._lock:
                self.mass += 1
                found = self.archive.fragment(fragment)
                assert found
                self.crowd.add(text.words, found.visit)
                self.waiting[fragment] = (text.key, text.visit)
                self._owe(found)
                if not text.lent:
                    self.apart.add(fragment)
        elif fragment in self.owed:  # stored when no mind was there: its answer is still due
            self.waiting.setdefault(fragment, (text.key, text.visit))
        return Stored(text.key, fragment, code, text.visit)

    def judged(self, key: str, lent: bool) -> None:
        """An operator has read a sentence that was apart: it is lent from now on, or erased."""
        fragment = self.archive.said(key)
        if fragment and lent:
            self.archive.lend(fragment)
            self.apart.discard(fragment)
        elif fragment:
            self.withdraw(self.archive.code_for(key))

    def next_owed(self, first: int) -> Fragment | None:
        """A sentence that still has no picture: `first` if it is one, else the oldest of whoever was answered longest ago.

        It is owed no longer, unless `owe` says so.
        """
        with self._lock:
            return self.owed.next(first)

    def owe(self, sentence: Fragment) -> None:
        """It is next again of those that have no picture; not if it was taken back meanwhile."""
        with self._lock:
            if sentence.id not in self._leaving and self.archive.key(sentence.id) not in self.gone:
                self.owed.back(sentence.id, sentence.visit, sentence)

    def _owe(self, sentence: Fragment) -> None:
        self.owed.put(sentence.id, sentence.visit, sentence)

    def withdraw(self, code: str, visit: str = "") -> Withdrawn:
        """Take back what a code was given for: at once from recall and from what may surface, and from the disk.

        Once the wish is on the disk it is carried out, whatever fails: `unsettled` says what still stands in the way. A
        code that was used already is found again. Raises OSError where even the wish cannot be kept: then it is not
        shown until the next start, and lies where it lay.
        """
        if not self.archive.knows(code):
            return Withdrawn(code, False, visit)
        found = self.archive.fragment(self.archive.find(code))
        key = self._let_go(found) if found and found.state == 0 else ""
        self.journal.begin(self.archive.code(code))
        self.settle()
        return Withdrawn(code, True, visit, key)

    def _let_go(self, found: Fragment) -> str:
        """Out of working memory; returns its key."""
        with self._lock:
            key = self.archive.key(found.id)
            self._leaving.add(found.id)
            self.memory.forget(found.id)
            self.past.forget(found.id)
            self.crowd.forget(found.words, found.visit)
            self.owed.pop(found.id)
            if key:
                self.gone.add(key)
            self.waiting.pop(found.id, None)
        return key

    def _leave(self, fragment: int) -> None:
        row = self.memory.row.get(fragment)
        found = self.memory.fragments[row] if row is not None else next((one for one in self.owed if one.id == fragment), None)
        if found:
            self._let_go(found)

    def _came(self, fragment: Fragment) -> None:
        if fragment.kind in ("visitor", "performer"):
            self.crowd.add(fragment.words, fragment.visit)

    def follow(self) -> str:
        """What other houses did to the same memory; what they took back leaves the copies of this one, too."""
        why = Holdings.follow(self)
        if not why and (codes := self.archive.remains()):
            done = set(self.journal.all()) - set(self.journal.begun())
            for code in codes:
                if code in done:
                    self.archive.cleaned(code)
                else:
                    self.journal.begin(code)
            self.settle()
        return why

    def settle(self) -> None:
        """Finish withdrawals that were begun; what stands in the way is told by `unsettled`. Any thread, again and again."""
        try:
            for borrowers in settle(self.archive, self.journal):
                for one in self.archive.select(f"id IN ({','.join(map(str, borrowers))})"):
                    if one.state == HERE:
                        self.memory.reword(one)
                    else:  # a recipe that went with the words that had caused it
                        self.memory.forget(one.id)
                        self.recipes.forget(one.id)
            self.unsettled = ""
        except (OSError, sqlite3.Error, ArchiveError) as wrong:
            self.unsettled = str(wrong)

    # --- keyframes ---

    def develop(self, thought: Thought, latent: Tensor) -> Line | None:
        """A sentence gets its picture: what its words have of it is its own, the rest its parents'. None: taken back."""
        shares = thought.parents_of_note()
        self.adopt_all(shares, lambda: False)
        birth = self._birth(thought, latent, shares, "visitor", "")
        others = [(share, self.line(fragment)) for fragment, share in shares.items() if fragment != thought.speaker]
        birth = replace(birth, line=descend(others, own=thought.speaker))
        with self._lock:
            if not self.archive.develop(thought.speaker, birth, self.parts.space):
                return None
            self._born(thought.speaker, birth)
        return birth.line

    def keyframe(self, thought: Thought, latent: Tensor, caption: Sequence[Token]) -> int:
        """A picture of the stream becomes a memory of the machine; returns its id."""
        shares = thought.parents_of_note()
        self.adopt_all(shares, lambda: False)
        birth = self._birth(thought, latent, shares, "machine", said(caption))
        with self._lock:
            lent = [(token.text, token.ancestor) for token in caption]
            fragment = self.archive.remember(birth, self.parts.space, lent)
            self.mass += 1
            self._born(fragment, birth)
        return fragment

    def refuse(self, fragment: int) -> None:
        """A picture of the machine's own is let go, because a person refused it. Its mass and its line stay."""
        with self._lock:
            self.memory.forget(fragment)
            self.past.forget(fragment)
            self.archive.refuse(fragment)

    def _birth(self, thought: Thought, latent: Tensor, shares: dict[int, float], kind: Kind, words: str) -> Birth:
        rgba = self.parts.dreamer.decode(latent)
        seen = self.parts.seen(latent, rgba[..., :3])
        return Birth(
            kind, words, self.parts.means(words) if words else thought.meaning, seen,
            tuple(sorted(shares.items(), key=lambda pair: -pair[1])[:EDGES]),
            descend([(share, self.line(fragment)) for fragment, share in shares.items()]),
            seed=self.seed, structure=f"{self.parts.dreamer.structure} {self.structure}", gap=thought.gap,
            novelty=max(1e-6, self.memory.novelty(seen.vector, self.known)),
        )  # fmt: skip

    def _born(self, fragment: int, birth: Birth) -> None:
        assert birth.line
        self._lines[fragment] = birth.line
        self.novelties.append(birth.novelty)
        self.past.add(fragment, birth.seen.hash)
        self.chain = hashlib.sha256(self.chain + birth.seen.hash).digest()
        self.archive.set_fact("chain", self.chain)
        self._take_in(fragment, birth.meaning, birth.seen)
        self.memory.famous(parent for parent, _ in birth.parents if parent != fragment)

    def novelty_rank(self, novelty: float) -> float:
        """Part of the recent keyframes that were less new than this; 1 before there were any, and where none was newer.

        Less, not as new: else what comes again and again would grow lighter with each time that it has come before. The
        picture itself counts: a young memory, of one keyframe, is no reason for a black wall.
        """
        if not self.novelties or novelty >= max(self.novelties):
            return 1.0
        return (1 + sum(one < novelty for one in self.novelties)) / (1 + len(self.novelties))
