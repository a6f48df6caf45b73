"""`hypermnesia sign`: files of earlier days say where they come from; and whether a file still says the truth.

Recordings, stills and sound are signed by the show itself; this is for what was made before, or what a full disk left.
How a file was made is said only where it was written down while it was made.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from engine.core.errors import Plain
from engine.core.machine import Machine, OriginFacts, home
from engine.origin import credential
from engine.origin.account import Making
from engine.origin.keys import ROOT, OriginError, keys
from engine.origin.mark import mark
from engine.origin.unsigned import Unsigned

EXAMPLES = """examples:
  hypermnesia sign show-2026-03-01-140000.mp4      put a credential into it, in place
  hypermnesia sign --check show.mp4                whose it is, and whether a byte has changed
  hypermnesia sign --left                          what shows before this one left unsigned
  hypermnesia sign --keys                          where the key lies, and the certificate that others may trust
"""


def signed(file: Path, folder: Path, facts: OriginFacts, making: Making | None = None, source: str = credential.COMPOSITE) -> bool:
    """Sign a file, with what is known of its making; False where it carries a credential already.

    `folder` is the installation's `origin`, `source` the kind of media, by IPTC. Raises OriginError, OSError; then it is still on the list of the unsigned.
    """
    unsigned = Unsigned(folder)
    with unsigned.taking_turns():
        _, what = credential.format_of(file)
        if fresh := not credential.read(file).state:
            making = making or unsigned.making(file) or Making()
            credential.sign(file, credential.credential(what, making, _mark(file) if what == "a still" else b"", source), keys(folder, facts))
        unsigned.drop(file)
    return fresh


def _mark(still: Path) -> bytes:
    """By which a still is found again when somebody has taken its credential away. Raises OriginError, OSError."""
    try:
        with Image.open(still) as picture:
            return mark(np.asarray(picture.convert("RGB")))
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as wrong:
        raise OriginError(f"{still} is no picture that can be read: {wrong}") from None


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status: 1 where a file could not be signed, or is not what it was."""
    options = _parser().parse_args(argv)
    folder = (options.home or home()) / "origin"
    try:
        facts = (Machine.read(options.machine) if options.machine else Machine()).origin
        if options.keys:
            keys(folder, facts)
            trust = facts.certificate or folder / ROOT
            print(f"signing with {facts.key or folder / 'key.pem'}; whoever trusts {trust} sees who signed")
            return 0
        files = [*options.files, *(Unsigned(folder).all() if options.left else ())]
        if not files and not options.left:
            raise OriginError("which file? hypermnesia sign FILE…; hypermnesia sign --help has examples")
    except (Plain, OSError) as wrong:
        print(f"hypermnesia sign: {wrong}", file=sys.stderr)
        return 2
    done = [(_check(file, folder, facts) if options.check else _sign(file, folder, facts)) for file in files]
    return 0 if all(done) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "hypermnesia sign", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--check", action="store_true", help="change nothing: say whose each file is and whether it is whole")
    parser.add_argument("--left", action="store_true", help="also the files that earlier shows left unsigned")
    parser.add_argument("--keys", action="store_true", help="make a key if there is none, and say where it lies")
    parser.add_argument("--machine", type=Path, metavar="FILE", help="facts of this machine (see install/machine.toml)")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=f"where the memory lives (default {home()})")
    return parser


def _sign(file: Path, folder: Path, facts: OriginFacts) -> bool:
    try:
        print(f"{file}: {'signed' if signed(file, folder, facts) else 'says already where it comes from'}")
    except (Plain, OSError) as wrong:
        print(f"hypermnesia sign: {wrong}", file=sys.stderr)
        return False
    return True


def _check(file: Path, folder: Path, facts: OriginFacts) -> bool:
    """Say what the reference library says, in words."""
    try:
        trust = Path(facts.certificate).expanduser() if facts.certificate else folder / ROOT
        verdict = credential.read(file, trust.read_bytes() if trust.exists() else b"")
    except (Plain, OSError) as wrong:
        print(f"hypermnesia sign: {wrong}", file=sys.stderr)
        return False
    said = {
        "": "it says nothing of where it comes from", "Trusted": f"whole, and signed here, by {verdict.signer}",
        "Valid": f"whole, and signed by {verdict.signer}, whom nobody here knows",
    }  # fmt: skip
    print(f"{file}: {said.get(verdict.state, 'NOT what was signed: ' + ', '.join(verdict.wrong))}")
    if (how := verdict.making) and (line := verdict.lineage):
        kinds = ", ".join(f"{kind} {share:.0%}" for kind, share in sorted(line["kinds"].items(), key=lambda pair: -pair[1]))
        print(f"  hypermnesia {how['engine']}, {how.get('model')}, {how['pictures']} pictures; {kinds}, unnamed {line['unnamed']:.0%};")
        print(f"  at least {line['ancestors']} ancestors, depth {line['depth']}")
    return verdict.sound


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
