"""`hypermnesia place`: this machine as one room of a house of several; keys for each of them; who is there just now."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from engine.core.errors import CannotPlay, Plain
from engine.core.machine import Machine, home
from engine.house.checks import check_ports
from engine.house.desk import address, kept_token
from engine.house.elsewhere import seen
from engine.places.keys import make
from engine.places.options import DOORS, MIND, SHOW, SOUND, WALL, Of, checked

EXAMPLES = """
examples
  hypermnesia place keys house north west      keys for three machines, in ./keys; take each its folder
  hypermnesia place run --machine north.toml   what [place] rooms says: a mind, one more wall, sound, doors
  hypermnesia place who --machine house.toml   who is there, what they do, how far away they are
"""


def parser() -> argparse.ArgumentParser:
    """The command's own words."""
    root = argparse.ArgumentParser(prog="hypermnesia place", description=__doc__.split(":", 1)[1].strip(), epilog=EXAMPLES,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="run the rooms that [place] names: a mind, one more wall, sound, doors")
    who = commands.add_parser("who", help="the machines of the house that can be reached from here")
    for each in (run, who):
        each.add_argument("--machine", type=Path, metavar="FILE", required=True, help="facts of this machine, with its [place]")
        each.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    run.add_argument("--seconds", type=float, default=0.0, help="stop by itself after so long (default: never)")
    keys = commands.add_parser("keys", help="make the keys of a house's machines, by their names")
    keys.add_argument("names", nargs="+", metavar="NAME")
    keys.add_argument("--folder", type=Path, default=Path("keys"), help="where the house's own key is, and theirs go (default ./keys)")
    return root


def main(argv: Sequence[str]) -> int:
    """Run it. What is wrong is said in a sentence."""
    options = parser().parse_args(argv)
    try:
        if options.command == "keys":
            return keys(options.folder, options.names)
        machine = Machine.read(options.machine)
        if not checked(machine.place).name:
            raise CannotPlay(f"{options.machine} has no [place] name: a house of one machine needs none of this")
        return run(options, machine) if options.command == "run" else who(machine, options.home or home())
    except Plain as wrong:
        print(f"hypermnesia: {wrong}", file=sys.stderr)
        return 2


def keys(folder: Path, names: Sequence[str]) -> int:
    """Make them, and say where each lies. Raises CannotPlay."""
    for name in names:
        print(make(folder, name))
    print(f"each machine gets its folder and names it: [place] keys. {folder / 'house.key'} stays here: who has it makes machines of this house", file=sys.stderr)
    return 0


def run(options: argparse.Namespace, machine: Machine) -> int:
    """Until it is told to end."""
    if SHOW in machine.place.rooms:
        raise CannotPlay('[place] rooms has "show": `hypermnesia run` plays it')
    kinds: dict[str, Callable[[argparse.Namespace, Machine], Any]] = {MIND: mind, WALL: wall, SOUND: rooms, DOORS: rooms}
    place = kinds[machine.place.rooms[0]](options, machine)

    def end(number: int, frame: FrameType | None) -> None:
        place.open = False

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if options.seconds:
        signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, options.seconds)
    print(f"{machine.place.name} is the {'+'.join(machine.place.rooms)} of {machine.place.house}", file=sys.stderr)
    place.run()
    return 0


def mind(options: argparse.Namespace, machine: Machine) -> Any:
    """A MindPlace, to be run. Raises Plain for a model that is not there."""
    from engine.house.checks import check_film, check_model
    from engine.house.plan import mind_of
    from engine.places.mind import MindPlace

    facts = mind_of(options, machine, options.home or home())
    check_model(facts.model)
    check_film(facts.film)
    check_film(facts.rival, "--rival")
    check_film(facts.rival, "--rival")
    return MindPlace(machine.place, facts)


def rooms(options: argparse.Namespace, machine: Machine) -> Any:
    """A RoomsPlace with sound, doors or both, to be run. Raises CannotPlay."""
    from engine.house.plan import doors_of, mind_of, sound_of
    from engine.places.rooms import RoomsPlace

    where, place = options.home or home(), machine.place
    doors = doors_of(options, machine, where, mind_of(options, machine, where)) if DOORS in place.rooms else None
    if doors and doors.home:
        check_ports(doors, another="[doors] {} = {}")
        doors = doors if machine.doors.token else replace(doors, token=kept_token(doors.home))
        print(f"  desk: {address(doors.host, doors.web_port, doors.token)}", file=sys.stderr)
    return RoomsPlace(place, machine.mind.model, sound_of(options, machine) if SOUND in place.rooms else None, doors)


def wall(options: argparse.Namespace, machine: Machine) -> Any:
    """A WallPlace, to be run."""
    from engine.house.plan import wall_of
    from engine.places.wall import WallPlace
    from engine.stage.governor import choose_size

    facts = wall_of(machine)
    size = facts.size if facts.size[0] else choose_size(facts.fps)
    return WallPlace(Of(machine.place, (WALL,), machine.mind.model), size, facts.window, facts.fps, facts.mapping, facts.flashes)


def who(machine: Machine, where: Path) -> int:
    """Say who is there; 1 where nobody is. Raises CannotPlay."""
    facts = machine.place
    others, node = seen(facts, where)
    for one in others:
        print(f"{one.name}: {one.what}" + (f", {one.release}" if one.release else ""))
    if not others:
        ways = "the show here has heard nobody yet" if node is None else f"{facts.name} reaches nobody at {', '.join((*facts.peers, *facts.listen)) or 'no peers'}"
        print(f"{ways}; hypermnesia doctor --machine FILE says why", file=sys.stderr)
    return 0 if others else 1
