"""Recording and live view: real encoders, real files, a real kill -9."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from engine.stage.outputs.encoder import Encoder
from engine.stage.outputs.extras import output
from engine.stage.outputs.live import Live, watch
from engine.stage.outputs.recording import Recorder, Recording
from engine.stage.outputs.tap import OutputError, Worker

pytestmark = pytest.mark.realtime

SIZE, FPS, RATE = (160, 90), 30, 48_000


def frame(value: int) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 4), value, np.uint8)


def play(tap: Encoder, seconds: float, flashes: tuple[float, ...] = (), origin: float = 0.0, sound: bool = True) -> None:
    """White frames and clicks at `flashes`, black and silence between; sound in blocks of 256."""
    samples = np.zeros((round(seconds * RATE), 2), np.float32)
    for flash in flashes:
        samples[round(flash * RATE) : round(flash * RATE) + 96] = 0.9
    heard = 0
    for index in range(round(seconds * FPS)):
        at = index / FPS
        white = any(abs(at - flash) < 0.5 / FPS for flash in flashes)
        tap.offer(frame(255 if white else 0), origin + at)
        while sound and heard <= (at + 1 / FPS) * RATE and heard < len(samples):
            tap.hear(samples[heard : heard + 256], origin + heard / RATE)
            heard += 256


def onsets(path: Path) -> tuple[list[float], list[float]]:
    """Seconds at which a white frame and a click come out of a decoder."""
    light, clicks, last = [], [], -1.0
    with av.open(str(path)) as film:
        for decoded in film.decode(video=0):
            if decoded.to_ndarray(format="gray").mean() > 128:
                light.append(float(decoded.pts * decoded.time_base))
    with av.open(str(path)) as film:
        for decoded in film.decode(audio=0):
            begin = float(decoded.pts * decoded.time_base)
            loud = np.flatnonzero(np.abs(decoded.to_ndarray()).max(axis=0) > 0.4)
            if len(loud) and begin + loud[0] / RATE > last + 0.2:
                last = begin + loud[0] / RATE
                clicks.append(last)
    return light, clicks


def length(path: Path, kind: str) -> float:
    with av.open(str(path)) as film:
        ends = [float((f.pts + (f.samples if kind == "audio" else 0)) * f.time_base) for f in film.decode(**{kind: 0})]
    return max(ends)


def test_flash_and_click_come_out_together(tmp_path: Path) -> None:
    tap = Recorder(tmp_path / "show.mp4", SIZE, FPS, RATE, patient=True)
    play(tap, 4, flashes=(0.5, 1.5, 2.5, 3.5), origin=1234.5)
    tap.close()
    light, clicks = onsets(tmp_path / "show.mp4")
    assert len(light) == len(clicks) == 4
    offsets = [(click - flash) * 1e3 for flash, click in zip(light, clicks, strict=True)]
    assert max(map(abs, offsets)) < 3.0, offsets  # ms


def test_a_recording_is_as_long_as_what_was_shown(tmp_path: Path) -> None:
    tap = Recorder(tmp_path / "show.mp4", SIZE, FPS, RATE, patient=True)
    play(tap, 3)
    tap.close()
    assert length(tmp_path / "show.mp4", "video") == pytest.approx(3, abs=0.05)
    assert length(tmp_path / "show.mp4", "audio") == pytest.approx(3, abs=0.05)
    assert tap.lost == 0 and tap.frames == 90


def test_a_sound_room_that_dies_leaves_silence_and_the_picture_goes_on(tmp_path: Path) -> None:
    tap = Recorder(tmp_path / "show.mp4", SIZE, FPS, RATE, patient=True)
    play(tap, 3, sound=False)
    tap.close()
    assert length(tmp_path / "show.mp4", "video") == pytest.approx(3, abs=0.05)
    assert length(tmp_path / "show.mp4", "audio") == pytest.approx(3, abs=0.6)


def test_a_sound_clock_that_drifts_stays_in_step(tmp_path: Path) -> None:
    """A sound card 0.1 % slow: a second and a half away after half an hour, if nobody looks."""
    tap = Recorder(tmp_path / "show.mp4", SIZE, FPS, RATE, patient=True)
    seconds = 20
    for index in range(seconds * FPS):
        tap.offer(frame(255 if index == 19 * FPS else 0), index / FPS)
        block = np.zeros((1600, 2), np.float32)
        at = index * 1600 / (RATE * 0.999)
        click = round((19.0 - at) * RATE)
        if 0 <= click < 1600:
            block[click : click + 64] = 0.9
        tap.hear(block, at)
    tap.close()
    light, clicks = onsets(tmp_path / "show.mp4")
    assert abs(clicks[0] - light[0]) < 0.01


VICTIM = """
import sys, time, numpy as np
from engine.stage.outputs.recording import Recorder, Recording
from engine.stage.outputs.tap import OutputError, Worker
from pathlib import Path
tap = Recorder(Path(sys.argv[1]), (160, 90), 30, 48000)
begun = time.monotonic()
for index in range(10_000):
    at = index / 30
    tap.offer(np.full((90, 160, 4), index % 255, np.uint8), at)
    tap.hear(np.zeros((1600, 2), np.float32), at)
    print(at, flush=True)
    time.sleep(max(0, begun + (index + 1) / 30 - time.monotonic()))
"""


@pytest.mark.realtime
def test_a_recording_cut_by_kill_9_plays_to_within_a_second_of_the_end(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    victim = subprocess.Popen([sys.executable, "-c", VICTIM, str(path)], stdout=subprocess.PIPE, text=True)
    assert victim.stdout
    last = 0.0
    for line in victim.stdout:
        last = float(line)
        if last > 3.2:
            break
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    assert last - 1.0 < length(path, "video") <= last + 0.1
    assert last - 1.0 < length(path, "audio")


def test_recordings_are_cut_by_the_hour_and_each_part_plays_alone(tmp_path: Path) -> None:
    names = iter(range(100))
    sink = Recording(tmp_path / "show.mp4", 1.4 / 3600, now=lambda: time.gmtime(next(names)))
    tap = Encoder([sink], SIZE, FPS, RATE, patient=True)
    play(tap, 5)
    tap.close()
    parts = sorted(tmp_path.glob("show-*.mp4"))
    assert len(parts) == 3 and sum(length(part, "video") for part in parts) == pytest.approx(5, abs=0.2)


def test_the_oldest_recordings_make_room(tmp_path: Path) -> None:
    for name in ("show-2001-01-01-000000.mp4", "show-2001-01-02-000000.mp4"):
        (tmp_path / name).write_bytes(bytes(100_000))
        os.utime(tmp_path / name, (1, 1 + ("02" in name)))
    sink = Recording(tmp_path / "show.mp4", hours=1, budget=150_000)
    tap = Encoder([sink], SIZE, FPS, RATE, patient=True)
    play(tap, 2)
    tap.close()
    assert [part.name for part in sorted(tmp_path.glob("show-200*"))] == ["show-2001-01-02-000000.mp4"]


def test_a_full_disk_is_said_and_the_show_goes_on(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / "show.mp4").symlink_to("/dev/full")
    tap = Recorder(tmp_path / "show.mp4", SIZE, FPS, RATE, patient=True)
    play(tap, 2)
    tap.close()
    assert "No space left" in tap.trouble and tap.frames == 60


def test_an_encoder_that_is_behind_drops_frames_and_counts_them(tmp_path: Path) -> None:
    tap = Recorder(tmp_path / "show.mp4", (1280, 720), FPS, 0)
    for index in range(200):
        tap.offer(np.zeros((720, 1280, 4), np.uint8), index / FPS)
    tap.close()
    assert tap.lost > 0 and tap.lost + tap.frames == 200


def test_a_viewer_who_comes_late_sees_a_whole_stream(tmp_path: Path) -> None:
    live = Live(str(tmp_path / "live"))
    tap = Encoder([live], SIZE, FPS, RATE, patient=True)

    async def view() -> bytes:
        seen = b""
        async for segment in watch(live.address):
            seen += segment
        return seen

    async def show() -> bytes:
        await asyncio.to_thread(play, tap, 2)
        viewer = asyncio.create_task(view())
        await asyncio.to_thread(play, tap, 2, (), 2.0)
        await asyncio.to_thread(tap.close)
        return await viewer

    seen = asyncio.run(show())
    (tmp_path / "seen.mp4").write_bytes(seen)
    assert length(tmp_path / "seen.mp4", "video") == pytest.approx(4, abs=0.1)
    assert b"avcC" in seen and b"mp4a" in seen, "a page reads its codecs there"


def test_a_viewer_who_does_not_read_is_dropped_and_counted(tmp_path: Path) -> None:
    import socket

    live = Live(str(tmp_path / "live"))
    viewer = socket.socket(socket.AF_UNIX)
    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    viewer.connect(live.address)
    tap = Encoder([live], (640, 360), FPS, 0, patient=True)
    random = np.random.default_rng(0)
    for index in range(90):  # noise does not compress: some 20 MB
        tap.offer(random.integers(0, 255, (360, 640, 4), np.uint8), index / FPS)
    tap.close()
    viewer.close()
    assert live.dropped == 1 and tap.frames == 90


def test_nobody_listening_is_an_error_at_once(tmp_path: Path) -> None:
    async def view() -> None:
        async for _ in watch(str(tmp_path / "none")):
            pass

    with pytest.raises(OSError):
        asyncio.run(view())


# --- extras


def test_a_device_that_fails_is_said_once_and_counted() -> None:
    class Fails(Worker):
        def send(self, frame: np.ndarray, at: float) -> None:
            raise OSError("unplugged")

    tap = Fails("fails")
    for index in range(3):
        tap.offer(frame(index), float(index))
    tap.close()
    assert tap.lost == 3 and tap.trouble == "Fails: unplugged"


@pytest.mark.parametrize("kind", ["spout", "syphon", "camera", "ndj"])
def test_an_output_that_cannot_be_had_says_what_is_missing(kind: str) -> None:
    if kind == "camera" and any(Path("/dev").glob("video*")):
        pytest.skip("there is a camera device here")
    with pytest.raises(OutputError, match=r"Windows only|macOS only|modprobe v4l2loopback|pip install|did you mean ndi"):
        output(kind, "hypermnesia", SIZE, FPS)


def test_ndi_sends_picture_and_sound() -> None:
    pytest.importorskip("cyndilib")
    tap = output("ndi", "hypermnesia-test", SIZE, FPS)
    for index in range(3):
        tap.offer(frame(index), index / FPS)
        tap.hear(np.zeros((1600, 2), np.float32), index / FPS)
        time.sleep(0.02)
    tap.close()
    assert isinstance(tap, Worker) and tap.sent + tap.lost == 3 and tap.sent and not tap.trouble
