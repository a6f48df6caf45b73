"""`hypermnesia doctor`: one page for a technician. What is here, what is wrong, what to do about it."""

from __future__ import annotations

import argparse
import errno
import importlib.metadata
import os
import platform
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.core.errors import CannotPlay, Plain
from engine.core.machine import Machine, home
from engine.doors.port import any_socket
from engine.house import elsewhere
from engine.house.brought import Finding, brought
from engine.house.surroundings import Site, surroundings
from engine.mind.memory.afar import MISSING, examined
from engine.mind.memory.archive import FILE
from engine.mind.memory.copies import snapshots, state
from engine.mind.memory.withdrawal import Journal
from engine.origin.keys import KEY, keys
from engine.origin.unsigned import Unsigned
from engine.show import beat
from engine.stage.outputs.extras import missing

GIB = 1 << 30


def python() -> Iterator[Finding]:
    """The Python, and the packages without which nothing plays."""
    version = platform.python_version()
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("python", version, "" if good else "use Python 3.11, 3.12 or 3.13; ./install/run finds one", not good)
    for name in ("torch", "diffusers", "pyo", "moderngl", "sounddevice", "python-osc", "av"):
        try:
            yield Finding(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "missing", "run ./install/run once more", True)


def processor() -> Iterator[Finding]:
    """Cores, bf16 and free memory."""
    flags = _read(Path("/proc/cpuinfo"))
    bf16 = [name for name in ("amx_bf16", "avx512_bf16") if name in flags]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    few = "" if cores >= 2 else "one core is too few for mind, sound and wall: expect less than 10 frames per second"
    yield Finding("processor", f"{cores} cores, {', '.join(bf16) or 'no bf16'}", few)
    if memory := [line.split()[1] for line in _read(Path("/proc/meminfo")).splitlines() if line.startswith("MemAvailable")]:
        free = int(memory[0]) * 1024 / GIB
        yield Finding("memory", f"{free:.1f} GiB free", "" if free > 2 else "3 GiB are wanted: close other programs")


def eyes(machine: Machine) -> Iterator[Finding]:
    """How often a second the wall may flash here."""
    limit = machine.stage.flashes
    todo = "more than photosensitive people can bear (WCAG 2.3.1: 3); tell everybody at the door" if limit > 3 else ""
    yield Finding("flashes", f"at most {limit} a second", todo)


def graphics() -> Iterator[Finding]:
    """GL is asked in a process of its own: a driver that crashes must not take the doctor with it."""
    ask = (
        "import moderngl; c = moderngl.create_context(standalone=True, backend='egl');"
        "print(c.info['GL_RENDERER'], '|', c.version_code)"
    )
    answer = _python(ask)
    if answer is None:
        todo = "apt-get install libegl1 libgl1-mesa-dri, or the GPU's driver"
        yield Finding("OpenGL", "no context without a display", todo, True)
    else:
        renderer, _, code = answer.partition(" | ")
        slow = "llvmpipe" in renderer
        note = "no GPU draws here: the wall is small and 30 frames per second" if slow else ""
        old = int(code) < 330
        yield Finding("OpenGL", f"{renderer}, {code}", "OpenGL 3.3 is needed: update the driver" if old else note, old)
    cuda = shutil.which("nvidia-smi")
    way = cuda and _python("from engine.stage.upload import probe; print(probe())")
    todo = "pip install 'hypermnesia[cuda]': pictures then stay inside the GPU" if way and "not installed" in way else ""
    yield Finding("pictures", way or "over the host: no NVIDIA GPU", todo)
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    yield Finding("display", display or "none", "" if display else "no window: the wall is at http://127.0.0.1:8000/wall")
    yield Finding("NVIDIA", _run([cuda, "-L"]) or "no GPU" if cuda else "no GPU")


def outputs(machine: Machine) -> Iterator[Finding]:
    """Where the wall is to go besides, and whether that can be had."""
    for kind in machine.stage.outputs:
        yield Finding("output", kind, why := missing(kind), bool(why))


SOUND = """
from engine.sound import device, options
try:
    print('+', device.name_of(device.find(options.SoundOptions(device={!r} or None, host={!r} or None))))
except device.NoDevice as wrong:
    print('-', ' | '.join(line.strip() for line in str(wrong).splitlines()))
"""


def sound(machine: Machine) -> Iterator[Finding]:
    """The device that the machine file asks for, and whose beat; what there is instead."""
    facts = machine.sound
    if "sound" not in machine.place.elsewhere:
        answer = "+ null" if facts.device == "null" else _python(SOUND.format(facts.device, facts.host)) or "- PortAudio is missing"
        todo = "the show runs in silence, in time; plug a card in, or name another under [sound] in machine.toml"
        yield Finding("sound", answer[2:], "" if answer[0] == "+" else todo)
    if facts.beat:
        try:
            pulse = beat.find(facts.beat)
        except CannotPlay as wrong:
            yield Finding("beat", facts.beat, str(wrong), True)
        else:
            yield Finding("beat", facts.beat)
            pulse.close()


MODEL = """
from engine.mind.model.models import describe
try:
    print('+', describe({!r}))
except (OSError, ValueError) as wrong:
    print('-', ' '.join(str(wrong).split()))
"""


def mind(machine: Machine) -> Iterator[Finding]:
    """Whether the model can be opened; asked of a process of its own, since it loads torch."""
    answer = _python(MODEL.format(machine.mind.model)) or "- it cannot be looked at: run ./install/run once more"
    if answer[0] == "+":
        yield Finding("model", answer[2:])
    else:
        yield Finding("model", f"{machine.mind.model} cannot be opened", f"{answer[2:]}; hypermnesia models lists what is here", True)


def film(machine: Machine) -> Iterator[Finding]:
    """Who goes on with pictures, where video pipelines are named."""
    for what, name in (("film", machine.mind.film), ("rival", machine.mind.rival)):
        if not name or name == "composed":
            continue
        answer = _python(MODEL.format(name)) or "- it cannot be looked at: run ./install/run once more"
        if answer[0] == "+":
            yield Finding(what, answer[2:])
        else:
            yield Finding(what, f"{name} cannot be opened", f"{answer[2:]}; hypermnesia models lists what is here", True)


def memory(where: Path, machine: Machine) -> Iterator[Finding]:
    """Whether the folder `where` can be written and has space, and how its archive is; its server, if it lies on one."""
    there = where
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free / GIB
    writable = os.access(there, os.W_OK)
    todo = "" if writable and free > 1 else "the show plays and stops remembering: free some space or pass --home FOLDER"
    yield Finding("memory's place", f"{where}, {free:.0f} GiB free{'' if writable else ', read-only'}", todo)
    if machine.memory.archive:
        found, wrong = examined(machine.memory.archive)
        yield Finding("memory's server", found, wrong, grave=MISSING in wrong)
    yield from archive(where / "archive")


def archive(folder: Path) -> Iterator[Finding]:
    """The file of the memory and its copies; what was begun and is not finished."""
    nights = snapshots(folder)
    try:
        found, waiting = state(folder / FILE), len(Journal(folder).begun())
    except (OSError, sqlite3.Error) as wrong:
        found, waiting = f"not readable ({wrong})", 0
    todo = "" if found in ("ok", "missing") and not (found == "missing" and nights) else (
        f"the next start sets it aside and plays the copy of {nights[-1].stem}" if nights else "the next start sets it aside and begins anew"
    )  # fmt: skip
    if waiting:
        todo = f"{waiting} withdrawals were begun and are not finished: the next start finishes them"
    yield Finding("archive", f"{found}, {len(nights)} copies{f', the newest of {nights[-1].stem}' if nights else ''}", todo)


def signing(where: Path, machine: Machine) -> Iterator[Finding]:
    """With what files are signed that leave; no key is made here."""
    folder, facts = where / "origin", machine.origin
    if not facts.sign:
        yield Finding("signing", "off ([origin] sign)", "synthetic media have to be marked in the EU (AI Act, article 50): let whoever hands files on do it")
        return
    whose = facts.certificate or (str(folder / KEY) if (folder / KEY).exists() else "")
    try:
        if whose or facts.key:
            keys(folder, facts)
        yield Finding("signing", whose or "a key is made when it is needed first")
    except (Plain, OSError) as wrong:
        yield Finding("signing", whose or "no certificate", f"{wrong}; recordings go on, unsigned")
    if left := Unsigned(folder).all():
        yield Finding("unsigned", f"{len(left)} files, such as {left[0]}", "the next start signs them, or now:", mend="hypermnesia sign --left", harmless=True)


def doors(machine: Machine) -> Iterator[Finding]:
    """Whether the ports are free, and who has them."""
    if "doors" in machine.place.elsewhere:
        return
    for name, port, kind in (("OSC", machine.doors.osc, socket.SOCK_DGRAM), ("pages", machine.doors.web, socket.SOCK_STREAM)):
        try:
            free = port_is_free(machine.doors.host, port, kind)
        except CannotPlay as wrong:
            yield Finding(name, "cannot open", str(wrong), grave=True)
            continue
        todo = "" if free else f"another program (or this show) has it: --{'osc' if name == 'OSC' else 'web'} {port + 1}"
        who = "" if free else f"ss -lp{'u' if kind == socket.SOCK_DGRAM else 't'}n sport = :{port}"
        yield Finding(name, f"port {port} {'free' if free else 'taken'}", todo, mend=who)


def port_is_free(host: str, port: int, kind: socket.SocketKind) -> bool:
    """Whether we could bind this port now; 0 always can. Raises CannotPlay where the host's address is not ours."""
    with any_socket(host, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as wrong:
            if wrong.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise CannotPlay(f"--host {host}: {wrong.strerror or wrong}; it is an address of this machine, 0.0.0.0 or ::") from None
    return True


def doctor(options: argparse.Namespace, machine: Machine) -> int:
    """Print the page; exit code 1 when something grave was found."""
    where = options.home or home()
    checks: list[Callable[[], Iterator[Finding]]] = [
        python, processor, graphics, lambda: eyes(machine), lambda: outputs(machine), lambda: sound(machine), lambda: mind(machine), lambda: film(machine), lambda: brought(machine), lambda: memory(where, machine), lambda: signing(where, machine), lambda: doors(machine), lambda: elsewhere.findings(machine, where),
        lambda: surroundings(Site(where), machine),
    ]  # fmt: skip
    findings = [finding for check in checks for finding in check()]
    wide = max(len(f.what) for f in findings)
    for f in findings:
        mark = "✗" if f.grave else "!" if f.todo else "✓"
        print(f" {mark} {f.what:<{wide}}  {f.found}")
        if f.todo:
            print(f"   {'':<{wide}}  → {f.todo}")
        if f.todo and f.mend:
            print(f"   {'':<{wide}}    {f.mend}{_fixed(f) if options.fix and f.harmless else ''}")
    grave = sum(f.grave for f in findings)
    print(f"\n{'the show can run here' if not grave else f'{grave} things stand in the way'}")
    return 1 if grave else 0


def _fixed(finding: Finding) -> str:
    """Run what mends it; what came of that."""
    try:
        done = subprocess.run(shlex.split(finding.mend), capture_output=True, text=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired) as wrong:
        return f"   (tried: {wrong})"
    return "   (done)" if done.returncode == 0 else f"   (tried: {(done.stderr.strip().splitlines() or [f'exit code {done.returncode}'])[-1]})"


def _python(code: str) -> str | None:
    """What a small program prints in a process of its own; None if it fails."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout.strip() else None


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip()


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
