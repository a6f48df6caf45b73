"""A start, looked at: milestones of all rooms in the order of time, and light at the end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core import milestones

TOP = Path(__file__).parents[2]


def test_nothing_is_written_where_nobody_asks_and_rooms_write_side_by_side_where_somebody_does(tmp_path, monkeypatch):
    monkeypatch.delenv(milestones.FILE, raising=False)
    milestones.passed("loop", "light")
    monkeypatch.setenv(milestones.FILE, str(tmp_path / "told"))
    milestones.passed("mind", "its code")
    milestones.passed("loop", "light")
    with (tmp_path / "told").open("a") as file:
        file.write("12.0\t1.0\tdoors\thalf a li")
    assert [(mark.room, mark.what) for mark in milestones.read(tmp_path / "told")] == [("mind", "its code"), ("loop", "light")]
    monkeypatch.setenv(milestones.FILE, "/nowhere/at/all")
    milestones.passed("loop", "light")


@pytest.mark.long
@pytest.mark.realtime
@pytest.mark.timeout(600)
def test_starts_are_told_room_by_room_and_end_in_light(tmp_path):
    words = [sys.executable, "-m", "engine", "bench", "start", "--json", str(tmp_path / "figures")]
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures").read_text())["figures"]
    rows = {(row["room"], row["has"]): row["warm_s"] for row in figures["starts"]}
    assert {"watchdog", "loop", "mind", "sound", "doors"} <= {room for room, _ in rows}
    assert rows["mind", "a model"] < rows["mind", "what it remembers"] < rows["loop", "a picture of the mind's"] < rows["loop", "light"]
    assert 0.0 < figures["light_warm_s"] <= figures["light_warm_slowest_s"]
