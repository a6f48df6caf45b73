"""The keeper of memories: births, lineage, what may be shown, and what is taken back.

It holds the archive (the truth), the memory (what can be recalled) and the crowd (what may surface) together. Any
thread may call; what changes all three takes the lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.messages import Ancestor, Kind, Lineage, Returned, Stored, Text, Token, Withdrawn
from engine.mind.archive import Archive, Birth, Fragment, Seen
from engine.mind.lineage import Line, descend
from engine.mind.options import MindOptions
from engine.mind.parts import Parts
from engine.mind.recall import Memory, Recall, Vector
from engine.mind.thought import Share, Thought
from engine.mind.words import Crowd, grow, runs, said, split, surface

NAMED = 16  # ancestors that a picture names, with a map of places each
RECENT = 512  # keyframes among which novelty is ranked
VOICE = 16  # numbers that a fragment's voice is made from
HUMAN: tuple[Kind, ...] = ("visitor", "performer")


class Keeper:
    """Everything that outlives a picture."""

    def __init__(self, options: MindOptions, parts: Parts):
        self.options, self.parts = options, parts
        self.archive = Archive(Path(options.archive))
        self.memory = Memory(self.archive, parts.space, parts.dreamer.latent)
        self.crowd = Crowd()
        self.mass = self.archive.mass
        self.heard: OrderedDict[str, int] = OrderedDict()  # words that were given -> fragment, the newest last
        self.gone: set[str] = set()  # words that were taken back and may still be asked for
        self.visits: dict[int, tuple[str, str]] = {}  # fragment -> (key, visit) of who waits for an answer
        self._lines: OrderedDict[int, Line] = OrderedDict()
        self._voices: OrderedDict[int, tuple[float, ...]] = OrderedDict()
        self._asked = 0
        self._lock = threading.RLock()
        people = self.archive.select("state = 0 AND kind IN (1, 2)")
        for fragment in people:
            self.crowd.add(fragment.words, fragment.visit)
        self.novelties: deque[float] = deque(
            (f.novelty for f in self.archive.select("id IN (SELECT id FROM fragment WHERE novelty > 0 ORDER BY id DESC LIMIT ?)", RECENT)),
            RECENT,
        )
        self.owed = deque(self.archive.owed())  # sentences without a picture

    # --- founding memories ---

    @property
    def founded(self) -> int:
        return self.archive.count("kind = 0")

    def found(self, until: int) -> Iterator[float]:
        """Paint founding memories, a batch for each step, until there are so many; yields the part that is done.

        Goes on where it stopped. Where the archive holds them for another model, they are painted again for this one.
        """
        batch = self.parts.batch
        known = [f.id for f in self.archive.select("kind = 0")]
        have = {fragment.id for fragment in self.memory.fragments}
        for at in range(0, until, batch):
            ids = known[at : at + batch]
            if len(ids) == min(batch, until - at) and all(fragment in have for fragment in ids):
                continue
            pictures = self.parts.founding(min(batch, until - at), self.options.size, self.options.seed + 101 * (at // batch))
            for place, (picture, _, caption) in enumerate(pictures):
                known_id = ids[place] if place < len(ids) else 0
                if known_id not in have:
                    self._paint(known_id, picture, caption)
            yield min(1.0, (at + batch) / until)

    def _paint(self, fragment: int, picture: Tensor, caption: str) -> None:
        rgb = picture.permute(1, 2, 0).numpy()
        latent = self.parts.dreamer.encode(np.ascontiguousarray(rgb))
        seen = Seen(latent.numpy().astype(np.float16), self.parts.read(latent), fingerprint(rgb))
        meaning = self.parts.means(caption)
        with self._lock:
            if fragment:
                self.archive.repaint(fragment, seen, self.parts.space)
            else:
                fragment = self.archive.remember(Birth("founding", caption, meaning, seen), self.parts.space)
                self.mass += 1
            self._take_in(fragment, meaning, seen)

    def _take_in(self, fragment: int, meaning: Vector, seen: Seen) -> None:
        found = self.archive.fragment(fragment)
        if found and found.state == 0:
            self.memory.add(found, meaning, seen.vector, seen.latent)

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
                self.heard[text.words] = fragment
                self.heard.move_to_end(text.words)
                while len(self.heard) > 256:
                    self.heard.popitem(last=False)
                self.gone.discard(text.words)
                self.visits[fragment] = (text.key, text.visit)
                self.owed.append(found)
        return Stored(text.key, fragment, code, text.visit)

    def withdraw(self, code: str, visit: str = "") -> Withdrawn:
        """Erase what a code was given for: from the disk, from recall, from what may surface. Its mass stays, nameless."""
        fragment = self.archive.find(code)
        if not fragment:
            return Withdrawn(code, False, visit)
        with self._lock:
            found = self.archive.fragment(fragment)
            assert found
            self.archive.withdraw(fragment)
            self.memory.forget(fragment)
            self.crowd.forget(found.words, found.visit)
            self.owed = deque(owed for owed in self.owed if owed.id != fragment)
            self.heard = OrderedDict((words, f) for words, f in self.heard.items() if f != fragment)
            self.gone.add(found.words)
            self._voices.pop(fragment, None)
            self.visits.pop(fragment, None)
        return Withdrawn(code, True, visit)

    # --- keyframes ---

    def answer(self, thought: Thought, latent: Tensor, displacement: float) -> Returned | None:
        """A sentence gets its picture, and goes back to who gave it with others' words grown in. None: taken back."""
        shares = thought.parentage()
        birth, seen, _ = self._birth(thought, latent, shares, "visitor", "")
        others = [(self.line(f), s) for f, s in shares.items() if f != thought.speaker]
        line = descend([(share, one) for one, share in others], own=thought.speaker)
        birth = replace(birth, line=line)
        with self._lock:
            if not self.archive.develop(thought.speaker, birth, self.parts.space):
                return None
            self._born(thought.speaker, birth, line)
            found = self.archive.fragment(thought.speaker)
        assert found
        key, visit = self.visits.pop(thought.speaker, ("", ""))
        tokens = self.give_back(found.words, thought)
        return Returned(key, visit, tokens, displacement, line.depth)

    def keyframe(self, thought: Thought, latent: Tensor, caption: str) -> int:
        """A picture of the stream becomes a memory of the machine; returns its id."""
        shares = thought.parentage()
        birth, seen, line = self._birth(thought, latent, shares, "machine", caption)
        with self._lock:
            fragment = self.archive.remember(birth, self.parts.space)
            self.mass += 1
            self._born(fragment, birth, line)
        return fragment

    def _birth(self, thought: Thought, latent: Tensor, shares: dict[int, float], kind: Kind, words: str) -> tuple[Birth, Seen, Line]:
        rgba = self.parts.dreamer.decode(latent)
        read = self.parts.read(latent)
        seen = Seen(latent.numpy().astype(np.float16), read, fingerprint(rgba[..., :3]))
        line = descend([(share, self.line(fragment)) for fragment, share in shares.items()])
        edges = tuple(sorted(shares.items(), key=lambda pair: -pair[1])[:64])
        meaning = self.parts.means(words) if words else thought.meaning
        novelty = max(1e-6, self.memory.novelty(read))
        birth = Birth(kind, words, meaning, seen, edges, line, seed=self.options.seed,
                      structure=self.parts.dreamer.structure, gap=thought.gap, novelty=novelty)  # fmt: skip
        return birth, seen, line

    def _born(self, fragment: int, birth: Birth, line: Line) -> None:
        self._lines[fragment] = line
        self.novelties.append(birth.novelty)
        self._take_in(fragment, birth.meaning, birth.seen)
        self.memory.famous(parent for parent, _ in birth.parents if parent != fragment)

    # --- lineage ---

    def line(self, fragment: int) -> Line:
        if fragment not in self._lines:
            self._lines[fragment] = self.archive.lines([fragment]).get(fragment) or Line.root(fragment)
            while len(self._lines) > 4096:
                self._lines.popitem(last=False)
        return self._lines[fragment]

    def lineage(self, thought: Thought) -> tuple[Lineage, NDArray[np.float16]]:
        """Whose a picture is: named origins with their places, and the map of shares (n, rows, cols) of each."""
        shares = thought.parentage()
        lines = {fragment: self.line(fragment) for fragment in shares}
        whole = descend([(share, lines[fragment]) for fragment, share in shares.items()])
        named = [int(one) for one in whole.ids[:NAMED]]
        found = {f.id: f for f in self.archive.select(f"id IN ({','.join('?' * len(named))})", *named)}
        named = [one for one in named if found[one].state != 1]
        places = self.places(thought, shares, lines, named)
        ancestors = tuple(
            self._ancestor(found[one], whole.share(one), place) for one, place in zip(named, places, strict=True)
        )
        rest = max(0.0, 1.0 - sum(ancestor.share for ancestor in ancestors))
        return Lineage(ancestors, rest, whole.count, whole.depth), places.astype(np.float16)

    def places(
        self, thought: Thought, shares: dict[int, float], lines: dict[int, Line], named: list[int]
    ) -> NDArray[np.float32]:
        """Share of each named origin at each place (n, rows, cols): what it has of the parents that lie there."""
        maps = thought.maps()
        composed = np.array([thought.again.shares[k].item() for k in range(len(thought.parents))])
        kept = 1.0 - thought.strength
        everywhere = dict(shares)
        for parent, share in zip(thought.parents, composed, strict=True):
            everywhere[parent] -= kept * share  # what a parent has beyond its places, it has everywhere alike
        own = np.array([[lines[parent].share(one) for parent in thought.parents] for one in named]).reshape(len(named), -1)
        even = [sum(max(0.0, left) * lines[f].share(one) for f, left in everywhere.items()) for one in named]
        found = np.einsum("op,phw->ohw", own * kept, maps) + np.array(even)[:, None, None]
        return found.astype(np.float32)

    def _ancestor(self, fragment: Fragment, share: float, place: NDArray[np.float32]) -> Ancestor:
        weight = place / max(1e-9, float(place.sum()))
        rows, columns = place.shape
        x = float((weight.sum(0) * (np.arange(columns) + 0.5)).sum() / columns)
        y = float((weight.sum(1) * (np.arange(rows) + 0.5)).sum() / rows)
        age = float(max(0, self.archive.today - fragment.day))
        return Ancestor(fragment.id, share, fragment.kind, fragment.depth, age, self.voice(fragment.id), x, y)

    def voice(self, fragment: int) -> tuple[float, ...]:
        """What a fragment's voice is made from, 16 numbers in -1..1: alike memories sound alike."""
        if fragment not in self._voices:
            row = self.memory.row.get(fragment)
            if row is None:  # a sentence without a picture yet, or nobody's any more: a plain voice
                return (0.0,) * VOICE
            meaning = self.memory.words.centred(self.memory.words.raw(np.array([row]))[0])
            latent = torch.from_numpy(self.memory.latents([row]))
            felt = torch.nn.functional.adaptive_avg_pool2d(latent, 4).flatten().numpy()
            made = np.tanh(1.5 * (_hearing(len(meaning), 1) @ meaning + 0.5 * _hearing(len(felt), 2) @ felt / np.sqrt(len(felt))))
            self._voices[fragment] = tuple(float(value) for value in made)
            while len(self._voices) > 4096:
                self._voices.popitem(last=False)
        return self._voices[fragment]

    # --- words ---

    def give_back(self, words: str, thought: Thought) -> tuple[Token, ...]:
        """Somebody's sentence with others' words grown into it: those of the gap first, then those that it recalled."""
        own = [Token(word) for word in split(words)]
        room = max(1, min(12, round(len(own) * (0.4 + thought.gap))))
        lenders = [(f, w) for f, w in self.lenders(thought) if f.id != thought.speaker]
        return grow(own, lenders, room, self.crowd, self.archive.today)

    def lenders(self, thought: Thought) -> list[tuple[Fragment, float]]:
        """Who has words to lend in this thought, and how much weight."""
        weights = 2.0 * thought.more + thought.r.weights
        return self._weighted(thought.ids, weights)

    def caption(self, thought: Thought, room: int = 6) -> tuple[Token, ...]:
        """What may be shown of what the picture remembers: borrowed runs of those whom it recalls."""
        return surface(self._weighted(thought.ids, thought.q.weights), room, self.crowd)

    def _weighted(self, ids: tuple[int, ...], weights: NDArray[np.float64]) -> list[tuple[Fragment, float]]:
        order = np.argsort(-weights, kind="stable")[:24]
        found = [(self.memory.row.get(ids[k]), float(weights[k])) for k in order if weights[k] > 1e-9]
        return [(self.memory.fragments[row], weight) for row, weight in found if row is not None]

    def lent(self, tokens: tuple[Token, ...]) -> tuple[Share, ...]:
        """Who lent these words, and what part of them."""
        found: dict[int, float] = {}
        for token in tokens:
            if token.ancestor:
                found[token.ancestor] = found.get(token.ancestor, 0.0) + 1.0
        total = sum(found.values())
        return tuple((fragment, count / total) for fragment, count in found.items())

    def somebody(self, number: int) -> tuple[Token, ...]:
        """A first sentence, where nothing was thought yet: words of memories that the archive's own state picks."""
        rows = len(self.memory)
        if not rows:
            return ()
        start = (self.options.seed * 7919 + number * 104729) % rows
        picked = Recall(np.arange(start, min(rows, start + 8), dtype=np.int64), np.ones(1))
        return surface([(self.memory.fragments[int(row)], 1.0) for row in picked.rows], 6, self.crowd)

    def musing(self, thought: Thought, before: tuple[Token, ...]) -> tuple[Token, ...]:
        """What the machine says to itself next: the newest run of its last sentence, and words out of the gap."""
        lenders = self._weighted(thought.ids, thought.more if thought.more.any() else thought.q.weights)
        newest = before[-1].ancestor if before else 0
        kept = tuple(token for token in before if token.ancestor == newest)
        used = {token.ancestor for token in before}
        fresh = [(fragment, weight) for fragment, weight in lenders if fragment.id not in used]
        grown = surface(fresh, 5, self.crowd, {token.text.casefold() for token in before})
        if not grown:  # the gap has nothing new to say: some other memory has
            self._asked += 1
            return self.somebody(len(self.memory) + self._asked)
        return (*kept, *grown)

    def readback(self, thought: Thought, count: int = 5) -> tuple[str, ...]:
        """Words for what was made: the weightiest words of those whom the picture recalls; never two in a row of one."""
        found: list[str] = []
        for fragment, _ in self._weighted(thought.ids, thought.q.weights):
            fresh = [run[-1].casefold() for run in runs(fragment.words) if run[-1].casefold() not in found]
            found += fresh[-1:]
        return tuple(found[:count])

    def few_words(self, ancestors: tuple[Ancestor, ...]) -> tuple[str, ...]:
        """A run of each ancestor's words, as far as row 9 lets it through."""
        found = {f.id: f for f in self.archive.select(f"id IN ({','.join('?' * len(ancestors))})", *(a.id for a in ancestors))}
        told = (said(surface([(found[a.id], 1.0)], 3, self.crowd)) for a in ancestors if a.id in found)
        return tuple(words for words in told if words)

    def next_owed(self, first: int) -> Fragment | None:
        """A sentence that still has no picture: `first` if it is one, else the oldest. It is owed no longer."""
        with self._lock:
            owed = next((one for one in self.owed if one.id == first), None) or (self.owed[0] if self.owed else None)
            if owed:
                self.owed.remove(owed)
            return owed

    def kind(self, fragment: int) -> Kind:
        """Of a fragment that can be recalled, or that has just been given."""
        row = self.memory.row.get(fragment)
        if row is not None:
            return self.memory.fragments[row].kind
        found = self.archive.fragment(fragment)
        return found.kind if found else "machine"

    def rank(self, novelty: float) -> float:
        """Part of the recent keyframes that were less new than this; 1 before there were any."""
        if not self.novelties:
            return 1.0
        return sum(one <= novelty for one in self.novelties) / len(self.novelties)

    def close(self) -> None:
        self.archive.close()


_PROJECTIONS: dict[tuple[int, int], NDArray[np.float32]] = {}


def _hearing(dim: int, seed: int) -> NDArray[np.float32]:
    """(16, dim): a fixed random projection; distances survive it (Johnson and Lindenstrauss 1984)."""
    if (dim, seed) not in _PROJECTIONS:
        _PROJECTIONS[dim, seed] = np.random.default_rng(seed).standard_normal((VOICE, dim)).astype(np.float32)
    return _PROJECTIONS[dim, seed]


def fingerprint(rgb: NDArray[np.uint8]) -> bytes:
    """Perceptual hash of 256 bits: is each of 16x16 cells lighter than its right neighbour? (dHash, Krawetz 2013.)

    64 bits refuse 23 % falsely at 5 million keyframes, 256 about 1e-7.
    """
    luma = torch.from_numpy(rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))
    small = torch.nn.functional.adaptive_avg_pool2d(luma[None, None], (16, 17))[0, 0]
    return np.packbits((small[:, 1:] > small[:, :-1]).numpy().reshape(-1)).tobytes()
