"""Of `hypermnesia archive`, what has to do with servers: serve, move, reconcile, venues, index."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.mind.memory.afar import is_server, opened, reach
from engine.mind.memory.archive import FILE, ArchiveError
from engine.mind.memory.copies import playing
from engine.mind.memory.moving import move
from engine.mind.memory.small import Small


def arguments_of_servers(commands: Any) -> None:
    """Add these commands to those of `archive`."""
    moving = commands.add_parser("move", help="bring the whole memory to another place, verified: folders, .sqlite files, servers")
    moving.add_argument("source", metavar="FROM")
    moving.add_argument("target", metavar="TO", help="where no memory is yet")
    back = commands.add_parser("reconcile", help="what this house kept while its server was away goes there now; a show does it by itself")
    back.add_argument("to", nargs="?", default="", metavar="SERVER", help="default: [memory] archive")
    houses = commands.add_parser("venues", help="houses that have this memory, and whether their copies are clean")
    houses.add_argument("to", nargs="?", default="", metavar="SERVER", help="default: [memory] archive")
    houses.add_argument("--drop", default="", metavar="NAME", help="this house is gone, and its copies with it")
    commands.add_parser("index", help="let a server build its graphs for a large memory: minutes for a million")
    small = commands.add_parser("serve", help="run a PostgreSQL with pgvector for this machine, in a folder of its own, until Ctrl-C")
    small.add_argument("where", type=Path, metavar="FOLDER")


def _server(arguments: argparse.Namespace) -> str:
    """The server that is meant. ArchiveError where none is named."""
    found = getattr(arguments, "to", "") or arguments.server or arguments.machine_server
    if not is_server(found):
        raise ArchiveError(f"{found or 'no server'}: name one like postgresql://user@host/name, or in machine.toml, [memory] archive, with --machine FILE")
    return str(found)


def _move(folder: Path, arguments: argparse.Namespace) -> int:
    begun = time.monotonic()

    def tell(table: str, count: int) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K  {table} {count}", end="", file=sys.stderr)

    found = move(arguments.source, arguments.target, folder, arguments.venue, tell)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(f"{arguments.target}: {found.fragments} fragments, mass {found.mass:g}, {found.lines} lines whose shares sum to 1 within {found.off:.1e}, "
          f"{found.vectors} vectors, {found.withdrawn} taken back; every row compared, {time.monotonic() - begun:.1f} s")  # fmt: skip
    if not is_server(arguments.source) and Path(arguments.source).is_dir():
        print(f"what was in {arguments.source} is kept there as memory.before-move.sqlite")
    if is_server(arguments.target):
        print(f'from now on in machine.toml: [memory] archive = "{arguments.target}"')
    return 0


def _reconcile(folder: Path, arguments: argparse.Namespace) -> int:
    server = _server(arguments)
    kept = (folder / FILE).exists()
    folder.mkdir(parents=True, exist_ok=True)
    with playing(folder), contextlib.closing(opened(folder, server, arguments.venue)) as there:
        if there.archive.cut_off or there.archive.passing:
            raise ArchiveError(there.found.how)
        print(f"{there.archive.place}: {there.archive.count()} fragments, mass {there.archive.mass:g}; "
              f"{'what was kept in ' + str(folder) + ' is there now' if kept else 'nothing was kept in ' + str(folder)}")  # fmt: skip
    return 0


def _venues(folder: Path, arguments: argparse.Namespace) -> int:
    with contextlib.closing(reach(folder, _server(arguments), arguments.venue)) as archive:
        if arguments.drop:
            archive.drop(arguments.drop)
        for name, seen, left in archive.venues():
            day = datetime.date(1970, 1, 1) + datetime.timedelta(days=seen)
            print(f"  {name:20} seen {day}  {f'{left} withdrawals may still lie in its copies' if left else 'its copies are clean'}")
    return 0


def _index(folder: Path, arguments: argparse.Namespace) -> int:
    with contextlib.closing(reach(folder, _server(arguments), arguments.venue)) as archive:
        for space in archive.spaces():
            begun = time.monotonic()
            archive.sort(space)
            print(f"{archive.place}: searched by graphs over words and over {space!r}, built in {time.monotonic() - begun:.0f} s")
    return 0


def _serve(folder: Path, arguments: argparse.Namespace) -> int:
    with Small(arguments.where) as small:
        print(f'{small.version} in {arguments.where}; in machine.toml: [memory] archive = "{small.address}"', flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while small.lives():
                time.sleep(1.0)
    return 0


SERVERS: dict[str, Callable[[Path, argparse.Namespace], int]] = {
    "move": _move, "reconcile": _reconcile, "venues": _venues, "index": _index, "serve": _serve,
}  # fmt: skip
