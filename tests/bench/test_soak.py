"""The soak's own tools: what grows is found, room by room, and what is remembered by right is no leak."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.bench.soak import EVERY, REMEMBERED, Soak
from engine.house.command import parser

TOP = Path(__file__).parents[2]


def soaked(leak=0.0, fragments=0.0, hours=3.0):
    """Readings of a show that holds 600 MB in two rooms, more by `leak` MB an hour in one of them."""
    rng, made = np.random.default_rng(0), Soak.__new__(Soak)
    made.at = list(np.arange(0.0, 3600.0 * hours, EVERY))
    made.fragments = [fragments * at / 3600.0 for at in made.at]
    made.objects = [120.0] * len(made.at)
    made.rooms = [
        {"mind": (30, 9, 400.0 + leak * at / 3600.0 + REMEMBERED * count + rng.normal()), "doors": (40, 5, 200.0 + rng.normal())}
        for at, count in zip(made.at, made.fragments, strict=True)
    ]
    return made.verdict(60.0 * hours)


def test_what_leaks_is_found_and_where():
    found = soaked(leak=2.0)
    assert len(found["broken"]) == 1 and "memory_beyond" in found["broken"][0]
    slopes = {row["process"]: row["memory_mb_low"] for row in found["each"]}
    assert slopes["mind"] > 0.0 > slopes["doors"]
    assert found["memory_mb_an_hour"] == pytest.approx(2.0, abs=0.4)


def test_what_is_remembered_is_no_leak():
    found = soaked(fragments=400.0)
    assert found["broken"] == "nothing" and found["memory_mb_low"] > 0.0 and found["fragments_an_hour"] == pytest.approx(400.0, rel=0.02)


def test_a_short_run_judges_nothing_and_says_so():
    found = soaked(leak=20.0, hours=0.5)
    assert found["broken"] == "nothing" and found["judged"].startswith("no:")


@pytest.mark.long
@pytest.mark.realtime
@pytest.mark.timeout(900)
def test_three_minutes_of_visitors(tmp_path):
    assert isinstance(parser().parse_args(["bench", "soak"]), argparse.Namespace)
    words = [sys.executable, "-m", "engine", "bench", "soak", "--minutes", "3", "--json", str(tmp_path / "figures")]
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures").read_text())["figures"]
    assert figures["visitors"] >= 1 and figures["stored"] >= 1 and {"loop", "mind", "sound", "doors"} <= {row["process"] for row in figures["each"]}
