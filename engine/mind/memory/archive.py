"""The archive: the only truth. A text is acknowledged when it is on the disk (see `base`), and not before.

Ids are never used twice. Times are kept by the day.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import KINDS, Text
from engine.mind.memory.base import BLOCK, BLOCK_BITS, FILE, TIMEOUT, ArchiveError, Base, Damaged
from engine.mind.memory.lineage import Line
from engine.mind.memory.records import (
    COMPACTED,
    FRAGMENT,
    HERE,
    PUT_LINE,
    PUT_MEANING,
    PUT_PICTURE,
    WITHDRAWN,
    Birth,
    Fragment,
    Seen,
    f16,
    joined,
    pack,
    pack_line,
    told,
    unpack,
    unpack_line,
)

__all__ = ["COMPACTED", "FILE", "HERE", "WITHDRAWN", "Archive", "ArchiveError", "Birth", "Damaged", "Fragment", "Seen", "pack", "unpack"]


@dataclass(slots=True)
class Archive(Base):
    """Everything that was ever remembered. Any thread may call; calls take turns. Raises sqlite3.Error on a bad disk."""

    # births

    def hear(self, text: Text) -> tuple[int, str, bool]:
        """Store a sentence; returns (id, code, whether it is new). On return it is on the disk. The same key is stored once."""
        key = text.key or os.urandom(12).hex()
        code = self.code_for(key)
        visit = self.hashed(text.person or text.visit or key)
        with self.transaction():
            row = self._base.execute("SELECT id FROM fragment WHERE key = ? OR code = ?", (key, self.hashed(code))).fetchone()
            if row:  # also one that was taken back: a late repeat does not undo that
                return int(row[0]), code, False
            made = self._base.execute(
                "INSERT INTO fragment (id, kind, day, words, language, key, visit, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                (self.number(), KINDS.index(text.kind), self.today, text.words, text.language, key, visit, self.hashed(code)),
            )
            fragment = int(made.fetchone()[0])
            if not text.lent:
                self._base.execute("INSERT INTO apart VALUES (?)", (fragment,))
            return fragment, code, True

    def remember(self, birth: Birth, space: str, lent: Sequence[tuple[str, int]] = (), number: int | None = None) -> int:
        """Store a fragment with its picture and its line in one transaction; returns its id.

        `lent`: each word of it with the fragment that lent it. What was taken back meanwhile is left out. `number`: a
        recipe's own, < 0; one that was taken back with the sentence that had caused it is here again.
        """
        with self.transaction() as base:
            owned = self._owned(lent)
            if len(owned) < len(lent):
                birth = replace(birth, words=joined(word for word, _ in owned))
            made = base.execute(
                "INSERT INTO fragment (id, kind, day, words, language, key, seed, structure, gap, novelty) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = 0, words = excluded.words RETURNING id",
                (number or self.number(), KINDS.index(birth.kind), self.today, birth.words, birth.language, birth.key, birth.seed,
                 birth.structure, birth.gap, birth.novelty),
            )  # fmt: skip
            fragment = int(made.fetchone()[0])
            self._picture(fragment, birth, space)
            rows = [(fragment, place, word, word.casefold(), owner) for place, (word, owner) in enumerate(owned)]
            base.executemany("INSERT INTO token VALUES (?, ?, ?, ?, ?)", rows)
            return fragment

    def _owned(self, lent: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """Words with whose they are: of a caption that lends what it had from others, theirs."""
        found: list[tuple[str, int]] = []
        for word, lender in lent:
            row = self._base.execute(
                "SELECT lender FROM token WHERE fragment = ? AND lowered = ?", (lender, word.casefold())
            ).fetchone()
            owner = int(row[0]) if row else lender
            (gone,) = self._base.execute("SELECT count(*) FROM fragment WHERE id = ? AND state = 1", (owner,)).fetchone()
            if not gone:
                found.append((word, owner))
        return found

    def develop(self, fragment: int, birth: Birth, space: str) -> bool:
        """Give a sentence its picture; False when it was withdrawn meanwhile."""
        with self.transaction() as base:
            done = base.execute(
                "UPDATE fragment SET seed = ?, structure = ?, gap = ?, novelty = ? WHERE id = ? AND state = 0",
                (birth.seed, birth.structure, birth.gap, birth.novelty, fragment),
            )
            if not done.rowcount:
                return False
            self._picture(fragment, birth, space)
            return True

    def _picture(self, fragment: int, birth: Birth, space: str) -> None:
        line = birth.line or Line.root(fragment)
        base, seen = self._base, birth.seen
        base.execute("UPDATE fragment SET depth = ? WHERE id = ?", (line.depth, fragment))
        base.execute(PUT_MEANING, (fragment, f16(birth.meaning)))
        base.execute(PUT_PICTURE, (fragment, space, *seen.latent.shape, pack(seen.latent, seen.steps), f16(seen.vector), seen.hash))
        base.execute("DELETE FROM edge WHERE child = ?", (fragment,))  # dreamt twice, it has the second's parents alone
        base.executemany("INSERT INTO edge VALUES (?, ?, ?)", [(fragment, parent, share) for parent, share in birth.parents])
        base.execute(PUT_LINE, (fragment, *pack_line(line)))

    # withdrawal: see withdrawal.py

    def find(self, code: str) -> int:
        """The fragment that a code takes back, or took back; 0 for a code that nobody was given."""
        with self._lock:
            row = self._base.execute("SELECT id FROM fragment WHERE code = ?", (self.code(code),)).fetchone()
        return int(row[0]) if row else 0

    def knows(self, code: str) -> bool:
        """Whether a code was given for something here, or for something that lies in copies alone."""
        with self._lock:
            (count,) = self._base.execute("SELECT count(*) FROM elsewhere WHERE code = ?", (self.code(code),)).fetchone()
        return bool(count or self.find(code))

    def learn_of(self, other: Path) -> None:
        """What another file of this archive holds and this one does not: it can be taken back from there, and its ids
        are not given again. Raises sqlite3.Error for a file that cannot be read."""
        with contextlib.closing(sqlite3.connect(f"{other.absolute().as_uri()}?mode=ro", uri=True, timeout=TIMEOUT)) as base:
            codes = base.execute("SELECT code FROM fragment WHERE code IS NOT NULL AND state = 0").fetchall()
            (last,) = base.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'fragment'").fetchone()
        self.lies_elsewhere(code for (code,) in codes)
        self.count_from(last)

    def given(self) -> list[bytes]:
        """Codes (hashes) of what people gave since this file goes on alone."""
        with self._lock:
            rows = self._base.execute("SELECT code FROM fragment WHERE code IS NOT NULL AND state = 0 AND id >= ?", (int(self.fact(BLOCK) or 0) << BLOCK_BITS,)).fetchall()
        return [bytes(code) for (code,) in rows]

    def lies_elsewhere(self, codes: Iterable[bytes]) -> None:
        """Codes (hashes) of what this archive does not hold, and can be taken back all the same."""
        with self.transaction() as base:
            base.executemany("INSERT INTO elsewhere VALUES (?) ON CONFLICT DO NOTHING", [(code,) for code in codes])
            base.execute("DELETE FROM elsewhere WHERE code IN (SELECT code FROM fragment WHERE code IS NOT NULL)")

    def refuse(self, fragment: int) -> None:
        """A person refused this picture: it is marked, and its words, vectors and latents go."""
        with self.transaction() as base:
            base.execute("UPDATE fragment SET state = 1, vetoed = 1, words = NULL WHERE id = ?", (fragment,))
            for table in ("meaning", "picture", "token"):
                base.execute(f"DELETE FROM {table} WHERE fragment = ?", (fragment,))

    # strata

    def merge(self, stratum: int, members: Sequence[int], line: Line) -> None:
        """Let members lie in a stratum: it takes their mass and a line for all; their words and pictures are let go."""
        marks = ",".join("?" * len(members))
        with self.transaction() as base:
            (mass,) = base.execute(f"SELECT sum(mass) FROM fragment WHERE id IN ({marks})", members).fetchone()
            base.execute("UPDATE fragment SET mass = mass + ?, depth = ? WHERE id = ?", (mass, line.depth, stratum))
            base.execute(
                f"UPDATE fragment SET state = 2, stratum = ?, mass = 0, words = NULL, key = NULL WHERE id IN ({marks})",
                (stratum, *members),
            )
            for table in ("meaning", "picture", "token"):
                base.execute(f"DELETE FROM {table} WHERE fragment IN ({marks})", members)
            base.execute(PUT_LINE, (stratum, *pack_line(line)))

    # reading

    def select(self, where: str = "true", *args: object) -> Iterator[Fragment]:
        """Fragments by a condition on their table, in order of id."""
        with self._lock:
            rows = self._base.execute(f"SELECT {FRAGMENT} FROM fragment WHERE {where} ORDER BY id", args).fetchall()
        for row in rows:
            yield told(row)

    def fragment(self, fragment: int) -> Fragment | None:
        return next(self.select("id = ?", fragment), None)

    def recallable(self, space: str) -> tuple[list[Fragment], NDArray[np.float32], NDArray[np.float32]]:
        """All fragments that have words' and picture's vectors in `space`: (fragments, t (n, d), v (n, d))."""
        with self._lock:
            rows = self._base.execute(
                f"SELECT {FRAGMENT}, m.vector, p.vector FROM fragment JOIN meaning m ON m.fragment = id "
                "JOIN picture p ON p.fragment = id WHERE state = 0 AND p.space = ? ORDER BY id",
                (space,),
            ).fetchall()
        if not rows:
            return [], np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
        whole = max(len(row[-2]) for row in rows)  # those whose words are still to be read again are left out
        rows = [row for row in rows if len(row[-2]) == whole]
        found = [told(row[:-2]) for row in rows]
        t = np.frombuffer(b"".join(row[-2] for row in rows), np.float16).reshape(len(rows), -1)
        v = np.frombuffer(b"".join(row[-1] for row in rows), np.float16).reshape(len(rows), -1)
        return found, t.astype(np.float32), v.astype(np.float32)

    def vectors(self, fragment: int, space: str) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """What one fragment means (d,), and what is read in its picture in `space` (d,); None where it has no picture there, or is gone."""
        with self._lock:
            row = self._base.execute(
                "SELECT m.vector, p.vector FROM fragment JOIN meaning m ON m.fragment = id JOIN picture p ON p.fragment = id "
                "WHERE id = ? AND state = 0 AND p.space = ?", (fragment, space),
            ).fetchone()  # fmt: skip
        return (np.frombuffer(row[0], "<f2").astype(np.float32), np.frombuffer(row[1], "<f2").astype(np.float32)) if row else None

    def hashes(self, space: str) -> list[tuple[int, bytes]]:
        """Perceptual hashes of what people and the machine made here, in order of id."""
        with self._lock:
            return self._base.execute(
                "SELECT p.fragment, p.hash FROM picture p JOIN fragment f ON f.id = p.fragment "
                "WHERE p.space = ? AND f.state = 0 AND f.kind > 0 ORDER BY p.fragment",
                (space,),
            ).fetchall()

    def hash_anew(self, fragment: int, space: str, hash: bytes) -> None:
        """A picture that is kept has another perceptual hash."""
        with self.transaction() as base:
            base.execute("UPDATE picture SET hash = ? WHERE fragment = ? AND space = ?", (hash, fragment, space))

    def latents(self, ids: Sequence[int], space: str) -> dict[int, NDArray[np.float16]]:
        """Latents by id, those that exist in this space."""
        marks = ",".join("?" * len(ids))
        with self._lock:
            rows = self._base.execute(
                f"SELECT fragment, c, h, w, latent FROM picture WHERE space = ? AND fragment IN ({marks})", (space, *ids)
            ).fetchall()
        return {fragment: unpack(data, (c, h, w)) for fragment, c, h, w, data in rows}

    def lines(self, ids: Iterable[int]) -> dict[int, Line]:
        """Lines by id; a fragment without one is a root."""
        wanted = list(ids)
        marks = ",".join("?" * len(wanted))
        with self._lock:
            rows = self._base.execute(
                "SELECT l.fragment, ids, shares, rest, sketch, depth FROM line l JOIN fragment f ON f.id = l.fragment "
                f"WHERE l.fragment IN ({marks})",
                wanted,
            ).fetchall()
        return {row[0]: unpack_line(*row[1:]) for row in rows}

    def parents(self, fragment: int) -> list[tuple[int, float]]:
        """Direct parents with their shares, largest first."""
        with self._lock:
            return self._base.execute("SELECT parent, share FROM edge WHERE child = ? ORDER BY share DESC, parent", (fragment,)).fetchall()

    def edges(self) -> Iterator[tuple[int, int, float]]:
        """All (child, parent, share), by child."""
        at = 0
        while True:
            with self._lock:
                rows = self._base.execute(
                    "SELECT child, parent, share FROM edge WHERE child IN "
                    "(SELECT DISTINCT child FROM edge WHERE child > ? ORDER BY child LIMIT 1000) ORDER BY child, share DESC, parent",
                    (at,),
                ).fetchall()
            if not rows:
                return
            yield from rows
            at = rows[-1][0]

    def spaces(self) -> list[str]:
        """Latent spaces that pictures lie in."""
        with self._lock:
            return [row[0] for row in self._base.execute("SELECT DISTINCT space FROM picture ORDER BY space")]

    def fame(self) -> dict[int, int]:
        """How often each fragment was a parent."""
        with self._lock:
            return dict(self._base.execute("SELECT parent, count(*) FROM edge GROUP BY parent").fetchall())

    def owed(self) -> list[Fragment]:
        """Sentences that have no picture yet, oldest first."""
        return list(self.select("state = 0 AND words IS NOT NULL AND NOT EXISTS (SELECT 1 FROM meaning WHERE meaning.fragment = fragment.id)"))

    def said(self, key: str) -> int:
        """The fragment of a sentence by its key; 0 for a key that nobody gave, or took back."""
        with self._lock:
            row = self._base.execute("SELECT id FROM fragment WHERE key = ? AND state = 0", (key,)).fetchone()
        return int(row[0]) if row else 0

    def apart(self) -> set[int]:
        """Sentences that nobody is lent words of until an operator has read them."""
        with self._lock:
            return {row[0] for row in self._base.execute("SELECT fragment FROM apart")}

    def lend(self, fragment: int) -> None:
        """An operator has read it: others may have words of it."""
        with self._lock:
            self._base.execute("DELETE FROM apart WHERE fragment = ?", (fragment,))

    def key(self, fragment: int) -> str:
        """What the client called this sentence; "" for what no client sent."""
        with self._lock:
            row = self._base.execute("SELECT coalesce(key, '') FROM fragment WHERE id = ?", (fragment,)).fetchone()
        return str(row[0]) if row else ""

    @property
    def mass(self) -> float:
        with self._lock:
            return float(self._base.execute("SELECT coalesce(sum(mass), 0) FROM fragment").fetchone()[0])

    def count(self, where: str = "true", *args: object) -> int:
        with self._lock:
            return int(self._base.execute(f"SELECT count(*) FROM fragment WHERE {where}", args).fetchone()[0])
