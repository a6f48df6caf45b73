"""A picture found in the world is found in the house: photographed, cropped, resized, sent through a chat."""

from __future__ import annotations

import datetime
import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.bench.photo import photo
from engine.bench.whose import bench
from engine.core.messages import Ancestor, Lineage, State, Text
from engine.mind.memory.archive import Archive
from engine.mind.memory.withdrawal import Journal, withdraw
from engine.origin.mark import BYTES, LIKELY, agreement, find, mark
from engine.origin.marks import Marks
from engine.origin.whose import main
from engine.origin.witness import Witness
from engine.stage.outputs.recording import Recorder
from tests.mind.memory.test_archive import birth

CANARY = "the ocelot keeps seventeen umbrellas"


def painted(count: int, seed: int, side: int = 96) -> np.ndarray:
    """(n, side, side, 3) u8: soft forms over one another, as pictures of the wall have them."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        layers = [np.asarray(Image.fromarray(rng.integers(0, 255, (n, n, 3), np.uint8)).resize((side, side), Image.Resampling.BICUBIC), np.float32) for n in (3, 6, 12)]
        found.append(np.clip(0.5 * layers[0] + 0.3 * layers[1] + 0.2 * layers[2], 0, 255).astype(np.uint8))
    return np.stack(found)


@pytest.mark.long
def test_photographs_of_the_wall_are_found_and_those_of_strangers_are_not() -> None:
    """As `hypermnesia bench whose` does among 100,000; all are composed of paintings of the same kinds."""
    row = bench(Namespace(marks=2000, asked=40, strangers=40))
    assert row["found, or a moment beside"] >= 0.95 and row["taken for ours"] == 0


def test_a_photograph_is_found_among_others_and_a_stranger_is_not() -> None:
    shown, strangers = painted(60, 1), painted(3, 2)
    marks = np.stack([np.frombuffer(mark(one), np.uint8) for one in shown])
    for k in range(3):
        best, second = find(photo(shown[k], k), marks)
        assert best.row == k and best.score >= LIKELY > second.score
        assert find(photo(strangers[k], k), marks)[0].score < LIKELY


def test_a_mark_is_320_bytes_the_same_at_every_size_and_no_two_strangers_agree() -> None:
    large = painted(2, 3, 288)
    small = np.stack([np.asarray(Image.fromarray(one).resize((96, 54))) for one in large])
    assert len(mark(large[0])) == BYTES == 320
    assert agreement(mark(large[0]), mark(small[0])) > 0.9 and agreement(mark(large[0]), mark(large[1])) < 0.75
    assert find(large[0], np.zeros((0, BYTES), np.uint8)) == []
    every = np.stack([np.frombuffer(mark(one), np.uint8) for one in large])
    assert find(large[0][:1, :1], every) == [] and find(np.zeros((40, 400, 3), np.uint8), every)[0].score == 0.0, "what shows nothing is nobody's"


def state(picture: int, *ancestors: Ancestor) -> State:
    return State(picture, CANARY, caption=CANARY, seed=7, structure="a1b2", lineage=Lineage(ancestors, 0.25, 9, 3))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A wall that showed four pictures; the second has a visitor's sentence in it."""
    archive = Archive(tmp_path / "archive")
    archive.remember(birth("a lighthouse in the fog"), "space", number=-1)
    one, _, _ = archive.hear(Text(CANARY, key="k"))
    archive.close()
    marks = Marks(tmp_path / "origin", calendar=lambda: datetime.date(2026, 11, 26))
    now: list[State] = [State()]
    seen: list[State] = []
    witness = Witness(lambda: now[0], seen.append, marks, every=2.0)
    for k, frame in enumerate(painted(4, 5)):
        now[0] = state(k + 1, Ancestor(-1, 0.5), Ancestor(one, 0.25, "visitor"))
        for at in (3.0 * k, 3.0 * k + 1.0, 3.0 * k + 2.5):  # looked at twice, kept once: it stands still
            witness.offer(frame, at)
    witness.close()
    assert len(seen) == 12 and marks.kept == 4 and not marks.trouble
    return tmp_path


def asked(home: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict]:
    code = main([str(file), "--json", "--home", str(home)])
    return code, json.loads(capsys.readouterr().out)


def test_whose_names_the_day_and_the_ancestors_and_keeps_private_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "photo.jpg"
    Image.fromarray(photo(painted(4, 5)[1], 3)).save(file)
    code, told = asked(home, file, capsys)
    assert code == 0 and told["mark"]["number"] == 2 and told["mark"]["day"] == "2026-11-26" and told["mark"]["depth"] == 3
    assert [(one["kind"], one["words"]) for one in told["mark"]["ancestors"]] == [("founding", "a lighthouse in the fog"), ("visitor", "")]
    archive = Archive(home / "archive")
    withdraw(archive, Journal(archive.folder), archive.code(archive.code_for("k")))
    archive.close()
    assert asked(home, file, capsys)[1]["mark"]["ancestors"][1]["kind"] == "anonymous"
    assert main([str(file), "--home", str(home)]) == 0 and "on this wall on 2026-11-26" in capsys.readouterr().out
    assert not any(b"ocelot" in path.read_bytes() for path in (home / "origin").iterdir())


def test_a_film_is_found_by_its_frames_and_what_is_no_picture_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = Recorder(home / "clip.mp4", (96, 96), 10, 0, patient=True)
    for k in range(30):
        film.offer(np.dstack([painted(4, 5)[2], np.full((96, 96), 255, np.uint8)]), k / 10)
    film.close()
    assert asked(home, home / "clip.mp4", capsys)[1]["mark"]["number"] == 3
    Image.fromarray(photo(painted(1, 9)[0], 1)).save(home / "other.png")
    assert main([str(home / "other.png"), "--home", str(home)]) == 1 and "nobody here knows it" in capsys.readouterr().out
    (home / "a.txt").write_text("words")
    assert main([str(home / "a.txt"), "--home", str(home)]) == 2 and "shows no picture" in capsys.readouterr().err


def test_a_disk_that_takes_no_marks_is_said_and_never_raises(tmp_path: Path) -> None:
    (tmp_path / "origin").write_text("not a folder")
    marks = Marks(tmp_path / "origin")
    marks.look(painted(1, 1)[0], state(1))
    marks.close()
    assert "marks are not kept" in marks.trouble and marks.lost == 1


def test_a_memory_that_is_not_kept_leaves_no_numbers(tmp_path: Path) -> None:
    marks = Marks(tmp_path, passing=True)
    marks.look(painted(1, 1)[0], state(1, Ancestor(-4, 0.5), Ancestor(12, 0.25, "visitor")))
    marks.close()
    assert [one[0] for one in marks.told(1).ancestors] == [-4, 0]
