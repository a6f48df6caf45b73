"""`hypermnesia archive`: look into the memory, take something back, copy it, move it, hand its lineage on."""

from __future__ import annotations

import argparse
import datetime
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.core.errors import Plain, nearest
from engine.core.machine import SHIPPED, Machine, home
from engine.core.messages import KINDS
from engine.mind.memory import abroad, copies, restoring, strata, withdrawal
from engine.mind.memory import prior as priors
from engine.mind.memory.afar import is_server, reach
from engine.mind.memory.archive import FILE, Archive, ArchiveError, Fragment
from engine.mind.memory.commands_afar import SERVERS, arguments_of_servers
from engine.mind.memory.provenance import ancestry, evening, export
from engine.mind.memory.words import Crowd
from engine.painter.recipe import FIRST_BY_HASH

EXAMPLES = """examples:
  hypermnesia archive status                     what is remembered, by kind
  hypermnesia archive show 1042                  one fragment, its parents and its ancestors
  hypermnesia archive forget k7m2qxa9pd          what this code was given for leaves the disk
  hypermnesia archive export lineage.json        W3C PROV, with weights, without private words
  hypermnesia archive export evening.json --evening 2026-11-21   the same of one evening (--picture 1042: of one)
  hypermnesia archive snapshot                   a copy under today's date
  hypermnesia archive restore 2026-11-21         that copy comes back; what was there is kept beside it
  hypermnesia archive copy /media/other          the newest copy goes to another disk, verified; older ones go
  hypermnesia archive restore --from /media/other   the same show on a blank machine
  hypermnesia archive prior                      what the nights have learned, and which of them acts
  hypermnesia archive prior none                 noise is N(0, I) again; a night's date puts that night's back
  hypermnesia archive compact                    old near-duplicate pictures become one; no mass is lost
  hypermnesia archive serve /srv/memory          a PostgreSQL of its own in that folder, until Ctrl-C
  hypermnesia archive move ~/archive postgresql://user@host/name   the whole memory to a server or back, verified
  hypermnesia archive reconcile postgresql://user@host/name   what was kept while the server was away goes there now
  hypermnesia archive venues postgresql://user@host/name   which houses have this memory, and whose copies are not clean yet
"""
SERVED = ("status", "show", "forget", "export", "prior", "snapshot", "index")  # what can be done on a server


def main(argv: Sequence[str]) -> int:
    """Run one subcommand; returns the exit status. What is wrong is said in one sentence."""
    arguments = _parser().parse_args(argv)
    try:
        machine = Machine.read(arguments.machine) if arguments.machine else Machine()
        where = arguments.archive or machine.memory.archive
        arguments.server, arguments.venue, arguments.machine_server = where if is_server(where) else "", machine.mind.site, machine.memory.archive
        folder = home() / "archive" if arguments.server or not where else Path(where)
        if arguments.what in SERVERS:
            return int(SERVERS[arguments.what](folder, arguments))
        if arguments.server and arguments.what not in SERVED:
            raise ArchiveError(f"not on a server: {', '.join(SERVED)} are done there; its nightly copies lie in {folder}, and `archive move` brings one back")
        if arguments.server:
            return int(_COMMANDS[arguments.what](folder, arguments))
        if arguments.what in ("forget", "compact", "restore") or (arguments.what == "prior" and arguments.night):
            if getattr(arguments, "place", None) is None:  # a copy from elsewhere needs nothing here
                _there(folder)
            with copies.playing(folder), copies.alone(folder, patience=1.0):
                copies.put_in_order(folder)
                return int(_COMMANDS[arguments.what](folder, arguments))
        return int(_COMMANDS[arguments.what](folder, arguments))
    except (Plain, sqlite3.Error, OSError) as wrong:
        print(f"hypermnesia archive {arguments.what}: {wrong}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "hypermnesia archive", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archive", default="", metavar="FOLDER", help=f"or the address of a server, postgresql://...; default: [memory] archive, or {home() / 'archive'}")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("status", help="what is remembered")
    commands.add_parser("show", help="one fragment and whom it descends from").add_argument("id", type=int)
    commands.add_parser("forget", help="take back what a code was given for").add_argument("code")
    lineage = commands.add_parser("export", help="lineage as W3C PROV-JSON: of everything, of one picture or of one evening")
    lineage.add_argument("file", nargs="?", default="-")
    lineage.add_argument("--picture", type=int, metavar="NUMBER", help="this fragment and everybody it descends from")
    lineage.add_argument("--evening", type=datetime.date.fromisoformat, metavar="DATE", help="what came on a day, such as 2026-11-26")
    compact = commands.add_parser("compact", help="merge old pictures that are near-duplicates")
    compact.add_argument("--days", type=int, default=strata.AGE, help="how old they must be; default %(default)s")
    commands.add_parser("snapshot", help="copy the archive")
    prior = commands.add_parser("prior", help="the noise that the nights have fitted: list, or put one back")
    prior.add_argument("night", nargs="?", default="", help="a night's date, or none")
    back = commands.add_parser("restore", help="put a copy in the archive's place")
    back.add_argument("name", nargs="?", default="", help="a copy's date; default: the newest")
    back.add_argument("--from", dest="place", type=Path, metavar="FOLDER", help="where `archive copy` has put copies: also on a blank machine")
    abroad_copy = commands.add_parser("copy", help="bring the newest copy to another disk or a mounted share")
    abroad_copy.add_argument("place", type=Path, metavar="FOLDER")
    abroad_copy.add_argument("--nights", type=int, default=14, help="copies that are kept there; default %(default)s")
    arguments_of_servers(commands)
    return parser


def _there(folder: Path) -> None:
    if not (folder / FILE).exists() and not copies.snapshots(folder):
        raise ArchiveError(f"{folder}: no archive is there; `hypermnesia run` makes one, --archive FOLDER names another")


def _open(folder: Path, arguments: argparse.Namespace) -> Archive:
    if arguments.server:
        return reach(folder, arguments.server, arguments.venue)
    _there(folder)
    return Archive(folder)


def status(folder: Path, arguments: argparse.Namespace) -> int:
    """What is remembered: fragments by kind, mass, bytes, copies."""
    archive = _open(folder, arguments)
    print(f"{archive.place}: {archive.count()} fragments, mass {archive.mass:g}, {archive.size / 1e6:.1f} MB on disk")
    for number, kind in enumerate(KINDS):
        print(f"  {kind:10} {archive.count(f'kind = {number}'):8}")
    recipes, crowds = archive.count("state = 0 AND id < 0"), archive.count("state = 0 AND id <= ?", -FIRST_BY_HASH)
    print(f"  recipes that became parents {recipes}: {recipes - crowds} of the founding table, {crowds} of crowds for words")
    if waiting := archive.count("state = 0 AND id IN (SELECT p.fragment FROM picture p WHERE p.space LIKE 'embedded %' AND p.c = 4)"):
        print(f"  {waiting} pictures of an older model come over while a show runs, three a second at most")
    print(f"  withdrawn  {archive.count('state = 1'):8}\n  in strata  {archive.count('state = 2'):8}")
    print(f"  without a picture yet {len(archive.owed())}, depth at most {max((f.depth for f in archive.select()), default=0)}")
    nights = copies.snapshots(folder)
    print(f"  snapshots: {', '.join(path.stem for path in nights) if nights else 'none'}")
    if waiting := len(withdrawal.Journal(folder).begun()):
        print(f"  {waiting} withdrawals are not finished: the next start, or `hypermnesia archive forget CODE` again, finishes them")
    return 0


def show(folder: Path, arguments: argparse.Namespace) -> int:
    """One fragment: its words if a crowd has written them, and whom it descends from."""
    archive = _open(folder, arguments)
    found = archive.fragment(arguments.id)
    if found is None:
        return _show_recipe(archive, arguments.id)
    crowd = Crowd()
    for one in archive.select("state = 0 AND kind IN (1, 2)"):
        crowd.add(one.words, one.visit)

    def words(text: str) -> str:
        return repr(text) if text and crowd.allows(text) else "(nobody's to show)"

    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=found.day)
    print(f"{found.id}: {_kind(found.id, found)}, {day}, mass {found.mass:g}, depth {found.depth}, gap {found.gap:.3f}, {words(found.words)}")
    for parent, share in archive.parents(found.id)[:12]:
        other = archive.fragment(parent)
        print(f"  parent   {parent:14} {share:6.1%} {_kind(parent, other):9} {words(other.words) if other else ''}")
    line = archive.lines([found.id]).get(found.id)
    if line:
        for one_id, share in list(zip(line.ids.tolist(), line.shares.tolist(), strict=True))[:12]:
            print(f"  ancestor {one_id:14} {share:6.1%}")
        print(f"  {line.count} distinct ancestors, {line.rest:.1%} of the mass is theirs who are not named")
    return 0


def _kind(number: int, found: Fragment | None) -> str:
    return "recipe" if number < 0 else found.kind if found else "?"


def _show_recipe(archive: Archive, number: int) -> int:
    """What a number means that the archive does not hold: a recipe of the table that nothing descends from yet."""
    from engine.mind.memory.founding import FILE as TABLE
    from engine.mind.memory.founding import load

    table = load(SHIPPED / TABLE)
    if 0 <= (row := -1 - number) < len(table):
        print(f"{number}: founding, a recipe of the {len(table)} that ship, not kept: no picture here descends from it, {table.captions[row]!r}")
        return 0
    last = max((f.id for f in archive.select()), default=0)
    kept = archive.count("id < 0")
    raise ArchiveError(
        f"there is no fragment {number}; ids go from 1 to {max(0, last)}, those of recipes from -1 to {-len(table)}, "
        f"and {kept} recipes are kept here"
    )


def forget(folder: Path, arguments: argparse.Namespace) -> int:
    """Take back what a code was given for, in copies too. ArchiveError for a code that nobody was given."""
    archive = _open(folder, arguments)
    if not archive.knows(arguments.code):
        raise ArchiveError(f"{arguments.code}: nobody was given this code")
    withdrawal.withdraw(archive, withdrawal.Journal(folder), archive.code(arguments.code))
    print(f"fragment {archive.find(arguments.code)} is taken back: its words, vectors and picture are off the disk, in copies too")
    if arguments.server:
        left = archive.holders(archive.code(arguments.code))
        print(f"copies remain in the houses {', '.join(left)}, until they are heard of" if left else "the last copy is gone")
    archive.close()
    return 0


def write_lineage(folder: Path, arguments: argparse.Namespace) -> int:
    """Write lineage as PROV-JSON to a file or, for "-", to stdout: of everything, one picture or one evening."""
    archive, only = _open(folder, arguments), None
    if arguments.picture is not None:
        if archive.fragment(arguments.picture) is None:
            _show_recipe(archive, arguments.picture)  # says what the number means, or which there are
            raise ArchiveError(f"{arguments.picture} is not kept here: it has no lineage")
        only = ancestry(archive, [arguments.picture])
    elif arguments.evening and not (only := evening(archive, arguments.evening)):
        raise ArchiveError(f"nothing came into this memory on {arguments.evening}")
    if arguments.file == "-":
        export(archive, sys.stdout, only)
        return 0
    path = Path(arguments.file)
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as out:
        count = export(archive, out, only)
    fresh.replace(path)
    print(f"{path}: the lineage of {count} fragments")
    return 0


def compact(folder: Path, arguments: argparse.Namespace) -> int:
    """Merge old pictures that are near-duplicates; mass stays what it was."""
    archive = _open(folder, arguments)
    before, mass = archive.count("state = 0"), archive.mass
    for space in archive.spaces():
        strata.merge_near_duplicates(archive, space, arguments.days)
    archive.vacuum()
    print(f"{before} fragments became {archive.count('state = 0')}; mass {mass:g} before, {archive.mass:g} now")
    return 0


def prior(folder: Path, arguments: argparse.Namespace) -> int:
    """List the noise that the nights have fitted, or put one night's back. ArchiveError for a night without one."""
    archive = _open(folder, arguments)
    nights = [one.night for one in priors.history(archive)]
    if arguments.night:
        if arguments.night != "none" and arguments.night not in nights:
            raise ArchiveError(f"no prior was fitted in the night of {arguments.night}; {nearest(arguments.night, [*nights, 'none'])}")
        priors.put_back(archive, "" if arguments.night == "none" else arguments.night)
    acts = priors.acting(archive)
    for one in priors.history(archive):
        print(f"  {one.night}  KL {one.kl:.4f} nats a number of at most {priors.KAPPA:g}{'  acts' if acts and acts.night == one.night else ''}")
    print("noise is N(0, I)" if acts is None else f"noise is as the night of {acts.night} has left it")
    archive.close()
    return 0


def snapshot(folder: Path, arguments: argparse.Namespace) -> int:
    """Copy the archive now, beside itself."""
    path = copies.snapshot(_open(folder, arguments))
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


def copy(folder: Path, arguments: argparse.Namespace) -> int:
    """Bring the newest copy to another disk, and verify it there."""
    _there(folder)
    path = abroad.copy(folder, arguments.place, arguments.nights)
    print(f"{path}: verified, {(path / FILE).stat().st_size / 1e6:.1f} MB, {len(abroad.found(arguments.place))} copies there")
    return 0


def restore(folder: Path, arguments: argparse.Namespace) -> int:
    """Put a copy in the archive's place; what was there is kept, and what was taken back stays taken back."""
    if arguments.place:
        path = abroad.restore(folder, arguments.place, arguments.name)
        before = f"; what was there lies in {folder / 'memory.before-restore'}" if (folder / "memory.before-restore").exists() else ""
        print(f"the memory is that of {path}{before}")
        return 0
    path = restoring.restore(folder, arguments.name, withdrawal.Journal(folder).all())
    print(f"{path.stem} is back; what was there lies in {folder / 'memory.before-restore'}")
    return 0


_COMMANDS = {
    "status": status, "show": show, "forget": forget, "export": write_lineage,
    "compact": compact, "snapshot": snapshot, "copy": copy, "prior": prior, "restore": restore,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
