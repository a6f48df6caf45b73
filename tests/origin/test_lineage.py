"""Lineage as data and on paper: PROV of one picture, of an evening; a family tree; nothing of what was taken back."""

from __future__ import annotations

import base64
import datetime
import json
import re
import zlib
from pathlib import Path

import jsonschema
import numpy as np
import prov.tests
import pytest
from PIL import Image
from prov.model import ProvDocument

from engine.core.errors import Plain
from engine.core.machine import Machine, OriginFacts
from engine.core.messages import Text
from engine.gallery import day
from engine.mind.memory.archive import Archive
from engine.mind.memory.command import main as archive_main
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.withdrawal import Journal, withdraw
from engine.origin import credential
from engine.origin.family import family
from engine.origin.sheet import readable, sheet
from engine.origin.tree import main
from tests.mind.memory.test_archive import birth

SCHEMA = json.loads((Path(prov.tests.__file__).parent / "schemas" / "prov-json.schema.json").read_text())  # of the W3C submission
CANARY = "the ocelot keeps seventeen umbrellas"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Ten visitors of two days: each descends from the one before, from itself, and from founding memories."""
    days = [datetime.date(2026, 11, 20)]
    archive = Archive(tmp_path / "archive", calendar=lambda: days[0])
    for number in range(1, 13):
        archive.remember(birth(f"a lighthouse, number {number}", number), "space", number=-number)
    last = -1
    for number in range(1, 11):
        days[0] = datetime.date(2026, 11, 20 + (number > 5))
        one, _, _ = archive.hear(Text(CANARY if number == 4 else f"a sentence of my own, {number}", key=f"k{number}"))
        parents = [(last, 0.3), (one, 0.1), *((-1 - (number + k) % 12, 0.6 / 10) for k in range(10))]
        line = descend([(share, archive.lines([p]).get(p) or Line.root(p)) for p, share in parents if p != one], own=one)
        archive.develop(one, birth(seed=number, parents=parents, line=line), "space")
        last = one
    archive.close()
    return tmp_path


def run(home: Path, *words: str) -> tuple[ProvDocument, dict[str, dict[str, dict[str, object]]]]:
    """The exported document as the reference library reads it, and as it stands; valid against the schema."""
    path = home / "lineage.json"
    assert archive_main(["--archive", str(home / "archive"), "export", str(path), *words]) == 0
    found = json.loads(path.read_text())
    jsonschema.Draft4Validator(SCHEMA).validate(found)
    return ProvDocument.deserialize(str(path), format="json"), found


def test_lineage_of_everything_of_one_picture_and_of_an_evening_is_valid_prov(home: Path) -> None:
    whole, found = run(home)
    assert len(found["entity"]) == 22 and len(whole.get_records()) > 22
    one, told = run(home, "--picture", "3")
    assert {"hm:fragment/1", "hm:fragment/2", "hm:fragment/3"} <= told["entity"].keys() and "hm:fragment/4" not in told["entity"]
    named = {end for edge in told["wasDerivedFrom"].values() for end in (edge["prov:generatedEntity"], edge["prov:usedEntity"])}
    assert named <= told["entity"].keys(), "nobody is named who is not told of"
    shares = [edge["hm:share"] for edge in told["wasDerivedFrom"].values() if edge["prov:generatedEntity"] == "hm:fragment/3"]
    assert sum(shares) == pytest.approx(1.0), "with weights"  # type: ignore[arg-type]
    _, first = run(home, "--evening", "2026-11-20")
    assert len([key for key in first["entity"] if "/-" not in key]) == 5
    _, second = run(home, "--evening", "2026-11-21")
    assert len([key for key in second["entity"] if "/-" not in key]) == 10, "and whom it descends from"
    assert one


def test_what_does_not_exist_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("--picture", "999"), ("--evening", "2031-01-01")):
        assert archive_main(["--archive", str(home / "archive"), "export", str(home / "a.json"), *words]) == 1
    assert "ids go from 1" in (said := capsys.readouterr().err) and "nothing came into this memory on 2031-01-01" in said


def test_what_was_taken_back_stands_in_the_lineage_as_anonymous_and_its_words_nowhere(home: Path) -> None:
    archive = Archive(home / "archive")
    code = archive.code_for("k4")
    before = family(archive, archive.find(code), own=True)
    assert before.generations[0][0].words == CANARY, "who has the code may read their own words"
    withdraw(archive, Journal(archive.folder), archive.code(code))
    tree = family(archive, 5)
    shares = [sum(member.share for member in row) for row in tree.generations]
    assert shares[1] == pytest.approx(1.0) and [m.kind for m in tree.generations[1] if m.fragment == 4] == ["anonymous"]
    archive.close()
    _, found = run(home)
    assert found["entity"]["hm:fragment/4"]["hm:kind"] == "anonymous" and CANARY not in json.dumps(found)
    for name in ("a.svg", "a.pdf"):
        assert main(["5", str(home / name), "--home", str(home)]) == 0
        verdict = credential.read(home / name)
        assert verdict.sound and verdict.lineage and "anonymous" in verdict.lineage["kinds"]
        assert b"ocelot" not in (home / name).read_bytes()


def test_a_tree_keeps_the_sum_merges_who_comes_twice_and_draws_every_row(home: Path) -> None:
    archive = Archive(home / "archive")
    tree = family(archive, 10, 4)
    assert len(tree.generations) == 5 and tree.depth == 10
    for k, row in enumerate(tree.generations[1:], 1):
        assert len({member.fragment for member in row if member.fragment}) == len([member for member in row if member.fragment])
        into = sum(share for generation, _, _, share in tree.bonds if generation == k)
        assert into == pytest.approx(sum(member.share for member in row))
    drawn = sheet(tree, lambda one: np.zeros((8, 8, 3), np.uint8), datetime.date(2026, 11, 26))
    left, low, right, high = drawn.getBounds()
    assert left >= 0 and low >= 0 and right <= 595.1 and high <= 842.1, "on the paper"
    assert readable("a lighthouse, la mer") == "a lighthouse, la mer" and readable("море") == "words in another script"
    archive.close()


def test_who_has_nothing_of_a_picture_is_no_ancestor_of_it(home: Path) -> None:
    """A softmax leaves 0 to whom nobody sees in a picture, and older memories hold such parents."""
    archive = Archive(home / "archive")
    one = archive.remember(birth(seed=40, parents=[(-1, 1.0), (-2, 0.0)], line=descend([(1.0, Line.root(-1)), (0.0, Line.root(-2))])), "space")
    tree = family(archive, one)
    assert [member.fragment for member in tree.generations[1]] == [-1]
    sheet(tree, lambda number: None, datetime.date(2026, 11, 27))
    archive.close()


def test_the_page_of_a_pdf_is_the_sheet_and_lines_of_an_svg_are_as_wide_as_they_were_measured(home: Path) -> None:
    """It hung off the lower left corner of its page, and a third of it was not on the paper."""
    for name in ("a.svg", "a.pdf"):
        assert main(["10", str(home / name), "--home", str(home), "--machine", str(unsigned(home))]) == 0
    pdf = (home / "a.pdf").read_bytes()
    streams = (zlib.decompress(base64.a85decode(found, adobe=False)) for found in re.findall(rb"/ASCII85Decode.*?stream\n(.*?)~>", pdf, re.S))
    page = next(each for each in streams if b"Whose is this picture" in each)
    assert b"/MediaBox [ 0 0 595 842 ]" in pdf and [float(n) for n in page.split(b" cm", 1)[0].split()[-2:]] == [0.0, 0.0]
    lines = re.findall(r'<text [^>]*textLength="([\d.]+)"[^>]*font-family: ([^;]+);', (home / "a.svg").read_text())
    assert len(lines) > 30 and all(float(wide) > 0 and "," in fonts for wide, fonts in lines)


def unsigned(home: Path) -> Path:
    (home / "machine.toml").write_text("[origin]\nsign = false\n")
    return home / "machine.toml"


def test_a_tree_that_cannot_be_drawn_is_said(tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for of, name, said in (("999", "a.svg", "no memory 999"), ("zzzzzzzzzz", "a.svg", "nobody was given this code"), ("1", "a.gif", ".svg or a .pdf")):
        assert main([of, str(home / name), "--home", str(home)]) == 2
        assert said in capsys.readouterr().err
    assert main(["1", str(tmp_path / "a.svg"), "--home", str(tmp_path / "nowhere")]) == 2 and "no memory yet" in capsys.readouterr().err


def test_the_page_of_a_day_is_signed_and_written_also_where_that_fails(tmp_path: Path) -> None:
    days = tmp_path / "days"
    days.mkdir()
    (days / "2026-11-26.json").write_text(json.dumps({"date": "2026-11-26"}))
    Image.fromarray(np.zeros((90, 160, 3), np.uint8)).save(days / "2026-11-26.jpg")
    _, page = day.make(days, "", Machine(), tmp_path)
    assert credential.read(page).sound and credential.read(days / "2026-11-26.jpg").sound
    page.unlink()
    with pytest.raises(Plain, match=r"is written, and not signed: .*none\.pem"):
        day.make(days, "", Machine(origin=OriginFacts(certificate=str(tmp_path / "none.pem"), key="none.key")), tmp_path)
    assert page.read_bytes().startswith(b"%PDF")
