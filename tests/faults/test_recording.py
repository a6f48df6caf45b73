"""Recordings on disks that fill up, under restarts: nothing is overwritten, and every file plays to its end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

from engine.__main__ import main, parser
from engine.core.machine import Machine
from engine.house.plan import plan
from engine.stage.outputs.encoder import Encoder, Segment
from engine.stage.outputs.recording import Recording
from tests.faults.disks import disk, full

SIZE, FPS = (160, 90), 30
NOISE = np.random.default_rng(0).integers(0, 255, (120, 90, 160, 4), np.uint8)  # about 1 MB a second


def play(recording: Recording, frames: int, origin: int = 0) -> Encoder:
    tap = Encoder([recording], SIZE, FPS, 0, patient=True)
    show(tap, frames, origin)
    return tap


def show(tap: Encoder, frames: int, origin: int = 0) -> None:
    for index in range(origin, origin + frames):
        tap.offer(NOISE[index % len(NOISE)], index / FPS)


def seconds(path: Path) -> float:
    with av.open(str(path)) as film:
        return len([frame for frame in film.decode(video=0)]) / FPS


def test_a_show_that_starts_again_leaves_the_earlier_recording_alone(tmp_path: Path) -> None:
    noon = lambda: time.gmtime(0)  # noqa: E731  # both starts within one second
    for _ in range(2):
        play(Recording(tmp_path / "show.mp4", now=noon), 30).close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["show-1970-01-01-000000-2.mp4", "show-1970-01-01-000000.mp4"]
    assert all(seconds(file) == 1.0 for file in files)


def test_a_recording_survives_a_disk_that_was_full_for_a_while(tmp_path: Path) -> None:
    clock = [0.0]
    with disk(tmp_path / "disk", "4m") as place:
        recording = Recording(place / "show.mp4", seconds=lambda: clock[0])
        tap = play(recording, 60)
        tap.hear(np.zeros((0, 2), np.float32), 0.0)
        with full(place):
            show(tap, 60, 60)
            settle(tap)
            assert "nearly full" in recording.trouble and str(place) in recording.trouble
            clock[0] += 60
            show(tap, 30, 120)
            settle(tap)
            assert len(recording.files) == 1 and recording.trouble
        clock[0] += 60
        show(tap, 60, 150)
        tap.close()
        assert recording.trouble == "" and tap.trouble == "" and recording.lost > 0
        first, second = recording.files
        assert 0.9 <= seconds(first) <= 2.0 and 1.0 <= seconds(second) <= 2.0, "each plays, and only whole pieces"


def settle(tap: Encoder) -> None:
    """Wait until what was offered is encoded."""
    done = threading.Event()
    tap._queue.put(done.set)
    assert done.wait(20)


def test_half_a_segment_never_stays_in_the_file(tmp_path: Path) -> None:
    """A nearly full disk takes what fits of a write and says no word."""
    with disk(tmp_path / "disk", "256k") as place:
        recording = Recording(place / "show.mp4")
        recording.put(Segment(b"a" * 1000, True, 0.0))
        recording.put(Segment(b"b" * 100_000, False, 0.5))
        assert recording.put(Segment(b"c" * 300_000, False, 1.0)) and "no space" in recording.trouble.lower()
        assert recording.files[0].read_bytes() == b"a" * 1000 + b"b" * 100_000


def test_a_place_that_cannot_be_written_is_a_trouble_and_no_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    recording = Recording(tmp_path / "file" / "show.mp4")
    tap = play(recording, 30)
    tap.close()
    assert tap.trouble == "" and tap.frames == 30 and "stands still" in recording.trouble


def test_recordings_never_take_the_last_room_of_a_disk(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "1m") as place:
        (place / "others").write_bytes(bytes(1_020_000))
        recording = Recording(place / "show.mp4")
        recording.put(Segment(b"a" * 1000, True, 0.0))
        assert "nearly full" in recording.trouble and not list(place.glob("show*"))


def test_a_budget_spares_what_is_not_a_recording_and_what_is_being_written(tmp_path: Path) -> None:
    (tmp_path / "show-final.mp4").write_bytes(bytes(300_000))
    (tmp_path / "show-2099-01-01-000000.mp4").write_bytes(bytes(300_000))
    recording = Recording(tmp_path / "show.mp4", budget=100_000)
    recording.put(Segment(b"a" * 1000, True, 0.0))
    assert recording.put(Segment(b"b" * 60_000, False, 0.5)) is False, "a new file, so that this one can go some day"
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["show-final.mp4", recording.files[0].name])


def test_hours_and_budget_of_recordings_stand_in_the_machine_file(tmp_path: Path) -> None:
    file = tmp_path / "machine.toml"
    file.write_text("[record]\nfile = 'films/show.mp4'\nhours = 0.5\nbudget = 20\n")
    machine = Machine.read(file)
    show = plan(parser().parse_args(["run", "--home", str(tmp_path)]), machine)
    assert show.record == tmp_path / "films" / "show.mp4"
    assert (machine.record.hours, machine.record.budget) == (0.5, 20.0)
    assert plan(parser().parse_args(["run", "--record", "a.mp4"]), machine).record == Path("a.mp4")


@pytest.mark.long
def test_a_film_that_the_disk_does_not_take_is_an_error_of_render(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with disk(tmp_path / "disk", "64k") as place, full(place):
        words = ["render", "gap", "--seconds", "0.5", "--size", "160x90", "--model", "composed", "--home", str(tmp_path)]
        assert main([*words, str(place / "a.mp4")]) == 2
    assert "is not whole" in capsys.readouterr().err
