PRAGMA journal_mode=WAL;
CREATE TABLE fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE fragment (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0, day INTEGER NOT NULL,
    mass REAL NOT NULL DEFAULT 1, words TEXT, language TEXT NOT NULL DEFAULT '', key TEXT UNIQUE, visit BLOB,
    code BLOB UNIQUE, seed INTEGER NOT NULL DEFAULT 0, structure TEXT NOT NULL DEFAULT '', gap REAL NOT NULL DEFAULT 0,
    novelty REAL NOT NULL DEFAULT 0, depth INTEGER NOT NULL DEFAULT 0, stratum INTEGER, vetoed INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE meaning (fragment INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE picture (
    fragment INTEGER NOT NULL, space TEXT NOT NULL, c INTEGER NOT NULL, h INTEGER NOT NULL, w INTEGER NOT NULL,
    latent BLOB NOT NULL, vector BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (fragment, space)) WITHOUT ROWID;
CREATE TABLE edge (child INTEGER NOT NULL, parent INTEGER NOT NULL, share REAL NOT NULL, PRIMARY KEY (child, parent)) WITHOUT ROWID;
CREATE TABLE line (fragment INTEGER PRIMARY KEY, ids BLOB NOT NULL, shares BLOB NOT NULL, rest REAL NOT NULL, sketch BLOB NOT NULL);
INSERT INTO fact VALUES ('salt', CAST('0123456789abcdef' AS BLOB));
INSERT INTO fragment (id, kind, day, words, key, visit, code) VALUES
    (1, 0, 20000, 'the red moon', NULL, NULL, NULL),
    (2, 1, 20000, 'Art', 'a', x'01', x'7d909047c62a91667a75e9c5ba3d1ee6'),
    (3, 1, 20000, 'my mother', 'b', x'02', x'd62e2fcc23c43976cba93e770fdad63c'),
    (4, 1, 20000, 'the heart of my grandmother', 'c', x'03', NULL),
    (5, 4, 20000, 'heart Art my mother grandmother', NULL, NULL, NULL),
    (6, 4, 20000, 'the red moon', NULL, NULL, NULL);
