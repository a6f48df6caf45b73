"""`hypermnesia desk`: where the operator's desk of this machine is, with its token. Only who may read the show's home learns it."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.core.errors import Plain
from engine.core.machine import Machine, home

TOKEN, OPEN = "token", "desk"  # files in the doors' folder


def kept_token(folder: Path) -> str:
    """The desk's token where machine.toml names none: made once, and kept for every later start."""
    path = folder / TOKEN
    with contextlib.suppress(OSError):
        if found := path.read_text().strip():
            return found
    token = secrets.token_urlsafe(12)
    with contextlib.suppress(OSError):  # a full disk: this show has a token, the next another
        _write(path, token)
    return token


@contextlib.contextmanager
def announced(folder: Path, address: str) -> Iterator[None]:
    """While a show runs, where its desk is lies in a file that only its user may read."""
    path = folder / OPEN
    with contextlib.suppress(OSError):
        _write(path, f"{os.getpid()} {address}")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def running(folder: Path) -> str:
    """The desk's address of the show that runs from this doors' folder now, with its token; "" where none does."""
    try:
        number, _, address = (folder / OPEN).read_text().strip().partition(" ")
        os.kill(int(number), 0)
        return address
    except (OSError, ValueError):
        return ""


def address(host: str, port: int, token: str) -> str:
    """Where a desk is, seen from its own machine."""
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/desk?token={token}"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")


def main(argv: Sequence[str]) -> int:
    """Print the address; 1 where no show runs, with the address that it will have."""
    parser = argparse.ArgumentParser(prog="hypermnesia desk", description="Print where the operator's desk is, with its token.")
    parser.add_argument("--home", type=Path, default=None, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    options = parser.parse_args(argv)
    folder = (options.home or home()) / "doors"
    if there := running(folder):
        print(there)
        return 0
    try:
        machine = Machine.read(options.machine) if options.machine else Machine()
    except Plain as wrong:
        print(f"hypermnesia desk: {wrong}", file=sys.stderr)
        return 2
    token = machine.doors.token or kept_token(folder)
    print(address(machine.doors.host, machine.doors.web, token))
    print("no show runs here; this is where the desk will be", file=sys.stderr)
    return 1
