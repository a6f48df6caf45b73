"""The units of a gallery's machine, read by systemd itself; and what a show tells a service manager while it plays."""

import importlib.metadata
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
OTHERS = ("sysinit", "basic", "shutdown", "network", "network-pre", "sound", "time-sync", "multi-user", "graphical")


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
    assert len(names) == 3
    done = analyze(root, "verify", *names)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    spoilt = root / "etc/systemd/system" / names[-1]
    spoilt.write_text(spoilt.read_text().replace("LimitCORE=", "LimtiCORE="))
    assert "LimtiCORE" in analyze(root, "verify", *names).stderr


@needs_systemd
def test_the_show_is_exposed_to_little(root):
    done = analyze(root, "security", "--offline=true", "--threshold=25", "--no-pager", "hypermnesia.service")
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.realtime
@pytest.mark.shared
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


# --- the machine as install/gallery makes it


@pytest.fixture
def machine(tmp_path):
    """A bare root, as far as files go."""
    for folder in ("etc", "usr/lib/systemd/system", "var/lib"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    (tmp_path / "etc/shadow").write_text("root:*:19000:0:99999:7:::\n")
    (tmp_path / "etc/gshadow").write_text("root:*::\n")
    (tmp_path / "etc/login.defs").write_text("SYS_UID_MAX 999\nSYS_UID_MIN 100\nSYS_GID_MAX 999\nSYS_GID_MIN 100\n")
    return tmp_path


def gallery(*words):
    done = subprocess.run([TOP / "install/gallery", *map(str, words)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def tree(folder):
    return {str(path.relative_to(folder)): path.readlink() if path.is_symlink() else path.stat().st_mtime_ns
            for path in folder.rglob("*") if path.is_symlink() or path.is_file()}  # fmt: skip


@needs_systemd
@pytest.mark.skipif(os.geteuid() != 0, reason="making users needs root")
def test_a_machine_is_made_in_one_command_twice_the_same_and_taken_away_but_for_its_memory(machine):
    before = tree(machine)
    code, said, _ = gallery("--root", machine, "--screen", "kiosk", "--dry-run")
    assert code == 0 and "steps would be taken" in said and tree(machine) == before, "a dry run changes nothing"
    code, said, wrong = gallery("--root", machine, "--screen", "kiosk")
    assert code == 0, wrong
    made = tree(machine)
    release = Path(made["opt/hypermnesia/current"])
    assert f"opt/hypermnesia/{release}/engine/loop.py" in made and release.name.startswith(f"{importlib.metadata.version('hypermnesia')}-")
    assert {"etc/hypermnesia/machine.toml", "etc/hypermnesia/doors.nft", "etc/systemd/system/hypermnesia-kiosk.service"} <= set(made)
    assert made["etc/systemd/system/multi-user.target.wants/hypermnesia.service"] and str(made["etc/systemd/system/sleep.target"]) == "/dev/null"
    assert "hypermnesia-kiosk:" in (machine / "etc/passwd").read_text()
    (machine / "etc/hypermnesia/machine.toml").write_text("# mine\n")
    made = tree(machine)
    code, said, _ = gallery("--root", machine, "--screen", "kiosk")
    assert code == 0 and "everything is as it should be" in said and tree(machine) == made, "the second time changes nothing"
    archive = machine / "var/lib/hypermnesia/archive/memory.sqlite"
    archive.parent.mkdir()
    archive.write_text("everything that anybody said")
    code, _, wrong = gallery("--root", machine, "--uninstall")
    assert code == 0, wrong
    left = set(tree(machine)) - set(before)
    assert left == {"var/lib/hypermnesia/archive/memory.sqlite", "etc/hypermnesia/machine.toml", "etc/hypermnesia/doors.nft"} | {f for f in left if f.endswith("-")}
    assert archive.read_text() == "everything that anybody said"


@needs_systemd
@pytest.mark.skipif(os.geteuid() != 0, reason="making users needs root")
def test_a_wall_on_the_machines_own_screen_is_a_unit_that_systemd_understands(machine):
    code, _, wrong = gallery("--root", machine, "--screen", "wall")
    assert code == 0, wrong
    for program in ("opt/hypermnesia/current/.venv/bin/hypermnesia", "usr/bin/cage", "usr/sbin/nft"):
        (machine / program).parent.mkdir(parents=True, exist_ok=True)
        (machine / program).write_text("#!/bin/sh\n")
        (machine / program).chmod(0o755)
    for other in OTHERS:
        (machine / "etc/systemd/system" / f"{other}.target").write_text("[Unit]\n")
    done = analyze(machine, "verify", "hypermnesia.service", "hypermnesia-firewall.service")
    assert (done.returncode, done.stderr) == (0, "")
    code, said, _ = gallery("--root", machine)
    assert code == 0 and not (machine / "etc/systemd/system/hypermnesia.service.d/wall.conf").exists() and "✓ its Python" not in said


def test_a_wrong_option_is_said_with_those_that_there_are():
    assert "there are --dry-run, --screen, --uninstall, --root" in gallery("--dryrun")[2]
    assert "--screen kiosk, wall or none, found tv" in gallery("--screen", "tv")[2]
