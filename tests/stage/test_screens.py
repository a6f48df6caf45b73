"""Screens that go and come back, and modes that somebody changed: on a virtual display whose outputs are really switched."""

import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not (shutil.which("xvfb-run") and shutil.which("xrandr")), reason="no Xvfb, or no xrandr, here")

PLAY = """
import subprocess, time
from engine.stage.layer import Layer
from engine.stage.stage import Stage
from engine.stage.window import WindowOptions

def output(*words):
    subprocess.run(["xrandr", "--output", "screen", *words], check=True)

def play(stage):
    for _ in range(8):
        stage.show(Layer("testcard"), 0.0)
        stage._looked = 0.0  # each frame looks at the screens
    return stage.walls.windows["wall"], [said for said in stage.walls.wrong.values() if said]

stage = Stage((160, 90), window=WindowOptions(fullscreen=True))
window, wrong = play(stage)
print("begins", window.size, wrong)
subprocess.run(["xrandr", "--newmode", "other", "15", "640", "650", "660", "700", "480", "490", "495", "500"], check=True)
subprocess.run(["xrandr", "--addmode", "screen", "other"], check=True)
output("--mode", "other")
window, wrong = play(stage)
window, wrong = play(stage)
print("another mode", window.size, wrong)
output("--off")
window, wrong = play(stage)
print("gone", len(wrong), wrong[:1], stage.open)
output("--auto")
window, wrong = play(stage)
window, wrong = play(stage)
print("back", window.size, wrong)
stage.close()
"""


def test_a_wall_comes_back_to_its_screen_and_its_mode():
    done = subprocess.run(["xvfb-run", "-a", "-s", "-screen 0 800x600x24", sys.executable, "-c", PLAY], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "begins (800, 600) []", "another mode (800, 600) []", "gone 1 ['the screen at screen is gone: its wall waits for it'] True", "back (800, 600) []",
    ], done.stdout + done.stderr  # fmt: skip
