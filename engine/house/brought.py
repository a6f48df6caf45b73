"""What people brought, looked through for `hypermnesia doctor`: scenes, shaders, recordings; what is wrong with each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core import foreign
from engine.core.machine import Machine
from engine.show.scene import SCENES, SceneError, files, load
from engine.sound import units
from engine.stage import layer
from engine.stage.header import ShaderError
from engine.stage.reading import read
from engine.stage.trial import trials

SECONDS = 40.0  # that shaders are drawn, and recordings opened, before the rest is taken on trust
EACH = 10.0  # of processor for one shader


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the page. `todo` is empty where nothing is wrong."""

    what: str
    found: str
    todo: str = ""
    grave: bool = False  # the show cannot run like this
    mend: str = ""  # the command that mends it
    harmless: bool = False  # whether `doctor --fix` may run it


def brought(machine: Machine) -> Iterator[Finding]:
    """Each kind in a line, and a line for each kind of trouble. Imports scenes, draws shaders, opens recordings."""
    yield from scenes(SCENES)
    for folder in layer.FOLDERS:
        yield from shaders(folder)
    if machine.sound.recordings:
        yield from recordings(Path(machine.sound.recordings).expanduser())


def scenes(folder: Path) -> Iterator[Finding]:
    """Every scene of a folder, imported."""
    wrong, every = [], list(files(folder))
    for path in every:
        try:
            load(path)
        except SceneError as refused:
            wrong.append(str(refused))
    yield _line("scenes", folder, every, wrong, foreign.look(folder, (".py",)))


def shaders(folder: Path, seconds: float = SECONDS) -> Iterator[Finding]:
    """Every shader of a folder, read and drawn once, in a process of its own."""
    look = foreign.look(folder, layer.ENDINGS)
    wrong, sound = [], []
    for path in look.files:
        try:
            read(path)
            sound.append(path)
        except ShaderError as refused:
            wrong.append(str(refused))
    begun, drawn = time.monotonic(), 0
    for trial in trials(sound, (16, 9), 1, EACH):
        drawn += 1
        if not trial.draws and trial.says != "NaN":  # which depends on what it is drawn upon
            wrong.append(trial.says.splitlines()[0])
        if time.monotonic() - begun > seconds:
            break
    wrong += layer.collisions(folder)
    rest = f", {len(sound) - drawn} of them not drawn here: hypermnesia shaders {folder}" if drawn < len(sound) else ""
    yield _line("shaders", folder, look.files, wrong, look, rest)


def recordings(folder: Path, seconds: float = SECONDS) -> Iterator[Finding]:
    """Every recording of a folder, opened."""
    if not folder.is_dir():
        yield Finding("recordings", f"no folder {folder}", "[sound] recordings names another folder, or none", True)
        return
    look = foreign.look(folder, units.KINDS, deep=True)
    begun, wrong = time.monotonic(), []
    for path in look.files:
        if time.monotonic() - begun > seconds:
            break
        if why := units.trouble(path):
            wrong.append(f"{path.name}: {why}")
    line = _line("recordings", folder, look.files, wrong, look)
    if len(wrong) == len(look.files):
        line = Finding("recordings", line.found, f"none of them is heard: {line.todo or f'it should hold {chr(44).join(units.KINDS)} files'}")
    yield line


def _line(what: str, folder: Path, every: Sequence[Path], wrong: list[str], look: foreign.Found, rest: str = "") -> Finding:
    more = f"; {len(wrong) - 3} more" if len(wrong) > 3 else ""
    todo = "; ".join(filter(None, ("; ".join(wrong[:3]) + more, look.sentence())))
    found = f"{len(every)} in {folder}{f', {len(wrong)} of them in trouble' if wrong else ''}{rest}"
    return Finding(what, found, todo)
