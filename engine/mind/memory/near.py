"""The server's own graph (pgvector, HNSW over half floats): proposes whom the exact cosine then looks at (`Space`).

A graph lies over one column of fragments, and takes each vector, less the centre, from where it lies: by a function that the
index calls. So the table beside it holds no vector, and VACUUM overwrites those in the graph (pgvector, hnswvacuum.c): what
is taken back leaves both. The archive's tables keep it in step, whoever writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.mind.memory.link import Link
from engine.mind.memory.records import f16

Vector = NDArray[np.float32]
Rows = NDArray[np.int64]
REACH = 256  # of a search through the graph (ef_search): at least what is proposed
SEARCHES = "hypermnesia.searches"  # the setting of a session that only searches
WORK = "2GB"  # memory that the server may take to build a graph: a million of 512 half floats fit


def names(space: str) -> str:
    """What the graph over a space of pictures is called; of words for ""."""
    return f"images_{hashlib.blake2b(space.encode(), digest_size=6).hexdigest()}" if space else "words"


class Near:
    """Stands where an `Index` stands, for a memory whose archive lies on a server. Not thread-safe: `Memory` holds the lock."""

    building = False

    def __init__(self, link: Link, name: str, centre: Vector, row: Mapping[int, int]):
        self._link, self._name, self._centre, self._row = link, name, centre, row
        link.execute(f"SET hnsw.ef_search = {REACH}")
        for other in ("seqscan", "bitmapscan", "indexonlyscan", "sort"):  # the graph is the only way here
            link.execute(f"SET enable_{other} = off")
        link.execute(f"SET {SEARCHES} = 'on'")

    @classmethod
    def of(cls, asked: Link, name: str, row: Mapping[int, int]) -> Near | None:
        """The graph of this name, by a session of its own; None where there is none that is whole."""
        found = asked.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(?)", (f"near_{name}_graph",)).fetchone()
        if not found or not found[0]:
            return None
        (centre,) = asked.execute("SELECT vector FROM near_centre WHERE name = ?", (name,)).fetchone()  # type: ignore[misc]
        return cls(Link(asked.address), name, np.frombuffer(centre, "<f2").astype(np.float32), row)

    @staticmethod
    def build(link: Link, name: str, space: str) -> bool:
        """Build, or build anew; whether anything is there to build it of. Others write and read meanwhile, but for a moment."""
        table, quoted = ("picture", f"AND space = '{space.replace(chr(39), chr(39) * 2)}'") if space else ("meaning", "")
        held = link.execute(f"SELECT vector_dims(vector), count(*) FROM {table} WHERE true {quoted} GROUP BY 1 ORDER BY 2 DESC LIMIT 1").fetchone()
        if held is None:
            return False
        wide = held[0]
        of = f"FROM {table} WHERE vector_dims(vector) = {wide} {quoted}"
        schema, home = link.execute("SELECT current_schema(), n.nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'vector'").fetchone()  # type: ignore[misc]
        (centre,) = link.execute(f"SELECT avg(vector)::text {of}").fetchone()  # type: ignore[misc]
        link.script(f"""
            SET maintenance_work_mem = '{WORK}'; SET lock_timeout = 0;
            CREATE TABLE IF NOT EXISTS near_centre (name text PRIMARY KEY, vector halfvec NOT NULL);
            DROP TABLE IF EXISTS near_{name} CASCADE;
            INSERT INTO near_centre VALUES ('{name}', '{centre}') ON CONFLICT (name) DO UPDATE SET vector = excluded.vector;
            CREATE TABLE near_{name} (fragment bigint PRIMARY KEY);
            CREATE OR REPLACE FUNCTION sought_{name}(one bigint) RETURNS halfvec LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
                BEGIN  -- while the graph is searched the order is its own: the server would look up every row that it returns
                    IF current_setting('{SEARCHES}', true) = 'on' THEN RETURN NULL; END IF;
                    RETURN (SELECT vector OPERATOR({home}.-) '{centre}'::{home}.halfvec FROM {schema}.{table}
                            WHERE fragment = one {quoted} AND {home}.vector_dims(vector) = {wide});
                END $$;
            CREATE OR REPLACE FUNCTION learn_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF TG_OP <> 'INSERT' THEN DELETE FROM near_{name} WHERE fragment = OLD.fragment; END IF;
                    IF TG_OP <> 'DELETE' THEN INSERT INTO near_{name} VALUES (NEW.fragment) ON CONFLICT DO NOTHING; END IF;
                    RETURN NULL;
                END $$;
            CREATE OR REPLACE TRIGGER learn_{name} AFTER INSERT OR DELETE OR UPDATE OF vector ON {table} FOR EACH ROW EXECUTE FUNCTION learn_{name}();
            CREATE TRIGGER goes_stale AFTER DELETE ON near_{name} FOR EACH ROW EXECUTE FUNCTION goes_stale();
            INSERT INTO near_{name} SELECT fragment FROM {table} WHERE true {quoted} ON CONFLICT DO NOTHING;
        """)  # fmt: skip
        link.script(f"CREATE INDEX CONCURRENTLY near_{name}_graph ON near_{name} USING hnsw ((sought_{name}(fragment)::halfvec({wide})) halfvec_cosine_ops)")
        return True

    def propose(self, vector: Vector, count: int) -> Rows:
        """Rows whose vectors point from the centre as this one does, `count` of them or fewer, nearest first."""
        ids = self._link.execute(
            f"SELECT fragment FROM near_{self._name} ORDER BY sought_{self._name}(fragment)::halfvec({len(vector)}) <=> ? LIMIT {min(count, REACH)}",
            (f16(vector - self._centre),),
        ).fetchall()
        return np.array([self._row[one] for (one,) in ids if one in self._row], np.int64)

    def add(self, row: int, vector: Vector) -> None:
        """The server has learned it with the archive."""

    def forget(self, row: int) -> None:
        """The server has forgotten it with the archive."""

    def save(self) -> None:
        """It lies on the server."""

    def settle(self) -> None:
        """It is built, or there is none."""

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._link.close()
