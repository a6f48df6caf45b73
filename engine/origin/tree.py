"""`hypermnesia tree`: the family tree of a picture on a sheet of paper, as SVG or PDF, to be given to whoever said it."""

from __future__ import annotations

import argparse
import datetime
import sqlite3
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import Plain
from engine.core.machine import Machine, home
from engine.mind.memory.afar import looked_into
from engine.mind.memory.archive import Archive
from engine.origin.account import Making
from engine.origin.family import Family, family
from engine.origin.keys import OriginError
from engine.origin.sheet import KINDS, Faces, sheet, write
from engine.origin.sign import signed


def decoded(archive: Archive) -> Faces:
    """Pictures of fragments that the embedded model painted, of this version or one before; of another model's there are none here."""
    import torch

    from engine.mind.model import embedded
    from engine.mind.model.lapped import Lapped

    codec, now = Lapped.load(embedded.FOLDER / "codec"), embedded.space()
    spaces = sorted((space for space in archive.spaces() if space.startswith("embedded ")), key=lambda space: space != now)

    def face(number: int) -> NDArray[np.uint8] | None:
        kept = (archive.latents([number], space).get(number) for space in spaces)
        latent = next((one for one in kept if one is not None and len(one) == codec.channels), None)
        if latent is None:
            return None
        with torch.inference_mode():
            rgb = codec.decode(torch.from_numpy(latent).float()[None])[0].clamp(0, 1)
        return np.asarray((rgb * 255).round().byte().permute(1, 2, 0).contiguous().numpy())

    return face


def main(argv: Sequence[str]) -> int:
    """Run the command; what is wrong is said in one sentence."""
    parser = argparse.ArgumentParser("hypermnesia tree", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("of", help="the number of a memory, or the code that a visitor was given: then their own words stand there")
    parser.add_argument("file", type=Path, help="the .svg or .pdf to write")
    parser.add_argument("--generations", type=int, default=3, choices=range(1, 5), help="how far back (default %(default)s)")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    options = parser.parse_args(argv)
    where = options.home or home()
    try:
        machine = Machine.read(options.machine) if options.machine else Machine()
        archive = looked_into(where / "archive", machine)
        if archive is None:
            raise OriginError(f"{where}: there is no memory yet; hypermnesia run makes one, --home FOLDER names another")
        number, own = _number(archive, options.of)
        tree = family(archive, number, options.generations, own)
        write(sheet(tree, decoded(archive), datetime.date.today()), options.file)
        if machine.origin.sign:
            signed(options.file, where / "origin", machine.origin, _making(tree))
        archive.close()
    except (Plain, OSError, sqlite3.Error) as wrong:
        print(f"hypermnesia tree: {wrong}", file=sys.stderr)
        return 2
    print(f"{options.file}: {tree.count} ancestors of memory {number}, {len(tree.generations) - 1} generations drawn of {tree.depth}")
    return 0


def _number(archive: Archive, said: str) -> tuple[int, bool]:
    """(fragment, whether its own words may stand there) of a number or a code. Raises OriginError."""
    if said.lstrip("-").isdigit():
        if archive.fragment(int(said)) is None:
            raise OriginError(f"there is no memory {said}; `hypermnesia archive status` counts them, the last is {archive.last}")
        return int(said), False
    if not (found := archive.find(said)):
        raise OriginError(f"{said}: nobody was given this code")
    return found, True


def _making(tree: Family) -> Making:
    """What the credential of the sheet says: of the picture that it shows."""
    kinds: dict[str, float] = {}
    for member in tree.generations[1] if len(tree.generations) > 1 else ():
        if member.kind in KINDS and member.fragment:
            kinds[member.kind] = round(kinds.get(member.kind, 0.0) + member.share, 4)
    rest = round(max(0.0, 1.0 - sum(kinds.values())), 4)
    root = tree.root
    return Making(version("hypermnesia"), "", (root.structure,), (str(root.seed),), 1, kinds, rest, tree.depth, tree.count)
