"""`hypermnesia update FILE`: a new release beside the old one, tried, switched to, and switched back if light does not come.

The running show plays on until the new release has been checked, installed and has played by itself for some seconds in
a memory of its own. A copy of the archive is kept before the new one opens it. The old release stays where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pwd
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.errors import Plain
from engine.core.machine import Machine, home
from engine.gallery.release import Manifest, ReleaseError, read, unpack
from engine.mind.memory.archive import FILE

KEPT = 3  # releases that stay, the current one among them
RESTARTING = 240.0  # seconds that a restart may take until it is READY
LIGHT = 60.0  # seconds until light after that
SHOWN = 1.0  # mean of a frame, 0..255, from which on there is light
BEFORE = "memory.before-"  # + release + .sqlite: the archive as it was; copies.py knows of it


@dataclass
class Place:
    """Where releases lie and how the show there is started anew."""

    opt: Path  # holds `releases` and `current`
    home: Path
    machine: Machine
    restart: Sequence[str]
    user: str = ""  # who the show is; "" = whoever runs this
    say: Callable[[str], None] = print
    patience: float = LIGHT
    trial: Sequence[str] = field(default_factory=lambda: ("run", "--seconds", "5", "--sound", "null", "--osc", "0", "--web", "0", "--window", "headless"))

    @property
    def current(self) -> str:
        """The name of the release that plays; "" for none."""
        return (self.opt / "current").readlink().name if (self.opt / "current").is_symlink() else ""

    def point(self, name: str) -> None:
        """`current` is this release, from one instant to the next."""
        fresh = self.opt / "current.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("releases") / name)
        fresh.replace(self.opt / "current")


def update(place: Place, file: Path, trusted: bytes) -> str:
    """Take in a release; returns its name. Raises ReleaseError where it is not the one that plays now; the old one does then."""
    manifest = read(file, trusted)
    before = place.current
    if manifest.name == before:
        raise ReleaseError(f"{manifest.name} is what plays already")
    place.say(f"release {manifest.name} of {manifest.made}, {len(manifest.files)} files, signed by {manifest.signer}")
    _install(place, file, manifest)
    kept = keep_archive(place.home / "archive", manifest.name)
    place.say(f"the archive as it is now is kept as {kept.name}" if kept else "there is no archive yet")
    place.point(manifest.name)
    why = start(place)
    if not why:
        _prune(place, {manifest.name, before})
        return manifest.name
    if not before:
        raise ReleaseError(f"{manifest.name}: {why}; there is no release before it")
    place.say(f"{why}: back to {before}")
    place.point(before)
    again = start(place)
    raise ReleaseError(f"{manifest.name} was taken back: {why}; {before} {f'does not start either: {again}' if again else 'plays again'}")


def _install(place: Place, file: Path, manifest: Manifest) -> None:
    """Beside the others: checked, with a Python of its own, tried. Raises ReleaseError; then it is gone again."""
    folder = place.opt / "releases" / manifest.name
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    need = 2 * file.stat().st_size + (1 << 30)
    if shutil.disk_usage(place.opt).free < need:
        raise ReleaseError(f"{place.opt}: {need / 1e9:.1f} GB must be free")
    try:
        unpack(file, manifest, fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
        place.say("its Python is made")
        _run([str(folder / "install" / "release")], "its Python could not be made")
        place.say("it plays for some seconds by itself, beside the show")
        with tempfile.TemporaryDirectory(prefix="hypermnesia-try-") as there:
            if place.user:
                shutil.chown(there, place.user)
            _run(_as(place.user, [str(folder / ".venv/bin/hypermnesia"), *place.trial, "--home", there]), "it does not play")
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        raise


def start(place: Place) -> str:
    """Start the current release anew; why it is no good, "" where it is ready and there is light."""
    try:
        done = subprocess.run(place.restart, capture_output=True, text=True, timeout=RESTARTING, check=False)
    except subprocess.TimeoutExpired:
        return f"it was not ready within {RESTARTING:.0f} s"
    if done.returncode:
        return f"it did not become ready ({(done.stderr.strip().splitlines() or ['no word'])[-1]})"
    if "doors" in place.machine.place.elsewhere:  # nobody answers here; it became ready, so it has shown a frame
        return ""
    until = time.monotonic() + place.patience
    said = "no light came"
    while time.monotonic() < until:
        health = _health(place.machine)
        open_house = str(health.get("facts", {}).get("hours", "")).startswith(("open", "always"))
        figures = health.get("figures", {})
        if figures.get("frames", 0.0) > 0.0 and (figures.get("light", 0.0) >= SHOWN or not open_house):
            return ""
        said = f"no light came within {place.patience:.0f} s" if health else f"nobody answers at port {place.machine.doors.web}"
        time.sleep(0.25)
    return said


def _health(machine: Machine) -> dict[str, Any]:
    host = machine.doors.host if machine.doors.host not in ("0.0.0.0", "::") else "127.0.0.1"
    try:
        with urllib.request.urlopen(f"http://{f'[{host}]' if ':' in host else host}:{machine.doors.web}/health.json", timeout=5) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as unwell:  # a show that is unwell still says how it is
        with contextlib.suppress(ValueError):
            return dict(json.load(unwell))
        return {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep_archive(folder: Path, name: str) -> Path | None:
    """A copy of the archive beside it, also while a show writes to it; the one before goes. None where there is none."""
    source = folder / FILE
    if not source.exists():
        return None
    kept, fresh = folder / f"{BEFORE}{name}.sqlite", folder / f"{BEFORE}{name}.new"
    fresh.unlink(missing_ok=True)
    owner = source.stat()
    with contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as base, contextlib.closing(sqlite3.connect(fresh)) as copy:
        base.backup(copy)
        if (found := copy.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise ReleaseError(f"the archive's copy is not whole ({found}): nothing was changed")
    with contextlib.suppress(PermissionError):
        os.chown(fresh, owner.st_uid, owner.st_gid)
    fresh.replace(kept)
    for old in folder.glob(f"{BEFORE}*.sqlite"):
        if old != kept:
            old.unlink()
    return kept


def _prune(place: Place, spared: set[str]) -> None:
    """Old releases beyond KEPT go."""
    found = sorted((path for path in (place.opt / "releases").iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in found[KEPT:]:
        if old.name not in spared:
            shutil.rmtree(old, ignore_errors=True)


def _run(command: Sequence[str], wrong: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    if done.returncode:
        raise ReleaseError(f"{wrong} ({(done.stderr.strip().splitlines() or [f'exit code {done.returncode}'])[-1]})")


def _as(user: str, command: list[str]) -> list[str]:
    return ["runuser", "-u", user, "--", "env", f"HOME={pwd.getpwnam(user).pw_dir}", *command] if user else command


def main(argv: Sequence[str]) -> int:
    """`hypermnesia update FILE`, `hypermnesia update --back`."""
    parser = argparse.ArgumentParser("hypermnesia update", description="Take in a release: check, install beside, try, switch; switch back if light does not come.")
    parser.add_argument("file", type=Path, nargs="?", help="a file that hypermnesia release has written")
    parser.add_argument("--back", action="store_true", help="switch to the release before this one")
    parser.add_argument("--machine", type=Path, metavar="FILE", default=Path("/etc/hypermnesia/machine.toml"), help="default: %(default)s")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    parser.add_argument("--opt", type=Path, metavar="FOLDER", default=Path("/opt/hypermnesia"), help="where releases lie (default %(default)s)")
    parser.add_argument("--restart", metavar="COMMAND", default="systemctl restart hypermnesia", help="what starts the show anew (default: %(default)s)")
    options = parser.parse_args(argv)
    try:
        machine = Machine.read(options.machine)
        user = "hypermnesia" if os.geteuid() == 0 and options.restart.startswith("systemctl") else ""
        place = Place(options.opt, options.home or home(), machine, shlex.split(options.restart), user)
        if options.back:
            return _back(place)
        if options.file is None:
            raise ReleaseError("which file? hypermnesia update FILE")
        if not machine.gallery.releases:
            raise ReleaseError("[gallery] releases names nobody's certificate: put the root.pem of whoever makes your releases there (hypermnesia sign --keys)")
        name = update(place, options.file, Path(machine.gallery.releases).expanduser().read_bytes())
    except (Plain, OSError, sqlite3.Error, subprocess.SubprocessError) as wrong:
        print(f"hypermnesia update: {wrong}", file=sys.stderr)
        return 1
    print(f"{name} plays")
    return 0


def _back(place: Place) -> int:
    others = sorted((path for path in (place.opt / "releases").iterdir() if path.is_dir() and path.name != place.current), key=lambda path: path.stat().st_mtime)
    if not others:
        raise ReleaseError("there is no other release")
    place.point(others[-1].name)
    if why := start(place):
        raise ReleaseError(f"{others[-1].name}: {why}")
    print(f"{others[-1].name} plays")
    return 0
