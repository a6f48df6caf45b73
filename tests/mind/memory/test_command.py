"""`hypermnesia archive`: every subcommand of its own help does what it says."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.core.messages import Dream, Text
from engine.mind.memory.archive import Archive, Birth, Seen
from engine.mind.memory.command import EXAMPLES, _parser, main
from engine.mind.mind import Mind
from engine.painter.recipe import FIRST_BY_HASH
from tests.mind.memory.test_archive import grep
from tests.mind.small_mind import options, parts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mind = Mind(options(tmp_path / "archive", founding=24, keyframe=0.2), parts=parts())
    mind.hear(Text("the ocelot keeps seventeen umbrellas", key="k"))
    for number in range(8):
        mind.picture(Dream("the ocelot keeps seventeen umbrellas"), number / 2)
    mind.close()
    return tmp_path / "archive"


def run(folder: Path, *words: str) -> int:
    return main(["--archive", str(folder), *words])


def test_status_counts_what_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "status") == 0
    told = capsys.readouterr().out
    assert "visitor           1" in told and int(told.split("founding")[1].split()[0]) > 0, "those that became parents" and "snapshots: none" in told


def test_show_tells_parents_and_ancestors_and_keeps_private_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "show", "1") == 0
    told = capsys.readouterr().out
    assert "visitor" in told and "parent" in told and "ancestor" in told and "ocelot" not in told
    assert run(folder, "show", "9999") == 1
    assert "ids go from 1" in capsys.readouterr().err


def test_forget_takes_back_from_disk_and_copies(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from engine.mind.memory.archive import Archive

    archive = Archive(folder)
    code = archive.code_for("k")
    archive.close()
    assert run(folder, "snapshot") == 0 and grep(folder / "snapshots", "ocelot")
    assert run(folder, "forget", "aaaaaaaaaa") == 1
    assert "nobody was given this code" in capsys.readouterr().err
    assert run(folder, "forget", code) == 0
    assert not grep(folder, "ocelot") and not grep(folder, "umbrellas")


def test_export_is_prov_with_weights_and_without_private_words(folder: Path, tmp_path: Path) -> None:
    assert run(folder, "export", str(tmp_path / "lineage.json")) == 0
    text = (tmp_path / "lineage.json").read_text(encoding="utf-8")
    document = json.loads(text)
    derived = list(document["wasDerivedFrom"].values())
    labels = [one["prov:label"] for name, one in document["entity"].items() if "/-" in name]
    assert len(document["entity"]) >= 9 and "ocelot" not in text and labels and all(label.startswith("a ") for label in labels)
    for child in {one["prov:generatedEntity"] for one in derived}:
        shares = [one["hm:share"] for one in derived if one["prov:generatedEntity"] == child]
        assert sum(shares) == pytest.approx(1, abs=0.05)


def test_a_snapshot_comes_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "restore") == 1
    assert "there is no snapshot" in capsys.readouterr().err
    assert run(folder, "snapshot") == 0 and run(folder, "restore") == 0 and run(folder, "compact", "--days", "0") == 0
    assert run(folder, "restore", "1999-01-01") == 1
    assert "there are: 2" in capsys.readouterr().err


def test_while_a_show_runs_nothing_is_changed_from_outside(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mind = Mind(options(folder, founding=24), parts=parts())
    assert run(folder, "compact") == 1 and "in use by a show" in capsys.readouterr().err
    assert run(folder, "status") == 0, "looking is allowed"
    mind.close()


def test_an_archive_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["status"], ["export"], ["compact"]):
        assert run(tmp_path / "nothing", *words) == 1
        assert "no archive is there" in capsys.readouterr().err


def test_every_example_of_the_help_is_understood() -> None:
    lines = [line.split("   ")[0].split() for line in EXAMPLES.splitlines()[1:]]
    for _, _, *words in lines:
        assert _parser().parse_args(words).what == words[0]


def test_recipes_are_told_by_their_negative_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, folder = Archive(tmp_path), tmp_path
    vector, seen = np.ones(8, np.float32), Seen(np.zeros((4, 4, 4), np.float16), np.ones(8, np.float32))
    for number in (-3, -(FIRST_BY_HASH + 5)):
        archive.remember(Birth("founding", "a red moon", vector, seen), "space", number=number)
    child = archive.remember(Birth("machine", "", vector, seen, [(-3, 1.0)]), "space")
    archive.close()
    assert run(folder, "status") == 0
    assert "recipes that became parents 2: 1 of the founding table, 1 of crowds for words" in capsys.readouterr().out
    assert run(folder, "show", str(child)) == 0 and " -3 100.0% recipe" in capsys.readouterr().out
    assert run(folder, "show", "-3") == 0 and "-3: recipe" in capsys.readouterr().out
    assert run(folder, "show", "-2") == 0 and "not kept" in capsys.readouterr().out
    assert run(folder, "show", "-999999") == 1 and "recipes are kept here" in capsys.readouterr().err
