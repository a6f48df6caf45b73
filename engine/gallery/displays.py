"""`hypermnesia displays`: which screens there are; wait for one; switch them off and on by the compositor, the kernel and CEC.

A screen that goes off by CEC is a television or a projector that was asked to; one that goes off by the compositor loses
its signal and sleeps by itself. What is not there is passed over, and said.
"""

from __future__ import annotations

import argparse
import glob
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.core.displays import Connector, alike, connectors, named
from engine.core.errors import Plain, nearest
from engine.core.machine import Machine, home

PATIENCE = 20.0  # seconds that a screen may take to be asked


def wait(name: str, seconds: float, root: Path = Path("/"), sleep: Callable[[float], None] = time.sleep, source: Callable[[], float] = time.monotonic) -> Connector:
    """The connector of this name (any for ""), once it is connected and has modes. Raises Plain after so many seconds (0: never)."""
    until = source() + seconds
    while True:
        there = connectors(root)
        usable = [each for each in there if each.usable and (not name or alike(each.name, name))]
        if usable:
            return usable[0]
        if seconds and source() >= until:
            known = "; ".join(each.sentence() for each in there) or "the kernel knows no connector"
            what = f"no screen at {name}" if name else "no screen"
            near = f"; {nearest(name, [each.name for each in there])}" if name and there and not any(alike(each.name, name) for each in there) else ""
            raise Plain(f"{what} within {seconds:.0f} s{near} ({known})")
        sleep(0.5)


def ways(on: bool) -> list[list[str]]:
    """Commands that switch all screens of this machine, as far as their programs are here."""
    found = []
    if shutil.which("wlr-randr") and os.environ.get("WAYLAND_DISPLAY"):
        found += [["wlr-randr", "--output", each.name, "--on" if on else "--off", *(["--preferred"] if on else [])] for each in connectors() if each.connected]
    elif os.environ.get("DISPLAY"):
        if on and shutil.which("xrandr"):
            found += [["xrandr", "--auto"]]  # a screen that came back gets its picture again, those that have one keep theirs
        if shutil.which("xset"):
            found += [["xset", "dpms", "force", "on" if on else "off"]]
    if shutil.which("cec-ctl"):
        for device in sorted(glob.glob("/dev/cec*")):  # noqa: PTH207  # devices, not files of ours
            found += [["cec-ctl", "-d", device, "--playback", "-S"], ["cec-ctl", "-d", device, "--to", "0", "--image-view-on" if on else "--standby"]]
    return found


def switch(on: bool, said: Callable[[str], None] = print) -> bool:
    """Switch all screens; False where there is no way, or one was refused."""
    commands = ways(on)
    if not commands:
        said("there is no compositor and no CEC device here: nothing switches a screen; cec-ctl is in v4l-utils, wlr-randr in wlr-randr, xset in x11-xserver-utils")
        return False
    good = True
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
            wrong = done.stderr.strip().splitlines()[-1:] if done.returncode else []
        except (OSError, subprocess.TimeoutExpired) as refused:
            wrong = [str(refused)]
        good = good and not wrong
        said(f"{' '.join(command)}{f': {wrong[0]}' if wrong else ''}")
    return good


def main(argv: Sequence[str]) -> int:
    """`hypermnesia displays`: returns the exit status."""
    parser = argparse.ArgumentParser("hypermnesia displays", description="Which screens there are; wait for one; switch them off and on.")
    parser.add_argument("what", nargs="?", default="list", choices=["list", "wait", "on", "off"])
    parser.add_argument("name", nargs="?", default="", help="a connector, such as HDMI-A-1; default: all that machine.toml and the mapping name, else any")
    parser.add_argument("--seconds", type=float, default=0.0, help="wait so long at most (default: for ever)")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the mapping lies (default {home()})")
    options = parser.parse_args(argv)
    try:
        machine = Machine.read(options.machine) if options.machine else Machine()
        if options.what == "wait":
            for name in [options.name] if options.name else named(machine, options.home) or [""]:
                print(wait(name, options.seconds).sentence(), flush=True)
            return 0
    except Plain as wrong:
        print(f"hypermnesia displays: {wrong}", file=sys.stderr)
        return 1
    if options.what in ("on", "off"):
        return 0 if switch(options.what == "on") else 1
    print("\n".join(each.sentence() for each in connectors()) or "the kernel knows no screens here")
    return 0
