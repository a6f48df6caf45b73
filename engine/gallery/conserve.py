"""`hypermnesia conserve FOLDER`: everything that another century needs to know of this work, and `--check`, what differs years later.

In the folder: the engine with its weights as a signed release (wheels with it, where they are given); the lock file with
the hash of each package; the hashes of models; the facts of the place (machine.toml, presets, mapping); a specification of
display, sound and machine; an hour of score; and a frame that must come out the same, bit for bit, on the CPU path.
No word of the memory is in it: a memory is its people's, and is copied by `hypermnesia archive copy`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.core.displays import connectors
from engine.core.errors import Plain, nearest
from engine.core.machine import SHIPPED, Machine, home, processor
from engine.gallery.release import TOP, pack, parts
from engine.origin.keys import keys

MANIFEST, LOCK, SCORE, FRAME, RELEASE = "conserved.json", "lock.txt", "hour.jsonl", "frame.png", "engine.release"
FACTS = ("presets.toml", "mapping.toml")
SENTENCE, SEED, SECONDS, SIZE = "the sea at night", 7, 1.0, "160x90"
HOUR = 3600.0


def packages() -> dict[str, str]:
    """Every package here by name: version, and the hash of its list of files (which holds each file's own hash)."""
    found = {}
    for each in importlib.metadata.distributions():
        record = each.read_text("RECORD") or each.read_text("METADATA") or ""
        lines = sorted(line for line in record.splitlines() if ".pyc" not in line and "../" not in line)
        found[re.sub(r"[-_.]+", "-", each.metadata["Name"]).lower()] = f"{each.version} {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
    found.pop("hypermnesia", None)  # that is the code
    return dict(sorted(found.items()))


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts) if folder.is_dir() else [folder]
    return {path.relative_to(folder).as_posix() if path != folder else path.name: _digest(path) for path in files}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code(top: Path = TOP) -> dict[str, str]:
    """SHA-256 of every file of the engine, its scenes, shaders and pages."""
    return {path.relative_to(top).as_posix(): _digest(path) for path in parts(top) if SHIPPED not in path.parents}


def models(machine: Machine) -> dict[str, str]:
    """Of the embedded model, and of the one that this place names, if it lies here."""
    found = {f"embedded/{name}": digest for name, digest in hashes(SHIPPED).items()}
    named = Path(machine.mind.model).expanduser()
    if named.exists():
        found |= {f"{named.name}/{name}": digest for name, digest in hashes(named).items()}
    return found


def specification(machine: Machine) -> dict[str, Any]:
    """What hangs where: for people who must find a display and loudspeakers that do the same."""
    driver = ""
    if shutil.which("nvidia-smi"):
        driver = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "display": {"connectors": [each.sentence() for each in connectors() if each.connected], **asdict(machine.stage)},
        "sound": asdict(machine.sound), "mind": asdict(machine.mind), "hours": asdict(machine.hours),
        "machine": {"processor": processor(), "cores": os.cpu_count(), "graphics": driver or "none of NVIDIA's", "system": platform.platform(), "python": platform.python_version()},
    }  # fmt: skip


def frame(out: Path, top: Path = TOP, score: Path | None = None) -> str:
    """Render the frame on the CPU path; returns the fingerprint of all pixels on the way to it. Raises Plain."""
    facts = out.with_suffix(".toml")
    facts.write_text("[origin]\nsign = false\nmarks = 0.0\n[mind]\ndevice = \"cpu\"\nthreads = 1\n", encoding="utf-8")
    command = ["render", "gap", "--say", SENTENCE, "--seed", str(SEED), "--seconds", str(SECONDS), "--size", SIZE, "--machine", str(facts), str(out)]
    done = subprocess.run([sys.executable, "-m", "engine", *command], cwd=top, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(top), "OMP_NUM_THREADS": "1"})  # fmt: skip
    facts.unlink()
    found = re.search(r"sha256\s+(\w{64})", done.stdout)
    if not found:
        raise Plain(f"the frame could not be rendered: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return found[1]


def hour(source: Path, out: Path) -> int:
    """An hour of score out of the one that ships, played again and again by other visitors; returns its lines."""
    head, *lines = source.read_text(encoding="utf-8").splitlines()
    said = [json.loads(line) for line in lines]
    length = max(each["at"] for each in said) + 5.0
    written = [head]
    for turn in range(int(HOUR / length) + 1):
        for each in said:
            at = round(each["at"] + turn * length, 4)
            if at < HOUR:
                again = {**each, "at": at}
                for name in ("visit", "key"):
                    if again.get(name):
                        again[name] = f"{again[name]}-{turn}"
                written.append(json.dumps(again, ensure_ascii=False))
    out.write_text("\n".join(written) + "\n", encoding="utf-8")
    return len(written) - 1


def conserve(folder: Path, where: Path, machine: Machine, facts: Path | None = None, wheels: Path | None = None) -> dict[str, Any]:
    """Write the bundle. Raises Plain, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    pack(TOP, folder / RELEASE, keys(where / "origin", machine.origin), wheels)
    found: dict[str, Any] = {
        "made": importlib.metadata.version("hypermnesia"), "packages": packages(), "code": code(), "models": models(machine),
        "specification": specification(machine), "score": hour(TOP / "scenes" / "ten-visitors.jsonl", folder / SCORE),
        "facts": {},
    }  # fmt: skip
    for source in (*([facts] if facts else []), *(where / name for name in FACTS)):
        if source.is_file():
            shutil.copyfile(source, folder / source.name)
            found["facts"][source.name] = _digest(source)
    (folder / LOCK).write_text("".join(f"{name}=={told.split()[0]}  # {told.split()[1]}\n" for name, told in found["packages"].items()), encoding="utf-8")
    found["frame"] = frame(folder / FRAME)
    found["bundle"] = {name: digest for name, digest in hashes(folder).items() if name != MANIFEST}
    (folder / MANIFEST).write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    return found


def check(folder: Path, machine: Machine) -> list[str]:
    """What differs from the bundle, here and now, a sentence each; none where everything is as it was. Raises Plain."""
    try:
        kept = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise Plain(f"{folder} is no bundle: {wrong}; hypermnesia conserve FOLDER makes one") from None
    now = hashes(folder)
    out = [f"bundle: {name} is {'missing' if name not in now else 'not what was kept'}" for name, digest in kept["bundle"].items() if now.get(name) != digest]
    for what, here in (("packages", packages()), ("code", code()), ("models", models(machine))):
        out += _differences(what, kept[what], here)
    before, after = kept["specification"], json.loads(json.dumps(specification(machine)))
    out += [
        f"{section}: {name} was {value!r}, is {after.get(section, {}).get(name)!r}"
        for section, values in before.items() for name, value in values.items() if after.get(section, {}).get(name) != value
    ]  # fmt: skip
    fresh = folder / "now.png"
    with contextlib.ExitStack() as stack:
        stack.callback(fresh.unlink, missing_ok=True)
        if (print_ := frame(fresh)) != kept["frame"]:
            why = "" if before["machine"]["processor"] == processor() else f"; another processor computes ({before['machine']['processor']} then, {processor()} now)"
            out.append(f"frame: it is not the same, bit for bit ({kept['frame'][:12]} then, {print_[:12]} now){why}")
    return out


def _differences(what: str, kept: dict[str, str], here: dict[str, str]) -> list[str]:
    out = []
    for name, then in kept.items():
        now = here.get(name)
        if now is None:
            out.append(f"{what}: {name} is missing; {nearest(name, here)}" if what == "packages" else f"{what}: {name} is missing")
        elif now != then:
            versions = then.split()[0], now.split()[0]
            changed = f"was {versions[0]}, is {versions[1]}" if what == "packages" and versions[0] != versions[1] else "is not the same"
            out.append(f"{what}: {name} {changed}")
    out += [f"{what}: {name} is new" for name in here if name not in kept]
    return out


def main(argv: Sequence[str]) -> int:
    """`hypermnesia conserve`: returns the exit status; with --check 1 if anything differs."""
    parser = argparse.ArgumentParser("hypermnesia conserve", description="Keep everything that is needed to show this work again, or check what differs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing: say what differs from the bundle in the folder")
    parser.add_argument("--wheels", type=Path, metavar="FOLDER", help="wheels of what it needs, taken into the bundle")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    options = parser.parse_args(argv)
    try:
        machine = Machine.read(options.machine) if options.machine else Machine()
        if options.check:
            found = check(options.folder, machine)
            print("\n".join(found) or "everything is as it was, and the frame is the same, bit for bit")
            return 1 if found else 0
        made = conserve(options.folder, options.home or home(), machine, options.machine, options.wheels)
    except (Plain, OSError) as wrong:
        print(f"hypermnesia conserve: {wrong}", file=sys.stderr)
        return 2
    print(f"{options.folder}: {len(made['packages'])} packages, {len(made['code'])} files of the engine, {len(made['models'])} of models, an hour of score, frame {made['frame'][:12]}")
    return 0
