"""Recordings are signed while the show goes on, and what a kill cut is signed by the next start."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np

from engine.core.machine import OriginFacts
from engine.core.messages import Ancestor, Lineage, State
from engine.origin import credential
from engine.origin.notary import Notary
from engine.stage.outputs.encoder import Encoder
from engine.stage.outputs.recording import Recording

STATE = State(1, structure="a1b2", lineage=Lineage((Ancestor(7, 0.75, "visitor"),), 0.25, 5, 2))
SHOW = """
import sys, time
from pathlib import Path
from engine.core.machine import OriginFacts
from engine.origin.notary import Notary
from engine.stage.outputs.recording import Recording
from tests.origin.test_notary import STATE, playing
folder = Path(sys.argv[1])
notary, recording = Notary(folder / "origin", OriginFacts(), "embedded"), Recording(folder / "show.mp4")
tap = playing(notary, recording)
while not any("visitor" in note.read_text() for note in (folder / "origin" / "unsigned").glob("*.json")):
    time.sleep(0.05)
print(recording.files[0], flush=True)
time.sleep(60)
"""


def playing(notary: Notary, recording: Recording) -> Encoder:
    """A second and a half of a show."""
    recording.opened, recording.closed = notary.begun, notary.finished
    tap = Encoder([recording], (64, 48), 20, 0, patient=True)
    rng = np.random.default_rng(0)
    for k in range(30):
        tap.offer(rng.integers(0, 255, (48, 64, 4), np.uint8), k / 20)
        notary.see(STATE)
    return tap


def until(done: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.05)
    assert done()  # type: ignore[operator]


def test_a_recording_is_signed_when_it_is_finished_and_goes_on_where_that_fails(tmp_path: Path) -> None:
    broken = OriginFacts(certificate=str(tmp_path / "none.pem"), key=str(tmp_path / "none.key"))
    notary, recording = Notary(tmp_path / "origin", broken, "embedded"), Recording(tmp_path / "show.mp4")
    playing(notary, recording).close()
    until(lambda: notary.trouble)
    assert "none.pem cannot be read" in notary.trouble and "goes on" in notary.trouble
    playing(notary, recording).close()
    assert len(recording.files) == 2 and recording.lost == 0, "it records all the same"
    notary.close()
    again = Notary(tmp_path / "origin", OriginFacts(), "embedded")
    until(lambda: again.signed == 2)
    again.close()
    for file in recording.files:
        verdict = credential.read(file)
        assert verdict.sound and verdict.lineage and verdict.lineage["kinds"] == {"visitor": 0.75}
        with av.open(str(file)) as film:
            assert len([frame for frame in film.decode(video=0)]) == 30
    assert again.trouble == "" and not again.unsigned.all()


def test_a_file_cut_by_a_kill_is_signed_at_the_next_start(tmp_path: Path) -> None:
    show = subprocess.Popen([sys.executable, "-c", SHOW, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert show.stdout
    file = Path(show.stdout.readline().strip())
    show.send_signal(signal.SIGKILL)
    show.wait()
    with file.open("ab") as torn:
        torn.write(b"\0\1\0\0moof half a fragment")
    assert credential.read(file).state == ""
    again = Notary(tmp_path / "origin", OriginFacts(), "embedded")
    until(lambda: again.signed == 1)
    again.close()
    verdict = credential.read(file)
    assert verdict.sound and verdict.lineage == {"kinds": {"visitor": 0.75}, "unnamed": 0.25, "depth": 2, "ancestors": 5}
