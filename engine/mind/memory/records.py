"""What the archive stores, and how: the tables, the values that go in and out, and their bytes."""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.messages import KINDS, Kind
from engine.mind.memory.lineage import Line

SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fragment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,             -- place in KINDS
    state INTEGER NOT NULL DEFAULT 0,  -- 0 here, 1 withdrawn, 2 lies in the stratum `stratum`
    day INTEGER NOT NULL,              -- days since 1970-01-01
    mass REAL NOT NULL DEFAULT 1,
    words TEXT,                        -- NULL once withdrawn
    language TEXT NOT NULL DEFAULT '',
    key TEXT UNIQUE,                   -- made by the client: the same key is stored once
    visit BLOB,                        -- salted hash
    code BLOB UNIQUE,                  -- hash of what takes it back
    seed INTEGER NOT NULL DEFAULT 0,
    structure TEXT NOT NULL DEFAULT '',
    gap REAL NOT NULL DEFAULT 0,
    novelty REAL NOT NULL DEFAULT 0,
    depth INTEGER NOT NULL DEFAULT 0,
    stratum INTEGER,
    vetoed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS apart (fragment INTEGER PRIMARY KEY);  -- nobody is lent words of it
CREATE TABLE IF NOT EXISTS meaning (fragment INTEGER PRIMARY KEY, vector BLOB NOT NULL);  -- t, f16
CREATE TABLE IF NOT EXISTS picture (   -- one for each space: latents of one autoencoder mean nothing to another
    fragment INTEGER NOT NULL, space TEXT NOT NULL, c INTEGER NOT NULL, h INTEGER NOT NULL, w INTEGER NOT NULL,
    latent BLOB NOT NULL,              -- see `pack`
    vector BLOB NOT NULL,              -- v, f16
    hash BLOB NOT NULL,                -- perceptual, 256 bits
    PRIMARY KEY (fragment, space)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS edge (
    child INTEGER NOT NULL, parent INTEGER NOT NULL, share REAL NOT NULL,
    PRIMARY KEY (child, parent)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (
    fragment INTEGER PRIMARY KEY, ids BLOB NOT NULL, shares BLOB NOT NULL, rest REAL NOT NULL, sketch BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS token (       -- whose each word of a caption is
    fragment INTEGER NOT NULL, place INTEGER NOT NULL, word TEXT NOT NULL,
    lowered TEXT NOT NULL,             -- casefolded
    lender INTEGER NOT NULL,           -- who said it first: never a caption that had it from somebody
    PRIMARY KEY (fragment, place)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS token_lender ON token (lender);
CREATE TABLE IF NOT EXISTS elsewhere (code BLOB PRIMARY KEY) WITHOUT ROWID;  -- codes of what lies in copies alone
"""
HERE, WITHDRAWN, COMPACTED = 0, 1, 2
STEP = 0.09  # that latents are rounded to, in units of the mean channel's part of a picture: decoded again at least 45 dB
MOST = 1000  # steps from zero: f16 still tells neighbours apart
STEPPED = b"S"  # first byte of a latent that is kept in steps; deflated ones begin with an "x"
_LZMA = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 1 << 18, "lc": 0, "lp": 0, "pb": 0}]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The picture of a fragment in one latent space."""

    latent: NDArray[np.float16]  # (c, h, w), about unit variance
    vector: NDArray[np.float32]  # (d,) unit: what the reader reads in it
    hash: bytes = b""  # perceptual, 32 bytes
    steps: NDArray[np.float32] | None = None  # (c,) what each channel is rounded to; None: kept as it is

    @staticmethod
    def of(latent: NDArray[np.float32], vector: NDArray[np.float32], hash: bytes, carries: NDArray[np.float32] | None) -> Seen:
        """A picture as it will be found again after a restart: rounded by what each channel carries, where that is known."""
        if carries is None or not np.isfinite(latent).all():
            return Seen(latent.astype(np.float16), vector, hash)
        steps = (STEP / np.sqrt(np.maximum(carries, 1e-6))).astype(np.float32)
        return Seen(rounded(latent, steps), vector, hash, steps)


@dataclass(frozen=True, slots=True, eq=False)
class Birth:
    """A fragment that comes into the world with a picture: a founding memory or a keyframe."""

    kind: Kind
    words: str
    meaning: NDArray[np.float32]  # (d,) unit
    seen: Seen
    parents: Sequence[tuple[int, float]] = ()  # fragment id, share
    line: Line | None = None  # None: a root
    language: str = ""
    seed: int = 0
    structure: str = ""
    gap: float = 0.0
    novelty: float = 0.0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Fragment:
    """What the archive tells about one fragment. `words` is "" once withdrawn."""

    id: int
    kind: Kind
    words: str
    day: int
    mass: float
    depth: int
    state: int = HERE
    stratum: int = 0
    language: str = ""
    visit: bytes = b""
    seed: int = 0
    structure: str = ""
    gap: float = 0.0
    novelty: float = 0.0


FRAGMENT = "id, kind, coalesce(words, ''), day, mass, depth, state, coalesce(stratum, 0), language, visit, seed, structure, gap, novelty"
PUT_MEANING = "INSERT INTO meaning VALUES (?, ?) ON CONFLICT (fragment) DO UPDATE SET vector = excluded.vector"
PUT_PICTURE = (
    "INSERT INTO picture VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (fragment, space) DO UPDATE SET "
    "c = excluded.c, h = excluded.h, w = excluded.w, latent = excluded.latent, vector = excluded.vector, hash = excluded.hash"
)
PUT_LINE = (
    "INSERT INTO line VALUES (?, ?, ?, ?, ?) ON CONFLICT (fragment) DO UPDATE SET "
    "ids = excluded.ids, shares = excluded.shares, rest = excluded.rest, sketch = excluded.sketch"
)


class Half(bytes):
    """A vector of half floats, 2 bytes each, little end first. A type of its own, so that a server knows it for a vector."""


def told(row: Sequence[Any]) -> Fragment:
    """A row of FRAGMENT."""
    fragment, kind, *rest = row
    rest[7] = rest[7] or b""  # the visit of what nobody gave
    return Fragment(fragment, KINDS[kind], *rest)


def joined(words: Iterable[str]) -> str:
    """Words as one line: what ends in an apostrophe stands close to the next."""
    return re.sub(r"([’'])\s+", r"\1", " ".join(words))


def tidy(code: str) -> str:
    """A code as a tired hand may type it."""
    return "".join(letter for letter in code.lower() if letter.isalnum())


def f16(vector: NDArray[np.float32]) -> Half:
    """A vector (d,) as it is kept: 2 d bytes of half floats."""
    return Half(vector.astype("<f2").tobytes())


def pack(latent: NDArray[np.float16], steps: NDArray[np.float32] | None = None) -> bytes:
    """Without `steps` deflated f16: 93 % of the size for a latent of 4 x 32 x 32; with bytes shuffled 93 % as well, so they are not.

    With `steps` (c,) f32 whole numbers of them, high bytes apart from low ones: 6.9 KB on average for 24 x 32 x 32, where
    deflated f16 has 45 (paintings; LZMA, deflate takes a fifth more). The steps lie in front: each row can be read by itself.
    """
    if steps is None:
        return zlib.compress(latent.astype(np.float16).tobytes(), 1)
    places = _places(latent, steps).astype(np.int32)
    unsigned = ((places << 1) ^ (places >> 31)).astype(np.uint16)  # 0, -1, 1, -2, 2 ... are 0, 1, 2, 3, 4 ...
    planes = (unsigned >> 8).astype(np.uint8).tobytes() + (unsigned & 255).astype(np.uint8).tobytes()
    return STEPPED + steps.astype("<f4").tobytes() + lzma.compress(planes, lzma.FORMAT_RAW, filters=_LZMA)


def unpack(data: bytes, shape: tuple[int, int, int]) -> NDArray[np.float16]:
    """What `pack` made. zlib.error, lzma.LZMAError or ValueError for bytes that it did not make."""
    if not data.startswith(STEPPED):
        return np.frombuffer(zlib.decompress(data), np.float16).reshape(shape)
    head = len(STEPPED) + 4 * shape[0]
    steps = np.frombuffer(data[len(STEPPED) : head], "<f4")
    high, low = np.frombuffer(lzma.decompress(data[head:], lzma.FORMAT_RAW, filters=_LZMA), np.uint8).reshape(2, *shape).astype(np.int32)
    unsigned = high << 8 | low
    return _stepped((unsigned >> 1) ^ -(unsigned & 1), steps)


def rounded(latent: NDArray[np.float32], steps: NDArray[np.float32]) -> NDArray[np.float16]:
    """A latent (c, h, w) as it comes back from the archive. Rounding it again changes nothing."""
    return _stepped(_places(latent, steps), steps)


def _places(latent: NDArray[Any], steps: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.rint(latent.astype(np.float32) / steps[:, None, None]).clip(-MOST, MOST)
    return found


def _stepped(places: NDArray[Any], steps: NDArray[np.float32]) -> NDArray[np.float16]:
    return (places * steps[:, None, None]).astype(np.float16)


def pack_line(line: Line) -> tuple[bytes, bytes, float, bytes]:
    """A line as it is kept: ids (i64), shares (f64), the rest, the sketch (u32)."""
    assert line.sketch is not None
    return line.ids.astype(np.int64).tobytes(), line.shares.tobytes(), line.rest, line.sketch.tobytes()


def unpack_line(ids: bytes, shares: bytes, rest: float, sketch: bytes, depth: int) -> Line:
    """What `pack_line` gave, with its depth."""
    return Line(
        np.frombuffer(ids, np.int64), np.frombuffer(shares, np.float64), rest, np.frombuffer(sketch, np.uint32), depth
    )
