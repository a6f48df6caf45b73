"""An archive of before is opened: what its words mean is computed again, its pictures come over one by one. Nothing is lost.

Sentence vectors mean something only beside those of one encoder; the fact "text space" names it, and where another is
named all are computed again from the words, in batches, each of which is done or is not. A picture of the weights of
before stays in its own space until the transaction in which it lies in the new one, so that this may be killed anywhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import numpy as np

from engine.mind.memory.archive import Archive
from engine.mind.memory.records import PUT_PICTURE, Seen, f16, pack, unpack
from engine.mind.memory.space import Vector

TEXT, UNDER_WAY = "text space", "text space under way"
MINILM = 2 * 384  # bytes of a vector of the encoder that archives had before they named it
BATCH = 64  # sentences to a transaction: a tenth of a second
BEFORE = "p.space LIKE 'embedded %' AND p.space != ?"  # pictures of the embedded weights of an earlier release


def mean_again(archive: Archive, means: Callable[[str], Vector], text: str, tell: Callable[[str, float], None]) -> int:
    """Bring all sentence vectors into the text space called `text`; returns how many were computed. Again: goes on.

    What has no words (a picture of the machine's own) takes what is read in it, once that is read. Raises sqlite3.Error.
    """
    named = archive.fact(TEXT).decode()
    if named == text:
        return 0
    with archive.transaction() as base:
        (old,) = base.execute("SELECT count(*) FROM meaning WHERE length(vector) = ? OR ?", (MINILM, bool(named))).fetchone()
    done, last = 0, archive.fact(UNDER_WAY).decode().rpartition(" ")
    at = int(last[2]) if last[0] == text else -(1 << 62)
    while old and (rows := _said(archive, at)):
        vectors = [(f16(means(words)), fragment) for fragment, words in rows]
        at = rows[-1][0]
        with archive.transaction() as base:
            base.executemany("UPDATE meaning SET vector = ? WHERE fragment = ?", vectors)
            archive.set_fact(UNDER_WAY, f"{text} {at}".encode())
        done += len(rows)
        tell("reading again what was said", min(1.0, done / old))
    archive.set_fact(TEXT, text.encode())
    return done


def _said(archive: Archive, after: int) -> list[tuple[int, str]]:
    with archive.transaction() as base:
        return base.execute(
            "SELECT id, words FROM fragment JOIN meaning ON fragment = id WHERE id > ? AND words != '' ORDER BY id LIMIT ?", (after, BATCH)
        ).fetchall()


def pictures_of_before(archive: Archive, space: str) -> list[int]:
    """Fragments whose picture waits to come over into `space`: what people gave first, then the machine's, then founders."""
    with archive.transaction() as base:
        rows = base.execute(
            f"SELECT f.id FROM fragment f WHERE f.state = 0 AND EXISTS (SELECT 1 FROM picture p WHERE p.fragment = f.id AND {BEFORE}) "
            "ORDER BY CASE WHEN f.kind IN (1, 2, 3) THEN 0 WHEN f.kind = 4 THEN 1 ELSE 2 END, f.id",
            (space,),
        ).fetchall()
    return [fragment for (fragment,) in rows]


def picture_of_before(archive: Archive, fragment: int, space: str) -> Vector | None:
    """Its latent (c, h, w) f32; None where it was taken back meanwhile. Raises what `unpack` raises for a damaged one."""
    with archive.transaction() as base:
        row = base.execute(f"SELECT c, h, w, latent FROM picture p WHERE fragment = ? AND {BEFORE}", (fragment, space)).fetchone()
    return unpack(row[3], row[:3]).astype(np.float32) if row else None


def bring_over(archive: Archive, fragment: int, seen: Seen, space: str, meaning: Callable[[], Vector]) -> Vector | None:
    """Its picture lies in `space` from now on and no more in that of before, in one transaction; returns what it means.

    `meaning` is asked where its vector is of another text space. None: it was taken back meanwhile, nothing is stored.
    """
    fresh = meaning()
    with archive.transaction() as base:
        row = base.execute("SELECT vector FROM meaning JOIN fragment ON id = fragment WHERE id = ? AND state = 0", (fragment,)).fetchone()
        if row is None:
            return None
        if len(row[0]) != 2 * len(fresh):
            base.execute("UPDATE meaning SET vector = ? WHERE fragment = ?", (f16(fresh), fragment))
        _put(base, fragment, seen, space)
        base.execute(f"DELETE FROM picture AS p WHERE p.fragment = ? AND {BEFORE}", (fragment, space))
    return fresh


def _put(base: sqlite3.Connection, fragment: int, seen: Seen, space: str) -> None:
    base.execute(PUT_PICTURE, (fragment, space, *seen.latent.shape, pack(seen.latent, seen.steps), f16(seen.vector), seen.hash))
