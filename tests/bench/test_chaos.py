"""The bench that ill-treats a show: what it measures with, and a minute of it."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.bench.chaos import growth
from engine.bench.disk import Disk

TOP = Path(__file__).parents[2]


def wandering(rng: np.random.Generator) -> np.ndarray:
    """Two hundred readings of what is alike from one to the next, and grows by nothing."""
    values = np.zeros(200)
    for at in range(1, 200):
        values[at] = 0.7 * values[at - 1] + rng.normal()
    return values


def test_what_only_wanders_seldom_counts_as_growth_and_a_leak_always_does() -> None:
    rng, hours = np.random.default_rng(3), np.arange(200) / 600.0
    found = [growth(hours, wandering(rng)) for _ in range(200)]
    assert sum(abs(slope) > half for slope, half in found) < 0.08 * len(found)
    for _ in range(20):
        slope, half = growth(hours, wandering(rng) + 60.0 * hours)  # twenty in twenty minutes
        assert slope - half > 0.0


@pytest.fixture
def disk(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Disk(tmp_path / "home")
    if made.why:
        pytest.skip(made.why)
    yield made
    made.refuse(False)
    made.close()


def test_a_disk_that_is_full_or_refuses_does_so_for_files_that_are_open_too(disk: Disk) -> None:
    with (disk.folder / "open").open("wb", buffering=0) as file:
        file.write(bytes(4096))
        disk.fill()
        with pytest.raises(OSError) as full:
            file.write(bytes(8192))
        assert full.value.errno == errno.ENOSPC
        disk.empty()
        file.write(bytes(8192))
        disk.refuse(True)
        with pytest.raises(PermissionError):
            file.write(b"x")
        with pytest.raises(PermissionError):
            (disk.folder / "new").touch()
        disk.refuse(False)
        file.write(b"x")


def test_every_byte_of_a_disk_is_looked_at_and_what_was_deleted_is_gone(disk: Disk) -> None:
    for name in ("here", "gone"):
        (disk.folder / name).write_text(f"canary {name} " * 1000)
    os.sync()
    (disk.folder / "gone").unlink()
    (image,) = disk.bytes()
    assert b"canary here" in image.read_bytes() and b"canary gone" not in image.read_bytes()


@pytest.mark.long
@pytest.mark.realtime
@pytest.mark.timeout(600)
def test_two_minutes_of_chaos_leave_nothing_broken(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "engine", "bench", "chaos", "--minutes", "2", "--seed", "5", "--json", str(tmp_path / "figures")]
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures").read_text())["figures"]
    assert figures["broken"] == "nothing" and figures["count"] >= 3 and figures["acknowledged"] > 3
