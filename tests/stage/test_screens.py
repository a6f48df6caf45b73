"""Screens that go and come back, and modes that somebody changed: on an X server whose outputs are really switched.

Xorg's dummy driver has connectors, modes and RandR as a card has them (xserver-xorg-video-dummy); Xvfb has not.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = shutil.which("Xorg") and shutil.which("xrandr") and Path("/usr/lib/xorg/modules/drivers/dummy_drv.so").exists()
pytestmark = [pytest.mark.long, pytest.mark.skipif(not HERE, reason="no Xorg with its dummy driver, or no xrandr, here")]

CARD = """
Section "Device"
  Identifier "card"
  Driver "dummy"
EndSection
Section "Screen"
  Identifier "screen"
  Device "card"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Modes "1024x768"
  EndSubSection
EndSection
"""
PLAY = """
import subprocess, time
from engine.stage.layer import Layer
from engine.stage.stage import Stage
from engine.stage.window import WindowOptions

def output(*words):
    subprocess.run(["xrandr", "--output", "DUMMY0", *words], check=True)

def play(stage, said, good=True):
    until = time.monotonic() + 20.0
    while time.monotonic() < until:
        for _ in range(4):
            stage.show(Layer("testcard"), 0.0)
        stage._looked = 0.0  # the next frame looks at the screens
        wrong = [one for one in stage.walls.wrong.values() if one]
        if bool(wrong) != good and stage.walls.windows["wall"].size == (1024, 768):
            break
    print(said, stage.walls.windows["wall"].size, wrong, flush=True)

stage = Stage((160, 90), window=WindowOptions(fullscreen=True, monitor="DUMMY0"))
play(stage, "begins")
output("--mode", "800x600")
play(stage, "another mode", False)
play(stage, "put back")
output("--off")
play(stage, "gone", False)
output("--mode", "1024x768")
play(stage, "back")
print("open", stage.open)
stage.close()
"""


@pytest.fixture
def display(tmp_path):
    """A screen of 1024 x 768 at DUMMY0, which nobody sees."""
    (tmp_path / "card").write_text(CARD)
    name = ":97"
    server = subprocess.Popen(["Xorg", name, "-config", str(tmp_path / "card"), "-logfile", str(tmp_path / "log"), "-noreset", "-nolisten", "tcp", "-sharevts", "vt0"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    until = time.monotonic() + 20
    while subprocess.run(["xrandr", "-d", name], capture_output=True, check=False).returncode:
        if server.poll() is not None or time.monotonic() > until:
            pytest.skip("Xorg does not start here: " + (tmp_path / "log").read_text()[-300:])
        time.sleep(0.2)
    yield name
    server.terminate()
    server.wait(20)


def test_a_wall_comes_back_to_its_screen_and_its_mode(display, monkeypatch):
    monkeypatch.setenv("DISPLAY", display)
    done = subprocess.run([sys.executable, "-c", PLAY], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        "begins (1024, 768) []", "another mode (1024, 768) ['the screen at DUMMY0 shows 800x600, not 1024x768']", "put back (1024, 768) []",
        "gone (1024, 768) ['the screen at DUMMY0 is gone: its wall waits for it']", "back (1024, 768) []", "open True",
    ], done.stdout + done.stderr  # fmt: skip
