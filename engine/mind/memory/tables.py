"""The archive's tables on PostgreSQL: those of `records.SCHEMA`, and what several houses need besides.

Words leave every byte of the server. An UPDATE there writes a row anew and leaves the old one lying, so what was erased is
noted in `stale`, in the same transaction, by the tables themselves; whoever settles a withdrawal writes those tables anew
(`server.py`, `flush`). Vectors and latents lie in PARTS tables by a hash of the fragment, so that a part of them is enough.
No statistics are gathered of what people wrote: the server would keep samples of it.
"""

from __future__ import annotations

PARTS = 32  # tables that vectors and latents are spread over
TYPES = dict.fromkeys(("name", "words", "language", "key", "structure", "space", "word", "lowered"), "text")
TYPES |= dict.fromkeys(("value", "visit", "code", "latent", "hash", "ids", "shares", "sketch"), "bytea")
TYPES |= dict.fromkeys(("mass", "gap", "novelty", "share", "rest"), "float8") | {"vector": "halfvec"}  # all others are int8

TABLES = """
CREATE TABLE fact (name text PRIMARY KEY, value bytea NOT NULL);
CREATE SEQUENCE number;                  -- ids of fragments
CREATE SEQUENCE block MINVALUE 8192;     -- blocks of ids for files that go on alone
CREATE SEQUENCE touch;                   -- in which order fragments changed
CREATE TABLE fragment (
    id bigint PRIMARY KEY DEFAULT nextval('number'), kind bigint NOT NULL, state bigint NOT NULL DEFAULT 0, day bigint NOT NULL,
    mass float8 NOT NULL DEFAULT 1, words text, language text NOT NULL DEFAULT '', key text UNIQUE, visit bytea, code bytea UNIQUE,
    seed bigint NOT NULL DEFAULT 0, structure text NOT NULL DEFAULT '', gap float8 NOT NULL DEFAULT 0, novelty float8 NOT NULL DEFAULT 0,
    depth bigint NOT NULL DEFAULT 0, stratum bigint, vetoed bigint NOT NULL DEFAULT 0, touched bigint NOT NULL);
CREATE INDEX fragment_touched ON fragment (touched);
CREATE TABLE apart (fragment bigint PRIMARY KEY);
CREATE TABLE meaning (fragment bigint PRIMARY KEY, vector halfvec NOT NULL) PARTITION BY HASH (fragment);
CREATE TABLE picture (
    fragment bigint NOT NULL, space text NOT NULL, c bigint NOT NULL, h bigint NOT NULL, w bigint NOT NULL,
    latent bytea NOT NULL, vector halfvec NOT NULL, hash bytea NOT NULL, PRIMARY KEY (fragment, space)) PARTITION BY HASH (fragment);
CREATE TABLE edge (child bigint NOT NULL, parent bigint NOT NULL, share float8 NOT NULL, PRIMARY KEY (child, parent));
CREATE TABLE line (fragment bigint PRIMARY KEY, ids bytea NOT NULL, shares bytea NOT NULL, rest float8 NOT NULL, sketch bytea NOT NULL);
CREATE TABLE token (
    fragment bigint NOT NULL, place bigint NOT NULL, word text NOT NULL, lowered text NOT NULL, lender bigint NOT NULL,
    PRIMARY KEY (fragment, place));
CREATE INDEX token_lender ON token (lender);
CREATE TABLE elsewhere (code bytea PRIMARY KEY);
ALTER TABLE fragment ALTER words SET STATISTICS 0, ALTER key SET STATISTICS 0, ALTER visit SET STATISTICS 0;
ALTER TABLE token ALTER word SET STATISTICS 0, ALTER lowered SET STATISTICS 0;

CREATE TABLE stale (relation text PRIMARY KEY, at bigint NOT NULL);  -- tables in which erased rows may still lie
CREATE TABLE venue (name text PRIMARY KEY, id text NOT NULL, seen bigint NOT NULL);  -- houses that have copies of this memory
CREATE TABLE withdrawal (code bytea PRIMARY KEY, fragment bigint NOT NULL, day bigint NOT NULL);  -- all that were taken back
CREATE TABLE remains (venue text NOT NULL, code bytea NOT NULL, PRIMARY KEY (venue, code));  -- whose copies may still hold it

CREATE FUNCTION length(halfvec) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 2 * vector_dims($1)::bigint';
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.touched := nextval('touch'); RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE INSERT OR UPDATE ON fragment FOR EACH ROW EXECUTE FUNCTION touched();
CREATE FUNCTION goes_stale() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stale VALUES (TG_RELID::regclass::text, nextval('touch')) ON CONFLICT (relation) DO UPDATE SET at = excluded.at;
        RETURN NULL;
    END $$;
CREATE TRIGGER goes_stale AFTER UPDATE ON fragment FOR EACH ROW
    WHEN (OLD.words IS DISTINCT FROM NEW.words OR OLD.visit IS DISTINCT FROM NEW.visit) EXECUTE FUNCTION goes_stale();
CREATE TRIGGER goes_stale AFTER DELETE ON meaning FOR EACH ROW EXECUTE FUNCTION goes_stale();
CREATE TRIGGER goes_stale AFTER DELETE ON picture FOR EACH ROW EXECUTE FUNCTION goes_stale();
CREATE TRIGGER goes_stale AFTER DELETE ON token FOR EACH ROW EXECUTE FUNCTION goes_stale();
CREATE FUNCTION is_taken_back() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO withdrawal VALUES (NEW.code, NEW.id, current_date - date '1970-01-01') ON CONFLICT DO NOTHING;
        INSERT INTO remains SELECT name, NEW.code FROM venue ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
CREATE TRIGGER is_taken_back AFTER INSERT OR UPDATE OF state ON fragment FOR EACH ROW
    WHEN (NEW.state = 1 AND NEW.code IS NOT NULL) EXECUTE FUNCTION is_taken_back();
"""


def tables() -> str:
    """All statements that make an empty archive."""
    parts = [
        f"CREATE TABLE {table}_{part} PARTITION OF {table} FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part});"
        for table in ("meaning", "picture") for part in range(PARTS)
    ]  # fmt: skip
    bare = [f"ALTER TABLE {table} {how};" for table, how in (
        ("meaning", "ALTER vector SET STATISTICS 0"),
        ("picture", "ALTER vector SET STATISTICS 0, ALTER hash SET STATISTICS 0, ALTER latent SET STATISTICS 0"),
    )]  # fmt: skip
    external = [f"ALTER TABLE picture_{part} ALTER latent SET STORAGE EXTERNAL;" for part in range(PARTS)]  # packed already
    return "\n".join([TABLES, *parts, *bare, *external])
