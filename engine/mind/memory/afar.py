"""How a house comes to a memory that lies on a server, and goes on without it.

The server, if it answers. Else the house's own file: the newest nightly copy of that memory, with all that is said from then
on, counted in a block of numbers that the server gave when it was there last. When it answers again the mind starts anew,
and before it opens what the file has gathered goes over (`reconcile.py`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.machine import Machine
from engine.mind.memory import opening
from engine.mind.memory.archive import FILE, Archive, ArchiveError
from engine.mind.memory.base import BLOCK, CODES, CORPUS, born_with
from engine.mind.memory.copies import alone, put_in_order, remove, set_aside, snapshots, state, sync
from engine.mind.memory.opening import Found, Opened, refuses
from engine.mind.memory.withdrawal import Journal, finish, purge

if TYPE_CHECKING:
    from engine.mind.memory.server import Served

log = logging.getLogger("engine.mind")
HOUSE = "house"  # the file that says how the server knows this house
AWAY = "away"  # the fact of a file that goes on alone: since which day
BEFORE = "memory.before-reconcile.sqlite"  # such a file, once all of it is on the server; it is cleaned like any copy
MISSING = "a memory on PostgreSQL needs its extra: pip install 'hypermnesia[memory]'"


@dataclass(frozen=True, slots=True)
class Known:
    """How the server knows this house, in a file that it alone can read."""

    mark: str  # by which it is known again
    salt: str  # of the memory, hex: whoever has it can make its codes
    block: int  # of numbers, for when this house goes on alone

    @staticmethod
    def read(folder: Path) -> Known | None:
        try:
            return Known(**json.loads((folder / HOUSE).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        fresh = folder / f"{HOUSE}.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file)
        sync(fresh)
        fresh.replace(folder / HOUSE)


def is_server(where: str) -> bool:
    """Whether this is the address of a server, not a folder."""
    return where.startswith(("postgresql://", "postgres://"))


def reach(folder: Path, server: str, venue: str) -> Served:
    """The archive on a server, `folder` being this house's. Raises server.Away, ArchiveError."""
    try:
        from engine.mind.memory.server import Served
    except ImportError as wrong:
        if (wrong.name or "").split(".")[0] not in ("psycopg", "psycopg_binary"):
            raise
        raise ArchiveError(MISSING) from wrong
    return Served(folder, address=server, venue=venue)


def looked_into(folder: Path, machine: Machine) -> Archive | None:
    """The memory of a house for a command that reads it, on its server or in `folder`; None where there is none yet. Raises ArchiveError."""
    if machine.memory.archive:
        return reach(folder, machine.memory.archive, machine.mind.site)
    return Archive(folder) if (folder / FILE).exists() else None


def opened(folder: Path, server: str, venue: str, patience: float = 2.0) -> Opened:
    """Open the memory of a house, here or on its server, whatever state it is in. Raises InUse where somebody else plays with it;
    ArchiveError where the server answers and cannot be this house's."""
    if not server or refuses(folder):
        return opening.opened(folder, patience)
    with contextlib.ExitStack() as held:
        held.enter_context(alone(folder, patience))
        put_in_order(folder)
        try:
            archive = reach(folder, server, venue)
        except ArchiveError as wrong:
            if type(wrong) is ArchiveError:
                raise
            log.warning("%s", wrong)
            return Opened(*_without(folder, str(wrong)), held.pop_all())
        held.callback(archive.close)
        _come_back(folder, archive)
        _be_known(folder, archive)
        return Opened(archive, Found(), held.pop_all())


def look(folder: Path, server: str, venue: str) -> Found:
    """The same before any room is there: the memory is put in order, and left."""
    if not server:
        return opening.look(folder)
    there = opened(folder, server, venue, 15.0)
    there.close()
    return there.found


def born(folder: Path, server: str, venue: str) -> str:
    """The founding corpus of the memory, as far as that can be known now; "" where it has none yet."""
    if server:
        with contextlib.suppress(ArchiveError), contextlib.closing(reach(folder, server, venue)) as archive:
            return archive.fact(CORPUS).decode()
    nights = snapshots(folder)
    return born_with(folder) or (born_with(nights[-1].parent, nights[-1].name) if server and nights else "")


def examined(server: str) -> tuple[str, str]:
    """(what a server is, what is wrong with it or ""). Changes nothing there."""
    try:
        from engine.mind.memory.link import Link

        with contextlib.closing(Link(server)) as link:
            (version,) = link.execute("SELECT split_part(current_setting('server_version'), ' ', 1)").fetchone()  # type: ignore[misc]
            vector = link.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'").fetchone()
            if vector is None:
                return f"PostgreSQL {version} without pgvector", "install its package pgvector there: without it nothing is remembered"
            if link.execute("SELECT to_regclass('fragment') IS NULL").fetchone()[0]:  # type: ignore[index]
                return f"PostgreSQL {version} with pgvector {vector[0]}, no memory in it yet", ""
            (count, houses) = link.execute("SELECT (SELECT count(*) FROM fragment), (SELECT count(*) FROM venue)").fetchone()  # type: ignore[misc]
            return f"PostgreSQL {version} with pgvector {vector[0]}: {count} fragments, {houses} houses", ""
    except ImportError:
        return "its extra is missing", MISSING
    except sqlite3.Error as wrong:
        return "does not answer", f"{wrong}; the show plays on with what this house has of it"


def turned(archive: Archive, server: str) -> str:
    """Why a mind is to start anew: its server went away, or answers again; "" for neither. Up to 3 s where it does not answer."""
    if not server:
        return ""
    if archive.cut_off or archive.passing:
        with contextlib.suppress(sqlite3.Error):
            from engine.mind.memory.link import Link

            Link(server).close()
            return "the memory's server answers again: the mind starts anew, and what was kept here goes there"
        return ""
    return "" if archive.answers() else "the memory's server does not answer: the mind starts anew with what this house has of it"


def _be_known(folder: Path, archive: Served) -> None:
    """The server knows this house, and this house how to go on without it."""
    known = Known.read(folder)
    mark = known.mark if known else os.urandom(8).hex()
    Known(mark, archive.salt.hex(), archive.join(mark)).write(folder)
    journal = Journal(folder)
    for code in archive.remains():  # what others took back, out of the copies here
        journal.begin(code)
        finish(archive, journal, code)


def _come_back(folder: Path, archive: Served) -> None:
    """What the own file has gathered goes to the server, if there is one. Raises ArchiveError for a memory that never was the server's."""
    path = folder / FILE
    if not path.exists():
        return
    with contextlib.closing(Archive(folder)) as local:
        if not local.fact(BLOCK):
            if local.count():
                raise ArchiveError(f"{path} is a memory of its own, of {local.count()} fragments: `hypermnesia archive move {folder} {archive.place}` brings it there")
        else:
            from engine.mind.memory.reconcile import reconcile

            brought = reconcile(local, archive, Journal(folder))
            log.info("%d fragments that were kept here are on the memory's server now (mass %g)", brought.fragments, brought.mass)
            local.flush()
            with (folder / CODES).open("ab") as codes:  # the next time that the server is away they can be taken back, too
                codes.write(b"".join(local.given()))
    remove(folder / BEFORE)
    path.replace(folder / BEFORE)
    remove(path)
    sync(folder)


def _without(folder: Path, why: str) -> tuple[Archive, Found]:
    """The file of a house that goes on alone: the one it has, or the newest copy, or an empty one of the same memory."""
    path, known = folder / FILE, Known.read(folder)
    if path.exists() and (how := state(path)) != "ok":
        log.warning("%s was %s and is kept as %s", FILE, how, set_aside(path).name)
    if not path.exists():
        if known is None:
            return Archive(folder, passing=True), Found(f"what is said is not remembered until the memory's server answers, for this house has never met it ({why})", False)
        _begin(folder, known)
    return Archive(folder), Found(f"what is said is kept in this house and goes to the memory's server when it answers ({why})")


def _begin(folder: Path, known: Known) -> None:
    fresh = folder / "memory.away.new"
    remove(fresh)
    if nights := snapshots(folder):
        shutil.copyfile(nights[-1], fresh)
    with contextlib.closing(Archive(folder, fresh.name)) as archive:
        archive.set_fact("salt", bytes.fromhex(known.salt))
        archive.salt = bytes.fromhex(known.salt)
        archive.set_fact(BLOCK, str(known.block).encode())
        archive.set_fact(AWAY, archive.date.encode())
        purge(archive, Journal(folder).all())
        archive.lies_elsewhere(given(folder))
        archive.flush()
    sync(fresh)
    fresh.replace(folder / FILE)
    sync(folder)


def given(folder: Path) -> list[bytes]:
    """Hashes of codes that were given here since the last copy: they can be taken back while the server is away."""
    path = folder / CODES
    data = path.read_bytes() if path.exists() else b""
    return [data[at : at + 16] for at in range(0, len(data) - 15, 16)]
