"""Houses that share a memory: one goes on alone and comes back, nothing is lost or doubled, and what is taken back is gone everywhere."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Text
from engine.mind.keeper import Keeper
from engine.mind.memory.afar import opened, reach
from engine.mind.memory.archive import Archive, ArchiveError, Birth
from engine.mind.memory.command import main
from engine.mind.memory.copies import snapshot
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.recall import Memory
from engine.mind.memory.records import f16, pack_line
from engine.mind.memory.server import Served
from engine.mind.memory.small import Small
from engine.mind.memory.transfer import TABLES, rows
from engine.mind.memory.withdrawal import Journal, withdraw
from tests.mind.memory.test_archive import birth
from tests.mind.memory.test_server import dreamt, lies
from tests.mind.small_mind import options, parts

AWAY = "postgresql://nobody@/none?host=/nowhere"


def caption(archive: Archive, seed: int, lenders: list[tuple[str, int]]) -> int:
    """A picture of the machine's own, with words that others lent."""
    shares = {lender: 1 / len({one for _, one in lenders}) for _, lender in lenders}
    known = archive.lines(shares)
    line = descend([(share, known.get(one) or Line.root(one)) for one, share in shares.items()])
    return archive.remember(replace(dreamt(seed, list(shares.items())), line=line), "space", lenders)


def say(archive: Archive, words: str, key: str, picture: int = 0) -> tuple[int, str]:
    fragment, code, _ = archive.hear(Text(words, key=key, visit=key))
    if picture:
        archive.develop(fragment, birth("", picture), "space")
    return fragment, code


def lines_are_whole(archive: Archive) -> bool:
    with archive.reading() as base:
        return all(abs(math.fsum(np.frombuffer(row[2], np.float64).tolist()) + row[3] - 1) < 1e-12 for page in rows(base, "line") for row in page)


def names_nobody_unknown(archive: Archive) -> bool:
    """Whether every number in the lineage is that of a fragment."""
    known = {one.id for one in archive.select()}
    with archive.reading() as base:
        named = {one for page in rows(base, "line") for row in page for one in np.frombuffer(row[1], np.int64).tolist()}
    return named <= known and all(child in known and parent in known for child, parent, _ in archive.edges())


def test_a_house_goes_on_alone_and_comes_back_with_everything(tmp_path: Path, postgres: Small, server: str) -> None:
    lyon, nantes = (tmp_path / name / "archive" for name in ("lyon", "nantes"))
    there = opened(nantes, server, "nantes").archive
    first = opened(lyon, server, "lyon")
    old, old_code = say(first.archive, "the pelican sings", "a", 1)
    owed, _ = say(first.archive, "nobody has dreamt this yet", "b")
    theirs, theirs_code = say(there, "my walrus knits", "c", 2)
    machine = caption(first.archive, 3, [("pelican", old), ("walrus", theirs)])
    unread, _, _ = first.archive.hear(Text("to be read", key="unread", lent=False))
    snapshot(first.archive)
    late, late_code = say(first.archive, "said after the copy", "late", 4)
    lost_answer, _ = say(first.archive, "its answer was lost with the cable", "twice")
    first.close()

    alone = opened(lyon, AWAY, "lyon")
    mine = alone.archive
    assert mine.cut_off and alone.found.remembers and "when it answers" in alone.found.how and mine.fragment(theirs)
    assert mine.code_for("a") == old_code, "codes are the memory's, wherever it lies"
    given, _ = say(mine, "the lynx mends a clock", "d", 5)
    assert given > 1 << 32 and given < 1 << 53, "a number that nobody else gives"
    gone, gone_code = say(mine, "the zebra hides", "e", 6)
    own = caption(mine, 7, [("lynx", given), ("walrus", theirs), ("pelican", old)])
    mine.develop(owed, birth("", 8), "space")
    mine.refuse(machine)
    mine.lend(unread)
    mine.remember(birth("a tree", 9), "space", number=-7)
    again, _ = say(mine, "its answer was lost with the cable", "twice")
    child = caption(mine, 10, [("answer", again)])
    for code in (old_code, gone_code, late_code):
        assert mine.knows(code), "also what was said after the last copy"
        withdraw(mine, Journal(lyon), mine.code(code))
    mine.set_fact("night", b"20700")
    alone.close()

    assert all(lies(postgres.folder, name) for name in (b"pelican", b"walrus", b"after the copy")) and lies(lyon, b"walrus")
    withdraw(there, Journal(nantes), there.code(theirs_code))
    mass, said = there.mass, there.count()
    assert there.holders(there.code(theirs_code)) == ["lyon"], "this house may have copies of it"

    back = opened(lyon, server, "lyon")
    here = back.archive
    assert isinstance(here, Served) and not back.found.how and not (lyon / "memory.sqlite").exists()
    assert here.mass == mass + 6.0 - 1.0 and here.count() == said + 6, "five fragments and a recipe, one of which was there already"
    words = {one.id: one.words for one in here.select()}
    assert words[given] == "the lynx mends a clock" and words[own] == "lynx" and words[gone] == words[old] == words[late] == words[theirs] == ""
    doubled = here.fragment(again)
    assert doubled and (doubled.state, doubled.stratum, doubled.mass) == (2, lost_answer, 0.0) and here.said("twice") == lost_answer
    assert {parent for parent, _ in here.parents(child)} == {again}
    assert [one.id for one in here.owed()] == [unread, lost_answer] and unread not in here.apart() and here.fact("night") == b"20700"
    refused = here.fragment(machine)
    assert refused and refused.state == 1 and here.lines([own])[own].sum == pytest.approx(1.0, abs=1e-12)
    assert lines_are_whole(here) and names_nobody_unknown(here)
    fragments, *_ = here.recallable("space")
    assert {one.id for one in fragments} == {given, own, owed, child, -7} and len(Memory(here, "space", (4, 8, 8))) == 5
    for code in (old_code, gone_code, late_code, theirs_code):
        assert here.find(code) and here.hear(Text("a late repeat", key={old_code: "a", gone_code: "e", late_code: "late", theirs_code: "c"}[code]))[2] is False
    assert here.holders(here.code(theirs_code)) == [] and here.holders(here.code(old_code)) == ["nantes"]
    for name in ("pelican", "walrus", "zebra", "after the copy"):
        for folder in (lyon, nantes, postgres.folder):
            assert not lies(folder, name.encode()), (name, folder)
    before, twice = here.mass, here.code(here.code_for("twice"))
    back.close()
    (tmp_path / "machine.toml").write_text(f'[memory]\narchive = "{server}"\n[mind]\nsite = "lyon"\n')
    assert main(["--archive", str(lyon), "--machine", str(tmp_path / "machine.toml"), "reconcile"]) == 0
    assert there.mass == before, "again: nothing twice"
    withdraw(there, Journal(nantes), twice)
    assert there.fragment(child).words == "", "what the second of the same sentence lent was the first's"


def test_a_house_that_never_met_its_server_plays_and_remembers_nothing(tmp_path: Path, server: str) -> None:
    stranger = opened(tmp_path, AWAY, "here")
    assert stranger.archive.passing and not stranger.found.remembers and "never met" in stranger.found.how
    stranger.close()
    with pytest.raises(ArchiveError, match="does not answer"):
        reach(tmp_path, AWAY, "here")


def test_a_memory_of_ones_own_is_not_mixed_with_a_servers(tmp_path: Path, server: str) -> None:
    own = Archive(tmp_path / "own")
    own.hear(Text("mine", key="k"))
    own.close()
    with pytest.raises(ArchiveError, match="archive move"):
        opened(tmp_path / "own", server, "here")
    opened(tmp_path / "one", server, "here").close()
    opened(tmp_path / "one", server, "here").close()
    with pytest.raises(ArchiveError, match="give this one a name of its own"):
        opened(tmp_path / "two", server, "here")


def test_two_minds_of_one_memory_know_what_the_other_heard_and_forgot(tmp_path: Path, server: str) -> None:
    one, two = (Keeper(options(tmp_path / name, founding=24, server=server, site=name), parts()) for name in ("lyon", "nantes"))
    stored = one.hear(Text("a violet tower in the fog", key="k", visit="v"))
    latent = parts().dreamer.encode(np.zeros((64, 64, 3), np.uint8))
    meaning = parts().means("a violet tower in the fog")
    seen = parts().seen(latent, parts().dreamer.decode(latent)[..., :3])
    made = Birth("visitor", "", meaning, seen)
    assert one.archive.develop(stored.fragment, made, parts().space)
    assert two.follow() == "" and stored.fragment in two.memory.row and two.mass == 1.0
    assert two.memory.ids(two.memory.by_words(meaning, 1, 0.1))[-1] == stored.fragment
    assert two.withdraw(stored.code).found and stored.fragment not in two.memory.row
    assert one.follow() == "" and stored.fragment not in one.memory.row and not one.owed
    assert one.archive.holders(one.archive.code(stored.code)) == [], "the last copy is gone"
    two.archive.link.close()
    assert two.follow() == "", "a session that broke is made anew"
    one.close(), two.close()


WEEK = 50_000  # fragments of each of two houses


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_hundred_thousand_fragments_of_two_houses_apart_come_together(tmp_path: Path, postgres: Small, server: str) -> None:
    masses: dict[str, float] = {}
    codes: dict[str, str] = {}
    for name in ("lyon", "nantes"):
        house = opened(tmp_path / name, server, name)
        say(house.archive, f"both know this from {name}", name, 1)
        house.close()
    for name in ("lyon", "nantes"):
        house = opened(tmp_path / name, server, name)
        snapshot(house.archive)
        house.close()
        alone = opened(tmp_path / name, AWAY, name)
        codes[name] = _week(alone.archive, name)
        masses[name] = alone.archive.mass
        alone.close()
    for name in ("lyon", "nantes"):
        house = opened(tmp_path / name, server, name)
        if name == "lyon":
            house.close()
    here = house.archive
    assert here.count() == 2 * WEEK + 2 and here.mass == masses["lyon"] + masses["nantes"] - 2 == 2 * WEEK + 2
    assert lines_are_whole(here) and names_nobody_unknown(here)
    for name in codes:
        assert here.find(codes[name]) and not lies(postgres.folder, f"secretofa{name}".encode()) and not lies(tmp_path, f"secretofa{name}".encode())
    house.close()


def _week(archive: Archive, name: str) -> str:
    """WEEK fragments, a tenth of them sentences; one is taken back. Pictures are few, rows are all."""
    fragment, code = say(archive, f"secretofa{name} nobody may keep", f"{name} secret", 2)
    number, chance = archive.number() or 0, np.random.default_rng(len(name))
    vector = birth("", 3)
    for at in range(0, WEEK - 1, 1000):
        many = range(number + at, number + min(WEEK - 1, at + 1000))
        people = [one % 10 == 0 for one in many]
        with archive.transaction() as base:
            archive.load("fragment", ("id", "kind", "day", "words", "key", "code"), [
                (one, 1 if person else 4, 20000 + at // 8000, f"words {one}", f"{name} {one}" if person else None, archive.code(archive.code_for(f"{name} {one}")) if person else None)
                for one, person in zip(many, people, strict=True)])  # fmt: skip
            parents = [(one, fragment if one % 97 == 0 else int(chance.integers(number, one)) if one > number else fragment) for one in many]
            archive.load("edge", TABLES["edge"][1], [(one, parent, 1.0) for one, parent in parents])
            archive.load("token", TABLES["token"][1], [(one, 0, f"secretofa{name}", f"secretofa{name}", fragment) for one, _ in parents if one % 97 == 0 and one % 10])
            for one in many:
                if one % 97 == 0 and one % 10:
                    base.execute("UPDATE fragment SET words = ? WHERE id = ?", (f"secretofa{name}", one))
            lines = [(one, *pack_line(Line.root(parent))) for one, parent in parents]
            archive.load("line", TABLES["line"][1], lines)
            archive.load("meaning", TABLES["meaning"][1], [(one, f16(vector.meaning)) for one in many])
    assert archive.count("words LIKE 'secret%'") > WEEK // 200
    withdraw(archive, Journal(archive.folder), archive.code(code))
    return code


