"""Facts of a place and words of a command, each as what it means; what cannot be meant is said with the nearest that can."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import CannotPlay, nearest
from engine.core.hours import Hours
from engine.core.machine import ContractFacts, Machine
from engine.core.messages import Set
from engine.doors.options import MODES, Mode
from engine.mind.model.contract import Terms
from engine.sound.speakers import Speakers


def layout(machine: Machine) -> str | tuple[float, ...]:
    """Where the loudspeakers stand. Raises CannotPlay for a layout that nobody knows or that has too few places."""
    try:
        Speakers(machine.sound.channels, machine.sound.layout)
    except ValueError as wrong:
        raise CannotPlay(f"[sound] layout: {wrong}") from None
    return machine.sound.layout


def flashes(machine: Machine) -> int:
    """Raises CannotPlay for a wall that could never light up."""
    if machine.stage.flashes < 1:
        raise CannotPlay(f"[stage] flashes = {machine.stage.flashes}: at least 1; 3 is what WCAG 2.3.1 allows")
    return machine.stage.flashes


def hours(machine: Machine) -> Hours:
    """Raises CannotPlay for hours that nobody can keep."""
    try:
        return Hours.of(machine.hours)
    except ValueError as wrong:
        raise CannotPlay(str(wrong)) from None


def over(value: float, table: str, key: str) -> float:
    """Raises CannotPlay for what is not above 0."""
    if not value > 0:
        raise CannotPlay(f"[{table}] {key} is above 0, found {value:g}")
    return value


def one_of(value: str, possible: tuple[str, ...], what: str) -> str:
    """Raises CannotPlay naming the nearest of what is possible."""
    if value not in possible:
        raise CannotPlay(f"{what}: there is no {value!r}; {nearest(value, possible)}")
    return value


def gain(machine: Machine) -> float:
    """dB. Raises CannotPlay for more than the sound that is made: it would be cut off."""
    if machine.sound.gain > 0.0:
        raise CannotPlay(f"[sound] gain is in dB, at most 0, found {machine.sound.gain:g}; -6 is half the level")
    return machine.sound.gain


def recordings(machine: Machine) -> Path | None:
    """The folder of recordings, if one is named. Raises CannotPlay if it is not there."""
    folder = Path(machine.sound.recordings).expanduser()
    if machine.sound.recordings and not folder.is_dir():
        raise CannotPlay(f"[sound] recordings: there is no folder {folder}")
    return folder if machine.sound.recordings else None


def terms(facts: ContractFacts) -> Terms:
    """What is promised of pictures. Raises CannotPlay for a promise that nobody can keep."""
    try:
        return Terms(facts.deadline, facts.words, tuple((side, side) for side in facts.ladder))
    except ValueError as wrong:
        raise CannotPlay(str(wrong)) from None


def mode(text: str) -> Mode:
    """How texts are judged. Raises CannotPlay naming the nearest."""
    for one in MODES:
        if one == text:
            return one
    raise CannotPlay(f"no moderation {text}; {nearest(text, MODES)}")


def size(text: str) -> tuple[int, int]:
    """Width and height of "640x360". Raises CannotPlay."""
    width, x, height = text.lower().partition("x")
    if not (x and width.isdigit() and height.isdigit()):
        raise CannotPlay(f"--size wants something like 640x360, found {text}")
    return int(width), int(height)


def setting(text: str) -> Set:
    """What "beta=0.9" turns. Raises CannotPlay."""
    name, _, value = text.partition("=")
    try:
        return Set(f"/hm/{name}", (float(value),))
    except ValueError:
        raise CannotPlay(f"--set wants something like beta=0.9, found {text}") from None
