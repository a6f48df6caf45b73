"""The units of a gallery's machine, read by systemd itself; and what a show tells a service manager while it plays."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.core.test_notify import Manager
from tests.faults.test_threads import wait_for

TOP = Path(__file__).parents[2]
UNITS = sorted((TOP / "install" / "units").glob("*.service"))
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
OTHERS = ("sysinit", "basic", "shutdown", "network", "sound", "time-sync", "multi-user", "graphical")


@pytest.fixture
def root(tmp_path):
    """A machine with nothing but our units, and whom they start."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, units)
        for line in unit.read_text().splitlines():
            if line.startswith("Exec"):
                program = tmp_path / line.partition("=")[2].split()[0].lstrip("/")
                program.parent.mkdir(parents=True, exist_ok=True)
                program.write_text("#!/bin/sh\n")
                program.chmod(0o755)
    for other in OTHERS:
        (units / f"{other}.target").write_text("[Unit]\n")
    return tmp_path


def analyze(root, *words):
    return subprocess.run(["systemd-analyze", words[0], f"--root={root}", *words[1:]], capture_output=True, text=True, timeout=60)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units_and_would_have_said_so(root):
    names = [unit.name for unit in UNITS]
    assert len(names) == 2
    done = analyze(root, "verify", *names)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    spoilt = root / "etc/systemd/system" / names[0]
    spoilt.write_text(spoilt.read_text().replace("LimitCORE=", "LimtiCORE="))
    assert "LimtiCORE" in analyze(root, "verify", *names).stderr


@needs_systemd
def test_the_show_is_exposed_to_little(root):
    done = analyze(root, "security", "--offline=true", "--threshold=25", "--no-pager", "hypermnesia.service")
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.realtime
def test_a_show_feeds_its_manager_by_frames_and_starves_it_when_there_are_none(tmp_path):
    manager = Manager(tmp_path / "notify")
    environment = {**os.environ, **manager.environment, "WATCHDOG_USEC": "400000"}
    log = (tmp_path / "log").open("w")
    show = subprocess.Popen([sys.executable, "-m", "tests.faults.small_show", str(tmp_path)], cwd=TOP, stderr=log, env=environment)
    told = []
    try:
        wait_for(lambda: told.extend(manager.told()) or told.count("WATCHDOG=1") >= 2, 60)
        assert "READY=1" in told
        (tmp_path / "wait").touch()  # the loop lives, and shows nothing
        time.sleep(0.4)
        manager.told()
        time.sleep(0.6)
        assert "WATCHDOG=1" not in manager.told()
        (tmp_path / "wait").unlink()
        wait_for(lambda: "WATCHDOG=1" in manager.told(), 10)
    finally:
        show.send_signal(signal.SIGTERM)
        show.wait(30)
    assert "STOPPING=1" in manager.told()
    log.close()
